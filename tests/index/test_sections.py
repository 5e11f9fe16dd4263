"""Sections by their headings."""

from __future__ import annotations

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
        ("Disclaimer", "forward-looking"),
        ("These are forward-looking statements", "body"),
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
        ("forward-looking", "Disclaimer\nNone.\n"),
        ("contact", "Contact\nWile"),
    ]


def test_a_text_that_begins_with_a_heading_has_no_empty_body() -> None:
    assert [(s.kind, s.start, s.end) for s in sections("About Acme\nAnvils.")] == [("about", 0, 18)]


def test_nothing_has_no_sections() -> None:
    assert sections("") == []
