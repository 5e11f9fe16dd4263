"""Files in, releases out: whole values, and each bad record reported where it stands."""

from __future__ import annotations

import datetime as dt
import gzip
import hashlib
import json
import lzma
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from index_fakes import SHARED, record, write_lines

from index import readers
from index.errors import SourceError
from index.types import Problem, Release

CARSGEN = SHARED / "releases" / "carsgen-2025-01-20.txt"


def read(path: Path) -> tuple[list[Release], list[str]]:
    found = list(readers.read(path))
    return (
        [item for item in found if isinstance(item, Release)],
        [str(item) for item in found if isinstance(item, Problem)],
    )


def one(path: Path) -> Release:
    releases, problems = read(path)
    assert problems == []
    assert len(releases) == 1
    return releases[0]


def write(path: Path, data: str | bytes) -> Path:
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


# -- plain text ----------------------------------------------------------------------------------


@pytest.mark.skipif(not CARSGEN.exists(), reason="the shared releases are not here")
def test_a_release_as_it_came_off_the_wire() -> None:
    release = one(CARSGEN)
    assert release.text == CARSGEN.read_bytes().decode()
    assert release.id == "carsgen-2025-01-20.txt"
    assert release.date == dt.date(2025, 1, 20)
    assert release.place == "SHANGHAI"
    assert release.tickers == ("HKEX: 2171",)
    assert release.wire == "PRNewswire"
    assert release.company == "CARsgen Therapeutics Holdings Limited"
    assert release.title.startswith("CARsgen Therapeutics Holdings Limited announces that KJ-C2320")
    assert "\n" not in release.title


@pytest.mark.parametrize(
    "text",
    [
        "plain",
        "two\nlines\n",
        "windows\r\nlines\r\n",
        "old mac\rlines\r",
        "  white space around \t\n\n",
        "中文。 \U0001f600 é e\u0301 \u202e \ufffd",
        "a NUL \x00 inside, and \x0b\x0c\x1c\u2028\u2029\xa0",
    ],
)
def test_a_text_file_is_kept_verbatim(tmp_path: Path, text: str) -> None:
    assert one(write(tmp_path / "a.txt", text)).text == text


def test_a_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    assert one(write(tmp_path / "a.txt", b"\xef\xbb\xbfAcme grew.")).text == "Acme grew."


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "a.txt: has no text; a release needs a body"),
        (b" \r\n\t", "a.txt: has no text; a release needs a body"),
        (b"abc\xff", "a.txt: not UTF-8 text (byte 3); save it as UTF-8"),
        ("Größe".encode("utf-16"), "a.txt: not UTF-8 text (byte 0); save it as UTF-8"),
        (b"\xed\xa0\x80", "a.txt: not UTF-8 text (byte 0); save it as UTF-8"),
    ],
)
def test_a_text_file_that_is_none(tmp_path: Path, data: bytes, problem: str) -> None:
    assert read(write(tmp_path / "a.txt", data)) == ([], [problem])


@pytest.mark.parametrize("line", ["2025-02-30", "date 2025-13-01", "Published: 0000-00-00"])
def test_an_impossible_date_line_is_text(tmp_path: Path, line: str) -> None:
    write(tmp_path / "a.txt", f"{line}\nAcme grew.")
    write(tmp_path / "b.txt", "Bolt grew.")
    releases, problems = read(tmp_path)
    assert [(r.id, r.date) for r in releases] == [("a.txt", None), ("b.txt", None)]
    assert problems == []


# -- Markdown ------------------------------------------------------------------------------------

FRONT = (
    "---\ntitle: 'Acme: grows'\ndate: 2024-05-06\ncompany: Acme\ntickers: [\"NYSE: ACM\"]\nid: acme-1\n"
)


