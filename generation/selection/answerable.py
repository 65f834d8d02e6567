"""How likely it is that the selected evidence answers the question: the second look at it, after the search's own.

    relevance of the search, best unit to the reader --logistic regression--> probability, 0-1

The search judges passages, and a near miss ("what did the training of BLOOM with ALiBi cost?") finds the right ones. Whether any
one sentence says what is asked is known only once each has been read by itself: by the reader, or without one by the reranker,
whose word on single sentences adds nothing to the reader's. Coefficients lie in `answerable.json`, fitted by
`python -m eval.fit_answerable` on the development questions and on messy notebooks.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from corpus.results import Hit
from generation.selection.names import missing_from, numbered_names, plain_names, unknown_to
from retrieval.relevance import logit

COEFFICIENTS = Path(__file__).with_name("answerable.json")
# Below this relevance of the search nothing is read: hardly a question that has an answer lies there.
SURELY_NOT = 0.01
# The reader is never surer than this, in logits: what has all the question's names and another predicate gets any number.
_SUREST = 4.0


def unmentioned(question: str, hits: Sequence[Hit]) -> frozenset[str]:
    """The names in a question that no hit has: what is said of GPT-3 or LayerNorm does not answer about GPT-4 or RMSNorm."""
    told = "\n".join(part for hit in hits for part in (hit.chunk.path, *hit.chunk.heading, hit.chunk.text))
    return missing_from(numbered_names(question), told) | unknown_to(plain_names(question), told)


@cache
def _coefficients() -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = json.loads(COEFFICIENTS.read_text(encoding="utf-8"))
    return found


def answerable(relevance: float, statement: float | None, reading: float | None = None) -> float:
    """Probability that the notes answer.

    Args:
        relevance: of the search, 0-1.
        statement: the reranker's best logit of a sentence by itself (`generation.selection.evidence_reading`); None without a
            reranker, and the search's relevance stands.
        reading: the reader's best logit of a unit; None without a reader.
    """
    if statement is None:
        return relevance
    known = {"intercept": 1.0, "relevance": logit(relevance)}
    known |= {"statement": statement} if reading is None else {"reading": sureness(reading)}
    weights = _coefficients()["reranked" if reading is None else "read"]
    score = sum(weights[name] * value for name, value in known.items())
    return 1 / (1 + math.exp(-score))


def sureness(reading: float) -> float:
    """The reader's best logit as the regression takes it."""
    return min(reading, _SUREST)
