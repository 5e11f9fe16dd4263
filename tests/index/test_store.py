"""The store: filters, hits, errors that say what to do, and a file that others may hold."""

from __future__ import annotations

import datetime as dt
import os
import re
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from index_fakes import DIMENSION, FakeEmbedder, found, index, record, rows, sound, write_lines

from index import sync
from index.aliases import key as alias_key
from index.errors import IndexBusy, IndexMismatch, IndexMissing, NotInIndex, StoreError
from index.marks import marks
from index.passages import CHUNKING
from index.sections import sections
from index.store import DATABASE, Entry, Manifest, Store, name_key, text_hash, writing
from index.terms import codes, words
from index.types import Filters, Release, Wanted

ABOUT = "\n\nAbout Acme Corporation\n\nAcme is a maker of anvils. It was founded in 1920 in Tucson.\n"

RECORDS = [
    record("old", "The anvil was shown in Oslo." + ABOUT, date="2020-01-01", company="Acme Corporation",
           tickers=["NYSE: ACM"]),
    record("new", "The anvil was sold in Paris." + ABOUT, date="2022-06-01", company="Acme Corporation",
           tickers=["NYSE: ACM"]),
    record("cell", "The cell was shown in Rome.", date="2021-01-01", company="Jade Cell Holdings Limited",
           tickers=["HKEX: 2171"]),
    record("undated", "The bolt was shown in Bern." + ABOUT, company="Bolt & Söhne"),
    record("nameless", "The nut was shown in Nice.", date="2021-07-07"),
]  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    index(tmp_path / "index", write_lines(tmp_path / "in" / "a.jsonl", *RECORDS))
    return tmp_path / "index"


def selected(store: Store, **filters: Any) -> set[str]:
    """Ids of the releases whose own first passage a search within filters may return."""
    limits = Filters(**filters)
    hits = store.hits(dict.fromkeys(store.text_ids(limits).tolist(), 1.0), limits)
    return {hit.release_id for hit in hits if hit.section == "body"}


EVERY = {"old", "new", "cell", "undated", "nameless"}


@pytest.mark.parametrize(
    ("filters", "ids"),
    [
        ({}, EVERY),
        ({"company": "Acme"}, {"old", "new"}),
        ({"company": "acme CORPORATION"}, {"old", "new"}),
        ({"company": "Acme, Corporation"}, {"old", "new"}),
        ({"company": "Corporation Acme"}, set()),
        ({"company": "Acm"}, {"old", "new"}),
        ({"company": "Ac"}, set()),
        ({"company": "NYSE: ACM"}, {"old", "new"}),
        ({"company": "nyse:acm"}, {"old", "new"}),
        ({"company": "2171.HK"}, {"cell"}),
        ({"company": "2171.hk"}, {"cell"}),
        ({"company": "2171"}, {"cell"}),
        ({"company": "HKEX: 2171"}, {"cell"}),
        ({"company": "171"}, set()),
        ({"company": "Jade Cell"}, {"cell"}),
        ({"company": "SÖHNE"}, {"undated"}),
        ({"company": "Bolt & Söhne"}, {"undated"}),
        ({"company": "%"}, set()),
        ({"company": ""}, set()),
        ({"company": "—"}, set()),
        ({"company": "|"}, set()),
        ({"company": "Corporation | NYSE"}, {"old", "new"}),
        ({"since": dt.date(2021, 1, 1)}, {"new", "cell", "nameless"}),
        ({"since": dt.date(2021, 1, 2)}, {"new", "nameless"}),
        ({"until": dt.date(2021, 1, 1)}, {"old", "cell"}),
        ({"until": dt.date(2020, 12, 31)}, {"old"}),
        ({"as_of": dt.date(2021, 1, 1)}, {"old", "cell"}),
        ({"as_of": dt.date(2019, 1, 1)}, set()),
        ({"as_of": dt.date(9999, 12, 31)}, EVERY - {"undated"}),
        ({"since": dt.date(2021, 1, 1), "until": dt.date(2021, 12, 31)}, {"cell", "nameless"}),
        ({"since": dt.date(2022, 1, 1), "until": dt.date(2021, 1, 1)}, set()),
        ({"company": "Acme", "as_of": dt.date(2021, 1, 1)}, {"old"}),
        ({"until": dt.date(2022, 6, 1), "as_of": dt.date(2021, 1, 1)}, {"old", "cell"}),
    ],
)
def test_filters(folder: Path, filters: dict[str, Any], ids: set[str]) -> None:
    store = Store(folder)
    if filters == {"company": "Corporation | NYSE"}:  # a name cannot reach over into the ticker
        ids = set()
    assert selected(store, **filters) == ids
    shown = {
        h.release_id for h in found(store, "shown OR sold", Filters(**filters)) if h.section == "body"
    }
    assert shown == ids
    if set(filters) == {"company"}:
        assert store.has_company(filters["company"]) == bool(ids)
    store.close()


