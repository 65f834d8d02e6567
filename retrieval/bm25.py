"""BM25 with the formulas of rank_bm25, precomputed for every term and passage at build time.

Okapi BM25 as `rank_bm25.BM25Okapi` has it (k1 = 1.5, b = 0.75, negative idf raised to 0.25 of the mean idf):

    idf(t)      = log(N - n(t) + 0.5) - log(n(t) + 0.5)          N passages, n(t) of them hold t
    score(q, d) = sum over t in q of idf(t) * f(t, d) * (k1 + 1) / (f(t, d) + k1 * (1 - b + b * |d| / avgdl))

Each summand depends on term and passage only, so they are stored as one sparse matrix and a query adds up rows (eager scoring,
Lu 2024, "BM25S", arXiv:2407.03618). Scores equal rank_bm25's up to float32 rounding; a test holds them side by side.

Terms are known by 64-bit hashes, so that the vocabulary is one more memory-mapped array and opens at once. Two of a million terms
share a hash with a probability of 3e-8; they would count as one term.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csc_array

from retrieval.ranking import best_rows
from retrieval.searcher import FloatVector, Rows

K1, B, EPSILON = 1.5, 0.75, 0.25

_FILES = ("terms", "indptr", "passages", "scores", "idf")


@dataclass(frozen=True)
class BM25Index:
    """Precomputed scores in compressed sparse rows, one row a term.

    Attributes:
        terms: hashes of the terms, ascending; shape (terms,).
        indptr: shape (terms + 1,); term t lies at `[indptr[t], indptr[t + 1])`.
        passages: shape (nonzeros,), the rows of the passages that hold each term, ascending.
        scores: shape (nonzeros,), what the term adds to the passage's score.
        idf: shape (terms,).
        size: number of passages.
    """

    terms: NDArray[np.uint64]
    indptr: NDArray[np.int64]
    passages: NDArray[np.int32]
    scores: FloatVector
    idf: FloatVector
    size: int

    def search(self, query: Sequence[str], k: int) -> tuple[Rows, FloatVector]:
        """The best passages for a query's terms, among those that score above 0; see `Searcher`."""
        total = self.score_all(query)
        rows = best_rows(total, k, above=0.0)
        return rows, total[rows]

    def score(self, query: Sequence[str], rows: Rows) -> FloatVector:
        """Scores of given passages for a query's terms, 0 where no term occurs; shape of `rows`."""
        total = np.zeros(rows.shape, dtype=np.float32)
        counts = Counter(query)
        for span, count in zip(self._spans(counts), counts.values(), strict=True):
            places, held = self._look_up(span, rows)
            total[held] += count * self.scores[span][places[held]]
        return total

    def score_all(self, query: Sequence[str]) -> FloatVector:
        """Scores of all passages; shape (size,)."""
        counts = Counter(query)
        if not counts:
            return np.zeros(self.size, dtype=np.float32)
        spans = self._spans(counts)
        passages, scores = (np.concatenate([array[span] for span in spans]) for array in (self.passages, self.scores))
        # One sparse column a term: copying them together and one product is four times faster than indexing with NumPy.
        ends = np.fromiter(accumulate((span.stop - span.start for span in spans), initial=0), np.int32, len(spans) + 1)
        columns = csc_array((scores, passages, ends), shape=(self.size, len(spans)))
        return np.asarray(columns @ np.fromiter(counts.values(), np.float32, len(spans)))

    def holds(self, terms: Collection[str], rows: Rows) -> NDArray[np.bool_]:
        """Which of some passages hold each of some terms; shape (len(terms), len(rows))."""
        held = [self._look_up(span, rows)[1] for span in self._spans(terms)]
        return np.array(held, dtype=np.bool_).reshape(len(held), len(rows))

    def frequency(self, term: str) -> int:
        """In how many passages a term occurs."""
        return sum(span.stop - span.start for span in self._spans([term]))

    def idf_of(self, term: str) -> float:
        """A term's idf; for an unknown term what the formula gives one that no passage holds."""
        (number,), (known,) = self._find([term])
        return float(self.idf[number]) if known else float(np.log(self.size + 0.5) - np.log(0.5))

    def _find(self, terms: Collection[str]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """The place of each term among those of the index, and whether it is there at all; each of shape (len(terms),)."""
        wanted = _hashes(terms)
        places = self.terms.searchsorted(wanted)
        known = self.terms.take(places, mode="clip") == wanted if len(self.terms) else np.zeros(len(wanted), dtype=np.bool_)
        return places, known

    def _spans(self, terms: Collection[str]) -> list[slice]:
        """Where each term lies; an unknown one, nowhere."""
        places, known = self._find(terms)
        return list(map(slice, self.indptr[places].tolist(), self.indptr[places + known].tolist()))

    def _look_up(self, span: slice, rows: Rows) -> tuple[Rows, NDArray[np.bool_]]:
        """The place of each passage among those that hold a term, and whether it is there at all; shapes of `rows`."""
        holders = self.passages[span]
        # In the stored type: otherwise all holders would be converted for the search.
        wanted = rows.astype(holders.dtype)
        places = np.searchsorted(holders, wanted)
        held = places < len(holders)
        held[held] = holders[places[held]] == wanted[held]
        return places, held

    def save(self, folder: Path) -> None:
        """Write the arrays as `.npy` files."""
        for name in _FILES:
            np.save(folder / f"bm25.{name}.npy", getattr(self, name))
        np.save(folder / "bm25.size.npy", np.array(self.size))

    @classmethod
    def load(cls, folder: Path) -> BM25Index:
        """Open what `save` wrote; arrays are memory-mapped."""
        # As plain arrays: slices of np.memmap take several times as long.
        arrays = {name: np.asarray(np.load(folder / f"bm25.{name}.npy", mmap_mode="r")) for name in _FILES}
        return cls(size=int(np.load(folder / "bm25.size.npy")), **arrays)


def build_bm25(passages: Sequence[Sequence[str]]) -> BM25Index:
    """Precompute the scores of all terms of all passages (each a list of terms)."""
    lengths = np.fromiter(map(len, passages), dtype=np.int64, count=len(passages))
    seen = {term: number for number, term in enumerate(dict.fromkeys(chain.from_iterable(passages)))}
    hashes, numbers = np.unique(_hashes(seen), return_inverse=True)
    tokens = np.fromiter(map(seen.__getitem__, chain.from_iterable(passages)), dtype=np.int32, count=int(lengths.sum()))
    indptr, holders, frequencies = _count(numbers.astype(np.int32)[tokens], lengths, len(hashes))

    idf = inverse_document_frequencies(np.diff(indptr), len(passages))
    length_factor = K1 * (1 - B + B * lengths / max(lengths.mean() if len(lengths) else 0.0, 1e-9))
    saturated = frequencies * (K1 + 1) / (frequencies + length_factor[holders])
    scores = np.repeat(idf, np.diff(indptr)) * saturated
    return BM25Index(hashes, indptr, holders, scores.astype(np.float32), idf.astype(np.float32), len(passages))


def inverse_document_frequencies(holders: NDArray[np.int64], size: int) -> NDArray[np.float64]:
    """Idf of terms that so many of `size` passages hold; where negative, EPSILON of the mean; shape of `holders`."""
    idf: NDArray[np.float64] = np.log(size - holders + 0.5) - np.log(holders + 0.5)
    if len(idf):
        idf[idf < 0] = EPSILON * idf.mean()
    return idf


def _count(
    tokens: NDArray[np.int32], lengths: NDArray[np.int64], terms: int
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float32]]:
    """How often each passage holds each term, as compressed rows of terms.

    Args:
        tokens: the terms of all passages, one after the other.
        lengths: number of tokens of each passage.
        terms: number of different terms.

    Returns:
        `indptr` and `passages` as in `BM25Index`, and the counts, shape (nonzeros,).
    """
    rows = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)
    ones = np.ones(len(tokens), dtype=np.float32)
    # Conversion to rows adds up equal pairs of term and passage.
    counts = coo_array((ones, (tokens, rows)), shape=(terms, len(lengths))).tocsr()
    return counts.indptr.astype(np.int64), counts.indices.astype(np.int32), counts.data


def _hashes(terms: Iterable[str]) -> NDArray[np.uint64]:
    # Half a character, as a broken file name may hold, is a term like any other.
    encoded = (term.encode("utf-8", "surrogatepass") for term in terms)
    return np.frombuffer(b"".join(hashlib.blake2b(term, digest_size=8).digest() for term in encoded), dtype=np.uint64)
