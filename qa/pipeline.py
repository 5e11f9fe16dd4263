"""The facade: a question and an index in, a checked and cited answer out."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import TracebackType

from index.errors import FilterError, ModelError
from index.store import Store
from index.sync import check_embedder, check_model
from index.types import Filters, Hit, Overview, Release

from .errors import QuestionError
from .features import Candidate
from .read import Reader
from .retrieve import Query, Retriever
from .settings import Settings
from .types import Answer, Citation, Sentence, Turn
from .verify import ReleaseOf, keep_verified

Day = dt.date | str | None
LONGEST_QUESTION = 2000  # code points


class ReleaseQA(AbstractContextManager["ReleaseQA"]):
    """Questions over one index. Safe to use from several threads; close it, or use ``with``."""

    def __init__(self, store: Store, retriever: Retriever, reader: Reader, settings: Settings) -> None:
        self.settings = settings
        self._store = store
        self._retriever = retriever
        self._reader = reader

    @classmethod
    def open(
        cls, path: str | Path, model: str = "extractive", settings: Settings | None = None
    ) -> ReleaseQA:
        """Open the index at ``path``.

        Raises IndexMissing; IndexMismatch where it was made with other settings; ModelError for a
        model that cannot be used.
        """
        if model != "extractive":
            raise ModelError(f"model {model!r} is not available; the one there is: extractive")
        settings = settings or Settings()
        store = Store(Path(path))
        try:
            check_model(store, settings.embedder)
            from index.embed import SentenceTransformerEmbedder  # seconds: after what can fail fast

            embedder = SentenceTransformerEmbedder(settings.embedder, store.manifest.number_type)
            check_embedder(store, embedder)
            retriever = Retriever(store, embedder, settings.retrieval)
            return cls(store, retriever, Reader.load(embedder), settings)
        except BaseException:
            store.close()
            raise

    def ask(
        self,
        question: str,
        company: str | None = None,
        since: Day = None,
        until: Day = None,
        as_of: Day = None,
        history: Sequence[Turn] = (),
    ) -> Answer:
        """The answer of the releases within the filters, or ``not_found``.

        Dates are inclusive, as dates or YYYY-MM-DD. ``history`` holds the turns before, oldest first.
        Raises QuestionError and FilterError.
        """
        clock = _Clock()
        query, filters = self._prepare(question, company, since, until, as_of, history)
        hits = self._retriever.search(query, self.settings.reading.passages, filters)
        clock.lap("retrieve")
        chosen, confidence = self._reader.read(query, hits, self.settings.reading)
        clock.lap("read")
        release_of = cache(self._store.release)
        draft = self._answer(chosen, confidence, release_of)
        checked = keep_verified(draft, release_of)
        clock.lap("verify")
        return replace(checked, timings_ms=clock.laps)

    def stream(
        self,
        question: str,
        company: str | None = None,
        since: Day = None,
        until: Day = None,
        as_of: Day = None,
        history: Sequence[Turn] = (),
    ) -> Iterator[Answer]:
        """As ``ask``, piecewise: the answer with its first sentence, with two, and so on.

        What has been shown stays; the last piece is the answer of ``ask``.
        """
        answer = self.ask(
            question, company=company, since=since, until=until, as_of=as_of, history=history
        )
        for n in range(1, len(answer.sentences)):
            shown = answer.sentences[:n]
            yield replace(answer, sentences=shown, text=" ".join(s.text for s in shown))
        yield answer

    def search(
        self,
        question: str,
        k: int = 20,
        company: str | None = None,
        since: Day = None,
        until: Day = None,
        as_of: Day = None,
        history: Sequence[Turn] = (),
    ) -> list[Hit]:
        """The ``k`` best passages, best first; scores are 0 to 1. Raises as ``ask`` does."""
        query, filters = self._prepare(question, company, since, until, as_of, history)
        return self._retriever.search(query, k, filters)

    def release(self, release_id: str) -> Release:
        """The release of that id. Raises NotInIndex."""
        return self._store.release(release_id)

    def overview(self) -> Overview:
        """What the index holds."""
        return self._store.overview()

    def close(self) -> None:
        self._store.close()

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _prepare(
        self,
        question: str,
        company: str | None,
        since: Day,
        until: Day,
        as_of: Day,
        history: Sequence[Turn],
    ) -> tuple[Query, Filters]:
        question = question.strip()
        if not question:
            raise QuestionError("the question is empty; type one")
        if any("\ud800" <= character <= "\udfff" for character in question):
            raise QuestionError("the question is not text: half a character, or not UTF-8")
        if len(question) > LONGEST_QUESTION:
            raise QuestionError(
                f"the question has {len(question):,} characters; ask in {LONGEST_QUESTION:,} at most"
            )
        days = (_day("since", since), _day("until", until), _day("as_of", as_of))
        filters = Filters((company or "").strip() or None, *days)
        return self._retriever.query(question, history), filters

    def _answer(self, chosen: Sequence[Candidate], confidence: float, release_of: ReleaseOf) -> Answer:
        threshold = self.settings.reading.threshold
        if not chosen or confidence < (self._reader.threshold if threshold is None else threshold):
            return Answer("not_found", "", confidence=round(1 - confidence, 3))
        citations = tuple(
            Citation(
                c.hit.release_id, c.start, c.end, c.text, c.hit.title, c.hit.date,
                release_of(c.hit.release_id).url or self._store.file_of(c.hit.release_id),
            )
            for c in chosen
        )  # fmt: skip
        sentences = tuple(Sentence(" ".join(c.text.split()), (i,)) for i, c in enumerate(chosen))
        text = " ".join(sentence.text for sentence in sentences)
        return Answer("answered", text, sentences, citations, round(confidence, 3))


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
