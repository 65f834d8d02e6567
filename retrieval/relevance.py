"""How likely it is that what was found answers the question: one calibrated number, 0-1, that decides about refusal.

A logistic regression over what the searches know of the best hits. Its coefficients lie in `relevance.json`, fitted on the
development questions by `python -m eval.calibrate` (docs/retrieval.md).
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

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
    """

    cosine: float
    coverage: float
    union: float
    same_script: bool

    def features(self) -> tuple[float, ...]:
        """The regression's inputs, shape (5,)."""
        same = float(self.same_script)
        return (self.cosine, self.coverage, self.union, same, same * self.cosine)


def coverage(question: str, texts: Sequence[str], bm25: BM25Index) -> tuple[float, float]:
    """Shares of the question's idf mass found in the best single text and in all texts together, each 0-1."""
    weights = {term: count * max(bm25.idf_of(term), 0.0) for term, count in Counter(terms(question)).items()}
    total = sum(weights.values())
    if not total or not texts:
        return 0.0, 0.0
    found = [set(terms(text)) & weights.keys() for text in texts]
    return max(sum(weights[t] for t in f) for f in found) / total, sum(weights[t] for t in set().union(*found)) / total


@cache
def _coefficients() -> tuple[float, tuple[float, ...]]:
    stored = json.loads(Path(__file__).with_name("relevance.json").read_text(encoding="utf-8"))
    return stored["intercept"], tuple(stored["coefficients"])


def relevance(evidence: Evidence) -> float:
    """Probability that the hits answer the question, 0-1."""
    intercept, coefficients = _coefficients()
    logit = intercept + sum(c * x for c, x in zip(coefficients, evidence.features(), strict=True))
    return 1 / (1 + math.exp(-logit))
