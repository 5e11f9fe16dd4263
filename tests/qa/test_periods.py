from __future__ import annotations

import datetime as dt
from dataclasses import replace
from itertools import pairwise

import pytest

from qa.periods import INSIDE, Period, distance, nearest, periods

TODAY = dt.date(2025, 2, 12)


def read(question: str) -> list[Period]:
    return [timed.period for timed in periods(question, TODAY)]


def spans(question: str) -> list[tuple[str, str, str]]:
    """Each period as its label, first and last day; open ends as nothing."""
    return [
        (
            p.label,
            "" if p.first == dt.date.min else p.first.isoformat(),
            "" if p.last == dt.date.max else p.last.isoformat(),
        )
        for p in read(question)
    ]


def labels(question: str) -> list[str]:
    return [p.label for p in read(question)]


# -- periods --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "label", "first", "last", "reporting"),
    [
        ("in 2019", "2019", "2019-01-01", "2019-12-31", False),
        ("in February 2020", "February 2020", "2020-02-01", "2020-02-29", False),
        ("in feb 2020", "February 2020", "2020-02-01", "2020-02-29", False),
        ("in Sept. 2021", "September 2021", "2021-09-01", "2021-09-30", False),
        ("on 8 November 2023", "8 Nov 2023", "2023-11-08", "2023-11-08", False),
        ("on Nov. 8, 2023", "8 Nov 2023", "2023-11-08", "2023-11-08", False),
        ("on 2023-11-08", "8 Nov 2023", "2023-11-08", "2023-11-08", False),
        ("in early 2024", "early 2024", "2024-01-01", "2024-03-31", False),
        ("in mid-2024", "mid-2024", "2024-05-01", "2024-08-31", False),
        ("in late 2024", "late 2024", "2024-10-01", "2024-12-31", False),
        ("in early March 2020", "early March 2020", "2020-03-01", "2020-03-10", False),
        ("in late February 2021", "late February 2021", "2021-02-21", "2021-02-28", False),
        ("left at the end of June 2024", "end of June 2024", "2024-06-21", "2024-06-30", True),
        ("in spring 2023", "spring 2023", "2023-03-01", "2023-05-31", False),
        ("in Q2 2020", "Q2 2020", "2020-04-01", "2020-06-30", True),
        ("in the second quarter of 2020", "Q2 2020", "2020-04-01", "2020-06-30", True),
        ("in 2Q20", "Q2 2020", "2020-04-01", "2020-06-30", True),
        ("in Q2'20", "Q2 2020", "2020-04-01", "2020-06-30", True),
        ("from second-quarter 2020 results", "Q2 2020", "2020-04-01", "2020-06-30", True),
        ("in 2020 Q2", "Q2 2020", "2020-04-01", "2020-06-30", True),
        ("in 2020's second quarter", "Q2 2020", "2020-04-01", "2020-06-30", True),
        ("in Q2 of FY24", "Q2 FY 2024", "2023-04-01", "2024-06-30", True),
        ("in its third fiscal quarter of 2024", "Q3 FY 2024", "2023-07-01", "2024-09-30", True),
        ("in the quarter ended March 31, 2024", "Q1 2024", "2024-01-01", "2024-03-31", True),
        ("in the quarter ended April 30, 2024", "quarter to 30 Apr 2024", "2024-02-01", "2024-04-30", True),
        ("in the first half of 2024", "H1 2024", "2024-01-01", "2024-06-30", True),
        ("in H2 2024", "H2 2024", "2024-07-01", "2024-12-31", True),
        ("between January and June 2024", "H1 2024", "2024-01-01", "2024-06-30", True),
        ("in the six months ended June 30, 2024", "H1 2024", "2024-01-01", "2024-06-30", True),
        ("in the first nine months of 2024", "9M 2024", "2024-01-01", "2024-09-30", True),
        ("in the last three months of 2024", "Q4 2024", "2024-10-01", "2024-12-31", True),
        ("in fiscal 2024", "FY 2024", "2024-01-01", "2024-12-31", True),
        ("in FY24", "FY 2024", "2024-01-01", "2024-12-31", True),
        ("for full-year 2023", "FY 2023", "2023-01-01", "2023-12-31", True),
        ("for the 2023 fiscal year", "FY 2023", "2023-01-01", "2023-12-31", True),
        ("in the fiscal year ended June 30, 2024", "FY to 30 Jun 2024", "2023-07-01", "2024-06-30", True),
        ("from 2019 to 2021", "2019–2021", "2019-01-01", "2021-12-31", False),
        ("in 2019-21", "2019–2021", "2019-01-01", "2021-12-31", False),
        ("in the half-year to 30 June 2023", "H1 2023", "2023-01-01", "2023-06-30", True),
        ("in the 52 weeks ended January 28, 2023", "FY to 28 Jan 2023", "2022-02-01", "2023-01-28", True),
        ("in 1H24", "H1 2024", "2024-01-01", "2024-06-30", True),
        ("not before 2020", "since 2020", "2020-01-01", "", False),
        ("no later than 2020", "by 2020", "", "2020-12-31", False),
        ("later than 2020", "after 2020", "2021-01-01", "", False),
        ("between 2019 and today", "since 2019", "2019-01-01", "", False),
        ("in 2019-20", "2019–2020", "2019-01-01", "2020-12-31", False),
        ("between March and May 2020", "March–May 2020", "2020-03-01", "2020-05-31", False),
        ("in Mar–May 2020", "March–May 2020", "2020-03-01", "2020-05-31", False),
        ("from Q3 2022 to Q2 2023", "Q3 2022–Q2 2023", "2022-07-01", "2023-06-30", True),
        ("since 2021", "since 2021", "2021-01-01", "", False),
        ("from 2021 to now", "since 2021", "2021-01-01", "", False),
        ("after May 2020", "after May 2020", "2020-06-01", "", False),
        ("before 2019", "before 2019", "", "2018-12-31", False),
        ("before the end of 2019", "before end of 2019", "", "2019-12-31", True),
        ("by mid-2024", "by mid-2024", "", "2024-08-31", False),
        ("halfway through 2024", "mid-2024", "2024-05-01", "2024-08-31", False),
        ("at mid-year 2024", "mid-2024", "2024-05-01", "2024-08-31", False),
        ("to end 2023 with", "end of 2023", "2023-12-01", "2023-12-31", True),
        ("when it finished 2023", "end of 2023", "2023-12-01", "2023-12-31", True),
        ("when 2023 closed", "end of 2023", "2023-12-01", "2023-12-31", True),
        ("at 2023 year-end", "end of 2023", "2023-12-01", "2023-12-31", True),
        ("before its trial ended in 2023", "2023", "2023-01-01", "2023-12-31", False),
        ("after the company closed 2023's biggest deal", "2023", "2023-01-01", "2023-12-31", False),
        ("after the deal of 2023 closed", "2023", "2023-01-01", "2023-12-31", False),
    ],
)  # fmt: skip
def test_a_period(text: str, label: str, first: str, last: str, reporting: bool) -> None:
    question = f"What did the company sell {text}?"
    assert spans(question) == [(label, first, last)]
    assert [p.reporting for p in read(question)] == [reporting]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("first and second quarter 2025", ["Q1 2025", "Q2 2025"]),
        ("Q4 2023 compared with Q3", ["Q4 2023", "Q3 2023"]),
        ("Q1 2023, and what was it in Q2", ["Q1 2023", "Q2 2023"]),
        ("1H NMR in 2020", ["2020"]),
        ("Q1 and Q2 2025", ["Q1 2025", "Q2 2025"]),
        ("as of June 30, 2023 and 2022", ["as of 30 Jun 2023", "as of 30 Jun 2022"]),
        ("in the quarter ended June 30, 2023 and 2022", ["Q2 2023", "Q2 2022"]),
        ("in the first half of 2024 or 2023", ["H1 2024", "H1 2023"]),
        ("in Q2 2023, and a year later", ["Q2 2023", "Q2 2024"]),
        ("in May 2021, and how many two years after that", ["May 2021", "May 2023"]),
        ("in Q2 2023 from a year earlier", ["Q2 2023"]),
        ("a year later", []),
        ("in June 2023 and in 2022", ["June 2023", "2022"]),
        ("for Q4 2023 and 2024 guidance", ["Q4 2023", "2024"]),
        ("in the fiscal year ended June 30, 2024 and 2023", ["FY to 30 Jun 2024", "FY to 30 Jun 2023"]),
        ("in the best quarter, the fourth, since 2015", ["since 2015"]),
        ("in Q3 of the drug launched in 2019", ["2019"]),
        ("in its January 2024 release about Q4 sales", ["January 2024"]),
        ("in February 2025 for December", ["February 2025"]),
        ("in the second half of the trial that began in May 2021", ["May 2021"]),
        ("at Q2 Holdings in Q3 2023 and after", ["Q3 2023"]),
        ("in Q1 2023, 2022 and 2021", ["Q1 2023", "2022", "2021"]),
        ("between its first and second quarter 2025 reports", ["Q1 2025", "Q2 2025"]),
        ("first, second and third quarters of 2024", ["Q1 2024", "Q2 2024", "Q3 2024"]),
        ("fourth-quarter and full-year 2023 results", ["Q4 2023", "FY 2023"]),
        ("planned in 2022 versus opened in 2024", ["2022", "2024"]),
        ("for 2020, back in December 2019", ["2020", "December 2019"]),
        ("in 2021 and again in 2021", ["2021", "2021"]),
        ("from 2022 to 2023", ["2022", "2023"]),
        ("between March and May 2020", ["March 2020", "May 2020"]),
        ("over 2019–2021", ["2019–2021"]),
    ],
)
def test_several_periods_of_a_question(text: str, expected: list[str]) -> None:
    assert labels(f"How did it change: {text}?") == expected


