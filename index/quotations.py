"""Quotations: quoted statements with the sentence parts that say who made them."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from operator import itemgetter

from .sentences import Span, sentences

_VERB = (
    r"(?:said|says|stated|states|added|adds|noted|notes|commented|comments|explained|explains|remarked"
    r"|remarks|continued|continues|concluded|concludes|shared|shares|emphasi[sz]ed|emphasi[sz]es|observed"
    r"|declared|affirmed|highlighted|highlights|recalled|told|wrote"
    r"|dijo|dice|afirmó|señaló|aseguró|declaró|explicó|añadió|comentó|indicó|destacó"
    r"|(?:a )?déclaré?|(?:a )?expliqué?|(?:a )?affirmé?|(?:a )?ajouté?|(?:a )?commenté?|souligne|précise"
    r"|déclare|explique|affirme|ajoute|commente|sagte|sagt|erklärte|erklärt|betonte|betont|ergänzte"
    r"|ergänzt)"
)
_AFTER = re.compile(rf"[,.]?\s*(?:(?:so|{_VERB})\s+|said(?=[A-Z])|[–—]\s*(?=[A-Z]))")
_THEN_VERB = re.compile(rf"(?:,[^\"“”.;\n]{{1,160}}?,)?\s+(?:has |have |also |further |then )?{_VERB}\b")
_VERB_BEFORE = re.compile(rf"\b{_VERB}\b[^.!?\"“”„«»]{{0,90}}?[,:]\s*\Z")
_UNQUOTED = re.compile(r", (?:said|stated|added) ")
_PRONOUN = re.compile(r"(?:he|she)\b", re.IGNORECASE)
_MARK = re.compile(r"[\"“”„«»]")
_NAME_WORD = re.compile(r"(?:[A-ZÀ-ÖØ-Þ][\w’'.-]*|[A-Z]\.)\Z")
_GLUED = re.compile(
    r"(?<!\bMc)(?<!\bMac)(?<!\bDe)(?<!\bDi)(?<!\bLe)(?<!\bLa)(?<!\bVan)(?<!\bFitz)(?<=[a-z])[A-Z]"
)
_PARTICLES = frozenset("""de da di du del della van von der den la le bin al el ter dos y e""".split())
_HONORIFICS = frozenset(
    """Dr Mr Mrs Ms Prof Professor Sir Dame Hon Rev Herr Frau Monsieur Madame Lord Lady""".split()
)
_ROLES = frozenset(
    """Acting Interim Deputy Assistant Associate Principal Attorney General Solicitor Director
    Directors Special Agent Agents Charge Inspector Chief Senior Executive Vice President CEO
    CFO COO CTO CMO CIO CSO Chair Chairman Chairwoman Chairperson Founder Co-Founder Cofounder
    Co-CEO Owner Manager Managing Partner Officer Secretary Under Undersecretary Administrator
    Commissioner Counsel Governor Gov Senator Sen Representative Rep Congressman Congresswoman
    Mayor Sheriff Judge Minister Ambassador Captain Colonel Lieutenant Major Commander Sergeant
    Superintendent Marshal Prosecutor Head Lead Spokesperson Spokesman Spokeswoman Analyst
    Author Coach Pastor Regional National Global Field Operations Division Region Regulatory
    Financial Operating Technology Medical Scientific Marketing Postmaster Postal Investigator
    Supervisory Resident Legal Treasurer Trustee Advisor Adviser Member Detective Police
    Justice Staff Office Department Bureau Administration Investigations District Criminal
    Civil Tax Antitrust U.S US Acting-Assistant Agent-in-Charge Agents-in-Charge
    Geschäftsführer Geschäftsführerin Director-General Directora Directeur Directrice""".split()
)
_BODIES = frozenset(
    """Inc Corp Corporation Company LLC Ltd Group Team University Foundation Association Committee
    Council Agency Commission Institute Hospital Services Holdings Partners Capital Bank Fund
    Board Center Centre Society Union Media News Report Government Court Congress Senate House
    Technologies Pharmaceuticals Review Magazine Network Protocol Exchange Platform
    Therapeutics Systems Solutions Industries International Ministry Authority Labs""".split()
)
_STARTERS = frozenset(
    """The In On At As It This That These Those We Our Today For From With By According When While
    After Before However But And Commenting Speaking Regarding Also Meanwhile Another His Her
    Their Its One A An I You They He She If Since Under More Asked Additionally""".split()
)
_LONGEST = 4_000  # code points at most of one pair of quotation marks
_SOME_WORDS = 6  # a statement has at least so many
_MOSTLY = 0.6  # of a sentence's characters are quoted, or say who speaks
PARAGRAPH = re.compile(r"\n[ \t\r\xa0]*\n\s*")


@dataclass(frozen=True, slots=True)
class Quotation:
    """A run of sentences that quote one speaker, who may be unknown."""

    start: int
    end: int
    speaker: str | None


@dataclass(frozen=True, slots=True)
class _Voice:
    """Who speaks in a pair of quotation marks, and the text that says so."""

    start: int
    end: int
    name: str | None
    again: bool  # a pronoun: the speaker of before


def quotations(text: str, start: int, end: int) -> list[Quotation]:
    """The quotations in ``text[start:end]``, in order."""
    body = text[start:end]
    marked = _MARK.search(body) is not None
    if not marked and not _UNQUOTED.search(body):
        return []
    found: list[Quotation] = []
    paragraphs = list(_paragraphs(body))
    for first, last in paragraphs if marked else ():
        for quotation in _quoted(body, first, last, found[-1] if found else None):
            found.append(quotation)
    if not found and not re.search("[“”„«»]", body) and len(paragraphs) > 1:
        found = [q for first, last in paragraphs for q in _unquoted(body, first, last)]
    return [Quotation(start + q.start, start + q.end, q.speaker) for q in found]


def _paragraphs(body: str) -> Iterator[Span]:
    at = 0
    for gap in PARAGRAPH.finditer(body):
        yield at, gap.start()
        at = gap.end()
    yield at, len(body)


def _pairs(text: str) -> list[Span]:
    """Spans of what is quoted, marks included; a mark opens or closes by what stands beside it."""
    found: list[Span] = []
    opened: int | None = None
    for match in _MARK.finditer(text):
        at = match.start()
        left, right = text[at - 1 : at], text[at + 1 : at + 2]
        free = not left or left.isspace() or left in "([—–-/*"
        if match[0] in "„«":
            opens = True
        elif match[0] == "»":
            opens = False
        else:
            # white space on both sides: its shape says it, or that straight ones alternate
            alone = free and (not right or right.isspace())
            opens = (match[0] == "“" or opened is None) if alone else free
            if match[0] == "”":
                opens = False
            elif match[0] == "“" and not (opened is not None and text[opened] == "„"):
                opens = True
        if opens:
            opened = at
        elif opened is not None:
            if at - opened <= _LONGEST:
                found.append((opened, at + 1))
            opened = None
    # A paragraph whose mark stays open goes on in the next one.
    if opened is not None and not text[:opened].strip() and len(text) - opened <= _LONGEST:
        found.append((opened, len(text)))
    return found


def _quoted(body: str, first: int, last: int, before: Quotation | None) -> list[Quotation]:
    """Quotations of one paragraph; it may go on with the speaker of the one before."""
    text = body[first:last]
    pairs = _pairs(text)
    if not pairs:
        return []
    spans = sentences(text)
    voices: dict[int, _Voice] = {}
    said = [*pairs]
    place = 0
    for i, (opened, closed) in enumerate(pairs):
        while place + 1 < len(spans) and spans[place + 1][0] <= opened:
            place += 1
        stop = pairs[i + 1][0] if i + 1 < len(pairs) else len(text)
        voice = _voice_after(text, closed, stop, spans) or _voice_before(
            text, max(spans[place][0], pairs[i - 1][1] if i else 0), opened
        )
        if voice and len(text[opened:closed].split()) >= 2:
            voices[i] = voice
            said.append((voice.start, voice.end))
    said.sort()
    covered = _covered(spans, said)
    found: list[Quotation] = []
    run: list[Span] = []
    speaker: str | None = None
    told = False
    previous = before.speaker if before else None
    goes_on = before is not None and not body[before.end : min(first, before.end + 80)].strip()

    def finish() -> None:
        nonlocal run, told, speaker
        if run and told and _words(text, pairs, run[0][0], run[-1][1]) >= _SOME_WORDS:
            found.append(Quotation(first + run[0][0], first + run[-1][1], speaker))
        run, told, speaker = [], False, None

    pair = 0
    for span, share in zip(spans, covered, strict=True):
        if share < _MOSTLY:
            finish()
            while pair < len(pairs) and pairs[pair][0] < span[1]:
                pair += 1
            continue
        if (
            not run
            and not found
            and goes_on
            and not voices
            and not body[: first + span[0]][len(body[:first]) :].strip()
        ):
            told, speaker = True, previous
        while pair < len(pairs) and pairs[pair][0] < span[1]:
            voice = voices.get(pair)
            if voice:
                name = previous if voice.again else _full(voice.name, previous)
                if told and speaker is not None and name is not None and name != speaker:
                    finish()
                told, speaker = True, name if name is not None else speaker
                previous = speaker
            pair += 1
        run.append(span)
    finish()
    return found


def _full(name: str | None, previous: str | None) -> str | None:
    """A lone surname that the speaker before bears is that speaker again."""
    return previous if name and previous and previous.split()[-1] == name else name


def _covered(spans: list[Span], said: list[Span]) -> list[float]:
    """The share of each sentence that is said or says who speaks. Both come in order."""
    shares, at = [], 0
    for start, end in spans:
        while at < len(said) and said[at][1] <= start:
            at += 1
        total, floor, i = 0, start, at
        while i < len(said) and said[i][0] < end:
            a, b = max(said[i][0], floor), min(said[i][1], end)
            total, floor, i = total + max(0, b - a), max(floor, b), i + 1
        shares.append(total / max(1, end - start))
    return shares


def _words(text: str, pairs: list[Span], start: int, end: int) -> int:
    at, count = bisect_right(pairs, (start, start)), 0
    for i in range(max(0, at - 1), len(pairs)):
        a, b = pairs[i]
        if a >= end or count >= _SOME_WORDS:
            break
        count += len(text[max(a, start) : min(b, end)].split())
    return count


def _voice_after(text: str, closed: int, stop: int, spans: list[Span]) -> _Voice | None:
    """“...,” said Jane Doe, head of X. / “...,” Jane Doe, head of X, said. / “...” — Jane Doe."""
    tail = text[closed : min(stop, closed + 400)]
    match = _AFTER.match(tail)
    if match:
        rest = tail[match.end() :]
        again = _PRONOUN.match(rest) is not None
        name = None if again else speaker(rest)
        if not again and name is None and ("said" not in match[0] or not rest[:1].strip()):
            return None
        if match[0].strip()[-1:] in "–—" and (name is None or " " not in name):
            return None
        return _Voice(closed, _sentence_end(closed, stop, spans), name, again)
    lead = re.match(r"[,.]?\s+", tail)
    if not lead:
        return None
    rest = tail[lead.end() :]
    if _PRONOUN.match(rest):
        verb = re.compile(rf"\w+ (?:also |then )?{_VERB}\b").match(rest)
        return _Voice(closed, _sentence_end(closed, stop, spans), None, True) if verb else None
    parsed = _named(rest)
    if parsed and _THEN_VERB.match(rest, parsed[1]):
        return _Voice(closed, _sentence_end(closed, stop, spans), parsed[0], False)
    return None


def _voice_before(text: str, start: int, opened: int) -> _Voice | None:
    """Jane Doe, head of X, said: “...”."""
    head = text[max(start, opened - 320) : opened]
    match = _VERB_BEFORE.search(head)
    if not match:
        return None
    clause = head[: match.start()].rstrip(" ,")
    if _PRONOUN.fullmatch(clause.split()[-1] if clause.split() else ""):
        return _Voice(opened - len(head), opened, None, True)
    for part in re.split(r",\s+", clause):
        parsed = _named(part.strip())
        if parsed and parsed[0] and " " in parsed[0]:
            return _Voice(opened - len(head), opened, parsed[0], False)
    return None


def _sentence_end(closed: int, stop: int, spans: list[Span]) -> int:
    at = bisect_left(spans, closed, key=itemgetter(1))
    return min(stop, spans[at][1] if at < len(spans) else stop)


def speaker(text: str) -> str | None:
    """The name of the person with which ``text`` begins, without titles: FBI Director Jane Doe of."""
    parsed = _named(text)
    if parsed and parsed[0]:
        # the firm's name, then its head's: Acme Works co-owner Jane Doe
        role = re.match(r" [a-z-]+(?: [a-z-]+){0,3} (?=[A-Z])", text[parsed[1] : parsed[1] + 60])
        if role and any(w.title() in _ROLES for w in role[0].split()):
            return speaker(text[parsed[1] + role.end() :])
        return parsed[0]
    # the firm's head, Jane Doe
    other = re.match(r"(?:the |our |its |[A-Z])[^.,\"“”]{2,80}, (?=[A-Z])", text[:160])
    if other and any(_bare(w).capitalize() in _ROLES or _bare(w) in _ROLES for w in other[0].split()):
        parsed = _named(text[other.end() :])
        if parsed and parsed[0] and " " in parsed[0]:
            return parsed[0]
    return None


def _bare(word: str) -> str:
    return re.sub(r"(?:[’']s)?[.,;:]*\Z", "", word)


def _named(text: str) -> tuple[str | None, int] | None:
    """The name that begins ``text`` (None: it names no person) and where it ends."""
    words: list[str] = []
    at = 0
    for match in re.finditer(r"\S+", text[:200]):
        word = match[0]
        core = word.rstrip(",;:!?")
        if core.endswith(".") and not re.fullmatch(
            r"(?:[A-Z]\.)+|(?:Dr|Mr|Mrs|Ms|Prof|Jr|Sr|St|Gov|Sen|Rep|Hon|Rev)\.", core
        ):
            core = core.rstrip(".")
            ends = True
        else:
            ends = core != word
        joins = core in _PARTICLES or (
            core in ("in", "of") and words and words[-1] in ("Agent", "Agents")
        )
        if (not _NAME_WORD.match(core) and not (joins and words)) or "”" in core or '"' in core:
            break
        words.append(core)
        at = match.end() - (len(word) - len(core))
        if ends:
            break
    while words and words[-1] in _PARTICLES:
        at -= len(words.pop()) + 1
    if not words or words[0] in _STARTERS:
        return None
    cores = [_bare(w) for w in words]
    titled = [i for i, w in enumerate(cores) if w in _ROLES or w in _HONORIFICS or w.endswith("’s")]
    name = words[titled[-1] + 1 :] if titled else words
    if titled and not name and titled[0] >= 2:
        name = words[: titled[0]]
    surname = bool(titled)
    while name and not _NAME_WORD.match(name[0]):
        name = name[1:]
    if name and re.match(r"(?:Dr|Mr|Mrs|Ms|Prof)\.\w", name[0]):
        name = [name[0].split(".", 1)[1], *name[1:]]
    if not name or len(name) > 6 or any(_bare(w) in _BODIES or _GLUED.search(w) for w in name):
        return None, at
    if len(name) == 1 and (name[0].isupper() or not (surname or _THEN_VERB.match(text, at))):
        return None, at
    if any(len(w) > 3 and w.isupper() for w in name) and not all(w.isupper() for w in name):
        return None, at
    return re.sub(r"[’']s\Z", "", " ".join(name)), at


def _unquoted(body: str, first: int, last: int) -> list[Quotation]:
    """A paragraph that lost its quotation marks but opens with a statement and who made it."""
    text = body[first:last]
    match = _UNQUOTED.search(text)
    if not match or len(text) > _LONGEST // 2:
        return []
    spans = sentences(text)
    holder = next(i for i, span in enumerate(spans) if match.start() < span[1])
    name = speaker(text[match.end() :])
    if (
        holder > 1
        or name is None
        or match.start() - spans[0][0] < 20
        or len(text[: match.start()].split()) < _SOME_WORDS
    ):
        return []
    return [Quotation(first + spans[0][0], first + spans[-1][1], name)]
