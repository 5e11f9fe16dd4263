"""How the time of a search grows with the index.

    python -m evals.benchmarks.scale INDEX QUESTIONS.jsonl WORK [--copies 33]

Makes an index in WORK that holds the releases of INDEX so many times over, each copy with a word of its
own in every passage (so that no text is shared) and its vectors moved a little; times the same questions
on both, in turn. Only the questions are embedded. What WORK has of an earlier run is used again.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.progress import track

from index.embed import SentenceTransformerEmbedder
from index.passages import cut
from index.store import DATABASE, Entry, Store, text_hash
from index.sync import current_vectors
from index.types import Filters, Passage, Release, Vectors
from qa import Settings
from qa.retrieve import Retriever

from ..questions import load
from ..run import HITS

NOISE = 0.02
"""Standard deviation of what is added to each number of a unit vector: its cosine stays about 0.93."""

BATCH = 200  # releases a transaction
RUNS = 3


def known(store: Store) -> dict[str, Vectors]:
    """The vector of every text."""
    ids = store.text_ids().tolist()
    parts = (ids[i : i + 5000] for i in range(0, len(ids), 5000))
    return {found.hit.quote: found.vector for part in parts for found in store.found(part)}


def copied(
    release: Release, vectors: dict[str, Vectors], copy: int
) -> tuple[Entry, dict[bytes, Vectors]]:
    """The copy of a release, and the vectors of its texts."""
    random = np.random.default_rng([copy, len(release.text)])
    text, passages, moved = "", [], {}
    for passage in cut(release.text)[1]:
        own = f"{passage.text} copy{copy}x{passage.start}x{release.id}"
        passages.append(Passage(len(text), len(text) + len(own), own, passage.section))
        text += own + "\n\n"
        vector = vectors[passage.text] + random.normal(0, NOISE, len(vectors[passage.text]))
        moved[text_hash(own)] = (vector / np.linalg.norm(vector)).astype(np.float32)
    twin = replace(release, id=f"{release.id}#{copy}", text=text)
    return Entry(twin, "copies", b"", (), tuple(passages)), moved


def copies(original: Store, work: Path, number: int) -> None:
    """Fill the index in ``work`` with what it lacks of so many copies of ``original``."""
    with closing(
        Store(work) if (work / DATABASE).exists() else Store.create(work, original.manifest)
    ) as store:
        vectors, ids = known(original), original.release_ids()
        done = set(store.release_ids())
        todo = [(id_, copy) for copy in range(number) for id_ in ids if f"{id_}#{copy}" not in done]
        for first in track(range(0, len(todo), BATCH), "copying"):
            made = [
                copied(original.release(id_), vectors, copy) for id_, copy in todo[first : first + BATCH]
            ]
            store.apply([entry for entry, _ in made], {h: v for _, own in made for h, v in own.items()})
        current_vectors(store)


def milliseconds(retriever: Retriever, questions: Sequence[str]) -> list[float]:
    """How long each question takes, from its words to its hits."""
    laps = []
    for question in questions:
        start = time.perf_counter()
        retriever.search(retriever.query(question), HITS, Filters())
        laps.append(1000 * (time.perf_counter() - start))
    return laps


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("index", type=Path)
    parser.add_argument("questions", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--copies", type=int, default=33)
    args = parser.parse_args()
    with closing(Store(args.index)) as small:
        copies(small, args.work, args.copies)
        with closing(Store(args.work)) as large:
            embedder = SentenceTransformerEmbedder(small.manifest.embedder, small.manifest.number_type)
            retrievers = [Retriever(store, embedder, Settings().retrieval) for store in (small, large)]
            questions = [question.question for question in load(args.questions)]
            laps: tuple[list[float], list[float]] = ([], [])
            for retriever in retrievers:
                milliseconds(retriever, questions)  # the first finds nothing in memory
            for _ in range(RUNS):
                for own, retriever in zip(laps, retrievers, strict=True):
                    own += milliseconds(retriever, questions)
            for store, own in zip((small, large), laps, strict=True):
                median, last = np.percentile(own, 50), np.percentile(own, 99)
                print(f"{store.text_count():9,} texts: median {median:.1f} ms, p99 {last:.1f} ms")
            print(f"ratio of the medians {np.median(laps[1]) / np.median(laps[0]):.2f}")


if __name__ == "__main__":
    main()
