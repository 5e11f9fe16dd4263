"""The periods that a question states or implies, and how far a release is from them."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import exp

from dateutil.relativedelta import relativedelta

from .dates import MONTHS, Date, dates


@dataclass(frozen=True, slots=True)
class Period:
    """When a release was published, or what time it reports on; both days are within.

    ``first`` or ``last`` is ``dt.date.min`` or ``max`` where the period is open. A release on a
    ``reporting`` period (a quarter, half or fiscal year, a balance at a day) appears in the weeks after;
    one on a dividend or forecast for it does not.
    """

    label: str
    first: dt.date
    last: dt.date
    reporting: bool = False

    def moved(self, years: int) -> Period:
        """The same period so many years later; one that is open stays."""
        if self.first == dt.date.min or self.last == dt.date.max:
            return self
        label = _YEARS.sub(lambda year: str(int(year[0]) + years), self.label)
        move = relativedelta(years=years)
        return Period(label, self.first + move, self.last + move, self.reporting)


_YEARS = re.compile(r"(?:19|20)\d\d")


@dataclass(frozen=True, slots=True)
class Timed:
    """A period and its place in a text, ``text[start:end]``; ``as_of`` where its end is meant."""

    start: int
    end: int
    period: Period
    as_of: bool = False
    several: bool = False  # "first and second quarter": no range, even behind "between"


# -- how far a release is from a period -----------------------------------------------------------

AFTER = 14
"""Days after a period in which what happened in it is still announced."""

REPORTED = 90
"""Days after a quarter in which it is reported: the next one ends then, and is reported soon after."""

REPORTED_YEAR = 120
"""Days after a year in which it is reported."""

INSIDE = 0.3
"""The distance at the start of a reporting period; it falls evenly to 0 at its end, since a fiscal
year can end within the calendar year of its number."""

SCALES = (60, 180)
"""Within how many days outside the distance grows to 0.63: the period's length, between these."""


def distance(period: Period, published: dt.date) -> float:
    """How badly a day of publication fits: 0 where it does, else up to 1.

    It is 0 in a period and AFTER days longer. In a reporting period it falls from INSIDE at the start
    to 0 at the end, and stays 0 for REPORTED days (REPORTED_YEAR where it is 300 days or longer).
    Outside it is ``1 - exp(-(days / scale)²)``: flat at first, 0.63 at the scale, 0.98 at twice that;
    before a reporting period it grows from INSIDE.
    """
    length = (period.last - period.first).days + 1
    scale = min(max(length, SCALES[0]), SCALES[1])
    grace = AFTER if not period.reporting else REPORTED if length < 300 else REPORTED_YEAR
    late = (published - period.last).days - grace
    if late > 0:
        return _growth(late, scale)
    if published > period.last:
        return 0.0
    early = (period.first - published).days
    if not period.reporting or period.first == dt.date.min or period.last == dt.date.max:
        return _growth(early, scale) if early > 0 else 0.0
    if early > 0:
        return INSIDE + (1 - INSIDE) * _growth(early, scale)
    return INSIDE * (period.last - published).days / length


def nearest(periods: Sequence[Period], published: dt.date | None) -> float:
    """The least distance from any of ``periods``: 0 where there are none, else 1 without a day."""
    if published is None:
        return 1.0 if periods else 0.0
    return min((distance(period, published) for period in periods), default=0.0)


def _growth(days: int, scale: int) -> float:
    return 1 - exp(-((days / scale) ** 2))


LONGEST_PART = 460
"""Days of a fiscal quarter, which may lie in one of five quarters: the longest period of one year."""

# -- the words of periods -------------------------------------------------------------------------

