"""Markdown with YAML front matter: one release a file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from ..types import Problem, Release
from .record import read_text, release

_FRONT = re.compile(r"\A---[ \t]*\r?\n(?P<yaml>.*?)^(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)\s*", re.S | re.M)
_FENCE = re.compile(r"---[ \t]*\r?\n\s*\w+[ \t]*:")


def read(path: Path, name: str) -> Iterator[Release | Problem]:
    """The release of a Markdown file; its canonical text is what follows the front matter.

    Blank lines between the two belong to neither. A file without front matter is all text.
    """
    text = read_text(path, name)
    if isinstance(text, Problem):
        yield text
        return
    front = _FRONT.match(text)
    if front is None and _FENCE.match(text):
        yield Problem(name, 1, "front matter has no end; close it with a line of three dashes")
        return
    fields = _fields(front["yaml"], name) if front else {}
    if isinstance(fields, Problem):
        yield fields
    else:
        yield release(fields, text[front.end() :] if front else text, name, None, id=name)


def _fields(source: str, name: str) -> dict[str, Any] | Problem:
    try:
        # an alias can make a small file expand without bound, and no front matter needs one
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(source)):
            return Problem(name, None, "front matter uses YAML aliases (*name); write values out")
        fields = yaml.safe_load(source)
    except Exception as exc:  # PyYAML raises many kinds for values that do not fit their tag
        mark = getattr(exc, "problem_mark", None)
        reason = " ".join(str(getattr(exc, "problem", None) or exc).split())[:200]
        return Problem(name, mark.line + 2 if mark else None, f"front matter is not YAML: {reason}")
    if fields is None or isinstance(fields, dict):
        return {str(key): value for key, value in (fields or {}).items()}
    return Problem(name, 2, "front matter is not a list of 'name: value' lines")
