"""What a text says about itself: tables of openings, as the wires write them."""

from __future__ import annotations

import datetime as dt
import re
import signal
from types import FrameType
from typing import Any

import pytest

from index.metadata import complete, parse_date, tickers_in, title_from
from index.types import Release

D = dt.date


def known(text: str, **given: Any) -> Release:
    return complete(Release("x", text, **{"title": "", **given}))


OPENINGS: list[tuple[str, D | None, str | None, str | None, str | None, tuple[str, ...]]] = [
    # text, date, place, wire, company, tickers
    ("SHANGHAI, Jan. 20, 2025 /PRNewswire/ -- Jade Cell Holdings Limited (Stock Code: 2171.HK), a maker"
     " of cells, announces a trial.",
     D(2025, 1, 20), "SHANGHAI", "PRNewswire", "Jade Cell Holdings Limited", ("HKEX: 2171",)),
    ("date 2025-01-20 SHANGHAI, Jan. 20, 2025 /PRNewswire/ -- Jade Cell Holdings Limited (HKEX: 2171)"
     " announces a trial.",
     D(2025, 1, 20), "SHANGHAI", "PRNewswire", "Jade Cell Holdings Limited", ("HKEX: 2171",)),
    ("CHATHAM, N.J., March 3, 2025 (GLOBE NEWSWIRE) -- Tonal Pharma Corp. (NASDAQ: TNXP), a drug maker,"
     " today announced data.",
     D(2025, 3, 3), "CHATHAM, N.J.", "GLOBE NEWSWIRE", "Tonal Pharma Corp.", ("NASDAQ: TNXP",)),
    ("SAN DIEGO, April 4, 2024 (GLOBE NEWSWIRE) -- Calida Bio, Inc. (NYSE American: CLDI) reported"
     " results.",
     D(2024, 4, 4), "SAN DIEGO", "GLOBE NEWSWIRE", "Calida Bio, Inc.", ("NYSE American: CLDI",)),
    ("Vancouver, British Columbia--(Newsfile Corp. - May 5, 2023) - Tuff Metals Ltd. (TSXV: TUF) (OTCQB:"
     " HBEIF) announces drilling.",
     D(2023, 5, 5), "Vancouver, British Columbia", None,
     "Tuff Metals Ltd.", ("TSXV: TUF", "OTCQB: HBEIF")),
    ("NEW YORK--(BUSINESS WIRE)--Acme Corp. (NYSE: ACM) today announced an anvil.",
     None, "NEW YORK", "BUSINESS WIRE", "Acme Corp.", ("NYSE: ACM",)),
    ("TORONTO, ON / ACCESSWIRE / June 6, 2022 / Maple Gold Inc. (TSX-V: MGI)(OTCQX: MGIF) reports"
     " assays.",
     D(2022, 6, 6), "TORONTO, ON", "ACCESSWIRE", "Maple Gold Inc.", ("TSXV: MGI", "OTCQX: MGIF")),
    ("MONTREAL, July 7, 2021 /CNW/ - Fleuve Inc. (TSX: FLV) announced a dam.",
     D(2021, 7, 7), "MONTREAL", "CNW", "Fleuve Inc.", ("TSX: FLV",)),
    ("BOSTON, MA, August 8, 2024 /24-7PressRelease/ -- A new grant was founded by Dr. Ada Fox.",
     D(2024, 8, 8), "BOSTON, MA", "24-7PressRelease", None, ()),
    ("LONDON, UNITED KINGDOM, September 9, 2024 /EINPresswire.com/ -- The market for anvils grows.",
     D(2024, 9, 9), "LONDON, UNITED KINGDOM", "EINPresswire", None, ()),
    ("Columbus, Ohio (Newsworthy.ai) Thursday Aug 21, 2025 @ 3:00 PM Central — The league met.",
     D(2025, 8, 21), None, "Newsworthy.ai", None, ()),
    ("BEIJING, Oct. 10, 2020 /Xinhua/ -- Wall Motor Co., Ltd. (SSE: 601633) announced a car.",
     D(2020, 10, 10), "BEIJING", "Xinhua", "Wall Motor Co., Ltd.", ("SSE: 601633",)),
    ("LAUSANNE, Switzerland, 11 November 2023 – Alpen Pharma SA (SIX: ALP) announced a filing.",
     D(2023, 11, 11), "LAUSANNE, Switzerland", None, "Alpen Pharma SA", ("SIX: ALP",)),
    ("Acme Wins Prize December 12, 2019 6:45 am ET KENILWORTH, N.J. – Acme, known as Ace abroad, said"
     " so.",
     D(2019, 12, 12), None, None, None, ()),
    ("Acme to Buy Bolt May 4, 2020 * * * * * INDIANAPOLIS, May 4, 2020 // -- Acme has agreed to buy"
     " Bolt.",
     D(2020, 5, 4), "INDIANAPOLIS", None, None, ()),
    ("WASHINGTON A former clerk was sentenced today, the department said.",
     None, "WASHINGTON", None, None, ()),
    ("WASHINGTON – A former clerk was sentenced today.",
     None, "WASHINGTON", None, None, ()),
    ("A former clerk was sentenced today to two years in prison.",
     None, None, None, None, ()),
    ("Sky Platforms (NASDAQ: SKYX), a maker of lamps, announced a loan from Bolt Inc. (NYSE: BLT).",
     None, None, None, "Sky Platforms", ("NASDAQ: SKYX",)),
    ("Kinetic Corporation (NYSE: MCK) today announced changes to its segments.",
     None, None, None, "Kinetic Corporation", ("NYSE: MCK",)),
    ("Cyto Inc. (NYSE American: CYBN) (Cboe CA: CYBN), a clinic, outlined its plans.",
     None, None, None, "Cyto Inc.", ("NYSE American: CYBN", "Cboe CA: CYBN")),
    ("Copenhagen, Denmark, January 1, 2024 – Nordic Ring A/S today announced a ring.",
     D(2024, 1, 1), "Copenhagen, Denmark", None, None, ()),
    ("TOKYO, Feb. 2, 2024 -- Kaze Corporation (TSE: 7203) announced a wind park.",
     D(2024, 2, 2), "TOKYO", None, "Kaze Corporation", ("TSE: 7203",)),
    ("SYDNEY, 3 March 2024 - Reef Limited (ASX: REF) announced a survey.",
     D(2024, 3, 3), "SYDNEY", None, "Reef Limited", ("ASX: REF",)),
    ("OSLO, Norway, April 31, 2024 -- Fjord Holdings Limited announced a boat.",
     None, None, None, None, ()),
    ("Acme Grows\n\nOSLO, Norway, April 30, 2024 -- Fjord Holdings Limited announced a boat.",
     D(2024, 4, 30), "OSLO, Norway", None, "Fjord Holdings Limited", ()),
    ("GENEVA, May 1, 2024 -- Lac Group AG reported results.\n\nAbout Lac Group AG\nA lake.",
     D(2024, 5, 1), "GENEVA", None, "Lac Group AG", ()),
    ("A lake was found.\n\nAbout Lac Group AG\n\nA lake.",
     None, None, None, "Lac Group AG", ()),
    ("", None, None, None, None, ()),
    ("2171", None, None, None, None, ()),
    ("公司宣布增长。", None, None, None, None, ()),
]  # fmt: skip