_MONTH_NAMES = {number: name.capitalize() for name, number in reversed(MONTHS.items())}  # in full
_MONTH = "|".join(name.capitalize() for name in sorted(MONTHS, key=len, reverse=True))
_SHORT_MONTH = r"(?:may|march|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)"  # or other words
_NUMBERS = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "nine": 9, "twelve": 12}
_NUMBERS |= {str(number): number for number in _NUMBERS.values()}
_NUMBER = "|".join(sorted(_NUMBERS, key=len, reverse=True))
_LENGTHS = {"years": 12, "year": 12, "half": 6, "quarter": 3, **_NUMBERS}  # in months
_WEEKS = {"13": 3, "26": 6, "39": 9, "52": 12, "53": 12}  # in months
_ORDINALS = {
    "first": 1, "1st": 1, "q1": 1, "second": 2, "2nd": 2, "q2": 2, "third": 3, "3rd": 3, "q3": 3,
    "fourth": 4, "4th": 4, "q4": 4,
}  # fmt: skip
_STANDARD = {
    (1, 3): "Q1", (4, 6): "Q2", (7, 9): "Q3", (10, 12): "Q4", (1, 6): "H1", (7, 12): "H2", (1, 9): "9M",
}  # fmt: skip
_SEASONS = {"spring": 3, "summer": 6, "autumn": 9}  # a winter is of two years
_WINDOW = 48  # code points in which the words before a date that belong to it are looked for
_LOWER = re.compile(
    r"\b(?:january|february|april|june|july|august|september|october|november|december)\b"
    rf"|\b{_SHORT_MONTH}\b(?=\.?,?\s+\d)|(?<=\d ){_SHORT_MONTH}\b"
    r"|\b(?:may|march)\b(?=\s+(?:and|to|through)\s+[a-z]{3,9}\s+(?:19|20)\d\d)"
    r"|\b(?:fy|cy)(?=\s?[’']?\d)"
)
_NOT_BEFORE = re.compile(  # what makes the number behind it a count or the name of something
    r"(?:[$€£¥#§№]\s?|[^\W\d](?<!FY)(?<!CY)"
    r"|\b(?:section|sec\.|rule|form|title|chapter|article|booth|room|suite|route|highway|flight|model"
    r"|version|page|no\.|number|part|bill|code|isin|iso|(?<!earlier )(?<!later )than|least|nearly|almost"
    r"|roughly|approximately|exactly|many as|total of|only)\s)$",
    re.IGNORECASE,
)
_CODE_BEFORE = re.compile(r"(?:\w*[A-Z]\w*|\b\w*[^\W\d]\w*\d\w*)[-–]$")
_NOT_BEHIND = re.compile(
    r"-?[A-Z]*\d*[A-Z]\w|-[A-Z]|[-\s]?(?:mg|mcg|µg|g|kg|ml|l|km|miles?|m|feet|ft|acres?|tons?|tonnes|hectares|mw|gw"
    r"|kw|mwh|hours?|minutes|days|dollars|euros|us\$|usd|eur|patients|people|persons|employees|workers|jobs"
    r"|shares|units|doses|participants|subjects|adults|children|women|men|members|stores|students"
    r"|individuals|volunteers|residents|homes|houses|vehicles|cars|customers|users)\b",
)  # fmt: skip
_FISCAL = re.compile(r"(?:\b(?:fiscal|financial)(?:[-\s]years?)?|\bFY|\bfull[-\s]year)[’'\s]*$", re.I)
_FISCAL_BEHIND = re.compile(r"[’'s]{0,2}\s+(?:fiscal|financial|full)[-\s]year\b", re.IGNORECASE)
_ENDED = re.compile(
    rf"\b(?:the\s+)?(?:(?:fiscal|financial|full)[-\s])?"
    rf"(?:(?P<unit>(?<!half[-\s])years?|quarter|half(?:[-\s]year)?)|(?P<n>{_NUMBER})[-\s]months?"
    rf"|(?P<weeks>{'|'.join(_WEEKS)})[-\s]weeks?)"
    r"(?:[-\s]periods?)?\s+(?:that\s+)?(?:ended|ending|to)\s+(?:on\s+|in\s+)?$",
    re.IGNORECASE,
)
_MONTHS_OF = re.compile(
    rf"\b(?P<side>first|last|final)[-\s](?P<n>{_NUMBER})[-\s]months\s+(?:of|in)\s+(?:the\s+)?(?:calendar\s+)?(?:year\s+)?$",
    re.I,
)
_PORTION = re.compile(
    r"(?:\b(?P<early>early|beginning of|start(?:\s+of|(?=-)))"
    r"|\b(?P<mid>mid(?:[-\s]year)?|middle of|(?:half[-\s]?|mid)way\s+(?:through|into))"
    r"|\b(?P<late>late|latter part of)|\b(?P<end>(?:end|close)(?:\s+of|-|(?=\s+\d))|year[-\s]end))"
    r"(?:[-–\s]+(?:(?:in|of)\s+)?(?:the\s+)?)?$",
    re.IGNORECASE,
)
_CLOSING = re.compile(
    r"(?<!-)\b(?:end|close|finish|exit)(?:e?d)?(?:\s+out)?\s+(?:the\s+year\s+)?$", re.IGNORECASE
)
_NO_PART = re.compile(
    r"[’']s\b|\s+[A-Z][a-z]|\s+of\s+(?:the|its|their|this|his|her)\s+(?!year|following|next|same|previous|prior|preceding)[a-z]"
)
_ENDS_THERE = re.compile(
    r"\s*(?:$|[?.,;:)]|(?:with|having|holding|at|on|in|by|still|compared)\b)", re.IGNORECASE
)
_CLOSED = re.compile(
    r"\s+(?:closed|ended|finished|was\s+over|came\s+to\s+an\s+end|drew\s+to\s+a\s+close)\b",
    re.IGNORECASE,
)
_YEAR_END = re.compile(r"\s+year[-\s]end\b", re.IGNORECASE)
_ONCE = re.compile(
    r"\b(?:when|as|once|after|before|until|by\s+the\s+time)\s+(?:the\s+year\s+)?$", re.IGNORECASE
)
_TWO = re.compile(r"\b(?:and|or|versus|vs|compar\w*|than|against)\b|[,:;]", re.IGNORECASE)
_LATER = re.compile(
    rf"\b(?P<n>an?|one|{_NUMBER})\s+years?\s+(?:later|on\b(?=\s*[?,.])|after(?:wards|\s+that|(?=\s*[?,.])))",
    re.IGNORECASE,
)
_OPEN = re.compile(
    r"\b(?P<word>as\s+(?:of|at)|since|after|(?:not\s+)?before|prior\s+to|by|until|till|up\s+to|(?<!way\s)through"
    r"|(?:(?:no|not)\s+)?(?:earlier|later)\s+than"
    r"|pre|post)(?:\s+|(?<=pre)-|(?<=post)-)(?P<the>the\s+)?$",
    re.IGNORECASE,
)
_BETWEEN = re.compile(r"\b(?:(?P<between>between)|from)\s+(?:the\s+|its\s+)?$", re.IGNORECASE)
_CHANGED = re.compile(r"\b(?:chang|differ|compar)\w*\b[^.?;]*$", re.IGNORECASE)
_TO = re.compile(r"\s*(?:[-–—]|\b(?:to|through|thru|until|till|up to)\b)\s*(?:the\s+)?", re.IGNORECASE)
_AND = re.compile(r"\s*\band\s+(?:the\s+|its\s+)?", re.IGNORECASE)
_OR_AGAIN = re.compile(r"\s*,?\s*\b(?:and|or|&)\s+", re.IGNORECASE)
_OTHERWISE = re.compile(
    r"\s+(?:guidance|outlook|forecasts?|targets?|annual|full|so far|to date)\b", re.IGNORECASE
)
_ONWARDS = re.compile(
    r"\s+(?:to|until|till|through|(?P<and>and))\s+(?:now|today|date|the present)\b|\s+onwards?\b", re.I
)
_SHORT_YEAR = re.compile(r"[-–/](\d\d)(?![-–/\w])")
_SAME_YEAR = re.compile(  # between two dates of which the second states the year for both
    r"[\s,]*(?:(?:and|or|&|to|through|vs\.?|versus|of|in|for|the|its|results?|fiscal|full[-\s]year|with"
    r"|compared?|than|against)\b[\s,.]*)*[-–—\s]*",
    re.IGNORECASE,
)
_YEAR_FIRST = re.compile(r"(?:[’']s)?[\s,]+(?:the\s+)?(?:fiscal\s+)?", re.IGNORECASE)
_YEAR_LAST = re.compile(
    r"[\s,]*(?:(?:of|in|for)\s+)?(?:the\s+)?(?:(?:fiscal|financial|calendar)\s+)?(?:year\s+)?",
    re.IGNORECASE,
)
_ONE_MORE = re.compile(
    rf"\b(?P<ordinal>{'|'.join(_ORDINALS)})"
    r"\s*(?:,|/|&|,?\s(?:and|or|to|through|versus|vs\.?))\s*(?:the\s+|its\s+)?$",
    re.IGNORECASE,
)
_RELATIVE = re.compile(
    r"(?<!\bthe )(?<!\bits )(?<!\btheir )\b(?P<which>last|this)\s+(?P<unit>year|quarter|month|week)\b"
    r"(?!\s+of\b)|\b(?P<day>yesterday)\b|\btoday(?=[’']s\b)"
    r"|(?:(?<=\bannounced )|(?<=\breleased )|(?<=\bpublished ))today\b",
    re.IGNORECASE,
)
_AHEAD = re.compile(  # what is told of a quarter or year before or within it
    r"\b(?:dividend|guidance|guid(?:e|ed|es|ing)|forecast|outlook|expect)(?:s|ed|ing)?\b", re.IGNORECASE
)
_FISCAL_QUARTER = re.compile(
    r"\b(?P<ordinal>first|second|third|fourth)[-\s](?:fiscal|financial)[-\s]quarter", re.IGNORECASE
)
_BARE_MONTH = re.compile(  # the first of two months: "Jan-Mar 2020"; alone, May and Mar are also words
    rf"\b(?P<month>{_MONTH})\.?(?=\s*(?:[-–—/]|to|and|through|until|till)\s*(?:{_MONTH})\b)"
)


