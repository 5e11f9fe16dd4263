from __future__ import annotations

import datetime as dt
import time
from collections.abc import Mapping, Sequence

import pytest

from index.store import name_key
from qa.scope import Scope, read
from qa.types import Mention

TODAY = dt.date(2025, 2, 12)
ISSUERS = {
    "acmeon": "Acmeon Therapeutics, Inc.",
    "acmeon therapeutics": "Acmeon Therapeutics, Inc.",
    "acmeon therapeutics inc": "Acmeon Therapeutics, Inc.",
    "nasdaq acmt": "Acmeon Therapeutics, Inc.",
    "acmt": "Acmeon Therapeutics, Inc.",
    "9876 hk": "Hong Zellbio Co., Ltd.",
    "zellbio": "Hong Zellbio Co., Ltd.",
    "general": "General",
    "general rotors": "General Rotors Corp.",
    "target": "Target Corp",
    "energy": "Energy Drills",
    "may": "May plc",
    "merck": "Merck",
    "it": "Gardner, Inc.",
    "now": "Now Inc.",
}


def issuers(keys: Sequence[str]) -> Mapping[str, str]:
    return {key: ISSUERS[key] for key in keys if key in ISSUERS}


def scope(question: str) -> Scope:
    return read(question, issuers, TODAY)


# -- latest or first ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "order"),
    [
        ("What is the latest guidance?", "latest"),
        ("What is its newest plant?", "latest"),
        ("What did the most recent report say?", "latest"),
        ("Who is currently the chief?", "latest"),
        ("What is the current dividend?", "latest"),
        ("What is the firm called now?", "latest"),
        ("What was the last reported cash?", "latest"),
        ("How many were treated to date?", "latest"),
        ("How much was raised so far?", "latest"),
        ("When was the merger first announced?", "first"),
        ("What price was initially offered?", "first"),
        ("What was it originally called?", "first"),
        ("When could people first ride it?", "first"),
        ("What were the sales of the first quarter?", None),
        ("Who was the first patient?", None),
        ("When does its first trial start?", None),
        ("When was the first approved drug sold?", None),
        ("Why did it fail in the first place?", None),
        ("How many in the last 12 months?", None),
        ("Was it known?", None),
        ("Which current and former officers sued?", None),
        ("What is due by Friday at the latest?", None),
        ("What does Now make?", None),
        ("What does Current Grid make?", None),
        ("What was it originally called, and what is it called now?", None),
    ],
)
def test_order(question: str, order: str | None) -> None:
    assert scope(question).order == order


# -- companies ------------------------------------------------------------------------------------

ACMEON, ZELLBIO = "Acmeon Therapeutics, Inc.", "Hong Zellbio Co., Ltd."


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("What did Acmeon sell?", [ACMEON]),
        ("What were Acmeon's sales?", [ACMEON]),
        ("Acmeon’s sales?", [ACMEON]),
        ("Merck’s sales in Spain?", ["Merck"]),
        ("Merck bought what?", ["Merck"]),
        ("acmeon sales", [ACMEON]),
        ("what did merck sell", ["Merck"]),
        ("WHAT DID ACMEON SELL?", [ACMEON]),
        ("Which of Acmeon and Zellbio raised more?", [ACMEON, ZELLBIO]),
        ("What did Acmeon tell Acmeon Therapeutics, Inc.?", [ACMEON]),
        ("What does ACMT owe?", [ACMEON]),
        ("What does (NASDAQ: ACMT) owe?", [ACMEON]),
        ("what does nasdaq: acmt owe", [ACMEON]),
        ("what does $acmt owe", [ACMEON]),
        ("What does $acmt owe?", [ACMEON]),
        ("what does acmt owe", []),
        ("WHAT DID MERCK SELL?", ["Merck"]),
        ("what is the zellbio of spain", []),
        ("What does 9876.HK owe?", [ZELLBIO]),
        ("What did General Rotors build?", ["General Rotors Corp."]),
        ("What did general rotors build?", []),
        ("what did general rotors build", ["General Rotors Corp."]),
        ("What is the target population?", []),
        ("what is the target population", []),
        ("Target population of the drug?", []),
        ("What Is The Target Population?", []),
        ("What did Target open?", ["Target Corp"]),
        ("A shop opened. Did Target open it?", ["Target Corp"]),
        ("What did Duke Energy pay?", []),
        ("What did Energy pay?", ["Energy Drills"]),
        pytest.param(
            "What did Acmeon Energy pay?",
            [],
            marks=pytest.mark.xfail(strict=True, reason="a name made of two issuers' names is both"),
        ),
        pytest.param(
            "merck sales in spain",
            ["Merck"],
            marks=pytest.mark.xfail(
                strict=True, reason="a word that general experience knows, uncapitalised"
            ),
        ),
        ("What happened in May 2020?", []),
        ("Who runs IT at Acmeon?", [ACMEON]),
        ("Who runs acmeon?", []),
    ],
)
def test_companies(question: str, expected: list[str]) -> None:
    assert list(scope(question).companies) == expected


