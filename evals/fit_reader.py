"""Fits what stands around the reader's network, ``qa/reader.json``, to questions over releases.

    python -m evals.fit_reader QUESTIONS.jsonl=INDEX ... --develop SET.jsonl=INDEX ...
        [--crossed evals/results] [--network FILE] [--out qa/reader.json]

Each question set goes with the index of the corpus it is about. The first ones are training questions
(the format: ``evals.training.examples``): of them only those that the network was not trained on are
taken, and where several sets are given, some questions of each are also asked of another's index, so
that the reader learns what is off topic. ``--develop`` takes sets of evaluation questions, which the
network has never seen either; each of them counts TIMES times, since they are asked and written as users
would, and a training question is not. All candidates are those that the product itself retrieves and
reads.

The sentence scorer is linear under a softmax over a question's candidates; the probability that the
sentences chosen answer is a logistic regression whose inputs come from a scorer that did not see the
question (five folds), scaled and shifted so that it holds for evaluation questions (Platt 1999), if any
are given. Margin and threshold are chosen on the same held-out scores, and all figures
printed are held-out ones. ``--crossed`` asks the product each evaluation question, end to end, with
weights that were fitted without the fold it is in, and writes what ``releaseqa eval --stage reading``
would: ``reading.json`` and its picture.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import tempfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from rich.progress import track
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from index.embed import SentenceTransformerEmbedder
from index.store import Store
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

from . import reading
from .metrics import calibration, says_all
from .questions import Evidence, Question, load
from .training.examples import Asked, pairs, questions, share

Floats = NDArray[np.float64]
Bound = tuple[float | None, float | None]
FOLDS = 5
PENALTY = 0.02  # of the squared weights of standardised features, a question
FOREIGN = 10
TIMES = 3  # of 0 to 10 the best in cross-validation, with 5
FREE = 1e3  # as good as no penalty
LEVEL = 0.01  # accuracies that differ by less are the same
NEAR = 0.02  # how far below the best figure still counts as near it
MARGINS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0)


@dataclass(frozen=True, slots=True)
class Example:
    """A question, the passages read, their sentences, features (a row each), and which are gold."""

    question: Question
    query: Query
    passages: list[Passage]
    candidates: list[Candidate]
    features: Floats
    gold: NDArray[np.bool_]


class Scorable(Protocol):
    """The features of a question's candidates, a row each, and which of them are gold."""

    @property
    def features(self) -> Floats: ...

    @property
    def gold(self) -> NDArray[np.bool_]: ...


def examples(
    asked: Sequence[Question], retriever: Retriever, scorer: Scorer, label: str
) -> list[Example]:
    """The examples that questions give over an index, in their order; those without a hit aside."""
    found = [_example(q, retriever, scorer) for q in track(asked, f"{label:24}")]
    return [example for example in found if example]


def off_topic(asked: Sequence[Asked]) -> list[Asked]:
    """One in FOREIGN questions of another corpus, which this one cannot answer."""
    return [
        replace(q, id=f"{q.id} elsewhere", release="", evidence=(), answers=()) for q in asked[::FOREIGN]
    ]


def _question(asked: Asked, store: Store) -> Question:
    facts = tuple((said,) for said in asked.strings(store))
    spans = tuple(Evidence(asked.release, *span) for span in asked.evidence)
    return Question(asked.id, asked.corpus, asked.type, asked.question, bool(spans), facts, spans)


def _example(question: Question, retriever: Retriever, scorer: Scorer) -> Example | None:
    query = retriever.query(question.question, question.history, question.filters)
    hits = retriever.search(query, Settings().reading.passages, question.filters, 0, again=False)
    read = passages(query.asked, hits, scorer)
    if not read:
        return None
    sentences = [c for passage in read for c in passage.sentences]
    gold = np.array([_is_gold(c, question) for c in sentences], dtype=bool)
    return Example(question, query, read, sentences, sentence_features(query, read), gold)


def _is_gold(c: Candidate, question: Question) -> bool:
    own = (e for e in question.evidence if e.release == c.hit.release_id)
    return any(share((c.start, c.end), (e.start, e.end)) for e in own)


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
    """Whether the sentences chosen state all facts, or are all gold ones of the candidates."""
    chosen = choose(example.candidates, scores, margin, Settings().reading)
    gold = [c for c, is_gold in zip(example.candidates, example.gold, strict=True) if is_gold]
    question = example.question
    said = bool(question.must_include) and says_all(question, " ".join(c.text for c in chosen))
    return question.answerable and (said or (bool(gold) and all(c in chosen for c in gold)))


