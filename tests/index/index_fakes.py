"""What the tests of the index share: a fake embedder, sources to write, an index laid open."""

from __future__ import annotations

import json
import re
import sqlite3
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from index import sync
from index.store import DATABASE, Store
from index.terms import folded
from index.types import Filters, Hit, Vectors

SHARED = Path(__file__).parents[2].parent / "shared"
DIMENSION = 24


class Killed(BaseException):
    """Stands for a kill inside this process: nothing catches it."""


class FakeEmbedder:
    """The vector of a text counts its words by ``crc32(word) % 24``, scaled to unit length.

    ``embedded`` counts the texts. After ``dies_after`` of them it raises Killed; each takes ``delay``.
    """

    def __init__(
        self,
        name: str = "fake",
        fingerprint: str = "fake-1",
        dies_after: int | None = None,
        delay: float = 0.0,
    ) -> None:
        self.name = name
        self.fingerprint = fingerprint
        self.number_type = "float32"
        self.dimension = DIMENSION
        self.embedded = 0
        self.made = 0
        self.dies_after = dies_after
        self.delay = delay

    def __call__(self, number_type: str | None) -> FakeEmbedder:
        """A fake is its own maker."""
        self.made += 1
        return self

    def embed_passages(
        self, texts: Sequence[str], advance: Callable[[int], None] | None = None
    ) -> Vectors:
        for _ in texts:
            if self.dies_after is not None and self.embedded >= self.dies_after:
                raise Killed
            time.sleep(self.delay)
            self.embedded += 1
            if advance:
                advance(1)
        return np.concatenate([vector(text) for text in texts])

    def embed_query(self, text: str) -> Vectors:
        return vector(text)


def vector(text: str) -> Vectors:
    counts = np.zeros((1, DIMENSION), dtype=np.float32)
    for word in re.findall(r"\w+", text.casefold()):
        counts[0, zlib.crc32(word.encode()) % DIMENSION] += 1
    if not counts.any():
        counts[0, 0] = 1
    return np.asarray(counts / np.linalg.norm(counts), dtype=np.float32)


def write_lines(path: Path, *records: Mapping[str, Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


def record(id_: str, body: str = "", **fields: Any) -> dict[str, Any]:
    """A record with a body of its own unless one is given."""
    return {"id": id_, "title": f"Title of {id_}", "body": body or f"Body of {id_} says so.", **fields}


def index(folder: Path, source: Path, embedder: FakeEmbedder | None = None) -> sync.Summary:
    return sync.index_path(folder, source, "fake", embedder or FakeEmbedder())


def rows(folder: Path, sql: str) -> list[Any]:
    connection = sqlite3.connect(folder / DATABASE)
    connection.create_function("folded", 1, folded)
    try:
        found = connection.execute(sql).fetchall()
        connection.commit()
        return found
    finally:
        connection.close()


def sound(folder: Path) -> None:
    """Raises where SQLite or its word index finds the database damaged, or it holds a stray row."""
    rows(folder, "INSERT INTO words (words, rank) VALUES ('integrity-check', 1)")
    found = rows(folder, "PRAGMA integrity_check")
    assert found == [("ok",)], found
    assert rows(folder, "PRAGMA foreign_key_check") == []
    assert rows(folder, "SELECT id FROM texts WHERE id NOT IN (SELECT text FROM passages)") == []
    assert rows(folder, "SELECT hash FROM texts EXCEPT SELECT hash FROM vectors") == []
    assert rows(folder, "SELECT hash FROM vectors EXCEPT SELECT hash FROM texts") == []


def laid_open(folder: Path, questions: Sequence[str] = ("body", "title")) -> dict[str, Any]:
    """All that an index answers with, free of keys that depend on its history."""
    sound(folder)
    store = Store(folder)
    vectors, _ = sync.current_vectors(store)
    texts = dict(rows(folder, "SELECT id, text FROM texts"))
    assert sorted(vectors.ids.tolist()) == sorted(texts)
    everything: dict[str, Any] = {
        "releases": {id_: store.release(id_) for id_ in store.release_ids()},
        "files": {id_: store.file_of(id_) for id_ in store.release_ids()},
        "sections": {id_: store.sections(id_) for id_ in store.release_ids()},
        "passages": rows(
            folder,
            "SELECT r.id, p.start, p.end, p.section, t.text FROM passages p"
            " JOIN releases r ON r.key = p.release JOIN texts t ON t.id = p.text"
            " ORDER BY r.id, p.start",
        ),
        "texts": rows(
            folder,
            "SELECT t.text, t.title, hex(v.vector) FROM texts t JOIN vectors v ON v.hash = t.hash"
            " ORDER BY t.text",
        ),
    }
    for question in questions:
        words = store.match(question, 100_000)
        everything[f"words {question}"] = sorted((texts[i], round(s, 6)) for i, s in words)
        near = vectors.search(vector(question), 100_000)
        everything[f"near {question}"] = sorted((texts[i], round(s, 3)) for i, s in near)
        everything[f"hits {question}"] = [
            (h.release_id, h.start, h.end, h.title, h.quote)
            for h in store.hits({i: round(s, 6) for i, s in words})
        ]
    store.close()
    return everything


def found(store: Store, words: str, filters: Filters | None = None) -> list[Hit]:
    """The hits of a search for words."""
    return store.hits(dict(store.match(words, 1000, filters)), filters)
