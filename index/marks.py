"""What kinds of fact a text states, told by its form alone."""

from __future__ import annotations

import re

PATTERNS = {
    "number": re.compile(r"\d[\d,.]*"),
    "money": re.compile(r"[$€£¥]|\b(?:USD|RMB|EUR|HK\$|dollars?|yuan|euros?)\b"),
    "percent": re.compile(r"%|\bper ?cent\b", re.I),
    "date": re.compile(
        r"\b(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\.? (?:\d|of)"
        r"|\b(?:19|20)\d\d\b|\b(?:first|second|third|fourth) (?:quarter|half)\b|\bQ[1-4]\b",
        re.I,
    ),
}
MARKS = tuple(PATTERNS)


def marks(text: str) -> int:
    """A bit for each of MARKS that ``text`` has, the first lowest."""
    return sum(1 << i for i, mark in enumerate(MARKS) if PATTERNS[mark].search(text))
