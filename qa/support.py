"""Whether a sentence that a language model wrote says what its source says, and nothing else.

No second model judges. What can be compared exactly is: figures with unit, scale and sign, dates, names
and code names, each of which must stand in the source. What turns a statement round is looked for:
negations, opposites, dropped hedges, new superlatives. Then the words as a whole: figures must keep the
company of the words that they stand by in the source, and too much that the source does not have is too
much. ``python -m evals.verification`` measures it, kind by kind.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from index.passages import units

from .claims import Text, Word, agreement, context, figure_stem
from .dates import Date, same_date
from .figures import Figure, same_figure
from .terms import prior_weights
from .wording import ALLEGATIONS, PLANS, certainties, contradicts, opposites, superlatives, unhedged

LONGEST_QUOTE = 3
"""Sentences in a row that may be cited for one sentence."""

# the words of the source, and no others, may say something else when they are joined anew
ORDERED = 0.95
DENSE = 0.6  # of what stands between the first and the last of them in the source
DOUBTFUL = 0.5  # the most that such wording counts for
CONTRADICTION = 0.3
HEDGE = 0.5
FIGURE_ROLE = -0.05  # words around a figure that fit another figure's place this much better
DATE_ROLE = -0.25
COVERAGE = 0.4
ADDED = 22.0  # prior weight of words in a row that the source does not have
MENTION = 5.0  # what a figure or date weighs beside words
_CLOSEST = 6  # windows that are compared in full
_PASSIVE = re.compile(
    r"\b(?:is|are|was|were|be|been|being|got)\b[\w\s,-]{0,40}?\b\w+(?:ed|en|ght|ld|de|un|id|wn)\b"
    r"[\w\s,]{0,30}?\bby\b",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Source:
    """A cited text and what is known of the release it is from."""

    text: str
    title: str = ""
    company: str | None = None
    published: dt.date | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a source says to a claim: ``reason`` is empty where it supports it, else one clause.

    ``source.text[start:end]`` is the closest span, whole sentences; ``fit``, at most 1, says how
    close. ``wording``, 0 to 1, is the share of the claim, by weight, that stands there in the same
    order, at most DOUBTFUL where a word is not the source's or its words are joined anew: what no check
    faults may still be wrong, and the more so the freer it is worded.
    """

    reason: str
    start: int
    end: int
    fit: float
    wording: float = 0.0

    @property
    def supported(self) -> bool:
        return not self.reason


def judge(claim: str, source: Source) -> Verdict:
    """Compare a claim with the span of the source that accounts for it best."""
    mine, title = _taken_apart(claim), _taken_apart(f"{source.title} {source.company or ''}".strip())
    best: Verdict | None = None
    for start, end in _closest(mine, source.text):
        window = _taken_apart(source.text[start:end])
        fit = _fit(mine, window, title, source.published) - 0.03 * len(window.sentences)
        if best is None or fit > best.fit:
            best = Verdict("", start, end, fit)
    if best is None:
        return Verdict("the source has no text", 0, 0, 0.0)
    window = _taken_apart(source.text[best.start : best.end])
    wording, dense = _in_order(mine, window)
    reason = next(_faults(mine, window, title, source.published), "")
    if _lacking(mine, window, title) or wording < ORDERED or dense < DENSE:
        wording = min(wording, DOUBTFUL)
    return Verdict(reason, best.start, best.end, round(best.fit, 3), round(wording, 3))


def _in_order(claim: Text, source: Text) -> tuple[float, float]:
    """The weight of the longest common subsequence of words and mentions, as a share of the claim's,
    and as a share of what stands between its first and its last member in the source.
    """
    rounded = {
        figure_stem(f): figure_stem(s) for f in claim.figures for s in source.figures if same_figure(f, s)
    }
    mine = [rounded.get(mark.stem, mark.stem) for mark in claim.marks]
    theirs = [mark.stem for mark in source.marks]
    weight = prior_weights(mark.stem for mark in (*claim.marks, *source.marks) if mark.text)
    # of a common subsequence that ends at each place of the source: its weight and where it begins
    above: list[tuple[float, int]] = [(0.0, 0)] * (len(theirs) + 1)
    for stem in mine:
        row = [(0.0, 0)]
        for i, other in enumerate(theirs):
            best = max(above[i + 1], row[i], key=lambda pair: pair[0])
            if stem == other:
                common, start = above[i]
                gained = (common + weight.get(stem, MENTION), start if common else i)
                best = max(best, gained, key=lambda pair: pair[0])
            row.append(best)
        above = row
    total = sum(weight.get(stem, MENTION) for stem in mine)
    common, first = above[-1]
    last = next((i for i, pair in enumerate(above) if pair == above[-1]), 0)
    between = sum(weight.get(stem, MENTION) for stem in theirs[first:last])
    return (common / total if total else 0.0), (min(common / between, 1.0) if between else 0.0)