_FISCAL_INSIDE = re.compile(r"fiscal|financial|FY", re.IGNORECASE)


# -- the reading of periods -----------------------------------------------------------------------


def periods(text: str, today: dt.date, year: int | None = None) -> list[Timed]:
    """The periods that ``text`` states or implies, in order; none that says nothing of the past.

    "Last year" is the one before that of ``today``. A quarter or month without a year that is named
    beside another ("Q4 2023 against Q3") is of the same year, if ``text`` states one only; where it
    states none it is of ``year``, or left out. So is a half, but not "H1", as often another thing.
    """
    cased = _LOWER.sub(lambda m: m[0].upper() if len(m[0]) == 2 else m[0].capitalize(), text)
    stated: list[Timed] = []
    begin = 0
    for date in _dated(cased, year):
        stated += _timed(cased, date, begin)
        begin = date.end
    found = _repeated(cased, [_opened(cased, one) for one in _ranges(cased, stated)])
    found += [
        one
        for one in _relative(text, today)
        if all(o.end <= one.start or one.end <= o.start for o in found)
    ]
    found += _later(text, found)
    ahead = _AHEAD.search(text)
    return [
        replace(one, period=replace(one.period, reporting=False)) if ahead and not one.as_of else one
        for one in sorted(found, key=lambda one: one.start)
        # what is years ahead is what a release speaks of, not when it came out
        if (one.period.first > dt.date.min or one.period.last < today)
        and one.period.first.year <= today.year + 1
    ]


