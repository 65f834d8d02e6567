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
    if len(rows) > k:
        rows = _highest(rows, scores[rows], k)
    return rows[np.argsort(-scores[rows], kind="stable")]


def _promising(scores: FloatVector, k: int, above: float) -> Rows:
    """Rows, ascending, of all scores above `above` that may be among the k highest.

    The k-th highest of the maxima of disjoint groups is no more than the k-th highest score, since k groups each hold one that
    high. So after one pass only the few groups that reach it are looked into; nothing as long as `scores` is sorted.
    """
    groups = len(scores) // _GROUP
    if groups < 2 * k:
        return np.flatnonzero(scores > above)
    grouped = scores[: groups * _GROUP].reshape(_GROUP, groups)  # group g: rows g, g + groups, g + 2 * groups ...
    maxima = grouped.max(axis=0)
    floor = np.partition(maxima, groups - k)[groups - k]
    if floor <= above:
        return np.flatnonzero(scores > above)
    chosen = np.flatnonzero(maxima >= floor)
    member, column = np.nonzero(grouped[:, chosen] >= floor)
    rest = np.arange(groups * _GROUP, len(scores))
    return np.sort(np.concatenate((member * groups + chosen[column], rest[scores[rest] >= floor])))


def _highest(rows: Rows, scores: FloatVector, k: int) -> Rows:
    """The k rows of highest score, ascending; of those that equal the k-th highest, the first ones."""
    lowest = -np.partition(-scores, k - 1)[k - 1]
    higher, equal = rows[scores > lowest], rows[scores == lowest]
    return np.sort(np.concatenate((higher, equal[: k - len(higher)])))
