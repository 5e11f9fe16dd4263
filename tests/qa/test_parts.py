from __future__ import annotations

import datetime as dt
import time

import pytest

from qa.parts import Part, parts
from qa.periods import Period
from qa.scope import Scope, read


def texts(question: str) -> list[str]:
    return [part.text for part in parts(question, Scope())]


@pytest.mark.parametrize(
    ("question", "first", "second"),
    [
        (
            "How much acid did Norvik Chemicals spill in May 2013, and how many fish did it kill?",
            "How much acid did Norvik Chemicals spill in May 2013?",
            "Norvik Chemicals, May 2013: how many fish did it kill?",
        ),
        (
            "Who ran Alder before Jane Roe? Who took the job after Jane Roe?",
            "Who ran Alder before Jane Roe?",
            "Alder: who took the job after Jane Roe?",
        ),
        (
            "The Alder plant: how large was it planned in 2022 versus what it occupied in 2024?",
            "The Alder plant: how large was it planned in 2022?",
            "The Alder plant: what it occupied in 2024?",
        ),
        (
            "Alder's report: how much did the Lyon plant make, and how many people did it employ?",
            "Alder's report: how much did the Lyon plant make?",
            "Alder's report: Lyon: how many people did it employ?",
        ),
        (
            "What sales does Alder expect for its heart patch and for the tablet?",
            "What sales does Alder expect for its heart patch?",
            "What sales does Alder expect for the tablet?",
        ),
        (
            "What net loss did Alder book for 2023, and what for 2024?",
            "What net loss did Alder book for 2023?",
            "What net loss did Alder book for 2024?",
        ),
        (
            "How many people does Alder employ, and how many does Birch employ?",
            "How many people does Alder employ?",
            "how many does Birch employ?",
        ),
        (
            "What was Alder Q1 2023 revenue, and what was its revenue in Q1 2024?",
            "What was Alder Q1 2023 revenue?",
            "Alder: what was its revenue in Q1 2024?",
        ),
        (
            "What was paid in fines in the US in 2021 and in 2022?",
            "What was paid in fines in the US in 2021?",
            "What was paid in fines in the US in 2022?",
        ),
        (
            "What is the price of the unit of Alder and of the unit of Birch?",
            "What is the price of the unit of Alder?",
            "What is the price of the unit of Birch?",
        ),
        (
            "How much was paid for Birch and how much for Cedar?",
            "How much was paid for Birch?",
            "How much was paid for Cedar?",
        ),
    ],
)
def test_a_question_for_two_things_has_two_parts(question: str, first: str, second: str) -> None:
    assert texts(question) == [first, second]


@pytest.mark.parametrize(
    "question",
    [
        "Where did Alder list, and when?",
        "When Alder opened its plant, how many people worked there?",
        "According to the report of May 2014, how much came back for each dollar?",
        "Who founded and runs Alder?",
        "Is Alder listed in London, and in which index?",
        "What did Alder say about what it paid?",
        "which states get it and who pays for it all?",  # no name to take along
        "What charges were brought against which executives of Norvik Chemicals?",
        "Which company makes Alder pumps, and is based in Leverkusen?",
        "What is the difference between how Alder reports profit and how Birch reports profit?",
        "Which drugs of Alder which failed in 2022 and which were then sold did Birch buy?",
        "How many employees in France and in Germany will lose their jobs?",
        "What did Alder pay in cash and in stock for Birch?",
        "How did Alder's sales in China and in Japan differ?",
        "What does the section “Who we are and what we do” of Alder say?",
        "Alder announced results; what were they in the second quarter?",
        "What revenue did Alder report for Q1 and for Q2 2024?",  # the year is of both
        "What is the difference between what Alder paid for Birch and for Cedar?",
        "What was paid for Birch and who for Cedar?",
        "Why did it pay $5 million to the plaintiffs, and who approved the settlement?",
        "WHAT DID ALDER PAY AND WHO APPROVED THE PAYMENT?",
        "What Is the Price of Ozempic and How Many People Use It?",
        "Alder?",
        "",
    ],
)
def test_other_questions_stay_whole(question: str) -> None:
    assert texts(question) == [question]


