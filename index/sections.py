"""Sections of a release: by the headings that every wire uses, by unmistakable sentences, by form."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .quotations import PARAGRAPH, quotations
from .residue import navigation, page_headings, tables
from .sentences import Span, sentences
from .types import Section, SectionKind

FLOWING: frozenset[SectionKind] = frozenset(("body", "headline", "quotation"))
"""Kinds that flow into each other: passages are cut across their boundaries."""

_HEADINGS: tuple[tuple[SectionKind, re.Pattern[str]], ...] = (
    ("about", re.compile(r"About [A-Z0-9\"“(].{0,100}")),
    (
        "forward-looking",
        re.compile(
            r"(?:(?:Cautionary|Special)? ?(?:Note|Statements?|Notice|Information)? ?"
            r"(?:Regarding|on|About|Concerning)? ?Forward[- ]Looking (?:Statements?|Information)"
            r"|Safe Harbor(?: Statement)?)\b.{0,60}",
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
    (
        "legal",
        re.compile(
            r"(?:Disclaimer|Legal Notice)\b.{0,60}|Legal Disclaimers?|Disclaimers"
            r"|Important Legal Information"
            r"|No Offer (?:or|and) Solicitation|No Offer|Non-Solicitation|Trademarks?(?: Notices?"
            r"| Information)?"
            r"|Copyright(?: Notice)?|(?:Important )?Additional Information and Where to Find It"
            r"|Participants in the Solicitation",
            re.IGNORECASE,
        ),
    ),
)
_LINE = re.compile(r"[^\n]+")
_HEADING_LENGTH = 120  # code points at most of a line that can be a heading

# Headings within a line: bold ones, where a text came without line breaks.
_BOLD = re.compile(r"\*\*(?=\s*([^*\n]{2,120}?)\s*\*\*)")
_BOLD_KINDS: tuple[tuple[SectionKind, re.Pattern[str]], ...] = (
    (
        "forward-looking",
        re.compile(r"(?:\w+ ){0,3}Forward[- ]Looking Statements?\b.{0,70}|No Duty to Update", re.I),
    ),
    ("contact", re.compile(r"(?:Refer to|Media|Investors?|Contacts?):", re.I)),
)
_SENTENCE_ENDS = frozenset('.!?)”"]…')
_GLUED = re.compile(
    r"^[ \t\xa0]*(?:Contact Details(?=[A-Z])|(?:Media|Press|Investor Relations|Investors?"
    r"|Company) Contacts?:(?=\S))",
    re.MULTILINE,
)
_INLINE_ABOUT = re.compile(r"(?:(?<=[.!?)”\"*|] )|(?<=  )|(?<=\n))About (?=[A-Z0-9])")
_INLINE_CONTACT = re.compile(
    r"(?:(?<=[.!?)”\"*|!\]] )|(?<=  ))(?:Refer to:|(?:Media|Press|Investor Relations|Investors?"
    r"|Company) Contacts?\b:?"
    r"|View source version on: (?=Media))"
)
_REACHED = re.compile(r"[\w.+-]+@[\w-]+\.\w|\d{3}[-.) ]{1,2}\d{4}")
_IS = frozenset(
    ("is", "was", "are", "were", "has", "provides", "offers", "operates", "delivers", "helps", "focuses")
)
_LINKS = frozenset(("and", "of", "the", "for", "de", "&", "–", "-", "a"))
_NAME_LENGTH = 12  # words at most of a name behind About

_DOCUMENT = (
    r"(?:(?:press|news|media|earnings|joint|quarterly) )?(?:release|announcement|communication"
    r"|article|report"
    r"|document|presentation|letter|post|blog|material|content|editorial|publication)s?\b"
)
_FORWARD = re.compile(
    rf"(?:This|These|The|Our) {_DOCUMENT}[^.!?\n]{{0,160}}?\b(?:contains?|includes?|has"
    rf"|makes?)\b[^.!?\n]{{0,120}}?"
    r"forward[- ]looking (?:statements?|information)"
    r"|(?:(?:Certain|Some|Any|All|Various|The)(?: of the)? )?(?:[Ss]tatements|[Ii]nformation"
    r"|[Mm]atters)\b"
    r"[^.!?\n]{0,60}?\b(?:this|these|the) (?:press |news )?(?:release|announcement|communication"
    r"|article|document)\b"
    r"[^.!?\n]{0,160}?\b(?:are|is|be|constitutes?|contains?)\b[^.!?\n]{0,60}?forward[- ]looking"
    r"|Except for (?:the )?historical [^.!?\n]{0,200}?forward[- ]looking"
)
_LEGAL = re.compile(
    rf"This {_DOCUMENT}[^.!?\n]{{0,80}}?\b(?:does not|shall not|is not|do not"
    rf"|nor)\b[^.!?\n]{{0,80}}?\b(?:constitute|an)"
    r"\b[^.!?\n]{0,40}?\b(?:offer|solicitation)\b"
    r"|The foregoing does not constitute an offer"
    r"|No (?:stock exchange|securities commission|regulatory authority"
    r"|securities regulatory authority)\b[^.!?\n]{0,120}?"
    r"(?:approved|accepts|reviewed)"
    r"|Neither (?:the )?[^.!?\n]{3,160}? accepts? responsibility for the (?:adequacy|accuracy)"
    r"|(?:These|The) securities (?:have not been|being offered"
    r"|offered)[^.!?\n]{0,120}? registered under the"
    r"|(?:©|\(c\)|Copyright(?: ©| \(c\))?) ?(?:19|20)\d\d|All rights reserved\."
    r"|Please see full terms of use and disclaimers?\b"
    r"|(?:Legal )?Disclaimers?: ?\S|DISCLAIMERS?: ?\S"
    rf"|This (?:{_DOCUMENT}|content) (?:contains sponsored content"
    rf"|is (?:provided )?for informational purposes only"
    r"|(?:is|are) not (?:intended (?:to be|as) )?(?:investment|investing|financial|legal|medical"
    r"|trading) advice"
    r"|should not be (?:construed|considered|taken) as)",
)
_TRADEMARK = re.compile(
    r"\b(?:is|are)(?: an?| the)? (?:[\w/]+ ){0,4}?(?:trade|service) ?marks?\b"
    r"(?: (?:or|and) [^.!?\n]{1,60}?)? (?:of|owned|licensed|used under)\b"
)
_WIDE = re.compile(r"(?<! ) {2,}(?=\S)")
_SOME_NOTICES = 40  # of the law at most that are sought within lines
_WINDOW = 1_500  # code points at most in which the sentence of a notice is sought

_DATELINE = re.compile(
    r"[A-Z][^\n]{1,80}?(?: [-–—]{1,3} | ?-- ?|/PRN|\(\w*WIRE\w*\))|.*\b(?:19|20)\d\d [-–—/(]", re.I
)
_NO_HEADLINE = re.compile(
    r"(?:By\b|Embargo|Photo|Image|Source|Disseminated|NOTE|For immediate release|--|\W*$)"
    r"|.*(?:\[|https?:|www\.|©| / |\b\d\d?:\d\d\b)"
    r"|.*\b(?:Jan|Feb|Mar|Apr|May|June?|July?|Aug|Sept?|Oct|Nov|Dec)[a-z]*\.? \d{1,2},? (?:19|20)\d\d",
    re.I,
)
_HEADLINE_LENGTH = 220
_HEADLINES = 8  # lines at most
_FRONT = 200  # code points at most of residue before it


def sections(text: str) -> list[Section]:
    """The sections of a release in order; they do not overlap and cover the text whole.

    A section begins with its heading and runs to the next one. What stands before the first heading is
    body; a heading of a kind that is not known ends no section, so a contact block runs to the end;
    where headings are bold words within a line, it ends one. Notices, tables and residue of the page
    lie within.
    """
    base = _spread(_openings(text), len(text))
    hard = _overlay(base, _insets(text))
    out: list[Section] = []
    for part in hard:
        out += _body(text, part) if part.kind == "body" else [part]
    return out


def heading(line: str) -> SectionKind | None:
    """The kind of section that a line opens. A heading stands alone and is no sentence."""
    title = line.strip(" \t\r#*_:")
    if not title or len(title) > _HEADING_LENGTH or title[-1] in ".,;!?":
        return None
    return next((kind for kind, pattern in _HEADINGS if pattern.fullmatch(title)), None)


def _openings(text: str) -> list[tuple[int, SectionKind]]:
    """Where sections open, and where one is over ("body")."""
    found: dict[int, SectionKind] = {}
    for line in _LINE.finditer(text):
        kind = heading(line[0]) if len(line[0]) <= 2 * _HEADING_LENGTH else None
        if kind:
            found[line.start()] = kind
    found.update((m.start(), "contact") for m in _GLUED.finditer(text))
    found.update((at, "navigation") for at in page_headings(text))
    found.update((m.start(), "contact") for m in _INLINE_CONTACT.finditer(text)
                 if _REACHED.search(text, m.end(), m.end() + 160))  # fmt: skip
    found.update(
        (m.start(), "about") for m in _INLINE_ABOUT.finditer(text) if _names_itself(text, m.end())
    )
    flat = "\n" not in text.strip()
    if flat:
        found.update(
            (m.start(), "forward-looking") for m in _FORWARD.finditer(text) if _opens(text, m.start())
        )
    if "**" in text:
        for at, bold in _bold(text, flat):
            found.setdefault(at, bold)
    return sorted(found.items())


def _bold(text: str, flat: bool) -> Iterator[tuple[int, SectionKind]]:
    """Headings in bold type within a line; where there are no lines, others end what they follow."""
    for match in _BOLD.finditer(text):
        title = match[1].strip()
        kind = heading(title) or next((k for k, p in _BOLD_KINDS if p.fullmatch(title)), None)
        if kind and (flat or text[: match.start()].endswith("\n")):
            yield match.start(), kind
        elif flat and not kind and title[:1].isupper() and title[-1] not in ".,;:" and " " in title:
            before = text[max(0, match.start() - 8) : match.start()].rstrip()
            if before[-1:] in _SENTENCE_ENDS:
                yield match.start(), "body"


def _names_itself(text: str, at: int) -> bool:
    """Whether the name behind About is said again: About Acme Works Acme makes anvils."""
    words = text[at : at + 300].split(" ")[: 2 * _NAME_LENGTH]
    names = [w.strip(",.()®™*:") for w in words]
    for i in range(1, min(_NAME_LENGTH, len(words) - 1)):
        if "\n" in words[i - 1]:
            return False
        again = names[i] == names[0] or (names[i] == "The" and names[i + 1] == names[0])
        if again or (names[i] in names[:i] and words[i][:1].isupper() and words[i + 1] in _IS):
            return True
        if not words[i] or not (
            words[i][0].isupper() or words[i][0] in "(&0123456789" or words[i] in _LINKS
        ):
            return False
    return False


def _opens(text: str, at: int) -> bool:
    """Whether a sentence can begin at a place."""
    if text[max(0, at - 2) : at] in ("  ", "**"):
        return True
    before = text[max(0, at - 40) : at].rstrip(' *_“"\t\xa0')
    if not before or before[-1] in '.!?:)”"|]\n®':
        return True
    # behind a heading, or a document's code: P-ACME
    return bool(re.search(r"(?:Statements?|Information|[A-Z]-[A-Z]{2,5})$", before))


def _spread(starts: list[tuple[int, SectionKind]], length: int) -> list[Section]:
    """Sections from one opening to the next. What only ends a section ends no contact or page block."""
    out: list[tuple[int, SectionKind]] = [(0, "body")]
    for at, kind in starts:
        if kind == "body" and out[-1][1] in ("body", "contact", "navigation"):
            continue
        if kind == out[-1][1] and kind in ("navigation", "forward-looking"):
            continue
        out.append((at, kind))
    ends = [at for at, _ in out[1:]] + [length]
    return [Section(kind, at, end) for (at, kind), end in zip(out, ends, strict=True) if at < end]


def _insets(text: str) -> list[Section]:
    """Runs of another kind within sections, in order, apart from each other."""
    found = [Section("table", *span) for span in tables(text)]
    found += [Section("navigation", *span) for span in navigation(text)]
    found += _notices(text)
    found.sort(key=lambda s: (s.start, -s.end))
    apart: list[Section] = []
    for inset in found:
        if apart and inset.start < apart[-1].end:
            if inset.end <= apart[-1].end:
                continue
            inset = Section(inset.kind, apart[-1].end, inset.end)
        apart.append(inset)
    return apart


def _notices(text: str) -> list[Section]:
    """Paragraphs and sentences that are unmistakably a notice to investors or of the law."""
    found: list[Section] = []
    flat = "\n" not in text.strip()
    looking = "orward" in text and not flat
    goes_on = False
    at = 0
    gap = _WIDE if flat else PARAGRAPH
    for end, after in [*((m.start(), m.end()) for m in gap.finditer(text)), (len(text), len(text))]:
        kind = _notice(text, at, end)
        if not kind and goes_on and re.search("forward[- ]looking", text[at:end], re.I):
            kind = "forward-looking"
        goes_on = kind == "forward-looking" and looking
        if kind == "forward-looking" and flat:
            kind = None
        if kind and (not flat or at):
            found.append(Section(kind, at, end))
        at = max(at, after)
    if flat or "rademark" in text:
        found += _sentence_notices(text, flat)
    return found


def _notice(text: str, start: int, end: int) -> SectionKind | None:
    lead = re.compile(r"[\s*_\"“]*").match(text, start, end)
    at = lead.end() if lead else start
    if _FORWARD.match(text, at, min(end, at + 600)):
        return "forward-looking"
    return "legal" if _LEGAL.match(text, at, min(end, at + 600)) else None


def _sentence_notices(text: str, flat: bool) -> list[Section]:
    found: list[Section] = []
    done = 0
    patterns = (_LEGAL, _TRADEMARK) if flat else (_TRADEMARK,)
    places = sorted((m.start(), p is _LEGAL) for p in patterns for m in p.finditer(text))
    for at, opens in places[:_SOME_NOTICES]:
        if at < done or (opens and not _opens(text, at)):
            continue
        low = at if opens else max(done, at - 500)
        for a, b in sentences(text[low : at + _WINDOW // 2]):
            if low + a <= at < low + b:
                start, done = low + a, low + b
                start = max(start, text.rfind("**", start, at) + 2) if "**" in text[start:at] else start
                whole = flat or _alone(text, start, done)
                if whole and b - a <= 600:
                    found.append(Section("legal", start, done))
                break
    return found


def _alone(text: str, start: int, end: int) -> bool:
    """Whether a sentence is a paragraph of its own."""
    before, after = text[max(0, start - 1) : start], text[end : end + 1]
    return before in ("", "\n") and after in ("", "\n", "\r")


def _overlay(base: list[Section], insets: list[Section]) -> list[Section]:
    """Lay the runs within over the sections; a table ends what it stands in, unless that is a contact."""
    out: list[Section] = []
    at = 0

    def put(kind: SectionKind, start: int, end: int) -> None:
        if start < end:
            if out and out[-1].kind == kind and kind in ("body", "table", "navigation", "legal"):
                out[-1] = Section(kind, out[-1].start, end)
            else:
                out.append(Section(kind, start, end))

    queue = iter(insets)
    inset = next(queue, None)
    for part in base:
        at, kind = part.start, part.kind
        while inset and inset.start < part.end:
            start, end = max(inset.start, part.start), min(inset.end, part.end)
            if start < end and not _keeps(kind, inset.kind):
                put(kind, at, start)
                put(inset.kind, start, end)
                at = end
                if inset.kind == "table" and kind != "contact":
                    kind = "body"
            if inset.end > part.end:
                break
            inset = next(queue, None)
        put(kind, at, part.end)
    return out


def _keeps(kind: SectionKind, inset: SectionKind) -> bool:
    """Whether a section stays whole although such a run lies in it."""
    return inset == kind or (
        inset in ("legal", "forward-looking") and kind in ("forward-looking", "legal")
    )


def _body(text: str, part: Section) -> list[Section]:
    """A run of body with its headline and quotations told apart."""
    cuts: list[Section] = []
    start = part.start
    headline = _headline(text, start, part.end) if start < _FRONT else None
    if headline:
        cuts.append(Section("headline", *headline))
        start = headline[1]
    cuts += [Section("quotation", q.start, q.end, q.speaker) for q in quotations(text, start, part.end)]
    out: list[Section] = []
    at = part.start
    for cut in cuts:
        if at < cut.start and text[at : cut.start].strip():
            out.append(Section("body", at, cut.start))
            at = cut.start
        out.append(Section(cut.kind, at, cut.end, cut.speaker))
        at = cut.end
    if out and not text[at : part.end].strip():
        last = out.pop()
        out.append(Section(last.kind, last.start, part.end, last.speaker))
    elif at < part.end:
        out.append(Section("body", at, part.end))
    return out


def _headline(text: str, start: int, end: int) -> Span | None:
    """Title and subtitles on lines of their own before a body of sentences."""
    stop = None
    first = None
    count = 0
    for line in _LINE.finditer(text, start, end):
        title = line[0].strip(" \t\r*_#•\xa0-–")
        if not title:
            continue
        if (
            len(title) > _HEADLINE_LENGTH
            or count == _HEADLINES
            or not _is_title(title, text[line.end() : line.end() + 4])
        ):
            sentence = re.search(r"[.!?…][”\"]?(?:\s|$)", title)
            return (first, stop) if first is not None and stop and sentence and len(title) > 40 else None
        first = line.start() if first is None else first
        stop, count = line.end(), count + 1
    return None


def _is_title(title: str, after: str) -> bool:
    words = title.split()
    if len(words) < 3 or title[-1] in '.:;,!?…”"' or _NO_HEADLINE.match(title) or _DATELINE.match(title):
        return False
    long = [w for w in words if len(w) > 3 and w[0].isalpha()]
    titled = bool(long) and sum(w[0].isupper() for w in long) >= 0.6 * len(long)
    return (
        title[0].isupper()
        and not after.strip(" \r\xa0").startswith(",")
        and (titled or bool(PARAGRAPH.match(after)))
    )
