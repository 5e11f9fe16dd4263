from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import (
    AutoTokenizer,
    BertConfig,
    BertForQuestionAnswering,
    BertForSequenceClassification,
)

from index.errors import ModelError
from qa.network import (
    CONFIG,
    LONGEST,
    LONGEST_ANSWER,
    Encoded,
    Encoder,
    HuggingFaceScorer,
    Network,
    NetworkScorer,
    faster_type,
    spans,
    tokenizer,
)  # fmt: skip
from qa.read import Reader, Text, heading
from qa.settings import Reading as ReadingSettings

TINY = {
    **CONFIG,
    "hidden_size": 24,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 32,
}


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return Encoder(tokenizer())


def text(passage: str, *sentences: str, about: str = "") -> Text:
    return Text(passage, about, tuple((passage.index(s), passage.index(s) + len(s)) for s in sentences))


def test_a_sentence_is_its_own_tokens(encoder: Encoder) -> None:
    one = text("Sales rose by 5%. Costs fell.", "Sales rose by 5%.", "Costs fell.", about="Title")
    pair = encoder.pair(encoder.question("How did it go?"), one)
    for (start, end), (first, last) in zip(one.sentences, pair.sentences - pair.first, strict=True):
        assert (pair.offsets[first, 0], pair.offsets[last - 1, 1]) == (start, end)
    assert pair.ids[0] == 101
    assert list(np.flatnonzero(pair.ids == 102)) == [pair.second - 1, pair.first - 1, len(pair.ids) - 1]


def test_what_is_too_long_is_cut_and_its_sentences_are_empty(encoder: Encoder) -> None:
    long = "One two three. " * 200
    one = Text(long, "title " * 99, tuple((i * 15, i * 15 + 14) for i in range(200)))
    pair = encoder.pair(encoder.question("why " * 500), one)
    assert len(pair.ids) == LONGEST
    assert pair.sentences.max() <= LONGEST - 1
    assert (pair.sentences[-1, 0], pair.sentences[-1, 1]) == (LONGEST - 1, LONGEST - 1)


def test_of_a_long_question_the_end_is_read(encoder: Encoder) -> None:
    end = encoder.question("Why did it recall them?")
    assert (
        encoder.question("What was said of pumps? " * 30 + "Why did it recall them?")[-len(end) :] == end
    )


def test_a_heading_says_day_section_and_title() -> None:
    assert heading("A\n title", dt.date(2020, 3, 1), "about") == "1 March 2020 about: A title"
    assert heading("A", dt.date(2020, 3, 1), "body") == "1 March 2020 : A"


def test_scores_do_not_depend_on_what_else_is_read(encoder: Encoder) -> None:
    torch.manual_seed(0)
    network = Network(TINY).eval()
    asked = encoder.question("What rose?")
    texts = [
        text("Sales rose.", "Sales rose."),
        text("Costs fell. " * 9 + "It rained.", "It rained."),
    ] * 5
    pairs = [encoder.pair(asked, t) for t in texts]
    with torch.inference_mode():
        together, alone = network(pairs), [network([pair])[0] for pair in pairs]
    for (a, b), (c, d) in zip(together, alone, strict=True):
        assert torch.allclose(a, c, atol=1e-5)
        assert torch.allclose(b, d, atol=1e-5)
    assert [len(tokens) for _, tokens in together] == [len(pair.offsets) for pair in pairs]


def test_weights_are_kept(tmp_path_factory: pytest.TempPathFactory, encoder: Encoder) -> None:
    path = tmp_path_factory.mktemp("weights") / "w.safetensors"
    network = Network(TINY).eval()
    network.save(path)
    pair = encoder.pair(encoder.question("What rose?"), text("Sales rose.", "Sales rose."))
    with torch.inference_mode():
        scores = network([pair])[0][0]
        assert torch.equal(scores, Network.load(path, TINY)([pair])[0][0])
        size = path.stat().st_size
        network.save(path, packed=True)
        assert path.stat().st_size < 0.4 * size
        assert torch.allclose(scores, Network.load(path, TINY)([pair])[0][0], atol=0.02)


