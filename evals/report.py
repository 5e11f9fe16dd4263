"""What ``releaseqa eval`` prints and writes."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import hashlib
import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from qa.settings import Settings

from .questions import EvalError, Question, find, load
from .run import Asked, Run, check, run

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


def evaluate(
    sets: list[Path],
    index: Path,
    model: str,
    json_out: bool,
    out: Path | None,
    save_answers: Path | None = None,
    embedder: str = Settings().embedder,
) -> int:
    """Runs sets against an index and reports; 1 when a citation is not a slice of its release.

    A set is a file or the name of a bundled one. ``json_out`` puts nothing but JSON on standard
    output (an object, or a list for several sets) instead of tables. ``out`` is a folder that
    gets ``<set>.json``, ``save_answers`` a file that gets the answers as JSON lines. Files are
    written when all sets are through, each in one piece.

    Raises ReleaseQAError: a set or an index that cannot be used, or that do not belong together.
    """
    from qa import ReleaseQA  # here, so that reading a report loads no model

    paths = [find(path) for path in sets]
    if len({path.stem for path in paths}) < len(paths):
        raise EvalError("two sets have the same file name; rename one")
    questions = [load(path) for path in paths]
    commit = _commit(_ROOT)
    with ReleaseQA.open(index, model, Settings(embedder=embedder)) as qa:
        runs = _run_all(qa, paths, questions)
        records = [to_json(r, path, qa, model, commit) for r, path in zip(runs, paths, strict=True)]
    if save_answers:
        _write(save_answers, answer_lines(runs))
    if out:
        for record in records:
            _write(out / f"{record['set']}.json", _dump(record) + "\n")
    _show(records, json_out)
    return int(any(record["summary"]["verified_citations"] not in (None, 1) for record in records))


def to_json(run: Run, source: Path, qa: Asked, model: str, commit: str) -> dict[str, Any]:
    """A run as a dictionary for JSON, with everything that is needed to repeat it.

    ``source`` is the file of the set. Keys: set, sha256, date, commit, model, settings, versions,
    index, summary (see ``Run.summary``), questions (see ``Result.to_dict``).
    """
    overview = qa.overview()
    return {
        "set": source.stem,
        "sha256": hashlib.sha256(source.read_bytes()).hexdigest(),
        "date": dt.datetime.now(dt.timezone.utc).isoformat(timespec="seconds"),
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


def _run_all(qa: Asked, paths: Sequence[Path], sets: Sequence[list[Question]]) -> list[Run]:
    for path, questions in zip(paths, sets, strict=True):
        try:
            check(qa, questions)
        except EvalError as exc:
            raise EvalError(f"{path.stem}: {exc}") from exc
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    # On standard error: standard output is for results.
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as bar:
        tasks = [bar.add_task(escape(p.stem), total=len(q)) for p, q in zip(paths, sets, strict=True)]
        return [
            run(qa, questions, lambda task=task: bar.advance(task))  # type: ignore[misc]
            for questions, task in zip(sets, tasks, strict=True)
        ]


def _show(records: Sequence[Mapping[str, Any]], json_out: bool) -> None:
    if json_out:
        print(_dump(records[0] if len(records) == 1 else records))
        return
    # A file or a pipe has no width of its own; cut columns would be of no use there.
    console = Console() if sys.stdout.isatty() else Console(width=160)
    for record in records:
        console.print(table(record))
        console.print(_footer(record["summary"]), highlight=False)


def _cells(figures: Mapping[str, Any], intervals: bool) -> list[str]:
    cells = [str(figures["questions"])]
    for name in _COLUMNS.values():
        low_high = figures["intervals"][name] if intervals else None
        cells.append(_share(figures[name]) + (_range(low_high) if low_high else ""))
    return [*cells, f"{figures['median_ms']:.0f}"]


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _range(interval: Sequence[float]) -> str:
    return f"\n{interval[0]:.2f}-{interval[1]:.2f}"


def _footer(summary: Mapping[str, Any]) -> str:
    return (
        f"citations verified {_share(summary['verified_citations'])}, "
        f"false refusals {_share(summary['false_refusals'])}, mrr {_share(summary['mrr'])}, "
        f"p95 {summary['p95_ms']:.0f} ms, "
        f"calibration error {_share(summary['calibration']['all']['error'])}, "
        f"auc {_share(summary['auc_answerable'])}; ranges are 95 % bootstrap intervals"
    )


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
