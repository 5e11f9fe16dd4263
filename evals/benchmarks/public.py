"""Search over public question sets: SciFact, SQuAD and BioASQ, indexed and searched by releaseqa itself.

    python -m evals.benchmarks.public DIR [--work FOLDER] [--set NAME]... [--stages] [--json]

DIR holds the files (see ``public_sets``). Each document becomes one release with id, title and text; the
index of each set stays in FOLDER, and a run that was stopped goes on with what is there. A document's
place is that of its first passage among the first PASSAGES; nDCG@10 is that of BEIR and trec_eval.
Times are taken as ``evals.retrieval`` takes them.

- scifact: the training claims that have a relevant abstract, graded by the qrels.
- squad: the paragraphs, under their article's title; the questions that their paragraph answers.
- bioasq: the distinct gold snippets of all factoid questions; relevant are a question's own.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.table import Table

from index.errors import ReleaseQAError
from index.store import Store
from index.sync import MakeEmbedder, Progress, check_embedder, index_path
from index.types import Embedder, Hit
from qa.pipeline import ReleaseQA
from qa.settings import STAGES, Settings

from .. import metrics
from ..questions import EvalError
from ..report import _ROOT, _commit, _dump, _now, _versions, _write
from ..retrieval import Advance, searchers, take_turns, variants, without
from ..retrieval_report import FULL, difference
from .public_sets import READERS, Collection, Document, read

K = 10
"""How many documents are scored."""

PASSAGES = 50
"""How many passages are searched for: enough for K documents where several are of one."""

FIGURES = {f"ndcg_{K}": f"nDCG@{K}", f"mrr_{K}": f"MRR@{K}", f"recall_{K}": f"recall@{K}"}
LEXICAL, DENSE = "lexical only", "dense only"


@dataclass(frozen=True, slots=True)
class Scored:
    """One search for one question: the value of each of FIGURES, and how long it took."""

    values: tuple[float, ...]
    milliseconds: float


def ranked(hits: Sequence[Hit]) -> list[str]:
    """The documents of the hits, each at the place of its first, K at most."""
    return list(dict.fromkeys(hit.release_id for hit in hits))[:K]


def scored(found: Sequence[str], relevant: Mapping[str, float]) -> tuple[float, ...]:
    """The FIGURES of one question."""
    gains = [relevant.get(document, 0.0) for document in found]
    first = next((place for place, gain in enumerate(gains, 1) if gain), None)
    return (
        metrics.ndcg(gains, list(relevant.values()), K),
        metrics.reciprocal(first),
        sum(map(bool, gains)) / len(relevant),
    )


def arrange(whole: Settings, stages: bool = False) -> dict[str, Settings]:
    """The variants: full, each search alone and, where asked for, each of the other stages off."""
    alone = {LEXICAL: without(whole, "dense"), DENSE: without(whole, "lexical")}
    others = [stage for stage in STAGES if stage not in ("lexical", "dense", "reranker")]
    return {FULL: whole, **alone, **variants(whole, others if stages else ())}


def measure(
    qas: Mapping[str, ReleaseQA], asked: Collection, advance: Advance | None = None
) -> dict[str, list[Scored]]:
    """What each variant finds for each question, in the order of the questions."""

    def search(qa: ReleaseQA, id_: str) -> Scored:
        start = time.perf_counter()
        hits = qa.search(asked.questions[id_], k=PASSAGES)
        milliseconds = (time.perf_counter() - start) * 1000
        return Scored(scored(ranked(hits), asked.relevant[id_]), milliseconds)

    return take_turns(qas, list(asked.questions), search, advance)


def summary(found: Mapping[str, Sequence[Scored]]) -> dict[str, Any]:
    """For each variant the means with their intervals and, but for the full system, what that has more.

    ``best_single`` is the one of the two searches alone that has the better nDCG.
    """
    values = {
        name: {figure: [one.values[at] for one in own] for at, figure in enumerate(FIGURES)}
        for name, own in found.items()
    }
    rows: dict[str, dict[str, Any]] = {}
    for name, own in found.items():
        means = metrics.estimate({f: (v, [1.0] * len(own)) for f, v in values[name].items()})
        rows[name] = {
            **{figure: mean.value for figure, mean in means.items()},
            "median_ms": float(np.percentile([one.milliseconds for one in own], 50)),
            "intervals": {figure: [mean.low, mean.high] for figure, mean in means.items()},
        }
        if name != FULL:
            apart = metrics.paired(values[FULL], values[name])
            rows[name]["difference"] = {figure: asdict(mean) for figure, mean in apart.items()}
    best = max((LEXICAL, DENSE), key=lambda name: rows[name][f"ndcg_{K}"])
    return {"best_single": best, "variants": rows}


def indexed(
    work: Path,
    name: str,
    documents: Sequence[Document],
    model: str,
    make: MakeEmbedder,
    report: Callable[[Progress], None] | None = None,
) -> Path:
    """The folder of the set's index, brought in line with the documents.

    Raises EvalError where a document cannot be indexed, and as ``index_path`` does.
    """
    source, folder = work / f"{name}.jsonl", work / f"{name}.index"
    records = ({"id": d.id, "title": d.title, "body": d.text} for d in documents)
    _write(source, "".join(json.dumps(record) + "\n" for record in records))
    problems = index_path(folder, source, model, make, report).problems
    if problems:
        raise EvalError(f"{len(problems)} documents cannot be indexed, the first is {problems[0]}")
    return folder


def run(
    name: str,
    asked: Collection,
    work: Path,
    settings: Mapping[str, Settings],
    make: MakeEmbedder,
    bar: Bar,
) -> dict[str, Any]:
    """Index a set, search for each of its questions, and give the figures."""
    model = settings[FULL].embedder
    task = bar.add_task(f"{name}: documents", total=len(asked.documents))
    folder = indexed(
        work, name, asked.documents, model, make, lambda at: bar.update(task, completed=at.records)
    )
    with closing(Store(folder)) as store:
        embedder = make(store.manifest.number_type)
        check_embedder(store, embedder)
        task = bar.add_task(f"{name}: questions", total=len(asked.questions))
        found = measure(searchers(store, embedder, settings), asked, lambda: bar.advance(task))
    counts = {"documents": len(asked.documents), "questions": len(asked.questions)}
    return counts | summary(found)


def table(name: str, record: Mapping[str, Any]) -> Table:
    """A set's figures, a row a variant."""
    title = f"{name}: {record['documents']:,} documents, {record['questions']:,} questions"
    out = Table(title=title, title_justify="left", caption="* the interval leaves out 0")
    out.add_column("")
    labels = FIGURES.values()
    for label in (*labels, "median ms", *(f"full less it, {label}" for label in labels)):
        out.add_column(label, justify="right")
    for variant, own in record["variants"].items():
        apart = own.get("difference")
        out.add_row(
            variant + (" (best single)" if variant == record["best_single"] else ""),
            *(f"{own[figure]:.3f}" for figure in FIGURES),
            f"{own['median_ms']:.1f}",
            *(difference(apart[figure]) if apart else "" for figure in FIGURES),
        )
    return out


