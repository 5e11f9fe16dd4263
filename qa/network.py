"""The reader's network: question and passage in, a score for each sentence and a span out.

An encoder of the shape of MiniLM (Wang et al. 2020) under two heads: one scores a sentence by the mean of
its tokens beside the first one; one says of each token how probably the answer begins or ends there. A
sentence's score is the logarithm of its odds against silence, so scores of several passages compare
(shared normalisation: Clark and Gardner 2018).
``reader.safetensors`` holds the weights and ``reader.md`` says how they came about: ``python -m
evals.training.train``. Only this file imports torch in this package.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch import nn
from transformers import (
    AutoConfig,
    AutoModelForQuestionAnswering,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    BertConfig,
    BertModel,
)

from index.embed import cores, packaged_folder, reason, threads
from index.errors import ModelError

from .read import Scores, Text

QUESTION = 64  # tokens of a question at most
HEADING = 40  # tokens of date, section and title at most
LONGEST = 320  # tokens in all
BATCH = 6  # pairs in one pass
LONGEST_ANSWER = 30  # tokens
SCALE = ".scale"

CONFIG: Mapping[str, Any] = {
    "vocab_size": 30522, "hidden_size": 384, "num_hidden_layers": 6, "num_attention_heads": 12,
    "intermediate_size": 1536, "max_position_embeddings": 512,
    "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0,
}  # fmt: skip
"""Of all-MiniLM-L6-v2."""

CLS, SEP = 101, 102


@dataclass(frozen=True, slots=True)
class Encoded:
    """A question with one passage: token ids; the first token that is the question's no more; and of
    each sentence the first token and the one behind its last (equal where it was cut off).
    """

    ids: NDArray[np.int32]
    second: int
    sentences: NDArray[np.int32]  # shape (sentences, 2)
    offsets: NDArray[np.int32]  # of the passage's tokens, in its text; shape (tokens, 2)
    first: int  # token of the passage


class Encoder:
    """Texts to tokens, as the encoder was trained to see them."""

    def __init__(self, tokenizer: Path) -> None:
        self._tokenizer = Tokenizer.from_file(str(tokenizer))
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()

    def question(self, text: str) -> list[int]:
        """Its tokens; of a long one the last, where what is asked stands."""
        return list(self._tokenizer.encode(text, add_special_tokens=False).ids[-QUESTION:])

    def pair(self, question: Sequence[int], text: Text) -> Encoded:
        """The tokens of ``question`` with those of a passage."""
        about = self._tokenizer.encode(text.heading, add_special_tokens=False).ids[:HEADING]
        start = [CLS, *question, SEP, *about, SEP]
        found = self._tokenizer.encode(text.passage, add_special_tokens=False)
        room = LONGEST - len(start) - 1
        offsets = np.array(found.offsets[:room], dtype=np.int32).reshape(-1, 2)
        ids = np.array([*start, *found.ids[:room], SEP], dtype=np.int32)
        spans = np.array(text.sentences, dtype=np.int64).reshape(-1, 2)
        tokens = np.stack(
            [np.searchsorted(offsets[:, 0], spans[:, 0]), np.searchsorted(offsets[:, 0], spans[:, 1])], 1
        )
        return Encoded(
            ids, len(question) + 2, (tokens + len(start)).astype(np.int32), offsets, len(start)
        )


class Network(nn.Module):
    """See the top of this file."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        self.encoder = BertModel(BertConfig(**config), add_pooling_layer=False)
        size = config["hidden_size"]
        self.mix = nn.Linear(2 * size, size)
        self.sentence = nn.Linear(size, 1)
        self.span = nn.Linear(size, 2)

    def forward(self, pairs: Sequence[Encoded]) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """For each pair the scores of its sentences, shape (sentences,), and of its passage's tokens as
        the first and the last of the answer, shape (tokens, 2).
        """
        order = sorted(range(len(pairs)), key=lambda i: len(pairs[i].ids))
        found: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}
        for first in range(0, len(order), BATCH):  # of similar length: little padding
            batch = order[first : first + BATCH]
            found |= zip(batch, self.batch([pairs[i] for i in batch]), strict=True)
        return [found[i] for i in range(len(pairs))]

    def batch(self, pairs: Sequence[Encoded]) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """As ``forward``, of a few pairs in one pass."""
        ids, kinds, mask = padded(pairs)
        hidden = self.encoder(input_ids=ids, token_type_ids=kinds, attention_mask=mask)[0]
        counts = [len(e.sentences) for e in pairs]
        rows = torch.from_numpy(np.repeat(np.arange(len(pairs)), counts))
        spans = torch.from_numpy(np.concatenate([e.sentences for e in pairs]).astype(np.int64))
        # means of runs of tokens, by differences of running sums
        sums = nn.functional.pad(hidden.float().cumsum(1), (0, 0, 1, 0))
        size = (spans[:, 1] - spans[:, 0]).clamp(min=1)[:, None]
        mean = (sums[rows, spans[:, 1]] - sums[rows, spans[:, 0]]) / size
        both = torch.cat([mean.to(hidden.dtype), hidden[rows, 0]], 1)
        scores = self.sentence(nn.functional.gelu(self.mix(both)))[:, 0].float()
        tokens = self.span(hidden).float()
        inside = (tokens[i, e.first : len(e.ids) - 1] for i, e in enumerate(pairs))
        return list(zip(scores.split(counts), inside, strict=True))

    def save(self, path: Path, packed: bool = False) -> None:
        """Write the weights as float32; or ``packed``: matrices as int8 with a scale a row, a quarter."""
        weights = {name: value.detach().contiguous() for name, value in self.state_dict().items()}
        if packed:
            for name, value in list(weights.items()):
                if value.dim() == 2:
                    scale = value.abs().amax(1, keepdim=True).clamp(min=1e-12) / 127
                    weights[name] = (value / scale).round().to(torch.int8)
                    weights[f"{name}{SCALE}"] = scale
        save_file(weights, path)

    @classmethod
    def load(cls, path: Path, config: Mapping[str, Any] = CONFIG) -> Network:
        """The network whose weights ``save`` wrote."""
        network, weights = cls(config), load_file(path)
        scales = {name: weights.pop(name) for name in list(weights) if name.endswith(SCALE)}
        for name, scale in scales.items():
            weights[name.removesuffix(SCALE)] = weights[name.removesuffix(SCALE)] * scale
        network.load_state_dict(weights)
        return network.eval()


