"""Sections by their headings."""

from __future__ import annotations

import time

import pytest

from index.sections import sections
from index.types import SectionKind


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("About Acme", "about"),
        ("About Acme Therapeutics Holdings Limited (HKEX: 1234)", "about"),
        ("**About Acme**", "about"),
        ("## About Acme", "about"),
        ("About Acme:", "about"),
        ("About 3M", "about"),
        ("About “Acme”", "about"),
        ("  About Acme \r", "about"),
        ("About the weather", "body"),
        ("About Acme.", "body"),
        ("About Acme, Inc., a maker of anvils, there is much to say, and no heading is so long as this,"
         " which goes on and on", "body"),
        ("All About Acme", "body"),
        ("Forward-Looking Statements", "forward-looking"),
        ("Forward Looking Statement", "forward-looking"),
        ("FORWARD-LOOKING STATEMENTS", "forward-looking"),
        ("Cautionary Note Regarding Forward-Looking Statements", "forward-looking"),
        ("Cautionary Statement on Forward-Looking Information", "forward-looking"),
        ("Special Note Regarding Forward-Looking Statements of Acme", "forward-looking"),
        ("Safe Harbor Statement", "forward-looking"),
        ("Disclaimer", "legal"),
        ("These are forward-looking statements", "body"),
        ("Legal Notice", "legal"),
        ("No Offer or Solicitation", "legal"),
        ("Trademark Notice", "legal"),
        ("Contact", "contact"),
        ("Contacts:", "contact"),
        ("Media Contact", "contact"),
        ("MEDIA CONTACTS", "contact"),
        ("Investor Relations Contact", "contact"),
        ("Investor Relations", "contact"),
        ("Press Inquiries", "contact"),
        ("Contact Information", "contact"),
        ("Contact us by phone", "body"),
        ("Highlights", "body"),
        ("", "body"),
        ("***", "body"),
    ],
)  # fmt: skip
def test_headings(line: str, kind: SectionKind) -> None:
    text = f"Acme grew.\n{line}\nMore text."
    at = text.index("\n") + 1
    if kind == "body":
        assert [(s.kind, s.start, s.end) for s in sections(text)] == [("body", 0, len(text))]
    else:
        assert [(s.kind, s.start, s.end) for s in sections(text)] == [
            ("body", 0, at),
            (kind, at, len(text)),
        ]


def test_sections_follow_each_other() -> None:
    text = "Acme grew.\n\nAbout Acme\nAnvils.\nAbout Bolt\nBolts.\nDisclaimer\nNone.\nContact\nWile"
    assert [(s.kind, text[s.start : s.end]) for s in sections(text)] == [
        ("body", "Acme grew.\n\n"),
        ("about", "About Acme\nAnvils.\n"),
        ("about", "About Bolt\nBolts.\n"),
        ("legal", "Disclaimer\nNone.\n"),
        ("contact", "Contact\nWile"),
    ]


def test_a_text_that_begins_with_a_heading_has_no_empty_body() -> None:
    assert [(s.kind, s.start, s.end) for s in sections("About Acme\nAnvils.")] == [("about", 0, 18)]


def test_nothing_has_no_sections() -> None:
    assert sections("") == []


def parts(text: str) -> list[tuple[str, str]]:
    found = sections(text)
    assert "".join(text[s.start : s.end] for s in found) == text
    return [(s.kind, text[s.start : s.end].strip()) for s in found]


def spoken(text: str) -> list[tuple[str | None, str]]:
    return [(s.speaker, text[s.start : s.end].strip()) for s in sections(text) if s.kind == "quotation"]


