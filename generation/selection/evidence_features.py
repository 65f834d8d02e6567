"""What is known about a unit of a passage as an answer to a question: the inputs of the selector's regression."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from generation.selection.evidence_reading import FloatVector, Place, Reading
from generation.selection.question_kind import aspects
from generation.selection.sentence_form import MISCONCEPTION
from retrieval.analysis import concepts, terms
from retrieval.bm25 import BM25Index
from retrieval.embedder import Embedder
from retrieval.fusion import standardise
from retrieval.relevance import logit

FloatMatrix = NDArray[np.float32]

FEATURES = (
    "cosine",
    "overlap",
    "trained",
    "hit",
    "opening",
    "heading",
    "number",
    "code",
    "formula",
    "item",
    "reason",
    "misconception",
    "length",
    "row",
    "stranger",
    "relevance",
    "statement",
)
_NUMBER = re.compile(r"\d")
_REASON = re.compile(
    r"因为|因為|由于|由於|原因|所以|因此|导致|導致|避免|从而|從而|because|since|therefore|so that|due to|reason|avoid"
)
# What a misconception may be the answer to: a question that supposes or doubts something.
OBJECTION = re.compile(
    r"吗|嗎|是不是|是否|一定|就|真的|误区|誤區|对不对|對不對"
    r"|^(?:so |and |but )?(?:is|are|was|were|does|do|did|can|could|should|will|has|have)\b"
    r"|\b(?:always|really|never|true|myth|misconception)\b",
    re.IGNORECASE,
)


def features(
    question: str, places: Sequence[Place], *, embedder: Embedder, bm25: BM25Index, reading: Reading | None
) -> FloatMatrix:
    """One row a place, one column a feature, see FEATURES; shape (places, features).

    Similarities are standardised over the places, so that they mean the same for short and long questions. Without a
    reading what it would say is the same of all.
    """
    texts = [place.under_heading() for place in places]
    wants = aspects(question)
    subjects = frozenset(concepts(question))
    cosine = embedder.encode_passages(texts) @ embedder.encode_query(question)[0]
    hit_scores = np.array([place.hit.score for place in places], dtype=np.float32)
    trained, nothing = _trained(places), np.zeros(len(places), dtype=np.float32)
    columns = (
        standardise(cosine),
        standardise(_overlap(question, texts, bm25)),
        standardise(trained),
        standardise(hit_scores),
        [place.hit.chunk.text[: place.unit.start].strip() == "" for place in places],
        standardise(_overlap(question, [_titles(place) for place in places], bm25)),
        [bool(_NUMBER.search(place.unit.text)) * ("number" in wants) for place in places],
        [(place.unit.kind == "code") * _sign("code" in wants) for place in places],
        [(place.unit.kind == "formula") * _sign("derivation" in wants) for place in places],
        [(place.unit.kind == "item") * _sign(bool(wants & {"listing", "steps"})) for place in places],
        [bool(_REASON.search(place.unit.text)) * ("reason" in wants) for place in places],
        [bool(MISCONCEPTION.match(place.unit.text)) * _sign(bool(OBJECTION.search(question))) for place in places],
        [min(len(place.unit.text), 200) / 100 for place in places],
        [(place.unit.kind == "row") * _sign("comparison" in wants) for place in places],
        [_stranger(place, subjects) for place in places],
        standardise(reading.text) if reading else nothing,
        standardise(reading.statement) if reading else nothing,
    )
    return np.stack([np.asarray(column, dtype=np.float32) for column in columns], axis=1)


def _sign(wanted: bool) -> int:
    return 1 if wanted else -1


def _titles(place: Place) -> str:
    return " ".join((*place.hit.chunk.heading[-2:], *place.unit.scope))


def _stranger(place: Place, subjects: frozenset[str]) -> float:
    """Share of the subjects of a section's title that the question does not name."""
    titled = set(concepts(" ".join((*place.hit.chunk.heading[-1:], *place.unit.scope))))
    return len(titled - subjects) / len(titled) if titled else 0.0


def _trained(places: Sequence[Place]) -> FloatVector:
    """The reranker's best score of a sentence of the unit, as a logit: a probability squeezes both ends together.

    Units that it has not read, those beside a hit, get the mean of the others.
    """
    best = np.full(len(places), np.nan, dtype=np.float32)
    for i, place in enumerate(places):
        scores = [s.score for s in place.hit.sentences if place.unit.start <= s.start < place.unit.end]
        if place.hit.sentences:
            best[i] = max(scores, default=0.0)
    logits = np.array([logit(float(score)) if np.isfinite(score) else np.nan for score in best], dtype=np.float32)
    mean = np.nanmean(logits) if np.isfinite(logits).any() else 0.0
    return np.asarray(np.where(np.isnan(logits), mean, logits), dtype=np.float32)


def _overlap(question: str, texts: Sequence[str], bm25: BM25Index) -> FloatVector:
    wanted = {term: max(bm25.idf_of(term), 0.0) for term in terms(question)}
    return np.array([sum(wanted[t] for t in set(terms(text)) & wanted.keys()) for text in texts], dtype=np.float32)
