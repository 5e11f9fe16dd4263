"""The tables and the picture of ``releaseqa eval --stage retrieval``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.table import Table

from . import drawing
from .compare import share

FULL = "full"
"""The name of the variant with every stage on."""

_ROWS = {
    "gold passage first": "gold_passage_1",
    "gold passage in first 5": "gold_passage_5",
    "gold passage in first 20": "gold_passage_20",
    "right release first": "gold_release_1",
    "right release in first 5": "gold_release_5",
    "right release in first 20": "gold_release_20",
    "passage nDCG@10": "ndcg_10",
    "passage MRR": "mrr",
}
_DIFFERENCES = ("gold_passage_1", "gold_passage_5", "mrr", "gold_release_1")
_PANELS = ("gold_passage_1", "gold_passage_5")
_LABELS = {figure: label for label, figure in _ROWS.items()}


def tables(record: Mapping[str, Any]) -> Iterator[Table]:
    """Each set by variant, all sets by variant, what each stage is worth, the full system by type."""
    variants, sets = record["variants"], list(record["sets"])
    for name in sets if len(sets) > 1 else ():
        yield _quality(name, {v: figures["sets"][name] for v, figures in variants.items()})
    together = "all sets together" if len(sets) > 1 else sets[0]
    yield _quality(together, variants)
    yield _worth(together, variants)
    yield _types(together, variants[FULL])


def _quality(name: str, variants: Mapping[str, Any]) -> Table:
    count = variants[FULL]["questions"]
    out = Table(title=f"{escape(name)}: {count} answerable questions", title_justify="left")
    out.add_column("")
    for variant in variants:
        out.add_column(escape(variant.replace(" ", "\n")), justify="right")
    for label, figure in _ROWS.items():
        out.add_row(label, *(share(own[figure]) for own in variants.values()))
    if "confusable" in variants[FULL].get("types", {}):
        of_type = [own["types"]["confusable"]["gold_release_1"] for own in variants.values()]
        out.add_row("confusable: right release first", *map(share, of_type))
    out.add_section()
    for label, figure in (("median ms", "median_ms"), ("99th percentile ms", "p99_ms")):
        out.add_row(label, *(f"{own[figure]:.1f}" for own in variants.values()))
    return out


def _worth(name: str, variants: Mapping[str, Any]) -> Table:
    title = f"{escape(name)}: what the full system has more, with 95 % paired bootstrap intervals"
    out = Table(title=title, title_justify="left", caption="* the interval leaves out 0")
    out.add_column("than with")
    for figure in _DIFFERENCES:
        out.add_column(_LABELS[figure], justify="right")
    for variant, own in variants.items():
        if variant != FULL:
            cells = (difference(own["difference"][figure]) for figure in _DIFFERENCES)
            out.add_row(escape(variant), *cells)
    return out


def difference(apart: Mapping[str, float]) -> str:
    """A difference with its interval, and a star where that leaves out 0."""
    star = "*" if apart["low"] > 0 or apart["high"] < 0 else " "
    return f"{apart['value']:+.3f} ({apart['low']:+.3f} to {apart['high']:+.3f}){star}"


def _types(name: str, full: Mapping[str, Any]) -> Table:
    out = Table(title=f"{escape(name)}: the full system by type of question", title_justify="left")
    out.add_column("type")
    out.add_column("n", justify="right")
    for label in _ROWS:
        out.add_column(label, justify="right")
    for kind, own in full["types"].items():
        cells = (share(own[figure]) for figure in _ROWS.values())
        out.add_row(escape(kind), str(own["questions"]), *cells)
    out.add_section()
    intervals = full["intervals"]
    cells = (f"{share(full[f])}\n{intervals[f][0]:.2f}-{intervals[f][1]:.2f}" for f in _ROWS.values())
    out.add_row("overall", str(full["questions"]), *cells)
    return out


def plot(record: Mapping[str, Any], path: Path) -> None:
    """Draw how often the gold passage is found over the median milliseconds a search, for each variant.

    The kind of file is by the suffix. Raises EvalError where matplotlib is missing or ``path`` cannot
    be written.
    """
    figure, ticker = drawing.figure(8.6, 4.0), drawing.ticker()
    colors = drawing.colors()
    panels = figure.subplots(1, len(_PANELS), sharex=True)
    for axes, name in zip(panels, _PANELS, strict=True):
        for number, (variant, own) in enumerate(record["variants"].items()):
            _point(axes, own, name, variant, "black" if variant == FULL else colors[number % 10 - 1])
        axes.set_title(_LABELS[name], fontsize=10)
        axes.yaxis.set_major_formatter(ticker.PercentFormatter(1, decimals=0))
        drawing.plain(axes)
    slowest = max(own["median_ms"] for own in record["variants"].values())
    panels[0].set_xlim(0, 1.1 * slowest)
    figure.supxlabel("median milliseconds a search", fontsize=10)
    figure.supylabel("share of questions; bar: 95 % interval of full", fontsize=10)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside right center", frameon=False)
    drawing.save(figure, path)


def _point(axes: Any, own: Mapping[str, Any], name: str, label: str, color: Any) -> None:
    at, value, (low, high) = own["median_ms"], own[name], own["intervals"][name]
    if label != FULL:  # its own interval would hide that all are of the same questions
        axes.plot(at, value, "o", label=label, color=color, markersize=6)
        return
    axes.errorbar(
        at, value, yerr=[[value - low], [high - value]], label=label,
        fmt="D", color=color, markersize=6, elinewidth=1.0, capsize=3, zorder=3,
    )  # fmt: skip