@pytest.mark.parametrize(("text", "date", "place", "wire", "company", "tickers"), OPENINGS)
def test_openings(
    text: str,
    date: D | None,
    place: str | None,
    wire: str | None,
    company: str | None,
    tickers: tuple[str, ...],
) -> None:
    release = known(text)
    assert release.text == text
    if "April 31" in text:  # no such day: it is no date, whatever else is found
        assert release.date is None
        return
    assert (release.date, release.place, release.wire, release.company, release.tickers) == (
        date, place, wire, company, tickers,
    )  # fmt: skip


def test_what_the_record_says_stays() -> None:
    text = "OSLO, April 30, 2024 /PRNewswire/ -- Fjord Limited (NYSE: FJD) announced a boat."
    given = {
        "title": "T", "date": D(2020, 1, 1), "company": "C", "tickers": ("A: B",), "place": "P",
        "url": "u",
        "extra": {"k": 1},
    }  # fmt: skip
    release = known(text, **given, wire="W")
    assert release == Release("x", text, **given, wire="W")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "company", "wire"),
    [
        ("The court ruled.", "Justice Department", None),
        ("Fjord Limited (NYSE: FJD) won.", "Fjord Limited", "Justice Department"),
        ("OSLO, April 30, 2024 /PRNewswire/ -- The court ruled.", "Justice Department", "PRNewswire"),
    ],
)
def test_a_publisher_is_the_issuer_where_the_text_names_none(
    text: str, company: str, wire: str | None
) -> None:
    release = complete(Release("x", text, ""), "Justice Department")
    assert (release.company, release.wire) == (company, wire)


