from __future__ import annotations

import json
import sys
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

import pytest
from index_fakes import FakeEmbedder
from test_evals_retrieval import write_set

from evals import reading
from evals.questions import Evidence, Question, load
from evals.reading import Answered, at, summary


def answered(answerable: bool, right: bool, confidence: float, given: bool = True) -> Answered:
    gold = (Evidence("r", 0, 5),) if answerable else ()
    facts = (("x",),) if answerable else ()
    question = Question(f"{answerable}{confidence}", "c", "who", "Who?", answerable, facts, gold)
    return Answered(question, given, right, confidence, 10.0)


ANSWERS = [
    answered(True, True, 0.9),
    answered(True, True, 0.3),
    answered(True, False, 0.6),
    answered(False, False, 0.7),
    answered(False, False, 0.1),
]


def test_what_a_threshold_gives() -> None:
    found = at(ANSWERS, 0.5)
    assert found["accuracy"] == pytest.approx(2 / 5)  # one answered, one silence
    assert found["right"] == pytest.approx(1 / 3)
    assert found["precision"] == pytest.approx(1 / 3)
    assert found["coverage"] == pytest.approx(3 / 5)
    assert found["abstention_recall"] == pytest.approx(1 / 2)
    assert found["false_refusals"] == pytest.approx(1 / 3)
    assert at(ANSWERS, 0.0)["coverage"] == 1
    assert at(ANSWERS, 0.95)["precision"] is None
    own = at(ANSWERS, [0.95, 0.2, 0.95, 0.95, 0.95])  # only the second is given
    assert own["coverage"] == pytest.approx(1 / 5) and own["precision"] == 1
    refused = [*ANSWERS, answered(False, False, 0.8, given=False)]  # at any threshold
    assert at(refused, 0.5)["coverage"] == pytest.approx(3 / 6)
    assert at(refused, 0.5)["abstention_recall"] == pytest.approx(2 / 3)


def test_a_summary_has_every_threshold_and_how_far_to_trust_it() -> None:
    found = summary(ANSWERS, 0.5)
    assert found["at_threshold"] == at(ANSWERS, 0.5)
    coverage = [row["coverage"] for row in found["curve"]]
    assert coverage == sorted(coverage, reverse=True)
    assert found["auc_answerable"] == pytest.approx(4 / 6)
    assert found["auc_right"] == pytest.approx(4 / 6)
    assert sum(row["count"] for row in found["calibration"]["bins"]) == 5
    assert found["median_ms"] == 10


def test_a_set_is_read_and_drawn(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("index.embed.SentenceTransformerEmbedder", lambda *_: FakeEmbedder())
    source, out = write_set(tmp_path / "made.jsonl"), tmp_path / "out"
    assert reading.evaluate([source], folder, True, out, "fake") == 0
    told = json.loads(capsys.readouterr().out)
    assert json.loads((out / "reading.json").read_text("utf-8")) == told
    assert (out / "reading.svg").is_file() == bool(find_spec("matplotlib"))
    assert told["all"]["questions"] == len(told["questions"]) == told["sets"]["made"]["questions"]
    assert told["all"]["curve"][0]["coverage"] == 1
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    reading.evaluate([source], folder, False, tmp_path / "other", "fake")
    said = capsys.readouterr()
    assert "no picture: matplotlib is not installed" in said.err
    assert "right, of the answerable" in said.out


def test_each_question_is_read_with_the_weights_of_its_fold(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("index.embed.SentenceTransformerEmbedder", lambda *_: FakeEmbedder())
    values = json.loads(files("qa").joinpath("reader.json").read_text("utf-8"))
    nothing = dict.fromkeys(values["answer_weights"], 0.0)
    made = [tmp_path / "sure.json", tmp_path / "unsure.json"]
    for file, bias in zip(made, (4.0, -4.0), strict=True):
        file.write_text(json.dumps({**values, "answer_weights": nothing, "answer_bias": bias}), "utf-8")
    source = write_set(tmp_path / "made.jsonl")
    ids = [question.id for question in load(source)]
    last = Path(f"{source}={folder}")
    reading.cross([last], made, lambda question: int(question.id == ids[-1]), tmp_path, "fake")
    record = json.loads((tmp_path / "reading.json").read_text("utf-8"))
    told = {q["id"]: q["confidence"] for q in record["questions"]}
    assert record["cross_validated"] and list(told) == ids and len(ids) > 1
    assert told[ids[-1]] == pytest.approx(0.018, abs=1e-3)
    assert all(told[one] == pytest.approx(0.982, abs=1e-3) for one in ids[:-1])
