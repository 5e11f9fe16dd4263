"""Sentences of releases: a table of what libraries get wrong. ``‖`` marks where a sentence ends."""

from __future__ import annotations

import pytest

from index.sentences import sentences


@pytest.mark.parametrize(
    "marked",
    [
        "Acme grew.‖ Bolt fell.",
        "Acme grew!‖ Did Bolt fall?‖ No.",
        "Acme Inc. announced results.‖ Bolt fell.",
        "The deal is with Acme Inc.‖ The price is not known.",
        "It is sold in the U.S. market.‖ Sales rose.",
        "It is sold in the U.S.‖ The price rose.",
        "Dr. Smith joined Acme.‖ Mr. Jones left.",
        "J. P. Smith and Q. Jones agreed.‖ They signed.",
        "See Fig. 2 for details.‖ See No. 5 too.",
        "Revenue was $1.2 billion.‖ Costs were 3.4 million.",
        "On Jan. 5, Acme grew.‖ On Feb. 6, it fell.",
        "The call is at 8:30 a.m. Eastern Time.‖ Dial in.",
        "“We grew,” she said.‖ “We will grow.”‖ He agreed.",
        "He said, “We grew.”‖ The board agreed.",
        "It ended in 2025‖The shareholders met.",
        "Acme grew by ten percent.‖Bolt fell by two percent.",
        "It reduced relapse.1‖ Patients were followed.",
        "Acme grew.‖\n\nBolt fell",
        "A heading without a stop‖\n\nAcme grew.",
        "• one‖\n• two‖\n• three",
        "The board of Acme met and\n\nagreed on a plan.",
        "公司宣布增长。‖收入上升！‖利润下降。",
        "Write to a.b@acme.com for details.‖ Visit www.Acme.com now.",
        "Yahoo! Inc. grew.‖ Bolt fell.",
        "The Ph.D. student joined.‖ She leads.",
        "",
        " ",
        "word",
    ],
)
def test_sentences(marked: str) -> None:
    text = marked.replace("‖", "")
    assert [text[a:b] for a, b in sentences(text)] == [
        part.strip() for part in marked.split("‖") if part.strip()
    ]
