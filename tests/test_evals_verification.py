"""The set behind the checks of generated sentences: its figures, and what they are made of."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from evals.verification import EXACT, OTHER, Pair, caught, load, outcome, outcomes, precision, table
from qa.settings import Generation
from qa.support import Source, Verdict, judge

RELEASES = Path(__file__).parents[2] / "shared" / "releases"
SOURCE = Source("Alpha rose 5%.")
SHOWN = Verdict("", 0, 14, 0.9, 0.9)
FREE = Verdict("", 0, 14, 0.9, 0.5)
CLOSE = Verdict("no", 0, 14, 0.5, 0.9)
FAR = Verdict("no", 0, 14, 0.1, 0.9)


def pair(kind: str) -> Pair:
    return Pair("tuning", kind, "Alpha rose 5%.", SOURCE)


@pytest.mark.parametrize(
    ("verdict", "wording", "expected"),
    [
        (SHOWN, 0.7, "shown"),
        (FREE, 0.7, "quoted"),
        (FREE, 0.5, "shown"),
        (CLOSE, 0.7, "quoted"),
        (FAR, 0.0, "dropped"),
    ],
)
def test_what_becomes_of_a_sentence(verdict: Verdict, wording: float, expected: str) -> None:
    assert outcome(verdict, wording) == expected


def test_figures_are_shares_of_sentences() -> None:
    judged = [
        (pair("faithful"), SHOWN), (pair("faithful"), FREE), (pair("number"), SHOWN), (pair("number"), CLOSE),
        (pair("name"), FAR), (pair("name"), FAR),
    ]  # fmt: skip
    counts = outcomes(judged, 0.7)
    assert counts["faithful"] == Counter(shown=1, quoted=1)
    assert caught(counts, ["number"]) == 0.5
    assert caught(counts, EXACT) == 0.75
    assert precision(counts) == 0.75


@pytest.fixture(scope="module")
def judged() -> list[tuple[Pair, Verdict]]:
    if not RELEASES.is_dir():
        pytest.skip("the real releases are not here")
    return [(p, judge(p.claim, p.source)) for p in load(RELEASES)]


def test_the_set_has_every_kind_in_number(judged: list[tuple[Pair, Verdict]]) -> None:
    kinds = Counter(p.kind for p, _ in judged)
    assert set(kinds) == {"faithful", *EXACT, *OTHER}
    assert min(kinds.values()) >= 60
    assert kinds["faithful"] >= 500
    assert all(p.claim != p.source.text for p, _ in judged)


@pytest.mark.parametrize("split", ["tuning", "held-out"])
def test_errors_are_caught_and_faithful_sentences_kept(
    judged: list[tuple[Pair, Verdict]], split: str
) -> None:
    counts = outcomes([j for j in judged if j[0].split == split], Generation().wording)
    assert caught(counts, EXACT) >= 0.97
    assert caught(counts, OTHER) >= 0.95
    faithful = counts["faithful"]
    assert faithful["dropped"] <= 0.05 * faithful.total()  # the others are shown, or their quote is


def test_the_table_has_a_row_a_threshold() -> None:
    judged = [(pair(kind), SHOWN) for kind in ("faithful", *EXACT, *OTHER)]
    assert table(judged, "all").row_count == 7
