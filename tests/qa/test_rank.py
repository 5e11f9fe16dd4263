from __future__ import annotations

import datetime as dt
import itertools
import json
import random
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

import numpy as np
import pytest
from index_fakes import vector

from index.marks import marks
from index.terms import codes, stems
from index.types import Found, Hit, SectionKind
from qa.periods import Period, distance
from qa.query import terms
from qa.rank import NAMES, STAGES, Shared, shared, weights
from qa.scope import Scope
from qa.settings import STAGES as ALL_STAGES
from qa.types import Mention

DAY = dt.date(2020, 5, 1)
YEAR_2020 = Period("2020", dt.date(2020, 1, 1), dt.date(2020, 12, 31))
IDS = itertools.count(1)


def made(
    text: str,
    release_id: str = "r",
    nth: int = 1,
    title: str = "",
    date: dt.date | None = DAY,
    company: str | None = None,
    section: SectionKind = "body",
    carriers: int = 1,
) -> Found:
    hit = Hit(release_id, 0, len(text), 0.0, title, date, text, company, section, carriers)
    return Found(next(IDS), hit, nth, codes(text), marks(text), vector(text)[0])


def rank(
    question: str,
    found: Sequence[Found],
    told: Mapping[str, float] | None = None,
    scope: Scope = Scope(),  # noqa: B008 (frozen)
    phrases: Sequence[tuple[str, str]] = (),
    fused: Mapping[int, float] | None = None,
) -> Shared:
    told = told or dict.fromkeys(stems(question), 1.0)
    return shared(question, terms(question, told, phrases), vector(question), scope, found, fused or {})


def column(name: str, *args: Any, **kwargs: Any) -> list[float]:
    values: list[float] = rank(*args, **kwargs).features[:, NAMES.index(name)].tolist()
    return values


TOLD = {"alpha": 3.0, "beta": 1.0}
A, B, NONE = made("Alpha is."), made("Beta is."), made("It is.")


@pytest.mark.parametrize(
    ("name", "question", "found", "expected"),
    [
        ("cosine", "alpha beta", [made("alpha beta gamma delta"), made("alpha beta")], [0.5**0.5, 1]),
        ("coverage", "alpha beta", [A, B, NONE, made("beta beta alphas")], [0.75, 0.25, 0, 1]),
        ("title", "alpha beta", [made("Beta", title="Alpha"), A], [0.75, 0]),
        ("title_only", "alpha beta", [made("Beta", title="Alpha"), made("Alpha", title="Alpha Beta"), A], [0.75, 0.25, 0]),
        ("coverage_title", "alpha beta", [made("Beta", title="Alpha"), made("Beta", title="Beta")], [3 / 16, 1 / 16]),
        # what one passage lacks, another of its release may hold
        ("release", "alpha beta", [made("Alpha", "a"), made("Beta", "a"), made("Beta", "b")], [1, 1, 0.25]),
        ("release", "alpha beta", [made("It", "a"), made("Beta", "a", title="Alpha")], [1, 1]),
        ("rarest_release", "alpha beta", [made("Alpha", "a"), made("It", "a"), made("Beta", "b")], [1, 1, 0]),
        ("first", "alpha", [made("x", nth=0), made("x", nth=1)], [1, 0]),
        ("position", "alpha", [made("x", nth=0), made("x", nth=5), made("x", nth=50)], [0, 0.5, 1]),
        ("length", "alpha", [made("x " * 70), made("x " * 400), made("")], [0.5, 1, 0]),
        ("about", "alpha", [made("x", section="about"), made("x")], [1, 0]),
        ("quotation", "alpha", [made("x", section="quotation"), made("x", section="table")], [1, 0]),
        (
            "boilerplate",
            "alpha",
            [made("x", section=s) for s in ("forward-looking", "contact", "legal", "navigation", "about", "headline")],
            [1, 1, 1, 1, 0, 0],
        ),
        ("recurring", "alpha", [made("x"), made("x", carriers=8), made("x", carriers=0)], [0, np.log(8), 0]),
        ("recent", "alpha", [made("x", date=dt.date(y, 1, 1)) for y in (2021, 2019, 2023, 2020)], [2 / 3, 0, 1, 1 / 3]),
        ("recent", "alpha", [made("x", date=None), made("x")], [0, 1]),
    ],
)  # fmt: skip
def test_features_of_text_and_place(
    name: str, question: str, found: list[Found], expected: list[float]
) -> None:
    told = {stem: TOLD[stem] for stem in stems(question)}
    assert column(name, question, found, told) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("name", "question", "texts", "expected"),
    [
        ("names", "Who ran Zorka in 2020?", ["Zorka grew", "It ran", "Zorka in 2020"], [0.5, 0, 1]),
        ("names", "who ran it", ["Zorka"], [1]),
        (
            "pairs",
            "alpha beta gamma",
            ["alpha beta x gamma", "beta alpha", "alpha beta gamma"],
            [0.5, 0, 1],
        ),
        ("pairs", "alpha beta", ["x alpha", "beta x"], [0, 0]),  # not over the end of a text
        ("pairs", "alpha", ["alpha alpha"], [0]),
        ("number_for_number", "How many were there?", ["Some 12.", "Many."], [1, 0]),
        ("number_for_number", "Who was there?", ["Some 12."], [0]),
        ("money_for_money", "How much was paid?", ["It paid $5.", "It paid 5 goats."], [1, 0]),
        ("percent_for_percent", "What percentage agreed?", ["Some 5%.", "Some 5."], [1, 0]),
        ("date_for_date", "When was it?", ["It was in May 2020.", "It was $5."], [1, 0]),
        ("date_for_date", "Who was it?", ["It was in May 2020."], [0]),
    ],
)
def test_features_of_words(name: str, question: str, texts: list[str], expected: list[float]) -> None:
    assert column(name, question, [made(text) for text in texts]) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("question", "found", "lacks"),
    [
        ("Alpha in 2020?", made("Alpha", date=dt.date(2020, 1, 1)), 0),
        ("Alpha in 2020?", made("In 2020", date=dt.date(2024, 1, 1)), 0),
        ("Alpha in 2020?", made("Alpha", title="A look at 2020", date=None), 0),
        ("Alpha in 2020?", made("Alpha", date=dt.date(2021, 1, 1)), 1),
        ("Alpha in 2020?", made("Alpha", date=None), 1),
        ("Alpha in 2019 and 2020?", made("In 2019", date=dt.date(2021, 1, 1)), 1),
        ("Alpha in 2019 and 2020?", made("In 2019", date=dt.date(2020, 1, 1)), 0),
        ("Alpha 12?", made("Beta", date=None), 0),
    ],
)
def test_a_year_that_is_missing(question: str, found: Found, lacks: int) -> None:
    assert column("year", question, [found]) == [lacks]


