"""The page: what it shows, what it does with a question, and how it behaves in a browser."""

from __future__ import annotations

import asyncio
import datetime as dt
import html
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

import app
from evals.benchmarks.clients import Client
from index.errors import FilterError, ModelError, NotInIndex, ReleaseQAError
from index.types import Filters, Overview, Release
from qa.types import Answer, Check, Citation, Mention, Sentence, Turn

FILLER = "This line is here to make the release long. " * 30
TEXT = (
    f"SHANGHAI, Jan. 20, 2025 -- {FILLER}\n\n"
    "THANK-uCAR shields the donor cells from NK cells. It was tested in 12 patients.\n\n"
    f"About Example Bio\n\n{FILLER}"
)
PLAIN = Release(
    "plain",
    TEXT,
    "Example Bio doses first patient",
    dt.date(2025, 1, 20),
    "Example Bio",
    ("HKEX: 2171",),
    "Shanghai",
    "PR Newswire",
    "https://example.com/release?a=1&b=2",
)
ATTACK = (
    "<script>window.ran=1</script><img src=x onerror='window.ran=1'> [x](javascript:alert(1)) $x^2$"
    " ${window.ran=1} {{value}} `code` \"quoted\" & 'single'"
)
HOSTILE = Release(
    "hostile",
    f"{ATTACK} stands here. {ATTACK} once more. " + "And so on. " * 6000,
    f"Title {ATTACK}",
    dt.date(2024, 3, 1),
    f"Corp {ATTACK}",
    (f"NYSE: {ATTACK}",),
    ATTACK,
    ATTACK,
    "javascript:window.ran=1",
)


def cite(release: Release, quote: str) -> Citation:
    start = release.text.index(quote)
    return Citation(
        release.id,
        start,
        start + len(quote),
        quote,
        release.title,
        release.date,
        release.url or "releases.jsonl",
    )


def answered(*citations: Citation) -> Answer:
    sentences = tuple(Sentence(c.quote, (i,)) for i, c in enumerate(citations))
    return Answer("answered", " ".join(c.quote for c in citations), sentences, citations, 0.82)


def no_wait() -> None: ...


class FakeQA:
    """Answers two topics, refuses one company, breaks on one word, knows nothing else.

    ``slow`` questions are answered by a model, which waits before each sentence and at the end.
    ``meet`` questions wait for each other, CLIENTS of them, and are answered by themselves.
    """

    def __init__(
        self, *releases: Release, model: str = "extractive", wait: Callable[[], object] = no_wait
    ) -> None:
        self.releases = {release.id: release for release in releases}
        self.model = model
        self.wait = wait
        self.ended = 0  # slow answers, finished or closed
        self.asked: list[tuple[str, Filters, Sequence[Turn]]] = []
        self.ignored: list[Collection[str]] = []
        self.thresholds: list[float | None] = []
        self.threshold = 0.4
        self.meeting = Barrier(app.CLIENTS)

    def stream(
        self,
        question: str,
        *,
        company: str | None = None,
        since: dt.date | None = None,
        until: dt.date | None = None,
        as_of: dt.date | None = None,
        history: Sequence[Turn] = (),
        ignore: Collection[str] = (),
        threshold: float | None = None,
    ) -> Iterator[Answer]:
        self.thresholds.append(threshold)
        self.asked.append((question, Filters(company, since, until, as_of), history))
        self.ignored.append(ignore)
        if company == "Foo":
            raise FilterError("no issuer matches 'Foo'; nearest: Example Bio")
        scope = tuple(m for m in self.scope(question) if m.label not in ignore)
        answer = replace(self.answer(question, ignore), scope=scope)
        slow = "slow" in question
        try:
            for n in range(1, len(answer.sentences) + 1):
                if slow:
                    self.wait()
                sentences, citations = answer.sentences[:n], answer.citations[:n]
                yield Answer("answered", "", sentences, citations, model=answer.model, scope=scope)
            if slow:
                self.wait()
            if "model fails" in question:
                raise ModelError("local stopped unexpectedly; ask again")
            yield answer
        finally:
            self.ended += slow

    def scope(self, question: str) -> list[Mention]:
        """A company, a period of the turn before for what begins with "And", and the latest."""
        found = [Mention("period", "Q2 2020", 0, 0)] if question.startswith("And") else []
        company = ATTACK if "hostile" in question else "Merck"
        at, latest = question.find("Merck"), question.find("latest")
        if at >= 0:
            found.append(Mention("company", company, at, at + 5))
        if latest >= 0:
            found.append(Mention("order", "latest", latest, latest + 6))
        return found

    def answer(self, question: str, ignore: Collection[str] = ()) -> Answer:
        if "meet" in question:
            self.meeting.wait(30)
            return Answer("answered", question, (Sentence(question, (0,)),), (cite(PLAIN, "It was"),))
        if ignore and "lost" in question:
            return Answer("not_found", "", confidence=0.7)
        if "break" in question and (ignore or "later" not in question):
            raise ZeroDivisionError("secret detail")
        if "ended" in question:
            return Answer("not_found", "", notes=(f"{self.ended} ended",))
        if "slow" in question:
            return WRITTEN
        if "THANK-uCAR" in question and "plain" in self.releases:
            first, second = TEXT.split("\n\n")[1].split(" It ")
            return answered(cite(PLAIN, first), cite(PLAIN, f"It {second}"))
        if "hostile" in question and "hostile" in self.releases:
            return answered(cite(HOSTILE, f"{ATTACK} stands here."))
        return Answer("not_found", "", confidence=0.91)

    def release(self, release_id: str) -> Release:
        if release_id not in self.releases:
            raise NotInIndex(f"no release {release_id!r}")
        return self.releases[release_id]

    def overview(self) -> Overview:
        names = tuple((r.company or "", 1) for r in self.releases.values())
        days = [r.date for r in self.releases.values() if r.date]
        span = (min(days, default=None), max(days, default=None))
        return Overview("x", len(self.releases), 9, 9, *span, names, (), "model", 1, 1)


