"""Which passages to give a language model, in which order: how often its raw answer holds the facts.

    python -m evals.benchmarks.prompts QUESTIONS.jsonl=INDEX ... [--model local] [--limit 20]

For each arrangement: the share of answerable questions whose raw answer (before verification) holds every
required fact, the share whose passages hold them, and the median seconds a question.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from evals.metrics import says_all
from evals.questions import Question, load
from index.types import Hit
from qa import ReleaseQA
from qa.generate import messages
from qa.models import open_model

Arrange = Callable[[Sequence[Hit]], Sequence[Hit]]  # best first; ``messages`` shows the first one last

ARRANGEMENTS: dict[str, Arrange] = {
    "1 passage": lambda hits: hits[:1],
    "2, best last": lambda hits: hits[:2],
    "3, best first": lambda hits: hits[:3][::-1],
    "3, best last": lambda hits: hits[:3],
    "5, best first": lambda hits: hits[:5][::-1],
    "5, best last": lambda hits: hits[:5],
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sets", nargs="+", metavar="QUESTIONS=INDEX")
    parser.add_argument("--model", default="local")
    parser.add_argument("--limit", type=int, default=20, help="answerable questions a set")
    parser.add_argument("--tokens", type=int, default=100, help="an answer has at most")
    options = parser.parse_args()
    asked: list[tuple[Question, list[Hit]]] = []
    for pair in options.sets:
        path, _, folder = pair.partition("=")
        with ReleaseQA.open(folder) as qa:
            questions = [q for q in load(Path(path)) if q.answerable and not q.history]
            step = max(1, len(questions) // options.limit)
            asked += [(q, qa.search(q.question, 5)) for q in questions[::step][: options.limit]]
    table = Table("passages", "raw answer right", "passages hold it", "median s")
    with open_model(options.model) as model:
        for name, arrange in ARRANGEMENTS.items():
            right, held, seconds = 0, 0, []
            for question, hits in asked:
                given = arrange(hits)
                began = time.perf_counter()
                with model.stream(messages(question.question, given), options.tokens) as stream:
                    text = "".join(stream)
                seconds.append(time.perf_counter() - began)
                right += says_all(question, text)
                held += says_all(question, " ".join(hit.quote for hit in given))
            share = [f"{count / len(asked):.2f}" for count in (right, held)]
            table.add_row(name, *share, f"{statistics.median(seconds):.1f}")
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
