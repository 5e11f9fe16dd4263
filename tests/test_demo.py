"""The bundled releases and the questions over them hold together."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from pathlib import Path

import pytest

from evals.metrics import is_right, needs_all_spans, normalise
from evals.questions import SETS, Question, load
from index.readers import read
from index.types import Release

FOLDER = Path(__file__).parent.parent / "evals" / "releases"
NOTE = "Restates public facts in the project's own words; it is not the issuer's text."
CLOSING = (
    "This item restates public facts in the words of the releaseqa project. "
    "It is not the issuer's text; the source address leads to it."
)
LISTED = dt.date(2021, 6, 18)
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


READ = list(read(FOLDER))
RELEASES = {release.id: release for release in READ if isinstance(release, Release)}
QUESTIONS = load(SETS / "demo.jsonl")
every_release = pytest.mark.parametrize("release", RELEASES.values(), ids=RELEASES.keys())
every_gold = pytest.mark.parametrize(
    "question", [q for q in QUESTIONS if q.answerable], ids=lambda q: q.id
)


def quotes(question: Question) -> list[str]:
    return [RELEASES[e.release].text[e.start : e.end] for e in question.evidence]


def about(release: Release) -> str:
    """The last About section, which is the issuer's."""
    return release.text.rsplit("\nAbout ", 1)[1].removesuffix(CLOSING + "\n")


def test_there_are_enough() -> None:
    assert len(RELEASES) >= 45
    assert len(QUESTIONS) >= 80
    assert 4 * sum(not q.answerable for q in QUESTIONS) >= len(QUESTIONS)


def test_every_type_of_question_is_there() -> None:
    assert set(Counter(q.type for q in QUESTIONS)) == {
        "alias",
        "boilerplate",
        "confusable",
        "date",
        "explain",
        "followup",
        "multi",
        "number",
        "unanswerable",
        "who",
        "yes-no",
    }
    assert all(q.answerable == (q.type != "unanswerable") for q in QUESTIONS)
    assert all(bool(q.history) == (q.type == "followup") for q in QUESTIONS)


def test_the_first_example_of_the_documentation_is_there() -> None:
    assert [q.id for q in QUESTIONS if q.question == "what does THANK-uCAR do to NK cells?"]


def test_some_questions_are_limited() -> None:
    for name in ("company", "since", "until", "as_of"):
        assert sum(getattr(q.filters, name) is not None for q in QUESTIONS) >= 2, name


@every_release
def test_a_release_is_whole(release: Release) -> None:
    assert release.date is not None
    assert release.company
    assert release.title
    assert release.id.startswith(f"{release.company.split()[0].lower().replace('johnson', 'jnj')}-")
    assert release.id.split("-", 1)[1].startswith(release.date.isoformat())
    assert release.url is not None
    assert release.url.startswith("http")
    assert release.extra["note"] == NOTE
    assert release.text.rstrip().endswith(CLOSING)
    assert not release.text[0].isspace()


@every_release
def test_the_dateline_agrees_with_the_date(release: Release) -> None:
    assert release.date is not None
    line = release.text.split(" -- ")[0]
    assert MONTHS[release.date.month - 1] in line
    assert line.endswith(str(release.date.year))
    day = re.search(r" (\d{1,2}), \d{4}$", line)
    assert day is None or int(day[1]) == release.date.day


@every_release
def test_tickers_are_those_of_the_day(release: Release) -> None:
    assert release.date is not None
    if release.company == "CARsgen Therapeutics":
        assert release.tickers == (("HKEX: 2171",) if release.date >= LISTED else ())
    else:
        assert all(re.fullmatch(r"(NASDAQ|NYSE): [A-Z]+", t) for t in release.tickers)
        assert release.tickers
        assert f"({release.tickers[0]})" in release.text


@every_release
def test_no_words_are_put_into_a_mouth(release: Release) -> None:
    assert not re.findall('["\u201c\u201d\u00ab\u00bb\u2018\u2019]', release.text)


def test_an_issuer_repeats_its_about_section() -> None:
    sections = {
        company: Counter(about(r) for r in RELEASES.values() if r.company == company)
        for company in {r.company for r in RELEASES.values()}
    }
    # CARsgen changed its own when it was listed.
    wanted = {c: 2 if c == "CARsgen Therapeutics" else 1 for c in sections}
    assert {company: len(found) for company, found in sections.items()} == wanted
    assert all(text.startswith(company or "") for company, found in sections.items() for text in found)


@every_gold
def test_evidence_is_text_that_holds_the_facts(question: Question) -> None:
    found = quotes(question)
    assert all(quote and quote == quote.strip() for quote in found)
    # One span is enough where any one of them counts.
    for text in [" ".join(found)] if needs_all_spans(question) else found:
        for fact in question.must_include:
            assert any(normalise(s) in normalise(text) for s in fact), (fact, text)


@every_gold
def test_the_quotes_make_a_right_answer(question: Question) -> None:
    text = " ".join(quotes(question)) if needs_all_spans(question) else quotes(question)[0]
    assert is_right(question, "answered", text)


@every_gold
def test_evidence_lies_within_the_limits_of_its_question(question: Question) -> None:
    limits = question.filters
    for span in question.evidence:
        release = RELEASES[span.release]
        assert release.date is not None
        assert limits.since is None or limits.since <= release.date
        assert release.date <= (limits.until or dt.date.max)
        assert release.date <= (limits.as_of or dt.date.max)
        assert limits.company in (None, release.company)


@every_gold
def test_a_sentence_that_recurs_is_evidence_wherever_it_stands(question: Question) -> None:
    if needs_all_spans(question) or question.filters:
        return
    cited = {(e.release, e.start) for e in question.evidence}
    for quote in quotes(question):
        for release in RELEASES.values():
            start = release.text.find(quote)
            assert start < 0 or (release.id, start) in cited, (release.id, quote)


def test_what_nothing_answers_says_why() -> None:
    for question in QUESTIONS:
        assert bool(question.why) != question.answerable, question.id
        assert bool(question.answer) == question.answerable, question.id


def test_every_file_is_read() -> None:
    assert [r for r in READ if not isinstance(r, Release)] == []
    assert RELEASES.keys() == {path.stem for path in FOLDER.glob("*.md")}


def test_the_text_is_all_that_follows_the_front_matter() -> None:
    for release_id, release in RELEASES.items():
        source = (FOLDER / f"{release_id}.md").read_text(encoding="utf-8")
        assert release.text == source.split("\n---\n", 1)[1].lstrip()
