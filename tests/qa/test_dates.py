from __future__ import annotations

import datetime as dt
import time
from dataclasses import asdict
from typing import Any

import pytest

from qa.dates import Date, dates, same_date

PUBLISHED = dt.date(2020, 5, 6)


def wrong(*values: object, why: str) -> Any:
    """A case that fails still, and should not."""
    return pytest.param(*values, marks=pytest.mark.xfail(strict=True, reason=why))


def stated(text: str) -> list[dict[str, object]]:
    """What each date of a text states, without where it stands."""
    return [
        {k: v for k, v in asdict(d).items() if k not in ("start", "end") and v not in (None, False)}
        for d in dates(text)
    ]


def one(text: str) -> Date:
    found = dates(text)
    assert len(found) == 1, f"{text!r} holds {found}"
    return found[0]


def day(year: int, month: int, day: int) -> dict[str, int]:
    return {"year": year, "month": month, "day": day}


@pytest.mark.parametrize(
    "text",
    [
        "January 20, 2025", "Jan. 20, 2025", "Jan 20 2025", "January 20th, 2025", "20 January 2025",
        "20 Jan. 2025", "20th of January 2025", "20th January, 2025", "2025-01-20", "1/20/2025", "01/20/25",
        "JANUARY 20, 2025",
        "20/1/2025", "20.1.2025",
        wrong("2025/01/20", why="no year first with slashes"),
        wrong("2025年1月20日", why="no Chinese or Japanese dates"),
    ],
)  # fmt: skip
def test_a_day_in_any_notation(text: str) -> None:
    assert stated(f"It opened on {text}.") == [day(2025, 1, 20)]
    assert stated(text) == [day(2025, 1, 20)]
    (found,) = dates(f"On {text}, it opened.")
    assert f"On {text}, it opened."[found.start : found.end] == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("March 5", {"month": 3, "day": 5}),
        ("5 March", {"month": 3, "day": 5}),
        ("Sept. 11", {"month": 9, "day": 11}),
        ("January 2025", {"year": 2025, "month": 1}),
        ("Jan. 2025", {"year": 2025, "month": 1}),
        ("January of 2025", {"year": 2025, "month": 1}),
        ("May 2021", {"year": 2021, "month": 5}),
        ("January", {"month": 1}),
        ("in May", {"month": 5}),
        ("since March", {"month": 3}),
        ("2020", {"year": 2020}),
        ("fiscal 2020", {"year": 2020}),
        ("fiscal year 2020", {"year": 2020}),
        ("FY20", {"year": 2020}),
        ("FY'20", {"year": 2020}),
        ("FY2020", {"year": 2020}),
        ("mid-2020", {"year": 2020}),
        ("the 1990s", {"year": 1990, "decade": True}),
        ("Monday", {"weekday": "mon"}),
        ("Thursdays", {"weekday": "thurs"}),
        ("in winter", {"weekday": "winter"}),
        ("Q2 2020", {"year": 2020, "quarter": 2}),
        ("2Q20", {"year": 2020, "quarter": 2}),
        ("2Q 2020", {"year": 2020, "quarter": 2}),
        ("Q2'20", {"year": 2020, "quarter": 2}),
        ("Q2 of fiscal 2020", {"year": 2020, "quarter": 2}),
        ("second quarter of 2020", {"year": 2020, "quarter": 2}),
        ("second-quarter 2020", {"year": 2020, "quarter": 2}),
        ("second quarter of fiscal year 2020", {"year": 2020, "quarter": 2}),
        ("the fourth quarter", {"quarter": 4}),
        ("Q3", {"quarter": 3}),
        ("H1 2021", {"year": 2021, "half": 1}),
        ("1H 2021", {"year": 2021, "half": 1}),
        ("first half of 2021", {"year": 2021, "half": 1}),
        ("second half", {"half": 2}),
        ("Q2 FY2020", {"year": 2020, "quarter": 2}),
        wrong("Q2 FY20", {"year": 2020, "quarter": 2}, why="FY after a quarter is not read"),
        ("1H21", {"year": 2021, "half": 1}),
        ("H1'21", {"year": 2021, "half": 1}),
        ("2020Q2", {"year": 2020, "quarter": 2}),
        ("Q2/2020", {"year": 2020, "quarter": 2}),
        ("Q3 -12%", {"quarter": 3}),
        ("Q3-12.5%", {"quarter": 3}),
        ("1H 24 months", {"half": 1}),
    ],
)
def test_periods(text: str, expected: dict[str, object]) -> None:
    assert stated(f"It was {text}, then.") == [expected]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("July 1 to July 3, 2020", [day(2020, 7, 1), day(2020, 7, 3)]),
        ("June and July 2019", [{"year": 2019, "month": 6}, {"year": 2019, "month": 7}]),
        ("Q1 and Q2 2020", [{"year": 2020, "quarter": 1}, {"year": 2020, "quarter": 2}]),
        ("second quarter ended June 30, 2020", [{"year": 2020, "quarter": 2}, day(2020, 6, 30)]),
        ("August 2020 and March 2021", [{"year": 2020, "month": 8}, {"year": 2021, "month": 3}]),
        ("2019-2020", [{"year": 2019}, {"year": 2020}]),
        ("from 2018 to 2020", [{"year": 2018}, {"year": 2020}]),
        ("June 30, 2020 and 2019", [day(2020, 6, 30), {"year": 2019}]),
        ("Monday, May 4", [{"weekday": "mon"}, {"month": 5, "day": 4}]),
        ("the fall of 2020", [{"weekday": "autumn"}, {"year": 2020}]),
        ("spring 2021", [{"weekday": "spring"}, {"year": 2021}]),
        ("May 4. In 2021 it rose", [{"month": 5, "day": 4}, {"year": 2021}]),
    ],
)
def test_dates_beside_each_other(text: str, expected: list[dict[str, object]]) -> None:
    assert stated(text) == expected