WRITTEN = replace(
    answered(
        cite(PLAIN, "THANK-uCAR shields the donor cells from NK cells."),
        cite(PLAIN, "It was tested in 12 patients."),
    ),
    model="local",
    checks=(
        Check("THANK-uCAR shields the donor cells.", "supported", "", 0),
        Check("In 13 patients it was tested.", "corrected", "the source does not say “13”", 1),
        Check(f"It is {ATTACK}.", "dropped", f"no {ATTACK}"),
        Check("And so on", "dropped", "it breaks off"),
        Check("And so on", "dropped", "it breaks off"),
    ),
    notes=(f"asked as: {ATTACK}?",),
)
NO_LIMITS: app.Limits = ("", "", "", "")


def respond(qa: FakeQA, question: str, session: app.Session, limits: app.Limits) -> app.Exchange:
    """What an exchange ends as."""
    *_, last = app.respond(qa, app.Exchange(len(session), question, limits), session)
    return last


def reread(qa: FakeQA, session: app.Session, key: str) -> app.Session:
    """The conversation after a click on a chip."""
    asked = app.again(session, key)
    assert asked
    *_, last = app.respond(qa, asked, session)
    return app.placed(session, last)


def fresh(question: str) -> app.Exchange:
    return app.Exchange(0, question, NO_LIMITS)


def plain_text(markup: str) -> str:
    """What a browser would show of ``markup``."""
    return html.unescape(re.sub(r"<[^>]*>", "", markup))


def marks(markup: str, kind: str) -> list[str]:
    found = re.findall(f'<mark class="{kind}">(.*?)</mark>', markup, re.DOTALL)
    return [html.unescape(text) for text in found]


# ---------------------------------------------------------------------------- rendering


@pytest.mark.parametrize("url", ["https://a.example/b?c=1&d=2", "http://a.example"])
def test_web_addresses_are_linked(url: str) -> None:
    assert app.safe_url(url) == url
    assert f'href="{html.escape(url)}"' in app.link(url, "Original")
    assert 'rel="noopener noreferrer"' in app.link(url, "Original")


@pytest.mark.parametrize(
    "url",
    [
        None, "", "javascript:alert(1)", "JavaScript:alert(1)", "data:text/html,x", "file:///a",
        "//a.example", "https://", "java\nscript:alert(1)", "https://a.example/\nx", "http://[",
        "releases/a.md", " https://a.example",
    ],
)  # fmt: skip
def test_other_addresses_are_not(url: str | None) -> None:
    assert app.safe_url(url) is None
    assert app.link(url, "Original") == ""


@pytest.mark.parametrize(
    ("active", "others", "active_texts", "other_texts"),
    [
        ((0, 3), [], ["a<b"], []),
        ((8, 11), [], ["h&i"], []),
        ((0, 11), [], ["a<b cde h&i"], []),
        ((2, 5), [(4, 8)], ["b c"], ["de "]),
        ((4, 8), [(2, 5)], ["cde "], ["b "]),
        ((2, 8), [(3, 5)], ["b cde "], []),
        ((3, 5), [(2, 8)], [" c"], ["b", "de "]),
        ((0, 1), [(2, 3), (3, 5)], ["a"], ["b c"]),
        ((0, 1), [(0, 1)], ["a"], []),
        ((9, 11), [(8, 99)], ["&i"], ["h"]),
    ],
)
def test_marks_are_the_slices(
    active: app.Span, others: list[app.Span], active_texts: list[str], other_texts: list[str]
) -> None:
    text = "a<b cde h&i"
    shown = app.highlighted(text, active, others)
    assert plain_text(shown) == text
    assert marks(shown, "active") == active_texts
    assert marks(shown, "other") == other_texts


