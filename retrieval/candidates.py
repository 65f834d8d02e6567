"""The first stage: what BM25 and dense search find for a question, fused into one score a passage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from retrieval.analysis import terms
from retrieval.embedder import Embedder, FloatMatrix
from retrieval.fusion import fuse
from retrieval.lexicon import bridge_terms
from retrieval.query import Query
from retrieval.ranking import best_rows
from retrieval.searcher import FloatVector, Rows
from retrieval.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Candidates:
    """Passages that either search ranks among its best; arrays have the shape (candidates,), rows ascend.

    Attributes:
        parts: the fused score for each part of the question, 0 where its own search does not find the passage; shape
            (parts, candidates).
    """

    rows: Rows
    lexical: FloatVector
    cosines: FloatVector
    fused: FloatVector
    parts: FloatMatrix


def find_candidates(
    query: Query,
    snapshot: Snapshot,
    embedder: Embedder,
    *,
    pool: int,
    dense_weight: float,
    parts: Sequence[str] = (),
) -> Candidates:
    """Search with every wording of a question; a passage counts as much as the wording that suits it best.

    Args:
        query: its `text` gives the lexical scores and cosines that are reported, all wordings give the fused score.
        snapshot: what is searched.
        embedder: encodes the wordings.
        pool: passages taken from each search.
        dense_weight: weight of the dense score in the fusion, 0-1.
        parts: questions that this one is made of. What only they find is no candidate: over more passages the whole question's
            scores would be standardised differently, and on development data that found less.
    """
    wordings = [_searched(text, embedder.encode_query(text), snapshot, pool) for text in (query.text, *query.variants)]
    wordings += [_searched(draft, embedder.encode_passages([draft]), snapshot, pool) for draft in query.drafts]
    rows = np.unique(np.concatenate([found.best for found in wordings]))
    foreign = snapshot.chinese[rows] != query.language.startswith("zh")
    # Passages in the other language than the question also meet it in the lexicon's terms.
    lexical = [np.where(foreign, found.bridged[rows], found.lexical[rows]) for found in wordings]
    cosines = [snapshot.dense.score(found.vector, rows) for found in wordings]
    fused = [fuse(*scores, foreign, dense_weight=dense_weight) for scores in zip(lexical, cosines, strict=True)]
    by_part = np.zeros((len(parts), len(rows)), dtype=np.float32)
    for place, text in enumerate(parts):
        part = replace(query, text=text, variants=(), drafts=())
        found = find_candidates(part, snapshot, embedder, pool=pool, dense_weight=dense_weight)
        _, ours, theirs = np.intersect1d(rows, found.rows, assume_unique=True, return_indices=True)
        by_part[place, ours] = found.fused[theirs]
    return Candidates(rows, lexical[0], cosines[0], np.max(fused, axis=0), by_part)


@dataclass(frozen=True, slots=True)
class _Searched:
    """What the searches find for one wording.

    Attributes:
        vector: of the wording, shape (1, dimension).
        lexical: BM25 scores of all passages, shape (size,).
        bridged: the same with the lexicon's terms.
        best: rows that either search ranks among its best, in any order, with repeats.
    """

    vector: FloatMatrix
    lexical: FloatVector
    bridged: FloatVector
    best: Rows


def _searched(text: str, vector: FloatMatrix, snapshot: Snapshot, pool: int) -> _Searched:
    lexical = bridged = snapshot.bm25.score_all(terms(text))
    best = [best_rows(lexical, pool, above=0.0), snapshot.dense.search(vector, pool)[0]]
    if bridge := bridge_terms(text):
        bridged = snapshot.bm25.score_all(bridge)
        bridged += lexical
        best.append(best_rows(bridged, pool, above=0.0))
    return _Searched(vector, lexical, bridged, np.concatenate(best))