@pytest.mark.parametrize(
    ("text", "speaker"),
    [
        ("“Our anvils fall faster than ever now,” said Jane Doe, chief of Acme. “They never miss.”", "Jane Doe"),
        ('"Our anvils fall faster than ever now," said Dr. Jane Doe. "They never miss."', "Jane Doe"),
        ("“Our anvils fall faster than ever now,” Jane Doe, chief of Acme, said.", "Jane Doe"),
        ("“Our anvils fall faster than ever now,” said Acme President Jane Doe.", "Jane Doe"),
        ("“Our anvils fall faster than ever now,” said Acting Deputy Director J. van Doe.", "J. van Doe"),
        ("Jane Doe, chief of Acme, said: “Our anvils fall faster than ever before now.”", "Jane Doe"),
        ("“Our anvils fall faster than ever now,” said the company.", None),
        ("“Our anvils fall faster than ever now,” said Acme Corporation.", None),
        ("«Nuestros yunques caen más deprisa que nunca», afirmó Juana Pérez.", "Juana Pérez"),
        ("« Nos enclumes tombent plus vite que jamais », a déclaré Jeanne Dupont.", "Jeanne Dupont"),
        ("„Unsere Ambosse fallen jetzt schneller als je zuvor“, sagte Hanna Schmidt.", "Hanna Schmidt"),
    ],
)  # fmt: skip
def test_a_quotation_names_its_speaker(text: str, speaker: str | None) -> None:
    assert spoken(f"Acme grew again this year.\n\n{text}\n\nIt will sell more.") == [(speaker, text)]
    assert spoken(f"Acme grew again this year. {text} It will sell more.") == [(speaker, text)]


@pytest.mark.parametrize(
    "text",
    [
        "Acme calls its new anvil “the very best of all the anvils of this world” in an advertisement.",
        "Acme, said to be the largest maker of anvils in the world, grew again this year.",
        "The board said that growth was “good”.",
        "“Anvils”, a film of 1920, was shown in Tucson yesterday.",
    ],
)
def test_words_in_quotation_marks_are_no_quotation(text: str) -> None:
    assert spoken(f"Acme grew again this year.\n\n{text}\n\n“Anvils” are sold.") == []


def test_two_speakers_have_a_section_each() -> None:
    first = "“Our anvils fall faster than ever now,” said Jane Doe."
    second = "“We buy as many anvils as we possibly can,” said John Roe."
    assert spoken(f"Acme grew.\n\n{first}\n\n{second}\n\nIt ended.") == [
        ("Jane Doe", first),
        ("John Roe", second),
    ]


def test_a_paragraph_in_quotation_marks_goes_on_with_the_speaker() -> None:
    first = "“Our anvils fall faster than ever now,” said Jane Doe."
    second = "“They have never missed a single coyote in all these years.”"
    assert [name for name, _ in spoken(f"Acme grew.\n\n{first}\n\n{second}\n\nIt ended.")] == [
        "Jane Doe",
        "Jane Doe",
    ]


def test_a_statement_that_lost_its_marks() -> None:
    said = "No coyote may be hit by an anvil in this state, said Sheriff Jane Doe. We will see to it."
    text = f"A man was arrested.\n\n{said}\n\nThe trial begins in May."
    assert spoken(text) == [("Jane Doe", said)]


def test_a_headline_stands_before_the_body() -> None:
    body = "TUCSON, May 2 - Acme sold more anvils than in any year before, it announced today."
    assert parts(f"Acme Sells a Million Anvils\n\nRecord Year for All Its Makers\n\n{body}") == [
        ("headline", "Acme Sells a Million Anvils\n\nRecord Year for All Its Makers"),
        ("body", body),
    ]
    for line in (
        "By Jane Doe",
        "Acme grew.",
        "May 2, 2020 in Old Tucson",
        "Key points:",
        "http://acme.example",
    ):
        assert [kind for kind, _ in parts(f"{line}\n\n{body}")] == ["body"], line
    assert [kind for kind, _ in parts(f"Acme Sells a Million Anvils {body}")] == ["body"]


@pytest.mark.parametrize(
    ("notice", "kind"),
    [
        ("This press release does not constitute an offer to sell anvils.", "legal"),
        ("Anvilon® is a registered trademark of Acme.", "legal"),
        ("© 2020 Acme. All rights reserved.", "legal"),
        (
            "This release contains forward-looking statements about anvils. They may fail.",
            "forward-looking",
        ),
        ("Acme does not constitute a group.", "body"),
        ("Its lawyers looked forward to looking at statements.", "body"),
    ],
)
def test_notices_without_a_heading(notice: str, kind: SectionKind) -> None:
    text = f"Acme grew.\n\n{notice}\n\nAcme fell."
    wanted = [("body", "Acme grew."), (kind, notice), ("body", "Acme fell.")]
    assert parts(text) == ([("body", text)] if kind == "body" else wanted)