@pytest.mark.parametrize(
    "text", ["July 1 and 2, 2020", "July 1-2, 2020", "July 1–2, 2020", "July 1 to 2, 2020"]
)
def test_the_first_day_takes_the_year_of_the_second(text: str) -> None:
    assert stated(text)[0] == day(2020, 7, 1)


@pytest.mark.xfail(strict=True, reason="'4-6 May' states the 6th only")
def test_the_first_day_takes_the_month_of_the_second() -> None:
    assert stated("4-6 May 2021")[0] == day(2021, 5, 4)


@pytest.mark.parametrize(
    "text",
    [
        "It may rise.", "They may go.", "May we ask?", "The troops march on.", "March on Rome", "Sales fall.",
        "Sales fall 5%.", "It will fall.", "an august body", "Mar a Lago", "Dec", "Jan Roe", "Spring-loaded",
        "$2020", "2,020", "2020%", "2020.5", "20200101", "2020 employees", "2020 mg", "1850", "2100", "9/11",
        "Sun Pharma", "", "no date",
        "H2O",
        "the H1N1 flu",
        wrong("Summer Lee is chair.", why="a first name is a season"),
        "Fifteen of 2000 people",
    ],
)  # fmt: skip
def test_what_is_no_date(text: str) -> None:
    assert stated(text) == []


@pytest.mark.parametrize(
    ("claimed", "said", "same"),
    [
        ("20 Jan. 2025", "January 20, 2025", True),
        ("1/20/2025", "2025-01-20", True),
        ("Q2 2020", "the second quarter of 2020", True),
        ("H1 2021", "first half of 2021", True),
        ("FY20", "fiscal year 2020", True),
        ("January 2025", "January 20, 2025", True),
        ("2025", "January 20, 2025", True),
        ("January 20", "January 20, 2025", True),
        ("Q2", "Q2 2020", True),
        ("second quarter of 2020", "June 30, 2020", True),
        ("January 20, 2025", "January 2025", False),
        ("January 20, 2025", "January 21, 2025", False),
        ("January 20, 2025", "January 20, 2024", False),
        ("January 20, 2025", "2025", False),
        ("January 2025", "February 2025", False),
        ("Q2 2020", "Q3 2020", False),
        ("Q2 2020", "2020", False),
        ("Q2 2020", "March 31, 2020", False),
        ("H1 2020", "H2 2020", False),
        ("the 1990s", "1990", False),
        ("1990", "the 1990s", False),
        ("the 1990s", "the 1980s", False),
        ("Monday", "Tuesday", False),
        ("Tuesday", "Tuesdays", True),
        ("in summer", "in winter", False),
        wrong("H1 2020", "June 30, 2020", True, why="a month states its quarter but not its half"),
        wrong("H1 2020", "Q2 2020", True, why="a quarter does not state its half"),
    ],
)
def test_what_follows_from_what(claimed: str, said: str, same: bool) -> None:
    assert same_date(one(claimed), one(said)) is same


@pytest.mark.parametrize(
    ("claimed", "said", "same"),
    [
        ("May 5, 2020", "May 5", True),
        ("May 5, 2019", "May 5", False),
        ("May 5, 2020", "May 6", False),
        ("Q1 2020", "the first quarter", True),
        ("Q1 2019", "the first quarter", False),
        ("May 5, 2020", "May 5, 2019", False),
        ("2020", "May 5", True),
    ],
)
def test_a_date_without_a_year_is_of_the_year_of_publication(claimed: str, said: str, same: bool) -> None:
    assert same_date(one(claimed), one(said), PUBLISHED) is same
    assert not same_date(one(claimed), one(said))


@pytest.mark.parametrize(
    "part",
    [
        "1", "1 ", "1/", "20", "2020", "2020-", "May ", "May 1, ", "Q1 ", "first half ", "a", " ", "<", "[", "the ",
        "first quarter of the fiscal year ",
    ],
)  # fmt: skip
def test_hostile_text_takes_seconds_at_most(part: str) -> None:
    began = time.perf_counter()
    dates((part * 20_000)[:20_000])
    assert time.perf_counter() - began < 10
