from __future__ import annotations

import time
from decimal import Decimal
from typing import Any

import pytest

from qa.dates import dates
from qa.figures import Figure, figures, same_figure

M = 10**6


def wrong(*values: object, why: str) -> Any:
    """A case that fails still, and should not."""
    return pytest.param(*values, marks=pytest.mark.xfail(strict=True, reason=why))


def read(text: str) -> list[tuple[str, Decimal, str]]:
    """Each figure of a text as it is written, its value and its unit; dates are left out."""
    spans = [(d.start, d.end) for d in dates(text)]
    return [(text[f.start : f.end], f.value, f.unit) for f in figures(text, spans)]


def one(text: str) -> Figure:
    found = figures(text)
    assert len(found) == 1, f"{text!r} holds {found}"
    return found[0]


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("$5", "5", "USD"),
        ("$ 5", "5", "USD"),
        ("US$5.5m", "5.5e6", "USD"),
        ("USD 1,100 million", "1.1e9", "USD"),
        ("$1.1 billion", "1.1e9", "USD"),
        ("$1.2B", "1.2e9", "USD"),
        ("$1.2T", "1.2e12", "USD"),
        ("$5-million", "5e6", "USD"),
        ("$5,000.00", "5000", "USD"),
        ("$.75", "0.75", "USD"),
        ("12 dollars", "12", "USD"),
        ("five million U.S. dollars", "5e6", "USD"),
        ("75 cents", "0.75", "USD"),
        ("€3.2bn", "3.2e9", "EUR"),
        ("500 euros", "500", "EUR"),
        ("EUR 500", "500", "EUR"),
        ("£14 million", "14e6", "GBP"),
        ("¥500 billion", "5e11", "JPY"),
        ("500 billion yen", "5e11", "JPY"),
        ("RMB 20 million", "2e7", "CNY"),
        ("20 million yuan", "2e7", "CNY"),
        ("HK$1,000", "1000", "HKD"),
        ("C$5 million", "5e6", "CAD"),
        ("A$3.5M", "3.5e6", "AUD"),
        ("R$ 10", "10", "BRL"),
        ("₹50", "50", "INR"),
        ("CHF 3 million", "3e6", "CHF"),
        ("half a million dollars", "5e5", "USD"),
        wrong("¢75", "0.75", "USD", why="no cent sign"),
        ("5 €", "5", "EUR"),
        ("5€", "5", "EUR"),
        ("a million dollars", "1e6", "USD"),
        ("one hundred dollars", "100", "USD"),
    ],
)
def test_money_in_any_notation(text: str, value: str, unit: str) -> None:
    found = one(f"It cost {text} then.")
    assert (found.value, found.unit) == (Decimal(value), unit)


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("12%", "12", "%"),
        ("12 %", "12", "%"),
        ("12 percent", "12", "%"),
        ("12 per cent", "12", "%"),
        ("twelve percent", "12", "%"),
        ("12-percent", "12", "%"),
        (".5%", "0.5", "%"),
        ("zero percent", "0", "%"),
        ("2 percentage points", "2", "pp"),
        ("2 percent points", "2", "pp"),
        ("two %-points", "2", "pp"),
        ("1,100", "1100", ""),
        ("1.1 billion", "1.1e9", ""),
        ("10M", "1e7", ""),
        ("10K", "1e4", ""),
        ("twenty-five", "25", ""),
        ("twenty five", "25", ""),
        ("two hundred", "200", ""),
        ("a hundred", "100", ""),
        ("five hundred thousand", "5e5", ""),
        ("one million", "1e6", ""),
        ("half a billion", "5e8", ""),
        ("a quarter of a million", "2.5e5", ""),
        ("a dozen", "12", ""),
        ("two dozen", "24", ""),
        ("5 mg", "5", "mg"),
        ("5 mg/kg", "5", "mg/kg"),
        ("5 mg/m2", "5", "mg/m2"),
        ("10 mcg", "10", "µg"),
        ("10 μg", "10", "µg"),
        ("1.5 million barrels", "1.5e6", "barrel"),
        ("1,000-acre", "1000", "acre"),
        ("6.5-inch", "6.5", "inch"),
        ("5 mm", "5", "mm"),
        ("5MW", "5", "mw"),
        ("three-year", "3", "year"),
        ("two decades", "2", "decade"),
        ("a century", "1", "century"),
        ("one hundred percent", "100", "%"),
        ("one hundred", "100", ""),
        ("one hundred and twenty", "120", ""),
        ("three hundred and fifty", "350", ""),
        ("three hundred fifty", "350", ""),
        wrong("a thousand", "1000", "", why="a/an before a scale is no figure"),
        wrong("1½", "1.5", "", why="fraction signs are not read"),
        wrong("half a century", "0.5", "century", why="'half' before a time is dropped"),
    ],
)
def test_counts_and_measures(text: str, value: str, unit: str) -> None:
    found = one(f"It was {text} then.")
    assert (found.value, found.unit.replace("points", "pp")) == (Decimal(value), unit)