def _closest(claim: Text, text: str) -> list[tuple[int, int]]:
    """Spans of one to LONGEST_QUOTE sentences that share most with the claim."""
    sentences = units(text)
    weight = prior_weights(claim.stems)
    held = [_taken_apart(text[a:b]).stems | _marks(text[a:b]) for a, b in sentences]
    weight |= dict.fromkeys(_marks(claim.text), MENTION)
    spans = []
    for i in range(len(sentences)):
        for j in range(i, min(i + LONGEST_QUOTE, len(sentences))):
            shared = frozenset().union(*held[i : j + 1])
            gain = sum(w for stem, w in weight.items() if stem in shared)
            spans.append((0.5 * (j - i) - gain, i, j))
    return [(sentences[i][0], sentences[j][1]) for _, i, j in sorted(spans)[:_CLOSEST]]


def _marks(text: str) -> frozenset[str]:
    return frozenset(mark.stem for mark in _taken_apart(text).marks if not mark.text)


@lru_cache(maxsize=1024)
def _taken_apart(text: str) -> Text:
    return Text(text)


def _fit(claim: Text, window: Text, title: Text, published: dt.date | None) -> float:
    """The weight of the claim's words that stand in the window, less what is wrong in its mentions."""
    weight = prior_weights({word.stem for word in claim.content})
    total = sum(weight.values()) or 1.0
    said = sum(weight[stem] for stem in {w.stem for w in claim.content if window.states(w)}) / total
    wrong = len(wrong_figures(claim, window, title)) + len(wrong_dates(claim, window, title, published))
    return said - 0.5 * wrong - 0.25 * len(wrong_names(claim, window, title))


def _faults(claim: Text, source: Text, title: Text, published: dt.date | None) -> Iterator[str]:
    """What the claim says that the source does not, the plainest first."""

    def written(mention: Figure | Date | Word) -> str:
        return f"the source does not say “{claim.text[mention.start : mention.end].strip()}”"

    yield from map(written, wrong_figures(claim, source, title))
    yield from map(written, wrong_dates(claim, source, title, published))
    yield from map(written, wrong_names(claim, source, title))
    if contradicts(claim, source) >= CONTRADICTION:
        yield "one denies what the other states"
    for mine, theirs in opposites(claim, source):
        yield f"it says “{mine}” where the source says “{theirs}”"
    yield from (
        f"the source does not go as far as “{word}”" for word in superlatives(claim, source, title)
    )
    yield from (f"the source does not settle it: “{word}”" for word in certainties(claim, source))
    if unhedged(claim, source, PLANS) >= HEDGE:
        yield "the source states a plan or possibility, not a fact"
    if unhedged(claim, source, ALLEGATIONS) >= HEDGE:
        yield "the source leaves it to somebody else's word"
    if _role(claim, source, claim.figures, source.figures, published) < FIGURE_ROLE:
        yield "a figure stands for something else in the source"
    if _role(claim, source, claim.dates, source.dates, published) < DATE_ROLE:
        yield "a date belongs to something else in the source"
    if _swapped(claim, source):
        yield "two names change places"
    coverage, added = _coverage(claim, source, title)
    if coverage < COVERAGE:
        yield "the source says little of it"
    if added > ADDED:
        yield "it adds what the source does not say"


def wrong_figures(claim: Text, source: Text, title: Text) -> list[Figure]:
    """Figures of the claim that neither the source nor the title bears out."""
    known = [*source.figures, *title.figures]

    def stated(f: Figure) -> bool:
        plain = Figure(0, 0, f.value, "", f.quantum)
        return (
            any(same_figure(f, other) for other in known)
            or (f.unit == "ordinal" and any(same_figure(plain, other) for other in source.figures))
            or (f.unit == "" and f.value in _counted(source))
        )

    return [f for f in claim.figures if not stated(f)]


def _counted(text: Text) -> set[int]:
    """How many names each list of a text has, and one fewer ("and three others"); "both" is two."""
    found, length, last = set(), 0, -1
    for start, end, _ in text.names:
        joined = last >= 0 and re.fullmatch(
            r"(?:\W*(?:Inc|Ltd|LLC|Corp|Co)\b)?\W*(?:and|or)?\W*", text.text[last:start]
        )
        length = length + 1 if joined else 1
        if length > 1:
            found |= {length, length - 1} - {1}
        last = end
    return found | ({2} if "both" in text.stems else set())


