"""The public sets, made up small in each format, through the product's own index and search."""

from __future__ import annotations

import io
import json
import lzma
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from index_fakes import FakeEmbedder
from rich.console import Console
from rich.progress import Progress

from evals.benchmarks import public
from evals.benchmarks.public import DENSE, LEXICAL, Scored
from evals.benchmarks.public_sets import READERS, Collection, Document, read
from evals.questions import EvalError
from evals.retrieval_report import FULL
from index.errors import IndexMismatch
from index.types import Hit
from qa.settings import STAGES, Settings

ROOT = Path(__file__).parents[1]
FAKE = Settings(embedder="fake")


def write_xz(path: Path, *rows: Any) -> None:
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    path.write_bytes(lzma.compress(lines.encode()))


def write_scifact(folder: Path) -> None:
    write_xz(
        folder / "scifact-corpus.jsonl.xz",
        {
            "_id": "4",
            "title": "Zinc",
            "text": "Zinc shortens colds.",
            "sentences": ["Zinc shortens colds."],
        },
        {"_id": "5", "title": "Iron", "text": "Iron does not shorten colds."},
    )
    write_xz(
        folder / "scifact-queries-train.jsonl.xz",
        {"_id": "0", "text": "Zinc helps against colds."},
        {"_id": "1", "text": "Nobody asked this."},
        {"_id": "2", "text": "Iron helps against colds."},
    )
    (folder / "scifact-qrels-train.tsv").write_text(
        "query-id\tcorpus-id\tscore\n0\t4\t2\n0\t5\t1\n2\t5\t1\n1\t4\t0\n", encoding="utf-8"
    )


def write_squad(folder: Path) -> None:
    articles = [
        {
            "title": "Steam_engine",
            "paragraphs": [
                {
                    "context": "Watt improved the engine.",
                    "qas": [
                        {"id": "a", "question": "Who improved the engine?", "is_impossible": False},
                        {"id": "b", "question": "Who sold the engine?", "is_impossible": True},
                    ],
                },
                {"context": "Coal fed it.", "qas": []},
            ],
        },
        {
            "title": "Rome",
            "paragraphs": [
                {
                    "context": "Rome lies on the Tiber.",
                    "qas": [{"id": "c", "question": "Where does Rome lie?", "is_impossible": False}],
                }
            ],
        },
    ]
    write_xz(folder / "squad2-half.json.xz", {"version": "v2.0", "data": articles})


def write_bioasq(folder: Path) -> None:
    def row(id_: str, type: str, *snippets: str) -> dict[str, Any]:
        found = [{"document": "http://x", "text": text} for text in snippets]
        return {"id": id_, "type": type, "body": f"{id_}?", "snippets": found}

    write_xz(
        folder / "bioasq-7b-9b.jsonl.xz",
        row("f1", "factoid", "NKG2A is a gene.", "CT041 is a therapy.", "NKG2A is a gene."),
        row("y1", "yesno", "Zinc is a metal."),
        row("f2", "factoid", "CT041 is a therapy.", " "),
        row("f3", "factoid", " "),
    )


WRITERS: dict[str, Callable[[Path], None]] = {
    "scifact": write_scifact,
    "squad": write_squad,
    "bioasq": write_bioasq,
}
SETS = {
    "scifact": Collection(
        (
            Document("4", "Zinc", "Zinc shortens colds."),
            Document("5", "Iron", "Iron does not shorten colds."),
        ),
        {"0": "Zinc helps against colds.", "2": "Iron helps against colds."},
        {"0": {"4": 2.0, "5": 1.0}, "2": {"5": 1.0}},
    ),
    "squad": Collection(
        (
            Document("Steam_engine-1", "Steam engine", "Watt improved the engine."),
            Document("Steam_engine-2", "Steam engine", "Coal fed it."),
            Document("Rome-1", "Rome", "Rome lies on the Tiber."),
        ),
        {"a": "Who improved the engine?", "c": "Where does Rome lie?"},
        {"a": {"Steam_engine-1": 1.0}, "c": {"Rome-1": 1.0}},
    ),
    "bioasq": Collection(
        (Document("snippet-1", "", "NKG2A is a gene."), Document("snippet-2", "", "CT041 is a therapy.")),
        {"f1": "f1?", "f2": "f2?"},
        {"f1": {"snippet-1": 1.0, "snippet-2": 1.0}, "f2": {"snippet-2": 1.0}},
    ),
}


@pytest.mark.parametrize("name", READERS)
def test_a_set_is_read(tmp_path: Path, name: str) -> None:
    WRITERS[name](tmp_path)
    assert read(name, tmp_path) == SETS[name]


@pytest.mark.parametrize("name", READERS)
def test_a_missing_set_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(EvalError, match=rf"{name}.*: cannot be read \(No such file.*name the folder"):
        read(name, tmp_path)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"no xz", "squad2-half.json.xz: cannot be read (the compressed data is damaged)"),
        (lzma.compress(b"{"), "the files of squad are not as published"),
        (lzma.compress(b'{"data": [{"title": "x"}]}'), "the files of squad are not as published"),
        (lzma.compress(b"[]"), "the files of squad are not as published"),
    ],
)
def test_a_damaged_set_is_one_line(tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / "squad2-half.json.xz").write_bytes(content)
    with pytest.raises(EvalError) as caught:
        read("squad", tmp_path)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_document_stands_where_its_first_passage_does() -> None:
    hits = [Hit(id_, 0, 1, 1.0, "", None, "") for id_ in ["b", "a", "b", "c", "a", *"defghijk"]]
    assert public.ranked(hits) == list("bacdefghij")