def test_the_best_run_of_a_sentence_is_its_answer() -> None:
    passage = "aa bb cc dd"
    offsets = np.array([[0, 2], [3, 5], [6, 8], [9, 11]], dtype=np.int32)
    pair = Encoded(np.zeros(9, np.int32), 2, np.array([[4, 6], [6, 8], [8, 8]], np.int32), offsets, 4)
    odds = np.zeros((4, 2), np.float32)
    odds[1, 0], odds[0, 1], odds[3, 1] = 5, 9, 3  # a run never ends before it begins
    one = Text(passage, "", ((0, 5), (6, 11), (12, 20)))
    assert spans(odds, pair, one) == ((0, 2), (6, 11), (12, 20))


def test_an_answer_is_short() -> None:
    n = LONGEST_ANSWER + 10
    offsets = np.array([[2 * i, 2 * i + 1] for i in range(n)], dtype=np.int32)
    odds = np.zeros((n, 2), np.float32)
    odds[0, 0], odds[-1, 1], odds[3, 1] = 2, 2, 1
    pair = Encoded(np.zeros(n + 5, np.int32), 2, np.array([[4, 4 + n]], np.int32), offsets, 4)
    assert spans(odds, pair, Text("x", "", ((0, 2 * n),))) == ((0, 7),)


def test_the_packaged_network_reads() -> None:
    scorer = NetworkScorer()
    passage = "The shop opened in May. Its owner, Ann Lee, sold 40 bicycles in June."
    one = text(passage, "The shop opened in May.", "Its owner, Ann Lee, sold 40 bicycles in June.")
    other = text("Rain fell on the hills.", "Rain fell on the hills.")
    read, off = scorer.read("How many bicycles were sold in June?", [one, other])
    assert read.sentences[1] > read.sentences[0] > off.sentences[0]
    assert "40" in passage[slice(*read.spans[1])]
    assert scorer.read("Why?", []) == []


def test_a_number_type_is_chosen() -> None:
    assert faster_type() in (torch.float32, torch.bfloat16)


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Folders of small models with random weights, by kind."""
    made = {}
    sizes: dict[str, Any] = {"hidden_size": 16, "intermediate_size": 16, "num_attention_heads": 2}
    torch.manual_seed(0)
    for name, kind, labels in (
        ("answers", BertForQuestionAnswering, 2),
        ("pairs", BertForSequenceClassification, 1),
        ("classes", BertForSequenceClassification, 3),
    ):
        folder = str(tmp_path_factory.mktemp(name))
        sizes |= {"num_hidden_layers": 1, "num_labels": labels}
        kind(BertConfig(**sizes)).save_pretrained(folder)
        AutoTokenizer.from_pretrained(str(tokenizer().parent)).save_pretrained(folder)
        made[name] = folder
    return made


@pytest.mark.parametrize("kind", ["answers", "pairs"])
def test_another_model_reads(others: dict[str, str], kind: str) -> None:
    passage = "Pumps are made in Lyon. Kettles broke. " + "Lamps shone. " * 300
    end = len(passage) - 1
    texts = [
        Text(passage, "", ((0, 23), (24, 38), (end - 12, end))),
        text("It rained.", "It rained."),
    ]
    one, two = HuggingFaceScorer(others[kind]).read("Where are pumps made?", texts)
    assert len(one.sentences) == len(one.spans) == 3
    assert len(set(one.sentences.tolist())) == 3
    for (start, end), (first, last) in zip(texts[0].sentences, one.spans, strict=True):
        assert start <= first < last <= end
    assert two.sentences.shape == (1,)
    long = HuggingFaceScorer(others[kind]).read("why " * 900 + "are pumps made?", texts[1:])
    assert np.isfinite(long[0].sentences).all()
    if kind == "answers":  # the last one is beyond what it can read
        assert one.sentences[2] == min(one.sentences)


def test_a_reader_that_cannot_be_used(others: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="neither answers questions nor"):
        HuggingFaceScorer(others["classes"])
    with pytest.raises(ModelError, match="cannot be loaded"):
        HuggingFaceScorer(str(tmp_path))
    with pytest.raises(ModelError, match=r"not what `python -m evals.fit_reader` writes"):
        Reader.load(ReadingSettings(fitted=str(tmp_path / "none.json")))
    assert isinstance(Reader.load(ReadingSettings(reader=others["pairs"])).scorer, HuggingFaceScorer)
