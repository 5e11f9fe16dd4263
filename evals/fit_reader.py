"""Fits the extractive reader, ``qa/reader.json``, to questions over releases.

    python -m evals.fit_reader QUESTIONS.jsonl=INDEX ... [--out qa/reader.json]

Each question set goes with the index of the corpus it is about. A question is a JSON object a line:
question, release, answerable, evidence (start and end in that release), answers (accepted strings).
The candidates are those that the product itself retrieves and reads. Where several sets are given, some
questions of each are also asked of another's index, so that the reader learns what is off topic.

The two sentence scorers are linear under a softmax over a question's candidates; the probability that
the best sentence answers is a logistic regression whose inputs come from scorers that did not see the
question (five folds). Margin and threshold are chosen on the same held-out scores, and all figures
printed are held-out ones.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from rich.progress import track
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from index.embed import SentenceTransformerEmbedder
from index.store import Store
from index.types import Embedder, Filters
from qa import Settings
from qa.features import NAMES, Candidate, candidates, matrix
from qa.query import Query
from qa.read import ANSWER_NAMES, SHORTLIST_NAMES, answer_features, choose, shortlist, with_similarity
from qa.retrieve import Retriever

from .metrics import normalise

Floats = NDArray[np.float64]
Bound = tuple[float | None, float | None]
FOLDS = 5
PENALTY = 0.02  # of the squared weights of standardised features, a question
FOREIGN = 5
NEAR = 0.02  # how far below the best figure still counts as near it
MARGINS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0)


@dataclass(frozen=True, slots=True)
class Example:
    """A question, its candidates, their features (a row each), and which lie in its evidence."""

    query: Query
    candidates: list[Candidate]
    features: Floats
    gold: NDArray[np.bool_]
    answerable: bool
    answers: tuple[str, ...]


class Scorable(Protocol):
    """The features of a question's candidates, a row each, and which of them are gold."""

    @property
    def features(self) -> Floats: ...

    @property
    def gold(self) -> NDArray[np.bool_]: ...


def records(path: Path) -> list[dict[str, Any]]:
    """The questions of a file."""
    return [json.loads(line) for line in path.read_text("utf-8").split("\n") if line.strip()]


def examples(questions: Sequence[dict[str, Any]], retriever: Retriever, label: str) -> list[Example]:
    """The examples that questions give over an index, in their order; those without a hit aside."""
    found = [_example(retriever, record) for record in track(questions, f"{label:24}")]
    return [example for example in found if example.candidates]


