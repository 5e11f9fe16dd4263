"""A run in a process of its own, to be killed or raced: FOLDER SOURCE DELAY. Prints as it goes."""

from __future__ import annotations

import sys
from pathlib import Path

from index_fakes import FakeEmbedder

from index import sync

if __name__ == "__main__":
    folder, source, delay = Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])
    sync.BATCH = 3
    sync.index_path(
        folder,
        source,
        "fake",
        FakeEmbedder(delay=delay),
        lambda progress: print(progress.embedded, flush=True),
    )
    print("done", flush=True)
