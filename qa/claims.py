"""A sentence taken apart for comparison: words, names, code names, figures, dates."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from index.passages import units
from index.sentences import Span
from index.terms import UNSPACED, stems

from .dates import Date, dates
from .figures import Figure, figures
from .terms import UNKNOWN, prior_weights

COMMON = frozenset(
    stems(
        "a an the and or of to in on at by for from with as is are was were be been being has have "
        "had having do doe does did it its this that these those he she they his her their them him "
        "we our you your i my me who whom which what when where while there here also such than "
        "then so too veri into out up over under about after befor dure between through both each "
        "some other more own same s t will would can could may might must shall should if but "
        "becaus whether per via amid among upon within toward said say accord announc report state "
        "includ well him herself himself itself themselv put get got go went make made take took "
        "give gave mr ms mrs dr inc corp co ltd llc plc compani corporation not no nor "
    )
)
"""Stems that carry no claim of their own."""

_TOKEN = re.compile(r"(?:[A-Za-z]\.){2,}|[^\W_]+(?:['’][^\W\d_]{1,2}\b)?")
_GLUED = re.compile(
    r"(?<=[a-z])(?=[A-Z][a-z])|(?<=[a-z])(?=[$€£]\d)|(?<=\d(?:st|nd|rd|th))(?=[A-Z])"
    r"|(?<=[mbr]illion)(?=(?:in|of|and|for|to|or|on|from|at|as|with|related)\b)"
    r"|(?<=[a-z][a-z,])(?=\d{4}\b)"
)
_ACRONYM = re.compile(r"[A-Z]{2,6}$")
_CODE = re.compile(
    r"(?<![\w-])(?:[A-Za-z]{1,12}-?\d+[A-Za-z]{0,2}|\d{1,2}[A-Z]{1,3}|[A-Za-z]{2,}-\d+-\d+)(?![\w])"
)
_SHORT_FOR = {
    "us": "unitedstates", "american": "unitedstates", "uk": "unitedkingdom", "british": "unitedkingdom",
    "eu": "europeanunion", "un": "unitednations",
}  # fmt: skip
_PLAIN = frozenset(["ceo", "cfo", "coo", "cto", "cmo", "cso", "eps", "ipo", "hr", "it", "ai"])
_NATIONAL = ("", "n", "s", "y", "an", "ian", "ese", "ish", "es")
_REACH = 8  # words and mentions to either side that make up a context
_LINK = re.compile(r"[\s\-&.'’]*(?:of|the|for|de)?[\s\-&.]*")
# WHO's stems for non-proprietary names of drugs, and a few more
_DRUG = re.compile(
    r"\w{4,}(?:mab|nib|leucel|cel|tide|parib|gliptin|gliflozin|statin|lisib|clax|taxel|platin|rubicin"
    r"|olimus|sartan|pril|olol|azole|mycin|cillin|cycline|floxacin|setron|triptan|coxib|nersen|siran)$"
)
_NO_NAME = re.compile(r"(?:ing|ly|ed|ides|ite|stead)$")


@dataclass(frozen=True, slots=True)
class Word:
    """A word or, in ``Text.marks``, a figure or date: ``text[start:end]`` of its Text.

    ``content`` words carry a claim; a ``name`` is capitalised within a sentence, or a code.
    """

    start: int
    end: int
    text: str
    stem: str
    content: bool
    name: bool


class Text:
    """A text taken apart. ``text`` is it with the spaces that lost line breaks took along."""

    def __init__(self, text: str) -> None:
        self.text = _GLUED.sub(" ", text)
        self.dates: list[Date] = dates(self.text)
        spans = [(d.start, d.end) for d in self.dates]
        self.figures: list[Figure] = figures(self.text, spans)
        self._mentions = spans + [(f.start, f.end) for f in self.figures]
        self.sentences: list[Span] = units(self.text)
        self.words: list[Word] = list(self._words())
        self.content: list[Word] = [w for w in self.words if w.content]
        self.stems: frozenset[str] = frozenset(w.stem for w in self.words)
        self.contexts: dict[Span, dict[str, float]] = {}

    def _words(self) -> Iterator[Word]:
        starts = {start for start, _ in self.sentences}
        for m in _TOKEN.finditer(self.text):
            word = re.sub(r"['’]s?$", "", m[0]).replace(".", "")
            found = stems(word) or [word.casefold()]
            # in writing without spaces the index splits what is one word here
            stem = "".join(found) if UNSPACED.search(word) else found[0]
            content = not self.mentioned(*m.span()) and stem not in COMMON and len(word) > 1
            before = self.text[max(0, m.start() - 2) : m.start()]
            opens = m.start() in starts or re.search(r"[“\"(:]\s?$", before) is not None
            capital = any(c.isupper() for c in word[1:]) or (word[:1].isupper() and not opens)
            code = any(c.isdigit() for c in word) and any(c.isalpha() for c in word)
            drug = _DRUG.match(word) is not None and prior_weights([stem])[stem] >= UNKNOWN
            yield Word(m.start(), m.end(), word, stem, content, content and (capital or code or drug))

    def mentioned(self, start: int, end: int) -> bool:
        """Whether a span lies in a figure or a date."""
        return any(a < end and start < b for a, b in self._mentions)

    @cached_property
    def marks(self) -> list[Word]:
        """Content words, figures and dates, in order; mentions that are equal have equal stems."""
        found = list(self.content)
        found += [Word(f.start, f.end, "", figure_stem(f), True, False) for f in self.figures]
        for d in self.dates:
            parts = (
                d.year,
                d.month and f"m{d.month}",
                d.quarter and f"q{d.quarter}",
                d.day and f"d{d.day}",
            )
            found += [Word(d.start, d.end, "", f"@{part}", True, False) for part in parts if part]
        return sorted(found, key=lambda word: word.start)

    @cached_property
    def names(self) -> list[tuple[int, int, frozenset[str]]]:
        """Runs of words that make up one name: start, end, stems."""
        runs: list[list[Word]] = []
        for place, word in enumerate(self.words):
            if not word.name and not self.opens_with_name(place):
                continue
            if runs and _LINK.fullmatch(self.text[runs[-1][-1].end : word.start]):
                runs[-1].append(word)
            else:
                runs.append([word])
        return [(run[0].start, run[-1].end, frozenset(w.stem for w in run)) for run in runs]

    @cached_property
    def codes(self) -> dict[str, Span]:
        """Code names in one spelling and where they stand: ``CT-041`` and ``CT041`` are ``ct041``."""
        return {
            re.sub(r"\W", "", m[0]).casefold(): m.span()
            for m in _CODE.finditer(self.text)
            if not self.mentioned(*m.span())
        }

    @cached_property
    def joined(self) -> str:
        """The text folded, letters and digits only."""
        return re.sub(r"[\W_]+", "", self.text.casefold())

    @cached_property
    def acronyms(self) -> frozenset[str]:
        return frozenset(w.text.casefold() for w in self.words if _ACRONYM.match(w.text))

    def states(self, word: Word) -> bool:
        """Whether a claim's word stands here, in this or a related form."""
        return self.names_it(word) or (
            len(word.stem) >= 5
            and any(
                stem[:5] == word.stem[:5] and abs(len(stem) - len(word.stem)) <= 4
                for stem in self.stems
                if len(stem) >= 5
            )
        )

    def names_it(self, word: Word) -> bool:
        """Whether a name stands here: as it is, as a demonym, or spelled out."""
        folded = word.text.casefold()
        if word.stem in self.stems or _SHORT_FOR.get(folded, " ") in self.joined:
            return True
        if _ACRONYM.match(word.text) and self._initials_of(folded):
            return True
        if any(c.isdigit() for c in folded) and not folded[-1].isdigit() and folded in self.joined:
            return True
        return len(folded) > 3 and any(
            longer.removeprefix(shorter) in _NATIONAL
            for other in (w.text.casefold() for w in self.words if len(w.text) > 3)
            for longer, shorter in ((other, folded), (folded, other))
        )

    def _initials_of(self, acronym: str) -> bool:
        """Whether words in a row, capitalised unless the acronym is long or of a common kind, have these
        initials.
        """
        lower = len(acronym) > 3 or acronym in _PLAIN
        words = [w for w in self.words if lower or w.text[:1].isupper() or w.stem in COMMON]
        every = "".join(w.text[0].casefold() for w in words)
        return acronym in every or acronym in "".join(
            w.text[0].casefold() for w in words if w.stem not in COMMON
        )

    def spelled_out(self, other: Text) -> set[int]:
        """Starts of the words here that spell out an acronym of the other text."""
        found: set[int] = set()
        for i in range(len(self.words)):
            for j in range(i + 2, min(i + 7, len(self.words)) + 1):
                run = self.words[i:j]
                for part in (run, [w for w in run if w.stem not in COMMON]):
                    if len(part) > 1 and "".join(w.text[0].casefold() for w in part) in other.acronyms:
                        found |= {w.start for w in run}
        if "us" in other.acronyms:
            for m in re.finditer(r"United States|American?s?\b", self.text):
                found |= {w.start for w in self.words if m.start() <= w.start < m.end()}
        return found

    def opens_with_name(self, place: int) -> bool:
        """Whether the capitalised word at ``place``, which opens a sentence, seems to be a name."""
        word = self.words[place]
        if word.name or not word.content or not word.text[:1].isupper():
            return False
        after = self.words[place + 1] if place + 1 < len(self.words) else None
        if after and after.name and self.text[word.end : after.start] == " ":
            return True
        if self.text[word.start : word.end].endswith(("'s", "’s")):
            return True
        if self.text[word.end : word.end + 1] == ",":  # "Meanwhile," rather than a name
            return False
        unknown = prior_weights([word.stem])[word.stem] >= UNKNOWN
        return unknown and len(word.text) > 3 and not _NO_NAME.search(word.text)


