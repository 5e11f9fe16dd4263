"""Which of the passages found come first: a linear score over what question and passage share.

Everything is worked out for all candidates at once, from the codes of their words that the index holds;
no passage is tokenized or embedded at query time. The weights lie in ``ranker.json``. They were fitted to
questions over real releases by ``python -m evals.fit_ranker``, a few of them within bounds.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from index.marks import MARKS
from index.terms import Codes, codes
from index.types import Found, SectionKind, Vectors

from .asks import asked
from .periods import nearest
from .scope import Scope

Floats = NDArray[np.float64]

NAMES = (
    "cosine",  # of question and passage
    "fused",  # the score of plain fusion
    "bm25",  # by the best of the candidates
    "coverage",  # share of the question's weight that the passage's words carry
    "title",  # the same for the title
    "title_only",  # the same for words of the title that the passage lacks
    "release",  # the same for all candidates of the release and its title
    "coverage_title",  # coverage times title
    "names",  # share of the question's names and figures that passage or title hold
    "names_release",  # the same for all candidates of the release and its title
    "rarest_release",  # whether one of those holds the question's most telling word
    "year",  # the question names a year that neither passage, title nor date has
    "pairs",  # share of the question's neighbouring words that are neighbours here, by weight
    "release_bm25",  # the best of the release's candidates
    "release_cosine",
    "first",  # opens its release
    "position",  # its place in the release, by 10, at most 1
    "length",  # words, by 140, at most 1
    "about",
    "quotation",
    "boilerplate",  # forward-looking, contact, legal, navigation
    "recurring",  # logarithm of the number of releases that carry the text
    "recurring_issuer",  # the same where the question names no more than the issuer
    "number_for_number",  # asked for a number, and holds one
    "money_for_money",
    "percent_for_percent",
    "date_for_date",
    "company",  # by an issuer that the question names
    "other_company",  # by another
    "period",  # how badly its date fits the question's periods
    "latest",  # asked for the latest: how late it is among those by the issuer named, else all
    "earliest",  # asked for the first: how early
    "recent",  # asked for neither and no period: how late
)
STAGES = {
    "titles": ("title", "title_only", "coverage_title"),
    "scope": ("company", "other_company", "period", "latest", "earliest", "recent"),
    "recurrence": ("recurring", "recurring_issuer"),
    "phrases": ("pairs",),
}
"""The features that a stage of retrieval gives."""

K1, B = 1.2, 0.75  # of BM25, the values of Robertson and Zaragoza 2009 and of SQLite
USUAL_LENGTH = 90.0  # words of a passage
_BOILERPLATE: frozenset[SectionKind] = frozenset({"forward-looking", "contact", "legal", "navigation"})


@dataclass(frozen=True, slots=True)
class Phrase:
    """Another way to write some of a question's words: the places of its terms, and words in a row."""

    terms: tuple[int, ...]
    codes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Terms:
    """A question's distinct words: codes, shape (n,); how much each tells; which are in names or figures;
    which are years; which follow one another, as pairs of places; other ways to write them.
    """

    codes: Codes
    weights: Floats
    names: NDArray[np.bool_]
    years: NDArray[np.int64]
    """The year that a word is, else 0."""
    pairs: NDArray[np.int64]
    phrases: tuple[Phrase, ...] = ()


@dataclass(frozen=True, slots=True)
class Shared:
    """What candidates share with a question, a row each: features, and its terms in text or title."""

    features: Floats
    held: NDArray[np.bool_]


@cache
def weights() -> Floats:
    """The fitted weights, in the order of NAMES."""
    fitted = json.loads(files("qa").joinpath("ranker.json").read_text("utf-8"))
    return np.array([fitted["weights"][name] for name in NAMES])