@pytest.mark.parametrize("text", ["25 basis points", "25 bps", "25-basis-point"])
def test_basis_points(text: str) -> None:
    assert same_figure(one(text), one("25 bps")) and not same_figure(one(text), one("25 percent"))


@pytest.mark.parametrize(
    ("text", "values", "unit"),
    [
        ("5 to 7 million", [5 * M, 7 * M], ""),
        ("$5-7 million", [5 * M, 7 * M], "USD"),
        ("$5 million to $7 million", [5 * M, 7 * M], "USD"),
        ("from $3.1 to $3.5 billion", [3_100 * M, 3_500 * M], "USD"),
        ("$900 million to $1.1 billion", [900 * M, 1_100 * M], "USD"),
        ("between 5 and 7 percent", [5, 7], "%"),
        ("10-15%", [10, 15], "%"),
        ("10%–15%", [10, 15], "%"),
        ("5, 6 and 7 percent", [5, 6, 7], "%"),
        ("10 to 20 mg", [10, 20], "mg"),
        ("40/60 mg", [40, 60], "mg"),
        ("6-12 months", [6, 12], "month"),
        ("two or three years", [2, 3], "year"),
        ("1,000 to 2,000", [1000, 2000], ""),
        ("500 to 1,000", [500, 1000], ""),
        ("-5 to -3", [-5, -3], ""),
    ],
)
def test_a_range_carries_unit_and_scale(text: str, values: list[Decimal], unit: str) -> None:
    found = figures(text)
    assert ([f.value for f in found], {f.unit for f in found}) == (values, {unit})


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("Sales rose 7% to $412.6 million.", [7, 412_600_000]),
        ("from 10% to 5 million", [10, 5 * M]),
        ("fell 3% from $5 million to $4.85 million", [3, 5 * M, 4_850_000]),
        ("from 5 years to 2 million miles", [5, 2 * M]),
        ("5 of 7 million", [5, 7 * M]),
    ],
)
def test_figures_of_two_kinds_share_no_scale(text: str, values: list[Decimal]) -> None:
    assert [f.value for f in figures(text)] == values


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("-5%", -5),
        ("−12%", -12),
        ("-$3 million", -3 * M),
    ],
)
def test_less_than_nothing(text: str, value: Decimal) -> None:
    assert one(text).value == value


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("Ten patients (50%) responded.", [10, 50]),
        ("€50 million ($55 million)", [50 * M, 55 * M]),
        ("three (3) years", [3, 3]),
        ("€50 million ($55 million in 2019)", [50 * M, 55 * M, 2019]),
        ("10 (of 20) patients", [10, 20]),
        ("($5.2 million)", [5_200_000]),
        ("a net loss of $(5.2) million", [5_200_000]),
        ("(5.2)%", [Decimal("5.2")]),
    ],
)
def test_a_bracket_is_no_minus(text: str, values: list[Decimal]) -> None:
    assert [f.value for f in figures(text)] == values


@pytest.mark.parametrize("text", ["($5.2 million)", "$(5.2) million", "$(5.2 million)"])
def test_money_in_brackets_keeps_its_currency(text: str) -> None:
    assert (one(text).value, one(text).unit) == (Decimal(5_200_000), "USD")


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("nine in ten patients", 90),
        ("nine out of every ten", 90),
        ("9 out of 10", 90),
        ("one in five", 20),
        ("three-in-four", 75),
        ("half of the patients", 50),
        ("a quarter of the staff", 25),
        ("three quarters of the staff", 75),
        ("one-fifth of the staff", 20),
        ("35 out of 100", 35),
        ("thirty-five out of 100", 35),
        ("zero in ten patients", 0),
        wrong("two in 5 million people", Decimal("0.00004"), why="the scale of the whole is dropped"),
        ("one quarter of the staff", 25),
        wrong("one fifth of the staff", 20, why="'one fifth' is missing beside 'one-fifth'"),
        wrong("two-fifths of the staff", 40, why="fifths but for the first are missing"),
    ],
)
def test_shares_in_words(text: str, share: Decimal) -> None:
    assert (one(text).value, one(text).unit) == (share, "%")


@pytest.mark.parametrize(
    "text", ["a third of the staff", "one-third of the staff", "one third of its staff"]
)
def test_a_third(text: str) -> None:
    assert same_figure(one(text), one("33.3%")) and not same_figure(one(text), one("25%"))


