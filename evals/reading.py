"""Reading alone: what the extractive reader would answer to everything, and how sure it is of it.

``releaseqa eval SET[=INDEX]... --stage reading`` asks each question with a threshold of 0, so that an
answer stands for every question, and works out from that what each threshold would give: how much is
answered, how much of it is wrong, and both ways to fail, silence where the releases answer and an answer
where they do not.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from qa import ReleaseQA
from qa.read import Reader
from qa.settings import Reading, Settings

from . import drawing, metrics
from .compare import share
from .questions import Question
from .report import _ROOT, _check, _commit, _named, _now, _publish, _Set, _sha256, _versions

THRESHOLDS = tuple(step / 20 for step in range(20))
FIGURES = ("accuracy", "right", "precision", "coverage", "abstention_recall", "false_refusals")
_LABELS = {
    "accuracy": "accuracy",
    "right": "right, of the answerable",
    "precision": "precision of what is answered",
    "coverage": "coverage",
    "abstention_recall": "silent, of the unanswerable",
    "false_refusals": "silent, of the answerable",
}


@dataclass(frozen=True, slots=True)
class Answered:
    """What a question gets with a threshold of 0: whether it is answered (it is not where it names what
    no release does), whether that is right (to a question that nothing answers, never), the reader's
    confidence in it, and milliseconds.
    """

    question: Question
    given: bool
    right: bool
    confidence: float
    milliseconds: float


def ask(qa: ReleaseQA, question: Question) -> Answered:
    """Asks ``qa``, whose threshold is 0."""
    limits = question.filters
    start = time.perf_counter()
    answer = qa.ask(
        question.question, limits.company, limits.since, limits.until, limits.as_of, question.history
    )
    milliseconds = (time.perf_counter() - start) * 1000
    answered = answer.status == "answered"
    right = question.answerable and metrics.is_right(question, answer.status, answer.text)
    confidence = answer.confidence if answered else 1 - answer.confidence
    return Answered(question, answered, right, confidence, milliseconds)


def at(answers: Sequence[Answered], threshold: float | Sequence[float]) -> dict[str, Any]:
    """FIGURES with answers less sure than ``threshold`` left out, that of all or of each; ``intervals``
    holds [low, high].
    """
    gold = np.array([a.question.answerable for a in answers], float)
    sure = np.array([a.confidence for a in answers]) >= threshold
    given = np.array([a.given for a in answers], float) * sure
    right = np.array([a.right for a in answers], float) * given
    none, silent, every = 1 - gold, 1 - given, np.ones(len(answers))
    means = metrics.estimate(
        {
            name: (list(top), list(bottom))
            for name, top, bottom in (
                ("accuracy", right + none * silent, every),
                ("right", right, gold),
                ("precision", right, given),
                ("coverage", given, every),
                ("abstention_recall", none * silent, none),
                ("false_refusals", gold * silent, gold),
            )
        }
    )
    return {
        **{name: figure.value for name, figure in means.items()},
        "intervals": {name: [figure.low, figure.high] for name, figure in means.items()},
    }


def summary(answers: Sequence[Answered], threshold: float | Sequence[float]) -> dict[str, Any]:
    """The figures at ``threshold`` (as ``at`` takes it), at each of THRESHOLDS, and how far confidence is
    to be trusted.
    """
    confidence, right = [a.confidence for a in answers], [a.right for a in answers]
    return {
        "questions": len(answers),
        "at_threshold": at(answers, threshold),
        "curve": [{"threshold": t, **at(answers, t)} for t in THRESHOLDS],
        "calibration": metrics.calibration(confidence, right),
        "auc_answerable": metrics.auc(confidence, [a.question.answerable for a in answers]),
        "auc_right": metrics.auc(confidence, right),
        "median_ms": float(np.median([a.milliseconds for a in answers])),
    }


def evaluate(
    sets: Sequence[Path],
    index: Path,
    json_out: bool,
    out: Path | None,
    embedder: str = Settings().embedder,
) -> int:
    """Measures reading over the sets and reports; always 0. As ``retrieval.evaluate``, ``reading.json``.

    Raises ReleaseQAError: a set or an index that cannot be used, or that do not belong together.
    """
    asked = _named(sets, index)
    _publish(
        _record(asked, Settings(embedder=embedder, reading=Reading(threshold=0.0))),
        tables,
        plot,
        json_out,
        out,
    )
    return 0


def cross(
    sets: Sequence[Path],
    fitted: Sequence[Path],
    fold: Callable[[Question], int],
    out: Path,
    embedder: str = Settings().embedder,
) -> None:
    """Measures and reports as ``evaluate``; a question is read with the ``fitted`` file of its fold, the
    threshold included.
    """
    settings = Settings(embedder=embedder, reading=Reading(threshold=0.0))
    _publish(_record(_named(sets, Path()), settings, fitted, fold), tables, plot, False, out)


def _record(
    sets: Sequence[_Set],
    settings: Settings,
    fitted: Sequence[Path | None] = (None,),
    fold: Callable[[Question], int] = lambda _: 0,
) -> dict[str, Any]:
    thresholds = [Reader.load(Reading(fitted=str(file) if file else None)).threshold for file in fitted]
    made: dict[str, list[Answered]] = {}
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as bar:
        for s in sets:
            task = bar.add_task(escape(s.name), total=len(s.questions))
            answers: dict[str, Answered] = {}
            for k, file in enumerate(fitted):
                reading = replace(settings.reading, fitted=str(file) if file else None)
                with ReleaseQA.open(s.index, settings=replace(settings, reading=reading)) as qa:
                    _check(qa, [s])
                    qa.ask("Who leads the company?")  # what the first question finds cold is in no time
                    for question in (q for q in s.questions if fold(q) == k):
                        answers[question.id] = ask(qa, question)
                        bar.advance(task)
            made[s.name] = [answers[question.id] for question in s.questions]
    together = [a for answers in made.values() for a in answers]

    def measured(answers: Sequence[Answered]) -> dict[str, Any]:
        return summary(answers, [thresholds[fold(a.question)] for a in answers])

    return {
        "stage": "reading",
        "cross_validated": len(fitted) > 1,
        "date": _now(),
        "commit": _commit(_ROOT),
        "settings": asdict(replace(settings, reading=Settings().reading)),
        "versions": _versions(),
        "threshold": float(np.median(thresholds)),
        "sets": {s.name: {"sha256": _sha256(s.path), **measured(made[s.name])} for s in sets},
        "all": measured(together),
        "questions": [
            {
                "set": name, "id": a.question.id, "type": a.question.type,
                "answerable": a.question.answerable, "right": a.right, "confidence": a.confidence,
            }
            for name, answers in made.items()
            for a in answers
        ],
    }  # fmt: skip


def tables(record: Mapping[str, Any]) -> Iterator[Table]:
    """The figures by set at the fitted threshold, and those of all sets by threshold."""
    groups = {**record["sets"], "all": record["all"]}
    out = Table(title=f"threshold {record['threshold']:.2f}", title_justify="left")
    out.add_column("")
    for name, own in groups.items():
        out.add_column(f"{escape(name)} ({own['questions']})", justify="right")
    for figure in FIGURES:
        cells = []
        for own in groups.values():
            low, high = own["at_threshold"]["intervals"][figure]
            cells.append(f"{share(own['at_threshold'][figure])} ({share(low)}-{share(high)})")
        out.add_row(_LABELS[figure], *cells)
    out.add_section()
    out.add_row("calibration error", *(share(own["calibration"]["error"]) for own in groups.values()))
    for label, key in (("AUC answerable", "auc_answerable"), ("AUC right", "auc_right")):
        out.add_row(label, *(share(own[key]) for own in groups.values()))
    out.add_row("median ms", *(f"{own['median_ms']:.0f}" for own in groups.values()))
    yield out
    curve = Table(title="all sets by threshold", title_justify="left")
    curve.add_column("threshold", justify="right")
    for figure in FIGURES:
        curve.add_column(_LABELS[figure], justify="right")
    for row in record["all"]["curve"]:
        curve.add_row(f"{row['threshold']:.2f}", *(share(row[figure]) for figure in FIGURES))
    yield curve


def plot(record: Mapping[str, Any], path: Path) -> None:
    """Draw risk over coverage for each set, both ways to fail over the threshold, and reliability.

    The kind of file is by the suffix. Raises EvalError where matplotlib is missing or ``path`` cannot
    be written.
    """
    figure, ticker = drawing.figure(11, 3.8), drawing.ticker()
    risk, failures, reliability = figure.subplots(1, 3)
    groups = {**record["sets"], "all": record["all"]}
    for name, own in groups.items():
        style = {"color": "black", "linewidth": 2} if name == "all" else {"linewidth": 1}
        rows = [row for row in own["curve"] if row["precision"] is not None]
        risk.plot([r["coverage"] for r in rows], [1 - r["precision"] for r in rows], label=name, **style)
        bins = own["calibration"]["bins"]
        reliability.plot([b["confidence"] for b in bins], [b["right"] for b in bins], "o-", ms=3, **style)
    now = record["all"]["at_threshold"]
    risk.plot(now["coverage"], 1 - now["precision"], "D", color="black", label="as fitted")
    risk.set(xlabel="share of questions answered", ylabel="wrong, of those answered", title="Risk")
    curve = record["all"]["curve"]
    x = [row["threshold"] for row in curve]
    failures.plot(x, [row["false_refusals"] for row in curve], label="silent, though answerable")
    failures.plot(x, [1 - row["abstention_recall"] for row in curve], label="answered, though not")
    failures.axvline(record["threshold"], color="black", linewidth=1, linestyle=":", label="as fitted")
    failures.set(xlabel="threshold", ylabel="share of such questions", title="Both ways to fail")
    reliability.plot([0, 1], [0, 1], color="#999999", linewidth=1, linestyle=":")
    reliability.set(xlabel="confidence", ylabel="share that is right", title="Reliability")
    for axes in (risk, failures, reliability):
        axes.set(xlim=(0, 1), ylim=(0, 1))
        axes.xaxis.set_major_formatter(ticker.PercentFormatter(1, decimals=0))
        axes.yaxis.set_major_formatter(ticker.PercentFormatter(1, decimals=0))
        drawing.plain(axes)
    risk.legend(frameon=False, fontsize=8)
    failures.legend(frameon=False, fontsize=8)
    drawing.save(figure, path)
