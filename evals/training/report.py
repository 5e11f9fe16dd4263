"""Gathers what training runs measured: one table, one JSON file, one picture.

    python -m evals.training.report WORK NAME... --out evals/results

``NAME`` are runs of ``evals.training.train`` in ``WORK``, each with its report and its log. Figures are
means over the questions of the sets that the runs were checked on.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .. import drawing

FIGURES = {"sentence": "gold sentence first", "passage": "gold passage first", "auc": "AUC answerable"}


def gathered(work: Path, names: Sequence[str]) -> list[dict[str, Any]]:
    """The report of each run, with its losses."""
    runs = []
    for name in names:
        run = json.loads((work / f"{name}.json").read_text("utf-8"))
        log = (work / f"{name}.log.jsonl").read_text("utf-8").splitlines()
        runs.append({**run, "log": [json.loads(line) for line in log]})
    return runs


def means(run: Mapping[str, Any]) -> dict[str, float]:
    """FIGURES over all sets that the run was checked on."""
    sets = run["checked"].values()
    of = {"sentence": "answerable_questions", "passage": "answerable_questions", "auc": "questions"}
    return {
        figure: sum(s[figure] * s[of[figure]] for s in sets) / sum(s[of[figure]] for s in sets)
        for figure in FIGURES
    }


def table(runs: Sequence[Mapping[str, Any]]) -> str:
    """Markdown."""
    lines = [
        "| run | questions | epochs | " + " | ".join(FIGURES.values()) + " |",
        "|---|---|---|---|---|---|",
    ]
    for run in runs:
        cells = " | ".join(f"{value:.3f}" for value in means(run).values())
        lines.append(f"| {run['name']} | {run['questions']:,} | {run['epochs']} | {cells} |")
    return "\n".join(lines)


def plot(runs: Sequence[Mapping[str, Any]], path: Path) -> None:
    """The loss of each run over its steps, and what it reaches over the questions it was trained on."""
    figure = drawing.figure(9, 3.6)
    losses, reached = figure.subplots(1, 2)
    for run in runs:
        steps = [row["step"] for row in run["log"]]
        losses.plot(steps, [row["loss"] for row in run["log"]], label=run["name"], linewidth=1)
    order = sorted(runs, key=lambda run: int(run["questions"]))
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
    parser.add_argument("names", nargs="+", metavar="NAME")
    parser.add_argument("--out", type=Path, default=Path("evals/results"))
    args = parser.parse_args()
    runs = gathered(args.work, args.names)
    record = [{**run, "means": means(run)} for run in runs]
    (args.out / "training.json").write_text(json.dumps(record, indent=1) + "\n", "utf-8")
    plot(runs, args.out / "training.svg")
    print(table(runs))


if __name__ == "__main__":
    main()