def test_release_text_is_shown_verbatim_with_its_quotes() -> None:
    answer = FakeQA(PLAIN).answer("THANK-uCAR")
    shown = app.release_html(PLAIN, answer, 0, 1)
    assert marks(shown, "active") == [answer.citations[1].quote]
    assert marks(shown, "other") == [answer.citations[0].quote]
    assert TEXT in plain_text(shown)
    for fact in ("Example Bio", "20 Jan 2025", "Shanghai", "HKEX: 2171", "PR Newswire"):
        assert fact in shown


def test_nothing_of_a_release_becomes_markup() -> None:
    qa = FakeQA(HOSTILE)
    exchange = respond(qa, f"hostile Merck {ATTACK}", (), NO_LIMITS)
    shown = "".join(
        [
            app.transcript((exchange,), replace(exchange, turn=1, body="", question=ATTACK)),
            app.view(qa, (exchange,), "0-0"),
            app.header_html(qa.overview()),
            app.welcome_html(qa.overview()),
            app.not_found_html(Answer("not_found", ""), qa.overview(), Filters(ATTACK), 0.1),
        ]
    )
    assert "<script" not in shown
    assert "<img" not in shown
    assert "href" not in shown
    assert shown.count(html.escape(ATTACK)) > 10


def test_the_copied_citation_names_its_origin() -> None:
    citation = cite(PLAIN, "It was tested in 12 patients.")
    copied = re.search('data-copy="(.*?)"', app.copy_button(citation, PLAIN), re.DOTALL)
    assert copied
    assert html.unescape(copied[1]) == (
        "“It was tested in 12 patients.”\n— Example Bio doses first patient, Example Bio, "
        "2025-01-20, https://example.com/release?a=1&b=2"
    )


def test_examples_fit_the_index() -> None:
    demo = Release("c", "text", "title", company="CARsgen Therapeutics")
    assert app.examples(FakeQA(demo).overview()) == app.EXAMPLES
    assert app.examples(FakeQA(PLAIN).overview()) == ("What did Example Bio announce?",)
    assert app.examples(FakeQA().overview()) == ()


def test_the_header_says_what_the_index_holds() -> None:
    shown = plain_text(app.header_html(FakeQA(PLAIN, HOSTILE).overview()))
    assert "2 releases · 2 issuers · 1 Mar 2024 to 20 Jan 2025" in shown
    assert "0 releases" in app.header_html(FakeQA().overview())
    many = tuple((f"Company {n}", 1) for n in range(250))
    assert app.suggestions_html(many).count("<option") == 250
    assert "and 50 more issuers" in app.issuers_html(many)


# --------------------------------------------------------------------------- one question


def test_an_answer_has_numbered_sources() -> None:
    exchange = respond(FakeQA(PLAIN), "THANK-uCAR?", (), NO_LIMITS)
    assert exchange.answer is not None
    assert exchange.html.count('class="rq-ref" data-cite="0-1"') == 1
    assert exchange.html.count('class="rq-open" data-cite="0-1"') == 1
    assert exchange.html.count('class="rq-source"') == 1  # both quotes are of one release
    shown = plain_text(exchange.html)
    assert "Example Bio · 20 Jan 2025" in shown
    assert "confidence 82%" in shown


def test_the_dates_of_several_releases_are_shown() -> None:
    one, two = cite(PLAIN, "It was tested in 12 patients."), cite(HOSTILE, HOSTILE.text[:20])
    sentences = (Sentence(one.quote, (0,)), Sentence(two.quote, (1,)))
    answer = Answer("answered", "", sentences, (one, two), 0.9)
    shown = app.sentences_html(answer, 0)
    assert re.findall('<small class="rq-day">(.*?)</small>', shown) == ["20 Jan 2025", "1 Mar 2024"]
    alone = app.sentences_html(replace(answer, sentences=sentences[:1], citations=(one,)), 0)
    assert "rq-day" not in alone


def test_not_found_says_what_was_searched() -> None:
    qa = FakeQA(PLAIN)
    open_ = respond(qa, "weather?", (), NO_LIMITS)
    assert "No release here was found to say this." in open_.html
    assert "Searched 1 release, no filters" in open_.html
    limited = respond(qa, "weather?", (), ("Example", "2024-03-01", "", ""))
    assert "limited to: Example, since 1 Mar 2024." in limited.html
    assert "rq-source" not in limited.html
    assert "rq-error" not in limited.html


