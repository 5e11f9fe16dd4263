"""A small index with three issuers, opened with a fake embedder and the real reader."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from index_fakes import FakeEmbedder, index, record, write_lines

from index.store import Store
from qa.pipeline import ReleaseQA
from qa.read import Reader
from qa.retrieve import Retriever
from qa.settings import Settings

RECORDS = (
    record(
        "alpha-1",
        "Alpha Corp raised $12.5 million in March 2020. The money pays for the Zeta trial.\n\n"
        "About Alpha\n\nAlpha Corp makes pumps in Lyon.",
        title="Alpha raises money",
        date="2020-03-05",
        company="Alpha Corp",
        tickers=["NYSE: ALP"],
        url="https://example.org/alpha-1",
    ),
    record(
        "alpha-2",
        "Alpha Corp raised $40 million in May 2021. Jane Roe leads the Zeta trial.\n\n"
        "About Alpha\n\nAlpha Corp makes pumps in Lyon.",
        title="Alpha raises more money",
        date="2021-05-06",
        company="Alpha Corp",
        tickers=["NYSE: ALP"],
    ),
    record(
        "beta-1",
        "Beta Ltd recalled its AB-12 kettles in June 2021 because the handle broke.",
        title="Beta recalls kettles",
        date="2021-06-07",
        company="Beta Ltd",
    ),
    record("gamma-1", "Gamma opened a school in Rome.", title="Gamma opens a school"),
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An index of RECORDS; undated is the one of Gamma."""
    folder = tmp_path / "releases.index"
    index(folder, write_lines(tmp_path / "releases.jsonl", *RECORDS))
    return folder


@pytest.fixture
def qa(folder: Path) -> Iterator[ReleaseQA]:
    store, settings = Store(folder), Settings(embedder="fake")
    retriever = Retriever(store, FakeEmbedder(), settings.retrieval)
    with ReleaseQA(store, retriever, Reader.load(FakeEmbedder()), settings) as opened:
        yield opened
