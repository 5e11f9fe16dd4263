"""How well sentences are held to their sources: the table behind ``settings.generation.wording``.

    python -m evals.verification --releases FOLDER [--split tuning|held-out] [--list KIND]

``evals/sets/verification.jsonl`` has 1,771 sentences about spans of real releases, written by hand:
faithful ones in other words, and ones with a single error each. A line names a release and a span of
it; the releases are not part of the project, so FOLDER must hold ``pharma``, ``wire`` and
``doj.jsonl.xz``. A claim is a string, or a list of strings and of [start, end] pairs that stand for
slices of the release. The split ``tuning`` is what the rules were written on. ``held-out`` was looked
at only at its totals; after that the rule was added that every word must be the source's, in order.

Shown: as the model wrote it. Quoted: the source's own sentence is shown in its place. Dropped: neither.
An error is caught when it is not shown as written.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import lzma
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from qa.generate import CLOSE
from qa.settings import Generation
from qa.support import Source, Verdict, judge

SET = Path(__file__).parent / "sets" / "verification.jsonl"
EXACT = ("number", "unit", "date", "name")
OTHER = ("negation", "direction", "hedging", "comparison", "merged", "added")
THRESHOLDS = (0.0, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)


@dataclass(frozen=True, slots=True)
class Pair:
    """A sentence and the source that it is said to rest on; ``kind`` is ``faithful`` or its error's."""

    split: str
    kind: str
    claim: str
    source: Source


def load(releases: Path, path: Path = SET) -> list[Pair]:
    """The pairs of a set, over the releases in a folder. Raises OSError and KeyError."""
    lines = [json.loads(line) for line in path.read_text("utf-8").split("\n") if line]
    records: dict[tuple[str, str], dict[str, str]] = {}
    for corpus in {line["corpus"] for line in lines}:
        with lzma.open(releases / f"{corpus}.jsonl.xz", "rt", encoding="utf-8") as file:
            records |= {(corpus, record["id"]): record for record in map(json.loads, file)}
    return [_pair(line, records[line["corpus"], line["release"]]) for line in lines]


def _pair(line: dict[str, Any], record: dict[str, str]) -> Pair:
    body, claim = record["body"], line["claim"]
    parts = claim if isinstance(claim, list) else [claim]
    text = "".join(part if isinstance(part, str) else body[slice(*part)] for part in parts)
    source = Source(
        body[line["start"] : line["end"]],
        record["title"],
        record.get("company") or record.get("publisher"),
        dt.date.fromisoformat(record["date"][:10]),
    )
    return Pair(str(line["split"]), str(line["kind"]), text, source)


def outcome(verdict: Verdict, wording: float) -> str:
    """What ``qa.generate`` does with a sentence of that verdict: shown, quoted or dropped."""
    if verdict.supported:
        return "shown" if verdict.wording >= wording else "quoted"
    return "quoted" if verdict.fit >= CLOSE else "dropped"


def outcomes(pairs: Iterable[tuple[Pair, Verdict]], wording: float) -> dict[str, Counter[str]]:
    """How often each outcome came of each kind."""
    found: dict[str, Counter[str]] = {}
    for pair, verdict in pairs:
        found.setdefault(pair.kind, Counter())[outcome(verdict, wording)] += 1
    return found


def caught(counts: dict[str, Counter[str]], kinds: Sequence[str]) -> float:
    """The share of errors of these kinds that are not shown as written, 0 to 1."""
    every = sum((counts[kind] for kind in kinds if kind in counts), Counter())
    return 1 - every["shown"] / every.total()


def precision(counts: dict[str, Counter[str]]) -> float:
    """The share of sentences not shown as written that are indeed wrong, 0 to 1."""
    flagged = {kind: count.total() - count["shown"] for kind, count in counts.items()}
    return 1 - flagged["faithful"] / (sum(flagged.values()) or 1)


def table(judged: Sequence[tuple[Pair, Verdict]], title: str) -> Table:
    """A row for each threshold: what becomes of faithful sentences, and what is caught by kind."""
    sizes = Counter(pair.kind for pair, _ in judged)
    out = Table(title=title, title_justify="left")
    for name in (
        "wording",
        "faithful shown",
        "quoted",
        "dropped",
        "precision",
        "number, unit, date, name",
    ):
        out.add_column(name, justify="right")
    for kind in (*EXACT, *OTHER):
        out.add_column(f"{kind}\n{sizes[kind]}", justify="right")
    for wording in THRESHOLDS:
        counts = outcomes(judged, wording)
        kept = [counts["faithful"][name] / sizes["faithful"] for name in ("shown", "quoted", "dropped")]
        row = [*kept, precision(counts), caught(counts, EXACT)]
        row += [caught(counts, [kind]) for kind in (*EXACT, *OTHER)]
        mark = " *" if wording == Generation().wording else ""
        out.add_row(f"{wording:.1f}{mark}", *(f"{value:.3f}" for value in row))
    return out


def _errors(judged: Sequence[tuple[Pair, Verdict]], kind: str) -> Iterator[str]:
    faithful = kind == "faithful"
    wording = 0.0 if faithful else Generation().wording
    for pair, verdict in judged:
        if pair.kind == kind and (outcome(verdict, wording) == "shown") != faithful:
            quote = " ".join(pair.source.text[verdict.start : verdict.end].split())
            yield f"{pair.claim}\n    {verdict.reason or 'no fault found'} | {quote}"


def main() -> None:
    """Print the table of a split, or the sentences of a kind that were judged wrongly."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--releases", type=Path, required=True, help="folder of the corpora")
    parser.add_argument("--split", choices=("tuning", "held-out"), help="both, unless one is named")
    parser.add_argument(
        "--list", choices=("faithful", *EXACT, *OTHER), help="print what was judged wrongly"
    )
    options = parser.parse_args()
    pairs = load(options.releases)
    for split in [options.split] if options.split else ["tuning", "held-out"]:
        judged = [(pair, judge(pair.claim, pair.source)) for pair in pairs if pair.split == split]
        if options.list:
            print("\n".join(_errors(judged, options.list)))
        else:
            Console(width=190).print(table(judged, f"{split}: {len(judged)} sentences (* the default)"))


if __name__ == "__main__":
    main()
