"""Pure functions from scores to rankings; higher is better, and of equal scores the earlier row comes first."""

from __future__ import annotations

import numpy as np

from retrieval.searcher import FloatVector, Rows

_GROUP = 64


def best_rows(scores: FloatVector, k: int, *, above: float = -np.inf) -> Rows:
    """Rows of the k highest scores that exceed `above`, best first; shape (<= k,)."""
    if k <= 0:
        return np.zeros(0, dtype=np.int64)
    rows = _promising(scores, k, above)
    return rows[np.argsort(-scores[rows], kind="stable")[:k]]


def _promising(scores: FloatVector, k: int, above: float) -> Rows:
    """Rows, ascending, of all scores above `above` that may be among the k highest.

    The k-th highest of the maxima of disjoint groups is no more than the k-th highest score, since k groups each hold one that
    high. So after one pass only the few groups that reach it are looked into; nothing as long as `scores` is sorted.
    """
    groups = len(scores) // _GROUP
    if groups < 2 * k:
        return np.flatnonzero(scores > above)
    end = groups * _GROUP
    grouped = scores[:end].reshape(_GROUP, groups)  # group g: rows g, g + groups, g + 2 * groups ...
    maxima = grouped.max(axis=0)
    floor = np.partition(maxima, groups - k)[groups - k]
    if floor <= above:
        return np.flatnonzero(scores > above)
    chosen = np.flatnonzero(maxima >= floor)
    member, column = np.divmod(np.flatnonzero(grouped.take(chosen, axis=1) >= floor), len(chosen))
    return np.concatenate((member * groups + chosen[column], end + np.flatnonzero(scores[end:] >= floor)))
