"""Models side by side: what each makes of the same questions, as a table and as a picture.

    python -m evals.compare comparison.json --plot models.svg

``releaseqa eval SET... --model A --model B --out FOLDER`` writes ``comparison.json``.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from . import drawing
from .questions import EvalError
from .run import Run, figures

EXTRACTIVE = "extractive"
_SHARES = {"precision": "precision", "coverage": "coverage", "abstention": "abstention_recall"}
_COLUMNS = ("questions", "accuracy", *_SHARES, "unsupported", "invented", "stood in",
            "median s", "p95 s", "first s")  # fmt: skip
_PLACES = (
    ("point", 8, 6, "left"), ("point", -8, 6, "right"),
    ("point", 8, -15, "left"), ("point", -8, -15, "right"),
    ("high", 0, 6, "center"), ("low", 0, -15, "center"),
    ("high", 8, 4, "right"), ("low", 8, -15, "right"),
)  # fmt: skip
"""Where a point's name may stand, in points from it or from an end of its interval."""


def compare(runs: Mapping[str, Sequence[Run]]) -> list[dict[str, Any]]:
    """For each model, the figures of ``Run.summary`` over the questions of all its runs, pooled.

    ``stood_in`` counts the answers of the extractive reader that were given in another model's place.
    """
    rows = []
    for model, of_model in runs.items():
        results = [result for run in of_model for result in run.results]
        quoted = sum(r.answered and r.answer.model == EXTRACTIVE for r in results)
        rows.append(
            {"model": model, **figures(results), "stood_in": 0 if model == EXTRACTIVE else quoted}
        )
    return rows


def table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """A row a model, as ``compare`` gives them."""
    out = Table(title="all sets together", title_justify="left")
    out.add_column("model", overflow="fold")
    for name in _COLUMNS:
        out.add_column(name, justify="right")
    for row in rows:
        low_high = row["intervals"]["accuracy"]
        out.add_row(
            escape(label(row["model"])),
            str(row["questions"]),
            share(row["accuracy"]) + (f" ({low_high[0]:.2f}-{low_high[1]:.2f})" if low_high else ""),
            *(share(row[name]) for name in _SHARES.values()),
            f"{row['unsupported_sentences']} of {row['sentences']} ({share(row['unsupported'])})",
            str(row["invented_figures"]),
            str(row["stood_in"]),
            *(_seconds(row[name]) for name in ("median_ms", "p95_ms", "median_first_sentence_ms")),
        )
    return out


def label(model: str) -> str:
    """A model's specification, short: without the address or the folder it is found at."""
    return re.sub(r"@https?://.*", "", re.sub(r"(?<=:)[^:]*/(?=[^/]*\.gguf$)|\.gguf$", "", model))


def plot(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Draw accuracy, with its interval, over the median seconds a question; the kind is by the suffix.

    Raises EvalError where matplotlib is missing or ``path`` cannot be written.
    """
    figure, ticker = drawing.figure(7.2, 4.4), drawing.ticker()
    axes = figure.subplots()
    axes.set_xscale("log")
    for row in rows:
        _point(axes, row)
    times = [row["median_ms"] / 1000 for row in rows]
    axes.set_xlim(min(times) / 2, max(times) * 2)
    axes.set_ylim(0, max(0.5, *(row["intervals"]["accuracy"][1] + 0.05 for row in rows)))
    axes.xaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(ticker.NullFormatter())
    axes.yaxis.set_major_formatter(ticker.PercentFormatter(1, decimals=0))
    axes.set_xlabel("median seconds a question (log scale)")
    axes.set_ylabel("accuracy, with its 95 % interval")
    drawing.plain(axes, "y")
    figure.draw_without_rendering()  # lays it out, so that names can be placed
    _name_points(axes, rows)
    drawing.save(figure, path)


def main() -> None:
    """Print the table of a comparison and, where asked to, draw its picture."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("comparison", type=Path, help="what `releaseqa eval --out FOLDER` wrote there")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw it too: a .svg or .png file")
    options = parser.parse_args()
    try:
        rows = _read(options.comparison)
        if options.plot:
            plot(rows, options.plot)
    except EvalError as exc:
        sys.exit(str(exc))
    Console(width=None if sys.stdout.isatty() else 180).print(table(rows))


def _read(path: Path) -> list[dict[str, Any]]:
    try:
        return list(json.loads(path.read_text(encoding="utf-8"))["models"])
    except (OSError, ValueError, LookupError, TypeError) as exc:
        why = exc.strerror if isinstance(exc, OSError) else "it is no comparison"
        raise EvalError(f"{path}: cannot be read ({why}); name a comparison.json") from exc


def _point(axes: Any, row: Mapping[str, Any]) -> None:
    value, (low, high) = row["accuracy"], row["intervals"]["accuracy"]
    axes.errorbar(
        row["median_ms"] / 1000, value, yerr=[[value - low], [high - value]],
        fmt="o", color=_color(row), markersize=7, elinewidth=1.4, capsize=3,
    )  # fmt: skip


def _color(row: Mapping[str, Any]) -> str:
    return "#b8481a" if row["model"].startswith("llamaindex:") else "#1f5f99"


def _name_points(axes: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write each model's name by its point, in the first place without a name or an interval, or in the
    one with fewest.
    """
    taken = [_bar(axes, row) for row in rows]
    for row in rows:
        low, high = row["intervals"]["accuracy"]
        ends = {"point": row["accuracy"], "low": low, "high": high}
        texts = [
            axes.annotate(
                label(row["model"]), (row["median_ms"] / 1000, ends[end]), (dx, dy),
                textcoords="offset points", ha=side, fontsize=9, color=_color(row),
            )
            for end, dx, dy, side in _PLACES
        ]  # fmt: skip
        boxes = [text.get_window_extent() for text in texts]
        clashes = [sum(map(box.overlaps, taken)) + 9 * (not _within(box, axes.bbox)) for box in boxes]
        best = clashes.index(min(clashes))
        taken.append(boxes[best])
        for text in texts[:best] + texts[best + 1 :]:
            text.remove()


def _bar(axes: Any, row: Mapping[str, Any]) -> Any:
    """The room that a point and its interval take, in pixels."""
    x = row["median_ms"] / 1000
    ends = axes.transData.transform([(x, y) for y in row["intervals"]["accuracy"]])
    return drawing.box(ends).padded(4)


def _within(box: Any, outer: Any) -> bool:
    return bool(outer.x0 <= box.x0 and box.x1 <= outer.x1 and outer.y0 <= box.y0 and box.y1 <= outer.y1)


def share(value: float | None) -> str:
    """A share of 1 with two digits; a dash where there is none."""
    return "-" if value is None else f"{value:.2f}"


def _seconds(milliseconds: float | None) -> str:
    return "-" if milliseconds is None else f"{milliseconds / 1000:.2f}"


if __name__ == "__main__":
    main()
