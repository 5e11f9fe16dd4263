from __future__ import annotations

import datetime as dt
import time
from typing import Any

import pytest

from index.passages import units
from qa.support import LONGEST_QUOTE, Source, Verdict, judge

PUBLISHED = dt.date(2024, 5, 6)
RESULTS = (
    "Revenue was $412.6 million, up 7% from $385.6 million a year earlier. Gross margin widened to 51.4%."
)
TWO_FACTS = "Sales rose 5% and costs fell 3%."
TWO_YEARS = "Sales were $7 million in 2019 and $5 million in 2020."
CALL = "Prosecutors allege that Smith stole $2 million."
ROLES = "Jane Roe is the chief executive and John Doe is the chief financial officer."


def wrong(*values: object, why: str) -> Any:
    """A case that fails still, and should not."""
    return pytest.param(*values, marks=pytest.mark.xfail(strict=True, reason=why))


def verdict(claim: str, source: str, title: str = "", company: str | None = None) -> Verdict:
    return judge(claim, Source(source, title, company, PUBLISHED))


SUPPORTED = [
    ("Alpha raised $5 million in May 2020.", "Alpha raised $5 million in May 2020."),
    # figures
    ("Quintarra raised USD 5 million.", "Quintarra Corp. raised $5,000,000."),
    ("The dividend is $0.75 per share.", "The dividend is 75 cents per share."),
    ("Revenue was about $1.1 billion.", "Revenue was $1,087 million."),
    ("Sales rose 12 percent.", "Sales rose 12%."),
    ("It was founded two decades ago.", "It was founded 20 years ago."),
    ("The call starts at 3 p.m.", "The call starts at 15:00."),
    ("It employs 250 people.", "The company has 250 employees."),
    ("A third of the patients responded.", "One-third of the patients responded."),
    ("Twenty-five percent of the staff left.", "A quarter of the staff left."),
    ("The company paid $100.", "The company paid one hundred dollars."),
    ("He was sentenced to 18 months.", "He was sentenced to 1.5 years."),
    # dates
    ("Revenue rose in the second quarter of 2020.", "Revenue rose in Q2 2020."),
    ("The deal closed on January 5, 2024.", "The deal closed on January 5."),
    ("The deal closed in January.", "The deal closed on January 5, 2024."),
    ("The company reported results on May 6, 2024.", "The company today reported results."),
    # names
    ("The FDA approved the drug.", "The U.S. Food and Drug Administration approved the drug."),
    ("The Food and Drug Administration approved the drug.", "The FDA approved the drug."),
    ("U.S. sales rose 5%.", "Sales in the United States rose 5%."),
    ("American sales rose 5%.", "Sales in the United States rose 5%."),
    ("The United States accounts for most sales.", "The U.S. accounts for most sales."),
    ("German sales rose.", "Sales in Germany rose."),
    ("Roe leads the trial.", "Jane Roe leads the trial."),
    ("Jane Roe is the CEO of Quintarra.", "Jane Roe is chief executive officer of Quintarra."),
    ("CT-041 shrank tumors.", "CT-041 shrank tumors."),
    ("The Phase III trial met its goal.", "The Phase 3 trial met its goal."),
    ("Quintarra raised $5 million.", "QuintarraCorp raised $5 millionin May."),
    # wording
    ("Sales increased 5%.", "Sales rose 5%."),
    ("The drug lowered deaths by 30%.", "The drug reduced deaths by 30%."),
    ("Quintarra bought Brackwell for $5 million.", "Quintarra acquired Brackwell for $5 million."),
    ("Patients tolerated the drug well.", "The drug was well tolerated by patients."),
    ("Brackwell was acquired by Quintarra.", "Quintarra acquired Brackwell."),
    ("Quintarra acquired Brackwell.", "Brackwell was acquired by Quintarra."),
    ("The trial did not meet its primary endpoint.", "The trial failed to meet its primary endpoint."),
    ("Quintarra never closed the plant in Lyon.", "Quintarra did not close the plant in Lyon."),
    ("The product is unavailable in Europe.", "The product is not available in Europe."),
    ("It does not expect delays.", "It expects no delays."),
    ("Alpha expects to launch the drug.", "Alpha plans to launch the drug in 2025."),
    ("Alpha will launch the drug in 2025.", "Alpha plans to launch the drug in 2025."),
    ("Smith allegedly stole $2 million.", CALL),
    ("Prosecutors said Smith stole $2 million.", CALL),
    ("Smith was charged with fraud.", "The SEC charged Smith with fraud."),
    ("Alpha is one of the largest makers of pumps.", "Alpha is one of the largest makers of pumps."),
    # facts side by side
    ("Costs fell 3%.", TWO_FACTS),
    ("Sales rose 5%.", TWO_FACTS),
    (TWO_FACTS, TWO_FACTS),
    ("Sales were $7 million in 2019.", TWO_YEARS),
    ("Gross margin was 51.4%.", RESULTS),
    ("Revenue was $412.6 million, up 7% from a year earlier.", RESULTS),
    ("John Doe is the chief financial officer.", ROLES),
    ("Sales rose from $5 million to $7 million.", "Sales rose to $7 million from $5 million."),
    ("50% of patients responded.", "Ten patients (50%) responded."),
    ("The deal was worth $55 million.", "It was worth €50 million ($55 million)."),
    ("The lease runs for three years.", "The lease runs for three (3) years."),
    ("The net loss was $5 million.", "The net loss was $(5) million."),
    ("CT041 shrank tumors.", "CT-041 shrank tumors."),
    ("The trial enrolled 120.", "The trial enrolled one hundred and twenty."),
    ("It opens in 2026.", "It opens in mid-2026."),
    ("One quarter of the staff left.", "A quarter of the staff left."),
    # still wrong
    wrong(
        "Revenue rose 7% to $412.6 million.", RESULTS, why="a rise, and what it led to, in another order"
    ),
    ("The fine was $1 million.", "The fine was a million dollars."),
    wrong("The study took one year.", "The study took a year.", why="'a year' is no figure"),
    wrong("Chinese sales rose.", "Sales in China rose.", why="a demonym that takes a letter off"),
    wrong("It did not fail to meet its goal.", "It met its goal.", why="a double negation is one"),
    wrong(
        "Not only sales but also profits rose.", "Sales and profits rose.", why="'not only' is no 'only'"
    ),
    wrong(
        "Beta will receive $5 million from Alpha.",
        "Alpha will pay Beta $5 million.",
        why="'pay' and 'receive'",
    ),
    wrong(
        "Three companies bid: Alpha, Beta and Gamma.",
        "Alpha, Beta and Gamma bid.",
        why="a count that the source leaves to the reader",
    ),
]

