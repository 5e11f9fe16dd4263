"""Words that turn a statement round: negations, opposites, hedges, superlatives.

Each function compares a claim with the source that it is said to rest on and says where they part.
The lists are of plain English; none of them names a company, product or subject.
"""

from __future__ import annotations

import re

from index.terms import stems

from .claims import COMMON, Text, Word, agreement, context

_NEGATIONS = frozenset(
    stems(
        "not no never hardly barely scarcely unlikely without neither nor none cannot nothing nobody "
        "fail fails failed failing refuse "
        "refused lacks lack lacking denied denies deny unable absence absent nil unknown unchanged"
    )
)
# What says no in another way, so that a "not" on the other side need not be a contradiction
_SOFT_NEGATION = re.compile(
    r"\b(?:\w*-?free|in(?:toler|abil|effect|suffic|complet|valid|elig)\w+|left out|omit\w*"
    r"|un(?!it|i[tvq]|der|til|less|ion)\w{4,}|prevent\w*|avoid\w*|instead|rather|zero|nil|without"
    r"|withdr\w+|cease\w*|stop\w*|halt\w*|lose|lost|less|few|hardly|only|yet to|free of"
    r"|kee?p\w* .{1,60} from"
    r"|even if|other than|except|exclud\w*|against|off|exceed\w*|beyond|remain\w*)\b",
    re.I,
)
_PREFIXES = ("un", "in", "non", "dis", "im", "ir")
_OPPOSITES = [
    (frozenset(stems(one)), frozenset(stems(other)))
    for one, other in (
        (
            "rise rises rose risen rising increase increased increasing enhance boost grow grew grown "
            "growth "
            "growing up gain gained climb climbed higher high jump jumped soar soared surge surged "
            "improve improved "
            "improvement expand expanded more greater above exceed exceeded topping raise raised "
            "upgrade upgraded "
            "strengthen strengthened accelerate accelerated heavier larger large bigger longer older "
            "extend "
            "extended widen widened double doubled",
            "fall falls fell fallen falling decrease decreased decreasing inhibit curb decline declined "
            "declining "
            "drop dropped down lose lower low reduce reduced reduction shrink shrank worsen worsened "
            "contract less "
            "fewer below cut downgrade downgraded weaken weakened slow slowed lighter smaller small "
            "shorter younger "
            "shorten shortened narrow narrowed halve halved",
        ),
        ("met meet meeting meets achieve achieved reached beat", "missed miss fell failed"),
        (
            "profit profitable income gain gained gains earned earnings surplus",
            "loss losses lost lose deficit",
        ),
        (
            "approve approved approval approves accept accepted grant granted grants allow allowed "
            "permit "
            "authorize authorized clear cleared issued",
            "reject rejected rejection deny denied denies refuse refused decline declined block blocked "
            "prohibit "
            "bar dismissed withdrew forbids forbidden ban banned",
        ),
        ("convicted guilty convict liable", "acquitted innocent cleared exonerated"),
        ("before prior preceding earlier", "after following later subsequent"),
        (
            "buy buys bought purchase purchased acquire acquired acquisition acquires",
            "sell sells sold sale divest divested divests selling",
        ),
        (
            "open opened opens opening launch launched start started begin began begun resume initiate "
            "initiated",
            "close closed closes closing shut end ended stop stopped halt halted discontinue "
            "discontinued "
            "terminate terminated suspend suspended complete completed",
        ),
        ("include includes including included", "exclude excludes excluding excluded except"),
        (
            "join joined hire hired appoint appointed",
            "leave left resign resigned depart departed retire retired fired dismissed",
        ),
        ("superior outperform outperformed", "inferior underperform underperformed"),
        (
            "maximum most highest largest longest best upper",
            "minimum least lowest smallest shortest worst lower",
        ),
        ("positive favorable favourable favor", "negative unfavorable adverse against"),
        ("support supports supported back backed", "oppose opposes opposed contest contested"),
        ("long", "short"),
        ("inside within", "outside"),
        ("domestic", "foreign international"),
        ("public publicly", "private privately"),
        ("voluntary voluntarily", "mandatory involuntary required forced"),
        ("win won wins", "lost lose loses"),
        ("strong stronger", "weak weaker"),
        ("common frequent", "rare uncommon"),
        ("north northern", "south southern"),
        ("east eastern", "west western"),
        ("same", "different"),
        ("first", "last final"),
        ("export", "import"),
        ("borrow borrows borrowed", "lend lends lent loaned"),
        ("upheld uphold upholds affirmed", "overturned overturn reversed vacated"),
        ("likely", "unlikely"),
        ("pay paid pays", "receive received receives"),
        ("primary", "secondary"),
        ("temporary", "permanent"),
        ("former", "current"),
        ("safe", "unsafe dangerous"),
        ("effective", "ineffective"),
        ("agree agreed", "disagree disagreed refused"),
        ("able", "unable"),
        ("all every", "none some few"),
        ("civil", "criminal"),
        ("single", "double multiple"),
        ("plaintiff", "defendant"),
        ("new", "old existing"),
        ("early", "late"),
        ("investigational unapproved", "approved marketed"),
    )
]
_BOUNDS = (("<", ">", "more than"), (">", "<", "up to"), ("", "<", "up to"))  # claimed, stated, in words
_NEARER = 0.15  # how much better a word's surroundings must fit its opposite's place than its own