def wrong_dates(claim: Text, source: Text, title: Text, published: dt.date | None) -> list[Date]:
    """Dates of the claim that neither source nor title states; the day of publication is known."""
    day = [Date(0, 0, published.year, published.month, published.day)] if published else []
    known = [*source.dates, *title.dates, *day]
    return [d for d in claim.dates if not any(same_date(d, other, published) for other in known)]


def wrong_names(claim: Text, source: Text, title: Text) -> list[Word]:
    """Names and code names of the claim that stand neither in the source nor in the title."""
    spelled = claim.spelled_out(source) | claim.spelled_out(title)
    known = source.codes.keys() | title.codes.keys()
    whole = f"{source.joined} {title.joined}"
    unknown = [
        span
        for code, span in claim.codes.items()
        if code not in known and (code[-1].isdigit() or code not in whole)
    ]
    held = [span for code, span in claim.codes.items() if code in known]
    found = []
    for place, word in enumerate(claim.words):
        if any(a <= word.start < b for a, b in held):
            continue
        if any(a <= word.start < b for a, b in unknown):
            found.append(word)
            continue
        named = word.name or claim.opens_with_name(place)
        if named and word.start not in spelled and not any(t.names_it(word) for t in (source, title)):
            found.append(word)
    return found


def _role(
    claim: Text,
    source: Text,
    mine: Sequence[Figure | Date],
    theirs: Sequence[Figure | Date],
    published: dt.date | None,
) -> float:
    """The least, over the claim's mentions, of how much better the words around one fit a place of the
    source that states it than a place that states another of its kind: -1 to 1.
    """
    worst = 1.0
    for mention in mine:
        near = context(claim, mention.start, mention.end)
        own = rival = None
        for other in theirs:
            if isinstance(mention, Figure) and isinstance(other, Figure):
                fits, alike = same_figure(mention, other), mention.unit == other.unit
            elif isinstance(mention, Date) and isinstance(other, Date):
                fits, alike = same_date(mention, other, published), True
            if fits or alike:
                value = agreement(near, context(source, other.start, other.end))
                if fits:
                    own = max(own or 0.0, value)
                else:
                    rival = max(rival or 0.0, value)
        if own is not None and rival is not None:
            worst = min(worst, own - rival)
    return worst


def _swapped(claim: Text, source: Text) -> bool:
    """Whether two names change places about a word between them, or only one side is passive."""

    def neighbours(text: Text) -> Iterator[tuple[frozenset[str], frozenset[str], frozenset[str], bool]]:
        for (_, end, one), (start, _, two) in pairwise(text.names):
            between = frozenset(w.stem for w in text.content if end <= w.start < start)
            gap = text.text[end:start]
            if 0 < len(between) <= 5 and not one & two and not re.search(r"[.;:]\s", gap):
                yield one, two, between, bool(_PASSIVE.search(text.text[end : start + 1]))

    theirs = list(neighbours(source))
    for one, two, between, passive in neighbours(claim):
        near = [(a, b, p == passive) for a, b, words, p in theirs if words & between]
        kept = any(
            (a & one and b & two and same) or (a & two and b & one and not same) for a, b, same in near
        )
        turned = any(
            (a & two and b & one and same) or (a & one and b & two and not same) for a, b, same in near
        )
        if turned and not kept:
            return True
    return False


def _lacking(claim: Text, source: Text, title: Text) -> list[Word]:
    """Content words of the claim that stand neither in the source nor in the title; one hedge may stand
    for another.
    """
    spelled, hedged = claim.spelled_out(source), bool(PLANS.search(source.text))
    return [
        word
        for word in claim.content
        if word.start not in spelled
        and not (source.states(word) or title.states(word))
        and not (hedged and PLANS.fullmatch(word.text))
    ]


def _coverage(claim: Text, source: Text, title: Text) -> tuple[float, float]:
    """The share of the claim's weight that the source has, and the heaviest run that it lacks."""
    weight = prior_weights({word.stem for word in claim.content})
    lacking = {word.start for word in _lacking(claim, source, title)}
    total = sum(weight[w.stem] for w in claim.content) + MENTION * (len(claim.figures) + len(claim.dates))
    missing = sum(weight[w.stem] for w in claim.content if w.start in lacking)
    run = longest = 0.0
    for word in claim.content:
        run = run + weight[word.stem] if word.start in lacking else 0.0
        longest = max(longest, run)
    return (1 - missing / total if total else 0.0), longest
