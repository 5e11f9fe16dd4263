"""The single source of truth, with SQLite; the only file that imports it.

Releases are kept whole. A passage is a span of a release and points to its text, which is stored,
indexed for words and embedded once, however many releases carry it. Every change is one
transaction that also raises the generation, so a reader sees a whole state and can tell it from
the one before.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import re
import sqlite3
import threading
import uuid
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
from filelock import FileLock, Timeout

from .aliases import Alias
from .aliases import key as alias_key
from .errors import IndexBusy, IndexMismatch, IndexMissing, NotInIndex, StoreError
from .marks import marks
from .terms import codes, folded
from .types import Filters, Found, Hit, NamePair, Overview, Passage, Release, Section, Vectors, Wanted

SCHEMA = 2
DATABASE = "releases.sqlite"
VECTORS = "vectors.faiss"
CACHE = 32_000  # KiB of pages that a connection keeps at most
TITLE_WEIGHT = 0.6
"""Weight of a word in the title against one in the text (1.0), in BM25."""

_TABLES = """
CREATE TABLE manifest (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE states (  -- one a change; what was derived from a state that is not here is not ours
    generation INTEGER PRIMARY KEY, token TEXT NOT NULL UNIQUE
);
CREATE TABLE releases (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    digest BLOB NOT NULL,
    file TEXT NOT NULL,
    title TEXT NOT NULL,
    date TEXT,
    company TEXT,
    names TEXT NOT NULL,
    tickers TEXT NOT NULL,
    place TEXT,
    wire TEXT,
    url TEXT,
    extra TEXT NOT NULL,
    text TEXT NOT NULL
);
CREATE INDEX releases_file ON releases (file);
CREATE INDEX releases_date ON releases (date);
CREATE TABLE sections (
    release INTEGER NOT NULL REFERENCES releases ON DELETE CASCADE,
    start INTEGER NOT NULL, end INTEGER NOT NULL, kind TEXT NOT NULL, speaker TEXT,
    PRIMARY KEY (release, start)
) WITHOUT ROWID;
CREATE TABLE texts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,  -- never used twice, so a stale vector finds nothing
    hash BLOB NOT NULL UNIQUE,
    text TEXT NOT NULL,
    title TEXT NOT NULL,
    codes BLOB NOT NULL,  -- of its words, in order
    marks INTEGER NOT NULL
);
CREATE TABLE vectors (
    hash BLOB PRIMARY KEY REFERENCES texts (hash) ON DELETE CASCADE, vector BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE passages (
    release INTEGER NOT NULL REFERENCES releases ON DELETE CASCADE,
    start INTEGER NOT NULL, end INTEGER NOT NULL, section TEXT NOT NULL,
    nth INTEGER NOT NULL,  -- place in the release, from 0
    text INTEGER NOT NULL REFERENCES texts,
    PRIMARY KEY (release, start)
) WITHOUT ROWID;
CREATE INDEX passages_text ON passages (text);
CREATE TABLE aliases (
    release INTEGER NOT NULL REFERENCES releases ON DELETE CASCADE,
    name_key TEXT NOT NULL, of_key TEXT NOT NULL, name TEXT NOT NULL, of TEXT NOT NULL,
    kind TEXT NOT NULL, start INTEGER NOT NULL, end INTEGER NOT NULL,
    PRIMARY KEY (release, name_key, of_key)
) WITHOUT ROWID;
CREATE INDEX aliases_name ON aliases (name_key);
CREATE INDEX aliases_of ON aliases (of_key);
CREATE VIEW searched AS SELECT id, folded(text) AS text, folded(title) AS title FROM texts;
CREATE VIRTUAL TABLE words USING fts5 (
    text, title, content='searched', content_rowid='id',
    tokenize='porter unicode61 remove_diacritics 2'
);
CREATE VIRTUAL TABLE terms USING fts5vocab (words, row);
CREATE TRIGGER texts_insert AFTER INSERT ON texts BEGIN
    INSERT INTO words (rowid, text, title) VALUES (new.id, folded(new.text), folded(new.title));
END;
CREATE TRIGGER texts_delete AFTER DELETE ON texts BEGIN
    INSERT INTO words (words, rowid, text, title)
    VALUES ('delete', old.id, folded(old.text), folded(old.title));
END;
CREATE TRIGGER texts_update AFTER UPDATE OF title ON texts BEGIN
    INSERT INTO words (words, rowid, text, title)
    VALUES ('delete', old.id, folded(old.text), folded(old.title));
    INSERT INTO words (rowid, text, title) VALUES (new.id, folded(new.text), folded(new.title));
END;
"""

_CALLED = (
    "SELECT of FROM aliases a JOIN releases s ON s.key = a.release"
    " WHERE name_key = ? AND kind <> 'abbreviation' AND s.company = a.of"
)


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an index was made with: embedding model, its number type, chunking."""

    embedder: str
    fingerprint: str
    dimension: int
    number_type: str
    chunking: str


def _manifest(facts: Mapping[str, str]) -> Manifest:
    return Manifest(
        facts["embedder"],
        facts["fingerprint"],
        int(facts["dimension"]),
        facts["number_type"],
        facts["chunking"],
    )


@dataclass(frozen=True, slots=True)
class Entry:
    """A release with all that is derived from it, as the store takes it in."""

    release: Release
    file: str
    digest: bytes
    sections: tuple[Section, ...]
    passages: tuple[Passage, ...]
    aliases: tuple[Alias, ...] = ()


def text_hash(text: str) -> bytes:
    """The key under which a text and its vector are stored: SHA-256, first 16 bytes."""
    return hashlib.sha256(text.encode()).digest()[:16]


def name_key(name: str) -> str:
    """A name as it is compared: case folded words with one space around each."""
    return " " + " ".join(re.findall(r"\w+", name.casefold())) + " "


class Store:
    """An index on disk, ``folder``. Safe to use from several threads; each has its connection."""

    def __init__(self, folder: Path) -> None:
        """Open an index. Raises IndexMissing, or IndexMismatch for one of another schema."""
        self.folder = folder
        self._local = threading.local()
        self._held: weakref.WeakSet[_Held] = weakref.WeakSet()
        try:
            there = (folder / DATABASE).is_file()
        except OSError as exc:
            raise StoreError(f"{str(folder)[:200]}: cannot be opened: {exc.strerror}") from exc
        if not there:
            raise IndexMissing(
                f"{folder}: there is no index here; make one: releaseqa index PATH --index {folder}"
            )
        facts = self._facts()
        if facts.get("schema") != str(SCHEMA):
            self.close()
            raise IndexMismatch(
                f"{folder} has schema {facts.get('schema')}, this program schema {SCHEMA}; move the "
                f"folder away and make it again: releaseqa index PATH --index {folder}"
            )
        self.manifest = _manifest(facts)

    @classmethod
    def create(cls, folder: Path, manifest: Manifest) -> Store:
        """Make an empty index. Raises StoreError where the folder cannot be written."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            part = folder / f"{DATABASE}.{uuid.uuid4().hex}.part"
            facts = {
                "schema": SCHEMA,
                "embedder": manifest.embedder,
                "fingerprint": manifest.fingerprint,
                "dimension": manifest.dimension,
                "number_type": manifest.number_type,
                "chunking": manifest.chunking,
            }
            with closing(sqlite3.connect(part)) as connection:
                connection.executescript(_TABLES)
                connection.executemany(
                    "INSERT INTO manifest VALUES (?, ?)", [(k, str(v)) for k, v in facts.items()]
                )
                _next_state(connection)
                connection.commit()
                connection.execute("PRAGMA journal_mode = WAL")  # a property of the file from here on
            part.replace(folder / DATABASE)  # a reader sees no half-made index
        except (OSError, sqlite3.Error) as exc:
            raise StoreError(f"{folder}: cannot make an index here: {exc}") from exc
        return cls(folder)

    def close(self) -> None:
        for held in list(self._held):
            held.connection.close()
        self._held.clear()
        self._local = threading.local()

    # -- reading ---------------------------------------------------------------------------------

    @property
    def generation(self) -> int:
        """The number of changes, for people; two copies of an index may number theirs alike."""
        return int(self._one("SELECT max(generation) - 1 FROM states")[0])

    @property
    def state(self) -> str:
        """A token of the present content; equal tokens mean equal content, in any copy."""
        return str(self._one("SELECT token FROM states ORDER BY generation DESC LIMIT 1")[0])

    def descends_from(self, state: str) -> bool:
        """Whether the content was once that of the token ``state``."""
        return bool(self._rows("SELECT 1 FROM states WHERE token = ?", (state,)))

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """All that is read inside comes from one state of the index."""
        connection = self._connection()
        connection.execute("BEGIN")
        try:
            yield
        finally:
            connection.rollback()

    def release(self, release_id: str) -> Release:
        """The release of that id. Raises NotInIndex."""
        row = self._rows(
            "SELECT id, text, title, date, company, tickers, place, wire, url, extra"
            " FROM releases WHERE id = ?",
            (release_id,),
        )
        if not row:
            raise NotInIndex(f"no release {release_id!r} in {self.folder}; releaseqa search finds ids")
        id_, text, title, date, company, tickers, place, wire, url, extra = row[0]
        return Release(
            id_, text, title, _date(date), company, tuple(json.loads(tickers)), place, wire, url,
            json.loads(extra),
        )  # fmt: skip

    def texts(self, release_ids: Iterable[str]) -> dict[str, str]:
        """The texts of these releases, by id."""
        return dict(self._rows_in("SELECT id, text FROM releases WHERE id", release_ids))

    def file_of(self, release_id: str) -> str:
        """The file that a release was read from. Raises NotInIndex."""
        row = self._rows("SELECT file FROM releases WHERE id = ?", (release_id,))
        if not row:
            raise NotInIndex(f"no release {release_id!r} in {self.folder}; releaseqa search finds ids")
        return str(row[0][0])

    def sections(self, release_id: str) -> list[Section]:
        """The sections of a release, in order."""
        rows = self._rows(
            "SELECT kind, s.start, s.end, speaker FROM sections s JOIN releases r ON r.key = s.release"
            " WHERE r.id = ? ORDER BY s.start",
            (release_id,),
        )
        return [Section(*row) for row in rows]

    def release_ids(self) -> list[str]:
        return [row[0] for row in self._rows("SELECT id FROM releases ORDER BY id")]

    def known(self, release_ids: Iterable[str]) -> dict[str, tuple[bytes, str]]:
        """Digest and file of those of these releases that the index holds."""
        return {
            row[0]: (row[1], row[2])
            for row in self._rows_in("SELECT id, digest, file FROM releases WHERE id", release_ids)
        }

    def ids_under(self, path: Path) -> dict[str, str]:
        """The releases that were read from this file or from files in this folder: id to file."""
        own, below = str(path), str(path).rstrip("/\\")
        rows = self._rows(
            "SELECT id, file FROM releases WHERE file = ? OR substr(file, 1, ?) IN (?, ?)",
            (own, len(below) + 1, below + "/", below + "\\"),
        )
        return dict(rows)

    def missing_texts(self, texts: Mapping[bytes, str]) -> dict[bytes, str]:
        """Those of these texts, by hash, that the index does not hold yet."""
        held = {row[0] for row in self._rows_in("SELECT hash FROM texts WHERE hash", texts)}
        return {key: text for key, text in texts.items() if key not in held}

    def text_ids(self, filters: Filters | None = None) -> np.ndarray:
        """Ids of the texts that releases within ``filters`` carry, int64, ascending."""
        if not filters:
            rows = self._rows("SELECT id FROM texts ORDER BY id")
        else:
            where, values = _where(filters)
            rows = self._rows(
                "SELECT DISTINCT p.text FROM passages p JOIN releases r ON r.key = p.release"
                f" WHERE {where} ORDER BY p.text",
                values,
            )
        return np.fromiter((row[0] for row in rows), dtype=np.int64, count=len(rows))

    def vectors(self, text_ids: Iterable[int]) -> Vectors:
        """Stored vectors of these texts, shape (len(text_ids), dimension), in their order."""
        ids = [int(i) for i in text_ids]
        rows = dict(
            self._rows_in(
                "SELECT t.id, v.vector FROM texts t JOIN vectors v ON v.hash = t.hash WHERE t.id", ids
            )
        )
        data = b"".join(rows[i] for i in ids)
        found = np.frombuffer(data, dtype=np.float16).astype(np.float32)
        return found.reshape(len(ids), self.manifest.dimension)

    def term_counts(self, terms: Iterable[str]) -> dict[str, int]:
        """In how many texts (or their titles) each of these stemmed terms occurs, where it does."""
        return dict(self._rows_in("SELECT term, doc FROM terms WHERE term", terms))

    def begins(self, start: str) -> bool:
        """Whether any stemmed term begins so."""
        rows = self._rows(
            "SELECT 1 FROM terms WHERE term >= ? AND term < ? LIMIT 1", (start, start + "\U0010ffff")
        )
        return bool(rows)

    def common_terms(self, least: int) -> dict[str, int]:
        """The stemmed terms that at least ``least`` texts hold, with the number that do."""
        return dict(self._rows("SELECT term, doc FROM terms WHERE doc >= ?", (least,)))

    def text_count(self) -> int:
        return int(self._one("SELECT count(*) FROM texts")[0])

    def match(self, query: str, k: int, filters: Filters | None = None) -> list[tuple[int, float]]:
        """The ``k`` best texts for an FTS5 query: (text id, BM25), higher is better.

        ``filters`` restrict the search itself, so that ``k`` of them are found.
        """
        where, values = _where(filters) if filters else ("", [])
        among = (
            " AND +rowid IN (SELECT p.text FROM passages p"  # or each of them is looked up on its own
            f" JOIN releases r ON r.key = p.release WHERE {where})"
            if where
            else ""
        )
        rows = self._rows(
            f"SELECT rowid, bm25(words, 1.0, {TITLE_WEIGHT}) AS score FROM words"
            f" WHERE words MATCH ?{among} ORDER BY score LIMIT ?",
            [query, *values, k],
        )
        return [(row[0], -row[1]) for row in rows]  # FTS5 returns the negative: lower is better

    def found(
        self,
        text_ids: Iterable[int],
        filters: Filters | None = None,
        wanted: Wanted | None = None,
        whole: Iterable[int] = (),
    ) -> list[Found]:
        """A passage of each of these texts that releases within ``filters`` carry, by text hash.

        And of the other texts of the releases that texts in ``whole`` are from; in both cases of texts
        that no second release within ``filters`` carries.

        Of several that carry a text it is that of a release by a wanted company, else of the nearest to
        the wanted days, else of the newest (the oldest where that is wanted), in its first place there.
        """
        where, values = _where(filters) if filters else ("1", [])
        order, wishes = _preference(wanted or Wanted())
        rows = self._rows(
            "SELECT x.*, t.hash, t.text, t.codes, t.marks, v.vector FROM (SELECT p.text AS id, r.id,"
            " min(p.start), p.end, p.section, p.nth, r.title, r.date, r.company, count(*) OVER own,"
            " min(r.date) OVER own, max(r.date) OVER own,"
            f" row_number() OVER (PARTITION BY p.text ORDER BY {order}) AS place"
            " FROM passages p JOIN releases r ON r.key = p.release"
            f" WHERE {where} AND p.text IN (SELECT value FROM json_each(?)"
            " UNION SELECT b.text FROM passages b WHERE b.release IN (SELECT p.release FROM passages p"
            f" JOIN releases r ON r.key = p.release WHERE {where}"
            " AND p.text IN (SELECT value FROM json_each(?))"
            " GROUP BY p.text HAVING count(DISTINCT p.release) = 1)"
            " AND NOT EXISTS (SELECT 1 FROM passages p JOIN releases r ON r.key = p.release"
            f" WHERE {where} AND p.text = b.text AND p.release <> b.release))"
            " GROUP BY p.text, r.key"  # one that repeats a text carries it once, in its first place
            " WINDOW own AS (PARTITION BY p.text)) x"
            " JOIN texts t ON t.id = x.id JOIN vectors v ON v.hash = t.hash"
            " WHERE place = 1 ORDER BY t.hash",
            [
                *wishes,
                *values,
                json.dumps([int(i) for i in text_ids]),
                *values,
                json.dumps([int(i) for i in whole]),
                *values,
            ],
        )
        return [_found(row) for row in rows]

    def hits(self, scores: Mapping[int, float], filters: Filters | None = None) -> list[Hit]:
        """A passage of each of these texts with its score, best first, as ``found`` has them."""
        ranked = sorted(self.found(scores, filters), key=lambda found: -scores[found.text_id])
        return [replace(found.hit, score=scores[found.text_id]) for found in ranked]

    def companies(self) -> list[tuple[str, int]]:
        """Issuers with their number of releases, most first."""
        return self._rows(
            "SELECT company, count(*) FROM releases WHERE company IS NOT NULL"
            " GROUP BY company ORDER BY 2 DESC, 1"
        )

    def issuers(self) -> list[tuple[str, str, dt.date | None]]:
        """Each name of each issuer: (name, issuer, day of the first release that has both).

        Its full name, its tickers, and what its own releases say it is called, written as ``name_key``
        does, without the outer spaces.
        """
        rows = self._rows(
            "SELECT names, company, min(date) FROM releases WHERE company IS NOT NULL"
            " GROUP BY 1, 2 ORDER BY 3 IS NULL, 3, 2"  # so that later releases change no earlier day
        )
        found = [(name.strip(), company, _date(date)) for names, company, date in rows
                 for name in names.split("|")]  # fmt: skip
        called = self._rows(
            "SELECT a.name, r.company, min(r.date) FROM aliases a JOIN releases r ON r.key = a.release"
            " WHERE r.company IS NOT NULL AND a.of = r.company AND a.kind <> 'abbreviation'"
            " GROUP BY 1, 2 ORDER BY 3 IS NULL, 3, 2"
        )
        found += [(name_key(name).strip(), company, _date(date)) for name, company, date in called]
        return [entry for entry in found if entry[0]]

    def aliases(self, keys: Iterable[str], filters: Filters | None = None) -> list[NamePair]:
        """The pairs of names of which one has such a key (see ``aliases.key``), most often stated first.

        Each with the number of releases within ``filters`` that state it, and where the newest does.
        """
        where, values = _where(filters) if filters else ("1", [])
        asked = json.dumps(sorted(set(keys)))
        rows = self._rows(
            "SELECT a.name, a.of, a.kind, count(*), r.id, a.start, a.end,"
            " max(coalesce(r.date, '')), r.title FROM aliases a JOIN releases r ON r.key = a.release"
            f" WHERE {where} AND (a.name_key IN (SELECT value FROM json_each(?))"
            " OR a.of_key IN (SELECT value FROM json_each(?)))"
            " GROUP BY a.name_key, a.of_key ORDER BY 4 DESC, a.name_key, a.of_key",
            [*values, asked, asked],
        )
        return [
            NamePair(name, of, kind, count, id_, start, end, _date(date), title)
            for name, of, kind, count, id_, start, end, date, title in rows
        ]

    def has_company(self, company: str, as_of: dt.date | None = None) -> bool:
        """Whether a company filter selects anything, of what is known on the day ``as_of``."""
        where, values = _where(Filters(company=company, as_of=as_of))
        return bool(self._rows(f"SELECT 1 FROM releases r WHERE {where} LIMIT 1", values))

    def days(self) -> tuple[dt.date | None, dt.date | None]:
        """The dates of the first and the last release; None where none has one."""
        first, last = self._one("SELECT min(date), max(date) FROM releases")
        return _date(first), _date(last)

    def overview(self) -> Overview:
        """Counts and spans, for people."""
        releases, first, last = self._one("SELECT count(*), min(date), max(date) FROM releases")
        files = self._rows("SELECT file, count(*) FROM releases GROUP BY file ORDER BY file")
        sources: dict[str, int] = {}
        for file, count in files:  # a folder of single releases is one source
            source = file if count > 1 else str(Path(file).parent)
            sources[source] = sources.get(source, 0) + count
        return Overview(
            path=str(self.folder),
            releases=releases,
            passages=int(self._one("SELECT count(*) FROM passages")[0]),
            texts=self.text_count(),
            first_date=_date(first),
            last_date=_date(last),
            companies=tuple(self.companies()),
            sources=tuple(sources.items()),
            embedder=self.manifest.embedder,
            generation=self.generation,
            bytes=_size(self.folder),
        )

    # -- writing ---------------------------------------------------------------------------------

    def replace_with(self, other: Store) -> None:
        """Take over all that ``other`` holds, in one step; readers see the old or the new.

        Raises StoreError.
        """
        try:
            other._connection().backup(self._connection())
        except sqlite3.Error as exc:
            raise StoreError(f"{self.folder}: cannot be written: {exc}") from exc

    def check_unchanged(self) -> None:
        """Raises IndexMismatch where another process has made the index again with other settings."""
        if _manifest(self._facts()) != self.manifest:
            raise IndexMismatch(f"{self.folder} was made again with other settings; open it again")

    def apply(
        self,
        entries: Sequence[Entry],
        vectors: Mapping[bytes, np.ndarray],
        drop: Sequence[str] = (),
    ) -> None:
        """Add or replace ``entries`` and delete the releases ``drop``, in one transaction.

        ``vectors`` holds the unit vector of every text of the entries that the index lacks, by hash.
        Raises StoreError (a full disk, say); then nothing has changed.
        """
        connection = self._connection()
        try:
            connection.execute("BEGIN IMMEDIATE")
            self._apply(connection, entries, vectors, drop)
            _next_state(connection)
            connection.commit()
        except sqlite3.Error as exc:
            connection.rollback()
            raise StoreError(f"{self.folder}: cannot be written: {exc}") from exc
        except BaseException:
            connection.rollback()
            raise

    def _apply(
        self,
        db: sqlite3.Connection,
        entries: Sequence[Entry],
        vectors: Mapping[bytes, np.ndarray],
        drop: Sequence[str],
    ) -> None:
        keys: dict[str, int] = {}
        for id_ in (*drop, *(entry.release.id for entry in entries)):
            row = db.execute("SELECT key FROM releases WHERE id = ?", (id_,)).fetchone()
            if row:
                keys[id_] = row[0]
        touched = {
            row[0]
            for key in keys.values()
            for row in db.execute("SELECT text FROM passages WHERE release = ?", (key,))
        }
        db.executemany("DELETE FROM passages WHERE release = ?", [(k,) for k in keys.values()])
        db.executemany("DELETE FROM sections WHERE release = ?", [(k,) for k in keys.values()])
        db.executemany("DELETE FROM aliases WHERE release = ?", [(k,) for k in keys.values()])
        db.executemany("DELETE FROM releases WHERE id = ?", [(id_,) for id_ in drop])
        new_titles: dict[bytes, set[str]] = {}
        new_texts: dict[bytes, str] = {}
        for entry in entries:
            for passage in entry.passages:
                key = text_hash(passage.text)
                if key in vectors:
                    new_texts[key] = passage.text
                    new_titles.setdefault(key, set()).add(entry.release.title)
        for key, text in new_texts.items():
            db.execute(
                "INSERT INTO texts (hash, text, title, codes, marks) VALUES (?, ?, ?, ?, ?)",
                (key, text, _own_title(new_titles[key]), codes(text).tobytes(), marks(text)),
            )
            db.execute(
                "INSERT INTO vectors VALUES (?, ?)",
                (key, vectors[key].astype(np.float16).tobytes()),
            )
        for entry in entries:
            touched |= self._insert(db, entry, keys.get(entry.release.id), new_texts)
        self._settle(db, touched)

    def _insert(
        self, db: sqlite3.Connection, entry: Entry, key: int | None, new: Mapping[bytes, str]
    ) -> set[int]:
        """Write one release; returns the ids of its texts that the index held before."""
        release = entry.release
        row = (
            release.id, entry.digest, entry.file, release.title,
            release.date and release.date.isoformat(), release.company, _names(release),
            json.dumps(release.tickers), release.place, release.wire, release.url,
            json.dumps(release.extra, ensure_ascii=False, default=str, sort_keys=True), release.text,
        )  # fmt: skip
        columns = "id, digest, file, title, date, company, names, tickers, place, wire, url, extra, text"
        if key is None:
            marks = ", ".join("?" * len(row))
            key = db.execute(f"INSERT INTO releases ({columns}) VALUES ({marks})", row).lastrowid
        else:
            sets = ", ".join(f"{column} = ?" for column in columns.split(", "))
            db.execute(f"UPDATE releases SET {sets} WHERE key = ?", (*row, key))
        db.executemany(
            "INSERT INTO sections VALUES (?, ?, ?, ?, ?)",
            [(key, s.start, s.end, s.kind, s.speaker) for s in entry.sections],
        )
        db.executemany(
            "INSERT INTO aliases VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [(key, alias_key(a.name), alias_key(a.of), a.name, a.of, a.kind, a.start, a.end)
             for a in entry.aliases],
        )  # fmt: skip
        held: set[int] = set()
        for nth, passage in enumerate(entry.passages):
            hash_ = text_hash(passage.text)
            text_id = db.execute("SELECT id FROM texts WHERE hash = ?", (hash_,)).fetchone()[0]
            db.execute(
                "INSERT INTO passages VALUES (?, ?, ?, ?, ?, ?)",
                (key, passage.start, passage.end, passage.section, nth, text_id),
            )
            if hash_ not in new:
                held.add(text_id)
        return held

    def _settle(self, db: sqlite3.Connection, touched: Iterable[int]) -> None:
        """Drop texts that no release carries any more; bring the titles of the others up to date."""
        for text_id in sorted(touched):
            titles = [
                row[0]
                for row in db.execute(
                    "SELECT DISTINCT r.title FROM passages p JOIN releases r ON r.key = p.release"
                    " WHERE p.text = ? LIMIT 2",
                    (text_id,),
                )
            ]
            if titles:
                db.execute(
                    "UPDATE texts SET title = ?1 WHERE id = ?2 AND title <> ?1",
                    (_own_title(titles), text_id),
                )
            else:
                db.execute("DELETE FROM texts WHERE id = ?", (text_id,))

    # -- SQLite ----------------------------------------------------------------------------------

    def _connection(self) -> sqlite3.Connection:
        held: _Held | None = getattr(self._local, "held", None)
        if held is None:
            held = _Held(_open(self.folder / DATABASE))
            self._local.held = held  # goes with its thread
            self._held.add(held)
        return held.connection

    def _rows(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        try:
            return self._connection().execute(sql, values).fetchall()
        except sqlite3.Error as exc:
            raise StoreError(f"{self.folder}: cannot be read: {exc}") from exc

    def _one(self, sql: str, values: Sequence[Any] = ()) -> Any:
        return self._rows(sql, values)[0]

    def _rows_in(self, sql: str, values: Iterable[Any], before: Sequence[Any] = ()) -> list[Any]:
        """Rows of ``sql IN (values)``, asked for in parts that SQLite takes."""
        asked, rows = list(values), []
        for i in range(0, len(asked), 500):
            part = asked[i : i + 500]
            rows += self._rows(f"{sql} IN ({', '.join('?' * len(part))})", [*before, *part])
        return rows

    def _facts(self) -> dict[str, str]:
        try:
            return dict(self._rows("SELECT key, value FROM manifest"))
        except StoreError as exc:
            self.close()
            raise StoreError(
                f"{self.folder / DATABASE} is no index or is damaged ({exc.__cause__}); move it away "
                "and index your releases again"
            ) from exc


class _Held:
    """A connection that is closed when nothing holds it any more."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def __del__(self) -> None:
        self.connection.close()


def _open(path: Path) -> sqlite3.Connection:
    """A connection for one thread; a read-only one where the index may not be written."""
    options: dict[str, Any] = {"timeout": 30, "isolation_level": None, "check_same_thread": False}
    if os.access(path.parent, os.W_OK) and os.access(path, os.W_OK):
        connection: sqlite3.Connection = sqlite3.connect(path, **options)
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.create_function("folded", 1, folded)  # the tables below call it
        connection.execute(f"PRAGMA cache_size = -{CACHE}")
        return connection
    # without leave to make its side files, SQLite reads a database only as one that nobody changes
    unchanging = "" if path.with_name(f"{path.name}-wal").exists() else "&immutable=1"
    address = f"file:{quote(str(path.resolve()))}?mode=ro{unchanging}"
    read_only: sqlite3.Connection = sqlite3.connect(address, uri=True, **options)
    read_only.execute(f"PRAGMA cache_size = -{CACHE}")
    return read_only


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Holds ``folder`` against other writers. Raises IndexBusy; a killed holder lets go."""
    lock = FileLock(folder / "writing.lock")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout as exc:
        raise IndexBusy(f"{folder}: another run is writing to this index; wait for it to end") from exc
    except OSError as exc:
        raise StoreError(f"{folder}: cannot be written: {exc.strerror or exc}") from exc
    try:
        yield
    finally:
        lock.release()


def _next_state(db: sqlite3.Connection) -> None:
    db.execute("INSERT INTO states (token) VALUES (?)", (uuid.uuid4().hex,))


def _size(folder: Path) -> int:
    """Bytes of the files in a folder; those that go away meanwhile do not count."""
    total = 0
    for file in folder.iterdir():
        with suppress(FileNotFoundError):
            total += file.stat().st_size
    return total


def _where(filters: Filters) -> tuple[str, list[Any]]:
    """A condition on ``r`` (releases), and its values."""
    parts, values = ["1"], []
    if filters.company is not None:
        key = name_key(filters.company)
        told = " AND s.date <= ?" if filters.as_of else ""
        parts.append(f"(instr(r.names, ?) OR r.company IN ({_CALLED}{told}))" if key.strip() else "0")
        values += [key, alias_key(filters.company)] if key.strip() else []
        values += [filters.as_of.isoformat()] if key.strip() and filters.as_of else []
    for operator, date in ((">=", filters.since), ("<=", filters.until), ("<=", filters.as_of)):
        if date is not None:
            parts.append(f"r.date {operator} ?")
            values.append(date.isoformat())
    return " AND ".join(parts), values


def _preference(wanted: Wanted) -> tuple[str, list[Any]]:
    """An order of ``r`` (releases) and ``p`` (passages), the wanted first, and its values."""
    parts: list[str] = []
    values: list[Any] = []
    if wanted.companies:
        parts.append(f"r.company IN ({', '.join('?' * len(wanted.companies))}) DESC")
        values += wanted.companies
    if wanted.first and wanted.last:
        parts.append("r.date IS NULL")
        parts.append("max(julianday(?) - julianday(r.date), julianday(r.date) - julianday(?), 0)")
        values += [wanted.first.isoformat(), wanted.last.isoformat()]
    parts += ["r.date IS NULL", f"r.date {'ASC' if wanted.oldest else 'DESC'}", "r.id DESC", "p.start"]
    return ", ".join(parts), values


def _found(row: Sequence[Any]) -> Found:
    (text_id, id_, start, end, section, nth, title, date, company, carriers, first, last, _,
     _, text, words, marks_, vector) = row  # fmt: skip
    return Found(
        text_id,
        Hit(id_, start, end, 0.0, title, _date(date), text, company, section, carriers, _date(first),
            _date(last)),
        nth,
        np.frombuffer(words, dtype=np.uint32),
        marks_,
        np.frombuffer(vector, dtype=np.float16).astype(np.float32),
    )  # fmt: skip


def _names(release: Release) -> str:
    """All names by which a company filter finds a release's issuer."""
    tickers = [name for t in release.tickers for name in (t, _suffixed(t))]
    return "|".join(name_key(name) for name in (release.company or "", *tickers))


def _suffixed(ticker: str) -> str:
    """``HKEX: 2171`` as ``2171.HK``, the other common way to write it."""
    exchange, _, symbol = ticker.partition(": ")
    return f"{symbol}.HK" if exchange == "HKEX" else symbol


def _own_title(titles: Iterable[str]) -> str:
    """The title that a text is found by: none where releases of several titles share it.

    So a later release's title leads to nothing under an earlier as-of.
    """
    distinct = set(titles)
    return distinct.pop() if len(distinct) == 1 else ""


def _date(value: str | None) -> dt.date | None:
    return dt.date.fromisoformat(value) if value else None
