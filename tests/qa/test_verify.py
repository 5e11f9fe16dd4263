from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from index.errors import NotInIndex
from index.types import Release
from qa.errors import AnswerFileError
from qa.types import Answer, Citation, Sentence
from qa.verify import check_saved, is_slice, keep_verified, read_saved

DEEP = "[" * 100_000
TEXT = "Alpha raised $5. Beta lost ünïcode 💊 money."


def release_of(release_id: str) -> Release:
    if release_id != "r":
        raise NotInIndex(f"no release {release_id!r}")
    return Release("r", TEXT, "T", url="u")


def cite(start: int, end: int, quote: str | None = None, release_id: str = "r") -> Citation:
    return Citation(release_id, start, end, TEXT[start:end] if quote is None else quote, "T", None, "u")


def answer(*citations: Citation) -> Answer:
    sentences = tuple(Sentence(c.quote, (i,)) for i, c in enumerate(citations))
    return Answer("answered", " ".join(s.text for s in sentences), sentences, citations, 0.9)


@pytest.mark.parametrize(
    ("citation", "holds"),
    [
        (cite(0, 16), True),
        (cite(17, len(TEXT)), True),
        (cite(0, 16, "Alpha raised $6."), False),
        (cite(0, 16, "alpha raised $5."), False),
        (cite(1, 17, "Alpha raised $5."), False),
        (cite(0, 0, ""), False),
        (cite(5, 3, ""), False),
        (cite(-7, -1), False),
        (cite(0, 999, TEXT), False),
    ],
)
def test_a_citation_is_a_slice(citation: Citation, holds: bool) -> None:
    assert is_slice(TEXT, citation.start, citation.end, citation.quote) is holds


def test_a_sentence_whose_citation_fails_is_dropped_and_the_others_keep_theirs() -> None:
    draft = answer(cite(0, 16), cite(0, 16, "made up"), cite(17, len(TEXT)))
    kept = keep_verified(draft, release_of)
    assert [s.text for s in kept.sentences] == [TEXT[:16], TEXT[17:]]
    assert [s.citations for s in kept.sentences] == [(0,), (1,)]
    assert [c.quote for c in kept.citations] == [TEXT[:16], TEXT[17:]]
    assert kept.text == f"{TEXT[:16]} {TEXT[17:]}"


def test_an_answer_with_nothing_left_is_not_found() -> None:
    kept = keep_verified(answer(cite(0, 16, "made up")), release_of)
    assert (kept.status, kept.text, kept.sentences, kept.citations) == ("not_found", "", (), ())
    assert kept.confidence == pytest.approx(0.1)


def test_a_good_citation_goes_with_its_sentence() -> None:
    both = Answer(
        "answered", "x", (Sentence("x", (0, 1)),), (cite(0, 16), cite(0, 16, "made up")), 0.9
    )  # fmt: skip
    assert keep_verified(both, release_of).citations == ()
    unknown = Answer("answered", "x", (Sentence("x", (7,)),), (cite(0, 16),), 0.9)
    assert keep_verified(unknown, release_of).status == "not_found"


def test_a_release_deleted_meanwhile_is_a_failed_citation() -> None:
    assert keep_verified(answer(cite(0, 16, release_id="gone")), release_of).status == "not_found"


def test_a_sentence_that_cites_nothing_is_dropped() -> None:
    draft = Answer("answered", "Trust me.", (Sentence("Trust me.", ()),), (), 0.9)
    assert keep_verified(draft, release_of).status == "not_found"


