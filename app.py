"""The web app: a chat on the left, the cited release with its quote highlighted on the right.

Everything shown is built here as escaped HTML, so a release's text is never markup. Gradio carries
the events and the widgets; nothing on the page is fetched from another machine.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import errno
import html
import logging
import os
import socket
import sys
import time
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read by gradio whenever it could call home

import gradio as gr

from index.errors import FilterError, ReleaseQAError
from index.types import Filters, Overview, Release
from page import CHAT_JS, CSS, FONTS, VIEWER_JS
from qa.settings import Generation, Settings
from qa.types import Answer, Check, Citation, Mention, Turn, focus_in, several

EXAMPLES = (
    "What overall remission rate did AUCATZYL reach in FELIX?",
    "How long was progression-free survival with satri-cel?",
    "How many jobs is Caribou cutting?",
    "Who leads Allogene Therapeutics?",
    "what does THANK-uCAR do to NK cells?",
)
CLIENTS = 16
"""Questions answered at the same time; further ones wait in the queue."""
PAUSE = 0.06
"""Seconds in which a piece of an answer is not shown if the next one is there by then."""
LABELS = {"supported": "shown", "corrected": "corrected", "dropped": "dropped"}
"""What became of a sentence, as a reader is told it."""

Span = tuple[int, int]
Limits = tuple[str | None, str | None, str | None, str | None]
"""Company, since, until and as-of as they stand in the form."""


class Asker(Protocol):
    """What the page needs of ``qa.ReleaseQA``."""

    @property
    def model(self) -> str: ...

    @property
    def threshold(self) -> float: ...

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
    ) -> Iterator[Answer]: ...

    def release(self, release_id: str) -> Release: ...

    def overview(self) -> Overview: ...


@dataclass(frozen=True, slots=True)
class Exchange:
    """One question of a conversation, how it was read, and its answer as far as it is there.

    ``least`` is the confidence, 0 to 1, below which a quote is not shown (None: as the reader has it).
    ``scope`` holds also what the user takes back, of which ``ignored`` are the labels. ``body`` is the
    answer as HTML.
    """

    turn: int
    question: str
    limits: Limits
    least: float | None = None
    scope: tuple[Mention, ...] = ()
    ignored: tuple[str, ...] = ()
    answer: Answer | None = None
    body: str = ""

    @property
    def html(self) -> str:
        return self._around(scope_html(self) + self.body)

    @property
    def pending(self) -> str:
        """What is shown before the first piece of an answer: the answer that it takes the place of."""
        if not self.body:
            return self._around(pending_html("Reading the releases"))
        stale = f'<div class="rq-stale" inert>{self.body}</div>'
        return self._around(scope_html(self, pending=True) + stale)

    def read(self, scope: tuple[Mention, ...]) -> tuple[Mention, ...]:
        """``scope``, which an answer has, with what the user takes back, in the question's order."""
        back = (mention for mention in self.scope if mention.label in self.ignored)
        return tuple(sorted({*scope, *back}, key=lambda m: (m.start, m.end, m.kind, m.label)))

    def toggled(self, label: str) -> Exchange:
        """The same, with ``label`` taken back or, where it is so already, restored."""
        if label in self.ignored:
            return replace(self, ignored=tuple(other for other in self.ignored if other != label))
        return replace(self, ignored=(*self.ignored, label))

    def _around(self, inner: str) -> str:
        return f'<section class="rq-exchange">{question_html(self.question)}{inner}</section>'


Session = tuple[Exchange, ...]
Pieces = Generator[Exchange, None, None]


# ---------------------------------------------------------------------------------- small pieces

EMPTY_INDEX = """<div class="rq-empty"><h2>This index is empty</h2>
<p>Add releases, then reload this page. A file or a folder will do:</p>
<pre>releaseqa index PATH</pre></div>"""

VIEWER_IDLE = """<div class="rq-idle"><p><strong>The source opens here</strong></p>
<p>Choose a numbered source to read the release, with the quote highlighted.</p></div>"""


def safe_url(url: str | None) -> str | None:
    """``url`` if a browser may be sent there (http or https with a host), else None."""
    try:
        parts = urlsplit(url or "")
    except ValueError:
        return None
    printable = url and url.isprintable() and not any(c.isspace() for c in url)
    return url if printable and parts.scheme in ("http", "https") and parts.netloc else None


