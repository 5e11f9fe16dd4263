from __future__ import annotations

import sqlite3
import zlib

import numpy as np
import pytest

from index.terms import codes, folded, stems


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Plain ASCII, (TM) and all.", "plain ascii, (tm) and all."),
        ("ＡＢ１２", "ab12"),
        ("ﬁne", "fine"),
        ("IL-1β", "il-1 beta "),
        ("Δ and Ω", " delta  and  omega "),
        ("αβ", "αβ"),  # a word, no sign
        ("Zorkia™ pump", "zorkia  pump"),
        ("北京", " 北  京 "),
        ("カー", " カ  ー "),
        ("", ""),
    ],
)
def test_what_is_written_in_several_ways_is_one(text: str, expected: str) -> None:
    assert folded(text) == expected


@pytest.mark.parametrize("text", ["IL-1β by ＺＯＲＫＡ™", "北京 αβ Δ", "plain"])
def test_folding_twice_finds_the_same_words(text: str) -> None:
    assert stems(folded(text)) == stems(text)


def test_a_code_a_word_in_order() -> None:
    found = codes("Pumps pumped, PUMP 12!")
    assert found.tolist() == [zlib.crc32(s) for s in (b"pump", b"pump", b"pump", b"12")]
    assert found.dtype == np.uint32


@pytest.mark.parametrize("text", ["", " — ", "™"])
def test_no_words_are_no_codes(text: str) -> None:
    assert codes(text).shape == (0,) and codes(text).dtype == np.uint32


@pytest.mark.parametrize(
    "word",
    [
        "pumps", "sky", "ties", "b", "u",
        "s", "as", "is", "us", "technology", "possibly", "assembly", "biology", "logi", "y" * 70,
    ],
)  # fmt: skip
def test_stems_are_those_of_the_index(word: str) -> None:
    db = sqlite3.connect(":memory:")
    db.execute("CREATE VIRTUAL TABLE w USING fts5 (t, tokenize='porter unicode61 remove_diacritics 2')")
    db.execute("CREATE VIRTUAL TABLE v USING fts5vocab (w, row)")
    db.execute("INSERT INTO w VALUES (?)", (word,))
    assert [row[0] for row in db.execute("SELECT term FROM v")] == stems(word)
    db.close()