@pytest.mark.parametrize(
    ("text", "other", "same"),
    [
        ("3 p.m.", "15:00", True),
        ("3:00 p.m.", "3 PM", True),
        ("3:30 pm", "3:30 p.m. ET", True),
        ("3 p.m.", "3 a.m.", False),
        ("12 p.m.", "12:00", True),
        ("9:30", "9:30 a.m.", True),
        ("12 a.m.", "12 p.m.", False),
        ("12:15 a.m.", "0:15", True),
    ],
)
def test_times_of_day(text: str, other: str, same: bool) -> None:
    assert same_figure(one(text), one(other)) is same


@pytest.mark.parametrize(
    ("text", "other", "same"),
    [
        ("Phase 3", "phase III", True),
        ("Phase 2b", "Phase IIb", True),
        ("Stage IV", "stage 4", True),
        ("Class I", "Class 1", True),
        ("Type 2", "type II", True),
        ("week 24", "24 weeks", True),
        ("Phase 2", "Phase 3", False),
        ("Phase 2", "Phase 2b", False),
        ("Phase 3", "3", False),
        ("Class II", "Phase II", False),
        ("twelfth", "12th", True),
        ("2nd", "second", True),
        ("2nd", "3rd", False),
        ("3rd", "3", False),
        wrong("twenty-first", "21st", True, why="ordinals above twelfth are read as their tens"),
        wrong("Title VII", "title 7", True, why="a title with a roman numeral is not read"),
    ],
)
def test_numbered_things(text: str, other: str, same: bool) -> None:
    assert same_figure(one(text), one(other)) is same


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("phase II/III", [2, 3]),
        ("Phase 1/2", [1, 2]),
        ("Grade 3/4", [3, 4]),
        ("the first drug", []),
        ("one of the drugs", []),
        ("no one", []),
        ("dozens of people", []),
        ("hundreds of people", []),
    ],
)
def test_numbered_things_in_pairs_and_none(text: str, values: list[Decimal]) -> None:
    assert [f.value for f in figures(text)] == values


@pytest.mark.parametrize(
    "text",
    [
        "COVID-19", "F-16", "CT-041", "8-K", "Form 10-Q", "B2B", "A320", "IL-2", "4E11", "v2.1.3", "mRNA-1273",
        wrong("5G", why="a code name of a digit and a letter"),
        wrong("the 3M Company", why="a name is three million"),
        wrong("3T MRI", why="three tesla are three trillion"),
        wrong("Rule 10b-5", why="a rule is ten billion"),
    ],
)  # fmt: skip
def test_code_names_are_no_figures(text: str) -> None:
    assert read(f"It is {text} here.") == []


@pytest.mark.parametrize(
    "text",
    [
        "on May 5, 2020", "in 2020", "Q2 2020", "2Q20", "the first half of 2021", "2020-01-20", "1/20/2025",
        "in the 1990s", "FY20",
    ],
)  # fmt: skip
def test_dates_are_left_out(text: str) -> None:
    assert read(f"It rose {text}.") == []
    assert [value for _, value, _ in read(f"It rose 5% {text}.")] == [5]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("an 18-year-old", [("18-year", 18, "")]),
        ("5 years of age", [("5 years", 5, "")]),
        ("18 years", [("18 years", 18, "year")]),
        ("$1.50 per share", [("$1.50", Decimal("1.5"), "USD")]),
        ("in 5.", [("5", 5, "")]),
        ("$5.", [("$5", 5, "USD")]),
        ("3.14.", [("3.14", Decimal("3.14"), "")]),
        ("5 million shares at $3 each", [("5 million", 5 * M, ""), ("$3", 3, "USD")]),
        ("up 7% from $385.6 million", [("7%", 7, "%"), ("$385.6 million", 385_600_000, "USD")]),
        ("", []),
        ("none", []),
    ],
)
def test_where_a_figure_stands(text: str, expected: list[tuple[str, Decimal, str]]) -> None:
    assert read(text) == expected


@pytest.mark.parametrize(
    ("text", "bound"),
    [
        ("more than 300", ">"), ("over $5 million", ">"), ("at least 5%", ">"), ("≥ 18", ">"),
        ("exceeding 10%", ">"), ("up to 20%", "<"), ("less than 5", "<"), ("fewer than 12", "<"), ("p < 0.05", "<"),
        ("p<0.05", "<"), ("at most 5", "<"), ("as many as 5", "<"), ("about 12", "~"), ("roughly 12", "~"), ("~5", "~"), ("exactly 12", ""), ("nearly 12", "<"),
        ("12", ""), ("no more than 5", "<"),
        ("not more than 5", "<"),
        ("no less than 5", ">"),
        ("no fewer than 5", ">"),
        ("not exceeding 5", "<"), wrong("as little as 5", ">", why="not known"),
    ],
)  # fmt: skip
def test_bounds(text: str, bound: str) -> None:
    assert one(text).bound == bound


