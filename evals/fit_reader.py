"""Fits what stands around the reader's network, ``qa/reader.json``, to questions over releases.

    python -m evals.fit_reader QUESTIONS.jsonl=INDEX ... [--network FILE] [--out qa/reader.json]

Each question set goes with the index of the corpus it is about (the format: ``evals.training.examples``).
Of them only the questions that the network was not trained on are taken, and their candidates are those
that the product itself retrieves and reads. Where several sets are given, some questions of each are
also asked of another's index, so that the reader learns what is off topic.

The sentence scorer is linear under a softmax over a question's candidates; the probability that the
sentences chosen answer is a logistic regression whose inputs come from a scorer that did not see the
question (five folds). Margin and threshold are chosen on the same held-out scores, and all figures
printed are held-out ones.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from rich.progress import track
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from index.embed import SentenceTransformerEmbedder
from index.store import Store
from index.types import Filters
from qa import Settings
from qa.features import Candidate
from qa.network import HuggingFaceScorer, NetworkScorer
from qa.query import Query
from qa.read import (
    ANSWER_NAMES,
    PASSAGE_NAMES,
    SENTENCE_NAMES,
    Passage,
    Scorer,
    answer_features,
    choose,
    long_last,
    passages,
    sentence_features,
)  # fmt: skip
from qa.retrieve import Retriever

from .metrics import normalise
from .training.examples import Asked, pairs, questions

Floats = NDArray[np.float64]
Bound = tuple[float | None, float | None]
FOLDS = 5
PENALTY = 0.02  # of the squared weights of standardised features, a question
FOREIGN = 10
LEVEL = 0.01  # accuracies that differ by less are the same
NEAR = 0.02  # how far below the best figure still counts as near it
MARGINS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0)


@dataclass(frozen=True, slots=True)
class Example:
    """A question, the passages read, their sentences, features (a row each), and which are gold."""

    query: Query
    passages: list[Passage]
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


def examples(
    asked: Sequence[Asked], store: Store, retriever: Retriever, scorer: Scorer, label: str
) -> list[Example]:
    """The examples that questions give over an index, in their order; those without a hit aside."""
    found = [_example(q, store, retriever, scorer) for q in track(asked, f"{label:24}")]
    return [example for example in found if example]


def off_topic(asked: Sequence[Asked]) -> list[Asked]:
    """One in FOREIGN questions of another corpus, which this one cannot answer."""
    return [replace(q, release="", evidence=(), answers=()) for q in asked[::FOREIGN]]


def _example(asked: Asked, store: Store, retriever: Retriever, scorer: Scorer) -> Example | None:
    query = retriever.query(asked.question)
    hits = retriever.search(query, Settings().reading.passages, Filters(), longest=0)
    read = passages(query.asked, hits, scorer)
    sentences = [c for passage in read for c in passage.sentences]
    gold = [asked.holds(c.hit.release_id, c.start, c.end) for c in sentences]
    if not read:
        return None
    features = sentence_features(query, read)
    return Example(
        query, read, sentences, features, np.array(gold, dtype=bool), bool(asked.evidence),
        tuple(asked.strings(store)),
    )  # fmt: skip


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


def held_out_scores(data: Sequence[Scorable], folds: NDArray[np.int64]) -> list[Floats]:
    """Each question's scores by a scorer fitted to the other folds."""
    weights = [
        fit_scorer([e for e, fold in zip(data, folds, strict=True) if fold != k]) for k in range(FOLDS)
    ]
    return [e.features @ weights[fold] for e, fold in zip(data, folds, strict=True)]


def right(example: Example, scores: Floats, margin: float) -> bool:
    """Whether the sentences chosen say all accepted strings, or are all gold ones of the candidates."""
    chosen = choose(example.candidates, scores, margin, Settings().reading)
    gold = [c for c, is_gold in zip(example.candidates, example.gold, strict=True) if is_gold]
    text = normalise(" ".join(c.text for c in chosen))
    said = bool(example.answers) and all(normalise(answer) in text for answer in example.answers)
    return example.answerable and (said or (bool(gold) and all(c in chosen for c in gold)))


