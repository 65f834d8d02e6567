"""How likely it is that what was found answers the question: one calibrated number, 0-1, that decides about refusal.

A logistic regression over what the searches know of the best hits. Its coefficients lie in `relevance.json`, fitted on the
development questions by `python -m eval.calibrate` (docs/retrieval.md).
"""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retrieval.analysis import terms
from retrieval.bm25 import BM25Index


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known about the best hits of one question.

    Attributes:
        cosine: highest cosine similarity of a hit with the question.
        coverage: highest share of the question's idf mass that one hit's terms cover, 0-1.
        union: the same for the hits together.
        same_script: whether the hits are written in the question's language family (Chinese or not).
        rerank: highest relevance that the reranker gave a hit, 0-1; None without a reranker.
    """

    cosine: float
    coverage: float
    union: float
    same_script: bool
    rerank: float | None = None

    @property
    def model(self) -> str:
        """Which of the stored regressions reads this."""
        return "searches" if self.rerank is None else "reranked"

    def features(self) -> tuple[float, ...]:
        """The regression's inputs: five from the searches, and the reranker's logit where there is one."""
        same = float(self.same_script)
        searches = (self.cosine, self.coverage, self.union, same, same * self.cosine)
        return searches if self.rerank is None else (*searches, logit(self.rerank))


def logit(probability: float) -> float:
    """Log odds of a probability, which is kept off 0 and 1."""
    bounded = min(max(probability, 1e-4), 1 - 1e-4)
    return math.log(bounded / (1 - bounded))


def coverage(question: str, rows: NDArray[np.int64], bm25: BM25Index) -> tuple[float, float]:
    """Shares of the question's idf mass that the best single passage and all passages together hold, each 0-1.

    Args:
        question: standalone.
        rows: passage numbers, shape (n,).
        bm25: tells which terms a passage holds and what a term weighs.
    """
    counts = Counter(terms(question))
    weights = np.array([count * _smooth_idf(bm25.frequency(term), bm25.size) for term, count in counts.items()])
    if not weights.sum() or not len(rows):
        return 0.0, 0.0
    held = np.array([bm25.holds(term, rows) for term in counts])  # (terms, n)
    return float((weights @ held).max() / weights.sum()), float(weights @ held.any(axis=1) / weights.sum())


def _smooth_idf(frequency: int, size: int) -> float:
    """Above 0 even for a term that most passages hold, unlike Okapi's: in few notes every subject is common."""
    return math.log1p((size - frequency + 0.5) / (frequency + 0.5))


COEFFICIENTS = Path(__file__).with_name("relevance.json")


@cache
def _coefficients(model: str) -> tuple[float, tuple[float, ...]]:
    stored = json.loads(COEFFICIENTS.read_text(encoding="utf-8"))[model]
    return stored["intercept"], tuple(stored["coefficients"])


def relevance(evidence: Evidence) -> float:
    """Probability that the hits answer the question, 0-1."""
    intercept, coefficients = _coefficients(evidence.model)
    logit = intercept + sum(c * x for c, x in zip(coefficients, evidence.features(), strict=True))
    return 1 / (1 + math.exp(-logit))
