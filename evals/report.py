"""What ``releaseqa eval`` prints and writes."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import hashlib
import json
import os
import platform
import random
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from qa.settings import Settings

from .compare import EXTRACTIVE, compare, label, share
from .compare import table as comparison_table
from .questions import EvalError, Question, find, load
from .run import Asked, Run, check, run

LLAMAINDEX = "llamaindex:"
"""Before the name of a model: plain LlamaIndex around it, the baseline."""

_ROOT = Path(__file__).parent.parent
_COLUMNS = {
    "accuracy": "accuracy",
    "precision": "precision",
    "coverage": "coverage",
    "abstention": "abstention_recall",
    "evidence": "evidence",
    "gold@1": "gold_passage_1",
    "gold@5": "gold_passage_5",
    "gold@20": "gold_passage_20",
}


@dataclass(frozen=True, slots=True)
class _Set:
    """A question set, the file it is from and the index it is asked of."""

    path: Path
    index: Path
    questions: list[Question]

    @property
    def name(self) -> str:
        return self.path.stem


def evaluate(
    sets: list[Path],
    index: Path,
    model: str | Sequence[str],
    json_out: bool,
    out: Path | None,
    save_answers: Path | None = None,
    embedder: str = Settings().embedder,
    sample: int = 0,
) -> int:
    """Runs sets against an index and reports; 1 when a citation is not a slice of its release.

    A set is a file or the name of a bundled one, and ``SET=INDEX`` has an index of its own. ``model``
    may be several, ``llamaindex:MODEL`` among them: plain LlamaIndex around MODEL. ``json_out`` puts
    nothing but JSON on standard output (an object, or a list for several sets; for several models
    ``records`` and ``comparison``) instead of tables. ``out`` is a folder that gets ``<set>.json``, or
    ``<set>--<model>.json`` and ``comparison.json``; ``save_answers`` a file that gets the answers as
    JSON lines. With ``sample``, ``out`` also gets ``sentences--<model>.md``: so many of each model's
    sentences, for a hand check. Files are written when all sets are through, each in one piece.

    Models take turns by index, not by question: each has memory and cores to itself, as when it is used,
    a server that holds one model does not swap it at every question, and an index is opened anew for
    each, so that none finds warm what another has read. Where a language model fails, the extractive
    answer stands in and is counted, so that one failure does not end a long run.

    Raises ReleaseQAError: a set, a model or an index that cannot be used, or that do not belong together.
    """
    models = [model] if isinstance(model, str) else list(model)
    if len({_safe(m) for m in models}) < len(models):
        raise EvalError("two models have the same name; name each once")
    if sample and not out:
        raise EvalError("the sample of sentences is a file; name a folder for it with --out")
    asked = [_read(name, index) for name in sets]
    if len({s.name for s in asked}) < len(asked):
        raise EvalError("two sets have the same file name; rename one")
    commit = _commit(_ROOT)
    runs, records = _run_all(asked, models, embedder, commit)
    by_model = {name: [runs[s.name, name] for s in asked] for name in dict.fromkeys(n for _, n in runs)}
    in_order = [records[s.name, name] for s in asked for name in by_model]
    comparison = {
        "date": _now(),
        "commit": commit,
        "sets": {s.name: _sha256(s.path) for s in asked},
        "models": compare(by_model),
    }
    several = len(models) > 1
    if save_answers:
        _write(save_answers, answer_lines([run for own in by_model.values() for run in own]))
    if out:
        _save(out, in_order, comparison if several else None)
        for name, own in by_model.items() if sample else ():
            _write(out / f"sentences--{_safe(name)}.md", sentence_sheet(name, own, sample))
    _show(in_order, comparison if several else None, json_out)
    return int(any(record["summary"]["verified_citations"] not in (None, 1) for record in in_order))


def to_json(run: Run, source: Path, qa: Asked, model: str, commit: str) -> dict[str, Any]:
    """A run as a dictionary for JSON, with everything that is needed to repeat it.

    ``source`` is the file of the set. Keys: set, sha256, date, commit, model, settings, versions,
    index, summary (see ``Run.summary``), questions (see ``Result.to_dict``).
    """
    overview = qa.overview()
    return {
        "set": source.stem,
        "sha256": _sha256(source),
        "date": _now(),
        "commit": commit,
        "model": model,
        "settings": _settings(qa),
        "versions": _versions(),
        "index": {
            "releases": overview.releases,
            "passages": overview.passages,
            "embedder": overview.embedder,
        },
        "summary": run.summary(),
        "questions": [result.to_dict() for result in run.results],
    }


def answer_lines(runs: Sequence[Run]) -> str:
    """Every answer as a line of JSON, for ``releaseqa verify``."""
    answers = (result.answer.to_dict() for run in runs for result in run.results)
    return "".join(json.dumps(a, ensure_ascii=False, default=str) + "\n" for a in answers)


def sentence_sheet(model: str, runs: Sequence[Run], size: int, seed: int = 0) -> str:
    """Markdown: a random ``size`` of the sentences shown, with their quotes and room for a mark each."""
    shown = [
        (sentence.text, [result.answer.citations[i] for i in sentence.citations])
        for run in runs
        for result in run.results
        for sentence in result.answer.sentences
    ]
    picked = random.Random(seed).sample(shown, min(size, len(shown)))
    lines = [
        f"# {len(picked)} of {len(shown)} sentences of {_cell(model)}",
        "",
        "Mark a sentence 1 where its quotes, with the title and date of their release, say it; else 0.",
        "",
        "| | sentence | quotes | title | date | mark |",
        "|---|---|---|---|---|---|",
    ]
    for number, (text, quotes) in enumerate(picked, 1):
        cells = (
            _cell(text), *("<br>".join(_cell(part) for part in parts) for parts in (
                [c.quote for c in quotes], [c.title for c in quotes], [str(c.date or "") for c in quotes],
            )),
        )  # fmt: skip
        lines.append(f"| {number} | {' | '.join(cells)} | |")
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    """Text as a cell of a Markdown table, none of it markup."""
    return re.sub(r"([\\`*_|<>\[\]~$])", r"\\\1", " ".join(text.split()))


def table(record: Mapping[str, Any]) -> Table:
    """A run, as ``to_json`` gives it, in rows per type and overall, intervals overall."""
    out = Table(title=f"{escape(record['set'])} ({escape(record['model'])})", title_justify="left")
    out.add_column("type")
    for name in ("n", *_COLUMNS, "ms"):
        out.add_column(name, justify="right")
    summary = record["summary"]
    for kind, figures in summary["types"].items():
        out.add_row(escape(kind), *_cells(figures, intervals=False))
    out.add_section()
    out.add_row("overall", *_cells(summary, intervals=True))
    return out


def _read(name: Path, index: Path) -> _Set:
    """The set of ``SET`` or ``SET=INDEX``."""
    text, own, folder = str(name).partition("=")
    if own and not name.exists():
        name, index = Path(text), Path(folder)
    path = find(name)
    return _Set(path, index, load(path))


def _named(sets: Sequence[Path], index: Path) -> list[_Set]:
    """The sets, told apart by the names of their files. Raises EvalError where two have the same."""
    asked = [_read(name, index) for name in sets]
    if len({s.name for s in asked}) < len(asked):
        raise EvalError("two sets have the same file name; rename one")
    return asked


def _publish(
    record: Mapping[str, Any],
    tables: Callable[[Mapping[str, Any]], Iterable[Table]],
    plot: Callable[[Mapping[str, Any], Path], None],
    json_out: bool,
    out: Path | None,
) -> None:
    """Print what a stage measured, as JSON or in tables; JSON and a picture go into ``out``, a folder."""
    if out:
        file = out / f"{record['stage']}.json"
        _write(file, _dump(record) + "\n")
        try:
            plot(record, file.with_suffix(".svg"))
        except EvalError as exc:  # the figures are there; the picture of them is not worth a failure
            print(f"releaseqa: no picture: {exc}", file=sys.stderr)
    if json_out:
        print(_dump(record))
        return
    console = Console() if sys.stdout.isatty() else Console(width=160)  # a pipe has no width of its own
    for table in tables(record):
        console.print(table)


Runs = dict[tuple[str, str], Run]
Records = dict[tuple[str, str], dict[str, Any]]


def _run_all(
    sets: Sequence[_Set], models: Sequence[str], embedder: str, commit: str
) -> tuple[Runs, Records]:
    """Every set asked of every model; runs and records by the names of both."""
    turns = [
        (index, model, [s for s in sets if s.index == index])
        for index in dict.fromkeys(s.index for s in sets)
        for model in models
    ]
    for index, model, own in turns if len(turns) > 1 else ():  # what cannot be used is told at once
        with _open(index, model, embedder) as qa:
            _check(qa, own)
    runs: Runs = {}
    records: Records = {}
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    # On standard error: standard output is for results.
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as bar:
        for index, model, own in turns:
            with _open(index, model, embedder) as qa:
                name = getattr(qa, "model", model)  # without what is secret in a specification
                _check(qa, own)
                for s in own:
                    title = s.name if len(models) == 1 else f"{s.name} {label(name)}"
                    task = bar.add_task(escape(title), total=len(s.questions))
                    made = run(qa, s.questions, lambda task=task: bar.advance(task))  # type: ignore[misc]
                    runs[s.name, name] = made
                    record = records[s.name, name] = to_json(made, s.path, qa, name, commit)
                    if len(turns) > 1:  # a log has no bar
                        bar.console.print(escape(f"{title}: {_in_brief(record['summary'])}"))
    return runs, records


def _open(index: Path, model: str, embedder: str) -> Any:
    """What answers: ``qa.ReleaseQA``, or plain LlamaIndex in its place."""
    settings = Settings(embedder=embedder)
    if model.startswith(LLAMAINDEX):
        from .benchmarks.llamaindex import PlainLlamaIndex

        return PlainLlamaIndex.open(index, model.removeprefix(LLAMAINDEX), settings)
    from qa import ReleaseQA  # here, so that reading a report loads no model

    if model != EXTRACTIVE:
        settings = dataclasses.replace(
            settings, generation=dataclasses.replace(settings.generation, fallback=True)
        )
    return ReleaseQA.open(index, model, settings)


def _check(qa: Asked, sets: Sequence[_Set]) -> None:
    for s in sets:
        try:
            check(qa, s.questions)
        except EvalError as exc:
            raise EvalError(f"{s.name}: {exc}") from exc


def _save(out: Path, records: Sequence[Mapping[str, Any]], comparison: Mapping[str, Any] | None) -> None:
    for record in records:
        tail = f"--{_safe(record['model'])}" if comparison else ""
        _write(out / f"{record['set']}{tail}.json", _dump(record) + "\n")
    if comparison:
        _write(out / "comparison.json", _dump(comparison) + "\n")


def _show(
    records: Sequence[Mapping[str, Any]], comparison: Mapping[str, Any] | None, json_out: bool
) -> None:
    if json_out:
        alone = records[0] if len(records) == 1 else records
        print(_dump({"records": records, "comparison": comparison} if comparison else alone))
        return
    # A file or a pipe has no width of its own; cut columns would be of no use there.
    console = Console() if sys.stdout.isatty() else Console(width=180 if comparison else 160)
    for record in records:
        console.print(table(record))
        console.print(_footer(record["summary"]), highlight=False)
    if comparison:
        console.print(comparison_table(comparison["models"]))


def _cells(figures: Mapping[str, Any], intervals: bool) -> list[str]:
    cells = [str(figures["questions"])]
    for name in _COLUMNS.values():
        low_high = figures["intervals"][name] if intervals else None
        cells.append(share(figures[name]) + (_range(low_high) if low_high else ""))
    return [*cells, f"{figures['median_ms']:.0f}"]


def _range(interval: Sequence[float]) -> str:
    return f"\n{interval[0]:.2f}-{interval[1]:.2f}"


def _in_brief(summary: Mapping[str, Any]) -> str:
    seconds = summary["median_ms"] / 1000
    return f"{summary['questions']} questions, accuracy {summary['accuracy']:.2f}, {seconds:.2f} s each"


def _footer(summary: Mapping[str, Any]) -> str:
    return (
        f"citations verified {share(summary['verified_citations'])}, "
        f"false refusals {share(summary['false_refusals'])}, mrr {share(summary['mrr'])}, "
        f"p95 {summary['p95_ms']:.0f} ms, "
        f"calibration error {share(summary['calibration']['all']['error'])}, "
        f"auc {share(summary['auc_answerable'])}; ranges are 95 % bootstrap intervals"
    )


def _safe(model: str) -> str:
    """A model's name as a part of a file name."""
    return re.sub(r"[^\w.-]+", "-", model).strip("-.")


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _now() -> str:
    return dt.datetime.now(dt.timezone.utc).isoformat(timespec="seconds")


