"""Retrieval alone: how good and how quick a search is, whole and with each stage switched off.

``releaseqa eval SET[=INDEX]... --stage retrieval`` searches for the answerable questions of each set.

About the times: those of a warm index. Every variant searches for a few questions that are in no set
before the clock counts; then each searches once for each question, and that one search is timed. The
variants take turns at a question, another one first at each: what the first one finds cold favours
none, and a machine that is busy for a while slows all alike.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from index.store import Store
from index.sync import check_embedder, check_model
from index.types import Embedder
from qa.pipeline import ReleaseQA
from qa.read import Reader
from qa.retrieve import Retriever
from qa.settings import STAGES, Settings, Stage

from . import metrics
from .questions import EvalError, Question
from .report import (
    _ROOT,
    _check,
    _commit,
    _named,
    _now,
    _publish,
    _Set,
    _sha256,
    _versions,
)
from .retrieval_report import FULL, plot, tables
from .run import HITS, Asked

Advance = Callable[[], object]
Qa = TypeVar("Qa", bound=Asked)
Item = TypeVar("Item")
Found = TypeVar("Found")

WARM_UP = (
    "Who leads the company?",
    "What did sales come to in the third quarter?",
    "When does the trial begin, and where?",
    "Why was the product recalled?",
)

_KINDS: Mapping[str, Callable[[str, Question], str]] = {
    "sets": lambda name, question: name,
    "corpora": lambda name, question: question.corpus,
    "types": lambda name, question: question.type,
}
"""What figures are also given by, and how it is told from the set's name and the question."""


@dataclass(frozen=True, slots=True)
class Search:
    """What one search for one question found: ranks from 1, None where nothing gold is in the hits;
    ``ndcg`` of the gold spans in the first ten.
    """

    passage_rank: int | None
    release_rank: int | None
    ndcg: float
    milliseconds: float


def variants(settings: Settings, stages: Sequence[Stage] = STAGES) -> dict[str, Settings]:
    """The full system and, for each stage that it has, the one without it (``dense off``)."""
    return {FULL: settings} | {f"{stage} off": without(settings, stage) for stage in stages}


def without(settings: Settings, *stages: Stage) -> Settings:
    """The same settings with these stages of retrieval switched off too."""
    off = tuple(dict.fromkeys((*settings.retrieval.off, *stages)))
    return replace(settings, retrieval=replace(settings.retrieval, off=off))


def searchers(store: Store, embedder: Embedder, settings: Mapping[str, Settings]) -> dict[str, ReleaseQA]:
    """What searches under each of the settings, by name, over one open index and one embedding model."""
    reader = Reader.load()
    return {
        name: ReleaseQA(store, Retriever(store, embedder, own.retrieval, reader), reader, own)
        for name, own in settings.items()
    }


@contextmanager
def opened(path: Path, settings: Mapping[str, Settings]) -> Iterator[dict[str, ReleaseQA]]:
    """``searchers`` over the index at ``path``; all settings name one embedder.

    Raises as ``ReleaseQA.open`` does.
    """
    model = settings[FULL].embedder
    store = Store(path)
    try:
        check_model(store, model)
        from index.embed import SentenceTransformerEmbedder  # seconds: after what can fail fast

        embedder = SentenceTransformerEmbedder(model, store.manifest.number_type)
        check_embedder(store, embedder)
        yield searchers(store, embedder, settings)
    finally:
        store.close()


def measure(
    qas: Mapping[str, Asked], questions: Sequence[Question], advance: Advance | None = None
) -> dict[str, list[Search]]:
    """What each variant finds for each question, in the order of the questions."""
    return take_turns(qas, questions, _search, advance)


def take_turns(
    qas: Mapping[str, Qa],
    items: Sequence[Item],
    search: Callable[[Qa, Item], Found],
    advance: Advance | None = None,
) -> dict[str, list[Found]]:
    """What ``search`` gives for each variant and item, in the order of the items, when the variants take
    turns at each item as above; ``advance`` is called after each.
    """
    for qa in qas.values():
        for text in WARM_UP:
            qa.search(text, k=HITS)
    names = list(qas)
    found: dict[str, list[Found]] = {name: [] for name in names}
    for number, item in enumerate(items):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            found[name].append(search(qas[name], item))
        if advance:
            advance()
    return found


def _search(qa: Asked, question: Question) -> Search:
    limits = {**asdict(question.filters), "history": question.history}
    start = time.perf_counter()
    hits = qa.search(question.question, k=HITS, **limits)
    milliseconds = (time.perf_counter() - start) * 1000
    hits = hits[:HITS]
    return Search(
        metrics.passage_rank(question, hits),
        metrics.release_rank(question, hits),
        metrics.passage_ndcg(question, hits),
        milliseconds,
    )


def summary(
    asked: Sequence[tuple[str, Question]], found: Mapping[str, Sequence[Search]]
) -> dict[str, dict[str, Any]]:
    """For each variant its figures over all questions, and the same under sets, corpora and types.

    ``asked`` holds each question with the name of its set. Shares, ``mrr`` and ``ndcg_10`` are means
    over the questions, 0 to 1, with [low, high] of each under ``intervals``; of every variant but the
    full one, ``difference`` says what the full system has more (value, low, high), question by question.
    """
    out = _by_variant(found, range(len(asked)))
    for kind, of in _KINDS.items():
        for variant in out.values():
            variant[kind] = {}
        for key in sorted({of(*one) for one in asked}):
            own = [i for i, one in enumerate(asked) if of(*one) == key]
            for name, figures in _by_variant(found, own).items():
                out[name][kind][key] = figures
    return out


