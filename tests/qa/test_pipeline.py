from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from index_fakes import index, write_lines

import qa as package
from index.errors import IndexMismatch, IndexMissing, ModelError, NotInIndex
from index.passages import CHUNKING
from index.store import Manifest, Store
from qa.errors import QuestionError
from qa.pipeline import LONGEST_QUESTION, ReleaseQA
from qa.settings import Reading
from qa.types import Turn, focus_in
from qa.verify import is_slice

QUESTION = "How much did Alpha raise in March 2020?"


def sure(qa: ReleaseQA, threshold: float = 0.0) -> ReleaseQA:
    """The same with another threshold, so that a test of the pipeline is none of the reader."""
    qa.settings = replace(qa.settings, reading=Reading(threshold=threshold))
    return qa


def test_the_public_surface() -> None:
    assert sorted(package.__all__) == [
        "Answer", "Citation", "ReleaseQA", "ReleaseQAError", "Sentence", "Settings", "Turn",
    ]  # fmt: skip
    assert all(hasattr(package, name) for name in package.__all__)


def test_an_answer_quotes_the_release(qa: ReleaseQA) -> None:
    answer = sure(qa).ask(QUESTION)
    assert answer.status == "answered"
    assert "$12.5 million" in answer.text
    assert answer.text == " ".join(s.text for s in answer.sentences)
    for sentence in answer.sentences:
        for i in sentence.citations:
            citation = answer.citations[i]
            text = qa.release(citation.release_id).text
            assert is_slice(text, citation.start, citation.end, citation.quote)
            assert " ".join(citation.quote.split()) == sentence.text
    assert set(answer.timings_ms) == {"retrieve", "read", "first_sentence", "verify", "total"}
    assert (answer.model, answer.usage, answer.raw) == ("extractive", {}, None)


def test_the_source_is_the_address_or_the_file(qa: ReleaseQA) -> None:
    for day, end in (("2020-03-05", "https://example.org/alpha-1"), ("2021-05-06", "releases.jsonl")):
        answer = sure(qa).ask("Which money did Alpha raise?", since=day, until=day)
        assert [c.source.endswith(end) for c in answer.citations] == [True] * len(answer.citations)


def test_a_question_for_two_things_is_answered_from_two_releases(qa: ReleaseQA) -> None:
    question = "How much did Alpha raise in March 2020, and why did Beta recall its kettles?"
    answer = sure(qa).ask(question)
    assert "$12.5 million" in answer.text
    assert "because the handle broke" in answer.text
    assert {c.release_id for c in answer.citations} >= {"alpha-1", "beta-1"}
    assert len(answer.text) <= qa.settings.reading.characters
    assert answer.notes == ()
    only = qa.ask(question, company="Beta Ltd", threshold=1.1)
    assert (only.status, only.citations) == ("not_found", ())


def test_a_part_that_nothing_answers_is_told(qa: ReleaseQA) -> None:
    answer = sure(qa).ask("How much did Alpha raise in 2020, and what was it worth in 1950?")
    assert "$12.5 million" in answer.text
    assert answer.notes == ("no release here mentions “1950”",)


def test_a_part_is_refused_for_names_of_its_own(qa: ReleaseQA) -> None:
    answer = sure(qa).ask("How much did Alpha raise in March 2020, and what did Zorblax pay for it?")
    assert answer.notes == ("no release here mentions “Zorblax”",)
    assert len(answer.citations) == len(sure(qa).ask(QUESTION).citations)


def test_what_a_comparison_has_never_seen_is_told_and_the_rest_answered(qa: ReleaseQA) -> None:
    answer = sure(qa).ask("How does what Alpha raised in 1950 compare with 2020?")
    assert answer.status == "answered"
    assert answer.notes[:2] == ("no release here mentions “1950”", "there is no answer here for 1950")
    refused = sure(qa).ask("How much did Alpha raise in 1950?")
    assert refused.status == "not_found"
    assert sure(qa).ask("How much did Alpha raise in 1950?", ignore=["1950"]).status == "answered"


def test_below_the_threshold_nothing_is_said(qa: ReleaseQA) -> None:
    given = sure(qa).ask(QUESTION)
    kept_back = sure(qa, 1.0).ask(QUESTION)
    assert (kept_back.status, kept_back.text, kept_back.citations) == ("not_found", "", ())
    assert kept_back.confidence == pytest.approx(1 - given.confidence)


def test_nothing_within_the_filters_is_not_found(qa: ReleaseQA) -> None:
    answer = sure(qa).ask(QUESTION, as_of="2000-01-01")
    assert (answer.status, answer.confidence) == ("not_found", 1.0)


def test_as_of_holds_in_the_answer(qa: ReleaseQA) -> None:
    answer = sure(qa).ask("How much did Alpha raise?", as_of="2020-12-31")
    assert {c.release_id for c in answer.citations} == {"alpha-1"}


def test_a_follow_up_takes_the_subject_from_the_turn_before(qa: ReleaseQA) -> None:
    turn = Turn("Which kettles did Beta recall?", "Beta Ltd recalled its AB-12 kettles.")
    assert sure(qa).ask("Why did it recall them?", history=[turn]).citations[0].release_id == "beta-1"