def gather(named: Sequence[tuple[Path, Path]], scorer: Scorer) -> list[Example]:
    """The examples of sets of training questions, each with its index; held-out questions only."""
    sets = [questions(name, held=True) for name, _ in named]
    found: list[Example] = []
    for i, (name, index) in enumerate(named):
        others = sets[(i + 1) % len(sets)] if len(sets) > 1 else []
        with _opened(index) as (store, retriever):
            asked = [_question(q, store) for q in (*sets[i], *off_topic(others))]
            found += examples(asked, retriever, scorer, name.stem)
    return found


def gather_developed(named: Sequence[tuple[Path, Path]], scorer: Scorer) -> list[Example]:
    """The examples of sets of evaluation questions, each with its index."""
    found: list[Example] = []
    for name, index in named:
        with _opened(index) as (_, retriever):
            found += examples(load(name), retriever, scorer, name.stem)
    return found


@contextmanager
def _opened(index: Path) -> Iterator[tuple[Store, Retriever]]:
    with closing(Store(index)) as store:
        made = store.manifest
        yield store, Retriever(store, _embedder(made.embedder, made.number_type), Settings().retrieval)


_embedder = cache(SentenceTransformerEmbedder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("sets", nargs="+", metavar="QUESTIONS=INDEX")
    parser.add_argument("--develop", nargs="*", default=[], metavar="SET=INDEX")
    parser.add_argument("--crossed", type=Path, metavar="FOLDER", help="for reading.json and its picture")
    parser.add_argument("--network", type=Path, help="weights; else those of the package")
    parser.add_argument("--reader", help="another model, of Hugging Face, to fit to")
    parser.add_argument("--out", type=Path, default=Path("qa/reader.json"))
    args = parser.parse_args()
    if args.crossed and (args.network or args.reader):
        parser.error("--crossed asks the packaged reader; leave out --network and --reader")
    scorer = HuggingFaceScorer(args.reader) if args.reader else NetworkScorer(args.network)
    training = gather(pairs(args.sets), scorer)
    developed = gather_developed(pairs(args.develop), scorer)
    write(fit(training, developed), args.out)
    if args.crossed:
        cross(training, developed, [Path(name) for name in args.develop], args.crossed)


def write(fitted: Mapping[str, Any], out: Path) -> None:
    """Writes what ``fit`` gave, for ``Reader.load``."""
    out.write_text(json.dumps(fitted, indent=2) + "\n", "utf-8")
    print(f"wrote {out}")


def cross(
    training: Sequence[Example], developed: Sequence[Example], sets: Sequence[Path], out: Path
) -> None:
    """Asks the packaged reader each question of ``sets`` (SET=INDEX) with weights fitted without it."""
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / f"{k}.json" for k in range(FOLDS)]
        for k, file in enumerate(files):
            others = [e for e in developed if fold(e.question) != k]
            write(fit(training, others, tell=lambda _: None), file)
        reading.cross(sets, files, fold, out)


def fold(question: Question, level: int = 0) -> int:
    """0 to FOLDS - 1, by its id; the folds of level 1 cut across those of level 0."""
    number: int = zlib.crc32(question.id.encode()) // FOLDS**level
    return number % FOLDS


