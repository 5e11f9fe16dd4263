"""Models side by side, the picture of it, and the LlamaIndex baseline with a model of written answers."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from index_fakes import FakeEmbedder, vector
from rich.console import Console

from evals import compare
from evals.benchmarks import llamaindex
from evals.benchmarks.llamaindex import PlainLlamaIndex, PlainSettings, refuses
from evals.questions import EvalError, Question
from evals.run import Result, Run
from index.errors import ModelError
from index.store import Store
from qa.errors import ModelFailed
from qa.models import Message
from qa.settings import Settings
from qa.types import Answer, Sentence, Status, Turn
from qa.verify import is_slice


def result(
    right: bool,
    milliseconds: float,
    status: Status = "answered",
    by: str = "extractive",
    sentences: int = 1,
    first: float | None = None,
    unsupported: int = 0,
    invented: int = 0,
) -> Result:
    """A scored question; one that is rightly not answered has no answer."""
    gold = status == "answered" or not right
    texts = tuple(Sentence(f"s{n}", ()) for n in range(sentences if status == "answered" else 0))
    timings = {} if first is None else {"first_sentence": first}
    return Result(
        Question("q", "made", "number", "?", gold, (("x",),)),
        Answer(status, "", texts, model=by, timings_ms=timings),
        right, None, None, None, 0, milliseconds,
        ("s",) * unsupported, ("7",) * invented,
    )  # fmt: skip


RUNS = {
    "extractive": [
        Run((result(True, 100.0), result(False, 300.0, "not_found"))),
        Run((result(True, 200.0), result(False, 400.0))),
    ],
    "pen": [
        Run(
            (
                result(True, 1000.0, by="pen", sentences=3, first=500.0, unsupported=2, invented=1),
                result(False, 2000.0, by="extractive"),
            )
        ),
        Run(
            (
                result(True, 4000.0, by="pen", first=300.0, invented=2),
                result(True, 3000.0, "not_found", by="extractive"),
            )
        ),
    ],
}


def test_figures_are_those_of_all_sets_together() -> None:
    names = (
        "model", "questions", "accuracy", "coverage", "sentences", "unsupported_sentences", "unsupported",
        "invented_figures", "stood_in", "median_ms", "p95_ms", "median_first_sentence_ms",
    )  # fmt: skip
    assert [[row[name] for name in names] for row in compare.compare(RUNS)] == [
        ["extractive", 4, 0.5, 0.75, 3, 0, 0.0, 0, 0, 250.0, pytest.approx(385.0), 200.0],
        ["pen", 4, 0.75, 0.75, 5, 2, 0.4, 3, 1, 2500.0, pytest.approx(3850.0), 500.0],
    ]


def test_an_interval_is_that_of_the_pooled_questions() -> None:
    low, high = compare.compare({"m": [Run((result(True, 1.0), result(False, 1.0)))] * 20})[0][
        "intervals"
    ]["accuracy"]
    assert (low, high) == (0.35, 0.65)  # of 40 questions, as in test_evals_metrics


def test_a_row_of_the_table() -> None:
    console = Console(width=180, record=True, file=io.StringIO())
    console.print(compare.table(compare.compare(RUNS)))
    rows = [line.replace("│", " ").split() for line in console.export_text().splitlines()]
    assert ["pen", "4", "0.75", "(0.25-1.00)", "0.67", "0.75", "1.00", "2", "of", "5", "(0.40)",
            "3", "1", "2.50", "3.85", "0.50"] in rows  # fmt: skip


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("extractive", "extractive"),
        ("local", "local"),
        ("local:/models/a b/Big-3B.Q4.gguf", "local:Big-3B.Q4"),
        ("local:small.gguf", "local:small"),
        ("llamaindex:local:models/Big.gguf", "llamaindex:local:Big"),
        ("openai:org/name@http://host:80/v1", "openai:org/name"),
    ],
)
def test_a_label_is_short(model: str, expected: str) -> None:
    assert compare.label(model) == expected


def comparison(folder: Path, models: Sequence[Mapping[str, Any]]) -> Path:
    path = folder / "comparison.json"
    path.write_text(json.dumps({"models": models}), encoding="utf-8")
    return path


def test_a_plot_names_every_model_and_repeats_itself(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    rows = compare.compare(RUNS)
    compare.plot(rows, tmp_path / "a.svg")
    compare.plot(rows, tmp_path / "b.svg")
    drawn = (tmp_path / "a.svg").read_text(encoding="utf-8")
    assert drawn == (tmp_path / "b.svg").read_text(encoding="utf-8")
    # text is drawn as outlines, each with its words in a comment
    words = ("<!-- extractive -->", "<!-- pen -->", "<!-- median seconds a question (log scale) -->")
    assert [drawn.count(word) for word in words] == [1, 1, 1]


def test_names_do_not_lie_on_each_other_where_there_is_room(tmp_path: Path) -> None:
    figure = pytest.importorskip("matplotlib.figure").Figure()
    axes = figure.subplots()
    axes.set_xscale("log")
    axes.set_ylim(0, 1)
    pen, other = compare.compare(RUNS)[1], compare.compare(RUNS)[1]
    rows = [pen, {**other, "model": "twin", "median_ms": 2600.0}]
    axes.set_xlim(1, 10)
    compare._name_points(axes, rows)
    one, two = (text.get_window_extent() for text in axes.texts)
    assert [text.get_text() for text in axes.texts] == ["pen", "twin"]
    assert not one.overlaps(two)


def test_the_command_prints_and_draws(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    source = comparison(tmp_path, compare.compare(RUNS))
    done = run_command(str(source), "--plot", str(tmp_path / "models.png"))
    assert (done.returncode, done.stderr) == (0, "")
    assert "0.75 (0.25-1.00)" in done.stdout
    assert (tmp_path / "models.png").read_bytes().startswith(b"\x89PNG")


def test_what_is_no_comparison_is_one_line(tmp_path: Path) -> None:
    wrong = tmp_path / "x.json"
    wrong.write_text("[]", encoding="utf-8")
    for path, why in ((wrong, "it is no comparison"), (tmp_path / "y.json", "No such file or directory")):
        done = run_command(str(path))
        assert done.returncode == 1
        assert done.stderr == f"{path}: cannot be read ({why}); name a comparison.json\n"


def test_a_place_or_kind_that_cannot_be_drawn_is_named(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    for name in ("no/folder/a.svg", "a.exe"):
        with pytest.raises(EvalError, match="cannot be drawn"):
            compare.plot(compare.compare(RUNS), tmp_path / name)


def run_command(*args: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "evals.compare", *args]
    return subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[1])


# --- plain LlamaIndex


class Said:
    """A stream of one piece."""

    def __init__(self, text: str) -> None:
        self.pieces = iter([text])
        self.usage = {"prompt_tokens": 10, "completion_tokens": 2}

    def __enter__(self) -> Said:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __iter__(self) -> Iterator[str]:
        return self.pieces


@dataclass
class Pen:
    """A language model that writes what it is given to write, one text a call; an error is raised."""

    texts: list[str | Exception]
    prompts: list[str] = field(default_factory=list)
    limits: list[int] = field(default_factory=list)
    name: str = "pen"
    context_window: int = 4096
    closed: bool = False

    def stream(self, messages: Sequence[Message], max_tokens: int) -> Said:
        (message,) = messages
        self.prompts.append(message.text)
        self.limits.append(max_tokens)
        text = self.texts.pop(0)
        if isinstance(text, Exception):
            raise text
        return Said(text)

    def close(self) -> None:
        self.closed = True


def opened(folder: Path, *texts: str | Exception) -> tuple[PlainLlamaIndex, Pen]:
    pytest.importorskip("llama_index.vector_stores.faiss")
    pen: Any = Pen(list(texts))
    settings = PlainSettings(similarity_top_k=2, tokens=50)
    return PlainLlamaIndex(Store(folder), FakeEmbedder(), pen, settings), pen


KETTLES = "Why did Beta recall its AB-12 kettles?"


def test_the_nearest_passages_are_those_of_the_stored_vectors(folder: Path) -> None:
    plain, _ = opened(folder)
    with plain:
        hits = plain.search(KETTLES, 5)
        texts = {(hit.release_id, hit.start): hit.quote for hit in plain._hits}
        cosines = {at: float((vector(KETTLES) @ vector(text).T)[0, 0]) for at, text in texts.items()}
        own = [cosines[hit.release_id, hit.start] for hit in hits]
        assert own == pytest.approx(sorted(cosines.values())[:-6:-1], abs=1e-6)
        assert [hit.score for hit in hits] == pytest.approx(own, abs=1e-3)
        assert hits[0].release_id == "beta-1"
        for hit in hits:
            assert is_slice(plain.release(hit.release_id).text, hit.start, hit.end, hit.quote)


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        ("The handle broke [1].", [("The handle broke.", ["beta-1"])]),
        ("The handle broke.[1] It said so [2].", [("The handle broke.", [1]), ("It said so.", [2])]),
        ("The handle broke.", [("The handle broke.", [1, 2])]),
        ("The handle broke [2, 1].", [("The handle broke.", [2, 1])]),
        ("The handle broke [7].", [("The handle broke.", [1, 2])]),
        ("It broke [1]. It broke again [1].", [("It broke.", [1]), ("It broke again.", [1])]),
        ("", []),
        ("  \n", []),
        ("I cannot answer that.", []),
        ("The sources do not mention why. The handle may have broken [1].", []),
    ],
)
def test_a_response_becomes_an_answer(
    folder: Path, response: str, expected: list[tuple[str, list[int | str]]]
) -> None:
    plain, _ = opened(folder, response)
    with plain:
        sources = [hit.release_id for hit in plain.search(KETTLES, 2)]
        answer = plain.ask(KETTLES)
        shown = [
            (s.text, [answer.citations[i].release_id for i in s.citations]) for s in answer.sentences
        ]
        assert shown == [
            (text, [sources[at - 1] if isinstance(at, int) else at for at in cited])
            for text, cited in expected
        ]
        assert answer.status == ("answered" if expected else "not_found")
        assert answer.text == " ".join(text for text, _ in expected)
        assert (answer.confidence, answer.model, answer.raw) == (
            0.5, "llamaindex:pen", response or "Empty Response",
        )  # fmt: skip
        assert answer.usage == {"prompt_tokens": 10, "completion_tokens": 2}
        assert list(answer.timings_ms) == ["total"]
        assert len({(c.release_id, c.start) for c in answer.citations}) == len(answer.citations)
        for c in answer.citations:
            assert is_slice(plain.release(c.release_id).text, c.start, c.end, c.quote)


def test_the_model_is_given_the_passages_with_title_and_date(folder: Path) -> None:
    plain, pen = opened(folder, "The handle broke [1].")
    with plain:
        plain.ask(KETTLES, company="nobody", as_of=None)
        first, second = plain.search(KETTLES, 2)
    (prompt,) = pen.prompts
    assert pen.limits == [50]
    assert f"title: Beta recalls kettles\ndate: 2021-06-07\n\nSource 1:\n{first.quote}\n" in prompt
    assert f"Source 2:\n{second.quote}\n" in prompt
    assert "Source 3" not in prompt
    assert "passage:" not in prompt
    assert prompt.endswith(f"Query: {KETTLES}\nAnswer: ")
    assert pen.closed


def test_a_follow_up_is_first_made_a_question_of_its_own(folder: Path) -> None:
    plain, pen = opened(folder, KETTLES, "The handle broke [1].")
    with plain:
        answer = plain.ask("Why?", history=[Turn("Which kettles did Beta recall?", "Its AB-12 kettles.")])
    assert "Which kettles did Beta recall?" in pen.prompts[0] and "Its AB-12 kettles." in pen.prompts[0]
    assert pen.prompts[1].endswith(f"Query: {KETTLES}\nAnswer: ")
    assert answer.citations[0].release_id == "beta-1"
    assert answer.usage == {"prompt_tokens": 20, "completion_tokens": 4}


def test_a_model_that_fails_leaves_a_note_and_one_that_is_not_there_ends_the_run(folder: Path) -> None:
    plain, _ = opened(folder, ModelFailed("pen broke; ask again"), ModelError("no key; set one"))
    with plain:
        assert plain.ask(KETTLES) == replace(
            Answer("not_found", "", confidence=0.5, model="llamaindex:pen"),
            notes=("pen broke; ask again",),
        )
        with pytest.raises(ModelError, match="no key"):
            plain.ask(KETTLES)


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("Empty Response", True),
        ("I cannot answer the question.", True),
        ("I'm unable to determine that from the sources.", True),
        ("The provided sources do not contain information about the price.", True),
        ("None of the provided sources are helpful.", True),
        ("The price is not provided in the sources.", True),
        ("The price was $5 million.", False),
        ("The company did not disclose the price.", False),
        ("Acme cannot sell the drug in Europe.", False),
        ("The court could not find him guilty.", False),
        ("Its loss is not in line with the plan.", False),
    ],
)
def test_what_counts_as_no_answer(sentence: str, expected: bool) -> None:
    assert refuses(sentence) is expected


def test_a_wrong_model_is_told_before_anything_is_loaded(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(llamaindex, "_faiss_store", lambda: None)
    with pytest.raises(ModelError, match="'extractive' is no language model"):
        PlainLlamaIndex.open(folder, "extractive", Settings(embedder="fake"))
