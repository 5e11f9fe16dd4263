"""The command line, with the packaged embedding model."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple

import pytest

from qa.cli import main

ROOT = Path(__file__).parents[2]
WIRE = ROOT.parent / "shared" / "releases" / "carsgen-2025-01-20.txt"
QUESTION = "what does THANK-uCAR do to NK cells?"


class Done(NamedTuple):
    stdout: str
    stderr: str


def run(*args: object, code: int = 0) -> Done:
    """``releaseqa ARGS`` in this process; fails where the exit code is another."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(sys, "argv", ["releaseqa", *map(str, args)])
        patch.chdir(ROOT)
        with pytest.raises(SystemExit) as ended:
            main()
    assert (ended.value.code or 0) == code, err.getvalue()
    return Done(out.getvalue(), err.getvalue())


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of the demo releases."""
    folder = tmp_path_factory.mktemp("demo") / "demo.index"
    done = run("index", "evals/releases", "--index", folder)
    assert "58 added" in done.stdout
    return folder


def test_help_is_quick_and_brings_no_model() -> None:
    heavy = ("torch", "faiss", "numpy", "gradio")
    code = f"import sys, qa.cli; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert done.stdout.strip() == "[]"
    assert "Ask questions of press releases" in run("--help").stdout


def test_a_second_run_embeds_nothing_and_says_so(demo: Path) -> None:
    done = run("index", "evals/releases", "--index", demo)
    assert "58 unchanged; nothing to embed" in done.stdout


def test_ask_prints_exactly_the_answer_as_json_and_it_verifies(demo: Path, tmp_path: Path) -> None:
    done = run("ask", QUESTION, "--index", demo, "--json")
    answer = json.loads(done.stdout)
    assert list(answer) == [
        "status", "text", "sentences", "citations", "confidence", "model", "timings_ms", "usage", "raw",
        "checks", "notes",
    ]  # fmt: skip
    assert answer["status"] == "answered"
    assert "NKG2A" in answer["text"]
    saved = tmp_path / "answer.json"
    saved.write_text(done.stdout, "utf-8")
    assert "all hold" in run("verify", saved, "--index", demo).stdout
    answer["citations"][0]["quote"] += "!"
    saved.write_text(json.dumps(answer), "utf-8")
    failed = run("verify", saved, "--index", demo, code=1)
    assert "does not read" in failed.stderr
    assert "2 fail" in failed.stdout  # the quote, and the sentence that is no longer what it cites


def test_not_found_is_a_result(demo: Path) -> None:
    done = run("ask", "Which football club won the 1998 cup final in Lisbon?", "--index", demo)
    assert done.stdout == "Not found: no release searched was found to say this.\n"


def test_filters_reach_the_search(demo: Path) -> None:
    done = run("search", "sales", "--company", "AUTL", "--json", "--index", demo)
    hits = json.loads(done.stdout)
    assert {hit["company"] for hit in hits} == {"Autolus Therapeutics"}
    assert [hit["score"] for hit in hits] == sorted((hit["score"] for hit in hits), reverse=True)


def test_show_and_status(demo: Path) -> None:
    shown = run("show", "autolus-2024-11-08-aucatzyl-fda-approval", "--index", demo).stdout
    assert "tickers  NASDAQ: AUTL" in shown
    status = run("status", "--index", demo).stdout
    assert "58 releases" in status
    assert json.loads(run("status", "--index", demo, "--json").stdout)["releases"] == 58


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("ask", "why?", "--index", "nowhere.index"), "there is no index here"),
        (("show", "nope"), "no release 'nope'"),
        (("ask", "why?", "--company", "Nobody & Sons"), "no release here is by 'Nobody & Sons'"),
        (("ask", "why?", "--since", "2024-13-01"), "write it as YYYY-MM-DD"),
        (("ask", " "), "the question is empty"),
        (("ask", "why?", "--model", "oracle"), "is no language model; name one of: local"),
        (("ask", "why?", "--embedder", "other"), "--rebuild"),
        (("index", "no/such/folder"), "there is no such file or folder"),
        (("index", "pyproject.toml"), "not a kind of file that can be read"),
        (("verify", "pyproject.toml"), "not a file of answers"),
        (("eval", "nope.jsonl"), "nope.jsonl"),
    ],
)
def test_an_error_is_one_line_and_exit_code_1(demo: Path, args: tuple[str, ...], says: str) -> None:
    extra = () if "--index" in args else ("--index", str(demo))
    done = run(*args, *extra, code=1)
    assert says in done.stderr
    assert done.stderr.startswith("releaseqa: ")
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


@pytest.mark.parametrize("args", [("ask",), ("index",), ("search", "x", "-k", "0"), ("fly",)])
def test_wrong_usage_is_exit_code_2(args: tuple[str, ...]) -> None:
    assert "Usage" in run(*args, code=2).stderr


def test_a_record_that_cannot_be_read_is_named_and_the_rest_goes_on(tmp_path: Path) -> None:
    source = tmp_path / "mixed.jsonl"
    source.write_text('{"id": "a", "body": "Alpha sells pumps."}\nnot json\n{"id": "b"}\n', "utf-8")
    done = run("index", source, "--index", tmp_path / "x.index")
    assert "1 added" in done.stdout
    assert "mixed.jsonl:2: not a JSON object" in done.stderr
    assert "mixed.jsonl:3: has no text" in done.stderr
    assert "2 records could not be read" in done.stderr


def test_a_file_of_nothing_readable_is_exit_code_1(tmp_path: Path) -> None:
    source = tmp_path / "bad.jsonl"
    source.write_text("not json\n", "utf-8")
    assert "1 record could not be read" in run("index", source, "--index", tmp_path / "x", code=1).stderr


def test_a_release_does_not_steer_the_terminal(tmp_path: Path) -> None:
    source = tmp_path / "a.jsonl"
    body = "Alpha sells \x1b[31mred\x07 pumps."
    source.write_text(json.dumps({"id": "a\x1b", "title": "T\x9b", "body": body}), "utf-8")
    run("index", source, "--index", tmp_path / "x.index")
    for command in (("search", "pumps"), ("show", "a\x1b"), ("ask", "What does Alpha sell?")):
        shown = run(*command, "--index", tmp_path / "x.index").stdout
        assert not {"\x1b", "\x07", "\x9b"} & set(shown)
    found = json.loads(run("search", "pumps", "--json", "--index", tmp_path / "x.index").stdout)
    assert found[0]["quote"] == body


def test_remove_takes_releases_out(tmp_path: Path) -> None:
    source = tmp_path / "a.txt"
    source.write_text("Alpha sells pumps.", "utf-8")
    run("index", source, "--index", tmp_path / "x.index")
    assert "1 releases removed" in run("remove", source, "--index", tmp_path / "x.index").stdout
    assert source.exists()


@pytest.mark.skipif(not WIRE.exists(), reason="the real release is not here")
def test_the_real_release_alone(tmp_path: Path) -> None:
    folder = tmp_path / "one.index"
    run("index", WIRE, "--index", folder)
    answer = json.loads(run("ask", QUESTION, "--index", folder, "--json").stdout)
    assert "NKG2A" in answer["text"]
    assert all(len(c["quote"]) == c["end"] - c["start"] for c in answer["citations"])
    text = WIRE.read_text("utf-8")
    assert all(text[c["start"] : c["end"]] == c["quote"] for c in answer["citations"])


def test_eval_reports_every_citation_verified(demo: Path) -> None:
    report = json.loads(run("eval", "demo", "--index", demo, "--json").stdout)
    assert report["summary"]["verified_citations"] == 1.0
    assert report["summary"]["gold_passage_20"] > 0.9
