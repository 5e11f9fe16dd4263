"""A set asked of a fake whose answers and hits are written down here."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

import qa as qa_package
from evals import report
from evals.questions import EvalError, Evidence, Question
from evals.run import Result, check, run
from index.errors import NotInIndex
from index.types import Filters, Hit, Overview, Release
from qa.settings import Generation, Settings
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
        "sentences": 3,
        "unsupported_sentences": 1,  # "Volt" is in no quote
        "unsupported": 1 / 3,
        "invented_figures": 0,
    }
    assert {name: summary[name] for name in expected} == pytest.approx(expected)
    assert summary["calibration"]["answered"]["error"] == pytest.approx((0.1 + 0.6 + 0.5) / 3)
    assert 0 <= summary["median_ms"] <= summary["p95_ms"]


def test_what_is_not_in_the_quotes_is_told_of_each_question() -> None:
    wrong = replace(said(0.9, cite("a", *LOSS)), sentences=(Sentence("Acme lost RMB 7 million.", (0,)),))
    (result,) = run(Fake({"loss?": wrong}), QUESTIONS[:1]).results
    assert result.unsupported == ("Acme lost RMB 7 million.",)
    assert result.invented_figures == ("RMB 7 million",)
    told = result.to_dict()
    assert told["unsupported"] == ["Acme lost RMB 7 million."]
    assert told["invented_figures"] == ["RMB 7 million"]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (replace(said(0.9, cite("a", *LOSS)), timings_ms={"first_sentence": 5.0}), 5.0),
        (said(0.9, cite("a", *LOSS)), 70.0),
        (Answer("not_found", "", timings_ms={"first_sentence": 5.0}), None),
    ],
)
def test_the_first_sentence_comes_with_the_answer_unless_it_says_otherwise(
    answer: Answer, expected: float | None
) -> None:
    result = Result(QUESTIONS[0], answer, True, True, 1, 1, 1, milliseconds=70.0)
    assert result.first_sentence_ms == expected


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


@dataclass
class Named(Fake):
    """A fake for a model that is called ``model``."""

    model: str = ""
    answers: dict[str, Answer] = field(default_factory=dict)
    hits: dict[str, list[Hit]] = field(default_factory=dict)
    calls: list[tuple[Any, ...]] = field(default_factory=list)


WRITTEN = {
    "loss?": replace(
        said(0.9, cite("a", *LOSS)),
        sentences=(Sentence("Acme lost RMB 7 million.", (0,)),),
        model="pen:x",
    ),
    "year?": replace(
        said(0.9, cite("b", 0, 25)), notes=("pen:x: nothing holds",)
    ),  # extractive stands in
}


@pytest.fixture
def opens(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, bool]]:
    """Index, model and fallback of each opening; the fakes answer by the model they are opened for."""
    out: list[tuple[str, str, bool]] = []

    def opener(index: Path, model: str, settings: Settings) -> Fake:
        out.append((str(index), model, settings.generation.fallback))
        answers = {"extractive": FAKE_ANSWERS, "pen:x@http://me:secret@host": WRITTEN}.get(model, {})
        return Named(model=model.replace("me:secret", "***"), answers=answers)

    monkeypatch.setattr(qa_package, "ReleaseQA", type("Q", (), {"open": staticmethod(opener)}))
    plain = "evals.benchmarks.llamaindex.PlainLlamaIndex.open"
    monkeypatch.setattr(plain, lambda index, model, settings: opener(index, f"plain {model}", settings))
    return out


PEN = "pen:x@http://me:secret@host"


def test_several_models_take_turns_by_index_and_are_compared(
    tmp_path: Path, opens: list[tuple[str, str, bool]], capsys: pytest.CaptureFixture[str]
) -> None:
    one = write_set(tmp_path / "one.jsonl", QUESTIONS[:3])
    two = write_set(tmp_path / "two.jsonl", QUESTIONS[3:])
    out, answers = tmp_path / "out", tmp_path / "answers.jsonl"
    sets = [one, Path(f"{two}=other.index")]
    status = report.evaluate(
        sets, Path("some.index"), ["extractive", PEN, "llamaindex:local"], True, out, answers
    )
    turns = [
        (index, model, fallback)
        for index in ("some.index", "other.index")
        for model, fallback in (("extractive", False), (PEN, True), ("plain local", False))
    ]
    assert opens == [*turns, *turns]  # once to see that all can be used, then for good
    assert status == 1
    told = capsys.readouterr()
    given = json.loads(told.out)
    records, comparison = given["records"], given["comparison"]
    names = ["extractive", "pen:x@http://***@host", "plain local"]
    assert [(r["set"], r["model"]) for r in records] == [(s, m) for s in ("one", "two") for m in names]
    assert "secret" not in told.out + told.err
    assert comparison["sets"] == {s.stem: hashlib.sha256(s.read_bytes()).hexdigest() for s in (one, two)}
    shown = {
        row["model"]: [
            row[name]
            for name in (
                "questions", "accuracy", "precision", "coverage", "abstention_recall", "sentences",
                "unsupported_sentences", "invented_figures", "stood_in",
            )
        ]
        for row in comparison["models"]
    }  # fmt: skip
    assert shown == {
        "extractive": [5, 0.4, pytest.approx(1 / 3), 0.6, 0.5, 3, 1, 0, 0],
        "pen:x@http://***@host": [5, 0.6 + 0.2, 1.0, 0.4, 1.0, 2, 1, 1, 1],
        "plain local": [5, 0.4, None, 0.0, 1.0, 0, 0, 0, 0],
    }
    files = [
        f"{s}--{m}.json" for s in ("one", "two") for m in ("extractive", "pen-x-http-host", "plain-local")
    ]
    assert sorted(p.name for p in out.iterdir()) == ["comparison.json", *files]
    assert json.loads((out / "comparison.json").read_text()) == comparison
    assert json.loads((out / "two--plain-local.json").read_text()) == records[-1]
    lines = [json.loads(line) for line in answers.read_text().splitlines()]
    in_files = [r for m in names for r in records if r["model"] == m]
    assert lines == [q["answer"] for r in in_files for q in r["questions"]]
    assert told.err.count("questions, accuracy") == 6


def test_several_models_are_shown_in_one_table(
    tmp_path: Path, opens: list[tuple[str, str, bool]], capsys: pytest.CaptureFixture[str]
) -> None:
    source = write_set(tmp_path / "made.jsonl", QUESTIONS)
    report.evaluate([source], Path("some.index"), ["extractive", PEN], False, None)
    lines = capsys.readouterr().out.splitlines()
    cells = {line.split()[1]: line.replace("│", " ").split() for line in lines if "│" in line}
    assert cells["pen:x"][:12] == [
        "pen:x", "5", "0.80", "(0.40-1.00)", "1.00", "0.40", "1.00", "1", "of", "2", "(0.50)", "1",
    ]  # fmt: skip


def test_one_model_is_opened_once_and_quotes_stand_in_where_it_fails(
    tmp_path: Path, opens: list[tuple[str, str, bool]], capsys: pytest.CaptureFixture[str]
) -> None:
    source = write_set(tmp_path / "made.jsonl", QUESTIONS)
    report.evaluate([source], Path("some.index"), [PEN], True, tmp_path)
    assert opens == [("some.index", PEN, True)]
    assert Generation().fallback is False
    assert json.loads(capsys.readouterr().out)["set"] == "made"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["made.json", "made.jsonl"]


def test_nothing_is_asked_where_a_later_index_lacks_releases(
    tmp_path: Path, opens: list[tuple[str, str, bool]]
) -> None:
    good = write_set(tmp_path / "good.jsonl", QUESTIONS)
    other = write_set(tmp_path / "other.jsonl", [gold("q6", "?", "x", Evidence("zz", 0, 1))])
    with pytest.raises(EvalError, match="other: the index lacks"):
        report.evaluate([good, Path(f"{other}=b.index")], Path("a.index"), "extractive", True, None)
    assert opens == [("a.index", "extractive", False), ("b.index", "extractive", False)]


def test_a_file_with_an_equals_sign_is_a_file(tmp_path: Path, opens: list[tuple[str, str, bool]]) -> None:
    source = write_set(tmp_path / "a=b.jsonl", QUESTIONS[:1])
    report.evaluate([source], Path("some.index"), "extractive", True, None)
    assert opens == [("some.index", "extractive", False)]


@pytest.mark.parametrize(
    ("models", "sample", "says"),
    [
        (["local", "local"], 0, "two models have the same name; name each once"),
        (["a:b", "a/b"], 0, "two models have the same name"),
        (["local"], 5, "name a folder for it with --out"),
    ],
)
def test_what_cannot_be_written_is_told_first(
    tmp_path: Path, opens: list[tuple[str, str, bool]], models: list[str], sample: int, says: str
) -> None:
    source = write_set(tmp_path / "made.jsonl", QUESTIONS)
    with pytest.raises(EvalError, match=says):
        report.evaluate([source], Path("some.index"), models, True, None, sample=sample)
    assert opens == []


def test_a_sample_of_sentences_for_a_hand_check(
    tmp_path: Path, opens: list[tuple[str, str, bool]], capsys: pytest.CaptureFixture[str]
) -> None:
    source = write_set(tmp_path / "made.jsonl", QUESTIONS)
    report.evaluate([source], Path("some.index"), PEN, True, tmp_path, sample=100)
    sheet = (tmp_path / "sentences--pen-x-http-host.md").read_text()
    head, rows = sheet.split("|---|---|---|---|---|---|\n")
    assert head.startswith("# 2 of 2 sentences of pen:x@http://\\*\\*\\*@host\n")
    assert sorted(line.split(" | ", 1)[1] for line in rows.splitlines()) == [
        "Acme lost RMB 7 million. | Acme lost RMB 5 million. | A | 2024-01-02 | |",
        "Bolt was founded in 2014. | Bolt was founded in 2014. | B | 2024-01-02 | |",
    ]


def test_a_sample_is_random_by_its_seed_and_no_markup() -> None:
    texts = [f"Sentence {n} | <b>*x*</b>\nends." for n in range(30)]
    quote = cite("a", *LOSS, quote="a | b")
    every = tuple(Sentence(text, (0, 1)) for text in texts)
    answer = Answer("answered", "", every, (quote, replace(quote, date=None)))
    one = run(Fake({"loss?": answer}), QUESTIONS[:1])
    sheet = report.sentence_sheet("m", [one], 3)
    rows = sheet.splitlines()[-3:]
    numbers = [int(row.split()[4]) for row in rows]
    assert numbers != [0, 1, 2]
    assert rows[0] == (
        f"| 1 | Sentence {numbers[0]} \\| \\<b\\>\\*x\\*\\</b\\> ends. "
        "| a \\| b<br>a \\| b | A<br>A | 2024-01-02<br> | |"
    )
    assert report.sentence_sheet("m", [one], 3) == sheet != report.sentence_sheet("m", [one], 3, seed=1)


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