def day(date: dt.date | None) -> str:
    """``20 Jan 2025``, or ``undated``."""
    return f"{date.day} {date:%b %Y}" if date else "undated"


def link(url: str | None, label: str) -> str:
    """A link that opens beside the app and tells the other side nothing; empty without a URL."""
    safe = safe_url(url)
    if not safe:
        return ""
    return (
        f'<a href="{html.escape(safe)}" target="_blank" rel="noopener noreferrer">'
        f"{html.escape(label)}</a>"
    )


def plural(count: int, noun: str) -> str:
    """``1 release``, ``1,329 releases``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def parse_date(name: str, text: str | None) -> dt.date | None:
    """The date written in a filter field, None for an empty one; raises FilterError."""
    text = (text or "").strip()
    try:
        return dt.date.fromisoformat(text) if text else None
    except ValueError:
        raise FilterError(f"{name}: {text!r} is not a date; write it like 2025-01-20") from None


def parse_filters(limits: Limits) -> Filters:
    """The form's fields as Filters; raises FilterError for a date that is none."""
    company, *dates = limits
    since, until, as_of = map(parse_date, ("Since", "Until", "As of"), dates)
    return Filters((company or "").strip() or None, since, until, as_of)


def describe(filters: Filters) -> str:
    """The active filters in words, empty if there are none: ``CARsgen, since 1 Mar 2024``."""
    dates = {"since": filters.since, "until": filters.until, "as of": filters.as_of}
    words = [f"{name} {day(date)}" for name, date in dates.items() if date]
    return ", ".join([filters.company, *words] if filters.company else words)


def examples(overview: Overview) -> tuple[str, ...]:
    """Questions to start with: the demo's own, or one for each of the index's largest issuers."""
    names = [name for name, _ in overview.companies]
    if any("carsgen" in name.casefold() for name in names):
        return EXAMPLES
    return tuple(f"What did {name} announce?" for name in names[:3])


# ---------------------------------------------------------------------------------- the release


def highlighted(text: str, active: Span, others: Sequence[Span] = ()) -> str:
    """``text`` escaped, with ``<mark>`` around the cited slices.

    The active quote is always one unbroken mark; others that overlap it keep what sticks out.
    """

    def kind(start: int) -> str:
        if active[0] <= start < active[1]:
            return "active"
        return "other" if any(a <= start < b for a, b in others) else ""

    edges = {0, len(text), *active, *(edge for span in others for edge in span)}
    cuts = sorted(edge for edge in edges if 0 <= edge <= len(text))
    out = []
    for name, run in groupby(pairwise(cuts), key=lambda piece: kind(piece[0])):
        pieces = list(run)
        slice_ = html.escape(text[pieces[0][0] : pieces[-1][1]])
        out.append(f'<mark class="{name}">{slice_}</mark>' if name else slice_)
    return "".join(out)


def release_html(release: Release, answer: Answer, turn: int, cite: int) -> str:
    """The viewer: the release of one citation, all quotes the answer takes from it marked."""
    citation = answer.citations[cite]
    others = [(c.start, c.end) for c in answer.citations if c.release_id == release.id]
    facts = [release.company, day(release.date), release.place, *release.tickers, release.wire]
    shown = "".join(f"<li>{html.escape(fact)}</li>" for fact in facts if fact)
    original = link(release.url, "Open original ↗")
    return (
        f'<article class="rq-release" data-shows="{turn}-{cite}">'
        f'<header><p class="rq-eyebrow">Source {cite + 1}</p>'
        f"<h2>{html.escape(release.title)}</h2>"
        f'<ul class="rq-facts">{shown}</ul>'
        f'<p class="rq-actions">{copy_button(citation, release)}{original}</p></header>'
        '<div class="rq-text" tabindex="0" role="region" aria-label="Text of the release">'
        f"{highlighted(release.text, (citation.start, citation.end), others)}</div></article>"
    )


def copy_button(citation: Citation, release: Release | None) -> str:
    """A button that copies the quote with all that is needed to find it again."""
    company = release.company if release else None
    date = citation.date.isoformat() if citation.date else "undated"
    origin = ", ".join(part for part in (citation.title, company, date, citation.source) if part)
    text = html.escape(f"“{citation.quote}”\n— {origin}")
    return (
        f'<button type="button" class="rq-copy" data-copy="{text}" '
        'title="Copy the quote with title, company, date and address">Copy quote</button>'
    )


