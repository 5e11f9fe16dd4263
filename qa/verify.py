"""A citation is a slice of the release: the check, in the pipeline and over saved answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from index.errors import NotInIndex
from index.types import Release

from .errors import AnswerFileError
from .support import Source, judge
from .types import Answer, Citation

ReleaseOf = Callable[[str], Release]
"""Gives a release by id; raises NotInIndex."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What is wrong with a saved answer; ``answer`` counts from 1."""

    answer: int
    reason: str

    def __str__(self) -> str:
        return f"answer {self.answer}: {self.reason}"


def is_slice(text: str, start: int, end: int, quote: str) -> bool:
    """Whether ``text[start:end]`` is the quote, to the character, and not empty."""
    return 0 <= start < end <= len(text) and text[start:end] == quote


def keep_verified(answer: Answer, release_of: ReleaseOf) -> Answer:
    """The answer without the sentences that cite nothing or whose citations are not slices.

    Whatever drafted the answer, this is the last step before it is shown. With nothing left it is
    ``not_found``.
    """
    good = {i for i, citation in enumerate(answer.citations) if _holds(citation, release_of)}
    kept = [s for s in answer.sentences if s.citations and good.issuperset(s.citations)]
    used = sorted({i for sentence in kept for i in sentence.citations})
    if len(kept) == len(answer.sentences) and len(used) == len(answer.citations):
        return answer
    place = {old: new for new, old in enumerate(used)}
    return replace(
        answer,
        status="answered" if kept else "not_found",
        text=" ".join(sentence.text for sentence in kept),
        sentences=tuple(replace(s, citations=tuple(place[i] for i in s.citations)) for s in kept),
        citations=tuple(answer.citations[i] for i in used),
        confidence=answer.confidence if kept else round(1 - answer.confidence, 3),
    )


def check_saved(answers: list[Mapping[str, Any]], release_of: ReleaseOf) -> tuple[int, list[Failure]]:
    """Check answers as ``Answer.to_dict`` gives them: how many citations, and what is wrong.

    Each citation must be a slice of its release and name its title, date and address; each sentence must
    cite, and be what it cites or, where a language model wrote it, be supported by it; the text must be
    the sentences.
    """
    count, failures = 0, []
    for number, answer in enumerate(answers, 1):
        count += len(answer["citations"])
        for place, citation in enumerate(answer["citations"], 1):
            if reason := _fault(citation, release_of):
                failures.append(Failure(number, f"citation {place} {reason}"))
        failures += [Failure(number, reason) for reason in _inconsistencies(answer, release_of)]
    return count, failures


def _inconsistencies(answer: Mapping[str, Any], release_of: ReleaseOf) -> Iterator[str]:
    citations, sentences = answer["citations"], answer["sentences"]
    for place, sentence in enumerate(sentences, 1):
        used = sentence.get("citations") if isinstance(sentence, dict) else None
        if not isinstance(used, list) or not used or not all(i in range(len(citations)) for i in used):
            yield f"sentence {place} cites nothing"
            continue
        quotes = [citations[i].get("quote") for i in used if isinstance(citations[i], dict)]
        text = str(sentence.get("text"))
        if text == " ".join(" ".join(map(str, quotes)).split()):
            continue
        if answer.get("model") == "extractive":
            yield f"sentence {place} is not what it cites"
        elif reason := _unsupported(text, [citations[i] for i in used], release_of):
            yield f"sentence {place} is not supported by what it cites: {reason}"
    texts = [sentence.get("text") for sentence in sentences if isinstance(sentence, dict)]
    if answer.get("text") != " ".join(map(str, texts)):
        yield "the text is not that of the sentences"
    if answer.get("status") != ("answered" if sentences else "not_found"):
        yield f"the status {answer.get('status')!r} does not fit the sentences"


def _unsupported(text: str, cited: list[Mapping[str, Any]], release_of: ReleaseOf) -> str:
    """Why no citation supports a sentence; empty where one does."""
    reason = "its releases cannot be read"
    for citation in cited:
        try:
            release, quote = release_of(str(citation["release_id"])), str(citation["quote"])
        except (NotInIndex, KeyError, TypeError):
            continue
        source = Source(quote, release.title, release.company, release.date)
        reason = judge(text, source).reason
        if not reason:
            return ""
    return reason


def read_saved(path: Path) -> list[Mapping[str, Any]]:
    """Answers from a file: one JSON object, a list of them, or one a line. Raises AnswerFileError."""
    try:
        text = path.read_text("utf-8")
        values = list(_values(text))
    except (OSError, ValueError, RecursionError) as exc:
        raise AnswerFileError(f"{path}: not a file of answers: {exc}") from exc
    if not values:
        raise AnswerFileError(f"{path}: not a file of answers: it is empty")
    for value in values:
        fields = (value.get(key) for key in ("citations", "sentences")) if isinstance(value, dict) else ()
        if not isinstance(value, dict) or not all(isinstance(field, list) for field in fields):
            raise AnswerFileError(f"{path}: not an answer as `releaseqa ask --json` prints it")
    return values


def _values(text: str) -> Iterator[Any]:
    try:
        value = json.loads(text)
    except ValueError:
        yield from (json.loads(line) for line in text.split("\n") if line.strip())
    else:
        yield from value if isinstance(value, list) else [value]


def _holds(citation: Citation, release_of: ReleaseOf) -> bool:
    try:
        text = release_of(citation.release_id).text
    except NotInIndex:  # deleted since it was found
        return False
    return is_slice(text, citation.start, citation.end, citation.quote)


def _within(focus: Any, start: int, end: int) -> bool:
    """Whether ``focus`` is a span of ``start`` to ``end``."""
    pair = isinstance(focus, (list, tuple)) and len(focus) == 2 and all(type(f) is int for f in focus)
    return pair and start <= focus[0] < focus[1] <= end


def _fault(citation: Any, release_of: ReleaseOf) -> str | None:
    try:
        start, end, quote = int(citation["start"]), int(citation["end"]), str(citation["quote"])
        release = release_of(str(citation["release_id"]))
    except NotInIndex as exc:
        return f"is of no release here: {exc}"
    except (KeyError, TypeError, ValueError, OverflowError):
        return "has no release_id, start, end and quote"
    focus = citation.get("focus")
    if focus is not None and not _within(focus, start, end):
        return "points outside of its quote"
    if not is_slice(release.text, start, end, quote):
        return f"is wrong: {release.id}[{start}:{end}] does not read {quote!r}"
    known = {
        "title": release.title,
        "date": release.date.isoformat() if release.date else None,
        **({"source": release.url} if release.url else {}),
    }
    wrong = [name for name, value in known.items() if citation.get(name) != value]
    return f"is wrong: {release.id} has another {' and '.join(wrong)}" if wrong else None