@pytest.mark.parametrize(
    ("found", "relevant", "expected"),
    [
        (["a", "b"], {"a": 1.0}, (1.0, 1.0, 1.0)),
        (["x", "y", "a"], {"a": 1.0}, (0.5, 1 / 3, 1.0)),
        (["x", "a"], {"a": 1.0, "b": 1.0}, (0.3869, 0.5, 0.5)),
        (["b", "a"], {"a": 2.0, "b": 1.0}, (0.8597, 1.0, 1.0)),
        (["x"], {"a": 1.0}, (0.0, 0.0, 0.0)),
    ],
)
def test_scores_of_a_question(
    found: list[str], relevant: dict[str, float], expected: tuple[float, ...]
) -> None:
    assert public.scored(found, relevant) == pytest.approx(expected, abs=1e-4)


def test_variants() -> None:
    three = public.arrange(FAKE)
    assert {name: sorted(own.retrieval.off) for name, own in three.items()} == {
        FULL: [],
        LEXICAL: ["dense"],
        DENSE: ["lexical"],
    }
    every = public.arrange(FAKE, stages=True)
    assert list(every) == [
        FULL,
        LEXICAL,
        DENSE,
        *(f"{stage} off" for stage in STAGES[2:] if stage != "reranker"),
    ]


@pytest.mark.parametrize("name", READERS)
def test_a_set_is_indexed_and_searched(tmp_path: Path, name: str) -> None:
    embedder = FakeEmbedder()
    made = public.run(name, SETS[name], tmp_path, public.arrange(FAKE), embedder, Progress(disable=True))
    documents, questions = len(SETS[name].documents), len(SETS[name].questions)
    assert (made["documents"], made["questions"]) == (documents, questions)
    assert list(made["variants"]) == [FULL, LEXICAL, DENSE]
    full = made["variants"][FULL]
    if name != "bioasq":  # whose questions say nothing here
        assert (full["ndcg_10"], full["mrr_10"]) == (1.0, 1.0)
    assert full["recall_10"] == 1.0 or name == "bioasq"
    embedded = embedder.embedded
    public.run(name, SETS[name], tmp_path, public.arrange(FAKE), embedder, Progress(disable=True))
    assert embedder.embedded == embedded  # the index was there


def test_a_document_that_cannot_be_indexed_is_told(tmp_path: Path) -> None:
    with pytest.raises(EvalError, match=r"1 documents cannot be indexed, the first is .*has no text"):
        public.indexed(tmp_path, "squad", [Document("a", "", " ")], "fake", FakeEmbedder())


def test_an_index_of_another_model_is_refused(tmp_path: Path) -> None:
    documents = SETS["squad"].documents
    public.indexed(tmp_path, "squad", documents, "fake", FakeEmbedder())
    with pytest.raises(IndexMismatch, match="made with model 'fake'"):
        public.indexed(tmp_path, "squad", documents, "other", FakeEmbedder())


FOUND = {
    FULL: [Scored((1.0, 1.0, 1.0), 10.0), Scored((0.5, 0.5, 1.0), 30.0)],
    LEXICAL: [Scored((0.5, 1.0, 1.0), 5.0), Scored((0.5, 0.5, 0.0), 5.0)],
    DENSE: [Scored((0.75, 0.0, 0.0), 8.0), Scored((0.5, 0.0, 0.0), 8.0)],
}


def test_figures() -> None:
    made = public.summary(FOUND)
    assert made["best_single"] == DENSE
    full, lexical = made["variants"][FULL], made["variants"][LEXICAL]
    assert [full[name] for name in (*public.FIGURES, "median_ms")] == [0.75, 0.75, 1.0, 20.0]
    assert full["intervals"]["ndcg_10"] == [0.5, 1.0]
    assert "difference" not in full
    assert lexical["difference"] == {
        "ndcg_10": {"value": 0.25, "low": 0.0, "high": 0.5},
        "mrr_10": {"value": 0.0, "low": 0.0, "high": 0.0},
        "recall_10": {"value": 0.5, "low": 0.0, "high": 1.0},
    }


def test_a_table() -> None:
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(public.table("squad", {"documents": 1234, "questions": 2, **public.summary(FOUND)}))
    text = console.export_text()
    assert "squad: 1,234 documents, 2 questions" in text
    rows = {
        cells[0].strip(): [cell.strip() for cell in cells[1:-1]]
        for line in text.splitlines()
        if len(cells := line.split("│")[1:]) > 1
    }
    assert rows["full"] == ["0.750", "0.750", "1.000", "20.0", "", "", ""]
    assert rows["dense only (best single)"][:5] == [
        "0.625", "0.000", "0.000", "8.0", "+0.125 (+0.000 to +0.250)",
    ]  # fmt: skip


def test_the_command_names_what_is_missing(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "evals.benchmarks.public", str(tmp_path), "--set", "squad"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"{tmp_path / 'squad2-half.json.xz'}: cannot be read (No such file or directory); "
        "name the folder of the public sets\n"
    )
