"""Retrieval measured alone: by hand with fakes, and over a small index with a fake embedder."""

from __future__ import annotations

import datetime as dt
import io
import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from index_fakes import FakeEmbedder
from rich.console import Console
from typer.testing import CliRunner

from evals import retrieval, retrieval_report
from evals.questions import EvalError, Evidence, Question
from evals.retrieval import WARM_UP, Search
from evals.retrieval_report import FULL
from index.store import Store
from index.types import Filters, Hit
from qa.cli import cli
from qa.settings import STAGES, Retrieval, Settings
from qa.types import Turn


def gold(id: str, type: str = "number", corpus: str = "made", filters: Filters = Filters()) -> Question:  # noqa: B008
    turns = (Turn("before?", "yes"),) if type == "followup" else ()
    span = Evidence(id, 0, 10)
    return Question(id, corpus, type, f"{id}?", True, (("x",),), (span,), filters=filters, history=turns)


def test_there_is_a_variant_without_each_stage() -> None:
    settings = Settings(embedder="fake", retrieval=Retrieval(candidates=7))
    made = retrieval.variants(settings)
    has = list(STAGES)
    assert list(made) == [FULL, *(f"{stage} off" for stage in has)]
    assert made[FULL] is settings
    assert made["dense off"] == Settings(
        embedder="fake", retrieval=Retrieval(candidates=7, off=("dense",))
    )


def test_variants_share_one_index_and_one_model(folder: Path) -> None:
    settings = retrieval.variants(Settings(embedder="fake"), ("dense",))
    embedder, store = FakeEmbedder(), Store(folder)
    qas = retrieval.searchers(store, embedder, settings)
    assert {name: qa.settings for name, qa in qas.items()} == settings
    for qa in qas.values():
        assert qa.search("Which kettles did Beta recall?", 1)[0].release_id == "beta-1"
    store.close()


class Finds:
    """Finds for each question what a table says; a release that is named ``x`` is never gold."""

    def __init__(self, name: str, log: list[tuple[Any, ...]], hits: dict[str, list[str]]) -> None:
        self.name = name
        self.log = log
        self.hits = hits

    def search(self, question: str, k: int = 0, **limits: Any) -> list[Hit]:
        self.log.append((self.name, question, k, limits))
        found = self.hits.get(question, [])
        return [Hit(r.removesuffix("+"), 9 * r.endswith("+"), 20, 1.0, "", None, "") for r in found]


ASKED = [gold("q1"), gold("q2", "confusable"), gold("q3", "confusable", "other")]
HITS = {
    FULL: {"q1?": ["q1"], "q2?": ["q2+", "q2"], "q3?": ["x", "q3"]},  # with +, not the gold passage
    "dense off": {"q1?": ["q1"], "q2?": ["x"] * 5 + ["q2"], "q3?": []},
}


def fakes(log: list[tuple[Any, ...]] | None = None) -> Any:
    return {name: Finds(name, [] if log is None else log, hits) for name, hits in HITS.items()}


def test_variants_take_turns_and_another_one_is_first_each_time() -> None:
    log: list[tuple[Any, ...]] = []
    ticks: list[int] = []
    retrieval.measure(fakes(log), ASKED, lambda: ticks.append(1))
    warm = [(name, question) for name in HITS for question in WARM_UP]
    turns = [
        (FULL, "q1?"), ("dense off", "q1?"), ("dense off", "q2?"), (FULL, "q2?"), (FULL, "q3?"),
        ("dense off", "q3?"),
    ]  # fmt: skip
    assert [call[:2] for call in log] == warm + turns
    assert {call[2] for call in log} == {20}
    assert ticks == [1] * 3


def test_a_search_has_the_limits_of_its_question() -> None:
    day = dt.date(2024, 1, 2)
    log: list[tuple[Any, ...]] = []
    asked = gold("q1", "followup", filters=Filters("Acme", day, day, day))
    retrieval.measure(fakes(log), [asked])
    limits = {"company": "Acme", "since": day, "until": day, "as_of": day, "history": asked.history}
    assert [call[3] for call in log if call[1] == "q1?"] == [limits] * 2


def searched() -> dict[str, list[Search]]:
    """As ``measure`` gives them, with times that are written down here."""
    found = retrieval.measure(fakes(), ASKED)
    return {
        name: [
            Search(s.passage_rank, s.release_rank, s.ndcg, float(10 * at)) for at, s in enumerate(own, 1)
        ]
        for name, own in found.items()
    }


def test_what_is_found() -> None:
    ranks = {
        name: [(s.passage_rank, s.release_rank, round(s.ndcg, 3)) for s in own]
        for name, own in searched().items()
    }
    assert ranks == {
        FULL: [(1, 1, 1.0), (2, 1, 0.631), (2, 2, 0.631)],
        "dense off": [(1, 1, 1.0), (6, 6, 0.356), (None, None, 0.0)],
    }


