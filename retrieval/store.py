"""The index folder: one catalogue, numbered generations of search files, one writer, any number of readers.

    catalogue.sqlite     the truth; its `generation` says which folder below belongs to it
    generations/000007/  search files, immutable
    write.lock           held by the one process that writes

A commit writes the next generation's folder, then changes the catalogue and its generation number in one SQLite transaction:
that transaction is the commit. A process killed at any moment leaves the old state or the new one, and at worst a folder that
nothing points to, which the next writer removes.
"""

from __future__ import annotations

import errno
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Set
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout

from corpus.catalogue import Catalogue, text_key
from corpus.errors import IndexBusy, IndexCorrupt, IndexMismatch, IndexNotFound, StorageFull
from retrieval.embeddings import FloatMatrix
from retrieval.snapshot import Snapshot, damaged_files, write_generation

# Readers that opened the previous generation just before a commit still find its files.
_GENERATIONS_KEPT = 2


@dataclass(frozen=True, slots=True)
class EmbeddingModel:
    """The embedding model an index was made with."""

    name: str
    dimension: int


class IndexStore:
    """An index folder on disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
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

    def snapshot(self, model: str, *, use_gpu: bool = True) -> Snapshot:
        """Open the current generation for searching with an embedding model.

        Raises:
            IndexNotFound: nothing has been ingested yet.
            IndexMismatch: the index was made with another embedding model.
            IndexCorrupt: a file is damaged.
        """
        while True:
            catalogue = self.catalogue()
            number = int(catalogue.meta("generation") or 0)
            try:
                if number == 0:
                    raise IndexNotFound(path=self.path)
                check_model(catalogue, model)
                return Snapshot.open(number, self._folder(number), catalogue, use_gpu=use_gpu)
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
            return int(catalogue.meta("generation") or 0)
        finally:
            catalogue.close()

    def damaged_files(self) -> tuple[str, ...]:
        """Files of the current generation whose checksum is wrong."""
        return damaged_files(self._folder(self.current_generation()), thorough=True)

    @contextmanager
    def writer(self) -> Iterator[Catalogue]:
        """The catalogue to write to, while no other process can.

        Raises:
            IndexBusy: another process is writing.
            StorageFull: the disk is full; what was committed before is kept.
        """
        self._generations.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.path / "write.lock", timeout=0)
        try:
            lock.acquire()
        except Timeout as error:
            raise IndexBusy(path=self.path) from error
        try:
            catalogue = Catalogue(self._catalogue, writable=True)
            try:
                yield catalogue
            finally:
                catalogue.close()
        except (OSError, sqlite3.OperationalError) as error:
            if _is_full(error):
                raise StorageFull(path=self.path) from error
            raise
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
        """
        number = int(catalogue.meta("generation") or 0) + 1
        folder = self._folder(number)
        shutil.rmtree(folder, ignore_errors=True)  # left by a writer that was killed before its commit
        with catalogue.transaction():
            change()
            chunks = tuple(catalogue.chunks())
            keys = [text_key(chunk.indexed_text()) for chunk in chunks]
            catalogue.drop_embeddings({*keys, *keep})
            folder.mkdir(parents=True)
            write_generation(folder, chunks, _vectors(catalogue, keys, model.dimension))
            catalogue.set_meta("generation", str(number))
            catalogue.set_meta("embedding_model", model.name)
            catalogue.set_meta("dimension", str(model.dimension))
        self._remove_old(number)
        return number

    def _folder(self, number: int) -> Path:
        return self._generations / f"{number:06d}"

    def _remove_old(self, current: int) -> None:
        for folder in self._generations.iterdir():
            if folder.name.isdigit() and int(folder.name) <= current - _GENERATIONS_KEPT:
                shutil.rmtree(folder, ignore_errors=True)


def check_model(catalogue: Catalogue, model: str) -> None:
    """Make sure that an index was made with an embedding model.

    Raises:
        IndexMismatch: it was made with another one.
    """
    stored = catalogue.meta("embedding_model")
    if stored is not None and stored != model:
        raise IndexMismatch(name="embedding model", stored=stored, wanted=model)


def _is_full(error: OSError | sqlite3.OperationalError) -> bool:
    full = getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
    return full or getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT)


def _vectors(catalogue: Catalogue, keys: list[bytes], dimension: int) -> FloatMatrix:
    found = catalogue.embeddings(set(keys))
    return np.stack([found[key] for key in keys]) if keys else np.zeros((0, dimension), dtype=np.float32)
