"""Answers that a language model writes, with a model that says what it is told to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from qa_fixtures import ScriptedModel

from index.errors import ModelError
from qa.errors import ModelFailed
from qa.pipeline import ReleaseQA
from qa.types import Answer, Turn
from qa.verify import check_saved, is_slice

Open = Callable[..., ReleaseQA]
QUESTION = "How much did Alpha Corp raise in March 2020?"
RIGHT = "Alpha Corp raised $12.5 million in March 2020. [1]"
QUOTE = "Alpha Corp raised $12.5 million in March 2020."


def outcomes(answer: Answer) -> list[tuple[str, str, int | None]]:
    return [(check.outcome, check.reason, check.sentence) for check in answer.checks]


def ask(open_: Open, *pieces: str | Exception, question: str = QUESTION, **generation: Any) -> Answer:
    qa = open_(ScriptedModel(pieces), **generation)
    answer = qa.ask(question)
    for citation in answer.citations:
        assert is_slice(
            qa.release(citation.release_id).text, citation.start, citation.end, citation.quote
        )
    assert check_saved([answer.to_dict()], qa.release) == (len(answer.citations), [])
    return answer


def test_a_supported_sentence_is_shown_with_its_quote(ask_model: Open) -> None:
    answer = ask(ask_model, RIGHT)
    assert (answer.status, answer.text, answer.model) == ("answered", QUOTE, "scripted")
    assert [citation.quote for citation in answer.citations] == [QUOTE]
    assert outcomes(answer) == [("supported", "", 0)]
    assert (answer.raw, answer.usage) == (RIGHT, {"prompt_tokens": 10, "completion_tokens": 5})
    assert answer.notes == ()
    assert set(answer.timings_ms) == {"retrieve", "read", "first_sentence", "generate", "verify", "total"}


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("Alpha Corp raised $12.5 billion in March 2020. [1]", "the source does not say “$12.5 billion”"),
        ("Alpha Corp raised $13.5 million in March 2020. [1]", "the source does not say “$13.5 million”"),
        ("Alpha Corp raised $12.5 million in April 2020. [1]", "the source does not say “April 2020”"),
        ("Alpha Corp did not raise $12.5 million in March 2020. [1]", "one denies what the other states"),
        ("In March 2020 the sum taken in by Alpha Corp came to $12.5 million. [1]",
         "it is worded more freely than can be checked"),
    ],
)  # fmt: skip
def test_what_the_source_does_not_bear_out_is_replaced_by_the_source(
    ask_model: Open, written: str, reason: str
) -> None:
    answer = ask(ask_model, written)
    assert answer.text == QUOTE
    assert outcomes(answer) == [("corrected", reason, 0)]


def test_freer_wording_is_shown_where_the_settings_allow_it(ask_model: Open) -> None:
    written = "In March 2020 the sum taken in by Alpha Corp came to $12.5 million."
    assert ask(ask_model, written + " [1]", wording=0.0).text == written


def test_what_no_source_is_near_to_is_dropped_and_the_quote_stands_in(ask_model: Open) -> None:
    answer = ask(ask_model, "The moon is made of green cheese and honey. [1]")
    assert (answer.status, answer.model) == ("answered", "extractive")
    assert QUOTE in answer.text
    assert [outcome for outcome, _, _ in outcomes(answer)] == ["dropped"]
    assert answer.notes == (
        "scripted: nothing that the model wrote holds; the answer is quoted without it",
    )
    assert answer.raw == "The moon is made of green cheese and honey. [1]"


@pytest.mark.parametrize(
    "written",
    ["NOT FOUND", "Not found.", "The passages do not mention how much Alpha Corp raised.",
     "There is no information about this in the passages."],
)  # fmt: skip
def test_a_model_that_says_the_passages_do_not_say_is_believed(ask_model: Open, written: str) -> None:
    answer = ask(ask_model, written)
    assert (answer.status, answer.text, answer.model) == ("not_found", "", "scripted")


def test_of_two_parts_what_can_be_quoted_stands_where_a_model_abstains(ask_model: Open) -> None:
    question = f"{QUESTION[:-1]}, and why did Beta recall its kettles?"
    answer = ask(ask_model, "NOT FOUND", question=question)
    assert QUOTE in answer.text
    assert answer.notes[-1] == (
        "scripted: the model says that the passages do not answer all of it; "
        "the answer is quoted without it"
    )


def test_an_unknown_passage_number_is_recorded(ask_model: Open) -> None:
    answer = ask(ask_model, QUOTE + " [7]")
    assert outcomes(answer) == [("supported", "it cites passage 7, which there is not", 0)]
    assert answer.citations[0].quote == QUOTE


@pytest.mark.parametrize(
    "written",
    ["Alpha Corp raised $12.5 million, see https://evil.example/x for more. [1]",
     "<b>Alpha Corp raised $12.5 million in March 2020.</b> [1]",
     "![x](https://evil.example/p.png) Alpha Corp raised $12.5 million in March 2020. [1]",
     '{"tool": "mail"} Alpha Corp raised $12.5 million in March 2020. [1]'],
)  # fmt: skip
def test_markup_and_addresses_of_a_model_are_never_shown(ask_model: Open, written: str) -> None:
    answer = ask(ask_model, written)
    assert "evil" not in answer.text and "<" not in answer.text and "{" not in answer.text
    assert {outcome for outcome, _, _ in outcomes(answer)} <= {"dropped", "supported"}


def test_a_sentence_is_said_once(ask_model: Open) -> None:
    model = ScriptedModel([RIGHT, " ", RIGHT, " ", RIGHT, " ", RIGHT, " and so on"])
    answer = ask_model(model).ask(QUESTION)
    assert answer.text == QUOTE
    assert outcomes(answer)[1:] == [("dropped", "it was said already", None)]  # then it is stopped
    assert model.streams[0].closed


def test_sentences_stream_as_they_are_verified_and_are_never_taken_back(ask_model: Open) -> None:
    other = "The money pays for the Zeta trial. [1]"
    model = ScriptedModel([RIGHT, " The moon", " is cheese. [1] ", other, " Then more is", " to come"])
    shown = list(ask_model(model).stream(QUESTION))
    texts = [answer.text for answer in shown]
    assert texts == [QUOTE, f"{QUOTE} {other[:-4]}", f"{QUOTE} {other[:-4]}"]
    assert all(
        later.sentences[: len(a.sentences)] == a.sentences
        for a in shown
        for later in shown[shown.index(a) :]
    )
    assert shown[0].timings_ms["first_sentence"] <= shown[-1].timings_ms["total"]


def test_a_sentence_is_there_before_the_model_has_finished(ask_model: Open) -> None:
    model = ScriptedModel([RIGHT, " The money pays", " for the Zeta trial. [1]"])
    pieces = ask_model(model).stream(QUESTION)
    assert next(pieces).text == QUOTE
    assert model.streams[0].taken == 2
    pieces.close()  # type: ignore[attr-defined]
    assert model.streams[0].closed


def test_a_model_is_stopped_when_enough_is_said(ask_model: Open) -> None:
    model = ScriptedModel([RIGHT + " ", "The money pays for the Zeta trial. [1] ", "Endless words. "] * 1)
    qa = ask_model(model)
    object.__setattr__(qa.settings.reading, "sentences", 1)
    qa.ask(QUESTION)
    assert model.streams[0].closed


@pytest.mark.parametrize("error", [ModelFailed("it broke off; ask again"), ModelError("set the key")])
def test_a_failure_is_an_error_or_with_fallback_a_quote(ask_model: Open, error: ModelError) -> None:
    with pytest.raises(type(error), match=str(error)):
        ask_model(ScriptedModel([error])).ask(QUESTION)
    answer = ask(ask_model, error, fallback=True)
    assert (answer.status, answer.model) == ("answered", "extractive")
    assert answer.notes == (f"scripted: {error}; the answer is quoted without it",)


def test_a_failure_behind_a_verified_sentence_keeps_it_and_says_so(ask_model: Open) -> None:
    answer = ask(ask_model, RIGHT, " The money pays", ModelFailed("it broke off; ask again"))
    assert (answer.text, answer.model) == (QUOTE, "scripted")
    assert answer.notes == ("it broke off; ask again",)


def test_a_small_model_is_held_to_the_reader(ask_model: Open) -> None:
    model = ScriptedModel([RIGHT], small=True)
    qa = ask_model(model)
    object.__setattr__(qa.settings.reading, "threshold", 1.0)
    assert qa.ask(QUESTION).status == "not_found"
    assert model.asked == []  # nothing seems to answer, so that it is not asked


def test_the_prompt_numbers_the_passages_and_fences_them(ask_model: Open) -> None:
    model = ScriptedModel([RIGHT])
    ask_model(model).ask(QUESTION)
    system, user = model.asked[0]
    assert (system.role, user.role) == ("system", "user")
    assert '<passage number="1" title="Alpha raises money" date="2020-03-05">' in user.text
    assert user.text.endswith(f"Question: {QUESTION}\nAnswer:")


def test_passages_are_left_out_from_the_tail_where_the_window_is_small(ask_model: Open) -> None:
    asked = []
    for window in (8192, 190, 10):
        model = ScriptedModel([RIGHT], window=window)
        ask_model(model, tokens=20).ask(QUESTION)
        asked.append(model.asked[0][1].text)
    counts = [text.count("</passage>") for text in asked]
    assert counts[0] > counts[1] >= counts[2] == 1
    assert all("The money pays for the Zeta trial." in text for text in asked)  # the best one, whole


HISTORY = [
    Turn("Who raised $12.5 million in March 2020?", "Alpha Corp raised $12.5 million in March 2020.")
]


@pytest.mark.parametrize(
    ("rewritten", "asked"),
    [
        ("How much did Alpha Corp raise in March 2020?", "How much did Alpha Corp raise in March 2020?"),
        ("How much did Omega raise?", "How much did they raise?"),  # a name from nowhere
        ("Alpha Corp raised money.", "How much did they raise?"),  # no question
        ("", "How much did they raise?"),
    ],
)
def test_a_follow_up_is_made_to_stand_alone_from_what_was_said(
    ask_model: Open, rewritten: str, asked: str
) -> None:
    model = ScriptedModel([rewritten], [RIGHT])
    answer = ask_model(model).ask("How much did they raise?", history=HISTORY)
    assert f"Question: {asked}\n" in model.asked[-1][1].text
    assert answer.text == QUOTE
    assert answer.notes == ((f"asked as: {asked}",) if asked == rewritten else ())


def test_a_question_that_stands_alone_is_not_rewritten(ask_model: Open) -> None:
    model = ScriptedModel([RIGHT])
    ask_model(model).ask(QUESTION, history=HISTORY)
    assert len(model.asked) == 1