UNSUPPORTED = [
    # figures
    ("Alpha raised $5 billion.", "Alpha raised $5 million."),
    ("Alpha raised 5 million euros.", "Alpha raised $5 million."),
    ("Revenue was 1.1 billion dollars.", "Revenue was $1.1 million."),
    ("Revenue was more than $1.1 billion.", "Revenue was $1,087 million."),
    ("Revenue rose 12 percentage points.", "Revenue rose 12%."),
    ("The dividend is $75 per share.", "The dividend is 75 cents per share."),
    ("It has 2,500 employees.", "The company has 250 employees."),
    ("The dose is 5 mg.", "The dose is 5 g."),
    ("The dose is 5 mg.", "The dose is 5 mg/kg."),
    ("He was sentenced to 18 months.", "He was sentenced to 18 years."),
    ("The call starts at 4 p.m.", "The call starts at 3 p.m."),
    ("A quarter of the staff left.", "A third of the staff left."),
    ("The Phase 2 trial met its goal.", "The Phase 3 trial met its goal."),
    ("Sales were less than $5 million.", "Sales were more than $5 million."),
    # dates
    ("Alpha raised $5 million in June 2020.", "Alpha raised $5 million in May 2020."),
    ("Revenue rose in the third quarter of 2020.", "Revenue rose in Q2 2020."),
    ("The bond matures in 2030.", "The bond matures in 2031."),
    ("The deal closed on January 5, 2023.", "The deal closed on January 5."),
    ("The deal closed on Tuesday.", "The deal closed on Monday."),
    ("The deal closed in summer 2023.", "The deal closed in spring 2023."),
    ("The company reported results on May 7, 2024.", "The company today reported results."),
    # names
    ("Quintarra raised $5 million.", "Brackwell raised $5 million."),
    ("The EMA approved the drug.", "The FDA approved the drug."),
    ("CT042 shrank tumors.", "CT041 shrank tumors."),
    ("Jane Roe leads the trial.", "Jane Smith leads the trial."),
    ("French sales rose.", "Sales in Germany rose."),
    ("Sales in the U.S. rose 5%.", "Sales in Canada rose 5%."),
    ("The product is available in the US.", "The product is available in Europe."),
    ("The product is available in Asia.", "The product is available in Europe."),
    ("In May, Brackwell acquired Quintarra.", "In May, Quintarra acquired Brackwell."),
    # wording
    ("Sales fell 5%.", "Sales rose 5%."),
    ("Alpha acquired Beta.", "Alpha sold Beta."),
    ("The FDA rejected the drug.", "The FDA approved the drug."),
    ("The plant opened in 1998.", "The plant closed in 1998."),
    ("Alpha made a profit of $5 million.", "Alpha had a net loss of $5 million."),
    ("The Phase 3 trial missed its goal.", "The Phase 3 trial met its goal."),
    ("The trial failed to meet its primary endpoint.", "The trial met its primary endpoint."),
    ("Patients did not tolerate the drug.", "The drug was well tolerated by patients."),
    ("Quintarra closed the plant in Lyon.", "Quintarra did not close the plant in Lyon."),
    ("Quintarra did not close the plant in Lyon.", "Quintarra closed the plant in Lyon."),
    ("The product is available in Europe.", "The product is not available in Europe."),
    ("The product is available in Europe.", "The product is unavailable in Europe."),
    ("The drug is unsafe.", "The drug is safe."),
    ("All patients responded.", "Some patients responded."),
    ("Alpha has launched the drug.", "Alpha plans to launch the drug in 2025."),
    ("The drug causes nausea.", "The drug may cause nausea."),
    ("Smith stole $2 million.", CALL),
    ("Smith was convicted of stealing $2 million.", CALL),
    ("Alpha is the largest maker of pumps.", "Alpha is one of the largest makers of pumps."),
    ("Alpha is the only maker of pumps.", "Alpha is a maker of pumps."),
    # facts side by side
    ("Sales fell 5% and costs rose 3%.", TWO_FACTS),
    ("Sales rose 3% and costs fell 5%.", TWO_FACTS),
    ("Costs rose 3%.", TWO_FACTS),
    ("Sales were $5 million in 2019.", TWO_YEARS),
    ("Sales were $5 million in 2019 and $7 million in 2020.", TWO_YEARS),
    ("Revenue was $385.6 million, up 7% from a year earlier.", RESULTS),
    ("Revenue was $412.6 million, down 7% from a year earlier.", RESULTS),
    # little in common, or more than the source
    ("The board met in Rome.", "The company makes pumps."),
    ("The moon is made of cheese.", "Revenue rose."),
    ("Quintarra acquired Brackwell.", "Brackwell acquired Quintarra."),
    ("Brackwell sued Quintarra.", "Quintarra sued Brackwell."),
    ("Quintarra raised $5 million.", "Quintarra did not raise $5 million."),
    ("The drug works.", "The drug does not work."),
    ("The company expects delays.", "The company expects no delays."),
    ("Smith is guilty of fraud.", "The SEC charged Smith with fraud."),
    ("Smith committed fraud.", "The SEC charged Smith with fraud."),
    ("Sales were $5 million.", "Sales were up to $5 million."),
    ("Some 30% of the staff left.", "25% of the staff left."),
    ("The FDA approved the plan.", "Four doctors approved the plan."),
    ("It sold Nova for $5 million.", "It sold Novartis for $5 million."),
    ("The company admitted the claims.", "The company denied the claims."),
    ("The merger was completed.", "The merger is expected to be completed in May."),
    # still wrong, the plainest first
    ("Quintarra was acquired by Brackwell.", "Quintarra acquired Brackwell."),
    ("The trial was stopped.", "The trial was not stopped."),
    wrong("John Doe is the chief executive.", ROLES, why="a role moves from one name to another"),
    wrong(
        "The company had 85 employees.",
        "It employed 3,140 people, 85 more than in March.",
        why="a difference",
    ),
    wrong(
        "The closure affects 238 companies.", "The closure affects 238 jobs.", why="what a figure counts"
    ),
    wrong(
        "The drug may cause nausea and death.",
        "The drug may cause nausea.",
        why="one added word is too little",
    ),
    wrong(
        "The court ruled for Quintarra.", "The court ruled against Quintarra.", why="'for' and 'against'"
    ),
    wrong(
        "Sales rose from $7 million to $5 million.",
        "Sales rose to $7 million from $5 million.",
        why="from and to",
    ),
]


