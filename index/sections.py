"""Sections of a release, by the headings that every wire uses."""

from __future__ import annotations

import re

from .types import Section, SectionKind

_HEADINGS: tuple[tuple[SectionKind, re.Pattern[str]], ...] = (
    ("about", re.compile(r"About [A-Z0-9\"“(].{0,100}")),
    (
        "forward-looking",
        re.compile(
            r"(?:(?:Cautionary|Special)? ?(?:Note|Statements?|Notice|Information)? ?"
            r"(?:Regarding|on|About|Concerning)? ?Forward[- ]Looking (?:Statements?|Information)"
            r"|Safe Harbor(?: Statement)?|Disclaimer|Legal Notice)\b.{0,60}",
            re.IGNORECASE,
        ),
    ),
    (
        "contact",
        re.compile(
            r"(?:(?:Media|Investors?|Press|Company|Corporate|For (?:more|further) information)"
            r"[\w &/]{0,30})?(?:Contacts?|Enquiries|Inquiries|Media Relations|Investor Relations)"
            r"(?: Information| Details| Us)?",
            re.IGNORECASE,
        ),
    ),
)
_LINE = re.compile(r"[^\n]+")
_HEADING_LENGTH = 120  # code points at most of a line that can be a heading


def sections(text: str) -> list[Section]:
    """The sections of a release in order; they do not overlap and cover the text whole.

    A section begins with its heading line. What stands before the first heading is body; a heading
    of a kind that is not known ends no section, so a contact block runs to the end.
    """
    starts: list[tuple[SectionKind, int]] = [("body", 0)]
    for line in _LINE.finditer(text):
        kind = heading(line[0])
        if kind:
            starts.append((kind, line.start()))
    ends = [start for _, start in starts[1:]] + [len(text)]
    return [
        Section(kind, start, end) for (kind, start), end in zip(starts, ends, strict=True) if start < end
    ]


def heading(line: str) -> SectionKind | None:
    """The kind of section that a line opens. A heading stands alone and is no sentence."""
    title = line.strip(" \t\r#*_:")
    if not title or len(title) > _HEADING_LENGTH or title[-1] in ".,;!?":
        return None
    return next((kind for kind, pattern in _HEADINGS if pattern.fullmatch(title)), None)
