from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from index_fakes import index, record, write_lines

from index.store import Store
from index.types import Found, Hit
from qa.joined import NEIGHBOURS, joined
from qa.query import terms
from qa.rank import shared
from qa.scope import Scope

LONGEST = 1200  # three paragraphs of these tests

Opened = Callable[..., Store]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opened]:
    """Opens an index of releases: id to text."""
    stores: list[Store] = []

    def make(**texts: str) -> Store:
        day = dt.date(2020, 1, 1)
        records = [
            record(id_, text, date=str(day + dt.timedelta(i)))
            for i, (id_, text) in enumerate(texts.items())
        ]
        folder = tmp_path / str(len(stores))
        index(folder / "index", write_lines(folder / "a.jsonl", *records))
        stores.append(Store(folder / "index"))
        return stores[-1]

    yield make
    for store in stores:
        store.close()


def paragraph(name: str, length: int = 390) -> str:
    """A passage of its own: one sentence of words that no other has."""
    words = ""
    for i in range(length):
        words += f"{name}{i} "
        if len(words) >= length:
            break
    return words[: length - 1].rstrip().ljust(length - 1, "x") + "."


def passages(store: Store) -> list[Found]:
    """All passages, by release and place."""
    return sorted(store.found(store.text_ids().tolist()), key=lambda f: (f.hit.release_id, f.nth))


def ranked(
    store: Store, scores: Sequence[float], k: int = 10, held: Any = None, longest: int = LONGEST
) -> list[Hit]:
    found = passages(store)
    held = np.zeros((len(found), 1), dtype=bool) if held is None else np.array(held, dtype=bool)
    assert len(scores) == len(found)
    return joined(found, np.array(scores, dtype=float), held, k, store, longest)


def spans(store: Store, hits: Sequence[Hit]) -> list[tuple[str, list[int]]]:
    """Which passages each hit holds; each is exactly a slice of its release."""
    found = passages(store)
    result = []
    for hit in hits:
        assert store.release(hit.release_id).text[hit.start : hit.end] == hit.quote
        inside = [f for f in found if f.hit.release_id == hit.release_id
                  and hit.start <= f.hit.start and f.hit.end <= hit.end]  # fmt: skip
        assert (hit.start, hit.end) == (inside[0].hit.start, inside[-1].hit.end)
        result.append((hit.release_id, [f.nth for f in inside]))
    return result


def paragraphs(name: str, n: int, length: int = 390) -> str:
    return "\n\n".join(paragraph(f"{name}{chr(97 + i)}", length).capitalize() for i in range(n))


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ([9, 8, 7, 6, 5], [[0, 1, 2], [3, 4]]),
        ([7, 8, 9, 6, 5], [[0, 1, 2], [3, 4]]),
        ([5, 6, 9, 8, 7], [[2, 3, 4], [0, 1]]),
        ([5, 8, 9, 7, 6], [[1, 2, 3], [4], [0]]),  # the better neighbour first
        ([5, 5, 5, 5, 5], [[0, 1, 2], [3, 4]]),
    ],
)
def test_neighbours_are_one_hit_while_they_fit(
    opened: Opened, scores: list[float], expected: list[list[int]]
) -> None:
    store = opened(r=paragraphs("p", 5))
    hits = ranked(store, scores)
    assert spans(store, hits) == [("r", group) for group in expected]
    assert all(len(hit.quote) <= LONGEST for hit in hits)
    assert hits[0].score == max(scores)


def test_passages_too_long_together_stay_apart(opened: Opened) -> None:
    store = opened(r=paragraphs("p", 2, 700))
    assert spans(store, ranked(store, [1, 2])) == [("r", [1]), ("r", [0])]


def test_a_neighbour_that_ranks_badly_stays_apart(opened: Opened) -> None:
    others = {f"o{i:02}": paragraph(f"other{chr(97 + i)}", 90) for i in range(NEIGHBOURS)}
    store = opened(**others, r=paragraphs("p", 3))
    middling = [5.0] * (NEIGHBOURS - 2)
    hits = ranked(store, [*middling, 1, 1, 9, 6, 2], 50)
    assert spans(store, hits)[0] == ("r", [0, 1])
    assert ("r", [2]) in spans(store, hits)
    assert len(hits) == NEIGHBOURS + 2


def test_only_flowing_text_is_joined(opened: Opened) -> None:
    store = opened(
        r=f"{paragraph('Body')}\n\nAbout Acme\n\n{paragraph('Acme')}\n\nAbout Bolt\n\n{paragraph('Bolt')}"
    )
    assert [f.hit.section for f in passages(store)] == ["body", "about", "about"]
    assert spans(store, ranked(store, [3, 2, 1])) == [("r", [0]), ("r", [1]), ("r", [2])]