class NetworkScorer:
    """The packaged network, or another of its kind, on the CPU."""

    def __init__(self, weights: Path | None = None) -> None:
        with as_file(files("qa").joinpath("reader.safetensors")) as packaged:
            network = Network.load(weights or packaged)
        self._type = faster_type()
        self._network = network.to(self._type)
        self._encoder = Encoder(tokenizer())
        self._workers = cores()

    def read(self, question: str, texts: Sequence[Text]) -> list[Scores]:
        """One reading for each text."""
        asked = self._encoder.question(question)
        pairs = [self._encoder.pair(asked, text) for text in texts]
        order = sorted(range(len(pairs)), key=lambda i: len(pairs[i].ids), reverse=True)
        size = max(1, min(BATCH, -(-len(order) // self._workers)))
        batches = [order[i : i + size] for i in range(0, len(order), size)]
        found: dict[int, Scores] = {}
        with threads(1), ThreadPoolExecutor(self._workers) as pool:
            jobs = [pool.submit(self._batch, texts, pairs, batch) for batch in batches]
            for batch, job in zip(batches, jobs, strict=True):
                found |= zip(batch, job.result(), strict=True)
        return [found[i] for i in range(len(texts))]

    def _batch(
        self, texts: Sequence[Text], pairs: Sequence[Encoded], batch: Sequence[int]
    ) -> list[Scores]:
        with torch.inference_mode():
            out = self._network.batch([pairs[i] for i in batch])
        return [
            Scores(scores.double().numpy(), spans(tokens.numpy(), pairs[i], texts[i]))
            for i, (scores, tokens) in zip(batch, out, strict=True)
        ]


@cache
def packaged() -> NetworkScorer:
    """The network that the package carries, loaded once."""
    return NetworkScorer()


def spans(odds: NDArray[np.float32], pair: Encoded, text: Text) -> tuple[tuple[int, int], ...]:
    """In each sentence the run of its tokens that is most probably the answer: a span of the passage."""
    found = []
    for (start, end), (first, last) in zip(text.sentences, pair.sentences - pair.first, strict=True):
        if first >= last:  # it was cut off
            found.append((start, end))
            continue
        a, b = best_run(odds[first:last])[1]
        found.append((int(pair.offsets[first + a, 0]), int(pair.offsets[first + b, 1])))
    return tuple(found)


def best_run(odds: NDArray[np.float32]) -> tuple[float, tuple[int, int]]:
    """The most probable run of LONGEST_ANSWER tokens at most, by the ``odds`` that each is the first and
    the last, shape (tokens, 2): its score, and its first and last token.
    """
    both = odds[:, None, 0] + odds[None, :, 1]
    length = np.arange(len(both))[None, :] - np.arange(len(both))[:, None]
    best = int(np.argmax(np.where((length >= 0) & (length < LONGEST_ANSWER), both, -np.inf)))
    first, last = divmod(best, len(both))
    return float(both[first, last]), (first, last)


def faster_type() -> torch.dtype:
    """bfloat16 where this CPU multiplies it faster than float32, by a trial of a few milliseconds."""
    times = {}
    for number_type in (torch.float32, torch.bfloat16):
        a, b = torch.ones(512, 384, dtype=number_type), torch.ones(384, 1536, dtype=number_type)
        laps = []
        for _ in range(6):
            start = time.perf_counter()
            a @ b
            laps.append(time.perf_counter() - start)
        times[number_type] = min(laps)
    return torch.bfloat16 if times[torch.bfloat16] < 0.9 * times[torch.float32] else torch.float32


def tokenizer() -> Path:
    """The packaged embedding model's, which the network shares."""
    return packaged_folder() / "tokenizer.json"


def padded(pairs: Sequence[Encoded]) -> tuple[torch.Tensor, ...]:
    """Token ids, kinds (0 question, 1 passage), and mask of what is no padding."""
    longest = max(len(e.ids) for e in pairs)
    ids = np.zeros((len(pairs), longest), dtype=np.int64)
    kinds, mask = np.zeros_like(ids), np.zeros_like(ids)
    for i, e in enumerate(pairs):
        n = len(e.ids)
        ids[i, :n], mask[i, :n], kinds[i, e.second : n] = e.ids, 1, 1
    return tuple(map(torch.from_numpy, (ids, kinds, mask)))


class HuggingFaceScorer:
    """Another model on the CPU: one for question answering, or a cross-encoder.

    ``model`` is a folder, or a name that transformers knows and may fetch. The former scores a sentence
    by its best span against no answer, the latter each sentence on its own. Raises ModelError where it
    cannot be had or is neither.
    """

    def __init__(self, model: str) -> None:
        local = {"local_files_only": Path(model).is_dir()}
        try:
            config = AutoConfig.from_pretrained(model, **local)
            self._spans = any(a.endswith("ForQuestionAnswering") for a in config.architectures or ())
            kind = AutoModelForQuestionAnswering if self._spans else AutoModelForSequenceClassification
            self._tokenizer = AutoTokenizer.from_pretrained(model, **local)
            self._model = kind.from_pretrained(model, **local).eval()
        except Exception as exc:  # the library raises many kinds; all mean the same to a user
            raise ModelError(f"reader {model!r} cannot be loaded: {reason(exc)}") from exc
        single = any(a.endswith("ForSequenceClassification") for a in config.architectures or ())
        if not self._spans and not (single and config.num_labels == 1):
            raise ModelError(
                f"reader {model!r} neither answers questions nor gives a pair one score; name a model of "
                "the kind ForQuestionAnswering, or ForSequenceClassification with one label"
            )

    def read(self, question: str, texts: Sequence[Text]) -> list[Scores]:
        """One for each text."""
        asked = self._tokenizer(question, add_special_tokens=False, return_offsets_mapping=True)
        first = asked["offset_mapping"][-QUESTION:][:1]
        question = question[first[0][0] :] if first else question
        return [self._answers(question, t) if self._spans else self._pairs(question, t) for t in texts]

    def _answers(self, question: str, text: Text) -> Scores:
        with torch.inference_mode():
            given = self._tokenizer(
                question, text.passage, truncation="only_second", return_offsets_mapping=True,
                return_tensors="pt", max_length=min(self._tokenizer.model_max_length, 512),
            )  # fmt: skip
            offsets = given.pop("offset_mapping")[0].numpy()
            out = self._model(**given)
        odds = torch.stack([out.start_logits[0], out.end_logits[0]], 1).float().numpy()
        inside = np.array([kind == 1 for kind in given.sequence_ids(0)])
        scores, found = [], []
        for start, end in text.sentences:
            own = np.flatnonzero(inside & (offsets[:, 0] >= start) & (offsets[:, 0] < end))
            best, span = best_run(odds[own]) if len(own) else (-30.0, (0, 0))  # cut off: most improbable
            scores.append(best - float(odds[0].sum()))
            at = offsets[own[list(span)]] if len(own) else None
            found.append((start, end) if at is None else (int(at[0, 0]), int(at[1, 1])))
        return Scores(np.array(scores, dtype=np.float64), tuple(found))

    def _pairs(self, question: str, text: Text) -> Scores:
        said = [text.passage[start:end] for start, end in text.sentences]
        with torch.inference_mode():
            given = self._tokenizer(
                [question] * len(said), said, truncation="only_second", padding=True, return_tensors="pt",
                max_length=min(self._tokenizer.model_max_length, 512),
            )  # fmt: skip
            scores = self._model(**given).logits[:, 0].double().numpy()
        return Scores(scores, text.sentences)
