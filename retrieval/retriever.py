"""Hybrid retrieval: question -> BM25 and dense candidates -> fused ranking -> reranked hits, with a calibrated relevance."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np
from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document as LangChainDocument
from langchain_core.retrievers import BaseRetriever
from numpy.typing import NDArray
from pydantic import ConfigDict

from corpus.documents import Chunk
from corpus.results import Hit, Scores, SearchResult, hit_row
from retrieval.analysis import terms
from retrieval.embedder import Embedder
from retrieval.fusion import FloatVector, fuse, ranking, standardise
from retrieval.query import Query, analyse
from retrieval.relevance import Evidence, coverage, logit, relevance
from retrieval.rerank import PassageScore, Reranker
from retrieval.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class RetrievalSettings:
    """How to search.

    Attributes:
        k: number of hits.
        pool: candidates taken from each of the two searches before fusion.
        dense_weight: weight of the dense score in the fusion, 0-1.
        rerank_pool: best candidates that the reranker reads, if there is one.
        rerank_weight: weight of the reranker's judgement against the fused score, 0-1.
    """

    k: int = 8
    pool: int = 100
    dense_weight: float = 0.4
    rerank_pool: int = 12
    rerank_weight: float = 0.4


class HybridRetriever(BaseRetriever):
    """Searches one snapshot of the index; a LangChain retriever and, through `search`, a source of scored hits."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    snapshot: Snapshot
    embedder: Any  # an Embedder: pydantic cannot check protocols
    reranker: Any = None  # a Reranker, or None to rank by the fused score
    settings: RetrievalSettings = RetrievalSettings()

    def search(self, question: str, *, history: Sequence[str] = (), k: int | None = None) -> SearchResult:
        """The best hits for a question, best first, with the relevance of the whole.

        Args:
            question: as the user asked it.
            history: earlier questions of the user, oldest first.
            k: number of hits; the settings' if None.
        """
        return self.find(analyse(question, history), k=k)

    def find(self, query: Query, *, k: int | None = None, where: Callable[[Chunk], bool] | None = None) -> SearchResult:
        """`search` for a question that has been analysed already; `where` keeps only some chunks among the candidates."""
        started = time.perf_counter()
        k = k or self.settings.k
        if not self.snapshot.size or not query.text:
            return SearchResult(query.text, (), 0.0, {"search": time.perf_counter() - started})
        reranker: Reranker | None = self.reranker
        hits = self._fused(query, max(k, self.settings.rerank_pool) if reranker else k, where)
        searched = time.perf_counter()
        if reranker:
            hits = _rerank(reranker, query, hits, self.settings.rerank_weight)
        duplicates = self.snapshot.catalogue.duplicates
        hits = tuple(replace(hit, rank=rank, duplicates=duplicates(hit.chunk.id)) for rank, hit in enumerate(hits[:k], 1))
        probability = relevance(gather_evidence(query, hits, self.snapshot))
        seconds = {"search": searched - started, "rerank": time.perf_counter() - searched}
        return SearchResult(query.text, hits, probability, seconds)

    def _fused(self, query: Query, k: int, where: Callable[[Chunk], bool] | None) -> tuple[Hit, ...]:
        """The k best candidates of both searches together, best first, not numbered yet."""
        embedder: Embedder = self.embedder
        vector = embedder.encode_query(query.text)
        lexical = self.snapshot.bm25.score(terms(query.text))
        rows = self._candidates(lexical, vector)
        cosines = self.snapshot.dense.score(vector, rows)
        fused = fuse(lexical[rows], cosines, self.snapshot.chinese[rows], dense_weight=self.settings.dense_weight)
        found = ((i, self.snapshot.chunk(int(rows[i]))) for i in ranking(fused))
        kept = islice(((i, chunk) for i, chunk in found if where is None or where(chunk)), k)
        return tuple(
            Hit(0, chunk, float(fused[i]), Scores(float(lexical[rows[i]]), float(cosines[i]), float(fused[i])))
            for i, chunk in kept
        )

    def _candidates(self, lexical: FloatVector, vector: NDArray[np.float32]) -> NDArray[np.int64]:
        """Rows that either search ranks among its best, ascending."""
        pool = min(self.settings.pool, len(lexical))
        best = np.argpartition(-lexical, pool - 1)[:pool]
        near, _ = self.snapshot.dense.search(vector, pool)
        return np.union1d(best[lexical[best] > 0], near).astype(np.int64)

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[LangChainDocument]:
        result = self.search(query)
        return [LangChainDocument(page_content=hit.chunk.text, metadata=hit_row(hit), id=hit.chunk.id) for hit in result.hits]


def _rerank(reranker: Reranker, query: Query, hits: Sequence[Hit], weight: float) -> tuple[Hit, ...]:
    """Hits by the standardised sum of fused score and reranker's logit; equals keep their order.

    The searches and the reranker err in different places: their sum finds more than either (docs/retrieval.md).
    """
    judged = reranker.score(query.text, [(" ".join(hit.chunk.heading), hit.chunk.text) for hit in hits])
    fused = np.array([hit.score for hit in hits], dtype=np.float32)
    logits = np.array([logit(judgement.relevance) for judgement in judged], dtype=np.float32)
    scores = (1 - weight) * standardise(fused) + weight * standardise(logits)
    return tuple(_with_judgement(hits[i], judged[i], float(scores[i])) for i in ranking(scores))


def _with_judgement(hit: Hit, judgement: PassageScore, score: float) -> Hit:
    scores = replace(hit.scores, rerank=judgement.relevance)
    return replace(hit, score=score, scores=scores, sentences=judgement.sentences)


def gather_evidence(query: Query, hits: Sequence[Hit], snapshot: Snapshot) -> Evidence:
    """What the relevance regression looks at, from the five best hits."""
    best = hits[:5]
    rows = np.flatnonzero(np.isin(snapshot.chunk_ids, np.array([hit.chunk.id for hit in best], dtype=np.bytes_)))
    single, union = coverage(query.text, rows, snapshot.bm25)
    chinese = query.language.startswith("zh")
    same_script = sum(hit.chunk.language.startswith("zh") == chinese for hit in best) * 2 >= len(best)
    cosine = max((hit.scores.dense or 0.0 for hit in best), default=0.0)
    judged = [hit.scores.rerank for hit in best if hit.scores.rerank is not None]
    return Evidence(cosine, single, union, same_script, max(judged) if judged else None)
