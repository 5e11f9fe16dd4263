"""An answer written by a language model from passages: drafted, taken apart, each sentence judged.

Nothing of what a model writes is shown because it wrote it. A sentence that its source supports is shown
with the quote that shows it; one that comes close is replaced by the source's own words; any other is
dropped, and each outcome is recorded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from index.errors import ModelError, NotInIndex
from index.sentences import sentences as sentence_spans
from index.terms import stems
from index.types import Hit

from . import prompts
from .claims import COMMON, Text
from .features import Candidate
from .injection import visible, without_orders
from .models import LanguageModel, Message
from .settings import Generation
from .support import Source, judge
from .types import Check, Turn
from .verify import ReleaseOf

ABSENT = "it says that the passages do not say"
"""The reason for which such a sentence is not shown."""

CLOSE = 0.3
"""How well a source must fit a sentence that it does not bear out to be quoted in its place."""

SMALL_PASSAGES = 3
"""Passages for a small model, at most: with more it says less of what they hold, and takes longer.

``python -m evals.benchmarks.prompts`` measures it, and that the best passage serves best as the last,
next to the question.
"""

LONGEST = 1000
"""Code points of a sentence that is looked at; a longer one is dropped."""

REWRITE_TOKENS = 80
_NUMBERS = r"\d{1,3}(?:\s*(?:[,;&–-]|,?\s*and)\s*\d{1,3})*"
_KEYS = re.compile(rf"[ \t]*[\[【](?:passages?\s*)?{_NUMBERS}[\]】]", re.I)
_LEADING = re.compile(r"\s*" + _KEYS.pattern, re.I)
_ENDS = re.compile(r"(?:[.!?。！।][\"”’')]*|[\]】])\s*$")
_LEAD = re.compile(r"^\s*(?:(?:(?:the )?answer(?: is)?\s*:|[-*•]\s+|#+\s+|\d{1,2}[.)]\s+)\s*)+", re.I)
_GIVEN = r"(?:passages?|excerpts?|sources?|(?:provided|given) (?:texts?|releases?|information|context))"
_SAYING = (
    r"(?:say|state|mention|provide|contain|include|specify|specified|give|given|provided|mentioned|stated"
    r"|answer|disclose|available)"
)
_ABSENT = re.compile(
    rf"^\W*not found\b|\b{_GIVEN}\b[^.]{{0,40}}\b(?:not|don['’]t|doesn['’]t|no"
    rf"|nothing)\b[^.]{{0,30}}\b{_SAYING}\b"
    rf"|\b(?:not|cannot|can['’]t|nothing)\b[^.]{{0,40}}\b(?:{_SAYING}|find|found"
    rf"|answer)\b[^.]{{0,30}}\b{_GIVEN}\b"
    rf"|^\W*(?:there is |i have )?no (?:information|mention|answer)\b|^\W*the (?:text|context"
    rf"|release)s? do(?:es)? "
    rf"not {_SAYING}\b[^.]{{0,20}}\b(?:how|what|who|when|where|why|which|whether|this|an answer)\b",
    re.I,
)
_MARKUP = re.compile(r"</?[A-Za-z][^>]*>|`|\{\"|<\||\|>|\]\(|^\s*[{\[]\s*\"", re.I)
_ADDRESS = re.compile(r"(?:https?:|www\.)[^\s,;)]+|\b[\w.+-]+@[\w-]+\.\w+", re.I)
_YES_NO = re.compile(
    r"\s*(?:is|are|was|were|do|does|did|has|have|had|can|could|will|would|should)\b", re.IGNORECASE
)
_WANTS_FIGURE = re.compile(
    r"\bhow (?:many|much|long|old|large|big|often)\b|\bwhat (?:share|percentage)\b", re.I
)
_EMPTY = frozenset(stems("number amount total answer question passage text figure share many much new"))
_TAG = re.compile(r"<(?=[/|!A-Za-z])|(?<=[A-Za-z|/\"'])>")


@dataclass(frozen=True, slots=True)
class Draft:
    """A judged sentence: its check, and what is shown for it, from ``hit``, ``start`` to ``end``.

    ``text`` is empty, and ``hit`` None, where nothing is shown.
    """

    check: Check
    text: str = ""
    hit: Hit | None = None
    start: int = 0
    end: int = 0


def readable(hits: Sequence[Hit], release_of: ReleaseOf) -> list[Hit]:
    """The hits without the paragraphs that speak to a machine; best first, as before.

    Those whose release another process has taken out or changed meanwhile are left out.
    """
    kept = []
    for hit in hits:
        try:
            text = release_of(hit.release_id).text
        except NotInIndex:
            continue
        if text[hit.start : hit.end] != hit.quote:
            continue
        for start, end in without_orders(text, hit.start, hit.end):
            kept.append(replace(hit, start=start, end=end, quote=text[start:end]))
    return kept


def standalone(model: LanguageModel, question: str, history: Sequence[Turn]) -> str | None:
    """A follow-up as a question that can be understood alone; None where the model's cannot be used.

    It may take names and figures from the turns before, and nothing from elsewhere.
    """
    turns = "\n".join(f"Question: {t.question}\nAnswer: {t.answer[:300]}" for t in history[-3:])
    messages = [
        Message("system", prompts.REWRITE_SYSTEM),
        Message("user", prompts.REWRITE.format(turns=fenced(turns), question=question)),
    ]
    with model.stream(messages, REWRITE_TOKENS) as stream:
        written = "".join(stream).strip()
    line = written.split("\n")[0].strip().strip('"“”')
    own = set(stems(question))
    known = own.union(*(stems(f"{t.question} {t.answer}") for t in history))
    found = stems(line)
    kept = len(own & set(found)) >= 0.5 * len(own)
    usable = (
        line.endswith("?")
        and len(line) <= 300
        and kept
        and set(found) <= known | COMMON
        and bool(set(found) - own - COMMON)
    )
    return line if usable else None


def messages(question: str, hits: Sequence[Hit]) -> list[Message]:
    """The prompt that asks ``question`` of ``hits``, numbered from 1; the first, the best, comes last."""
    passages = "\n".join(
        prompts.PASSAGE.format(
            number=number,
            title=fenced(_title(hit)).replace('"', "'"),
            date=hit.date or "undated",
            text=fenced(" ".join(hit.quote.split())),
        )
        for number, hit in [*enumerate(hits, 1)][::-1]
    )
    return [
        Message("system", prompts.ANSWER_SYSTEM),
        Message("user", prompts.ANSWER.format(passages=passages, question=question)),
    ]


def fenced(text: str) -> str:
    """``text`` unable to end its passage or to open a turn: marks of templates lose their brackets."""
    plain = visible(text).replace("\N{FULLWIDTH VERTICAL LINE}", " ")
    return _TAG.sub(" ", re.sub(r"\[(/?(?:[A-Z_]{3,}|(?i:inst)))\]", r"(\1)", plain))


def packed(model: LanguageModel, question: str, hits: Sequence[Hit], settings: Generation) -> list[Hit]:
    """The hits that a model's context window has room for: the last ones are left out, none is cut."""
    hits = list(hits[: min(settings.passages, SMALL_PASSAGES) if model.small else settings.passages])
    room = model.context_window - settings.tokens
    while len(hits) > 1 and sum(model.count_tokens(m.text) + 8 for m in messages(question, hits)) > room:
        hits.pop()
    return hits


