"""Many clients ask the running app at the same time: questions a second, and seconds a question.

    python -m evals.benchmarks.clients INDEX QUESTIONS.jsonl [--clients 16] [--limit 64]

Starts the app in a process of its own and asks the same questions, each in a conversation of its own, as
a browser does: first one after the other, then from so many threads. An answer that is not the one that
the single client got is counted as wrong.
"""

from __future__ import annotations

import argparse
import json
import re
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from rich.console import Console
from rich.table import Table

from ..questions import load

_SECONDS = re.compile(r"\d+\.\d\d s\b")


class Client:
    """Asks an app that is served. Safe to use from several threads."""

    def __init__(self, address: str) -> None:
        limits = httpx.Limits(max_connections=None)
        self._http = httpx.Client(base_url=address, trust_env=False, timeout=120, limits=limits)
        page = self._http.get("/config").raise_for_status().json()
        ask = next(e for e in page["dependencies"] if any("submit" in target for target in e["targets"]))
        usual = {c["id"]: c["props"].get("value") for c in page["components"]}
        self._ask, self._fields = ask["id"], [usual[field] for field in ask["inputs"][1:]]

    def ask(self, question: str) -> str:
        """The conversation of this one question, as HTML."""
        session = {"session_hash": uuid4().hex}
        call = {"data": [question, *self._fields], "fn_index": self._ask, **session}
        self._http.post("/gradio_api/queue/join", json=call).raise_for_status()
        with self._http.stream("GET", "/gradio_api/queue/data", params=session) as lines:
            for line in lines.iter_lines():
                event: dict[str, Any] = json.loads(line.removeprefix("data:")) if line else {"msg": ""}
                if event["msg"] == "process_completed" and event["success"]:
                    return str(event["output"]["data"][1])
                if event["msg"] in ("process_completed", "unexpected_error", "close_stream"):
                    break
        raise RuntimeError(f"no answer to {question!r}: {event}")

    def close(self) -> None:
        self._http.close()


@dataclass(frozen=True, slots=True)
class Run:
    """What ``clients`` were shown, in the questions' order, and the seconds of each and of all."""

    clients: int
    shown: tuple[str, ...]
    seconds: tuple[float, ...]
    wall: float

    @property
    def rate(self) -> float:
        return len(self.shown) / self.wall

    @property
    def p95(self) -> float:
        return sorted(self.seconds)[max(0, -(-95 * len(self.seconds) // 100) - 1)]

    def differing(self, other: Run) -> int:
        """How many answers are not those of ``other``, but for the time that they took."""
        pairs = zip(self.shown, other.shown, strict=True)
        return sum(_SECONDS.sub("", ours) != _SECONDS.sub("", theirs) for ours, theirs in pairs)


def run(client: Client, questions: Sequence[str], clients: int) -> Run:
    """Ask all questions from ``clients`` threads."""

    def timed(question: str) -> tuple[str, float]:
        began = time.perf_counter()
        return client.ask(question), time.perf_counter() - began

    began = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        shown, seconds = zip(*pool.map(timed, questions), strict=True)
    return Run(clients, shown, seconds, time.perf_counter() - began)


@contextmanager
def serving(index: Path) -> Iterator[Client]:
    """The app over ``index``, on a free port, in a process of its own."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    command = [
        sys.executable,
        "-m",
        "qa.cli",
        "serve",
        "--index",
        str(index),
        "--port",
        port,
        "--no-browser",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            if "releaseqa on" not in process.stdout.readline():  # what is wrong is on standard error
                sys.exit(1)
            client = Client(f"http://127.0.0.1:{port}")
            try:
                yield client
            finally:
                client.close()
        finally:
            process.terminate()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("index", type=Path)
    parser.add_argument("questions", type=Path)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--limit", type=int, default=64, help="questions, spread over the set")
    options = parser.parse_args()
    alone = [question.question for question in load(options.questions) if not question.history]
    questions = alone[:: -(-len(alone) // options.limit)]
    with serving(options.index) as client:
        client.ask(questions[0])  # loads what is loaded late
        runs = [run(client, questions, clients) for clients in (1, options.clients)]
    table = Table("clients", "questions", "questions/s", "median s", "p95 s", "wrong")
    for each in runs:
        figures = (f"{each.rate:.1f}", f"{statistics.median(each.seconds):.2f}", f"{each.p95:.2f}")
        wrong = each.differing(runs[0])
        table.add_row(str(each.clients), str(len(each.shown)), *figures, str(wrong))
    Console(width=100).print(table)
    return 1 if any(each.differing(runs[0]) for each in runs) else 0


if __name__ == "__main__":
    sys.exit(main())
