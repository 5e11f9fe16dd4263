"""What the extractive reader looks at in a sentence: numbers, in a fixed order, each 0 to about 1."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from index.marks import PATTERNS
from index.passages import units
from index.sections import heading
from index.terms import stems, words
from index.types import Hit

from .asks import asked
from .query import Query, own_names

NAMES = (
    "coverage",  # share of the question's weight that the sentence's words carry
    "coverage_near",  # the same with the sentences beside it
    "coverage_passage",  # the same with its passage and title
    "title",  # the same for the title alone
    "rarest",  # whether the question's most telling word is in passage or title
    "names",  # share of the question's capitalised words and figures that passage or title hold
    "year",  # names a year, and neither passage, title nor date of the release has it
    "missing",  # weight of the most telling word that neither holds, by the heaviest word
    "pairs",  # share of the question's neighbouring word pairs that the sentence has
    "fused",  # retrieval score of the passage
    "rank",  # 1 / rank of the passage
    "first",  # opens its release
    "about",  # stands in an About section
    "boilerplate",  # stands in a forward-looking or contact section
    "length",  # code points, by 300, at most 2
    "heading",  # does not end like a sentence
    "speech",  # holds a quotation
    "asks_number",
    "number_for_number",  # asked for a number, and holds one that the question does not
    "money_for_money",
    "percent_for_percent",
    "date_for_date",
    "name_for_who",  # asked who or which company, and holds a capitalised name of its own
    "reason_for_why",
    "means_for_how",
    "definition",  # asked what something is or does, and says it
    "new_words",  # share of the sentence's words that the question does not have
)

_BARE = re.compile(r"(?:[^\W\d]\S*\s+){0,3}[^\W\d][^\s\d]*(?<![.!?])")  # a title: few words, no stop
_ITEM_MARK = re.compile(r"(?:[*•‣◦▪·–—-]+|\d{1,2}[.)])\s+")
_LETTER = re.compile(r"[^\W\d_]")
_MARKS = re.compile(r"\s*[*•]+(?:\s+[*•]+)+\s*")
_CAPITALS = re.compile(r"(?<![.!?] )(?<!^)\b[A-Z][\w’'-]+(?: [A-Z][\w.’'-]*)*")
_REASON = re.compile(r"\b(?:because|due to|since|so that|in order to|as a result|to [a-z]+)\b")
_MEANS = re.compile(r"\b(?:by \w+ing|through|using|with|via|allow|enabl|work)\w*\b")
_DEFINES = re.compile(r"\b(?:is|are|was|means|stands for|develops|provides|offers|makes)\b")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence that may answer: the hit it stands in, and its span in that release; and, once it is
    read, the span in that release of the answer itself.
    """

    hit: Hit
    rank: int
    start: int
    end: int
    text: str
    answer: tuple[int, int] | None = None

    @property
    def line(self) -> str:
        """Its text with white space collapsed."""
        return " ".join(self.text.split())


def candidates(hits: Sequence[Hit]) -> list[Candidate]:
    """The sentences of the hits, best hit first, in the order of the text.

    The mark before a list item is left out, and so are headings and figures alone: they say nothing.
    """
    found = []
    for rank, hit in enumerate(hits):
        for start, end in _statements(hit.quote):
            text = hit.quote[start:end]
            mark = _ITEM_MARK.match(text)
            bare = _BARE.fullmatch(text) or heading(text) or text.startswith("#")
            bare = bare or not _LETTER.search(text)
            if not bare and not (mark and mark.end() == len(text)):
                start += mark.end() if mark else 0
                found.append(
                    Candidate(hit, rank, hit.start + start, hit.start + end, hit.quote[start:end])
                )
    return found


def _statements(text: str) -> Iterator[tuple[int, int]]:
    """The units of a text; those that hold a row of list marks, which no stop ends, apart."""
    for start, end in units(text):
        at = start
        for marks in _MARKS.finditer(text, start, end):
            if marks.start() > at:
                yield at, marks.start()
            at = marks.end()
        if at < end:
            yield at, end


def is_item(c: Candidate) -> bool:
    """Whether a sentence is an item of a list, with a mark or a number before it."""
    line = c.hit.quote[: c.start - c.hit.start].rpartition("\n")[2]
    return bool(_ITEM_MARK.fullmatch(line.lstrip()))


def matrix(query: Query, found: Sequence[Candidate]) -> NDArray[np.float64]:
    """The features of each candidate, shape (len(found), len(NAMES))."""
    question = _Question(query)
    rows = []
    tokens = [stems(c.text) for c in found]
    passages: dict[int, tuple[set[str], set[str]]] = {}
    for c in found:
        if c.rank not in passages:
            passages[c.rank] = (set(stems(c.hit.quote)), set(stems(c.hit.title)))
    for i, c in enumerate(found):
        near = set(tokens[i])
        for j in (i - 1, i + 1):
            if 0 <= j < len(found) and found[j].rank == c.rank:
                near |= set(tokens[j])
        rows.append(question.features(c, tokens[i], near, *passages[c.rank]))
    return np.array(rows, dtype=np.float64).reshape(len(found), len(NAMES))


class _Question:
    """A question's side of the features, worked out once."""

    def __init__(self, query: Query) -> None:
        text = query.text
        self.weights: Mapping[str, float] = query.weights
        self.total = sum(self.weights.values()) or 1.0
        self.heaviest = max(self.weights.values(), default=1.0)
        self.rarest = max(self.weights, key=lambda t: self.weights[t], default="")
        own = stems(text)
        self.pairs = set(pairwise(own))
        self.words = set(words(text))
        self.numbers = set(PATTERNS["number"].findall(text))
        self.names = own_names(text)
        self.years = query.years
        self.asks = asked(text)

    def share(self, tokens: set[str]) -> float:
        return sum(w for t, w in self.weights.items() if t in tokens) / self.total

    def features(
        self, c: Candidate, tokens: list[str], near: set[str], passage: set[str], title: set[str]
    ) -> tuple[float, ...]:
        text, asks, own = c.text, self.asks, set(tokens)
        known = passage | title
        missing = max((w for t, w in self.weights.items() if t not in known), default=0.0)
        numbers = bool(set(PATTERNS["number"].findall(text)) - self.numbers)
        names = any(not set(words(m[0])) <= self.words for m in _CAPITALS.finditer(text))
        section = c.hit.section
        dated = f"{c.hit.date} {c.hit.title} {c.hit.quote}"
        return (
            self.share(own),
            self.share(near),
            self.share(known),
            self.share(title),
            float(self.rarest in known),
            len(self.names & known) / len(self.names) if self.names else 1.0,
            float(any(year not in dated for year in self.years)),
            missing / self.heaviest,
            len(self.pairs & set(pairwise(tokens))) / max(len(self.pairs), 1),
            c.hit.score,
            1 / (1 + c.rank),
            float(c.start < 40),
            float(section == "about"),
            float(section in ("forward-looking", "contact")),
            min(len(text) / 300, 2.0),
            float(text[-1:] not in '.!?"”)'),
            float("“" in text or '"' in text),
            float(asks["number"]),
            float(asks["number"] and numbers),
            float(asks["money"] and bool(PATTERNS["money"].search(text))),
            float(asks["percent"] and bool(PATTERNS["percent"].search(text))),
            float(asks["date"] and bool(PATTERNS["date"].search(text))),
            float(asks["name"] and names),
            float(asks["reason"] and bool(_REASON.search(text))),
            float(asks["means"] and bool(_MEANS.search(text))),
            float(asks["definition"] and bool(_DEFINES.search(text))),
            len(own - self.weights.keys()) / max(len(own), 1),
        )
