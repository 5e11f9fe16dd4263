"""Questions over an index as training examples: the passages that the product retrieves, encoded."""

from __future__ import annotations

import hashlib
import json
import pickle
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from index.embed import SentenceTransformerEmbedder
from index.passages import cut
from index.store import Store
from index.types import Filters, Hit
from qa import Settings
from qa.features import Candidate, candidates
from qa.network import SEP, Encoded, Encoder, tokenizer
from qa.read import text_of
from qa.retrieve import Retriever

from ..metrics import normalise

CANDIDATES = 16
MASK = 103  # token
HELD = 10

GOLD, OTHER, UNCLEAR = 1, 0, -1
"""A sentence in the evidence; one that is not; one that holds all accepted strings without being in it,
which is neither right nor wrong to name."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A candidate passage: encoded with its question; a label for each sentence; and where the first
    accepted string stands, as the first and last of the passage's tokens, or -1.
    """

    encoded: Encoded
    labels: NDArray[np.int8]
    span: tuple[int, int] = (-1, -1)


@dataclass(frozen=True, slots=True)
class Example:
    """A question with its candidate passages, best first; the last ``missed`` were not found: they hold
    evidence of which no passage found holds any.
    """

    id: str
    corpus: str
    release: str
    type: str
    answerable: bool
    passages: tuple[Passage, ...]
    missed: int = 0


@dataclass(frozen=True, slots=True)
class Asked:
    """A training question: the release that it is about, the spans there that answer it (none, where it
    is a near-miss), and accepted strings, or where they stand.
    """

    id: str
    corpus: str
    release: str
    type: str
    question: str
    evidence: tuple[tuple[int, int], ...]
    answers: tuple[str | tuple[int, int], ...]

    def holds(self, release: str, start: int, end: int) -> bool:
        """Whether a span of a release shares with one that answers half of the shorter of the two."""
        return release == self.release and any(share((start, end), span) for span in self.evidence)

    def strings(self, store: Store) -> list[str]:
        """The accepted strings; none of a near-miss."""
        text = store.release(self.release).text if self.evidence else ""
        return [a if isinstance(a, str) else text[a[0] : a[1]] for a in self.answers]


def share(one: tuple[int, int], other: tuple[int, int]) -> bool:
    """Whether two spans of a release have half of the shorter of them in common."""
    (start, end), (first, last) = one, other
    return min(end, last) - max(start, first) >= 0.5 * min(end - start, last - first)


def questions(path: Path, held: bool | None = None) -> list[Asked]:
    """The questions of a file, a JSON object a line: all, those held out of training, or the others."""
    rows = [json.loads(line) for line in path.read_text("utf-8").split("\n") if line.strip()]
    found = (
        Asked(
            row["id"], row["corpus"], row["release"], row["type"], row["question"],
            tuple(_pair(e) for e in row.get("evidence") or ()),
            tuple(a if isinstance(a, str) else _pair(a) for a in row.get("answers") or ()),
        )
        for row in rows
    )  # fmt: skip
    return [asked for asked in found if held is None or held == is_held(asked.release)]


def is_held(release: str) -> bool:
    """Whether questions about this release are kept out of training, to calibrate on: one in HELD."""
    return zlib.crc32(release.encode()) % HELD == 0


def _pair(span: Any) -> tuple[int, int]:
    return (span["start"], span["end"]) if isinstance(span, dict) else (span[0], span[1])


def pairs(values: Sequence[str]) -> list[tuple[Path, Path]]:
    """Question files and the indexes they go with, of ``QUESTIONS=INDEX``."""
    found = (value.rpartition("=") for value in values)
    return [(Path(name), Path(index)) for name, _, index in found]


def build(asked: Sequence[Asked], index: Path, label: str) -> list[Example]:
    """An example for each question that retrieves anything."""
    store = Store(index)
    made = store.manifest
    embedder = SentenceTransformerEmbedder(made.embedder, made.number_type)
    retriever = Retriever(store, embedder, Settings().retrieval)
    encoder = Encoder(tokenizer())
    found = [_example(q, store, retriever, encoder) for q in track(asked, f"{label:24}")]
    store.close()
    return [example for example in found if example.passages]