# ------------------------------------------------------------------------------------- the chat


def question_html(question: str) -> str:
    return f'<p class="rq-question">{html.escape(question)}</p>'


def scope_html(exchange: Exchange, pending: bool = False) -> str:
    """How the question was read: a button for each thing, which takes it back or restores it."""
    chips = []
    for i, mention in enumerate(exchange.scope):
        off = mention.label in exchange.ignored
        name = html.escape(f"the {mention.label}" if mention.kind == "order" else mention.label)
        does = f"Prefer {name} again" if off else f"Do not prefer {name}"
        hint = does if mention.end else f"{does} (taken over from the question before)"
        chips.append(
            f'<button type="button" class="rq-chip{" rq-off" if off else ""}" '
            f'data-scope="{exchange.turn}-{i}" aria-label="{does}" title="{hint}">'
            f"<span>{html.escape(mention.label)}</span>"
            f'<i aria-hidden="true">{"+" if off else "×"}</i></button>'
        )
    if not chips:
        return ""
    lead = '<span class="rq-pending" role="status">Reading…</span>' if pending else "<span>Read as</span>"
    return f'<div class="rq-scope" role="group" aria-label="Read as">{lead}{"".join(chips)}</div>'


def sentences_html(answer: Answer, turn: int) -> str:
    """The answer's sentences, each with buttons that open its quotes, and with the date of its release
    where there are several.
    """
    out = []
    dated = several(answer)
    for sentence in answer.sentences:
        marks = "".join(
            f'<button type="button" class="rq-ref" data-cite="{turn}-{i}" '
            f'aria-label="Show source {i + 1}">{i + 1}</button>'
            for i in sentence.citations
        )
        days = dict.fromkeys(day(answer.citations[i].date) for i in sentence.citations)
        when = f' <small class="rq-day">{", ".join(days)}</small>' if dated else ""
        last = sentence.text.rfind(" ") + 1
        span = focus_in(sentence, answer)
        out.append(  # the last word keeps the numbers from standing alone on a line
            f"{bold(sentence.text, span, 0, last)}"
            f"<span>{bold(sentence.text, span, last)}{marks}</span>{when}"
        )
    return f'<p class="rq-answer">{" ".join(out)}</p>'


def bold(text: str, span: Span, start: int, end: int | None = None) -> str:
    """``text[start:end]`` escaped, what of it is in ``span`` in bold."""
    end = len(text) if end is None else end
    first, last = (min(max(edge, start), end) for edge in span)
    parts = [html.escape(text[a:b]) for a, b in ((start, first), (first, last), (last, end))]
    return f"{parts[0]}<b>{parts[1]}</b>{parts[2]}" if parts[1] else "".join(parts)


def recurs_html(citation: Citation) -> str:
    """``in 42 releases, 4 Jan 2019 to 7 Nov 2024``, for a quote that recurs; else nothing."""
    count: int = citation.carriers
    if count < 2:
        return ""
    days = (citation.first_seen, citation.last_seen)
    span = " to ".join(day(date) for date in dict.fromkeys(days) if date)
    where = ", ".join(part for part in (f"in {plural(count, 'release')}", span) if part)
    return f'<small class="rq-recurs">{where}</small>'


def source_html(answer: Answer, cites: Sequence[int], release: Release | None, turn: int) -> str:
    """A card for one release: title, issuer, date, link, and the quotes taken from it."""
    first = answer.citations[cites[0]]
    company = html.escape(release.company or "") if release else ""
    facts = (company, day(first.date), link(first.source, "Original ↗"))
    byline = " · ".join(part for part in facts if part)
    quotes = "".join(
        f'<li><button type="button" class="rq-open" data-cite="{turn}-{i}">'
        f'<span class="rq-number">{i + 1}</span><q>{html.escape(answer.citations[i].quote)}</q>'
        f"</button>{copy_button(answer.citations[i], release)}{recurs_html(answer.citations[i])}</li>"
        for i in cites
    )
    return (
        f'<li class="rq-source"><button type="button" class="rq-title" data-cite="{turn}-{cites[0]}">'
        f'{html.escape(first.title)}</button><p class="rq-byline">{byline}</p><ul>{quotes}</ul></li>'
    )