@pytest.mark.parametrize(
    ("question", "second"),
    [
        (
            "What was Keytruda's ORR, and how much was R&D expense?",
            "Keytruda's ORR: how much was R&D expense?",
        ),
        ("What was Alder's revenue, and what was EBITDA in 2023?", "Alder: what was EBITDA in 2023?"),
        (
            "How many users were in SUSTAIN 6, and how many had Grade 3 events?",
            "SUSTAIN 6: how many had Grade 3 events?",
        ),
        (
            "When was Alder founded, and how many employees are in Germany?",
            "Alder: how many employees are in Germany?",
        ),
        ("What did Alder pay for Elm, and what did Birch pay for Oak?", "what did Birch pay for Oak?"),
        ("What did Alder pay for Birch? How much was in cash? Is there an earn-out?", None),
        (
            "How much did Alder pay, and what were sales in Europe and in Asia?",
            "Alder: what were sales in Europe and in Asia?",
        ),
    ],
)
def test_a_clause_whose_subject_is_not_named_gets_the_name(question: str, second: str | None) -> None:
    found = texts(question)
    assert len(found) > 1 and (second is None or found[1] == second)


def test_white_space_takes_no_time() -> None:
    start = time.perf_counter()
    texts("What Is" + " " * 990 + "?" + " " * 990 + "x")
    assert time.perf_counter() - start < 0.1


def test_only_what_a_clause_leaves_out_is_added() -> None:
    assert texts("What did the US fund pay in 2020, and how was it used by the US fund in 2021?") == [
        "What did the US fund pay in 2020?",
        "how was it used by the US fund in 2021?",
    ]
    assert texts("How much did AI firm Alder raise, and what has she said of it?")[1] == (
        "AI, Alder: what has she said of it?"
    )


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        (
            "How much cash did Alder hold halfway through 2024, and how much a year after that?",
            [
                "How much cash did Alder hold halfway through 2024?",
                "How much cash did Alder hold halfway through 2025?",
            ],
        ),
        (
            "How many stores had Alder in May 2021 and how many two years later?",
            ["How many stores had Alder in May 2021?", "How many stores had Alder in May 2023?"],
        ),
        (
            "What was Alder's Q2 2023 revenue, and what was it a year later?",
            ["What was Alder's Q2 2023 revenue?", "What was Alder's Q2 2024 revenue?"],
        ),
        (
            "How much cash had Alder when 2022 closed, and how much two years later?",
            ["How much cash had Alder when 2022 closed?", "How much cash had Alder when 2024 closed?"],
        ),
        (
            "Who led Alder in 2020, and who a year later?",
            ["Who led Alder in 2020?", "Who led Alder in 2021?"],
        ),
        (
            "What did Alder pay in 2021, and how many had left it a year later?",
            ["What did Alder pay in 2021?", "Alder, 2021: how many had left it a year later?"],
        ),
        ("In the 2022 data, how many had no relapse two years later?", None),
    ],
)
def test_what_is_asked_again_of_a_later_year(question: str, expected: list[str] | None) -> None:
    said = read(question, lambda keys: {}, dt.date(2026, 5, 1))
    assert [part.text for part in parts(question, said)] == (expected or [question])


def test_a_comparison_asks_of_each_period_or_company() -> None:
    one = Period("Q1 2025", dt.date(2025, 1, 1), dt.date(2025, 3, 31))
    for question in (
        "How did its cash change between Q1 2025 and Q2 2025?",
        "How different was its cash from Q1 2025 to Q2 2025?",
        "How did its cash in Q1 2025 compare with Q2 2025?",
    ):
        said = read(question, lambda keys: {}, dt.date(2026, 1, 1))
        assert parts(question, said) == (
            Part(question, "Q1 2025", ("Q2 2025",)),
            Part(question, "Q2 2025", ("Q1 2025",)),
        )
    both = Scope(companies=("Alder", "Birch"), periods=(one,))
    assert [p.about for p in parts("What did Alder and Birch each pay?", both)] == ["Alder", "Birch"]
    for whole in (
        "Did Alder buy a unit of Birch?",
        "What did Alder pay for each share of Birch?",
        "What is the deal between Alder and Birch about?",
    ):
        assert parts(whole, both) == (Part(whole),)
    assert parts("What was Q1 2025 revenue?", Scope(periods=(one,)))[0].ignore == ()
