"""Gathers what training runs measured: one table, one JSON file, one picture.

    python -m evals.training.report WORK NAME=LABEL... --curve NAME... --out evals/results

``NAME`` are runs of ``evals.training.train`` in ``WORK``, each with its report and its log; those of
``--curve`` differ in the number of questions only. Figures are means over the questions of the sets that
all the runs were checked on.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .. import drawing

FIGURES = {"sentence": "gold sentence first", "passage": "gold passage first", "auc": "AUC answerable"}
COUNTED = {"sentence": "answerable_questions", "passage": "answerable_questions", "auc": "questions"}


def gathered(work: Path, names: Mapping[str, str]) -> list[dict[str, Any]]:
    """The report of each run, with its label and its losses (none where it was only checked).

    Of the sets that runs were checked on those are kept that all have.
    """
    runs = []
    for name, label in names.items():
        run = json.loads((work / f"{name}.json").read_text("utf-8"))
        log = work / f"{name}.log.jsonl"
        lines = log.read_text("utf-8").splitlines() if log.exists() else []
        runs.append({**run, "label": label, "log": [json.loads(line) for line in lines]})
    common = set.intersection(*(set(run["checked"]) for run in runs))
    return [
        {**run, "checked": {name: s for name, s in run["checked"].items() if name in common}}
        for run in runs
    ]


def means(run: Mapping[str, Any]) -> dict[str, float]:
    """FIGURES over all sets of a run."""
    sets = run["checked"].values()
    return {
        figure: sum(s[figure] * s[of] for s in sets) / sum(s[of] for s in sets)
        for figure, of in COUNTED.items()
    }


def table(runs: Sequence[Mapping[str, Any]]) -> str:
    """Markdown."""
    lines = [
        "| run | questions | epochs | " + " | ".join(FIGURES.values()) + " |",
        "|---|---|---|---|---|---|",
    ]
    for run in runs:
        cells = " | ".join(f"{value:.3f}" for value in means(run).values())
        lines.append(f"| {run['label']} | {run['questions']:,} | {run['epochs']} | {cells} |")
    return "\n".join(lines)


def plot(runs: Sequence[Mapping[str, Any]], curve: Sequence[str], path: Path) -> None:
    """The loss of each run over its steps, and what those of ``curve`` reach over their questions."""
    figure = drawing.figure(9, 3.6)
    losses, reached = figure.subplots(1, 2)
    for run in runs:
        steps = [row["step"] for row in run["log"]]
        if steps:
            losses.plot(steps, [row["loss"] for row in run["log"]], label=run["label"], linewidth=1)
    order = sorted((r for r in runs if r["name"] in curve), key=lambda run: int(run["questions"]))
    for name, label in FIGURES.items():
        reached.plot(
            [run["questions"] for run in order],
            [means(run)[name] for run in order],
            "o-",
            label=label,
            ms=4,
        )
    losses.set(xlabel="step", ylabel="loss", title="Loss")
    reached.set(xlabel="training questions over releases", title="Learning curve", ylim=(0, 1))
    for axes in (losses, reached):
        drawing.plain(axes)
        axes.legend(frameon=False, fontsize=8)
    drawing.save(figure, path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("work", type=Path)
    parser.add_argument("names", nargs="+", metavar="NAME=LABEL")
    parser.add_argument("--curve", nargs="*", default=[], metavar="NAME")
    parser.add_argument("--out", type=Path, default=Path("evals/results"))
    args = parser.parse_args()
    names = dict(name.split("=", 1) if "=" in name else (name, name) for name in args.names)
    runs = gathered(args.work, names)
    record = [{**run, "means": means(run)} for run in runs]
    (args.out / "training.json").write_text(json.dumps(record, indent=1) + "\n", "utf-8")
    plot(runs, args.curve, args.out / "training.svg")
    print(table(runs))


if __name__ == "__main__":
    main()
