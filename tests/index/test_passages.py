"""Passages: exact slices, nothing left out, nothing twice, none too long, whatever the text."""

from __future__ import annotations

import json
import lzma
import random
import signal
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import pytest
from index_fakes import SHARED

from index.passages import LONGEST, SHORTEST, cut, units
from index.sections import FLOWING, sections
from index.sentences import sentences

CARSGEN = SHARED / "releases" / "carsgen-2025-01-20.txt"


def check(text: str) -> None:
    """Every promise of ``cut`` and what it is made of."""
    parts, passages = cut(text)
    assert [(p.start, p.end) for p in parts] == sorted((p.start, p.end) for p in parts)
    assert "".join(text[p.start : p.end] for p in parts) == text
    at = 0
    for passage in passages:
        assert text[at : passage.start].strip() == "", "text between passages"
        assert passage.start < passage.end <= len(text)
        assert passage.text == text[passage.start : passage.end]
        assert passage.text == passage.text.strip() != ""
        assert len(passage.text) <= LONGEST
        held = [s for s in parts if s.start < passage.end and passage.start < s.end]
        assert len(held) == 1 or {s.kind for s in held} <= FLOWING
        sizes: Counter[str] = Counter()
        for s in held:
            sizes[s.kind] += min(s.end, passage.end) - max(s.start, passage.start)
        assert sizes[passage.section] == max(sizes.values())
        at = passage.end
    assert text[at:].strip() == "", "text behind the last passage"
    for spans in (sentences(text), units(text)):
        at = 0
        for start, end in spans:
            assert text[at:start].strip() == ""
            assert start < end
            at = end
        assert text[at:].strip() == ""
    assert all(end - start <= LONGEST for start, end in units(text))


WORDS = [
    "Acme",
    "Inc.",
    "announced",
    "that",
    "revenue",
    "rose",
    "5%",
    "to",
    "$1.2",
    "billion",
    "in",
    "the",
    "U.S.",
    "market",
    "Dr.",
    "Smith",
    "said",
    "“we",
    "are",
    "pleased”",
    "[1]",
    "(see",
    "Fig.",
    "2)",
    "e.g.",
    "About",
    "Acme",
    "Contact:",
    "Media",
    "Contact",
    "2025The",
    "No.",
    "5",
    "*",
    "•",
    "–",
    ";",
    ",",
    "|",
    "...",
    "…",
    "。",
    "！",
    "中文新闻稿",
    "😀",
    "é",
    "\u200b",
    "www.acme.com",
    "a@b.co",
    "Forward-Looking",
    "Statements",
    ")",
    "(",
    '"',
    "'",
    "1.",
    "?!",
    "A.",
    "\x00",
    "\x1c",
    "\u2028",
]
GAPS = [" "] * 12 + [
    "\n",
    "\n\n",
    "\r\n",
    "\r\n\r\n",
    "\t",
    "  ",
    "\n \t\n",
    "\xa0",
    "\u3000",
    "",
    "\x0b",
]


@pytest.mark.parametrize("seed", range(120))
def test_random_texts(seed: int) -> None:
    chance = random.Random(seed)
    text = "".join(
        chance.choice(WORDS) + chance.choice(GAPS) for _ in range(chance.choice([1, 5, 50, 400]))
    )
    check(text)


@pytest.mark.parametrize("seed", range(60))
def test_random_characters(seed: int) -> None:
    chance = random.Random(seed)
    alphabet = chance.choice(["a. \n", 'Aa.!? \n\t"”“)(*•1', " \n\r\t\x0b\x1c\u2028.", "。！A 中\n"])
    check("".join(chance.choice(alphabet) for _ in range(chance.choice([3, 30, 900, 4000]))))