def test_an_empty_index_says_how_to_fill_it() -> None:
    assert "releaseqa index PATH" in respond(FakeQA(), "weather?", (), NO_LIMITS).html
    assert "releaseqa index PATH" in app.welcome_html(FakeQA().overview())


def test_errors_are_one_line_of_the_conversation(caplog: pytest.LogCaptureFixture) -> None:
    qa = FakeQA(PLAIN)
    foo = respond(qa, "x", (), ("Foo", "", "", ""))
    assert foo.answer is None
    assert "no issuer matches &#x27;Foo&#x27;; nearest: Example Bio" in foo.html
    date = respond(qa, "x", (), ("", "20/01/2025", "", ""))
    assert "Since: &#x27;20/01/2025&#x27; is not a date" in date.html
    broken = respond(qa, "break", (), NO_LIMITS)
    assert "This question failed (ZeroDivisionError)" in broken.html
    assert "secret" not in broken.html
    assert "secret" in caplog.text


def test_filters_and_earlier_turns_are_passed_on() -> None:
    qa = FakeQA(PLAIN)
    first = respond(qa, "THANK-uCAR?", (), NO_LIMITS)
    failed = respond(qa, "x", (first,), ("Foo", "", "", ""))
    limits = (" Example ", "2024-01-01", "2025-12-31", "2026-01-01")
    respond(qa, "and then?", (first, failed), limits)
    question, filters, history = qa.asked[-1]
    assert question == "and then?"
    assert filters == Filters("Example", dt.date(2024, 1, 1), dt.date(2025, 12, 31), dt.date(2026, 1, 1))
    assert first.answer is not None
    assert list(history) == [Turn("THANK-uCAR?", first.answer.text)]


def test_the_filter_row_names_what_is_active() -> None:
    assert app.filter_label("", "", None, "") == "Filters"
    label = app.filter_label("Example", "2024-01-01", "", "2025-01-01")
    assert label == "Filters: Example · since 2024-01-01 · as of 2025-01-01"


def test_the_source_of_what_is_asked_for_opens_first() -> None:
    plain = cite(PLAIN, "THANK-uCAR shields the donor cells from NK cells.")
    told = cite(PLAIN, "It was tested in 12 patients.")
    told = replace(told, focus=(told.start + 17, told.start + 19))
    assert app.opening(2, answered(plain, told)) == "2-1"
    assert app.opening(2, answered(plain, replace(told, focus=None))) == "2-0"
    assert app.opening(0, None) == "0-0"


@pytest.mark.parametrize("key", ["", "x", "0", "0-2", "1-0", "-1-0", "0--1", "0-0-0", "2-0"])
def test_a_click_on_nothing_shows_nothing(key: str) -> None:
    qa = FakeQA(PLAIN)
    first = respond(qa, "THANK-uCAR?", (), NO_LIMITS)
    failed = respond(qa, "break", (), NO_LIMITS)
    assert app.view(qa, (first, failed), key) == app.VIEWER_IDLE


def test_a_source_that_left_the_index_is_said_to_be_gone() -> None:
    qa = FakeQA(PLAIN)
    session = (respond(qa, "THANK-uCAR?", (), NO_LIMITS),)
    qa.releases.clear()
    assert "no longer in the index" in app.view(qa, session, "0-0")
    assert "rq-source" in app.found_html(qa, answered(cite(PLAIN, "It was")), 0)


# --------------------------------------------------------------------- how it was read


def chips(exchange: app.Exchange) -> list[str]:
    """What the chips of an exchange do, by their names for those who hear them."""
    return [
        html.unescape(name) for name in re.findall('data-scope="[^"]*" aria-label="(.*?)"', exchange.html)
    ]


def test_how_the_question_was_read_is_shown() -> None:
    qa = FakeQA(PLAIN)
    first = respond(qa, "Is Merck the latest?", (), NO_LIMITS)
    assert chips(first) == ["Do not prefer Merck", "Do not prefer the latest"]
    assert 'data-scope="0-1"' in first.html
    then = respond(qa, "And Merck?", (first,), NO_LIMITS)
    assert chips(then) == ["Do not prefer Q2 2020", "Do not prefer Merck"]
    assert "Do not prefer Q2 2020 (taken over from the question before)" in then.html
    assert "rq-scope" not in respond(qa, "weather?", (), NO_LIMITS).html