def _before(pattern: re.Pattern[str], text: str, end: int, begin: int = 0) -> re.Match[str] | None:
    """The match of ``pattern``, which ends in ``$``, in the words of ``text`` before ``end``."""
    return pattern.search(text, max(begin, end - _WINDOW), end)


def _dated(text: str, year: int | None) -> list[Date]:
    """The dates of ``text`` that have a year: of their own, of the date next to them, of the only other
    ones, or else ``year``.
    """
    found = _joined(text, _parts(text))
    for i in range(len(found) - 2, -1, -1):
        one, after = found[i], found[i + 1]
        open_year = after.year and not one.year and one.weekday is None
        if open_year and _SAME_YEAR.fullmatch(text[one.end : after.start]):
            found[i] = replace(one, year=after.year)
    for i in range(1, len(found)):
        one, before = found[i], found[i - 1]
        if not one.year and before.year and _TO.fullmatch(text[before.end : one.start]):
            found[i] = replace(one, year=before.year)
    stated = [date for date in found if date.year]
    for i, one in enumerate(found):
        if _lacks_year(text, one):
            if len({date.year for date in stated}) == 1:
                lent = stated[0].year if any(_are_two(text, one, other) for other in stated) else None
            else:
                lent = None if stated else year
            found[i] = replace(one, year=lent)
    return [date for date in found if date.year]


