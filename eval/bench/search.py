"""How fast search is, beside what others would assemble, in one process on one synthetic collection.

The collection is made of the sentences and vectors of a real index (`eval.synthetic`); every search gets the same terms and
vectors and returns 100 passages. Peers that loop over all passages in Python are asked fewer questions.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from corpus.catalogue import Catalogue, FileStamp
from corpus.documents import Chunk, Document, RawDocument, SourceMap
from eval.bench.peers import bm25s_search, ensemble, okapi, okapi_best, require_peers
from eval.synthetic import SyntheticCollection, synthesise
from retrieval.analysis import terms
from retrieval.dense import faiss
from retrieval.embedder import Embedder, FloatMatrix
from retrieval.rerank import Reranker
from retrieval.retriever import HybridRetriever, RetrievalSettings
from retrieval.snapshot import Snapshot, write_generation

K = 100
PEERS_UP_TO = 200_000  # rank_bm25 and the catalogue take minutes and gigabytes beyond
_SLOW_QUESTIONS = 10
_CHUNKS_PER_DOCUMENT = 100


@dataclass(frozen=True, slots=True)
class Timing:
    """Of one search: milliseconds of a question at the median and the 95th percentile, and questions a second."""

    name: str
    p50: float
    p95: float
    per_second: float


@dataclass(frozen=True, slots=True)
class SearchBench:
    """The measurements.

    Attributes:
        passages: size of the synthetic collection.
        kind: how the dense index searches.
        seconds: of building and opening, by name.
        gigabytes: of the process, resident, after building and searching.
        timings: of each search.
        ratios: ours to a peer's, by name; medians of questions asked of both.
        difference: greatest difference of a BM25 score from rank_bm25's; None without peers.
        recall: share of the exact nearest 100 that dense search finds.
        load: the machine's load average over the last minute, at the end.
        cores: processors this process may use.
    """

    passages: int
    kind: str
    seconds: dict[str, float]
    gigabytes: float
    timings: tuple[Timing, ...]
    ratios: dict[str, float]
    difference: float | None
    recall: float
    load: float
    cores: int

    def lines(self) -> tuple[str, ...]:
        """The result as lines of text."""
        seconds = ", ".join(f"{name} {value:.3g} s" for name, value in self.seconds.items())
        rows = (f"{t.name:42} p50 {t.p50:9.3f} ms  p95 {t.p95:9.3f} ms  {t.per_second:9.1f}/s" for t in self.timings)
        ratios = (f"{name:60} {value:9.4f}" for name, value in self.ratios.items())
        difference = () if self.difference is None else (f"greatest difference of a score from rank_bm25 {self.difference:.2g}",)
        return (
            f"{self.passages} synthetic passages, dense index: {self.kind}, {K} results a question",
            seconds,
            *rows,
            *ratios,
            *difference,
            f"dense recall@{K} against exact search {self.recall:.3f}",
            f"{self.gigabytes:.2f} GB resident, load average {self.load:.1f} on {self.cores} cores",
        )


def bench_search(
    source: Snapshot,
    questions: Sequence[str],
    embedder: Embedder,
    reranker: Reranker | None,
    *,
    passages: int,
    settings: RetrievalSettings,
    flat_up_to: int,
    probes: int,
) -> SearchBench:
    """Measure over a collection modelled on `source`."""
    vectors = source.dense.vectors(np.arange(source.size, dtype=np.int64))
    texts = [source.chunk(row).indexed_text() for row in range(source.size)]
    with_peers = passages <= PEERS_UP_TO
    if with_peers:
        require_peers()
    collection = synthesise(texts, vectors, passages)
    run = _Run(questions, embedder)
    with TemporaryDirectory(prefix="interview-rag-bench-") as folder:
        words = [collection.terms(row) for row in range(passages)]
        with run.building("build"):
            catalogue = _catalogue(Path(folder), collection if with_peers else None)
            chunks = list(_chunks(collection, passages)) if with_peers else _same_chunk(passages)
            generation = Path(folder) / "generation"
            generation.mkdir()
            run.seconds["catalogue"] = run.elapsed
            write_generation(generation, chunks, words, collection.vectors, flat_up_to=flat_up_to)
        with run.building("open"):
            snapshot = Snapshot.open(1, generation, catalogue, probes=probes)
        exact = _flat(collection.vectors)
        run.time_dense(snapshot, exact)
        recall = _recall(snapshot, exact, run.vectors)
        gigabytes = _resident()
        if with_peers:
            _with_peers(run, snapshot, collection, words, reranker, settings)
        else:
            run.time_bm25(snapshot, {}, None)
        kind = f"{snapshot.dense.kind}, {snapshot.dense.device}"
        snapshot.close()
    return SearchBench(
        passages,
        kind,
        {name: round(value, 4) for name, value in run.seconds.items()},
        round(gigabytes, 2),
        tuple(run.timings),
        {name: round(value, 4) for name, value in run.ratios.items()},
        run.difference,
        round(recall, 4),
        round(os.getloadavg()[0], 2),
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
    )


def _with_peers(
    run: _Run,
    snapshot: Snapshot,
    collection: SyntheticCollection,
    words: list[list[str]],
    reranker: Reranker | None,
    settings: RetrievalSettings,
) -> None:
    peers = {f"bm25s ({backend})": bm25s_search(words, backend, K) for backend in ("numpy", "numba")}
    slow = okapi(words)
    run.time_bm25(snapshot, peers, slow)
    whole = run.time_whole(snapshot, settings, peers["bm25s (numba)"])
    texts = [collection.text(row) for row in range(len(words))]
    chain = ensemble(slow, collection.vectors, texts, run.embedder, K)
    asked = run.questions[:_SLOW_QUESTIONS]
    run.time(asked, {"whole search, ours, again": whole.search, "LangChain EnsembleRetriever": chain})
    if reranker:
        reranked = HybridRetriever(snapshot=snapshot, embedder=run.embedder, reranker=reranker, settings=settings)
        run.time(run.questions, {"whole search, ours, reranked": reranked.search})


class _Run:
    """Collects the timings of one run."""

    def __init__(self, questions: Sequence[str], embedder: Embedder) -> None:
        self.questions = tuple(questions)
        self.embedder = embedder
        self.vectors = [embedder.encode_query(question) for question in questions]
        self.words = [terms(question) for question in questions]
        self.seconds: dict[str, float] = {}
        self.timings: list[Timing] = []
        self.ratios: dict[str, float] = {}
        self.difference: float | None = None
        self._started = 0.0

    @property
    def elapsed(self) -> float:
        """Seconds since the present building began."""
        return time.perf_counter() - self._started

    @contextmanager
    def building(self, name: str) -> Iterator[None]:
        """Time what is done inside."""
        self._started = time.perf_counter()
        yield
        self.seconds[name] = self.elapsed

    def time(self, queries: Sequence[Any], searches: Mapping[str, Callable[[Any], object]]) -> None:
        """Time searches on the same questions, and note the ratio of the first one's median to each other's.

        The searches take turns at each question, so that what else the machine does slows all of them alike.
        """
        for search in searches.values():
            search(queries[0])  # what is loaded on first use is not counted
        taken = {name: [0.0] * len(queries) for name in searches}
        for i, query in enumerate(queries):
            for name, search in searches.items():
                taken[name][i] = _timed(search, query)
        first, *others = searches
        for name in searches:
            p50, p95 = (float(np.quantile(taken[name], share)) * 1000 for share in (0.5, 0.95))
            self.timings.append(Timing(name, round(p50, 3), round(p95, 3), round(len(queries) / sum(taken[name]), 1)))
        for name in others:
            self.ratios[f"{first} : {name}"] = float(np.median(taken[first]) / np.median(taken[name]))

    def time_dense(self, snapshot: Snapshot, exact: Any) -> None:
        """Dense search, and FAISS as it is."""

        def dense(vector: FloatMatrix) -> object:
            return snapshot.dense.search(vector, K)

        self.time(self.vectors, {"dense, ours": dense, "FAISS, exact": lambda vector: exact.search(vector, K)})

    def time_bm25(self, snapshot: Snapshot, peers: dict[str, Callable[[list[str]], object]], okapi_index: Any) -> None:
        """BM25 and its peers."""

        def ours(words: list[str]) -> object:
            return snapshot.bm25.search(words, K)

        self.time(self.words, {"BM25, ours": ours, **peers})
        if okapi_index is not None:
            asked = self.words[:_SLOW_QUESTIONS]
            self.time(asked, {"BM25, ours, again": ours, "rank_bm25": lambda words: okapi_best(okapi_index, words, K)})
            differences = (np.abs(okapi_index.get_scores(words) - snapshot.bm25.score_all(words)).max() for words in asked)
            self.difference = float(max(differences))

    def time_whole(
        self, snapshot: Snapshot, settings: RetrievalSettings, bm25s: Callable[[list[str]], object]
    ) -> HybridRetriever:
        """The whole search beside the least that any hybrid search has to do; both find the terms themselves.

        FAISS looks into as many inverted lists in both: into the one that is its default, it would find another's results.
        """
        dense = snapshot.dense

        def parts(question: str) -> None:
            dense.stored.search(self.embedder.encode_query(question), K, params=dense.parameters)
            bm25s(terms(question))

        ours = HybridRetriever(snapshot=snapshot, embedder=self.embedder, settings=settings)
        self.time(self.questions, {"whole search, ours": ours.search, "embedding + FAISS, same index + bm25s": parts})
        return ours


def _timed(search: Callable[[Any], object], query: Any) -> float:
    started = time.perf_counter()
    search(query)
    return time.perf_counter() - started


def _flat(vectors: FloatMatrix) -> Any:
    index = faiss().IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    return index


def _recall(snapshot: Snapshot, exact: Any, queries: Sequence[FloatMatrix]) -> float:
    shares = [np.isin(exact.search(query, K)[1][0], snapshot.dense.search(query, K)[0]).mean() for query in queries]
    return float(np.mean(shares))


def _resident() -> float:
    """Gigabytes of this process in memory; the most so far where the system does not tell how much now."""
    status = Path("/proc/self/statm")
    if status.exists():
        return int(status.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e9
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e9


def _catalogue(folder: Path, collection: SyntheticCollection | None) -> Catalogue:
    """A catalogue with the chunks of the collection, or with none."""
    catalogue = Catalogue(folder / "catalogue.sqlite", writable=True)
    if collection:
        chunks = list(_chunks(collection, len(collection.members)))
        with catalogue.transaction():
            for start in range(0, len(chunks), _CHUNKS_PER_DOCUMENT):
                own = chunks[start : start + _CHUNKS_PER_DOCUMENT]
                raw = RawDocument(own[0].path, "", f"{start:064d}", "text/plain")
                catalogue.put(Document(raw, "", SourceMap(), title=raw.path, language="zh-Hans"), own, FileStamp("", 0, 0))
    return catalogue


def _chunks(collection: SyntheticCollection, passages: int) -> Iterator[Chunk]:
    for row in range(passages):
        document, ordinal = divmod(row, _CHUNKS_PER_DOCUMENT)
        yield Chunk(f"{document:06d}.md", ordinal, (), collection.text(row), 0, 0, SourceMap(), "zh-Hans", 256)


def _same_chunk(passages: int) -> list[Chunk]:
    """Ids are not looked up without a catalogue of chunks."""
    return [Chunk("0.md", 0, (), "", 0, 0, SourceMap(), "zh-Hans", 0)] * passages
