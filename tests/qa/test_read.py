from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from importlib.resources import files

import numpy as np
import pytest
from index_fakes import vector

from index.types import Hit
from qa.asks import wants_list
from qa.features import NAMES, candidates, is_item, matrix
from qa.query import YEAR, Query, terms
from qa.read import (
    ANSWER_NAMES,
    PASSAGE_NAMES,
    SENTENCE_NAMES,
    Reader,
    Scores,
    Text,
    answer_features,
    assembled,
    choose,
    in_turn,
    introduced,
    itemised,
    passages,
    sentence_features,
)
from qa.scope import Scope
from qa.settings import Reading


class Digits:
    """A scorer that takes a sentence for better, the more digits it has; its answer is its last word."""

    def __init__(self) -> None:
        self.seen: list[Text] = []

    def read(self, question: str, texts: Sequence[Text]) -> list[Scores]:
        self.seen += texts
        return [self._read(text) for text in texts]

    def _read(self, text: Text) -> Scores:
        scores, spans = zip(*(self._one(text, span) for span in text.sentences), strict=True)
        return Scores(np.array(scores), tuple(spans))

    @staticmethod
    def _one(text: Text, span: tuple[int, int]) -> tuple[float, tuple[int, int]]:
        said = text.passage[span[0] : span[1]]
        return float(sum(c.isdigit() for c in said)) - 2, (span[0] + said.rfind(" ") + 1, span[1])


def reader(**weights: float) -> Reader:
    """A reader with the scorer above, by whose score it goes alone."""
    values = {
        "weights": dict.fromkeys(SENTENCE_NAMES, 0.0) | {"read": 1.0} | weights,
        "answer_weights": dict.fromkeys(ANSWER_NAMES, 0.0) | {"read": 1.0},
        "passage_weights": dict.fromkeys(PASSAGE_NAMES, 0.0) | {"best_read": 1.0},
        "answer_bias": 0.0,
        "margin": 1.0,
        "threshold": 0.5,
    }
    return Reader.of(values, Digits())


def hit(text: str, release_id: str = "r", start: int = 0, score: float = 1.0, title: str = "T") -> Hit:
    return Hit(release_id, start, start + len(text), score, title, None, text)


def asked(text: str, weights: dict[str, float] | None = None) -> Query:
    weights = weights or {"x": 1.0}
    given = terms("", weights, ())
    return Query(text, text, weights, given, vector(text), Scope(), text, years=tuple(YEAR.findall(text)))


def named(query: Query, text: str, **fields: str) -> dict[str, float]:
    """The features of the first sentence of a text."""
    found = candidates([hit(text, **fields)])  # type: ignore[arg-type]
    return dict(zip(NAMES, matrix(query, found)[0].tolist(), strict=True))


def test_candidates_are_slices_without_item_marks_and_headings() -> None:
    text = "## Key figures\n\n- Sales rose 5%.\n- Costs fell.\n\n3. Third point."
    found = candidates([hit(text, start=100)])
    assert [c.text for c in found] == ["Sales rose 5%.", "Costs fell.", "Third point."]
    assert all(text[c.start - 100 : c.end - 100] == c.text for c in found)


def test_what_no_stop_ends_is_taken_apart_and_figures_alone_are_left_out() -> None:
    prose = "Sales of pumps rose by five percent* * * *Costs fell by a half* *Paris, May 3 -- It said so."
    text = f"{prose}\n\n675\n\n$ (5,815)"
    found = candidates([hit(text, start=10)])
    assert [c.text for c in found] == [
        "Sales of pumps rose by five percent",
        "Costs fell by a half",
        "Paris, May 3 -- It said so.",
    ]
    assert all(text[c.start - 10 : c.end - 10] == c.text for c in found)


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
    found = candidates([hit("One. Two.", "a"), hit("Three.", "b")])
    features = np.zeros((3, len(SENTENCE_NAMES)))
    query = replace(asked("Who is Ann of Bree?"), named=2, unknown=("Bree",))
    inputs = dict(
        zip(ANSWER_NAMES, answer_features(query, found, features, np.array([1.0, 3.0, 2.0])), strict=True)
    )
    total = 1 + np.exp(-1.0) + np.exp(-2.0)
    assert (inputs["read"], inputs["read_share"]) == (0.0, 0.5)
    assert (inputs["lead"], inputs["unknown"], inputs["year"]) == (1.0, 0.5, 0.0)
    assert inputs["sharpness"] == pytest.approx(1 / total)
    assert inputs["agreement"] == pytest.approx((1 + np.exp(-2.0)) / total)
    assert inputs["any"] == pytest.approx(np.log(3))
    assert inputs["any_share"] == pytest.approx(3 / 4)


def test_the_packaged_reader_weighs_exactly_these_features() -> None:
    values = json.loads(files("qa").joinpath("reader.json").read_text("utf-8"))
    assert tuple(values["weights"]) == SENTENCE_NAMES
    assert tuple(values["answer_weights"]) == ANSWER_NAMES
    assert tuple(values["passage_weights"]) == PASSAGE_NAMES
    assert 0 < values["threshold"] < 1


def test_nothing_found_is_nothing_said() -> None:
    read = reader().read(asked("Why?"), [], Reading())
    assert (read.chosen, read.promising, read.probability, read.hits) == ((), (), 0.0, ())


