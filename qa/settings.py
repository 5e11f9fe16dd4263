"""All settings, in one frozen object; built once, at the edge."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

Stage = Literal[
    "lexical", "dense", "titles", "scope", "aliases", "recurrence", "phrases", "weights", "reranker",
    "diversity", "neighbours",
]  # fmt: skip
STAGES: tuple[Stage, ...] = get_args(Stage)
"""The stages of retrieval that can be switched off one by one, to measure what each is worth. Without one
of the two searches the order is that of the other alone: the fitted weights go too.
"""


READER = "reader"
"""Names the packaged reader."""


@dataclass(frozen=True, slots=True)
class Retrieval:
    """``candidates`` texts are taken from each search; the stages in ``off`` are left out.

    ``reranker`` looks at the best ``reranked`` passages again: the packaged reader, or a cross-encoder (a
    folder, or a name known to sentence-transformers).
    """

    candidates: int = 120
    reranker: str = READER
    reranked: int = 20
    off: tuple[Stage, ...] = ()

    def __post_init__(self) -> None:
        unknown = sorted(set(self.off) - set(STAGES))
        if unknown:
            raise ValueError(f"no stage {unknown[0]!r}; the stages are {', '.join(STAGES)}")


@dataclass(frozen=True, slots=True)
class Reading:
    """``passages`` are read for a question; an answer has at most ``sentences`` sentences (and the other
    items of a list) and ``characters`` code points (a longer sentence is given whole where there is none
    else); the parts of a question share all three. An answer less probable than ``threshold``, 0 to 1, is
    not given (None: the threshold fitted with the reader).

    ``reader`` reads: the packaged one, or a model of Hugging Face for question answering, or a
    cross-encoder (a folder, or a name that transformers knows). ``fitted`` is then the file that
    ``python -m evals.fit_reader --reader NAME`` wrote for it (None: that of the packaged one).
    """

    passages: int = 16
    sentences: int = 4
    characters: int = 600
    threshold: float | None = None
    reader: str = READER
    fitted: str | None = None


@dataclass(frozen=True, slots=True)
class Generation:
    """A language model is given at most ``passages`` passages, fewer where its context window is small
    and three where the model is, and writes at most ``tokens`` tokens in ``seconds`` seconds; a failed
    call is tried ``retries`` times more. With ``fallback`` the extractive answer stands in for a model
    that fails.

    ``wording``, 0 to 1: how much of a sentence, in order, must stand in its quote for the sentence to
    be shown as the model wrote it; else the quote is shown in its place. Lower values show more of the
    model's own words and catch fewer of its errors: ``python -m evals.verification`` prints the table.
    """

    passages: int = 6
    tokens: int = 300
    seconds: float = 120.0
    retries: int = 3
    wording: float = 0.6
    fallback: bool = False


@dataclass(frozen=True, slots=True)
class Settings:
    """``embedder`` is the packaged model, a folder, or a name known to sentence-transformers."""

    embedder: str = "all-MiniLM-L6-v2"
    retrieval: Retrieval = field(default_factory=Retrieval)
    reading: Reading = field(default_factory=Reading)
    generation: Generation = field(default_factory=Generation)