@pytest.mark.parametrize(("claim", "source"), SUPPORTED)
def test_what_a_source_says(claim: str, source: str) -> None:
    assert verdict(claim, source).reason == ""


@pytest.mark.parametrize(("claim", "source"), UNSUPPORTED)
def test_what_a_source_does_not_say(claim: str, source: str) -> None:
    assert verdict(claim, source).reason != ""


@pytest.mark.parametrize(
    ("claim", "source", "reason"),
    [
        ("It raised $6 million.", "It raised $5 million.", "the source does not say “$6 million”"),
        ("It closed in June 2020.", "It closed in May 2020.", "the source does not say “June 2020”"),
        ("It sued Beta.", "It sued Gamma.", "the source does not say “Beta”"),
        ("It sold CT042.", "It sold CT041.", "the source does not say “CT042”"),
        ("Sales fell.", "Sales rose.", "it says “fell” where the source says “rose”"),
        ("It never shut the plant.", "It shut the plant.", "one denies what the other states"),
        ("It is the only maker.", "It is a maker.", "the source does not go as far as “only”"),
        ("Smith stole $2 million.", CALL, "the source leaves it to somebody else's word"),
        ("It opens a plant in Lyon.", "It may open a plant in Lyon.", "the source states a plan or possibility, not a fact"),
        ("Sales were $5 million in 2019.", TWO_YEARS, "a figure stands for something else in the source"),
        ("In May, Beta sued Gamma.", "In May, Gamma sued Beta.", "two names change places"),
        ("The moon is cheese.", "Revenue rose.", "the source says little of it"),
        ("Anything.", "", "the source has no text"),
    ],
)  # fmt: skip
def test_the_reason_is_the_plainest_fault(claim: str, source: str, reason: str) -> None:
    assert verdict(claim, source).reason == reason


