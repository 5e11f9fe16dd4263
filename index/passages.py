"""Passages: what is searched. Whole sentences of one section, with their offsets."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator

from .sections import FLOWING, sections
from .sentences import Span, sentences
from .types import Passage, Section, SectionKind

SHORTEST = 350  # code points from which on a passage may end
LONGEST = 800  # code points at most: about 180 tokens of English, within MiniLM's 256
CHUNKING = f"sentences {SHORTEST}-{LONGEST} v2"
"""Identifies how passages are cut; an index made with another value has to be made again."""

_BLANK_LINE = re.compile(r"\r?\n[ \t\r]*\n")
_SOFT_BREAKS = (re.compile(r"[;•|]\s+"), re.compile(r",\s+"), re.compile(r"\s+"))


def cut(text: str) -> tuple[list[Section], list[Passage]]:
    """The sections of a release's text and its passages, in order.

    Each passage holds whole sentences, at most LONGEST code points; ``text[p.start:p.end] == p.text``.
    All text but white space is in exactly one passage. Body, headline and quotation are cut as one
    run, so a passage may hold some of each: its section is the kind that most of its characters have.
    """
    parts = sections(text)
    passages = []
    for run in _runs(parts):
        at = 0
        for start, end in _pack(text, run[0].start, run[-1].end):
            while run[at].end <= start:
                at += 1
            passages.append(Passage(start, end, text[start:end], _kind(run, at, start, end)))
    return parts, passages


def _runs(parts: list[Section]) -> list[list[Section]]:
    """Sections that are cut as one, in order."""
    runs: list[list[Section]] = []
    for part in parts:
        if runs and part.kind in FLOWING and runs[-1][-1].kind in FLOWING:
            runs[-1].append(part)
        else:
            runs.append([part])
    return runs


def _kind(run: list[Section], at: int, start: int, end: int) -> SectionKind:
    """The kind of most of a passage; the earlier one where two have as much of it."""
    sizes: dict[SectionKind, int] = {}
    while at < len(run) and run[at].start < end:
        size = min(run[at].end, end) - max(run[at].start, start)
        sizes[run[at].kind] = sizes.get(run[at].kind, 0) + size
        at += 1
    return max(sizes, key=lambda kind: sizes[kind])


def units(text: str) -> list[Span]:
    """Sentences of ``text``; one of more than LONGEST code points comes in pieces of fewer.

    A piece ends at a semicolon or bullet, else at a comma, else at a space, else where it must.
    """
    return [piece for start, end in sentences(text) for piece in _pieces(text, start, end)]


def _pieces(text: str, start: int, end: int) -> Iterator[Span]:
    while end - start > LONGEST:
        at = start + LONGEST
        for pattern in _SOFT_BREAKS:
            breaks = [m.end() for m in pattern.finditer(text, start + LONGEST // 2, at)]
            if breaks:
                at = breaks[-1]
                break
        yield start, start + len(text[start:at].rstrip())
        start = at + len(text[at:end]) - len(text[at:end].lstrip())
    if start < end:
        yield start, end


def _pack(text: str, start: int, end: int) -> Iterator[Span]:
    """Join the sentences of a section to passages.

    A passage of at least SHORTEST ends at a blank line, and, since some releases come without line
    breaks, at sentences that their own words choose (one in two, by CRC). So the same run of
    sentences in two releases is cut alike, whatever stands before it, and is embedded once.
    """
    first: int | None = None
    last = start
    for unit_start, unit_end in ((start + a, start + b) for a, b in units(text[start:end])):
        if first is not None and unit_end - first > LONGEST:
            yield first, last
            first = None
        first = unit_start if first is None else first
        if unit_end - first >= SHORTEST and _ends_passage(text, unit_start, unit_end):
            yield first, unit_end
            first = None
        last = unit_end
    if first is not None:
        yield first, last


def _ends_passage(text: str, start: int, end: int) -> bool:
    return bool(_BLANK_LINE.match(text, end)) or zlib.crc32(text[start:end].encode()) % 2 == 0