def test_names_reach_over_a_release() -> None:
    found = [made("Zorka", "a"), made("in 2020", "a"), made("Zorka", "b")]
    assert column("names", "Who ran Zorka in 2020?", found) == [0.5, 0.5, 0.5]
    assert column("names_release", "Who ran Zorka in 2020?", found) == [1, 1, 0.5]


@pytest.mark.parametrize("name", ["bm25", "cosine"])
def test_the_best_of_a_release(name: str) -> None:
    found = [
        made("alpha x y z", "a"),
        made("alpha beta", "a"),
        made("beta u v w t s", "b"),
        made("none", "c"),
    ]
    own = column(name, "alpha beta", found, TOLD)
    assert column(f"release_{name}", "alpha beta", found, TOLD) == [own[1], own[1], own[2], own[3]]
    assert own[1] == pytest.approx(1.0)
    assert own[1] > own[0] > own[3]


def test_more_of_a_term_and_a_shorter_text_make_a_better_bm25() -> None:
    found = [made("alpha x"), made("alpha alpha"), made("alpha " + "x " * 100), made("x")]
    one, twice, long, none = column("bm25", "alpha", found)
    assert twice == 1.0 > one > long > none == 0


def test_fused_is_the_score_of_the_search() -> None:
    assert column("fused", "alpha", [A, B], fused={A.text_id: 0.25}) == [0.25, 0]


def test_a_phrase_counts_as_its_terms() -> None:
    question, found = (
        "CT041 rate",
        [made("The CT-041 rate"), made("041 CT rate"), made("x CT"), made("041 x")],
    )
    assert column("coverage", question, found) == [0.5, 0.5, 0, 0]
    phrases = [("CT041", "CT 041")]
    assert column("coverage", question, found, phrases=phrases) == [1, 0.5, 0, 0]
    assert column("names", question, found, phrases=phrases) == [1, 0, 0, 0]
    held = rank(question, found, phrases=phrases).held
    assert held.tolist() == [[True, True], [False, True], [False, False], [False, False]]


def test_held_is_in_text_or_title() -> None:
    held = rank("alpha beta gamma", [made("alpha", title="Beta"), made("gamma")]).held
    assert held.tolist() == [[True, True, False], [False, False, True]]


def scoped(companies: Sequence[str] = (), periods: Sequence[Period] = (), order: Any = None) -> Scope:
    said = (Mention("order", "said", 0, 1),) if companies or periods or order else ()
    return Scope(tuple(companies), tuple(periods), order, said)


BY = [made("x", company=c, date=d, carriers=4) for c, d in
      (("Acme", dt.date(2020, 6, 1)), ("Bolt", dt.date(2023, 1, 1)), (None, None))]  # fmt: skip
FAR = distance(YEAR_2020, dt.date(2023, 1, 1))


