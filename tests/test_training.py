"""The questions that the reader is trained on, and its training."""

from __future__ import annotations

import json
import lzma
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import evals.training
from evals.training import examples, report
from evals.training import train as training
from evals.training.examples import (
    GOLD,
    MASK,
    OTHER,
    Example,
    Passage,
    is_held,
    masked,
    questions,
    sampled,
)
from evals.training.public import articles, snippets
from evals.training.train import Plan, averaged, check, loss_of, train
from qa.network import CONFIG, SEP, Encoder, Network, tokenizer
from qa.read import Text

HERE = Path(evals.training.__file__).parent
SHARED = Path(__file__).parents[2] / "shared"
FILES = {
    "pharma": "releases/pharma.jsonl.xz",
    "wire": "training/corpus-wire.jsonl.xz",
    "doj": "training/corpus-doj.jsonl.xz",
}
TINY = {
    **CONFIG,
    "hidden_size": 24,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 32,
}


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.split("\n") if line]


@pytest.mark.parametrize("name", FILES)
def test_the_questions_are_well_formed(name: str) -> None:
    rows = lines((HERE / f"questions-{name}.jsonl").read_text("utf-8"))
    assert max(Counter(row["id"] for row in rows).values()) == 1
    assert max(Counter(row["question"].casefold() for row in rows).values()) == 1
    assert all(bool(row.get("evidence")) == bool(row.get("answers")) == row["answerable"] for row in rows)
    assert all(row.get("why") for row in rows if not row["answerable"])


@pytest.mark.parametrize("name", FILES)
def test_the_answers_stand_in_the_evidence(name: str) -> None:
    corpus = SHARED / FILES[name]
    if not corpus.exists():
        pytest.skip("the releases are not here")
    bodies = {r["id"]: r["body"] for r in lines(lzma.decompress(corpus.read_bytes()).decode("utf-8"))}
    for asked in questions(HERE / f"questions-{name}.jsonl"):
        body = bodies[asked.release]
        for start, end in asked.evidence:
            assert 0 <= start < end <= len(body)
            assert body[start:end] == body[start:end].strip()
        for answer in asked.answers:
            assert not isinstance(answer, str)
            assert any(start <= answer[0] < answer[1] <= end for start, end in asked.evidence)


def test_no_question_is_about_a_release_that_is_measured_with() -> None:
    if not (SHARED / "questions").exists():
        pytest.skip("the development questions are not here")
    rows = [
        row for path in (SHARED / "questions").glob("*.jsonl") for row in lines(path.read_text("utf-8"))
    ]
    cited = {span["release"] for row in rows for span in row["evidence"]}
    for name in FILES:
        assert not cited & {asked.release for asked in questions(HERE / f"questions-{name}.jsonl")}


def test_questions_are_split_by_their_release(tmp_path: Path) -> None:
    path = HERE / "questions-doj.jsonl"
    held, kept, every = questions(path, True), questions(path, False), questions(path)
    assert len(held) + len(kept) == len(every)
    assert 0.05 < len(held) / len(every) < 0.2
    assert not {q.release for q in held} & {q.release for q in kept}
    assert all(is_held(q.release) for q in held)
    other = {"id": "a", "corpus": "c", "release": "r", "type": "who", "question": "Who?"}
    row = {**other, "evidence": [{"start": 2, "end": 5}], "answers": ["Ann"]}
    file = tmp_path / "q.jsonl"
    file.write_text(
        json.dumps(row) + "\n\n" + json.dumps({**other, "evidence": [[1, 2]], "answers": [[1, 2]]})
    )
    assert [(q.evidence, q.answers) for q in questions(file)] == [
        (((2, 5),), ("Ann",)),
        (((1, 2),), ((1, 2),)),
    ]


