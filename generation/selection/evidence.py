"""From hits to evidence: what the passages say that answers the question, with what a reader needs to understand it.

    hits --passage_units--> units --evidence_features, weights--> scores --> the best ones, their contexts --> lines of an answer

A small model copies well and judges badly, so finding the evidence is the encoder's job, and the language model sees only what
was selected here. How many units are taken depends on the question and on how fast the scores fall.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np

from corpus.results import Hit
from generation.reader import Reader
from generation.selection.evidence_choice import LISTED, EvidenceSettings, choose
from generation.selection.evidence_features import FEATURES, FloatMatrix, features
from generation.selection.evidence_lines import EvidenceSentence, arranged, is_chinese
from generation.selection.evidence_reading import FloatVector, Place, Reading, read_alone, read_best
from generation.selection.names import missing_from, numbered_names, plain_names, speaks_of_another
from generation.selection.passage_units import units_of
from generation.selection.question_kind import aspects
from generation.selection.section_origins import under_sections
from generation.selection.sentence_form import REFERENCES
from retrieval.bm25 import BM25Index
from retrieval.embedder import Embedder
from retrieval.query import Query
from retrieval.question_parts import several
from retrieval.rerank import Reranker

WEIGHTS = Path(__file__).with_name("evidence.json")
READ = 0.9  # logits of the regression that one of the reader's is worth
_SURE = 5.0  # logits of the reader above which units answer alike: one that it is surer of makes the others no worse
_BESIDE = 0.2  # logits that one of the units beside a unit is worth, and one of the best other unit of its passage
_BEST = 20  # units whose scores tell something about what stands beside them
_ANSWERS = 0.0  # logits of the reader above which it takes a unit for an answer
_WIDENED = 2  # hits whose neighbours are read too


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was selected.

    Attributes:
        lines: in the order in which they are to be read.
        statement: the reranker's best logit of a sentence by itself; None without a reranker, or without units.
        reading: the reader's best logit of a unit as an answer; None without a reader, or without units.
    """

    lines: tuple[EvidenceSentence, ...]
    statement: float | None = None
    reading: float | None = None


@cache
def _weights() -> FloatVector:
    stored = json.loads(WEIGHTS.read_text(encoding="utf-8"))["weights"]
    return np.array([stored[name] for name in FEATURES], dtype=np.float32)


def places_of(hits: Sequence[Hit], *, code: bool = True) -> tuple[Place, ...]:
    """All units of some hits that state something; listings only where they are asked for."""
    telling = (hit for hit in hits if not (hit.chunk.heading and REFERENCES.match(hit.chunk.heading[-1])))
    numbered = ((hit, i, unit) for hit in telling for i, unit in enumerate(units_of(hit.chunk.text)))
    return tuple(Place(hit, i, unit) for hit, i, unit in numbered if unit.states and (code or unit.kind != "code"))


def leads_of(places: Sequence[Place]) -> tuple[Place, ...]:
    """The lines that lead in the lists of some places: what they announce answers where they say what is asked."""
    found: dict[tuple[int, int], Place] = {}
    counts: Counter[tuple[int, int]] = Counter()
    for place in places:
        if (lead := place.unit.lead) is not None and place.unit.kind in ("item", "row"):
            counts[place.hit.rank, lead] += 1
            found.setdefault((place.hit.rank, lead), Place(place.hit, lead, units_of(place.hit.chunk.text)[lead]))
    return tuple(place for key, place in found.items() if counts[key] > 1 and place.unit.kind == "lead")


def candidates(query: Query, hits: Sequence[Hit], settings: EvidenceSettings) -> tuple[Place, ...]:
    """The units that evidence is chosen from: those of the best hits and of the chunks beside the very best.

    What is told of GPT-2 is none where GPT-3 is asked for.
    """
    found = places_of(_widened(hits[: settings.hits]), code="code" in aspects(query.question))
    names = numbered_names(query.text)
    return tuple(place for place in found if not speaks_of_another(names, _told_of(place)))


def _told_of(place: Place) -> str:
    """A unit with the titles that name what it is about, without the note's own, which may name all that it treats."""
    return " ".join((*place.hit.chunk.heading[1:], *place.unit.scope, place.unit.text))


def score_units(
    question: str, places: Sequence[Place], *, embedder: Embedder, bm25: BM25Index, reading: Reading | None
) -> FloatVector:
    """How well each unit answers a question, in logits of a listwise regression; shape (places,).

    The regression is fitted by `python -m eval.fit_evidence` on development questions: softmax over the units of a question,
    as in ListNet (Cao et al., 2007).
    """
    if not places:
        return np.zeros(0, dtype=np.float32)
    return features(question, places, embedder=embedder, bm25=bm25, reading=reading) @ _weights()