def _lacks_year(text: str, date: Date) -> bool:
    """Whether a date is a part of some year; H1 and H2 alone are as often other things, "Q2 Holdings" and
    "the first half of the trial" always.
    """
    is_part = date.quarter or date.month or (date.half and "half" in text[date.start : date.end].lower())
    return not date.year and bool(is_part) and not _NO_PART.match(text, date.end)


def _are_two(text: str, one: Date, other: Date) -> bool:
    """Whether two dates are of one kind and named beside one another."""
    kind = bool(one.month) == bool(other.month) and not _only_year(other)
    start, end = min(one.end, other.end), max(one.start, other.start)
    return kind and bool(_TWO.search(text, start, end))


def _parts(text: str) -> list[Date]:
    """The dates of ``text`` as they are written, with those that only a question has."""
    found = [date for date in dates(text) if _is_date(text, date)]
    starts = {date.start for date in found}
    found += [
        Date(m.start(), m.end(), month=MONTHS[m["month"].lower()])
        for m in _BARE_MONTH.finditer(text)
        if m.start() not in starts
    ]
    found += [
        Date(m.start(), m.end(), quarter=_ORDINALS[m["ordinal"].lower()])
        for m in _FISCAL_QUARTER.finditer(text)
    ]
    return sorted(found, key=lambda date: date.start)


def _is_date(text: str, date: Date) -> bool:
    """Whether the words around a year let it be one: not "$2020", "MK-2060" or "Section 1983"."""
    if (date.month or 0) > 12:
        return False
    if not _only_year(date) or date.decade or text.startswith("FY", date.start):
        return True
    return not (
        _before(_NOT_BEFORE, text, date.start)
        or _before(_CODE_BEFORE, text, date.start)
        or _NOT_BEHIND.match(text, date.end)
    )


def _joined(text: str, parts: list[Date]) -> list[Date]:
    """A part of a year and the year before or behind it as one: "2020 Q2", "spring of 2020"."""
    joined: list[Date] = []
    for date in parts:
        last = joined[-1] if joined else Date(0, 0)
        between = text[last.end : date.start]
        if _only_year(last) and _is_part(date) and not date.year and _YEAR_FIRST.fullmatch(between):
            joined[-1] = replace(date, start=last.start, year=last.year)
        elif (
            _is_part(last)
            and _only_year(date)
            and last.year in (None, date.year)
            and _YEAR_LAST.fullmatch(between)
        ):
            joined[-1] = replace(last, end=date.end, year=date.year)
        else:
            joined.append(date)
    return joined


def _only_year(date: Date) -> bool:
    return bool(date.year) and not (date.month or date.quarter or date.half or date.weekday)


def _is_part(date: Date) -> bool:
    return bool(date.quarter or date.half or date.weekday in _SEASONS)


# -- a date as a period ---------------------------------------------------------------------------


