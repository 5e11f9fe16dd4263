from __future__ import annotations

import datetime as dt
import random
from dataclasses import replace

import pytest

from index.types import Elsewhere, Hit
from qa.differ import NOTED, differing, notes

EARLY, LATE = dt.date(2021, 2, 1), dt.date(2022, 2, 1)
BASE = "The Zorka plant in Lyon now employs about 400 skilled workers."
OTHER = "The Zorka plant in Lyon now employs about 550 skilled workers."


def hit(
    quote: str, id_: str = "a", date: dt.date | None = EARLY, company: str | None = "Acme", start: int = 0
) -> Hit:
    return Hit(id_, start, start + len(quote), 1.0, "T", date, quote, company)


def test_other_figures_for_the_same_on_another_day_differ() -> None:
    before, behind = "Acme met. ", " It was glad."
    one = hit(f"{before}{BASE}{behind}", start=100)
    other = hit(OTHER, "b", LATE, start=7)
    first, last = 100 + len(before), 100 + len(before) + len(BASE)
    found = differing([one, other])
    assert [h.elsewhere for h in found] == [
        (Elsewhere("b", LATE, 7, 7 + len(OTHER), OTHER, (first, last)),),
        (Elsewhere("a", EARLY, first, last, BASE, (7, 7 + len(OTHER))),),
    ]
    assert [replace(h, elsewhere=()) for h in found] == [one, other]


MONEY = "The board of the company says that sales of pumps for ships were $1.1 billion."


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(hit(BASE), hit(BASE, "b", LATE), id="same figures"),
        pytest.param(
            hit(MONEY), hit(MONEY.replace("$1.1 billion", "$1,100 million"), "b", LATE), id="other scale"
        ),
        pytest.param(hit(MONEY), hit(MONEY.replace("1.1", "1.10"), "b", LATE), id="other digits"),
        pytest.param(hit(BASE), hit(OTHER, "b", EARLY), id="same day"),
        pytest.param(hit(BASE), hit(OTHER, "b", None), id="no day"),
        pytest.param(hit(BASE), hit(OTHER, "b", LATE, "Bolt"), id="other issuer"),
        pytest.param(hit(BASE, company=None), hit(OTHER, "b", LATE, None), id="no issuer"),
        pytest.param(hit(BASE), hit(OTHER.replace("Lyon", "Rome"), "b", LATE), id="other name"),
        pytest.param(
            hit(BASE.replace("now", "in May 2020")),
            hit(OTHER.replace("now", "in May 2021"), "b", LATE),
            id="other month",
        ),
        pytest.param(
            hit(BASE.replace("now", "in 2020")),
            hit(OTHER.replace("now", "in 2021"), "b", LATE),
            id="other year",
        ),
        pytest.param(
            hit("In Lyon the big Zorka plant employs skilled workers, as of May 1, 2020."),
            hit("In Lyon the big Zorka plant employs skilled workers, as of May 1, 2021.", "b", LATE),
            id="no figures but days",
        ),
        pytest.param(hit(BASE.replace("400 ", "")), hit(OTHER, "b", LATE), id="no figure in one"),
        pytest.param(
            hit(BASE),
            hit("In Lyon, Zorka said costs of steel had risen 550 times over.", "b", LATE),
            id="other thing",
        ),
        pytest.param(hit("It sold 400."), hit("It sold 550.", "b", LATE), id="says too little"),
    ],
)
def test_no_difference(one: Hit, other: Hit) -> None:
    assert differing([one, other]) == [one, other]
    assert differing([other, one]) == [other, one]


def test_the_earliest_comes_first_and_each_once() -> None:
    later = dt.date(2023, 2, 1)
    third = BASE.replace("400", "700")
    hits = [hit(third, "c", later), hit(BASE), hit(OTHER, "b", LATE), hit(OTHER, "b", LATE)]
    found = differing(hits)
    assert [[(e.release_id, e.date) for e in h.elsewhere] for h in found] == [
        [("a", EARLY), ("b", LATE)], [("b", LATE), ("c", later)], [("a", EARLY), ("c", later)],
        [("a", EARLY), ("c", later)],
    ]  # fmt: skip


def test_one_figure_is_written_in_two_ways() -> None:
    one, other = hit(BASE.replace("400", "4,000")), hit(BASE.replace("400", "4000"), "b", LATE)
    assert differing([one, other]) == [one, other]


@pytest.mark.parametrize("quotes", [[], [""], ["", "12"], [BASE]])
def test_few_hits_do_not_differ(quotes: list[str]) -> None:
    hits = [hit(quote, str(i)) for i, quote in enumerate(quotes)]
    assert differing(hits) == hits


def test_spans_are_slices_and_point_to_one_another() -> None:
    rng = random.Random(3)
    for _ in range(30):
        hits = []
        for i in range(6):
            parts = [BASE.replace("400", str(rng.randrange(1, 4))) for _ in range(rng.randrange(1, 4))]
            hits.append(
                hit(
                    "  ".join(parts),
                    str(i),
                    dt.date(2020, rng.randrange(1, 4), 1),
                    start=rng.randrange(99),
                )
            )
        by_id = {h.release_id: h for h in hits}
        for h in differing(hits):
            assert list(h.elsewhere) == sorted(
                h.elsewhere, key=lambda e: (str(e.date), e.release_id, e.start)
            )
            assert len(set(h.elsewhere)) == len(h.elsewhere)
            for e in h.elsewhere:
                other, (first, last) = by_id[e.release_id], e.here
                assert h.quote[first - h.start : last - h.start].startswith("The Zorka plant")
                assert other.quote[e.start - other.start : e.end - other.start] == e.quote
                assert (e.date, other.company) == (other.date, h.company)
                assert e.date != h.date


@pytest.mark.parametrize(
    ("spans", "noted"),
    [
        ([("a", 0, len(BASE))], True),
        ([("a", 5, 6)], True),
        ([("a", len(BASE), 999)], False),
        ([("c", 0, 999)], False),
        ([], False),
        ([("a", 0, len(BASE)), ("b", 0, len(OTHER))], False),  # it is quoted itself
    ],
)
def test_what_is_quoted_is_noted_where_it_differs(spans: list[tuple[str, int, int]], noted: bool) -> None:
    note = f"a release of 2022-02-01 gives other figures: “{OTHER}” (b)"
    assert notes([hit(BASE), hit(OTHER, "b", LATE)], spans) == ((note,) if noted else ())


def test_the_latest_are_noted() -> None:
    others = [
        hit(BASE.replace("400", str(i)), str(i), dt.date(2000 + i, 1, 1)) for i in range(1, NOTED + 3)
    ]
    found = notes([hit(BASE), *others], [("a", 0, 9)])
    assert [note[-2] for note in found] == [str(i) for i in range(NOTED + 2, 2, -1)]