def test_the_sentences_that_the_scorer_prefers_are_chosen_with_their_answers() -> None:
    hits = [hit("It rained. Sales were 1,234 units.", "a", 50), hit("Costs were 7.", "b")]
    read = reader().read(asked("How many units?"), hits, Reading())
    assert [c.text for c in read.chosen] == ["Sales were 1,234 units."]
    (chosen,) = read.chosen
    assert chosen.answer is not None
    assert hits[0].quote[chosen.answer[0] - 50 : chosen.answer[1] - 50] == "units."
    assert read.probability == pytest.approx(1 / (1 + np.exp(-2.0)))
    assert [c.text for c in read.promising] == ["Sales were 1,234 units.", "Costs were 7.", "It rained."]


def test_the_features_of_a_passage_stand_beside_those_of_its_sentences() -> None:
    read = passages("How many?", [hit("None. It is 12.", score=0.5), hit("##"), hit("A 3.")], Digits())
    assert [len(passage.sentences) for passage in read] == [2, 1]
    both = np.logaddexp(-2.0, 0.0)
    assert read[0].features().tolist() == pytest.approx([np.log(0.5), both, 0.0])
    features = sentence_features(asked("How many?"), read)
    assert features.shape == (3, len(SENTENCE_NAMES))
    assert features[0, :3].tolist() == pytest.approx([-2, both, np.log(0.5)])
    assert features[1, :3].tolist() == pytest.approx([0, both, np.log(0.5)])


def test_hits_are_looked_at_again() -> None:
    hits = [hit("No figure here.", "a"), hit("##", "b"), hit("It is 12.", "c"), hit("In 1234.", "d")]
    read = reader().read(asked("How many?"), hits, Reading(passages=3))
    assert [h.release_id for h in read.hits] == ["c", "a", "b", "d"]
    scores = reader().scores("How many?", hits)
    assert [hits[i].release_id for i in np.argsort(-scores, kind="stable")] == ["d", "c", "a", "b"]
    assert reader().scores("How many?", []).shape == (0,)


def test_the_scorer_is_told_date_section_and_title() -> None:
    one = reader()
    one.read(asked("Why?"), [hit("Because.", title="A\nB")], Reading())
    assert isinstance(one.scorer, Digits)
    assert [text.heading for text in one.scorer.seen] == [" : A B"]


def test_a_pronoun_brings_the_sentence_that_it_points_back_to() -> None:
    found = candidates([hit("Ann leads Alpha. She joined in 2020. It grew.", "a"), hit("He left.", "b")])
    ann, she, it, he = found
    assert introduced([she], found, Reading()) == [ann, she]
    assert introduced([it], found, Reading()) == [she, it]
    assert introduced([he], found, Reading()) == [he]
    assert introduced([ann], found, Reading()) == [ann]
    assert introduced([ann, she], found, Reading()) == [ann, she]
    assert introduced([she], found, Reading(characters=30)) == [she]
    assert introduced([she], found, Reading(sentences=1)) == [she]


def test_the_parts_of_a_question_are_answered_within_the_limits_of_one() -> None:
    one = [hit("It sold 123 units of its pumps. It sold 12 units.", "a")]
    two = [hit("It made 345 of them. It had 34.", "b"), hit("It rained.", "c")]
    reads = [reader().read(asked("How many?"), hits, Reading()) for hits in (one, two)]

    def texts(sentences: int = 4, characters: int = 600) -> list[str]:
        settings = Reading(sentences=sentences, characters=characters)
        return [c.text for c in assembled(reads, settings)]

    first, other, second, last = (
        "It sold 123 units of its pumps.",
        "It sold 12 units.",
        "It made 345 of them.",
        "It had 34.",
    )
    assert texts() == [first, other, second, last]
    assert texts(sentences=3) == [first, other, second]
    assert texts(characters=52) == [first, second]
    assert texts(characters=40) == [other, second]
    assert texts(characters=5) == [first, second]  # the best, where nothing fits
    assert assembled(reads[:1], Reading()) == list(reads[0].chosen)
    assert [h.release_id for h in in_turn(reads)] == ["a", "b", "c"]


def test_a_list_is_quoted_with_its_items() -> None:
    text = "It has 3 sites:\n\n- Lyon, with 40 people.\n- Rome.\n- Oslo.\n\nIt was founded in 1990."
    found = candidates([hit(text)])
    items = [c for c in found if is_item(c)]
    assert [c.text for c in items] == ["Lyon, with 40 people.", "Rome.", "Oslo."]
    assert itemised(items[1:2], found, 600) == items
    assert itemised(items[1:2], found, 12) == items[1:]
    assert itemised(items[:1], found, 12) == items[:1]
    other = [c for c in found if not is_item(c)]
    assert itemised(other, found, 600) == other


@pytest.mark.parametrize(
    ("question", "several"),
    [
        ("Which conditions does it treat?", True),
        ("What are the two sites?", True),
        ("List the new directors", True),
        ("What conditions was it approved for?", True),
        ("Which company bought it?", False),
        ("What was Merck's revenue?", False),
        ("Which company makes it?", False),
        ("What is the status of the trial?", False),
        ("What percentage of patients responded?", False),
        ("Who heads Alder?", False),
        ("What was the price?", False),
        ("When does it open?", False),
    ],
)
def test_a_question_for_a_list(question: str, several: bool) -> None:
    assert wants_list(question) is several
