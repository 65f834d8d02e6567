"""The catalogue: documents, their chunks and the embeddings of their texts, in one SQLite file.

It is the only truth of an index: everything else in the index folder can be rebuilt from it. Embeddings are stored by the
content they belong to, so unchanged text is never embedded twice. A reader sees one consistent state from its first read on
(SQLite WAL snapshot isolation, https://sqlite.org/isolation.html).
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corpus.documents import Chunk, ChunkId, Document, Language, SourceMap
from corpus.errors import IndexCorrupt

SCHEMA_VERSION = 1
FloatVector = NDArray[np.float32]

_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE documents (
    root TEXT NOT NULL, path TEXT NOT NULL, sha256 TEXT NOT NULL, title TEXT NOT NULL, language TEXT NOT NULL,
    media_type TEXT NOT NULL, bytes INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, source TEXT NOT NULL,
    PRIMARY KEY (root, path)
) WITHOUT ROWID;
CREATE TABLE chunks (
    root TEXT NOT NULL, path TEXT NOT NULL, ordinal INTEGER NOT NULL, id TEXT NOT NULL, heading TEXT NOT NULL,
    text TEXT NOT NULL, start INTEGER NOT NULL, "end" INTEGER NOT NULL, source_map TEXT NOT NULL, language TEXT NOT NULL,
    tokens INTEGER NOT NULL, page INTEGER, repeat INTEGER NOT NULL,
    PRIMARY KEY (root, path, ordinal),
    FOREIGN KEY (root, path) REFERENCES documents (root, path) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX chunks_by_id ON chunks (id);
CREATE TABLE embeddings (key BLOB PRIMARY KEY, vector BLOB NOT NULL) WITHOUT ROWID;
"""
_CHUNK_COLUMNS = 'path, ordinal, heading, text, start, "end", source_map, language, tokens, page, repeat'


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """What the catalogue knows of a document, without its text."""

    root: str
    path: str
    sha256: str
    title: str
    language: Language
    bytes: int
    mtime_ns: int
    chunks: int


@dataclass(frozen=True, slots=True)
class FileStamp:
    """Where a document lies on disk, and the size and time of the version that was read."""

    root: str
    bytes: int
    mtime_ns: int


def text_key(text: str) -> bytes:
    """The key under which a text's embedding is stored."""
    return hashlib.sha256(text.encode()).digest()[:16]


