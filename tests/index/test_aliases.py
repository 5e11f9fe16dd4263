"""Pairs of names from the statements that releases make, and what looks like one and is none."""

from __future__ import annotations

import re
import time

import pytest

from index.aliases import QUOTE_LENGTH, Alias, key, mine

CASES: list[tuple[str, list[tuple[str, str, str]]]] = [
    # text, (name, of, kind) in order
    # abbreviations
    ("Patients had longer progression-free survival (PFS) on the drug.",
     [("PFS", "progression-free survival", "abbreviation")]),
    ("Trials in non-small cell lung cancer (“NSCLC”) go on.",
     [("NSCLC", "non-small cell lung cancer", "abbreviation")]),
    ("relapsed/refractory acute myeloid leukemia (R/R AML) was treated",
     [("R/R AML", "relapsed/refractory acute myeloid leukemia", "abbreviation")]),
    ("cells without beta-2 microglobulin (B2M) survive",
     [("B2M", "beta-2 microglobulin", "abbreviation")]),
    ("approval by the U.S. Food and Drug Administration (the “FDA”) is due",
     [("FDA", "Food and Drug Administration", "abbreviation")]),
    ("a Clinical Cancer Center (CCC) opened", [("CCC", "Clinical Cancer Center", "abbreviation")]),
    ("the Bureau of Alcohol, Tobacco, Firearms and Explosives (ATF) agreed", []),  # a letter is missing
    ("two autonomous surface vessels (ASVs) sailed", [("ASVs", "autonomous surface vessels", "abbreviation")]),
    ("levels of trichloroethylene (TCE) fell", [("TCE", "trichloroethylene", "abbreviation")]),
    ("PFS (progression-free survival) was longer",
     [("PFS", "progression-free survival", "abbreviation")]),
    ("owned by Golden Sierra Partners LLC (GSP) since May",
     [("GSP", "Golden Sierra Partners LLC", "abbreviation")]),
    ("The Army Crime Investigation Command (CID) looked on.", []),
    ("the agency's longer office of Inspector General (OIG) audit",
     [("OIG", "office of Inspector General", "abbreviation")]),
    # what stands in brackets and names nothing
    ("Sales (in millions) rose (see Figure 1) by 5% (n=35) in 2022 (2022) at a ratio (95% CI).", []),
    ("Jane Roe (CEO) of Acme (the “Company”) spoke in Dallas (US) at 800-555-0100 (TTY).", []),
    ("the left arm (left), the Act (the Act), Senator Poe (D-NY), Volume II (II), Acme (Nasdaq)", []),
    ("Novel (glucagon) Nasal Powder and Tablets (olaparib) at 12 Main Street (Suite 4)", []),
    ("Milford Hospital (Milford, DE) and the Purchase Agreement (the “Agreement”) closed", []),
    # short names
    ("Tonal Pharma Corp. (“Tonal” or the “Company”) met.", [("Tonal", "Tonal Pharma Corp.", "short-name")]),
    ("Fjord Metals Ltd. (TSXV: FJM) (OTCQB: FJMTF) (the “Company” or “Fjord”) drilled.",
     [("FJM", "Fjord Metals Ltd.", "ticker"), ("FJMTF", "Fjord Metals Ltd.", "ticker"),
      ("Fjord", "Fjord Metals Ltd.", "short-name")]),
    ("It sued Platin Home Care Inc. (Platin) in May.", [("Platin", "Platin Home Care Inc.", "short-name")]),
    ("the Panel on Prison Food (Panel) met", []),
    # tickers
    ("NEW YORK - May 1, 2025 (WIRE) - Sky Harbor Group, Inc. (NYSE American: SKYX) said so.",
     [("SKYX", "Sky Harbor Group, Inc.", "ticker")]),
    ("Ada Fox, CEO of Bolt Metals (NASDAQ: BLT), agreed.", [("BLT", "Bolt Metals", "ticker")]),
    ("listed on the Toronto Stock Exchange (TSX: BLT)", []),
    # other names
    ("Ace Health, formerly known as Bolt Care, grew.", [("Bolt Care", "Ace Health", "former-name")]),
    ("Ace Health (formerly the Bolt Care Group) grew.", [("Bolt Care Group", "Ace Health", "former-name")]),
    ("It bought Bolt Care, now Ace Health, in May.", [("Bolt Care", "Ace Health", "former-name")]),
    ("It changed its name from Bolt Care Inc. to Ace Health Inc. in May.",
     [("Bolt Care Inc.", "Ace Health Inc.", "former-name")]),
    ("John Poe, formerly of Reno, and Jane Roe, formerly Vice President at Bolt, and Jim Doe, now CEO, left.", []),
    ("Ada Fox, formerly Bolt’s head of sales, joined a U.S.-based company formerly known as Bolt Care.", []),
    ("It cited City Jobs, also known as Local Law 144, twice.", [("Local Law 144", "City Jobs", "other-name")]),
    ("The city now Reno is now here, and now Congress must act.", []),
    ("Leon Mix, Inc. d/b/a Mix Studio pleaded guilty.", [("Mix Studio", "Leon Mix, Inc.", "other-name")]),
    ("They charged John Poe, 23, aka “Red,” aka Big Red, with theft.",
     [("Red", "John Poe", "other-name"), ("Big Red", "John Poe", "other-name")]),
    ("John Poe aka Cana/Big Cana ran.", [("Cana", "John Poe", "other-name"), ("Big Cana", "John Poe", "other-name")]),
    ("At Mark & Co., known as MSC outside the U.S., we care.", [("MSC", "Mark & Co.", "other-name")]),
    ("a dam in Ohio, known as Lisbon Dam, and a process known as Mining", []),
    ("Bath and Works, also known as Soap Store, sells soap.", []),  # whose half is it?
    # drugs
    ("CT041 (satricabtagene autoleucel) and satri-cel (CT041) are one.",
     [("CT041", "satricabtagene autoleucel", "code"), ("CT041", "satri-cel", "code")]),
    ("Lucera® (bolotinib) and olaparib (LYNPARA®) sell.",
     [("Lucera", "bolotinib", "brand"), ("LYNPARA", "olaparib", "brand")]),
    ("Zepbind(R) (tirzepatide) and HyBrite(TM) (SGX301 or hypericin sodium) sell.",
     [("Zepbind", "tirzepatide", "brand"), ("SGX301", "HyBrite", "code"), ("HyBrite", "hypericin sodium", "brand")]),
    ("MK-0616, an oral PCSK9 inhibitor, and a calcium channel blocker (amlodipine) help.", []),
    ("Selpercatinib, also known as LOXO-292, helps.", [("LOXO-292", "Selpercatinib", "code")]),
    ("", []),
    ("(", []),
]  # fmt: skip


