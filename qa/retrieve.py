"""From a question to the passages that may answer it: words and meaning, searched, fused and ranked."""

from __future__ import annotations

import datetime as dt
import difflib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from threading import Lock

import numpy as np

from index.errors import FilterError
from index.store import Store
from index.sync import current_vectors
from index.terms import stems
from index.types import Embedder, Filters, Found, Hit, Reranker, Wanted

from . import rank
from .joined import LONGEST, joined
from .periods import INSIDE, nearest
from .query import (
    LONGEST_TURN,
    YEAR,
    Query,
    fts,
    in_context,
    name_words,
    names,
    other_names,
    spellings,
    telling,
    terms,
    unknown,
)  # fmt: skip
from .scope import Issuers, Scope, years_away
from .scope import read as read_scope
from .settings import Retrieval
from .types import Turn

RANK_OFFSET = 10
"""Added to a rank before it is inverted; of 5 to 60, 10 served every corpus tried."""

WHOLE = 4
"""So many of the best texts bring the others of their release: the one that answers may use none of the
question's words, and stand beside those that do."""

FUSED = rank.NAMES.index("fused")

SHORTEST_PART, ENDING = 5, 3
"""Letters that a part of a word has to have to be taken for it, and that may follow it."""

EARLIEST, LATEST = dt.date(1900, 1, 1), dt.date(2200, 1, 1)  # as "last year" is read on a day

MOST_COUNTS = 50_000
"""Counts of words that are kept: the common words of questions take longest to count."""


class Retriever:
    """Searches a store; sees what other processes add to it. Safe to use from several threads."""

    def __init__(
        self,
        store: Store,
        embedder: Embedder,
        settings: Retrieval,
        reranker: Reranker | None = None,
    ) -> None:
        self._store = store
        self._embedder = embedder
        self._settings = settings
        self._reranker = reranker if "reranker" not in settings.off else None
        self._lock = Lock()
        self._vectors = current_vectors(store)
        self._counted: tuple[str, dict[str, int], int] = ("", {}, 0)
        self._issuers: tuple[str, dict[str, list[tuple[str, dt.date | None]]]] = ("", {})

    def query(
        self,
        question: str,
        history: Sequence[Turn] = (),
        filters: Filters = Filters(),  # noqa: B008 (frozen)
        ignore: Collection[str] = (),
    ) -> Query:
        """The question with what it takes from the turns before, ready to search and to read.

        ``ignore`` holds labels of what it says about scope that the user takes back.
        """
        context = in_context(question, history)
        said = self.scope(question, history, filters)
        rest = said.rest(question, ignore)
        own = name_words(rest)
        known = [stem for name in own for _, other in spellings(name) for stem in stems(other)]
        counted, total = self._counts([*stems(context), *known])
        counts = {stem: counted[stem] for stem in stems(context)}
        told = telling(question, counts, total)
        phrases = list(spellings(context))
        if self._on("aliases") and (asked := names(context)):
            phrases += other_names(context, self._store.aliases(asked, filters), asked)
        return Query(
            question,
            fts(context, counts, total, phrases),
            told,
            terms(context, told, phrases),
            self._embedder.embed_query(context),
            said.without(ignore),
            question if context == question else f"{history[-1].question[:LONGEST_TURN]} {question}",
            len(own),
            self._unseen(unknown(own, counted)),
            tuple(YEAR.findall(rest)),
        )

    def search(
        self, query: Query, k: int, filters: Filters, longest: int = LONGEST, again: bool = True
    ) -> list[Hit]:
        """The ``k`` best passages, best first; the best has score 1, a score is the odds against it.

        Neighbouring passages are one hit, of ``longest`` code points at most (0: each is its own, as one
        that is read is better found). Filters hold inside both searches. Raises FilterError where they
        select nothing for a reason that the user can mend.
        """
        check(filters, self._store)
        found, shared = self.candidates(query, filters, max(self._settings.candidates, k))
        if not found:
            return []
        scores = self._scores(shared.features)
        if self._reranker and again:
            scores = self._looked_at_again(query, found, scores, self._reranker)
        diverse, longest = self._on("diversity"), longest if self._on("neighbours") else 0
        hits = joined(found, scores, shared.held, k, self._store, longest, diverse)
        return spread(hits, query.scope) if diverse else hits

    def candidates(self, query: Query, filters: Filters, n: int) -> tuple[list[Found], rank.Shared]:
        """What the two searches find, ``n`` texts each, and what it shares with the question."""
        while True:
            with self._lock:
                index, state = self._vectors = current_vectors(self._store, self._vectors)
            with self._store.snapshot():
                if self._store.state != state:
                    continue  # changed in between: vectors and rows must be of one state
                among = self._store.text_ids(filters) if filters else None
                lexical = dict(self._store.match(query.words, n, filters)) if self._on("lexical") else {}
                dense = dict(index.search(query.vector, n, among)) if self._on("dense") else {}
                fused = fuse(lexical, dense)
                best = sorted(fused, key=lambda text: -fused[text])[:WHOLE]
                found = self._store.found(fused, filters, wanted(query.scope), best)
            shared = rank.shared(query.text, query.terms, query.vector, query.scope, found, fused)
            for stage, columns in rank.STAGES.items():
                if not self._on(stage):
                    shared.features[:, [rank.NAMES.index(column) for column in columns]] = 0
            return found, shared

    def _scores(self, features: rank.Floats) -> rank.Floats:
        """The odds of each candidate against the best, 0 to 1."""
        learned = all(map(self._on, ("weights", "lexical", "dense")))
        logits = features @ rank.weights() if learned else np.log(np.maximum(features[:, FUSED], 1e-9))
        return np.asarray(np.exp(logits - logits.max()))

    def _looked_at_again(
        self, query: Query, found: Sequence[Found], scores: rank.Floats, reranker: Reranker
    ) -> rank.Floats:
        """The same scores, those of the best candidates in the order that the reranker gives them."""
        best = np.argsort(-scores, kind="stable")[: self._settings.reranked]
        hits = [replace(found[i].hit, score=float(scores[i])) for i in best]
        again = reranker.scores(query.asked, hits)
        out = scores.copy()
        out[best[np.argsort(-again, kind="stable")]] = scores[best]
        return out

    def _unseen(self, names: Sequence[str]) -> tuple[str, ...]:
        """The names, without years that a release is dated in and parts of words that the index has.

        "Glaxo" is known where GlaxoSmithKline is, "Californian" where California is.
        """

        def seen(name: str) -> bool:
            if name.isdecimal():
                first, last = self._store.days()
                return bool(first and last and first.year <= int(name) <= last.year)
            stem = "".join(stems(name))
            if len(stem) < SHORTEST_PART:
                return False
            starts = [stem[:n] for n in range(max(SHORTEST_PART, len(stem) - ENDING), len(stem))]
            return self._store.begins(stem) or bool(self._store.term_counts(starts))

        return tuple(name for name in names if not seen(name))

    def _counts(self, asked: Sequence[str]) -> tuple[dict[str, int], int]:
        """In how many texts each of these stems is, and of how many; counted once for a state."""
        state, (of, held, total) = self._store.state, self._counted
        if of != state or len(held) > MOST_COUNTS:
            held, total = {}, self._store.text_count()
            self._counted = state, held, total
        new = [stem for stem in dict.fromkeys(asked) if stem not in held]
        held |= dict.fromkeys(new, 0) | self._store.term_counts(new)
        return {stem: held[stem] for stem in asked}, total

    def scope(self, question: str, history: Sequence[Turn], filters: Filters) -> Scope:
        """What the question says about the releases meant; for a follow-up, with the turn before."""
        if not self._on("scope"):
            return Scope()
        today = min(max(filters.as_of or dt.date.today(), EARLIEST), LATEST)
        issuers = self._issuers_named(filters)
        said = read_scope(question, issuers, today)
        if in_context(question, history) == question:
            return said
        last = history[-1]
        before = read_scope(last.question[:LONGEST_TURN], issuers, today).without(last.ignore)
        years = {day.year for one in before.periods[-1:] for day in (one.first, one.last)}
        if len(years) == 1 and not said.periods:  # "And in Q2?" is of the same year
            said = read_scope(question, issuers, today, years.pop() + years_away(question))
        return said.following(before, question)

    def _issuers_named(self, filters: Filters) -> Issuers:
        state = self._store.state
        if self._issuers[0] != state:
            known: dict[str, list[tuple[str, dt.date | None]]] = {}
            for name, issuer, day in self._store.issuers():
                known.setdefault(name, []).append((issuer, day))
            self._issuers = state, known
        issuers, as_of = self._issuers[1], filters.as_of

        def named(names: Sequence[str]) -> Mapping[str, str]:
            found: dict[str, str] = {}
            for name in names:
                for issuer, day in issuers.get(name, ()):
                    if as_of is None or (day is not None and day <= as_of):
                        found.setdefault(name, issuer)
            return found

        return named

    def _on(self, stage: str) -> bool:
        return stage not in self._settings.off


