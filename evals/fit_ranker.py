"""Fits the ranking of passages, ``qa/ranker.json``, to questions over releases and public sets.

    python -m evals.fit_ranker SET=INDEX ... [--out qa/ranker.json]

A SET is a file of training questions (see ``evals.training.examples``), or a public set
(``scifact:FOLDER``, see ``evals.benchmarks.public``); each goes with its index. The candidates are those
that the product itself retrieves. The weights are linear under a softmax over a question's candidates.
All figures printed are of questions that the weights did not see (five folds).
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from index.embed import SentenceTransformerEmbedder
from index.store import Store
from index.types import Filters, Hit
from qa import Settings
from qa.rank import NAMES
from qa.retrieve import Retriever

from .benchmarks.public_sets import READERS, read
from .fit_reader import FOLDS, Bound, Floats, fit_scorer
from .metrics import covers
from .questions import Evidence
from .training.examples import questions

BOUNDS: dict[str, Bound] = {
    "company": (0.5, None),
    "other_company": (None, -0.5),
    "period": (None, -1.0),
    "latest": (3.0, None),
    "earliest": (2.0, None),
    "recent": (0.2, None),
    "pairs": (0.0, None),
}
"""Least and most of weights that too few questions tell: what a question says in so many words holds."""

PUBLIC = 150
"""About so many questions of a public set are fitted to, so that they do not outweigh the others."""


@dataclass(frozen=True, slots=True)
class Example:
    """A question's candidates: their features, a row each, and which are gold."""

    set: str
    features: Floats
    gold: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as the product is asked it, and its gold: spans of releases (None: the whole of one)."""

    question: str
    gold: tuple[tuple[str, tuple[int, int] | None], ...]


def asked(name: str) -> Iterator[Asked]:
    """The answerable questions of a set."""
    kind, _, folder = name.partition(":")
    if kind in READERS:
        collection = read(kind, Path(folder))
        for id_, question in collection.questions.items():
            yield Asked(question, tuple((document, None) for document in collection.relevant[id_]))
        return
    for found in questions(Path(name)):
        if found.evidence:
            yield Asked(found.question, tuple((found.release, span) for span in found.evidence))


def is_gold(hit: Hit, gold: Sequence[tuple[str, tuple[int, int] | None]]) -> bool:
    """Whether the hit holds half of a gold span, or is of a release that is gold as a whole."""
    return any(
        covers(hit, Evidence(release, *span)) if span else release == hit.release_id
        for release, span in gold
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("sets", nargs="+", metavar="SET=INDEX")
    parser.add_argument("--out", type=Path, default=Path("qa/ranker.json"))
    args = parser.parse_args()
    examples: list[Example] = []
    embedder: SentenceTransformerEmbedder | None = None
    for name, _, index in (pair.rpartition("=") for pair in args.sets):
        store = Store(Path(index))
        made = store.manifest
        embedder = embedder or SentenceTransformerEmbedder(made.embedder, made.number_type)
        retriever = Retriever(store, embedder, Settings().retrieval)
        examples += examined(name, retriever)
        store.close()
    folds = np.random.default_rng(0).permutation(len(examples)) % FOLDS
    scores: dict[int, Floats] = {}
    for k in range(FOLDS):
        weights = fit([e for e, fold in zip(examples, folds, strict=True) if fold != k])
        scores |= {i: examples[i].features @ weights for i in np.flatnonzero(folds == k).tolist()}
    fused = NAMES.index("fused")
    for name in dict.fromkeys(e.set for e in examples):
        own = [i for i, e in enumerate(examples) if e.set == name]
        print(f"{name[-40:]:40} {len(own):5} questions")
        tell("plain fusion", [examples[i] for i in own], [examples[i].features[:, fused] for i in own])
        tell("fitted, held out", [examples[i] for i in own], [scores[i] for i in own])
    weights = fit(examples)
    scale = np.concatenate([e.features for e in examples]).std(axis=0)
    for i in np.argsort(-np.abs(weights * scale)):
        print(f"{NAMES[i]:20} {weights[i]:8.3f} {weights[i] * scale[i]:8.3f}")
    fitted = {
        "made by": "python -m evals.fit_ranker",
        "sets": dict(Counter(e.set.rpartition("/")[2] if "/" in e.set else e.set for e in examples)),
        "bounds": BOUNDS,
        "weights": dict(zip(NAMES, np.round(weights, 4).tolist(), strict=True)),
    }
    args.out.write_text(json.dumps(fitted, indent=2) + "\n", "utf-8")
    print(f"wrote {args.out}")


def examined(name: str, retriever: Retriever) -> Iterator[Example]:
    """The examples that a set gives; questions without a candidate aside."""
    for one in track(list(asked(name)), f"{name[-24:]:24}"):
        query = retriever.query(one.question)
        found, shared = retriever.candidates(query, Filters(), Settings().retrieval.candidates)
        if found:
            gold = np.array([is_gold(f.hit, one.gold) for f in found], dtype=bool)
            yield Example(name, shared.features, gold)


def fit(examples: Sequence[Example]) -> Floats:
    """The weights, with PUBLIC questions of each public set at most, evenly spread over it."""
    counts = Counter(example.set for example in examples)
    seen: Counter[str] = Counter()
    used = []
    for example in examples:
        public = example.set.partition(":")[0] in READERS
        step = max(counts[example.set] // PUBLIC, 1) if public else 1
        if seen[example.set] % step == 0:
            used.append(example)
        seen[example.set] += 1
    return fit_scorer(used, {NAMES.index(name): bound for name, bound in BOUNDS.items()})


def tell(label: str, examples: Sequence[Example], scores: Sequence[Floats]) -> None:
    """Prints how often gold is among the first 1, 5, 20 and all, and the mean reciprocal rank."""
    ranks = []
    for example, score in zip(examples, scores, strict=True):
        order = np.argsort(-score, kind="stable")
        ranks.append(int(np.argmax(example.gold[order])) + 1 if example.gold.any() else 10**9)
    among = "  ".join(f"{k}: {np.mean([rank <= k for rank in ranks]):.3f}" for k in (1, 5, 20, 10**6))
    print(f"    {label:18} {among}  MRR {np.mean([1 / rank for rank in ranks]):.3f}")


if __name__ == "__main__":
    main()
