from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from index_fakes import FakeEmbedder, index, record, vector, write_lines
from numpy.typing import NDArray

from index.errors import FilterError
from index.store import Store
from index.terms import stems, words
from index.types import Filters, Hit
from qa.pipeline import ReleaseQA
from qa.query import in_context, spellings
from qa.read import Reader
from qa.retrieve import Retriever, fuse
from qa.settings import STAGES, Retrieval, Settings, Stage
from qa.terms import PRIOR_TEXTS, shares, weights
from qa.types import Turn


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("THANK-uCAR® in 2025", ["thank", "ucar", "in", "2025"]),
        ("Crédit Agricole's", ["credit", "agricole", "s"]),
        ("科济药业 CT041", ["科", "济", "药", "业", "ct041"]),
        ("ＣＡＲ of IL-1β, β-catenin", ["car", "of", "il", "1", "beta", "beta", "catenin"]),
        ("Zorkia™ ελλάδα", ["zorkia", "ελλαδα"]),
        ("", []),
    ],
)
def test_words_are_folded_as_the_index_folds_them(text: str, expected: list[str]) -> None:
    assert words(text) == expected


def test_stems_are_porters() -> None:
    assert stems("Trials raised patients") == ["trial", "rais", "patient"]


@pytest.mark.parametrize(
    ("text", "phrases"),
    [
        ("CT041", {("CT041", "CT 041"), ("CT041", "CT041")}),
        ("CT-041", {("CT-041", "CT 041"), ("CT-041", "CT041")}),
        ("the 8K form", {("8K", "8 K"), ("8K", "8K")}),
        ("no code here", set()),
    ],
)
def test_code_names_are_sought_in_both_spellings(text: str, phrases: set[tuple[str, str]]) -> None:
    assert set(spellings(text)) == phrases


def test_a_rarer_term_weighs_more_and_every_weight_is_positive() -> None:
    found = weights({"rare": 1, "common": 90_000, "everywhere": 100_000}, 100_000)
    assert found["rare"] > found["common"] > found["everywhere"] > 0


def test_a_few_texts_do_not_make_a_common_word_tell_more_than_the_subject() -> None:
    found = weights({"what": 0, "zorkmid": 5}, 6)
    assert found["what"] < found["zorkmid"]
    assert shares({"zorkmid": 5}, 6) == {"zorkmid": 5 / (6 + PRIOR_TEXTS)}


@pytest.mark.parametrize(
    ("searches", "expected"),
    [
        ((), {}),
        (({}, {}), {}),
        (({1: 8.0}, {}), {1: 1.0}),
        # first in both is 1; half the best score in the one, and last in the other: a quarter and
        # a half of the scores, 11/12 of the reciprocal ranks
        (({1: 8.0, 2: 4.0}, {1: 1.0, 2: 0.5}), {1: 1.0, 2: (0.5 + 11 / 12) / 2}),
    ],
)
def test_fusion(searches: tuple[dict[int, float], ...], expected: dict[int, float]) -> None:
    assert fuse(*searches) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("question", "uses_history"),
    [
        ("And in 2021?", True),
        ("What about Beta?", True),
        ("How many patients will it enroll?", True),
        ("who runs the company", True),
        ("What overall remission rate did AUCATZYL reach in FELIX?", False),
        ("How much did Alpha raise in 2020?", False),
    ],
)
def test_only_a_follow_up_takes_names_from_the_turn_before(question: str, uses_history: bool) -> None:
    context = in_context(question, [Turn("Who leads Gamma?", "Ann Poe.")])
    assert context.startswith(question)
    assert ("Gamma" in context) is uses_history


def test_words_and_meaning_find_the_release(qa: ReleaseQA) -> None:
    hits = qa.search("Which kettles did Beta recall?", 3)
    assert hits[0].release_id == "beta-1"
    assert hits[0].score == 1.0
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    for hit in hits:
        assert qa.release(hit.release_id).text[hit.start : hit.end] == hit.quote


def test_a_shared_text_is_one_hit_of_the_newest_release_within_the_filters(qa: ReleaseQA) -> None:
    def holders(**filters: Any) -> list[str]:
        hits = qa.search("Who makes pumps in Lyon?", 10, **filters)
        return [hit.release_id for hit in hits if "pumps" in hit.quote]

    assert holders() == ["alpha-2"]
    assert holders(as_of="2020-12-31") == ["alpha-1"]


