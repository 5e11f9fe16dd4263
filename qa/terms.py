"""Words of questions and texts, reduced as the index reduces them."""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Iterator, Mapping
from math import log

import Stemmer

_WORD = re.compile(r"[^\W_]+")
_CODE = re.compile(r"(?:[A-Za-z]+-?\d+|\d+-?[A-Za-z]+)", re.ASCII)
_local = threading.local()  # a Stemmer keeps state, so each thread has its own


def words(text: str) -> list[str]:
    """The words of ``text`` as SQLite's unicode61 tokenizer makes them: folded, without marks."""
    folded = text.casefold()
    if not folded.isascii():
        marked = unicodedata.normalize("NFKD", folded)
        folded = "".join(c for c in marked if not unicodedata.combining(c))
    return _WORD.findall(folded)


def stems(text: str) -> list[str]:
    """The words of ``text`` under Porter's stemmer, the one of the index."""
    stemmer = getattr(_local, "stemmer", None)
    if stemmer is None:
        stemmer = _local.stemmer = Stemmer.Stemmer("porter")
    found: list[str] = stemmer.stemWords(words(text))
    return found


def code_variants(text: str) -> Iterator[str]:
    """Other spellings of code names as FTS5 phrases: ``CT041`` is ``CT-041`` and ``CT 041``."""
    for match in _CODE.finditer(text):
        parts = re.findall(r"[A-Za-z]+|\d+", match[0])
        yield '"' + " ".join(parts) + '"'
        yield '"' + "".join(parts) + '"'


def weights(terms: Mapping[str, int], total: int) -> dict[str, float]:
    """How much each term tells, from the number of texts that hold it: log((N + 1) / (n + 0.5)).

    The inverse document frequency of Robertson and Sparck Jones, kept above 0.
    """
    return {term: max(log((total + 1) / (count + 0.5)), 0.01) for term, count in terms.items()}