def test_what_is_taken_back_accumulates_and_is_restored() -> None:
    qa = FakeQA(PLAIN)
    limits = ("Example", "2024-01-01", "", "")
    session: app.Session = (respond(qa, "Is Merck the latest on THANK-uCAR?", (), limits),)
    session = (*session, respond(qa, "And then?", session, NO_LIMITS))
    session = reread(qa, session, "0-0")
    assert chips(session[0]) == ["Prefer Merck again", "Do not prefer the latest"]
    session = reread(qa, session, "0-1")
    assert chips(session[0]) == ["Prefer Merck again", "Prefer the latest again"]
    session = reread(qa, session, "0-0")
    assert chips(session[0]) == ["Do not prefer Merck", "Prefer the latest again"]
    assert qa.ignored == [(), (), ("Merck",), ("Merck", "latest"), ("latest",)]
    question, filters, history = qa.asked[-1]
    assert (question, history) == ("Is Merck the latest on THANK-uCAR?", [])  # nothing that came later
    assert filters == Filters("Example", dt.date(2024, 1, 1))
    assert [e.question for e in session] == ["Is Merck the latest on THANK-uCAR?", "And then?"]
    assert 'data-cite="0-1"' in session[0].html


@pytest.mark.parametrize("key", ["", "x", "0", "0-9", "9-0", "-1-0", "0-0-0"])
def test_a_click_on_no_chip_asks_nothing(key: str) -> None:
    assert app.again((respond(FakeQA(PLAIN), "Merck?", (), NO_LIMITS),), key) is None


def test_the_chips_outlast_an_error() -> None:
    qa = FakeQA(PLAIN)
    session = reread(qa, (respond(qa, "Merck, break later", (), NO_LIMITS),), "0-0")
    assert "This question failed" in session[0].html
    assert chips(session[0]) == ["Prefer Merck again"]
    assert "No release here" in reread(qa, session, "0-0")[0].html


def test_the_answer_before_stays_until_the_next_is_there() -> None:
    qa = FakeQA(PLAIN)
    session = (respond(qa, "Merck on THANK-uCAR?", (), NO_LIMITS), respond(qa, "more?", (), NO_LIMITS))
    asked = app.again(session, "0-0")
    shown = app.transcript(session, asked)
    assert re.findall('role="status">(.*?)<', shown) == ["Reading…"]
    assert shown.count('class="rq-stale" inert') == 1
    assert session[0].body in shown and session[1].html in shown


def test_text_that_recurs_says_where() -> None:
    @dataclass(frozen=True)
    class Recurring:
        carriers: int = 1
        first_seen: dt.date | None = None
        last_seen: dt.date | None = None

    def told(*args: Any) -> str:
        return plain_text(app.recurs_html(Recurring(*args)))  # type: ignore[arg-type]

    days = dt.date(2019, 1, 4), dt.date(2024, 11, 7)
    assert told(42, *days) == "in 42 releases, 4 Jan 2019 to 7 Nov 2024"
    assert told(2, days[0], days[0]) == "in 2 releases, 4 Jan 2019"
    assert told(1042) == "in 1,042 releases"
    assert told() == app.recurs_html(cite(PLAIN, "It was")) == ""


# ------------------------------------------------------------------- what a model writes


def test_pieces_only_grow() -> None:
    shown = [e.html for e in app.respond(FakeQA(PLAIN), fresh("slow?"), ())]
    *growing, last = shown
    assert all("local is writing…" in piece for piece in growing)
    assert "rq-pending" not in last
    texts = [plain_text(re.findall('<p class="rq-answer">.*?</p>', piece)[0]) for piece in shown]
    assert texts == sorted(set(texts), key=len) + texts[2:]
    assert all(after.startswith(before) for before, after in pairwise(texts))
    numbers = [re.findall(r'class="rq-open" data-cite="(.*?)"', piece) for piece in shown]
    assert numbers == [["0-0"], ["0-0", "0-1"], ["0-0", "0-1"], ["0-0", "0-1"]]


def test_what_became_of_each_sentence_is_told() -> None:
    shown = respond(FakeQA(PLAIN), "slow?", (), NO_LIMITS).html
    assert '<details class="rq-checks"><summary>' in shown  # closed
    assert "1 shown, 1 corrected, 3 dropped" in shown
    assert re.findall('rq-outcome rq-(.*?)">(.*?)<', shown) == [
        ("supported", "shown"),
        ("corrected", "corrected"),
        ("dropped", "dropped"),
        ("dropped", "dropped"),
    ]
    assert "<q>And so on</q> × 2<small>it breaks off</small>" in shown
    assert "the source does not say “13”" in shown
    assert "asked as: " in shown
    assert plain_text(shown).count(ATTACK) == 3
    assert "<script" not in shown and "<img" not in shown
    assert "rq-checks" not in respond(FakeQA(PLAIN), "THANK-uCAR?", (), NO_LIMITS).html
    silent = replace(WRITTEN, status="not_found", sentences=(), citations=())
    assert "3 dropped" in app.not_found_html(silent, FakeQA(PLAIN).overview(), Filters(), 0.1)