@pytest.mark.parametrize(
    ("claim", "title", "company", "supported"),
    [
        ("Quintarra raised $5 million.", "", None, False),
        ("Quintarra raised $5 million.", "Quintarra raises money", None, True),
        ("Quintarra raised $5 million.", "", "Quintarra Semiconductor", True),
        ("Quintarra raised $5 million.", "Brackwell raises money", "Brackwell", False),
    ],
)
def test_title_and_company_name_who_is_meant(
    claim: str, title: str, company: str | None, supported: bool
) -> None:
    assert verdict(claim, "The company raised $5 million.", title, company).supported is supported


LONG = (
    "Quintarra makes chips. It employs 3,140 people in Eindhoven. Revenue was $412.6 million, up 7%. Gross margin "
    "widened to 51.4%.\n\nThe call starts at 15:00 in Rome. Jane Roe will speak! Will sales rise? The board met on May 5, 2024."
)


@pytest.mark.parametrize(
    ("claim", "quote"),
    [
        ("Revenue was $412.6 million.", "Revenue was $412.6 million, up 7%."),
        ("The company employs 3,140 people.", "It employs 3,140 people in Eindhoven."),
        (
            "Revenue was $412.6 million and gross margin was 51.4%.",
            "Revenue was $412.6 million, up 7%. Gross margin widened to 51.4%.",
        ),
        ("The call starts at 3 p.m.", "The call starts at 15:00 in Rome."),
        ("The board met on May 5.", "The board met on May 5, 2024."),
    ],
)
def test_the_closest_span(claim: str, quote: str) -> None:
    found = verdict(claim, LONG)
    assert (LONG[found.start : found.end], found.reason) == (quote, "")


