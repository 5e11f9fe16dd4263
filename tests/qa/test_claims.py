from __future__ import annotations

import time
from typing import Any

import pytest

from qa.claims import Text, agreement, context


def wrong(*values: object, why: str) -> Any:
    """A case that fails still, and should not."""
    return pytest.param(*values, marks=pytest.mark.xfail(strict=True, reason=why))


def names(text: str) -> list[str]:
    """The names of a text as they are written."""
    taken = Text(text)
    return [taken.text[start:end] for start, end, _ in taken.names]


def known(claim: str, source: str) -> list[bool]:
    """Of each word of a claim: whether it names something of the source."""
    mine, theirs = Text(claim), Text(source)
    spelled = mine.spelled_out(theirs)
    return [word.start in spelled or theirs.names_it(word) for word in mine.words]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("We met Jane Roe of Alpha Corp.", ["Jane Roe of Alpha"]),
        ("It sued Merck & Co. and the FDA.", ["Merck", "FDA"]),
        ("It met the U.S. and the U.K. in Rome.", ["U.S", "U.K", "Rome"]),
        ("Sales at QuintarraCorp rose.", ["Quintarra"]),
        ("However, sales rose.", []),
        ("Sales rose.", []),
        ("It rose. Sales fell.", []),
        ("“Great,” said Jane Roe.", ["Jane Roe"]),
        ("Then the drug zantelimab worked.", ["zantelimab"]),
        ("", []),
        ("123", []),
    ],
)
def test_names(text: str, expected: list[str]) -> None:
    assert [name.rstrip(".") for name in names(text)] == expected


@pytest.mark.parametrize(
    ("text", "place", "expected"),
    [
        ("Quintarra raised money.", 0, True),
        ("Jane Roe leads it.", 0, True),
        ("Apple's profit rose.", 0, True),
        ("However, it rose.", 0, False),
        ("Increasing sales helped.", 0, False),
        ("The drug works.", 0, False),
        ("Revenue rose.", 0, False),
        ("It met Quintarra.", 2, False),  # a name within the sentence, which names tells
    ],
)
def test_a_name_that_opens_a_sentence(text: str, place: int, expected: bool) -> None:
    assert Text(text).opens_with_name(place) is expected


@pytest.mark.parametrize(
    ("claim", "source"),
    [
        ("FDA", "Food and Drug Administration"),
        ("FDA", "the U.S. Food and Drug Administration (FDA)"),
        ("Food and Drug Administration", "the FDA"),
        ("SEC", "the Securities and Exchange Commission"),
        ("Securities and Exchange Commission", "the SEC"),
        ("CEO", "the chief executive officer"),
        ("NASA", "National Aeronautics and Space Administration"),
        ("U.S.", "the United States"),
        ("US", "the U.S."),
        ("American", "the United States"),
        ("United States", "the U.S."),
        ("United States", "the US"),
        ("U.K.", "the United Kingdom"),
        ("British", "the United Kingdom"),
        ("EU", "the European Union"),
        ("European Union", "the EU"),
        ("German", "Germany"),
        ("Japanese", "in Japan"),
        wrong("Italian", "in Italy", why="a demonym that takes a letter off"),
        wrong("Canadian", "in Canada", why="a demonym that takes a letter off"),
        ("Quintarra's", "Quintarra"),
        ("Quintarra", "Quintarra’s chips"),
        ("Quintarra", "QuintarraCorp"),
        wrong("Chinese", "in China", why="a demonym that takes a letter off"),
        wrong("French", "in France", why="an irregular demonym"),
    ],
)
def test_a_name_in_another_form(claim: str, source: str) -> None:
    content = [word.content for word in Text(claim).words]
    assert all(is_known for is_known, told in zip(known(claim, source), content, strict=True) if told)


