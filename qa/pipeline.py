"""The facade: a question and an index in, a checked and cited answer out."""

from __future__ import annotations

import contextlib
import datetime as dt
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

from index.aliases import key
from index.errors import FilterError, ModelError, NotInIndex
from index.store import Store
from index.sync import check_embedder, check_model
from index.types import Filters, Hit, NamePair, Overview, Release

from . import differ
from .errors import QuestionError
from .features import Candidate
from .generate import ABSENT, Draft, judged, messages, packed, readable, standalone
from .models import LanguageModel, Stream, open_model
from .parts import Part, parts
from .query import Query, in_context, name_words
from .read import Read, Reader, assembled, in_turn
from .retrieve import Retriever
from .settings import READER, Settings
from .types import Answer, Check, Citation, Mention, Sentence, Turn
from .verify import ReleaseOf, keep_verified

Day = dt.date | str | None
LONGEST_QUESTION = 2000  # code points


class Found(NamedTuple):
    """A part of a question, ready to search, and the hits to read for it."""

    part: Part
    query: Query
    hits: list[Hit]


class ReleaseQA(AbstractContextManager["ReleaseQA"]):
    """Questions over one index. Safe to use from several threads; close it, or use ``with``."""

    def __init__(
        self,
        store: Store,
        retriever: Retriever,
        reader: Reader,
        settings: Settings,
        model: LanguageModel | None = None,
    ) -> None:
        self.settings = settings
        self._store = store
        self._retriever = retriever
        self._reader = reader
        self._model = model

    @classmethod
    def open(
        cls, path: str | Path, model: Any = "extractive", settings: Settings | None = None
    ) -> ReleaseQA:
        """Open the index at ``path``.

        ``model`` is ``extractive``, another specification (see ``qa.models``) or a LlamaIndex LLM.
        Raises IndexMissing; IndexMismatch where the index was made with other settings; ModelError for a
        model that cannot be used.
        """
        settings = settings or Settings()
        store, writer = Store(Path(path)), None
        try:
            if model != "extractive":
                writer = open_model(model, settings.generation.seconds, settings.generation.retries)
            check_model(store, settings.embedder)
            from index.embed import CrossEncoderReranker, SentenceTransformerEmbedder
            # seconds: after what can fail fast

            embedder = SentenceTransformerEmbedder(settings.embedder, store.manifest.number_type)
            check_embedder(store, embedder)
            reader = Reader.load(settings.reading)
            second = settings.retrieval.reranker
            reranker = reader if second == READER else CrossEncoderReranker(second)
            retriever = Retriever(store, embedder, settings.retrieval, reranker)
            return cls(store, retriever, reader, settings, writer)
        except BaseException:
            store.close()
            if writer:
                writer.close()
            raise

    @property
    def model(self) -> str:
        """What writes the answers: a model's specification, or ``extractive``."""
        return self._model.name if self._model else "extractive"

    @property
    def threshold(self) -> float:
        """The least probability, 0 to 1, that a quote answers with which it is given."""
        own = self.settings.reading.threshold
        return self._reader.threshold if own is None else own

    def ask(
        self,
        question: str,
        company: str | None = None,
        since: Day = None,
        until: Day = None,
        as_of: Day = None,
        history: Sequence[Turn] = (),
        ignore: Collection[str] = (),
        threshold: float | None = None,
    ) -> Answer:
        """The answer of the releases within the filters, or ``not_found``.

        Dates are inclusive, as dates or YYYY-MM-DD. ``history`` holds the turns before, oldest first.
        What the question itself says of releases (a company, a period, "latest") ranks those first:
        ``Answer.scope`` shows it, and a label of it in ``ignore`` takes it back. A quote that is less
        probable to answer than ``threshold``, 0 to 1, is not given (None: than that of the settings).
        Raises QuestionError and FilterError; ModelError where a language model cannot be used and
        ModelFailed where it fails, unless ``settings.generation.fallback`` lets the extractive answer
        stand in. A failure behind a sentence that was shown is a note.
        """
        *_, answer = self.stream(question, company, since, until, as_of, history, ignore, threshold)
        return answer

    def stream(
        self,
        question: str,
        company: str | None = None,
        since: Day = None,
        until: Day = None,
        as_of: Day = None,
        history: Sequence[Turn] = (),
        ignore: Collection[str] = (),
        threshold: float | None = None,
    ) -> Iterator[Answer]:
        """As ``ask``, piecewise: the answer with its first sentence, with two, and so on.

        A sentence is given when it is verified, while a language model writes on; what has been shown
        stays. The last piece is the answer of ``ask``. Closing the iterator stops the model.
        """
        clock = _Clock()
        filters = self._filters(company, since, until, as_of)
        history = _known(history, filters)
        asked, notes = self._standalone(_checked(question), history, clock)
        before = () if notes else history
        said = self._retriever.scope(asked, before, filters).without(ignore)
        release_of = cache(self._store.release)
        found = self._found(parts(asked, said), before, filters, ignore, release_of)
        clock.lap("retrieve")
        reads = [self._reader.read(query, hits, self.settings.reading) for _, query, hits in found]
        clock.lap("read")
        least = self.threshold if threshold is None else threshold
        hits = in_turn(reads)
        quoted = replace(self._answer(found, reads, least, release_of), scope=said.mentions)
        small = self._model is not None and self._model.small
        hopeless = all(query.hopeless for _, query, _ in found)
        asked_in_vain = not hits or hopeless or (small and not quoted.sentences)
        if self._model is None or asked_in_vain:
            yield from self._pieces(_compared(keep_verified(quoted, release_of), hits), clock)
            return
        sure = quoted.confidence if quoted.sentences else 1 - quoted.confidence
        written = _Written(self.model, sure, notes, said.mentions)
        try:
            fitting = packed(self._model, asked, hits, self.settings.generation)
            with self._model.stream(messages(asked, fitting), self.settings.generation.tokens) as stream:
                wording = self.settings.generation.wording
                promising = [c for read in reads for c in read.promising] if small else None
                for draft in judged(written.heard(stream), fitting, asked, wording, promising):
                    if written.add(draft, self._citation(draft, release_of), self.settings):
                        clock.first()
                        yield keep_verified(written.answer(clock.laps), release_of)
                    if written.full(self.settings):
                        break
                written.usage = dict(stream.usage)
        except ModelError as exc:
            if not written.sentences and not self.settings.generation.fallback:
                raise
            written.failure = str(exc)
        clock.lap("generate")
        answer = keep_verified(written.answer(), release_of)
        if not written.sentences and (not written.abstained or len(found) > 1):
            answer = written.quoting(keep_verified(quoted, release_of))
        answer = _compared(answer, hits)
        clock.lap("verify")
        yield replace(answer, timings_ms=clock.laps)

    def search(
        self,
        question: str,
        k: int = 20,
        company: str | None = None,
        since: Day = None,
        until: Day = None,
        as_of: Day = None,
        history: Sequence[Turn] = (),
        ignore: Collection[str] = (),
    ) -> list[Hit]:
        """The ``k`` best passages, best first; scores are 0 to 1. Raises as ``ask`` does."""
        filters = self._filters(company, since, until, as_of)
        history = _known(history, filters)
        query = self._retriever.query(_checked(question), history, filters, ignore)
        return differ.differing(self._retriever.search(query, k, filters))

    def release(self, release_id: str) -> Release:
        """The release of that id. Raises NotInIndex."""
        return self._store.release(release_id)

    def scope(
        self, question: str, as_of: Day = None, history: Sequence[Turn] = ()
    ) -> tuple[Mention, ...]:
        """What a question says of the releases that it means: the labels that ``ignore`` takes."""
        filters = self._filters(None, None, None, as_of)
        return self._retriever.scope(_checked(question), history, filters).mentions

    def aliases(self, name: str) -> list[NamePair]:
        """The pairs of names that releases state for ``name``, in any spelling, most frequent first."""
        return self._store.aliases([key(name)])

    def overview(self) -> Overview:
        """What the index holds."""
        return self._store.overview()

    def close(self) -> None:
        if self._model:
            self._model.close()
        self._store.close()

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _filters(self, company: str | None, since: Day, until: Day, as_of: Day) -> Filters:
        days = (_day("since", since), _day("until", until), _day("as_of", as_of))
        return Filters((company or "").strip() or None, *days)

    def _standalone(
        self, question: str, history: Sequence[Turn], clock: _Clock
    ) -> tuple[str, tuple[str, ...]]:
        """The question to answer, and a note where the model made it of a follow-up."""
        if not self._model or not history or in_context(question, history) == question:
            return question, ()
        with contextlib.suppress(ModelError):  # the answer's own call tells what is wrong
            asked = standalone(self._model, question, history)
            clock.lap("rewrite")
            if asked:
                return asked, (f"asked as: {asked}",)
        return question, ()

    def _found(
        self,
        asked: Sequence[Part],
        history: Sequence[Turn],
        filters: Filters,
        ignore: Collection[str],
        release_of: ReleaseOf,
    ) -> list[Found]:
        """For each part of a question its query and its share of the hits to be read."""
        again = self.settings.retrieval.reranker != READER  # it reads them all in any case
        count = max(1, self.settings.reading.passages // len(asked))
        found: list[Found] = []
        for part in asked:
            query = self._retriever.query(part.text, history, filters, (*ignore, *part.ignore))
            if found:  # what the first part says of releases holds for the others
                own = [name for name in name_words(part.text) if name not in asked[0].text]
                scope = query.scope.or_of(found[0].query.scope)
                query = replace(query, scope=scope, named=len(own) or query.named)
            hits = self._retriever.search(query, count, filters, 0, again)
            found.append(Found(part, query, readable(hits, release_of)))
        return found

    def _answer(
        self, found: Sequence[Found], reads: Sequence[Read], least: float, release_of: ReleaseOf
    ) -> Answer:
        """The sentences that answer the parts, in their order; a note for each that nothing answers.

        It is as sure as its least sure part.
        """
        told: list[Read] = []
        confidence, notes = 1.0, dict[str, None]()
        for (part, query, _), read in zip(found, reads, strict=True):
            if not read.chosen or query.hopeless or read.probability < least:
                unseen = _unseen(query)
                about = f"for {part.about}" if part.about else f"to “{part.text}”"
                silent = [f"there is no answer here {about}"] if part.about or not unseen else []
                notes |= dict.fromkeys([*unseen, *silent])
                continue
            told.append(read)
            confidence = min(confidence, read.probability)
        if not told:
            best = max((read.probability for read in reads), default=0.0)
            why = dict.fromkeys(note for _, query, _ in found for note in _unseen(query))
            return Answer("not_found", "", confidence=round(1 - best, 3), notes=tuple(why))
        chosen = assembled(told, self.settings.reading)
        citations = tuple(self._quoted(c, release_of) for c in chosen)
        texts = [c.line for c in chosen]
        sentences = tuple(Sentence(text, (i,)) for i, text in enumerate(texts))
        return Answer(
            "answered", " ".join(texts), sentences, citations, round(confidence, 3),
            notes=tuple(notes),
        )  # fmt: skip

    def _quoted(self, c: Candidate, release_of: ReleaseOf) -> Citation:
        return replace(self._cite(c.hit, c.start, c.end, release_of), focus=c.answer)

    def _cite(self, hit: Hit, start: int, end: int, release_of: ReleaseOf) -> Citation:
        release, source = release_of(hit.release_id), ""
        with contextlib.suppress(NotInIndex):  # taken out by another process since it was read
            source = release.url or self._store.file_of(hit.release_id)
        quote = release.text[start:end]
        seen = (hit.carriers, hit.first_seen, hit.last_seen)
        return Citation(hit.release_id, start, end, quote, hit.title, hit.date, source, *seen)

    def _citation(self, draft: Draft, release_of: ReleaseOf) -> Citation | None:
        return self._cite(draft.hit, draft.start, draft.end, release_of) if draft.hit else None

    def _pieces(self, answer: Answer, clock: _Clock) -> Iterator[Answer]:
        clock.lap("verify")
        clock.first()
        answer = replace(answer, timings_ms=clock.laps)
        for n in range(1, len(answer.sentences)):
            shown = answer.sentences[:n]
            yield replace(answer, sentences=shown, text=" ".join(s.text for s in shown))
        yield answer


class _Written:
    """What a language model has written so far: its sentences as they were judged."""

    def __init__(
        self, model: str, confidence: float, notes: Sequence[str], scope: tuple[Mention, ...]
    ) -> None:
        self.model = model
        self.scope = scope
        self.confidence = confidence
        self.notes = tuple(notes)
        self.failure = ""
        self.sentences: list[Sentence] = []
        self.citations: list[Citation] = []
        self.checks: list[Check] = []
        self.usage: dict[str, int] = {}
        self.raw = ""

    def heard(self, stream: Stream) -> Iterator[str]:
        for piece in stream:
            self.raw += piece
            yield piece

    def add(self, draft: Draft, citation: Citation | None, settings: Settings) -> bool:
        """Record a sentence; whether it is shown."""
        check = draft.check
        said = any(draft.text == sentence.text for sentence in self.sentences)
        if citation and check.outcome == "corrected":
            said = said or any(_overlap(citation, other) for other in self.citations)
        if citation and said:
            check, citation = replace(check, outcome="dropped", reason="it was said already"), None
        texts = [*(sentence.text for sentence in self.sentences), draft.text]
        if citation and self.sentences and len(" ".join(texts)) > settings.reading.characters:
            check, citation = replace(check, outcome="dropped", reason="the answer is long enough"), None
        if citation:
            check = replace(check, sentence=len(self.sentences))
            if citation not in self.citations:
                self.citations.append(citation)
            self.sentences.append(Sentence(draft.text, (self.citations.index(citation),)))
        self.checks.append(check)
        return citation is not None

    def full(self, settings: Settings) -> bool:
        """Whether nothing more is wanted: enough was said, or that nothing is known, or the model goes
        round in circles.
        """
        repeats = any(check.text == self.checks[-1].text for check in self.checks[:-1])
        return len(self.sentences) >= settings.reading.sentences or self.abstained or repeats

    @property
    def abstained(self) -> bool:
        """Whether the model said, before anything else, that the passages do not say."""
        return bool(self.checks) and not self.sentences and self.checks[0].reason == ABSENT

    def answer(self, timings: Mapping[str, float] | None = None) -> Answer:
        found = bool(self.sentences)
        return Answer(
            "answered" if found else "not_found",
            " ".join(sentence.text for sentence in self.sentences),
            tuple(self.sentences),
            tuple(self.citations),
            round(self.confidence if found else 1 - self.confidence, 3),
            self.model,
            dict(timings or {}),
            self.usage,
            self.raw,
            tuple(self.checks),
            (*self.notes, self.failure) if self.failure else self.notes,
            self.scope,
        )

    def quoting(self, quoted: Answer) -> Answer:
        """The extractive answer in place of what the model wrote, and why."""
        why = self.failure or "nothing that the model wrote holds"
        if self.abstained:
            why = "the model says that the passages do not answer all of it"
        stands = (
            "the answer is quoted without it" if quoted.sentences else "nor is there a quote that answers"
        )
        return replace(
            quoted,
            usage=self.usage,
            raw=self.raw,
            checks=tuple(self.checks),
            notes=(
                *self.notes,
                *quoted.notes,
                f"{why if why.startswith(self.model) else f'{self.model}: {why}'}; {stands}",
            ),
        )


def _unseen(query: Query) -> list[str]:
    """A note on what the question names that no release here does."""
    names = [f"“{name}”" for name in query.unknown]
    return [f"no release here mentions {' or '.join(names)}"] if names else []


def _compared(answer: Answer, hits: Sequence[Hit]) -> Answer:
    """The answer, with a note for each release among the hits that gives other figures than it cites."""
    spans = [(c.release_id, c.start, c.end) for c in answer.citations]
    return replace(answer, notes=(*answer.notes, *differ.notes(hits, spans))) if spans else answer


def _overlap(a: Citation, b: Citation) -> bool:
    return a.release_id == b.release_id and a.start < b.end and b.start < a.end


def _known(history: Sequence[Turn], filters: Filters) -> Sequence[Turn]:
    """The turns before; as of a day, without their answers, which may have been given without it."""
    return [replace(turn, answer="") for turn in history] if filters.as_of else history


def _checked(question: str) -> str:
    question = question.strip()
    if not question:
        raise QuestionError("the question is empty; type one")
    if any("\ud800" <= character <= "\udfff" for character in question):
        raise QuestionError("the question is not text: half a character, or not UTF-8")
    if len(question) > LONGEST_QUESTION:
        raise QuestionError(
            f"the question has {len(question):,} characters; ask in {LONGEST_QUESTION:,} at most"
        )
    return question


class _Clock:
    """Milliseconds between laps, by name, and in all."""

    def __init__(self) -> None:
        self._start = self._last = time.perf_counter()
        self.laps: dict[str, float] = {}

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.laps[name] = round(1000 * (now - self._last), 2)
        self.laps["total"] = round(1000 * (now - self._start), 2)
        self._last = now

    def first(self) -> None:
        """Note when the first sentence was there."""
        self.laps.setdefault("first_sentence", round(1000 * (time.perf_counter() - self._start), 2))


def _day(name: str, value: Day) -> dt.date | None:
    if value is None or value == "":
        return None
    if isinstance(value, dt.datetime):
        return value.date()
    if isinstance(value, dt.date):
        return value
    try:
        return dt.datetime.strptime(value.strip(), "%Y-%m-%d").date()
    except ValueError as exc:
        raise FilterError(f"{name} {value!r} is not a date; write it as YYYY-MM-DD") from exc