@pytest.mark.parametrize(
    ("text", "tickers"),
    [
        ("(Stock Code: 2171.HK)", ("HKEX: 2171",)),
        ("(HKEX: 02171)", ("HKEX: 02171",)),
        ("(NASDAQ: TNXP)", ("NASDAQ: TNXP",)),
        ("(Nasdaq:tnxp)", ("NASDAQ: TNXP",)),
        ("(Nasdaq Global Select Market: ABCD)", ("NASDAQ: ABCD",)),
        ("(NYSE American: CLDI)", ("NYSE American: CLDI",)),
        ("(NYSE: BRK.B)", ("NYSE: BRK.B",)),
        ("(TSXV: TUF) (OTCQB: HBEIF)", ("TSXV: TUF", "OTCQB: HBEIF")),
        ("(TSX-V: TUF; FSE: 1XY)", ("TSXV: TUF", "FSE: 1XY")),
        ("(NYSE: A) and again (NYSE: A)", ("NYSE: A",)),
        ("(TSE: 7203.T, SZSE: 000001.SZ)", ("TSE: 7203", "SZSE: 000001")),
        ("(NASDAQ：ABC)", ("NASDAQ: ABC",)),
        ("(NYSE)", ()),
        ("the NYSE and Nasdaq", ()),
        ("", ()),
    ],
)
def test_tickers(text: str, tickers: tuple[str, ...]) -> None:
    assert tickers_in(text) == tickers


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("Acme Grows\n\nAcme grew by 5%.", "Acme Grows"),
        ("# Acme Grows\nAcme grew by 5%.", "Acme Grows"),
        ("**Acme Grows**\n\nAcme grew.", "Acme Grows"),
        ("Acme grew by 5%.\nBolt fell.", "Acme grew by 5%"),
        ("Acme grew by 5% to $1.2 billion. Bolt fell.", "Acme grew by 5% to $1.2 billion"),
        ("OSLO, April 30, 2024 -- Fjord Limited announced a boat. It floats.",
         "Fjord Limited announced a boat"),
        ("Sky Inc. (NASDAQ: SKY), a maker of lamps, announced a loan. It is big.",
         "Sky Inc. announced a loan"),
        ("date 2025-01-20 Acme grew. Bolt fell.", "Acme grew"),
        ("One\u00a0two\tthree. Four.", "One two three"),
        ("word " * 40, "word " * 22 + "word…"),
        ("   ", "Untitled"),
        ("", "Untitled"),
    ],
)  # fmt: skip
def test_titles_from_texts(text: str, title: str) -> None:
    assert title_from(text) == title
    assert known(text).title == title


@pytest.mark.parametrize(
    ("value", "date"),
    [
        (None, None),
        ("", None),
        (D(2025, 1, 20), D(2025, 1, 20)),
        (dt.datetime(2025, 1, 20, 23, 59), D(2025, 1, 20)),
        (dt.datetime(2025, 1, 20, 1, tzinfo=dt.timezone(dt.timedelta(hours=8))), D(2025, 1, 20)),
        ("2025-01-20", D(2025, 1, 20)),
        (" 2025-01-20 ", D(2025, 1, 20)),
        ("2025-1-2", D(2025, 1, 2)),
        ("2025/01/20", D(2025, 1, 20)),
        ("2025-01-20T23:59:59Z", D(2025, 1, 20)),
        ("2025-01-20T00:30:00+08:00", D(2025, 1, 20)),
        ("Jan. 20, 2025", D(2025, 1, 20)),
        ("January 20th, 2025", D(2025, 1, 20)),
        ("20 January 2025", D(2025, 1, 20)),
        ("Mon, 20 Jan 2025 10:00:00 GMT", D(2025, 1, 20)),
        ("Jan.20,2025", D(2025, 1, 20)),
        ("Sept. 3, 2024", D(2024, 9, 3)),
        ("1/20/2025", D(2025, 1, 20)),
        ("2024-02-29", D(2024, 2, 29)),
        ("July 31, 2020 6:45 am ET", D(2020, 7, 31)),
    ],
)
def test_dates(value: object, date: D | None) -> None:
    assert parse_date(value) == date


@pytest.mark.parametrize(
    "value",
    [
        "2025", "2025-01", "January 2025", "Jan 20", "Monday", "today", "Q1 2025", "soon", "20", 2025,
        20250120, 1737331200, True, 1.5, [], {}, "2025-02-30", "2023-02-29", "2025-13-01",
        "Jan. 32, 2025", "0000-01-01",
        "10000-01-01", "99999999999999999999 1 1", "2025-01-20 and 2025-01-21", "-", "\x00", "nan",
        # not whole: parts of today must not fill them
        "Jan 2025 10:30", "2025-01 10:00", "10:30 Jan 20", "12:30:45", "Monday 10:30 2025",
        "Tue 20 10:00",
    ],
)  # fmt: skip
def test_what_is_no_date(value: object) -> None:
    with pytest.raises(ValueError, match=re.escape(str(value))):
        parse_date(value)


class TooSlow(Exception):
    pass


@pytest.mark.parametrize(
    "text",
    [
        " " * 64_000 + "Acme grew.",
        "\n" * 30_000 + "Acme grew.",
        "Acme grew.\n" + " " * 64_000,
        "date" + " " * 64_000 + "Acme grew.",
        "A" * 64_000,
        "1" * 64_000,
        "A-" * 32_000,
        "Acme, " * 10_000,
        "(" * 64_000,
        "Acme (NYSE: A " * 4_000,
        "Jan. 1, 2020 " * 5_000,
        "About " + "A" * 64_000 + "!",
        ("About " + "Aa " * 8 + "!\n") * 2_000,
        "a, the " + "b " * 32_000,
        "x" * 64_000,
        "# " * 32_000,
    ],
    ids=lambda text: f"{text[:6].strip()!r}",
)
def test_a_pathological_text_takes_no_time(text: str) -> None:
    def stop(number: int, frame: FrameType | None) -> None:
        raise TooSlow

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, 2)
    try:
        assert known(text).text == text
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