@pytest.mark.parametrize(
    ("filters", "id_"),
    [
        ({}, "new"),
        ({"as_of": dt.date(2021, 1, 1)}, "old"),
        ({"until": dt.date(2022, 5, 31)}, "old"),
        ({"company": "Söhne"}, "undated"),
        ({"company": "Acme"}, "new"),
    ],
)
def test_a_shared_text_is_that_of_the_newest_release_within_the_filters(
    folder: Path, filters: dict[str, Any], id_: str
) -> None:
    store = Store(folder)
    limits = Filters(**filters)
    (hit,) = found(store, "Tucson", limits)
    assert (hit.release_id, hit.section) == (id_, "about")
    assert store.release(id_).text[hit.start : hit.end] == hit.quote
    store.close()


def test_hits_are_whole_values_in_order(folder: Path) -> None:
    store = Store(folder)
    texts = {text: id_ for id_, text in rows(folder, "SELECT id, text FROM texts")}
    hits = store.hits(
        {texts["The cell was shown in Rome."]: 0.25, texts["The nut was shown in Nice."]: 0.5, 999: 1.0}
    )
    assert [(h.release_id, h.score, h.start, h.end, h.title, h.date, h.company) for h in hits] == [
        ("nameless", 0.5, 0, 26, "Title of nameless", dt.date(2021, 7, 7), None),
        ("cell", 0.25, 0, 27, "Title of cell", dt.date(2021, 1, 1), "Jade Cell Holdings Limited"),
    ]
    assert store.hits({}) == []
    store.close()


def test_a_text_that_one_release_repeats_is_shown_once_where_it_first_stands(tmp_path: Path) -> None:
    """Whatever filters the search has, and so whichever way SQLite takes."""
    legal = "About Acme\n\nAcme makes anvils.\n\n"
    body = f"{legal}About Bolt\n\nBolt makes bolts.\n\n{legal}"
    source = write_lines(
        tmp_path / "a.jsonl", record("r", body.rstrip(), date="2020-01-01", company="Acme")
    )
    index(tmp_path / "index", source)
    store = Store(tmp_path / "index")
    for filters in (None, Filters(company="Acme"), Filters(as_of=dt.date(2021, 1, 1))):
        assert [(h.start, h.quote) for h in found(store, "anvils", filters)] == [(0, legal.strip())]
    store.close()


def test_a_later_title_finds_nothing_before_its_day(tmp_path: Path) -> None:
    """As of a day, no release after it reaches retrieval; not by its title on a shared text either."""
    source = write_lines(
        tmp_path / "a.jsonl",
        record("old", "The anvil was shown." + ABOUT, title="Anvils", date="2020-01-01"),
        record("new", "The anvil was sold." + ABOUT, title="Zebras", date="2022-01-01"),
    )
    index(tmp_path / "index", source)
    store = Store(tmp_path / "index")
    assert {h.release_id for h in found(store, "zebras")} == {"new"}
    assert found(store, "zebras", Filters(as_of=dt.date(2021, 1, 1))) == []
    store.close()


def test_match_and_term_counts(folder: Path) -> None:
    store = Store(folder)
    scores = store.match("anvil", 10)
    assert [s for _, s in scores] == sorted((s for _, s in scores), reverse=True)
    assert all(score > 0 for _, score in scores)
    assert len(store.match("anvil", 1)) == 1
    assert store.match("nothinglikeit", 10) == []
    assert store.term_counts(["anvil", "rome", "nothinglikeit"]) == {"anvil": 3, "rome": 1}
    assert found(store, "sohne") == []  # the issuer is no text
    with pytest.raises(StoreError, match="cannot be read"):
        store.match('"unclosed', 10)
    store.close()