def gather(named: Sequence[tuple[Path, Path]], scorer: Scorer) -> list[Example]:
    """The examples of all sets, each with its index; of questions held out of training only."""
    sets = [questions(name, held=True) for name, _ in named]
    found: list[Example] = []
    embedder: SentenceTransformerEmbedder | None = None
    for i, (name, index) in enumerate(named):
        others = sets[(i + 1) % len(sets)] if len(sets) > 1 else []
        store = Store(index)
        made = store.manifest
        embedder = embedder or SentenceTransformerEmbedder(made.embedder, made.number_type)
        retriever = Retriever(store, embedder, Settings().retrieval)
        found += examples([*sets[i], *off_topic(others)], store, retriever, scorer, name.stem)
        store.close()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("sets", nargs="+", metavar="QUESTIONS=INDEX")
    parser.add_argument("--network", type=Path, help="weights; else those of the package")
    parser.add_argument("--reader", help="another model, of Hugging Face, to fit to")
    parser.add_argument("--out", type=Path, default=Path("qa/reader.json"))
    args = parser.parse_args()
    scorer = HuggingFaceScorer(args.reader) if args.reader else NetworkScorer(args.network)
    fit(gather(pairs(args.sets), scorer), args.out)


def fit(data: Sequence[Example], out: Path) -> None:
    """Fits, tells how well on held-out folds, and writes ``out``."""
    folds = np.random.default_rng(0).permutation(len(data)) % FOLDS
    answerable = np.array([e.answerable for e in data])
    _tell_first("network alone", data, [e.features[:, 0] for e in data], answerable)
    fitted_scores = held_out_scores(data, folds)
    scores = [
        long_last(e.candidates, s, Settings().reading) for e, s in zip(data, fitted_scores, strict=True)
    ]
    _tell_first("with features", data, scores, answerable)
    by_margin = {
        m: np.array([right(e, s, m) for e, s in zip(data, scores, strict=True)]) for m in MARGINS
    }
    for m, said in by_margin.items():
        print(f"margin {m:4}  says it: {said[answerable].mean():.3f}")
    # the smallest margin near the best: a shorter answer is a better one
    top = max(v[answerable].mean() for v in by_margin.values())
    margin = min(m for m, v in by_margin.items() if v[answerable].mean() >= top - NEAR)
    good = by_margin[margin]

    told = np.array(
        [answer_features(e.query, e.candidates, e.features, s) for e, s in zip(data, scores, strict=True)]
    )
    probability = np.zeros(len(data))
    for k in range(FOLDS):
        model = _logistic(told[folds != k], good[folds != k])
        probability[folds == k] = 1 / (1 + np.exp(-(told[folds == k] @ model[0] + model[1])))
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
            f"precision {precision:.3f}  coverage {given.mean():.3f}  "
            f"silent: right {(~given)[~answerable].mean():.3f}, wrong {(~given)[answerable].mean():.3f}"
        )
    top = max(accuracies.values())
    near = [threshold for threshold, accuracy in accuracies.items() if accuracy >= top - LEVEL]
    threshold = round(float(np.median(near)), 2)  # both ways to fail are about as dear along the top
    answer_weights, bias = _logistic(told, good)
    ranked = [_ranked(e) for e in data]
    passage_scores = held_out_scores(ranked, folds)
    for label, orders in (
        ("retrieval", [r.features[:, 0] for r in ranked]),
        ("second look", passage_scores),
    ):
        first = [r.gold[int(s.argmax())] for r, s in zip(ranked, orders, strict=True)]
        print(f"gold passage first, {label:12} {np.array(first)[answerable].mean():.3f}")
    fitted = {
        "made by": "python -m evals.fit_reader",
        "questions": len(data),
        "settings": dataclasses.asdict(Settings().reading),
        "weights": dict(zip(SENTENCE_NAMES, np.round(fit_scorer(data), 4).tolist(), strict=True)),
        "answer_weights": dict(zip(ANSWER_NAMES, np.round(answer_weights, 4).tolist(), strict=True)),
        "answer_bias": round(bias, 4),
        "passage_weights": dict(
            zip(PASSAGE_NAMES, np.round(fit_scorer(ranked), 4).tolist(), strict=True)
        ),
        "margin": margin,
        "threshold": threshold,
    }
    out.write_text(json.dumps(fitted, indent=2) + "\n", "utf-8")
    print(f"wrote {out}")


@dataclass(frozen=True, slots=True)
class Ranked:
    """The passages of a question: their features, a row each, and which hold gold."""

    features: Floats
    gold: NDArray[np.bool_]


def _ranked(example: Example) -> Ranked:
    counts = [len(passage.sentences) for passage in example.passages]
    gold = np.array([part.any() for part in np.split(example.gold, np.cumsum(counts)[:-1])])
    return Ranked(np.array([passage.features() for passage in example.passages]), gold)


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