def shared(
    question: str,
    terms: Terms,
    vector: Vectors,
    scope: Scope,
    found: Sequence[Found],
    fused: Mapping[int, float],
) -> Shared:
    """The features of each candidate, shape (len(found), len(NAMES)), in the order of NAMES."""
    if not found:
        return Shared(np.zeros((0, len(NAMES))), np.zeros((0, len(terms.codes)), dtype=bool))
    counts, pairs, lengths = _occurrences([f.codes for f in found], terms)
    title_counts, _, _ = _occurrences([_title(f.hit.title) for f in found], terms)
    here, titled = counts > 0, title_counts > 0
    both = here | titled
    releases = _groups([f.hit.release_id for f in found])
    anywhere = _any(both, releases)
    weights_, total = terms.weights, terms.weights.sum() or 1.0
    coverage, title = here @ weights_ / total, titled @ weights_ / total
    norm = K1 * (1 - B + B * lengths / USUAL_LENGTH)
    bm25 = (counts * (K1 + 1) / (counts + norm[:, None])) @ weights_
    bm25 = bm25 / (bm25.max(initial=0.0) or 1.0)
    cosine = np.stack([f.vector for f in found]) @ vector[0]
    rarest = int(np.argmax(weights_)) if len(weights_) else 0
    section = np.array([f.hit.section for f in found])
    recurring = np.log([max(f.hit.carriers, 1) for f in found])
    nth = np.array([f.nth for f in found])
    asks, marks = asked(question), np.array([f.marks for f in found])
    days = np.array([f.hit.date.toordinal() if f.hit.date else 0 for f in found])
    years = np.array([f.hit.date.year if f.hit.date else 0 for f in found])
    ours = np.array([f.hit.company in scope.companies for f in found])
    late = _late(days, ours)
    undated = not scope.periods and scope.order is None
    pair_weights = weights_[terms.pairs].sum(axis=1) if len(terms.pairs) else np.zeros(0)
    columns = {
        "cosine": cosine,
        "fused": [fused.get(f.text_id, 0.0) for f in found],
        "bm25": bm25,
        "coverage": coverage,
        "title": title,
        "title_only": (titled & ~here) @ weights_ / total,
        "release": anywhere @ weights_ / total,
        "coverage_title": coverage * title,
        "names": _share(both, terms.names),
        "names_release": _share(anywhere, terms.names),
        "rarest_release": anywhere[:, rarest] if len(weights_) else 0.0,
        "year": _lacks_year(both, terms, years),
        "pairs": pairs @ pair_weights / (pair_weights.sum() or 1.0),
        "release_bm25": _best(bm25, releases),
        "release_cosine": _best(cosine, releases),
        "first": nth == 0,
        "position": np.minimum(nth / 10, 1),
        "length": np.minimum(lengths / 140, 1),
        "about": section == "about",
        "quotation": section == "quotation",
        "boilerplate": np.isin(section, list(_BOILERPLATE)),
        "recurring": recurring,
        "recurring_issuer": recurring * ours * float(undated),
        **{f"{mark}_for_{mark}": asks[mark] * ((marks >> i) & 1) for i, mark in enumerate(MARKS)},
        "company": ours,
        "other_company": ~ours & bool(scope.companies),
        "period": [nearest(scope.periods, f.hit.date) for f in found],
        "latest": late * (scope.order == "latest"),
        "earliest": (1 - late) * (days > 0) * (scope.order == "first"),
        "recent": late * undated,
    }  # fmt: skip
    features = np.zeros((len(found), len(NAMES)))
    for i, name in enumerate(NAMES):
        features[:, i] = columns[name]
    return Shared(features, both)


def _occurrences(texts: Sequence[Codes], terms: Terms) -> tuple[Floats, Floats, Floats]:
    """How often each text has each term (texts, terms); which pairs it has; its number of words."""
    n, width = len(texts), len(terms.codes)
    lengths = np.array([len(text) for text in texts])
    owner = np.repeat(np.arange(n), lengths)
    flat = np.concatenate(texts)
    order = np.argsort(terms.codes)
    place = np.searchsorted(terms.codes, flat, sorter=order)
    term = order[np.minimum(place, width - 1)] if width else np.zeros(0, dtype=np.int64)
    term = np.where(terms.codes[term] == flat, term, -1) if width else np.full(len(flat), -1)
    known = term >= 0
    counts = np.bincount(owner[known] * width + term[known], minlength=n * width).reshape(n, width)
    for phrase in terms.phrases:
        starts = np.flatnonzero(flat == phrase.codes[0])
        for step, code in enumerate(phrase.codes[1:], 1):
            starts = starts[starts + step < len(flat)]
            starts = starts[(flat[starts + step] == code) & (owner[starts + step] == owner[starts])]
        for i in phrase.terms:
            np.maximum.at(counts[:, i], owner[starts], 1)
    neighbours = np.zeros((n, len(terms.pairs)))
    if len(flat) > 1:
        beside = owner[1:] == owner[:-1]
        for i, (left, right) in enumerate(terms.pairs):
            neighbours[owner[1:][beside & (term[:-1] == left) & (term[1:] == right)], i] = 1
    return counts.astype(np.float64), neighbours, lengths.astype(np.float64)


@lru_cache(maxsize=10_000)
def _title(title: str) -> Codes:
    return codes(title)


def _groups(names: Sequence[str]) -> NDArray[np.int64]:
    places = {name: i for i, name in enumerate(dict.fromkeys(names))}
    return np.array([places[name] for name in names], dtype=np.int64)


def _any(rows: NDArray[np.bool_], groups: NDArray[np.int64]) -> NDArray[np.bool_]:
    """For each row, what any row of its group has."""
    whole = np.zeros((groups.max(initial=-1) + 1, rows.shape[1]), dtype=bool)
    np.logical_or.at(whole, groups, rows)
    return whole[groups]


def _best(values: Floats, groups: NDArray[np.int64]) -> Floats:
    """For each value, the best of its group."""
    best = np.full(groups.max(initial=-1) + 1, -np.inf)
    np.maximum.at(best, groups, values)
    return best[groups]


def _late(days: NDArray[np.int64], ours: NDArray[np.bool_]) -> Floats:
    """How late each day is, 0 for the first to 1 for the last; ``ours`` are compared among themselves."""
    late = np.zeros(len(days))
    for own in (np.ones_like(ours), ours):
        distinct = np.unique(days[own])
        if len(distinct) > 1:
            late[own] = np.searchsorted(distinct, days[own]) / (len(distinct) - 1)
    return late


def _share(held: NDArray[np.bool_], which: NDArray[np.bool_]) -> Floats | float:
    return held[:, which].mean(axis=1) if which.any() else 1.0


def _lacks_year(held: NDArray[np.bool_], terms: Terms, published: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether a year of the question is neither among the words held nor that of publication."""
    asked_years = np.flatnonzero(terms.years)
    lacks = ~held[:, asked_years] & (terms.years[asked_years] != published[:, None])
    return np.asarray(lacks.any(axis=1))
