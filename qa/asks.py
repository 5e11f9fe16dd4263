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


def asked(question: str) -> dict[str, bool]:
    """Whether it asks for a number, money, a percentage, a date, a name, and so on, by kind."""
    return {kind: bool(pattern.search(question)) for kind, pattern in _ASKS.items()}
