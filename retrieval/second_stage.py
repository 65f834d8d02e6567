"""The second stage: which candidates the reranker reads, and the best set of what it has read.

    candidates, best first --choose_set--> as many as are read --reranker--> scores --choose_set--> hits in their order

Reading is what takes time, so no two passages side by side are read where others are nearly as good. The first hits shall
together hold what the question names, and answer each of its parts (docs/retrieval.md has the figures).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from corpus.documents import Chunk
from corpus.results import Hit
from retrieval.bm25 import BM25Index
from retrieval.coverage import holdings
from retrieval.embedder import FloatMatrix
from retrieval.fusion import ranking, standardise
from retrieval.relevance import logit
from retrieval.rerank import PassageScore, Reranker
from retrieval.searcher import FloatVector
from retrieval.set_choice import SetGains, choose_set

# In standard deviations of the fused score over all candidates, and of the final score over those that were read. Chosen on the
# development questions; from half to twice as much, recall hardly moves.
READING = SetGains(repeat=0.75, part=1.0)
SHOWING = SetGains(repeat=0.25, coverage=1.0, part=1.0)
# The best passage for a part of a question has about this fused score.
_BEST_OF_PART = 3.0


@dataclass(frozen=True, slots=True)
class Found:
    """A hit, its row in the snapshot, and its fused scores for the parts of the question."""

    row: int
    hit: Hit
    parts: tuple[float, ...] = ()


def to_read(found: Sequence[Found], count: int) -> tuple[Found, ...]:
    """The `count` candidates that the reranker is to read, best first, from more of them in the order of their fused scores."""
    order, _ = choose_set(_scores(found), _beside(found), READING, parts=_parts(found))
    return tuple(found[i] for i in sorted(order[:count]))


def rerank(reranker: Reranker, question: str, found: Sequence[Found], weight: float) -> tuple[Found, ...]:
    """Hits by the standardised sum of fused score and reranker's logit; equals keep their order.

    The searches and the reranker err in different places: their sum finds more than either (docs/retrieval.md).
    """
    judged = reranker.score(question, [(" ".join(item.hit.chunk.heading), item.hit.chunk.text) for item in found])
    logits = np.array([logit(judgement.relevance) for judgement in judged], dtype=np.float32)
    scores = (1 - weight) * standardise(_scores(found)) + weight * standardise(logits)
    return tuple(_judged(found[i], judged[i], float(scores[i])) for i in ranking(scores))


def as_set(found: Sequence[Found], question: str, bm25: BM25Index) -> tuple[Found, ...]:
    """Hits, the best one first and then each for what it adds to those before it, which becomes its score."""
    rows = np.array([item.row for item in found], dtype=np.int64)
    named = holdings(question, rows, bm25)
    order, added = choose_set(_scores(found), _beside(found), SHOWING, named=named, parts=_parts(found))
    return tuple(replace(found[i], hit=replace(found[i].hit, score=float(score))) for i, score in zip(order, added, strict=True))


def followed_by(read: Sequence[Found], rest: Sequence[Found]) -> tuple[Found, ...]:
    """What was read, and behind it what was not, in its own order, with scores that go on from the last one."""
    if not read or not rest:
        return (*read, *rest)
    drop = max(0.0, rest[0].hit.score - read[-1].hit.score)
    return (*read, *(replace(item, hit=replace(item.hit, score=item.hit.score - drop)) for item in rest))


def _scores(found: Sequence[Found]) -> FloatVector:
    return np.array([item.hit.score for item in found], dtype=np.float32)


def _parts(found: Sequence[Found]) -> FloatMatrix:
    """How well each hit answers each part of the question, about 1 for the best, shape (parts, n)."""
    return np.array([item.parts for item in found], dtype=np.float32).T / _BEST_OF_PART


def _beside(found: Sequence[Found]) -> NDArray[np.bool_]:
    """Which of some hits stand side by side in one section, shape (n, n)."""
    chunks = [item.hit.chunk for item in found]
    return np.array([[_are_neighbours(one, other) for other in chunks] for one in chunks], dtype=np.bool_)


def _are_neighbours(one: Chunk, other: Chunk) -> bool:
    return abs(one.ordinal - other.ordinal) == 1 and one.path == other.path and one.heading == other.heading


def _judged(found: Found, judgement: PassageScore, score: float) -> Found:
    scores = replace(found.hit.scores, rerank=judgement.relevance)
    return replace(found, hit=replace(found.hit, score=score, scores=scores, sentences=judgement.sentences))