def spread(hits: Sequence[Hit], said: Scope) -> list[Hit]:
    """The hits; behind the best, where the question names several companies, else several periods, the
    best of each.
    """
    first: dict[int, None] = dict.fromkeys(range(min(1, len(hits))))
    if len(said.companies) > 1:
        for company in said.companies:
            of = (i for i, hit in enumerate(hits) if hit.company == company)
            first |= dict.fromkeys(islice(of, 1))
    elif len(said.periods) > 1:
        for period in said.periods:
            of = (i for i, hit in enumerate(hits) if nearest([period], hit.date) < INSIDE)
            first |= dict.fromkeys(islice(of, 1))
    order = [*sorted(first), *(i for i in range(len(hits)) if i not in first)]
    return [hits[i] for i in order]


def wanted(said: Scope) -> Wanted:
    """Which of the releases that carry one text is meant."""
    periods = said.periods
    return Wanted(
        said.companies,
        min(p.first for p in periods) if periods else None,
        max(p.last for p in periods) if periods else None,
        said.order == "first",
    )


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
        for place, key in enumerate(sorted(scores, key=lambda key: -scores[key]), 1):
            by_rank[key] += 1 / (RANK_OFFSET + place)
    tops = [max(part.values(), default=1.0) or 1.0 for part in (by_score, by_rank)]
    return {key: (by_score[key] / tops[0] + by_rank[key] / tops[1]) / 2 for key in keys}


def check(filters: Filters, store: Store) -> None:
    """Raises FilterError for dates in the wrong order and for an issuer that the index lacks."""
    if filters.since and filters.until and filters.since > filters.until:
        raise FilterError(f"since {filters.since} is after until {filters.until}; swap them")
    if filters.since and filters.as_of and filters.since > filters.as_of:
        raise FilterError(f"since {filters.since} is after as-of {filters.as_of}; nothing can match")
    if filters.company is not None and not store.has_company(filters.company, filters.as_of):
        names = [] if filters.as_of else [name for name, _ in store.companies()]
        near = difflib.get_close_matches(filters.company, names, 3, 0.5)
        hint = f"nearest: {', '.join(near)}" if near else "`releaseqa status` lists issuers"
        raise FilterError(f"no release here is by {filters.company!r}; {hint}")
