from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from llama_index.core import get_response_synthesizer
from llama_index.core.llms import (
    CompletionResponse,
    CompletionResponseGen,
    CustomLLM,
    LLMMetadata,
    MockLLM,
)
from llama_index.core.query_engine import CitationQueryEngine, RetrieverQueryEngine
from llama_index.core.response_synthesizers import ResponseMode
from llama_index.core.schema import MetadataMode, TextNode

from qa.llamaindex import as_query_engine, as_retriever
from qa.models import open_model
from qa.pipeline import ReleaseQA
from qa.settings import Reading


def test_a_node_is_a_slice_with_its_offsets(qa: ReleaseQA) -> None:
    nodes = as_retriever(qa, 2, company="alpha").retrieve("Who leads the Zeta trial?")
    hits = qa.search("Who leads the Zeta trial?", 2, company="alpha")
    assert [node.score for node in nodes] == [hit.score for hit in hits]
    for found, hit in zip(nodes, hits, strict=True):
        node = found.node
        assert isinstance(node, TextNode)
        assert node.metadata["release_id"] == hit.release_id
        assert node.text == qa.release(hit.release_id).text[node.start_char_idx : node.end_char_idx]
        assert hit.release_id not in node.get_content(MetadataMode.LLM)
        assert "Alpha Corp" in node.get_content(MetadataMode.LLM)


def test_the_query_engine_answers_as_ask_does(qa: ReleaseQA) -> None:
    qa.settings = replace(qa.settings, reading=Reading(threshold=0.0))
    response = as_query_engine(qa, as_of="2020-12-31").query("How much did Alpha raise?")
    answer = qa.ask("How much did Alpha raise?", as_of="2020-12-31")
    assert str(response) == answer.text
    assert [n.node.metadata["release_id"] for n in response.source_nodes] == ["alpha-1"] * len(
        answer.citations
    )
    assert response.metadata is not None
    assert response.metadata["status"] == "answered"


class Says(CustomLLM):
    """A LlamaIndex LLM that says one thing."""

    said: str

    @property
    def metadata(self) -> LLMMetadata:
        return LLMMetadata(model_name="says", context_window=4096)

    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        return CompletionResponse(text=self.said)

    def stream_complete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> CompletionResponseGen:
        yield CompletionResponse(text=self.said, delta=self.said)


@pytest.mark.parametrize("mode", ["compact", "refine", "tree_summarize", "accumulate"])
def test_the_retriever_serves_llamaindex_s_own_engines(qa: ReleaseQA, mode: str) -> None:
    synthesizer = get_response_synthesizer(llm=MockLLM(), response_mode=ResponseMode(mode))
    engine = RetrieverQueryEngine(as_retriever(qa, 3, company="alpha"), response_synthesizer=synthesizer)
    response = engine.query("How much did Alpha raise?")
    texts = [hit.quote for hit in qa.search("How much did Alpha raise?", 3, company="alpha")]
    assert [node.node.get_content() for node in response.source_nodes] == texts
    assert all(text in str(response) for text in texts)  # the mock says what it was given


def test_the_retriever_serves_the_citation_query_engine(qa: ReleaseQA) -> None:
    engine = CitationQueryEngine(
        retriever=as_retriever(qa, 2, company="alpha"),
        llm=Says(said="Alpha raised $12.5 million [1]."),
        citation_chunk_size=512,
    )
    response = engine.query("How much did Alpha raise?")
    assert str(response) == "Alpha raised $12.5 million [1]."
    assert response.source_nodes[0].node.metadata["release_id"].startswith("alpha-")


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (
            "Alpha Corp raised $12.5 million in March 2020. [1]",
            "Alpha Corp raised $12.5 million in March 2020.",
        ),
        (
            "Alpha Corp raised $12.5 billion in March 2020. [1]",
            "Alpha Corp raised $12.5 million in March 2020.",
        ),
    ],
)
def test_an_llm_object_writes_answers_that_are_verified(
    ask_model: Callable[..., ReleaseQA], said: str, shown: str
) -> None:
    qa = ask_model(open_model(Says(said=said)))
    response = as_query_engine(qa).query("How much did Alpha Corp raise in March 2020?")
    assert str(response) == shown
    assert [node.node.get_content() for node in response.source_nodes] == [shown]
    assert response.metadata is not None
    assert response.metadata["raw"] == said
    assert response.metadata["model"] == "Says:says"
