"""The web app: a chat on the left, the cited release with its quote highlighted on the right.

Everything shown is built here as escaped HTML, so a release's text is never markup. Gradio carries
the events and the widgets; nothing on the page is fetched from another machine.
"""

from __future__ import annotations

import argparse
import datetime as dt
import errno
import html
import logging
import os
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read by gradio whenever it could call home

import gradio as gr

from index.errors import FilterError, ReleaseQAError
from index.types import Filters, Overview, Release
from qa.settings import Settings
from qa.types import Answer, Citation, Turn

EXAMPLES = (
    "what does THANK-uCAR do to NK cells?",
    "What was the median progression-free survival with satri-cel?",
    "What overall remission rate did AUCATZYL reach in FELIX?",
    "How many jobs is Caribou cutting?",
    "Who leads Allogene Therapeutics?",
)
CLIENTS = 16
"""Questions answered at the same time; further ones wait in the queue."""

Span = tuple[int, int]
Limits = tuple[str | None, str | None, str | None, str | None]
"""Company, since, until and as-of as they stand in the form."""


class Asker(Protocol):
    """What the page needs of ``qa.ReleaseQA``."""

    def ask(
        self,
        question: str,
        *,
        company: str | None = None,
        since: dt.date | None = None,
        until: dt.date | None = None,
        as_of: dt.date | None = None,
        history: Sequence[Turn] = (),
    ) -> Answer: ...

    def release(self, release_id: str) -> Release: ...

    def overview(self) -> Overview: ...


@dataclass(frozen=True, slots=True)
class Exchange:
    """One question of a conversation, its answer (None after an error), and both as HTML."""

    question: str
    answer: Answer | None
    html: str


Session = tuple[Exchange, ...]


# ---------------------------------------------------------------------------------- small pieces


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


def sentences_html(answer: Answer, turn: int) -> str:
    """The answer's sentences, each with buttons that open its quotes."""
    out = []
    for sentence in answer.sentences:
        marks = "".join(
            f'<button type="button" class="rq-ref" data-cite="{turn}-{i}" '
            f'aria-label="Show source {i + 1}">{i + 1}</button>'
            for i in sentence.citations
        )
        body, space, last = sentence.text.rpartition(" ")
        out.append(  # the last word keeps the numbers from standing alone on a line
            f"{html.escape(body + space)}<span>{html.escape(last)}{marks}</span>"
        )
    return f'<p class="rq-answer">{" ".join(out)}</p>'


def source_html(answer: Answer, cites: Sequence[int], release: Release | None, turn: int) -> str:
    """A card for one release: title, issuer, date, link, and the quotes taken from it."""
    first = answer.citations[cites[0]]
    company = html.escape(release.company or "") if release else ""
    facts = (company, day(first.date), link(first.source, "Original ↗"))
    byline = " · ".join(part for part in facts if part)
    quotes = "".join(
        f'<li><button type="button" class="rq-open" data-cite="{turn}-{i}">'
        f'<span class="rq-number">{i + 1}</span><q>{html.escape(answer.citations[i].quote)}</q>'
        f"</button>{copy_button(answer.citations[i], release)}</li>"
        for i in cites
    )
    return (
        f'<li class="rq-source"><button type="button" class="rq-title" data-cite="{turn}-{cites[0]}">'
        f'{html.escape(first.title)}</button><p class="rq-byline">{byline}</p><ul>{quotes}</ul></li>'
    )


def footnote(answer: Answer, seconds: float) -> str:
    parts = (f"confidence {answer.confidence:.0%}", f"{seconds:.2f} s", html.escape(answer.model))
    return f'<p class="rq-note">{" · ".join(parts)}</p>'


