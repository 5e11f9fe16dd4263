"""What kind of fact a question asks for, by its words."""

from __future__ import annotations

import re

_ASKS = {
    "number": re.compile(
        r"\bhow (?:many|much|large|big|long|old|often|far|high)\b|\bwhat (?:percent|share|portion|"
        r"rate|number|amount|size|price|dose|was the|were the|is the)\b"
        r"|\b(?:revenue|sales|income|loss|cash)\b",
        re.I,
    ),
    "money": re.compile(
        r"\bhow much\b|\b(?:price|cost|pay|paid|revenue|sales|income|loss|cash|raise|worth|value|fine|"
        r"penalty|fund|dollar|settle)\w*\b",
        re.I,
    ),
    "percent": re.compile(
        r"\b(?:percent|percentage|share|portion|rate|proportion|how much (?:more|less))\b|%", re.I
    ),
    "date": re.compile(
        r"\bwhen\b|\b(?:what|which) (?:date|day|month|year|quarter)\b|\bhow soon\b|\bdeadline\b", re.I
    ),
    "name": re.compile(r"\bwho(?:se|m)?\b|\b(?:what|which) (?!date|day|month|year|percent)\w+\b", re.I),
    "reason": re.compile(r"\bwhy\b|\bwhat (?:caused|led|made)\b|\breason\b|\bfor what\b", re.I),
    "means": re.compile(r"\bhow (?:do|does|did|is|are|was|were|will|would|can|could)\b", re.I),
    "definition": re.compile(r"\bwhat (?:is|are|does|do)\b|\bdescribe\b|\bexplain\b", re.I),
}

_SEVERAL = re.compile(
    r"\b(?:which|what)\s+(?:(?:other|two|three|four|five|six|new|main|key|\d+)\s+)?[a-z-]{2,}[^\Wsiu]s\s+"
    r"(?:are|were|did|do|does|have|has|had|will|can|could|would|is|was|in|of|from|for|with|that)\b"
    r"|\bwhat\s+(?:are|were)\s+the\s+(?:\w+\s+){0,2}[a-z-]{2,}[^\Wsiu]s\b|^\W*(?:name|list)\b",
    re.IGNORECASE,
)


def wants_list(question: str) -> bool:
    """Whether it asks for several things of one kind: "which conditions are", "list the sites"."""
    return bool(_SEVERAL.search(question))


def asked(question: str) -> dict[str, bool]:
    """Whether it asks for a number, money, a percentage, a date, a name, and so on, by kind."""
    return {kind: bool(pattern.search(question)) for kind, pattern in _ASKS.items()}