def figure_stem(figure: Figure) -> str:
    """What stands for a figure among stems: equal for equal figures."""
    return f"#{figure.value.normalize()}{figure.unit}"


def context(text: Text, start: int, end: int) -> dict[str, float]:
    """The stems around a mention, each 0 to 1 by how near it stands; a clause's end keeps apart."""
    if (start, end) not in text.contexts:
        text.contexts[start, end] = _context(text, start, end)
    return text.contexts[start, end]


def _context(text: Text, start: int, end: int) -> dict[str, float]:
    before = [w for w in text.marks if w.end <= start][-_REACH:][::-1]
    after = [w for w in text.marks if w.start >= end][:_REACH]
    near: dict[str, float] = {}
    for side in (before, after):
        for distance, word in enumerate(side, 1):
            gap = text.text[word.end : start] if word.end <= start else text.text[end : word.start]
            breaks = len(re.findall(r"[,;:.]|\b(?:and|but|while|versus|compared)\b", gap))
            near[word.stem] = max(near.get(word.stem, 0.0), 1 / (1 + distance + 2 * breaks))
    return near


def agreement(claimed: dict[str, float], stated: dict[str, float]) -> float:
    """How much of one context, weighted by how telling its stems are, another has: 0 to 1."""
    weight = prior_weights(claimed)
    total = sum(near * weight[stem] for stem, near in claimed.items())
    shared = sum(min(near, stated.get(stem, 0.0)) * weight[stem] for stem, near in claimed.items())
    return shared / total if total else 0.0
