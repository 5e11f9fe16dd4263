"""Words of questions and texts, reduced alike for both: what the lexical search compares."""

from __future__ import annotations

import re
import threading
import unicodedata
import zlib

import numpy as np
import Stemmer
from numpy.typing import NDArray

Codes = NDArray[np.uint32]
"""Shape (n,): a code a word, in the order of the text. Two stems share one once in 4 thousand million."""

_WORD = re.compile(r"[^\W_]+")
_GREEK = re.compile(r"(?<![\u0370-\u03ff])[\u0391-\u03a1\u03a3-\u03a9\u03b1-\u03c9](?![\u0370-\u03ff])")
UNSPACED = re.compile(r"([\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff])")
"""A character of writing without spaces."""

_STEM_MEASURED = re.compile("[aeiouy][^aeiouy]")  # a vowel with a consonant behind it
_local = threading.local()  # a Stemmer keeps state, so each thread has its own


def folded(text: str) -> str:
    """``text`` as it is searched, for a tokenizer that splits at what is no letter or digit.

    Letters are lower case, without accents, and full-width and other compatible forms are one (NFKC); a
    Greek letter that stands alone is its name, as in ``IL-1 beta``; characters of writing without spaces
    (Chinese, Japanese) are a word each.
    """
    if text.isascii():
        return text.lower()
    text = unicodedata.normalize("NFKC", text.replace("™", " "))  # NFKC would glue "TM" to the name
    marked = unicodedata.normalize("NFD", text)
    text = "".join(c for c in marked if not unicodedata.combining(c))
    text = _GREEK.sub(lambda match: f" {unicodedata.name(match[0]).rpartition(' ')[2]} ", text)
    return UNSPACED.sub(r" \1 ", text).casefold()


def words(text: str) -> list[str]:
    """The words of ``text`` as SQLite's unicode61 tokenizer makes them of its folded form."""
    return _WORD.findall(folded(text))


def stems(text: str) -> list[str]:
    """The words of ``text`` under Porter's stemmer, as SQLite has it."""
    stemmer = getattr(_local, "stemmer", None)
    if stemmer is None:
        stemmer = _local.stemmer = Stemmer.Stemmer("porter")
    found = words(text)
    return [
        _as_sqlite(word, stem, stemmer)
        for word, stem in zip(found, stemmer.stemWords(found), strict=True)
    ]


def _as_sqlite(word: str, stem: str, stemmer: Stemmer.Stemmer) -> str:
    """The stem that SQLite makes: it leaves words of one and two bytes and very long ones as they are,
    and has two rules of Porter's own later version, for -logi and -bli.
    """
    size = len(word) if word.isascii() else len(word.encode())
    if size < 3 or size > 64:
        return word
    if stem.endswith("logi") and _STEM_MEASURED.search(stem, 0, len(stem) - 4):
        return stem[:-1]
    if stem.endswith("bli"):
        return str(stemmer.stemWord(stem[:-1] + "e"))
    return stem


def codes(text: str) -> Codes:
    """The stems of ``text`` in order, a code each."""
    return np.fromiter(map(code, stems(text)), dtype=np.uint32)


def code(stem: str) -> int:
    """The code of a stem: its CRC-32."""
    return zlib.crc32(stem.encode())
