"""Hybrid retrieval: question -> BM25 and dense candidates -> fused ranking -> hits, with a calibrated relevance."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document as LangChainDocument
from langchain_core.retrievers import BaseRetriever
from numpy.typing import NDArray
from pydantic import ConfigDict

from corpus.results import Hit, Scores, SearchResult, hit_row
from retrieval.analysis import terms
from retrieval.embeddings import Embedder
from retrieval.fusion import FloatVector, fuse, ranking
from retrieval.query import Query, analyse
from retrieval.relevance import Evidence, coverage, relevance
from retrieval.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class RetrievalSettings:
    """How to search.

    Attributes:
        k: number of hits.
        pool: candidates taken from each of the two searches before fusion.
        dense_weight: weight of the dense score in the fusion, 0-1.
    """

    k: int = 8
    pool: int = 100
    dense_weight: float = 0.4


class HybridRetriever(BaseRetriever):
    """Searches one snapshot of the index; a LangChain retriever and, through `search`, a source of scored hits."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    snapshot: Snapshot
    embedder: Any  # an Embedder: pydantic cannot check protocols
    settings: RetrievalSettings = RetrievalSettings()

    def search(self, question: str, *, history: Sequence[str] = (), k: int | None = None) -> SearchResult:
        """The best hits for a question, best first, with the relevance of the whole.

        Args:
            question: as the user asked it.
            history: earlier questions of the user, oldest first.
            k: number of hits; the settings' if None.
        """
        return self.find(analyse(question, history), k=k)

    def find(self, query: Query, *, k: int | None = None) -> SearchResult:
        """`search` for a question that has been analysed already."""
        started = time.perf_counter()
        k = k or self.settings.k
        if not self.snapshot.size or not query.text:
            return SearchResult(query.text, (), 0.0, {"search": time.perf_counter() - started})
        embedder: Embedder = self.embedder
        vector = embedder.encode_query(query.text)
        lexical = self.snapshot.bm25.score(terms(query.text))
        rows = self._candidates(lexical, vector)
        cosines = self.snapshot.dense.score(vector, rows)
        fused = fuse(lexical[rows], cosines, self.snapshot.chinese[rows], dense_weight=self.settings.dense_weight)
        order = ranking(fused)[:k]
        hits = tuple(
            _hit(rank, self.snapshot, int(rows[i]), float(lexical[rows[i]]), float(cosines[i]), float(fused[i]))
            for rank, i in enumerate(order, 1)
        )
        probability = relevance(gather_evidence(query, hits, rows[order], self.snapshot))
        return SearchResult(query.text, hits, probability, {"search": time.perf_counter() - started})

    def _candidates(self, lexical: FloatVector, vector: NDArray[np.float32]) -> NDArray[np.int64]:
        """Rows that either search ranks among its best, ascending."""
        pool = min(self.settings.pool, len(lexical))
        best = np.argpartition(-lexical, pool - 1)[:pool]
        near, _ = self.snapshot.dense.search(vector, pool)
        return np.union1d(best[lexical[best] > 0], near).astype(np.int64)

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[LangChainDocument]:
        result = self.search(query)
        return [LangChainDocument(page_content=hit.chunk.text, metadata=hit_row(hit), id=hit.chunk.id) for hit in result.hits]


def _hit(rank: int, snapshot: Snapshot, row: int, bm25: float, cosine: float, fused: float) -> Hit:
    return Hit(rank, snapshot.chunk(row), fused, Scores(bm25=bm25, dense=cosine, fused=fused))


def gather_evidence(query: Query, hits: Sequence[Hit], rows: NDArray[np.int64], snapshot: Snapshot) -> Evidence:
    """What the relevance regression looks at, from the five best hits and their rows in the index."""
    best = hits[:5]
    single, union = coverage(query.text, rows[:5], snapshot.bm25)
    chinese = query.language.startswith("zh")
    same_script = sum(hit.chunk.language.startswith("zh") == chinese for hit in best) * 2 >= len(best)
    return Evidence(max((hit.scores.dense or 0.0 for hit in best), default=0.0), single, union, same_script)
