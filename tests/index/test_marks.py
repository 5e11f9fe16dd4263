from __future__ import annotations

import pytest

from index.marks import MARKS, marks


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("It was sold.", ""),
        ("It has 12 wheels", "number"),
        ("a fine of $3", "number money"),
        ("paid in yuan", "money"),
        ("paid in USDT", ""),
        ("some 5 %", "number percent"),
        ("nine per cent", "percent"),
        ("nine percent of it", "percent"),
        ("in May of that year", "date"),
        ("it may be 12", "number"),
        ("it may 12", "number date"),  # told by form alone
        ("Sept. 4", "number date"),
        ("the third quarter", "date"),
        ("in 1987", "number date"),
        ("unit 19871", "number"),
        ("Q3 sales of €2 million, up 4%", "number money percent date"),
    ],
)
def test_kinds_of_fact(text: str, kinds: str) -> None:
    found = {mark for i, mark in enumerate(MARKS) if marks(text) >> i & 1}
    assert found == set(kinds.split())
    assert 0 <= marks(text) < 2 ** len(MARKS)