@pytest.mark.parametrize(
    ("filters", "ids"),
    [
        ({"company": "alpha"}, {"alpha-1", "alpha-2"}),
        ({"company": "ALP"}, {"alpha-1", "alpha-2"}),
        ({"since": "2021-05-06"}, {"alpha-2", "beta-1"}),
        ({"until": "2021-05-06"}, {"alpha-1", "alpha-2"}),
        ({"as_of": "2020-03-05"}, {"alpha-1"}),
        ({"as_of": "2020-03-04"}, set()),
        ({"company": "Beta Ltd", "until": "2020-01-01"}, set()),
        ({}, {"alpha-1", "alpha-2", "beta-1", "gamma-1"}),
    ],
)
def test_filters_hold(qa: ReleaseQA, filters: dict[str, Any], ids: set[str]) -> None:
    found = {hit.release_id for hit in qa.search("Alpha Beta Gamma raised money", 50, **filters)}
    assert found == ids


@pytest.mark.parametrize(
    ("filters", "says"),
    [
        ({"company": "Alfa Corp"}, "nearest: Alpha Corp"),
        ({"company": "100%"}, "no release here is by '100%'"),
        ({"since": "2021-01-02", "until": "2021-01-01"}, "swap them"),
        ({"since": "2021-01-02", "as_of": "2021-01-01"}, "after as-of"),
        ({"since": "soon"}, "write it as YYYY-MM-DD"),
    ],
)
def test_filters_that_cannot_be_say_so(qa: ReleaseQA, filters: dict[str, Any], says: str) -> None:
    with pytest.raises(FilterError, match=says):
        qa.search("money", **filters)


def test_what_another_process_adds_is_found(qa: ReleaseQA, folder: Path, tmp_path: Path) -> None:
    assert {h.release_id for h in qa.search("Delta lamps", 50)} & {"delta-1"} == set()
    index(folder, write_lines(tmp_path / "more.jsonl", record("delta-1", "Delta sells lamps.")))
    assert qa.search("Delta lamps", 1)[0].release_id == "delta-1"


@pytest.mark.parametrize("question", ['"', "*", "NEAR(", "a AND", "(((", "💊", "' OR 1=1 --", "-"])
def test_no_question_is_a_query_language(qa: ReleaseQA, question: str) -> None:
    assert all(0 <= hit.score <= 1 for hit in qa.search(question, 5, Filters().company))


# -- what a question says of releases -------------------------------------------------------------

Opened = Callable[..., ReleaseQA]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opened]:
    """Opens an index of records, with stages of retrieval left out."""
    open_: list[ReleaseQA] = []

    def make(*records: Mapping[str, Any], off: tuple[Stage, ...] = ()) -> ReleaseQA:
        folder = tmp_path / str(len(open_))
        index(folder / "index", write_lines(folder / "a.jsonl", *records))
        store, settings = Store(folder / "index"), Settings(embedder="fake", retrieval=Retrieval(off=off))
        retriever = Retriever(store, FakeEmbedder(), settings.retrieval)
        open_.append(ReleaseQA(store, retriever, Reader.load(), settings))
        return open_[-1]

    yield make
    for one in open_:
        one.close()


FIGURES = [n for n in range(10, 1000) if (vector(str(n)) == vector("10")).all()]
"""Figures that the fake embedder takes for one, so that releases differ by their day alone."""


def quarterly(year: int, month: int, company: str = "Orla Corp", **fields: Any) -> dict[str, Any]:
    """A release that says what all others of its company say, but for the figure."""
    return record(
        f"{company[:4].lower()}-{year}",
        f"{company} said that its revenue for the quarter rose to ${FIGURES[year % 100]} million on sales of lamps.",
        title=f"{company} reports results", date=f"{year}-{month:02}-15", company=company, **fields,
    )  # fmt: skip


LAMPS = [quarterly(year, 5) for year in (2019, 2020, 2021, 2022)]
NOISE = [quarterly(year, 5, "Brin Corp") for year in (2020, 2022)]


def first(qa: ReleaseQA, question: str, **options: Any) -> str:
    return qa.search(question, 5, **options)[0].release_id


