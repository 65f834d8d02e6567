"""An embedder that needs no weights: character n-grams hashed into a few dimensions.

Texts that share many n-grams point the same way, so nearest neighbours mean something, and every vector is the same on every
machine.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence

import numpy as np

from retrieval.embeddings import FloatMatrix

_TOKEN = re.compile(r"[A-Za-z0-9]+|[^\sA-Za-z0-9]")


class HashEmbedder:
    """Hashed character bigrams and trigrams, normalised; a `retrieval.embeddings.Embedder`.

    Attributes:
        passages: every passage text it was asked to embed, in order.
    """

    def __init__(self, name: str = "test:hashed-n-grams", dimension: int = 64) -> None:
        self.name = name
        self.dimension = dimension
        self.passages: list[str] = []

    def encode_passages(self, texts: Sequence[str]) -> FloatMatrix:
        self.passages += texts
        return np.array([self._vector(text) for text in texts], dtype=np.float32).reshape(-1, self.dimension)

    def encode_query(self, text: str) -> FloatMatrix:
        return self._vector(text)[np.newaxis]

    def count_tokens(self, text: str) -> int:
        return len(_TOKEN.findall(text))

    def _vector(self, text: str) -> FloatMatrix:
        text = f" {text.casefold()} "
        grams = (text[at : at + size] for size in (2, 3) for at in range(len(text) - size + 1))
        vector = np.zeros(self.dimension, dtype=np.float32)
        for gram in grams:
            vector[zlib.crc32(gram.encode()) % self.dimension] += 1
        return vector / np.float32(np.linalg.norm(vector))
