"""Hybrid retrieval: question -> BM25 and dense candidates -> fused ranking -> reranked hits, with a calibrated relevance."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import Any

import numpy as np
from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document as LangChainDocument
from langchain_core.retrievers import BaseRetriever
from pydantic import ConfigDict

from corpus.documents import Chunk
from corpus.questions import asks_only
from corpus.results import Hit, Scores, SearchResult, hit_row
from retrieval.candidates import Candidates, find_candidates
from retrieval.coverage import coverage, is_about_something_else
from retrieval.diversity import maximal_marginal_relevance
from retrieval.fusion import ranking
from retrieval.query import Query, analyse, points_back
from retrieval.question_parts import several
from retrieval.relevance import Evidence, relevance
from retrieval.rerank import Reranker
from retrieval.searcher import Rows
from retrieval.second_stage import Found, as_set, followed_by, rerank, to_read
from retrieval.snapshot import Snapshot

# The reranker's passages are chosen from so many times as many candidates.
_CHOOSE_FROM = 3


@dataclass(frozen=True, slots=True)
class RetrievalSettings:
    """How to search.

    Attributes:
        k: number of hits.
        pool: candidates taken from each of the two searches before fusion.
        dense_weight: weight of the dense score in the fusion, 0-1.
        rerank_pool: how many of the best candidates the reranker reads, if there is one.
        rerank_weight: weight of the reranker's judgement against the fused score, 0-1.
        diversity: how much hits that repeat earlier ones are put back, 0-1 (maximal marginal relevance).
        widen: how many chunks of the same section before and after a hit come with it.
    """

    k: int = 8
    pool: int = 100
    dense_weight: float = 0.4
    rerank_pool: int = 8
    rerank_weight: float = 0.5
    diversity: float = 0.0
    widen: int = 1


class HybridRetriever(BaseRetriever):
    """Searches one snapshot of the index; a LangChain retriever and, through `search`, a source of scored hits."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    snapshot: Snapshot
    embedder: Any  # an Embedder: pydantic cannot check protocols
    reranker: Any = None  # a Reranker, or None to rank by the fused score
    expand: Callable[[Query], Query] | None = None  # adds wordings to a question before it is searched for
    settings: RetrievalSettings = RetrievalSettings()

    def search(self, question: str, *, history: Sequence[str] = (), k: int | None = None) -> SearchResult:
        """The best hits for a question, best first, with the relevance of the whole.

        Args:
            question: as the user asked it.
            history: earlier questions of the user, oldest first.
            k: number of hits; the settings' if None.
        """
        return self.find(self.analyse(question, history), k=k)

    def analyse(self, question: str, history: Sequence[str] = ()) -> Query:
        """The question as it is searched for; one about what no note mentions ("红烧肉怎么做？") is no follow-up."""
        if history and not points_back(question) and is_about_something_else(question, self.snapshot.bm25):
            history = ()
        return analyse(question, history)

    def find(self, query: Query, *, k: int | None = None) -> SearchResult:
        """`search` for a question that has been analysed already."""
        started = time.perf_counter()
        if self.expand and query.text:
            query = self.expand(query)
        fused = self._fused(query, k or self.settings.k)
        searched = time.perf_counter()
        found = self._ranked(query, fused)[: k or self.settings.k]
        probability = relevance(_evidence(query, found, self.snapshot)) if found else 0.0
        seconds = {"search": searched - started, "rerank": time.perf_counter() - searched}
        return SearchResult(query.text, self._complete(found), probability, seconds)

    def evidence(self, query: Query, *, where: Callable[[Chunk], bool]) -> Evidence:
        """What would decide about refusal if the index held only some of its chunks: for fitting the relevance."""
        return _evidence(query, self._ranked(query, self._fused(query, self.settings.k, where)), self.snapshot)

    def _fused(self, query: Query, k: int, where: Callable[[Chunk], bool] | None = None) -> tuple[Found, ...]:
        """The candidates of both searches together, best first: k of them, or what later stages choose from."""
        chosen = self.settings
        if not self.snapshot.size or not query.text:
            return ()
        found = find_candidates(
            query,
            self.snapshot,
            self.embedder,
            pool=chosen.pool,
            dense_weight=chosen.dense_weight,
            parts=several(query.question) if self.reranker else (),
        )
        k = max(k, _CHOOSE_FROM * chosen.rerank_pool) if self.reranker or chosen.diversity else k
        order = ranking(found.fused)
        read = (zip(some, self.snapshot.chunks(found.rows[some].tolist()), strict=True) for some in _batches(order, k))
        kept = islice(((i, chunk) for i, chunk in chain.from_iterable(read) if where is None or where(chunk)), k)
        return tuple(_found(found, int(i), chunk) for i, chunk in kept)

    def _ranked(self, query: Query, found: tuple[Found, ...]) -> tuple[Found, ...]:
        """The same after the reranker and the search for diversity, as set; what the reranker does not read comes last."""
        reranker: Reranker | None = self.reranker
        if reranker and found:
            read = to_read(found, self.settings.rerank_pool)
            known = {item.row for item in read}
            rest = [item for item in found if item.row not in known]
            best = as_set(rerank(reranker, query.text, read, self.settings.rerank_weight), query.text, self.snapshot.bm25)
            found = followed_by(best, rest)
        return self._diversified(found) if self.settings.diversity else found

    def _diversified(self, found: Sequence[Found]) -> tuple[Found, ...]:
        scores = np.array([item.hit.score for item in found], dtype=np.float32)
        vectors = self.snapshot.dense.vectors(np.array([item.row for item in found], dtype=np.int64))
        return tuple(found[i] for i in maximal_marginal_relevance(scores, vectors, diversity=self.settings.diversity))

    def _complete(self, found: Sequence[Found]) -> tuple[Hit, ...]:
        """Hits numbered, with what they stand for and what stands beside them."""
        ids = [item.hit.chunk.id for item in found]
        duplicates = self.snapshot.catalogue.duplicates(ids)
        neighbours = self.snapshot.catalogue.neighbours(ids, self.settings.widen)
        return tuple(
            replace(
                item.hit,
                rank=rank,
                duplicates=duplicates[chunk_id],
                neighbours=tuple(near for near in neighbours[chunk_id] if near.id not in neighbours),
            )
            for rank, (chunk_id, item) in enumerate(zip(ids, found, strict=True), 1)
        )

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[LangChainDocument]:
        result = self.search(query)
        return [LangChainDocument(page_content=hit.chunk.text, metadata=hit_row(hit), id=hit.chunk.id) for hit in result.hits]


