"""A question made ready for search: its words and what they tell, other names, scope, vector."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from index.aliases import key
from index.terms import code, codes, stems, words
from index.types import NamePair, Vectors

from .dates import dates
from .periods import periods
from .rank import Phrase, Terms
from .scope import Scope, years_away
from .terms import UNKNOWN, prior_weights, shares, weights
from .types import Turn

COMMON = 0.2
"""A word in more than this share of the texts is left out of the lexical search: it would match
most of the index, cost most of the time and move no score."""

POSTINGS = 3_000
"""Texts that the words searched for may match together; the most telling words come first, FEWEST at
least. It bounds the time of a search in a large index; the score counts all words of the candidates."""

FEWEST = 3

BEFORE = 0.5
"""How much a word of the turn before tells against one of the question itself."""

LONGEST_TURN = 2000  # code points of the question before
CONTEXT = 200  # code points of the answer before, which names what a follow-up is about
BRIEF = 8  # words of a question that, with no name but a year, goes on from the one before
LONGEST_NAME = 6  # words
MOST_NAMES = 3
"""A name that stands for more things than this is too ambiguous to search for them."""

_FOLLOWS = re.compile(r"\W*(?:and|but|or|so|then|also|(?:what|how) about)\b", re.IGNORECASE)
_POINTS_BACK = re.compile(
    r"\b(?:its|they|them|their|he|him|his|she|her|hers|those|the same|(?-i:[iI]t)"
    r"|this(?!\s+(?:year|quarter|month|week|morning|afternoon)\b)|these(?!\s+days\b)"
    r"|(?<!\bis )(?<!\bare )(?<!\bwas )(?<!\bwere )(?<!\bha[sd] )(?<!\bhave )(?<!\bwill )there)\b"
    r"|\b(?:do|does|did|is|was|with|to|than|about|from|for|of|at|in)\s+that\b(?=\s*[?.,;]|\s+compar)",
    re.IGNORECASE,
)
_ASKS = re.compile(
    r"\W*(?:how|what|when|where|which|who|whose|why|is|are|was|were|do|does|did|has|have|had|can|will|in|for"
    r"|by|at|on)\b",
    re.IGNORECASE,
)
_OUTSIDERS = frozenset(
    "fda ema mhra pmda cms nih cdc epa sec doj ftc fcc irs nasdaq nyse moody moody's fitch s&p congress"
    " senate judge senator president chairman chairwoman dr mr ms mrs".split()
)
_TITLE = re.compile(
    r"\b(?:C[EFOTM]O|[Pp]resident|[Cc]hair\w*|[Jj]udge|[Ss]enator|Dr\.?|Mr\.?|Ms\.?)\s+(?:\w+\s+)?$"
)
_THE_ONE = re.compile(r"\bthe (?:company|firm|drug|product|deal|trial|study|case|plant)\b", re.IGNORECASE)
_POSSESSIVES = frozenset(["its", "their", "his", "her"])
_CLAUSE = re.compile(
    r"[,;:]|\b(?:and|but|or|when|where|why|how|what|which|who|that|because|if|whether|after|before|since"
    r"|while|as)\b",
    re.IGNORECASE,
)
_COMPOUND = re.compile(r"\w+-\w+")
_OWN_NAMES = re.compile(r"(?<=\s)[A-Z][\w-]*|\w*\d[\w-]*")
_NAME_WORDS = re.compile(
    r"(?<=\s)[\"'“‘(]*((?!I\b)[A-Z][\w'’&-]*|[a-z]+[A-Z][\w'’&-]*|\w*\d[\w-]*[A-Za-z][\w-]*|\w*[A-Za-z][\w-]*\d[\w-]*)"
)
_NO_NAME = re.compile(r"[QqHh][1-4]|[1-4][QqHh]|FY\w+|\d[\d.,]*[a-z]{1,3}")  # periods and quantities
SHORT_FORMS = frozenset(
    "ceo cfo coo cto cmo cso cio cro cpo chro evp svp vp hr it ai pr ir r&d m&a q&a eps ebit ebitda gaap "
    "ifrs ipo capex opex roi roe yoy qoq ytd esg gdp vat kpi usd eur gbp us usa uk eu un uae".split()
)
"""Short forms that a release may spell out or do without."""

FAR = dt.date(2200, 1, 1)  # a day after every year that is asked about
YEAR = re.compile(r"\b(?:19|20)\d\d\b")
_CODE = re.compile(r"(?:[A-Za-z]+-?\d+|\d+-?[A-Za-z]+)", re.ASCII)
_SPOKEN = re.compile(r"[^\s,;:?!()\"“”]+")


@dataclass(frozen=True, slots=True)
class Query:
    """A question, as asked; and, of it with what it refers to: the words to search for (an FTS5
    expression), the weights of its stems, its terms for ranking, its vector; its scope; and what the
    reader is asked (a follow-up with the question before it). Of the names and ``years`` in the question,
    ``named`` in number and without those that are taken back, no text of the index has those in
    ``unknown``.
    """

    text: str
    words: str
    weights: Mapping[str, float]
    terms: Terms
    vector: Vectors
    scope: Scope
    asked: str
    named: int = 0
    unknown: tuple[str, ...] = ()
    years: tuple[str, ...] = ()

    @property
    def hopeless(self) -> bool:
        """Whether the index never saw a year that is asked about, or any of the names."""
        return bool(self.unknown) and (
            len(self.unknown) >= self.named or any(map(YEAR.fullmatch, self.unknown))
        )


def in_context(question: str, history: Sequence[Turn]) -> str:
    """The question; for a follow-up, with the turn before it, whose names it leaves out.

    A follow-up opens like one ("And ...", "What about ..."), or points back ("it", "they") to what it
    does not name itself before, or names nothing of its own: no name (``name_words``), no compound that
    is rare in general ("satri-cel") and not from the turn before, and no year, unless it is ``BRIEF``
    or speaks of "the company".
    """
    if not history:
        return question
    last = history[-1]
    compounds = stems(" ".join(_COMPOUND.findall(question)))
    known = {*stems(last.question[:LONGEST_TURN]), *stems(last.answer[:LONGEST_TURN])}
    named = [name for name in name_words(question) if not YEAR.fullmatch(name)]
    brief = _ASKS.match(question) and question[:1].isupper() and len(question.split()) <= BRIEF
    own = named or any(
        weight >= UNKNOWN and term not in known for term, weight in prior_weights(compounds).items()
    )
    own = own or bool(YEAR.search(question) and not brief and not _THE_ONE.search(question))
    if own and not _FOLLOWS.match(question) and not _points_back(question, named):
        return question
    before = last.question[:LONGEST_TURN]
    if years := years_away(question):  # what was answered then is not asked now
        return f"{question} {YEAR.sub(lambda year: str(int(year[0]) + years), before)}"
    return f"{question} {before} {last.answer[:CONTEXT]}"


def _points_back(question: str, named: Sequence[str]) -> bool:
    """Whether a word stands for something that is not named before it: "its" in the same clause, others
    in one before ("What did Birch pay for it?" does not). No regulator and no officer is what is meant.
    """
    first = min(
        (question.find(name) for name in named if _is_meant(name, question)), default=len(question)
    )
    return any(
        m.start() < first
        or not (m[0].lower() in _POSSESSIVES or _CLAUSE.search(question, first, m.start()))
        for m in _POINTS_BACK.finditer(question)
    )


def _is_meant(name: str, question: str) -> bool:
    return name.casefold() not in _OUTSIDERS and not _TITLE.search(question[: question.find(name)])


def telling(question: str, counts: Mapping[str, int], total: int) -> dict[str, float]:
    """How much each stem of ``counts`` tells; less for those that the question itself does not have."""
    own = set(stems(question))
    told = weights(counts, total)
    return {term: weight if term in own else BEFORE * weight for term, weight in told.items()}


def own_names(text: str) -> set[str]:
    """The stems of the names and figures in ``text``: capitalised words behind the first, and digits."""
    return set(stems(" ".join(_OWN_NAMES.findall(text))))


def without_possessive(name: str) -> str:
    """``Merck`` for "Merck's" and "Merck'"."""
    return re.sub(r"[’']s?$", "", name)


def name_words(question: str) -> list[str]:
    """The words of the question that are or hold a name, each once: capitalised behind the first, or with
    a digit among letters; possessives without their "s"; no words of dates and periods, nor short forms
    such as CEO. And the years that are asked about, but no ends of longer or open periods, nor fiscal
    years that two of the calendar hold.
    """
    timed = periods(question, FAR)
    taken = [(one.start, one.end) for one in timed]
    taken += [(d.start, d.end) for d in dates(question) if d.month or d.weekday or d.quarter or d.half]
    found = (
        without_possessive(m[1])
        for m in _NAME_WORDS.finditer(question)
        if all(m.end(1) <= start or end <= m.start(1) for start, end in taken)
    )
    named = (n for n in found if n.casefold() not in SHORT_FORMS and not _NO_NAME.fullmatch(n))
    closed = (one for one in timed if one.period.first.year == one.period.last.year)
    years = (year for one in closed for year in YEAR.findall(question[one.start : one.end]))
    return list(dict.fromkeys([*named, *years]))


def unknown(found: Iterable[str], counts: Mapping[str, int]) -> tuple[str, ...]:
    """Those of the names ``found`` that no text has in any spelling, by the counts of their stems."""
    out = []
    for name in found:
        spelled = [name, *(other for _, other in spellings(name))]
        rows = [stems(one) for one in spelled]
        if rows[0] and not any(all(counts.get(stem, 0) for stem in row) for row in rows):
            out.append(name)
    return tuple(out)


def terms(context: str, told: Mapping[str, float], phrases: Iterable[tuple[str, str]]) -> Terms:
    """The question's words for ranking; ``phrases`` are names in it, each with another for the same."""
    places = {stem: i for i, stem in enumerate(told)}
    row = stems(context)
    names = own_names(context)
    pairs = dict.fromkeys((places[a], places[b]) for a, b in pairwise(row) if a != b)
    return Terms(
        np.array([code(stem) for stem in places], dtype=np.uint32),
        np.array(list(told.values()), dtype=np.float64),
        np.array([stem in names for stem in places], dtype=bool),
        np.array([int(s) if YEAR.fullmatch(s) else 0 for s in places], dtype=np.int64),
        np.array(list(pairs), dtype=np.int64).reshape(-1, 2),
        tuple(_phrases(places, phrases)),
    )


