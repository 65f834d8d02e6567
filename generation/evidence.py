"""From hits to evidence: what the passages say that answers the question, with what a reader needs to understand it.

    hits --passage_units--> units --evidence_features, weights--> scores --> the best ones, their contexts --> lines of an answer

A small model copies well and judges badly, so finding the evidence is the encoder's job, and the language model sees only what
was selected here. How many units are taken depends on the question and on how fast the scores fall.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np

from corpus.documents import Language
from corpus.results import Hit
from generation.evidence_features import FEATURES, FloatMatrix, FloatVector, Place, features
from generation.evidence_lines import Chosen, EvidenceSentence, arranged, section_of
from generation.passage_units import list_of, units_of
from generation.question_kind import aspects, parts
from generation.verify import overlap
from retrieval.analysis import concepts
from retrieval.bm25 import BM25Index
from retrieval.embedder import Embedder
from retrieval.query import Query, subjects_of

WEIGHTS = Path(__file__).with_name("evidence.json")
_REPEATS = 0.8  # share of a unit's terms in one that is chosen already from which on it adds nothing
_LIST_SHARE = 0.5  # a list of which this share is chosen is taken as a whole
_WIDENED = 2  # hits whose neighbours are read too
_FACT_LINES = 3
_SIDES = 4  # items of a list that is taken as a whole where no list is asked for
_SAME_SUBJECT = 0.5  # logits that a unit gains for a part of the question by naming a subject of the whole
_TITLED = 0.5  # share of a question's terms in a section's title from which on the section answers it
_BUILT_UP = frozenset({"definition", "comparison", "reason", "manner", "steps", "listing"})
_LABELLED = 20  # characters at the beginning of a unit in which it names its subject


@dataclass(frozen=True, slots=True)
class EvidenceSettings:
    """How much evidence.

    Attributes:
        sentences: most units to choose; what they need to be understood comes on top.
        least: units that are chosen however far they are behind the best.
        gap: how far behind the best a further unit of its section may be, in the regression's logits.
        elsewhere: the same for units of other sections.
        hits: best hits to read.
        foreign: how much better units in the other language than the question's have to be to be taken, in logits.
        characters: an answer of this length is not lengthened.
        fact: what the gaps are multiplied by for a question that asks for a fact only.
        list_items: most items of a list that is taken as a whole where a list is asked for.
    """

    sentences: int = 6
    least: int = 3
    gap: float = 3.0
    elsewhere: float = 2.0
    hits: int = 5
    foreign: float = 2.0
    characters: int = 600
    fact: float = 0.7
    list_items: int = 8


@cache
def _weights() -> FloatVector:
    stored = json.loads(WEIGHTS.read_text(encoding="utf-8"))["weights"]
    return np.array([stored[name] for name in FEATURES], dtype=np.float32)


def places_of(hits: Sequence[Hit], *, code: bool = True) -> tuple[Place, ...]:
    """All units of some hits that state something; listings only where they are asked for."""
    numbered = ((hit, i, unit) for hit in hits for i, unit in enumerate(units_of(hit.chunk.text)))
    return tuple(Place(hit, i, unit) for hit, i, unit in numbered if unit.states and (code or unit.kind != "code"))


def score_units(question: str, places: Sequence[Place], *, embedder: Embedder, bm25: BM25Index) -> FloatVector:
    """How well each unit answers a question, in logits of a listwise regression; shape (places,).

    The regression is fitted by `python -m eval.fit_evidence` on development questions: softmax over the units of a question,
    as in ListNet (Cao et al., 2007).
    """
    if not places:
        return np.zeros(0, dtype=np.float32)
    return features(question, places, embedder=embedder, bm25=bm25) @ _weights()


def select_evidence(
    query: Query, hits: Sequence[Hit], *, embedder: Embedder, bm25: BM25Index, settings: EvidenceSettings
) -> tuple[EvidenceSentence, ...]:
    """The lines of the notes that best answer a question, in the order in which they are to be read.

    All of them are in one language: the question's, unless only notes in the other one answer.
    """
    places = places_of(_widened(hits[: settings.hits]), code="code" in aspects(query.question))
    if not places:
        return ()

    def scores_for(text: str) -> FloatVector:
        return score_units(text, places, embedder=embedder, bm25=bm25)

    whole = scores_for(query.text)
    if query.question != query.text:  # what was asked before names the subject, and is not what is asked now
        whole = np.asarray((whole + scores_for(query.question)) / 2, dtype=np.float32)
    asked = [part for part in parts(query.question) if part != query.question]
    scores = np.array([whole, *((whole + scores_for(part)) / 2 for part in asked)], dtype=np.float32)
    kept = _in_one_language(places, scores, query.language, settings.foreign)
    chosen = _choose([places[i] for i in kept], scores[:, kept], query.question, settings)
    return arranged(chosen, query.question)


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


def _in_one_language(places: Sequence[Place], scores: FloatMatrix, language: Language, margin: float) -> list[int]:
    """The places to choose from: those in the question's language if the best of them can compete."""
    chinese = language.startswith("zh")
    own = np.array([place.hit.chunk.language.startswith("zh") == chinese for place in places])
    if own.all() or not own.any():
        return list(range(len(places)))
    ours = scores[0][own].max() + margin >= scores[0][~own].max()
    return np.flatnonzero(own == ours).tolist()


