"""What a release's own text says about it: date, place, wire, issuer, tickers, title.

Releases of every wire open alike: a headline (sometimes), then a dateline (place, date, wire, a
dash), then "Issuer (EXCHANGE: TICKER), a company that ..., announced ...". The patterns below read
that opening and nothing further down, where other companies are mentioned.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace

from dateutil import parser as dateparser

from .types import Release

OPENING = 1500  # code points from the start of a text in which its dateline and issuer stand
TITLE_LENGTH = 120  # code points at most of a title made from a sentence

_MONTH = (
    r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|"
    r"Sept?(?:ember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)"
)
_DEFAULTS = (dt.datetime(2001, 2, 3), dt.datetime(2004, 5, 6))
_DATE = re.compile(
    rf"\b{_MONTH}\.?\s*\d{{1,2}}(?:st|nd|rd|th)?,?\s*\d{{4}}\b"
    rf"|\b\d{{1,2}}\s+{_MONTH}\.?,?\s+\d{{4}}\b|\b\d{{4}}-\d{{2}}-\d{{2}}\b"
)
_DATE_LINE = re.compile(r"(?:date|published)?[ \t]{0,3}:?[ \t]{0,3}(\d{4}-\d{2}-\d{2})\b[ \t]*", re.I)
_WIRE = re.compile(
    r"/(?P<slash>(?:PRNewswire|CNW|24-7PressRelease|EINPresswire|Xinhua|Business Wire)[\w -]{0,30})"
    r"(?:\.com)?/"
    r"|\((?P<paren>[A-Z][\w.-]*(?: [A-Z][\w.-]*)?[Ww](?:ire|IRE)|Newsworthy\.ai|NEWSFILE[^)]*)\)"
    r"|\b(?P<bare>GLOBE NEWSWIRE|BUSINESS WIRE|ACCESSWIRE|PR Karma)\b"
)
_PLACE = re.compile(  # what stands before the date of a dateline
    r"(?:^|[\n*] *|(?<=\d\d\d\d ))"
    r"(?P<place>[A-Z][\w.'’&-]*(?: [A-Z][\w.'’&-]*){0,3}(?:, ?[A-Z][\w.'’]*(?: [A-Z][\w.'’]*){0,2}){0,2})"
    r"\s*(?:\([^)]*\)\s*)?[,–—-]*\s*(?:\w+day,?\s+)?$"
)
_DASH = re.compile(r"\s*[)]?\s*(?:[/(][^/()\n]{0,40}[/)]\s*)?(?:--+|[—–/-])\s*|\s*\n")
_CAPITALS = re.compile(
    r"\s*(?P<place>[A-Z]{3,}(?: [A-Z]{3,}){0,2}(?:, [A-Z][A-Za-z.]+)?)(?:\s*(?:--?|[–—])|(?<=[A-Z]{6})\s)"
)
_WIRE_NAMES = r"(?:Newsfile Corp\.?|GLOBE NEWSWIRE|BUSINESS WIRE|ACCESSWIRE|PR Karma)"
_WIRE_BEFORE = re.compile(rf"[\s–—/(-]*{_WIRE_NAMES}$", re.IGNORECASE)
_WIRE_BEHIND = re.compile(rf"\s*[(/]{_WIRE_NAMES}[)/]\s*[–—-]*\s*", re.IGNORECASE)
_EXCHANGES = {
    "NASDAQ": "NASDAQ", "NYSE": "NYSE", "NYSE AMERICAN": "NYSE American", "NYSE ARCA": "NYSE Arca",
    "TSX": "TSX", "TSXV": "TSXV", "TSX-V": "TSXV", "CSE": "CSE", "LSE": "LSE", "AIM": "AIM",
    "OTCQB": "OTCQB", "OTCQX": "OTCQX", "OTC": "OTC", "OTC PINK": "OTC Pink", "ASX": "ASX",
    "HKEX": "HKEX", "SEHK": "HKEX", "STOCK CODE": "HKEX", "CBOE CA": "Cboe CA", "SIX": "SIX",
    "FSE": "FSE", "FRA": "FRA", "EURONEXT": "Euronext", "TSE": "TSE", "KOSDAQ": "KOSDAQ",
    "SSE": "SSE", "SZSE": "SZSE", "TWSE": "TWSE", "OSE": "OSE", "B3": "B3", "XETRA": "XETRA",
}  # fmt: skip
_EXCHANGE = "|".join(sorted((re.escape(x) for x in _EXCHANGES), key=len, reverse=True))
_TICKER = re.compile(
    rf"\b(?P<exchange>{_EXCHANGE})(?:\s+Global(?:\s+Select)?(?:\s+Market)?)?\s*[:：]\s*"
    r"(?P<symbol>[A-Z0-9][A-Z0-9.\-]{0,9})",
    re.IGNORECASE,
)
_SUFFIXES = {"HK": "HKEX", "SS": "SSE", "SZ": "SZSE", "TO": "TSX", "L": "LSE", "T": "TSE"}
_NAME = r"[A-Z0-9][\w.&'’®™+-]*(?:,? (?:(?:of|and|the|for|de|&) )?[A-Z0-9&(][\w.&'’®™+)-]*){0,7}"
_TICKER_GROUP = re.compile(
    rf"(?P<name>{_NAME}(?:,? (?:Inc|Ltd|LLC|plc|AG|SA|N\.V|S\.A)\.?)?)\s*"
    rf"(?P<groups>(?:\([^()]{{0,120}}\b(?i:{_EXCHANGE})[^()]{{2,80}}\)\s*)+)"
)
_ANNOUNCES = re.compile(
    rf"(?P<name>{_NAME}),? (?:today |has |is pleased to )?(?:announce[ds]?|report(?:s|ed))\b"
)
_ABOUT = re.compile(rf"^[#* ]*About (?P<name>{_NAME})[:* ]*$", re.MULTILINE)
_LEGAL_FORM = re.compile(
    r"\b(?:Inc|Corp|Corporation|Ltd|Limited|LLC|plc|Co|Company|Holdings|Group|AG|S\.A|N\.V)\b"
)
_OPENER = re.compile(r"^(?:Today|The|On|In|For|As|With|When|Who|This|New|By)\b")


def parse_date(value: object) -> dt.date | None:
    """A date field as a date: a date, a timestamp or text such as ``Jan. 20, 2025``; empty is None.

    Raises ValueError where the text is not one complete date.
    """
    if value is None or value == "":
        return None
    if isinstance(value, dt.datetime):
        return value.date()
    if isinstance(value, dt.date):
        return value
    text = str(value).strip()
    try:
        # what the text leaves out is filled from the default: with two, the gaps show
        first, second = (
            dateparser.parse(text, default=default, ignoretz=True).date() for default in _DEFAULTS
        )
    except (ValueError, OverflowError, TypeError) as exc:
        raise ValueError(text) from exc
    if first != second or not re.search(r"[ /.,-]", text) or " and " in text:
        raise ValueError(text)
    return first


def complete(release: Release, publisher: str | None = None) -> Release:
    """``release`` with the fields that it lacks read from its text; given fields stay as they are.

    The ``publisher`` of a record is the issuer where neither record nor text names one, else the
    wire where those name none.
    """
    text = release.text
    given, start = _date_line(text)
    body = text[start : start + OPENING]
    date, place, lead = _dateline(body)
    company, tickers = _issuer(body[lead:], text)
    company = release.company or company
    wire = release.wire or _wire(body)
    return replace(
        release,
        date=release.date or given or date,
        place=release.place or place,
        title=release.title or title_from(text),
        company=company or publisher,
        tickers=release.tickers or tickers,
        wire=wire or (publisher if company else None),
    )


def title_from(text: str) -> str:
    """A title for a text that has none: its headline, else its first sentence without dateline.

    A headline is a first line of its own that does not end like a sentence.
    """
    body = text[_date_line(text)[1] :].lstrip()
    first, _, rest = body.partition("\n")
    first = first.strip().lstrip("#").strip(" *")
    if rest.strip() and len(first) <= 200 and not _DATE.search(first) and first[-1:] not in ".:;,":
        return first
    lead = body[_dateline(body[:OPENING])[2] :][:OPENING].strip()
    lead = re.sub(r"\s*\([^()]*\)", "", lead)
    sentence = re.split(r"(?<=[a-z0-9)%”\"][.!?])\s+(?=[A-Z“\"])", " ".join(lead[:800].split()))[0]
    # "X, a company that ..., announced Y": the description of the issuer makes no title
    sentence = re.sub(r"^([^,]{3,80}), (?:an?|the) .{5,200}?, ((?:today )?(?:has )?announce)", r"\1 \2",
                      sentence)  # fmt: skip
    if len(sentence) <= TITLE_LENGTH:
        return sentence.rstrip(".") or "Untitled"
    return sentence[: TITLE_LENGTH - 1].rsplit(" ", 1)[0].rstrip(",;:") + "…"


def _date_line(text: str) -> tuple[dt.date | None, int]:
    """The date of a line such as ``date 2025-01-20`` that opens a text, and where the rest begins."""
    start = len(text) - len(text.lstrip())
    match = _DATE_LINE.match(text, start)
    if not match:
        return None, 0
    try:
        return parse_date(match[1]), match.end()
    except ValueError:
        return None, 0


def _dateline(body: str) -> tuple[dt.date | None, str | None, int]:
    """Date and place of the dateline, and the offset at which the sentence behind it begins.

    A dateline is a date with a place before it or a dash behind it, in the first 600 code points;
    without one, the first date there counts, and a run of capitals that opens the text as the place.
    """
    first: dt.date | None = None
    for match in _DATE.finditer(body[:600]):
        try:
            date = parse_date(match[0])
        except ValueError:
            continue
        first = first or date
        before = body[max(0, match.start() - 90) : match.start()].rstrip(" ,–—-/(")
        place = _PLACE.search(_WIRE_BEFORE.sub("", before))
        dash = _DASH.match(body, match.end())
        if place and dash:
            return date, re.sub(rf",? {_MONTH}$", "", place["place"]).strip(" ,-"), dash.end()
    capitals = _CAPITALS.match(body)
    if capitals:
        wire = _WIRE_BEHIND.match(body, capitals.end())
        return first, capitals["place"], wire.end() if wire else capitals.end()
    return first, None, 0


def _wire(body: str) -> str | None:
    match = _WIRE.search(body[:800])
    return next(filter(None, match.groups()), None) if match else None


def tickers_in(text: str) -> tuple[str, ...]:
    """The tickers of a text as ``EXCHANGE: SYMBOL``, in order, each once."""
    found = []
    for match in _TICKER.finditer(text):
        symbol, dot, suffix = match["symbol"].upper().rstrip(".-").partition(".")
        exchange = _EXCHANGES[match["exchange"].upper()]
        if dot and suffix in _SUFFIXES:
            exchange = _SUFFIXES[suffix]
        elif dot:
            symbol += "." + suffix
        found.append(f"{exchange}: {symbol}")
    return tuple(dict.fromkeys(found))


def _issuer(lead: str, text: str) -> tuple[str | None, tuple[str, ...]]:
    """Issuer and its tickers: the name with tickers behind it, the announcer, the one last About."""
    group = _TICKER_GROUP.search(lead)
    if group and (name := _clean_name(group["name"])):
        return name, tickers_in(group["groups"])
    announcer = _ANNOUNCES.match(lead.lstrip())
    if announcer and _LEGAL_FORM.search(announcer["name"]):
        return _clean_name(announcer["name"]), ()
    abouts = [m["name"] for m in _ABOUT.finditer(text) if _LEGAL_FORM.search(m["name"])]
    return (_clean_name(abouts[-1]) if abouts else None), ()


def _clean_name(name: str) -> str | None:
    name = name.strip(" ,-(")
    return None if _OPENER.match(name) or len(name) < 2 else name