@pytest.mark.parametrize(
    ("text", "label", "first", "last"),
    [
        ("last year", "2024", "2024-01-01", "2024-12-31"),
        ("in the trials it will start last year", "2024", "2024-01-01", "2024-12-31"),
        ("at the end of last year", "end of 2024", "2024-12-01", "2024-12-31"),
        ("this year", "2025", "2025-01-01", "2025-12-31"),
        ("last quarter", "Q4 2024", "2024-10-01", "2024-12-31"),
        ("this month", "February 2025", "2025-02-01", "2025-02-28"),
        ("last month", "January 2025", "2025-01-01", "2025-01-31"),
        ("last week", "week of 3 Feb 2025", "2025-02-03", "2025-02-09"),
        ("yesterday", "11 Feb 2025", "2025-02-11", "2025-02-11"),
    ],
)
def test_relative_periods_are_told_by_their_dates(text: str, label: str, first: str, last: str) -> None:
    assert spans(f"What was announced {text}?") == [(label, first, last)]


@pytest.mark.parametrize(
    "question",
    [
        "Who bought 2,020 shares?", "Who bought 2020 shares?", "What does MK-2060 do?", "What does LY2020 do?",
        "How did 2024 patients fare?", "Who paid $2020?", "What did hole BL-24-56 hit?",
        "What is Section 1983 about?", "What is in the ACE 2007-HE5 deal?", "Who gave more than 2000 meals?",
        "Is 2000 mg the dose?", "What happens in September?", "When does the first quarter start?",
        "How many in the last 12 months?", "What changed in the last year?", "What may happen, and when?",
        "What is 2023-13-08?", "What is due by 2050?", "What share is planned for 2040?",
        "What was told before the approval?",  # an event has no date here
    ],
)  # fmt: skip
def test_no_period(question: str) -> None:
    assert spans(question) == []