def test_overview(folder: Path) -> None:
    store = Store(folder)
    held = store.overview()
    assert (held.releases, held.passages, held.texts, held.embedder) == (5, 8, 6, "fake")
    assert (held.first_date, held.last_date) == (dt.date(2020, 1, 1), dt.date(2022, 6, 1))
    assert held.companies == (
        ("Acme Corporation", 2), ("Bolt & Söhne", 1), ("Jade Cell Holdings Limited", 1),
    )  # fmt: skip
    assert held.sources == ((str(folder.parent / "in" / "a.jsonl"), 5),)
    assert held.generation == store.generation == 1
    assert held.bytes >= (folder / DATABASE).stat().st_size
    store.close()


def test_a_release_comes_back_whole(tmp_path: Path) -> None:
    fields = record(
        "x/\U0001f600 'quoted\"", "Body \x00 with NUL,\r\n中文 e\u0301.", title="A 'title' %",
        url="https://e.x",
        extra_list=[1, {"b": None}], place="OSLO", wire="W", company="C", date="2020-02-29",
        tickers=["A: B"],
    )  # fmt: skip
    index(tmp_path / "index", write_lines(tmp_path / "a.jsonl", fields))
    store = Store(tmp_path / "index")
    release = store.release(fields["id"])
    assert (release.text, release.title) == (fields["body"], "A 'title' %")
    assert (release.url, release.place, release.wire, release.company) == (
        "https://e.x",
        "OSLO",
        "W",
        "C",
    )
    assert (release.date, release.tickers) == (dt.date(2020, 2, 29), ("A: B",))
    assert release.extra == {"extra_list": [1, {"b": None}]}
    assert [(s.kind, s.start, s.end) for s in store.sections(fields["id"])] == [
        ("body", 0, len(release.text))
    ]
    store.close()
    sound(tmp_path / "index")


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Acme, Inc.", " acme inc "),
        ("AT&T", " at t "),
        ("STRASSE ß", " strasse ss "),
        ("2171.HK", " 2171 hk "),
    ],
)
def test_names_are_compared_by_words(name: str, key: str) -> None:
    assert name_key(name) == key


def test_a_text_is_known_by_its_hash() -> None:
    assert text_hash("abc").hex() == "ba7816bf8f01cfea414140de5dae2223"


# -- errors --------------------------------------------------------------------------------------


def test_no_such_release(folder: Path) -> None:
    store = Store(folder)
    with pytest.raises(NotInIndex) as raised:
        store.release("no 'such")
    assert str(raised.value) == f'no release "no \'such" in {folder}; releaseqa search finds ids'
    store.close()


