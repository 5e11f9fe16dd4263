"""JSON lines, plain or compressed with gzip or xz: one release a line."""

from __future__ import annotations

import contextlib
import gzip
import json
import lzma
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, cast

from ..types import Problem, Release
from .record import release

_DAMAGE = (OSError, EOFError, lzma.LZMAError, zlib.error)


def read(path: Path, name: str) -> Iterator[Release | Problem]:
    """The releases of a file; the canonical text of each is its ``body``, untouched.

    Fields: ``body`` and, each optional, id, title, date, company, publisher, url, tickers, place,
    wire; any others are kept. A compressed file that is cut off or damaged yields its readable
    lines and a Problem.
    """
    number = 0
    try:
        with _open(path) as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield _record(line, name, number)
    except _DAMAGE as exc:
        reason = getattr(exc, "strerror", None) or "the compressed data is damaged or cut off"
        yield Problem(name, number + 1, f"cannot be read from here on: {reason}")


def count(path: Path) -> int:
    """The number of lines that can be read, white space lines aside."""
    lines = 0
    with contextlib.suppress(*_DAMAGE), _open(path) as source:
        for line in source:
            lines += not line.isspace()
    return lines


def _open(path: Path) -> IO[bytes]:
    suffix = path.suffix.lower()
    if suffix == ".gz":
        return cast("IO[bytes]", gzip.open(path))
    if suffix == ".xz":
        return lzma.open(path)
    return path.open("rb")


def _record(line: bytes, name: str, number: int) -> Release | Problem:
    try:
        fields: Any = json.loads(line.decode("utf-8-sig" if number == 1 else "utf-8"))
    except UnicodeDecodeError:
        return Problem(name, number, "not UTF-8 text; save the file as UTF-8")
    except (ValueError, RecursionError) as exc:
        return Problem(name, number, f"not a JSON object: {getattr(exc, 'msg', exc)}")
    if not isinstance(fields, dict):
        return Problem(name, number, "not a JSON object; each line holds one: {...}")
    return release(fields, fields.get("body"), name, number)