def test_saved_answers_are_checked_again(tmp_path: Path) -> None:
    good = answer(cite(0, 16)).to_dict()
    bad = answer(cite(0, 16, "made up"), cite(0, 5, release_id="gone")).to_dict()
    path = tmp_path / "answers.jsonl"
    path.write_text("\n".join(map(json.dumps, (good, bad))), "utf-8")
    count, failures = check_saved(read_saved(path), release_of)
    assert count == 3
    assert [f.answer for f in failures] == [2, 2]
    assert ["does not read" in f.reason for f in failures] == [True, False]
    assert "is of no release here" in str(failures[1])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, None),
        ({"text": "Invented."}, "the text is not that of the sentences"),
        ({"status": "not_found"}, "the status 'not_found' does not fit the sentences"),
        ({"sentences": []}, "the text is not that of the sentences"),
        ({"sentences": [{"text": TEXT[:16], "citations": []}]}, "sentence 1 cites nothing"),
        ({"sentences": [{"text": TEXT[:16], "citations": [1]}]}, "sentence 1 cites nothing"),
        ({"sentences": [{"text": "Lies.", "citations": [0]}]}, "sentence 1 is not what it cites"),
        ({"sentences": [7]}, "sentence 1 cites nothing"),
        ({"citations": [None]}, "citation 1 has no release_id, start, end and quote"),
    ],
)
def test_a_forged_answer_is_seen(change: dict[str, Any], reason: str | None) -> None:
    _, failures = check_saved([answer(cite(0, 16)).to_dict() | change], release_of)
    assert (failures[0].reason if failures else None) == reason


@pytest.mark.parametrize(
    ("field", "value"), [("title", "Other"), ("date", "2020-01-01"), ("source", "elsewhere")]
)
def test_what_a_citation_says_of_its_release_is_checked(field: str, value: str) -> None:
    saved = answer(cite(0, 16)).to_dict()
    saved["citations"][0][field] = value
    _, failures = check_saved([saved], release_of)
    assert [f.reason for f in failures] == [f"citation 1 is wrong: r has another {field}"]


@pytest.mark.parametrize("focus", [[0, 17], [5, 5], [-1, 4], [3], "ab", [0.0, 4], [True, 4]])
def test_what_is_marked_must_stand_in_its_quote(focus: object) -> None:
    saved = answer(cite(0, 16)).to_dict()
    saved["citations"][0]["focus"] = [0, 4]
    assert check_saved([saved], release_of) == (1, [])
    saved["citations"][0]["focus"] = focus
    _, failures = check_saved([saved], release_of)
    assert [f.reason for f in failures] == ["citation 1 points outside of its quote"]


@pytest.mark.parametrize("start", [float("inf"), None, "x", -1, 99])
def test_offsets_that_are_none(start: object) -> None:
    saved = answer(cite(0, 16)).to_dict()
    saved["citations"][0]["start"] = start
    assert len(check_saved([saved], release_of)[1]) == 1


@pytest.mark.parametrize("content", ["", "{", "[1]", '{"text": "x"}', '{"citations": []}', "null", DEEP])
def test_a_file_that_holds_no_answers_says_so(tmp_path: Path, content: str) -> None:
    path = tmp_path / "answers.json"
    path.write_text(content, "utf-8")
    with pytest.raises(AnswerFileError, match="not a"):
        check_saved(read_saved(path), release_of)


def test_an_answer_is_plain_json() -> None:
    citation = Citation("r", 0, 5, "Alpha", "T", dt.date(2020, 1, 2), "u")
    shown = Answer("answered", "Alpha", (Sentence("Alpha", (0,)),), (citation,), 0.5).to_dict()
    assert json.loads(json.dumps(shown)) == {
        "status": "answered",
        "text": "Alpha",
        "sentences": [{"text": "Alpha", "citations": [0]}],
        "citations": [
            {
                "release_id": "r",
                "start": 0,
                "end": 5,
                "quote": "Alpha",
                "title": "T",
                "date": "2020-01-02",
                "source": "u",
                "carriers": 1,
                "first_seen": None,
                "last_seen": None,
                "focus": None,
            }
        ],
        "confidence": 0.5,
        "model": "extractive",
        "timings_ms": {},
        "usage": {},
        "raw": None,
        "checks": [],
        "notes": [],
        "scope": [],
    }
