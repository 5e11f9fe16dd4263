"""Plain text as it comes off a wire: one release a file, known by its path within the source."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ..types import Problem, Release
from .record import read_text, release


def read(path: Path, name: str) -> Iterator[Release | Problem]:
    """The release of a .txt file; its canonical text is the whole file."""
    text = read_text(path, name)
    yield text if isinstance(text, Problem) else release({}, text, name, None, id=name)
