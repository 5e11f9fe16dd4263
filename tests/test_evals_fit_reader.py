from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from zlib import crc32

import numpy as np
import pytest
from index_fakes import vector
from scipy.special import expit

from evals import fit_reader, reading
from evals.fit_reader import FOLDS, Example, cross, fit, fold, held_out_scores, off_topic, right
from evals.questions import Evidence, Question
from evals.training.examples import Asked
from index.types import Hit
from qa.query import Query, terms
from qa.read import Reader, Scores, Text, answer_features, passages, sentence_features
from qa.scope import Scope

SENTENCES = ("Norvik opened a mine.", "It hired 40 people there.", "The mine is in Lapland.")


class Random:
    """A scorer that knows nothing."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)

    def read(self, question: str, texts: Sequence[Text]) -> list[Scores]:
        return [Scores(self.rng.normal(size=len(text.sentences)), text.sentences) for text in texts]


def example(id: str, gold: int | None) -> Example:
    """A question of which the ``gold``-th sentence is the answer, or none."""
    text = " ".join(SENTENCES)
    weights = {"x": 1.0}
    query = Query("Who?", "x", weights, terms("", weights, ()), vector("x"), Scope(), "Who?")
    read = passages("Who?", [Hit("r", 0, len(text), 1.0, "T", None, text)], Random(crc32(id.encode())))
    found = [c for passage in read for c in passage.sentences]
    answerable = gold is not None
    start = text.find(SENTENCES[gold]) if gold is not None else 0
    spans = (Evidence("r", start, start + len(SENTENCES[gold])),) if gold is not None else ()
    facts = ((SENTENCES[gold],),) if gold is not None else ()
    question = Question(id, "c", "who", "Who?", answerable, facts, spans)
    is_gold = np.array([i == gold for i in range(len(found))])
    return Example(question, query, read, found, sentence_features(query, read), is_gold)


TRAINING = [example(f"t{i}", None if i % 4 == 0 else 1 + i % 2) for i in range(60)]
DEVELOPED = [example(f"d{i}", None if i % 4 == 0 else 0) for i in range(40)]


def test_the_folds_of_the_second_level_cut_across_those_of_the_first() -> None:
    questions = [example(f"q{i}", 0).question for i in range(300)]
    pairs = {(fold(q), fold(q, level=1)) for q in questions}
    assert pairs == {(i, j) for i in range(FOLDS) for j in range(FOLDS)}


def test_questions_of_users_outweigh_those_written_for_training() -> None:
    told: list[str] = []
    alone, both = fit(TRAINING, tell=told.append), fit(TRAINING, DEVELOPED, told.append)
    assert alone["weights"]["first"] < 0 < both["weights"]["first"]
    assert alone["questions"] == 60 and both["questions"] == 100
    assert any("development: 40 questions, 30 answerable" in line for line in told)
    Reader.of(both, Random(0))
    assert fit(TRAINING, DEVELOPED, told.append) == both


def test_the_probability_holds_for_the_questions_of_users() -> None:
    rare = [example(f"d{i}", 0 if i % 4 == 0 else None) for i in range(40)]
    fitted = fit(TRAINING, rare, lambda _: None)
    reader = Reader.of(fitted, Random(0))
    scores = [e.features @ reader.weights for e in rare]
    told = [
        answer_features(e.query, e.candidates, e.features, s) for e, s in zip(rare, scores, strict=True)
    ]
    stated = expit(np.array(told) @ reader.answer_weights + reader.answer_bias).mean()
    assert stated == pytest.approx(
        np.mean([right(e, s, reader.margin) for e, s in zip(rare, scores, strict=True)]), abs=0.08
    )


def test_an_answer_is_right_that_states_all_facts_and_to_nothing_unanswerable() -> None:
    answerable, near_miss = example("q", 1), example("q", None)
    scores = np.array([0.0, 3.0, 1.0])
    assert right(answerable, scores, margin=0.5)
    assert not right(answerable, -scores, margin=0.5)
    assert not right(near_miss, scores, margin=0.5)


def test_a_question_asked_of_another_corpus_has_no_answer() -> None:
    asked = [Asked(f"q{i}", "c", "r", "who", "Who?", ((0, 5),), ("x",)) for i in range(11)]
    assert [(q.id, q.evidence) for q in off_topic(asked)] == [
        ("q0 elsewhere", ()),
        ("q10 elsewhere", ()),
    ]


def test_no_score_is_of_a_scorer_that_saw_the_question(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[set[str]] = []

    def fitted(data: Sequence[Example]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        seen.append({e.question.id for e in data})
        return np.zeros(TRAINING[0].features.shape[1])

    monkeypatch.setattr(fit_reader, "fit_scorer", fitted)
    copies = [*TRAINING, *DEVELOPED, *DEVELOPED]
    folds = np.array([fold(e.question, level=1) for e in copies])
    held_out_scores(copies, folds)
    assert len(seen) == FOLDS
    for k, ids in enumerate(seen):
        assert ids == {e.question.id for e in copies if fold(e.question, level=1) != k}


def test_each_fold_is_read_with_weights_that_were_fitted_without_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    seen: list[list[str]] = []

    def fitted(
        training: Sequence[Example], developed: Sequence[Example], tell: object
    ) -> dict[str, list[str]]:
        seen.append([e.question.id for e in developed])
        return {"ids": seen[-1]}

    def crossed(
        sets: Sequence[Path], files: Sequence[Path], fold_of: Callable[[Question], int], out: Path
    ) -> None:
        for e in DEVELOPED:
            assert e.question.id not in json.loads(files[fold_of(e.question)].read_text("utf-8"))["ids"]

    monkeypatch.setattr(fit_reader, "fit", fitted)
    monkeypatch.setattr(reading, "cross", crossed)
    cross(TRAINING, DEVELOPED, [], tmp_path)
    assert len(seen) == FOLDS
    assert all(sum(e.question.id in ids for ids in seen) == FOLDS - 1 for e in DEVELOPED)
