"""What the index asks of an embedding model, and one that is loaded only when it is first needed; imports nothing heavy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

FloatMatrix = NDArray[np.float32]
BUNDLED_EMBEDDINGS = "bundled:multilingual-e5-small"


class Embedder(Protocol):
    """What the index needs of an embedding model."""

    @property
    def name(self) -> str:
        """What the settings call it."""

    @property
    def dimension(self) -> int:
        """Length of its vectors."""

    def encode_passages(self, texts: Sequence[str]) -> FloatMatrix:
        """Unit vectors of passages, shape (len(texts), dimension)."""

    def encode_query(self, text: str) -> FloatMatrix:
        """The unit vector of a question, shape (1, dimension)."""

    def count_tokens(self, text: str) -> int:
        """Length of a text in the model's tokens, special tokens left out."""


class LazyEmbedder:
    """An `Embedder` whose name is known at once and whose model is loaded on first use: nothing to embed, nothing to load."""

    def __init__(self, name: str, load: Callable[[], Embedder]) -> None:
        self.name = name
        self._load = load

    @cached_property
    def _model(self) -> Embedder:
        return self._load()

    @property
    def dimension(self) -> int:
        """Length of its vectors."""
        return self._model.dimension

    def encode_passages(self, texts: Sequence[str]) -> FloatMatrix:
        """Unit vectors of passages, shape (len(texts), dimension)."""
        return self._model.encode_passages(texts)

    def encode_query(self, text: str) -> FloatMatrix:
        """The unit vector of a question, shape (1, dimension)."""
        return self._model.encode_query(text)

    def count_tokens(self, text: str) -> int:
        """Length of a text in the model's tokens, special tokens left out."""
        return self._model.count_tokens(text)