def test_public_sets_become_releases_and_questions(tmp_path: Path) -> None:
    text = "Ann leads. Bob left in May."
    qas = [
        {"question": "Who leads?", "answers": [{"text": "Ann", "answer_start": 0}]},
        {"question": "Who  came?", "is_impossible": True, "answers": []},
    ]
    path = tmp_path / "s.json.xz"
    data = {"data": [{"title": "A_b", "paragraphs": [{"context": text, "qas": qas}]}]}
    path.write_bytes(lzma.compress(json.dumps(data).encode()))
    ((record, asked),) = articles([path])
    assert (record["title"], record["body"]) == ("A b", text)
    assert [(q["question"], q["answerable"], q["evidence"]) for q in asked] == [
        ("Who leads?", True, [{"start": 0, "end": 10}]),
        ("Who came?", False, []),
    ]
    row = {
        "body": "Who left?",
        "type": "factoid",
        "exact_answer": [["bob"]],
        "snippets": [{"text": text}],
    }
    path.write_bytes(lzma.compress((json.dumps(row) + "\n").encode()))
    ((record, (one,)),) = snippets(path)
    assert record["body"][one["evidence"][0]["start"] :] == "Bob left in May."


def passage(encoder: Encoder, asked: str, sentences: list[str], gold: int = -1) -> Passage:
    text, spans = "", []
    for sentence in sentences:
        spans.append((len(text), len(text) + len(sentence)))
        text += sentence + " "
    encoded = encoder.pair(encoder.question(asked), Text(text, "", tuple(spans)))
    labels = np.array([GOLD if i == gold else OTHER for i in range(len(spans))], dtype=np.int8)
    at = encoded.sentences[gold] - encoded.first
    return Passage(encoded, labels, (int(at[0]), int(at[1]) - 1) if gold >= 0 else (-1, -1))


@pytest.fixture(scope="module")
def lessons() -> list[Example]:
    """Questions that name what the right sentence names; a third of them nothing answers."""
    encoder = Encoder(tokenizer())
    things = ["pumps", "bridges", "vaccines", "lamps", "ships", "bread"]
    made = []
    for i in range(24):
        thing, other = things[i % 6], [t for t in things if t != things[i % 6]]
        asked, answerable = f"Who makes {thing}?", i % 3 > 0
        said = [f"Ann makes {other[0]}.", f"Bob makes {thing if answerable else other[1]}."]
        passages = (
            passage(encoder, asked, said, 1 if answerable else -1),
            *(passage(encoder, asked, [f"Eve makes {o}."]) for o in other[2:]),
        )
        made.append(Example(str(i), "c", f"r{i}", "who", answerable, passages))
    return made


def test_the_gold_passage_is_always_sampled(lessons: list[Example]) -> None:
    for seed in range(20):
        few = sampled(lessons[1], 2, np.random.default_rng(seed))
        assert few.passages[0] is lessons[1].passages[0]
        assert len(few.passages) == 3


def test_what_is_all_gold_is_sampled_whole(lessons: list[Example]) -> None:
    alone = replace(lessons[1], passages=lessons[1].passages[:1])
    assert sampled(alone, 5, np.random.default_rng(0)) == alone


def test_examples_are_made_again_where_the_questions_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []

    def build(asked: str, *_: object) -> list[Example]:
        made.append(len(asked))
        return []

    monkeypatch.setattr(examples, "build", build)
    monkeypatch.setattr(examples, "questions", lambda path: path.read_text())
    file = tmp_path / "q.jsonl"
    for text in ("a", "a", "ab"):
        file.write_text(text)
        assert examples.cached(file, tmp_path / "i.index", tmp_path) == []
    assert made == [1, 2]


def test_silence_wins_where_nothing_is_gold(lessons: list[Example]) -> None:
    torch.manual_seed(0)
    network = Network(TINY)
    with torch.no_grad():
        network.sentence.weight.zero_()
        network.sentence.bias.fill_(-9.0)
        none = loss_of(network, [lessons[0]])
        network.sentence.bias.fill_(9.0)
        assert none < 0.01 < 5 < loss_of(network, [lessons[0]])


def run(folder: Path, lessons: list[Example], epochs: int = 2, **plan: float) -> Network:
    folder.mkdir(exist_ok=True)
    torch.manual_seed(1)
    network = Network(TINY)
    train(network, lessons, Plan(epochs, 3e-3, 0, 5, True, **plan), folder, "tiny")
    return network


def test_training_teaches(tmp_path: Path, lessons: list[Example]) -> None:
    torch.manual_seed(1)
    before = Network(TINY)
    after = run(tmp_path, lessons, 40)
    with torch.no_grad():
        assert loss_of(after, lessons) < 0.5 * loss_of(before, lessons)
    assert check(after, lessons).auc > 0.9
    assert (tmp_path / "tiny.safetensors").exists()
    assert not (tmp_path / "tiny.checkpoint").exists()


