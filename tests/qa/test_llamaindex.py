from __future__ import annotations

from dataclasses import replace

from llama_index.core.schema import MetadataMode, TextNode

from qa.llamaindex import as_query_engine, as_retriever
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
