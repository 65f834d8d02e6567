"""Fit the regression that selects evidence, on development questions.

    python -m eval.fit_evidence --index DIR [--questions FILE] [--out generation/selection/evidence.json]

A unit of a hit is right if it stands in a gold section and states a key fact. The regression gives the right ones as much of a
softmax over all units of a question as it can, with a ridge. Prints for both splits which share of the key facts the best
three, five and eight units state; five-fold, each fold by the weights of the other four, for the split that is fitted.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from eval.fit_command import bundled_retriever, fit_parser
from eval.gold import GoldQuestion, read_gold, states
from eval.metrics import is_gold
from generation.selection.evidence import WEIGHTS, candidates
from generation.selection.evidence_choice import EvidenceSettings
from generation.selection.evidence_features import FEATURES, features
from generation.selection.evidence_reading import read_alone
from retrieval.query import analyse
from retrieval.retriever import HybridRetriever

FloatMatrix = NDArray[np.float64]

_RIDGE = 0.1
_FOLDS = 5
_COUNTS = (3, 5, 8)


@dataclass(frozen=True)
class Example:
    """A question's units.

    Attributes:
        inputs: their features, shape (units, features).
        facts: which key facts each states.
        right: whether it states one and stands in a gold section, shape (units,).
        wanted: how many key facts there are.
    """

    inputs: FloatMatrix
    facts: tuple[frozenset[int], ...]
    right: NDArray[np.bool_]
    wanted: int


def example_of(question: GoldQuestion, retriever: HybridRetriever) -> Example | None:
    """The units that a question's search finds; None if it finds nothing."""
    query = analyse(question.question, question.history)
    places = candidates(query, retriever.find(query).hits, EvidenceSettings())
    if not places:
        return None
    reading = read_alone(query.text, places, retriever.reranker)
    inputs = features(query.text, places, embedder=retriever.embedder, bm25=retriever.snapshot.bm25, reading=reading)
    facts = tuple(
        frozenset(n for n, fact in enumerate(question.must_include) if states(place.under_heading(), fact)) for place in places
    )
    right = np.array([bool(found) and bool(is_gold(p.hit.chunk, question)) for found, p in zip(facts, places, strict=True)])
    return Example(inputs.astype(np.float64), facts, right, len(question.must_include))


def examples(gold: Sequence[GoldQuestion], retriever: HybridRetriever) -> tuple[Example, ...]:
    """The answerable questions with key facts."""
    asked = (question for question in gold if question.answerable and question.must_include)
    return tuple(example for question in asked if (example := example_of(question, retriever)))


def fit(examples: Sequence[Example], ridge: float = _RIDGE) -> NDArray[np.float64]:
    """Weights, shape (features,): the minimum of the mean negative log of the right units' share of the softmax."""
    useful = [example for example in examples if example.right.any()]

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        value, slope = ridge * float(weights @ weights), 2 * ridge * weights
        for example in useful:
            logits = example.inputs @ weights
            share = np.exp(logits - logits.max())
            right = share * example.right
            value -= float(np.log(right.sum() / share.sum())) / len(useful)
            slope -= example.inputs.T @ (right / right.sum() - share / share.sum()) / len(useful)
        return value, slope

    return np.asarray(minimize(loss, np.zeros(len(FEATURES)), jac=True, method="L-BFGS-B").x)


def coverage(examples: Sequence[Example], weights: NDArray[np.float64], count: int) -> float:
    """Mean share of the key facts that the best units state."""
    shares = []
    for example in examples:
        best = np.argsort(-(example.inputs @ weights), kind="stable")[:count]
        shares.append(len(frozenset().union(*(example.facts[i] for i in best))) / example.wanted)
    return float(np.mean(shares))


def crossed(examples: Sequence[Example]) -> Iterator[tuple[int, float]]:
    """`coverage` of each fold by weights fitted on the others, by count."""
    folds = [examples[k::_FOLDS] for k in range(_FOLDS)]
    weights = [fit([e for j, fold in enumerate(folds) if j != k for e in fold]) for k in range(_FOLDS)]
    for count in _COUNTS:
        means = [coverage(fold, w, count) * len(fold) for fold, w in zip(folds, weights, strict=True)]
        yield count, sum(means) / len(examples)


def main() -> None:
    """Command line."""
    arguments = fit_parser(__doc__, WEIGHTS).parse_args()
    retriever = bundled_retriever(arguments.index)
    sets = {split: examples(read_gold(arguments.questions, split=split), retriever) for split in ("dev", "test")}
    weights = fit(sets["dev"])
    print("dev, five-fold:", ", ".join(f"best {count}: {share:.3f}" for count, share in crossed(sets["dev"])))
    print("test:", ", ".join(f"best {count}: {coverage(sets['test'], weights, count):.3f}" for count in _COUNTS))
    stored = {"weights": dict(zip(FEATURES, weights.round(4).tolist(), strict=True))}
    arguments.out.write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