def _batches(order: Rows, size: int) -> Iterator[Rows]:
    return (order[start : start + size] for start in range(0, len(order), size))


def _found(found: Candidates, i: int, chunk: Chunk) -> Found:
    scores = Scores(float(found.lexical[i]), float(found.cosines[i]), float(found.fused[i]))
    return Found(int(found.rows[i]), Hit(0, chunk, float(found.fused[i]), scores), tuple(found.parts[:, i].tolist()))


def _evidence(query: Query, found: Sequence[Found], snapshot: Snapshot) -> Evidence:
    """What the relevance regression looks at, from the five best hits that say something.

    A question that stands in the notes without its answer matches itself best of all, and answers nothing.
    """
    telling = [item for item in found if not asks_only(item.hit.chunk.text)][:5]
    best = [item.hit for item in telling]
    single, union = coverage(query.text, np.array([item.row for item in telling], dtype=np.int64), snapshot.bm25)
    chinese = query.language.startswith("zh")
    same_script = query.names_only or sum(hit.chunk.language.startswith("zh") == chinese for hit in best) * 2 >= len(best)
    cosine = max((hit.scores.dense or 0.0 for hit in best), default=0.0)
    judged = [hit.scores.rerank for hit in best if hit.scores.rerank is not None]
    sentence = max((sentence.score for hit in best for sentence in hit.sentences), default=0.0)
    return Evidence(cosine, single, union, same_script, max(judged) if judged else None, sentence)