@pytest.mark.parametrize(
    "source",
    [
        LONG,
        "One. Two. Three. Four. Five.",
        "no full stop",
        "  A rose.  \n\n B fell. ",
        "売上は5%増えた。利益は減った。",
        "💊 rose. It fell.",
    ],
)
@pytest.mark.parametrize("claim", ["Revenue rose 7%.", "B fell.", "x", "", "売上は5%増えた。", "Four."])
def test_a_span_is_whole_sentences(claim: str, source: str) -> None:
    found = verdict(claim, source)
    starts, ends = ([span[side] for span in units(source)] for side in (0, 1))
    assert found.start in starts and found.end in ends
    assert 1 <= ends.index(found.end) - starts.index(found.start) + 1 <= LONGEST_QUOTE
    assert found.fit <= 1.0 and 0.0 <= found.wording <= 1.0


@pytest.mark.parametrize("claim", ["", " ", "x", "Sales rose 5%.", "売上", "\ud800"])
@pytest.mark.parametrize("source", ["", " ", "\n\n"])
def test_no_text_says_nothing(claim: str, source: str) -> None:
    assert verdict(claim, source) == Verdict("the source has no text", 0, 0, 0.0)


@pytest.mark.parametrize(
    "claim", ["Sales rose 5% to $6 million.", "It sold Quintarra, Brackwell, Aldersea and Hennick."]
)
def test_however_wrong_a_claim_is_the_source_has_text(claim: str) -> None:
    found = verdict(claim, "The board met.")
    assert (found.start, found.end, found.reason[:23]) == (0, 14, "the source does not say")


@pytest.mark.parametrize("claim", ["", " ", "\n", "...", "It is."])
def test_an_empty_claim_is_not_supported(claim: str) -> None:
    assert not verdict(claim, LONG).supported


@pytest.mark.parametrize(
    ("claim", "source", "supported"),
    [
        ("売上は5%増えた。", "売上は5%増えた。", True),
        ("売上は6%増えた。", "売上は5%増えた。", False),
        ("Выручка выросла на 5%.", "Выручка выросла на 5%.", True),
        ("Выручка выросла на 6%.", "Выручка выросла на 5%.", False),
        ("Прибыль упала на 5%.", "Выручка выросла на 5%.", False),
        ("Der Umsatz stieg um 5 %.", "Der Umsatz stieg um 5 %.", True),
        ("El beneficio cayó un 5%.", "Los ingresos subieron un 6%.", False),
        ("利润下降了5%。", "收入增长了5%。", False),
    ],
)
def test_other_scripts(claim: str, source: str, supported: bool) -> None:
    assert verdict(claim, source).supported is supported


def test_wording_is_the_share_in_the_same_order() -> None:
    same = verdict("Gross margin widened to 51.4%.", RESULTS)
    turned = verdict("51.4% was what gross margin widened to.", RESULTS)
    other = verdict("Profitability improved.", RESULTS)
    assert same.wording == 1.0
    assert other.wording < turned.wording < 1.0


def test_the_same_is_judged_the_same() -> None:
    assert [verdict("Costs fell 3%.", TWO_FACTS) for _ in range(3)] == [
        verdict("Costs fell 3%.", TWO_FACTS)
    ] * 3


@pytest.mark.parametrize(
    "part", ["a", " ", "A", "1", "<", "[", "(", "-", "a. ", "忽", "was ", "one of ", "Abc Def "]
)
def test_hostile_texts_take_seconds_at_most(part: str) -> None:
    text = (part * 2_400)[:2_400]
    began = time.perf_counter()
    verdict(text, "Revenue rose 7%.")
    verdict("Revenue rose 7%.", text * 10)
    verdict(text, text[:800])
    assert time.perf_counter() - began < 15


def test_a_table_copied_takes_seconds_at_most() -> None:
    table = "1 " * 300
    began = time.perf_counter()
    verdict(table + ".", table)
    assert time.perf_counter() - began < 10
