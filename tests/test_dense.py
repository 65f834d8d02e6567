"""Dense search equals brute force, on the processor and on a GPU."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.dense import DenseIndex, build_dense, faiss, load_dense, save_dense
from retrieval.embeddings import FloatMatrix


def unit_vectors(count: int, dimension: int, seed: int = 0) -> FloatMatrix:
    vectors = np.random.default_rng(seed).normal(size=(count, dimension)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def check_against_brute_force(index: DenseIndex, passages: FloatMatrix, query: FloatMatrix, k: int) -> None:
    cosines = passages @ query[0]
    numbers, scores = index.search(query, k)
    assert len(numbers) == min(k, len(passages))
    assert len(set(numbers.tolist())) == len(numbers)
    np.testing.assert_allclose(scores, np.sort(cosines)[::-1][:k], atol=1e-5)
    np.testing.assert_allclose(scores, cosines[numbers], atol=1e-5)
    np.testing.assert_allclose(index.score(query, numbers), scores, atol=1e-5)


@settings(max_examples=40)
@given(count=st.integers(1, 200), dimension=st.integers(1, 48), k=st.integers(1, 250), seed=st.integers(0, 10))
def test_search_equals_brute_force(count: int, dimension: int, k: int, seed: int) -> None:
    passages, query = unit_vectors(count, dimension, seed), unit_vectors(1, dimension, seed + 100)
    check_against_brute_force(DenseIndex(build_dense(passages)), passages, query, k)


def test_what_was_saved_is_found_again(tmp_path: Path) -> None:
    passages, query = unit_vectors(300, 32), unit_vectors(1, 32, 1)
    save_dense(build_dense(passages), tmp_path / "dense.faiss")
    index = load_dense(tmp_path / "dense.faiss", use_gpu=False)
    assert (index.device, index.size) == ("cpu", 300)
    check_against_brute_force(index, passages, query, 10)


def test_scores_come_in_the_order_asked_for() -> None:
    index = DenseIndex(build_dense(np.eye(3, dtype=np.float32)))
    query = np.array([[0.6, 0.0, 0.8]], dtype=np.float32)
    assert index.score(query, np.array([2, 0, 1, 2])).tolist() == pytest.approx([0.8, 0.6, 0, 0.8])
    numbers, scores = index.search(query, 2)
    assert numbers.tolist() == [2, 0]
    assert scores.tolist() == pytest.approx([0.8, 0.6])


def test_an_empty_index_finds_nothing(tmp_path: Path) -> None:
    save_dense(build_dense(np.zeros((0, 8), dtype=np.float32)), tmp_path / "dense.faiss")
    assert load_dense(tmp_path / "dense.faiss", use_gpu=False).size == 0


def test_a_processor_serves_where_there_is_no_gpu(tmp_path: Path) -> None:
    save_dense(build_dense(unit_vectors(3, 8)), tmp_path / "dense.faiss")
    expected = "gpu" if faiss().get_num_gpus() else "cpu"
    assert load_dense(tmp_path / "dense.faiss").device == expected


@pytest.mark.skipif(not faiss().get_num_gpus(), reason="this FAISS sees no GPU")
def test_a_gpu_finds_the_same(tmp_path: Path) -> None:
    passages, query = unit_vectors(2_000, 384), unit_vectors(1, 384, 1)
    save_dense(build_dense(passages), tmp_path / "dense.faiss")
    index = load_dense(tmp_path / "dense.faiss")
    assert index.device == "gpu"
    check_against_brute_force(index, passages, query, 50)
