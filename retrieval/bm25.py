"""BM25 with the formulas of rank_bm25, precomputed for every term and passage at build time.

Okapi BM25 as `rank_bm25.BM25Okapi` has it (k1 = 1.5, b = 0.75, negative idf raised to 0.25 of the mean idf):

    score(q, d) = sum over t in q of idf(t) * f(t, d) * (k1 + 1) / (f(t, d) + k1 * (1 - b + b * |d| / avgdl))

Each summand depends on term and passage only, so they are stored as one sparse matrix and a query adds up rows (eager scoring,
Lu 2024, "BM25S", arXiv:2407.03618). Scores equal rank_bm25's up to float32 rounding; a test holds them side by side.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rank_bm25 import BM25Okapi

FloatVector = NDArray[np.float32]


@dataclass(frozen=True)
class BM25Index:
    """Precomputed scores in compressed sparse rows, one row a term.

    Attributes:
        vocabulary: term -> row.
        indptr: shape (terms + 1,); row r lies at `[indptr[r], indptr[r + 1])`.
        passages: shape (nonzeros,), the passage numbers of each row.
        scores: shape (nonzeros,), what the term adds to the passage's score.
        idf: shape (terms,).
        size: number of passages.
    """

    vocabulary: dict[str, int]
    indptr: NDArray[np.int64]
    passages: NDArray[np.int32]
    scores: FloatVector
    idf: FloatVector
    size: int

    def score(self, query: Sequence[str]) -> FloatVector:
        """Scores of all passages for a query's terms; shape (size,), higher is better, 0 where no term occurs."""
        total = np.zeros(self.size, dtype=np.float32)
        for term, count in Counter(query).items():
            row = self.vocabulary.get(term)
            if row is not None:
                span = slice(self.indptr[row], self.indptr[row + 1])
                total[self.passages[span]] += count * self.scores[span]
        return total

    def holds(self, term: str, numbers: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of some passages hold a term; shape of `numbers`."""
        row = self.vocabulary.get(term)
        if row is None:
            return np.zeros(numbers.shape, dtype=np.bool_)
        return np.isin(numbers, self.passages[self.indptr[row] : self.indptr[row + 1]])

    def idf_of(self, term: str) -> float:
        """A term's idf; for an unknown term what the formula gives one that no passage holds."""
        row = self.vocabulary.get(term)
        return float(self.idf[row]) if row is not None else float(np.log(self.size + 0.5) - np.log(0.5))

    def save(self, folder: Path) -> None:
        """Write the arrays as `.npy` files and the vocabulary as JSON."""
        for name in ("indptr", "passages", "scores", "idf"):
            np.save(folder / f"bm25.{name}.npy", getattr(self, name))
        ordered = sorted(self.vocabulary, key=self.vocabulary.__getitem__)
        (folder / "bm25.terms.json").write_text(
            json.dumps({"size": self.size, "terms": ordered}, ensure_ascii=False), encoding="utf-8"
        )

    @classmethod
    def load(cls, folder: Path) -> BM25Index:
        """Open what `save` wrote; arrays are memory-mapped."""
        arrays = {name: np.load(folder / f"bm25.{name}.npy", mmap_mode="r") for name in ("indptr", "passages", "scores", "idf")}
        stored = json.loads((folder / "bm25.terms.json").read_text(encoding="utf-8"))
        return cls({term: row for row, term in enumerate(stored["terms"])}, size=stored["size"], **arrays)


def build_bm25(passages: Sequence[Sequence[str]]) -> BM25Index:
    """Precompute the scores of all terms of all passages (each a list of terms)."""
    if not any(passages):
        empty = np.zeros(0, dtype=np.float32)
        return BM25Index({}, np.zeros(1, dtype=np.int64), np.zeros(0, dtype=np.int32), empty, empty, len(passages))
    okapi = BM25Okapi([list(terms) for terms in passages])
    vocabulary = {term: row for row, term in enumerate(okapi.idf)}
    idf = np.fromiter(okapi.idf.values(), dtype=np.float64, count=len(vocabulary))

    rows = np.fromiter((vocabulary[t] for doc in okapi.doc_freqs for t in doc), dtype=np.int64)
    frequency = np.fromiter((f for doc in okapi.doc_freqs for f in doc.values()), dtype=np.float64)
    numbers = np.repeat(np.arange(len(passages), dtype=np.int32), [len(doc) for doc in okapi.doc_freqs])
    length = np.asarray(okapi.doc_len, dtype=np.float64)[numbers]
    saturation = frequency + okapi.k1 * (1 - okapi.b + okapi.b * length / okapi.avgdl)
    scores = idf[rows] * frequency * (okapi.k1 + 1) / saturation

    order = np.argsort(rows, kind="stable")
    indptr = np.concatenate(([0], np.cumsum(np.bincount(rows, minlength=len(vocabulary)))))
    return BM25Index(
        vocabulary,
        indptr.astype(np.int64),
        numbers[order],
        scores[order].astype(np.float32),
        idf.astype(np.float32),
        len(passages),
    )
