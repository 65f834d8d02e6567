"""Exact search, inverted lists and a graph side by side: `python -m eval.bench.dense --index DIR --passages 100000`.

Vectors lie around those of a real index (`eval.synthetic`); questions are the gold questions; one thread.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from eval.gold import DEFAULT_GOLD, read_gold
from eval.synthetic import vectors_around
from retrieval.dense import build_dense, faiss
from retrieval.embedder import BUNDLED_EMBEDDINGS, FloatMatrix
from retrieval.embeddings import load_embeddings
from retrieval.store import IndexStore

K = 100
_LINKS, _CONSTRUCTION = 32, 80


def measure(vectors: FloatMatrix, queries: Sequence[FloatMatrix]) -> Iterator[str]:
    """A line of Markdown for each way to search."""
    module = faiss()
    module.omp_set_num_threads(1)
    flat, seconds = _built(lambda: build_dense(vectors, flat_up_to=len(vectors)))
    exact = [flat.search(query, K)[1][0] for query in queries]
    yield _row("exact", seconds, flat, queries, exact, None)
    inverted, seconds = _built(lambda: build_dense(vectors, flat_up_to=0))
    for probes in (16, 32, 64, 128):
        parameters = module.SearchParametersIVF(nprobe=probes)
        yield _row(f"IVF, {inverted.nlist} lists, {probes} probes", seconds, inverted, queries, exact, parameters)
    graph, seconds = _built(lambda: _graph(vectors))
    for effort in (100, 200, 400, 800):
        parameters = module.SearchParametersHNSW(efSearch=effort)
        yield _row(f"HNSW, {_LINKS} links, efSearch {effort}", seconds, graph, queries, exact, parameters)


def _graph(vectors: FloatMatrix) -> Any:
    module = faiss()
    index = module.IndexHNSWFlat(vectors.shape[1], _LINKS, module.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = _CONSTRUCTION
    index.add(vectors)
    return index


def _built(build: Any) -> tuple[Any, float]:
    started = time.perf_counter()
    return build(), time.perf_counter() - started


def _row(name: str, built: float, index: Any, queries: Sequence[FloatMatrix], exact: Sequence[Any], parameters: Any) -> str:
    seconds, shares = [], []
    for query, best in zip(queries, exact, strict=True):
        started = time.perf_counter()
        _, found = index.search(query, K, params=parameters)
        seconds.append(time.perf_counter() - started)
        shares.append(np.isin(best, found[0]).mean())
    p50, p95 = np.quantile(seconds, (0.5, 0.95)) * 1000
    megabytes = len(faiss().serialize_index(index)) / 1e6
    return f"| {name} | {built:.1f} | {megabytes:.0f} | {np.mean(shares):.3f} | {p50:.2f} | {p95:.2f} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--index", type=Path, required=True)
    parser.add_argument("--passages", type=int, default=100_000)
    arguments = parser.parse_args()
    snapshot = IndexStore(arguments.index).snapshot(BUNDLED_EMBEDDINGS, use_gpu=False)
    real = snapshot.dense.vectors(np.arange(snapshot.size, dtype=np.int64))
    snapshot.close()
    embedder = load_embeddings()
    queries = [embedder.encode_query(row.question) for row in read_gold(DEFAULT_GOLD)[:100]]
    print("| search | build, s | MB | recall@100 | p50, ms | p95, ms |\n|---|---|---|---|---|---|")
    for line in measure(vectors_around(real, arguments.passages, np.random.default_rng(0)), queries):
        print(line, flush=True)


if __name__ == "__main__":
    main()