def _choose(places: Sequence[Place], scores: FloatMatrix, question: str, settings: EvidenceSettings) -> list[Chosen]:
    """The best units, first of each part of the question and then of the whole, as long as they add something."""
    whole = scores[0]
    wants = aspects(question)
    best = int(whole.argmax())
    is_fact = not wants - {"number"}
    reach = settings.fact if is_fact else 1.0
    most = min(settings.sentences, _FACT_LINES) if is_fact else settings.sentences
    subjects = frozenset(subjects_of(question))
    about = np.array([_is_about(place, subjects) for place in places])
    # A part may leave the subject to the rest of the question, and may also turn to another one.
    firsts = [int((part + _SAME_SUBJECT * about).argmax()) for part in scores[1:]]
    if "code" in wants:
        firsts += _listing(places, whole, best)
    if "comparison" in wants:
        firsts += _each_side(places, whole, question)
    if wants & _BUILT_UP:
        firsts += _thesis(places, best, question)
    order = [best, *sorted(firsts, key=lambda i: -whole[i]), *np.argsort(-whole, kind="stable").tolist()]
    taken: list[int] = []
    length = 0
    for i in dict.fromkeys(order):
        if len(taken) >= most or (len(taken) >= settings.least and length >= settings.characters):
            break
        if i not in firsts and not about[i]:
            continue
        gap = reach * (settings.gap if section_of(places[i]) == section_of(places[best]) else settings.elsewhere)
        if i not in firsts and whole[i] < whole[best] - gap and len(taken) >= settings.least:
            continue
        if i in firsts or not _repeats(places[i], [places[j] for j in taken]):
            taken.append(i)
            length += len(places[i].unit.text)
    if not is_fact:
        longest = settings.list_items if wants & {"listing", "steps"} else _SIDES
        taken += _rest_of_lists(places, taken, longest=longest, least=1 if wants & {"listing", "steps", "comparison"} else 2)
    return [Chosen(places[i], float(whole[i])) for i in taken]


def _titles_of(place: Place) -> str:
    return " ".join((*place.hit.chunk.heading[1:][-1:], *place.unit.scope))


def _label_of(place: Place) -> str:
    return place.unit.text[:_LABELLED]


def _thesis(places: Sequence[Place], best: int, question: str) -> list[int]:
    """The sentence that opens the best unit's section, where the section's title is what is asked: it answers in one breath."""
    section = section_of(places[best])
    if overlap(question, section[-1]) < _TITLED:
        return []
    inside = [i for i, place in enumerate(places) if section_of(place) == section]
    first = min(inside, key=lambda i: (places[i].hit.chunk.ordinal, places[i].number))
    unit = places[first].unit
    opens = unit.kind in ("sentence", "formula") and unit.needs is None and not places[first].hit.chunk.text[: unit.start].strip()
    return [first] if opens else []


def _listing(places: Sequence[Place], scores: FloatVector, best: int) -> list[int]:
    """The best listing, one of the best unit's section if it has any."""
    listings = [i for i, place in enumerate(places) if place.unit.kind == "code"]
    section = section_of(places[best])
    return sorted(listings, key=lambda i: (section_of(places[i]) != section, -scores[i]))[:1]


def _is_about(place: Place, subjects: frozenset[str]) -> bool:
    """Whether a unit or its titles name one of the question's subjects; listings need not, nor any where it names none."""
    return not subjects or place.unit.kind == "code" or bool(subjects & set(concepts(place.under_heading())))


def _each_side(places: Sequence[Place], scores: FloatVector, question: str) -> list[int]:
    """The best unit about each of the subjects that are compared, where a title or a label names it and no other of them."""
    subjects = set(subjects_of(question))
    best: dict[str, int] = {}
    order = np.argsort(-scores, kind="stable").tolist()
    for names in (_titles_of, _label_of):  # a title says what all of its units are about
        for i in order:
            named = set(concepts(names(places[i]))) & subjects
            if len(named) == 1:
                best.setdefault(named.pop(), i)
    return list(best.values()) if len(best) > 1 else []


def _repeats(place: Place, chosen: Sequence[Place]) -> bool:
    text = place.unit.text
    return any(overlap(text, other.unit.text) >= _REPEATS for other in chosen if other.unit.kind != "code")


def _rest_of_lists(places: Sequence[Place], taken: Sequence[int], *, longest: int, least: int) -> list[int]:
    """The other items of the lists that are chosen for the most part, if they are not too long."""
    numbers = {(place.hit.rank, place.number): i for i, place in enumerate(places)}
    rest: dict[int, None] = {}
    for i in taken:
        place = places[i]
        items = [numbers.get((place.hit.rank, n)) for n in list_of(units_of(place.hit.chunk.text), place.number)]
        known = [item for item in items if item is not None]
        chosen = sum(item in taken for item in known)
        if len(known) <= longest and chosen >= max(least, _LIST_SHARE * len(known)):
            rest |= dict.fromkeys(item for item in known if item not in taken)
    return list(rest)
