"""Vectors kept from one measurement to the next: encoding takes minutes, and neither model nor texts change."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from corpus.errors import UsageError
from retrieval.embedder import Embedder, FloatMatrix
from retrieval.manifest import fingerprints


class CachedEmbedder:
    """An `Embedder` that computes each vector once; keys hold the model's weights, the kind of text and the text."""

    def __init__(self, embedder: Embedder, path: Path) -> None:
        """Open or make the file at `path`.

        Raises:
            UsageError: it cannot be written, or something else lies there.
        """
        self._embedder = embedder
        self._model = "\0".join((embedder.name, *fingerprints(embedder.name).values()))
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, isolation_level=None)
            self._db.execute("CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID")
        except (OSError, sqlite3.Error) as error:
            raise UsageError(reason=f"cannot keep vectors in {path}: {error}") from error

    @property
    def name(self) -> str:
        """What the settings call the model."""
        return self._embedder.name

    @property
    def dimension(self) -> int:
        """Length of its vectors."""
        return self._embedder.dimension

    def encode_passages(self, texts: Sequence[str]) -> FloatMatrix:
        """Unit vectors of passages, shape (len(texts), dimension)."""
        return self._vectors("passage", texts, self._embedder.encode_passages)

    def encode_query(self, text: str) -> FloatMatrix:
        """The unit vector of a question, shape (1, dimension)."""
        return self._vectors("query", [text], lambda texts: self._embedder.encode_query(texts[0]))

    def count_tokens(self, text: str) -> int:
        """Length of a text in the model's tokens, special tokens left out."""
        return self._embedder.count_tokens(text)

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def _vectors(self, kind: str, texts: Sequence[str], encode: Callable[[Sequence[str]], FloatMatrix]) -> FloatMatrix:
        keys = [hashlib.sha256(f"{self._model}\0{kind}\0{text}".encode()).digest() for text in texts]
        found = {key: vector for key in set(keys) if (vector := self._stored(key)) is not None}
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in found}
        if missing:
            new = dict(zip(missing, encode(list(missing.values())), strict=True))
            self._db.execute("BEGIN")
            self._db.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", ((k, v.tobytes()) for k, v in new.items()))
            self._db.execute("COMMIT")
            found |= new
        return np.array([found[key] for key in keys], dtype=np.float32).reshape(-1, self.dimension)

    def _stored(self, key: bytes) -> FloatMatrix | None:
        row = self._db.execute("SELECT value FROM vectors WHERE key = ?", (key,)).fetchone()
        return np.frombuffer(row[0], dtype=np.float32) if row else None