def _phrases(places: Mapping[str, int], phrases: Iterable[tuple[str, str]]) -> Iterator[Phrase]:
    for name, other in phrases:
        meant = tuple(places[stem] for stem in stems(name) if stem in places)
        row = tuple(int(code) for code in codes(other))
        if meant and row:
            yield Phrase(meant, row)


def spellings(text: str) -> Iterator[tuple[str, str]]:
    """Code names in ``text``, each with other ways to write it: ``CT041``, ``CT-041``, ``CT 041``."""
    for match in _CODE.finditer(text):
        parts = re.findall(r"[A-Za-z]+|\d+", match[0])
        yield match[0], " ".join(parts)
        yield match[0], "".join(parts)


def names(question: str) -> dict[str, str]:
    """What may be a name in the question, by its key: rows of words, possessives without their "s"."""
    spoken = [without_possessive(m[0]).strip(".-") for m in _SPOKEN.finditer(question)]
    ordinary = prior_weights(stems(question))
    found = {}
    for size in range(1, LONGEST_NAME + 1):
        for i in range(len(spoken) - size + 1):
            name = " ".join(spoken[i : i + size])
            if name and (size > 1 or name[1:] != name[1:].lower() or _is_rare(name, ordinary)):
                found[key(name)] = name
    return found


