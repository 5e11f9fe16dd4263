"""An index as LlamaIndex objects: the only file of the package that imports llama_index.

    from qa.llamaindex import as_query_engine, as_retriever

A node's text is the passage; ``start_char_idx`` and ``end_char_idx`` are its offsets in the release,
whose id, title, date and issuer are in its metadata; its score is 0 to 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llama_index.core.base.response.schema import Response
from llama_index.core.query_engine import CustomQueryEngine
from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode
from pydantic import ConfigDict

from .pipeline import ReleaseQA
from .types import Citation


class ReleaseRetriever(BaseRetriever):
    """The ``k`` best passages for a query, as nodes; ``filters`` are those of ``ReleaseQA.search``."""

    def __init__(self, qa: ReleaseQA, k: int = 10, **filters: Any) -> None:
        self._qa = qa
        self._k = k
        self._filters = filters
        super().__init__()

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        hits = self._qa.search(query_bundle.query_str, self._k, **self._filters)
        return [
            _node(
                hit.release_id, hit.start, hit.end, hit.quote, hit.score, hit.title, hit.date, hit.company
            )
            for hit in hits
        ]


class ReleaseQueryEngine(CustomQueryEngine):
    """Answers with ``ReleaseQA.ask``: the response is its text (empty where the releases do not
    say), the source nodes its citations, the metadata the whole answer as ``to_dict`` gives it.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    qa: ReleaseQA
    filters: dict[str, Any]

    def custom_query(self, query_str: str) -> Response:
        answer = self.qa.ask(query_str, **self.filters)
        nodes = [self._cited(citation, answer.confidence) for citation in answer.citations]
        return Response(answer.text, nodes, answer.to_dict())

    def _cited(self, c: Citation, score: float) -> NodeWithScore:
        company = self.qa.release(c.release_id).company
        return _node(c.release_id, c.start, c.end, c.quote, score, c.title, c.date, company)


def as_retriever(qa: ReleaseQA, k: int = 10, **filters: Any) -> ReleaseRetriever:
    """``qa`` as a LlamaIndex retriever of ``k`` passages; filters as in ``ReleaseQA.search``."""
    return ReleaseRetriever(qa, k, **filters)


def as_query_engine(qa: ReleaseQA, **filters: Any) -> ReleaseQueryEngine:
    """``qa`` as a LlamaIndex query engine; filters as in ``ReleaseQA.ask``."""
    return ReleaseQueryEngine(qa=qa, filters=filters)


def _node(
    release_id: str, start: int, end: int, text: str, score: float, title: str, date: Any, company: Any
) -> NodeWithScore:
    metadata = {"release_id": release_id, "title": title, "date": str(date or ""), "company": company}
    shown: Sequence[str] = ("release_id",)  # an id tells a model nothing
    node = TextNode(
        id_=f"{release_id}[{start}:{end}]",
        text=text,
        start_char_idx=start,
        end_char_idx=end,
        metadata=metadata,
        excluded_llm_metadata_keys=list(shown),
        excluded_embed_metadata_keys=list(shown),
    )
    return NodeWithScore(node=node, score=score)