@cache  # one model for all sets
def _embedder(number_type: str | None) -> Embedder:
    from index.embed import SentenceTransformerEmbedder  # seconds: after what can fail fast

    return SentenceTransformerEmbedder(Settings().embedder, number_type)


def main() -> None:
    """Measure the sets asked for; print a table each, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, metavar="DIR", help="the folder of the public sets")
    parser.add_argument(
        "--work", type=Path, metavar="FOLDER", help="keep the indexes here, for the next run"
    )
    parser.add_argument(
        "--set", action="append", choices=list(READERS), help="only this set (repeatable)"
    )
    parser.add_argument("--stages", action="store_true", help="also with each stage of retrieval off")
    parser.add_argument("--json", action="store_true", help="print JSON, at the end")
    options = parser.parse_args()
    settings = arrange(without(Settings(), "reranker"), options.stages)
    try:
        sets = {name: read(name, options.folder) for name in options.set or READERS}
        made: dict[str, Any] = {}
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        with (
            tempfile.TemporaryDirectory(prefix="public-") as scratch,
            Bar(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as bar,
        ):
            work = options.work or Path(scratch)
            for name, asked in sets.items():
                made[name] = run(name, asked, work, settings, _embedder, bar)
    except ReleaseQAError as exc:
        sys.exit(str(exc))
    if options.json:
        about = {"date": _now(), "commit": _commit(_ROOT), "versions": _versions()}
        print(_dump({**about, "passages": PASSAGES, "sets": made}))
        return
    console = Console(width=None if sys.stdout.isatty() else 180)
    for name, record in made.items():
        console.print(table(name, record))


if __name__ == "__main__":
    main()