def _settings(qa: Asked) -> dict[str, Any] | None:
    settings = getattr(qa, "settings", None)
    if dataclasses.is_dataclass(settings) and not isinstance(settings, type):
        return dataclasses.asdict(settings)
    return None


def _versions() -> dict[str, str]:
    """Versions of Python and of what a run has loaded; nothing is loaded to ask for one."""
    loaded = {"numpy": "__version__", "torch": "__version__", "sqlite3": "sqlite_version"}
    found = {name: getattr(sys.modules.get(name), attr, None) for name, attr in loaded.items()}
    return {"python": platform.python_version()} | {n: str(v) for n, v in found.items() if v}


def _commit(root: Path) -> str:
    """The commit of the code, ``+dirty`` where it is changed, ``unknown`` outside git."""
    # A copy installed into somebody's own repository is not tracked there.
    if _git(root, "ls-files", "--error-unmatch", "evals/report.py") is None:
        return "unknown"
    head = _git(root, "rev-parse", "HEAD")
    changed = _git(root, "status", "--porcelain", "--", ".", ":(exclude)evals/results")
    return "unknown" if not head else head + ("+dirty" if changed else "")


def _git(root: Path, *args: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", str(root), *args], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1, default=str)


def _write(path: Path, text: str) -> None:
    """Writes a file in one piece: whoever reads it sees the old one or the new one."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except OSError as exc:
        raise EvalError(f"{path}: cannot be written ({exc.strerror}); choose another place") from exc
    finally:
        with contextlib.suppress(OSError):
            part.unlink()
