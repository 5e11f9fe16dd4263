"""The nouns of the index. Imports nothing of ours."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
"""Shape (n, dimension), rows of unit length."""

SectionKind = Literal[
    "headline",
    "body",
    "quotation",
    "about",
    "forward-looking",
    "contact",
    "legal",
    "table",
    "navigation",
]


@dataclass(frozen=True, slots=True)
class Release:
    """One press release: its text, verbatim, and what is known about it.

    ``text`` is the canonical text: every offset in the project counts its code points, from 0,
    ends exclusive. ``company`` is the issuer, ``tickers`` read like ``NASDAQ: TNXP``, ``place`` is
    the city of the dateline, ``wire`` the service that distributed it. ``extra`` holds the fields
    of the record that have no name here.
    """

    id: str
    text: str
    title: str
    date: dt.date | None = None
    company: str | None = None
    tickers: tuple[str, ...] = ()
    place: str | None = None
    wire: str | None = None
    url: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Problem:
    """A record that could not be read: where it is, why, and what to do about it."""

    file: str
    line: int | None
    reason: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.reason}" if self.line else f"{self.file}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Section:
    """A run of a release's text that has one purpose: ``text[start:end]``.

    ``speaker`` is the name, as printed, of whom a quotation quotes, where the text tells it.
    """

    kind: SectionKind
    start: int
    end: int
    speaker: str | None = None


@dataclass(frozen=True, slots=True)
class Passage:
    """What is searched: some whole sentences of one section, ``release.text[start:end] == text``."""

    start: int
    end: int
    text: str
    section: SectionKind = "body"


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A sentence of another release, ``text[start:end]``, that gives other figures for the same as the
    sentence ``here`` (start, end) of the hit's own.
    """

    release_id: str
    date: dt.date | None
    start: int
    end: int
    quote: str
    here: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that a search returned; ``score`` is higher for a better match, without a unit.

    ``carriers`` releases within the search's filters hold the same text, the first of ``first_seen`` and
    the last of ``last_seen``. ``elsewhere`` holds what other hits of the same issuer and of other days
    state otherwise, the earliest first.
    """

    release_id: str
    start: int
    end: int
    score: float
    title: str
    date: dt.date | None
    quote: str
    company: str | None = None
    section: SectionKind = "body"
    carriers: int = 1
    first_seen: dt.date | None = None
    last_seen: dt.date | None = None
    elsewhere: tuple[Elsewhere, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """A text that a search found, as it is ranked: the passage chosen of those that carry it, its place
    among its release's passages (from 0), the codes of its words, its marks and its vector.
    """

    text_id: int
    hit: Hit
    nth: int
    codes: NDArray[np.uint32]
    marks: int
    vector: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which of the releases that carry a text is preferred: by these issuers, of these days."""

    companies: tuple[str, ...] = ()
    first: dt.date | None = None
    last: dt.date | None = None
    oldest: bool = False


@dataclass(frozen=True, slots=True)
class NamePair:
    """Two names of one thing, the number of releases that say so, and where the newest of them does."""

    name: str
    of: str
    kind: str
    count: int
    release_id: str
    start: int
    end: int
    date: dt.date | None
    title: str


@dataclass(frozen=True, slots=True)
class Filters:
    """Which releases may be searched; None leaves a limit out.

    ``company`` matches whole words of the issuer's name or its ticker, case folded; ``since`` and
    ``until`` are inclusive publication dates. ``as_of`` is the day on which the question is asked:
    nothing published later is seen, nor anything without a date.
    """

    company: str | None = None
    since: dt.date | None = None
    until: dt.date | None = None
    as_of: dt.date | None = None

    def __bool__(self) -> bool:
        return any(v is not None for v in (self.company, self.since, self.until, self.as_of))


class Embedder(Protocol):
    """Turns texts into unit vectors.

    ``name`` and ``fingerprint`` identify the model in a store, ``number_type`` what it computes with.
    """

    @property
    def name(self) -> str: ...

    @property
    def number_type(self) -> str: ...

    @property
    def fingerprint(self) -> str: ...

    @property
    def dimension(self) -> int: ...

    def embed_passages(
        self, texts: Sequence[str], advance: Callable[[int], None] | None = None
    ) -> Vectors: ...

    def embed_query(self, text: str) -> Vectors: ...


class Reranker(Protocol):
    """Takes a second look at the best passages: reads question and passage together."""

    def scores(self, question: str, hits: Sequence[Hit]) -> NDArray[np.float64]:
        """How well each hit answers, shape (len(hits),): higher is better, without a unit."""
        ...


@dataclass(frozen=True, slots=True)
class Overview:
    """What an index holds: counts, the span of dates, issuers with their number of releases."""

    path: str
    releases: int
    passages: int
    texts: int
    first_date: dt.date | None
    last_date: dt.date | None
    companies: tuple[tuple[str, int], ...]
    sources: tuple[tuple[str, int], ...]
    embedder: str
    generation: int
    bytes: int
