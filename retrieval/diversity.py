"""Hits that do not repeat each other."""

from __future__ import annotations

import numpy as np

from retrieval.embedder import FloatMatrix
from retrieval.fusion import standardise
from retrieval.searcher import FloatVector


def maximal_marginal_relevance(scores: FloatVector, vectors: FloatMatrix, *, diversity: float) -> list[int]:
    """Positions in the order in which each adds most to those before it (Carbonell and Goldstein 1998, SIGIR).

        next = argmax over the rest i of (1 - diversity) * z(score_i) - diversity * max over chosen j of z(cosine_ij)

    Both sides are standardised, since cosines of E5 lie close together.

    Args:
        scores: higher is better, shape (n,).
        vectors: unit vectors, shape (n, dimension).
        diversity: 0 keeps the order of the scores, 1 looks for what is unlike.
    """
    if len(scores) < 2:
        return list(range(len(scores)))
    wanted = (1 - diversity) * standardise(scores)
    cosines = vectors @ vectors.T
    apart = ~np.eye(len(scores), dtype=np.bool_)
    alike = np.zeros_like(cosines)
    alike[apart] = standardise(cosines[apart])
    chosen = [int(np.argmax(scores))]
    while len(chosen) < len(scores):
        gain = wanted - diversity * alike[:, chosen].max(axis=1)
        gain[chosen] = -np.inf
        chosen.append(int(np.argmax(gain)))
    return chosen