def footnote(answer: Answer, seconds: float, stopped: bool = False) -> str:
    """What to know about an answer: notes, confidence, time, model, and what the model wrote."""
    notes = "".join(f'<p class="rq-note">{html.escape(note)}</p>' for note in answer.notes)
    facts = [f"confidence {answer.confidence:.0%}", f"{seconds:.2f} s", html.escape(answer.model)]
    line = " · ".join(["stopped", *facts] if stopped else facts)
    return f'<div class="rq-foot">{notes}<p class="rq-note">{line}</p>{checks_html(answer.checks)}</div>'


def checks_html(checks: Sequence[Check]) -> str:
    """The sentences that a language model wrote and what became of each, to unfold."""
    if not checks:
        return ""
    counts = Counter(LABELS[check.outcome] for check in checks)
    summary = ", ".join(f"{counts[label]} {label}" for label in LABELS.values() if counts[label])
    rows = []
    for check, same in groupby(checks, key=lambda check: replace(check, sentence=None)):
        times = len(list(same))
        said = f"<q>{html.escape(check.text)}</q>{f' × {times}' if times > 1 else ''}"
        why = f"<small>{html.escape(check.reason)}</small>" if check.reason else ""
        rows.append(
            f'<li><span class="rq-outcome rq-{check.outcome}">{LABELS[check.outcome]}</span>'
            f"<p>{said}{why}</p></li>"
        )
    return (
        '<details class="rq-checks"><summary>What became of what the model wrote: '
        f"{summary}</summary><ul>{''.join(rows)}</ul></details>"
    )


def found_html(qa: Asker, answer: Answer, turn: int) -> str:
    """The sentences of an answer and its numbered sources, one card a release."""
    by_release: dict[str, list[int]] = {}
    for i, citation in enumerate(answer.citations):
        by_release.setdefault(citation.release_id, []).append(i)
    cards = "".join(
        source_html(answer, cites, release_or_none(qa, release_id), turn)
        for release_id, cites in by_release.items()
    )
    return f'{sentences_html(answer, turn)}<ul class="rq-sources">{cards}</ul>'


def not_found_html(answer: Answer, overview: Overview, filters: Filters, seconds: float) -> str:
    """The result that nothing answers: what was searched, and what to try."""
    if not overview.releases:
        return EMPTY_INDEX
    searched = f"Searched {plural(overview.releases, 'release')}"
    limit = describe(filters)
    hint = (
        f"{searched}, limited to: {limit}. Clearing the filters widens the search."
        if limit
        else f"{searched}, no filters. Naming the company, product or trial may help."
    )
    if answer.confidence < 1 and not answer.notes:
        hint += (
            f" The nearest quote answers with a probability of {1 - answer.confidence:.0%}; "
            "a lower confidence under Filters shows it."
        )
    return (
        '<div class="rq-missing"><strong>No release here was found to say this.</strong>'
        f"<p>{html.escape(hint)}</p></div>{footnote(answer, seconds)}"
    )


def error_html(message: str) -> str:
    return f'<p class="rq-error" role="alert">{html.escape(message)}</p>'


def pending_html(what: str) -> str:
    return f'<p class="rq-pending" role="status">{html.escape(what)}…</p>'


def placed(session: Session, exchange: Exchange) -> Session:
    """The conversation with ``exchange`` at its turn, behind the others or in place of one."""
    return (*session[: exchange.turn], exchange, *session[exchange.turn + 1 :])


def transcript(session: Session, pending: Exchange | None = None) -> str:
    """The conversation so far, and the question that is being answered."""
    shown = placed(session, pending) if pending else session
    return "".join(e.pending if e is pending else e.html for e in shown)


def welcome_html(overview: Overview) -> str:
    """What stands in an empty conversation."""
    if not overview.releases:
        return EMPTY_INDEX
    chips = "".join(
        f'<button type="button" class="rq-example" data-question="{html.escape(question)}">'
        f"{html.escape(question)}</button>"
        for question in examples(overview)
    )
    return (
        '<div class="rq-welcome"><h2>Ask the releases</h2><p>Every sentence of an answer carries a '
        "quote, checked word for word against the release it comes from. If the releases do not "
        f'say, you are told so.</p><div class="rq-examples">{chips}</div></div>'
    )


