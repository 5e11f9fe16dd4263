"""Public question sets, read as they are published: documents, questions and what is relevant."""

from __future__ import annotations

import json
import lzma
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..questions import EvalError


@dataclass(frozen=True, slots=True)
class Document:
    """What is searched for."""

    id: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Collection:
    """Documents, questions by id, and for each question the grades of its relevant documents."""

    documents: tuple[Document, ...]
    questions: Mapping[str, str]
    relevant: Mapping[str, Mapping[str, float]]


def scifact(folder: Path) -> Collection:
    """The abstracts, and the training claims that have a relevant one."""
    documents = tuple(
        Document(row["_id"], row["title"], row["text"])
        for row in _rows(folder / "scifact-corpus.jsonl.xz")
    )
    relevant: dict[str, dict[str, float]] = {}
    for line in _text(folder / "scifact-qrels-train.tsv").splitlines()[1:]:
        question, document, grade = line.split("\t")
        if float(grade) > 0:
            relevant.setdefault(question, {})[document] = float(grade)
    claims = {row["_id"]: row["text"] for row in _rows(folder / "scifact-queries-train.jsonl.xz")}
    return Collection(documents, {id_: claims[id_] for id_ in relevant}, relevant)


def squad(folder: Path) -> Collection:
    """The paragraphs, and the questions that have an answer; relevant is the paragraph it is from."""
    documents, questions, relevant = [], {}, {}
    for article in json.loads(_text(folder / "squad2-half.json.xz"))["data"]:
        for number, paragraph in enumerate(article["paragraphs"], 1):
            document = Document(
                f"{article['title']}-{number}", article["title"].replace("_", " "), paragraph["context"]
            )
            documents.append(document)
            for asked in paragraph["qas"]:
                if not asked["is_impossible"]:
                    questions[asked["id"]] = asked["question"]
                    relevant[asked["id"]] = {document.id: 1.0}
    return Collection(tuple(documents), questions, relevant)


def bioasq(folder: Path) -> Collection:
    """The distinct snippets of all factoid questions; relevant are a question's own."""
    asked = {
        row["id"]: (row["body"], [s["text"] for s in row["snippets"] if s["text"].strip()])
        for row in _rows(folder / "bioasq-7b-9b.jsonl.xz")
        if row["type"] == "factoid"
    }
    asked = {id_: (question, texts) for id_, (question, texts) in asked.items() if texts}
    distinct = dict.fromkeys(text for _, texts in asked.values() for text in texts)
    ids = {text: f"snippet-{number}" for number, text in enumerate(distinct, 1)}
    return Collection(
        tuple(Document(id_, "", text) for text, id_ in ids.items()),
        {id_: question for id_, (question, _) in asked.items()},
        {id_: {ids[text]: 1.0 for text in texts} for id_, (_, texts) in asked.items()},
    )


READERS: dict[str, Callable[[Path], Collection]] = {"scifact": scifact, "squad": squad, "bioasq": bioasq}


def read(name: str, folder: Path) -> Collection:
    """A set by its name. Raises EvalError where a file of it is missing or not as published."""
    try:
        return READERS[name](folder)
    except (ValueError, LookupError, TypeError) as exc:
        raise EvalError(f"{folder}: the files of {name} are not as published ({exc!r})") from exc


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
        return (lzma.decompress(content) if path.suffix == ".xz" else content).decode("utf-8")
    except (OSError, lzma.LZMAError) as exc:
        why = exc.strerror if isinstance(exc, OSError) else "the compressed data is damaged"
        raise EvalError(f"{path}: cannot be read ({why}); name the folder of the public sets") from exc


def _rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in _text(path).split("\n") if line.strip()]
