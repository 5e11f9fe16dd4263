"""How much words tell, and other ways to write them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from math import log

PRIOR_TEXTS = 1000
"""How many texts the general experience of how common words are counts for."""

UNKNOWN = 7.0
"""A weight by general experience alone that only words have which it does not know."""


def shares(counts: Mapping[str, int], total: int) -> dict[str, float]:
    """The share of texts that hold each term, 0 to 1, from ``counts`` in ``total`` texts.

    The counts are joined by those of PRIOR_TEXTS imagined texts that hold words as often as releases
    do (``prior.json``, by ``python -m evals.fit_prior``): in a handful of releases "what" may be rare
    and the subject everywhere.
    """
    prior = _prior()
    return {
        term: (count + PRIOR_TEXTS * prior.get(term, 0.0)) / (total + PRIOR_TEXTS)
        for term, count in counts.items()
    }


def weights(counts: Mapping[str, int], total: int) -> dict[str, float]:
    """How much each term tells, at least 0.01: the logarithm of 1 over its share of the texts.

    The inverse document frequency of Spaerck Jones (1972), with half a text added to the count.
    """
    least = 0.5 / (total + PRIOR_TEXTS)
    return {term: max(-log(share + least), 0.01) for term, share in shares(counts, total).items()}


@cache
def _prior() -> dict[str, float]:
    values: dict[str, float] = json.loads(files("qa").joinpath("prior.json").read_text("utf-8"))
    return values


def prior_weights(terms: Iterable[str]) -> dict[str, float]:
    """How much each term tells by general experience alone, for texts that no index counts."""
    return weights(dict.fromkeys(terms, 0), 0)
