"""The benchmark of search measures every search there is, on a small collection."""

from __future__ import annotations

import numpy as np
import pytest
from hash_embedder import HashEmbedder

from eval.bench.search import bench_search
from eval.synthetic import synthesise
from retrieval.analysis import terms
from retrieval.retriever import RetrievalSettings
from retrieval.store import IndexStore

SENTENCES = ["RoPE rotates queries and keys.\nALiBi biases the scores.", "量化把权重变成整数，节省内存。\n异常值让激活难以量化。"]


def test_a_synthetic_collection_is_made_of_the_given_sentences_and_vectors() -> None:
    vectors = np.eye(2, 8, dtype=np.float32)
    collection = synthesise(SENTENCES, vectors, 500)
    assert collection.vectors.shape == (500, 8)
    np.testing.assert_allclose(np.linalg.norm(collection.vectors, axis=1), 1, atol=1e-5)
    assert all(4 <= len(members) < 9 for members in collection.members)
    assert sorted(collection.terms(7)) == sorted(terms(collection.text(7)))
    again = synthesise(SENTENCES, vectors, 500)
    assert (again.members, again.names) == (collection.members, collection.names)


@pytest.mark.slow
def test_every_search_is_timed_and_scores_equal_rank_bm25(ingested: IndexStore, hash_embedder: HashEmbedder) -> None:
    for extra in ("bm25s", "numba", "langchain_classic", "langchain_community"):
        pytest.importorskip(extra)
    snapshot = ingested.snapshot(hash_embedder.name, use_gpu=False)
    questions = ["RoPE 的底数是什么？", "What are outliers?"]
    result = bench_search(
        snapshot,
        questions,
        hash_embedder,
        None,
        passages=2_000,
        settings=RetrievalSettings(),
        flat_up_to=1_000,
        probes=64,
    )
    snapshot.close()
    assert result.difference == pytest.approx(0, abs=1e-4)
    assert result.kind == "ivf, cpu"
    assert result.recall >= 0.9
    named = " ".join(timing.name for timing in result.timings)
    for name in ("bm25s (numpy)", "bm25s (numba)", "rank_bm25", "FAISS", "EnsembleRetriever", "whole search, ours"):
        assert name in named
    assert result.ratios["BM25, ours, again : rank_bm25"] < 1
    assert all(timing.name in "\n".join(result.lines()) for timing in result.timings)