def answered_html(qa: Asker, answer: Answer, turn: int, seconds: float) -> str:
    """An answer with its numbered sources, one card a release."""
    by_release: dict[str, list[int]] = {}
    for i, citation in enumerate(answer.citations):
        by_release.setdefault(citation.release_id, []).append(i)
    cards = "".join(
        source_html(answer, cites, release_or_none(qa, release_id), turn)
        for release_id, cites in by_release.items()
    )
    sources = f'<ul class="rq-sources">{cards}</ul>'
    return f"{sentences_html(answer, turn)}{sources}{footnote(answer, seconds)}"


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
    return (
        '<div class="rq-missing"><strong>No release here was found to say this.</strong>'
        f"<p>{html.escape(hint)}</p></div>{footnote(answer, seconds)}"
    )


def error_html(message: str) -> str:
    return f'<p class="rq-error" role="alert">{html.escape(message)}</p>'


def exchange_html(question: str, body: str) -> str:
    return f'<section class="rq-exchange">{question_html(question)}{body}</section>'


def transcript(session: Session, pending: str | None = None) -> str:
    """The conversation so far, and the question that is being answered."""
    waiting = '<p class="rq-pending" role="status">Reading the releases…</p>'
    last = exchange_html(pending, waiting) if pending else ""
    return "".join(exchange.html for exchange in session) + last


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


def header_html(overview: Overview) -> str:
    """The top line: what the index holds, with a list of its issuers to unfold."""
    facts = [plural(overview.releases, "release")]
    if overview.companies:
        facts.append(plural(len(overview.companies), "issuer"))
    if overview.first_date and overview.last_date:
        facts.append(f"{day(overview.first_date)} to {day(overview.last_date)}")
    summary = " · ".join(facts)
    if not overview.companies:
        return f'<div class="rq-header"><h1>releaseqa</h1><p>{summary}</p></div>'
    return (
        f'<div class="rq-header"><h1>releaseqa</h1><details><summary>{summary}</summary>'
        f'<div class="rq-issuers">{issuers_html(overview.companies)}</div></details>'
        f"{suggestions_html(overview.companies)}</div>"
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


def respond(qa: Asker, question: str, session: Session, limits: Limits) -> Exchange:
    """Ask, and render what came of it; an error becomes one line of the conversation."""
    try:
        answer, body = answer_html(qa, question, session, limits)
    except ReleaseQAError as error:
        return Exchange(question, None, exchange_html(question, error_html(str(error))))
    except Exception as error:
        logging.exception("question failed")
        line = f"This question failed ({type(error).__name__}); the terminal shows the details."
        return Exchange(question, None, exchange_html(question, error_html(line)))
    return Exchange(question, answer, exchange_html(question, body))


def answer_html(qa: Asker, question: str, session: Session, limits: Limits) -> tuple[Answer, str]:
    """The answer and its HTML; raises ReleaseQAError."""
    filters = parse_filters(limits)
    history = [Turn(e.question, e.answer.text) for e in session if e.answer]
    began = time.perf_counter()
    answer = qa.ask(
        question,
        company=filters.company,
        since=filters.since,
        until=filters.until,
        as_of=filters.as_of,
        history=history,
    )
    seconds = time.perf_counter() - began
    if answer.status == "not_found":
        return answer, not_found_html(answer, qa.overview(), filters, seconds)
    return answer, answered_html(qa, answer, len(session), seconds)


def release_or_none(qa: Asker, release_id: str) -> Release | None:
    try:
        return qa.release(release_id)
    except ReleaseQAError:  # taken out of the index since the answer was given
        return None


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

    def ask(question: str, session: Session, *limits: Any) -> Iterator[tuple[Any, ...]]:
        question = (question or "").strip()
        if not question:
            yield gr.skip(), gr.skip(), gr.skip(), gr.skip()
            return
        yield gr.skip(), transcript(session, question), gr.skip(), gr.skip()
        exchange = respond(qa, question, session, limits)
        session = (*session, exchange)
        cited = exchange.answer and exchange.answer.citations
        shown = view(qa, session, f"{len(session) - 1}-0") if cited else gr.skip()
        # After an error the question stays, to be mended and sent again.
        yield session, transcript(session), shown, "" if exchange.answer else question

    def show(session: Session, event: gr.EventData) -> str:
        return view(qa, session, str(event.cite))

    def example(event: gr.EventData) -> str:
        return str(event.question)

    def restart() -> tuple[Session, str, str, str]:
        return (), welcome_html(qa.overview()), VIEWER_IDLE, ""

    def opened() -> tuple[str, str]:
        now = qa.overview()  # releases may have been added since the app was started
        return header_html(now), welcome_html(now)

    page = gr.Blocks(title="releaseqa", analytics_enabled=False, fill_width=True)
    with page:
        session = gr.State(())
        header = gr.HTML(header_html(first), elem_id="rq-top", apply_default_css=False)
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
                    send = gr.Button("Ask", variant="primary", scale=0, min_width=72)
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
                    clear = gr.Button("Clear filters", size="sm")
            with gr.Column(scale=5, min_width=340, elem_id="rq-right"):
                viewer = gr.HTML(
                    VIEWER_IDLE, elem_id="rq-viewer", apply_default_css=False, js_on_load=VIEWER_JS
                )

        limits: list[Any] = [company, since, until, as_of]
        quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
        asking: dict[str, Any] = {
            "fn": ask,
            "inputs": [question, session, *limits],
            "outputs": [session, chat, viewer, question],
            "concurrency_limit": CLIENTS,
            "concurrency_id": "ask",
            **quiet,
        }
        asked = gr.on([question.submit, send.click], **asking)
        from_example = chat.example(example, None, question, **quiet).then(**asking)
        chat.cite(show, session, viewer, concurrency_limit=CLIENTS, **quiet)
        new.click(
            restart,
            None,
            [session, chat, viewer, question],
            cancels=[asked, from_example],
            **quiet,
        )
        clear.click(lambda: ("", "", "", ""), None, limits, **quiet)
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
) -> None:
    """Serve the index until interrupted; raises ReleaseQAError if it or the port cannot be had."""
    from qa import ReleaseQA

    check_port(host, port)
    with ReleaseQA.open(index, model, Settings(embedder=embedder)) as qa:
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
    parser.add_argument("--no-browser", action="store_true", help="do not open a browser")
    options = parser.parse_args(arguments)
    try:
        serve(options.index, options.host, options.port, options.model, not options.no_browser)
    except ReleaseQAError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


