"""How likely it is that what was found answers the question: one calibrated number, 0-1, that decides about refusal.

A logistic regression over what the searches know of the best hits. Its coefficients lie in `relevance.json`, fitted on the
development questions by `python -m eval.calibrate` (docs/retrieval.md).
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known about the best hits of one question.

    Attributes:
        cosine: highest cosine similarity of a hit with the question.
        coverage: highest share of what the question is about that one hit holds, 0-1 (`retrieval.coverage`).
        union: the same for the hits together.
        same_script: whether the hits are written in the question's language family (Chinese or not).
        rerank: highest relevance that the reranker gave a hit, 0-1; None without a reranker.
        sentence: the same for a sentence of a hit.
    """

    cosine: float
    coverage: float
    union: float
    same_script: bool
    rerank: float | None = None
    sentence: float = 0.0

    @property
    def model(self) -> str:
        """Which of the stored regressions reads this."""
        return "searches" if self.rerank is None else "reranked"

    def features(self) -> tuple[float, ...]:
        """The regression's inputs: five from the searches, and where there is a reranker its logits."""
        same = float(self.same_script)
        searches = (self.cosine, self.coverage, self.union, same, same * self.cosine)
        return searches if self.rerank is None else (*searches, logit(self.rerank), logit(self.sentence))


def logit(probability: float) -> float:
    """Log odds of a probability, which is kept off 0 and 1."""
    bounded = min(max(probability, 1e-4), 1 - 1e-4)
    return math.log(bounded / (1 - bounded))


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