@pytest.mark.parametrize("end", ["---\n", "...\n", "---\n\n\n", "--- \t\n \n"])
@pytest.mark.parametrize("eol", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_front_matter(tmp_path: Path, end: str, eol: str, mark: str) -> None:
    source = mark + (FRONT + "desk: metals\n" + end).replace("\n", eol) + f"Acme grew.{eol}More.{eol}"
    assert one(write(tmp_path / "a.md", source)) == Release(
        id="acme-1",
        text=f"Acme grew.{eol}More.{eol}",
        title="Acme: grows",
        date=dt.date(2024, 5, 6),
        company="Acme",
        tickers=("NYSE: ACM",),
        extra={"desk": "metals"},
    )


@pytest.mark.parametrize(
    "source",
    [
        "# Acme grows\n\nAcme grew.\n",
        "Text, then a rule:\n\n---\n\ntitle: no\n\n---\n",
        " ---\ntitle: indented\n---\n",
        "---\nA rule, then text.\n",
        "----\ntitle: four dashes\n----\nText",
    ],
)
def test_markdown_without_front_matter_is_all_text(tmp_path: Path, source: str) -> None:
    release = one(write(tmp_path / "a.markdown", source))
    assert (release.text, release.id) == (source, "a.markdown")


def test_front_matter_that_has_no_end_is_reported(tmp_path: Path) -> None:
    path = write(tmp_path / "a.md", "---\ntitle: Acme grows\n\nAcme grew.\n")
    assert [str(problem) for problem in read(path)[1]] == [
        "a.md:1: front matter has no end; close it with a line of three dashes"
    ]


def test_empty_front_matter(tmp_path: Path) -> None:
    release = one(write(tmp_path / "a.md", "---\n---\nAcme grew."))
    assert (release.id, release.text, release.extra) == ("a.md", "Acme grew.", {})


@pytest.mark.parametrize(
    ("front", "start"),
    [
        ("title: [open", "a.md:3: front matter is not YAML"),
        ("title: ok\nkey: b: c", "a.md:3: front matter is not YAML"),
        ("just words", "a.md:2: front matter is not a list of"),
        ("- a\n- b", "a.md:2: front matter is not a list of"),
        ("a: &x 1\nb: *x", "a.md: front matter uses YAML aliases"),
        ("a: &x {b: 1}\nc:\n  <<: *x", "a.md: front matter uses YAML aliases"),
        ("date: 2024-02-30", "a.md: front matter is not YAML: day is out of range"),
        ("date: spring", "a.md: date 'spring': write it as YYYY-MM-DD"),
        ("x: !!python/object:os.system ls", "a.md:2: front matter is not YAML"),
        ("? [a]\n: b", "a.md:2: front matter is not YAML"),
        ('title: "\\ud83d"', "a.md: 'title' holds half a character"),
        ("x: a\x00b", "a.md: front matter is not YAML"),
        ("x: !!bool maybe", "a.md"),
        ("x: !!timestamp soon", "a.md"),
        ("x: !!int ''", "a.md"),
        ("[" * 600, "a.md"),
    ],
)
def test_bad_front_matter_is_one_line_and_stops_nothing(tmp_path: Path, front: str, start: str) -> None:
    write(tmp_path / "a.md", f"---\n{front}\n---\nText.")
    write(tmp_path / "b.md", "Fine.")
    releases, problems = read(tmp_path)
    assert [r.id for r in releases] == ["b.md"]
    assert len(problems) == 1
    assert problems[0].startswith(start)
    assert "\n" not in problems[0]


@pytest.mark.parametrize(
    ("value", "date"),
    [
        ("2024-05-06", dt.date(2024, 5, 6)),
        ("2024-05-06 23:30:00", dt.date(2024, 5, 6)),
        ("2024-05-06T01:00:00+08:00", dt.date(2024, 5, 6)),
        ("'May 6, 2024'", dt.date(2024, 5, 6)),
        ("", None),
        ("~", None),
    ],
)
def test_dates_of_front_matter(tmp_path: Path, value: str, date: dt.date | None) -> None:
    assert one(write(tmp_path / "a.md", f"---\ndate: {value}\n---\nText.")).date == date


# -- JSON lines ----------------------------------------------------------------------------------

ODD_BODIES = [
    "plain",
    "  leading and trailing \n\n",
    "\r\n mixed \r ends \n",
    "NUL \x00 and controls \x01\x1f\x7f\x85",
    "\U0001f469\u200d\U0001f52c 中文新闻稿。 e\u0301",
    "\ufeffmark of its own",
    "&amp; <b>markup</b> \\n \\u0041",
    "\u2028 line \u2029 paragraph \xa0 nbsp",
]


@pytest.mark.parametrize("body", ODD_BODIES)
@pytest.mark.parametrize("ascii_only", [True, False])
def test_a_body_is_untouched(tmp_path: Path, body: str, ascii_only: bool) -> None:
    line = json.dumps({"id": "x", "body": body}, ensure_ascii=ascii_only)
    assert one(write(tmp_path / "a.jsonl", line)).text == body


def test_all_fields(tmp_path: Path) -> None:
    fields: dict[str, Any] = {
        "id": "x/1",
        "title": " A title\nwith a break ",
        "date": "2023-01-02",
        "body": "Body.",
        "company": "Acme",
        "publisher": "wirely",
        "url": "https://example.com/1",
        "tickers": ["NYSE: ACM", " "],
        "place": "OSLO",
        "topics": ["a", {"b": None}],
        "count": 3,
    }
    assert one(write_lines(tmp_path / "a.jsonl", fields)) == Release(
        id="x/1",
        text="Body.",
        title="A title with a break",
        date=dt.date(2023, 1, 2),
        company="Acme",
        tickers=("NYSE: ACM",),
        place="OSLO",
        wire="wirely",
        url="https://example.com/1",
        extra={"topics": ["a", {"b": None}], "count": 3},
    )


def test_the_id_where_none_is_given(tmp_path: Path) -> None:
    path = write_lines(
        tmp_path / "a.jsonl",
        {"body": "One.", "url": "https://e.x/1"},
        {"body": "Two.", "id": "", "url": " "},
        {"body": "Three.", "id": 7},
        {"body": "Four.", "id": 0},
    )
    releases, problems = read(path)
    assert problems == []
    assert [r.id for r in releases] == [
        "https://e.x/1",
        f"sha256-{hashlib.sha256(b'Two.').hexdigest()[:16]}",
        "7",
        "0",
    ]


LINES: list[tuple[bytes, str | None]] = [
    (b'{"id": "1", "body": "Good."}', None),
    (b"{bad", "not a JSON object: "),
    (b"[1, 2]", "not a JSON object; each line holds one: {...}"),
    (b'"text"', "not a JSON object; each line holds one: {...}"),
    (b"null", "not a JSON object; each line holds one: {...}"),
    (b'{"id": "2"}', "has no text; a release needs a body"),
    (b'{"id": "2", "body": null}', "has no text; a release needs a body"),
    (b'{"id": "2", "body": " \\n "}', "has no text; a release needs a body"),
    (b'{"id": "2", "body": ["Text."]}', "has no text; a release needs a body"),
    (b'{"id": "2", "body": "half \\ud83d"}', "'body' holds half a character"),
    (b'{"id": "\\udfff", "body": "x"}', "'id' holds half a character"),
    (b'{"id": "2", "body": "x", "date": "soon"}', "date 'soon': write it as YYYY-MM-DD"),
    (b'{"id": "2", "body": "x", "date": "2024-02-30"}', "date '2024-02-30': write it as"),
    (b'{"id": "2", "body": "x", "date": 20240101}', "date '20240101': write it as"),
    (b'{"id": "2", "body": "x", "date": {"y": 1}}', "date "),
    (b'{"id": "2", "body": "caf\xe9"}', "not UTF-8 text; save the file as UTF-8"),
    (b"[" * 100_000, "not a JSON object: "),
    (b'{"id": "2", "body": "x", "n": ' + b"9" * 5000 + b"}", "not a JSON object: "),
    (b"   ", None),
    (b'{"id": "3", "body": "Good too."}', None),
]


@pytest.mark.parametrize("suffix", ["jsonl", "ndjson", "jsonl.gz", "jsonl.xz", "JSONL"])
def test_each_bad_line_is_reported_and_the_rest_goes_on(tmp_path: Path, suffix: str) -> None:
    data = b"\n".join(line for line, _ in LINES) + b"\n"
    if suffix.endswith("gz"):
        data = gzip.compress(data)
    elif suffix.endswith("xz"):
        data = lzma.compress(data)
    name = f"a.{suffix}"
    releases, problems = read(write(tmp_path / name, data))
    assert [(r.id, r.text) for r in releases] == [("1", "Good."), ("3", "Good too.")]
    wanted = [(f"{name}:{n}: {reason}") for n, (_, reason) in enumerate(LINES, 1) if reason]
    assert len(problems) == len(wanted), problems
    for problem, start in zip(problems, wanted, strict=True):
        assert problem.startswith(start)
        assert "\n" not in problem


@pytest.mark.parametrize(
    ("field", "key"),
    [
        ('"tickers": ["\\ud83d"]', "tickers"),
        ('"note": "\\ud83d"', "note"),
        ('"note": {"\\ud83d": 1}', "note"),
        ('"note": [{"a": "\\udfff"}]', "note"),
    ],
)
def test_half_a_character_in_any_field_is_reported(tmp_path: Path, field: str, key: str) -> None:
    """It cannot be stored, so a release that held it would stop the run."""
    lines = f'{{"id": "1", "body": "x", {field}}}\n{{"id": "2", "body": "Good."}}\n'
    releases, problems = read(write(tmp_path / "a.jsonl", lines))
    assert [r.id for r in releases] == ["2"]
    assert problems == [f"a.jsonl:1: '{key}' holds half a character (a lone surrogate)"]


def test_windows_lines_and_a_byte_order_mark(tmp_path: Path) -> None:
    data = b'\xef\xbb\xbf{"id": "1", "body": "One."}\r\n\r\n{"id": "2", "body": "Two."}\r\n'
    releases, problems = read(write(tmp_path / "a.jsonl", data))
    assert ([r.id for r in releases], problems) == (["1", "2"], [])


def records(count: int) -> bytes:
    return b"".join(
        json.dumps(record(f"r{i}", f"Body {i} " + os.urandom(200).hex())).encode() + b"\n"
        for i in range(count)
    )


@pytest.mark.parametrize(("suffix", "pack"), [(".gz", gzip.compress), (".xz", lzma.compress)])
@pytest.mark.parametrize("keep", [0.3, 0.9, 0.999])
def test_a_cut_off_file_yields_what_is_whole(tmp_path: Path, suffix: str, pack: Any, keep: float) -> None:
    data = pack(records(400))
    path = write(tmp_path / f"a.jsonl{suffix}", data[: int(len(data) * keep)])
    releases, problems = read(path)
    assert [r.id for r in releases] == [f"r{i}" for i in range(len(releases))]
    assert 400 * keep * 0.5 < len(releases) <= 400
    reason = "cannot be read from here on: the compressed data is damaged or cut off"
    assert problems == [f"a.jsonl{suffix}:{len(releases) + 1}: {reason}"]
    assert readers.count(readers.files(path)[0]) == len(releases)


@pytest.mark.parametrize("suffix", [".gz", ".xz"])
@pytest.mark.parametrize("data", [b"plainly not compressed\n", b"\x00" * 64])
def test_a_file_that_is_not_compressed_at_all(tmp_path: Path, suffix: str, data: bytes) -> None:
    reason = "cannot be read from here on: the compressed data is damaged or cut off"
    assert read(write(tmp_path / f"a.jsonl{suffix}", data)) == ([], [f"a.jsonl{suffix}:1: {reason}"])


@pytest.mark.parametrize(("suffix", "pack"), [(".gz", gzip.compress), (".xz", lzma.compress)])
def test_a_flipped_byte_is_reported(tmp_path: Path, suffix: str, pack: Any) -> None:
    data = bytearray(pack(records(50)))
    data[len(data) // 2] ^= 0xFF
    _, problems = read(write(tmp_path / f"a.jsonl{suffix}", bytes(data)))
    assert problems
    assert "the compressed data is damaged or cut off" in problems[-1]


def test_count_is_the_number_of_records(tmp_path: Path) -> None:
    lines = write(tmp_path / "a.jsonl", b'{"a": 1}\n\n  \n{"a": 2}')
    text = write(tmp_path / "b.txt", "one\ntwo\n")
    assert [readers.count(readers.files(path)[0]) for path in (lines, text)] == [2, 1]


# -- folders -------------------------------------------------------------------------------------


def test_a_folder_is_read_in_depth_by_name(tmp_path: Path) -> None:
    for name in (
        "b.txt", "a/z.md", "a/b/c.TXT", ".hidden.txt", ".git/x.txt", "a/.b/x.txt", "notes.pdf", "README",
        "c.json", "d.txt.bak",
    ):  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"Text of {name}.")
    (tmp_path / "folder.txt").mkdir()
    assert [file.name for file in readers.files(tmp_path)] == ["a/b/c.TXT", "a/z.md", "b.txt"]
    releases, problems = read(tmp_path)
    assert {r.id: r.text for r in releases} == {
        "a/b/c.TXT": "Text of a/b/c.TXT.",
        "a/z.md": "Text of a/z.md.",
        "b.txt": "Text of b.txt.",
    }
    assert problems == []


def test_a_hidden_folder_can_be_named(tmp_path: Path) -> None:
    folder = tmp_path / ".releases"
    folder.mkdir()
    write(folder / "a.txt", "Acme grew.")
    assert one(folder).id == "a.txt"


def test_paths_that_hold_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    write(tmp_path / "a.pdf", b"%PDF")
    kinds = "kinds: .txt, .md, .markdown, .jsonl, .ndjson, .jsonl.gz, .jsonl.xz"
    for name, reason in (
        ("none", "there is no such file or folder"),
        ("empty", f"holds no file that can be read; {kinds}"),
        ("a.pdf", f"not a kind of file that can be read; {kinds}"),
    ):
        with pytest.raises(SourceError) as raised:
            readers.files(tmp_path / name)
        assert str(raised.value) == f"{tmp_path / name}: {reason}"


def test_symbolic_links(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    write(outside / "x.txt", "Linked text.")
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "file.txt").symlink_to(outside / "x.txt")
    (folder / "broken.txt").symlink_to(outside / "gone.txt")
    (folder / "loop.txt").symlink_to(folder / "loop.txt")
    (folder / "up").symlink_to(folder)
    assert one(folder).id == "file.txt"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has file names that are no text")
def test_a_file_name_that_is_no_text_stops_nothing(tmp_path: Path) -> None:
    try:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.txt")).write_text("Old archive.")
    except OSError:
        pytest.skip("this file system refuses such names")
    write(tmp_path / "z.txt", "Fine.")
    found = list(readers.read(tmp_path))
    releases = [item for item in found if isinstance(item, Release)]
    assert [r.id for r in releases if r.text == "Fine."] == ["z.txt"]
    for item in found:  # whatever becomes of the odd one, it can be stored and printed
        (item.id if isinstance(item, Release) else str(item)).encode()


def test_a_file_that_cannot_be_opened_is_reported(tmp_path: Path) -> None:
    files = []
    for name in ("a.txt", "b.jsonl"):
        files += readers.files(write(tmp_path / name, "x"))
        (tmp_path / name).unlink()
    found = [str(item) for file in files for item in file.reader(file.path, file.name)]
    assert found == [
        "a.txt: cannot be opened: No such file or directory",
        "b.jsonl:1: cannot be read from here on: No such file or directory",
    ]


def test_equal_ids_are_left_to_the_index(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.jsonl", record("same", "One."), record("same", "Two."))
    releases, problems = read(path)
    assert ([(r.id, r.text) for r in releases], problems) == ([("same", "One."), ("same", "Two.")], [])
