from __future__ import annotations

import time
from typing import Any

import pytest

from qa.claims import Text
from qa.wording import ALLEGATIONS, PLANS, certainties, contradicts, opposites, superlatives, unhedged


def wrong(*values: object, why: str) -> Any:
    """A case that fails still, and should not."""
    return pytest.param(*values, marks=pytest.mark.xfail(strict=True, reason=why))


@pytest.mark.parametrize(
    ("one", "other", "denied"),
    [
        ("Quintarra did not close the plant.", "Quintarra closed the plant.", True),
        ("Quintarra never closed the plant.", "Quintarra closed the plant.", True),
        ("The drug has no side effects.", "The drug has side effects.", True),
        ("It expects no delays.", "It expects delays of a year.", True),
        ("The trial failed to meet its primary endpoint.", "The trial met its primary endpoint.", True),
        ("The parties didn't reach a final settlement.", "The parties reached a final settlement.", True),
        ("The company cannot pay its debt.", "The company pays its debt.", True),
        ("Quintarra did not close the plant.", "Quintarra never closed the plant.", False),
        ("The trial did not meet its endpoint.", "The trial failed to meet its endpoint.", False),
        ("It does not expect delays.", "It expects no delays.", False),
        ("Quintarra closed the plant.", "Quintarra closed the plant.", False),
        ("Not only sales but profits rose.", "Sales and profits rose.", False),
        ("The product is not available.", "The product is sugar-free and left out.", False),
    ],
)
def test_a_denial(one: str, other: str, denied: bool) -> None:
    assert (contradicts(Text(one), Text(other)) >= 0.6) is denied


@pytest.mark.parametrize(
    ("claim", "source", "denied"),
    [
        ("Quintarra closed the plant in Lyon.", "Quintarra did not close the plant in Lyon.", True),
        (
            "The parties reached a final settlement.",
            "The parties did not reach a final settlement.",
            True,
        ),
        ("The product is available in Europe.", "The product is not available in Europe.", True),
        ("Quintarra closed the works.", "Quintarra closed the works but did not sell the office.", False),
        ("Quintarra raised $5 million.", "Quintarra did not raise $5 million.", True),
        ("The drug works.", "The drug does not work.", True),
        ("The trial was stopped.", "The trial was not stopped.", True),
        ("It expects delays.", "It expects no delays.", True),
        ("Quintarra has debt.", "Quintarra has no debt.", True),
        wrong(
            "It did not fail to meet its goal.",
            "It failed to meet its goal.",
            True,
            why="a double negation is one",
        ),
        wrong(
            "It did not fail to meet its goal.", "It met its goal.", False, why="a double negation is one"
        ),
        ("The product is not available.", "The product is unavailable.", False),
    ],
)
def test_a_dropped_or_doubled_denial(claim: str, source: str, denied: bool) -> None:
    assert (contradicts(Text(claim), Text(source)) >= 0.6) is denied


@pytest.mark.parametrize(
    ("claim", "source", "expected"),
    [
        ("Sales fell 5%.", "Sales rose 5%.", [("fell", "rose")]),
        ("Sales rose 5%.", "Sales fell 5%.", [("rose", "fell")]),
        ("The plant opened.", "The plant closed.", [("opened", "closed")]),
        ("It sold Beta.", "It acquired Beta.", [("sold", "acquired")]),
        ("The FDA rejected it.", "The FDA approved it.", [("rejected", "approved")]),
        ("He was acquitted.", "He was convicted.", [("acquitted", "convicted")]),
        ("It made a profit.", "It made a loss.", [("profit", "loss")]),
        ("Sales increased 5%.", "Sales rose 5%.", []),
        ("It bought Beta.", "It acquired Beta.", []),
        ("Sales rose.", "Sales did not fall.", []),
        ("A rise in sales falls under the rule.", "A rise in sales is under the rule.", []),
        # two facts in one sentence
        ("Sales rose 5% and costs fell 3%.", "Sales rose 5% and costs fell 3%.", []),
        ("Costs fell 3%.", "Sales rose 5% and costs fell 3%.", []),
        ("Sales rose 5%.", "Sales rose 5% and costs fell 3%.", []),
    ],
)
def test_opposites(claim: str, source: str, expected: list[tuple[str, str]]) -> None:
    assert opposites(Text(claim), Text(source)) == expected


