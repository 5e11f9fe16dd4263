"""An app in a process of its own that has FOLDER open; for each line on stdin, says what it sees."""

from __future__ import annotations

import sys
from pathlib import Path

from index_fakes import found

from index.store import Store

if __name__ == "__main__":
    store = Store(Path(sys.argv[1]))
    print(len(store.release_ids()), flush=True)
    for _ in sys.stdin:
        try:
            ids = store.release_ids()
            missing = {hit.release_id for hit in found(store, "body")} - set(ids)
            print(len(ids), len(missing), flush=True)
        except Exception as exc:
            print(f"{type(exc).__name__}: {exc}", flush=True)
    store.close()
