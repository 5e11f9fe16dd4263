"""A citation is a slice of the release: the check, in the pipeline and over saved answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from index.errors import NotInIndex

from .errors import AnswerFileError
from .types import Answer, Citation

TextOf = Callable[[str], str]
"""Gives the text of a release by id; raises NotInIndex."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A citation that is not a slice of its release; ``answer`` and ``citation`` count from 1."""

    answer: int
    citation: int
    reason: str

    def __str__(self) -> str:
        return f"answer {self.answer}, citation {self.citation}: {self.reason}"


def is_slice(citation: Citation, text: str) -> bool:
    """Whether ``text[start:end]`` is the quote, to the character, and not empty."""
    return (
        0 <= citation.start < citation.end <= len(text)
        and text[citation.start : citation.end] == citation.quote
    )


def keep_verified(answer: Answer, text_of: TextOf) -> Answer:
    """The answer without the sentences whose citations are not slices; it may be left empty.

    Whatever drafted the answer, this is the last step before it is shown.
    """
    good = [i for i, c in enumerate(answer.citations) if is_slice(c, text_of(c.release_id))]
    if len(good) == len(answer.citations) and all(s.citations for s in answer.sentences):
        return answer
    place = {old: new for new, old in enumerate(good)}
    kept = tuple(
        replace(s, citations=tuple(place[i] for i in s.citations))
        for s in answer.sentences
        if s.citations and all(i in place for i in s.citations)
    )
    return replace(
        answer,
        status="answered" if kept else "not_found",
        text=" ".join(s.text for s in kept),
        sentences=kept,
        citations=tuple(answer.citations[i] for i in good),
    )


def check_saved(answers: list[Mapping[str, Any]], text_of: TextOf) -> tuple[int, list[Failure]]:
    """Check answers as ``Answer.to_dict`` gives them: how many citations, and those that fail."""
    count, failures = 0, []
    for number, answer in enumerate(answers, 1):
        for place, citation in enumerate(answer["citations"], 1):
            count += 1
            if reason := _fault(citation, text_of):
                failures.append(Failure(number, place, reason))
        for sentence in answer["sentences"]:
            used = sentence["citations"]
            if not used or not all(0 <= i < len(answer["citations"]) for i in used):
                failures.append(Failure(number, 0, f"a sentence cites nothing: {sentence['text']!r}"))
    return count, failures


def read_saved(path: Path) -> list[Mapping[str, Any]]:
    """Answers from a file: one JSON object, a list of them, or one a line. Raises AnswerFileError."""
    try:
        text = path.read_text("utf-8")
        values = list(_values(text))
    except (OSError, ValueError) as exc:
        raise AnswerFileError(f"{path}: not a file of answers: {exc}") from exc
    if not values:
        raise AnswerFileError(f"{path}: not a file of answers: it is empty")
    for value in values:
        if not isinstance(value, dict) or not {"citations", "sentences"} <= value.keys():
            raise AnswerFileError(f"{path}: not an answer as `releaseqa ask --json` prints it")
    return values


def _values(text: str) -> Iterator[Any]:
    try:
        value = json.loads(text)
    except ValueError:
        yield from (json.loads(line) for line in text.splitlines() if line.strip())
    else:
        yield from value if isinstance(value, list) else [value]


def _fault(citation: Mapping[str, Any], text_of: TextOf) -> str | None:
    try:
        text = text_of(str(citation["release_id"]))
        start, end, quote = int(citation["start"]), int(citation["end"]), citation["quote"]
    except NotInIndex as exc:
        return str(exc)
    except (KeyError, TypeError, ValueError):
        return "has no release_id, start, end and quote"
    if 0 <= start < end <= len(text) and text[start:end] == quote:
        return None
    return f"{citation['release_id']}[{start}:{end}] does not read {quote!r}"