def header_html(overview: Overview, model: str = "extractive") -> str:
    """The top line: what the index holds, with a list of its issuers to unfold, and what answers."""
    facts = [plural(overview.releases, "release")]
    if overview.companies:
        facts.append(plural(len(overview.companies), "issuer"))
    if overview.first_date and overview.last_date:
        facts.append(f"{day(overview.first_date)} to {day(overview.last_date)}")
    summary = " · ".join(facts)
    named = f'<p class="rq-writer">Answers by {html.escape(model)}</p>'
    who = "" if model == "extractive" else named
    if not overview.companies:
        return f'<div class="rq-header"><h1>releaseqa</h1><p>{summary}</p>{who}</div>'
    return (
        f'<div class="rq-header"><h1>releaseqa</h1><details><summary>{summary}</summary>'
        f'<div class="rq-issuers">{issuers_html(overview.companies)}</div></details>'
        f"{who}{suggestions_html(overview.companies)}</div>"
    )


def issuers_html(companies: Sequence[tuple[str, int]], limit: int = 200) -> str:
    """Bars, one an issuer; at most ``limit`` of them."""
    largest = max(count for _, count in companies)
    rows = "".join(
        f"<tr><th scope='row'>{html.escape(name)}</th><td><i style='width:{count / largest:.1%}'>"
        f"</i></td><td>{count:,}</td></tr>"
        for name, count in companies[:limit]
    )
    rest = len(companies) - limit
    more = f"<p>and {plural(rest, 'more issuer')}</p>" if rest > 0 else ""
    return f"<table><caption>Releases by issuer</caption>{rows}</table>{more}"


def suggestions_html(companies: Sequence[tuple[str, int]], limit: int = 1000) -> str:
    """What the browser offers while a company is typed: the largest ``limit`` issuers."""
    names = sorted((name for name, _ in companies[:limit]), key=str.casefold)
    options = "".join(f'<option value="{html.escape(name)}"></option>' for name in names)
    return f'<datalist id="rq-companies">{options}</datalist>'


# ------------------------------------------------------------------------------- what happens


def respond(qa: Asker, asked: Exchange, session: Session) -> Pieces:
    """Ask, and render what comes of it piece by piece: what a piece shows, all later ones show.

    An error becomes one line of the conversation. Closing the pieces closes those of ``qa``.
    """
    answer, body, scope = None, "", asked.scope
    turn, began = asked.turn, time.perf_counter()
    history = [Turn(e.question, e.answer.text, e.ignored) for e in session[:turn] if e.answer]
    try:
        filters = parse_filters(asked.limits)
        for answer in qa.stream(
            asked.question,
            company=filters.company,
            since=filters.since,
            until=filters.until,
            as_of=filters.as_of,
            history=history,
            ignore=asked.ignored,
            threshold=asked.least,
        ):
            scope = asked.read(answer.scope)
            body = found_html(qa, answer, turn) if answer.sentences else ""
            if body:
                writing = pending_html(f"{answer.model} is writing")
                yield replace(asked, scope=scope, answer=answer, body=body + writing)
        assert answer, "the last piece is the answer"
        seconds = time.perf_counter() - began
        if body:
            body += footnote(answer, seconds)
        else:
            body = not_found_html(answer, qa.overview(), filters, seconds)
    except ReleaseQAError as error:
        body += error_html(str(error))
    except Exception as error:
        logging.exception("question failed")
        line = f"This question failed ({type(error).__name__}); the terminal shows the details."
        body += error_html(line)
    yield replace(asked, scope=scope, answer=answer, body=body)


def stopped(qa: Asker, asked: Exchange, last: Exchange | None, seconds: float) -> Exchange:
    """The exchange that a reader stopped: what was shown stays."""
    if last is None or last.answer is None:
        return replace(asked, answer=None, body='<p class="rq-note">stopped</p>')
    body = found_html(qa, last.answer, last.turn) + footnote(last.answer, seconds, stopped=True)
    return replace(last, body=body)


def again(session: Session, key: str) -> Exchange | None:
    """The exchange to ask again where ``key`` (``turn-mention``) is taken back or restored."""
    try:
        turn, mention = map(int, key.split("-"))
        return session[turn].toggled(session[turn].scope[mention].label)
    except (ValueError, IndexError):
        return None