def test_figures_of_each_variant() -> None:
    made = retrieval.summary([("a", ASKED[0]), ("a", ASKED[1]), ("b", ASKED[2])], searched())
    names = ("questions", "gold_passage_1", "gold_passage_5", "gold_passage_20", "gold_release_1",
             "gold_release_5", "gold_release_20", "mrr", "median_ms", "p99_ms")  # fmt: skip
    full, other = made[FULL], made["dense off"]
    assert [full[name] for name in names] == pytest.approx([3, 1 / 3, 1, 1, 2 / 3, 1, 1, 2 / 3, 20, 29.8])
    assert [other[name] for name in names] == pytest.approx(
        [3, 1 / 3, 1 / 3, 2 / 3, 1 / 3, 1 / 3, 2 / 3, (1 + 1 / 6) / 3, 20, 29.8]
    )
    assert "difference" not in full
    apart = other["difference"]
    assert apart["gold_passage_1"] == {"value": 0.0, "low": 0.0, "high": 0.0}
    assert apart["gold_passage_5"] == pytest.approx({"value": 2 / 3, "low": 0.0, "high": 1.0})
    assert apart["mrr"]["value"] == pytest.approx(2 / 3 - (1 + 1 / 6) / 3)
    counts = {
        kind: {key: own["questions"] for key, own in full[kind].items()}
        for kind in ("sets", "corpora", "types")
    }
    assert counts == {
        "sets": {"a": 2, "b": 1},
        "corpora": {"made": 2, "other": 1},
        "types": {"confusable": 2, "number": 1},
    }
    assert full["types"]["confusable"]["gold_release_1"] == 0.5
    assert other["sets"]["b"]["difference"]["gold_passage_5"]["value"] == 1.0


def record() -> dict[str, Any]:
    names = ["a", "a", "b"]
    made = retrieval.summary(list(zip(names, ASKED, strict=True)), searched())
    return {"sets": {"a": {}, "b": {}}, "variants": made}


def cells(tables: Sequence[Any], start: str) -> list[list[str]]:
    """The cells of every row that starts so, over all tables."""
    console = Console(width=200, record=True, file=io.StringIO())
    for table in tables:
        console.print(table)
    rows = [
        [cell.strip() for cell in line.split("│")[1:-1]] for line in console.export_text().split("\n")
    ]
    return [row[1:] for row in rows if row and row[0] == start]


def test_tables() -> None:
    tables = list(retrieval_report.tables(record()))
    assert cells(tables, "right release first") == [["1.00", "0.50"], ["0.00", "0.00"], ["0.67", "0.33"]]
    assert cells(tables, "confusable: right release first") == [["0.50", "0.00"]]
    assert cells(tables, "99th percentile ms")[-1] == ["29.8", "29.8"]
    (worth,) = cells(tables, "dense off")
    assert worth[:2] == ["+0.000 (+0.000 to +0.000)", "+0.667 (+0.000 to +1.000)"]
    assert cells(tables, "confusable") == [
        ["2", "0.00", "1.00", "1.00", "0.50", "1.00", "1.00", "0.63", "0.50"]
    ]
    assert cells(tables, "overall")[0][:3] == ["3", "0.33", "1.00"]


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.01, 0.2, "+0.100 (+0.010 to +0.200)*"),
        (-0.2, -0.01, "+0.100 (-0.200 to -0.010)*"),
        (0.0, 0.2, "+0.100 (+0.000 to +0.200)"),
    ],
)
def test_a_star_where_the_interval_leaves_out_0(low: float, high: float, expected: str) -> None:
    apart = {"value": 0.1, "low": low, "high": high}
    assert retrieval_report.difference(apart).rstrip() == expected


