"""An index follows its source: whatever is added, changed, deleted or killed, it answers as one
that was built afresh.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from index_fakes import (
    DIMENSION,
    FakeEmbedder,
    Killed,
    found,
    index,
    laid_open,
    record,
    rows,
    sound,
    vector,
    write_lines,
)

from index import sync
from index.errors import IndexBusy, IndexMismatch, ModelError, SourceError
from index.store import DATABASE, VECTORS, Store
from index.vectors import VectorIndex

ABOUT = "\n\nAbout Acme\n\nAcme is a maker of anvils, founded in 1920 in Tucson.\n"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    return tmp_path / "in"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "index"


def ids(folder: Path) -> list[str]:
    store = Store(folder)
    try:
        return store.release_ids()
    finally:
        store.close()


def told(summary: sync.Summary) -> dict[str, object]:
    """What a summary says, but for how long it took and what is nought."""
    values = summary.to_dict()
    del values["seconds"]
    return {key: value for key, value in values.items() if value}


def fresh(source: Path, tmp: Path) -> dict[str, Any]:
    """What an index of the source, built at once, answers."""
    shutil.rmtree(tmp, ignore_errors=True)
    index(tmp, source)
    return laid_open(tmp)


# -- adding, changing, deleting ------------------------------------------------------------------


def test_a_second_run_does_nothing(folder: Path, source: Path) -> None:
    write_lines(source / "a.jsonl", record("a"), record("b"), record("c", "Body" + ABOUT))
    (source / "d.md").write_text("---\ntitle: D\nwhen: 2024-01-01\nn: {2: x, 10: y}\n---\nBody of d.")
    assert told(index(folder, source)) == {"added": 4, "passages": 5, "embedded": 5}
    state = rows(folder, "SELECT * FROM states")
    embedder = FakeEmbedder()
    assert told(index(folder, source, embedder)) == {"unchanged": 4}
    assert (embedder.made, embedder.embedded) == (0, 0), "an embedder takes a second to make"
    assert rows(folder, "SELECT * FROM states") == state, "the generation stays"


def test_add_change_and_delete(folder: Path, source: Path, tmp_path: Path) -> None:
    write_lines(source / "a.jsonl", record("a"), record("b"), record("c"))
    index(folder, source)
    write_lines(source / "a.jsonl", record("a"), record("b", "Another body."), record("d"))
    assert told(index(folder, source)) == {
        "added": 1, "updated": 1, "unchanged": 1, "deleted": 1, "passages": 2, "embedded": 2,
    }  # fmt: skip
    assert laid_open(folder) == fresh(source, tmp_path / "fresh")
    store = Store(folder)
    assert store.release("b").text == "Another body."
    assert found(store, '"body of c"') == []
    store.close()


def test_a_changed_title_is_found_and_the_old_one_not(folder: Path, source: Path, tmp_path: Path) -> None:
    write_lines(source / "a.jsonl", record("a", "Body" + ABOUT, title="Zebra"), record("b"))
    index(folder, source)
    write_lines(source / "a.jsonl", record("a", "Body" + ABOUT, title="Quagga"), record("b"))
    assert told(index(folder, source)) == {"updated": 1, "unchanged": 1, "passages": 2}
    store = Store(folder)
    assert found(store, "zebra") == []
    assert {h.release_id for h in found(store, "quagga")} == {"a"}
    store.close()
    assert laid_open(folder) == fresh(source, tmp_path / "fresh")


@pytest.mark.parametrize("field", ["company", "date", "url", "tickers", "note"])
def test_a_changed_field_is_taken_in_and_nothing_embedded(folder: Path, source: Path, field: str) -> None:
    write_lines(source / "a.jsonl", record("a", date="2020-01-01"))
    index(folder, source)
    changed: dict[str, Any] = {"date": "2021-02-03", "tickers": ["NYSE: A"]}
    fields = {"date": "2020-01-01", field: changed.get(field, "new")}
    write_lines(source / "a.jsonl", record("a", **fields))
    assert told(index(folder, source)) == {"updated": 1, "passages": 1}


def test_a_shared_text_is_embedded_once_and_goes_with_its_last_release(
    folder: Path, source: Path
) -> None:
    names = [f"r{i}" for i in range(5)]
    write_lines(source / "a.jsonl", *(record(name, f"Body of {name}" + ABOUT) for name in names))
    embedder = FakeEmbedder()
    assert told(index(folder, source, embedder)) == {"added": 5, "passages": 10, "embedded": 6}
    assert embedder.embedded == 6
    while names:
        assert rows(folder, "SELECT count(*) FROM vectors") == [(len(names) + 1,)]
        sound(folder)
        names.pop()
        (source / "a.jsonl").unlink()
        write_lines(source / "a.jsonl", record("last", "Alone."), *(
            record(name, f"Body of {name}" + ABOUT) for name in names))  # fmt: skip
        index(folder, source, embedder)
        assert len(rows(folder, "SELECT 1 FROM texts WHERE text LIKE '%Tucson%'")) == bool(names)
        write_lines(source / "a.jsonl", *(record(name, f"Body of {name}" + ABOUT) for name in names))
        index(folder, source, embedder)
    assert rows(folder, "SELECT count(*) FROM vectors") == [(0,)]
    assert embedder.embedded == 6 + 5, "besides the first six, that of 'last' each time it came back"


def test_files_that_come_and_go(folder: Path, source: Path, tmp_path: Path) -> None:
    write_lines(source / "a.jsonl", record("a"))
    (source / "b.txt").write_text("Body of b.")
    (source / "sub").mkdir()
    (source / "sub" / "c.md").write_text("Body of c.")
    index(folder, source)
    assert ids(folder) == ["a", "b.txt", "sub/c.md"]
    (source / "b.txt").unlink()
    assert told(index(folder, source)) == {"unchanged": 2, "deleted": 1}
    shutil.rmtree(source / "sub")
    assert told(index(folder, source)) == {"unchanged": 1, "deleted": 1}
    assert laid_open(folder) == fresh(source, tmp_path / "fresh")
    (source / "a.jsonl").unlink()
    with pytest.raises(SourceError):
        index(folder, source)
    assert ids(folder) == ["a"], "a source that holds nothing deletes nothing"


def test_sources_stand_side_by_side(folder: Path, tmp_path: Path) -> None:
    one = write_lines(tmp_path / "one" / "a.jsonl", record("a"))
    two = write_lines(tmp_path / "one-more" / "b.jsonl", record("b"))
    for path in (one, two, one.parent, two.parent):
        index(folder, path)
    assert ids(folder) == ["a", "b"]
    write_lines(one, record("a2"))
    assert told(index(folder, one.parent)) == {"added": 1, "deleted": 1, "passages": 1, "embedded": 1}
    assert ids(folder) == ["a2", "b"], "a folder whose name begins alike is another"


def test_a_damaged_record_deletes_nothing(folder: Path, source: Path) -> None:
    write_lines(source / "a.jsonl", record("a"), record("b"))
    write_lines(source / "z.jsonl", record("y"), record("z"))
    index(folder, source)
    (source / "a.jsonl").write_text(json.dumps(record("a", "Changed.")) + "\n{cut")
    write_lines(source / "z.jsonl", record("z"))
    assert told(index(folder, source)) == {
        "updated": 1, "unchanged": 1, "deleted": 1, "passages": 1, "embedded": 1,
        "problems": ["a.jsonl:2: not a JSON object: Expecting property name enclosed in double quotes"],
    }  # fmt: skip
    assert ids(folder) == ["a", "b", "z"], "y went with its whole file; b is kept for its file's damage"
    write_lines(source / "a.jsonl", record("a", "Changed."))
    assert told(index(folder, source)) == {"unchanged": 2, "deleted": 1}


def test_a_renamed_file_keeps_its_ids(folder: Path, source: Path, tmp_path: Path) -> None:
    write_lines(source / "a.jsonl", record("a"), record("b"))
    index(folder, source)
    (source / "a.jsonl").rename(source / "z.jsonl")
    assert told(index(folder, source)) == {"updated": 2, "passages": 2}
    assert laid_open(folder) == fresh(source, tmp_path / "fresh")
    moved = tmp_path / "elsewhere"
    source.rename(moved)
    assert told(index(folder, moved)) == {"updated": 2, "passages": 2}


@pytest.mark.parametrize("there", [("a", "b"), ("b", "a")])
def test_a_record_moved_between_files_is_not_lost(
    folder: Path, source: Path, tmp_path: Path, there: tuple[str, str]
) -> None:
    before, after = (source / f"{name}.jsonl" for name in there)
    write_lines(before, record("stays"), record("moves"))
    write_lines(after, record("other"))
    index(folder, source)
    write_lines(before, record("stays"))
    write_lines(after, record("other"), record("moves"))
    summary = index(folder, source)
    assert ids(folder) == ["moves", "other", "stays"]
    assert summary.problems == []
    assert laid_open(folder) == fresh(source, tmp_path / "fresh")


def test_an_id_in_two_files_is_reported_and_the_first_kept(folder: Path, source: Path) -> None:
    write_lines(source / "a.jsonl", record("same", "First."), record("same", "Second."))
    write_lines(source / "b.jsonl", record("same", "Third."), record("own"))
    for added in ({"added": 2, "passages": 2, "embedded": 2}, {"unchanged": 2}):
        assert told(index(folder, source)) == added | {
            "problems": [
                f"{source}/{name}.jsonl: id 'same' is already that of a record in {source}/a.jsonl; "
                "ids must differ"
                for name in "ab"
            ]
        }
    store = Store(folder)
    assert store.release("same").text == "First."
    store.close()


def test_the_later_of_two_files_may_come_first(folder: Path, source: Path, tmp_path: Path) -> None:
    """The order in which files appeared does not show: the first by name has the id."""
    write_lines(source / "b.jsonl", record("same", "Of b."))
    index(folder, source)
    write_lines(source / "a.jsonl", record("same", "Of a."))
    index(folder, source)
    assert laid_open(folder) == fresh(source, tmp_path / "fresh")


def test_equal_file_names_in_two_folders_are_told_apart(folder: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.txt").write_text(f"Body of {name}.")
    index(folder, tmp_path / "one")
    summary = index(folder, tmp_path / "two")
    if summary.problems:  # then the report must say which other folder
        assert str(tmp_path / "one" / "x.txt") in str(summary.problems[0])
    else:
        assert len(ids(folder)) == 2


def test_a_folder_and_then_a_folder_in_it(folder: Path, source: Path) -> None:
    (source / "sub").mkdir()
    (source / "sub" / "x.txt").write_text("Body of x.")
    (source / "y.txt").write_text("Body of y.")
    index(folder, source)
    summary = index(folder, source / "sub")
    assert summary.embedded == 0
    assert rows(folder, "SELECT count(*) FROM releases WHERE text = 'Body of x.'") == [(1,)]
    sound(folder)


@pytest.mark.parametrize(
    "front", ["n: {1: a, b: c}", "n: {2024-01-01: a}", "n: {2024-01-01: a, b: c}", "n: {null: a, x: 1}"]
)
def test_odd_keys_of_front_matter_stop_nothing(folder: Path, source: Path, front: str) -> None:
    (source / "a.md").write_text(f"---\n{front}\n---\nBody of a.")
    (source / "b.md").write_text("Body of b.")
    summary = index(folder, source)
    assert "b.md" in ids(folder)
    assert summary.added + len(summary.problems) == 2
    assert index(folder, source).updated == 0


@pytest.mark.parametrize("count", [0, 1, 127, 128, 129])
def test_batches_of_any_fill(folder: Path, source: Path, count: int) -> None:
    write_lines(source / "a.jsonl", record("first"), *(record(f"r{i:03}") for i in range(count)))
    assert index(folder, source).added == count + 1
    assert len(ids(folder)) == count + 1
    write_lines(source / "a.jsonl", record("first"))
    assert index(folder, source).deleted == count
    assert ids(folder) == ["first"]


def test_remove_path(folder: Path, source: Path, tmp_path: Path) -> None:
    write_lines(source / "a.jsonl", record("a", "Body of a." + ABOUT), record("a2"))
    write_lines(source / "sub" / "b.jsonl", record("b", "Body of b." + ABOUT))
    write_lines(tmp_path / "in.jsonl", record("c"))
    index(folder, source)
    index(folder, tmp_path / "in.jsonl")
    assert sync.remove_path(folder, source / "none") == 0
    assert sync.remove_path(folder, source / "a.jsonl") == 2
    assert ids(folder) == ["b", "c"]
    shutil.rmtree(source)
    assert sync.remove_path(folder, source) == 1, "the files may be gone by now"
    assert ids(folder) == ["c"]
    assert laid_open(folder) == fresh(tmp_path / "in.jsonl", tmp_path / "fresh")


def test_progress(folder: Path, source: Path) -> None:
    write_lines(source / "a.jsonl", record("a"), record("b"))
    seen: list[sync.Progress] = []
    sync.index_path(folder, source, "fake", FakeEmbedder(), seen.append)
    assert seen == [sync.Progress(1, 2, 1), sync.Progress(2, 2, 2), sync.Progress(2, 2, 2)]


def test_a_model_that_cannot_be_had_makes_no_index(folder: Path, source: Path) -> None:
    write_lines(source / "a.jsonl", record("a"))

    def none(number_type: str | None) -> FakeEmbedder:
        raise ModelError("no such model")

    with pytest.raises(ModelError):
        sync.index_path(folder, source, "fake", none)
    assert not (folder / DATABASE).exists()
    assert told(index(folder, source)) == {"added": 1, "passages": 1, "embedded": 1}


# -- rebuilding ----------------------------------------------------------------------------------


def test_rebuild(folder: Path, source: Path) -> None:
    write_lines(
        source / "a.jsonl", record("a", "Body" + ABOUT, date="2020-01-01", note={"k": [1]}), record("b")
    )
    (source / "c.md").write_text("---\nwhen: 2024-01-01\nn: {2: x, 10: y}\n---\nBody of c.")
    index(folder, source)
    before = laid_open(folder)
    shutil.rmtree(source)
    embedder = FakeEmbedder("fake2", "fake-2")
    summary = sync.rebuild(folder, "fake2", embedder)
    assert (summary.added, summary.embedded, embedder.embedded) == (3, 4, 4)
    assert laid_open(folder) == before
    store = Store(folder)
    assert (store.manifest.embedder, store.manifest.fingerprint) == ("fake2", "fake-2")
    store.close()
    assert {p.name for p in folder.iterdir()} <= {DATABASE, VECTORS, "writing.lock"}


def test_after_a_rebuild_nothing_is_new(folder: Path, source: Path) -> None:
    write_lines(source / "a.jsonl", record("a", note={"b": [1, None]}))
    (source / "c.md").write_text("---\nwhen: 2024-01-01\nn: {2: x, 10: y}\n---\nBody of c.")
    index(folder, source)
    sync.rebuild(folder, "fake", FakeEmbedder())
    assert told(index(folder, source)) == {"unchanged": 2}


def interrupted_rebuild(folder: Path, after: int, embedder: FakeEmbedder | None = None) -> None:
    embedder = embedder or FakeEmbedder()
    embedder.dies_after = after
    with pytest.raises(Killed):
        sync.rebuild(folder, embedder.name, embedder)


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sync, "BATCH", 2)


@pytest.mark.usefixtures("small_batches")
def test_a_stopped_rebuild_goes_on(folder: Path, source: Path) -> None:
    write_lines(source / "a.jsonl", *(record(f"r{i}") for i in range(9)))
    index(folder, source)
    before = laid_open(folder)
    interrupted_rebuild(folder, 5)
    assert laid_open(folder) == before, "until it is whole, the old one answers"
    embedder = FakeEmbedder()
    sync.rebuild(folder, "fake", embedder)
    assert embedder.embedded == 5, "two batches of two were kept"
    assert laid_open(folder) == before


@pytest.mark.usefixtures("small_batches")
def test_what_was_deleted_between_two_rebuilds_stays_deleted(
    folder: Path, source: Path, tmp_path: Path
) -> None:
    write_lines(source / "a.jsonl", *(record(f"r{i}") for i in range(6)))
    index(folder, source)
    interrupted_rebuild(folder, 5)
    write_lines(source / "a.jsonl", *(record(f"r{i}", "Changed." if i == 1 else "") for i in range(1, 6)))
    index(folder, source)
    sync.rebuild(folder, "fake", FakeEmbedder())
    assert laid_open(folder) == fresh(source, tmp_path / "fresh")


@pytest.mark.usefixtures("small_batches")
def test_a_stopped_rebuild_with_another_model_begins_anew(folder: Path, source: Path) -> None:
    write_lines(source / "a.jsonl", *(record(f"r{i}") for i in range(6)))
    index(folder, source)
    before = laid_open(folder)
    interrupted_rebuild(folder, 3, FakeEmbedder("other"))
    sync.rebuild(folder, "fake", FakeEmbedder())
    assert laid_open(folder) == before


@pytest.mark.usefixtures("small_batches")
def test_a_stopped_rebuild_with_other_weights_is_no_dead_end(folder: Path, source: Path) -> None:
    write_lines(source / "a.jsonl", *(record(f"r{i}") for i in range(6)))
    index(folder, source)
    interrupted_rebuild(folder, 3, FakeEmbedder(fingerprint="fake-2"))
    sync.rebuild(folder, "fake", FakeEmbedder(fingerprint="fake-3"))
    store = Store(folder)
    assert store.manifest.fingerprint == "fake-3"
    store.close()


def test_a_rebuild_under_an_open_reader(folder: Path, source: Path, tmp_path: Path) -> None:
    """An app that has the index open goes on with a whole state, the old or the new one."""
    write_lines(source / "a.jsonl", *(record(f"r{i}", f"Body {i}." + ABOUT) for i in range(40)))
    index(folder, source)
    reader = Store(folder)
    assert len(reader.release_ids()) == 40
    sync.rebuild(folder, "fake", FakeEmbedder())
    write_lines(source / "a.jsonl", *(record(f"s{i}", f"Body {i}." + ABOUT) for i in range(45)))
    index(folder, source)
    seen = reader.release_ids()
    assert seen in (sorted(f"r{i}" for i in range(40)), sorted(f"s{i}" for i in range(45)))
    for id_ in seen:
        assert reader.release(id_).id == id_
    assert {h.release_id for h in found(reader, "body")} <= set(seen)
    reader.close()
    assert laid_open(folder) == fresh(source, tmp_path / "fresh")


def test_a_rebuild_under_a_reader_in_another_process(folder: Path, source: Path, tmp_path: Path) -> None:
    """It sees the old state or a new one, whole; and what is written after the rebuild is not lost."""
    write_lines(source / "a.jsonl", *(record(f"r{i}") for i in range(3000)))
    index(folder, source)
    script = str(Path(__file__).with_name("index_reader.py"))
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [sys.executable, script, str(folder)], stdin=pipe, stdout=pipe, text=True, env=PATH
    ) as reader:
        assert reader.stdin
        assert reader.stdout
        assert reader.stdout.readline() == "3000\n"
        said = []

        def ask() -> None:
            assert reader.stdin
            assert reader.stdout
            reader.stdin.write("\n")
            reader.stdin.flush()
            said.append(reader.stdout.readline())

        write_lines(source / "a.jsonl", *(record(f"r{i}") for i in range(20, 3000)))
        index(folder, source)
        sync.rebuild(folder, "fake", FakeEmbedder())
        ask()
        write_lines(source / "a.jsonl", *(record(f"z{i}") for i in range(200)))
        index(folder, source)
        ask()
        reader.stdin.close()
    assert said[0] == "2980 0\n"
    assert said[1] in ("2980 0\n", "200 0\n")
    assert laid_open(folder) == fresh(source, tmp_path / "fresh")


@pytest.mark.slow
def test_a_rebuild_under_a_reader_amid_a_search(folder: Path, source: Path, tmp_path: Path) -> None:
    write_lines(source / "a.jsonl", record("a"))
    index(folder, source)
    reader = Store(folder)
    with reader.snapshot():
        assert reader.release_ids() == ["a"]
        write_lines(source / "b.jsonl", *(record(f"b{i}") for i in range(30)))
        index(folder, source)
        sync.rebuild(folder, "fake", FakeEmbedder())
        assert reader.release_ids() == ["a"]
    reader.close()
    assert laid_open(folder) == fresh(source, tmp_path / "fresh")


# -- any sequence, killed at any moment ----------------------------------------------------------

PARTS = [
    "Acme sold anvils in Oslo", "Bolt sold bolts in Bern", "profit rose by five percent", "the board met",
    "a trial began in Rome", "no title was given", "the body of the text",
]  # fmt: skip


def some_record(chance: random.Random, id_: str) -> dict[str, Any]:
    body = ". ".join(chance.choices(PARTS, k=chance.randint(1, 4))) + f". Body {chance.randint(0, 5)}."
    if chance.random() < 0.6:
        body += chance.choice([ABOUT, ABOUT.replace("Acme", "Bolt"), ABOUT + ABOUT])
    fields: dict[str, Any] = {
        "title": chance.choice(["Title one", "Title two", "Third title", f"Title {id_}"])
    }
    if chance.random() < 0.8:
        fields["date"] = f"202{chance.randint(0, 4)}-01-0{chance.randint(1, 9)}"
    return record(id_, body, **fields)


class Source:
    """A folder of two files of lines and some of Markdown, changed by chance."""

    def __init__(self, path: Path, chance: random.Random) -> None:
        self.path, self.chance = path, chance
        self.files: dict[str, dict[str, dict[str, Any]]] = {"a": {}, "b": {}}
        self.single: dict[str, str] = {}
        self.files["a"]["keep"] = record("keep")
        self.next = 0

    def change(self, moves: bool) -> None:
        chance, file = self.chance, self.files[self.chance.choice("ab")]
        kind = chance.choice(
            ["add"] * 4 + ["change", "title", "delete", "single", "unsingle"] + ["move"] * moves
        )
        if kind == "add":
            for _ in range(chance.randint(1, 4)):
                self.next += 1
                file[f"r{self.next}"] = some_record(chance, f"r{self.next}")
        elif kind == "change" and file:
            id_ = chance.choice(sorted(file))
            file[id_] = some_record(chance, id_)
        elif kind == "title" and file:
            file[chance.choice(sorted(file))]["title"] = f"Title {chance.randint(1, 3)}"
        elif kind == "delete":
            for id_ in chance.sample(sorted(file), min(len(file), chance.randint(1, 5))):
                del file[id_]
        elif kind == "single":
            self.single[f"m{chance.randint(1, 4)}"] = some_record(chance, "")["body"]
        elif kind == "unsingle" and self.single:
            del self.single[chance.choice(sorted(self.single))]
        elif kind == "move" and file:
            id_ = chance.choice(sorted(file))
            other = self.files["b" if file is self.files["a"] else "a"]
            other[id_] = file[id_]
            if chance.random() < 0.7:
                del file[id_]
        self.write()

    def write(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        for name, records in self.files.items():
            if records or name == "a":
                write_lines(self.path / f"{name}.jsonl", *(records or {"keep": record("keep")}).values())
        for name, text in self.single.items():
            (self.path / f"{name}.md").write_text(text)


def committed_is_whole(folder: Path) -> None:
    """Every release that a killed run left is whole: its passages are slices, each with its vector."""
    sound(folder)
    store = Store(folder)
    for id_ in store.release_ids():
        text = store.release(id_).text
        for start, end, passage, stored in rows(
            folder,
            "SELECT p.start, p.end, t.text, v.vector FROM passages p JOIN releases r ON r.key = p.release"
            f" JOIN texts t ON t.id = p.text JOIN vectors v ON v.hash = t.hash WHERE r.id = '{id_}'",
        ):
            assert text[start:end] == passage
            assert stored == vector(passage)[0].astype("float16").tobytes()
    store.close()


@pytest.mark.parametrize(("seed", "moves"), [(1, False), (2, False), (3, True), (4, True)])
def test_any_sequence_of_changes_and_kills(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int, moves: bool
) -> None:
    chance = random.Random(seed)
    monkeypatch.setattr(sync, "BATCH", 3)
    source = Source(tmp_path / "in", chance)
    for step in range(120):
        source.change(moves)
        if chance.random() < 0.3:
            try:
                index(folder, source.path, FakeEmbedder(dies_after=chance.randint(0, 6)))
            except Killed:
                if (folder / DATABASE).exists():
                    committed_is_whole(folder)
                if chance.random() < 0.5:
                    continue  # and change the source again before the next run
        if chance.random() < 0.1 and (folder / DATABASE).exists():
            try:
                sync.rebuild(folder, "fake", FakeEmbedder(dies_after=chance.choice([2, 5, 1000])))
            except Killed:
                committed_is_whole(folder)
        if chance.random() < 0.1:
            (folder / VECTORS).unlink(missing_ok=True)
        index(folder, source.path)
        if step % 8 == 0:
            assert laid_open(folder) == fresh(source.path, tmp_path / "fresh"), f"step {step}"
    assert laid_open(folder) == fresh(source.path, tmp_path / "fresh")


WORKER = [sys.executable, str(Path(__file__).with_name("index_worker.py"))]
PATH = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}


def start(folder: Path, source: Path, delay: float) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*WORKER, str(folder), str(source), str(delay)], stdout=subprocess.PIPE, text=True, env=PATH
    )


@pytest.fixture
def forty(source: Path) -> Path:
    chance = random.Random(5)
    write_lines(source / "a.jsonl", *(some_record(chance, f"r{i}") for i in range(40)))
    return source


def kill_and_resume(folder: Path, source: Path, kills: int, chance: random.Random) -> int:
    """Kills as many runs; returns how many had begun to embed."""
    begun = 0
    for _ in range(kills):
        process = start(folder, source, 0.004)
        assert process.stdout
        with process:
            for _ in range(chance.randint(0, 12)):
                if not process.stdout.readline():
                    break
                begun += 1
            time.sleep(chance.random() * 0.02)
            process.kill()
        if (folder / DATABASE).exists():
            committed_is_whole(folder)
    return begun


def test_killed_runs_lose_nothing(folder: Path, forty: Path, tmp_path: Path) -> None:
    assert kill_and_resume(folder, forty, 4, random.Random(9)) > 0
    index(folder, forty)
    assert laid_open(folder) == fresh(forty, tmp_path / "fresh")


@pytest.mark.slow
def test_many_killed_runs_lose_nothing(folder: Path, forty: Path, tmp_path: Path) -> None:
    chance = random.Random(10)
    lines = Source(forty, chance)
    for _ in range(8):
        for _ in range(4):
            lines.change(moves=False)
        kill_and_resume(folder, forty, 4, chance)
        index(folder, forty)
        assert laid_open(folder) == fresh(forty, tmp_path / "fresh")


def test_of_two_runs_at_once_one_is_told(folder: Path, forty: Path, tmp_path: Path) -> None:
    with start(folder, forty, 0.02) as process:
        assert process.stdout
        assert process.stdout.readline() == "1\n"
        with pytest.raises(IndexBusy):
            index(folder, forty)
        with pytest.raises(IndexBusy):
            sync.rebuild(folder, "fake", FakeEmbedder())
        assert process.stdout.read().endswith("done\n")
    assert process.returncode == 0
    assert laid_open(folder) == fresh(forty, tmp_path / "fresh")


def test_a_reader_sees_whole_states_while_a_run_writes(folder: Path, source: Path) -> None:
    """Each release has three texts that name its version; no reader finds two versions together."""

    def version(n: int) -> None:
        part = "Version{n} of {id_} and words that fill it up to the length of a passage. " * 6
        write_lines(
            source / "a.jsonl",
            *(
                record(
                    id_, "\n\n".join(part.format(n=n, id_=f"{id_}{i}") for i in range(3)).strip(), note=n
                )
                for id_ in ("x", "y")
            ),
        )

    version(0)
    index(folder, source)
    wrong: list[object] = []
    seen: set[int] = set()
    stop = threading.Event()

    def read() -> None:
        store = Store(folder)
        try:
            while not stop.is_set():
                with store.snapshot():
                    notes = {store.release(id_).extra["note"] for id_ in store.release_ids()}
                    texts = {h.quote.split()[0] for h in found(store, "words")}
                    vectors = len(store.vectors(store.text_ids().tolist()))
                    held = store.text_count()
                if texts != {f"Version{n}" for n in notes} or len(notes) != 1 or vectors != held:
                    wrong.append((notes, texts, vectors, held))
                seen.update(notes)
        except Exception as exc:
            wrong.append(exc)
        finally:
            store.close()

    thread = threading.Thread(target=read)
    thread.start()
    for n in range(1, 25):
        version(n)
        index(folder, source)
    stop.set()
    thread.join()
    assert wrong == []
    assert len(seen) > 3


def test_a_reader_catches_up_with_another_process(folder: Path, forty: Path) -> None:
    write_lines(forty / "b.jsonl", record("first"))
    index(folder, forty / "b.jsonl")
    store = Store(folder)
    held, state = sync.current_vectors(store)
    assert len(held) == 1
    with start(folder, forty, 0.0) as process:
        while process.poll() is None:
            newer, now = sync.current_vectors(store, (held, state))
            assert (newer is held) == (now == state)
            held, state = newer, now
            time.sleep(0.01)
    held, state = sync.current_vectors(store, (held, state))
    assert sorted(held.ids.tolist()) == store.text_ids().tolist()
    assert held.dimension == DIMENSION
    store.close()


def test_threads_that_catch_up_at_once_do_not_meet_in_one_file(folder: Path, forty: Path) -> None:
    index(folder, forty)
    store = Store(folder)
    wrong: list[BaseException] = []
    for _ in range(10):
        (folder / VECTORS).unlink(missing_ok=True)
        barrier = threading.Barrier(6)

        def catch_up(barrier: threading.Barrier = barrier) -> None:
            barrier.wait()
            try:
                sync.current_vectors(store)
            except BaseException as exc:
                wrong.append(exc)

        threads = [threading.Thread(target=catch_up) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert VectorIndex.load(folder / VECTORS, DIMENSION) is not None
    assert wrong == []
    store.close()


# -- the vector file -----------------------------------------------------------------------------


def spoil(path: Path, how: str) -> None:
    data = path.read_bytes()
    head, body = data.split(b"\n", 1)
    stamp = json.loads(head)
    if how == "missing":
        path.unlink()
        return
    path.write_bytes(
        {
            "empty": b"",
            "text": b"hello\nthere",
            "cut": data[: len(data) // 2],
            "cut head": head[:20],
            "flipped": data[:-5] + bytes([data[-5] ^ 1]) + data[-4:],
            "list": b"[]\n" + body,
            "deep": b"[" * 100_000 + b"\n" + body,
            "foreign": json.dumps({**stamp, "state": "0" * 32}).encode() + b"\n" + body,
            "format": json.dumps({**stamp, "format": "x"}).encode() + b"\n" + body,
            "dimension": json.dumps({**stamp, "dimension": 3}).encode() + b"\n" + body,
            "strange": json.dumps({**stamp, "state": "of another index"}).encode() + b"\n" + body,
            "no crc": json.dumps({k: v for k, v in stamp.items() if k != "crc32"}).encode()
            + b"\n"
            + body,
        }[how]
    )


@pytest.mark.parametrize(
    "how",
    [
        "missing", "empty", "text", "cut", "cut head", "flipped", "list", "deep", "foreign", "format",
        "dimension", "strange", "no crc",
    ],
)  # fmt: skip
def test_a_spoilt_vector_file_is_made_again_without_embedding(
    folder: Path, forty: Path, how: str
) -> None:
    index(folder, forty)
    before = laid_open(folder)
    spoil(folder / VECTORS, how)
    assert laid_open(folder) == before
    spoil(folder / VECTORS, how)
    embedder = FakeEmbedder()
    index(folder, forty, embedder)
    assert (embedder.made, embedder.embedded) == (0, 0)
    store = Store(folder)
    loaded = VectorIndex.load(folder / VECTORS, DIMENSION)
    assert loaded is not None
    assert loaded[1] == store.state
    assert sorted(loaded[0].ids.tolist()) == store.text_ids().tolist()
    store.close()


def test_the_vector_file_of_an_older_state_is_caught_up(
    folder: Path, source: Path, tmp_path: Path
) -> None:
    write_lines(source / "a.jsonl", record("a"), record("b"), record("c"))
    index(folder, source)
    old = (folder / VECTORS).read_bytes()
    write_lines(source / "a.jsonl", record("a"), record("c", "Changed."), record("d"))
    index(folder, source)
    (folder / VECTORS).write_bytes(old)
    assert laid_open(folder) == fresh(source, tmp_path / "fresh")


def test_a_vector_file_that_cannot_be_written_does_not_stop_a_search(folder: Path, source: Path) -> None:
    """It is derived: a full disk, say, leaves the vectors in memory."""
    write_lines(source / "a.jsonl", record("a"))
    index(folder, source)
    (folder / VECTORS).unlink()
    (folder / VECTORS / "in the way").mkdir(parents=True)
    store = Store(folder)
    assert len(sync.current_vectors(store)[0]) == 1
    store.close()


def test_other_weights_are_refused_before_anything_is_stored(folder: Path, source: Path) -> None:
    write_lines(source / "a.jsonl", record("a"))
    index(folder, source)
    before = laid_open(folder)
    write_lines(source / "a.jsonl", record("a"), record("b"))
    with pytest.raises(IndexMismatch):
        index(folder, source, FakeEmbedder(fingerprint="other"))
    assert laid_open(folder) == before


@pytest.fixture(autouse=True)
def batch_is_put_back() -> Iterator[None]:
    before = sync.BATCH
    yield
    assert before == sync.BATCH == 128
