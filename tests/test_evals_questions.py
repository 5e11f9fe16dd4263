"""Question sets are read as written, and a bad line is named."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from evals.questions import EvalError, Evidence, Question, find, load
from index.types import Filters
from qa.types import Turn

ROW: dict[str, Any] = {
    "id": "q-1",
    "corpus": "made",
    "type": "followup",
    "question": "And in 2024?",
    "answerable": True,
    "must_include": [["748 million", "RMB 748m"], ["2024"]],
    "evidence": [{"release": "r-1", "start": 3, "end": 9}],
    "answer": "RMB 748 million.",
    "filters": {"company": "Acme", "date_from": "2024-01-01", "as_of": "2024-06-30"},
    "history": [{"question": "What was the loss?", "answer": "A small one."}],
    "why": None,
}
SILENT = {**ROW, "id": "q-2", "answerable": False, "must_include": [], "evidence": []}


def write(path: Path, *lines: Any) -> Path:
    texts = (line if isinstance(line, str) else json.dumps(line) for line in lines)
    path.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    return path


def test_every_field_is_read(tmp_path: Path) -> None:
    bare = {**SILENT, "filters": None, "history": None, "answer": None, "why": "never said"}
    path = write(tmp_path / "set.jsonl", ROW, "", bare)
    assert load(path) == [
        Question(
            id="q-1",
            corpus="made",
            type="followup",
            question="And in 2024?",
            answerable=True,
            must_include=(("748 million", "RMB 748m"), ("2024",)),
            evidence=(Evidence("r-1", 3, 9),),
            answer="RMB 748 million.",
            filters=Filters("Acme", dt.date(2024, 1, 1), None, dt.date(2024, 6, 30)),
            history=(Turn("What was the loss?", "A small one."),),
            why=None,
        ),
        Question("q-2", "made", "followup", "And in 2024?", False, why="never said"),
    ]


def test_a_line_separator_within_a_text_is_no_new_line(tmp_path: Path) -> None:
    path = write(tmp_path / "set.jsonl", json.dumps({**ROW, "answer": "a\u2028b"}, ensure_ascii=False))
    assert load(path)[0].answer == "a\u2028b"


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{", "Expecting property name"),
        ("[]", "not a JSON object"),
        ({**ROW, "id": 7}, "'id' must be text, not 7"),
        ({k: v for k, v in ROW.items() if k != "type"}, "'type' must be text, not null"),
        ({**ROW, "question": ""}, "'question' must be text, not \"\""),
        ({**ROW, "answerable": 1}, "'answerable' must be true or false, not 1"),
        ({**ROW, "must_include": "x"}, "'must_include' must be a list, not \"x\""),
        ({**ROW, "must_include": ["x"]}, "must be a list of strings, not 'x'"),
        ({**ROW, "must_include": [[]]}, "must be a list of strings, not []"),
        ({**ROW, "must_include": [[" "]]}, "would accept every answer"),
        ({**ROW, "must_include": []}, "needs must_include and evidence"),
        ({**ROW, "answerable": False}, "needs must_include and evidence"),
        ({**SILENT, "id": "q-3", "must_include": [["x"]]}, "any other has neither"),
        ({**ROW, "evidence": ["r-1"]}, "'release' must be text, not null"),
        ({**ROW, "evidence": [{"release": "r", "start": 4, "end": 4}]}, "4 to 4 is not a span"),
        ({**ROW, "evidence": [{"release": "r", "start": -1, "end": 4}]}, "-1 to 4 is not a span"),
        ({**ROW, "evidence": [{"release": "r", "start": "0", "end": 4}]}, "must be a whole number"),
        ({**ROW, "filters": {"after": "2024-01-01"}}, "unknown filter 'after'"),
        ({**ROW, "filters": {"as_of": "tomorrow"}}, "Invalid isoformat string: 'tomorrow'"),
        ({**ROW, "filters": {"as_of": 2024}}, "'as_of' must be text, not 2024"),
        ({**ROW, "filters": ["as_of"]}, "'filters' must be an object"),
        ({**ROW, "history": [{"answer": "x"}]}, "'question' must be text, not null"),
        ({**ROW, "history": "x"}, "'history' must be a list"),
        ({**ROW, "answer": 3}, "'answer' must be text, not 3"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: Any, says: str) -> None:
    path = write(tmp_path / "set.jsonl", SILENT, line)
    with pytest.raises(EvalError) as caught:
        load(path)
    assert str(caught.value).startswith(f"{path}:2: ")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "no questions in it"),
        (b"\n \n", "no questions in it"),
        (b"\xff\xfe", "not UTF-8"),
        (json.dumps(ROW).encode() + b"\n" + json.dumps(ROW).encode(), "'q-1' comes twice"),
    ],
)
def test_a_bad_file_is_named(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "set.jsonl"
    path.write_bytes(content)
    with pytest.raises(EvalError, match=says):
        load(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(EvalError, match="cannot be read"):
        load(tmp_path / "none.jsonl")


def test_a_set_is_found_by_path_or_by_name(tmp_path: Path) -> None:
    path = write(tmp_path / "mine.jsonl", ROW)
    assert find(path) == path
    assert find(Path("demo")).name == "demo.jsonl"
    with pytest.raises(EvalError, match=r"no question set at nowhere; .*: demo"):
        find(Path("nowhere"))