def test_the_header_names_the_model_that_answers() -> None:
    overview = FakeQA(PLAIN).overview()
    assert "Answers by openai:x&lt;b&gt;" in app.header_html(overview, "openai:x<b>")
    assert "Answers by local" in app.header_html(FakeQA().overview(), "local")
    assert "Answers by" not in app.header_html(overview, "extractive")


def test_an_error_takes_nothing_back() -> None:
    exchange = respond(FakeQA(PLAIN), "slow; the model fails", (), NO_LIMITS)
    assert exchange.html.count('class="rq-open"') == 2
    assert "local stopped unexpectedly; ask again" in exchange.html
    assert exchange.answer is not None  # earlier turns name it


def test_closing_the_pieces_stops_the_model() -> None:
    qa = FakeQA(PLAIN)
    answering = app.respond(qa, fresh("slow?"), ())
    next(answering)
    before = qa.ended
    answering.close()
    assert (before, qa.ended) == (0, 1)


def test_the_least_confidence_is_passed_on_and_told() -> None:
    qa = FakeQA(PLAIN)
    (said,) = app.respond(qa, replace(fresh("Who?"), least=0.25), ())
    assert qa.thresholds == [0.25]
    assert "The nearest quote answers with a probability of 9%" in said.html
    assert "a lower confidence under Filters shows it" in said.html


def test_what_is_asked_for_is_bold() -> None:
    text = "It sold <40> units in May."
    assert app.bold(text, (8, 12), 0) == "It sold <b>&lt;40&gt;</b> units in May."
    assert app.bold(text, (8, 18), 0, 10) == "It sold <b>&lt;4</b>"
    assert app.bold(text, (8, 18), 10) == "<b>0&gt; units</b> in May."
    assert app.bold(text, (0, 0), 0, 2) == "It"
    assert app.bold(text, (0, 2), 22) == "May."


def test_what_was_shown_stays_when_stopped() -> None:
    qa = FakeQA(PLAIN)
    first = next(app.respond(qa, fresh("slow?"), ()))
    end = app.stopped(qa, fresh("slow?"), first, 1.5)
    kept = first.html.partition('<p class="rq-pending"')[0]
    assert end.html.startswith(kept)
    assert "stopped · " in end.html and "rq-pending" not in end.html
    nothing = app.stopped(qa, fresh("slow?"), None, 1.5)
    assert nothing.answer is None and "stopped" in nothing.html


def shown_until(qa: FakeQA, question: str, stop_after: int = 0) -> list[app.Exchange]:
    """What the page would show, if it were stopped after so many pieces."""

    async def show() -> list[app.Exchange]:
        shown, stop = [], asyncio.Event()
        with ThreadPoolExecutor(1) as pool:
            async for exchange in app.settled(app.respond(qa, fresh(question), ()), stop, pool):
                shown.append(exchange)
                if len(shown) == stop_after:
                    stop.set()
            await asyncio.sleep(0.5)  # until it is closed
        return shown

    return asyncio.run(show())


def test_quick_pieces_are_shown_as_one() -> None:
    shown = shown_until(FakeQA(PLAIN), "THANK-uCAR")
    assert len(shown) == 1
    assert "rq-pending" not in shown[0].html


def test_slow_pieces_are_shown_one_by_one_until_stopped() -> None:
    assert len(shown_until(FakeQA(PLAIN, wait=lambda: time.sleep(0.2)), "slow?")) >= 3
    qa = FakeQA(PLAIN, wait=lambda: time.sleep(0.2))
    shown = shown_until(qa, "slow?", stop_after=1)
    assert len(shown) == 1
    assert shown[0].html.count('class="rq-open"') == 1
    assert qa.ended == 1


# ----------------------------------------------------------------------------- the server


def test_a_port_in_use_names_another() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ReleaseQAError, match=rf"port {port} is in use; .* --port \d+$"):
            app.check_port("127.0.0.1", port)


def test_main_reports_a_missing_index_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("qa.pipeline")
    port = app.listen_once("127.0.0.1", 0)
    arguments = ["--index", str(tmp_path / "none"), "--port", str(port), "--no-browser"]
    assert app.main(arguments) == 1
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert said.count("\n") == 1


def serve_fake() -> None:
    """Serve a small index; print the address, then whatever is contacted elsewhere."""

    def watch(event: str, args: tuple[Any, ...]) -> None:
        host = args[1][0] if event == "socket.connect" and isinstance(args[1], tuple) else None
        if host not in (None, "127.0.0.1", "localhost", "::1"):
            print("contacted", host, flush=True)

    sys.addaudithook(watch)
    page = app.build(FakeQA(PLAIN, HOSTILE, model="local", wait=sys.stdin.readline))
    print(app.launch(page, "127.0.0.1", app.listen_once("127.0.0.1", 0)), flush=True)
    page.block_thread()