# ------------------------------------------------------------------------------------- the page

FONTS = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "Helvetica Neue", "sans-serif"]

EMPTY_INDEX = """<div class="rq-empty"><h2>This index is empty</h2>
<p>Add releases, then reload this page. A file or a folder will do:</p>
<pre>releaseqa index PATH</pre></div>"""

VIEWER_IDLE = """<div class="rq-idle"><p><strong>The source opens here</strong></p>
<p>Choose a numbered source to read the release, with the quote highlighted.</p></div>"""

# Gradio's events carry what was clicked to Python; only copying and scrolling stay in the browser.
CHAT_JS = """
const refine = () => {  // the browser's own date picker and suggestions, once the row is unfolded
  document.querySelectorAll('.rq-date input').forEach(input => { input.type = 'date'; });
  document.querySelector('.rq-company input')?.setAttribute('list', 'rq-companies');
};
new MutationObserver(refine).observe(document.body, {childList: true, subtree: true});
const shown = (cite) => document.querySelector(`#rq-viewer [data-shows="${cite}"]`);
const show = () => document.dispatchEvent(new Event('rq-show'));
const copy = (text) => {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = Object.assign(document.createElement('textarea'), {value: text});
  document.body.append(area); area.select(); document.execCommand('copy'); area.remove();
};
document.addEventListener('click', async (event) => {
  const issuers = document.querySelector('.rq-header details');
  if (issuers && !issuers.contains(event.target)) issuers.open = false;
  const button = event.target.closest('[data-copy]');
  if (!button) return;
  await copy(button.dataset.copy);
  button.textContent = 'Copied';
  setTimeout(() => { button.textContent = 'Copy quote'; }, 1500);
});
element.addEventListener('click', (event) => {
  const {question, cite} = event.target.closest('button')?.dataset ?? {};
  if (question) trigger('example', {question});
  if (!cite) return;
  if (innerWidth < 900) document.getElementById('rq-viewer').scrollIntoView();
  if (shown(cite)) show(); else trigger('cite', {cite});
});
watch('value', () => {
  const last = element.querySelector('.rq-exchange:last-child');
  if (last) element.scrollTop += last.getBoundingClientRect().top
    - element.getBoundingClientRect().top;
  show();
});
"""