@pytest.mark.parametrize(
    ("question", "id_"),
    [
        ("What was the revenue of Orla in the first quarter of 2019?", "orla-2019"),
        ("What was the revenue of Orla in the first quarter of 2020?", "orla-2020"),
        ("What was the revenue of Orla in May 2021?", "orla-2021"),
        ("What is the latest revenue of Orla?", "orla-2022"),
        ("What revenue did Orla first report?", "orla-2019"),
        ("What was the revenue of Brin in 2020?", "brin-2020"),
    ],
)
def test_the_release_that_a_question_means_comes_first(opened: Opened, question: str, id_: str) -> None:
    assert first(opened(*LAMPS, *NOISE), question) == id_


def test_a_preference_can_be_taken_back(opened: Opened) -> None:
    qa, question = opened(*LAMPS, *NOISE), "What was the revenue of Orla in the first quarter of 2020?"
    answer = qa.ask(question)
    assert [(m.kind, m.label) for m in answer.scope] == [("company", "Orla Corp"), ("period", "Q1 2020")]
    assert [question[m.start : m.end] for m in answer.scope] == ["Orla", "first quarter of 2020"]
    taken = qa.ask(question, ignore=["q1 2020"])
    assert [m.label for m in taken.scope] == ["Orla Corp"]
    assert qa.ask(question, ignore=["Q1 2020", "Orla Corp"]).scope == ()
    question = "What revenue did Orla first report?"
    assert [m.label for m in qa.ask(question, ignore=["first"]).scope] == ["Orla Corp"]
    scores = [
        {h.release_id: h.score for h in qa.search(question, 9, ignore=back)} for back in ([], ["first"])
    ]
    assert scores[0] != scores[1]


def test_a_follow_up_moves_the_period(opened: Opened) -> None:
    qa, history = (
        opened(*LAMPS, *NOISE),
        [Turn("What was the revenue of Orla in the first quarter of 2021?")],
    )
    question = "And what was it a year earlier?"
    assert [m.label for m in qa.ask(question, history=history).scope] == ["Orla Corp", "Q1 2020"]
    assert first(qa, question, history=history) == "orla-2020"
    later = qa.ask("And what was it a year later?", history=history)
    assert [m.label for m in later.scope] == ["Orla Corp", "Q1 2022"]
    third = qa.scope("And in the third quarter?", history=history)
    assert [m.label for m in third] == ["Orla Corp", "Q3 2021"]
    after = qa.scope("And in the third quarter of the following year?", history=history)
    assert [m.label for m in after] == ["Orla Corp", "Q3 2022"]
    since = [Turn("What has Orla Corp opened since 2019?")]  # no one year to take
    assert [m.label for m in qa.scope("And in Q4?", history=since)] == ["Orla Corp", "since 2019"]
    both = qa.scope("How does that compare with 2020?", history=history)
    assert [m.label for m in both] == ["Orla Corp", "Q1 2021", "2020"]


def test_a_new_subject_takes_nothing_from_the_old(opened: Opened) -> None:
    qa, history = (
        opened(*LAMPS, *NOISE),
        [Turn("What was the revenue of Orla in May 2021?", "It was $21 million.")],
    )
    question = "What revenue did Brin Corp report in 2022?"
    assert qa.search(question, 9, history=history) == qa.search(question, 9)
    assert [m.label for m in qa.ask(question, history=history).scope] == ["Brin Corp", "2022"]
    assert first(qa, question, history=history) == "brin-2022"


@pytest.mark.parametrize("stage", STAGES)
def test_each_stage_can_be_left_out(opened: Opened, stage: str) -> None:
    qa = opened(*LAMPS, *NOISE, off=(stage,))
    for question in ("What was the revenue of Orla in 2020?", "?", "lamps lamps"):
        hits = qa.search(question, 4)
        assert [hit.score for hit in hits if not 0 <= hit.score <= 1] == []
        assert all(qa.release(h.release_id).text[h.start : h.end] == h.quote for h in hits)
    assert {h.release_id for h in qa.search("revenue of Orla", 6)} & {r["id"] for r in LAMPS}
    assert bool(qa.ask("What was the revenue of Orla in 2020?").scope) is (stage != "scope")


def test_all_stages_can_be_left_out_but_a_search(opened: Opened) -> None:
    for search in ("lexical", "dense"):
        qa = opened(*LAMPS, off=tuple(set(STAGES) - {search}))
        assert qa.search("revenue of lamps", 4)[0].score == 1.0


# -- as of a day ----------------------------------------------------------------------------------