def test_a_year_before_an_event_is_the_year_of_the_event() -> None:
    assert labels("What was paid before the 2015 mower deal?") == ["2015"]
    assert labels("What was paid before 2015?") == ["before 2015"]


def test_a_dividend_is_declared_before_its_quarter_is_reported() -> None:
    assert [p.reporting for p in read("What dividend is paid for Q2 2024?")] == [False]


def test_the_place_of_a_period_holds_the_words_that_shape_it() -> None:
    text = "In the quarter ended March 31, 2024 or as of early 2025, and last month?"
    found = [(text[t.start : t.end], t.as_of) for t in periods(text, TODAY)]
    assert found == [
        ("the quarter ended March 31, 2024", False),
        ("as of early 2025", True),
        ("last month", False),
    ]


# -- distance -------------------------------------------------------------------------------------

YEAR = Period("2020", dt.date(2020, 1, 1), dt.date(2020, 12, 31))
QUARTER = Period("Q1 2020", dt.date(2020, 1, 1), dt.date(2020, 3, 31), reporting=True)
FISCAL = Period("FY 2020", dt.date(2020, 1, 1), dt.date(2020, 12, 31), reporting=True)
SINCE = Period("since 2020", dt.date(2020, 1, 1), dt.date.max)
BEFORE = Period("before 2020", dt.date.min, dt.date(2019, 12, 31))


