from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from index.store import Store
from index.terms import codes, stems
from index.types import NamePair
from qa.query import (
    BEFORE,
    COMMON,
    FEWEST,
    MOST_NAMES,
    POSTINGS,
    fts,
    in_context,
    name_words,
    names,
    other_names,
    spellings,
    telling,
    terms,
)
from qa.types import Turn


def told(text: str) -> dict[str, float]:
    return {stem: float(i) for i, stem in enumerate(dict.fromkeys(stems(text)), 1)}


def pair(name: str, of: str) -> NamePair:
    return NamePair(name, of, "short-name", 1, "r", 0, 1, dt.date(2020, 1, 1), "T")


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("Who leads Alder Corp, and who is its CFO?", ["Alder", "Corp"]),
        ("What were UK sales of CT041 last Friday?", ["CT041"]),
        ("What was Merck's revenue in Q1 2023?", ["Merck", "2023"]),
        ("What was revenue in 4Q22, Q4'22 and FY'23?", []),
        ("Which trials did Alder run between 2015 and 2024?", ["Alder"]),
        ("What happened to Alder since 2010?", ["Alder"]),
        ("How many of the 2000 shares did Alder sell in May 2013?", ["Alder", "2013"]),
        ("What does MK-2060 treat?", ["MK-2060"]),
    ],
)
def test_names_are_no_dates_counts_or_short_forms(question: str, found: list[str]) -> None:
    assert name_words(question) == found


@pytest.mark.parametrize(
    ("question", "follows"),
    [
        ("And in 2022?", True),
        ("What did it pay for Bolt?", True),
        ("What did Birch pay for it?", True),
        ("What was the net loss in 2022?", True),
        ("How many patients did the company treat in the third quarter of 2024?", True),
        ("Who is the CFO?", True),
        ("lilly dividend per share declared for second quarter 2022", False),
        ("Why did Birch walk away from its deal?", False),
        ("How does that compare with Birch?", True),
        ("What was Birch's net loss?", False),
        ("Is there a lawsuit against Birch?", False),
        ("Did Birch recall anything this year?", False),
        ("Who leads Birch and what does it make?", False),
        ("What is Oracle's IT spending?", False),
        ("Is Birch's loss greater than that of Cedar?", False),
        ("Birch's 2022 net loss?", False),
        ("How much did eBirch lose in 2022?", False),
        ("Have there been recalls at Birch?", False),
        ("Did the FDA approve its drug?", True),
        ("What did CFO Jane Doe say about its outlook?", True),
        ("Did Judge Chen dismiss his case?", True),
    ],
)
def test_a_follow_up_is_told_from_a_new_question(question: str, follows: bool) -> None:
    history = [Turn("What was Alder's net loss in 2023?", "It was $5 million.")]
    assert (in_context(question, history) != question) is follows


# -- words for ranking ----------------------------------------------------------------------------


def test_terms_are_the_distinct_stems() -> None:
    text = "Did Zorka sell AB-12 pumps, or sell Zorka in 2021?"
    found = terms(text, told(text), [])
    row = ["did", "zorka", "sell", "ab", "12", "pump", "or", "in", "2021"]
    assert found.codes.tolist() == codes(" ".join(row)).tolist()
    assert found.weights.tolist() == list(range(1, 10))
    assert [s for s, named in zip(row, found.names, strict=True) if named] == [
        "zorka",
        "ab",
        "12",
        "2021",
    ]
    assert found.years.tolist() == [0] * 8 + [2021]
    assert [(row[a], row[b]) for a, b in found.pairs] == [
        ("did", "zorka"), ("zorka", "sell"), ("sell", "ab"), ("ab", "12"), ("12", "pump"), ("pump", "or"),
        ("or", "sell"), ("sell", "zorka"), ("zorka", "in"), ("in", "2021"),
    ]  # fmt: skip
    assert found.phrases == ()


@pytest.mark.parametrize(
    ("text", "pairs", "years"),
    [
        ("", 0, []),
        ("pumps", 0, [0]),
        ("pump pumps pumped", 0, [0]),
        ("1899 2100 12021", 2, [0, 0, 0]),
        ("1900 to 2099", 2, [1900, 0, 2099]),
    ],
)
def test_pairs_and_years(text: str, pairs: int, years: list[int]) -> None:
    found = terms(text, told(text), [])
    assert found.pairs.shape == (pairs, 2)
    assert found.years.tolist() == years


def test_a_phrase_stands_for_the_terms_of_its_name() -> None:
    text = "Does CT041 cure gastric cancer?"
    phrases = [("CT041", "CT 041"), ("gastric cancer", "GC"), ("unknown name", "X"), ("cure", "—")]
    found = terms(text, told(text), phrases)
    assert [(p.terms, p.codes) for p in found.phrases] == [
        ((1,), tuple(codes("ct 041").tolist())),
        ((3, 4), tuple(codes("gc").tolist())),
    ]


def test_words_of_the_turn_before_tell_less() -> None:
    context = "And pumps? Who makes kettles and pumps?"
    counts = dict.fromkeys(stems(context), 5)
    found, alone = telling("And pumps?", counts, 9), telling(context, counts, 9)
    assert list(found) == list(alone)
    for stem in ("pump", "and"):
        assert found[stem] == alone[stem]
    for stem in ("who", "make", "kettl"):
        assert found[stem] == pytest.approx(BEFORE * alone[stem])


