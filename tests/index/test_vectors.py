"""The vector index against exact numpy: the same ids, in the same order, with the same cosines."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import numpy as np
import pytest

from index.types import Vectors
from index.vectors import VectorIndex

DIMENSION = 48


def unit(seed: int, count: int) -> Vectors:
    found = np.random.default_rng(seed).normal(size=(count, DIMENSION))
    return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True), dtype=np.float32)


def exact(query: Vectors, held: dict[int, Vectors], k: int) -> list[tuple[int, float]]:
    scores = {id_: float(query[0] @ v) for id_, v in held.items()}
    return sorted(scores.items(), key=lambda pair: (-pair[1], pair[0]))[:k]


def agree(found: list[tuple[int, float]], query: Vectors, held: dict[int, Vectors], k: int) -> None:
    """Ids and cosines as numpy finds them; two that it has within 0.001 may stand the other way."""
    wanted = exact(query, held, k)
    true = {id_: float(query[0] @ v) for id_, v in held.items()}
    assert len(found) == len(wanted)
    assert len({id_ for id_, _ in found}) == len(found)
    assert [s for _, s in found] == sorted((s for _, s in found), reverse=True)
    for (id_, score), (_, score_there) in zip(found, wanted, strict=True):
        assert abs(score - true[id_]) < 1e-3
        assert abs(score - score_there) < 1e-3
    clear = [i for i in range(1, len(wanted)) if wanted[i - 1][1] - wanted[i][1] > 2e-3]
    for i in clear:  # where the gap is clear, the sets above it are equal
        assert {id_ for id_, _ in found[:i]} == {id_ for id_, _ in wanted[:i]}


def filled(count: int, seed: int = 1) -> tuple[VectorIndex, dict[int, Vectors]]:
    vectors = unit(seed, count)
    ids = np.random.default_rng(seed).permutation(count * 7)[:count]
    index = VectorIndex(DIMENSION)
    index.add(ids, vectors)
    return index, {int(id_): v for id_, v in zip(ids, vectors, strict=True)}


@pytest.mark.parametrize("count", [1, 7, 1000])
@pytest.mark.parametrize("k", [1, 5, 100, 2000])
def test_search_is_exact(count: int, k: int) -> None:
    index, held = filled(count)
    for query in unit(99, 10):
        agree(index.search(query[None], k), query[None], held, k)


@pytest.mark.parametrize("share", [0.002, 0.1, 0.5, 1.0])
@pytest.mark.parametrize("k", [1, 20, 2000])
def test_search_within_ids_is_exact(share: float, k: int) -> None:
    index, held = filled(1000)
    among = np.sort(np.random.default_rng(3).permutation(list(held))[: int(1000 * share)])
    part = {int(i): held[int(i)] for i in among}
    for query in unit(98, 10):
        agree(index.search(query[None], k, among), query[None], part, k)


def test_search_within_ids_that_are_not_all_held() -> None:
    index, held = filled(100)
    own = next(iter(held))
    among = np.array([own, 10_000, 20_000], dtype=np.int64)
    agree(index.search(held[own][None], 3, among), held[own][None], {own: held[own]}, 1)
    assert index.search(held[own][None], 3, np.array([10_000], dtype=np.int64)) == []
    assert index.search(held[own][None], 3, np.array([], dtype=np.int64)) == []


@pytest.mark.parametrize("k", [0, -1])
def test_none_are_asked_for(k: int) -> None:
    assert filled(10)[0].search(unit(1, 1), k) == []


def test_an_empty_index() -> None:
    index = VectorIndex(DIMENSION)
    assert len(index) == 0
    assert index.ids.tolist() == []
    assert index.search(unit(1, 1), 5) == []
    index.add([], np.empty((0, DIMENSION), dtype=np.float32))
    index.remove([])
    index.remove([1, 2])
    assert len(index) == 0


def test_a_score_is_a_cosine() -> None:
    index = VectorIndex(2)
    index.add([10, 20, 30, 40], np.array([[1, 0], [0, 1], [-1, 0], [0.6, 0.8]], dtype=np.float32))
    found = index.search(np.array([[1, 0]], dtype=np.float32), 4)
    assert [id_ for id_, _ in found] == [10, 40, 20, 30]
    assert [score for _, score in found] == pytest.approx([1, 0.6, 0, -1], abs=1e-3)


@pytest.mark.parametrize("ids", [range(10), range(9, -1, -1), [5, 3, 8, 1, 9, 0, 2, 7, 4, 6]])
def test_ties_are_ordered_by_id(ids: list[int]) -> None:
    index = VectorIndex(DIMENSION)
    index.add(list(ids), np.repeat(unit(1, 1), 10, axis=0))
    assert [id_ for id_, _ in index.search(unit(1, 1), 10)] == list(range(10))


def test_add_and_remove_in_any_order() -> None:
    chance = np.random.default_rng(5)
    index, held, unused = VectorIndex(DIMENSION), dict[int, Vectors](), 0
    for step in range(60):
        if held and chance.random() < 0.45:
            gone = chance.permutation(list(held))[: chance.integers(1, 20)]
            index.remove(np.append(gone, 1_000_000))  # one that is not held is passed over
            for id_ in gone.tolist():
                del held[id_]
        else:
            vectors = unit(1000 + step, int(chance.integers(1, 30)))
            ids = list(range(unused, unused + len(vectors)))
            unused += len(vectors)
            index.add(ids, vectors)
            held |= dict(zip(ids, vectors, strict=True))
        assert len(index) == len(held)
        assert sorted(index.ids.tolist()) == sorted(held)
        query = unit(step, 1)
        agree(index.search(query, 10), query, held, 10)


def test_a_copy_is_its_own() -> None:
    index, held = filled(50)
    twin = index.copy()
    twin.remove(list(held)[:10])
    twin.add([10_000], unit(2, 1))
    assert (len(index), len(twin)) == (50, 41)
    query = unit(3, 1)
    agree(index.search(query, 50), query, held, 50)


# -- the file ------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [0, 1, 300])
def test_save_and_load(tmp_path: Path, count: int) -> None:
    index, held = filled(count) if count else (VectorIndex(DIMENSION), {})
    path = tmp_path / "v.faiss"
    index.save(path, "state-7")
    assert [p.name for p in tmp_path.iterdir()] == ["v.faiss"], "no part is left"
    loaded = VectorIndex.load(path, DIMENSION)
    assert loaded is not None
    twin, state = loaded
    assert (state, twin.ids.tolist()) == ("state-7", index.ids.tolist())
    query = unit(4, 1)
    assert twin.search(query, 10) == index.search(query, 10)
    twin.add([100_000], query)
    assert twin.search(query, 1)[0][0] == 100_000
    twin.remove(list(held))
    assert twin.ids.tolist() == [100_000]


def test_a_save_replaces_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "v.faiss"
    filled(10)[0].save(path, "state-1")
    filled(20)[0].save(path, "state-2")
    loaded = VectorIndex.load(path, DIMENSION)
    assert loaded is not None
    assert (len(loaded[0]), loaded[1]) == (20, "state-2")


def test_no_byte_of_the_file_can_change_unseen(tmp_path: Path) -> None:
    path = tmp_path / "v.faiss"
    index, _ = filled(20)
    index.save(path, "state-3")
    data = path.read_bytes()
    head = data.index(b"\n")
    for at in [*range(0, head), *range(head, len(data), 97), len(data) - 1]:
        path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        loaded = VectorIndex.load(path, DIMENSION)
        if loaded is not None:  # only the state may read otherwise
            assert loaded[0].ids.tolist() == index.ids.tolist()
            assert at < head


@pytest.mark.parametrize("keep", [0, 1, 10, 100, 500, -1])
def test_a_cut_off_file_is_none(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "v.faiss"
    filled(20)[0].save(path, "state-3")
    path.write_bytes(path.read_bytes()[:keep])
    assert VectorIndex.load(path, DIMENSION) is None


def test_what_is_no_file_of_this_store_is_none(tmp_path: Path) -> None:
    path = tmp_path / "v.faiss"
    assert VectorIndex.load(path, DIMENSION) is None
    filled(20)[0].save(path, "state-3")
    assert VectorIndex.load(path, DIMENSION + 1) is None
    assert VectorIndex.load(tmp_path, DIMENSION) is None
    assert json.loads(path.read_bytes().split(b"\n", 1)[0])["state"] == "state-3"


# -- threads -------------------------------------------------------------------------------------


def test_searches_at_once_agree() -> None:
    index, held = filled(3000)
    everything = np.array(sorted(held), dtype=np.int64)
    queries = unit(6, 16)
    alone = [index.search(q[None], 20) for q in queries]
    halves = [index.search(q[None], 20, everything[i % 2 :: 2]) for i, q in enumerate(queries)]
    wrong: list[object] = []

    def ask(first: int) -> None:
        for i in range(60):
            at = (first + i) % len(queries)
            query = queries[at][None]
            if index.search(query, 20) != alone[at]:
                wrong.append(at)
            if index.search(query, 20, everything[at % 2 :: 2]) != halves[at]:
                wrong.append(-at)

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
