"""From a question to the passages that may answer it: words and meaning, searched and fused."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import Lock

from index.errors import FilterError
from index.store import Store
from index.sync import current_vectors
from index.types import Embedder, Filters, Hit, Vectors

from .settings import Retrieval
from .terms import UNKNOWN, code_variants, prior_weights, shares, stems, weights, words
from .types import Turn

COMMON = 0.2
"""A word in more than this share of the texts is left out of the lexical search: it would match
most of the index, cost most of the time and move no score."""

RANK_OFFSET = 10
"""Added to a rank before it is inverted; of 5 to 60, 10 served every corpus tried."""

LONGEST_TURN = 2000  # code points of the question before
CONTEXT = 200  # code points of the answer before, which names what a follow-up is about
_POINTS_BACK = re.compile(
    r"^\W*(?:and|but|or|so|then|also|(?:what|how) about)\b"
    r"|\b(?:it|its|they|them|their|he|him|his|she|her|hers|these|those|this|there|the same)\b",
    re.IGNORECASE,
)
_NAMES = re.compile(r"\b(?:[A-Z]|\w*\d)")
_COMPOUND = re.compile(r"\w+-\w+")


@dataclass(frozen=True, slots=True)
class Query:
    """A question made ready: as asked; and, of it with what it refers to, the words to search for (an
    FTS5 expression), the weights of its terms, its vector.
    """

    text: str
    words: str
    weights: Mapping[str, float]
    vector: Vectors


class Retriever:
    """Searches a store; sees what other processes add to it. Safe to use from several threads."""

    def __init__(self, store: Store, embedder: Embedder, settings: Retrieval) -> None:
        self._store = store
        self._embedder = embedder
        self._settings = settings
        self._lock = Lock()
        self._vectors = current_vectors(store)

    def query(self, question: str, history: Sequence[Turn] = ()) -> Query:
        """The question with what it takes from the turns before, ready to search and to read."""
        context = in_context(question, history)
        asked = dict.fromkeys(stems(context), 0)
        counts, total = asked | self._store.term_counts(asked), self._store.text_count()
        return Query(
            question,
            fts(context, shares(counts, total)),
            weights(counts, total),
            self._embedder.embed_query(context),
        )

    def search(self, query: Query, k: int, filters: Filters) -> list[Hit]:
        """The ``k`` best passages, best first; the score is 0 to 1, comparable within one search.

        Filters hold inside both searches. Raises FilterError where they select nothing for a reason
        that the user can mend.
        """
        check(filters, self._store)
        n = max(self._settings.candidates, k)
        while True:
            with self._lock:
                index, state = self._vectors = current_vectors(self._store, self._vectors)
            with self._store.snapshot():
                if self._store.state != state:
                    continue  # changed in between: vectors and rows must be of one state
                among = self._store.text_ids(filters) if filters else None
                lexical = dict(self._store.match(query.words, n, filters))
                dense = dict(index.search(query.vector, n, among))
                return self._store.hits(fuse(lexical, dense), filters)[:k]


def fts(text: str, share: Mapping[str, float]) -> str:
    """An FTS5 expression for any of the words of ``text`` that are not too common, each quoted.

    ``share`` holds the share of texts, 0 to 1, that have the stem of each word.
    """
    tokens = list(dict.fromkeys(words(text)))
    rare = [token for token in tokens if share[stems(token)[0]] <= COMMON] or tokens
    phrases = [f'"{token}"' for token in rare]
    return " OR ".join(dict.fromkeys([*phrases, *code_variants(text)])) or '""'


def in_context(question: str, history: Sequence[Turn]) -> str:
    """The question; for a follow-up, with the turn before it, whose names it leaves out.

    A follow-up opens like one ("And ...", "What about ..."), or points back ("it", "they"), or names
    nothing of its own: no capitalised word behind the first, no figure, no compound that is rare in
    general ("satri-cel") and not from the turn before.
    """
    if not history:
        return question
    last = history[-1]
    compounds = stems(" ".join(_COMPOUND.findall(question)))
    before = {*stems(last.question[:LONGEST_TURN]), *stems(last.answer[:LONGEST_TURN])}
    names = _NAMES.search(question.strip(), 1) or any(
        weight >= UNKNOWN and term not in before for term, weight in prior_weights(compounds).items()
    )
    if names and not _POINTS_BACK.search(question):
        return question
    return f"{question} {last.question[:LONGEST_TURN]} {last.answer[:CONTEXT]}"


def fuse(*searches: Mapping[int, float]) -> dict[int, float]:
    """One score, 0 to 1, from the scores of several searches of the same texts.

    The mean of two fusions, each scaled to a best of 1: of the scores, each search's divided by its
    best (a text that a search did not return has there the least that it did return), and of the
    reciprocal ranks (Cormack, Clarke and Buettcher 2009). Scores keep how much better a text is,
    ranks do not let one search's outlier decide; together they held on all corpora tried.
    """
    searches = tuple(scores for scores in searches if scores)
    keys = set().union(*searches) if searches else set()
    by_score = dict.fromkeys(keys, 0.0)
    by_rank = dict.fromkeys(keys, 0.0)
    for scores in searches:
        best, least = max(scores.values()), min(scores.values())
        for key in keys:
            by_score[key] += max(scores.get(key, least), 0.0) / (best if best > 0 else 1.0)
        for rank, key in enumerate(sorted(scores, key=lambda key: -scores[key]), 1):
            by_rank[key] += 1 / (RANK_OFFSET + rank)
    tops = [max(part.values(), default=1.0) or 1.0 for part in (by_score, by_rank)]
    return {key: (by_score[key] / tops[0] + by_rank[key] / tops[1]) / 2 for key in keys}


def check(filters: Filters, store: Store) -> None:
    """Raises FilterError for dates in the wrong order and for an issuer that the index lacks."""
    if filters.since and filters.until and filters.since > filters.until:
        raise FilterError(f"since {filters.since} is after until {filters.until}; swap them")
    if filters.since and filters.as_of and filters.since > filters.as_of:
        raise FilterError(f"since {filters.since} is after as-of {filters.as_of}; nothing can match")
    if filters.company is not None and not store.has_company(filters.company):
        names = [name for name, _ in store.companies()]
        near = difflib.get_close_matches(filters.company, names, 3, 0.5)
        hint = f"nearest: {', '.join(near)}" if near else "`releaseqa status` lists issuers"
        raise FilterError(f"no release here is by {filters.company!r}; {hint}")
