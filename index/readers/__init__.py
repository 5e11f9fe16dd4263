"""Files in, releases out: one module a kind of file.

A reader yields each record as a Release, or as a Problem that says where it stands and why it could
not be read; the records after it are still read. A new kind of file is a module with a function
``read(path, name)`` and a line in ``KINDS``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..errors import SourceError
from ..types import Problem, Release
from . import jsonl, markdown, text

Reader = Callable[[Path, str], Iterator[Release | Problem]]

KINDS: dict[str, Reader] = {
    ".txt": text.read,
    ".md": markdown.read,
    ".markdown": markdown.read,
    ".jsonl": jsonl.read,
    ".ndjson": jsonl.read,
    ".jsonl.gz": jsonl.read,
    ".jsonl.xz": jsonl.read,
}


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file of a source; ``name`` is its path within the source, with forward slashes.

    A folder that may not be opened stands here too, with a reader that says so.
    """

    path: Path
    name: str
    reader: Reader


def files(source: Path) -> list[SourceFile]:
    """The readable files of ``source`` (a file or a folder, searched in depth), by name.

    Hidden files and kinds that no reader knows are passed over. Raises SourceError where the path
    does not exist, is a file of an unknown kind, or holds nothing that can be read.
    """
    kinds = ", ".join(KINDS)
    try:
        there = source.exists()
    except OSError as exc:
        raise SourceError(f"{source}: cannot be opened: {exc.strerror}") from exc
    if not there:
        raise SourceError(f"{source}: there is no such file or folder")
    if source.is_file():
        reader = _reader(source)
        if reader is None:
            raise SourceError(f"{source}: not a kind of file that can be read; kinds: {kinds}")
        return [SourceFile(source, source.name, reader)]
    found: list[SourceFile] = []

    def unreadable(error: OSError) -> None:
        path = Path(error.filename)
        found.append(SourceFile(path, path.relative_to(source).as_posix(), _unreadable))

    for folder, folders, names in os.walk(source, onerror=unreadable):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for path in (Path(folder, name) for name in names if not name.startswith(".")):
            if (reader := _reader(path)) and path.is_file():
                found.append(SourceFile(path, path.relative_to(source).as_posix(), reader))
    found.sort(key=lambda file: file.path)
    if not found:
        raise SourceError(f"{source}: holds no file that can be read; kinds: {kinds}")
    return found


def read(source: Path) -> Iterator[Release | Problem]:
    """The records of ``source``, file by file. Raises SourceError as ``files`` does."""
    for file in files(source):
        yield from records(file)


def records(file: SourceFile) -> Iterator[Release | Problem]:
    """The records of one file."""
    try:
        str(file.path).encode()
    except UnicodeEncodeError:
        yield Problem(ascii(file.name), None, "the file's name is not UTF-8; rename it")
        return
    yield from file.reader(file.path, file.name)


def count(file: SourceFile) -> int:
    """How many records a file holds, about; for a progress bar."""
    return jsonl.count(file.path) if file.reader is jsonl.read else 1


def _unreadable(path: Path, name: str) -> Iterator[Release | Problem]:
    yield Problem(name, None, "the folder cannot be opened; its releases stay as they are")


def _reader(path: Path) -> Reader | None:
    name = path.name.lower()
    return next((reader for suffix, reader in KINDS.items() if name.endswith(suffix)), None)