def test_training_with_dropout_and_masks_teaches_and_can_be_repeated(
    tmp_path: Path, lessons: list[Example]
) -> None:
    few = run(tmp_path / "a", lessons, 2, dropout=0.2, masked=0.2)
    again = run(tmp_path / "b", lessons, 2, dropout=0.2, masked=0.2)
    plain = run(tmp_path / "c", lessons)
    for name, weight in few.state_dict().items():
        assert torch.equal(weight, again.state_dict()[name]), name
    assert not torch.equal(few.mix.weight, plain.mix.weight)
    assert check(run(tmp_path / "d", lessons, 40, dropout=0.1, masked=0.1), lessons).auc > 0.8


def test_only_words_of_passages_are_masked(lessons: list[Example]) -> None:
    hidden = masked(lessons[1], 0.5, np.random.default_rng(0))
    for before, after in zip(lessons[1].passages, hidden.passages, strict=True):
        gone = before.encoded.ids != after.encoded.ids
        assert set(after.encoded.ids[gone]) == {MASK}
        assert 0 < gone.sum() < len(gone)
        assert not gone[: before.encoded.second].any()
        assert not gone[before.encoded.ids == SEP].any()


def test_the_mean_of_networks_has_the_mean_of_their_weights() -> None:
    one, two = Network(TINY), Network(TINY)
    middle = (one.mix.weight + two.mix.weight) / 2
    assert torch.allclose(averaged([one, two]).mix.weight, middle)


def test_the_mean_is_measured_and_packed(
    tmp_path: Path, lessons: list[Example], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "cached", lambda *_: lessons)
    shipped, out = str(HERE.parents[1] / "qa" / "reader.safetensors"), tmp_path / "out.safetensors"
    asked = ["--name", "mean", "--start", shipped, shipped, "--epochs", "0", "--out", str(out)]
    sets = ["q.jsonl=i.index", "--check", "other.jsonl=i.index"]
    monkeypatch.setattr("sys.argv", ["train", str(tmp_path), *asked, *sets])
    training.main()
    assert out.stat().st_size < 0.3 * (tmp_path / "mean.safetensors").stat().st_size
    before, after = Network.load(Path(shipped)), Network.load(out)
    assert torch.allclose(before.mix.weight, after.mix.weight, atol=1e-6)
    assert json.loads((tmp_path / "mean.json").read_text())["checked"]["other"]["questions"] == 24


def test_runs_are_reported_side_by_side(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("matplotlib")
    sets = {
        name: {"questions": n, "answerable_questions": n, "sentence": f, "passage": f, "auc": f}
        for name, n, f in (("a", 30, 0.5), ("b", 10, 0.9))
    }
    for name, count in (("few", 100), ("many", 1000)):
        own = {name: sets["a"] | {"sentence": 0.0}}  # the other run was not checked on it
        one = {"name": name, "questions": count, "epochs": 2, "checked": sets | own}
        (tmp_path / f"{name}.json").write_text(json.dumps(one))
    (tmp_path / "many.log.jsonl").write_text(json.dumps({"step": 1, "loss": 2.0}) + "\n")
    asked = [str(tmp_path), "few", "many=all of them", "--curve", "few", "many", "--out", str(tmp_path)]
    monkeypatch.setattr("sys.argv", ["report", *asked])
    report.main()
    assert "| all of them | 1,000 | 2 | 0.600 | 0.600 | 0.600 |" in capsys.readouterr().out
    told = json.loads((tmp_path / "training.json").read_text())
    assert [run["means"]["auc"] for run in told] == [pytest.approx(0.6)] * 2
    assert (tmp_path / "training.svg").read_text().count("<svg") == 1


def test_training_that_was_cut_off_goes_on(
    tmp_path: Path, lessons: list[Example], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "SAVE", 0)
    whole = run(tmp_path / "whole", lessons)
    calls = iter(range(1000))

    def failing(*args: object) -> torch.Tensor:
        if next(calls) > 10:
            raise KeyboardInterrupt
        return loss_of(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(training, "loss_of", failing)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "cut", lessons)
    monkeypatch.setattr(training, "loss_of", loss_of)
    assert (tmp_path / "cut" / "tiny.checkpoint").exists()
    again = run(tmp_path / "cut", lessons)
    for a, b in zip(whole.parameters(), again.parameters(), strict=True):
        assert torch.equal(a, b)