def test_a_text_without_lines() -> None:
    text = (
        "Acme grew again this year. **About Acme **Acme makes anvils. **Some Other Words** Acme fell. "
        "About Bolt Works Bolt Works makes bolts. This press release contains forward-looking statements. "
        "They may fail. **Contact:** Wile"
    )
    assert parts(text) == [
        ("body", "Acme grew again this year."),
        ("about", "**About Acme **Acme makes anvils."),
        ("body", "**Some Other Words** Acme fell."),
        ("about", "About Bolt Works Bolt Works makes bolts."),
        ("forward-looking", "This press release contains forward-looking statements. They may fail."),
        ("contact", "**Contact:** Wile"),
    ]


def test_about_within_a_sentence_opens_nothing() -> None:
    for text in (
        "He asked About Acme Acme is.",
        "It is old. About Acme much was said, and Bolt is.",
        "About 300 fell.",
    ):
        assert [kind for kind, _ in parts(text)] == ["body"]


def test_tables() -> None:
    flat = "| Anvils | $ 1,200 | $ 1,100 | 9% | Bolts | 300 | 310 | -3% | Nuts | 12 | 11 | 9% | All | 1,512 | 1,421 |"
    assert parts(f"Acme grew. {flat} It sold more of them.") == [
        ("body", "Acme grew."),
        ("table", flat),
        ("body", "It sold more of them."),
    ]
    cells = "\n\n".join(flat.replace("|", " ").split())
    assert [kind for kind, _ in parts(f"Acme grew.\n\n{cells}\n\nIt sold more of them.")] == [
        "body",
        "table",
        "body",
    ]
    prose = (
        "In 2019 it sold 12 of 13, in 2020 it was 14 of 15, and in 2021 all 16 of 17 and 18 of 19 went."
    )
    phones = "Call +1 (555) 555 0100 or +1 (555) 555 0101 or +1 (555) 555 0102 or +1 (555) 555 0103 now."
    for text in (prose, phones):
        assert parts(f"Acme grew. {text}") == [("body", f"Acme grew. {text}")]


@pytest.mark.parametrize(
    "line",
    [
        "The post Acme Grew appeared first on Anvil Times.",
        "View source version on anvils.example: https://anvils.example/1",
        "Skip to main content",
        "if (!window.x){(function(){var s = 1; s.go = true;})();}",
        "Home | Menu | Search | Log in",
        "Share\nFacebook\nTwitter",
        "This site uses cookies to count its anvils.",
    ],
)
def test_navigation(line: str) -> None:
    assert parts(f"Acme grew.\n\n{line}") == [("body", "Acme grew."), ("navigation", line)]
    assert parts(f"{line}\n\nAcme grew.") == [("navigation", line), ("body", "Acme grew.")]
    assert parts(f"Acme grew. {line.splitlines()[0]} it.")[0][0] == "body"


HOSTILE = {
    "quotations": "“We are glad of every anvil,” said Jane Doe. ",
    "quotation marks": '" ',
    "attributions": 'a, said Jane Doe.\n\n"',
    "bold": "**A b** ",
    "abouts": ". About A B C D E F G ",
    "rows": "1 | ",
    "notices": "This release is not an offer ",
    "trademarks": "X is a registered trademark of Y. ",
    "spaces": "  ",
    "scripts": "var x = (",
    "links": "[a](",
    "headlines": "Title Of The Thing\n\n",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_text_takes_no_time(name: str) -> None:
    unit = HOSTILE[name]
    text = unit * (200_000 // len(unit))
    begun = time.process_time()
    parts(text)
    assert time.process_time() - begun < 3  # a fifth of it on an idle machine