AS_OF = "2020-12-31"
BEFORE = [
    *LAMPS[:2],
    NOISE[0],
    record("zed-2020", "Zed Lamps Inc. (“Zedco”) shone in Oslo.\n\nAbout Zed\n\nZed makes lamps. Call 555.",
           date="2020-03-03", company="Zed Lamps Inc."),
]  # fmt: skip
AFTER = [
    *LAMPS[2:],
    NOISE[1],
    # other names, the same name for another issuer, texts of before, and tickers that were not there
    record("zed-2022", "Zed Lamps Inc., formerly known as Brin Corp, grew.\n\nAbout Zed\n\nZed makes lamps. Call 555.",
           date="2022-03-03", company="Zed Lamps Inc.", tickers=["NYSE: ZED"]),
    *(record(f"other-{i}", f"Orla lamps of {i} glowed.", date="2022-04-04", company="Orla", tickers=["NYSE: ORLA"])
      for i in range(5)),
    *(quarterly(year, 6, tickers=["NYSE: OLA"]) for year in (2023, 2024, 2025)),
    record("undated", "Orla Corp, formerly known as Lampco, glowed without a day.", company="Orla Corp"),
]  # fmt: skip


@pytest.mark.parametrize(
    "question",
    [
        "What was the revenue of Orla Corp in the first quarter of 2019?",
        "What is the latest revenue of Orla Corp?",
        "What revenue did Orla Corp first report?",
        "What did Zed Lamps Inc. make?",
        "What did Zedco make?",
        "Where did Zed Lamps Inc. shine?",
        "What does ZED do?",
        "What does Lampco do last year?",
    ],
)
def test_nothing_later_is_seen_as_of_a_day(opened: Opened, question: str) -> None:
    """The same hits as from an index that lacks the later releases; only counts of words differ."""
    then, now = opened(*BEFORE), opened(*BEFORE, *AFTER)
    for stages in ({}, {"as_of": "2020-05-14"}):
        filters: dict[str, Any] = {"as_of": AS_OF, **stages}
        seen, expected = now.search(question, 50, **filters), then.search(question, 50, **filters)
        by_id = [sorted((h.release_id, h.start, h.quote, h.title, h.carriers, str(h.first_seen), str(h.last_seen))
                        for h in hits) for hits in (seen, expected)]  # fmt: skip
        assert by_id[0] == by_id[1]
        assert seen[0].release_id == expected[0].release_id
        assert now.ask(question, **filters).scope == then.ask(question, **filters).scope


def test_an_issuer_is_known_as_of_the_day_of_its_first_release(opened: Opened) -> None:
    qa = opened(*BEFORE, *AFTER)
    for day, labels in (("2020-12-31", ["Orla Corp"]), ("2018-01-01", [])):
        assert [m.label for m in qa.ask("What did Orla Corp sell?", as_of=day).scope] == labels
    assert [m.label for m in qa.ask("What did Orla sell?", as_of="2020-12-31").scope] != ["Orla"]


def test_a_stated_as_of_prefers_but_does_not_hide(opened: Opened) -> None:
    qa = opened(*LAMPS)
    hits = qa.search("What was the revenue of Orla as of June 2020?", 9)
    assert {h.release_id for h in hits} == {r["id"] for r in LAMPS}
    assert all(h.date is not None and h.date <= dt.date(2022, 12, 31) for h in hits)


class _Shortest:
    """Takes the shortest passage for the best."""

    def scores(self, question: str, hits: Sequence[Hit]) -> NDArray[np.float64]:
        return np.array([-len(hit.quote) for hit in hits], dtype=np.float64)


def test_a_reranker_orders_the_best_and_no_others(tmp_path: Path) -> None:
    bodies = ["Kettles of Zorka boil water at the plant in Lyon.", "Kettles of Zorka boil.", "Pumps ran."]
    index(tmp_path / "index", write_lines(tmp_path / "a.jsonl", *(
        record(f"r{i}", body, company=f"C{i}") for i, body in enumerate(bodies)
    )))  # fmt: skip
    store, question = Store(tmp_path / "index"), "Which kettles of Zorka boil water at the plant in Lyon?"

    def order(**settings: Any) -> list[str]:
        retriever = Retriever(store, FakeEmbedder(), Retrieval(**settings), _Shortest())
        return [hit.release_id for hit in retriever.search(retriever.query(question), 3, Filters())]

    assert order(off=("reranker",))[0] == "r0"
    assert order() == sorted(("r0", "r1", "r2"), key=lambda id_: len(bodies[int(id_[1])]))
    assert order(reranked=1)[0] == "r0"
    store.close()