def fit(
    training: Sequence[Example],
    developed: Sequence[Example] = (),
    tell: Callable[[str], object] = print,
) -> dict[str, Any]:
    """Fits, tells how well on held-out folds, and gives what ``Reader.of`` takes."""
    data = [*training, *(e for e in developed for _ in range(TIMES))]
    folds = np.array([fold(e.question, level=1) for e in data])
    answerable = np.array([e.question.answerable for e in data])
    groups = {"training": np.arange(len(data)) < len(training)}
    if developed:
        groups["development"] = ~groups["training"]
    fitted_scores = held_out_scores(data, folds)
    scores = [
        long_last(e.candidates, s, Settings().reading) for e, s in zip(data, fitted_scores, strict=True)
    ]
    among = np.array([e.gold.any() for e in data])
    alone = np.array([e.gold[int(e.features[:, 0].argmax())] for e in data])
    first = np.array([e.gold[int(s.argmax())] for e, s in zip(data, scores, strict=True)])
    for name, own in groups.items():
        times, some = 1 if name == "training" else TIMES, own & answerable
        tell(
            f"{name}: {own.sum() // times} questions, {some.sum() // times} answerable; gold sentence "
            f"among the candidates {among[some].mean():.3f}, first {alone[some].mean():.3f} by the "
            f"network, {first[some].mean():.3f} with features"
        )
    by_margin = {
        m: np.array([right(e, s, m) for e, s in zip(data, scores, strict=True)]) for m in MARGINS
    }
    for m, said in by_margin.items():
        shares = ", ".join(f"{name} {said[own & answerable].mean():.3f}" for name, own in groups.items())
        tell(f"margin {m:4}  says it: {shares}")
    # the smallest margin near the best: a shorter answer is a better one
    top = max(v[answerable].mean() for v in by_margin.values())
    margin = min(m for m, v in by_margin.items() if v[answerable].mean() >= top - NEAR)
    good = by_margin[margin]

    told = np.array(
        [answer_features(e.query, e.candidates, e.features, s) for e, s in zip(data, scores, strict=True)]
    )
    logits = np.zeros(len(data))
    for k in range(FOLDS):
        model = _logistic(told[folds != k], good[folds != k])
        logits[folds == k] = told[folds == k] @ model[0] + model[1]
    meant = groups.get("development", groups["training"])
    (scale,), shift = _logistic(logits[meant, None], good[meant], FREE)
    probability = expit(scale * logits + shift)
    for name, own in groups.items():
        tell(
            f"{name}: AUC right against not {roc_auc_score(good[own], probability[own]):.3f}, "
            f"answerable against not {roc_auc_score(answerable[own], probability[own]):.3f}, "
            f"calibration error {calibration(list(probability[own]), list(good[own]))['error']:.3f}"
        )
    threshold = _threshold(groups, good, answerable, probability, tell)
    answer_weights, bias = _logistic(told, good)
    ranked = [_ranked(e) for e in data]
    passage_scores = held_out_scores(ranked, folds)
    for label, orders in (
        ("retrieval", [r.features[:, 0] for r in ranked]),
        ("second look", passage_scores),
    ):
        is_first = np.array([r.gold[int(s.argmax())] for r, s in zip(ranked, orders, strict=True)])
        shares = ", ".join(
            f"{name} {is_first[own & answerable].mean():.3f}" for name, own in groups.items()
        )
        tell(f"gold passage first, {label:12} {shares}")
    return {
        "made by": "python -m evals.fit_reader",
        "questions": len(training) + len(developed),
        "settings": dataclasses.asdict(Settings().reading),
        "weights": dict(zip(SENTENCE_NAMES, np.round(fit_scorer(data), 4).tolist(), strict=True)),
        "answer_weights": dict(
            zip(ANSWER_NAMES, np.round(scale * answer_weights, 4).tolist(), strict=True)
        ),
        "answer_bias": round(scale * bias + shift, 4),
        "passage_weights": dict(
            zip(PASSAGE_NAMES, np.round(fit_scorer(ranked), 4).tolist(), strict=True)
        ),
        "margin": margin,
        "threshold": threshold,
    }


def _threshold(
    groups: Mapping[str, NDArray[np.bool_]],
    good: NDArray[np.bool_],
    answerable: NDArray[np.bool_],
    probability: Floats,
    tell: Callable[[str], object],
) -> float:
    """Tells what thresholds give, and gives the best."""
    accuracies = {}
    for percent in range(10, 75):
        threshold = percent / 100
        given = probability >= threshold
        correct = np.where(answerable, given & good, ~given)
        accuracies[threshold] = correct.mean()
        for name, own in groups.items() if percent % 5 == 0 else ():
            precision = good[given & own].mean() if (given & own).any() else 0.0
            tell(
                f"threshold {threshold:.2f}  {name:11}  accuracy {correct[own].mean():.3f}  "
                f"precision {precision:.3f}  coverage {given[own].mean():.3f}  silent: right "
                f"{(~given)[own & ~answerable].mean():.3f}, wrong {(~given)[own & answerable].mean():.3f}"
            )
    top = max(accuracies.values())
    near = [threshold for threshold, accuracy in accuracies.items() if accuracy >= top - LEVEL]
    return round(float(np.median(near)), 2)  # both ways to fail are about as dear along the top


@dataclass(frozen=True, slots=True)
class Ranked:
    """The passages of a question: their features, a row each, and which hold gold."""

    features: Floats
    gold: NDArray[np.bool_]


def _ranked(example: Example) -> Ranked:
    counts = [len(passage.sentences) for passage in example.passages]
    gold = np.array([part.any() for part in np.split(example.gold, np.cumsum(counts)[:-1])])
    return Ranked(np.array([passage.features() for passage in example.passages]), gold)


def _logistic(inputs: Floats, labels: NDArray[np.bool_], freedom: float = 0.03) -> tuple[Floats, float]:
    """Weights and bias; ``freedom`` is what scikit-learn calls C."""
    scale = inputs.std(axis=0) + 1e-9
    model = LogisticRegression(C=freedom, max_iter=2000).fit(inputs / scale, labels)
    return np.asarray(model.coef_[0] / scale, dtype=np.float64), float(model.intercept_[0])


if __name__ == "__main__":
    main()