def _timed(text: str, date: Date, begin: int) -> Iterator[Timed]:
    """A date with the words before it that shape it; of "first and second quarter", both."""
    start, end, year, only_year = date.start, date.end, date.year or 0, _only_year(date)
    begin = max(begin, start - _WINDOW)
    fiscal = _FISCAL.search(text, begin, start)
    is_fiscal = bool(fiscal or _FISCAL_INSIDE.search(text, start, end))
    if fiscal and (only_year or date.quarter or date.half):
        start = fiscal.start()
    behind = _FISCAL_BEHIND.match(text, end) if only_year else None
    whole = not (date.weekday or date.decade or (date.month and date.day))  # a month or a year
    if date.quarter:
        yield from _quarters(text, replace(date, start=start), begin, is_fiscal)
    elif date.half:
        yield Timed(start, end, _part("H", date.half, year, is_fiscal))
    elif ended := _ENDED.search(text, begin, start):
        yield Timed(ended.start(), end, _ending(date, ended))
    elif only_year and (is_fiscal or behind):
        period = _months(f"FY {year}", 12 * year, 12, reporting=True)
        yield Timed(start, behind.end() if behind else end, period)
    elif whole and only_year and (some := _MONTHS_OF.search(text, begin, start)):
        yield Timed(some.start(), end, _some_months(year, some))
    elif whole and (
        closing := only_year and _ENDS_THERE.match(text, end) and _CLOSING.search(text, begin, start)
    ):
        yield Timed(closing.start(), end, _portion(_calendar(date), "end"))
    elif whole and only_year and (closed := _closed(text, start, end)):
        yield Timed(start, closed.end(), _portion(_calendar(date), "end"))
    elif whole and (portion := _PORTION.search(text, begin, start)):
        yield Timed(portion.start(), end, _portion(_calendar(date), portion.lastgroup or ""))
    else:
        yield Timed(start, end, _calendar(date))


def _closed(text: str, start: int, end: int) -> re.Match[str] | None:
    """What says behind a year that its end is meant: "when 2022 closed", "at 2022 year-end"."""
    return _YEAR_END.match(text, end) or (_before(_ONCE, text, start) and _CLOSED.match(text, end))


def _quarters(text: str, date: Date, begin: int, fiscal: bool) -> list[Timed]:
    """A quarter, behind those that share its year: "first, second and third quarter of 2024"."""
    year, start = date.year or 0, date.start
    found = [Timed(start, date.end, _part("Q", date.quarter or 0, year, fiscal))]
    while more := _ONE_MORE.search(text, begin, start):
        start = more.start()
        period = _part("Q", _ORDINALS[more["ordinal"].lower()], year, fiscal)
        found.append(Timed(start, more.end("ordinal"), period))
    return [replace(one, several=len(found) > 1) for one in reversed(found)]


def _part(letter: str, number: int, year: int, fiscal: bool = False) -> Period:
    """A quarter or half; a fiscal one may lie up to a year before the calendar's."""
    length = {"Q": 3, "H": 6}[letter]
    label = f"{letter}{number} {'FY ' if fiscal else ''}{year}"
    return _months(label, 12 * (year - fiscal) + length * (number - 1), length + 12 * fiscal, True)


