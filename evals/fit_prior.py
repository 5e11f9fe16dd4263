"""Measures how common words are in releases, for ``qa/prior.json``.

    python -m evals.fit_prior INDEX ... [--out qa/prior.json]

For each stemmed term the mean, over the indexes, of the share of texts that hold it; terms in less than
LEAST of them are left out.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from pathlib import Path

from index.store import Store

LEAST = 0.01


def shares(store: Store) -> dict[str, float]:
    """The share of an index's texts that hold each term, where it is worth keeping."""
    total = store.text_count()
    return {term: count / total for term, count in store.common_terms(total // 1000).items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("indexes", nargs="+", type=Path)
    parser.add_argument("--out", type=Path, default=Path("qa/prior.json"))
    args = parser.parse_args()
    sums: dict[str, float] = defaultdict(float)
    for folder in args.indexes:
        store = Store(folder)
        for term, share in shares(store).items():
            sums[term] += share / len(args.indexes)
        store.close()
    kept = {term: round(share, 3) for term, share in sorted(sums.items()) if share >= LEAST}
    args.out.write_text(json.dumps(kept, indent=0, ensure_ascii=False) + "\n", "utf-8")
    print(f"{len(kept)} terms in {args.out}")


if __name__ == "__main__":
    main()
