"""The context that a perfect search would give: the gold sections of a question, and nothing else."""

from __future__ import annotations

from corpus.documents import Chunk
from corpus.results import Hit, Scores, SearchResult
from eval.gold import GoldQuestion
from eval.metrics import is_gold
from retrieval.query import analyse
from retrieval.rerank import PassageScore, Reranker
from retrieval.retriever import HybridRetriever


def gold_context(question: GoldQuestion, retriever: HybridRetriever) -> SearchResult:
    """The chunks of the gold sections as hits, best first, with a relevance of 1; no hits where the notes do not answer.

    How well answers do on these, and not on what is found, is what answering by itself is worth.
    """
    query = analyse(question.question, question.history)
    catalogue = retriever.snapshot.catalogue
    chunks = [chunk for chunk in catalogue.chunks() if is_gold(chunk, question)]
    judged = sorted(_judged(query.text, chunks, retriever.reranker), key=lambda pair: -pair[1].relevance)
    hits = tuple(
        Hit(rank, chunk, score.relevance, Scores(rerank=score.relevance), score.sentences)
        for rank, (chunk, score) in enumerate(judged, 1)
    )
    return SearchResult(query.text, hits, float(bool(hits)))


def _judged(question: str, chunks: list[Chunk], reranker: Reranker | None) -> list[tuple[Chunk, PassageScore]]:
    if reranker is None:
        return [(chunk, PassageScore(0.0, ())) for chunk in chunks]
    scores = reranker.score(question, [(" ".join(chunk.heading), chunk.text) for chunk in chunks])
    return list(zip(chunks, scores, strict=True))
