"""Plain LlamaIndex over the passages of an index, the baseline ``llamaindex:MODEL`` of an evaluation.

It has the same passages, the same vectors and the same language model with the same limit on its answer;
all else is LlamaIndex's own way: a VectorStoreIndex over its FAISS store, a CitationQueryEngine of the 3
nearest passages with its prompts, and for a follow-up its prompt that makes one question of the turns.
A passage carries title and date as metadata, which LlamaIndex shows to the model. What is not as for us,
and whom that favours:

- LlamaIndex's FAISS store has no filters, so company and dates are not applied: in our favour.
- The response is taken whole, as the engine gives it, so the first sentence comes with the last: ours.
- A sentence that cites no passage is taken to cite all that the model was given: theirs.
- ``not_found`` is a response whose first sentence says in so many words that it cannot answer.
- Confidence is always 0.5: it gives none.
"""

from __future__ import annotations

import datetime as dt
import importlib
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any

import faiss
from llama_index.core import StorageContext, VectorStoreIndex
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.base.llms.types import CompletionResponse, CompletionResponseGen, LLMMetadata
from llama_index.core.chat_engine.condense_question import DEFAULT_PROMPT
from llama_index.core.llms import CustomLLM
from llama_index.core.query_engine import CitationQueryEngine
from llama_index.core.schema import NodeWithScore, TextNode
from pydantic import ConfigDict

from evals.questions import EvalError
from index.store import Store
from index.sync import check_embedder, check_model
from index.types import Embedder, Hit, Overview, Release
from qa.errors import ModelFailed
from qa.generate import absent, sentences
from qa.models import LanguageModel, Message, open_model
from qa.settings import Settings
from qa.types import Answer, Citation, Sentence, Turn

