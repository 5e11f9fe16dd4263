from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from index_fakes import index, record, write_lines

from index.errors import FilterError
from index.types import Filters
from qa.pipeline import ReleaseQA
from qa.retrieve import fuse, in_context
from qa.terms import PRIOR_TEXTS, code_variants, shares, stems, weights, words
from qa.types import Turn


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("THANK-uCAR® in 2025", ["thank", "ucar", "in", "2025"]),
        ("Crédit Agricole's", ["credit", "agricole", "s"]),
        ("科济药业 CT041", ["科济药业", "ct041"]),
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
        ("CT041", {'"CT 041"', '"CT041"'}),
        ("CT-041", {'"CT 041"', '"CT041"'}),
        ("the 8K form", {'"8 K"', '"8K"'}),
        ("no code here", set()),
    ],
)
def test_code_names_are_sought_in_both_spellings(text: str, phrases: set[str]) -> None:
    assert set(code_variants(text)) == phrases


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