def select_evidence(
    query: Query,
    hits: Sequence[Hit],
    *,
    embedder: Embedder,
    bm25: BM25Index,
    reranker: Reranker | None,
    reader: Reader | None,
    settings: EvidenceSettings,
) -> Evidence:
    """The lines of the notes that best answer a question, in the order in which they are to be read.

    All of them are in one language: the question's, unless only notes in the other one answer.
    """
    states = candidates(query, hits, settings)
    if not states:
        return Evidence(())
    places = (*states, *(leads_of(states) if aspects(query.question) & LISTED else ()))
    readings: list[Reading] = []

    def scores_for(text: str, reranker: Reranker | None = None) -> FloatVector:
        reading = read_alone(text, places, reranker)
        readings.extend([reading] if reading else [])
        return score_units(text, places, embedder=embedder, bm25=bm25, reading=reading)

    whole = scores_for(query.text, reranker)
    if query.question != query.text:  # what was asked before names the subject, and is not what is asked now
        whole = np.asarray((whole + scores_for(query.question, reranker)) / 2, dtype=np.float32)
    parts = several(query.question)
    scores = np.array([whole, *((whole + scores_for(part)) / 2 for part in parts)], dtype=np.float32)
    answers: FloatMatrix | None = None
    if reader:
        answers = read_best(query.text, parts, places, scores, reader)
        scores = np.asarray(scores + READ * np.minimum(answers, _SURE), dtype=np.float32)
    kept = _in_one_language(places, scores, None if answers is None else answers[0], query, settings)
    scores = np.array([row + _BESIDE * beside(places, row) for row in scores], dtype=np.float32)
    chosen = choose([places[i] for i in kept], scores[:, kept], query.question, settings)
    statement = max((float(reading.statement[: len(states)].max()) for reading in readings), default=None)
    reading = None if answers is None else float(answers[0].max())
    passages = [chunk for hit in hits[: settings.hits] for chunk in (*hit.neighbours, hit.chunk)]
    lines = under_sections(arranged(chosen, query.question, passages), query.question)
    return Evidence(lines, statement, reading)


def beside(places: Sequence[Place], scores: FloatVector) -> FloatVector:
    """What stands around units: the mean score of the one before and the one after, and the best of the passage; shape (places,).

    An answer is told in one place, in several sentences, of which one may have all the question's words. What is not among the
    best, and what does not exist, counts as the last of these.
    """
    floor = float(np.sort(scores)[-_BEST:][0])
    scored: dict[int, dict[int, float]] = {}
    for place, score in zip(places, scores.tolist(), strict=True):
        scored.setdefault(place.hit.rank, {})[place.number] = max(score, floor)
    found = []
    for place in places:
        passage = scored[place.hit.rank]
        near = [passage.get(place.number + step, floor) for step in (-1, 1)]
        others = (score for number, score in passage.items() if number != place.number)
        found.append(np.mean(near) + max(others, default=floor))
    return np.array(found, dtype=np.float32)


def statement_by_parts(
    query: Query, hits: Sequence[Hit], *, reranker: Reranker | None, settings: EvidenceSettings
) -> float | None:
    """`Evidence.statement` of a question of several parts: the mean of the best for each, since no sentence answers all of them.

    None of one that is whole, or without a reranker.
    """
    places = candidates(query, hits, settings)
    readings = [reading for part in several(query.question) if places and (reading := read_alone(part, places, reranker))]
    return float(np.mean([reading.statement.max() for reading in readings])) if readings else None


def _widened(hits: Sequence[Hit]) -> list[Hit]:
    """The hits, and the chunks beside the best ones in their sections as hits of the same score: an answer may go on there."""
    known = {hit.chunk.id for hit in hits}
    wide = list(hits)
    for hit in hits[:_WIDENED]:
        for near in hit.neighbours:
            if near.id not in known:
                known.add(near.id)
                wide.append(replace(hit, rank=hits[-1].rank + len(wide), chunk=near, sentences=(), neighbours=()))
    return wide


def _is_chinese(place: Place) -> bool:
    """As its passage is, but for a row or sentence in Chinese in one that is mostly code."""
    return is_chinese("" if place.unit.kind in ("formula", "code") else place.unit.text, place.hit.chunk)


def _in_one_language(
    places: Sequence[Place], scores: FloatMatrix, answers: FloatVector | None, query: Query, settings: EvidenceSettings
) -> list[int]:
    """The places to choose from: those in the question's language if the best of them can compete.

    It has to compete harder if the reader, by its logits in `answers`, takes none of them for an answer.
    They cannot where only notes in the other language have a name that the question gives.
    """
    chinese = query.language.startswith("zh")
    own = np.array([_is_chinese(place) == chinese for place in places])
    if own.all() or not own.any():
        return list(range(len(places)))
    names = numbered_names(query.text) | plain_names(query.text)
    told = [" ".join(place.under_heading() for place, o in zip(places, own, strict=True) if o == side) for side in (True, False)]
    missing, missing_there = (missing_from(names, text) for text in told)
    unanswered = answers is not None and bool(answers[own].max() < _ANSWERS)
    margin = settings.foreign_unanswered if unanswered else settings.foreign
    ours = scores[0][own].max() + margin >= scores[0][~own].max() and not missing > missing_there
    return np.flatnonzero(own == ours).tolist()
