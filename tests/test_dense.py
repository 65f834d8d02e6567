"""Dense search equals brute force, on the processor and on a GPU."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.errors import MissingExtra
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


def clustered(count: int, *, seed: int) -> FloatMatrix:
    """Unit vectors around a few hundred centres, as embeddings lie."""
    rng = np.random.default_rng(seed)
    vectors = unit_vectors(200, 64)[rng.integers(0, 200, count)] + 0.1 * rng.normal(size=(count, 64)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_beyond_the_set_size_inverted_lists_find_nearly_the_same(tmp_path: Path) -> None:
    passages, queries = clustered(8_000, seed=1), clustered(20, seed=2)
    save_dense(build_dense(passages, flat_up_to=7_999), tmp_path / "dense.faiss")
    inverted, exact = load_dense(tmp_path / "dense.faiss", use_gpu=False), DenseIndex(build_dense(passages, flat_up_to=8_000))
    assert (inverted.kind, exact.kind) == ("ivf", "flat")
    found = [np.isin(exact.search(q[None], 100)[0], inverted.search(q[None], 100)[0]).mean() for q in queries]
    assert np.mean(found) >= 0.98


def test_more_probes_find_more(tmp_path: Path) -> None:
    passages, query = clustered(4_000, seed=1), clustered(1, seed=2)
    save_dense(build_dense(passages, flat_up_to=0), tmp_path / "dense.faiss")
    best = [load_dense(tmp_path / "dense.faiss", use_gpu=False, probes=probes).search(query, 1000)[1] for probes in (1, 8, 126)]
    assert [len(scores) for scores in best] == sorted(len(scores) for scores in best)
    np.testing.assert_allclose(best[-1], np.sort(passages @ query[0])[::-1][:1000], atol=1e-5)


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_a_few_vectors_can_be_in_inverted_lists(count: int) -> None:
    passages, query = unit_vectors(count, 8), unit_vectors(1, 8, 1)
    check_against_brute_force(DenseIndex(build_dense(passages, flat_up_to=0)), passages, query, count)


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        ("raise ModuleNotFoundError(\"No module named 'faiss'\", name='faiss')", "faiss is not installed"),
        ("raise ImportError('libcudart.so.12: cannot open shared object file')", "libcudart.so.12.*interview-rag\\[gpu\\]"),
    ],
)
def test_a_faiss_that_cannot_be_imported_says_what_to_install(
    failure: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "faiss.py").write_text(failure, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "faiss")
    with pytest.raises(MissingExtra, match=said):
        faiss()
