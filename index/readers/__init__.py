"""Files in, releases out: one module a kind of file.

A reader yields each record as a Release, or as a Problem that says where it stands and why it could
not be read; the records after it are still read. A new kind of file is a module with a function
``read(path, name)`` and a line in ``KINDS``.
"""

from __future__ import annotations

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
    """A file of a source; ``name`` is its path within the source, with forward slashes."""

    path: Path
    name: str
    reader: Reader


def files(source: Path) -> list[SourceFile]:
    """The readable files of ``source`` (a file or a folder, searched in depth), by name.

    Hidden files and kinds that no reader knows are passed over. Raises SourceError where the path
    does not exist, is a file of an unknown kind, or holds nothing that can be read.
    """
    kinds = ", ".join(KINDS)
    if not source.exists():
        raise SourceError(f"{source}: there is no such file or folder")
    if source.is_file():
        reader = _reader(source)
        if reader is None:
            raise SourceError(f"{source}: not a kind of file that can be read; kinds: {kinds}")
        return [SourceFile(source, source.name, reader)]
    found = []
    for path in sorted(source.rglob("*")):
        name = path.relative_to(source).as_posix()
        if any(part.startswith(".") for part in name.split("/")) or not path.is_file():
            continue
        if reader := _reader(path):
            found.append(SourceFile(path, name, reader))
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


def _reader(path: Path) -> Reader | None:
    name = path.name.lower()
    return next((reader for suffix, reader in KINDS.items() if name.endswith(suffix)), None)