def _months(label: str, first: int, count: int, reporting: bool = False) -> Period:
    """``count`` months; the ``first`` is counted from 0, January of the year 0."""
    start, end = (dt.date(month // 12, month % 12 + 1, 1) for month in (first, first + count))
    return Period(label, start, end - dt.timedelta(days=1), reporting)


def _month(month: int) -> Period:
    return _months(f"{_MONTH_NAMES[month % 12 + 1]} {month // 12}", month, 1)


def _calendar(date: Date) -> Period:
    year = date.year or 0
    if date.weekday:
        return _months(f"{date.weekday} {year}", 12 * year + _SEASONS.get(date.weekday, 1) - 1, 3)
    if date.decade:
        return _months(f"{year}s", 12 * year, 120)
    if not date.month:
        return _months(str(year), 12 * year, 12)
    month = _month(12 * year + date.month - 1)
    return _day(_last(month, date.day)) if date.day else month


def _last(period: Period, day: int | None) -> dt.date:
    """The day of its last month, or the last where that is none."""
    return period.last.replace(day=min(day or 31, period.last.day))


def _day(day: dt.date) -> Period:
    return Period(f"{day.day} {_MONTH_NAMES[day.month][:3]} {day.year}", day, day)


def _ending(date: Date, ended: re.Match[str]) -> Period:
    """What is told by its end: "nine months ended September 30, 2024", "fiscal year ended June 2024"."""
    year, month = date.year or 0, date.month or 12
    unit = (ended["unit"] or ended["n"] or ended["weeks"]).lower()
    length = _WEEKS[unit] if ended["weeks"] else _LENGTHS[unit[:4] if unit.startswith("half") else unit]
    span = _months("", 12 * year + month - length, length, reporting=True)
    last = _last(span, date.day)
    if length == 12:
        label = f"FY {year}" if month == 12 else f"FY to {_day(last).label}"
    else:
        label = _standard(span.first, span.last) if last.day >= 28 else ""
        label = label or f"{'quarter' if unit == 'quarter' else f'{length} months'} to {_day(last).label}"
    return replace(span, label=label, last=last)


def _some_months(year: int, some: re.Match[str]) -> Period:
    count = _NUMBERS[some["n"].lower()]
    first = 0 if some["side"].lower() == "first" else 12 - count
    span = _months("", 12 * year + first, count, reporting=True)
    names = f"{_MONTH_NAMES[first + 1]}–{_MONTH_NAMES[first + count]} {year}"
    return replace(span, label=_standard(span.first, span.last) or names)


def _portion(whole: Period, name: str) -> Period:
    """Early, mid or late in a year (3, 4, 3 months) or a month (10 days each), or its end."""
    if (whole.last - whole.first).days > 31:
        first, count = {"early": (0, 3), "mid": (4, 4), "late": (9, 3), "end": (11, 1)}[name]
        span = _months("", 12 * whole.first.year + first, count)
    else:
        begin, end = {"early": (1, 10), "mid": (11, 20)}.get(name, (21, 31))
        span = replace(whole, first=whole.first.replace(day=begin), last=_last(whole, end))
    words = {"mid": "mid-", "end": "end of "}.get(name, f"{name} ")
    return replace(span, label=words + whole.label, reporting=name == "end")


def _standard(first: dt.date, last: dt.date) -> str:
    """The name of whole months of one year that are reported on together, or nothing."""
    name = _STANDARD.get((first.month, last.month))
    return f"{name} {first.year}" if name and first.year == last.year else ""


# -- ranges, open periods and relative ones -------------------------------------------------------


def _ranges(text: str, found: list[Timed]) -> list[Timed]:
    """Two periods as one where the text spans them: "2019–2021", "between March and May 2020".

    Not where it asks of both: "how did it change between March and May 2020".
    """
    joined: list[Timed] = []
    for one in found:
        if joined and joined[-1].period.first <= one.period.last and not one.several:
            before = joined[-1]
            between = text[before.end : one.start]
            start = _before(_BETWEEN, text, before.start)
            spans = _TO.fullmatch(between) or (start and start["between"] and _AND.fullmatch(between))
            if spans and not (start and _CHANGED.search(text[: start.start()])):
                begin = start.start() if start else before.start
                joined[-1] = Timed(begin, one.end, _spanned(before.period, one.period))
                continue
        short, year = _SHORT_YEAR.match(text, one.end), one.period.last.year
        later = year - year % 100 + int(short[1]) if short else 0
        if short and one.period.label.endswith(str(year)) and _goes_on(year, later):
            period = replace(one.period, label=f"{one.period.label}–{later}", last=dt.date(later, 12, 31))
            one = replace(one, end=short.end(), period=period)
        joined.append(one)
    return joined


def _goes_on(year: int, later: int) -> bool:
    """Whether a year in two digits is the end of a range: "2019-21", not the month of "2019-05"."""
    return later == year + 1 or (later % 100 > 12 and year < later <= year + 10)


def _spanned(one: Period, other: Period) -> Period:
    months = one.first.day == 1 and (other.last + dt.timedelta(days=1)).day == 1
    named = _standard(one.first, other.last) if months else ""
    label = named or f"{one.label.removesuffix(f' {other.last.year}')}–{other.label}"
    return Period(label, one.first, other.last, bool(named) or (one.reporting and other.reporting))


def _opened(text: str, one: Timed) -> Timed:
    """The period as the words around it open it: since, after, before, by, as of."""
    match = _before(_OPEN, text, one.start)
    # "before the 2015 deal" is of 2015; "before the second quarter of 2015" is before
    if match and not (match["the"] and not one.period.reporting):
        word = " ".join(match["word"].lower().split())
        period = _open(one.period, word)
        return replace(one, start=match.start(), period=period, as_of=word.startswith("as "))
    begin, onwards = _before(_BETWEEN, text, one.start), _ONWARDS.match(text, one.end)
    if onwards and not (onwards["and"] and not (begin and begin["between"])):
        start = begin.start() if begin else one.start
        return replace(one, start=start, end=onwards.end(), period=_open(one.period, "since"))
    return one


def _open(period: Period, word: str) -> Period:
    label, first, last, day = period.label, period.first, period.last, dt.timedelta(days=1)
    if word in ("as of", "as at"):
        return replace(period, label=f"as of {label}", reporting=period.reporting or first == last)
    if word in ("since", "not before", "no earlier than", "not earlier than"):
        return replace(period, label=f"since {label}", last=dt.date.max)
    if word in ("after", "post", "later than"):
        return replace(period, label=f"after {label}", first=last + day, last=dt.date.max)
    if word in ("before", "prior to", "pre", "earlier than"):
        last = last if label.startswith("end of") else first - day
        return replace(period, label=f"before {label}", first=dt.date.min, last=last)
    return replace(period, label=f"by {label}", first=dt.date.min)


def _repeated(text: str, found: list[Timed]) -> list[Timed]:
    """A year that follows a part of another is of the same part: "June 30, 2023 and 2022"."""
    repeated: list[Timed] = []
    for one in found:
        if repeated and one.period.label.isdigit() and not one.as_of:
            before = repeated[-1]
            years = one.period.first.year - before.period.last.year
            is_part = (
                before.period.last - before.period.first
            ).days <= LONGEST_PART and not before.several
            again = years and is_part and _OR_AGAIN.fullmatch(text[before.end : one.start])
            if again and not _OTHERWISE.match(text, one.end):
                one = replace(one, period=before.period.moved(years), as_of=before.as_of)
        repeated.append(one)
    return repeated


def _later(text: str, found: Sequence[Timed]) -> Iterator[Timed]:
    """The period that follows what is asked by years: "in Q2 2023, and how many a year later"."""
    for m in _LATER.finditer(text):
        before = [one for one in found if one.end <= m.start() and not one.as_of]
        if before and _TWO.search(text, before[-1].end, m.start()):
            years = 1 if m["n"].lower() in ("a", "an", "one") else _NUMBERS[m["n"].lower()]
            if _YEARS.search(text, before[-1].start, before[-1].end):
                yield Timed(m.start(), m.end(), before[-1].period.moved(years))


def _relative(text: str, today: dt.date) -> Iterator[Timed]:
    month = 12 * today.year + today.month - 1
    for m in _RELATIVE.finditer(text):
        unit, back = (m["unit"] or "").lower(), (m["which"] or "").lower() == "last"
        if unit == "week":
            monday = today - dt.timedelta(days=today.weekday() + 7 * back)
            period = Period(f"week of {_day(monday).label}", monday, monday + dt.timedelta(days=6))
        elif unit == "month":
            period = _month(month - back)
        elif unit == "quarter":
            year, quarter = divmod(month // 3 - back, 4)
            period = _part("Q", quarter + 1, year)
        elif unit == "year":
            period = _months(str(today.year - back), 12 * (today.year - back), 12)
            if portion := _before(_PORTION, text, m.start()):
                yield Timed(portion.start(), m.end(), _portion(period, portion.lastgroup or ""))
                continue
        else:
            period = _day(today - dt.timedelta(days=bool(m["day"])))
        yield Timed(m.start(), m.end(), period)
