"""A question set asked of an index, and what came of it."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from index.errors import NotInIndex
from index.types import Hit, Overview, Release
from qa.support import Source
from qa.types import Answer, Citation, Turn
from qa.verify import is_slice

from . import metrics
from .metrics import Figure
from .questions import EvalError, Question

HITS = 20
"""How many hits of a search are looked at."""


class Asked(Protocol):
    """What a run needs of ``qa.ReleaseQA``."""

    def ask(
        self,
        question: str,
        company: str | None = None,
        since: dt.date | None = None,
        until: dt.date | None = None,
        as_of: dt.date | None = None,
        history: Sequence[Turn] = (),
    ) -> Answer: ...

    def search(
        self,
        question: str,
        k: int = HITS,
        company: str | None = None,
        since: dt.date | None = None,
        until: dt.date | None = None,
        as_of: dt.date | None = None,
        history: Sequence[Turn] = (),
    ) -> Sequence[Hit]: ...

    def release(self, release_id: str, /) -> Release: ...

    def overview(self) -> Overview: ...


@dataclass(frozen=True, slots=True)
class Result:
    """One question, its answer and the scores of both.

    ``evidence`` and the ranks (from 1, among the first HITS hits) are None for a question that
    nothing answers; a rank is None as well where nothing gold was found. ``verified`` counts the
    citations whose quote equals the slice of the release. ``milliseconds`` is the time of the
    answer, without the search. ``unsupported`` holds the sentences shown that their quotes do not
    bear out, ``invented_figures`` the figures in sentences shown that are not in their quotes.
    """

    question: Question
    answer: Answer
    right: bool
    evidence: bool | None
    passage_rank: int | None
    release_rank: int | None
    verified: int
    milliseconds: float
    unsupported: tuple[str, ...] = ()
    invented_figures: tuple[str, ...] = ()

    @property
    def answered(self) -> bool:
        """Whether the status is ``answered``."""
        return self.answer.status == "answered"

    @property
    def answerable_score(self) -> float:
        """The probability, 0 to 1, that the releases hold an answer, as the confidence has it."""
        return self.answer.confidence if self.answered else 1 - self.answer.confidence

    @property
    def first_sentence_ms(self) -> float | None:
        """Milliseconds to the first sentence shown: to the whole answer, unless that says otherwise."""
        if not self.answer.sentences:
            return None
        return self.answer.timings_ms.get("first_sentence", self.milliseconds)

    def to_dict(self) -> dict[str, Any]:
        """The result as plain JSON values."""
        return {
            "id": self.question.id,
            "type": self.question.type,
            "question": self.question.question,
            "answerable": self.question.answerable,
            "status": self.answer.status,
            "right": self.right,
            "evidence": self.evidence,
            "passage_rank": self.passage_rank,
            "release_rank": self.release_rank,
            "confidence": self.answer.confidence,
            "milliseconds": round(self.milliseconds, 3),
            "unsupported": list(self.unsupported),
            "invented_figures": list(self.invented_figures),
            "answer": self.answer.to_dict(),
        }


@dataclass(frozen=True, slots=True)
class Run:
    """The results of a whole set, in its order; there is no such thing as half a run."""

    results: tuple[Result, ...]

    def summary(self) -> dict[str, Any]:
        """Every figure by its name, over all questions, and the same under ``types``.

        Shares are 0 to 1, None where there is nothing to count; ``intervals`` holds [low, high]
        of each mean. ``evidence``, ``gold_*`` and ``mrr`` (of the passage) are means over the
        answerable questions, ``unsupported`` is over the sentences shown, ``invented_figures`` a
        count. Times are milliseconds of an answer.
        """
        types = sorted({r.question.type for r in self.results})
        groups = {t: [r for r in self.results if r.question.type == t] for t in types}
        return {
            **figures(self.results),
            "calibration": {
                "all": _calibration(self.results),
                "answered": _calibration([r for r in self.results if r.answered]),
            },
            "auc_answerable": metrics.auc(
                [r.answerable_score for r in self.results],
                [r.question.answerable for r in self.results],
            ),
            "types": {t: figures(group) for t, group in groups.items()},
        }


def run(qa: Asked, questions: Sequence[Question], progress: Callable[[], object] | None = None) -> Run:
    """Asks every question once and searches for it once; calls ``progress`` after each.

    Raises EvalError, before anything is asked, when the index lacks the releases of a question.
    """
    check(qa, questions)
    results = []
    for question in questions:
        results.append(_result(qa, question))
        if progress:
            progress()
    return Run(tuple(results))


def check(qa: Asked, questions: Sequence[Question]) -> None:
    """Raises EvalError when the index lacks what an answer must cite.

    That is any release of a question that needs all its spans, and all releases of another: a
    release that came over two wires may be held only once.
    """
    present = {r: _holds(qa, r) for r in {e.release for q in questions for e in q.evidence}}
    missing: dict[str, str] = {}
    for question in questions:
        gone = [e.release for e in question.evidence if not present[e.release]]
        if gone and (metrics.needs_all_spans(question) or len(gone) == len(question.evidence)):
            missing[question.id] = gone[0]
    if missing:
        corpora = ", ".join(sorted({q.corpus for q in questions}))
        raise EvalError(
            f"the index lacks releases that {len(missing)} of {len(questions)} questions need, "
            f"the first is {next(iter(missing.values()))!r}; "
            f"name the index of these releases ({corpora}) with --index"
        )


def _holds(qa: Asked, release_id: str) -> bool:
    try:
        qa.release(release_id)
    except NotInIndex:
        return False
    return True


def _result(qa: Asked, question: Question) -> Result:
    limits: dict[str, Any] = {
        "company": question.filters.company,
        "since": question.filters.since,
        "until": question.filters.until,
        "as_of": question.filters.as_of,
        "history": question.history,
    }
    # Asked before it is searched for, so that the time is that of a question never seen.
    start = time.perf_counter()
    answer = qa.ask(question.question, **limits)
    milliseconds = (time.perf_counter() - start) * 1000
    hits = qa.search(question.question, k=HITS, **limits)[:HITS]
    shown = _shown(qa, answer)
    gold = question.answerable
    return Result(
        question=question,
        answer=answer,
        right=metrics.is_right(question, answer.status, answer.text),
        evidence=metrics.has_evidence(question, answer.citations) if gold else None,
        passage_rank=metrics.passage_rank(question, hits) if gold else None,
        release_rank=metrics.release_rank(question, hits) if gold else None,
        verified=sum(_is_slice(qa, citation) for citation in answer.citations),
        milliseconds=milliseconds,
        unsupported=tuple(text for text, quotes in shown if not metrics.is_supported(text, quotes)),
        invented_figures=tuple(f for shown_ in shown for f in metrics.invented_figures(*shown_)),
    )


def _shown(qa: Asked, answer: Answer) -> list[tuple[str, list[Source]]]:
    """The sentences of an answer, each with its quotes."""
    sources = [Source(c.quote, c.title, _company(qa, c.release_id), c.date) for c in answer.citations]
    return [(sentence.text, [sources[i] for i in sentence.citations]) for sentence in answer.sentences]


def _company(qa: Asked, release_id: str) -> str | None:
    return qa.release(release_id).company if _holds(qa, release_id) else None


def _is_slice(qa: Asked, citation: Citation) -> bool:
    try:
        text = qa.release(citation.release_id).text
    except NotInIndex:
        return False
    return is_slice(text, citation.start, citation.end, citation.quote)


def figures(results: Sequence[Result]) -> dict[str, Any]:
    """The figures of ``Run.summary`` that need no more than these results."""
    means = metrics.estimate(_parts(results))
    cited = sum(len(r.answer.citations) for r in results)
    times = [r.milliseconds for r in results]
    first = [ms for r in results if (ms := r.first_sentence_ms) is not None]
    return {
        "questions": len(results),
        **{name: figure.value for name, figure in means.items()},
        "verified_citations": sum(r.verified for r in results) / cited if cited else None,
        "sentences": sum(len(r.answer.sentences) for r in results),
        "unsupported_sentences": sum(len(r.unsupported) for r in results),
        "invented_figures": sum(len(r.invented_figures) for r in results),
        "median_ms": _percentile(times, 50),
        "p95_ms": _percentile(times, 95),
        "median_first_sentence_ms": _percentile(first, 50),
        "intervals": {name: _interval(figure) for name, figure in means.items()},
    }


def _percentile(times: Sequence[float], share: int) -> float | None:
    return float(np.percentile(times, share)) if times else None


def _parts(results: Sequence[Result]) -> dict[str, tuple[list[float], list[float]]]:
    """Each mean as numerators and denominators, one of each a question."""
    every = [1.0] * len(results)
    gold = [float(r.question.answerable) for r in results]
    none = [1.0 - g for g in gold]
    right = [float(r.right) for r in results]
    answered = [float(r.answered) for r in results]
    silent = [1.0 - a for a in answered]
    parts = {
        "accuracy": (right, every),
        "precision": (_both(right, gold), answered),
        "coverage": (answered, every),
        "abstention_recall": (_both(silent, none), none),
        "false_refusals": (_both(silent, gold), gold),
        "evidence": ([float(bool(r.evidence)) for r in results], gold),
        "unsupported": (
            [float(len(r.unsupported)) for r in results],
            [float(len(r.answer.sentences)) for r in results],
        ),
    }
    for k in (1, 5, HITS):
        parts[f"gold_passage_{k}"] = ([_within(r.passage_rank, k) for r in results], gold)
        parts[f"gold_release_{k}"] = ([_within(r.release_rank, k) for r in results], gold)
    parts["mrr"] = ([metrics.reciprocal(r.passage_rank) for r in results], gold)
    return parts


def _both(left: Sequence[float], right: Sequence[float]) -> list[float]:
    return [a * b for a, b in zip(left, right, strict=True)]


def _within(rank: int | None, k: int) -> float:
    return float(rank is not None and rank <= k)


def _interval(figure: Figure) -> list[float] | None:
    return None if figure.low is None or figure.high is None else [figure.low, figure.high]


def _calibration(results: Sequence[Result]) -> dict[str, Any]:
    return metrics.calibration([r.answer.confidence for r in results], [r.right for r in results])
