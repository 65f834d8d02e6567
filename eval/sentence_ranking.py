"""Rankings of the sentences of one passage for a question, by each signal of evidence selection and by their combination."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate

import numpy as np

from corpus.documents import Chunk
from corpus.results import Hit, Scores
from corpus.sentences import sentence_spans
from generation.selection.evidence import places_of, score_units
from generation.selection.evidence_reading import read_alone
from retrieval.analysis import terms
from retrieval.bm25 import BM25Index, build_bm25
from retrieval.embedder import Embedder
from retrieval.fusion import ranking, standardise
from retrieval.query import analyse
from retrieval.relevance import logit
from retrieval.rerank import Reranker
from retrieval.searcher import FloatVector

Span = tuple[int, int]


class SentenceRanker:
    """Ranks the sentences of the passages of a collection."""

    def __init__(
        self,
        chunks: Sequence[Chunk],
        bm25: BM25Index,
        embedder: Embedder,
        reranker: Reranker | None,
    ) -> None:
        """`bm25` is that of the passages, which evidence selection uses; an index of the sentences is made here."""
        self._chunks, self._bm25, self._embedder, self._reranker = chunks, bm25, embedder, reranker
        self._spans = [sentence_spans(chunk.text) for chunk in chunks]
        self._first = [0, *accumulate(map(len, self._spans))]
        self._sentences = build_bm25(
            [terms(chunk.text[a:b]) for chunk, spans in zip(chunks, self._spans, strict=True) for a, b in spans]
        )

    def rank(self, question: str, number: int) -> dict[str, tuple[Span, ...]]:
        """Spans of the sentences of a passage, best first, by method.

        "trained" is the reranker within the passage, "both readings" the mean of its logits within the passage and by itself.
        "selector" is the regression that selects evidence, given the passage as the only hit, over the units that it quotes.
        """
        chunk, spans, query = self._chunks[number], self._spans[number], analyse(question)
        texts = [chunk.text[a:b] for a, b in spans]
        rows = np.arange(self._first[number], self._first[number + 1])
        lexical = self._sentences.score(terms(query.text), rows)
        cosine: FloatVector = self._embedder.encode_passages(texts) @ self._embedder.encode_query(query.text)[0]
        scores = {"bm25": lexical, "dense": cosine, "bm25 + dense": standardise(lexical) + standardise(cosine)}
        hit = Hit(1, chunk, 0.0, Scores())
        if self._reranker:
            (judged,) = self._reranker.score(query.text, [(" ".join(chunk.heading), chunk.text)])
            within = np.array([logit(sentence.score) for sentence in judged.sentences], dtype=np.float32)
            alone = [logit(read.relevance) for read in self._reranker.score(query.text, [("", text) for text in texts])]
            scores |= {"trained": within, "both readings": within + np.array(alone, dtype=np.float32)}
            hit = replace(hit, sentences=judged.sentences)
        places = places_of([hit])
        reading = read_alone(query.text, places, self._reranker)
        fitness = score_units(query.text, places, embedder=self._embedder, bm25=self._bm25, reading=reading)
        found = {method: tuple(spans[i] for i in ranking(values)) for method, values in scores.items()}
        return {**found, "selector": tuple((places[i].unit.start, places[i].unit.end) for i in ranking(fitness))}
