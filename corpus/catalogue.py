"""The catalogue: documents, their chunks, and what was computed from the chunks' texts, in one SQLite file.

It is the only truth of an index: everything else in the index folder can be rebuilt from it. Embeddings and the like are stored
by the text they belong to, so unchanged text is never embedded twice. A reader sees one consistent state from its first read on
(SQLite WAL snapshot isolation, https://sqlite.org/isolation.html). SQLite checks the structure of its file and not the content,
so a CRC-32 lies beside it in every row.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from corpus.catalogue_file import CatalogueFile
from corpus.catalogue_rows import (
    CHUNK_COLUMNS,
    DOCUMENT_COLUMNS,
    FileStamp,
    FloatVector,
    StoredDocument,
    checksum,
    chunk_from_row,
    chunk_row,
    document_row,
    raw_from_row,
    text_key,
)
from corpus.catalogue_schema import SCHEMA_VERSION
from corpus.documents import Chunk, ChunkId, Document, RawDocument
from corpus.errors import CatalogueCorrupt

VECTORS = "vector"
# A chunk's id and the columns of one near it.
_BESIDE = ", ".join(("own.id", *(f"near.{name}" for name in CHUNK_COLUMNS.split(", ")), "near.crc"))
STAGED = "vector:"  # those of the model that a reindexing is changing to, followed by its name

__all__ = ["SCHEMA_VERSION", "STAGED", "VECTORS", "Catalogue", "FileStamp", "FloatVector", "StoredDocument", "text_key"]


class Catalogue(CatalogueFile):
    """One open catalogue."""

    def damage(self) -> Iterator[str]:
        """What is wrong with the file, found out by reading all of it; nothing if it is sound."""
        try:
            yield from (row[0] for row in self._rows("PRAGMA integrity_check(3)") if row[0] != "ok")
            for row in self._rows(f"SELECT {DOCUMENT_COLUMNS}, crc FROM documents"):  # noqa: S608 - constant
                if not _is_sound(row):
                    yield f"document {row[0]} has a wrong checksum"
            for row in self._rows(f"SELECT {CHUNK_COLUMNS}, crc FROM chunks"):  # noqa: S608 - constant
                if not _is_sound(row):
                    yield f"chunk {row[0]} has a wrong checksum"
            for kind, value, crc in self._rows("SELECT kind, value, crc FROM derived"):
                if crc != zlib.crc32(value):
                    yield f"a value of kind {kind} has a wrong checksum"
        except CatalogueCorrupt as error:
            yield str(error.fields["reason"])

    def documents(self) -> tuple[StoredDocument, ...]:
        """All documents, by root and path."""
        rows = self._rows(
            "SELECT d.root, d.path, d.sha256, d.title, d.language, d.bytes, d.mtime_ns, COUNT(c.ordinal) FROM documents d"
            " LEFT JOIN chunks c ON c.root = d.root AND c.path = d.path GROUP BY d.root, d.path ORDER BY d.root, d.path"
        )
        return tuple(StoredDocument(*row) for row in rows)

    def raw(self, root: str, path: str) -> RawDocument:
        """A document as it was read.

        Raises:
            CatalogueCorrupt: its text is damaged.
        """
        row = self._row(f"SELECT {DOCUMENT_COLUMNS}, crc FROM documents WHERE root = ? AND path = ?", (root, path))  # noqa: S608 - constant
        if row is None or not _is_sound(row):
            raise self._corrupt(f"document {path} is missing or has a wrong checksum")
        return raw_from_row(row[:-1])

    def source(self, chunk_id: ChunkId, start: int, end: int) -> str:
        """Characters `[start, end)` of the source that a chunk was cut from."""
        row = self._row("SELECT source FROM documents JOIN chunks USING (root, path) WHERE id = ? LIMIT 1", (chunk_id,))
        return str(row[0])[start:end] if row else ""  # SQLite's substr would stop at a NUL

    def put(self, document: Document, chunks: Iterable[Chunk], stamp: FileStamp) -> None:
        """Store a document, in place of an earlier version of it."""
        self.delete(stamp.root, document.raw.path)
        self._db.execute("INSERT INTO documents VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", document_row(document, stamp))
        self._db.executemany(
            "INSERT INTO chunks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)",
            (chunk_row(stamp.root, chunk) for chunk in chunks),
        )

    def touch(self, path: str, stamp: FileStamp) -> None:
        """Note that the file's time changed and its content did not."""
        self._db.execute("UPDATE documents SET mtime_ns = ? WHERE root = ? AND path = ?", (stamp.mtime_ns, stamp.root, path))

    def delete(self, root: str, path: str) -> None:
        """Forget a document and its chunks; what was computed from them stays until `drop_derived`."""
        self._db.execute("DELETE FROM documents WHERE root = ? AND path = ?", (root, path))

    def chunks(self, *, indexed: bool = False) -> Iterator[Chunk]:
        """All chunks by root, path and ordinal; those that repeat another one are left out if `indexed`."""
        where = " WHERE duplicate_of IS NULL" if indexed else ""
        for row in self._rows(f"SELECT {CHUNK_COLUMNS}, crc FROM chunks{where} ORDER BY root, path, ordinal"):  # noqa: S608 - constant
            yield self._sound(row)

    def chunk(self, chunk_id: ChunkId) -> Chunk:
        """One chunk by its id.

        Raises:
            CatalogueCorrupt: no such chunk, so the indexes and the catalogue have come apart; or it is damaged.
        """
        return self.read([chunk_id])[0]

    def read(self, ids: Sequence[ChunkId]) -> tuple[Chunk, ...]:
        """Chunks by their ids, in the order of `ids`.

        Raises:
            CatalogueCorrupt: as for `chunk`.
        """
        found: dict[ChunkId, tuple[Any, ...]] = {}
        sql = f"SELECT {CHUNK_COLUMNS}, crc FROM chunks WHERE id IN (SELECT value FROM json_each(?))"  # noqa: S608 - constant
        for row in self._rows(sql, (json.dumps(ids),)):
            found.setdefault(row[0], row)  # the same text under several roots has one id
        if missing := [chunk_id for chunk_id in ids if chunk_id not in found]:
            raise self._corrupt(f"no chunk {missing[0]}")
        return tuple(self._sound(found[chunk_id]) for chunk_id in ids)

    def neighbours(self, ids: Sequence[ChunkId], distance: int) -> dict[ChunkId, tuple[Chunk, ...]]:
        """By chunk, those of its section at most `distance` places before or after it, in reading order, itself left out."""
        rows = self._rows(
            f"SELECT {_BESIDE} FROM chunks own JOIN chunks near ON (near.root, near.path) = (own.root, own.path)"  # noqa: S608
            " AND near.ordinal BETWEEN own.ordinal - ?2 AND own.ordinal + ?2 AND near.ordinal != own.ordinal"
            " WHERE own.id IN (SELECT value FROM json_each(?1)) AND near.heading = own.heading"
            " AND own.root = (SELECT MIN(root) FROM chunks WHERE id = own.id) ORDER BY near.ordinal",
            (json.dumps(ids), distance),
        )
        return self._by_chunk(ids, rows)

    def _by_chunk(self, ids: Sequence[ChunkId], rows: Iterable[tuple[Any, ...]]) -> dict[ChunkId, tuple[Chunk, ...]]:
        """Chunks that belong to others, whose ids come first in each row."""
        found: dict[ChunkId, list[Chunk]] = {chunk_id: [] for chunk_id in ids}
        for row in rows:
            found[row[0]].append(self._sound(row[1:]))
        return {owner: tuple(chunks) for owner, chunks in found.items()}

    def document_chunks(self, chunk_id: ChunkId) -> tuple[Chunk, ...]:
        """All chunks of the document that a chunk was cut from, in reading order."""
        rows = self._rows(
            f"SELECT {CHUNK_COLUMNS}, crc FROM chunks WHERE (root, path) ="  # noqa: S608 - constant
            " (SELECT root, path FROM chunks WHERE id = ? LIMIT 1) ORDER BY ordinal",
            (chunk_id,),
        )
        return tuple(map(self._sound, rows))

    def _sound(self, row: tuple[Any, ...]) -> Chunk:
        """The chunk of a row with its checksum."""
        if not _is_sound(row):
            raise self._corrupt(f"chunk {row[0]} has a wrong checksum")
        return chunk_from_row(row[:-1])

    def set_duplicates(self, groups: Iterable[tuple[int, ...]]) -> None:
        """Note which chunks repeat another one.

        Args:
            groups: positions in the order of `chunks`; the first of a group stands for the others.
        """
        places = list(self._rows("SELECT root, path, ordinal, id FROM chunks ORDER BY root, path, ordinal"))
        rows = [(places[first][3], *places[at][:3]) for first, *rest in groups for at in rest]
        self._db.execute("UPDATE chunks SET duplicate_of = NULL WHERE duplicate_of IS NOT NULL")
        self._db.executemany("UPDATE chunks SET duplicate_of = ? WHERE root = ? AND path = ? AND ordinal = ?", rows)

    def duplicates(self, ids: Sequence[ChunkId]) -> dict[ChunkId, tuple[Chunk, ...]]:
        """By chunk, those that it stands for, itself left out."""
        rows = self._rows(
            f"SELECT duplicate_of, {CHUNK_COLUMNS}, crc FROM chunks WHERE duplicate_of IN (SELECT value FROM json_each(?))"  # noqa: S608
            " ORDER BY root, path, ordinal",
            (json.dumps(ids),),
        )
        return self._by_chunk(ids, rows)

    def count_duplicates(self) -> int:
        """How many chunks repeat another one."""
        row = self._row("SELECT COUNT(*) FROM chunks WHERE duplicate_of IS NOT NULL")
        return int(row[0]) if row else 0

    def derived(self, kind: str, keys: Iterable[bytes]) -> dict[bytes, bytes]:
        """The values of a kind that were computed from the texts of `keys`; damaged ones are left out, as if never computed."""
        found: dict[bytes, bytes] = {}
        for key in keys:
            row = self._row("SELECT value, crc FROM derived WHERE kind = ? AND key = ?", (kind, key))
            if row and zlib.crc32(row[0]) == row[1]:
                found[key] = row[0]
        return found

    def put_derived(self, kind: str, values: Iterable[tuple[bytes, bytes]]) -> None:
        """Store values of a kind by text key."""
        rows = ((kind, key, value, zlib.crc32(value)) for key, value in values)
        self._db.executemany("INSERT OR REPLACE INTO derived VALUES (?, ?, ?, ?)", rows)

    def drop_derived(self, keep: set[bytes], is_stale: Callable[[str], bool] = lambda _: False) -> None:
        """Forget the values of texts whose key is not in `keep`, and those of stale kinds."""
        stored = list(self._rows("SELECT kind, key FROM derived"))
        gone = (row for row in stored if row[1] not in keep or is_stale(row[0]))
        self._db.executemany("DELETE FROM derived WHERE kind = ? AND key = ?", gone)

    def adopt_derived(self, kind: str, source: str) -> None:
        """Put the values of kind `source` in the place of those of `kind`."""
        self._db.execute("DELETE FROM derived WHERE kind = ?", (kind,))
        self._db.execute("UPDATE derived SET kind = ? WHERE kind = ?", (kind, source))

    def embeddings(self, keys: Iterable[bytes], *, kind: str = VECTORS) -> dict[bytes, FloatVector]:
        """The stored vectors among `keys`, each of shape (dimension,)."""
        return {key: np.frombuffer(value, dtype=np.float32) for key, value in self.derived(kind, keys).items()}

    def put_embeddings(self, vectors: Iterable[tuple[bytes, FloatVector]], *, kind: str = VECTORS) -> None:
        """Store vectors by text key."""
        self.put_derived(kind, ((key, np.asarray(vector, dtype=np.float32).tobytes()) for key, vector in vectors))


def _is_sound(row: tuple[Any, ...]) -> bool:
    """Whether a row is as it was written; its last value is the checksum, None in what earlier versions wrote."""
    try:
        return row[-1] is None or checksum(row[:-1]) == row[-1]
    except TypeError:  # text became bytes
        return False
