"""Where releases of one issuer say the same thing with other figures: a later one may supersede it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

from index.passages import units
from index.terms import stems
from index.types import Elsewhere, Hit

from .dates import dates
from .figures import Figure, figures, same_figure

ALIKE = 0.6
"""The share of words, of the words of both, from which on two sentences are about the same thing."""

COMPARED = 20
NOTED = 3
FEWEST = 6  # words of a sentence that says something

_NAME = re.compile(r"(?<!^)(?<![.!?] )\b[A-Z][\w’'-]*")


@dataclass(frozen=True, slots=True)
class _Statement:
    """A sentence of a hit with a figure in it, and its words that are no figures."""

    hit: Hit
    start: int
    end: int
    words: frozenset[str]

    @property
    def text(self) -> str:
        return self.hit.quote[self.start - self.hit.start : self.end - self.hit.start]


def differing(hits: Sequence[Hit]) -> list[Hit]:
    """The hits, each with where another of them, by its issuer and of another day, differs from it.

    Two sentences differ that use mostly the same words, name the same things, days and periods, and give
    other figures. What one says that another does not is no difference. Only the first COMPARED hits are
    looked at, and NOTED differences of each are given, the latest.
    """
    by_issuer: dict[str, list[Hit]] = {}
    for hit in hits[:COMPARED]:
        if hit.company and hit.date:
            by_issuer.setdefault(hit.company, []).append(hit)
    found: dict[Hit, set[Elsewhere]] = {}
    for own in by_issuer.values():
        if len({hit.date for hit in own}) > 1:
            statements = [statement for hit in own for statement in _statements(hit)]
            for one, other in combinations(statements, 2):
                if _differ(one, other):
                    found.setdefault(one.hit, set()).add(_elsewhere(other, one))
                    found.setdefault(other.hit, set()).add(_elsewhere(one, other))
    return [
        replace(
            hit,
            elsewhere=tuple(
                sorted(found[hit], key=lambda e: (str(e.date), e.release_id, e.start))[-NOTED:]
            ),
        )
        if hit in found
        else hit
        for hit in hits
    ]


def _statements(hit: Hit) -> list[_Statement]:
    found = []
    for start, end in units(hit.quote):
        text = hit.quote[start:end]
        if any(character.isdigit() for character in text):
            words = frozenset(stem for stem in stems(text) if not stem.isdigit())
            if len(words) >= FEWEST:
                found.append(_Statement(hit, hit.start + start, hit.start + end, words))
    return found


def _differ(one: _Statement, other: _Statement) -> bool:
    if one.hit.date == other.hit.date:
        return False
    if len(one.words & other.words) < ALIKE * len(one.words | other.words):
        return False
    (names, when, found), (other_names, other_when, other_found) = map(_facts, (one.text, other.text))
    if names != other_names or when != other_when or not found or not other_found:
        return False
    return not (_are_in(found, other_found) and _are_in(other_found, found))


def _facts(text: str) -> tuple[set[str], set[Any], list[Figure]]:
    """The names in a sentence, the days and periods, and the figures that are neither."""
    named = dates(text)
    rest = text
    for date in reversed(named):
        rest = rest[: date.start] + " " + rest[date.end :]
    when = {(d.year, d.month, d.day, d.quarter, d.half, d.weekday) for d in named}
    return set(_NAME.findall(rest)), when, figures(text, [(d.start, d.end) for d in named])


def _are_in(some: Sequence[Figure], others: Sequence[Figure]) -> bool:
    """Whether each figure is among the others, as it is or as a rounding."""
    return all(any(same_figure(a, b) or same_figure(b, a) for b in others) for a in some)


def _elsewhere(there: _Statement, here: _Statement) -> Elsewhere:
    hit = there.hit
    return Elsewhere(hit.release_id, hit.date, there.start, there.end, there.text, (here.start, here.end))


def notes(hits: Sequence[Hit], spans: Sequence[tuple[str, int, int]]) -> tuple[str, ...]:
    """A clause for each statement of the ``hits`` that differs from what stands in one of the spans.

    A span is a release's id, a start and an end. The latest come first, NOTED at most.
    """

    def cited(release_id: str, first: int, last: int) -> bool:
        return any(id_ == release_id and start < last and first < end for id_, start, end in spans)

    found: dict[str, Elsewhere] = {}
    for hit in differing(hits):
        for other in hit.elsewhere:
            if cited(hit.release_id, *other.here) and not cited(other.release_id, other.start, other.end):
                found.setdefault(" ".join(other.quote.split()), other)
    latest = sorted(found.items(), key=lambda pair: (str(pair[1].date), pair[1].release_id), reverse=True)
    return tuple(
        f"a release of {other.date} gives other figures: “{quote}” ({other.release_id})"
        for quote, other in latest[:NOTED]
    )
