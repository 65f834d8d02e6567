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
    vectors = [embedder.encode_query(text) for text in (query.text, *query.variants)]
    vectors += [embedder.encode_passages([draft]) for draft in query.drafts]
    wordings = list(zip((query.text, *query.variants, *query.drafts), vectors, strict=True))
    chinese = query.language.startswith("zh")
    rows = np.unique(np.concatenate([_best_rows(text, vector, snapshot, pool) for text, vector in wordings]))
    scored = [_scores(text, vector, snapshot, rows, chinese) for text, vector in wordings]
    fused = [fuse(lexical, cosines, snapshot.chinese[rows], dense_weight=dense_weight) for lexical, cosines in scored]
    by_part = np.zeros((len(parts), len(rows)), dtype=np.float32)
    for place, text in enumerate(parts):
        part = replace(query, text=text, variants=(), drafts=())
        found = find_candidates(part, snapshot, embedder, pool=pool, dense_weight=dense_weight)
        _, ours, theirs = np.intersect1d(rows, found.rows, assume_unique=True, return_indices=True)
        by_part[place, ours] = found.fused[theirs]
    return Candidates(rows, *scored[0], np.max(fused, axis=0), by_part)


def _best_rows(text: str, vector: FloatMatrix, snapshot: Snapshot, pool: int) -> Rows:
    words, bridge = terms(text), bridge_terms(text)
    wordings = (words, [*words, *bridge]) if bridge else (words,)
    lexical = [snapshot.bm25.search(wording, pool)[0] for wording in wordings]
    return np.concatenate((*lexical, snapshot.dense.search(vector, pool)[0]))


def _scores(text: str, vector: FloatMatrix, snapshot: Snapshot, rows: Rows, chinese: bool) -> tuple[FloatVector, FloatVector]:
    """BM25 and cosine of given rows; passages in the other language than the question also meet it in the lexicon's terms."""
    lexical = snapshot.bm25.score(terms(text), rows)
    foreign = snapshot.chinese[rows] != chinese
    lexical[foreign] += snapshot.bm25.score(bridge_terms(text), rows[foreign])
    return lexical, snapshot.dense.score(vector, rows)
