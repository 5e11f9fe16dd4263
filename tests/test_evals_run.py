"""A set asked of a fake whose answers and hits are written down here."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

import qa as qa_package
from evals import report
from evals.questions import EvalError, Evidence, Question
from evals.run import check, run
from index.errors import NotInIndex
from index.types import Filters, Hit, Overview, Release
from qa.settings import Settings
from qa.types import Answer, Citation, Sentence, Turn

TEXTS = {"a": "Acme lost RMB 5 million. It pays no dividend.", "b": "Bolt was founded in 2014."}
LOSS = (0, 24)


def cite(release: str, start: int, end: int, quote: str | None = None) -> Citation:
    text = TEXTS.get(release, "")[start:end] if quote is None else quote
    return Citation(release, start, end, text, release.upper(), dt.date(2024, 1, 2), "file")


def said(confidence: float, *citations: Citation) -> Answer:
    text = " ".join(c.quote for c in citations)
    return Answer("answered", text, (Sentence(text, (0,)),), citations, confidence)


def hit(release: str, start: int, end: int) -> Hit:
    return Hit(release, start, end, 1.0, "", None, TEXTS[release][start:end])


class Fake:
    """Answers from a table; a question that is not in it is not found and has no hits."""

    def __init__(
        self, answers: dict[str, Answer] | None = None, hits: dict[str, list[Hit]] | None = None
    ) -> None:
        self.answers = answers or {}
        self.hits = hits or {}
        self.calls: list[tuple[Any, ...]] = []

    def ask(
        self,
        question: str,
        company: str | None = None,
        since: dt.date | None = None,
        until: dt.date | None = None,
        as_of: dt.date | None = None,
        history: Sequence[Turn] = (),
    ) -> Answer:
        self.calls.append(("ask", question, company, since, until, as_of, tuple(history)))
        return self.answers.get(question, Answer("not_found", "", confidence=0.8))

    def search(
        self,
        question: str,
        k: int = 20,
        company: str | None = None,
        since: dt.date | None = None,
        until: dt.date | None = None,
        as_of: dt.date | None = None,
        history: Sequence[Turn] = (),
    ) -> list[Hit]:
        self.calls.append(("search", question, company, since, until, as_of, tuple(history), k))
        return self.hits.get(question, [])

    def release(self, release_id: str, /) -> Release:
        if release_id not in TEXTS:
            raise NotInIndex(f"no release {release_id}")
        return Release(release_id, TEXTS[release_id], release_id.upper())

    def overview(self) -> Overview:
        return Overview("i", 2, 3, 3, None, None, (), (), "words", 1, 10)

    def __enter__(self) -> Fake:
        return self

    def __exit__(self, *_: object) -> None:
        self.calls.append(("close",))


def gold(id: str, text: str, must: str, *spans: Evidence, type: str = "number") -> Question:
    return Question(id, "made", type, text, True, ((must,),), spans)


def silent(id: str, text: str) -> Question:
    return Question(id, "made", "unanswerable", text, False)


# Right and cited; wrong and not cited; refused; found; and of two without answer one is answered.
QUESTIONS = [
    gold("q1", "loss?", "5 million", Evidence("a", *LOSS)),
    gold("q2", "year?", "2014", Evidence("b", 0, 25)),
    gold("q3", "dividend?", "no dividend", Evidence("a", 25, 45), type="yes-no"),
    silent("q4", "price?"),
    silent("q5", "profit?"),
]
FAKE_ANSWERS = {
    "loss?": said(0.9, cite("a", *LOSS)),
    "year?": said(0.6, cite("a", 25, 45), cite("b", 0, 4, "Volt")),
    "profit?": said(0.5, cite("c", 0, 4, "none")),
}
FAKE_HITS = {
    "loss?": [hit("a", *LOSS)],
    "year?": [hit("a", 0, 24), hit("b", 0, 3), hit("a", 25, 45), hit("b", 3, 25)],
    "price?": [hit("a", *LOSS)],
}


def fake() -> Fake:
    return Fake(FAKE_ANSWERS, FAKE_HITS)


def test_each_question_is_asked_once_and_searched_once_with_its_limits() -> None:
    limits = Filters("Acme", dt.date(2024, 1, 1), dt.date(2024, 2, 1), dt.date(2024, 3, 1))
    turns = (Turn("before?", "yes"),)
    asked = Question("q1", "made", "x", "why?", False, filters=limits, history=turns)
    qa = Fake()
    ticks: list[int] = []
    run(qa, [asked], progress=lambda: ticks.append(1))
    day = dt.date
    given = ("why?", "Acme", day(2024, 1, 1), day(2024, 2, 1), day(2024, 3, 1), turns)
    assert qa.calls == [("ask", *given), ("search", *given, 20)]
    assert ticks == [1]


def test_results_of_a_run() -> None:
    results = run(fake(), QUESTIONS).results
    assert [r.right for r in results] == [True, False, False, True, False]
    assert [r.evidence for r in results] == [True, False, False, None, None]
    assert [r.passage_rank for r in results] == [1, 4, None, None, None]
    assert [r.release_rank for r in results] == [1, 2, None, None, None]
    assert [r.verified for r in results] == [1, 1, 0, 0, 0]
    assert [r.answerable_score for r in results] == pytest.approx([0.9, 0.6, 0.2, 0.2, 0.5])
    assert all(r.milliseconds >= 0 for r in results)


def test_summary_of_a_run() -> None:
    summary = run(fake(), QUESTIONS).summary()
    expected = {
        "questions": 5,
        "accuracy": 2 / 5,
        "precision": 1 / 3,
        "coverage": 3 / 5,
        "abstention_recall": 1 / 2,
        "false_refusals": 1 / 3,
        "evidence": 1 / 3,
        "gold_passage_1": 1 / 3,
        "gold_passage_5": 2 / 3,
        "gold_passage_20": 2 / 3,
        "gold_release_1": 1 / 3,
        "gold_release_5": 2 / 3,
        "gold_release_20": 2 / 3,
        "mrr": (1 + 1 / 4) / 3,
        "verified_citations": 2 / 4,
        "auc_answerable": (2 + 2 + 0.5) / 6,
    }
    assert {name: summary[name] for name in expected} == pytest.approx(expected)
    assert summary["calibration"]["answered"]["error"] == pytest.approx((0.1 + 0.6 + 0.5) / 3)
    assert 0 <= summary["median_ms"] <= summary["p95_ms"]


def test_summary_by_type() -> None:
    types = run(fake(), QUESTIONS).summary()["types"]
    assert {t: (f["questions"], f["accuracy"]) for t, f in types.items()} == {
        "number": (2, 0.5),
        "unanswerable": (2, 0.5),
        "yes-no": (1, 0.0),
    }
    assert types["unanswerable"]["gold_passage_5"] is None
    assert types["unanswerable"]["intervals"]["gold_passage_5"] is None
    assert types["yes-no"]["precision"] is None
    assert types["yes-no"]["verified_citations"] is None


def test_every_mean_lies_in_its_interval() -> None:
    summary = run(fake(), QUESTIONS).summary()
    for name, interval in summary["intervals"].items():
        assert 0 <= interval[0] <= summary[name] <= interval[1] <= 1


def test_an_index_of_other_releases_is_refused_before_anything_is_asked() -> None:
    qa = fake()
    lost = gold("q6", "?", "x", Evidence("zz", 0, 1))
    with pytest.raises(EvalError) as caught:
        run(qa, [*QUESTIONS, lost])
    assert str(caught.value) == (
        "the index lacks releases that 1 of 6 questions need, the first is 'zz'; "
        "name the index of these releases (made) with --index"
    )
    assert qa.calls == []


@pytest.mark.parametrize(("type", "fits"), [("number", True), ("multi", False)])
def test_one_of_two_releases_is_enough_unless_all_must_be_cited(type: str, fits: bool) -> None:
    asked = gold("q1", "?", "x", Evidence("a", 0, 1), Evidence("zz", 0, 1), type=type)
    if fits:
        check(fake(), [asked])
    else:
        with pytest.raises(EvalError, match="'zz'"):
            check(fake(), [asked])


def write_set(path: Path, questions: Sequence[Question]) -> Path:
    rows = [
        {
            "id": q.id,
            "corpus": q.corpus,
            "type": q.type,
            "question": q.question,
            "answerable": q.answerable,
            "must_include": q.must_include,
            "evidence": [{"release": e.release, "start": e.start, "end": e.end} for e in q.evidence],
        }
        for q in questions
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Fake]:
    """The fakes that ``ReleaseQA.open`` gave out."""
    out: list[Fake] = []

    class Opener:
        @staticmethod
        def open(index: Path, model: str, settings: Settings) -> Fake:
            assert (index, model, settings) == (Path("some.index"), "extractive", Settings())
            out.append(fake())
            return out[-1]

    monkeypatch.setattr(qa_package, "ReleaseQA", Opener, raising=False)
    return out


def test_json_alone_on_standard_output(
    tmp_path: Path, opened: list[Fake], capsys: pytest.CaptureFixture[str]
) -> None:
    source = write_set(tmp_path / "made.jsonl", QUESTIONS)
    status = report.evaluate([source], Path("some.index"), "extractive", True, None)
    record = json.loads(capsys.readouterr().out)
    assert status == 1  # two citations are not what their releases say
    assert record["set"] == "made"
    assert record["model"] == "extractive"
    assert record["sha256"] == hashlib.sha256(source.read_bytes()).hexdigest()
    assert record["index"] == {"releases": 2, "passages": 3, "embedder": "words"}
    assert record["summary"]["accuracy"] == 0.4
    assert [q["id"] for q in record["questions"]] == ["q1", "q2", "q3", "q4", "q5"]
    assert record["questions"][0]["answer"]["citations"][0]["date"] == "2024-01-02"
    assert set(record["versions"]) >= {"python", "numpy"}
    assert opened[0].calls[-1] == ("close",)


def test_several_sets_are_a_list_and_files_are_written(
    tmp_path: Path, opened: list[Fake], capsys: pytest.CaptureFixture[str]
) -> None:
    one = write_set(tmp_path / "one.jsonl", QUESTIONS[:1])
    two = write_set(tmp_path / "two.jsonl", QUESTIONS[3:4])
    out, answers = tmp_path / "new" / "results", tmp_path / "answers.jsonl"
    status = report.evaluate([one, two], Path("some.index"), "extractive", True, out, answers)
    assert status == 0
    records = json.loads(capsys.readouterr().out)
    assert [r["set"] for r in records] == ["one", "two"]
    assert sorted(p.name for p in out.iterdir()) == ["one.json", "two.json"]
    assert json.loads((out / "two.json").read_text()) == records[1]
    lines = [json.loads(line) for line in answers.read_text().splitlines()]
    assert lines == [q["answer"] for r in records for q in r["questions"]]


def test_a_table_shows_types_and_intervals(
    tmp_path: Path, opened: list[Fake], capsys: pytest.CaptureFixture[str]
) -> None:
    source = write_set(tmp_path / "made.jsonl", QUESTIONS)
    report.evaluate([source], Path("some.index"), "extractive", False, None)
    lines = capsys.readouterr().out.splitlines()
    cells = {line.split()[1]: line.replace("│", " ").split() for line in lines if "│" in line}
    assert cells["number"][:4] == ["number", "2", "0.50", "0.50"]
    assert cells["overall"][:5] == ["overall", "5", "0.40", "0.33", "0.60"]
    assert any("0.00-0.80" in line for line in lines)
    assert any("citations verified 0.50" in line for line in lines)


def test_nothing_is_written_when_a_run_breaks_off(
    tmp_path: Path, opened: list[Fake], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: Fake, question: str, **_: Any) -> Answer:
        if question == "year?":
            raise KeyboardInterrupt
        return Answer("not_found", "")

    monkeypatch.setattr(Fake, "ask", broken)
    source = write_set(tmp_path / "made.jsonl", QUESTIONS)
    out, answers = tmp_path / "results", tmp_path / "answers.jsonl"
    with pytest.raises(KeyboardInterrupt):
        report.evaluate([source], Path("some.index"), "extractive", True, out, answers)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["made.jsonl"]


def test_all_sets_are_looked_at_before_any_is_run(tmp_path: Path, opened: list[Fake]) -> None:
    good = write_set(tmp_path / "good.jsonl", QUESTIONS)
    other = write_set(tmp_path / "other.jsonl", [gold("q6", "?", "x", Evidence("zz", 0, 1))])
    with pytest.raises(EvalError, match="other: the index lacks"):
        report.evaluate([good, other], Path("some.index"), "extractive", True, None)
    assert opened[0].calls == [("close",)]


def test_two_sets_of_one_name_are_refused(tmp_path: Path, opened: list[Fake]) -> None:
    (tmp_path / "x").mkdir()
    paths = [write_set(tmp_path / name, QUESTIONS) for name in ("a.jsonl", "x/a.jsonl")]
    with pytest.raises(EvalError, match="same file name"):
        report.evaluate(paths, Path("some.index"), "extractive", True, None)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path, opened: list[Fake]) -> None:
    source = write_set(tmp_path / "made.jsonl", QUESTIONS[:1])
    (tmp_path / "results").write_text("a file", encoding="utf-8")
    with pytest.raises(EvalError, match="cannot be written"):
        report.evaluate([source], Path("some.index"), "extractive", True, tmp_path / "results")


def test_names_from_a_set_are_not_markup() -> None:
    marked = Question("q1", "made", "[bold]x[/]", "?", False)
    record = {"set": "[red]s", "model": "m", "summary": run(Fake(), [marked]).summary()}
    console = Console(width=160, record=True, file=io.StringIO())
    console.print(report.table(record))
    assert "[bold]x[/]" in console.export_text()


def fake_git(folder: Path, tracked: bool, changed: str) -> str:
    """A ``git`` that knows the answers; returns the folder to put first in PATH."""
    script = folder / "git"
    script.write_text(
        "#!/bin/sh\n"
        'case "$3" in\n'
        f"ls-files) exit {0 if tracked else 1} ;;\n"
        "rev-parse) echo abc123 ;;\n"
        f"status) printf '%s' '{changed}' ;;\n"
        "esac\n",
        encoding="utf-8",
    )
    script.chmod(0o755)
    return str(folder)


@pytest.mark.parametrize(
    ("tracked", "changed", "expected"),
    [
        (True, "", "abc123"),
        (True, " M evals/run.py", "abc123+dirty"),
        (False, "", "unknown"),
    ],
)
def test_a_record_names_its_commit(
    tmp_path: Path,
    opened: list[Fake],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tracked: bool,
    changed: str,
    expected: str,
) -> None:
    monkeypatch.setenv("PATH", fake_git(tmp_path, tracked, changed))
    source = write_set(tmp_path / "made.jsonl", QUESTIONS[:1])
    report.evaluate([source], Path("some.index"), "extractive", True, None)
    assert json.loads(capsys.readouterr().out)["commit"] == expected


def test_without_git_the_commit_is_unknown(
    tmp_path: Path,
    opened: list[Fake],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    source = write_set(tmp_path / "made.jsonl", QUESTIONS[:1])
    report.evaluate([source], Path("some.index"), "extractive", True, None)
    assert json.loads(capsys.readouterr().out)["commit"] == "unknown"
