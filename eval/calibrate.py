"""Fit the relevance of a search to one 0-1 scale on development questions.

    python -m eval.calibrate --index DIR [--no-reranker] [--questions FILE] [--out retrieval/relevance.json]

Answerable questions count as relevant, unanswerable ones as not. There are few of the latter, so each answerable question is also
asked of the notes without its topic: what is found then is near, and does not answer. Prints the AUROC on both splits.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.stats import rankdata

from eval.fit_command import bundled_retriever, fit_parser
from eval.gold import GoldQuestion, read_gold
from retrieval.query import analyse
from retrieval.relevance import COEFFICIENTS
from retrieval.retriever import HybridRetriever

FloatMatrix = NDArray[np.float64]

_RIDGE = 0.01
# Topics whose notes answer each other's questions leave together.
_KIN = (
    {"rope", "alibi", "positional-encoding", "length-extrapolation"},
    {"rag", "rag-vs-fine-tuning", "fine-tuning"},
    {"quantization", "fine-tuning"},
)


def examples(questions: tuple[GoldQuestion, ...], retriever: HybridRetriever) -> tuple[FloatMatrix, NDArray[np.bool_]]:
    """Features, shape (examples, features), and whether the notes answer, shape (examples,)."""
    rows = [row for question in questions for row in _examples(question, retriever)]
    return np.array([features for features, _ in rows]), np.array([relevant for _, relevant in rows])


def _examples(question: GoldQuestion, retriever: HybridRetriever) -> Iterator[tuple[tuple[float, ...], bool]]:
    query = analyse(question.question, question.history)
    yield retriever.evidence(query, where=lambda _: True).features(), question.answerable
    if question.answerable:
        topics = {Path(path).stem for path in question.gold_files}
        topics |= {name for kin in _KIN if kin & topics for name in kin}
        yield retriever.evidence(query, where=lambda chunk: Path(chunk.path).stem not in topics).features(), False


def fit(features: FloatMatrix, relevant: NDArray[np.bool_]) -> tuple[float, FloatMatrix]:
    """Ridge-penalised logistic regression, classes weighted alike; returns intercept and coefficients for raw features."""
    mean, spread = features.mean(axis=0), features.std(axis=0) + 1e-9
    inputs = np.column_stack([np.ones(len(features)), (features - mean) / spread])
    signs = np.where(relevant, 1.0, -1.0)
    weights = np.where(relevant, 0.5 / relevant.mean(), 0.5 / (1 - relevant.mean())) / len(relevant)

    def loss(w: FloatMatrix) -> float:
        return float(weights @ np.logaddexp(0, -signs * (inputs @ w)) + _RIDGE * w[1:] @ w[1:])

    solution = minimize(loss, np.zeros(inputs.shape[1]), method="BFGS").x
    coefficients = solution[1:] / spread
    return float(solution[0] - coefficients @ mean), coefficients


def auroc(scores: FloatMatrix, relevant: NDArray[np.bool_]) -> float:
    """Area under the ROC curve, by the Mann-Whitney statistic; ties count half."""
    ranks = rankdata(scores)
    positives, negatives = relevant.sum(), (~relevant).sum()
    return float((ranks[relevant].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def main() -> None:
    """Command line."""
    parser = fit_parser(__doc__, COEFFICIENTS)
    parser.add_argument("--no-reranker", action="store_true", help="fit the regression for searches without a reranker")
    arguments = parser.parse_args()
    retriever = bundled_retriever(arguments.index, reranked=not arguments.no_reranker)
    sets = {split: examples(read_gold(arguments.questions, split=split), retriever) for split in ("dev", "test")}
    intercept, coefficients = fit(*sets["dev"])
    for split, (features, relevant) in sets.items():
        scores = intercept + features @ coefficients
        right = float(((scores > 0) == relevant).mean())
        kept, refused = float((scores[relevant] > 0).mean()), float((scores[~relevant] <= 0).mean())
        print(f"{split}: n={len(relevant)} AUROC={auroc(scores, relevant):.3f} right={right:.3f}", end=" ")
        print(f"answered={kept:.3f} refused={refused:.3f}")
    stored = json.loads(COEFFICIENTS.read_text(encoding="utf-8"))
    stored["searches" if arguments.no_reranker else "reranked"] = {"intercept": intercept, "coefficients": coefficients.tolist()}
    arguments.out.write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
