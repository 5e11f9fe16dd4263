"""Public question sets as releases and training questions, so that one pipeline serves both.

    python -m evals.training.public FOLDER OUT

``FOLDER`` holds the sets as published (SQuAD 2.0, PolicyQA, COVID-QA, BioASQ; licences:
``qa/reader.md``). For each set, ``OUT`` gets NAME.jsonl, records to index, and NAME.questions.jsonl.
"""

from __future__ import annotations

import argparse
import json
import lzma
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from index.passages import units

Row = dict[str, Any]

MOST = {"policyqa": 2500}
"""Questions taken of a set: PolicyQA asks the same few things of every policy."""

SNIPPETS = 2  # of a BioASQ question: the others say the same again

FILES = {
    "squad": ["squad2-half.json.xz"],
    "policyqa": ["policyqa-dev.json.xz", "policyqa-test.json.xz"],
    "covidqa": ["covidqa.json.xz"],
    "bioasq": ["bioasq-7b-9b.jsonl.xz"],
}


def articles(paths: list[Path]) -> Iterator[tuple[Row, list[Row]]]:
    """Each paragraph of files in SQuAD's format as a record, with its questions."""
    number = 0
    for path in paths:
        for article in json.loads(lzma.decompress(path.read_bytes()))["data"]:
            for paragraph in article["paragraphs"]:
                number += 1
                title = str(article.get("title") or "").replace("_", " ")
                text = paragraph["context"]
                yield _record(f"p{number}", title, text), [_asked(qa, text) for qa in paragraph["qas"]]


def snippets(path: Path) -> Iterator[tuple[Row, list[Row]]]:
    """Each distinct snippet of BioASQ's factoid and list questions as a record, with its questions."""
    rows = [json.loads(line) for line in lzma.decompress(path.read_bytes()).decode().split("\n") if line]
    texts: dict[str, list[Row]] = {}
    for row in rows:
        answers = sorted({a for group in _strings(row.get("exact_answer")) for a in group})
        for snippet in row["snippets"][:SNIPPETS]:
            text = " ".join(snippet["text"].split())
            asked = texts.setdefault(text, [])
            found = [a for a in answers if a.casefold() in text.casefold()]
            if found and len(text) < 2000 and not any(a["question"] == row["body"] for a in asked):
                at = text.casefold().find(found[0].casefold())
                span = next((s for s in units(text) if s[0] <= at < s[1]), (at, at + len(found[0])))
                asked.append(_question(row["body"], [span], found[:1]))
    for number, (text, asked) in enumerate(texts.items(), 1):
        yield _record(f"s{number}", "", text), asked


def _strings(answer: Any) -> list[list[str]]:
    if isinstance(answer, str):
        return [[answer]]
    return [a if isinstance(a, list) else [a] for a in answer or []]


def _record(id_: str, title: str, text: str) -> Row:
    return {"id": id_, "date": "2020-01-01", "title": title, "publisher": "", "body": text}


def _asked(qa: Row, text: str) -> Row:
    if qa.get("is_impossible") or not qa["answers"]:
        return _question(qa["question"], [], [])
    answer = qa["answers"][0]
    start, end = answer["answer_start"], answer["answer_start"] + len(answer["text"])
    sentences = [(a, b) for a, b in units(text) if a < end and b > start]
    return _question(qa["question"], sentences or [(start, end)], [answer["text"]])


def _question(question: str, spans: list[tuple[int, int]], answers: list[str]) -> Row:
    return {
        "question": " ".join(question.split()),
        "answerable": bool(spans),
        "type": "public",
        "evidence": [{"start": start, "end": end} for start, end in spans],
        "answers": answers,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    for name, files in FILES.items():
        paths = [args.folder / file for file in files]
        found = list(snippets(paths[0]) if name == "bioasq" else articles(paths))
        asked = [{**q, "release": record["id"], "corpus": name} for record, qs in found for q in qs]
        random.Random(0).shuffle(asked)
        asked = [{"id": f"{name}-{n}", **q} for n, q in enumerate(asked[: MOST.get(name)], 1)]
        for part, rows in (("jsonl", [record for record, _ in found]), ("questions.jsonl", asked)):
            lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
            (args.out / f"{name}.{part}").write_text("".join(lines), "utf-8")
        print(f"{name}: {len(found)} texts, {len(asked)} questions, "
              f"{sum(q['answerable'] for q in asked)} answerable")  # fmt: skip


if __name__ == "__main__":
    main()
