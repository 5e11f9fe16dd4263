"""The scoring rules, case by case, and the arithmetic of the figures by hand."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pytest

from evals import metrics
from evals.metrics import Figure
from evals.questions import Evidence, Question
from qa.support import Source
from qa.types import Status


@dataclass(frozen=True)
class At:
    release_id: str
    start: int
    end: int


def question(
    must: tuple[tuple[str, ...], ...] = (("x",),),
    evidence: tuple[Evidence, ...] = (),
    type: str = "number",
    id: str = "q-1",
    answerable: bool = True,
) -> Question:
    return Question(id, "made", type, "?", answerable, must, evidence)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Net LOSS", "net loss"),
        ("  a \n\t b\u00a0c ", "a b c"),
        ("KEYTRUDA\u00ae rose", "keytruda rose"),
        ("KEYTRUDA \u2122 rose", "keytruda rose"),
        ("\u201cit\u2019s\u201d \u2018so\u2019", "\"it's\" 'so'"),
        ("Stra\u00dfe", "strasse"),
        ("1,025 \u2013 1,030", "1,025 \u2013 1,030"),
    ],
)
def test_normalise(text: str, expected: str) -> None:
    assert metrics.normalise(text) == expected


FACTS = (("748 million", "RMB 748m"), ("Merck\u2019s",))


@pytest.mark.parametrize(
    ("must", "answerable", "status", "text", "right"),
    [
        (FACTS, True, "answered", "merck's loss: RMB\n748m", True),
        (FACTS, True, "answered", "Merck\u00ae\u2019s loss: 748  Million", True),
        (FACTS, True, "answered", "Merck's loss", False),
        (FACTS, True, "answered", "a loss of 748 million", False),
        (FACTS, True, "not_found", "Merck's 748 million", False),
        ((("x",),), True, "answered", "x".ljust(600, "."), True),
        ((("x",),), True, "answered", "x".ljust(601, "."), False),
        ((), False, "not_found", "", True),
        ((), False, "answered", "", False),
    ],
)
def test_is_right(
    must: tuple[tuple[str, ...], ...], answerable: bool, status: Status, text: str, right: bool
) -> None:
    assert metrics.is_right(question(must, answerable=answerable), status, text) is right


@pytest.mark.parametrize(
    ("span", "expected"),
    [
        (At("r", 10, 20), True),
        (At("r", 0, 100), True),
        (At("r", 10, 15), True),
        (At("r", 10, 14), False),
        (At("r", 15, 30), True),
        (At("r", 16, 30), False),
        (At("r", 20, 30), False),
        (At("r", 0, 10), False),
        (At("s", 10, 20), False),
    ],
)
def test_half_of_the_gold_span_is_enough(span: At, expected: bool) -> None:
    assert metrics.covers(span, Evidence("r", 10, 20)) is expected


def test_half_of_an_odd_span_is_rounded_up() -> None:
    gold = Evidence("r", 0, 5)
    assert [metrics.covers(At("r", 0, n), gold) for n in (2, 3)] == [False, True]


TWO = (Evidence("r", 0, 10), Evidence("s", 50, 60))


@pytest.mark.parametrize(
    ("type", "id", "citations", "expected"),
    [
        ("number", "q-1", [At("r", 0, 10)], True),
        ("number", "q-1", [At("s", 50, 60)], True),
        ("number", "q-1", [At("r", 0, 4), At("r", 4, 8)], False),
        ("number", "q-1", [], False),
        ("multi", "q-1", [At("r", 0, 10)], False),
        ("multi", "q-1", [At("s", 40, 56), At("r", 0, 10)], True),
        ("number", "wire-009", [At("r", 0, 10)], False),
        ("who", "wire-022", [At("r", 0, 10)], False),
        ("who", "wire-022", [At("r", 0, 10), At("s", 50, 60)], True),
        ("who", "wire-021", [At("r", 0, 10)], True),
    ],
)
def test_has_evidence(type: str, id: str, citations: list[At], expected: bool) -> None:
    assert metrics.has_evidence(question(evidence=TWO, type=type, id=id), citations) is expected


def test_nothing_gold_is_no_evidence() -> None:
    assert metrics.has_evidence(question(evidence=()), [At("r", 0, 10)]) is False


@pytest.mark.parametrize(
    ("hits", "passage", "release"),
    [
        ([], None, None),
        ([At("x", 0, 10)], None, None),
        ([At("r", 0, 10)], 1, 1),
        ([At("x", 0, 10), At("r", 90, 99), At("s", 55, 99)], 3, 2),
        ([At("s", 0, 9), At("s", 0, 56), At("r", 0, 10)], 2, 1),
    ],
)
@pytest.mark.parametrize("type", ["number", "multi"])
def test_ranks(hits: list[At], passage: int | None, release: int | None, type: str) -> None:
    asked = question(evidence=TWO, type=type)
    assert (metrics.passage_rank(asked, hits), metrics.release_rank(asked, hits)) == (
        passage,
        release,
    )


DAY = dt.date(2024, 3, 1)
LOSS = Source("Acme Corp lost $5.2 million in 2023.", "Acme reports its year", "Acme Corp", DAY)
STAFF = Source("It cut 40 jobs in Lyon.", "Acme cuts jobs", "Acme Corp", DAY)
NOT_IN_TITLE = Source("Acme Corp grew.", "Acme sold 7,000 kettles", "Acme Corp", DAY)


@pytest.mark.parametrize(
    ("sentence", "sources", "expected"),
    [
        ("In 2023, Acme lost $5.2 million.", [LOSS], True),
        ("Acme lost $6.2 million in 2023.", [LOSS], False),
        ("Acme did not lose $5.2 million in 2023.", [LOSS], False),
        ("Acme lost $5.2 million in 2023.", [STAFF, LOSS], True),
        ("Acme lost $5.2 million in 2023.", [STAFF], False),
        ("Acme lost $5.2 million in 2023 and cut 40 jobs in Lyon.", [LOSS], False),
        ("Acme lost $5.2 million in 2023 and cut 40 jobs in Lyon.", [LOSS, STAFF], True),
        ("ACME Corp  lost $5.2 million", [LOSS], True),
        ("Acme lost $5.2 million in 2023.", [], False),
    ],
)
def test_is_supported(sentence: str, sources: list[Source], expected: bool) -> None:
    assert metrics.is_supported(sentence, sources) is expected


def test_what_is_quoted_word_for_word_is_supported_whatever_the_judge_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(metrics, "judge")
    assert metrics.is_supported("lost $5.2\nmillion", [STAFF, LOSS])


@pytest.mark.parametrize(
    ("sentence", "sources", "expected"),
    [
        ("Acme lost $5.2 million in 2023.", [LOSS], ()),
        ("Acme lost $6.2 million in 2023.", [LOSS], ("$6.2 million",)),
        ("Acme lost about $5 million in 2023.", [LOSS], ()),
        ("Acme lost $5.2 billion in 2022.", [LOSS], ("$5.2 billion", "2022")),
        ("Acme cut 40 jobs and lost $5.2 million.", [LOSS], ("40",)),
        ("Acme cut 40 jobs and lost $5.2 million.", [LOSS, STAFF], ()),
        ("Acme sold 7,000 kettles.", [NOT_IN_TITLE], ()),
        ("Acme said on March 1, 2024 that it grew.", [NOT_IN_TITLE], ()),
        ("Acme said on March 2, 2024 that it grew.", [NOT_IN_TITLE], ("March 2, 2024",)),
        ("Acme said in April that it grew.", [NOT_IN_TITLE], ()),  # wrong, but no figure
        ("Acme lost $5.2 million.", [], ("$5.2 million",)),
    ],
)
def test_invented_figures(sentence: str, sources: list[Source], expected: tuple[str, ...]) -> None:
    assert metrics.invented_figures(sentence, sources) == expected


def test_sources_are_joined_and_a_day_that_is_not_the_same_is_none() -> None:
    later = Source("It hired 9.", "Acme hires", "Bolt", dt.date(2024, 3, 2))
    assert metrics.joined([STAFF, STAFF]) == Source(
        "It cut 40 jobs in Lyon.\n\nIt cut 40 jobs in Lyon.", "Acme cuts jobs", "Acme Corp", DAY
    )
    assert metrics.joined([STAFF, later]) == Source(
        "It cut 40 jobs in Lyon.\n\nIt hired 9.", "Acme cuts jobs. Acme hires", "Acme Corp, Bolt", None
    )
    assert metrics.joined([]) == Source("")


def test_reciprocal() -> None:
    assert [metrics.reciprocal(rank) for rank in (1, 4, None)] == [1.0, 0.25, 0.0]


def test_an_estimate_is_a_ratio_of_sums() -> None:
    got = metrics.estimate({"precision": ([1, 0, 0, 1], [1, 1, 0, 1]), "all": ([1] * 4, [1] * 4)})
    assert got["precision"].value == pytest.approx(2 / 3)
    assert got["all"] == Figure(1.0, 1.0, 1.0)


def test_an_interval_is_that_of_the_binomial_distribution() -> None:
    # 20 of 40 right: 2.5 % of binomial(40, 0.5) lie below 14, 97.5 % at or below 26.
    got = metrics.estimate({"a": ([1, 0] * 20, [1] * 40)})["a"]
    assert (got.value, got.low, got.high) == (0.5, 0.35, 0.65)


def test_resamples_without_a_denominator_are_left_out() -> None:
    # One of two questions was answered; a quarter of the resamples holds no answer at all.
    assert metrics.estimate({"a": ([1, 0], [1, 0])})["a"] == Figure(1.0, 1.0, 1.0)


def test_an_estimate_repeats_itself_and_its_seed_matters() -> None:
    parts = {"a": (list(np.linspace(0, 1, 31)), [1.0] * 31)}
    assert metrics.estimate(parts) == metrics.estimate(parts)
    assert metrics.estimate(parts) != metrics.estimate(parts, seed=1)


@pytest.mark.parametrize("parts", [([], []), ([0, 0], [0, 0])])
def test_nothing_to_count_gives_no_figure(parts: tuple[list[float], list[float]]) -> None:
    assert metrics.estimate({"a": parts})["a"] == Figure(None, None, None)


def test_calibration_by_hand() -> None:
    got = metrics.calibration([0.7, 0.75, 0.05, 1.0], [True, False, False, True])
    assert got["bins"] == [
        {"from": 0.0, "to": 0.1, "count": 1, "confidence": 0.05, "right": 0.0},
        {"from": 0.7, "to": 0.8, "count": 2, "confidence": 0.725, "right": 0.5},
        {"from": 0.9, "to": 1.0, "count": 1, "confidence": 1.0, "right": 1.0},
    ]
    assert got["error"] == pytest.approx((0.05 + 2 * 0.225 + 0) / 4)


def test_perfect_and_empty_calibration() -> None:
    assert metrics.calibration([0.5, 0.5], [True, False])["error"] == 0
    assert metrics.calibration([], []) == {"error": None, "bins": []}


@pytest.mark.parametrize(
    ("scores", "positive", "expected"),
    [
        ([0.9, 0.8, 0.1], [True, True, False], 1.0),
        ([0.1, 0.9], [True, False], 0.0),
        ([0.5, 0.5], [True, False], 0.5),
        ([0.9, 0.4, 0.5, 0.4], [True, True, False, False], 0.625),
        ([0.9, 0.8], [True, True], None),
        ([], [], None),
    ],
)
def test_auc(scores: list[float], positive: list[bool], expected: float | None) -> None:
    assert metrics.auc(scores, positive) == expected


@pytest.mark.parametrize(
    ("gains", "ideal", "k", "expected"),
    [
        ([1.0], [1.0], 10, 1.0),
        ([0.0, 1.0], [1.0], 10, 1 / np.log2(3)),
        ([0.0, 0.0, 1.0], [1.0], 10, 0.5),
        ([0.0, 0.0, 1.0], [1.0], 2, 0.0),
        ([1.0, 0.0, 1.0], [1.0, 1.0], 10, 1.5 / (1 + 1 / np.log2(3))),
        ([1.0, 2.0], [1.0, 2.0], 10, (1 + 2 / np.log2(3)) / (2 + 1 / np.log2(3))),
        ([1.0, 0.0], [1.0] * 5, 2, 1 / (1 + 1 / np.log2(3))),  # the ideal has no more places
        ([], [1.0], 10, 0.0),
        ([0.0], [], 10, 0.0),
    ],
)
def test_ndcg(gains: list[float], ideal: list[float], k: int, expected: float) -> None:
    assert metrics.ndcg(gains, ideal, k) == pytest.approx(expected)


ONE, OTHER = Evidence("r", 0, 10), Evidence("r", 20, 30)


@pytest.mark.parametrize(
    ("type", "evidence", "hits", "expected"),
    [
        ("number", (ONE,), [At("x", 0, 10), At("r", 0, 10)], 1 / np.log2(3)),
        ("number", (ONE, OTHER), [At("r", 0, 10)], 1.0),  # any one will do,
        ("number", (ONE, OTHER), [At("r", 0, 10), At("r", 20, 30)], 1.0),  # and more gain nothing
        ("multi", (ONE, OTHER), [At("r", 0, 10)], 1 / (1 + 1 / np.log2(3))),
        ("multi", (ONE, OTHER), [At("r", 20, 30), At("r", 0, 10)], 1.0),
        ("multi", (ONE, OTHER), [At("r", 0, 10)] * 2, 1 / (1 + 1 / np.log2(3))),  # a span counts once
        ("multi", (ONE, OTHER), [At("r", 0, 30)], 1.0),  # both in one passage are one
        ("multi", (ONE, OTHER), [At("x", 0, 9), At("r", 0, 30), At("r", 0, 10)], 1 / np.log2(3)),
        ("number", (ONE,), [At("x", 0, 10)] * 10 + [At("r", 0, 10)], 0.0),  # the eleventh
        ("number", (ONE,), [], 0.0),
    ],
)
def test_ndcg_of_gold_spans(
    type: str, evidence: tuple[Evidence, ...], hits: list[At], expected: float
) -> None:
    assert metrics.passage_ndcg(question(evidence=evidence, type=type), hits) == pytest.approx(expected)


def test_a_paired_difference_draws_the_same_questions_of_both() -> None:
    hard = [0.0, 1.0] * 50
    easier = [0.0, 1.0, 1.0, 1.0] * 25
    apart = metrics.paired({"better": easier, "same": hard}, {"better": hard, "same": hard})
    assert apart["same"] == Figure(0.0, 0.0, 0.0)
    assert apart["better"].value == 0.25
    low, high = apart["better"].low, apart["better"].high
    assert low is not None and high is not None
    # 100 draws of 0 or 1 with mean 0.25: a standard error of 0.043; apart, it would be 0.066
    assert [low, high] == pytest.approx([0.25 - 1.96 * 0.0433, 0.25 + 1.96 * 0.0433], abs=0.015)
    reverse = metrics.paired({"better": hard}, {"better": easier})["better"]
    assert (reverse.value, reverse.low, reverse.high) == (-0.25, -high, -low)
