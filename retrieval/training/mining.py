"""First-stage scores of a collection: hard negatives for training, the baseline for measuring.

Negatives that the first stage confuses with the answer teach more than random ones (Karpukhin et al. 2020, arXiv:2004.04906).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from retrieval.analysis import terms
from retrieval.bm25 import build_bm25
from retrieval.embeddings import FloatMatrix, SentenceTransformerEmbeddings
from retrieval.fusion import standardise
from retrieval.training.datasets import Collection


class FirstStage:
    """BM25 and dense scores of every question of a collection with every passage; embeddings are kept in a cache folder."""

    def __init__(self, collection: Collection, embeddings: SentenceTransformerEmbeddings, cache: Path) -> None:
        self.collection = collection
        texts = [p.text for p in collection.passages]
        asked = [q.text for q in collection.questions]
        bm25 = build_bm25([terms(text) for text in texts])
        self.bm25 = np.stack([bm25.score_all(terms(question)) for question in asked])  # shape (questions, passages)
        passages = _cached(cache, collection.name + "-passages", texts, lambda: embeddings.encode_passages(texts))
        questions = _cached(cache, collection.name + "-questions", asked, lambda: embeddings.encode_queries(asked))
        self.dense: FloatMatrix = questions @ passages.T  # shape (questions, passages)

    def fused(self, question: int, dense_weight: float = 0.5) -> FloatMatrix:
        """Standardised weighted sum for one question over the whole collection, shape (passages,)."""
        return (1 - dense_weight) * standardise(self.bm25[question]) + dense_weight * standardise(self.dense[question])

    def candidates(self, question: int, count: int) -> list[int]:
        """The passages ranked best for a question, best first."""
        return [int(i) for i in np.argsort(-self.fused(question), kind="stable")[:count]]


def _cached(cache: Path, name: str, texts: Sequence[str], compute: Callable[[], FloatMatrix]) -> FloatMatrix:
    key = hashlib.sha256("\0".join(texts).encode()).hexdigest()[:12]
    path = cache / f"{name}-{key}.npy"
    if not path.exists():
        cache.mkdir(parents=True, exist_ok=True)
        np.save(path, compute())
    return np.asarray(np.load(path), dtype=np.float32)
