"""Dense search with FAISS: inner product of unit vectors, exact up to a size and within inverted lists beyond, on a GPU if any.

Inverted lists (IVF) rather than a graph (HNSW): they build several times faster, which counts at every commit, reach the same
recall in the same time on E5 vectors, and can be copied to a GPU (docs/retrieval.md has the figures).
"""

from __future__ import annotations

import logging
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from threading import Lock
from typing import Any, Literal

import numpy as np

from corpus.errors import MissingExtra
from retrieval.embedder import FloatMatrix
from retrieval.searcher import FloatVector, Rows

FLAT_UP_TO = 50_000
PROBES = 64

# Training on more, or for longer, did not raise recall.
_TRAINING_VECTORS_PER_LIST, _TRAINING_ROUNDS = 64, 10
_MOST_GPU_RESULTS = 2048

log = logging.getLogger(__name__)


def faiss() -> Any:
    """The faiss module of whichever build is installed.

    Raises:
        MissingExtra: neither faiss-cpu nor faiss-gpu is installed, or faiss-gpu without the CUDA libraries, which it loads even
            where there is no GPU.
    """
    try:
        import faiss as module
    except (ImportError, OSError) as error:  # OSError: the loader of faiss-gpu finds no library file
        if isinstance(error, ModuleNotFoundError) and error.name == "faiss":
            raise MissingExtra(package="faiss", extra="cpu") from error
        raise MissingExtra(package=f"what faiss-gpu needs ({error})", extra="gpu") from error
    return module


def build_dense(vectors: FloatMatrix, *, flat_up_to: int = FLAT_UP_TO) -> Any:
    """An index over unit vectors of shape (passages, dimension); exact up to `flat_up_to` passages."""
    module = faiss()
    flat = module.IndexFlatIP(vectors.shape[1])
    if len(vectors) <= flat_up_to:
        flat.add(vectors)
        return flat
    index = module.IndexIVFFlat(flat, vectors.shape[1], _lists(len(vectors)), module.METRIC_INNER_PRODUCT)
    index.cp.max_points_per_centroid = _TRAINING_VECTORS_PER_LIST
    index.cp.niter = _TRAINING_ROUNDS
    index.cp.min_points_per_centroid = 1  # fewer make FAISS print a warning, and are no harm
    index.train(vectors)
    index.add(vectors)
    index.make_direct_map()  # finds a passage's vector by its row
    return index


def _lists(passages: int) -> int:
    return min(passages, int(2 * passages**0.5))


def save_dense(index: Any, path: Path) -> None:
    """Write an index; one that lies on a GPU has to be copied to the CPU first."""
    faiss().write_index(index, str(path))


def load_dense(path: Path, *, use_gpu: bool = True, probes: int = PROBES) -> DenseIndex:
    """Open an index of either kind, memory-mapped; copied to the first GPU as well if this FAISS has one.

    Args:
        path: what `save_dense` wrote.
        use_gpu: whether to search on a GPU where there is one.
        probes: inverted lists that a search looks into; more find more and take longer. Of no effect on an exact index.
    """
    module = faiss()
    index = module.read_index(str(path), module.IO_FLAG_MMAP_IFC)
    if use_gpu and module.get_num_gpus() > 0:
        return DenseIndex(index, probes=probes, gpu=True)
    log.info("dense index on the CPU: this FAISS sees no GPU" if use_gpu else "dense index on the CPU: as set")
    return DenseIndex(index, probes=probes)


class DenseIndex:
    """Search and look-up in a FAISS index; scores are cosine similarities, higher is better."""

    def __init__(self, index: Any, *, probes: int = PROBES, gpu: bool = False) -> None:
        module = faiss()
        self.stored = index
        self._inverted = isinstance(index, module.IndexIVF)
        self.parameters = module.SearchParametersIVF(nprobe=probes) if self._inverted else None
        # FAISS on a GPU serves one thread at a time, even to read.
        self._turn: AbstractContextManager[Any] = Lock() if gpu else nullcontext()
        self._resources = module.StandardGpuResources() if gpu else None
        self._searched = module.index_cpu_to_gpu(self._resources, 0, index) if gpu else index

    @property
    def size(self) -> int:
        """Number of passages."""
        return int(self.stored.ntotal)

    @property
    def kind(self) -> Literal["flat", "ivf"]:
        """Exact, or within inverted lists."""
        return "ivf" if self._inverted else "flat"

    @property
    def device(self) -> Literal["gpu", "cpu"]:
        """Where it searches."""
        return "gpu" if self._resources else "cpu"

    def search(self, query: FloatMatrix, k: int) -> tuple[Rows, FloatVector]:
        """The passages nearest to a query of shape (1, dimension); see `Searcher`. At most 2048 on a GPU.

        Beyond the exact size a passage can be missed, and fewer than k come back if the lists looked into hold no more.
        """
        k = min(k, self.size, _MOST_GPU_RESULTS if self._resources else self.size)
        if k <= 0:
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float32)
        with self._turn:
            scores, rows = self._searched.search(query, k, params=self.parameters)
        found = rows[0] >= 0
        rows, scores = rows[0][found], scores[0][found]
        order = np.lexsort((rows, -scores))
        return rows[order], scores[order]

    def score(self, query: FloatMatrix, rows: Rows) -> FloatVector:
        """Cosines of given passages with a query of shape (1, dimension); shape of `rows`."""
        return np.asarray(self.vectors(rows) @ query[0], dtype=np.float32)

    def vectors(self, rows: Rows) -> FloatMatrix:
        """The vectors of given passages, shape (len(rows), dimension)."""
        found: FloatMatrix = self.stored.reconstruct_batch(rows)
        return found
