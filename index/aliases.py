"""Other names of a thing, mined from a release's own text: abbreviations, former names, codes, tickers.

A release says once that two names are one ("progression-free survival (PFS)", "Acme, formerly Bolt")
and uses either from there on. Every rule below reads such a statement, never mere nearness, and leaves
out what it cannot bound. Each looks at a bounded stretch around its cue, so time is linear in the text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Literal

from .metadata import tickers_in
from .sentences import Span

AliasKind = Literal["abbreviation", "former-name", "other-name", "brand", "code", "ticker", "short-name"]

QUOTE_LENGTH = 200  # code points at most of the span that shows a pair
NAME_LENGTH = 100  # code points at most of a name
REACH = 240  # code points before a cue in which the other name must stand

_MARKS = "®™℠"
_SPELT_MARK = re.compile(r"(?<=\w)\((?:R|TM|SM|tm)\)|(?<=[a-z])TM\b")
_GROUP = re.compile(r"\(([^()\n]{2,160})\)")
_QUOTED = re.compile(
    r"(?P<article>\b(?:the|each|this|such|an?)\s+)?[“\"]\s*(?P<term>[^“”\"]{2,60}?)[,.]?\s*[”\"]"
)
_WORD = re.compile(r"(?:(?!--|‐‐)[^\s,;:()\[\]{}“”\"|*<>@–—])+")
_GAP = re.compile(rf"[ \t\u00a0{_MARKS}]{{1,4}}")
_COMMA = re.compile(rf"[{_MARKS}]?, ?")
_FORMS = frozenset(
    "inc corp corporation incorporated ltd limited llc l.l.c plc llp lp l.p co company ag sa s.a "
    "s.p.a spa n.v nv gmbh a/s asa ab oyj se kgaa bv b.v pllc p.c pc p.a p.l.l.c pty kk k.k sarl srl "
    "bhd inc.’s corp.’s n.a".split()
)
_SUFFIXES = _FORMS | {"jr", "sr", "ii", "iii", "iv"}
_DOTTED = (
    frozenset("st dr mr mrs ms jr sr u.s u.k no mt ft gen gov sen rep lt col sgt prof".split()) | _FORMS
)
_LINKS = frozenset("of the for de del la le du van von der den bin al y e &".split())
_FUNCTION = frozenset("of the for and in on to a an with by at from or as de la du &".split())
_OPENERS = frozenset(
    "a about after against also although an and as at because before both but by co-defendant "
    "defendant defendants during edt enter est et following for from if in including introducing is "
    "its like meanwhile meet of on or our over pdt pst recently since such that the their these this "
    "those through to today under until upon when where while with yesterday".split()
)
_ROLES = frozenset(
    "acting adviser advisor analyst assistant associate attorney ceo cfo chair chairman chairwoman "
    "chief commissioner coo cto counsel dean deputy director editor employed engineer executive "
    "founder general global governor head judge lead manager managing mayor member minister officer "
    "partner president principal producer professor secretary senior special superintendent svp u.s "
    "vice vp".split()
)
_TITLES = frozenset(
    "ceo cfo chairman chairwoman chief coo cto director founder governor judge mayor officer "
    "president professor secretary senator sheriff".split()
)

# the stems by which the WHO forms the common names of drugs, those that plain words rarely end in
_STEMS = (
    "mab mig nib vir cel vec statin gliptin gliflozin sartan pril olol azole nersen siran mycin micin "
    "cillin floxacin cycline platin taxel rubicin trexed trexate parib ciclib lisib degib zomib "
    "rafenib rasib stat lukast triptan setron gepant dipine thiazide oxetine azepam azolam barbital "
    "caine idine apine idone peridol fenac profen coxib xaban gatran parin fibrate glitazone formin "
    "solone nide onide estrant lutamide domide limus mustine citabine uridine buvir penem icin codone "
    "etant orexant grastim poetin lipase clax esterase"
).split()
_PLAIN_STEMS = r"(?<!pep)(?<!leo)tide|(?<!con)(?<!ter)cept|(?<!ex)amine|(?<!mag)azine"
_SALTS = (
    "hydrochloride|hcl|sodium|potassium|calcium|acetate|mesylate|tosylate|sulfate|maleate|citrate|tartrate|"
    "phosphate|succinate|fumarate|besylate|autoleucel|parvovec|vedotin|deruxtecan|govitecan|etabonate"
)
_GENERIC = re.compile(
    r"(?:(?!\w+ing |good |bad |low |high )[a-z-]+ )?"
    rf"[a-z][a-z-]*(?:{'|'.join(_STEMS)}|{_PLAIN_STEMS})(?:-[a-z]{{4}})?(?:[ -](?:{_SALTS}))?"
)
# letters, then digits, perhaps with a letter behind them: KJ-C2320, LY-CoV555, CM04S1
_CODE = re.compile(
    r"(?=[\w-]{4,14}$)[A-Z]{1,6}(?:-?[A-Z]?[a-z]?[A-Z]{1,3})?-?\d{2,7}(?:[A-Z]\d{0,2})?(?:-[A-Z]\d?)?"
)
_NO_CODE = re.compile(r"(?:FY|Q|H|CY|I|US|SH|CV|CD|IL|COVID|SARS|ISO|COP|SEC|AS|PM)-?\d+.*|.*20[12]\d")
_DOSAGE = frozenset(
    "injection injectable tablet tablets capsule capsules cream gel powder solution suspension spray "
    "ointment inhaler vaccine inhibitor therapy agonist antagonist antibody phase arm cohort generic "
    "drug treatment".split()
)

_SHORT = re.compile(r"[A-Za-z0-9][A-Za-z0-9&/.+’'-]{0,11}(?: [A-Za-z0-9][A-Za-z0-9&/.+-]{0,7})?")
_PART = re.compile(r"[^\W_][\w'’.]*|&")  # words of an expansion: hyphens and slashes part them
_HARD = re.compile(r"[;:()\n“”\"|*!?\[\]]|(?<=[a-z]{2})[.] ")

_FORMER = re.compile(
    r"\b(?:formerly(?:,? (?:known|identified|doing business|operating|trading) as|,? (?:named|called))?"
    r"|(?:previously|originally) (?:known as|named|called)|f/k/a|fka)(?= |:)",
    re.IGNORECASE,
)
_NOW = re.compile(r"\bnow(?: known as| called| named| operating as| doing business as)?(?= )")
_ALSO = re.compile(
    r"\b(?:(?P<plain>(?:(?:more )?(?:better|widely|commonly|popularly|professionally) )?known as)"
    r"|(?:also|otherwise) (?:known|referred to) as|a/?k/?a\b|a\.k\.a\.|d/?b/?a\b|doing business as)"
    r"(?=[ :,“\"])",
    re.IGNORECASE,
)
_RENAMED = re.compile(
    r"\b(?:chang(?:ed|ing)|change of) (?:its |the |our )?(?:corporate |company |legal )?name from(?= )"
)
_INTRODUCED = re.compile(
    r"\s*(?:formerly|previously|originally|f/k/a|fka|now|also|otherwise|a/?k/?a|a\.k\.a|d/?b/?a|known|"
    r"better|commonly|doing|widely)\b",
    re.IGNORECASE,
)
_BEFORE_NAME = re.compile(r"[\s:,]{0,3}(?:simply )?(?:[Tt]he )?")
_QUOTED_NAME = re.compile(r"[“\"](?:[Tt]he )?([^“”\"\n]{1,60}?)[.,]?[”\"]")
_CLAUSE = re.compile(r"(?:^|[.,:;)*\n–—-]|\b(?:[Aa]t|[Aa]bout|[Bb]y))\s*$")
_MARKET = re.compile(r"(?:Exchange|Markets?|Nasdaq|NASDAQ|NYSE|TSX|OTC\w*|Stock)\b")
_PLACE_LIKE = re.compile(r"(?:[A-Z][a-z]+|U\.?S|U\.?K|D\.C|[A-Z]\.[A-Z])\.|US|UK|AI|EU")
_AND = re.compile(r"[A-Z][\w.’'-]*,? (?:and|or|on|in|at|to|with|without|from) (?:the )?$|\d,$")
_CHAINED = re.compile(r"[\s,;.”\"]{0,5}(?:and |or |\d\d, )?[\s“\"]?")
_NUMBER = re.compile(r"\d{3,4}[.]?")
_TO = re.compile(r"[.,]?[”\"]? to ")
_AGE = re.compile(r",? \d{1,2},? ?\(?$")
_ALONE = (  # what follows a name that stands for the whole
    r"(?:[’']s? |,? (?:is|was|has|had|will|may|does|announce[sd]?|today|continues|believes|expects|plans|"
    r"cannot|undertakes|assumes|disclaims|intends|provides|offers|develops|operates|reported|reports|also)\b)"
)
_PLAIN_FIRST = frozenset(
    "advanced african alpha american applied asian atlantic bank big black blue british canadian "
    "capital central china city digital east eastern energy european family first florida general "
    "german global gold golden great green home india international japan life metro national new "
    "north northern old one pacific premier red royal silver smart solar south southern standard sun "
    "swiss team texas the united universal west western white world".split()
)


@dataclass(frozen=True, slots=True)
class Alias:
    """Two names of one thing: ``text[start:end]`` of the release shows both.

    ``name`` is the shorter or other one, ``of`` the longer or current one, as printed but for ® and ™.
    """

    name: str
    of: str
    kind: AliasKind
    start: int
    end: int


def key(name: str) -> str:
    """What names are compared by: ``CT-041``, ``ct 041`` and full-width ``ＣＴ０４１`` are one."""
    # marks go first: NFKC would spell ™ out as letters
    folded = unicodedata.normalize("NFKC", re.sub(f"[{_MARKS}]", "", name)).casefold()
    joined = re.sub(r"(?<=[^\W\d_])[\s‐‑–-]+(?=\d)|(?<=\d)[\s‐‑–-]+(?=[^\W\d_])", "", folded)
    return " ".join(joined.split())


def mine(text: str, company: str | None = None, tickers: Sequence[str] = ()) -> list[Alias]:
    """The pairs of names that ``text`` itself says are one, in its order, each pair once.

    ``company`` is the issuer and ``tickers`` its tickers, as in ``NASDAQ: TNXP``.
    """
    # marks spelt out become signs of the same length, so that offsets hold
    masked = _SPELT_MARK.sub(lambda m: "®" * len(m[0]), text)
    symbols = frozenset(ticker.rpartition(": ")[2] for ticker in tickers)
    found = [*_groups(masked, symbols), *_cues(masked), *_issuer(masked, company)]
    once: dict[tuple[str, str], Alias] = {}
    for alias in sorted(found, key=lambda a: (a.start, a.end)):
        names = key(alias.name), key(alias.of)
        if names[0] != names[1] and all(names) and alias.end - alias.start <= QUOTE_LENGTH:
            once.setdefault(names, alias)
    return list(once.values())


def _alias(text: str, name: Span, of: Span, kind: AliasKind, end: int = 0) -> Alias:
    start, end = min(name[0], of[0]), max(name[1], of[1], end)
    end += text[end : end + 1] in {"”", '"'}
    end += text[end : end + 1] == ")" and text.count("(", start, end) > text.count(")", start, end)
    return Alias(_clean(text[slice(*name)]), _clean(text[slice(*of)]), kind, start, end)


def _clean(name: str) -> str:
    name = " ".join(re.sub(f"[{_MARKS}]", "", name).split()).strip(" ,;:“”\"'‘")
    return re.sub(r"[’']s?$", "", name)


# names around a cue


def _bare(word: str) -> str:
    return word.strip(f".'’‘{_MARKS}").lower()


def _proper(word: str) -> bool:
    first = word.lstrip("'’‘#$")[:1]
    return first.isupper() or (first.isdigit() and bool(re.search("[A-Za-z]", word))) or bool(
        re.match(r"[a-z]{1,2}[A-Z]", word)
    )  # fmt: skip


def _form(word: str) -> bool:
    """Whether a word is a legal form: "plc" is, "company" is one only with a capital."""
    return _bare(word) in _FORMS and not (word.islower() and len(word) > 5)


def _joined(text: str, left: re.Match[str], right: re.Match[str]) -> bool:
    """Whether two neighbouring words can be of one name."""
    gap = text[left.end() : right.start()]
    if _COMMA.fullmatch(gap):
        return _bare(right[0]) in _SUFFIXES
    if not _GAP.fullmatch(gap) or left[0][-1] in "!?" or left[0] in {"-", "–", "—", "--"}:
        return False
    if left[0].endswith("."):
        word = _bare(left[0])
        return (word in _DOTTED and word not in _FORMS) or len(word) == 1 or "." in word
    return True


def _name_before(text: str, end: int) -> Span | None:
    """The proper name that ends at ``end``, but for commas, marks and brackets in between."""
    low = max(0, end - REACH)
    end = _behind(text, low, end)
    low = max(low, end - NAME_LENGTH)
    words = list(_WORD.finditer(text, low, end))
    if not words or text[words[-1].end() : end].strip(_MARKS + " "):
        return None
    first = last = len(words) - 1
    if not (_proper(words[last][0]) or _form(words[last][0])):
        return None
    at = last
    while at > 0 and _joined(text, words[at - 1], words[at]):
        at -= 1
        word = words[at][0]
        if _proper(word) or word == "&":
            first = at
        elif word not in _LINKS and not re.fullmatch(r"\d{1,2}", word):
            break
    while first < last and _bare(words[first][0]) in _OPENERS | {"&"}:
        first += 1
    printed = [_bare(word[0]) for word in words[first : last + 1]]
    for half in range(1, len(printed) // 2 + 1):  # a heading may run into the sentence below it
        if printed[:half] == printed[half : 2 * half]:
            first += half
            break
    cut = at == 0 and low > 0 and not text[low : words[0].start()].strip()
    if cut or _bare(words[first][0]) in _OPENERS | _FORMS:
        return None
    return words[first].start(), words[last].end()


def _behind(text: str, low: int, end: int) -> int:
    """Where the words before ``end`` stop, once commas and groups in brackets are skipped."""
    for _ in range(4):
        end = low + len(text[low:end].rstrip(f' ,\t“"{_MARKS}'))
        if end == low or text[end - 1] != ")":
            break
        opening = text.rfind("(", low, end)
        if opening < 0:
            break
        end = opening
    return end


def _name_after(text: str, start: int) -> Span | None:
    """The name, quoted or proper, that begins at ``start``."""
    opening = _BEFORE_NAME.match(text, start)
    start = opening.end() if opening else start
    quoted = _QUOTED_NAME.match(text, start)
    if quoted:
        return quoted.span(1)
    first = last = previous = None
    for word in _WORD.finditer(text, start, start + NAME_LENGTH):
        if previous is None and word.start() != start:
            return None
        if previous is not None and not _joined(text, previous, word):
            break
        if (
            _proper(word[0])
            or word[0] == "&"
            or (last and (_form(word[0]) or _NUMBER.fullmatch(word[0])))
        ):
            first, last = first or word, word
        elif first is None or word[0] not in _LINKS:
            break
        previous = word
    if first is None or last is None or last.end() == start + NAME_LENGTH:
        return None
    end = last.end()
    if text[end - 1] == "." and _bare(last[0]) not in _DOTTED and "." not in _bare(last[0]):
        end -= 1
    return first.start(), end


# statements by cue words


def _cues(text: str) -> Iterator[Alias]:
    for cue in _FORMER.finditer(text):
        pair = _subject(text, cue.start()), _other(text, cue.end())
        if pair[0] and pair[1]:
            yield _alias(text, pair[1], pair[0], "former-name")
    for cue in _NOW.finditer(text):
        pair = _subject(text, cue.start()), _other(text, cue.end())
        if pair[0] and pair[1] and (" " in cue[0] or _parted(text, cue.start())):
            yield _alias(text, pair[0], pair[1], "former-name")
    for cue in _RENAMED.finditer(text):
        old = _name_after(text, cue.end())
        new = old and _TO.match(text, old[1])
        newer = _name_after(text, new.end()) if new else None
        if old and newer:
            yield _alias(text, old, newer, "former-name")
    yield from _also(text)


def _also(text: str) -> Iterator[Alias]:
    chain: tuple[Span, int] | None = None  # the subject of the cue before and where its name ended
    for cue in _ALSO.finditer(text):
        other = _name_after(text, cue.end())
        if chain and _CHAINED.fullmatch(text, chain[1], cue.start()):
            subject: Span | None = chain[0]
        else:
            subject = _subject(text, _before_age(text, cue.start()))
        if cue["plain"] and subject and not _said_of(text, subject, cue.start()):
            subject = None
        if cue[0] == "AKA" and not _parted(text, cue.start()):
            subject = None  # it may be part of a name
        chain = (subject, other[1]) if subject and other else None
        if subject and other:
            for part in _slashed(text, other):
                yield _alias(text, part, subject, _also_kind(text[slice(*part)]))


def _said_of(text: str, subject: Span, cue: int) -> bool:
    """Whether a bare "known as" speaks of ``subject``: in "a lake in Acme, known as Bolt", it may not."""
    return _parted(text, cue) and bool(_CLAUSE.search(text, max(0, subject[0] - 8), subject[0]))


def _also_kind(name: str) -> AliasKind:
    return "code" if _code(name) and name[-3:].isdigit() else "other-name"


def _slashed(text: str, name: Span) -> list[Span]:
    """The names that a slash parts: "Red/Big Red" are two, "Acme A/S" is one."""
    parts = text[slice(*name)].split("/")
    if len(parts) == 1 or min(map(len, parts)) < 4:
        return [name]
    ends = list(accumulate((len(part) + 1 for part in parts), initial=name[0]))
    return [(start, end - 1) for start, end in pairwise(ends)]


def _subject(text: str, end: int) -> Span | None:
    """The name before a cue; None where it is half of one with "and", or a role."""
    low = max(0, end - 3)
    name = _name_before(text, low + len(text[low:end].rstrip(' (“"')))
    if (
        name is None
        or _PLACE_LIKE.fullmatch(text, *name)
        or _AND.search(text, max(0, name[0] - 30), name[0])
    ):
        return None
    words = list(_WORD.finditer(text, *name))
    while words and words[0][0].lower().rpartition("-")[2] in _TITLES:
        words.pop(0)
    return (words[0].start(), name[1]) if words and words[0][0] not in _LINKS else None


def _other(text: str, start: int) -> Span | None:
    """The name behind a cue, unless it is a position that somebody held or holds."""
    name = _name_after(text, start)
    words = text[slice(*name)] if name else ""
    # "formerly Acme's head of sales" says what somebody was
    role = _bare(words.partition(" ")[0]) in _ROLES or re.search(r"[’']s$", words)
    return None if role else name


def _before_age(text: str, end: int) -> int:
    aged = _AGE.search(text, max(0, end - 8), end)
    return aged.start() if aged else end


def _parted(text: str, at: int) -> bool:
    """Whether a comma or a bracket stands before ``at``."""
    return text[max(0, at - 3) : at].rstrip()[-1:] in {",", "("}


# statements in brackets


def _groups(text: str, symbols: frozenset[str]) -> Iterator[Alias]:
    for group in _GROUP.finditer(text):
        if not _INTRODUCED.match(group[1]):
            yield from _group(text, group, symbols)


def _group(text: str, group: re.Match[str], symbols: frozenset[str]) -> Iterator[Alias]:
    inside = group[1]
    listed = [t.rpartition(": ")[2] for t in tickers_in(inside)]
    if listed:
        owner = _owner(text, group.start())
        for symbol in listed:
            at = re.compile(rf"[:：]\s*({re.escape(symbol)})\b").search(text, *group.span(1))
            if owner and at and not _MARKET.search(text, *owner):
                yield _alias(text, at.span(1), owner, "ticker", group.end())
        return
    for term, common in _terms(text, group):
        pair = _paired(text, group, term, common, symbols)
        if pair:
            yield pair


def _terms(text: str, group: re.Match[str]) -> Iterator[tuple[Span, bool]]:
    """The names that a group may give, and whether each may be a common noun or a place."""
    quoted = list(_QUOTED.finditer(text, *group.span(1)))
    if quoted:
        yield from ((term.span("term"), bool(term["article"])) for term in quoted)
        return
    start = group.start(1)
    for part in re.split(r"(;|, | or )", group[1])[::2]:
        at = text.index(part, start)
        stripped = part.strip()
        if stripped:
            begin = text.index(stripped, at)
            yield (begin, begin + len(stripped)), "," in group[1] or stripped.startswith("the ")
        start = at + len(part)
        if ";" in group[1] or ", " in group[1]:
            return  # only the first of a list names what stands before


def _paired(
    text: str, group: re.Match[str], term: Span, common: bool, symbols: frozenset[str]
) -> Alias | None:
    printed = text[slice(*term)]
    end = group.end()
    before = _behind(text, max(0, group.start() - REACH), group.start())
    long = _expansion(text, before, printed)
    if long:
        opens = text[slice(*long)].startswith(printed + " ")
        return _alias(text, term, long, "short-name" if opens else "abbreviation", end)
    short = _reversed(text, before, printed)
    if short:
        return _alias(text, short, term, "abbreviation", end)
    drug = _drug(text, before, term)
    if drug:
        return _alias(text, *drug, end)
    owner = _owner(text, group.start())
    if owner and printed in symbols:
        return _alias(text, term, owner, "ticker", end)
    if owner and not common:
        start = _shortened(text, owner, printed)
        if start is not None:
            return _alias(text, term, (start, owner[1]), "short-name", end)
    return None


def _owner(text: str, end: int) -> Span | None:
    """The company before a bracket, without "Chief Executive Officer of" before it."""
    name = _name_before(text, end)
    words = list(_WORD.finditer(text, *name)) if name else []
    of = next((at for at, word in enumerate(words) if word[0] == "of"), 0)
    if name and of and any(_bare(word[0]).rpartition("-")[2] in _TITLES for word in words[:of]):
        return words[of + 1].start(), name[1]
    return name


def _shortened(text: str, owner: Span, short: str) -> int | None:
    """Where the name begins of which ``short`` is the opening word or words."""
    if not _proper(short) or len(short) < 3:
        return None
    for word in _WORD.finditer(text, *owner):
        rest = text[word.start() : owner[1]]
        if rest.startswith(short) and re.match(rf"[{_MARKS}]?,? (?!(?:of|for) )", rest[len(short) :]):
            return word.start()
    return None


# abbreviations


def _expansion(text: str, end: int, short: str) -> Span | None:
    """What ``short`` abbreviates, ending at ``end``.

    After Schwartz and Hearst, "A simple algorithm for identifying abbreviation definitions in biomedical
    text" (PSB 2003): their limits on the short form, and on the words before it (four more here, since
    hyphens part words), and the shortest expansion wins. Stricter than theirs, which lets a letter match
    anywhere in a word: here it begins a word or stands in a word whose beginning is matched, and
    expansions by initials alone come first.
    """
    letters = _letters(short)
    if not letters:
        return None
    low = max(0, end - REACH)
    for stop in _HARD.finditer(text, low, end):
        low = stop.end()
    words = list(_PART.finditer(text, low, end))[-min(len(letters) + 5, len(letters) * 2) - 4 :]
    if not words or words[-1].end() < end - 1:
        return None
    for inner in (False, True):
        for first in range(len(words) - 1, -1, -1):
            start = words[first].start()
            long = text[start:end]
            if words[first][0].lower() in _FUNCTION or (start > low and text[start - 1] in "-‐‑.’'"):
                continue
            if len(long) < len(short) + 2 or ("," in long and (inner or len(letters) < 3)):
                continue
            if short in long.split():
                return None
            spelt = [w[0].lower() for w in words[first:]]
            formless = spelt[:-1] if _bare(spelt[-1]) in _FORMS else []
            if _spells(spelt, letters, inner) or (formless and _spells(formless, letters, inner)):
                return start, words[-1].end()
    return None


def _letters(short: str) -> str:
    """The letters and digits of an abbreviation, lower case; empty where ``short`` is none."""
    if not _SHORT.fullmatch(short) or not any(c.isupper() for c in short) or short[1:].islower():
        return ""
    if re.fullmatch(r"[DRI]-[A-Z][a-z.A-Z]*|[IVX]+", short):  # party and state, numerals
        return ""
    if len(short) > 2 and short.endswith("s") and short[-2].isupper():
        short = short[:-1]
    letters = "".join(c for c in short if c.isalnum()).lower()
    return letters if 2 <= len(letters) <= 10 else ""


def _spells(words: Sequence[str], letters: str, inner: bool) -> bool:
    """Whether ``words`` spell ``letters``: by their initials or, if ``inner``, by letters inside too.

    The states are (letters spelt so far, words of content left out).
    """
    spare = int(inner and len(letters) >= 4 and len(words) >= 4)
    states = {(0, 0)}
    for at, word in enumerate(words):
        after: set[tuple[int, int]] = set()
        for spelt, left_out in states:
            if 0 < at < len(words) - 1:
                if word in _FUNCTION:
                    after.add((spelt, left_out))
                elif left_out < spare:
                    after.add((spelt, left_out + 1))
            if spelt < len(letters) and word[0] == letters[spelt]:
                after.add((spelt + 1, left_out))
                place, upto = 1, spelt + 1
                while inner and upto < len(letters) and (place := word.find(letters[upto], place) + 1):
                    upto += 1
                    after.add((upto, left_out))
        states = after
    return any(spelt == len(letters) for spelt, _ in states)


def _reversed(text: str, end: int, long: str) -> Span | None:
    """The abbreviation before a bracket that spells it out whole."""
    words = [w[0].lower() for w in _PART.finditer(long)]
    last = next(reversed(list(_WORD.finditer(text, max(0, end - 14), end))), None)
    if last is None or last.end() != end or not 2 <= len(words) <= 12 or words[0] in _FUNCTION:
        return None
    letters = _letters(last[0])
    return last.span() if letters and _spells(words, letters, False) else None


# drugs


_GENE = re.compile(r"[a-z]{4,}gene", re.IGNORECASE)
"""The first word of the two that name a gene therapy, by the scheme of the World Health Organization."""


def _drug(text: str, end: int, term: Span) -> tuple[Span, Span, AliasKind] | None:
    printed = text[slice(*term)].strip(_MARKS)
    words = list(_WORD.finditer(text, max(0, end - 60), end))
    if not words or words[-1].end() != end:
        return None
    outer = words[-1].span()
    word = words[-1][0].strip(_MARKS)
    if len(words) > 1 and _GENE.fullmatch(words[-2][0]) and text[words[-2].end() : outer[0]] == " ":
        outer = words[-2].start(), outer[1]
    if _generic(printed):
        if _code(word):
            return outer, term, "code"
        if word[:1].isupper() and word.lower() not in _DOSAGE:
            return outer, term, "brand"
    elif _code(printed) and (_generic(word) or _code(word) or text[end : end + 1] in _MARKS):
        return term, outer, "code"
    elif _generic(word) and printed[:1].isupper() and re.fullmatch(r"\w{4,20}", printed):
        return term, outer, "code" if printed[-1].isdigit() else "brand"
    return None


def _generic(name: str) -> bool:
    return 6 < len(name) < 60 and bool(_GENERIC.fullmatch(name))


def _code(name: str) -> bool:
    return bool(_CODE.fullmatch(name)) and not _NO_CODE.fullmatch(name)


# the issuer


def _issuer(text: str, company: str | None) -> Iterator[Alias]:
    """The issuer's name without legal form, and its first word where the text uses that alone."""
    at = text.find(company) if company else -1
    if company is None or at < 0:
        return
    words = list(_WORD.finditer(text, at, at + len(company)))
    if not words or not all(_joined(text, *pair) for pair in pairwise(words)):
        return  # more than a name
    printed = [_bare(word[0]) for word in words]
    last = len(words)
    while last > 1 and printed[last - 1] in _FORMS | {"and", "&"}:
        last -= 1
    if printed[0] in _OPENERS | _TITLES or "and" in printed[:last]:
        return
    whole = at, at + len(company)
    if last < len(words):
        yield _alias(text, (at, words[last - 1].end()), whole, "short-name")
    first = words[0][0].rstrip(_MARKS)
    if last < 2 or len(first) < 4 or _bare(first) in _PLAIN_FIRST or not first[0].isupper():
        return
    alone = re.search(rf"(?<![\w-] )\b{re.escape(first)}[{_MARKS}]?{_ALONE}", text)
    if alone and not re.search(rf"\b{re.escape(first.lower())}\b", text):
        yield _alias(text, (at, at + len(first)), whole, "short-name")