PLANS = re.compile(
    r"\b(?:expect\w*|plan(?:s|ned|ning)?|intend\w*|anticipat\w*|target(?:s|ed|ing)|propos\w*|seek(?:s"
    r"|ing)?"
    r"|may|might|could|would|will|going to|due|should|potential\w*|possib\w+|likely|forecast\w*|projected"
    r"|hop(?:es?|ing)|pending|scheduled|slated|candidates?|investigational|up to|if|attempt\w*|conspir\w*"
    r"|maximum|faces?|subject to|designed to|aim(?:s|ed)?|nomin(?:ated|ee)|developing|evaluating"
    r"|appears? to"
    r"|suggests?|goal|(?:is|are|was|were|be)(?: not| also| still)? to(?= [a-z]))\b",
    re.I,
)
"""Words that make a statement a plan, a possibility or an attempt."""

ALLEGATIONS = re.compile(
    r"\b(?:alleg\w*|accus\w*|charg(?:ed|es|ing) (?:\w+ ){0,4}?(?:with|that)|complaint|indict\w*"
    r"|claim(?:s|ed)? that|asserts?|contend\w*|suspect\w*|presum\w*|reportedly|purported\w*"
    r"|according to)\b",
    re.I,
)
"""Words that leave a statement to somebody else."""

_SETTLED = re.compile(
    r"\b(?:guilty|convict\w*|admi\w+|sentenc\w+|stat\w+|sa(?:id|ys?)|court|told|warn\w*)\b", re.I
)
_CERTAIN = re.compile(
    r"\b(?:already|confirmed|decided|established|proven|proved|guaranteed?s?|definitely|certain(?:ly)?"
    r"|must"
    r"|obtained|won|completed|guilty|committed|admitted|convicted|approved|sentenced|repaid|has since"
    r"|have since)\b",
    re.I,
)
_NO_SUPERLATIVE = (
    "interest|request|invest|latest|west|midwest|northwest|southwest|test|contest|protest|forest|arrest|guest"
    "|quest|harvest|rest|honest|modest|suggest|digest|manifest|nest|vest|chest|behest|earnest|unrest|attest"
    "|crest|east|breast|priest|august|budapest"
)
_SUPERLATIVE = re.compile(
    rf"\b(?:(?!(?:{_NO_SUPERLATIVE})\b)\w{{2,}}est|most|first|only|sole|solely|best|worst|leading|record"
    r"|unique|exclusively|exclusive|entire|entirely|always|top|biggest|number one|proven|immediately"
    r"|permanently)\b",
    re.I,
)
_EQUAL = ({"newest", "latest"}, {"leading", "most"})
_ONE_OF = re.compile(r"\b(?:one of|among|amongst|some of|part of|a leading)\b", re.I)


def _negated(text: Text) -> list[frozenset[str]]:
    """What each negation of a text bears upon: the next three content words."""
    found = []
    for i, word in enumerate(text.words):
        written = text.text[word.start : word.end].casefold()
        if word.stem in _NEGATIONS or written.endswith(("n't", "n’t")):
            after = text.words[i + 1].stem if i + 1 < len(text.words) else ""
            if not (word.stem == "not" and after in ("onli", "just", "limit")):
                after_it = [w.stem for w in text.marks if w.start >= word.end]
                found.append(frozenset(after_it[:3]))
    return found


def contradicts(claim: Text, source: Text) -> float:
    """How far the claim denies what the source states, or states what it denies: 0 to 1."""
    mine, theirs = _negated(claim), _negated(source)
    worst = 0.0
    for scope in mine:
        if not any(scope & other for other in theirs):
            worst = max(worst, 0.3 if theirs or _SOFT_NEGATION.search(source.text) else 1.0)
    stated = {mark.stem for mark in claim.marks}
    soft = {stem for m in _SOFT_NEGATION.finditer(claim.text) for stem in stems(m[0])}
    for scope in theirs if not mine else ():
        # "stopped" says no, but not where the source says "not stopped"
        if soft <= scope and len(scope & stated) >= max(1, len(scope) - 1):
            worst = max(worst, len(scope & stated) / len(scope))
    return worst


