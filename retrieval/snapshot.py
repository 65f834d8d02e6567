"""One immutable generation of the index: the files that make chunks searchable, and how they are written and opened.

A generation is a folder that is written once and never changed: BM25 arrays, a FAISS index, the chunk ids in row order, and a
manifest with the size and SHA-256 of each file. All of it follows from the catalogue and can be rebuilt.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from corpus.catalogue import Catalogue
from corpus.documents import Chunk, ChunkId
from corpus.errors import IndexCorrupt
from retrieval.bm25 import BM25Index, build_bm25
from retrieval.dense import FLAT_UP_TO, PROBES, DenseIndex, build_dense, load_dense, save_dense
from retrieval.embedder import FloatMatrix

# Bytes of a generation that opening reads through: about 0.15 s, and enough for some 100,000 passages.
_HASHED_UP_TO = 256 * 2**20
_MANIFEST = "manifest.json"
# Raised when the files of a generation change their form; those of another form are rebuilt like damaged ones.
_FORMAT = 2


def write_generation(
    folder: Path,
    chunks: Sequence[Chunk],
    terms: Sequence[Sequence[str]],
    vectors: FloatMatrix,
    *,
    flat_up_to: int = FLAT_UP_TO,
) -> None:
    """Write the files of a generation into an existing empty folder, durably.

    Args:
        folder: where to.
        chunks: in row order.
        terms: of each chunk, for the lexical index.
        vectors: unit vectors of the chunks, shape (len(chunks), dimension).
        flat_up_to: most chunks that are searched exactly; the file says which kind it is, and either can be opened.
    """
    build_bm25(terms).save(folder)
    save_dense(build_dense(vectors, flat_up_to=flat_up_to), folder / "dense.faiss")
    np.save(folder / "chunk_ids.npy", np.array([chunk.id for chunk in chunks], dtype="S16"))
    np.save(folder / "chinese.npy", np.array([chunk.language.startswith("zh") for chunk in chunks], dtype=np.bool_))
    files = {path.name: {"bytes": path.stat().st_size, "sha256": file_sha256(path)} for path in sorted(folder.iterdir())}
    (folder / _MANIFEST).write_text(json.dumps({"format": _FORMAT, "files": files}, indent=1), encoding="utf-8")
    for path in (*folder.iterdir(), folder):
        sync(path)


def sync(path: Path) -> None:
    """Have a file or folder reach the disk before going on (fsync)."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def file_sha256(path: Path) -> str:
    """Hex SHA-256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def damaged_files(folder: Path, *, hash_up_to: int | None = None) -> tuple[str, ...]:
    """Names of the files of a generation that are missing or have the wrong size or checksum.

    The manifest itself is named if it cannot be read, or is of another version.

    Args:
        folder: of the generation.
        hash_up_to: bytes of a generation from which on only sizes are compared; None hashes all.
    """
    try:
        manifest = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
        files = manifest["files"]
        if manifest["format"] != _FORMAT:
            return (_MANIFEST,)
        hashed = hash_up_to is None or sum(facts["bytes"] for facts in files.values()) <= hash_up_to
        return tuple(name for name, facts in files.items() if not _is_sound(folder / name, facts, hashed))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return (_MANIFEST,)


def _is_sound(path: Path, facts: dict[str, object], hashed: bool) -> bool:
    if not path.is_file() or path.stat().st_size != facts["bytes"]:
        return False
    return not hashed or file_sha256(path) == facts["sha256"]


@dataclass(frozen=True)
class Snapshot:
    """A consistent state of the index to read from; `close` it when done.

    Attributes:
        number: of the generation.
        catalogue: documents and chunks of the same state.
        bm25, dense: the searches; passage numbers are rows.
        chunk_ids: shape (rows,).
        chinese: whether a row's chunk is in Chinese; shape (rows,).
    """

    number: int
    catalogue: Catalogue
    bm25: BM25Index
    dense: DenseIndex
    chunk_ids: NDArray[np.bytes_]
    chinese: NDArray[np.bool_]

    @classmethod
    def open(cls, number: int, folder: Path, catalogue: Catalogue, *, use_gpu: bool = True, probes: int = PROBES) -> Snapshot:
        """Open a generation. Small ones are hashed: a flipped bit would be a wrong hit that nobody notices.

        Of larger ones sizes are checked here, and checksums by `interview-rag doctor`.

        Raises:
            IndexCorrupt: a file is missing, damaged or unreadable.
        """
        if damaged := damaged_files(folder, hash_up_to=_HASHED_UP_TO):
            raise IndexCorrupt(path=folder / damaged[0], reason="missing, damaged or of another version")
        try:
            # As plain arrays, like those of BM25.
            ids, chinese = (np.asarray(np.load(folder / name, mmap_mode="r")) for name in ("chunk_ids.npy", "chinese.npy"))
            dense = load_dense(folder / "dense.faiss", use_gpu=use_gpu, probes=probes)
            return cls(number, catalogue, BM25Index.load(folder), dense, ids, chinese)
        except (OSError, ValueError, RuntimeError, KeyError) as error:
            raise IndexCorrupt(path=folder, reason=str(error).splitlines()[0]) from error

    @property
    def size(self) -> int:
        """Number of chunks."""
        return len(self.chunk_ids)

    def chunk(self, row: int) -> Chunk:
        """The chunk in a row of the indexes."""
        return self.chunks([row])[0]

    def chunks(self, rows: Sequence[int]) -> tuple[Chunk, ...]:
        """The chunks in some rows of the indexes, in the order of `rows`."""
        return self.catalogue.read([ChunkId(self.chunk_ids[row].decode()) for row in rows])

    def close(self) -> None:
        """Let go of the catalogue."""
        self.catalogue.close()