class Catalogue:
    """One open catalogue. Writers hold the index's lock; readers never block them."""

    def __init__(self, path: Path, *, writable: bool = False) -> None:
        """Open, and create if `writable`.

        Raises:
            IndexCorrupt: the file is no catalogue of this schema version.
        """
        self.path = path
        uri = f"{path.resolve().as_uri()}?mode={'rwc' if writable else 'ro'}"
        self._db = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
        try:
            self._db.execute("PRAGMA foreign_keys = ON")
            if writable:
                self._db.execute("PRAGMA journal_mode = WAL")
                self._db.execute("PRAGMA synchronous = FULL")
                self._create()
            self._check_version()
        except sqlite3.DatabaseError as error:
            self._db.close()
            raise IndexCorrupt(path=path, reason=str(error)) from error
        if not writable:
            self._db.execute("BEGIN")  # pins the snapshot at the first read below
            self.meta("generation")

    def _create(self) -> None:
        if not self._db.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone():
            self._db.executescript(f"BEGIN;{_SCHEMA}")
            self.set_meta("schema", str(SCHEMA_VERSION))
            self._db.execute("COMMIT")

    def _check_version(self) -> None:
        found = self.meta("schema")
        if found != str(SCHEMA_VERSION):
            raise IndexCorrupt(path=self.path, reason=f"schema {found}, this version reads {SCHEMA_VERSION}")

    def close(self) -> None:
        """Close the file; an open transaction is rolled back."""
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All changes inside become visible at once, or none does."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def meta(self, key: str) -> str | None:
        """A fact about the whole index, such as its generation or embedding model."""
        row = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return row[0] if row else None

    def set_meta(self, key: str, value: str) -> None:
        """Store a fact about the whole index."""
        self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def documents(self) -> tuple[StoredDocument, ...]:
        """All documents, by root and path."""
        rows = self._db.execute(
            "SELECT d.root, d.path, d.sha256, d.title, d.language, d.bytes, d.mtime_ns, COUNT(c.ordinal) FROM documents d"
            " LEFT JOIN chunks c ON c.root = d.root AND c.path = d.path GROUP BY d.root, d.path ORDER BY d.root, d.path"
        )
        return tuple(StoredDocument(*row) for row in rows)

    def source(self, chunk_id: ChunkId, start: int, end: int) -> str:
        """Characters `[start, end)` of the source that a chunk was cut from."""
        row = self._db.execute(
            "SELECT source FROM documents JOIN chunks USING (root, path) WHERE id = ? LIMIT 1",
            (chunk_id,),
        ).fetchone()
        return str(row[0])[start:end] if row else ""  # SQLite's substr would stop at a NUL

    def put(self, document: Document, chunks: Iterable[Chunk], stamp: FileStamp) -> None:
        """Store a document, in place of an earlier version of it."""
        raw = document.raw
        self.delete(stamp.root, raw.path)
        self._db.execute(
            "INSERT INTO documents VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                stamp.root,
                raw.path,
                raw.sha256,
                document.title,
                document.language,
                raw.media_type,
                stamp.bytes,
                stamp.mtime_ns,
                raw.text,
            ),
        )
        self._db.executemany(
            "INSERT INTO chunks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (_chunk_row(stamp.root, chunk) for chunk in chunks),
        )

    def touch(self, path: str, stamp: FileStamp) -> None:
        """Note that the file's time changed and its content did not."""
        self._db.execute("UPDATE documents SET mtime_ns = ? WHERE root = ? AND path = ?", (stamp.mtime_ns, stamp.root, path))

    def delete(self, root: str, path: str) -> None:
        """Forget a document and its chunks; embeddings stay until `drop_embeddings`."""
        self._db.execute("DELETE FROM documents WHERE root = ? AND path = ?", (root, path))

    def chunks(self) -> Iterator[Chunk]:
        """All chunks by root, path and ordinal: the order of rows in the indexes."""
        for row in self._db.execute(f"SELECT {_CHUNK_COLUMNS} FROM chunks ORDER BY root, path, ordinal"):  # noqa: S608 - constant
            yield _chunk(row)

    def chunk(self, chunk_id: ChunkId) -> Chunk:
        """One chunk by its id.

        Raises:
            IndexCorrupt: no such chunk, so the indexes and the catalogue have come apart.
        """
        row = self._db.execute(f"SELECT {_CHUNK_COLUMNS} FROM chunks WHERE id = ? LIMIT 1", (chunk_id,)).fetchone()  # noqa: S608
        if row is None:
            raise IndexCorrupt(path=self.path, reason=f"no chunk {chunk_id}")
        return _chunk(row)

    def embeddings(self, keys: Iterable[bytes]) -> dict[bytes, FloatVector]:
        """The stored vectors among `keys`, each of shape (dimension,)."""
        found: dict[bytes, FloatVector] = {}
        for key in keys:
            row = self._db.execute("SELECT vector FROM embeddings WHERE key = ?", (key,)).fetchone()
            if row:
                found[key] = np.frombuffer(row[0], dtype=np.float32)
        return found

    def put_embeddings(self, vectors: Iterable[tuple[bytes, FloatVector]]) -> None:
        """Store vectors by text key."""
        rows = ((key, np.asarray(vector, dtype=np.float32).tobytes()) for key, vector in vectors)
        self._db.executemany("INSERT OR REPLACE INTO embeddings VALUES (?, ?)", rows)

    def drop_embeddings(self, keep: set[bytes]) -> None:
        """Forget every embedding whose key is not in `keep`."""
        stored = [row[0] for row in self._db.execute("SELECT key FROM embeddings")]
        self._db.executemany("DELETE FROM embeddings WHERE key = ?", ((key,) for key in stored if key not in keep))


def _chunk_row(root: str, chunk: Chunk) -> tuple[Any, ...]:
    heading = json.dumps(chunk.heading, ensure_ascii=False)
    place = (root, chunk.path, chunk.ordinal, chunk.id, heading, chunk.text, chunk.start, chunk.end)
    return (*place, json.dumps(chunk.source_map.anchors), chunk.language, chunk.tokens, chunk.page, chunk.repeat)


def _chunk(row: tuple[Any, ...]) -> Chunk:
    path, ordinal, heading, text, start, end, source_map, language, tokens, page, repeat = row
    anchors = SourceMap(tuple((clean, source) for clean, source in json.loads(source_map)))
    return Chunk(path, ordinal, tuple(json.loads(heading)), text, start, end, anchors, language, tokens, page, repeat)