@pytest.mark.parametrize("length", [1, LONGEST - 1, LONGEST, LONGEST + 1, 2 * LONGEST, 2 * LONGEST + 1])
@pytest.mark.parametrize("letter", ["a", "中", "\U0001f600"])
def test_lengths_about_the_longest(length: int, letter: str) -> None:
    check(letter * length)
    _, passages = cut(letter * length)
    assert [len(p.text) for p in passages] == [
        *[LONGEST] * (length // LONGEST),
        *([length % LONGEST] if length % LONGEST else []),
    ]


PATHOLOGICAL = {
    "no full stop": "word " * 12_800,
    "stops only": "A. " * 21_334,
    "newlines only": "\n" * 30_000,
    "white space only": " \t\r\n" * 16_000,
    "one word": "x" * 60_000,
    "one word of marks": "." * 60_000,
    "newlines within": "Acme" + "\n" * 30_000 + "grew.",
    "spaces within": "Acme" + " " * 64_000 + "grew.",
    "spaces behind a newline": "Acme\n" + " " * 64_000 + "grew.",
    "tabs behind a stop": "Acme grew." + "\t" * 64_000 + "Bolt fell.",
    "spaced lines": "Acme\n" + (" " * 50 + "\n") * 1_200 + "grew.",
    "bullets": "• item\n" * 9_000,
    "stars": "* " * 32_000,
    "open quotes": "“" * 60_000,
    "closed quotes": "said.” " * 9_000,
    "brackets": "(" * 30_000 + ")" * 30_000,
    "numbers": "1,234.5 " * 8_000,
    "footnotes": "grew.1,2 " * 7_000,
    "initials": "U.S." * 16_000,
    "addresses": "www.acme.com/" * 5_000,
    "hyphens": "a-" * 32_000,
    "dots and spaces": ". " * 32_000,
    "ideographs": "新闻稿" * 20_000,
    "ideographic stops": "新。" * 30_000,
    "headings": "About Acme\n" * 6_000,
    "long heading": "About A" + "a " * 30_000,
    "carriage returns": "Acme grew.\r" * 6_000,
    "capitals": "A" * 60_000,
    "title dots": "Dr. " * 16_000,
}


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Fails what takes more of the processor's time, at that moment."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise TimeoutError(f"took more than {seconds} s")

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


@pytest.mark.parametrize("name", PATHOLOGICAL)
def test_a_pathological_text_takes_no_time(name: str) -> None:
    text = PATHOLOGICAL[name]
    with at_most(3):
        cut(text)
    check(text)


def test_white_space_has_no_passage() -> None:
    for text in ("", " ", "\n\n", "\t\r\n\xa0\u3000"):
        assert cut(text)[1] == []


ABOUT = (
    "About Acme Corporation\n\nAcme Corporation is a maker of anvils for the film industry. It was"
    " founded in 1920 and has its seat in Tucson. Its anvils are sold in forty countries.\n\n"
    "Media Contact\n\nWile Coyote, press@acme.example\n"
)


def sentence(chance: random.Random, i: int) -> str:
    words = " ".join(
        "".join(chance.choice("abcdefghij") for _ in range(chance.randint(2, 9)))
        for _ in range(chance.randint(6, 30))
    )
    return f"The {words} number {i}."


def test_the_same_about_section_gives_the_same_passages() -> None:
    chance = random.Random(7)
    tails = set()
    for i in range(20):
        body = " ".join(sentence(chance, j) for j in range(chance.randint(1, 30)))
        text = f"Acme release {i}\n\n{body}\n\n{ABOUT}"
        check(text)
        _, passages = cut(text)
        tails.add(tuple((p.text, p.section) for p in passages if p.section != "body"))
    assert len(tails) == 1
    (tail,) = tails
    assert [section for _, section in tail] == ["about", "contact"]


def test_a_flattened_tail_is_cut_alike_behind_any_text() -> None:
    """Without line breaks, the cuts of two releases meet soon and then stay together."""
    chance = random.Random(11)
    tail = " ".join(sentence(chance, j) for j in range(60))
    wanted: set[str] | None = None
    for i in range(20):
        head = " ".join(sentence(chance, 1000 * i + j) for j in range(chance.randint(1, 20)))
        text = f"{head} {tail}"
        check(text)
        own = {p.text for p in cut(text)[1] if p.start >= len(text) - len(tail) + 3 * LONGEST}
        assert len(own) > 5
        if wanted is None:
            wanted = {p.text for p in cut(text)[1]}
        assert len(own - wanted) <= 1, "the cuts did not meet within three passages"


def test_short_paragraphs_are_joined_and_long_ones_stand_alone() -> None:
    # sentences that do not themselves end a passage: those of an odd CRC
    odd = [s for s in (f"Bolt sold {i} bolts." for i in range(99)) if zlib.crc32(s.encode()) % 2]
    short, long = odd[0], " ".join(odd[1:21])
    assert SHORTEST <= len(long) < LONGEST - 100
    text = f"{short}\n\n{long}\n\n{short}"
    assert [p.text for p in cut(text)[1]] == [f"{short}\n\n{long}", short]


def test_headline_and_quotation_do_not_change_where_passages_end() -> None:
    said = "“We have never before sold so many anvils in one year,” said Jane Doe. “It is a record.”"
    text = f"Acme Sells a Million Anvils\n\nAcme grew again this year, as in all the years before.\n\n{said}\n\nIt will sell more."
    found, passages = cut(text)
    assert [p.kind for p in found] == ["headline", "body", "quotation", "body"]
    assert [(p.text, p.section) for p in passages] == [(text, "quotation")]


def sample(corpus: str, count: int) -> Iterator[str]:
    path = SHARED / "releases" / f"{corpus}.jsonl.xz"
    with lzma.open(path, "rt", encoding="utf-8") as lines:
        bodies = [json.loads(line)["body"] for line in lines]
    yield from random.Random(corpus).sample(bodies, count)


@pytest.mark.parametrize("corpus", ["pharma", "wire", "doj"])
def test_real_releases(corpus: str) -> None:
    if not Path(SHARED / "releases" / f"{corpus}.jsonl.xz").exists():
        pytest.skip("the shared releases are not here")
    for text in sample(corpus, 120):
        check(text)


@pytest.mark.skipif(not CARSGEN.exists(), reason="the shared releases are not here")
def test_the_sections_of_a_real_release() -> None:
    text = CARSGEN.read_bytes().decode()
    check(text)
    headings = [(s.kind, text[s.start : s.end].strip().partition("\n")[0][:40]) for s in sections(text)]
    assert headings[0][0] == "body"
    assert [kind for kind, _ in headings[1:3]] == ["about", "about"] or headings[1][0] == "about"
    assert headings[1][1].startswith("About THANK-uCAR")