def test_what_other_releases_carry_is_not_joined(opened: Opened) -> None:
    common = paragraph("Common")
    store = opened(a=f"{paragraph('Own')}\n\n{common}", b=f"{common}\n\n{paragraph('More')}")
    assert [f.hit.carriers for f in passages(store)] == [1, 2, 1]
    assert len(ranked(store, [3, 2, 1])) == 3


NEAR = (
    "The plant at {} makes large iron pumps for ships, boats, barges, tugs and ferries of every nation, and"
    " mends old engines, winches, cranes, masts, sails, ropes, oars, keels and rudders free of charge."
)


def test_a_copy_goes_behind_all_others(opened: Opened) -> None:
    store = opened(a=NEAR.format("Lyon"), b=NEAR.format("Rome"), c="Kettles broke.")
    assert [h.release_id for h in ranked(store, [3, 2, 1])] == ["a", "c", "b"]
    assert [h.release_id for h in ranked(store, [2, 3, 1])] == ["b", "c", "a"]
    assert [h.release_id for h in ranked(store, [3, 2, 1], 2)] == ["a", "c"]
    assert [h.release_id for h in ranked(store, [3, 2, 1], 3)] == ["a", "c", "b"]


def test_a_copy_that_holds_more_of_the_question_keeps_its_place(opened: Opened) -> None:
    store = opened(a=NEAR.format("Lyon"), b=NEAR.format("Rome"), c="Kettles broke.")
    assert [h.release_id for h in ranked(store, [3, 2, 1], held=[[1, 0], [1, 1], [0, 0]])] == [
        "a",
        "b",
        "c",
    ]
    assert [h.release_id for h in ranked(store, [3, 2, 1], held=[[1, 1], [1, 0], [0, 0]])] == [
        "a",
        "c",
        "b",
    ]


def test_the_first_of_two_copies_in_a_release_comes_first(opened: Opened) -> None:
    between = "\n\n".join(paragraph(name, 750) for name in ("Between", "Beyond"))
    first, second = (", ".join([NEAR.format(place)[:-1]] * 3) + "." for place in ("Lyon", "Rome"))
    store = opened(r=f"{first}\n\n{between}\n\n{second}")
    assert [f.nth for f in passages(store)] == [0, 1, 2, 3]
    assert spans(store, ranked(store, [2, 0.5, 0.4, 3], 2, longest=800))[0] == ("r", [0])
    # not where the second holds more
    held = [[0], [0], [0], [1]]
    assert spans(store, ranked(store, [2, 0.5, 0.4, 3], 2, held, 800))[0] == ("r", [3])


@pytest.mark.parametrize("k", [0, 1, 2, 5])
def test_no_more_than_are_asked_for(opened: Opened, k: int) -> None:
    store = opened(a="Kettles broke.", b="Pumps ran.", c="Lamps shone.")
    assert [h.release_id for h in ranked(store, [1, 3, 2], k)] == ["b", "c", "a"][:k]


def test_nothing_is_lost_or_shown_twice(opened: Opened) -> None:
    """Whatever the releases and however they rank."""
    rng = random.Random(11)
    stock = [paragraph(f"Stock{chr(97 + i)}", rng.choice([120, 390, 760])) for i in range(6)]

    def text(i: int) -> str:
        parts = [
            rng.choice([rng.choice(stock), paragraph(f"Own{i}{chr(97 + j)}", rng.randrange(60, 800)),
                        f"About A{j}\n\n" + paragraph(f"Acme{i}{chr(97 + j)}", 200), NEAR.format(f"Lyon{i}")])
            for j in range(rng.randrange(1, 9))
        ]  # fmt: skip
        return "\n\n".join(parts)

    for _ in range(6):
        store = opened(**{f"r{i}": text(i) for i in range(5)})
        found = passages(store)
        for _ in range(6):
            scores = [rng.choice([rng.random(), 0.5]) for _ in found]
            held = [[rng.random() < 0.3, rng.random() < 0.3] for _ in found]
            hits = ranked(store, scores, 1000, held)
            shown = [(id_, nth) for id_, group in spans(store, hits) for nth in group]
            assert sorted(shown) == [(f.hit.release_id, f.nth) for f in found]
            for one, other in combinations(hits, 2):
                assert (
                    one.release_id != other.release_id or one.end <= other.start or other.end <= one.start
                )
            k = rng.randrange(1, len(hits) + 1)
            few = ranked(store, scores, k, held)
            assert len(few) == k
            assert len(set(few)) == k


def test_candidates_of_the_ranker_fit(opened: Opened) -> None:
    store = opened(a=NEAR.format("Lyon"), b=NEAR.format("Rome"))
    found, question = passages(store), "What does the plant at Rome make?"
    got = shared(question, terms(question, {"what": 1, "doe": 1, "the": 1, "plant": 1, "at": 1, "rome": 5, "make": 1}, []),
                 np.ones((1, 24), dtype=np.float32), Scope(), found, {})  # fmt: skip
    hits = joined(found, np.array([1.0, 0.5]), got.held, 2, store)
    assert [h.release_id for h in hits] == ["a", "b"]