@pytest.mark.parametrize(
    ("name", "scope", "expected"),
    [
        ("company", scoped(["Acme"]), [1, 0, 0]),
        ("company", scoped(["Acme", "Bolt"]), [1, 1, 0]),
        ("company", scoped(), [0, 0, 0]),
        ("other_company", scoped(["Acme"]), [0, 1, 1]),
        ("other_company", scoped(order="first"), [0, 0, 0]),
        ("period", scoped(periods=[YEAR_2020]), [0, FAR, 1]),
        ("period", scoped(), [0, 0, 0]),
        ("latest", scoped(order="latest"), [0.5, 1, 0]),
        ("latest", scoped(order="first"), [0, 0, 0]),
        ("latest", scoped(), [0, 0, 0]),
        ("earliest", scoped(order="first"), [0.5, 0, 0]),
        ("earliest", scoped(order="latest"), [0, 0, 0]),
        ("recent", scoped(), [0.5, 1, 0]),
        ("recent", scoped(["Acme"]), [0.5, 1, 0]),
        ("recent", scoped(["Acme", "Bolt"]), [0, 1, 0]),
        ("recent", scoped(order="latest"), [0, 0, 0]),
        ("recent", scoped(periods=[YEAR_2020]), [0, 0, 0]),
        ("recurring_issuer", scoped(["Acme"]), [np.log(4), 0, 0]),
        ("recurring_issuer", scoped(["Acme"], order="latest"), [0, 0, 0]),
        ("recurring_issuer", scoped(["Acme"], [YEAR_2020]), [0, 0, 0]),
        ("recurring_issuer", scoped(), [0, 0, 0]),
    ],
)
def test_features_of_scope(name: str, scope: Scope, expected: list[float]) -> None:
    assert column(name, "which", BY, scope=scope) == pytest.approx(expected)


def test_an_undated_release_is_not_taken_for_the_first() -> None:
    dated, undated = column(
        "earliest", "which", [made("x"), made("x", date=None)], scope=scoped(order="first")
    )
    assert undated <= dated


# -- edges ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("question", ["", "alpha"])
def test_no_candidates(question: str) -> None:
    found = rank(question, [])
    assert found.features.shape == (0, len(NAMES))
    assert found.held.shape == (0, len(stems(question)))


def test_no_terms() -> None:
    found = rank("?!", [A, made("", title="Alpha")], phrases=[("x", "y")])
    assert found.held.shape == (2, 0)
    assert np.isfinite(found.features).all()
    assert found.features[:, NAMES.index("coverage")].tolist() == [0, 0]


def test_features_are_finite_and_in_range() -> None:
    rng = random.Random(7)
    vocabulary = "alpha beta gamma Zorka 2020 2021 $5 12% in of May CT 041".split()
    sections: list[SectionKind] = ["body", "about", "legal", "quotation"]

    def text(longest: int) -> str:
        return " ".join(rng.choices(vocabulary, k=rng.randrange(longest)))

    for _ in range(60):
        found = [
            made(text(60), rng.choice("abc"), rng.randrange(30), text(6),
                 rng.choice([None, dt.date(rng.randrange(1990, 2030), 1, 1)]), rng.choice([None, "Acme"]),
                 rng.choice(sections), rng.randrange(1, 90))
            for _ in range(rng.randrange(1, 20))
        ]  # fmt: skip
        scope = scoped(
            rng.choice([[], ["Acme"]]),
            rng.choice([[], [YEAR_2020]]),
            rng.choice([None, "first", "latest"]),
        )
        got = rank(text(9) + " CT041", found, None, scope, [("CT041", "CT 041")])
        assert np.isfinite(got.features).all()
        for name, values in zip(NAMES, got.features.T, strict=True):
            most = np.log(90) if name.startswith("recurring") else 1.0
            assert values.min() >= -1e-9 and values.max() <= most + 1e-6, name


def test_the_order_of_candidates_changes_nothing() -> None:
    found = [
        made("alpha beta", "a"),
        made("beta", "b"),
        made("alpha", "a", title="Beta"),
        made("", "c", date=None),
    ]
    forward = rank("alpha beta", found, TOLD, scoped(["Acme"], order="latest"))
    back = rank("alpha beta", found[::-1], TOLD, scoped(["Acme"], order="latest"))
    np.testing.assert_allclose(forward.features, back.features[::-1], atol=1e-12)


# -- the weights ----------------------------------------------------------------------------------


def test_the_packaged_ranker_weighs_exactly_these_features() -> None:
    fitted = json.loads(files("qa").joinpath("ranker.json").read_text("utf-8"))["weights"]
    assert set(fitted) == set(NAMES)
    assert len(set(NAMES)) == len(NAMES)
    assert weights().shape == (len(NAMES),)
    assert np.isfinite(weights()).all()


def test_stages_are_known_and_share_no_feature() -> None:
    columns = [name for stage in STAGES.values() for name in stage]
    assert set(STAGES) <= set(ALL_STAGES)
    assert len(set(columns)) == len(columns)
    assert set(columns) <= set(NAMES)