def test_no_index(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for path in (tmp_path, tmp_path / "none", tmp_path / "file"):
        with pytest.raises(IndexMissing) as raised:
            Store(path)
        assert str(raised.value) == (
            f"{path}: there is no index here; make one: releaseqa index PATH --index {path}"
        )
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file"], "looking makes nothing"


@pytest.mark.parametrize("act", ["remove", "rebuild"])
def test_what_needs_an_index_makes_none(tmp_path: Path, act: str) -> None:
    acts: dict[str, Callable[[], object]] = {
        "remove": lambda: sync.remove_path(tmp_path / "none", tmp_path),
        "rebuild": lambda: sync.rebuild(tmp_path / "none", "fake", FakeEmbedder()),
    }
    with pytest.raises(IndexMissing):
        acts[act]()
    assert list(tmp_path.iterdir()) == []


def test_an_index_folder_that_is_a_file(tmp_path: Path) -> None:
    source = write_lines(tmp_path / "a.jsonl", *RECORDS)
    (tmp_path / "index").write_text("mine")
    with pytest.raises(StoreError, match=re.escape(str(tmp_path / "index"))):
        index(tmp_path / "index", source)
    assert (tmp_path / "index").read_text() == "mine"


def test_another_schema(folder: Path) -> None:
    rows(folder, "UPDATE manifest SET value = '0' WHERE key = 'schema'")
    for act in (lambda: Store(folder), lambda: index(folder, folder.parent / "in")):
        with pytest.raises(IndexMismatch) as raised:
            act()
        assert str(raised.value) == (
            f"{folder} has schema 0, this program schema 2; move the folder away and make it again: "
            f"releaseqa index PATH --index {folder}"
        )


def test_another_model(folder: Path) -> None:
    with pytest.raises(IndexMismatch) as raised:
        sync.index_path(folder, folder.parent / "in", "other", FakeEmbedder())
    assert str(raised.value) == (
        f"{folder} was made with model 'fake', not 'other'; make it again from its own releases: "
        f"releaseqa index --rebuild --index {folder}, or open it with --embedder fake"
    )


def test_another_chunking(folder: Path) -> None:
    rows(folder, "UPDATE manifest SET value = 'v0' WHERE key = 'chunking'")
    with pytest.raises(IndexMismatch) as raised:
        index(folder, folder.parent / "in")
    assert str(raised.value) == (
        f"{folder} was made with chunking 'v0', not {CHUNKING!r}; make it again from its own releases: "
        f"releaseqa index --rebuild --index {folder}"
    )
    sync.rebuild(folder, "fake", FakeEmbedder())
    assert index(folder, folder.parent / "in").unchanged == 5


def test_other_weights_of_the_same_name(folder: Path) -> None:
    source = write_lines(folder.parent / "in" / "b.jsonl", record("more", "Something else."))
    with pytest.raises(IndexMismatch, match="other weights of 'fake'"):
        index(folder, source, FakeEmbedder(fingerprint="fake-2"))
    store = Store(folder)
    assert store.release_ids() == sorted(EVERY)
    store.close()


@pytest.mark.parametrize("damage", ["empty", "text", "head", "other"])
def test_a_file_that_is_no_index(folder: Path, damage: str) -> None:
    path = folder / DATABASE
    data = path.read_bytes()
    path.write_bytes(
        {"empty": b"", "text": b"Dear diary, " * 1000, "head": b"\xff" * 100 + data[100:], "other": b""}[
            damage
        ]
    )
    if damage == "other":
        rows(folder, "CREATE TABLE diary (entry TEXT)")
    for act in (lambda: Store(folder), lambda: index(folder, folder.parent / "in")):
        with pytest.raises(StoreError) as raised:
            act()
        assert type(raised.value) is StoreError
        assert str(raised.value).startswith(f"{path} is no index or is damaged (")
        assert "\n" not in str(raised.value)


def test_a_cut_off_database_is_an_error_of_ours(folder: Path) -> None:
    path = folder / DATABASE
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(StoreError):
        index(folder, folder.parent / "in", FakeEmbedder())


def as_another_user(act: Callable[[], object]) -> str:
    """What ``act`` returns or raises in a process of a user who owns nothing."""
    reading, writing_end = os.pipe()
    child = os.fork()
    if child == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
        try:
            said = repr(act())
        except BaseException as exc:
            said = f"{type(exc).__name__}: {exc}"
        os.write(writing_end, said.encode())
        os._exit(0)
    os.close(writing_end)
    os.waitpid(child, 0)
    with os.fdopen(reading, encoding="utf-8") as answer:
        return answer.read()


@pytest.fixture
def others_folder(folder: Path) -> Path:
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("takes root to become another user")
    for path in folder.parents:
        if path.stat().st_uid == 0 and path.is_relative_to("/tmp") and path != Path("/tmp"):
            path.chmod(0o755)
    return folder


def test_an_index_that_may_only_be_read_can_be_asked(others_folder: Path) -> None:
    def ask() -> tuple[list[str], int]:
        store = Store(others_folder)
        vectors, _ = sync.current_vectors(store)
        return sorted({h.release_id for h in found(store, "shown")}), len(vectors)

    assert as_another_user(ask) == "(['cell', 'nameless', 'old', 'undated'], 6)"


@pytest.mark.parametrize("act", ["index", "remove", "rebuild"])
def test_an_index_that_may_only_be_read_is_not_written(others_folder: Path, act: str) -> None:
    source = others_folder.parent / "in"
    acts: dict[str, Callable[[], object]] = {
        "index": lambda: index(others_folder, source),
        "remove": lambda: sync.remove_path(others_folder, source),
        "rebuild": lambda: sync.rebuild(others_folder, "fake", FakeEmbedder()),
    }
    assert as_another_user(acts[act]).startswith(f"StoreError: {others_folder}")


def test_a_busy_index(folder: Path) -> None:
    with writing(folder):
        for act in (
            lambda: index(folder, folder.parent / "in"),
            lambda: sync.remove_path(folder, folder.parent / "in"),
            lambda: sync.rebuild(folder, "fake", FakeEmbedder()),
        ):
            with pytest.raises(IndexBusy) as raised:
                act()
            assert str(raised.value) == (
                f"{folder}: another run is writing to this index; wait for it to end"
            )
    assert index(folder, folder.parent / "in").unchanged == 5


def test_a_change_that_fails_changes_nothing(folder: Path) -> None:
    store = Store(folder)
    before = rows(folder, "SELECT * FROM releases"), store.generation
    entry = rows(folder, "SELECT id FROM releases")[0][0]
    with pytest.raises(StoreError, match="cannot be written"):
        store.apply([], {}, [entry, object()])  # type: ignore[list-item]
    assert (rows(folder, "SELECT * FROM releases"), store.generation) == before
    store.close()
    sound(folder)


def test_a_full_disk_is_an_error_of_ours(folder: Path) -> None:
    store = Store(folder)
    store._connection().execute("PRAGMA max_page_count = 1")  # as many as there are
    manifest = store.manifest
    assert manifest == Manifest("fake", "fake-1", DIMENSION, "float32", CHUNKING)
    before = store.release_ids()
    pages = rows(folder, "PRAGMA page_count")[0][0]
    big = Entry(Release("big", "x" * 4096 * pages, "t"), "f", b"", (), ())
    with pytest.raises(StoreError, match="cannot be written"):
        store.apply([big], {})
    assert store.release_ids() == before
    store.close()
    sound(folder)


# -- threads -------------------------------------------------------------------------------------


def test_threads_read_at_once(folder: Path) -> None:
    store = Store(folder)
    wanted = [(h.release_id, h.score) for h in found(store, "shown")]
    wrong: list[object] = []

    def ask() -> None:
        for _ in range(20):
            try:
                got = [(h.release_id, h.score) for h in found(store, "shown")]
            except Exception as exc:
                wrong.append(exc)
            else:
                if got != wanted:
                    wrong.append(got)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    store.close()


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts open files as Linux shows them")
def test_a_thread_that_ends_leaves_no_file_open(folder: Path) -> None:
    """A server starts threads without end; each would hold its connection till the store closes."""
    store = Store(folder)
    store.release_ids()
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(40):
        thread = threading.Thread(target=store.release_ids)
        thread.start()
        thread.join()
    left = len(os.listdir("/proc/self/fd")) - before
    store.close()
    assert left <= 10


def test_create_leaves_no_parts(tmp_path: Path) -> None:
    Store.create(tmp_path / "a" / "b", Manifest("m", "f", 4, "float32", CHUNKING)).close()
    assert [p.name for p in (tmp_path / "a" / "b").iterdir() if "part" in p.name] == []


def test_a_database_put_back_from_a_copy_never_meets_vectors_of_another_past(tmp_path: Path) -> None:
    """The vector file of a past that did not come to pass (a backup put back, a power cut) is refused."""
    source, folder = tmp_path / "in", tmp_path / "index"
    write_lines(source / "a.jsonl", record("a", "First of all."))
    index(folder, source)
    shutil.copy(folder / DATABASE, tmp_path / "copy")
    write_lines(source / "b.jsonl", record("b", "Lost with the power, this one."))
    index(folder, source)
    shutil.copy(tmp_path / "copy", folder / DATABASE)
    write_lines(source / "b.jsonl", record("c", "Another thing entirely happened."))
    index(folder, source)
    store = Store(folder)
    vectors, _ = sync.current_vectors(store)
    for id_ in vectors.ids.tolist():
        (near, score), *_ = vectors.search(store.vectors([id_]), 1)
        assert (near, round(score, 2)) == (id_, 1.0)
    store.close()


# -- what a search found -------------------------------------------------------------------------


def text_id(folder: Path, like: str) -> int:
    """The id of the one text that holds these words."""
    ((id_,),) = rows(folder, f"SELECT id FROM texts WHERE instr(text, '{like}')")
    return int(id_)


OLD, NEW = dt.date(2020, 1, 1), dt.date(2022, 6, 1)


@pytest.mark.parametrize(
    ("wanted", "filters", "expected"),
    [
        (None, {}, ("new", 3, OLD, NEW)),
        (Wanted(), {}, ("new", 3, OLD, NEW)),
        (Wanted(oldest=True), {}, ("old", 3, OLD, NEW)),
        (Wanted(("Bolt & Söhne",)), {}, ("undated", 3, OLD, NEW)),
        (Wanted(("Nobody", "Acme Corporation")), {}, ("new", 3, OLD, NEW)),
        (Wanted(("Acme Corporation",), oldest=True), {}, ("old", 3, OLD, NEW)),
        (Wanted(("Nobody",)), {}, ("new", 3, OLD, NEW)),
        (Wanted(first=OLD, last=OLD), {}, ("old", 3, OLD, NEW)),
        (Wanted(first=dt.date(2020, 6, 1), last=dt.date(2020, 6, 30)), {}, ("old", 3, OLD, NEW)),
        (Wanted(first=dt.date(2021, 12, 1), last=dt.date(2021, 12, 31)), {}, ("new", 3, OLD, NEW)),
        (Wanted(first=dt.date.min, last=dt.date.max), {}, ("new", 3, OLD, NEW)),
        (Wanted(first=dt.date.min, last=dt.date.max, oldest=True), {}, ("old", 3, OLD, NEW)),
        (Wanted(("Bolt & Söhne",), OLD, OLD), {}, ("undated", 3, OLD, NEW)),
        (None, {"as_of": OLD}, ("old", 1, OLD, OLD)),
        (None, {"as_of": dt.date(2022, 5, 31)}, ("old", 1, OLD, OLD)),
        (None, {"as_of": NEW}, ("new", 2, OLD, NEW)),
        (Wanted(first=NEW, last=NEW), {"as_of": OLD}, ("old", 1, OLD, OLD)),
        (Wanted(("Bolt & Söhne",)), {"company": "Acme"}, ("new", 2, OLD, NEW)),
        (None, {"company": "Söhne"}, ("undated", 1, None, None)),
        (None, {"since": dt.date(2021, 1, 1)}, ("new", 1, NEW, NEW)),
        (None, {"as_of": dt.date(2019, 1, 1)}, None),
    ],
)
def test_which_carrier_of_a_text_is_found(
    folder: Path, wanted: Wanted | None, filters: dict[str, Any], expected: tuple[Any, ...] | None
) -> None:
    store = Store(folder)
    got = store.found([text_id(folder, "Tucson")], Filters(**filters), wanted)
    shown = [(f.hit.release_id, f.hit.carriers, f.hit.first_seen, f.hit.last_seen) for f in got]
    assert shown == ([expected] if expected else [])
    store.close()


def test_what_is_found_has_all_that_ranks_it(folder: Path) -> None:
    store = Store(folder)
    id_ = text_id(folder, "Rome")
    (got,) = store.found([id_, 999_999])
    assert (got.text_id, got.nth, got.hit.quote) == (id_, 0, "The cell was shown in Rome.")
    assert got.codes.tolist() == codes(got.hit.quote).tolist()
    assert got.marks == marks(got.hit.quote)
    assert got.vector.tolist() == store.vectors([id_])[0].tolist()
    assert store.found([]) == []
    store.close()


def test_a_release_that_repeats_a_text_carries_it_once(tmp_path: Path) -> None:
    legal = "About Acme\n\nAcme makes anvils."
    source = write_lines(
        tmp_path / "a.jsonl",
        record("r", f"{legal}\n\nAbout Bolt\n\nBolt makes bolts.\n\n{legal}", date="2020-01-01"),
    )
    index(tmp_path / "index", source)
    store = Store(tmp_path / "index")
    id_ = text_id(tmp_path / "index", "anvils")
    ((got),) = store.found([id_])
    assert (got.hit.carriers, got.hit.start, got.nth) == (1, 0, 0)
    assert {f.nth for f in store.found([id_], None, None, [id_])} == {0, 1}
    store.close()


@pytest.fixture
def partly_shared(tmp_path: Path) -> Path:
    """Release a, of three texts: its body, and of two others one that a later release b has too."""
    shared = "About Bolt\n\nBolt makes bolts."
    source = write_lines(
        tmp_path / "a.jsonl",
        record(
            "a",
            f"The anvil was shown.\n\nAbout Acme\n\nAcme makes anvils.\n\n{shared}",
            date="2020-01-01",
        ),
        record("b", f"The nut was sold.\n\n{shared}", date="2022-01-01"),
        record("c", "The cell was shown.", date="2020-01-01"),
    )
    index(tmp_path / "index", source)
    return tmp_path / "index"


@pytest.mark.parametrize(
    ("whole", "as_of", "expected"),
    [
        ([], None, {"shown"}),
        (["anvil was shown"], None, {"shown", "Acme"}),
        (["makes anvils"], None, {"shown", "Acme"}),
        (["makes bolts"], None, {"shown"}),  # of two releases, so of none
        (["nut was sold"], None, {"shown", "sold"}),
        (["anvil was shown", "nut was sold"], None, {"shown", "Acme", "sold"}),
        # as of a day before b, a holds it alone
        (["anvil was shown"], dt.date(2021, 1, 1), {"shown", "Acme", "Bolt"}),
        (["makes bolts"], dt.date(2021, 1, 1), {"shown", "Acme", "Bolt"}),
        (["nut was sold"], dt.date(2021, 1, 1), {"shown"}),
    ],
)
def test_a_text_brings_the_others_of_its_release(
    partly_shared: Path, whole: list[str], as_of: dt.date | None, expected: set[str]
) -> None:
    store = Store(partly_shared)
    ids = [text_id(partly_shared, like) for like in whole]
    got = store.found([text_id(partly_shared, "anvil was shown")], Filters(as_of=as_of), None, ids)
    texts = {f.hit.quote for f in got}
    assert len(texts) == len(got) == len(expected)
    assert all(any(word in text for text in texts) for word in expected)
    store.close()


# -- names ---------------------------------------------------------------------------------------


@pytest.fixture
def named(tmp_path: Path) -> Path:
    """Releases that state names: of Platin three, the last undated; of Ace Health one of its two."""
    write_lines(
        tmp_path / "named" / "in" / "a.jsonl",
        record("p1", "Acme sued Platin Home Care Inc. (Platin) in May.", date="2020-01-01"),
        record("p3", "Ada sued Platin Home Care Inc. (Platin) in vain."),
        record("ace-old", "Ace Health grew.", date="2019-01-01", company="Ace Health"),
        record(
            "ace",
            "Ace Health, formerly known as Bolt Care, grew.",
            date="2021-01-01",
            company="Ace Health",
        ),
    )
    write_lines(
        tmp_path / "named" / "in" / "b.jsonl",
        record("p2", "Bolt sued Platin Home Care Inc. (Platin) in June.", date="2021-01-01"),
    )
    index(tmp_path / "named" / "index", tmp_path / "named" / "in")
    return tmp_path / "named" / "index"


@pytest.mark.parametrize(
    ("name", "filters", "expected"),
    [
        ("Platin", {}, (3, "p2")),
        ("PLATIN", {}, (3, "p2")),
        ("Platin Home Care Inc.", {}, (3, "p2")),
        ("Platin", {"as_of": dt.date(2021, 1, 1)}, (2, "p2")),
        ("Platin", {"as_of": dt.date(2020, 12, 31)}, (1, "p1")),
        ("Platin", {"until": dt.date(2020, 12, 31)}, (1, "p1")),
        ("Platin", {"as_of": dt.date(2019, 12, 31)}, None),
        ("Platin", {"company": "Ace Health"}, None),
        ("Plat", {}, None),
        ("", {}, None),
    ],
)
def test_pairs_of_names(
    named: Path, name: str, filters: dict[str, Any], expected: tuple[int, str] | None
) -> None:
    store = Store(named)
    got = store.aliases([alias_key(name)], Filters(**filters))
    assert [(pair.count, pair.release_id) for pair in got] == ([expected] if expected else [])
    for pair in got:
        release = store.release(pair.release_id)
        assert (pair.name, pair.of, pair.kind) == ("Platin", "Platin Home Care Inc.", "short-name")
        assert {pair.name, pair.of} <= {
            w for w in (pair.name, pair.of) if w in release.text[pair.start : pair.end]
        }
        assert (pair.date, pair.title) == (release.date, release.title)
    store.close()


def test_several_pairs_come_most_stated_first(named: Path) -> None:
    store = Store(named)
    got = store.aliases([alias_key("Bolt Care"), alias_key("platin")])
    assert [(pair.name, pair.of, pair.count) for pair in got] == [
        ("Platin", "Platin Home Care Inc.", 3), ("Bolt Care", "Ace Health", 1),
    ]  # fmt: skip
    assert store.aliases([]) == []
    store.close()


def test_names_go_with_their_release(named: Path) -> None:
    def counts() -> list[int]:
        store = Store(named)
        try:
            return [pair.count for pair in store.aliases([alias_key("Platin")])]
        finally:
            store.close()

    source = named.parent / "in"
    sync.remove_path(named, source / "b.jsonl")
    assert counts() == [2]
    write_lines(source / "b.jsonl", record("p1", "Platin won.", date="2020-01-01"))
    write_lines(source / "a.jsonl", record("p3", "Ada sued nobody."))
    index(named, source)
    assert counts() == []
    sound(named)


def test_names_of_issuers(named: Path, folder: Path) -> None:
    store = Store(folder)
    assert sorted(store.issuers()) == [
        ("2171 hk", "Jade Cell Holdings Limited", dt.date(2021, 1, 1)),
        ("acm", "Acme Corporation", OLD),
        ("acme", "Acme Corporation", OLD),
        ("acme corporation", "Acme Corporation", OLD),
        ("bolt söhne", "Bolt & Söhne", None),
        ("hkex 2171", "Jade Cell Holdings Limited", dt.date(2021, 1, 1)),
        ("jade cell holdings limited", "Jade Cell Holdings Limited", dt.date(2021, 1, 1)),
        ("nyse acm", "Acme Corporation", OLD),
    ]
    store.close()
    store = Store(named)
    assert sorted(store.issuers()) == [
        ("ace health", "Ace Health", dt.date(2019, 1, 1)),
        ("bolt care", "Ace Health", dt.date(2021, 1, 1)),
    ]
    store.close()


@pytest.mark.parametrize(
    ("filters", "ids"),
    [
        ({"company": "Bolt Care"}, {"ace", "ace-old"}),
        ({"company": "bolt care"}, {"ace", "ace-old"}),
        ({"company": "Bolt"}, set()),
        ({"company": "Bolt Care", "until": dt.date(2020, 1, 1)}, {"ace-old"}),
        ({"company": "Bolt Care", "as_of": dt.date(2021, 1, 1)}, {"ace", "ace-old"}),
        # nothing said yet that the two are one
        ({"company": "Bolt Care", "as_of": dt.date(2020, 12, 31)}, set()),
        ({"company": "Platin"}, set()),
    ],
)
def test_an_issuer_is_found_by_what_its_releases_call_it(
    named: Path, filters: dict[str, Any], ids: set[str]
) -> None:
    store = Store(named)
    assert selected(store, **filters) == ids
    if len(filters) == 1:
        assert store.has_company(filters["company"]) == bool(ids)
    store.close()


# -- writing of all kinds ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "is_found"),
    [
        ("car", True),
        ("ＣＡＲ", True),
        ("IL-1 beta", True),
        ("il 1 β", True),
        ("zorkia", True),
        ("Zorkia™", True),
        ("zorkiatm", False),
        ("京", True),
        ("北京", True),
        ("京北", False),
        ("ΕΛΛΑΔΑ", True),
        ("ελλάδα", True),
        ("sohne", True),
        ("fine", True),
    ],
)
def test_words_are_found_however_they_are_written(tmp_path: Path, query: str, is_found: bool) -> None:
    text = "A ＣＡＲ against IL-1β, called Zorkia™, is made in 北京 and Ελλάδα by Söhne; it is ﬁne."
    folder = tmp_path / "index"
    index(folder, write_lines(tmp_path / "a.jsonl", record("r", text, title="T")))
    store = Store(folder)
    assert [h.quote for h in found(store, f'"{" ".join(words(query))}"')] == ([text] if is_found else [])
    store.close()
    sound(folder)


def test_the_speaker_of_a_quotation_is_kept(tmp_path: Path) -> None:
    text = "Acme met in Oslo.\n\n“We are very glad of this plant in Oslo,” said Jane Roe, chief of Acme."
    assert [s.speaker for s in sections(text) if s.speaker] == ["Jane Roe"]
    index(tmp_path / "index", write_lines(tmp_path / "a.jsonl", record("r", text)))
    store = Store(tmp_path / "index")
    assert store.sections("r") == sections(text)
    store.close()