def shown(text: str, alias: Alias) -> str:
    """The quote as names are printed: without marks, white space collapsed."""
    return " ".join(re.sub(r"[®™]|\((?:R|TM)\)", "", text[alias.start : alias.end]).split())


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_pairs_and_their_quotes(text: str, expected: list[tuple[str, str, str]]) -> None:
    found = mine(text)
    assert [(a.name, a.of, a.kind) for a in found] == expected
    for alias in found:
        assert alias.name in shown(text, alias) and alias.of in shown(text, alias)
        assert alias.end - alias.start <= QUOTE_LENGTH


@pytest.mark.parametrize(
    ("text", "company", "expected"),
    [
        ("Geo Labs, Inc. grew.", "Geo Labs, Inc.", ["Geo Labs"]),
        ("GeoLax Labs, Inc. grew. GeoLax is glad.", "GeoLax Labs, Inc.", ["GeoLax Labs", "GeoLax"]),
        ("GeoLax Labs, Inc. grew. GeoLax Labs is glad.", "GeoLax Labs, Inc.", ["GeoLax Labs"]),
        ("GeoLax Labs grew. In May, GeoLax’s sales rose.", "GeoLax Labs", ["GeoLax"]),
        ("First Metals Corp. grew. First, First is glad.", "First Metals Corp.", ["First Metals"]),
        ("Focal Metals Corp. grew. Focal is glad of focal length.", "Focal Metals Corp.", ["Focal Metals"]),
        ("Ely Lill and Company grew.", "Ely Lill and Company", ["Ely Lill"]),
        ("Bolt and Geo Company grew.", "Bolt and Geo Company", []),
        ("Chief Executive of Geo Inc. spoke.", "Chief Executive of Geo Inc.", []),
        ("Nothing of the kind.", "GeoLax Labs, Inc.", []),
        ("Nothing of the kind.", "", []),
    ],
)  # fmt: skip
def test_short_names_of_the_issuer(text: str, company: str, expected: list[str]) -> None:
    found = mine(text, company)
    assert [(a.name, a.of, a.kind) for a in found] == [(n, company, "short-name") for n in expected]
    assert all(text[a.start : a.end] == company for a in found)


def test_a_bare_ticker_counts_where_the_record_knows_it() -> None:
    text = "Geo Labs (GLBX) grew."
    assert mine(text) == []
    assert mine(text, None, ["NASDAQ: GLBX"]) == [Alias("GLBX", "Geo Labs", "ticker", 0, 15)]


def test_a_pair_comes_once_where_it_is_first_shown() -> None:
    text = "overall survival (OS) rose.\nOverall  Survival (OS) rose. OS (overall survival) rose."
    assert mine(text) == [Alias("OS", "overall survival", "abbreviation", 0, 21)]


def test_quotes_are_clauses() -> None:
    text = f"Ace{' Health' * 40}, formerly known as Bolt Care, grew."
    assert mine(text) == []


@pytest.mark.parametrize(
    "names",
    [
        ("CT-041", "CT041", "CT 041", "ct‑041", "ＣＴ０４１"),
        ("Keytruda®", "KEYTRUDA", "Keytruda™"),
        ("Geo  Labs", "geo\u00a0labs\n"),
        ("KJ-C2320", "kj-c 2320"),
    ],
)
def test_key_makes_spellings_one(names: tuple[str, ...]) -> None:
    assert len({key(name) for name in names}) == 1


def test_key_keeps_names_apart() -> None:
    assert len({key(n) for n in ("CT041", "CT 0 41", "satri-cel", "satri cel", "IL-17A", "IL-17")}) == 6


LENGTH = 200_000
HOSTILE = (
    "(", "()", "(A", "A (A) ", "Ab bc (ABC) ", "(“a ", "(Aa Bb ", "\n(", "Acme ", "A.B.", "A", " ", "“", "1",
    "aka ", "Acme, aka ", "formerly ", "Acme formerly ", "now ", "Aa, known as \"", "a/k/a/", "A--", "a-",
    "name from Aa to ", "changed its name from Aa to Bb ", "(NYSE: A", "Aa (NYSE: AA) ", "A(R)",
    "abcdemab (ABCDE) ", "CT0", "of the ", ")", "® ",
)  # fmt: skip


@pytest.mark.parametrize("piece", HOSTILE)
def test_hostile_text_takes_linear_time(piece: str) -> None:
    text = piece * (LENGTH // len(piece))
    start = time.process_time()
    mine(text, "Acme Corp", ["NYSE: ACME"])
    # about a second on two shared cores; anything quadratic takes minutes
    assert time.process_time() - start < 10
