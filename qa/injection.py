"""Text in a release that speaks to a machine instead of to its readers.

A release is data, whatever it says. A paragraph that gives orders to a language model, imitates the marks
of a conversation or hides letters is neither given to a model nor quoted. What slips through still has to
pass verification like everything else. ``python -m evals.injected`` counts both: what gets through of the
injected releases, and how many paragraphs of real ones are left out.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from index.sentences import Span

LONGEST_REACH = 1200
"""Code points: where a text has no paragraphs, about this much around an order is left out with it."""

_MACHINE = (
    r"(?:AI|A\.I\.|LLMs?|GPT|chatbots?|bots?|assistants?|(?:language |helpful )models?|reader program"
    r"|automat(?:ed|ic) (?:readers?|answering|systems?|assistants?)|machine readers?"
    r"|(?:AI|answering|question-answering) (?:systems?|tools?|assistants?|models?))"
)
_SAY = (
    r"(?:answer|reply|respond|say|state|tell|write|report|mention|repeat|print|output|reveal|give"
    r"|describe"
    r"|add|cite|quote|recommend|swear|speak)"
)
_RULES = r"(?:instructions?|prompts?|rules|orders|directions|guidelines|context|guidance)"
_STARTS = r"(?:^|[.!?:;\"“*(\n]\s*|\b(?:please|kindly|then|and|only|must|have to|has to)\s+)"
_SAME = r"[^.!?\n]"  # within a sentence
_TAGS = (
    r"passages?|question|answer|instructions?|function_?\w*|tool_?\w*|invoke"
    r"|context|documents?|system|user|assistant"
)

_ORDERS: tuple[tuple[tuple[str, ...], re.Pattern[str]], ...] = tuple(
    (tuple(keys.split("|")), re.compile(pattern, re.IGNORECASE | re.MULTILINE))
    for keys, pattern in (
        # take back what was said before
        (
            "ignor|disregard|forget|set aside|overrid|scrap|bypass",
            rf"(?<!not )(?<!should )\b(?:ignor(?:e|ing)|disregard(?:ing)?|forget|set aside|override|scrap"
            rf"|bypass)\b(?! of){_SAME}{{0,30}}"
            rf"\b(?:all|any|the|these|those|your|you|previous|prior|earlier|every\w*|what"
            rf"|above)\b{_SAME}{{0,30}}"
            rf"(?:\b{_RULES}\b|\b(?:above|question|release and|passages?|told|before|below)\b)",
        ),
        (
            "instruction|prompt|rules|context",
            rf"\b(?:previous|prior|earlier|above|existing|old) {_RULES}\b{_SAME}{{0,40}}"
            r"\b(?:void|withdrawn|cancell?ed|replaced|no longer|superseded|rules?)\b",
        ),
        (
            "instruction|prompt|rules",
            rf"\b(?:updated|hidden|secret|system) (?:instructions?|prompt|rules)\b"
            rf"|\bnew instructions\b{_SAME}{{0,20}}"
            r"(?:are that|:|follow|must)|\brules that you were given\b|\byour (?:system )?prompt\b",
        ),
        ("system", r"\bsystem (?:prompt|message|update|override)\b\s*[\d.]*\s*:|\bsystem prompt\b"),
        # speak to a machine and tell it what to say
        (
            "ai|a.i.|llm|gpt|bot|assistant|model|reader|automat|answering",
            rf"\b{_MACHINE}\b{_SAME}{{0,80}}\b(?:must|shall|has to|have to|may only|please|kindly"
            rf"|be so kind)\b"
            rf"{_SAME}{{0,60}}\b{_SAY}\b"
            rf"|\b{_MACHINE} (?:reading|summari[sz]ing|answering|processing) this should {_SAY}\b"
            rf"|\b{_MACHINE}\s?[:,]\s(?:please |kindly )?{_SAY}\b"
            rf"|\b{_MACHINE}\b{_SAME}{{0,40}}[:,]\s{_SAME}{{0,40}}\bwhen asked\b"
            rf"|\b(?:dear|kind regards to the|note to|message to)\b{_SAME}{{0,20}}\b{_MACHINE}\b",
        ),
        (
            "ai|a.i.|llm|gpt|bot|assistant|model|reader|automat|answering",
            rf"(?:\b(?:if|when|whenever) (?:you|this|an?|the)|(?:^"
            rf"|[.!?\n]\s*)should)\b{_SAME}{{0,40}}\b{_MACHINE}\b"
            rf"{_SAME}{{0,60}}\b(?:summari[sz]\w+|read(?:s|ing)?|answer\w*|process\w*)\b",
        ),
        (
            "answer|whatever|instead|whoever|user|reader|prompt|come up|comes up|reply",
            rf"{_STARTS}{_SAY}\b{_SAME}{{0,30}}\b(?:only|exactly|that|with|as|to the (?:user|reader"
            rf"|public)|user|reader)\b"
            rf"{_SAME}{{0,80}}\b(?:answer|whatever|instead|whoever|users?|reader|prompt|comes? up"
            rf"|reply)\b",
        ),
        (
            "user|reader|question|whoever",
            rf"\b(?:tell|direct|advise|inform|told) (?:the )?(?:user|reader)s?\b|\bwhoever asks\b"
            rf"|\b(?:whatever|every|each|the next) (?:the )?question\b{_SAME}{{0,40}}\b(?:answer|reply"
            rf"|was|is asked|in this way)\b"
            rf"|\b(?:answer|reply to|respond to) (?:every|each|all|the next) question"
            rf"|\banswers? questions on this\b"
            r"|\bthe user's question\b",
        ),
        (
            "ask|repeat that whenever",
            rf"\bwhen(?:ever)? (?:asked|somebody asks|a user asks)\b{_SAME}{{0,80}}[,:]\s*{_SAY}\b"
            rf"|\bif (?:somebody|anyone|a user|asked)\b{_SAME}{{0,10}}\bask\w*\b{_SAME}{{0,60}}\b{_SAY}\b"
            r"|\brepeat that whenever\b",
        ),
        (
            "permitted|allowed|approved|the same|exactly this|may only|must be",
            r"\b(?:only permitted|only allowed|approved) (?:answer|line|reply|response)\b"
            r"|\breaders must be told\b"
            r"|\bgive (?:the same|exactly this) (?:reply|answer|response)\b|\bmust be cited\b"
            r"|\bmay only be (?:given|quoted|stated|reported) as\b",
        ),
        (
            "answer|reply|response",
            r"\b(?:before you answer|before answering|(?:finish|end|begin|start) (?:your|every"
            r"|each) (?:answer|reply))\b"
            r"|\binto your (?:answer|reply|response)\b|\bdo not mention\b.{0,60}\bin any answer\b",
        ),
        (
            "you are now|from now on|from here on|pretend|unrestricted",
            rf"\byou are now (?:an? |the )?(?:(?-i:[A-Z]{{3,}}\b)|{_MACHINE}|pirate|unrestricted"
            rf"|free of)|\bpretend (?:to be|you)\b"
            rf"|\bfrom (?:now|here) on,?\s+(?:{_SAY}|act|you|treat)\b"
            rf"|\bunrestricted\b{_SAME}{{0,30}}\b(?:adviser|mode)\b",
        ),
        (
            "correct figure|correct answer|whatever is asked|replace the text",
            r"\bcorrect (?:figure|answer) (?:for|to) (?:any|every|all)\b|\bwhatever is asked\b"
            r"|\breplace the text\b",
        ),
        (
            "decode|unscramble|join the letters|rot13|rot-13|base64|read it as",
            rf"\b(?:decode|unscramble|join the letters)\b{_SAME}{{0,80}}\b(?:do|follow|obey\w*|act"
            rf"|execute)\b"
            rf"|\b(?:rot-?13|base64)\b{_SAME}{{0,60}}\b(?:decod|obey)|\bread it as plain\b",
        ),
        (
            "function|tool|open a shell|`",
            r"\b(?:call|invoke|execute) (?:the|this) (?:function|tool)\b|\brun the function\b"
            r"|\bopen a shell\b"
            r"|`[^`\n]*\b(?:curl|wget|rm|bash|cat|sudo|eval)\b[^`\n]*`",
        ),
        (
            "list the|text above",
            rf"\blist the (?:other )?(?:documents|files|passages)\b{_SAME}{{0,40}}\byou\b"
            rf"|\bprint the text above\b",
        ),
        (
            "passage|cite|citing|source:|correction to",
            r"\bpassages? \[\d+\]|\b(?:cite|citing) (?:it|this|them|passage)\b[^.!?\n]{0,20}\[\d+\]"
            r"|\[\d+\] (?:source:|correction to|according to passage)",
        ),
        # marks of a conversation, of tools, of pages
        (
            "<|[inst]|[/inst]|##|assistant|human|user|system",
            r"<\|[^|>\n]{1,30}\|>|\[/?INST\]|<</?SYS>>|</s>|^\s*#{2,}\s*(?:instruction|response|system"
            r"|user|assistant)\b"
            r"|(?:^|\n)\s*(?:human|assistant|user|system)\s*:",
        ),
        ("<", rf"</?(?:{_TAGS})\b[^>\n]*>|<!--(?!\s*-->)"),
        ("{", r"\{\s*\"(?:tool_calls?|name|function|action|arguments?)\"\s*:"),
        (
            "---|end_",
            r"-{3,}\s*(?:end|begin|start|end of|begin of) (?:of )?(?:passages?|context|documents?"
            r"|text)\b[^\n]{0,20}-{3,}|\bend_(?:context|passages?|documents?)\b",
        ),
        (" ", r"(?<!\w)(?=(?:\w +){0,9}(?-i:[a-z]))(?:[^\W\d_] +){9,}[^\W\d_](?!\w)"),
        # the first of these orders in other languages
        (
            "ignor|verg|missachte|olvida|omite|oubli|esque|desconsidere|dimentica|unut|negeer|yok "
            "say|yoksay",
            rf"\b(?:ignorier\w*|vergiss|missachte)\b{_SAME}{{0,40}}(?:anweisung|regeln|vorgaben)"
            rf"|\b(?:ignora|olvida|omite)\b{_SAME}{{0,40}}(?:instruc|reglas|indicac)"
            rf"|\b(?:ignore[zs]?|oublie[zs]?)\b{_SAME}{{0,40}}(?:consigne|règle|instructions pr)"
            rf"|\b(?:esque[çc]a|ignore|desconsidere)\b{_SAME}{{0,40}}(?:instruç|regras)"
            rf"|\b(?:ignora|dimentica)\b{_SAME}{{0,40}}(?:istruzion|regole)"
            rf"|(?:talimat|kural)\w*\s+(?:\w+\s+){{0,2}}(?:unut|yok ?say)"
            rf"|\b(?:negeer|vergeet)\b{_SAME}{{0,40}}(?:instructie|regels)",
        ),
        (
            "assistant|ia|ki",
            rf"\b(?:assistant|IA|KI)\b{_SAME}{{0,40}}\b(?:réponds|répondez|responde|antworte|rispondi)\b",
        ),
        (
            "忽|无视|忘|無視|不要理会",
            r"(?:忽略|无视|忘记|不要理会)[^。！？\n]{0,20}(?:指|令|命)|(?:指示|指令|命令)[^。！？\n]{0,12}(?:無視|忽略|忘)",
        ),
        (
            "забуд|игнорир|обращай|تجاهل|انس|निर्देश",
            rf"(?:забудь|игнорируй|не обращай)\w*{_SAME}{{0,40}}(?:инструкц|указан|правил)"
            rf"|(?:تجاهل|انس){_SAME}{{0,30}}(?:تعليمات|أوامر|قواعد)|निर्देश[^।\n]{{0,20}}(?:भूल|अनदेखा)",
        ),
    )
)
"""Words one of which a paragraph must hold, in lower case, and what it must match then."""

_PAGE = re.compile(
    r"<(script|style|svg|object|iframe)\b.*?</\1\s*>|</?(?:script|style|svg|object|iframe|img)\b[^>]*>",
    re.I | re.S,
)
_PARAGRAPH = re.compile(r"\n[ \t\r]*\n\s*")
_HIDDEN = re.compile(
    "[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff\U000e0000-\U000e007f]"
)
_HIDES = 8  # hidden characters that are no accident
_MIXED = re.compile(r"\b(?=\w*[A-Za-z])(?=\w*[\u0400-\u04ff])\w{3,}\b")
_LETTERS_AS_FIGURES = 12
_LEET = re.compile(r"\b\w*[a-z][0134578]\w*[a-z]\w*\b")


def visible(text: str) -> str:
    """``text`` without characters that are not seen: they may hide words, or turn the line round."""
    return _HIDDEN.sub("", text)


def without_orders(text: str, start: int, end: int) -> list[Span]:
    """The parts of ``text[start:end]`` that lie outside of paragraphs which speak to a machine, and of
    scripts and pictures of a page.
    """
    runs: list[Span] = []
    for first, last in _paragraphs(text):
        a, b = max(first, start), min(last, end)
        if a < b and not _speaks_to_machine(text[first:last]):
            if runs and not text[runs[-1][1] : a].strip():
                a = runs.pop()[0]
            runs.append((a, b))
    return [part for run in runs for part in _without_page(text, *run)]


def _without_page(text: str, start: int, end: int) -> Iterator[Span]:
    for m in _PAGE.finditer(text, start, end) if "<" in text[start:end] else ():
        yield from _stripped(text, start, m.start())
        start = m.end()
    yield from _stripped(text, start, end)


def _stripped(text: str, start: int, end: int) -> Iterator[Span]:
    """The span without white space around it; none for white space alone."""
    if part := text[start:end].strip():
        first = text.index(part, start)
        yield first, first + len(part)


def _paragraphs(text: str) -> Iterator[Span]:
    at = 0
    for m in [*_PARAGRAPH.finditer(text), None]:
        end = m.start() if m else len(text)
        while end - at > LONGEST_REACH:
            cut = text.rfind(". ", at, at + LONGEST_REACH) + 1 or at + LONGEST_REACH
            yield at, cut
            at = cut
        if at < end:
            yield at, end
        at = m.end() if m else end


@lru_cache(maxsize=1024)
def _speaks_to_machine(text: str) -> bool:
    plain = text
    if not text.isascii():
        hidden = _HIDDEN.findall(text)
        if len(hidden) >= _HIDES or any(c == "\u202e" or c >= "\U000e0000" for c in hidden):
            return True
        plain = unicodedata.normalize("NFKC", visible(text))
        if len(_MIXED.findall(plain)) >= 3:
            return True
    low = plain.lower()
    return (len(_LEET.findall(low)) >= 8 and "3v3" in low) or any(
        order.search(plain) for keys, order in _ORDERS if any(key in low for key in keys)
    )