def test_the_index_is_asked_once_for_names_as_it_writes_them() -> None:
    asked: list[Sequence[str]] = []

    def record(keys: Sequence[str]) -> Mapping[str, str]:
        asked.append(keys)
        return {}

    read("Did Acmeon Therapeutics, Inc. buy Zellbio-North?", record, TODAY)
    (keys,) = asked
    assert len(set(keys)) == len(keys)
    for name in ("Acmeon Therapeutics, Inc.", "Acmeon", "Zellbio", "Zellbio-North"):
        assert name_key(name).strip() in keys
    assert "buy" not in keys


# -- the whole ------------------------------------------------------------------------------------

QUESTION = "What is Acmeon's latest guidance for Q2 2024, as of March 2024?"


def test_what_is_read_is_marked_in_the_question() -> None:
    found = scope(QUESTION)
    assert [(m.kind, m.label, QUESTION[m.start : m.end]) for m in found.mentions] == [
        ("company", ACMEON, "Acmeon"),
        ("order", "latest", "latest"),
        ("period", "Q2 2024", "Q2 2024"),
        ("as-of", "as of March 2024", "as of March 2024"),
    ]


@pytest.mark.parametrize(
    ("text", "label", "last"),
    [
        ("As of 8 November 2023", "as of 8 Nov 2023", dt.date(2023, 11, 8)),
        ("As at August 2024", "as of August 2024", dt.date(2024, 8, 31)),
        ("as of 2016", "as of 2016", dt.date(2016, 12, 31)),
    ],
)
def test_as_of(text: str, label: str, last: dt.date) -> None:
    question = f"{text}, how many were there?"
    found = scope(question)
    assert [(p.last, p.label) for p in found.periods] == [(last, label)]
    assert found.mentions == (Mention("as-of", label, 0, len(text)),)


def test_what_is_said_twice_is_one() -> None:
    found = scope("What did Acmeon sell in 2021, and Acmeon again in 2021?")
    assert [m.label for m in found.mentions] == [ACMEON, "2021"]
    assert (found.companies, [p.label for p in found.periods]) == ((ACMEON,), ["2021"])


@pytest.mark.parametrize(
    ("question", "says"),
    [("What did Acmeon sell?", True), ("In 2021?", True), ("The latest?", True), ("Who?", False)],
)
def test_a_scope_is_true_where_a_question_says_anything(question: str, says: bool) -> None:
    assert bool(scope(question)) is says


def test_each_can_be_taken_back() -> None:
    found = scope(QUESTION)
    assert found.without([]) == found
    assert found.without(["LATEST", "nothing"]) == Scope(
        found.companies, found.periods, None, found.mentions[:1] + found.mentions[2:]
    )
    rest = found.without([ACMEON.upper(), "as of march 2024"])
    assert (rest.companies, rest.order) == ((), "latest")
    assert [p.label for p in rest.periods] == ["Q2 2024"]
    assert found.without([m.label for m in found.mentions]) == Scope()


def test_the_rest_of_a_question_has_no_words_of_what_is_taken_back() -> None:
    question = "What did Zellbio sell in 2015, and in 2020?"
    said = scope(question)
    assert said.rest(question, ["2015"]) == "What did Zellbio sell in     , and in 2020?"
    assert (
        said.rest(question, ["hong zellbio CO., Ltd."]).split()
        == question.replace("Zellbio ", "").split()
    )
    assert said.rest(question, ["nothing"]) == question


@pytest.mark.parametrize("question", ["", "   ", "?", "ﬁ ß 2０20 🙂", "who?"])
def test_nothing_to_read(question: str) -> None:
    assert scope(question) == Scope()


@pytest.mark.parametrize(
    "unit",
    ["2019-", "first, ", "end of ", "between 2019 and ", "Aa ", "when first ", " ", "a", "5 ", "Q2 of ",
     "Jan to ", "as of 1/1/20 ", "the ", "A & "],
)  # fmt: skip
def test_long_input_is_read_fast(unit: str) -> None:
    text = (unit * 2000)[:2000]
    start = time.perf_counter()
    read(text, lambda keys: dict.fromkeys(keys, "X"), TODAY)
    assert time.perf_counter() - start < 0.5
