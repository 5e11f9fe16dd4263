"""Brings an index in line with a source: adds, updates and deletes, a batch a transaction."""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np

from . import readers
from .aliases import mine
from .errors import IndexMismatch, SourceError, StoreError
from .passages import CHUNKING, cut
from .store import DATABASE, VECTORS, Entry, Manifest, Store, text_hash, writing
from .types import Embedder, Problem, Release
from .vectors import VectorIndex

BATCH = 128
"""Releases a transaction: what a killed run loses at most."""


@dataclass(slots=True)
class Summary:
    """What a run did: numbers of releases, of texts embedded, the records it could not read."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    deleted: int = 0
    passages: int = 0
    embedded: int = 0
    seconds: float = 0.0
    problems: list[Problem] = field(default_factory=list)

    @property
    def records(self) -> int:
        """Releases that were read."""
        return self.added + self.updated + self.unchanged

    def to_dict(self) -> dict[str, object]:
        """Plain JSON values, each problem as one line."""
        return {**asdict(self), "problems": [str(problem) for problem in self.problems]}


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is: records done of how many (None: not known), texts embedded so far.

    The records of the batch in work count in proportion to the texts of it that are embedded.
    """

    records: int
    total: int | None
    embedded: int


Report = Callable[[Progress], None]
MakeEmbedder = Callable[[str | None], Embedder]
"""Gives the embedder; its argument is the number type that the index was made with, if any."""


def index_path(
    folder: Path,
    source: Path,
    model: str,
    make_embedder: MakeEmbedder,
    report: Report | None = None,
) -> Summary:
    """Make the index in ``folder`` hold what ``source`` (a file or folder) holds now.

    Releases are known by id and compared by content: new ones are added, changed ones replaced,
    unchanged ones left alone, and those whose record is gone from the source deleted. A file with an
    unreadable record deletes nothing, so a damaged file loses nothing. The embedder is made only
    when there is something to embed. A run that is stopped has lost its last batch at most; the next
    goes on from there.

    Raises SourceError, IndexBusy, IndexMismatch (the index is of another model or chunking),
    StoreError and ModelError.
    """
    source = resolved(source)
    files = readers.files(source)
    with writing(folder):
        run = _Run(folder, model, make_embedder, report, {str(file.path) for file in files})
        run.take(_records(files), sum(map(readers.count, files)))
        run.drop_missing(source)
        return run.finish()


def resolved(source: Path) -> Path:
    """The absolute path, without links. Raises SourceError where there can be none."""
    try:
        return source.resolve()
    except (OSError, RuntimeError) as exc:  # a link to itself, a name that is too long
        raise SourceError(f"{str(source)[:200]}: cannot be opened: {exc}") from exc


def remove_path(folder: Path, source: Path) -> int:
    """Delete the releases that were read from ``source``; returns how many.

    Raises IndexMissing, IndexMismatch, IndexBusy and StoreError.
    """
    store = Store(folder)
    try:
        with writing(folder):
            ids = list(store.ids_under(resolved(source)))
            _drop(store, ids)
            current_vectors(store)
    finally:
        store.close()
    return len(ids)


def rebuild(
    folder: Path, model: str, make_embedder: MakeEmbedder, report: Report | None = None
) -> Summary:
    """Make the index again from the releases that it holds, with this model and chunking.

    The new index is made beside the old one and takes its place when it is whole; a run that is
    stopped goes on where it was. Raises IndexMissing, IndexMismatch (another schema), IndexBusy,
    StoreError and ModelError.
    """
    old = Store(folder)
    new = folder / "rebuild"
    try:
        with writing(folder):
            ids = old.release_ids()
            embedder = _embedder_for_rebuild(new, model, make_embedder)
            run = _Run(new, model, lambda _: embedder, report)
            run.take(((old.release(id_), old.file_of(id_)) for id_ in ids), len(ids))
            run.drop(set(run.store.release_ids()) - set(ids))
            old.replace_with(run.store)
            summary = run.finish()
            with contextlib.suppress(OSError):  # made of the state that the index now has
                (new / VECTORS).replace(folder / VECTORS)
            _delete_index(new)
            return summary
    finally:
        old.close()


