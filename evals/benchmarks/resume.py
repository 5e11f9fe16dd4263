"""Kills an indexing run half way, goes on, and compares what the index then finds.

    python -m evals.benchmarks.resume CORPUS REFERENCE_INDEX QUESTIONS.jsonl

REFERENCE_INDEX is an index that an uninterrupted `releaseqa index CORPUS` made. The run here goes into
a temporary folder, is killed with SIGKILL when half of the releases are in, and is started again. Then
the first 20 hits of up to 50 questions are compared: release, offsets and score.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from index.errors import StoreError
from index.store import Store
from qa import ReleaseQA

from ..questions import load

Found = list[tuple[str, int, int, float]]


def start(corpus: Path, index: Path) -> subprocess.Popen[str]:
    """An indexing run in a process of its own."""
    command = [sys.executable, "-m", "qa.cli", "index", str(corpus), "--index", str(index)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def releases(index: Path) -> int:
    """How many releases are committed; 0 before the index exists."""
    try:
        store = Store(index)
        try:
            return len(store.release_ids())
        finally:
            store.close()
    except StoreError:
        return 0


def killed_half_way(corpus: Path, index: Path, total: int) -> int:
    """Start, kill when half is in; returns how many releases the killed run left."""
    run = start(corpus, index)
    while releases(index) < total / 2 and run.poll() is None:
        time.sleep(0.2)
    run.kill()
    run.wait()
    return releases(index)


def found(index: Path, questions: list[str]) -> list[Found]:
    """The first 20 hits of each question."""
    with ReleaseQA.open(index) as qa:
        return [
            [(h.release_id, h.start, h.end, h.score) for h in qa.search(question, 20)]
            for question in questions
        ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("reference", type=Path)
    parser.add_argument("questions", type=Path)
    args = parser.parse_args()
    total = releases(args.reference)
    questions = [question.question for question in load(args.questions)][:50]
    with tempfile.TemporaryDirectory() as folder:
        index = Path(folder) / "resumed.index"
        left = killed_half_way(args.corpus, index, total)
        print(f"killed with {left:,} of {total:,} releases in the index")
        out, _ = start(args.corpus, index).communicate()
        print(out.strip())
        ours, theirs = found(index, questions), found(args.reference, questions)
    same_ids = sum([h[:3] for h in a] == [h[:3] for h in b] for a, b in zip(ours, theirs, strict=True))
    gaps = [
        abs(x[3] - y[3])
        for a, b in zip(ours, theirs, strict=True)
        for x, y in zip(a, b, strict=False)
        if x[:3] == y[:3]
    ]
    print(
        f"{same_ids} of {len(questions)} questions: the same 20 hits in the same order; largest "
        f"difference of a score {max(gaps, default=0.0):.6f}"
    )
    return 0 if same_ids == len(questions) else 1


if __name__ == "__main__":
    sys.exit(main())