async def settled(
    pieces: Pieces, stop: asyncio.Event, pool: ThreadPoolExecutor
) -> AsyncGenerator[Exchange, None]:
    """The pieces as they come, but for those that the next one overtakes at once, until ``stop``.

    They are made in ``pool``; ending in any way closes ``pieces``, where need be once the piece that is
    in the making is there.
    """
    loop = asyncio.get_running_loop()
    stopping = asyncio.ensure_future(stop.wait())
    latest = None
    try:
        while True:
            coming = loop.run_in_executor(pool, next, pieces, None)
            either: list[asyncio.Future[Any]] = [coming, stopping]
            if latest:
                done, _ = await asyncio.wait(either, timeout=PAUSE, return_when="FIRST_COMPLETED")
                if not done:
                    yield latest
            await asyncio.wait(either, return_when="FIRST_COMPLETED")
            if stop.is_set():
                return
            piece = coming.result()
            if piece is None:
                break
            latest = piece
        if latest:
            yield latest
    finally:
        stopping.cancel()
        coming.add_done_callback(lambda _: pool.submit(pieces.close))


def release_or_none(qa: Asker, release_id: str) -> Release | None:
    try:
        return qa.release(release_id)
    except ReleaseQAError:  # taken out of the index since the answer was given
        return None


def opening(turn: int, answer: Answer | None) -> str:
    """The key of the citation to open first: the one that holds what is asked for, if that is told."""
    cites = answer.citations if answer else ()
    return f"{turn}-{next((i for i, citation in enumerate(cites) if citation.focus), 0)}"


def view(qa: Asker, session: Session, key: str) -> str:
    """The viewer for citation ``key`` (``turn-citation``) of the conversation."""
    try:
        turn, cite = map(int, key.split("-"))
        answer = session[turn].answer
    except (ValueError, IndexError):
        return VIEWER_IDLE
    if answer is None or cite >= len(answer.citations):
        return VIEWER_IDLE
    release = release_or_none(qa, answer.citations[cite].release_id)
    if release is None:
        return f"{VIEWER_IDLE}{error_html('This release is no longer in the index.')}"
    return release_html(release, answer, turn, cite)


def filter_label(*limits: str | None) -> str:
    """The heading of the filter row, which names those that are active."""
    company, *dates = ((text or "").strip() for text in limits)
    names = [f"{n} {d}" for n, d in zip(("since", "until", "as of"), dates, strict=True) if d]
    active = " · ".join([company, *names] if company else names)
    return f"Filters: {active}" if active else "Filters"


