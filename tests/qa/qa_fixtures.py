"""A small index with three issuers, opened with a fake embedder and the real reader."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import pytest
from index_fakes import FakeEmbedder, index, record, write_lines

from index.store import Store
from qa.models import LanguageModel, Message, Stream
from qa.pipeline import ReleaseQA
from qa.read import Reader
from qa.retrieve import Retriever
from qa.settings import Generation, Reading, Settings

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
    with ReleaseQA(store, retriever, Reader.load(), settings) as opened:
        yield opened


class ScriptedModel(LanguageModel):
    """Writes what it was given, piece by piece, and keeps what it was asked.

    An exception among the pieces is raised in its place. One script a call; the last is used again.
    """

    def __init__(
        self, *scripts: Sequence[str | Exception], window: int = 8192, small: bool = False
    ) -> None:
        self._scripts = list(scripts)
        self._tokens = window
        self._is_small = small
        self.asked: list[list[Message]] = []
        self.streams: list[ScriptedStream] = []

    @property
    def name(self) -> str:
        return "scripted"

    @property
    def context_window(self) -> int:
        return self._tokens

    @property
    def small(self) -> bool:
        return self._is_small

    def stream(self, messages: Sequence[Message], max_tokens: int) -> Stream:
        self.asked.append(list(messages))
        script = self._scripts.pop(0) if len(self._scripts) > 1 else self._scripts[0]
        self.streams.append(ScriptedStream(script))
        return cast(Stream, self.streams[-1])

    def count_tokens(self, text: str) -> int:
        return len(text.split())

    def close(self) -> None:
        pass


class ScriptedStream:
    """A stream of given pieces; ``taken`` counts those that were read, ``closed`` tells of ``close``."""

    finish = "stop"

    def __init__(self, pieces: Sequence[str | Exception]) -> None:
        self._pieces = iter(pieces)
        self.taken = 0
        self.closed = False
        self.usage = {"prompt_tokens": 10, "completion_tokens": 5}

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        piece = next(self._pieces)
        if isinstance(piece, Exception):
            raise piece
        self.taken += 1
        return piece

    def __enter__(self) -> ScriptedStream:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def ask_model(folder: Path) -> Iterator[Callable[..., ReleaseQA]]:
    """Opens the index of RECORDS with a model, and settings for generation."""
    opened: list[ReleaseQA] = []

    def make(model: LanguageModel, **generation: Any) -> ReleaseQA:
        store = Store(folder)
        settings = Settings(
            embedder="fake", reading=Reading(threshold=0.0), generation=Generation(**generation)
        )
        retriever = Retriever(store, FakeEmbedder(), settings.retrieval)
        opened.append(ReleaseQA(store, retriever, Reader.load(), settings, model))
        return opened[-1]

    yield make
    for qa in opened:
        qa.close()