VIEWER_JS = """
const show = () => {
  const key = element.querySelector('[data-shows]')?.dataset.shows;
  document.querySelectorAll('#rq-chat [data-cite]').forEach(button => {
    if (button.dataset.cite === key) button.setAttribute('aria-current', 'true');
    else button.removeAttribute('aria-current');
  });
  const box = element.querySelector('.rq-text'), mark = box?.querySelector('mark.active');
  if (mark) box.scrollTop += mark.getBoundingClientRect().top
    - box.getBoundingClientRect().top - box.clientHeight / 4;
};
document.addEventListener('rq-show', show);
watch('value', show);
"""

CSS = """
:root { --rq-mark: #fde047; --rq-mark-other: #fef6cf; --rq-error: #b91c1c;
  --rq-soft: #5b6779; --rq-accent: #0f766e; --rq-tint: #f0fdfa; }
.dark { --rq-soft: #a3afc0; --rq-mark: #facc15; --rq-mark-other: #574a17; --rq-error: #fca5a5;
  --rq-accent: #5eead4; --rq-tint: #132f33; color-scheme: dark; }
:root, .dark { --rq-line: var(--border-color-primary); --rq-panel: var(--background-fill-primary); }
.gradio-container { background: var(--background-fill-secondary) !important; }
.gradio-container .main { padding: 0 !important; }
.gradio-container main { padding: 0 24px 16px !important; width: 100%; max-width: 1680px !important;
  margin: 0 auto; }
#rq-top { overflow: visible; }
#rq-top h1, #rq-main h2, #rq-main p { margin: 0; }
#rq-top { position: relative; z-index: 20; }
.rq-header { display: flex; align-items: baseline; gap: 18px; padding: 14px 2px 0; min-height: 48px;
  color: var(--rq-soft); font-size: 14px; }
.rq-header h1 { font-size: 20px; font-weight: 700; color: var(--body-text-color);
  letter-spacing: -.01em; }
.rq-header details { position: relative; }
.rq-header summary { cursor: pointer; border-radius: 6px; padding: 2px 4px; }
.rq-issuers { position: absolute; left: 0; top: 30px; width: min(560px, 88vw); max-height: 60vh;
  overflow: auto; padding: 14px 18px; background: var(--rq-panel); border: 1px solid var(--rq-line);
  border-radius: 12px; box-shadow: 0 12px 32px rgb(0 0 0 / .16); }
.rq-issuers table { width: 100%; border-collapse: collapse; }
.rq-issuers caption { text-align: left; padding-bottom: 8px; font-weight: 600; }
.rq-issuers th { text-align: left; font-weight: 400; color: var(--body-text-color);
  padding: 4px 12px 4px 0; overflow-wrap: anywhere; }
.rq-issuers td:nth-child(2) { width: 42%; }
.rq-issuers td:last-child { text-align: right; width: 52px; font-variant-numeric: tabular-nums; }
.rq-issuers i { display: block; height: 8px; min-width: 2px; border-radius: 4px;
  background: var(--rq-accent); }
#rq-main { gap: 20px; flex-wrap: nowrap; height: calc(100dvh - 80px); min-height: 460px; }
#rq-left, #rq-right { height: 100%; min-height: 0; flex-wrap: nowrap; gap: 12px; }
#rq-chat, #rq-viewer { flex: 1 1 0; min-height: 0; padding: 0; border-radius: 14px;
  background: var(--rq-panel); border: 1px solid var(--rq-line); overflow: hidden; }
#rq-top > div, #rq-chat > div, #rq-viewer > div { padding: 0; }
#rq-chat > div, #rq-chat > div > div, #rq-viewer > div, #rq-viewer > div > div { height: 100%; }
#rq-chat > div > div { overflow: auto; }
#rq-ask, #rq-filters { flex: none; }
#rq-ask { align-items: stretch; gap: 8px; }
#rq-ask > .block { border-radius: 10px; background: var(--rq-panel); }
#rq-ask textarea { background: none; min-height: 44px; font-size: 16px; }
#rq-ask button { min-height: 44px; max-height: 48px; border-radius: 10px; font-size: 15px;
  white-space: nowrap; }
#rq-ask button.primary { background: #0f766e; color: #fff; }
#rq-ask button.primary:hover { background: #115e59; }
#rq-ask button.secondary { background: none; border: 1px solid var(--rq-line); font-weight: 500;
  color: var(--body-text-color); }
#rq-filters .row { flex-wrap: wrap; }
.rq-date input, .rq-company input { width: 100%; padding: 7px 10px; font-size: 14px;
  border: 1px solid transparent; border-radius: 6px; background: var(--input-background-fill);
  color: var(--body-text-color); }
#rq-filters button.sm { flex: none; align-self: flex-start; width: auto; }
#rq-filters { border-radius: 12px; }
.rq-exchange { padding: 22px 26px 20px; display: flex; flex-direction: column; gap: 14px; }
.rq-exchange + .rq-exchange { border-top: 1px solid var(--rq-line); }
.rq-question { font-weight: 600; font-size: 17px; line-height: 1.4; overflow-wrap: anywhere; }
.rq-answer { font-size: 16px; line-height: 1.65; overflow-wrap: anywhere; }
.rq-answer span { white-space: nowrap; }
#rq-chat button, #rq-viewer button { font: inherit; cursor: pointer; }
#rq-chat :focus-visible, #rq-viewer :focus-visible, #rq-top :focus-visible {
  outline: 2px solid var(--rq-accent); outline-offset: 2px; }
.rq-ref { margin-left: 4px; min-width: 20px; padding: 0 5px; border-radius: 6px; line-height: 20px;
  font-size: 12px !important; font-weight: 600 !important; color: var(--rq-accent);
  background: var(--rq-tint); border: 1px solid transparent; vertical-align: 2px; }
.rq-ref:hover, .rq-ref[aria-current] { border-color: var(--rq-accent); }
.rq-sources { list-style: none; margin: 0; padding: 0; display: flex; flex-direction: column;
  gap: 8px; }
.rq-source { border: 1px solid var(--rq-line); border-radius: 10px; padding: 12px 8px 8px; }
.rq-source:has([aria-current]) { border-color: var(--rq-accent); }
.rq-source ul { list-style: none; margin: 6px 0 0; padding: 0; }
.rq-source li { display: flex; align-items: center; gap: 8px; padding-right: 8px;
  border-radius: 8px; }
.rq-source li:hover, .rq-source li:has([aria-current]) { background: var(--rq-tint); }
.rq-title, .rq-open { text-align: left; background: none; border: 0; border-radius: 8px; }
.rq-title { display: block; padding: 0 8px; font-weight: 600 !important; line-height: 1.35;
  overflow-wrap: anywhere; }
.rq-title:hover { color: var(--rq-accent); }
.rq-byline { padding: 2px 8px 0; }
.rq-open { flex: 1; min-width: 0; display: flex; gap: 10px; align-items: center; padding: 5px 8px; }
.rq-open q { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; font-size: 14px; }
.rq-open q::before { content: "“"; }
.rq-open q::after { content: "”"; }
.rq-byline a { color: var(--rq-accent); text-decoration: none; }
.rq-byline a:hover { text-decoration: underline; }
.rq-number { flex: none; width: 22px; border-radius: 6px; text-align: center; line-height: 22px;
  font-size: 12px; font-weight: 600; color: var(--rq-accent); background: var(--rq-tint); }
.rq-byline, .rq-note, .rq-actions, .rq-facts { color: var(--rq-soft); font-size: 13px; }
.rq-actions { display: flex; gap: 16px; flex-wrap: wrap; }
.rq-copy { flex: none; }
.rq-actions a, .rq-copy { color: var(--rq-accent); background: none; border: 0; padding: 0;
  font-size: 13px !important; text-decoration: none; border-radius: 4px; }
.rq-actions a:hover, .rq-copy:hover { text-decoration: underline; }
.rq-missing, .rq-error { border-left: 3px solid var(--rq-soft); padding: 4px 0 4px 14px; }
.rq-missing { line-height: 1.5; }
.rq-missing strong { font-weight: 600; }
.rq-missing p { color: var(--rq-soft); font-size: 14px; }
.rq-error { border-color: var(--rq-error); color: var(--rq-error); overflow-wrap: anywhere; }
.rq-pending { color: var(--rq-soft); animation: rq-breathe 1.2s ease-in-out infinite; }
@keyframes rq-breathe { 50% { opacity: .4; } }
.rq-welcome, .rq-empty, .rq-idle { height: 100%; padding: 26px; display: flex; gap: 14px;
  flex-direction: column; justify-content: center; max-width: 620px; margin: 0 auto; }
.rq-welcome h2, .rq-empty h2 { font-size: 24px; font-weight: 700; letter-spacing: -.01em; }
.rq-welcome p, .rq-empty p, .rq-idle { color: var(--rq-soft); line-height: 1.55; }
.rq-idle { text-align: center; max-width: 360px; gap: 4px; }
.rq-examples { display: flex; flex-direction: column; gap: 8px; margin-top: 6px; }
.rq-example { text-align: left; padding: 11px 16px; border: 1px solid var(--rq-line);
  border-radius: 10px; background: none; }
.rq-example:hover { border-color: var(--rq-accent); background: var(--rq-tint); }
.rq-empty pre { padding: 12px 16px; border-radius: 10px; border: 1px solid var(--rq-line);
  background: var(--background-fill-secondary); font-size: 15px; }
.rq-release { height: 100%; display: flex; flex-direction: column; }
.rq-release header { padding: 20px 26px 14px; border-bottom: 1px solid var(--rq-line);
  display: flex; flex-direction: column; gap: 8px; max-height: 45%; overflow: auto; }
.rq-eyebrow { font-size: 12px; font-weight: 600; color: var(--rq-accent); }
.rq-release h2 { font-size: 19px; font-weight: 650; line-height: 1.35; overflow-wrap: anywhere; }
.rq-facts { list-style: none; margin: 0; padding: 0; display: flex; flex-wrap: wrap; }
.rq-facts li:not(:last-child)::after { content: "·"; margin: 0 8px; }
.rq-text { flex: 1 1 0; min-height: 0; overflow: auto; padding: 20px 26px 40px; font-size: 15.5px;
  line-height: 1.65; white-space: pre-wrap; overflow-wrap: anywhere; }
.rq-text mark { background: var(--rq-mark-other); color: inherit; border-radius: 3px;
  padding: 1px 0; }
.rq-text mark.active { background: var(--rq-mark); color: #1c1917; }
@media (max-width: 900px) {
  .gradio-container main { padding: 0 12px 16px !important; }
  .rq-header { flex-direction: column; gap: 2px; }
  #rq-main { flex-direction: column; height: auto; }
  #rq-left, #rq-right { height: auto; width: 100%; flex: none; }
  #rq-chat, #rq-viewer { flex: none; }
  #rq-chat > div, #rq-chat > div > div { height: auto; max-height: 70dvh; }
  #rq-viewer:has(article) { height: 90dvh; }
  .rq-exchange, .rq-release header, .rq-text { padding-left: 18px; padding-right: 18px; }
}
@media (prefers-reduced-motion: reduce) { .rq-pending { animation: none; } }
"""

if __name__ == "__main__":
    sys.exit(main())
