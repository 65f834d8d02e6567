"""Dense search with FAISS: exact inner product over unit vectors, on a GPU where there is one."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corpus.errors import MissingExtra
from retrieval.embedder import FloatMatrix

log = logging.getLogger(__name__)


def faiss() -> Any:
    """The faiss module of whichever build is installed.

    Raises:
        MissingExtra: neither faiss-cpu nor faiss-gpu is installed.
    """
    try:
        import faiss as module
    except ImportError as error:
        raise MissingExtra(package="faiss", extra="cpu") from error
    return module


def build_dense(vectors: FloatMatrix) -> Any:
    """A flat inner-product index over unit vectors of shape (passages, dimension)."""
    index = faiss().IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    return index


def save_dense(index: Any, path: Path) -> None:
    """Write an index; one that lies on a GPU has to be copied to the CPU first."""
    faiss().write_index(index, str(path))


def load_dense(path: Path, *, use_gpu: bool = True) -> DenseIndex:
    """Open an index: copied to the first GPU if this FAISS has one, memory-mapped on the CPU otherwise."""
    module = faiss()
    index = module.read_index(str(path), module.IO_FLAG_MMAP_IFC)
    if use_gpu and module.get_num_gpus() > 0:
        index = module.index_cpu_to_gpu(module.StandardGpuResources(), 0, index)
        return DenseIndex(index, "gpu")
    log.info("dense index on the CPU: this FAISS sees no GPU")
    return DenseIndex(index, "cpu")


class DenseIndex:
    """Search and look-up in a FAISS index; scores are cosine similarities, higher is better."""

    def __init__(self, index: Any, device: str) -> None:
        self._index = index
        self.device = device

    @property
    def size(self) -> int:
        """Number of passages."""
        return int(self._index.ntotal)

    def search(self, query: FloatMatrix, k: int) -> tuple[NDArray[np.int64], FloatMatrix]:
        """The k nearest passages of a query of shape (1, dimension): passage numbers and cosines, each of shape (<= k,)."""
        scores, numbers = self._index.search(query, min(k, self.size))
        found = numbers[0] >= 0
        return numbers[0][found], scores[0][found]

    def score(self, query: FloatMatrix, numbers: NDArray[np.int64]) -> FloatMatrix:
        """Cosines of given passages with a query of shape (1, dimension); shape (len(numbers),)."""
        vectors: FloatMatrix = self._index.reconstruct_batch(numbers)
        return np.asarray(vectors @ query[0], dtype=np.float32)
