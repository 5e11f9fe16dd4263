from __future__ import annotations

import json
from importlib.resources import files

import numpy as np
import pytest
from index_fakes import FakeEmbedder, vector

from index.types import Hit
from qa.features import NAMES, candidates, matrix
from qa.query import Query, terms
from qa.read import (
    ANSWER_NAMES,
    SHORTLIST,
    SHORTLIST_NAMES,
    Reader,
    answer_features,
    choose,
    shortlist,
    with_similarity,
)
from qa.scope import Scope
from qa.settings import Reading


def hit(text: str, release_id: str = "r", start: int = 0, score: float = 1.0, title: str = "T") -> Hit:
    return Hit(release_id, start, start + len(text), score, title, None, text)


def asked(text: str, weights: dict[str, float] | None = None) -> Query:
    weights = weights or {"x": 1.0}
    return Query(text, text, weights, terms("", weights, ()), vector(text), Scope())


def named(query: Query, text: str, **fields: str) -> dict[str, float]:
    """The features of the first sentence of a text."""
    found = candidates([hit(text, **fields)])  # type: ignore[arg-type]
    return dict(zip(NAMES, matrix(query, found)[0].tolist(), strict=True))


def test_candidates_are_slices_without_item_marks_and_headings() -> None:
    text = "## Key figures\n\n- Sales rose 5%.\n- Costs fell.\n\n3. Third point."
    found = candidates([hit(text, start=100)])
    assert [c.text for c in found] == ["Sales rose 5%.", "Costs fell.", "Third point."]
    assert all(text[c.start - 100 : c.end - 100] == c.text for c in found)


def test_features_of_a_sentence() -> None:
    query = asked("How much did Alpha raise in 2020?", {"alpha": 3.0, "rais": 2.0, "2020": 1.0})
    found = named(query, "Alpha raised $12.5 million. It was glad.", title="Alpha")
    assert found["coverage"] == pytest.approx(5 / 6)
    assert found["title"] == pytest.approx(3 / 6)
    assert found["names"] == pytest.approx(1 / 2)  # Alpha, not 2020
    assert found["year"] == 1.0
    assert found["missing"] == pytest.approx(1 / 3)
    assert (found["asks_number"], found["number_for_number"], found["money_for_money"]) == (1, 1, 1)
    assert (found["first"], found["heading"], found["rarest"]) == (1, 0, 1)


@pytest.mark.parametrize(
    ("question", "text", "feature"),
    [
        ("When was it sold?", "It was sold on May 3.", "date_for_date"),
        ("Who runs it?", "It is run by Jane Roe.", "name_for_who"),
        ("Why did it close?", "It closed because the roof leaked.", "reason_for_why"),
        ("What percentage agreed?", "Some 5 percent agreed.", "percent_for_percent"),
        ("What does Alpha do?", "Alpha makes pumps.", "definition"),
    ],
)
def test_the_kind_of_answer_is_seen(question: str, text: str, feature: str) -> None:
    query = asked(question)
    assert named(query, text)[feature] == 1.0
    assert named(query, "Nothing of the sort.")[feature] == 0.0


def test_the_best_of_one_release_come_in_its_order_and_once() -> None:
    found = candidates([hit("One. Two. Three.", "a"), hit("Four. Two.", "b"), hit("One.", "a", 50)])
    scores = np.array([1.0, 2.0, 2.5, 2.4, 2.3, 1.1])
    assert [c.text for c in choose(found, scores, 2.0, Reading())] == ["Two.", "Three.", "One."]
    assert [c.start for c in choose(found, scores, 2.0, Reading())] == [5, 10, 50]
    assert [c.text for c in choose(found, scores, 0.6, Reading())] == ["Two.", "Three."]
    assert [c.text for c in choose(found, scores, 2.0, Reading(sentences=1))] == ["Three."]
    assert [c.text for c in choose(found, scores, 2.0, Reading(characters=11))] == ["Two.", "Three."]


def test_a_single_sentence_is_given_whole() -> None:
    long = "A" + " very" * 140 + " long one."
    found = candidates([hit(long)])
    assert [c.text for c in choose(found, np.array([1.0]), 1.0, Reading(characters=20))] == [long]


def test_the_lead_is_over_the_next_best() -> None:
    features = np.zeros((3, len(SHORTLIST_NAMES)))
    inputs = answer_features(features, np.array([1.0, 3.0, 2.0]))
    shares = 1 / (1 + np.exp(-1.0) + np.exp(-2.0))
    assert inputs[:3].tolist() == pytest.approx([3.0, 1.0, shares])
    assert len(inputs) == len(ANSWER_NAMES)


def test_the_packaged_reader_weighs_exactly_these_features() -> None:
    values = json.loads(files("qa").joinpath("reader.json").read_text("utf-8"))
    assert tuple(values["first_weights"]) == NAMES
    assert tuple(values["weights"]) == SHORTLIST_NAMES
    assert tuple(values["answer_weights"]) == ANSWER_NAMES
    assert 0 < values["threshold"] < 1


def test_nothing_found_is_nothing_said() -> None:
    assert Reader.load(FakeEmbedder()).read(asked("Why?"), [], Reading()) == ([], [], 0.0)


def test_the_shortlist_is_the_best_in_the_order_of_the_text() -> None:
    scores = np.array([0.0, 9.0, *range(1, SHORTLIST + 1)])
    assert shortlist(scores) == [1, *range(3, SHORTLIST + 2)]


def test_similarity_is_the_cosine_to_the_question() -> None:
    query, found = asked("alpha beta"), candidates([hit("alpha beta gamma delta.")])
    features = with_similarity(np.zeros((1, len(NAMES))), found, query, FakeEmbedder())
    assert features.shape == (1, len(SHORTLIST_NAMES))
    assert features[0, -1] == pytest.approx(2 / (2**0.5 * 4**0.5))