def build(qa: Asker) -> gr.Blocks:
    """The page over ``qa``; start it with ``launch``, which adds its style."""
    first = qa.overview()

    pool = ThreadPoolExecutor(2 * CLIENTS, "ask")  # some may still end what was stopped
    running: dict[str | None, asyncio.Event] = {}  # by session, to stop it

    async def answering(
        asked: Exchange, session: Session, client: str | None
    ) -> AsyncGenerator[tuple[Session, str, Any], None]:
        """The conversation, the chat and the viewer with each piece of the answer."""
        yield session, transcript(session, asked), gr.skip()
        stop = running[client] = asyncio.Event()
        began, exchange, opened = time.perf_counter(), None, False
        try:
            async with aclosing(settled(respond(qa, asked, session), stop, pool)) as shown:
                async for exchange in shown:
                    now = placed(session, exchange)
                    opens = bool(exchange.answer and exchange.answer.citations) and not opened
                    source = view(qa, now, opening(asked.turn, exchange.answer)) if opens else gr.skip()
                    opened = opened or opens
                    yield now, transcript(now), source
            now = session
            if stop.is_set() and (exchange or not asked.body):  # else the answer before stays
                exchange = stopped(qa, asked, exchange, time.perf_counter() - began)
            if exchange:
                now = placed(session, exchange)
            gone = asked.body and exchange and not opened  # what the viewer shows is no source now
            yield now, transcript(now), VIEWER_IDLE if gone else gr.skip()
        finally:
            if running.get(client) is stop:
                del running[client]

    async def ask(
        question: str,
        session: Session,
        company: str | None,
        since: str | None,
        until: str | None,
        as_of: str | None,
        least: float | None,
        request: gr.Request,
    ) -> AsyncIterator[tuple[Any, ...]]:
        question = (question or "").strip()
        if not question or request.session_hash in running:
            yield gr.skip(), gr.skip(), gr.skip(), gr.skip()
            return
        sure = None if least is None else least / 100
        asked = Exchange(len(session), question, (company, since, until, as_of), sure)
        typed: Any = ""
        async with aclosing(answering(asked, session, request.session_hash)) as shown:
            async for now, said, source in shown:
                yield now, said, source, typed
                typed = gr.skip()
        if now[-1].answer is None:  # the question stays, to be mended and sent again
            yield now, said, gr.skip(), question

    async def reread(
        session: Session, event: gr.EventData, request: gr.Request
    ) -> AsyncIterator[tuple[Any, ...]]:
        asked = again(session, str(event.scope))
        if asked is None or request.session_hash in running:
            yield gr.skip(), gr.skip(), gr.skip()
            return
        async with aclosing(answering(asked, session, request.session_hash)) as shown:
            async for piece in shown:
                yield piece

    async def end(request: gr.Request) -> None:
        if stop := running.get(request.session_hash):
            stop.set()

    def show(session: Session, event: gr.EventData) -> str:
        return view(qa, session, str(event.cite))

    def example(event: gr.EventData) -> str:
        return str(event.question)

    def restart(request: gr.Request) -> tuple[Session, str, str, str]:
        if stop := running.pop(request.session_hash, None):
            stop.set()
        return (), welcome_html(qa.overview()), VIEWER_IDLE, ""

    def opened() -> tuple[str, str]:
        now = qa.overview()  # releases may have been added since the app was started
        return header_html(now, qa.model), welcome_html(now)

    page = gr.Blocks(title="releaseqa", analytics_enabled=False, fill_width=True)
    with page:
        session = gr.State(())
        header = gr.HTML(header_html(first, qa.model), elem_id="rq-top", apply_default_css=False)
        with gr.Row(elem_id="rq-main", equal_height=True):
            with gr.Column(scale=6, min_width=340, elem_id="rq-left"):
                chat = gr.HTML(
                    welcome_html(first),
                    elem_id="rq-chat",
                    apply_default_css=False,
                    js_on_load=CHAT_JS,
                )
                with gr.Row(elem_id="rq-ask"):
                    question = gr.Textbox(
                        placeholder="Ask a question",
                        label="Question",
                        show_label=False,
                        container=False,
                        max_lines=4,
                        max_length=2000,
                        autofocus=True,
                        scale=8,
                        min_width=200,
                    )
                    send = gr.Button("Ask", variant="primary", scale=0, min_width=72, elem_id="rq-send")
                    halt = gr.Button("Stop", scale=0, min_width=72, elem_id="rq-stop")
                    new = gr.Button("New conversation", scale=0, min_width=150)
                with gr.Accordion("Filters", open=False, elem_id="rq-filters") as panel:
                    with gr.Row():
                        company = gr.Textbox(
                            label="Company",
                            placeholder="Name or ticker",
                            max_lines=1,
                            scale=2,
                            min_width=170,
                            elem_classes="rq-company",
                        )
                        since, until, as_of = (
                            gr.Textbox(
                                label=label,
                                placeholder="YYYY-MM-DD",
                                max_lines=1,
                                min_width=150,
                                elem_classes="rq-date",
                            )
                            for label in ("Since", "Until", "As of")
                        )
                    usual = round(100 * qa.threshold)
                    least = gr.Slider(
                        0,
                        95,
                        usual,
                        step=1,
                        label="Least confidence",
                        info="A quote that is less likely to answer, in percent, is not shown.",
                        elem_id="rq-least",
                    )
                    clear = gr.Button("Clear filters", size="sm")
            with gr.Column(scale=5, min_width=340, elem_id="rq-right"):
                viewer = gr.HTML(
                    VIEWER_IDLE, elem_id="rq-viewer", apply_default_css=False, js_on_load=VIEWER_JS
                )

        limits: list[Any] = [company, since, until, as_of]
        quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
        asking: dict[str, Any] = {
            "fn": ask,
            "inputs": [question, session, *limits, least],
            "outputs": [session, chat, viewer, question],
            "concurrency_limit": CLIENTS,
            "concurrency_id": "ask",
            **quiet,
        }
        asked = gr.on([question.submit, send.click], **asking)
        from_example = chat.example(example, None, question, **quiet).then(**asking)
        read_again = chat.reread(
            reread,
            session,
            [session, chat, viewer],
            concurrency_limit=CLIENTS,
            concurrency_id="ask",
            **quiet,
        )
        halt.click(end, None, None, queue=False, **quiet)
        page.unload(end)
        chat.cite(show, session, viewer, concurrency_limit=CLIENTS, **quiet)
        new.click(
            restart,
            None,
            [session, chat, viewer, question],
            cancels=[asked, from_example, read_again],
            **quiet,
        )
        clear.click(lambda: ("", "", "", "", usual), None, [*limits, least], **quiet)
        gr.on(
            [field.change for field in limits],
            lambda *texts: gr.update(label=filter_label(*texts)),
            limits,
            panel,
            **quiet,
        )
        page.load(opened, None, [header, chat], **quiet)
    return page


