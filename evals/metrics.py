"""Scores of answers and of hits: pure functions, no input or output.

The rules are those by which the question sets were made; every mean is taken over questions.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

import numpy as np

from qa.claims import Text
from qa.support import Source, judge, wrong_dates, wrong_figures
from qa.types import Status

from .questions import Evidence, Question

MAX_CHARACTERS = 600
"""A longer answer is not right, whatever it holds."""

ALL_SPANS_IDS = frozenset({"wire-009", "wire-022"})
"""Questions of another type than ``multi`` whose evidence counts only when every span is cited.

Each asks for two things that stand in two places, and the makers of the set score them so.
"""

RESAMPLES = 10_000

# Registered and trade marks, then the single and the double curly quotes.
_REPLACED = str.maketrans("\u2018\u2019\u201c\u201d", "''\"\"", "\u00ae\u2122")


class Span(Protocol):
    """What citations and hits have in common."""

    @property
    def release_id(self) -> str: ...

    @property
    def start(self) -> int: ...

    @property
    def end(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Figure:
    """A mean and its 95 % interval; all None where there is nothing to take a mean of."""

    value: float | None
    low: float | None
    high: float | None


def normalise(text: str) -> str:
    """``text`` case folded, white space collapsed, without ® and ™, curly quotes straight."""
    return " ".join(text.translate(_REPLACED).casefold().split())


def is_right(question: Question, status: Status, text: str) -> bool:
    """Whether an answer is right.

    To an answerable question: it is answered, within MAX_CHARACTERS, and each required fact has
    an accepted string in the text, both normalised. To any other: nothing was found.
    """
    if not question.answerable:
        return status == "not_found"
    if status != "answered" or len(text) > MAX_CHARACTERS:
        return False
    return says_all(question, text)


def says_all(question: Question, text: str) -> bool:
    """Whether ``text`` holds an accepted string of every required fact, both normalised."""
    said = normalise(text)
    return all(any(normalise(s) in said for s in fact) for fact in question.must_include)


def covers(span: Span, gold: Evidence) -> bool:
    """Whether ``span`` holds half of the gold span or more."""
    common = min(span.end, gold.end) - max(span.start, gold.start)
    return span.release_id == gold.release and 2 * common >= gold.end - gold.start


def needs_all_spans(question: Question) -> bool:
    """Whether every gold span must be cited, and not just any one of them."""
    return question.type == "multi" or question.id in ALL_SPANS_IDS


def has_evidence(question: Question, citations: Sequence[Span]) -> bool:
    """Whether citations cover a gold span each on its own: any one, or all where all are needed."""
    found = [any(covers(c, gold) for c in citations) for gold in question.evidence]
    return bool(found) and (all(found) if needs_all_spans(question) else any(found))


def passage_rank(question: Question, hits: Sequence[Span]) -> int | None:
    """The place, from 1, of the first hit that covers half of a gold span; None without one.

    Any gold span counts, for ``multi`` questions too.
    """
    return _first(any(covers(hit, gold) for gold in question.evidence) for hit in hits)


def release_rank(question: Question, hits: Sequence[Span]) -> int | None:
    """The place, from 1, of the first hit in any gold release; None without one."""
    gold = {span.release for span in question.evidence}
    return _first(hit.release_id in gold for hit in hits)


def _first(flags: Iterable[bool]) -> int | None:
    return next((place for place, flag in enumerate(flags, start=1) if flag), None)


def is_supported(sentence: str, sources: Sequence[Source]) -> bool:
    """Whether the quotes of a sentence say it: any one of them, or all joined, by ``qa.support``.

    What stands in a quote word for word needs no judge.
    """
    said = normalise(sentence)
    given = [*sources, joined(sources)]
    return any(said in normalise(s.text) for s in given) or any(
        judge(sentence, s).supported for s in given
    )


def invented_figures(sentence: str, sources: Sequence[Source]) -> tuple[str, ...]:
    """The figures, and the dates with a digit, that no quote of a sentence states, as they are written.

    Nor does the title or the day of a release that is quoted. A rounding of what is stated is none.
    """
    claim, one = Text(sentence), joined(sources)
    text, title = Text(one.text), Text(f"{one.title} {one.company or ''}")
    figures = {(f.start, f.end) for f in wrong_figures(claim, text, title)}
    days = {source.published for source in sources} or {None}
    dates = [{(d.start, d.end) for d in wrong_dates(claim, text, title, day)} for day in days]
    digits = {
        (start, end) for start, end in set.intersection(*dates) if re.search(r"\d", claim.text[start:end])
    }
    return tuple(claim.text[start:end].strip() for start, end in sorted(figures | digits))


def joined(sources: Sequence[Source]) -> Source:
    """Sources as one: texts, titles and issuers in a row; the day of publication where it is the same."""
    titles = ". ".join(dict.fromkeys(source.title for source in sources if source.title))
    companies = ", ".join(dict.fromkeys(source.company for source in sources if source.company))
    days = {source.published for source in sources}
    text = "\n\n".join(source.text for source in sources)
    return Source(text, titles, companies or None, days.pop() if len(days) == 1 else None)


def reciprocal(rank: int | None) -> float:
    """1 / rank, and 0 where nothing was found."""
    return 1 / rank if rank else 0.0


def ndcg(gains: Sequence[float], ideal: Sequence[float], k: int = 10) -> float:
    """Normalised discounted cumulative gain of the first ``k`` hits, 0 to 1, as in BEIR and trec_eval.

    ``gains`` are those of the hits, in their order, ``ideal`` those of all that is relevant; a gain
    counts as it is, divided by log2(place + 1). 0 where nothing is relevant.
    """
    best = _discounted(sorted(ideal, reverse=True)[:k])
    return _discounted(gains[:k]) / best if best else 0.0


def _discounted(gains: Sequence[float]) -> float:
    return sum(gain / math.log2(place + 1) for place, gain in enumerate(gains, start=1))


def passage_ndcg(question: Question, hits: Sequence[Span], k: int = 10) -> float:
    """The nDCG of the gold spans that an answer needs: of any one, or of all where all are needed.

    A hit gains 1 where it covers a needed span that no hit before it covers, else 0. Spans that one
    hit covers together count as one, in the ideal too: passages are as long as the index cuts them.
    """
    every = needs_all_spans(question)
    left, needed = list(question.evidence), len(question.evidence) if every else 1
    gains = []
    for hit in hits[:k]:
        new = [gold for gold in left if covers(hit, gold)]
        gains.append(float(bool(new)))
        if new and every:
            left = [gold for gold in left if gold not in new]
            needed -= len(new) - 1
        elif new:
            left = []
    return ndcg(gains, [1.0] * needed, k)


def paired(
    ours: Mapping[str, Sequence[float]], theirs: Mapping[str, Sequence[float]]
) -> dict[str, Figure]:
    """For each name, the mean of ours less theirs with its 95 % interval, by a paired bootstrap.

    Both hold one number a question, in the same order; a resample draws the same questions of both.
    """
    apart = {
        name: [a - b for a, b in zip(values, theirs[name], strict=True)] for name, values in ours.items()
    }
    return estimate({name: (values, [1.0] * len(values)) for name, values in apart.items()})


def estimate(
    parts: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, Figure]:
    """For each name, sum(numerator) / sum(denominator) with a 95 % percentile bootstrap interval.

    Numerators and denominators hold one number a question, in the same order under every name; no
    denominator is negative. Questions are resampled, so a ratio such as precision varies in both of
    its parts; resamples without a denominator are left out.
    """
    count = max((len(top) for top, _ in parts.values()), default=0)
    if not count:
        return {name: Figure(None, None, None) for name in parts}
    draws = _draws(count, resamples, seed)  # the same for all figures
    return {name: _figure(np.asarray(t, float), np.asarray(b, float), draws)
            for name, (t, b) in parts.items()}  # fmt: skip


@lru_cache(maxsize=1)  # the next estimate is mostly of the same questions; 10,000 draws take a while
def _draws(count: int, resamples: int, seed: int) -> Any:
    """How often each question is drawn, a row a resample."""
    draws = np.random.default_rng(seed).multinomial(count, [1 / count] * count, size=resamples)
    return draws.astype(float)


def _figure(top: Any, bottom: Any, draws: Any) -> Figure:
    if not bottom.sum():
        return Figure(None, None, None)
    tops, bottoms = draws @ top, draws @ bottom
    ratios = tops[bottoms > 0] / bottoms[bottoms > 0]
    low, high = np.percentile(ratios, [2.5, 97.5])
    return Figure(float(top.sum() / bottom.sum()), float(low), float(high))


def calibration(confidence: Sequence[float], right: Sequence[bool], bins: int = 10) -> dict[str, Any]:
    """How far confidence is from the share that is right: ``error`` (0 to 1, 0 is best), ``bins``.

    ``error`` is the expected calibration error over ``bins`` bins of equal width, None without
    answers. Each bin with answers says ``from``, ``to`` (exclusive, the last one inclusive),
    ``count``, mean ``confidence`` and share ``right``.
    """
    sure, good = np.asarray(confidence, float), np.asarray(right, float)
    # The small term keeps 0.7, which times 10 is just under 7, in the bin that starts with it.
    place = np.minimum((sure * bins + 1e-9).astype(int), bins - 1)
    rows = [
        {
            "from": b / bins,
            "to": (b + 1) / bins,
            "count": int((place == b).sum()),
            "confidence": float(sure[place == b].mean()),
            "right": float(good[place == b].mean()),
        }
        for b in sorted(set(place.tolist()))
    ]
    gaps = [row["count"] * abs(row["confidence"] - row["right"]) for row in rows]
    return {"error": sum(gaps) / len(sure) if rows else None, "bins": rows}


def auc(scores: Sequence[float], positive: Sequence[bool]) -> float | None:
    """The chance that a positive scores higher than a negative, a tie counting half.

    0.5 is a guess, 1 a clean separation; None unless there are both.
    """
    values, flags = np.asarray(scores, float), np.asarray(positive, bool)
    above, below = values[flags][:, None], values[~flags][None, :]
    if not above.size or not below.size:
        return None
    return float((above > below).mean() + (above == below).mean() / 2)
