"""The index folder: one catalogue, numbered generations of search files, one writer, any number of readers.

    catalogue.sqlite     the truth; its `generation` says which folder below belongs to it
    generations/000007/  search files, immutable
    write.lock           held by the one process that writes

A commit writes the next generation's folder, then changes the catalogue and its generation number in one SQLite transaction:
that transaction is the commit. A process killed at any moment leaves the old state or the new one, and at worst a folder that
nothing points to, which the next writer removes.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence, Set
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout

import corpus.language
import retrieval.analysis
import retrieval.lexicon
from corpus.catalogue import STAGED, Catalogue, text_key
from corpus.catalogue_file import is_damage
from corpus.documents import Chunk
from corpus.errors import CatalogueCorrupt, IndexBusy, IndexCorrupt, IndexNotFound, StorageFull
from retrieval.analysis import DEFAULT_GLOSSARY, terms
from retrieval.dense import FLAT_UP_TO, PROBES
from retrieval.disk_full import is_disk_full
from retrieval.embedder import FloatMatrix
from retrieval.lexicon import DEFAULT_LEXICON, bridge_terms
from retrieval.manifest import EmbeddingModel, check_model
from retrieval.snapshot import Snapshot, damaged_files, sync, write_generation

__all__ = ["EmbeddingModel", "IndexStore"]

# Readers that opened the previous generation just before a commit still find its files.
_GENERATIONS_KEPT = 2


class IndexStore:
    """An index folder on disk; commits write an exact dense index up to `flat_up_to` chunks."""

    def __init__(self, path: Path, *, flat_up_to: int = FLAT_UP_TO) -> None:
        self.path = path
        self.flat_up_to = flat_up_to
        self._catalogue = path / "catalogue.sqlite"
        self._generations = path / "generations"

    @property
    def exists(self) -> bool:
        """Whether anything has been ingested here."""
        return self._catalogue.is_file()

    def catalogue(self) -> Catalogue:
        """The catalogue, to read; the caller closes it.

        Raises:
            IndexNotFound: nothing has been ingested yet.
        """
        if not self.exists:
            raise IndexNotFound(path=self.path)
        return Catalogue(self._catalogue)

    def snapshot(self, model: str, *, use_gpu: bool = True, probes: int = PROBES) -> Snapshot:
        """Open the current generation for searching with an embedding model.

        Raises:
            IndexNotFound: nothing has been ingested yet.
            IndexMismatch: the index was made with another embedding model.
            IndexCorrupt: a file is damaged.
        """
        while True:
            catalogue = self.catalogue()
            number = -1
            try:
                number = catalogue.generation
                if number == 0:
                    raise IndexNotFound(path=self.path)
                check_model(catalogue, model)
                return Snapshot.open(number, self._folder(number), catalogue, use_gpu=use_gpu, probes=probes)
            except IndexCorrupt:
                catalogue.close()
                if number == self.current_generation():
                    raise  # not a commit that overtook this reader: the files are really damaged
            except BaseException:
                catalogue.close()
                raise

    def current_generation(self) -> int:
        """Number of the last commit; 0 before the first."""
        catalogue = self.catalogue()
        try:
            return catalogue.generation
        finally:
            catalogue.close()

    def damaged_files(self) -> tuple[str, ...]:
        """Files of the current generation that are missing or whose checksum is wrong; none before the first."""
        number = self.current_generation()
        return damaged_files(self._folder(number)) if number else ()

    def has_old_terms(self, catalogue: Catalogue) -> bool:
        """Whether the lexical index was made by other rules of analysis, or with another glossary or lexicon."""
        return catalogue.meta("terms") != _terms_kind()

    @contextmanager
    def writer(self, *, migrate: bool = False) -> Iterator[Catalogue]:
        """The catalogue to write to, while no other process can; with `migrate`, one of an earlier version too.

        Raises:
            IndexBusy: another process is writing.
            CatalogueCorrupt: the catalogue is damaged.
            IndexOutdated, IndexTooNew: another version wrote it.
            StorageFull: the disk is full; what was committed before is kept.
        """
        try:
            self._generations.mkdir(parents=True, exist_ok=True)
            with self._lock(), closing_catalogue(self._catalogue, migrate=migrate) as catalogue:
                yield catalogue
        except (OSError, RuntimeError, sqlite3.Error) as error:
            if is_disk_full(error, self.path):
                raise StorageFull(path=self.path) from error
            if isinstance(error, sqlite3.DatabaseError) and is_damage(error):
                raise CatalogueCorrupt(path=self._catalogue, reason=str(error), folder=self.path) from error
            raise

    @contextmanager
    def _lock(self) -> Iterator[None]:
        lock = FileLock(self.path / "write.lock", timeout=0)
        try:
            lock.acquire()
        except Timeout as error:
            raise IndexBusy(path=self.path) from error
        try:
            yield
        finally:
            lock.release()

    def commit(
        self, catalogue: Catalogue, model: EmbeddingModel, change: Callable[[], None], *, keep: Set[bytes] = frozenset()
    ) -> int:
        """Apply a change to the catalogue and make the result searchable, at once or not at all.

        Args:
            catalogue: as `writer` gave it.
            model: the embedding model in use; every chunk's vector must be in the catalogue.
            change: puts and deletes documents.
            keep: text keys whose vectors stay although no document holds them yet.

        Returns:
            The number of the new generation.

        Raises:
            IndexCorrupt: a vector is missing or damaged.
        """
        number = catalogue.generation + 1
        folder = self._folder(number)
        shutil.rmtree(folder, ignore_errors=True)  # left by a writer that was killed before its commit
        try:
            with catalogue.transaction():
                change()
                chunks = tuple(catalogue.chunks(indexed=True))
                keys = [text_key(chunk.indexed_text()) for chunk in chunks]
                folder.mkdir(parents=True)
                vectors = _vectors(catalogue, keys, model.dimension)
                write_generation(folder, chunks, _terms(catalogue, chunks, keys), vectors, flat_up_to=self.flat_up_to)
                sync(self._generations)
                # Chunks that repeat another one keep their vectors: it may go before they do.
                held = {text_key(chunk.indexed_text()) for chunk in catalogue.chunks()}
                catalogue.drop_derived({*held, *keep}, _is_stale)
                catalogue.set_meta("generation", str(number))
                catalogue.set_meta("terms", _terms_kind())
                model.store(catalogue)
        except BaseException:
            if catalogue.generation != number:
                shutil.rmtree(folder, ignore_errors=True)
            raise
        self._remove_old(number)
        return number

    def _folder(self, number: int) -> Path:
        return self._generations / f"{number:06d}"

    def _remove_old(self, current: int) -> None:
        for folder in self._generations.iterdir():
            if folder.name.isdigit() and int(folder.name) <= current - _GENERATIONS_KEPT:
                shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def closing_catalogue(path: Path, *, migrate: bool) -> Iterator[Catalogue]:
    """A catalogue to write to, closed afterwards."""
    catalogue = Catalogue(path, writable=True, migrate=migrate)
    try:
        yield catalogue
    finally:
        catalogue.close()


@cache
def _terms_kind() -> str:
    """Where the terms of texts are kept: other rules or another glossary make other terms."""
    modules = (retrieval.analysis.__file__, retrieval.lexicon.__file__, corpus.language.__file__)
    sources = (*map(Path, modules), DEFAULT_GLOSSARY, DEFAULT_LEXICON)
    return "terms:" + hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]


def _is_stale(kind: str) -> bool:
    """Terms by other rules, and the vectors of a reindexing that was given up."""
    return kind.startswith(STAGED) or (kind.startswith("terms:") and kind != _terms_kind())


def _terms(catalogue: Catalogue, chunks: Sequence[Chunk], keys: Sequence[bytes]) -> list[list[str]]:
    """The terms of each chunk, computed once a text: a small change to a large index must not take long."""
    stored = catalogue.derived(_terms_kind(), set(keys))
    found: dict[bytes, list[str]] = {key: json.loads(value) for key, value in stored.items()}
    for key, chunk in zip(keys, chunks, strict=True):
        if key not in found:
            found[key] = [*terms(chunk.indexed_text()), *bridge_terms(chunk.indexed_text())]
    new = ((key, json.dumps(found[key], ensure_ascii=False).encode()) for key in found.keys() - stored.keys())
    catalogue.put_derived(_terms_kind(), new)
    return [found[key] for key in keys]


def _vectors(catalogue: Catalogue, keys: Sequence[bytes], dimension: int) -> FloatMatrix:
    found = catalogue.embeddings(set(keys))
    if missing := sum(key not in found for key in keys):
        raise IndexCorrupt(path=catalogue.path, reason=f"{missing} vectors are missing or have a wrong checksum")
    return np.stack([found[key] for key in keys]) if keys else np.zeros((0, dimension), dtype=np.float32)