@dataclass(frozen=True, slots=True)
class Server:
    """A small index that is served; ``go`` lets a slow answer go on to its next sentence."""

    address: str
    go: Callable[[], object]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """The app in a process of its own; it may contact nothing but this machine."""
    command = [sys.executable, __file__]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    environment = {**os.environ, "PYTHONPATH": str(Path(app.__file__).parent)}
    with subprocess.Popen(command, bufsize=1, env=environment, **pipes) as process:
        assert process.stdin and process.stdout
        stdin = process.stdin
        yield Server(process.stdout.readline().strip(), lambda: stdin.write("\n"))
        process.terminate()
        assert process.stdout.read() == ""


def test_it_serves_the_page_and_no_files(server: Server) -> None:
    import httpx

    client = httpx.Client(base_url=server.address, trust_env=False)
    with client:
        assert "releaseqa" in client.get("/").text
        for path in (__file__, "/etc/hostname", "app.py"):
            assert client.get(f"/gradio_api/file={path}").status_code in (403, 404)


def test_clients_that_ask_at_the_same_time_get_their_own_answers(server: Server) -> None:
    questions = [f"Will question {n} meet the others?" for n in range(app.CLIENTS)]
    client = Client(server.address)
    with ThreadPoolExecutor(len(questions)) as pool:
        shown = list(pool.map(client.ask, questions))
    client.close()
    numbers = [set(re.findall(r"question (\d+)", plain_text(page))) for page in shown]
    assert numbers == [{str(n)} for n in range(len(questions))]


FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture
def browser() -> Iterator[Any]:
    api = pytest.importorskip("playwright.sync_api")
    chromium = Path("/usr/bin/chromium")
    with api.sync_playwright() as playwright:
        try:
            path = str(chromium) if chromium.exists() else None
            started = playwright.chromium.launch(executable_path=path, args=FLAGS)
        except api.Error as error:
            pytest.skip(f"no Chromium: {error}")
        yield started
        started.close()


IN_VIEW = """mark => {
  const m = mark.getBoundingClientRect(), b = mark.closest('.rq-text').getBoundingClientRect();
  return m.top >= b.top && m.bottom <= b.bottom && m.top >= 0 && m.bottom <= innerHeight;
}"""


class Page:
    """A page of the app in a browser."""

    def __init__(self, browser: Any, address: str) -> None:
        self.tab = browser.new_page(viewport={"width": 1400, "height": 900})
        self.tab.set_default_timeout(20_000)
        self.hosts: set[str] = set()
        self.errors: list[str] = []
        self.tab.on("request", lambda request: self.hosts.update(request.url.split("/")[2:3]))
        self.tab.on("pageerror", lambda error: self.errors.append(str(error)))
        self.tab.on("console", lambda m: self.errors.append(m.text) if m.type == "error" else None)
        # Gradio asks for what a new page shows after it has attached its handlers
        with self.tab.expect_response(lambda response: "/queue/join" in response.url):
            self.tab.goto(address)

    def send(self, question: str) -> Any:
        """Ask; returns the exchange that is begun."""
        begun = self.tab.locator(".rq-exchange").nth(self.tab.locator(".rq-exchange").count())
        self.tab.fill("#rq-ask textarea", question)
        self.tab.keyboard.press("Enter")
        begun.wait_for()
        return begun

    def ask(self, question: str) -> str:
        """Ask; returns what the exchange shows at last."""
        exchange = self.send(question)
        exchange.locator(".rq-note, .rq-error").last.wait_for()
        return str(exchange.text_content())


@pytest.mark.browser
def test_in_a_browser(server: Server, browser: Any) -> None:
    shown = Page(browser, server.address)
    page, ask = shown.tab, shown.ask

    ask("what does THANK-uCAR do to NK cells?")
    quotes = [c.quote for c in FakeQA(PLAIN).answer("THANK-uCAR").citations]
    for cite, quote in enumerate(quotes):
        for button in (".rq-open", ".rq-ref"):
            page.locator(f'{button}[data-cite="0-{cite}"]').click()
            page.locator(f'[data-shows="0-{cite}"]').wait_for()
            mark = page.locator("mark.active")
            assert mark.text_content() == quote
            assert mark.evaluate(IN_VIEW)
    assert page.locator(".rq-text").text_content() == TEXT
    assert page.input_value("#rq-ask textarea") == ""

    ask("What will the weather be?")
    assert page.locator(".rq-missing").is_visible()
    ask("break, please")
    assert page.input_value("#rq-ask textarea") == "break, please"

    ask(f"hostile {ATTACK}")
    page.locator('[data-shows="3-0"]').wait_for()
    mark = page.locator("mark.active")
    assert mark.text_content() == f"{ATTACK} stands here."
    assert mark.evaluate(IN_VIEW)
    assert page.locator(".rq-text").text_content() == HOSTILE.text
    assert page.evaluate("window.ran") is None

    page.click("text=New conversation")
    page.locator(".rq-example").first.wait_for()
    assert page.locator(".rq-exchange").count() == 0
    assert page.locator("mark").count() == 0
    assert shown.hosts == {server.address.split("/")[2]}
    assert not shown.errors


