"""The command line, ``releaseqa``. Heavy imports are inside the commands, so help is quick.

It is where the parts are put together, so it alone reaches for ``evals`` and ``app``, from within
the two commands that need them.
"""

from __future__ import annotations

import io
import json
import os
import sys
import unicodedata
from collections.abc import Sequence
from contextlib import closing as _closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer
from rich.console import Console
from rich.text import Text

from index.errors import ReleaseQAError

from .settings import READER, Generation, Retrieval, Settings
from .types import Outcome, focus_in, several

if TYPE_CHECKING:
    from index.store import Store
    from index.sync import MakeEmbedder, Report, Summary
    from index.types import Embedder, Hit, NamePair
    from qa.types import Answer, Mention

MODEL = Settings().embedder

cli = typer.Typer(
    name="releaseqa",
    help="Ask questions of press releases; every sentence of an answer carries a checked quote.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
out = Console(highlight=False, soft_wrap=True, emoji=False)
err = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)

IndexDir = Annotated[Path, typer.Option("--index", envvar="RELEASEQA_INDEX", help="Folder of the index.")]
EmbedderName = Annotated[
    str, typer.Option(help="Embedding model: the packaged one, a folder, or a name on a hub.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Model = Annotated[
    str, typer.Option(help="What writes the answer: extractive, local, openai:NAME, ... (see `models`).")
]
Threshold = Annotated[
    float | None,
    typer.Option(
        min=0.0, max=1.0, help="Give no quote that is less probable to answer; without: as fitted."
    ),
]
RerankerName = Annotated[
    str,
    typer.Option(
        "--reranker",
        help="What looks again at the best passages: reader, none, or a cross-encoder (a folder, or a "
        "name it is fetched by).",
    ),
]
Fallback = Annotated[
    bool, typer.Option("--fallback/--no-fallback", help="Quote where the language model fails.")
]
Company = Annotated[str | None, typer.Option(help="Only this issuer: words of its name, or ticker.")]
Since = Annotated[str | None, typer.Option(help="Only releases from this day on, YYYY-MM-DD.")]
Until = Annotated[str | None, typer.Option(help="Only releases to this day, YYYY-MM-DD.")]
AsOf = Annotated[str | None, typer.Option(help="Answer as on this day: nothing later is seen.")]
Ignore = Annotated[
    list[str] | None,
    typer.Option("--ignore", help="Take back what the question is read as, by its label; repeatable."),
]
DEFAULT_INDEX = Path("releases.index")


def main() -> None:
    """Run the command line; a mendable error is one line and exit code 1."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal that cannot show a character
            stream.reconfigure(errors="backslashreplace")
    try:
        cli()
    except (ReleaseQAError, UnicodeError) as exc:
        _complain(f"releaseqa: {exc}")
        sys.exit(1)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as exc:
        _complain(f"releaseqa: {exc.strerror or exc}")
        sys.exit(1)


@cli.command("index")
def index_(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Files (.txt .md .jsonl[.gz|.xz]) or folders.")
    ] = None,
    index: IndexDir = DEFAULT_INDEX,
    embedder: EmbedderName = MODEL,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Make the index again from the releases in it.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Bring an index in line with files and folders: add, update, delete."""
    from index import readers, sync

    if not paths and not rebuild:
        raise typer.BadParameter("name a file or folder to index, or --rebuild", param_hint="PATHS")
    make = _embedder_maker(embedder)
    summaries: dict[str, Summary] = {}
    for path in paths or []:
        readers.files(sync.resolved(path))  # a wrong path is told before any work is done
    with _Bar() as report:
        if rebuild:
            summaries[str(index)] = sync.rebuild(index, embedder, make, report)
        for path in paths or []:
            summaries[str(path)] = sync.index_path(index, path, embedder, make, report)
    if as_json:
        print(json.dumps({path: s.to_dict() for path, s in summaries.items()}, indent=2))
        return
    for name, summary in summaries.items():
        _tell(name, summary)
    if any(summary.problems and not summary.records for summary in summaries.values()):
        raise typer.Exit(1)


@cli.command()
def remove(
    path: Annotated[Path, typer.Argument(help="A file or folder that was indexed.")],
    index: IndexDir = DEFAULT_INDEX,
) -> None:
    """Delete the releases that were read from a path; the files stay."""
    from index import sync

    count = sync.remove_path(index, path)
    _say(f"{count:,} releases removed from {index}")


@cli.command()
def ask(
    question: str,
    index: IndexDir = DEFAULT_INDEX,
    model: Model = "extractive",
    embedder: EmbedderName = MODEL,
    company: Company = None,
    since: Since = None,
    until: Until = None,
    as_of: AsOf = None,
    ignore: Ignore = None,
    as_json: Json = False,
    stream: Annotated[
        bool, typer.Option("--stream", help="Print sentences as they are verified.")
    ] = False,
    fallback: Fallback = False,
    reranker: RerankerName = READER,
    threshold: Threshold = None,
) -> None:
    """Answer a question, with quotes; exit code 0 also where the releases do not say."""
    if stream and as_json:
        raise typer.BadParameter("JSON is printed whole; leave one of them out", param_hint="--stream")
    with (
        _open(index, model, embedder, fallback, reranker) as qa,
        _closing(
            qa.stream(question, company, since, until, as_of, ignore=ignore or (), threshold=threshold)
        ) as pieces,
    ):
        shown = 0
        for answer in pieces:
            if stream:
                shown = _show_sentences(answer, shown)
        if as_json:
            print(json.dumps(answer.to_dict(), ensure_ascii=False, indent=2))
        else:
            _show_answer(answer, shown)
        _tell_scope(qa.scope(question, as_of=as_of), ignore or (), as_json)


@cli.command()
def models(as_json: Json = False) -> None:
    """List what can write answers here, and what the rest would need."""
    from dataclasses import asdict

    from .usable import usable

    found = usable()
    if as_json:
        print(json.dumps([asdict(status) for status in found], indent=2))
        return
    width = max(len(status.spec) for status in found)
    for status in found:
        mark = "yes" if status.usable else "no "
        _say(f"{mark}  {status.spec:{width}}  {status.reason}", style=None if status.usable else "dim")


@cli.command()
def search(
    question: str,
    k: Annotated[int, typer.Option("-k", min=1, max=1000, help="How many passages.")] = 10,
    index: IndexDir = DEFAULT_INDEX,
    embedder: EmbedderName = MODEL,
    company: Company = None,
    since: Since = None,
    until: Until = None,
    as_of: AsOf = None,
    ignore: Ignore = None,
    as_json: Json = False,
    reranker: RerankerName = READER,
) -> None:
    """List the passages that match best."""
    from dataclasses import asdict

    with _open(index, "extractive", embedder, reranker=reranker) as qa:
        hits = qa.search(
            question, k, company=company, since=since, until=until, as_of=as_of, ignore=ignore or ()
        )
        said = qa.scope(question, as_of=as_of)
    if as_json:
        print(json.dumps([asdict(hit) for hit in hits], default=str, ensure_ascii=False, indent=2))
    else:
        _show_hits(hits)
    _tell_scope(said, ignore or (), as_json)


@cli.command()
def aliases(name: str, index: IndexDir = DEFAULT_INDEX, as_json: Json = False) -> None:
    """Other names of a thing, as the releases state them."""
    from index.aliases import key
    from index.store import Store

    from .errors import QuestionError

    if not name.strip():
        raise QuestionError("the name is empty; type one")
    store, asked = Store(index), key(name)
    pairs = store.aliases([asked])
    others = {key(n): n for pair in pairs for n in (pair.name, pair.of) if key(n) != asked}
    more = [pair for pair in store.aliases(others) if asked not in (key(pair.name), key(pair.of))]
    if as_json:
        quoted = {"pairs": [_pair(store, p) for p in pairs], "more": [_pair(store, p) for p in more]}
        print(json.dumps({"name": name, **quoted}, default=str, ensure_ascii=False, indent=2))
    else:
        _show_pairs(store, pairs, more)
    if not pairs:
        near = _near(name, store)
        hint = f"; near: {', '.join(near)}" if near else ""
        _complain(f"no release here states another name for {name!r}{hint}")


@cli.command()
def show(release_id: str, index: IndexDir = DEFAULT_INDEX, as_json: Json = False) -> None:
    """Print a release: what is known about it, and its text."""
    from dataclasses import asdict

    from index.store import Store

    store = Store(index)
    release = store.release(release_id)
    if as_json:
        print(json.dumps(asdict(release), default=str, ensure_ascii=False, indent=2))
        return
    fields = {
        "title": release.title, "date": release.date, "issuer": release.company,
        "tickers": ", ".join(release.tickers), "place": release.place, "wire": release.wire,
        "address": release.url, "file": store.file_of(release_id),
    }  # fmt: skip
    for name, value in fields.items():
        if value:
            _say(f"{name:8} {value}", style="dim")
    _say("\n" + release.text)


@cli.command()
def status(index: IndexDir = DEFAULT_INDEX, as_json: Json = False) -> None:
    """Say what an index holds."""
    from dataclasses import asdict

    from index.store import Store

    held = Store(index).overview()
    if as_json:
        print(json.dumps(asdict(held), default=str, ensure_ascii=False, indent=2))
        return
    _say(
        f"{held.path}: {held.releases:,} releases, {held.passages:,} passages "
        f"({held.texts:,} distinct), {held.bytes / 1e6:,.1f} MB",
    )
    if held.releases:
        if held.first_date:
            _say(f"dates    {held.first_date} to {held.last_date}")
        named = ", ".join(f"{name} ({n:,})" for name, n in held.companies[:8])
        more = f" and {len(held.companies) - 8:,} more" if len(held.companies) > 8 else ""
        _say(f"issuers  {named}{more}")
        for source, n in held.sources[:8]:
            _say(f"source   {source} ({n:,})")
    _say(f"embedder {held.embedder}")


@cli.command()
def verify(
    answers: Annotated[Path, typer.Argument(help="What `ask --json` printed; or one a line.")],
    index: IndexDir = DEFAULT_INDEX,
) -> None:
    """Check every citation of saved answers against the releases; exit code 1 where one fails."""
    from functools import lru_cache

    from index.store import Store

    from .verify import check_saved, read_saved

    store = Store(index)
    saved = read_saved(answers)
    count, failures = check_saved(saved, lru_cache(maxsize=256)(store.release))
    for failure in failures:
        _complain(str(failure))
    verdict = f"{len(failures)} fail" if failures else "all hold"
    _say(f"{count:,} citations in {len(saved):,} answers: {verdict}")
    if failures:
        raise typer.Exit(1)


@cli.command()
def serve(
    index: IndexDir = DEFAULT_INDEX,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 7860,
    model: Model = "extractive",
    embedder: EmbedderName = MODEL,
    browser: Annotated[bool, typer.Option(help="Open the page in a browser.")] = True,
    fallback: Annotated[
        bool, typer.Option(help="Answer with quotes where the language model fails.")
    ] = True,
) -> None:
    """Open the app: chat in a browser."""
    import app

    app.serve(index, host, port, model, browser, embedder, fallback)


@cli.command("eval")
def eval_(
    sets: Annotated[
        list[Path], typer.Argument(help="Question sets (.jsonl), or `demo`; SET=INDEX for an index each.")
    ],
    index: IndexDir = DEFAULT_INDEX,
    model: Annotated[
        list[str] | None,
        typer.Option(
            help="What writes the answers; several are compared. llamaindex:MODEL is plain LlamaIndex."
        ),
    ] = None,
    embedder: EmbedderName = MODEL,
    as_json: Json = False,
    out_dir: Annotated[Path | None, typer.Option("--out", help="Folder for result files.")] = None,
    save_answers: Annotated[
        Path | None, typer.Option(help="File for all answers, for `releaseqa verify`.")
    ] = None,
    sample: Annotated[
        int, typer.Option(min=0, help="So many sentences of each model, for a hand check, to --out.")
    ] = 0,
    stage: Annotated[
        str | None,
        typer.Option(
            help="`retrieval` measures the search alone, whole and without each of its stages; `reading` "
            "what every threshold of confidence would give."
        ),
    ] = None,
) -> None:
    """Score question sets against an index; exit code 1 where a citation is no slice."""
    if stage is not None:
        if stage not in ("retrieval", "reading"):
            raise typer.BadParameter("retrieval or reading can be measured alone", param_hint="--stage")
        if model or save_answers or sample:
            raise typer.BadParameter(
                "no answers are written; leave out --model, --save-answers and --sample",
                param_hint="--stage",
            )
        from evals import reading, retrieval

        measured = retrieval if stage == "retrieval" else reading
        raise typer.Exit(measured.evaluate(sets, index, as_json, out_dir, embedder))
    from evals.report import evaluate

    models = model or ["extractive"]
    raise typer.Exit(evaluate(sets, index, models, as_json, out_dir, save_answers, embedder, sample))


def _embedder_maker(name: str) -> MakeEmbedder:
    def make(number_type: str | None) -> Embedder:
        with err.status("loading the embedding model"):
            from index.embed import SentenceTransformerEmbedder

            return SentenceTransformerEmbedder(name, number_type)

    return make


def _open(index: Path, model: str, embedder: str, fallback: bool = False, reranker: str = READER) -> Any:
    with err.status("opening the index"):
        from qa import ReleaseQA

        settings = Settings(
            embedder=embedder,
            retrieval=Retrieval(off=("reranker",))
            if reranker == "none"
            else Retrieval(reranker=reranker),
            generation=Generation(fallback=fallback),
        )
        return ReleaseQA.open(index, model, settings)


class _Bar:
    """A bar with records, texts embedded a second and time left, on standard error."""

    def __enter__(self) -> Report:
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        self._bar = Progress(
            TextColumn("releases"), BarColumn(), MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"), TimeElapsedColumn(), TimeRemainingColumn(),
            console=err, transient=True, speed_estimate_period=120, disable=not err.is_terminal,
        )  # fmt: skip
        self._task = self._bar.add_task("", total=None, rate="")
        self._bar.start()
        return self._report

    def _report(self, progress: Any) -> None:
        elapsed = self._bar.tasks[0].elapsed or 0.0
        rate = f"{progress.embedded / elapsed:,.0f} texts/s" if progress.embedded and elapsed else ""
        self._bar.update(self._task, completed=progress.records, total=progress.total, rate=rate)

    def __exit__(self, *_: object) -> None:
        self._bar.stop()


def _tell(path: str, summary: Summary) -> None:
    changes = [
        f"{count:,} {name}"
        for name, count in (
            ("added", summary.added),
            ("updated", summary.updated),
            ("deleted", summary.deleted),
            ("unchanged", summary.unchanged),
        )
        if count
    ]
    read = summary.added + summary.updated
    if summary.embedded:
        work = (
            f"{summary.passages:,} passages, {summary.embedded:,} texts embedded, "
            f"{read / summary.seconds:,.1f} releases/s"
        )
    else:
        work = "nothing to embed"
    _say(
        f"{path}: {', '.join(changes) or 'no releases'}; {work}; {summary.seconds:.1f} s",
    )
    for problem in summary.problems[:20]:
        _complain(f"  {problem}")
    if summary.problems:
        more = len(summary.problems) - 20
        tail = f" ({more:,} more not shown)" if more > 0 else ""
        noun = "record" if len(summary.problems) == 1 else "records"
        _complain(f"  {len(summary.problems):,} {noun} could not be read{tail}")


def _show_sentences(answer: Answer, shown: int) -> int:
    """Print the sentences behind the first ``shown``; returns how many are printed now."""
    for sentence in answer.sentences[shown:]:
        marks = "".join(f"[{i + 1}]" for i in sentence.citations)
        if several(answer):
            days = dict.fromkeys(str(answer.citations[i].date or "undated") for i in sentence.citations)
            marks += f" ({', '.join(days)})"
        text = Text(_shown(f"{sentence.text} {marks}"))
        text.stylize("bold", *focus_in(sentence, answer))
        out.print(text)
    return len(answer.sentences)


def _show_answer(answer: Answer, shown: int = 0) -> None:
    if answer.status == "not_found":
        _say("Not found: no release searched was found to say this.")
        if answer.confidence < 1 and not answer.notes:
            probable = f"{1 - answer.confidence:.2f}"
            _say(
                f"the nearest quote answers with a probability of {probable}; --threshold shows it", "dim"
            )
    _show_sentences(answer, shown)
    for number, citation in enumerate(answer.citations, 1):
        _say(
            ("\n" if number == 1 else "") + f"[{number}] {_named(citation.title, citation.date)}",
            style="dim",
        )
        _say(
            f"    {citation.release_id} [{citation.start}:{citation.end}]  {citation.source}",
            style="dim",
        )  # fmt: skip
    if answer.status == "answered":
        _say(f"confidence {answer.confidence:.2f}, {answer.model}", style="dim")
    for note in answer.notes:
        _say(note, style="dim")
    counts = {
        outcome: sum(check.outcome == outcome for check in answer.checks) for outcome in get_args(Outcome)
    }
    if answer.checks:
        _say("sentences written: " + ", ".join(f"{n} {name}" for name, n in counts.items()), style="dim")


def _tell_scope(said: Sequence[Mention], ignore: Sequence[str], as_json: bool) -> None:
    """Print how a question is read and, on standard error, which labels to ignore are none of it."""
    labels = list(dict.fromkeys(mention.label for mention in said))
    folded = {label.casefold() for label in ignore}
    kept = [label for label in labels if label.casefold() not in folded]
    back = [label for label in labels if label.casefold() in folded]
    if said and not as_json:
        parts = [" · ".join(kept), f"without {' · '.join(back)}" if back else ""]
        _say(f"read as: {', '.join(filter(None, parts))} (take back with --ignore)", style="dim")
    wrong = [label for label in ignore if label.casefold() not in {known.casefold() for known in labels}]
    if wrong:
        reading = f"is read as: {' · '.join(labels)}" if labels else "names no company, period or order"
        _complain(f"--ignore {' · '.join(wrong)} changes nothing: the question {reading}")


def _show_hits(hits: Sequence[Hit]) -> None:
    for number, hit in enumerate(hits, 1):
        _say(f"{number:3}  {hit.score:.3f}  {_named(hit.title, hit.date)}")
        _say(f"     {hit.release_id} [{hit.start}:{hit.end}]{_recurs(hit)}", style="dim")
        _say(f"     {' '.join(hit.quote.split())[:300]}")


def _show_pairs(store: Store, pairs: Sequence[NamePair], more: Sequence[NamePair]) -> None:
    for pair in pairs:
        _say(_stated(pair))
        _say(f"     {_named(pair.title, pair.date)}", style="dim")
        _say(f"     {pair.release_id} [{pair.start}:{pair.end}]", style="dim")
        _say(f"     {' '.join(_pair(store, pair)['quote'].split())}")
    if more:
        _say("\nThese have further names:")
        for pair in more:
            _say(f"     {_stated(pair)}")


def _stated(pair: NamePair) -> str:
    return f"{pair.name}: {pair.kind.replace('-', ' ')} of {pair.of}, in {_releases(pair.count)}"


def _pair(store: Store, pair: NamePair) -> dict[str, Any]:
    """A pair of names with the words that state it."""
    from dataclasses import asdict

    quote = store.release(pair.release_id).text[pair.start : pair.end]
    return {**asdict(pair), "quote": quote}


def _near(name: str, store: Store) -> list[str]:
    """What issuers are called that is written nearly so."""
    import difflib

    known = {called: issuer for called, issuer, _ in store.issuers()}
    near = difflib.get_close_matches(name.casefold(), known, 5, 0.7)
    return list(dict.fromkeys(known[called] for called in near))[:3]


def _recurs(hit: Hit) -> str:
    """``, in 42 releases, 2019-01-04 to 2024-11-07`` for a text that recurs, else nothing."""
    if hit.carriers < 2:
        return ""
    days = [str(date) for date in dict.fromkeys((hit.first_seen, hit.last_seen)) if date]
    return f", in {_releases(hit.carriers)}{', ' if days else ''}{' to '.join(days)}"


def _releases(count: int) -> str:
    return f"{count:,} release{'' if count == 1 else 's'}"


def _say(text: str, style: str | None = None) -> None:
    out.print(_shown(text), style=style, markup=False)


def _complain(text: str) -> None:
    err.print(_shown(text), markup=False)


def _shown(text: str) -> str:
    """Text as a terminal may be given it: a release must not steer it with control characters, nor
    turn its lines round.
    """
    hidden = ("Cc", "Cf")
    return "".join(c if c in "\n\t" or unicodedata.category(c) not in hidden else "\ufffd" for c in text)


def _named(title: str, date: object) -> str:
    return f"{title}, {date}" if date else title


if __name__ == "__main__":
    main()
