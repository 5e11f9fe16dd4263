"""Question sets: JSON lines in, checked questions out."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from index.errors import ReleaseQAError
from index.types import Filters
from qa.types import Turn

SETS = Path(__file__).parent / "sets"
"""Where the bundled sets lie."""

# What a set calls a filter, and what the interface calls it.
_FILTERS = {"company": "company", "date_from": "since", "date_to": "until", "as_of": "as_of"}
_JSON_NAMES = {
    str: "text",
    bool: "true or false",
    int: "a whole number",
    list: "a list",
    dict: "an object",
}


class EvalError(ReleaseQAError):
    """A question set that cannot be used, or that does not fit the index."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A gold span: code points ``start`` to ``end`` (exclusive) of a release's text."""

    release: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Question:
    """One question, and what a right answer to it holds.

    ``must_include`` lists the required facts, each the strings that are accepted for it. An
    answerable question has at least one fact and one gold span; any other has neither.
    ``answer`` is a reference for readers, ``why`` says why nothing answers; neither is scored.
    """

    id: str
    corpus: str
    type: str
    question: str
    answerable: bool
    must_include: tuple[tuple[str, ...], ...] = ()
    evidence: tuple[Evidence, ...] = ()
    answer: str = ""
    filters: Filters = field(default_factory=Filters)
    history: tuple[Turn, ...] = ()
    why: str | None = None


def find(name: Path) -> Path:
    """The file of a set: ``name`` itself, or the bundled set of that name (``demo``).

    Raises EvalError when there is neither.
    """
    bundled = SETS / f"{name}.jsonl"
    for path in (name, bundled):
        if path.is_file():
            return path
    names = ", ".join(sorted(p.stem for p in SETS.glob("*.jsonl")))
    raise EvalError(f"no question set at {name}; name a .jsonl file or a bundled set: {names}")


def load(path: Path) -> list[Question]:
    """The questions of a JSON-lines file, in its order; blank lines are skipped.

    Raises EvalError, one line with file and line number, for the first line that is not a
    question, for an id that comes twice, and for a file without questions.
    """
    questions: list[Question] = []
    for number, line in enumerate(_lines(path), start=1):
        if line.strip():
            try:
                questions.append(_question(json.loads(line)))
            except ValueError as exc:  # json.JSONDecodeError is one
                raise EvalError(f"{path}:{number}: {exc}; mend or remove the line") from exc
    if not questions:
        raise EvalError(f"{path}: no questions in it; write one JSON object a line")
    twice = [i for i, n in Counter(q.id for q in questions).items() if n > 1]
    if twice:
        raise EvalError(f"{path}: the id {twice[0]!r} comes twice; give every question its own")
    return questions


def _lines(path: Path) -> list[str]:
    try:
        # Not splitlines(): that also splits at U+2028, which JSON allows within a string.
        return path.read_text(encoding="utf-8").split("\n")
    except OSError as exc:
        raise EvalError(f"{path}: cannot be read ({exc.strerror}); name a .jsonl file") from exc
    except UnicodeDecodeError as exc:
        raise EvalError(f"{path}: not UTF-8 text; save it as UTF-8") from exc


def _question(row: Any) -> Question:
    if not isinstance(row, dict):
        raise ValueError("not a JSON object")
    question = Question(
        id=_take(row, "id", str),
        corpus=_take(row, "corpus", str),
        type=_take(row, "type", str),
        question=_take(row, "question", str),
        answerable=_take(row, "answerable", bool),
        must_include=tuple(_fact(fact) for fact in _take(row, "must_include", list)),
        evidence=tuple(_evidence(span) for span in _take(row, "evidence", list)),
        answer=_maybe(row, "answer", str) or "",
        filters=_filters(_maybe(row, "filters", dict) or {}),
        history=tuple(_turn(turn) for turn in _maybe(row, "history", list) or ()),
        why=_maybe(row, "why", str),
    )
    if {bool(question.must_include), bool(question.evidence)} != {question.answerable}:
        raise ValueError("an answerable question needs must_include and evidence, any other has neither")
    return question


def _take(row: Mapping[str, Any], key: str, kind: type) -> Any:
    value = row.get(key) if isinstance(row, Mapping) else None
    if type(value) is not kind or value == "":  # exact: true is an int as well
        raise ValueError(f"'{key}' must be {_JSON_NAMES[kind]}, not {json.dumps(value)}")
    return value


def _maybe(row: Mapping[str, Any], key: str, kind: type) -> Any:
    """As _take, but null, an empty text and nothing at all are None."""
    return None if row.get(key) in (None, "") else _take(row, key, kind)


def _fact(strings: Any) -> tuple[str, ...]:
    if not strings or not isinstance(strings, list) or not all(isinstance(s, str) for s in strings):
        raise ValueError(f"a fact of 'must_include' must be a list of strings, not {strings!r}")
    if not all(s.strip() for s in strings):
        raise ValueError("an empty string in 'must_include' would accept every answer")
    return tuple(strings)


def _evidence(span: Any) -> Evidence:
    found = Evidence(_take(span, "release", str), _take(span, "start", int), _take(span, "end", int))
    if not 0 <= found.start < found.end:
        raise ValueError(f"'evidence' {found.start} to {found.end} is not a span of text")
    return found


def _filters(row: Mapping[str, Any]) -> Filters:
    unknown = sorted(set(row) - set(_FILTERS))
    if unknown:
        raise ValueError(f"unknown filter '{unknown[0]}'; known: {', '.join(_FILTERS)}")
    values = {_FILTERS[key]: _maybe(row, key, str) for key in row}
    dates = {k: dt.date.fromisoformat(v) for k, v in values.items() if v and k != "company"}
    return Filters(company=values.get("company"), **dates)


def _turn(row: Any) -> Turn:
    return Turn(_take(row, "question", str), _maybe(row, "answer", str) or "")