def _denied(word: Word, text: Text) -> bool:
    """Whether a word stands behind a negation, or means something else ("falls under")."""
    before, after = text.text[max(0, word.start - 24) : word.start], text.text[word.end : word.end + 9]
    return bool(re.search(r"(?:\b(?:not|no|never)|n['’]t)\b(?: \w+)?\s$", before)) or bool(
        word.stem == "fall" and re.match(r"\s(?:under|into|within)\b", after)
    )


def opposites(claim: Text, source: Text) -> list[tuple[str, str]]:
    """Words of the claim in whose place the source has the opposite: (claimed, stated)."""
    found = []
    for one, other in _OPPOSITES:
        for side, against in ((one, other), (other, one)):
            mine = [w for w in claim.words if w.stem in side and not _denied(w, claim)]
            contrary = [w for w in source.words if w.stem in against and not _denied(w, source)]
            if not mine or not contrary:
                continue
            same = [w for w in source.words if w.stem in side]
            if not same and not against & claim.stems:
                found.append((mine[0].text, contrary[0].text))
                continue
            found += [
                (word.text, contrary[0].text)
                for word in mine
                if word.stem not in COMMON
                and _fit(claim, word, source, contrary) > _NEARER + _fit(claim, word, source, same)
            ]
    found += _prefixed(claim, source)
    for f in claim.figures:
        bounds = {s.bound for s in source.figures if s.value == f.value}
        for claimed, stated, says in _BOUNDS:
            if f.bound == claimed and bounds == {stated}:
                found.append((claim.text[f.start : f.end], says))
    return found


def _fit(claim: Text, word: Word, source: Text, places: list[Word]) -> float:
    near = context(claim, word.start, word.end)
    return max((agreement(near, context(source, p.start, p.end)) for p in places), default=0.0)


def _prefixed(claim: Text, source: Text) -> list[tuple[str, str]]:
    """``unable`` for ``able``, ``unapproved`` for ``approved``, and the other way round."""
    found = []
    for word in claim.content:
        if word.stem in source.stems:
            continue
        for prefix in _PREFIXES:
            bare = word.stem.removeprefix(prefix)
            if bare != word.stem and len(bare) > 3 and bare in source.stems and not _negated(source):
                found.append((word.text, bare))
            elif prefix + word.stem in source.stems and not _negated(claim):
                found.append((word.text, prefix + word.stem))
    return found


def unhedged(claim: Text, source: Text, hedges: re.Pattern[str]) -> float:
    """How much of what the source says under a hedge the claim says without any: 0 to 1."""
    if PLANS.search(claim.text) or ALLEGATIONS.search(claim.text):
        return 0.0
    if hedges is ALLEGATIONS and _SETTLED.search(claim.text):
        return 0.0
    worst, stated = 0.0, {mark.stem for mark in claim.marks}
    for mark in hedges.finditer(source.text):
        scope = [w.stem for w in source.marks if w.start >= mark.end()][:4]
        said = [stem for stem in scope if stem in stated]
        if scope and scope[0] in said:
            worst = max(worst, len(said) / len(scope))
        if hedges is ALLEGATIONS:  # somebody else's word covers the rest of the sentence
            end = next((b for a, b in source.sentences if a <= mark.start() < b), len(source.text))
            under = {w.stem for w in source.content if mark.start() <= w.start < end}
            mine = [w.stem for w in claim.content if w.stem in source.stems]
            if len(mine) >= 3:
                worst = max(worst, sum(stem in under for stem in mine) / len(mine))
    return worst


def certainties(claim: Text, source: Text) -> list[str]:
    """Words that settle something in the claim while the source only hedges."""
    if PLANS.search(claim.text) or not (PLANS.search(source.text) or ALLEGATIONS.search(source.text)):
        return []
    return [m[0] for m in _CERTAIN.finditer(claim.text) if not set(stems(m[0])) <= source.stems]


def superlatives(claim: Text, source: Text, title: Text) -> list[str]:
    """Superlatives of the claim that the source lacks, or limits ("one of the ...")."""
    theirs = {m[0].casefold() for m in _SUPERLATIVE.finditer(f"{source.text} {title.text}")}
    if "latest" in source.text.casefold():
        theirs.add("latest")
    found = []
    for m in _SUPERLATIVE.finditer(claim.text):
        word = m[0].casefold()
        equal = {word}.union(*(group for group in _EQUAL if word in group))
        adverb = word == "first" and not re.match(r"[\s-]\w", claim.text[m.end() :])
        if not adverb and not claim.mentioned(*m.span()) and not equal & theirs:
            found.append(m[0])
    if not _ONE_OF.search(claim.text):
        for m in _ONE_OF.finditer(source.text):
            limited = _SUPERLATIVE.search(source.text, m.end(), m.end() + 40)
            if limited and re.search(rf"\b{limited[0]}\b", claim.text, re.I):
                found.append(limited[0])
    return found
