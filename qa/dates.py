"""Dates and periods in a text, as precise as they are written, so that they can be compared.

``Q2 2020`` and ``the second quarter of 2020`` are the same date, and so are ``20 Jan. 2025`` and
``January 20, 2025``.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, replace

MONTHS = {
    name: number
    for number, names in enumerate(
        "january jan|february feb|march mar|april apr|may|june jun|july jul|august aug|september sept "
        "sep|"
        "october oct|november nov|december dec".split("|"),
        1,
    )
    for name in names.split()
}
_SHORT = frozenset("jan feb mar apr jun jul aug sep sept oct nov dec".split())
_MONTH = rf"(?P<month>(?:{'|'.join(sorted(MONTHS, key=len)[::-1])}))\b\.?"
_YEAR = r"(?P<year>(?:19|20)\d\d)"
_QUARTER_WORDS = {"first": 1, "second": 2, "third": 3, "fourth": 4, "final": 4}
_QUARTER = r"(?:Q(?P<q>[1-4])|(?P<q2>[1-4])Q|(?P<qw>first|second|third|fourth|final)[- ]quarters?)"
_HALF = r"(?:H(?P<h>[12])\b|(?P<h2>[12])H|(?P<hw>first|second)[- ]half)"
_OF = r"(?:[,\s]+(?:of\s+)?(?:the\s+)?(?:fiscal\s+|financial\s+|calendar\s+|FY\s?)?(?:year\s+)?|[’'/-])?"
_SHAPES = [
    re.compile(pattern, flags)
    for pattern, flags in (
        (r"\b(?P<year>(?:19|20)\d\d)-(?P<mm>[01]\d)-(?P<day>[0-3]\d)\b", 0),
        (r"\b(?P<mm>1[0-2]|0?[1-9])/(?P<day>3[01]|[12]\d|0?[1-9])/(?P<year>(?:19|20)?\d\d)\b", 0),
        (r"\b(?P<day>1[3-9]|2\d|3[01])/(?P<mm>1[0-2]|0?[1-9])/(?P<year>(?:19|20)\d\d)\b", 0),
        (r"\b(?P<day>3[01]|[12]\d|0?[1-9])\.(?P<mm>1[0-2]|0?[1-9])\.(?P<year>(?:19|20)\d\d)\b", 0),
        (r"\b(?P<q2>[1-4])Q\s?[’']?(?P<yy>\d\d)\b", re.I),
        (r"\b(?P<h2>[12])H(?:\s?[’'])?(?P<yy>\d\d)\b", re.I),
        (r"\b(?P<year>(?:19|20)\d\d)-?Q(?P<q>[1-4])\b", re.I),
        (
            rf"\b{_QUARTER}(?:{_OF}(?P<year>(?:19|20)\d\d)\b|(?:\s?[’']|-)(?P<yy>\d\d)\b(?![\d.]*%|\.\d))?",
            re.I,
        ),
        (rf"\b{_HALF}(?:{_OF}{_YEAR}\b|\s?[’'](?P<yy>\d\d)\b)?", re.I),
        (
            rf"\b{_MONTH}\s*(?P<day>3[01]|[12]\d|0?[1-9])(?:st|nd|rd|th)?(?!\d|,\d"
            rf"|[\d.]*%)(?:\s*,?\s*{_YEAR}\b)?",
            re.I,
        ),
        (
            rf"\b(?P<day>3[01]|[12]\d|0?[1-9])(?:st|nd|rd|th)?\s+(?:of\s+)?{_MONTH}(?:\s*,?\s*{_YEAR}\b)?",
            re.I,
        ),
        (rf"\b{_MONTH}\s*,?\s*(?:of\s+)?{_YEAR}\b", re.I),
        (r"\b(?P<year>(?:19|20)\d0)s\b", 0),
        (r"\bFY\s?[’']?(?P<yy>\d\d)\b(?!\d)", 0),
        (
            r"(?<![\d.,$€£/-])(?P<year>(?:19|20)\d\d)(?!\d|,\d|\.\d|%|[-\s]?(?:mg|patients|people"
            r"|employees)\b)",
            0,
        ),
        (r"(?<=[/–-])(?P<year>(?:19|20)\d\d)(?![\d%]|[,.]\d)", 0),
        (rf"\b{_MONTH}(?![a-z])", re.I),
        (r"\b(?P<weekday>Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)days?\b", 0),
        (r"\b(?P<weekday>[Ss]pring|[Ss]ummer|[Aa]utumn|[Ww]inter)\b(?![-’'])", 0),
        (r"(?<=\b[Tt]he )(?P<weekday>[Ff]all)\b(?= of (?:19|20)\d\d|[,.]| (?:19|20)\d\d)", 0),
    )
]
_CAPITAL_MONTH = re.compile(r"[A-Z]")


@dataclass(frozen=True, slots=True)
class Date:
    """A date or period in a text, as far as it is stated: every field but the span may be None."""

    start: int
    end: int
    year: int | None = None
    month: int | None = None
    day: int | None = None
    quarter: int | None = None
    half: int | None = None
    weekday: str | None = None
    decade: bool = False


def dates(text: str) -> list[Date]:
    """The dates and periods of ``text``, in order, each as precise as it is written.

    In "July 1 and 2, 2020" or "June and July 2019" the first takes the year of the second.
    """
    found: list[Date] = []
    for shape in _SHAPES:
        for m in shape.finditer(text):
            if any(m.start() < d.end and d.start < m.end() for d in found):
                continue
            date = _date(m)
            if date:
                found.append(date)
    found.sort(key=lambda d: d.start)
    for i in range(len(found) - 2, -1, -1):
        one, after = found[i], found[i + 1]
        near = re.fullmatch(
            r"[\s,]*(?:and|to|through|or|until|-|–|—|,|of|in|for|ended|ending|the|its|three|six|nine"
            r"|twelve|months)"
            r"(?:[\s,]*(?:and|to|the|of|in|for|\d{1,2}\b))*[\s,]*",
            text[one.end : after.start],
        )
        if one.year is None and one.weekday is None and after.year and near:
            found[i] = replace(one, year=after.year)
    return found


def _date(m: re.Match[str]) -> Date | None:
    groups = m.groupdict()
    month = groups.get("month")
    if month and not _CAPITAL_MONTH.match(month):
        return None
    if month and month in ("May", "March", "Mar") and not groups.get("day") and not groups.get("year"):
        before = m.string[max(0, m.start() - 12) : m.start()]
        if not re.search(
            r"\b(?:in|since|of|by|last|this|until|through|early|late|mid|from|and|to)[ -]$", before
        ):
            return None
    if (
        month
        and groups.get("day") is None
        and groups.get("year") is None
        and month.casefold() in _SHORT
        and not m[0].endswith(".")
    ):
        return None  # an abbreviation on its own is as often a name
    year = int(groups["year"]) if groups.get("year") else None
    if year is not None and year < 100:
        year += 2000
    if groups.get("yy"):
        year = 2000 + int(groups["yy"])
    quarter = (
        groups.get("q") or groups.get("q2") or _QUARTER_WORDS.get((groups.get("qw") or "").casefold())
    )
    half = (
        groups.get("h")
        or groups.get("h2")
        or {"first": 1, "second": 2}.get((groups.get("hw") or "").casefold())
    )
    return Date(
        m.start(),
        m.end(),
        year,
        MONTHS[month.casefold()] if month else int(groups["mm"]) if groups.get("mm") else None,
        int(groups["day"]) if groups.get("day") else None,
        int(quarter) if quarter else None,
        int(half) if half else None,
        {"fall": "autumn"}.get(
            (groups.get("weekday") or "").casefold(), (groups.get("weekday") or "").casefold()
        )
        or None,
        m[0].endswith("0s"),
    )


def same_date(claimed: Date, stated: Date, published: dt.date | None = None) -> bool:
    """Whether every part of the claimed date is stated; the year of publication stands in where the
    text states none.
    """
    if claimed.decade != stated.decade or claimed.weekday != stated.weekday:
        return False
    if claimed.year is not None and stated.year is None and published:
        stated = replace(stated, year=published.year)
    if claimed.quarter and stated.month and not stated.quarter:
        stated = replace(stated, quarter=(stated.month + 2) // 3)
    return all(
        mine is None or mine == theirs
        for mine, theirs in (
            (claimed.year, stated.year),
            (claimed.month, stated.month),
            (claimed.day, stated.day),
            (claimed.quarter, stated.quarter),
            (claimed.half, stated.half),
        )
    )