# -- names ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "held", "lacking"),
    [
        ("Who runs Zorka Pumps?", {"zorka", "zorka pumps"}, {"who"}),
        ("What are Zorka’s sales?", {"zorka"}, {"zorka’s", "zorka's", "sales"}),
        ("What are the Poes' sales?", {"poes"}, {"poes'"}),
        ("Does satri-cel work?", {"satri-cel"}, {"does", "work"}),
        ("What is PFS, in months?", {"pfs"}, {"what", "is", "months"}),
        ("How does CT 041 fare?", {"ct041"}, {"how"}),
        ("what is the company", set(), {"what", "the", "company"}),
        ("", set(), {""}),
    ],
)
def test_what_may_be_a_name(question: str, held: set[str], lacking: set[str]) -> None:
    found = names(question)
    assert held <= set(found)
    assert not lacking & set(found)


def test_names_are_rows_of_at_most_six_words() -> None:
    found = names("Aa Bb Cc Dd Ee Ff Gg")
    assert "aa bb cc dd ee ff" in found
    assert "aa bb cc dd ee ff gg" not in found


@pytest.mark.parametrize(
    ("question", "pairs", "expected"),
    [
        ("Who runs Zorka?", [pair("Zorka", "Bolt Care")], [("Zorka", "Bolt Care")]),
        ("Who runs Bolt Care?", [pair("Zorka", "Bolt Care")], [("Bolt Care", "Zorka")]),
        ("Who runs ZORKA?", [pair("Zorka", "Bolt Care")], [("ZORKA", "Bolt Care")]),
        ("Who runs Bolt?", [pair("Zorka", "Bolt Care")], []),
        ("Does Zorka own Bolt Care?", [pair("Zorka", "Bolt Care")], []),
        ("Who runs Zorka?", [pair("Zorka", "2171")], []),
        ("Who runs 2171?", [pair("Zorka", "2171")], [("2171", "Zorka")]),
        (
            "Who runs Zorka?",
            [pair("Zorka", f"Bolt{i}") for i in range(MOST_NAMES)],
            [("Zorka", f"Bolt{i}") for i in range(MOST_NAMES)],
        ),
        ("Who runs Zorka?", [pair("Zorka", f"Bolt{i}") for i in range(MOST_NAMES + 1)], []),
        ("Who?", [], []),
    ],
)
def test_other_names(question: str, pairs: list[NamePair], expected: list[tuple[str, str]]) -> None:
    assert other_names(question, pairs, names(question)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "ct041 AND CT-041",
            [("ct041", "ct 041"), ("ct041", "ct041"), ("CT-041", "CT 041"), ("CT-041", "CT041")],
        ),
        ("3rd 100%, 12-34, covid", [("3rd", "3 rd"), ("3rd", "3rd")]),
        ("β12", []),
    ],
)
def test_spellings(text: str, expected: list[tuple[str, str]]) -> None:
    assert list(spellings(text)) == expected


# -- the lexical search ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("context", "counts", "expected"),
    [
        ("kettles of zorka", {"kettl": 9, "of": 9_000, "zorka": 2}, '"kettles" OR "zorka"'),
        ("of of", {"of": 9_000}, '"of"'),  # better than nothing
        ("Zorka zorka", {"zorka": 1}, '"zorka"'),
        ("Zorka's zorka", {"zorka": 1, "s": 9_000}, '"zorka"'),
        # the telling first, in the question's order, as far as the budget goes
        (
            "aa bb cc dd",
            {"aa": POSTINGS, "bb": 1, "cc": POSTINGS // 2, "dd": 1},
            '"bb" OR "cc" OR "dd"',
        ),
        (
            "aa bb cc dd",
            {"aa": POSTINGS, "bb": POSTINGS, "cc": POSTINGS, "dd": POSTINGS},
            '"aa" OR "bb" OR "cc"',
        ),
        ("", {}, '""'),
        ("?!", {}, '""'),
    ],
)
def test_words_searched_for(context: str, counts: dict[str, int], expected: str) -> None:
    total = 10_000 if {"of", "s"} & set(counts) else 1_000_000
    assert fts(context, counts, total) == expected
    assert FEWEST == 3 and COMMON < 0.9 * 10 / 11


def test_phrases_are_quoted_and_come_once() -> None:
    found = fts("CT041?", {"ct041": 1}, 1000, [("CT041", "CT 041"), ("CT041", "CT041"), ("CT041", "—")])
    assert found == '"ct041" OR "ct 041"'


@pytest.fixture
def store(folder: Path) -> Iterator[Store]:
    opened = Store(folder)
    yield opened
    opened.close()


HOSTILE = ['"', '""', "a\" OR \"b", "*", "pumps*", "NEAR(a b)", "a AND", "NOT", "title:pumps", "{text} : x", "(((", "-", "^a",
           "a + b", "\x00", "💊", "'; DROP TABLE texts; --", "a" * 5000, "β™", "\\"]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_is_query_syntax(store: Store, text: str) -> None:
    context = f"{text} pumps"
    found = store.match(fts(context, dict.fromkeys(stems(context), 1), 1000, [("x", text)]), 50)
    assert {i for i, _ in store.match('"pumps"', 50)} <= {i for i, _ in found}
    store.match(fts(text, dict.fromkeys(stems(text), 1), 1000), 50)
    assert np.isfinite([score for _, score in found]).all()