def judged(
    pieces: Iterator[str],
    hits: Sequence[Hit],
    question: str,
    wording: float,
    promising: Sequence[Candidate] | None = None,
) -> Iterator[Draft]:
    """The sentences of a model's answer as they are completed, each judged.

    ``wording`` is that of the settings. With ``promising`` sentences, a quote that holds none of them is
    not shown: for a model that cannot tell what answers a question.
    """
    for sentence, keys in sentences(pieces):
        yield _judge(sentence, keys, hits, question, wording, promising)


def absent(text: str) -> bool:
    """Whether a model says that the passages do not answer."""
    return bool(_ABSENT.search(text)) and len(text) < 300


def sentences(pieces: Iterator[str]) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Sentences of streamed text with the passage numbers that they cite, each as soon as it is whole.

    A number behind the full stop belongs to the sentence before it. What was cut off at the end, without
    full stop or number, comes last, as it is. A ModelError is raised behind what was whole by then.
    """
    buffer, error = "", None
    while True:
        try:
            piece = next(pieces, None)
        except ModelError as exc:  # what is whole so far is kept
            error = exc
            break
        if piece is None:
            break
        if not (piece.isspace() and buffer[-1:].isspace()):
            buffer += piece
        while whole := _first_whole(buffer):
            yield _cited(buffer[:whole])
            buffer = buffer[whole:]
        if len(buffer) > 2 * LONGEST:  # no sentence; what does not end must not be split again for ever
            yield _cited(buffer)
            buffer = ""
    for part in _split(buffer):
        if part.strip() and not (error and not _ENDS.search(part)):
            yield _cited(part)
    if error:
        raise error


def _first_whole(buffer: str) -> int:
    """Where the first sentence ends, numbers included, once the next one has begun; else 0."""
    parts = _split(buffer)
    if len(parts) < 2 or len(parts[1].split()) < 2:
        return 0
    return len(parts[0])


def _split(text: str) -> list[str]:
    """``text`` in sentences, each with the numbers behind it and the white space after it."""
    # the numbers are blanked for the splitter, which is made for prose
    blank = _KEYS.sub(lambda m: " " * len(m[0]), text)
    starts = [start for start, _ in sentence_spans(blank)]
    lines = [m.end() for m in re.finditer(r"\n", text)]
    cuts = sorted({0, len(text), *starts, *lines})
    parts: list[str] = []
    for a, b in pairwise(cuts):
        part = text[a:b]
        lead = _leading_keys(part) if parts else 0
        if lead:
            parts[-1] += part[:lead]
            part = part[lead:]
        if part.strip():
            parts.append(part)
        elif parts:
            parts[-1] += part
    return parts


def _leading_keys(text: str) -> int:
    end = 0
    while m := _LEADING.match(text, end):
        end = m.end()
    return end


def _cited(text: str) -> tuple[str, tuple[int, ...]]:
    keys = [int(n) for m in _KEYS.finditer(text) for n in re.findall(r"\d+", m[0])]
    plain = _LEAD.sub("", " ".join(_KEYS.sub("", text).replace("**", "").split()))
    plain = re.sub(r"\s+([.,;:!?])(?!\d)", r"\1", plain)
    return re.sub(r"([.!?])\.+$", r"\1", plain), tuple(dict.fromkeys(keys))


def _judge(
    sentence: str,
    keys: tuple[int, ...],
    hits: Sequence[Hit],
    question: str,
    wording: float,
    promising: Sequence[Candidate] | None,
) -> Draft:
    if fault := _form_fault(sentence, keys, hits):
        return Draft(Check(sentence, "dropped", fault))
    cited = [hits[key - 1] for key in keys if 0 < key <= len(hits)]
    unknown = [key for key in keys if not 0 < key <= len(hits)]
    if not hits:
        return Draft(Check(sentence, "dropped", "there is no passage"))
    verdicts = [(judge(sentence, _source(hit)), hit) for hit in cited]
    if not any(v.supported for v, _ in verdicts):  # a model's numbers are no better than its sentences
        verdicts += [(judge(sentence, _source(hit)), hit) for hit in hits if hit not in cited]
    supported = [(v, hit) for v, hit in verdicts if v.supported]
    verdict, hit = max(supported or verdicts, key=lambda pair: pair[0].fit)
    start, end = hit.start + verdict.start, hit.start + verdict.end
    reason = verdict.reason
    notes = [f"it cites passage {key}, which there is not" for key in unknown]
    if supported and cited and hit not in cited:
        notes.append("another passage than the one it cites says it")
    if not reason and _only_repeats(sentence, question):
        reason = "it only repeats the question"
    elif not reason and promising is not None and not _holds(promising, hit, start, end):
        reason = "it does not seem to answer the question"
    elif not reason and verdict.wording >= wording:
        return Draft(Check(sentence, "supported", "; ".join(notes)), sentence, hit, start, end)
    elif (not verdict.reason or verdict.fit >= CLOSE) and (
        promising is None or _holds(promising, hit, start, end)
    ):
        notes.append(reason or "it is worded more freely than can be checked")
        quote = " ".join(hit.quote[verdict.start : verdict.end].split())
        return Draft(Check(sentence, "corrected", "; ".join(notes)), quote, hit, start, end)
    return Draft(Check(sentence, "dropped", "; ".join([*notes, reason])))


def _form_fault(sentence: str, keys: tuple[int, ...], hits: Sequence[Hit]) -> str:
    """Why a sentence cannot be shown whatever it says; empty where it can."""
    if len(sentence) > LONGEST:
        return "it is too long for a sentence"
    if absent(sentence) and not any(sentence in " ".join(hit.quote.split()) for hit in hits):
        return ABSENT
    if _MARKUP.search(sentence):
        return "it holds markup"
    if any(not any(address in hit.quote for hit in hits) for address in _ADDRESS.findall(sentence)):
        return "it holds an address that no passage has"
    if len(stems(sentence)) < 2 and sentence.isascii():
        return "it is no sentence"
    whole = sentence.rstrip("\"”’')").endswith((".", "!", "?", "。", "！", "।"))
    return "" if whole or keys else "it breaks off"


def _source(hit: Hit) -> Source:
    return Source(hit.quote, _title(hit), hit.company, hit.date)


def _title(hit: Hit) -> str:
    """The title, unless it speaks to a machine."""
    return hit.title if without_orders(hit.title, 0, len(hit.title)) else ""


def _only_repeats(sentence: str, question: str) -> bool:
    """Whether a sentence has no word, figure or date of its own beside those of the question."""
    if _YES_NO.match(question):
        return False
    said, asked = Text(sentence), Text(question)
    own = {mark.stem for mark in said.marks} - {mark.stem for mark in asked.marks} - _EMPTY
    wants_figure = _WANTS_FIGURE.search(question) and not said.figures and not said.dates
    return not own or bool(wants_figure and len(own) < 3)


def _holds(promising: Sequence[Candidate], hit: Hit, start: int, end: int) -> bool:
    return any(
        c.hit.release_id == hit.release_id and start <= c.start and c.end <= end for c in promising
    )