def test_a_plot_names_every_variant_and_repeats_itself(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    for name in ("a.svg", "b.svg"):
        retrieval_report.plot(record(), tmp_path / name)
    drawn = (tmp_path / "a.svg").read_text(encoding="utf-8")
    assert drawn == (tmp_path / "b.svg").read_text(encoding="utf-8")
    words = ("full", "dense off", "gold passage first", "median milliseconds a search")
    assert [drawn.count(f"<!-- {word} -->") for word in words] == [1] * 4
    with pytest.raises(EvalError, match="cannot be drawn"):
        retrieval_report.plot(record(), tmp_path / "a.exe")


# --- the whole way, over the small index of the tests


ROWS = [
    ("r1", "number", "How much money did Alpha raise in 2020?", "alpha-1", 0, 49),
    ("r2", "confusable", "Which kettles did Beta recall?", "beta-1", 0, 74),
    ("r3", "unanswerable", "Who won?", "", 0, 0),
]


def write_set(path: Path, rows: Sequence[tuple[str, str, str, str, int, int]] = ROWS) -> Path:
    made = [
        {
            "id": id_, "corpus": "made", "type": type, "question": question, "answerable": bool(release),
            "must_include": [["x"]] if release else [],
            "evidence": [{"release": release, "start": start, "end": end}] if release else [],
        }
        for id_, type, question, release, start, end in rows
    ]  # fmt: skip
    path.write_text("".join(json.dumps(row) + "\n" for row in made), encoding="utf-8")
    return path


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """The models that were loaded; a fake stands in for each."""
    out: list[tuple[str, str]] = []

    def load(model: str, number_type: str) -> FakeEmbedder:
        out.append((model, number_type))
        return FakeEmbedder()

    monkeypatch.setattr("index.embed.SentenceTransformerEmbedder", load)
    return out


def test_the_answerable_questions_of_a_set_are_measured_and_saved(
    tmp_path: Path, folder: Path, loaded: list[tuple[str, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    source = write_set(tmp_path / "made.jsonl")
    out = tmp_path / "new" / "results"
    assert retrieval.evaluate([source], folder, True, out, "fake") == 0
    told = json.loads(capsys.readouterr().out)
    assert json.loads((out / "retrieval.json").read_text(encoding="utf-8")) == told
    assert (out / "retrieval.svg").is_file() == bool(find_spec("matplotlib"))
    assert loaded == [("fake", "float32")]  # once for all variants
    assert told["sets"]["made"]["questions"] == 2
    assert told["sets"]["made"]["index"]["releases"] == 4
    assert told["settings"]["retrieval"] == asdict(Retrieval()) | {"off": []}
    assert set(told) == {
        "stage", "date", "commit", "settings", "versions", "hits", "sets", "variants", "questions",
    }  # fmt: skip
    has = list(STAGES)
    assert list(told["variants"]) == [FULL, *(f"{stage} off" for stage in has)]
    assert [own["off"] for own in told["variants"].values()] == [[], *([stage] for stage in has)]
    assert [(q["set"], q["id"], q["release_rank"][FULL]) for q in told["questions"]] == [
        ("made", "r1", 1),
        ("made", "r2", 1),
    ]


def test_sets_of_several_indexes_are_pooled(
    tmp_path: Path, folder: Path, loaded: list[tuple[str, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    one, two = (write_set(tmp_path / name) for name in ("one.jsonl", "two.jsonl"))
    second = shutil.copytree(folder, tmp_path / "second.index")
    retrieval.evaluate([one, Path(f"{two}={second}")], folder, True, None, "fake")
    told = json.loads(capsys.readouterr().out)
    assert list(told["sets"]) == ["one", "two"]
    full = told["variants"][FULL]
    assert (full["questions"], full["sets"]["two"]["questions"]) == (4, 2)
    assert [(q["set"], q["id"]) for q in told["questions"]] == [
        ("one", "r1"), ("one", "r2"), ("two", "r1"), ("two", "r2"),
    ]  # fmt: skip


def test_without_matplotlib_there_is_no_picture_but_all_else(
    tmp_path: Path,
    folder: Path,
    loaded: list[tuple[str, str]],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    retrieval.evaluate([write_set(tmp_path / "made.jsonl")], folder, False, tmp_path / "out", "fake")
    told = capsys.readouterr()
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["retrieval.json"]
    assert "no picture: matplotlib is not installed; pip install 'releaseqa[bench]'" in told.err
    assert "made: 2 answerable questions" in told.out


def test_what_cannot_be_measured_is_one_line(
    tmp_path: Path, folder: Path, loaded: list[tuple[str, str]]
) -> None:
    silent = write_set(tmp_path / "silent.jsonl", ROWS[2:])
    with pytest.raises(EvalError, match=r"silent\.jsonl: no answerable question in it"):
        retrieval.evaluate([silent], folder, True, None, "fake")
    assert loaded == []
    other = write_set(tmp_path / "other.jsonl", [("r1", "number", "?", "zz", 0, 9)])
    with pytest.raises(EvalError, match="other: the index lacks releases"):
        retrieval.evaluate([other], folder, True, None, "fake")
    with pytest.raises(EvalError, match="same file name"):
        retrieval.evaluate([other, other], folder, True, None, "fake")


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["--stage", "writing"], "retrieval or reading can be measured alone"),
        (["--stage", "retrieval", "--model", "local"], "leave out --model, --save-answers and --sample"),
        (["--stage", "retrieval", "--sample", "3"], "leave out --model, --save-answers and --sample"),
    ],
)
def test_options_that_do_not_go_together(args: list[str], says: str) -> None:
    done = CliRunner().invoke(cli, ["eval", "demo", *args], env={"COLUMNS": "200", "TERM": "dumb"})
    assert done.exit_code == 2
    assert says in " ".join(done.output.replace("│", " ").split())