def off_topic(questions: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """One in FOREIGN questions of another corpus, which this one cannot answer."""
    return [{**q, "release": "", "answerable": False} for q in questions[::FOREIGN]]


def _example(retriever: Retriever, record: dict[str, Any]) -> Example:
    query = retriever.query(record["question"])
    sentences = candidates(retriever.search(query, Settings().reading.passages, Filters(), longest=0))
    gold = [
        c.hit.release_id == record["release"]
        and any(_overlap(c, span["start"], span["end"]) for span in record["evidence"] or [])
        for c in sentences
    ]
    return Example(
        query,
        sentences,
        matrix(query, sentences),
        np.array(gold, dtype=bool),
        bool(record["answerable"]),
        tuple(record.get("answers") or ()),
    )


def _overlap(c: Candidate, start: int, end: int) -> bool:
    """Whether half of the sentence or half of the evidence is shared."""
    shared = min(c.end, end) - max(c.start, start)
    return shared >= 0.5 * min(c.end - c.start, end - start)


def fit_scorer(data: Sequence[Scorable], bounds: Mapping[int, Bound] | None = None) -> Floats:
    """Weights, one a feature, that put the gold rows first: softmax cross entropy.

    ``bounds`` holds the least and the most of some of them.
    """
    useful = [e for e in data if e.gold.any()]
    scale = np.concatenate([e.features for e in useful]).std(axis=0) + 1e-9
    scaled = [(e.features / scale, e.gold) for e in useful]

    def loss(weights: Floats) -> tuple[float, Floats]:
        value = float(PENALTY * len(scaled) * weights @ weights)
        gradient = 2 * PENALTY * len(scaled) * weights
        for features, gold in scaled:
            scores = features @ weights
            odds = np.exp(scores - scores.max())
            share, share_gold = odds / odds.sum(), np.where(gold, odds, 0) / odds[gold].sum()
            value -= float(np.log(share[gold].sum()))
            gradient += features.T @ (share - share_gold)
        return value, gradient

    limits: list[Bound] = [(None, None)] * len(scale)
    for i, (least, most) in (bounds or {}).items():
        limits[i] = (least and least * scale[i], most and most * scale[i])
    best = minimize(loss, np.zeros(len(scale)), jac=True, method="L-BFGS-B", bounds=limits)
    return np.asarray(best.x / scale, dtype=np.float64)


def held_out_scores(data: Sequence[Example], folds: NDArray[np.int64]) -> list[Floats]:
    """Each question's scores by a scorer fitted to the other folds."""
    weights = [
        fit_scorer([e for e, fold in zip(data, folds, strict=True) if fold != k]) for k in range(FOLDS)
    ]
    return [e.features @ weights[fold] for e, fold in zip(data, folds, strict=True)]


def shortlisted(example: Example, scores: Floats, embedder: Embedder) -> Example:
    """The example as the second model sees it."""
    best = shortlist(scores)
    found = [example.candidates[i] for i in best]
    features = with_similarity(example.features[best], found, example.query, embedder)
    return dataclasses.replace(example, candidates=found, features=features, gold=example.gold[best])


def right(example: Example, scores: Floats, margin: float) -> bool:
    """Whether the sentences chosen say all accepted strings, or hold gold where there are none."""
    chosen = choose(example.candidates, scores, margin, Settings().reading)
    if not example.answers:
        gold = zip(example.candidates, example.gold, strict=True)
        return example.answerable and any(hit and c in chosen for c, hit in gold)
    text = normalise(" ".join(c.text for c in chosen))
    return example.answerable and all(normalise(a) in text for a in example.answers)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("sets", nargs="+", metavar="QUESTIONS=INDEX")
    parser.add_argument("--out", type=Path, default=Path("qa/reader.json"))
    args = parser.parse_args()
    pairs = [pair.rpartition("=") for pair in args.sets]
    sets = [records(Path(questions)) for questions, _, _ in pairs]
    all_candidates: list[Example] = []
    embedder: SentenceTransformerEmbedder | None = None
    for i, (_, _, index) in enumerate(pairs):
        others = sets[(i + 1) % len(sets)] if len(sets) > 1 else []
        store = Store(Path(index))
        made = store.manifest
        embedder = embedder or SentenceTransformerEmbedder(made.embedder, made.number_type)
        retriever = Retriever(store, embedder, Settings().retrieval)
        all_candidates += examples([*sets[i], *off_topic(others)], retriever, Path(index).name)
        store.close()
    assert embedder is not None
    folds = np.random.default_rng(0).permutation(len(all_candidates)) % FOLDS
    answerable = np.array([e.answerable for e in all_candidates])
    first_scores = held_out_scores(all_candidates, folds)
    _tell_first("words alone", all_candidates, first_scores, answerable)
    data = [
        shortlisted(e, s, embedder)
        for e, s in zip(track(all_candidates, f"{'embedding':24}"), first_scores, strict=True)
    ]
    scores = held_out_scores(data, folds)
    _tell_first("with similarity", data, scores, answerable)
    by_margin = {
        m: np.array([right(e, s, m) for e, s in zip(data, scores, strict=True)]) for m in MARGINS
    }
    for m, values in by_margin.items():
        print(f"margin {m:4}  says it: {values[answerable].mean():.3f}")
    # the smallest margin near the best: a shorter answer is a better one
    top = max(v[answerable].mean() for v in by_margin.values())
    margin = min(m for m, v in by_margin.items() if v[answerable].mean() >= top - NEAR)
    good = by_margin[margin]

    inputs = np.array([answer_features(e.features, s) for e, s in zip(data, scores, strict=True)])
    probability = np.zeros(len(data))
    for k in range(FOLDS):
        model = _logistic(inputs[folds != k], good[folds != k])
        probability[folds == k] = 1 / (1 + np.exp(-(inputs[folds == k] @ model[0] + model[1])))
    print(f"AUC right against not      {roc_auc_score(good, probability):.3f}")
    print(f"AUC answerable against not {roc_auc_score(answerable, probability):.3f}")
    accuracies = {}
    for step in range(2, 15):
        threshold = step / 20
        given = probability >= threshold
        accuracies[threshold] = np.where(answerable, given & good, ~given).mean()
        precision = good[given].mean() if given.any() else 0.0
        print(
            f"threshold {threshold:.2f}  accuracy {accuracies[threshold]:.3f}  "
            f"precision {precision:.3f}  coverage {given.mean():.3f}"
        )
    # the highest threshold near the best: silence is better than an error
    threshold = max(t for t, a in accuracies.items() if a >= max(accuracies.values()) - NEAR)
    answer_weights, bias = _logistic(inputs, good)
    first_weights, weights = fit_scorer(all_candidates), fit_scorer(data)
    fitted = {
        "made by": "python -m evals.fit_reader",
        "questions": len(data),
        "settings": dataclasses.asdict(Settings().reading),
        "first_weights": dict(zip(NAMES, np.round(first_weights, 4).tolist(), strict=True)),
        "weights": dict(zip(SHORTLIST_NAMES, np.round(weights, 4).tolist(), strict=True)),
        "answer_weights": dict(zip(ANSWER_NAMES, np.round(answer_weights, 4).tolist(), strict=True)),
        "answer_bias": round(bias, 4),
        "margin": margin,
        "threshold": threshold,
    }
    args.out.write_text(json.dumps(fitted, indent=2) + "\n", "utf-8")
    print(f"wrote {args.out}")


def _tell_first(
    label: str, data: Sequence[Example], scores: Sequence[Floats], answerable: NDArray[np.bool_]
) -> None:
    among = np.array([e.gold.any() for e in data])
    first = np.array([e.gold[int(s.argmax())] for e, s in zip(data, scores, strict=True)])
    print(
        f"{label:16} {len(data)} questions, {answerable.sum()} answerable: gold sentence among the "
        f"candidates {among[answerable].mean():.3f}, first {first[answerable].mean():.3f}"
    )


def _logistic(inputs: Floats, labels: NDArray[np.bool_]) -> tuple[Floats, float]:
    scale = inputs.std(axis=0) + 1e-9
    model = LogisticRegression(C=0.1, max_iter=2000).fit(inputs / scale, labels)
    return np.asarray(model.coef_[0] / scale, dtype=np.float64), float(model.intercept_[0])


if __name__ == "__main__":
    main()