@pytest.mark.parametrize(
    "claimed", ["5", "five", "$5", "5%", "5 mg", "Phase 5", "fifth", "-5", "more than 5"]
)
def test_a_figure_is_itself(claimed: str) -> None:
    assert same_figure(one(claimed), one(claimed))


@pytest.mark.parametrize(
    ("claimed", "stated", "same"),
    [
        # equal in another notation
        ("$1.1 billion", "USD 1,100 million", True),
        ("€5 million", "5 million euros", True),
        ("12 %", "twelve percent", True),
        ("1 million", "one million", True),
        ("$0.75", "75 cents", True),
        ("$1.10", "$1.1", True),
        ("24", "two dozen", True),
        ("two decades", "20 years", True),
        ("18 months", "1.5 years", True),
        ("six months", "two quarters", True),
        ("two weeks", "14 days", True),
        ("a century", "100 years", True),
        # a rounding follows from what it rounds, and not the other way round
        ("1.2 billion", "1,187 million", True),
        ("1,187 million", "1.2 billion", False),
        ("12%", "11.8%", True),
        ("11.8%", "12%", False),
        ("11%", "11.4%", True),
        ("12%", "11.4%", False),
        ("1,200", "1,187", False),
        ("about 1,200", "1,187", True),
        ("about 1,200", "1,287", False),
        # bounds
        ("more than 1,100", "1,187", True),
        ("more than 1,200", "1,187", False),
        ("nearly 1,200", "1,187", True),
        ("over $5 million", "$5.2 million", True),
        ("over $5 million", "$4.8 million", False),
        ("over $5 million", "$50 million", False),
        ("less than 1,200", "1,187", True),
        ("less than 1,100", "1,187", False),
        ("at least 18", "18", True),
        # what differs
        ("1.1 billion", "1.1 million", False),
        ("$5", "€5", False),
        ("A$5", "US$5", False),
        ("12%", "12 percentage points", False),
        ("12 percentage points", "12%", False),
        ("12 percentage points", "12 basis points", False),
        ("-5%", "5%", False),
        ("5%", "5", False),
        ("10 mg", "10 g", False),
        ("10 mg", "10 mg/kg", False),
        ("18 months", "18 years", False),
        ("$5", "5", False),
        # what goes without its unit
        ("5", "$5", False),
        ("18", "18 years", True),
        ("18 years", "18", False),
        ("nearly 1,200", "1,213", False),
        ("10 million shares", "$10 million", False),
    ],
)
def test_what_follows_from_what(claimed: str, stated: str, same: bool) -> None:
    assert same_figure(one(claimed), one(stated)) is same


@pytest.mark.parametrize(
    ("claimed", "stated"),
    [
        ("100", "one hundred"),
        ("120", "one hundred and twenty"),
        wrong("half a century", "50 years", why="'half' before a time is dropped"),
        wrong("one year", "a year", why="a/an before a time is no figure"),
        wrong("18 months", "one and a half years", why="'and a half' is dropped"),
    ],
)
def test_equal_in_words(claimed: str, stated: str) -> None:
    (mine,), (theirs,) = figures(claimed), figures(stated)
    assert same_figure(mine, theirs) and same_figure(theirs, mine)


@pytest.mark.parametrize(
    "text",
    [
        "$" + "9" * 5000,
        "9" * 400 + " trillion",
        "٣ ملايين",
        "３ million",
        "²",
        "0th",
        "売上高は1,200億円",
        "\ud800 5%",
        "Section " + "1" * 5000,
        "A-" + "1" * 5000 + "th",
        "1" * 5000 + " in ten",
    ],
)
def test_odd_texts_are_read(text: str) -> None:
    for figure in figures(text):
        assert text[figure.start : figure.end].strip()
        assert same_figure(figure, figure)


SIZE, SECONDS = 100_000, 15.0


@pytest.mark.parametrize(
    "part", ["1", "a", " ", "A", "<", "[", "(", "-", "$", "111,", "one ", "hundred ", "twenty-", "忽"]
)
def test_hostile_text_takes_seconds_at_most(part: str) -> None:
    began = time.perf_counter()
    figures((part * SIZE)[:SIZE])
    assert time.perf_counter() - began < SECONDS


@pytest.mark.parametrize("part", ["1 ", "$1 "])
def test_thousands_of_figures_take_seconds_at_most(part: str) -> None:
    began = time.perf_counter()
    assert len(figures(part * 3200)) == 3200
    assert time.perf_counter() - began < SECONDS
