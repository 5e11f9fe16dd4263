"""Figures in a text, with unit, scale and sign, so that they can be compared exactly.

A figure that is written in two ways is equal here: ``$1.1 billion`` and ``USD 1,100 million``, ``12 %``
and ``twelve percent``, ``two decades`` and ``20 years``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
).split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_WORDS = {word: value for value, word in enumerate(_ONES)} | {
    word: 10 * value for value, word in enumerate(_TENS, 2)
}
_ORDINALS = {
    word: value
    for value, word in enumerate(
        "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth".split(), 1
    )
}
_ROMAN = {"I": 1, "II": 2, "III": 3, "IV": 4, "V": 5, "VI": 6}
_SCALES = {
    "thousand": 3, "k": 3, "million": 6, "millions": 6, "m": 6, "mn": 6, "mm": 6, "mio": 6,
    "billion": 9, "billions": 9, "b": 9, "bn": 9, "trillion": 12, "trillions": 12, "t": 12, "tn": 12,
}  # fmt: skip
_CURRENCIES = {
    "$": "USD", "us$": "USD", "usd": "USD", "dollar": "USD", "dollars": "USD", "u.s. dollars": "USD",
    "us dollars": "USD", "€": "EUR", "eur": "EUR", "euro": "EUR", "euros": "EUR", "£": "GBP",
    "gbp": "GBP", "pounds sterling": "GBP", "¥": "JPY", "jpy": "JPY", "yen": "JPY", "rmb": "CNY",
    "cny": "CNY", "yuan": "CNY", "renminbi": "CNY", "hk$": "HKD", "hkd": "HKD", "c$": "CAD",
    "cad": "CAD", "cdn$": "CAD", "a$": "AUD", "aud": "AUD", "s$": "SGD", "nt$": "TWD", "chf": "CHF",
    "swiss francs": "CHF", "francs": "CHF", "pesos": "MXN", "rubles": "RUB", "baht": "THB",
    "r$": "BRL", "₹": "INR", "inr": "INR", "rs.": "INR", "rupees": "INR", "₩": "KRW", "krw": "KRW",
    "won": "KRW", "sek": "SEK", "nok": "NOK", "dkk": "DKK", "usdt": "USDT", "cent": "cent",
    "cents": "cent",
}  # fmt: skip
_CENTS = Decimal("0.01")
_UNITS = {
    name: unit
    for unit, names in {
        "%": "% percent percents per\u00a0cent pct",
        "points": "pp",
        "bp": "bp bps",
        "mg": "mg milligram milligrams", "g": "gram grams", "kg": "kg kilo kilos kilogram kilograms",
        "µg": "µg μg mcg ug microgram micrograms", "ml": "ml milliliter milliliters",
        "l": "liter liters litre litres", "ton": "ton tons tonne tonnes", "pound": "pound pounds lb lbs",
        "ounce": "ounce ounces oz", "gallon": "gallon gallons", "barrel": "barrel barrels",
        "acre": "acre acres", "hectare": "hectare hectares", "mile": "mile miles",
        "km": "km kilometer kilometers kilometre kilometres", "m": "meter meters metre metres",
        "cm": "cm centimeter centimeters", "mm": "mm millimeter millimeters", "nm": "nm nanometer "
        "nanometers",
        "foot": "foot feet ft", "inch": "inch inches", "yard": "yard yards",
        "second": "second seconds", "minute": "minute minutes",
        "hour": "hour hours", "day": "day days", "night": "night nights", "week": "week weeks",
        "month": "month months", "quarter": "quarter quarters", "year": "year years yr yrs",
        "decade": "decade decades", "century": "century centuries", "w": "watt watts", "kw": "kw "
        "kilowatt kilowatts",
        "mw": "mw megawatt megawatts", "gw": "gw gigawatt gigawatts", "kwh": "kwh", "mwh": "mwh",
        "gwh": "gwh", "hz": "hz", "mhz": "mhz", "ghz": "ghz", "mb": "mb", "gb": "gb", "tb": "tb",
        "degree": "degree degrees", "count": "dozen dozens",
    }.items()
    for name in names.replace("\u00a0", "_").split()
}  # fmt: skip

_NUMERAL = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+"
_WORD_NUMERAL = (
    rf"(?:{'|'.join(_TENS)})(?:[- ](?:{'|'.join(_ONES[1:10])}))?|{'|'.join(sorted(_ONES, key=len)[::-1])}"
)
_SIGNS = "|".join(
    re.escape(name) for name in sorted(_CURRENCIES, key=len)[::-1] if name not in ("won", "cent", "cents")
)
_AFTER = "|".join(
    re.escape(name) for name in sorted(_CURRENCIES, key=len)[::-1] if name[-1] not in "$€£¥₹₩."
)
_FIGURE = re.compile(
    rf"(?<![\w.])(?P<minus>(?<!%)[-\u2212\u2013](?=[\d$€£]))?"
    rf"(?:(?P<sign>{_SIGNS})\s?\(?)?"
    rf"(?:(?P<digits>{_NUMERAL})|(?P<word>\b(?:{_WORD_NUMERAL})\b|\bhundred\b(?! of)|\ban? "
    rf"(?=hundred|dozen|century|decade|thousand|million|billion)))"
    r"(?P<ordinal>st|nd|rd|th)?"
    r"\)?"
    rf"(?:[-\s]?(?P<hundred>hundred)\b(?:\s(?:and\s)?(?P<rest>{_WORD_NUMERAL})\b)?)?"
    r"(?:[-\s]?(?P<scale>thousand|[mb]illions?|trillions?|mio|mn|mm|bn|tn|[mkbt])(?![\w’']))?"
    rf"(?:[-\s]?(?P<after>(?:{_AFTER})\b|[€£¥]))?"
    r"(?:[-\s]?(?P<points>(?:percentage|percent|per\ cent|%)[-\s]points?|basis[-\s]points?)\b)?"
    r"(?:[-\s]?(?P<unit>%|per\ cent\b|[A-Za-zµμ]+)(?P<per>/[A-Za-z]+\d?)?)?",
    re.IGNORECASE,
)
_CODE_BEFORE = re.compile(r"[A-Za-z]-$")  # COVID-19
_CODE_AFTER = re.compile(r"-[A-Z]\b|[A-Z]+\d|[A-Z]{3}")  # 8-K, 4E11
_FRACTIONS = {
    "half": Decimal("0.5"), "one-half": Decimal("0.5"), "one-third": Decimal(1) / 3,
    "a third": Decimal(1) / 3,
    "two-thirds": Decimal(2) / 3, "two thirds": Decimal(2) / 3, "one third": Decimal(1) / 3,
    "one quarter": Decimal("0.25"),
    "a quarter": Decimal("0.25"), "one-quarter": Decimal("0.25"), "three-quarters": Decimal("0.75"),
    "three quarters": Decimal("0.75"), "one-fifth": Decimal("0.2"), "a fifth": Decimal("0.2"),
}  # fmt: skip
_FRACTION = re.compile(rf"\b(?:{'|'.join(_FRACTIONS)})\b(?=\s+(?:of|the|as|its|all)\b)", re.IGNORECASE)
_PART_OF = re.compile(
    rf"\b(?:half an?|a quarter of an?|quarter of an?)\s+(?P<scale>million|billion"
    rf"|trillion)(?:\s+(?P<after>{_AFTER})\b)?",
    re.IGNORECASE,
)
_CLOCK = re.compile(
    r"\b(?P<hour>\d{1,2})(?:(?::(?P<minute>[0-5]\d))(?:\s*(?P<half>[ap])\.?m\b\.?)?"
    r"|\s*(?P<half2>[ap])\.?m\b\.?)",
    re.I,
)
_OUT_OF = re.compile(
    rf"\b(?P<n>{_WORD_NUMERAL}|\d{{1,3}})(?:-| )(?:in|out of)(?:-| )(?:every )?(?P<m>ten|five|four|three"
    rf"|10|100|5|4)\b",
    re.I,
)
_CLASS = re.compile(
    r"\b(?P<class>weeks?|phases?|types?|stages?|grades?|class|tier|part|section|chapter|title|level"
    r"|category)"
    r"\s+(?P<value>\d{1,6}|[IV]{1,3})(?P<letter>[a-c](?![a-z]))?(?:\s*[/-]\s*(?P<second>\d"
    r"|[IV]{1,3}[ab]?))?\b",
    re.IGNORECASE,
)
_ORDINAL = re.compile(rf"\b(?:{'|'.join(_ORDINALS)}|\d{{1,9}}(?:st|nd|rd|th))\b", re.IGNORECASE)

_BOUNDS = tuple(
    (bound, re.compile(rf"(?:{words})\s+(?:an? )?\W?$|{sign}", re.IGNORECASE))
    for bound, words, sign in (
        (
            "<",
            r"no more than|not more than|not exceed(?:ing)?|up to|at most|as (?:much|many) as",
            r"[<≤]\s?$",
        ),
        (">", r"(?:no|not) (?:less|fewer) than|at least|minimum of", r"[>≥]\s?$"),
        (
            "<",
            "less than|fewer than|under|below|nearly|almost|close to|just short of|(?:just"
            "|slightly) under|slightly less than",
            r"(?!)",
        ),
        (
            ">",
            "more than|over|above|exceed(?:s|ed|ing)?|in excess of|upwards? of|greater than|topping",
            r"(?!)",
        ),
        ("~", r"about|around|approximately|roughly|some|circa|approx\.?|an estimated", r"~\s?$"),
    )
)


@dataclass(frozen=True, slots=True)
class Figure:
    """A number in a text: ``text[start:end]``, its value in full, its unit ("" for a count).

    ``quantum`` is what its last significant digit stands for: 100,000,000 in ``$1.1 billion``.
    ``bound`` is ``>`` behind "more than", ``<`` behind "up to" and "nearly", ``~`` behind "about".
    """

    start: int
    end: int
    value: Decimal
    unit: str
    quantum: Decimal
    bound: str = ""


def figures(text: str, taken: Sequence[tuple[int, int]] = ()) -> list[Figure]:
    """The numbers of ``text`` outside of the spans ``taken`` (dates) and of code names, in order."""
    busy = list(taken)
    found: list[Figure] = []

    def free(start: int, end: int) -> bool:
        return all(end <= a or start >= b for a, b in busy)

    for m in _CLASS.finditer(text):
        if free(m.start(), m.end()):
            for name in ("value", "second"):
                digits = (m[name] or "").rstrip("abAB")
                value = _ROMAN.get(digits.upper()) or (int(digits) if digits.isdecimal() else None)
                if value is not None:
                    unit = m["class"].casefold().rstrip("s") + (m["letter"] or "").casefold()
                    found.append(Figure(m.start(), m.end(), Decimal(value), unit, Decimal(1)))
            busy.append(m.span())
    for m in _CLOCK.finditer(text):
        if free(*m.span()):
            half = (m["half"] or m["half2"] or "").casefold()
            hour = int(m["hour"]) % 12 + 12 * (half == "p") if half else int(m["hour"])
            found.append(
                Figure(*m.span(), Decimal(60 * hour + int(m["minute"] or 0)), "clock", Decimal(1))
            )
            busy.append(m.span())
    for m in _OUT_OF.finditer(text):
        if free(*m.span()):
            top, bottom = (Decimal(m[g]) if m[g].isdecimal() else _spelled(m[g]) for g in "nm")
            found.append(Figure(*m.span(), 100 * top / bottom, "%", Decimal(10), "~"))
            busy.append(m.span())
    for m in _PART_OF.finditer(text):
        if free(*m.span()):
            share = Decimal("0.5") if "half" in m[0].casefold() else Decimal("0.25")
            power = Decimal(10) ** _SCALES[m["scale"].casefold()]
            unit = _CURRENCIES.get((m["after"] or "").casefold(), "")
            found.append(Figure(*m.span(), share * power, unit, power / 10))
            busy.append(m.span())
    for m in _FRACTION.finditer(text):
        if free(*m.span()):
            share = _FRACTIONS[m[0].casefold()] * 100
            found.append(Figure(*m.span(), share, "%", Decimal(10), "~"))
            busy.append(m.span())
    for m in _FIGURE.finditer(text):
        figure = _figure(m, text)
        if figure and free(figure.start, figure.end):
            found.append(figure)
            busy.append((figure.start, figure.end))
    for m in _ORDINAL.finditer(text):
        if free(*m.span()):
            word = m[0].casefold()
            value = _ORDINALS.get(word) or int(re.sub(r"\D", "", word))
            if word != "first":  # a superlative rather than a number
                found.append(Figure(*m.span(), Decimal(value), "ordinal", Decimal(1)))
    found.sort(key=lambda f: f.start)
    return _carried(found, text)


def _figure(m: re.Match[str], text: str) -> Figure | None:
    word, digits = m["word"], m["digits"]
    if digits and (
        _CODE_BEFORE.search(text[max(0, m.start() - 2) : m.start()])
        or _CODE_AFTER.match(text, m.end("digits"))
    ):
        return None
    if digits:
        value, quantum = _decimal(digits)
    elif word and word.casefold() in ("a ", "an ", "hundred"):
        value, quantum = Decimal(100 if word[0] in "hH" else 1), Decimal(1)
    else:
        value, quantum = _spelled(word or ""), Decimal(1)
    if m["hundred"]:
        value, quantum = value * 100, quantum * 100
        if m["rest"]:
            value, quantum = value + _spelled(m["rest"]), Decimal(1)
    end = max(
        m.end(g) for g in ("digits", "word", "ordinal", "hundred", "rest", "scale", "after", "points")
    )
    scale, unit_word = m["scale"], (m["unit"] or "")
    sign = (m["sign"] or m["after"] or "").casefold()
    unit_end = m.end("unit") if m["unit"] else end
    if scale and not sign and scale.casefold() in ("m", "mm", "t", "k", "b"):
        # "5 m" is a length, "10M" a count, "3M" and "10b" are names
        counts = scale in ("K", "M", "B") and len(digits or "") > 1
        if not counts or text[m.start("scale") - 1] in " -\u00a0":
            unit_word, scale, end, unit_end = scale, None, m.start("scale"), m.end("scale")
    if scale:
        power = Decimal(10) ** _SCALES[scale.casefold()]
        value, quantum = value * power, quantum * power
    unit = _CURRENCIES.get(sign, "")
    if unit == "cent":
        unit, value, quantum = "USD", value * _CENTS, quantum * _CENTS
    if m["points"]:
        unit = "bp" if m["points"].casefold().startswith("basis") else "points"
    elif m["ordinal"]:
        unit = "ordinal"
    elif not unit and unit_word:
        key = re.sub(r"\s", "_", unit_word.casefold())
        known = _UNITS.get(key) or ("g" if unit_word == "g" else "l" if unit_word == "L" else None)
        if known:
            unit, end = known, unit_end
            if key.startswith("dozen"):
                value, unit = value * 12, ""
            if m["per"]:
                unit, end = unit + m["per"].casefold(), m.end("per")
    if (
        word
        and word.casefold() in ("one", "zero")
        and unit in ("", "ordinal")
        and not (scale or m["hundred"])
    ):
        return None  # "one of", "no one": not a figure
    if (
        word
        and word.casefold() in ("a ", "an ")
        and not (scale or m["hundred"] or unit_word.casefold() in ("dozen", "century", "decade"))
    ):
        return None
    if unit == "year" and re.match(r"[-\s]olds?\b|\s+of age", text[end:]):
        unit = ""  # an age goes without its years as well
    start = m.start("digits") if digits else m.start("word")
    start = m.start("sign") if m["sign"] else start
    if m["minus"]:
        value, start = -value, m.start()
    before = text[max(0, start - 28) : start]
    bound = next((bound for bound, words in _BOUNDS if words.search(before)), "")
    return Figure(start, end, value, unit, quantum, bound)


def _spelled(words: str) -> Decimal:
    """The value of a numeral in words, below a hundred."""
    return Decimal(sum(_WORDS[part] for part in re.split(r"[- ]", words.casefold())))


def _decimal(digits: str) -> tuple[Decimal, Decimal]:
    """The value of a numeral and of its last digit."""
    value = Decimal(digits.replace(",", ""))
    exponent = value.as_tuple().exponent
    return value, Decimal(1).scaleb(exponent if isinstance(exponent, int) else 0)


def _carried(found: list[Figure], text: str) -> list[Figure]:
    """Figures of a range or list take the unit, and the scale, that only the last one states."""
    for i in range(len(found) - 2, -1, -1):
        one, next_ = found[i], found[i + 1]
        between = text[one.end : next_.start]
        if not re.fullmatch(r"\s*(?:to|and|or|through|-|–|—|,|/|, and|, or|versus|vs\.?)\s*", between):
            continue
        tight = re.fullmatch(r"\s*(?:to|-|–|—)\s*", between)
        if tight and next_.unit == "" and one.unit in _CURRENCIES.values():
            found[i + 1] = next_ = replace(next_, unit=one.unit)
        if one.unit == "" and next_.unit not in ("", "ordinal"):
            one = replace(one, unit=next_.unit)
        if (
            tight
            and one.unit == next_.unit
            and one.value
            and 0 < one.value < 1000 <= next_.value
            and next_.quantum >= 1000 > one.quantum * 100
        ):
            power = Decimal(10) ** (next_.value.adjusted() // 3 * 3)
            one = replace(one, value=one.value * power, quantum=one.quantum * power)
        found[i] = one
    return found


_MONTHS_IN = {"month": 1, "quarter": 3, "year": 12, "decade": 120, "century": 1200}
_DAYS_IN = {"day": Decimal(1), "week": Decimal(7), "month": Decimal("30.4")}


def _in_unit(figure: Figure, unit: str) -> Figure:
    """A length of time in another unit, where the calendar allows; else the figure as it is."""
    for table in (_MONTHS_IN, _DAYS_IN) if figure.unit != unit else ():
        if figure.unit in table and unit in table:
            factor = Decimal(table[figure.unit]) / Decimal(table[unit])
            bound = figure.bound or ("~" if table is _DAYS_IN and "month" in (figure.unit, unit) else "")
            return replace(
                figure,
                value=figure.value * factor,
                quantum=figure.quantum * factor,
                unit=unit,
                bound=bound,
            )
    return figure


_LOOSE = Decimal("0.08")  # how far "about" may be off


def same_figure(claimed: Figure, stated: Figure) -> bool:
    """Whether what is claimed follows from what is stated: equal, or a rounding of it.

    A rounding keeps fewer digits than what it rounds: 1.2 billion for 1,187 million, 12 % for 11.8 %;
    behind "about" zeros at the end round too (1,200 for 1,187), and "more than" and "nearly" may
    stay below and above by what such a rounding allows.
    """
    stated = _in_unit(stated, claimed.unit)
    if not _same_unit(claimed.unit, stated.unit):
        return False
    if stated.unit in _DAYS_IN and stated.bound == "~" and claimed.value:
        return abs(claimed.value - stated.value) / claimed.value < Decimal("0.02")
    a, b = claimed.value, stated.value
    if a == b:
        return True
    if (a < 0) != (b < 0):
        return False
    quantum = claimed.quantum
    if claimed.bound:
        quantum = max(quantum, _trailing(claimed))
    if quantum <= stated.quantum and not claimed.bound:
        return False
    if claimed.unit == "ordinal" or quantum > abs(a):
        return False
    difference = b - a
    if claimed.bound and abs(difference) > abs(b) * _LOOSE:
        return False
    if claimed.bound == ">":
        return 0 <= difference < quantum
    if claimed.bound == "<":
        return -quantum < difference <= 0
    return abs(difference) * 2 <= quantum


def _same_unit(a: str, b: str) -> bool:
    return a == b or (a == "" and b == "year")  # an age goes without its years


def _trailing(figure: Figure) -> Decimal:
    """What the last digit that is not zero stands for."""
    digits = figure.value.normalize().as_tuple()
    exponent = digits.exponent if isinstance(digits.exponent, int) else 0
    return Decimal(1).scaleb(exponent)