NAME = "llamaindex"
BATCH = 1000  # nodes: their vectors are lists, of which LlamaIndex keeps none
_REFUSES = re.compile(
    r"^\W*empty response\b|\bnone of the (?:\w+ )?sources\b|\bsources are not helpful\b"
    r"|\b(?:cannot|can['’]t|can not|could not|unable to) (?:be )?(?:answer|determine)"
    r"|\bnot\b[^.]{0,40}\b(?:in|by|from) the (?:\w+ )?(?:sources?|context)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class PlainSettings:
    """``similarity_top_k`` passages are given to the model, cut at ``citation_chunk_size`` tokens (none
    is that long); it writes at most ``tokens`` tokens.
    """

    similarity_top_k: int = 3
    citation_chunk_size: int = 2048
    tokens: int = 300


class PlainLlamaIndex(AbstractContextManager["PlainLlamaIndex"]):
    """Questions over one index, answered by LlamaIndex; takes what ``qa.ReleaseQA`` takes."""

    def __init__(
        self, store: Store, embedder: Embedder, model: LanguageModel, settings: PlainSettings
    ) -> None:
        self.settings = settings
        self._store = store
        self._model = model
        self._hits = _hits(store)
        self._index = _index(store, self._hits, embedder)
        self._llm = Wrapped(wrapped=model, tokens=settings.tokens, usage={})
        self._engine = CitationQueryEngine.from_args(
            self._index,
            llm=self._llm,
            similarity_top_k=settings.similarity_top_k,
            citation_chunk_size=settings.citation_chunk_size,
        )

    @classmethod
    def open(cls, path: Path, model: str, settings: Settings) -> PlainLlamaIndex:
        """Open the index at ``path``.

        Raises as ``ReleaseQA.open`` does, and EvalError where LlamaIndex's FAISS store is not installed.
        """
        store, opened = Store(path), None
        try:
            _faiss_store()
            opened = open_model(model, settings.generation.seconds, settings.generation.retries)
            check_model(store, settings.embedder)
            from index.embed import SentenceTransformerEmbedder  # seconds: after what can fail fast

            embedder = SentenceTransformerEmbedder(settings.embedder, store.manifest.number_type)
            check_embedder(store, embedder)
            return cls(store, embedder, opened, PlainSettings(tokens=settings.generation.tokens))
        except BaseException:
            store.close()
            if opened:
                opened.close()
            raise

    @property
    def model(self) -> str:
        return f"{NAME}:{self._model.name}"

    def ask(
        self,
        question: str,
        company: str | None = None,
        since: dt.date | None = None,
        until: dt.date | None = None,
        as_of: dt.date | None = None,
        history: Sequence[Turn] = (),
    ) -> Answer:
        """What the query engine answers; company and dates are not applied (see above).

        Where the model fails, ``not_found`` with a note.
        """
        start = time.perf_counter()
        self._llm.usage.clear()
        try:
            if history:
                turns = "\n".join(f"user: {t.question}\nassistant: {t.answer}" for t in history)
                question = self._llm.predict(DEFAULT_PROMPT, question=question, chat_history=turns)
            response = self._engine.query(question)
        except ModelFailed as exc:
            return Answer("not_found", "", confidence=0.5, model=self.model, notes=(str(exc),))
        total = round(1000 * (time.perf_counter() - start), 2)
        raw = str(response)  # "Empty Response" for nothing
        answer = self._answer(raw, [self._hit(node) for node in response.source_nodes])
        return replace(answer, timings_ms={"total": total}, usage=dict(self._llm.usage), raw=raw)

    def search(
        self,
        question: str,
        k: int = 20,
        company: str | None = None,
        since: dt.date | None = None,
        until: dt.date | None = None,
        as_of: dt.date | None = None,
        history: Sequence[Turn] = (),
    ) -> list[Hit]:
        """The ``k`` passages nearest to the question as it stands; the score is a cosine, -1 to 1."""
        nodes = self._index.as_retriever(similarity_top_k=k).retrieve(question)
        return [replace(self._hit(node), score=float(node.score or 0.0)) for node in nodes]

    def release(self, release_id: str, /) -> Release:
        return self._store.release(release_id)

    def overview(self) -> Overview:
        return self._store.overview()

    def close(self) -> None:
        self._model.close()
        self._store.close()

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _hit(self, node: NodeWithScore) -> Hit:
        place: int = node.node.metadata["passage"]
        return self._hits[place]

    def _answer(self, response: str, sources: Sequence[Hit]) -> Answer:
        """A response as an answer: its sentences without their marks, each with the sources it cites."""
        parts = [(text, keys) for text, keys in sentences(iter([response])) if text]
        if not parts or refuses(parts[0][0]):
            return Answer("not_found", "", confidence=0.5, model=self.model)
        shown, cited = [], list[int]()
        for text, keys in parts:
            own = [key - 1 for key in keys if 0 < key <= len(sources)] or range(len(sources))
            cited += [i for i in own if i not in cited]
            shown.append(Sentence(text, tuple(cited.index(i) for i in own)))
        return Answer(
            "answered",
            " ".join(sentence.text for sentence in shown),
            tuple(shown),
            tuple(self._cite(sources[i]) for i in cited),
            0.5,
            self.model,
        )

    def _cite(self, hit: Hit) -> Citation:
        release = self._store.release(hit.release_id)
        source = release.url or self._store.file_of(hit.release_id)
        quote = release.text[hit.start : hit.end]
        return Citation(hit.release_id, hit.start, hit.end, quote, hit.title, hit.date, source)


class Wrapped(CustomLLM):
    """One of our language models as a LlamaIndex LLM; ``usage`` gathers the tokens of its calls."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    wrapped: Any
    tokens: int
    usage: dict[str, int]

    @property
    def metadata(self) -> LLMMetadata:
        return LLMMetadata(
            context_window=self.wrapped.context_window,
            num_output=self.tokens,
            model_name=self.wrapped.name,
        )

    def complete(self, prompt: str, formatted: bool = False, **_: Any) -> CompletionResponse:
        with self.wrapped.stream([Message("user", prompt)], self.tokens) as stream:
            text = "".join(stream)
            for name, count in stream.usage.items():
                self.usage[name] = self.usage.get(name, 0) + count
        return CompletionResponse(text=text)

    def stream_complete(self, prompt: str, formatted: bool = False, **_: Any) -> CompletionResponseGen:
        yield self.complete(prompt)


class Embedding(BaseEmbedding):
    """Our embedding model as one of LlamaIndex, for questions; passages bring their vectors along."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    wrapped: Any

    def _get_query_embedding(self, query: str) -> list[float]:
        return [float(x) for x in self.wrapped.embed_query(query)[0]]

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_query_embedding(query)

    def _get_text_embedding(self, text: str) -> list[float]:
        raise AssertionError("every passage has its vector")


def refuses(sentence: str) -> bool:
    """Whether a response that begins with ``sentence`` says that the sources do not answer."""
    return absent(sentence) or bool(_REFUSES.search(sentence))


def _hits(store: Store) -> list[Hit]:
    """A passage of every text, in the order of text ids, which are kept as negative scores."""
    return store.hits({int(i): -float(i) for i in store.text_ids()})


def _index(store: Store, hits: Sequence[Hit], embedder: Embedder) -> Any:
    vectors = _faiss_store()(faiss_index=faiss.IndexFlatIP(store.manifest.dimension))  # unit: cosines
    context = StorageContext.from_defaults(vector_store=vectors)
    index = VectorStoreIndex([], storage_context=context, embed_model=Embedding(wrapped=embedder))
    for first in range(0, len(hits), BATCH):
        index.insert_nodes(list(_nodes(store, hits, range(first, min(first + BATCH, len(hits))))))
    return index


def _nodes(store: Store, hits: Sequence[Hit], places: range) -> Iterator[TextNode]:
    vectors = store.vectors(round(-hits[i].score) for i in places)
    for i, vector in zip(places, vectors, strict=True):
        yield TextNode(
            text=hits[i].quote,
            embedding=vector.tolist(),
            metadata={"title": hits[i].title, "date": str(hits[i].date or ""), "passage": i},
            excluded_llm_metadata_keys=["passage"],
        )


def _faiss_store() -> Any:
    try:  # not imported by name: type checks run without the `bench` extra
        return importlib.import_module("llama_index.vector_stores.faiss").FaissVectorStore
    except ImportError as exc:
        raise EvalError(
            "LlamaIndex's FAISS store is not installed; pip install 'releaseqa[bench]'"
        ) from exc
