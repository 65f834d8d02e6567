"""Fit the second look at the evidence, which decides about refusal, on development questions.

    python -m eval.fit_answerable --index DIR [--questions FILE] [--out generation/selection/answerable.json]

Prints for both splits the AUROC, and what is answered and refused at 0.5. There are few unanswerable questions, so two inputs are
all that is fitted, and both classes weigh alike.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from eval.calibrate import auroc, fit
from eval.fit_command import bundled_retriever, fit_parser
from eval.gold import GoldQuestion, read_gold
from generation.selection.answerable import COEFFICIENTS
from generation.selection.evidence import select_evidence
from generation.selection.evidence_choice import EvidenceSettings
from retrieval.relevance import logit
from retrieval.retriever import HybridRetriever

FloatMatrix = NDArray[np.float64]


def examples(questions: Sequence[GoldQuestion], retriever: HybridRetriever) -> tuple[FloatMatrix, NDArray[np.bool_]]:
    """Search relevance and best statement as logits, shape (questions, 2), and whether the notes answer, shape (questions,)."""
    inputs, right = [], []
    for question in questions:
        query = retriever.analyse(question.question, question.history)
        found = retriever.find(query)
        selected = select_evidence(
            query,
            found.hits,
            embedder=retriever.embedder,
            bm25=retriever.snapshot.bm25,
            reranker=retriever.reranker,
            reader=None,  # it chooses among units, and says nothing about refusal
            settings=EvidenceSettings(),
        )
        if selected.statement is not None:
            inputs.append((logit(found.relevance), selected.statement))
            right.append(question.answerable)
    return np.array(inputs), np.array(right)


def main() -> None:
    """Command line."""
    arguments = fit_parser(__doc__, COEFFICIENTS).parse_args()
    retriever = bundled_retriever(arguments.index)
    sets = {split: examples(read_gold(arguments.questions, split=split), retriever) for split in ("dev", "test")}
    intercept, (relevance, statement) = fit(*sets["dev"])
    for split, (inputs, right) in sets.items():
        scores = intercept + inputs @ np.array([relevance, statement])
        answered, refused = float((scores[right] > 0).mean()), float((scores[~right] <= 0).mean())
        print(f"{split}: n={len(right)} AUROC={auroc(scores, right):.3f} answered={answered:.3f} refused={refused:.3f}")
    stored = {"intercept": intercept, "relevance": float(relevance), "statement": float(statement)}
    arguments.out.write_text(
        json.dumps({name: round(value, 4) for name, value in stored.items()}, indent=1) + "\n", encoding="utf-8"
    )


if __name__ == "__main__":
    main()
