"""The hits to show from the candidates ranked: neighbours as one, and no copy before its time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from index.sections import FLOWING
from index.store import Store
from index.types import Found, Hit

from .rank import Floats

LONGEST = 1500
"""Code points at most of a hit of several passages: some 250 words, which a reader takes in at a look."""

NEIGHBOURS = 20
"""How far down the ranking a passage may stand to be joined to its better neighbour."""

ALIKE = 0.9
"""The share of words, of the words of both, from which on two texts are copies of each other."""


def joined(
    found: Sequence[Found],
    scores: Floats,
    held: NDArray[np.bool_],
    k: int,
    store: Store,
    longest: int = LONGEST,
    copies_last: bool = True,
) -> list[Hit]:
    """The ``k`` best hits, best first, of ``longest`` code points where they are of several passages.

    A passage takes in the next ones before and behind it in its release that rank well too, so that a
    hit is not cut where the answer goes on and one release does not fill the list. A copy of a better
    hit that holds nothing more of the question (``held``, a row a candidate) goes behind all others.
    """
    order = [int(i) for i in np.argsort(-scores, kind="stable")]
    if copies_last:
        order = _first_of_copies(order, found, held)
    near = {(found[i].hit.release_id, found[i].nth): i for i in order[:NEIGHBOURS] if _flows(found[i])}
    taken: set[int] = set()
    kept: list[list[int]] = []
    copies: list[list[int]] = []
    for i in order:
        if i in taken:
            continue
        if len(kept) == k:
            break
        group = _grown(i, found, near, scores, taken, longest) if _flows(found[i]) else [i]
        taken.update(group)
        better = [j for other in kept[:NEIGHBOURS] for j in other]
        (copies if copies_last and _is_copy(i, better, found, held) else kept).append(group)
    groups = [*kept, *copies][:k]
    texts = store.texts(found[g[0]].hit.release_id for g in groups if len(g) > 1)
    # a copy stands behind hits of a lower score: its own comes down to theirs
    least = np.minimum.accumulate([scores[group[0]] for group in groups])
    return [
        _hit([found[i] for i in group], float(score), texts)
        for group, score in zip(groups, least, strict=True)
    ]


def _first_of_copies(order: Sequence[int], found: Sequence[Found], held: NDArray[np.bool_]) -> list[int]:
    """The order, in which of copies that one release has of a text the first in the text comes first."""
    places = list(order)
    for at, i in enumerate(places[:NEIGHBOURS]):
        for other_at in range(at + 1, min(len(places), NEIGHBOURS)):
            j = places[other_at]
            same = found[i].hit.release_id == found[j].hit.release_id and found[j].nth < found[i].nth
            if same and _is_copy(i, [j], found, held) and _is_copy(j, [i], found, held):
                places[at], places[other_at] = j, i
                break
    return places


def _flows(passage: Found) -> bool:
    return passage.hit.section in FLOWING and passage.hit.carriers == 1


def _grown(
    best: int,
    found: Sequence[Found],
    near: dict[tuple[str, int], int],
    scores: Floats,
    taken: set[int],
    longest: int,
) -> list[int]:
    """The candidate with those joined to it, the better neighbour first, the best first in the list."""
    hit = found[best].hit
    group, start, end = [best], hit.start, hit.end
    low = high = found[best].nth
    while True:
        beside = [near.get((hit.release_id, nth)) for nth in (low - 1, high + 1)]
        fitting = [
            i
            for i in beside
            if i is not None
            and i not in taken
            and max(end, found[i].hit.end) - min(start, found[i].hit.start) <= longest
        ]
        if not fitting:
            return group
        i = max(fitting, key=lambda i: float(scores[i]))
        group.append(i)
        low, high = min(low, found[i].nth), max(high, found[i].nth)
        start, end = min(start, found[i].hit.start), max(end, found[i].hit.end)


def _is_copy(i: int, better: Sequence[int], found: Sequence[Found], held: NDArray[np.bool_]) -> bool:
    own = found[i].codes
    for j in better:
        other = found[j].codes
        if (held[i] <= held[j]).all() and min(len(own), len(other)) > ALIKE * max(len(own), len(other)):
            common = len(np.intersect1d(own, other))
            if common > ALIKE * (len(np.unique(own)) + len(np.unique(other)) - common):
                return True
    return False


def _hit(group: Sequence[Found], score: float, texts: dict[str, str]) -> Hit:
    best = group[0].hit
    if len(group) == 1:
        return replace(best, score=score)
    start, end = min(f.hit.start for f in group), max(f.hit.end for f in group)
    text = texts.get(best.release_id, "")
    if any(text[f.hit.start : f.hit.end] != f.hit.quote for f in group):  # changed since it was found
        return replace(best, score=score)
    return replace(best, start=start, end=end, quote=text[start:end], score=score)