def _embedder_for_rebuild(new: Path, model: str, make_embedder: MakeEmbedder) -> Embedder:
    """The embedder, and a folder ``new`` that is absent or was begun with it."""
    try:
        begun = Store(new)
    except StoreError:
        _delete_index(new)
        return make_embedder(None)
    embedder = make_embedder(begun.manifest.number_type)
    try:
        check_model(begun, model)
        check_embedder(begun, embedder)
    except IndexMismatch:
        _delete_index(new)
    finally:
        begun.close()
    return embedder


def check_model(store: Store, model: str) -> None:
    """Raises IndexMismatch where the index was made with another model or chunking."""
    made = store.manifest
    for what, ours, theirs in (
        ("model", model, made.embedder),
        ("chunking", CHUNKING, made.chunking),
    ):
        if ours != theirs:
            raise IndexMismatch(
                f"{store.folder} was made with {what} {theirs!r}, not {ours!r}; make it again from "
                f"its own releases: releaseqa index --rebuild --index {store.folder}"
                + (f", or open it with --embedder {theirs}" if what == "model" else "")
            )


def check_embedder(store: Store, embedder: Embedder) -> None:
    """Raises IndexMismatch where the weights behind the model's name are not those of the index."""
    if embedder.fingerprint != store.manifest.fingerprint:
        raise IndexMismatch(
            f"{store.folder} was made with other weights of {embedder.name!r}; make it again from "
            f"its own releases: releaseqa index --rebuild --index {store.folder}"
        )


def current_vectors(store: Store, held: tuple[VectorIndex, str] | None = None) -> tuple[VectorIndex, str]:
    """The vector index of the store's present state, and that state.

    Starts from ``held``, else from the file, which it then writes anew if that can be, and brings it up
    to date from the stored vectors; nothing is embedded. Raises IndexMismatch where the index was made
    again with other settings since it was opened.
    """
    path = store.folder / VECTORS
    opening = held is None
    with store.snapshot():
        now = store.state
        if held and held[1] == now:
            return held
        store.check_unchanged()
        held = held or VectorIndex.load(path, store.manifest.dimension)
        if held and held[1] == now:
            return held
        if held and store.descends_from(held[1]):
            index = held[0].copy()  # searches may be running on the one held
        else:
            index = VectorIndex(store.manifest.dimension)
        wanted = store.text_ids()
        index.remove(np.setdiff1d(index.ids, wanted))
        missing = np.setdiff1d(wanted, index.ids)
        for i in range(0, len(missing), 10_000):
            part = missing[i : i + 10_000]
            index.add(part, store.vectors(part))
    if opening:  # a reader that follows a running writer leaves the file to it
        with contextlib.suppress(OSError):  # it is derived: the next to open the index makes it again
            index.save(path, now)
    return index, now