def _is_rare(name: str, weights: Mapping[str, float]) -> bool:
    return all(weights.get(stem, 0.0) >= UNKNOWN for stem in stems(name))


def other_names(
    question: str, pairs: Sequence[NamePair], found: Mapping[str, str]
) -> list[tuple[str, str]]:
    """Names in the question (``found``), each with another for the same, of the index's ``pairs``."""
    others: dict[str, list[str]] = {}
    own = set(stems(question))
    for pair in pairs:
        for one, other in ((pair.name, pair.of), (pair.of, pair.name)):
            name = found.get(key(one))
            if name and not other.isdigit() and not set(stems(other)) <= own:
                others.setdefault(name, []).append(other)
    return [(name, other) for name, all_ in others.items() if len(all_) <= MOST_NAMES for other in all_]


def fts(
    context: str, counts: Mapping[str, int], total: int, phrases: Sequence[tuple[str, str]] = ()
) -> str:
    """An FTS5 expression for any of the telling words of ``context`` and of its ``phrases``, each quoted.

    ``counts`` holds the number of texts, of ``total``, that have each stem.
    """
    share = shares(counts, total)
    tokens = list(dict.fromkeys(zip(stems(context), words(context), strict=True)))
    rare = sorted(
        (counts[stem], i, token) for i, (stem, token) in enumerate(tokens) if share[stem] <= COMMON
    )
    rare = rare or [(counts[stem], i, token) for i, (stem, token) in enumerate(tokens)]
    kept: list[tuple[int, str]] = []
    matched = 0
    for count, i, token in rare:
        matched += count
        if matched <= POSTINGS or len(kept) < FEWEST:
            kept.append((i, f'"{token}"'))
    quoted = [token for _, token in sorted(kept)]
    others = ['"' + " ".join(words(other)) + '"' for _, other in phrases if words(other)]
    return " OR ".join(dict.fromkeys([*quoted, *others])) or '""'
