"""The command line, with the packaged embedding model."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple

import pytest

from qa.cli import main
from qa.pipeline import ReleaseQA

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
    done = run("ask", "How does THANK-uCAR keep NK cells away?", "--index", demo, "--json")
    answer = json.loads(done.stdout)
    assert list(answer) == [
        "status", "text", "sentences", "citations", "confidence", "model", "timings_ms", "usage", "raw",
        "checks", "notes", "scope",
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
    assert done.stdout == (
        "Not found: no release searched was found to say this.\n"
        "no release here mentions “Lisbon” or “1998”\nread as: 1998 (take back with --ignore)\n"
    )


READ = "What did Caribou cut in Q2 2025?"


@pytest.mark.parametrize(
    ("command", "question", "ignore", "read", "note"),
    [
        ("ask", READ, [], "read as: Caribou Biosciences · Q2 2025 (", ""),
        ("ask", READ, ["caribou biosciences"], "read as: Q2 2025, without Caribou Biosciences (", ""),
        (
            "search",
            READ,
            ["Q2 2025", "Caribou Biosciences"],
            "read as: without Caribou Biosciences · Q2 2025 (",
            "",
        ),
        (
            "search",
            READ,
            ["Q2 2025", "Merck", "Q3"],
            "read as: Caribou Biosciences, without Q2 2025 (",
            "--ignore Merck · Q3 changes nothing: the question is read as: Caribou Biosciences · Q2 2025\n",
        ),
        (
            "ask",
            "Which cell is shielded?",
            ["Merck"],
            None,
            "--ignore Merck changes nothing: the question names no company, period or order\n",
        ),
    ],
)
def test_what_a_question_is_read_as_is_told_and_taken_back(
    demo: Path, command: str, question: str, ignore: list[str], read: str | None, note: str
) -> None:
    options = [option for label in ignore for option in ("--ignore", label)]
    done = run(command, question, "--index", demo, *options)
    told = [line for line in done.stdout.splitlines() if line.startswith("read as")]
    assert told == ([f"{read}take back with --ignore)"] if read else [])
    assert done.stderr == note


def test_what_is_taken_back_reaches_the_answer_and_the_search(demo: Path) -> None:
    done = run("ask", READ, "--index", demo, "--json", "--ignore", "Q2 2025", "--ignore", "Merck")
    assert done.stderr.startswith("--ignore Merck changes nothing")
    answer = json.loads(done.stdout)
    assert [(m["kind"], m["label"]) for m in answer["scope"]] == [("company", "Caribou Biosciences")]
    scores = [
        [hit["score"] for hit in json.loads(run("search", READ, "--index", demo, "--json", *back).stdout)]
        for back in ((), ("--ignore", "Caribou Biosciences"))
    ]
    assert scores[0] != scores[1]


def test_text_that_recurs_says_where(demo: Path) -> None:
    done = run("search", "About CARsgen Therapeutics", "-k", "3", "--index", demo, "--reranker", "none")
    assert re.search(r"\[\d+:\d+\], in \d+ releases, \d{4}-\d\d-\d\d to \d{4}-\d\d-\d\d\n", done.stdout)


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two releases that state other names."""
    folder = tmp_path_factory.mktemp("named")
    bodies = [
        "Alpha Corp tests zevor-cel (CT053) in Lyon.",
        "Alpha Corp tests zevor-cel (CT-053) in Rome. It also tests"
        " ZEVORIX (zevor-cel) in Oslo. Progression-free survival (PFS) rose.",
    ]
    lines = [
        {
            "id": f"a{n}",
            "body": body,
            "title": f"Title {n}\x9b",
            "date": f"2024-0{n}-02",
            "company": "Alpha Corp",
        }
        for n, body in enumerate(bodies, 1)
    ]
    (folder / "a.jsonl").write_text("\n".join(map(json.dumps, lines)), "utf-8")
    run("index", folder / "a.jsonl", "--index", folder / "x.index")
    return folder / "x.index"


def test_other_names_are_told_with_the_words_that_state_them(named: Path) -> None:
    text = "Alpha Corp tests zevor-cel (CT-053) in Rome."
    quote = "zevor-cel (CT-053)"
    start = text.index("zevor")
    told = run("aliases", "ct 053", "--index", named).stdout
    lines = [line.strip() for line in told.splitlines()]
    assert lines == [
        "CT-053: code of zevor-cel, in 2 releases",
        "Title 2\ufffd, 2024-02-02",
        f"a2 [{start}:{start + len(quote)}]",
        quote,
        "",
        "These have further names:",
        "ZEVORIX: brand of zevor-cel, in 1 release",
    ]
    both = run("aliases", "Zevor-Cel", "--index", named).stdout
    assert "CT-053: code" in both and "ZEVORIX: brand" in both and "further" not in both


def test_other_names_as_json(named: Path) -> None:
    told = json.loads(run("aliases", "CT053", "--index", named, "--json").stdout)
    assert list(told) == ["name", "pairs", "more"]
    assert [(p["name"], p["of"], p["kind"], p["count"], p["date"]) for p in told["pairs"]] == [
        ("CT-053", "zevor-cel", "code", 2, "2024-02-02")
    ]
    assert told["pairs"][0]["quote"] == "zevor-cel (CT-053)"
    assert [p["name"] for p in told["more"]] == ["ZEVORIX"]
    with ReleaseQA.open(named) as qa:
        assert [(pair.name, pair.of) for pair in qa.aliases("ct 053")] == [("CT-053", "zevor-cel")]


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("Alhpa Corp", "; near: Alpha Corp"),
        ("zzz", ""),
        ("%", ""),
        ("x' OR 1", ""),
        ("\x1b[31m", ""),
        ("\udc80", ""),
    ],
)
def test_a_name_that_no_release_states_is_one_line(named: Path, name: str, near: str) -> None:
    done = run("aliases", name, "--index", named)
    assert (done.stdout, done.stderr) == ("", f"no release here states another name for {name!r}{near}\n")
    assert json.loads(run("aliases", name, "--index", named, "--json").stdout)["pairs"] == []


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
        (("aliases", " "), "the name is empty"),
        (("search", "why?", "--as-of", "soon"), "write it as YYYY-MM-DD"),
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