@pytest.mark.parametrize(
    "claim", ["Costs rose 3%.", "Sales fell 5%.", "Sales fell 5% and costs rose 3%."]
)
def test_opposites_of_two_facts(claim: str) -> None:
    assert opposites(Text(claim), Text("Sales rose 5% and costs fell 3%."))


@pytest.mark.parametrize(
    ("claim", "source"),
    [
        ("Sales were more than $5 million.", "Sales were less than $5 million."),
        ("Sales were up to $5 million.", "Sales were more than $5 million."),
        ("Sales were at least $5 million.", "Sales were at most $5 million."),
        ("Sales exceeded $5 million.", "Sales were below $5 million."),
        ("The drug is unsafe.", "The drug is safe."),
        ("The drug is ineffective.", "The drug is effective."),
        ("Sales are irregular.", "Sales are regular."),
        wrong("It is noncompliant.", "It is compliant.", why="the stems of the two are cut differently"),
        wrong("It is compliant.", "It is noncompliant.", why="the stems of the two are cut differently"),
        ("The product is available.", "The product is unavailable."),
        wrong(
            "The lower dose beat the higher dose.",
            "The higher dose beat the lower dose.",
            why="both sides hold both",
        ),
        wrong("The court ruled for Alpha.", "The court ruled against Alpha.", why="'for' and 'against'"),
        wrong("It admitted the claims.", "It denied the claims.", why="'admit' and 'deny'"),
        wrong("It beat its benchmark.", "It trailed its benchmark.", why="'beat' and 'trail'"),
        ("Sales exceeded $5 million.", "Sales were nearly $5 million."),
    ],
)
def test_what_is_the_other_way_round(claim: str, source: str) -> None:
    assert opposites(Text(claim), Text(source))


@pytest.mark.parametrize(
    ("claim", "source", "dropped"),
    [
        ("Alpha launched the drug in Japan.", "Alpha plans to launch the drug in Japan.", True),
        ("The drug causes severe nausea.", "The drug may cause severe nausea.", True),
        ("Alpha opens a plant in Lyon.", "Alpha intends to open a plant in Lyon.", True),
        ("Alpha plans to launch the drug in Japan.", "Alpha plans to launch the drug in Japan.", False),
        ("Alpha expects to launch the drug.", "Alpha plans to launch the drug in Japan.", False),
        ("Alpha could launch the drug.", "Alpha plans to launch the drug in Japan.", False),
        ("Alpha launched the drug in Japan.", "Alpha launched the drug in Japan.", False),
        wrong(
            "The merger was completed.",
            "The merger is expected to be completed in May.",
            True,
            why="one word in reach",
        ),
        ("Sales were $5 million.", "Sales were up to $5 million.", True),
        ("The deal closed.", "The deal may close.", True),
    ],
)
def test_a_dropped_plan(claim: str, source: str, dropped: bool) -> None:
    assert (unhedged(Text(claim), Text(source), PLANS) > 0.7) is dropped


