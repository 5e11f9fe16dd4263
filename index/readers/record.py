"""From named fields and a text to a Release: what the readers have in common."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..metadata import complete, parse_date
from ..types import Problem, Release

_FIELDS = {"id", "title", "date", "body", "company", "publisher", "url", "tickers", "place", "wire"}


def read_text(path: Path, name: str) -> str | Problem:
    """The text of a UTF-8 file, line ends as they are, a byte order mark dropped."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        return Problem(name, None, f"not UTF-8 text (byte {exc.start}); save it as UTF-8")
    except OSError as exc:
        return Problem(name, None, f"cannot be opened: {exc.strerror}")


def release(
    fields: Mapping[str, Any], text: Any, file: str, line: int | None, id: str | None = None
) -> Release | Problem:
    """A Release of ``text`` and ``fields``, completed from the text; a Problem where they do not do.

    ``id`` stands in for a missing id field; without either, the id is the record's address or a
    hash of the text.
    """
    try:
        return _release(fields, text, file, line, id)
    except (RecursionError, ValueError) as exc:  # nested without end, a number without end
        return Problem(file, line, f"a field cannot be taken in: {exc}")


def _release(
    fields: Mapping[str, Any], text: Any, file: str, line: int | None, id: str | None
) -> Release | Problem:
    if not isinstance(text, str) or not text.strip():
        return Problem(file, line, "has no text; a release needs a body")
    values = {key: _string(fields.get(key)) for key in _FIELDS - {"body", "date", "tickers"}}
    for key, value in (*fields.items(), ("body", text)):
        if not _encodable(json.dumps([str(key), _plain(value)], ensure_ascii=False)):
            return Problem(file, line, f"{key!a} holds half a character (a lone surrogate)")
    try:
        date = parse_date(fields.get("date"))
    except ValueError:
        return Problem(file, line, f"date {str(fields['date'])[:40]!r}: write it as YYYY-MM-DD")
    own_id = values["id"] or id or values["url"]
    if own_id is None:
        own_id = "sha256-" + hashlib.sha256(text.encode()).hexdigest()[:16]
    return complete(
        Release(
            id=own_id,
            text=text,
            title=" ".join((values["title"] or "").split()),
            date=date,
            company=values["company"],
            tickers=_tickers(fields.get("tickers")),
            place=values["place"],
            wire=values["wire"],
            url=values["url"],
            extra={key: _plain(value) for key, value in fields.items() if key not in _FIELDS},
        ),
        values["publisher"],
    )


def _string(value: Any) -> str | None:
    """A field as text; white space around it and empty values are dropped."""
    text = "" if value is None or isinstance(value, (list, dict)) else str(value).strip()
    return text or None


def _plain(value: Any) -> Any:
    """A field as JSON can hold it: names are strings, and so is what JSON has no type for."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [_plain(item) for item in value]
    finite = isinstance(value, float) and math.isfinite(value)
    return value if finite or value is None or isinstance(value, (str, int)) else str(value)


def _tickers(value: Any) -> tuple[str, ...]:
    values = value if isinstance(value, list) else [value] if value else []
    return tuple(str(item).strip() for item in values if str(item).strip())


def _encodable(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