def _by_variant(
    found: Mapping[str, Sequence[Search]], chosen: Sequence[int]
) -> dict[str, dict[str, Any]]:
    """The figures of each variant over the questions at the places ``chosen``."""
    own = {name: [searches[i] for i in chosen] for name, searches in found.items()}
    values = {name: _values(searches) for name, searches in own.items()}
    out = {name: _figures(own[name], values[name]) for name in found}
    for name in found:
        if name != FULL:
            apart = metrics.paired(values[FULL], values[name])
            out[name]["difference"] = {key: asdict(figure) for key, figure in apart.items()}
    return out


def _values(searches: Sequence[Search]) -> dict[str, list[float]]:
    """Each figure's value for each question."""
    values: dict[str, list[float]] = {}
    for what in ("passage", "release"):
        ranks = [s.passage_rank if what == "passage" else s.release_rank for s in searches]
        for k in (1, 5, HITS):
            values[f"gold_{what}_{k}"] = [float(rank is not None and rank <= k) for rank in ranks]
    values["ndcg_10"] = [s.ndcg for s in searches]
    values["mrr"] = [metrics.reciprocal(s.passage_rank) for s in searches]
    return values


def _figures(searches: Sequence[Search], values: Mapping[str, Sequence[float]]) -> dict[str, Any]:
    every = [1.0] * len(searches)
    means = metrics.estimate({name: (own, every) for name, own in values.items()})
    times = [s.milliseconds for s in searches]
    return {
        "questions": len(searches),
        **{name: figure.value for name, figure in means.items()},
        "median_ms": float(np.percentile(times, 50)),
        "p99_ms": float(np.percentile(times, 99)),
        "intervals": {name: [figure.low, figure.high] for name, figure in means.items()},
    }


def evaluate(
    sets: Sequence[Path],
    index: Path,
    json_out: bool,
    out: Path | None,
    embedder: str = Settings().embedder,
) -> int:
    """Measures retrieval over the answerable questions of the sets and reports; always 0.

    Sets are named as for ``report.evaluate``. ``json_out`` puts nothing but JSON on standard output.
    ``out`` is a folder that gets ``retrieval.json`` and, where matplotlib is there, ``retrieval.svg``.

    Raises ReleaseQAError: a set or an index that cannot be used, or that do not belong together.
    """
    asked = [_answerable(s) for s in _named(sets, index)]
    _publish(_record(asked, variants(Settings(embedder=embedder))), tables, plot, json_out, out)
    return 0


def _answerable(whole: _Set) -> _Set:
    questions = [question for question in whole.questions if question.answerable]
    if not questions:
        raise EvalError(f"{whole.path}: no answerable question in it; retrieval has nothing to find")
    return replace(whole, questions=questions)


def _record(sets: Sequence[_Set], settings: Mapping[str, Settings]) -> dict[str, Any]:
    """Everything that was measured, and what is needed to repeat it, as JSON has it."""
    commit = _commit(_ROOT)
    indexes = list(dict.fromkeys(s.index for s in sets))
    for index in indexes if len(indexes) > 1 else ():  # what cannot be used is told at once
        with opened(index, {FULL: settings[FULL]}) as qas:
            _check(qas[FULL], [s for s in sets if s.index == index])
    made: dict[str, dict[str, list[Search]]] = {}
    about: dict[str, dict[str, Any]] = {}
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as bar:
        for index in indexes:
            own = [s for s in sets if s.index == index]
            with opened(index, settings) as qas:
                _check(qas[FULL], own)
                for s in own:
                    task = bar.add_task(escape(s.name), total=len(s.questions))
                    made[s.name] = measure(qas, s.questions, lambda task=task: bar.advance(task))  # type: ignore[misc]
                    about[s.name] = _about(s, qas[FULL])
    asked = [(s.name, question) for s in sets for question in s.questions]
    found = {name: [one for s in sets for one in made[s.name][name]] for name in settings}
    figures = summary(asked, found)
    return {
        "stage": "retrieval",
        "date": _now(),
        "commit": commit,
        "settings": asdict(settings[FULL]),
        "versions": _versions(),
        "hits": HITS,
        "sets": about,
        "variants": {
            name: {"off": list(own.retrieval.off), **figures[name]} for name, own in settings.items()
        },
        "questions": [_question(i, asked[i], found) for i in range(len(asked))],
    }


def _about(s: _Set, qa: Asked) -> dict[str, Any]:
    held = qa.overview()
    return {
        "sha256": _sha256(s.path),
        "questions": len(s.questions),
        "index": {"releases": held.releases, "passages": held.passages, "embedder": held.embedder},
    }


def _question(
    at: int, asked: tuple[str, Question], found: Mapping[str, Sequence[Search]]
) -> dict[str, Any]:
    """A question and the ranks of its gold under each variant."""
    name, question = asked
    return {
        "set": name,
        "id": question.id,
        "corpus": question.corpus,
        "type": question.type,
        "passage_rank": {variant: searches[at].passage_rank for variant, searches in found.items()},
        "release_rank": {variant: searches[at].release_rank for variant, searches in found.items()},
    }