@pytest.mark.browser
def test_how_it_was_read_is_taken_back_in_a_browser(server: Server, browser: Any) -> None:
    shown = Page(browser, server.address)
    page = shown.tab
    quote = FakeQA(PLAIN).answer("THANK-uCAR").citations[0].quote

    def chip(name: str) -> Any:
        return page.get_by_role("button", name=name, exact=True)

    shown.ask("Is it lost: Merck on THANK-uCAR, the latest?")
    page.locator("mark.active").wait_for()
    chip("Do not prefer Merck").focus()
    page.keyboard.press("Enter")
    page.locator(".rq-missing").wait_for()
    again = chip("Prefer Merck again")
    assert again.evaluate("chip => document.activeElement === chip")  # the focus stays where it was
    assert "line-through" in again.locator("span").evaluate("e => getComputedStyle(e).textDecoration")
    assert page.locator("mark").count() == 0  # what was shown is no source of this answer

    shown.ask("hostile Merck")
    page.locator(".rq-exchange").nth(0).get_by_role("button", name="Prefer Merck again").focus()
    page.keyboard.press("Space")
    page.locator('[data-shows="0-0"]').wait_for()
    assert page.locator("mark.active").text_content() == quote
    assert page.locator(".rq-exchange").count() == 2
    assert chip("Do not prefer the latest").is_visible()

    page.set_viewport_size({"width": 360, "height": 740})
    page.locator('[data-scope="1-0"]').click()
    page.locator('.rq-off[data-scope="1-0"]').wait_for()
    assert page.locator('[data-scope="1-0"] span').text_content() == ATTACK
    assert page.evaluate("window.ran") is None
    width = "document.documentElement.scrollWidth <= innerWidth"
    assert page.evaluate(width)  # a long name does not widen the page
    assert not shown.errors


@pytest.mark.browser
def test_an_answer_grows_in_a_browser(server: Server, browser: Any) -> None:
    shown = Page(browser, server.address)
    page = shown.tab
    assert "Answers by local" in page.locator(".rq-header").text_content()
    quotes = [c.quote for c in WRITTEN.citations]

    exchange = shown.send("slow?")
    exchange.get_by_text("Reading the releases…").wait_for()
    assert page.input_value("#rq-ask textarea") == ""
    server.go()
    exchange.locator(".rq-open").wait_for()
    page.locator('[data-shows="0-0"]').wait_for()
    assert exchange.locator("q").all_text_contents() == quotes[:1]  # the second does not exist yet
    assert exchange.get_by_text("local is writing…").is_visible()
    stop = page.get_by_role("button", name="Stop", exact=True)
    stop.click()
    exchange.get_by_text("stopped · ").wait_for()
    assert exchange.locator("q").all_text_contents() == quotes[:1]
    assert stop.is_hidden()
    server.go()  # the model gets there, and is closed
    wait_for_ended(shown, 1)

    exchange = shown.send("slow?")
    for n in (1, 2):
        server.go()
        exchange.locator(".rq-open").nth(n - 1).wait_for()
    page.locator('[data-shows="%s-0"]' % (page.locator(".rq-exchange").count() - 1)).wait_for()
    exchange.locator(".rq-open").nth(1).click()
    page.wait_for_function(
        "quote => document.querySelector('mark.active').textContent === quote", arg=quotes[1]
    )
    server.go()
    checks = exchange.locator(".rq-checks")
    checks.wait_for()
    assert page.locator("mark.active").text_content() == quotes[1]  # what was opened stays open
    assert checks.locator("li").first.is_hidden()
    checks.locator("summary").click()
    assert checks.locator("li").nth(2).locator("q").text_content() == f"It is {ATTACK}."
    assert page.evaluate("window.ran") is None

    closing = Page(browser, server.address)
    exchange = closing.send("slow?")
    server.go()
    exchange.locator(".rq-open").wait_for()
    closing.tab.close()
    time.sleep(0.5)  # until the server knows
    server.go()
    wait_for_ended(shown, 3)
    assert checks.locator("li").first.is_visible()  # what was unfolded stays unfolded
    assert not shown.errors


def wait_for_ended(page: Page, count: int) -> None:
    """Wait until so many slow answers have been finished or closed."""
    for _ in range(20):
        if f"{count} ended" in page.ask("How many ended?"):
            return
        time.sleep(0.2)
    pytest.fail("an answer went on")


if __name__ == "__main__":
    serve_fake()
