"""Nearest vectors, with FAISS; the only file that imports it. Derived from the store, always.

One file: a JSON line that says what it was made from, then the FAISS index. It is written whole and
renamed into place, so a reader sees the old file or the new one.
"""

from __future__ import annotations

import json
import os
import uuid
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from .types import Vectors

Ids = NDArray[np.int64]
_FORMAT = "releaseqa-vectors-1"

faiss.omp_set_num_threads(1)  # questions come in parallel; each search is short


class VectorIndex:
    """Unit vectors by id, searched exactly by inner product.

    Vectors are kept as float16, the type in which the store holds them: half the memory of float32
    and a faster scan, and a score differs by less than 0.001. Scores are cosines, -1 to 1, higher is
    nearer. Ids are those given and stay with their vector until it is removed.
    """

    def __init__(self, dimension: int) -> None:
        flat = faiss.IndexScalarQuantizer(
            dimension, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
        )
        self._index: Any = faiss.IndexIDMap2(flat)  # its stubs lack the Python layer
        self.dimension = dimension

    def __len__(self) -> int:
        return int(self._index.ntotal)

    @property
    def ids(self) -> Ids:
        """The ids held, in the order of insertion."""
        return np.asarray(faiss.vector_to_array(self._index.id_map), dtype=np.int64)

    def add(self, ids: Sequence[int] | Ids, vectors: Vectors) -> None:
        """Add ``vectors``, shape (len(ids), dimension), none of whose ids is held."""
        if len(ids):
            self._index.add_with_ids(vectors, np.asarray(ids, dtype=np.int64))

    def remove(self, ids: Sequence[int] | Ids) -> None:
        """Remove these ids; those not held are passed over."""
        if len(ids):
            self._index.remove_ids(faiss.IDSelectorBatch(np.asarray(ids, dtype=np.int64)))

    def search(self, query: Vectors, k: int, among: Ids | None = None) -> list[tuple[int, float]]:
        """The ``k`` nearest (id, cosine) to a query of shape (1, dimension), nearest first.

        ``among`` restricts the search itself to these ids, so that ``k`` of them are found. Equal scores
        come in the order of their ids.
        """
        k = min(k, len(self) if among is None else len(among))
        if k <= 0:
            return []
        params = None
        if among is not None:
            bits = np.zeros(int(among.max()) + 1, dtype=bool)
            bits[among] = True
            bitmap = np.packbits(bits, bitorder="little")
            selector: Any = faiss.IDSelectorBitmap
            parameters: Any = faiss.SearchParameters
            params = parameters(sel=selector(bitmap))
        scores, ids = self._index.search(query, k, params=params)
        found = [(int(i), float(s)) for i, s in zip(ids[0], scores[0], strict=True) if i >= 0]
        return sorted(found, key=lambda pair: (-pair[1], pair[0]))

    def copy(self) -> VectorIndex:
        """An index of its own with the same vectors."""
        twin = VectorIndex(self.dimension)
        twin._index = faiss.clone_index(self._index)
        return twin

    def save(self, path: Path, state: str) -> None:
        """Write to ``path`` in one step, stamped with the state of the store it was made from."""
        data = faiss.serialize_index(self._index).tobytes()
        head = {
            "format": _FORMAT,
            "state": state,
            "dimension": self.dimension,
            "crc32": zlib.crc32(data),
        }
        part = path.with_name(f"{path.name}.{uuid.uuid4().hex}.part")
        try:
            with part.open("wb") as out:
                out.write(json.dumps(head).encode() + b"\n" + data)
                out.flush()
                os.fsync(out.fileno())
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)

    @classmethod
    def load(cls, path: Path, dimension: int) -> tuple[VectorIndex, str] | None:
        """The index at ``path`` and the state it is stamped with; None where it is not whole."""
        try:
            head, data = path.read_bytes().split(b"\n", 1)
            stamp = json.loads(head)
            if (stamp["format"], stamp["dimension"]) != (_FORMAT, dimension):
                return None
            if zlib.crc32(data) != stamp["crc32"]:
                return None
            loaded = cls(dimension)
            loaded._index = faiss.deserialize_index(np.frombuffer(data, dtype=np.uint8))
            return loaded, str(stamp["state"])
        except (OSError, ValueError, KeyError, TypeError, RuntimeError):
            return None