@pytest.mark.parametrize(
    ("period", "published", "expected"),
    [
        (YEAR, "2020-01-01", 0.0), (YEAR, "2020-12-31", 0.0), (YEAR, "2021-01-14", 0.0),
        (YEAR, "2021-07-13", 0.632), (YEAR, "2019-07-05", 0.632), (YEAR, "2010-01-01", 1.0),
        (QUARTER, "2020-03-31", 0.0), (QUARTER, "2020-06-29", 0.0), (QUARTER, "2020-01-01", 0.297),
        (QUARTER, "2019-12-31", 0.3), (QUARTER, "2020-09-28", 0.632), (QUARTER, "2019-10-02", 0.742),
        (FISCAL, "2021-04-30", 0.0), (FISCAL, "2020-10-31", 0.05),
        (replace(SINCE, reporting=True), "2021-01-01", 0.0), (SINCE, "2020-01-01", 0.0), (SINCE, "2200-01-01", 0.0), (SINCE, "2019-07-05", 0.632),
        (BEFORE, "1990-01-01", 0.0), (BEFORE, "2020-01-14", 0.0), (BEFORE, "2020-07-12", 0.632),
    ],
)  # fmt: skip
def test_distance(period: Period, published: str, expected: float) -> None:
    assert distance(period, dt.date.fromisoformat(published)) == pytest.approx(expected, abs=0.003)


@pytest.mark.parametrize("period", [YEAR, QUARTER, FISCAL, SINCE, BEFORE])
def test_distance_grows_away_from_the_period(period: Period) -> None:
    days = [dt.date(2016, 1, 1) + dt.timedelta(days=n) for n in range(3650)]
    far = [distance(period, day) for day in days]
    assert all(0 <= d <= 1 for d in far)
    best = far.index(0.0)
    assert far[:best] == sorted(far[:best], reverse=True)
    last = len(far) - far[::-1].index(0.0)
    assert far[last:] == sorted(far[last:])
    assert max(abs(a - b) for a, b in pairwise(far)) < 0.02


def test_the_next_quarters_report_is_farther_than_this_ones() -> None:
    own, next_ones = dt.date(2020, 5, 7), dt.date(2020, 8, 6)
    previous = dt.date(2020, 2, 6)
    assert distance(QUARTER, own) == 0.0
    assert distance(QUARTER, next_ones) > 0.1
    assert 0.1 < distance(QUARTER, previous) < INSIDE


DAY = Period("8 Nov 2023", dt.date(2023, 11, 8), dt.date(2023, 11, 8))


@pytest.mark.parametrize(
    ("among", "published", "expected"),
    [
        ([YEAR, DAY], "2023-11-08", 0.0), ([DAY, YEAR], "2020-05-01", 0.0), ([YEAR, DAY], "2010-01-01", 1.0),
        ([YEAR, QUARTER], "2021-07-13", 0.632), ([YEAR], None, 1.0), ([], "2020-01-01", 0.0), ([], None, 0.0),
    ],
)  # fmt: skip
def test_the_nearest_of_several_periods_counts(
    among: list[Period], published: str | None, expected: float
) -> None:
    day = dt.date.fromisoformat(published) if published else None
    assert nearest(among, day) == pytest.approx(expected, abs=0.003)
