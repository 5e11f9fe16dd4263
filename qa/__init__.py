"""releaseqa: answers over press releases, each sentence with a quote checked against its release."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from index.errors import ReleaseQAError

from .settings import Settings
from .types import Answer, Citation, Sentence, Turn

if TYPE_CHECKING:
    from .pipeline import ReleaseQA

__all__ = ["Answer", "Citation", "ReleaseQA", "ReleaseQAError", "Sentence", "Settings", "Turn"]


def __getattr__(name: str) -> Any:
    # the pipeline brings NumPy and FAISS, which `releaseqa --help` need not wait for
    if name == "ReleaseQA":
        return importlib.import_module(".pipeline", __name__).ReleaseQA
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