def _example(asked: Asked, store: Store, retriever: Retriever, encoder: Encoder) -> Example:
    hits = retriever.search(retriever.query(asked.question), CANDIDATES, Filters(), longest=0)
    found = not asked.evidence or any(asked.holds(h.release_id, h.start, h.end) for h in hits)
    added = [] if found else _gold_hits(store, asked)
    question = encoder.question(asked.question)
    answers = asked.strings(store)
    passages, missed = (
        tuple(p for hit in some if (p := _passage(hit, asked, answers, question, encoder)))
        for some in (hits, added)
    )
    return Example(
        asked.id, asked.corpus, asked.release, asked.type, bool(asked.evidence),
        (*passages, *missed), len(missed),
    )  # fmt: skip


def _gold_hits(store: Store, asked: Asked) -> list[Hit]:
    release = store.release(asked.release)
    hits = (
        Hit(
            release.id,
            p.start,
            p.end,
            0.0,
            release.title,
            release.date,
            p.text,
            release.company,
            p.section,
        )
        for p in cut(release.text)[1]
    )
    return [hit for hit in hits if asked.holds(hit.release_id, hit.start, hit.end)]


def _passage(
    hit: Hit, asked: Asked, answers: Sequence[str], question: Sequence[int], encoder: Encoder
) -> Passage | None:
    sentences = candidates([hit])
    if not sentences:
        return None
    encoded = encoder.pair(question, text_of(hit, sentences))
    accepted = [normalise(answer) for answer in answers]
    labels = np.array([_label(c, asked, accepted) for c in sentences], dtype=np.int8)
    gold = [c for c, label in zip(sentences, labels, strict=True) if label == GOLD]
    return Passage(encoded, labels, _span(encoded, hit, gold, answers[0]) if answers else (-1, -1))


def _span(encoded: Encoded, hit: Hit, gold: Sequence[Candidate], answer: str) -> tuple[int, int]:
    for c in gold:
        start = c.start - hit.start + c.text.find(answer)
        first = int(np.searchsorted(encoded.offsets[:, 1], start, side="right"))
        last = int(np.searchsorted(encoded.offsets[:, 0], start + len(answer))) - 1
        if answer in c.text and first <= last < len(encoded.offsets):
            return first, last
    return -1, -1


def _label(c: Candidate, asked: Asked, answers: Sequence[str]) -> int:
    if asked.holds(c.hit.release_id, c.start, c.end):
        return GOLD
    said = normalise(c.text)
    if answers and all(re.search(rf"(?<!\w){re.escape(a)}(?!\w)", said) for a in answers):
        return UNCLEAR
    return OTHER


def cached(path: Path, index: Path, work: Path) -> list[Example]:
    """The examples of a question file over an index, kept in ``work`` until the file changes."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:8]
    kept = work / f"{path.stem}.{index.stem}.{digest}.examples"
    if not kept.exists():
        part = kept.with_suffix(".part")
        part.write_bytes(pickle.dumps(build(questions(path), index, path.stem)))
        part.replace(kept)
    examples: list[Example] = pickle.loads(kept.read_bytes())
    return examples


def has_gold(example: Example) -> bool:
    return any((p.labels == GOLD).any() for p in example.passages)


def sampled(example: Example, most: int, generator: np.random.Generator) -> Example:
    """The example with ``most`` of its passages: those with a gold sentence, and others by chance."""
    gold = [p for p in example.passages if (p.labels == GOLD).any()]
    rest = [p for p in example.passages if not (p.labels == GOLD).any()]
    if not rest:
        return replace(example, passages=tuple(gold[:3]))
    odds = 1 / (1 + np.arange(len(rest)) / 4)  # the best found are the hardest to tell apart
    order = generator.choice(
        len(rest), min(len(rest), max(most - len(gold), 2)), False, odds / odds.sum()
    )
    return replace(example, passages=(*gold[:3], *(rest[i] for i in order)))


def masked(example: Example, share: float, generator: np.random.Generator) -> Example:
    """The example with that share of the tokens of its passages and of their headings hidden."""
    if not share:
        return example

    def hidden(e: Encoded) -> Encoded:
        away = (np.arange(len(e.ids)) >= e.second) & (e.ids != SEP)
        away &= generator.random(len(e.ids)) < share
        return replace(e, ids=np.where(away, MASK, e.ids))

    return replace(
        example, passages=tuple(replace(p, encoded=hidden(p.encoded)) for p in example.passages)
    )


def shuffled(data: Sequence[Example], seed: int) -> Iterator[Example]:
    order = np.random.default_rng(seed).permutation(len(data))
    return (data[i] for i in order)
