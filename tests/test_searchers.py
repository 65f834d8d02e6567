"""Every search keeps the contract: BM25, exact and inverted lists, on a processor and on a GPU."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from searcher_contract import SearcherContract

from retrieval.bm25 import BM25Index, build_bm25
from retrieval.dense import DenseIndex, build_dense, faiss, load_dense, save_dense
from retrieval.embedder import FloatMatrix
from retrieval.ranking import best_rows

DIMENSION = 24


class TestBM25(SearcherContract):
    def make(self, topics: list[int]) -> BM25Index:
        return build_bm25([["all", *[f"t{topic + near}" for near in range(-2, 3)], f"t{topic}"] for topic in topics])

    def query(self, topic: int) -> list[str]:
        return [f"t{topic}", f"t{topic}", f"t{topic + 1}", "all"]

    def reopen(self, searcher: BM25Index, folder: Path) -> BM25Index:
        searcher.save(folder)
        return BM25Index.load(folder)


def _vectors(topics: list[int]) -> FloatMatrix:
    table = np.random.default_rng(2).normal(size=(40, DIMENSION)).astype(np.float32)
    table /= np.linalg.norm(table, axis=1, keepdims=True)
    return table[np.array(topics, dtype=np.int64)]


class TestFlat(SearcherContract):
    flat_up_to = 100_000
    use_gpu = False

    def make(self, topics: list[int]) -> DenseIndex:
        index = build_dense(_vectors(topics), flat_up_to=self.flat_up_to)
        return DenseIndex(index, probes=64, gpu=self.use_gpu)

    def query(self, topic: int) -> FloatMatrix:
        return _vectors([topic])

    def reopen(self, searcher: DenseIndex, folder: Path) -> DenseIndex:
        save_dense(searcher.stored, folder / "dense.faiss")
        return load_dense(folder / "dense.faiss", use_gpu=self.use_gpu, probes=64)


class TestInvertedLists(TestFlat):
    flat_up_to = 0  # an empty collection is flat all the same


@pytest.mark.skipif(not faiss().get_num_gpus(), reason="this FAISS sees no GPU")
class TestFlatOnGpu(TestFlat):
    use_gpu = True


@pytest.mark.skipif(not faiss().get_num_gpus(), reason="this FAISS sees no GPU")
class TestInvertedListsOnGpu(TestInvertedLists):
    use_gpu = True


@pytest.mark.parametrize("size", [0, 1, 63, 640, 12_801, 40_000])
@pytest.mark.parametrize("k", [0, 1, 7, 100])
@pytest.mark.parametrize("different", [2, 50, 1_000_000])
def test_best_rows_are_those_of_a_stable_sort(size: int, k: int, different: int) -> None:
    scores = np.random.default_rng(size).integers(-1, different, size).astype(np.float32)
    assert best_rows(scores, k).tolist() == np.argsort(-scores, kind="stable")[:k].tolist()
    positive = [row for row in np.argsort(-scores, kind="stable").tolist() if scores[row] > 0]
    assert best_rows(scores, k, above=0.0).tolist() == positive[:k]