# ---------------------------------------------------------------------------------- the server


def check_port(host: str, port: int) -> None:
    """Raise ReleaseQAError, naming a free port, if ``port`` cannot be listened on."""
    try:
        listen_once(host, port)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise ReleaseQAError(f"cannot listen on {host}:{port}: {error.strerror}") from None
        free = listen_once(host, 0)
        raise ReleaseQAError(f"port {port} is in use; choose another, such as --port {free}") from None


def listen_once(host: str, port: int) -> int:
    """Bind ``port`` (0: any) for a moment; returns its number, raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, port), family=family) as server:
        return int(server.getsockname()[1])


def launch(page: gr.Blocks, host: str, port: int, inbrowser: bool = False) -> str:
    """Start serving ``page`` in the background and return its address; raises ReleaseQAError."""
    check_port(host, port)
    page.queue(default_concurrency_limit=CLIENTS)
    _, address, _ = page.launch(
        server_name=host,
        server_port=port,
        inbrowser=inbrowser,
        prevent_thread_lock=True,
        quiet=True,
        share=False,
        mcp_server=False,
        ssr_mode=False,
        pwa=False,
        enable_monitoring=False,
        run_history=False,
        footer_links=[],
        allowed_paths=[],
        max_file_size="1kb",  # the page takes no files
        theme=gr.themes.Base(primary_hue="teal", neutral_hue="slate", font=FONTS, font_mono="monospace"),
        css=CSS,
    )
    return address


def serve(
    index: str | Path,
    host: str = "127.0.0.1",
    port: int = 7860,
    model: str = "extractive",
    inbrowser: bool = True,
    embedder: str = Settings().embedder,
    fallback: bool = True,
) -> None:
    """Serve the index until interrupted; raises ReleaseQAError if it or the port cannot be had.

    With ``fallback`` the extractive answer stands in for a model that fails.
    """
    from qa import ReleaseQA

    check_port(host, port)
    settings = Settings(embedder=embedder, generation=Generation(fallback=fallback))
    with ReleaseQA.open(index, model, settings) as qa:
        page = build(qa)
        address = launch(page, host, port, inbrowser)
        print(f"releaseqa on {address} (Ctrl-C to stop)", flush=True)
        page.block_thread()


def main(arguments: Sequence[str] | None = None) -> int:
    """``python app.py``; returns the exit status."""
    parser = argparse.ArgumentParser(description="Ask questions of press releases in a browser.")
    default = os.environ.get("RELEASEQA_INDEX", "releases.index")
    parser.add_argument("--index", default=default, help="folder of the index (%(default)s)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument("--port", type=int, default=7860, help="port to listen on (%(default)s)")
    parser.add_argument("--model", default="extractive", help="what answers (%(default)s)")
    fallback = "quote where the model fails (on)"
    parser.add_argument("--fallback", action=argparse.BooleanOptionalAction, default=True, help=fallback)
    parser.add_argument("--no-browser", action="store_true", help="do not open a browser")
    options = parser.parse_args(arguments)
    try:
        serve(
            options.index,
            options.host,
            options.port,
            options.model,
            not options.no_browser,
            fallback=options.fallback,
        )
    except ReleaseQAError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
