"""The parts of a question that asks for several things, each as a question of its own."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .dates import dates
from .query import SHORT_FORMS, without_possessive
from .scope import Scope, is_titled

FEWEST_WORDS = 4
"""A shorter part ("and when?") cannot be understood without the rest, and is left with it."""

MOST = 3  # parts

_ASKING = (
    r"(?:(?:by|in|on|at|to|for|from|with|of|under|over|as of)\s+)?"
    r"(?:how|what|when|where|which|who|whom|whose|why)\b"
)
_BE = r"(?:is|are|was|were|do|does|did|has|have|had|can|will|must)"
_JOINT = re.compile(
    rf"(?:\s*[,;?]\s*(?:and|but|then|plus)\s+|\s*[;?]\s*|\s+and\s+"
    rf"|,?\s+(?:versus|vs\.?|compared\s+(?:to|with))\s+)(?={_ASKING})"
    rf"|,\s+and\s+(?={_BE}\s+(?:the|its?|they|their|he|she|his|her|there|any|(?-i:[A-Z])))",
    re.IGNORECASE,
)
_OPENS = re.compile(rf"(?:{_BE}\b|(?:\S+\s+){{0,3}}?{_ASKING})", re.I)
_ONE_THING = re.compile(r"\b(?:between|both|whether)\b|[\"“”]", re.I)
"""What a clause holds that another "and" in it belongs to."""

_RELATIVE = re.compile(r"(?<=\w )(?:who|which|whose|where|when)\b", re.I)
_TOPIC = re.compile(r"[^?.:()]{3,80}:\s+(?=\S)")
_NAMED = r"(?:[A-Z][\w'’&.-]*|\w*\d[\w.-]*)"
_NAME = re.compile(rf"(?<!\w){_NAMED}(?:\s+(?:of\s+(?:the\s+)?)?{_NAMED})*")
_YEAR = re.compile(r"(?:19|20)\d\d")
_REPEATED = re.compile(
    r",?\s+and\s+(?:(?P<asks>what|which|who|when|where|how(?:\s+(?:much|many))?)\s+)?"
    r"(?P<preposition>for|in|at|with|by|from|to|of|on|under)\s+"
    r"(?P<other>(?:the|its|their|an?)(?:\s+[\w'’-]+){1,4}|[A-Z\d]\S*(?:\s+[A-Z\d]\S*)*)\s*\?$",
)
"""A preposition said twice: "for the patch and for the tablet", "for 2023, and what for 2024"."""

LONGEST_ONE = 6  # words between the first preposition and the second
_DETERMINER = re.compile(r"(?:the|its|their|an?)\b")
_POINTS_BACK = re.compile(
    r"\b(?:it|its|they|them|their|he|him|his|she|her|there|the|this|that|these|those)\b", re.I
)
"""What does not stand in a clause that can do without the names of the one before, if it has its own."""

_COMPARED = re.compile(
    r"\b(?:versus|vs|compar\w+|respectively)\b|\b(?:chang|differ)\w*\b.*\b(?:between|from)\b", re.I
)
_AGAIN = re.compile(
    r",?\s+and\s+(?:(?:what|who|where|how(?:\s+(?:much|many))?)\s+)?(?:(?:was|were)\s+(?:it|they)\s+)?$",
    re.I,
)
"""What stands before "a year later" where all is asked again of that year."""

_YEARS_ON = re.compile(r"\byears?\s", re.I)
_SUBJECT = re.compile(rf"\b{_BE}\s+(?:the\s+)?(?!(?:Grade|Phase|Stage|Part)\b)(?P<name>{_NAMED})", re.I)
_OF_EACH = re.compile(r"\b(?:versus|vs|compar\w+|respectively|both)\b|\band\b[^,?]*\beach\b", re.I)


@dataclass(frozen=True, slots=True)
class Part:
    """A question that can be answered alone. Where the whole compares, ``about`` says what the part is
    about, and ``ignore`` holds the labels of the scope that other parts are about.
    """

    text: str
    about: str = ""
    ignore: tuple[str, ...] = ()


def parts(question: str, said: Scope) -> tuple[Part, ...]:
    """The parts of a question, in its order; the question alone where it asks for one thing.

    "How many fish died at Norvik, and which judge heard the case?" has two; a later one is given the
    names that it leaves out. A question that compares two periods, or two companies, is asked of each.
    """
    texts = _years_later(question, said)
    if len(texts) == 1:
        texts = _said_twice(question)
    if len(texts) == 1:
        texts = _clauses(question)
    if len(texts) > 1:
        return tuple(Part(text) for text in texts)
    periods = tuple(period.label for period in said.periods)
    for labels, asks in ((said.companies, _OF_EACH), (periods, _COMPARED)):
        if 1 < len(labels) <= MOST and asks.search(question):
            return tuple(Part(question, one, tuple(o for o in labels if o != one)) for one in labels)
    return (Part(question),)


def _years_later(question: str, said: Scope) -> list[str]:
    """The question, and the same of a later year, if it asks that too: "in Q2 2023, and a year later"."""
    times = [m for m in said.mentions if m.kind == "period"]
    if len(times) != 2 or not _YEARS_ON.search(question[times[1].start : times[1].end]):
        return [question]
    first, later = times
    again = _AGAIN.search(question, first.end, later.start)
    year, next_year = (_YEAR.search(time.label) for time in times)
    if not (again and year and next_year) or question[later.end :].strip(" ?."):
        return [question]
    moved = int(next_year[0]) - int(year[0])
    span = _YEAR.sub(lambda m: str(int(m[0]) + moved), question[first.start : first.end])
    head = question[: again.start()]
    return [f"{head}?", f"{head[: first.start]}{span}{head[first.end :]}?"]


def _clauses(question: str) -> list[str]:
    """The clauses that ask; behind the first each with the names that it leaves out."""
    found = _TOPIC.match(question)
    topic, rest = (found[0], question[found.end() :]) if found else ("", question)
    first, *others = _JOINT.split(" ".join(rest.split()))
    names = _names(first)
    separable = 0 < len(others) < MOST and (topic or names) and _OPENS.match(first)
    whole = all(len(clause.split()) >= FEWEST_WORDS for clause in (first, *others))
    if not separable or not whole or _ONE_THING.search(first) or _is_relative(first, others):
        return [question]
    if is_titled(question):  # capitals tell no names
        return [question]
    out = [topic + first.rstrip("?.;, ") + "?"]
    for clause in others:
        before = topic + _about(names, clause)
        if before and _OPENS.match(clause):  # no name, as a capital there would make of it
            clause = clause[0].lower() + clause[1:]
        out.append(before + clause.rstrip("?.;, ") + "?")
    return out


def _said_twice(question: str) -> list[str]:
    """The question with one and with the other of what a repeated preposition joins, if one does."""
    asked = " ".join(question.split())
    second = _REPEATED.search(asked)
    if not second or _ONE_THING.search(asked):
        return [question]
    if _JOINT.search(asked, 0, second.start()):  # of a clause that follows another
        return [question]
    if second["asks"] and not asked.lower().startswith(second["asks"]):  # another thing is asked of it
        return [question]
    preposition, other = second["preposition"], second["other"]
    before = asked[: second.start()]
    ones = [before[m.end() :] for m in re.finditer(rf"\s{preposition}\s+(?=\S)", before)]
    ones = [one for one in reversed(ones) if len(one.split()) <= LONGEST_ONE]
    one = next((one for one in ones if _kind(one) == _kind(other)), next(iter(ones), ""))
    if not one or (_YEAR.search(other) and not _YEAR.search(one)):  # "for Q1 and for Q2 2024": of both
        return [question]
    head = before.removesuffix(one)
    return [f"{head}{about}?" for about in (one, other)]


def _kind(words: str) -> str:
    """What sort of thing ``words`` open with, to tell which two a conjunction joins."""
    first = words.split()[0]
    if _YEAR.fullmatch(first):
        return "year"
    if _DETERMINER.match(words):
        return "determined"
    return "named" if first[0].isupper() or first[0].isdigit() else "other"


def _is_relative(first: str, others: list[str]) -> bool:
    """Whether a clause goes on with one inside the first: "drugs which failed and which were sold"."""
    inside = {word.casefold() for word in _RELATIVE.findall(first)}
    return any(clause.split()[0].casefold() in inside for clause in others)


def _names(clause: str) -> list[str]:
    """Runs of words that are written as names, or years, behind the first word."""
    start = len(clause) - len(clause.lstrip().partition(" ")[2])
    found = (without_possessive(m[0].rstrip(".")) for m in _NAME.finditer(clause, start))
    told = (name for name in found if name != name.lower() or _YEAR.fullmatch(name))  # no "5", "35"
    return list(dict.fromkeys(name for name in told if name != "I"))


def _about(names: list[str], clause: str) -> str:
    """The names that a clause leaves out: none where its subject has one and it points back to nothing;
    no date where it has its own.
    """
    subject = _SUBJECT.search(clause)
    named = subject and subject["name"][0].isupper() and subject["name"].casefold() not in SHORT_FORMS
    if named and not _POINTS_BACK.search(clause):
        return ""
    words = set(re.findall(r"[\w-]+", clause.casefold()))
    if _YEAR.search(clause):
        names = [
            name[: min((date.start for date in dates(name)), default=None)].strip() for name in names
        ]
    missing = [name for name in names if name and not words.issuperset(name.casefold().split())]
    return f"{', '.join(missing)}: " if missing else ""