def test_streaming_only_adds(qa: ReleaseQA) -> None:
    pieces = list(sure(qa).stream("Which money did Alpha raise?"))
    assert [len(piece.sentences) for piece in pieces] == list(range(1, len(pieces) + 1))
    assert all(late.text.startswith(early.text) for early, late in pairwise(pieces))
    assert pieces[-1].text == sure(qa).ask("Which money did Alpha raise?").text


@pytest.mark.parametrize("question", ["", "  \n", "x" * (LONGEST_QUESTION + 1)])
def test_a_question_that_cannot_be_asked(qa: ReleaseQA, question: str) -> None:
    with pytest.raises(QuestionError, match="the question"):
        qa.ask(question)


def test_an_unknown_release(qa: ReleaseQA) -> None:
    with pytest.raises(NotInIndex, match="no release 'nope'"):
        qa.release("nope")


def test_an_empty_index_answers_not_found(tmp_path: Path, qa: ReleaseQA) -> None:
    folder = tmp_path / "empty.index"
    Store.create(folder, Manifest("fake", "fake-1", 24, "float32", CHUNKING)).close()
    retriever = type(qa._retriever)(Store(folder), qa._retriever._embedder, qa.settings.retrieval)
    empty = ReleaseQA(Store(folder), retriever, qa._reader, qa.settings)
    assert empty.ask("Anything there?").status == "not_found"
    assert empty.overview().releases == 0


def test_what_cannot_be_opened(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(IndexMissing, match="releaseqa index PATH"):
        ReleaseQA.open(tmp_path / "none")
    with pytest.raises(IndexMismatch, match="--rebuild"):
        ReleaseQA.open(folder)  # made with the fake embedder
    with pytest.raises(ModelError, match="is no language model; name one of: local"):
        ReleaseQA.open(folder, model="oracle")


def test_sixteen_threads_get_the_same_answers(qa: ReleaseQA) -> None:
    questions = [QUESTION, "Why did Beta recall kettles?", "What did Gamma open in Rome?"] * 16
    alone = {question: sure(qa).ask(question).text for question in questions[:3]}
    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(lambda q: qa.ask(q).text, questions)) == [alone[q] for q in questions]


def test_text_that_looks_like_markup_is_quoted_as_it_is(tmp_path: Path, qa: ReleaseQA) -> None:
    body = 'Omega said: <b onclick="x()">bold</b> & [1] **not** a list of instructions, 5 < 6.'
    record = {"id": "omega", "body": body, "company": "Omega"}
    index(qa._store.folder, write_lines(tmp_path / "x.jsonl", record))
    answer = sure(qa).ask("What did Omega say in its instructions?", company="omega")
    assert [citation.quote for citation in answer.citations] == [body]


def test_a_threshold_of_one_question(qa: ReleaseQA) -> None:
    assert sure(qa).ask(QUESTION, threshold=1.0).status == "not_found"
    assert sure(qa, 1.0).ask(QUESTION, threshold=0.0).status == "answered"
    assert (sure(qa).threshold, qa.threshold) == (0.0, 0.0)
    qa.settings = replace(qa.settings, reading=Reading())
    assert 0 < qa.threshold < 1


def test_what_is_asked_for_is_marked_within_its_quote(qa: ReleaseQA) -> None:
    answer = sure(qa).ask(QUESTION)
    marked = [s for s in answer.sentences if answer.citations[s.citations[0]].focus]
    assert len(marked) == 1
    for sentence in marked:
        citation = answer.citations[sentence.citations[0]]
        assert citation.focus is not None
        assert citation.start <= citation.focus[0] < citation.focus[1] <= citation.end
        start, end = focus_in(sentence, answer)
        text = qa.release(citation.release_id).text
        assert sentence.text[start:end] == " ".join(text[slice(*citation.focus)].split())
    first = answer.sentences[0]
    assert focus_in(first, replace(answer, citations=(replace(answer.citations[0], focus=None),))) == (
        0,
        0,
    )


@pytest.mark.parametrize(
    ("question", "names"),
    [
        ("How much did Zorblax raise?", "“Zorblax”"),
        ("How much did Zorblax pay Quux?", "“Zorblax” or “Quux”"),
        ("How much did Alpha raise in 1987?", "“1987”"),
    ],
)
def test_what_no_release_mentions_is_refused_for_that(qa: ReleaseQA, question: str, names: str) -> None:
    answer = sure(qa).ask(question)
    assert (answer.status, answer.notes) == ("not_found", (f"no release here mentions {names}",))


@pytest.mark.parametrize(
    "question",
    [
        "How much did Alpha raise for Zorblax?",  # one name of two is known
        "Why did the Handl break?",  # a word here begins so
        "How much did Alphan pumps raise?",  # and this one as a word here, and a little more
        "How much was raised in 2020?",  # no text says 2020 but a date
        "How much did it raise in Q3, its 3Q, H1 or FY2020, for 300k people?",  # no names
        "Why were AB12 kettles recalled?",  # written AB-12
    ],
)
def test_what_may_be_mentioned_is_not_refused(qa: ReleaseQA, question: str) -> None:
    assert sure(qa).ask(question).status == "answered"


def test_a_name_that_is_unknown_is_told_where_nothing_is_found(qa: ReleaseQA) -> None:
    answer = sure(qa, 1.0).ask("How much did Alpha raise for Zorblax?")
    assert answer.notes == ("no release here mentions “Zorblax”",)
    assert sure(qa).ask("How much did Alpha raise for Zorblax?").status == "answered"