def digest(release: Release) -> bytes:
    """Identifies a release's content, text and fields: SHA-256, first 16 bytes."""
    values = json.dumps(asdict(release), default=str, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(values.encode()).digest()[:16]


class _Run:
    """One run over a source: its store, what it has seen, its summary."""

    def __init__(
        self,
        folder: Path,
        model: str,
        make_embedder: MakeEmbedder,
        report: Report | None,
        files: Collection[str] = (),
    ) -> None:
        self.summary = Summary()
        self._started = time.monotonic()
        self._model = model
        self._make_embedder = make_embedder
        self._report = report
        self._embedder: Embedder | None = None
        self._files = files  # those that this run reads
        self._seen: dict[str, str] = {}
        self._damaged: set[str] = set()
        self._records = 0
        self._total: int | None = None
        if (folder / DATABASE).is_file():
            self.store = Store(folder)
            check_model(self.store, model)
        else:
            self._embedder = embedder = make_embedder(None)
            manifest = Manifest(
                model, embedder.fingerprint, embedder.dimension, embedder.number_type, CHUNKING
            )
            self.store = Store.create(folder, manifest)

    def take(self, records: Iterable[tuple[Release | Problem, str]], total: int | None) -> None:
        """Add and update; ``records`` come with the absolute path of their file."""
        self._total = total
        records = iter(records)
        # batches are cut by position in the source, so that a run that goes on after a stop embeds
        # the same texts together and gets the same vectors to the last bit
        while batch := list(islice(records, BATCH)):
            self._batch(batch)
            self._records += len(batch)
            self._progress()

    def drop_missing(self, source: Path) -> None:
        """Delete the releases under ``source`` that were not seen, but for damaged files."""
        held = self.store.ids_under(source).items()
        self.drop(id_ for id_, file in held if id_ not in self._seen and not self._is_damaged(file))

    def _is_damaged(self, file: str) -> bool:
        """Whether a record of this file, or a folder above it, could not be read."""
        return any(str(path) in self._damaged for path in (file, *Path(file).parents))

    def drop(self, release_ids: Iterable[str]) -> None:
        """Delete these releases."""
        gone = list(release_ids)
        _drop(self.store, gone)
        self.summary.deleted = len(gone)

    def finish(self) -> Summary:
        current_vectors(self.store)
        self.store.close()
        self.summary.seconds = time.monotonic() - self._started
        return self.summary

    def _batch(self, batch: list[tuple[Release | Problem, str]]) -> None:
        releases = []
        known = self.store.known(r.id for r, _ in batch if isinstance(r, Release))
        for record, file in batch:
            if isinstance(record, Problem):
                self.summary.problems.append(record)
                self._damaged.add(file)
            elif clash := self._clash(record, file, known.get(record.id)):
                self.summary.problems.append(clash)
            else:
                self._seen[record.id] = file
                releases.append((record, file))
        entries = []
        for release, file in releases:
            key = digest(release)
            if known.get(release.id) == (key, file):
                self.summary.unchanged += 1
                continue
            if release.id in known:
                self.summary.updated += 1
            else:
                self.summary.added += 1
            sections, passages = cut(release.text)
            aliases = mine(release.text, release.company, release.tickers)
            entries.append(Entry(release, file, key, tuple(sections), tuple(passages), tuple(aliases)))
        if entries:
            self.summary.passages += sum(len(entry.passages) for entry in entries)
            self.store.apply(entries, self._vectors(entries, len(batch)))

    def _clash(self, release: Release, file: str, held: tuple[bytes, str] | None) -> Problem | None:
        """A problem where the id belongs to another record that is still there.

        ``held`` is what the index has under that id: digest and file.
        """
        earlier = self._seen.get(release.id)
        if earlier is None:
            ours = held is None or held[1] == file or held[1] in self._files
            if held is None or ours or not Path(held[1]).exists():
                return None
            earlier = held[1]
        return Problem(
            file, None, f"id {release.id!r} is already that of a record in {earlier}; ids must differ"
        )  # fmt: skip

    def _vectors(self, entries: list[Entry], records: int) -> dict[bytes, np.ndarray]:
        texts = {text_hash(p.text): p.text for entry in entries for p in entry.passages}
        missing = self.store.missing_texts(texts)
        if not missing:
            return {}
        if self._embedder is None:
            self._embedder = self._make_embedder(self.store.manifest.number_type)
            check_embedder(self.store, self._embedder)
        before = self.summary.embedded

        def advance(embedded: int) -> None:
            self.summary.embedded += embedded
            self._progress(records * (self.summary.embedded - before) // len(missing))

        vectors = self._embedder.embed_passages(list(missing.values()), advance)
        return dict(zip(missing, vectors, strict=True))

    def _progress(self, in_work: int = 0) -> None:
        if self._report:
            self._report(Progress(self._records + in_work, self._total, self.summary.embedded))


def _records(files: list[readers.SourceFile]) -> Iterator[tuple[Release | Problem, str]]:
    for file in files:
        for record in readers.records(file):
            yield record, str(file.path)


def _drop(store: Store, release_ids: Sequence[str]) -> None:
    """Delete releases, a batch a transaction."""
    for i in range(0, len(release_ids), BATCH):
        store.apply([], {}, release_ids[i : i + BATCH])


def _delete_index(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