@pytest.mark.parametrize(
    ("claim", "source", "dropped"),
    [
        (
            "Smith stole $2 million from clients.",
            "Prosecutors allege that Smith stole $2 million from clients.",
            True,
        ),
        (
            "Smith stole money from clients.",
            "According to the complaint, Smith stole money from clients.",
            True,
        ),
        ("Smith was charged with fraud.", "Smith was charged with fraud in Boston.", False),
        ("Smith allegedly stole money.", "Prosecutors allege that Smith stole money.", False),
        ("Prosecutors said Smith stole money.", "Prosecutors allege that Smith stole money.", False),
        ("Smith stole money from clients.", "Smith stole money from clients.", False),
        ("Smith committed fraud.", "The SEC charged Smith with fraud.", True),
        ("Smith defrauded many clients.", "Smith is accused of defrauding many clients.", True),
    ],
)
def test_a_dropped_allegation(claim: str, source: str, dropped: bool) -> None:
    assert (unhedged(Text(claim), Text(source), ALLEGATIONS) > 0.7) is dropped


@pytest.mark.parametrize(
    ("claim", "source", "expected"),
    [
        ("Smith was convicted of fraud.", "Smith is accused of fraud.", ["convicted"]),
        ("The drug was approved.", "The drug may help patients.", ["approved"]),
        ("The drug is already sold.", "The drug may be sold.", ["already"]),
        ("The drug was approved.", "The drug was approved and may help.", []),
        ("The drug was approved.", "The drug was sold.", []),
        ("The drug may be approved.", "The drug may help.", []),
        ("Smith is guilty of fraud.", "Smith is accused of fraud.", ["guilty"]),
        ("Smith admitted fraud.", "Smith is accused of fraud.", ["admitted"]),
    ],
)
def test_what_the_source_does_not_settle(claim: str, source: str, expected: list[str]) -> None:
    assert certainties(Text(claim), Text(source)) == expected


@pytest.mark.parametrize(
    ("claim", "source", "title", "expected"),
    [
        ("Alpha is the largest maker.", "Alpha is a maker.", "", ["largest"]),
        ("Alpha is the only maker.", "Alpha is a maker.", "", ["only"]),
        ("Alpha is the first maker.", "Alpha is a maker.", "", ["first"]),
        ("It always works.", "It works.", "", ["always"]),
        ("Alpha is the largest maker.", "Alpha is the largest maker.", "", []),
        ("Alpha is the largest maker.", "Alpha is a maker.", "The largest maker", []),
        ("Alpha is the newest maker.", "Alpha is the latest maker.", "", []),
        ("Alpha is the largest maker.", "Alpha is one of the largest makers.", "", ["largest"]),
        ("Alpha is one of the largest makers.", "Alpha is one of the largest makers.", "", []),
        ("Interest in the west forest rose in August.", "It rose.", "", []),
        ("It rose in the first quarter of 2020.", "It rose in Q1 2020.", "", []),
        wrong(
            "Alpha is the latest maker.",
            "Alpha is one of the makers.",
            "",
            ["latest"],
            why="'latest' is left out",
        ),
        wrong("Not only sales rose.", "Sales rose.", "", [], why="'not only' is no 'only'"),
        wrong(
            "Alpha is the largest maker.",
            "Alpha is the second-largest maker.",
            "",
            ["largest"],
            why="'second-'",
        ),
    ],
)
def test_superlatives(claim: str, source: str, title: str, expected: list[str]) -> None:
    assert superlatives(Text(claim), Text(source), Text(title)) == expected


@pytest.mark.parametrize(
    "part", ["not ", "no a ", "may ", "alleged ", "one of best ", "un", "a", " ", "keep "]
)
def test_hostile_text_takes_seconds_at_most(part: str) -> None:
    long, short = Text((part * 2400)[:2400]), Text("Sales did not rise; the largest may fall.")
    began = time.perf_counter()
    for claim, source in ((long, short), (short, long), (long, long)):
        contradicts(claim, source)
        opposites(claim, source)
        certainties(claim, source)
        superlatives(claim, source, short)
        unhedged(claim, source, PLANS)
        unhedged(claim, source, ALLEGATIONS)
    assert time.perf_counter() - began < 15


def test_many_opposites_take_seconds_at_most() -> None:
    text = Text("rose fell " * 140)
    began = time.perf_counter()
    opposites(text, text)
    assert time.perf_counter() - began < 10
