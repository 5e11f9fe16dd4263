"""The nouns of a question and its answer. Imports nothing of ours."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Status = Literal["answered", "not_found"]
Outcome = Literal["supported", "corrected", "dropped"]


@dataclass(frozen=True, slots=True)
class Citation:
    """A quote and where it stands: ``store.release(release_id).text[start:end] == quote``.

    ``source`` is the release's address where it has one, else the file it was read from. ``carriers``
    releases hold the passage that it is from, from ``first_seen`` to ``last_seen``. ``focus`` is the span
    of the release, within the quote, that the question asks for, where it was told.
    """

    release_id: str
    start: int
    end: int
    quote: str
    title: str
    date: dt.date | None
    source: str
    carriers: int = 1
    first_seen: dt.date | None = None
    last_seen: dt.date | None = None
    focus: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of an answer; ``citations`` are indices into ``Answer.citations``."""

    text: str
    citations: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Check:
    """What became of one sentence that a language model wrote: ``text``, as it wrote it.

    ``supported``: shown as it is. ``corrected``: the source's own sentence is shown in its place.
    ``dropped``: not shown. ``reason`` says why it is not shown as it is or, of a supported one, what is
    wrong with the passage numbers that it cites. ``sentence`` is the index in
    ``Answer.sentences`` of what is shown, None for nothing.
    """

    text: str
    outcome: Outcome
    reason: str = ""
    sentence: int | None = None


@dataclass(frozen=True, slots=True)
class Mention:
    """One thing that a question says of the releases it means: ``question[start:end]``, in standard
    words as ``label``; what it takes from the turn before has no span (both are 0).
    """

    kind: Literal["company", "period", "order", "as-of"]
    label: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Turn:
    """An earlier question of the conversation, what was answered, and which labels of what it says of
    releases were taken back.
    """

    question: str
    answer: str = ""
    ignore: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What the releases say, or that they do not say it.

    ``confidence`` is the probability, 0 to 1, that the answer is right (that nothing answers, for
    ``not_found``). ``model`` names what the sentences shown are from. ``timings_ms`` holds milliseconds a
    stage. Where a language model ran, ``usage`` holds its token counts, ``raw`` its output before
    verification and ``checks`` what became of each of its sentences; ``notes`` say in a clause each what
    a reader should know, such as that the extractive answer stands in. ``scope`` holds what the question
    was taken to say of the releases meant.
    """

    status: Status
    text: str
    sentences: tuple[Sentence, ...] = ()
    citations: tuple[Citation, ...] = ()
    confidence: float = 0.0
    model: str = "extractive"
    timings_ms: Mapping[str, float] = field(default_factory=dict)
    usage: Mapping[str, int] = field(default_factory=dict)
    raw: str | None = None
    checks: tuple[Check, ...] = ()
    notes: tuple[str, ...] = ()
    scope: tuple[Mention, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The answer as plain JSON values, under the names of the fields; dates as YYYY-MM-DD."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self), default=str))
        return plain


def several(answer: Answer) -> bool:
    """Whether the quotes are from more than one release: each is then shown with its date."""
    return len({citation.release_id for citation in answer.citations}) > 1


def focus_in(sentence: Sentence, answer: Answer) -> tuple[int, int]:
    """Where in a quoted sentence that stands which the question asks for; (0, 0) if it is not told."""
    for citation in (answer.citations[i] for i in sentence.citations):
        if citation.focus:
            start, end = (edge - citation.start for edge in citation.focus)
            said = " ".join(citation.quote[start:end].split())
            before = " ".join(citation.quote[:start].split())
            at = sentence.text.find(said, len(before)) if said else -1
            if at >= 0:
                return at, at + len(said)
    return 0, 0
