"""Pure functions that make one ranking of several; scores are higher-is-better and ties keep the earlier passage first."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from retrieval.searcher import FloatVector

_RARE = 4  # times as many candidates in the other language make the question's own a rare one


def standardise(scores: FloatVector) -> FloatVector:
    """Scores with mean 0 and standard deviation 1; zeros if all are equal. Shape is kept."""
    exact = scores.astype(np.float64)  # in float32, rounding gives equal scores a spread of their own
    centred = exact - exact.mean()
    spread = np.sqrt((centred * centred).mean())
    return (centred / spread).astype(scores.dtype) if spread > 0 else np.zeros_like(scores)


def standardise_within(scores: FloatVector, groups: NDArray[np.bool_]) -> FloatVector:
    """`standardise` in each of two groups by itself; a group of one scores 0. Shape is kept."""
    standard = np.zeros_like(scores)
    for group in (groups, ~groups):
        standard[group] = standardise(scores[group]) if group.any() else scores[group]
    return standard


def fuse(lexical: FloatVector, dense: FloatVector, foreign: NDArray[np.bool_], *, dense_weight: float) -> FloatVector:
    """Standardised weighted sum of two scores of the same candidates; all shapes are (candidates,).

    fused = (1 - w) * z(lexical) + w * z(dense), with z over the candidates of one language, the question's or the foreign one. A
    sum of scores keeps how much better one passage is than the next, which ranks lose (compare Bruch et al., 2023, "An Analysis
    of Fusion Functions for Hybrid Retrieval", arXiv:2210.11934). Each language by itself, because both searches favour the
    question's own language and would bury notes in the other one (docs/retrieval.md has the figures). Only where the question's
    own language is rare, z of its candidates is over all: the few English passages of a folder in Chinese may all be about what
    an English question asks, and their own mean would hide it.
    """
    own_is_rare = 0 < (~foreign).sum() * _RARE < foreign.sum()
    parts = []
    for scores in (lexical, dense):
        standard = standardise_within(scores, foreign)
        if own_is_rare:
            standard[~foreign] = standardise(scores)[~foreign]
        parts.append(standard)
    return (1 - dense_weight) * parts[0] + dense_weight * parts[1]


def ranking(scores: FloatVector) -> NDArray[np.int64]:
    """Positions from the best score to the worst; equal scores stay in their order."""
    return np.argsort(-scores, kind="stable")
