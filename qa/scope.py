"""Which releases a question means, by its own words: companies, periods, the latest or the first.

Read without a model, and held as preferences: each is shown to the user, who can take it back.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from index.terms import stems

from .periods import Period, periods
from .terms import UNKNOWN, prior_weights
from .types import Mention

Order = Literal["latest", "first"]
Issuers = Callable[[Sequence[str]], Mapping[str, str]]
"""Maps those of some names that are an issuer's to the issuer as the index names it. The names come
as ``index.store.name_key`` writes them, without the outer spaces.
"""


@dataclass(frozen=True, slots=True)
class Scope:
    """What a question says about the releases that it means; empty where it says nothing.

    ``companies`` are issuers as the index names them.
    """

    companies: tuple[str, ...] = ()
    periods: tuple[Period, ...] = ()
    order: Order | None = None
    mentions: tuple[Mention, ...] = ()

    def __bool__(self) -> bool:
        """Whether the question says anything of its releases."""
        return bool(self.mentions)

    def without(self, labels: Collection[str]) -> Scope:
        """The rest, where the user takes back what has one of these labels (in any case)."""
        back = {label.casefold() for label in labels}
        return Scope(
            tuple(c for c in self.companies if c.casefold() not in back),
            tuple(p for p in self.periods if p.label.casefold() not in back),
            None if self.order in back else self.order,
            tuple(m for m in self.mentions if m.label.casefold() not in back),
        )

    def rest(self, question: str, labels: Collection[str]) -> str:
        """The question without the words of what has one of these labels."""
        back = {label.casefold() for label in labels}
        for m in self.mentions:
            if m.label.casefold() in back:
                question = question[: m.start] + " " * (m.end - m.start) + question[m.end :]
        return question

    def or_of(self, other: Scope) -> Scope:
        """The same; what it leaves open as the other has it."""
        return Scope(
            self.companies or other.companies,
            self.periods or other.periods,
            self.order or other.order,
            self.mentions,
        )

    def following(self, before: Scope, question: str) -> Scope:
        """With the company and the period of the turn before, where a follow-up names no other, or holds
        its own against them ("how does that compare with Birch?").

        "A year earlier" is the period before moved by a year.
        """
        compares = bool(_COMPARES.search(question))
        companies = before.companies if compares or not self.companies else ()
        periods = before.periods if compares or not self.periods else ()
        companies = tuple(company for company in companies if company not in self.companies)
        periods = tuple(period.moved(years_away(question)) for period in periods)
        periods = tuple(period for period in periods if period not in self.periods)
        taken = [Mention("company", label, 0, 0) for label in companies]
        taken += [Mention("period", period.label, 0, 0) for period in periods]
        return Scope(
            self.companies + companies,
            self.periods + periods,
            self.order,
            (*taken, *self.mentions),
        )


_COMPARES = re.compile(
    r"\bcompar(?:e[sd]?|ing|isons?)\b|\b(?:more|less|higher|lower|greater) than (?:in|for|at)\b",
    re.IGNORECASE,
)
_YEAR_AWAY = re.compile(
    r"\b(?:a|one|the) year (?:(?P<later>later|after)|earlier|before|prior)\b"
    r"|\b(?:previous|prior|preceding|(?P<next>following|next)) year\b",
    re.IGNORECASE,
)


def years_away(question: str) -> int:
    """By how many years a follow-up moves what was asked before: -1 for "a year earlier", else 0."""
    moved = _YEAR_AWAY.search(question)
    return 0 if not moved else 1 if moved["later"] or moved["next"] else -1


def read(question: str, issuers: Issuers, today: dt.date, year: int | None = None) -> Scope:
    """What ``question`` says; "last year" is the one before that of ``today``, and "in Q2" is of
    ``year`` where the question states none.

    ``issuers`` is called once at most.
    """
    timed = periods(question, today, year)
    companies = _companies(question, issuers, [(t.start, t.end) for t in timed])
    mentions = [Mention("as-of" if t.as_of else "period", t.period.label, t.start, t.end) for t in timed]
    mentions += companies
    order, words = _order(question, mentions)
    by_label: dict[tuple[str, str], Mention] = {}
    for mention in sorted([*mentions, *words], key=lambda m: m.start):
        by_label.setdefault((mention.kind, mention.label), mention)
    return Scope(
        tuple(dict.fromkeys(m.label for m in companies)),
        tuple(dict.fromkeys(t.period for t in timed)),
        order,
        tuple(by_label.values()),
    )


# -- latest or first ------------------------------------------------------------------------------

_LATEST = re.compile(
    r"(?<!\bat the )\blatest\b|\bnewest\b|\bmost\s+recent(?:ly)?\b|\bcurrently\b|\bat\s+present\b"
    r"|(?<!\belectric )(?<!\bdirect )(?<!\balternating )\bcurrent\b"
    r"(?!\s*(?:and|or|/|&)\s*(?:former|past))"
    r"(?!\s+(?:assets?|liabilit\w+|ratio|accounts?|portion|maturit\w+|tax\w*)\b)"  # of a balance sheet
    r"|(?<!\bbetween )(?<!\bfrom )(?<!\bby )\bnow\b(?![-’'])|\bas\s+of\s+(?:now|today)\b"
    r"|\blast[-\s]+(?:reported|announced|declared|published|disclosed)\b|\bto\s+date\b(?!-)"
    r"|\bso\s+far\b(?!\s+as\b)",
    re.IGNORECASE,
)
_DETERMINER = (
    r"(?<!\bthe )(?<!\ba )(?<!\bits )(?<!\btheir )(?<!\bhis )(?<!\bher )(?<!\bour )(?<![’']s )(?<!\bat )"
)
_FIRST = re.compile(
    rf"\b(?:initially|originally)\b|{_DETERMINER}\bfirst\s+(?:announc|report|disclos|describ|mention|publish"
    r"|releas|reveal|present|declar|propos|said\b|say\b|unveil)\w*",
    re.IGNORECASE,
)  # fmt: skip
_WHEN = re.compile(r"\bwhen\s+(?:was|were|did|does|do|has|have|had|is|are|will|could|can)\b", re.I)
_WHEN_FIRST = re.compile(
    rf"{_DETERMINER}\bfirst\s+(?!(?:quarter|half|time|phase|place|line|class|person|patient|trial|day|week"
    r"|month|year|in|of|and|or|to)s?\b)[a-z]+",
)


def _order(text: str, taken: Sequence[Mention]) -> tuple[Order | None, list[Mention]]:
    """Whether the latest or the first release is asked for, and in which words; not where both are."""
    patterns: list[tuple[Order, re.Pattern[str]]] = [("latest", _LATEST), ("first", _FIRST)]
    if _WHEN.search(text):
        patterns.append(("first", _WHEN_FIRST))
    found: dict[Order, list[Mention]] = {}
    for order, pattern in patterns:
        for m in pattern.finditer(text):
            # "Now" and "Current" inside a question are names
            name = m.start() > 0 and m[0][0].isupper() and not text.isupper()
            if not name and all(m.end() <= t.start or t.end <= m.start() for t in taken):
                found.setdefault(order, []).append(Mention("order", order, m.start(), m.end()))
    return next(iter(found.items())) if len(found) == 1 else (None, [])


# -- companies ------------------------------------------------------------------------------------

LONGEST_NAME = 5  # words
LONGEST_TICKER = 5  # characters
_WORD = re.compile(r"\w+")
_INSIDE = re.compile(r"[ \t]?[.,&’'®™:/+-]?[.,]?[ \t]?[&]?[ \t]?")
_BREAK = re.compile(r"[.?!:][\"”’)]*\s+$")
_DETERMINERS = frozenset(
    "a an the this that these each every per no any our their its his her my your".split()
)
_LEGAL_FORMS = frozenset(
    "inc corp corporation ltd limited llc lp plc co company group holding holdings ag sa nv se".split()
)
_TITLED = frozenset("Is Are Was Were Do Does Did Has Have".split())
"""Words that have a capital inside a question only where all have: in a title."""

_ACTS = re.compile(r" (?:\w+ed|is|was|has|had|will|bought|got|said|sold|paid|won|made|took)\b")
_AUXILIARIES = frozenset("did does has had will would can could".split())


def _companies(text: str, issuers: Issuers, taken: Sequence[tuple[int, int]]) -> list[Mention]:
    """The issuers that ``text`` names, by the longest name from the left; none inside ``taken``."""
    words = _Words(text, taken)
    spans = {(i, n): words.key(i, n) for i in range(len(words)) for n in words.lengths(i)}
    keys = list(dict.fromkeys(spans.values()))
    known = issuers(keys) if keys else {}
    found: list[Mention] = []
    i = 0
    while i < len(words) and known:
        for n in range(LONGEST_NAME, 0, -1):
            issuer = known.get(spans.get((i, n), ""))
            if issuer and words.is_name(i, n, known):
                found.append(Mention("company", issuer, words.start(i), words.end(i + n - 1)))
                i += n - 1
                break
        i += 1
    return found


def is_titled(text: str) -> bool:
    """Whether all words of a question have capitals, so that these tell no names."""
    titled = (m for i, m in enumerate(_WORD.finditer(text)) if i and m[0] in _TITLED)
    return text.isupper() or any(not _behind_break(text, m.start()) for m in titled)


def _behind_break(text: str, start: int) -> bool:
    return bool(_BREAK.search(text[max(0, start - 6) : start]))


class _Words:
    """The words of a question, and what their capitals tell."""

    def __init__(self, text: str, taken: Sequence[tuple[int, int]]) -> None:
        self._text = text
        self._words = list(_WORD.finditer(text))
        self._folded = [m[0].casefold() for m in self._words]
        inside = {at for start, end in taken for at in range(start, end)}
        self._free = [m.start() not in inside for m in self._words]
        self._cased = [any(c.isupper() or c.isdigit() for c in m[0]) for m in self._words]
        first = next((c for c in text if c.isalpha() and (c.isupper() or c.islower())), "a")
        # capitals tell nothing where the writer cares for none, or writes a title
        self._capitals = not is_titled(text)
        self._careless = first.islower() or not self._capitals

    def __len__(self) -> int:
        return len(self._words)

    def start(self, i: int) -> int:
        return self._words[i].start()

    def end(self, i: int) -> int:
        return self._words[i].end()

    def key(self, i: int, n: int) -> str:
        return " ".join(self._folded[i : i + n])

    def _gap(self, i: int) -> str:
        return self._text[self.end(i) : self.start(i + 1)]

    def lengths(self, i: int) -> Iterator[int]:
        """How many words from the ``i``th on could be a name."""
        for n in range(1, LONGEST_NAME + 1):
            last = i + n - 1
            if last >= len(self) or (n > 1 and not _INSIDE.fullmatch(self._gap(last - 1))):
                return
            if n == 1 and not self._free[i]:
                continue
            marked = self._cashtag(i) or (n > 1 and ":" in self._gap(i))
            if self._careless or marked or (self._cased[i] and self._cased[last]):
                yield n

    def is_name(self, i: int, n: int, known: Mapping[str, str]) -> bool:
        """Whether these words, which can name an issuer, are written as a name."""
        if n == 1:
            return self._cashtag(i) or self._is_word_a_name(i, known)
        cased = self._capitals and self._cased[i] and self._cased[i + n - 1]
        if not self._careless or cased or ":" in self._gap(i):
            return True
        rare = any(_rare(w) for w in self._folded[i : i + n] if len(w) > 1)
        return rare and not self._determined(i)

    def _is_word_a_name(self, i: int, known: Mapping[str, str]) -> bool:
        word, folded = self._words[i][0], self._folded[i]
        name = _WORD.findall(known[folded].casefold())
        if len(word) < 3 and (name[:1] != [folded] or not _rare(folded)):
            return False  # not "IT" or "AI", which are tickers too
        if len(word) <= LONGEST_TICKER and folded not in name:
            return self._capitals and word.isupper()  # a ticker
        if word[0].isdigit() or len(word) == 1:
            return False
        if set(name) - {folded} - _LEGAL_FORMS and self._in_longer_name(i, known):
            return False
        if self._capitals and self._cased[i] and (not self._opens(i) or not word[1:].islower()):
            return True
        return not self._determined(i) and (self._has_or_acts(i) or _rare(folded))

    def _has_or_acts(self, i: int) -> bool:
        """Whether the words around it speak of one who has or does: "Merck's", "did merck"."""
        behind = self._text[self.end(i) : self.end(i) + 16]
        if behind.startswith(("'s", "’s")) or (self._cased[i] and _ACTS.match(behind)):
            return True
        return self._careless and i > 0 and self._folded[i - 1] in _AUXILIARIES

    def _cashtag(self, i: int) -> bool:
        return self._text[self.start(i) - 1 : self.start(i)] == "$"

    def _in_longer_name(self, i: int, known: Collection[str]) -> bool:
        """Whether a capitalised word that names no issuer stands next to it: "Duke Energy"."""
        if i > 1 and self._gap(i - 1) == " " and not self._opens(i - 1) and self._named(i - 1, known):
            return True
        return i + 1 < len(self) and self._gap(i) in (" ", " & ", "&", "-") and self._named(i + 1, known)

    def _named(self, i: int, known: Collection[str]) -> bool:
        if not (self._capitals and self._free[i]) or self._folded[i] in known:
            return False
        word = self._words[i][0]
        return word[0].isupper() and word[1:].islower() and self._folded[i] not in _LEGAL_FORMS

    def _determined(self, i: int) -> bool:
        return i > 0 and self._folded[i - 1] in _DETERMINERS

    def _opens(self, i: int) -> bool:
        return i == 0 or _behind_break(self._text, self.start(i))


@lru_cache(1024)
def _rare(word: str) -> bool:
    """Whether a word is none that general experience knows."""
    return all(weight >= UNKNOWN for weight in prior_weights(stems(word)).values())
