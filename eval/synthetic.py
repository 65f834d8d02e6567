"""Large synthetic collections that look like given notes: to measure speed and memory, not quality."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from retrieval.analysis import terms
from retrieval.embedder import FloatMatrix

_SENTENCE = re.compile(r"[^\n。！？]{10,}[。！？]?")
_SENTENCES_PER_PASSAGE = (4, 9)
# Frequencies fall with a power of the rank: of sentences slowly, of made-up names as words do in a text (Zipf).
_SENTENCE_EXPONENT, _NAME_EXPONENT = 0.6, 1.3
_NAMES_PER_PASSAGE = 3
_SPREAD, _WHITE_SPREAD = 0.5, 0.15
_BLOCK = 50_000


@dataclass(frozen=True)
class SyntheticCollection:
    """Passages of sentences of real notes and made-up names, with vectors around real ones.

    Attributes:
        sentences, sentence_terms: what passages are made of.
        members: for each passage, which sentences.
        names: for each passage, its names, which make the vocabulary grow with the collection.
        vectors: unit vectors, shape (passages, dimension).
    """

    sentences: tuple[str, ...]
    sentence_terms: tuple[list[str], ...]
    members: tuple[tuple[int, ...], ...]
    names: tuple[tuple[str, ...], ...]
    vectors: FloatMatrix

    def text(self, row: int) -> str:
        """A passage's text."""
        return " ".join((*(self.sentences[i] for i in self.members[row]), *self.names[row]))

    def terms(self, row: int) -> list[str]:
        """A passage's terms; analysed once a sentence."""
        return [*chain.from_iterable(self.sentence_terms[i] for i in self.members[row]), *self.names[row]]


def synthesise(texts: Sequence[str], vectors: FloatMatrix, passages: int, *, seed: int = 0) -> SyntheticCollection:
    """Make a collection of so many passages from the texts and unit vectors of real chunks."""
    rng = np.random.default_rng(seed)
    sentences = tuple(dict.fromkeys(match.group().strip() for text in texts for match in _SENTENCE.finditer(text)))
    weights = np.arange(1, len(sentences) + 1) ** -_SENTENCE_EXPONENT
    ranked = rng.permutation(len(sentences))
    lengths = rng.integers(*_SENTENCES_PER_PASSAGE, passages)
    picked = ranked[rng.choice(len(sentences), lengths.sum(), p=weights / weights.sum())].tolist()
    ends = np.cumsum(lengths).tolist()
    members = tuple(tuple(picked[end - length : end]) for end, length in zip(ends, lengths.tolist(), strict=True))
    numbers = rng.zipf(_NAME_EXPONENT, (passages, _NAMES_PER_PASSAGE)).tolist()
    names = tuple(tuple(f"model{number}" for number in row) for row in numbers)
    around = vectors_around(vectors, passages, rng)
    return SyntheticCollection(sentences, tuple(terms(s) for s in sentences), members, names, around)


def vectors_around(vectors: FloatMatrix, count: int, rng: np.random.Generator) -> FloatMatrix:
    """Unit vectors around real ones: noise along the differences between real ones, and a little in all directions."""
    found = np.empty((count, vectors.shape[1]), dtype=np.float32)
    differences = vectors - vectors.mean(axis=0)
    for start in range(0, count, _BLOCK):
        block = found[start : start + _BLOCK]
        along = rng.standard_normal((len(block), len(vectors)), dtype=np.float32) @ differences / np.sqrt(len(vectors))
        white = rng.standard_normal(block.shape, dtype=np.float32) * differences.std()
        block[:] = vectors[rng.integers(0, len(vectors), len(block))] + _SPREAD * along + _WHITE_SPREAD * white
        block /= np.linalg.norm(block, axis=1, keepdims=True)
    return found