@pytest.mark.parametrize(
    ("claim", "source"),
    [
        ("EMA", "the FDA"),
        ("Quintarra", "Brackwell"),
        ("Jane", "John Roe"),
        ("U.S.", "in Canada"),
        ("German", "in France"),
        ("UK", "Ukraine"),
        ("FDA", "Four doctors approved it."),
        ("IBM", "In Berlin, managers met."),
        wrong("AI", "It said an insurer paid.", why="any words in a row spell out an acronym"),
        ("Nova", "Novartis"),
        ("Meta", "a metallurgical works"),
    ],
)
def test_another_name(claim: str, source: str) -> None:
    assert known(claim, source) == [False]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("CT-041", ["ct041"]),
        ("CT041 and CT-041", ["ct041"]),
        ("COVID-19", ["covid19"]),
        ("mRNA-1273 and IL-2", ["mrna1273", "il2"]),
        ("F-16s", ["f16s"]),
        ("$5 million in 2020", []),
        ("Q2 2020", []),
        ("", []),
    ],
)
def test_code_names_in_one_spelling(text: str, expected: list[str]) -> None:
    assert list(Text(text).codes) == expected


@pytest.mark.parametrize(
    ("text", "apart"),
    [
        ("$5 millionin May", "$5 million in May"),
        ("QuintarraCorp rose", "Quintarra Corp rose"),
        ("the 3rdQuarter", "the 3rd Quarter"),
        ("revenue of$5", "revenue of $5"),
        ("in2020", "in 2020"),
        ("Plain words, $5.", "Plain words, $5."),
        wrong("McDonald and MacBook", "McDonald and MacBook", why="a capital within a name splits it"),
        wrong("iPhone", "iPhone", why="a capital within a name splits it"),
    ],
)
def test_words_that_lost_their_line_break(text: str, apart: str) -> None:
    assert Text(text).text == apart


@pytest.mark.parametrize(
    "text", ["Alpha raised $5 million in May 2020.", "Alpha raised USD 5,000,000 in 2020, in May."]
)
def test_marks_are_words_figures_and_dates(text: str) -> None:
    assert {mark.stem for mark in Text(text).marks} == {"alpha", "rais", "#5E+6USD", "@2020", "@m5"}
    starts = [mark.start for mark in Text(text).marks]
    assert starts == sorted(starts)


@pytest.mark.parametrize(
    ("word", "text", "expected"),
    [
        ("raised", "It raises money.", True),
        ("development", "It develops drugs.", True),
        ("sold", "It bought it.", False),
        ("Quintarra", "Quintarra rose.", True),
    ],
)
def test_a_word_in_a_related_form(word: str, text: str, expected: bool) -> None:
    assert Text(text).states(Text(word).words[0]) is expected


def test_agreement_is_highest_in_the_same_place() -> None:
    text = Text("Sales rose 5% and costs fell 3%.")
    first, second = (context(text, f.start, f.end) for f in text.figures)
    assert agreement(first, first) == pytest.approx(1.0) == agreement(second, second)
    assert 0.0 <= agreement(first, second) < 1.0
    assert agreement({}, first) == 0.0 == agreement(first, {})


def test_a_clause_keeps_words_apart() -> None:
    near = context(
        text := Text("Sales rose 5%, and costs fell."), text.figures[0].start, text.figures[0].end
    )
    assert near["rose"] > near["fell"]


@pytest.mark.parametrize(
    "text", ["", " ", "\n", "\x00", "\ud800", "💊", "売上高は5%増えた。", "...", "A", "“”", "'s"]
)
def test_odd_texts_are_taken_apart(text: str) -> None:
    taken = Text(text)
    assert all(taken.text[w.start : w.end].strip() for w in taken.words)
    assert taken.marks == sorted(taken.marks, key=lambda m: m.start)
    assert taken.codes == {}


@pytest.mark.parametrize(
    "part",
    [
        "a",
        " ",
        "A",
        "1",
        "<",
        "[",
        "(",
        "-",
        "A.",
        "a-",
        "a-1",
        "Ab1",
        "Abc Def ",
        "a' ",
        "U.S.",
        '"',
        "忽",
    ],
)
def test_hostile_text_takes_seconds_at_most(part: str) -> None:
    began = time.perf_counter()
    text = Text((part * 10_000)[:10_000])
    assert text.marks is not None and text.names is not None and text.codes is not None
    assert time.perf_counter() - began < 10
