"""From hits to evidence: what the passages say that answers the question, with what a reader needs to understand it.

    hits --passage_units--> units --evidence_features, weights--> scores --> the best ones, their contexts --> lines of an answer

A small model copies well and judges badly, so finding the evidence is the encoder's job, and the language model sees only what
was selected here. How many units are taken depends on the question and on how fast the scores fall.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from corpus.documents import Chunk, Language
from corpus.results import Hit
from corpus.sentences import sentence_spans
from generation.evidence_features import FEATURES, FloatMatrix, FloatVector, Place, features
from generation.passage_blocks import plain
from generation.passage_units import Unit, units_of
from generation.question_kind import aspects, parts
from generation.verify import overlap
from retrieval.analysis import terms
from retrieval.bm25 import BM25Index
from retrieval.embedder import Embedder
from retrieval.query import Query

WEIGHTS = Path(__file__).with_name("evidence.json")
_REPEATS = 0.8  # share of a unit's terms in one that is chosen already from which on it adds nothing
_LIST_SHARE = 0.5  # a question for a list gets all of one of which this share is chosen
_BUILT_UP = frozenset({"definition", "comparison", "reason", "steps", "listing", "derivation", "code"})
_STANDS_OUT = 1.0  # logits that the best line is ahead of the first to be moved before it
_OPENING = 300  # characters of a passage that are shown when nothing in it can be picked
_TITLE = 24  # characters of a title that may stand before an item


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
    """

    sentences: int = 5
    least: int = 2
    gap: float = 2.5
    elsewhere: float = 1.5
    hits: int = 5
    foreign: float = 2.0
    characters: int = 600


@dataclass(frozen=True, slots=True)
class EvidenceSentence:
    """A line of evidence.

    Attributes:
        chunk: where it stands.
        start, end: its span in the chunk's text.
        text: as it reads in an answer.
        score: how well it answers the question, in logits; that of the unit it serves for one that only leads in another.
        stated: the words of `text` that stand in the notes, without the title put before them.
        also: further spans that they stand in, such as the row that names a table's columns.
        listed: whether it is a line of a list, or leads in one.
        follows: whether it needs the line before it.
    """

    chunk: Chunk
    start: int
    end: int
    text: str
    score: float
    stated: str
    also: tuple[tuple[int, int], ...] = ()
    listed: bool = False
    follows: bool = False


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
    places = places_of(hits[: settings.hits], code="code" in aspects(query.question))
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
    return _answer_first(_arranged(chosen, query.question), query.question)


def opening_of(chunk: Chunk) -> tuple[EvidenceSentence, ...]:
    """The first sentences of a chunk as they stand, for one that no unit states anything in by itself."""
    spans = [(start, end) for start, end in sentence_spans(chunk.text) if end <= _OPENING] or list(sentence_spans(chunk.text)[:1])
    texts = [(start, end, plain(chunk.text[start:end])) for start, end in spans]
    return tuple(EvidenceSentence(chunk, start, end, text, 0.0, text) for start, end, text in texts if terms(text))


def _in_one_language(places: Sequence[Place], scores: FloatMatrix, language: Language, margin: float) -> list[int]:
    """The places to choose from: those in the question's language if the best of them can compete."""
    chinese = language.startswith("zh")
    own = np.array([place.hit.chunk.language.startswith("zh") == chinese for place in places])
    if own.all() or not own.any():
        return list(range(len(places)))
    ours = scores[0][own].max() + margin >= scores[0][~own].max()
    return np.flatnonzero(own == ours).tolist()


@dataclass(frozen=True, slots=True)
class _Chosen:
    place: Place
    score: float


def _choose(places: Sequence[Place], scores: FloatMatrix, question: str, settings: EvidenceSettings) -> list[_Chosen]:
    """The best units, first of each part of the question and then of the whole, as long as they add something."""
    whole = scores[0]
    best = int(whole.argmax())
    taken: list[int] = []
    length = 0
    firsts = [int(part.argmax()) for part in scores[1:]]
    order = [*sorted(firsts, key=lambda i: -whole[i]), *np.argsort(-whole, kind="stable").tolist()]
    for i in dict.fromkeys(order):
        if len(taken) >= settings.sentences or (len(taken) >= settings.least and length >= settings.characters):
            break
        gap = settings.gap if _section(places[i]) == _section(places[best]) else settings.elsewhere
        if i not in firsts and whole[i] < whole[best] - gap and len(taken) >= settings.least:
            continue
        if not _repeats(places[i], [places[j] for j in taken]):
            taken.append(i)
            length += len(places[i].unit.text)
    if aspects(question) & {"listing", "steps"}:
        taken += _rest_of_lists(places, taken)
    return [_Chosen(places[i], float(whole[i])) for i in taken]


def _section(place: Place) -> tuple[str, ...]:
    return (place.hit.chunk.path, *place.hit.chunk.heading)


def _repeats(place: Place, chosen: Sequence[Place]) -> bool:
    text = place.unit.text
    return any(overlap(text, other.unit.text) >= _REPEATS for other in chosen if other.unit.kind != "code")


def _rest_of_lists(places: Sequence[Place], taken: Sequence[int]) -> Iterator[int]:
    """The other items of the lists that are chosen for the most part."""
    lists: dict[tuple[int, int], list[int]] = {}
    for i, place in enumerate(places):
        if place.unit.lead is not None:
            lists.setdefault((place.hit.rank, place.unit.lead), []).append(i)
    for items in lists.values():
        chosen = sum(i in taken for i in items)
        if chosen and chosen >= _LIST_SHARE * len(items):
            yield from (i for i in items if i not in taken)


def _arranged(chosen: Sequence[_Chosen], question: str) -> Iterator[EvidenceSentence]:
    """Sections by their best unit, each in its author's order, with what the units need."""
    sections: dict[tuple[str, ...], list[_Chosen]] = {}
    for item in sorted(chosen, key=lambda item: -item.score):
        sections.setdefault(_section(item.place), []).append(item)
    for group in sections.values():
        by_chunk: dict[int, list[_Chosen]] = {}
        for item in group:
            by_chunk.setdefault(item.place.hit.chunk.ordinal, []).append(item)
        for _, items in sorted(by_chunk.items()):
            yield from _lines(items, question, titled=len(sections) > 1)


def _answer_first(lines: Iterable[EvidenceSentence], question: str) -> tuple[EvidenceSentence, ...]:
    """The lines of an answer about a fact, its best line first if that stands out; other answers as their author built them."""
    found = tuple(lines)
    if not found or aspects(question) & _BUILT_UP:
        return found
    best = max(range(len(found)), key=lambda i: found[i].score)
    first = best
    while first > 0 and found[first].follows:
        first -= 1
    if found[best].listed or found[best].score < found[0].score + _STANDS_OUT:
        return found
    return (*found[first : best + 1], *found[:first], *found[best + 1 :])


def _lines(items: Sequence[_Chosen], question: str, *, titled: bool) -> Iterator[EvidenceSentence]:
    """The chosen units of one chunk with what they need, in order."""
    chunk = items[0].place.hit.chunk
    units = units_of(chunk.text)
    scores = {item.place.number: item.score for item in items}
    for number in list(scores):
        needed = units[number].needs
        while needed is not None and needed not in scores:
            scores[needed] = scores[number]
            needed = units[needed].needs
    led: dict[int, list[int]] = {}
    for number in scores:
        if (lead := units[number].lead) is not None:
            led.setdefault(lead, []).append(number)
    shown = {lead for lead, numbers in led.items() if len(numbers) > 1 and _is_lead(units[lead])}
    for lead in shown:
        scores.setdefault(lead, max(scores[number] for number in led[lead]))
    for number in sorted(scores):
        unit = units[number]
        if number in shown and unit.kind == "heading":
            text = f"{unit.text}{'：' if chunk.language.startswith('zh') else ':'}"
        elif unit.lead in shown:
            text = f"- {unit.text}"
        else:
            title = _title(unit, units, chunk, question, titled=titled)
            text = f"{title}{unit.text}"
        listed = number in shown or unit.lead in shown
        yield EvidenceSentence(
            chunk, unit.start, unit.end, text, scores[number], unit.text, unit.also, listed, unit.needs is not None
        )


def _is_lead(unit: Unit) -> bool:
    """Whether a line can stand above a list in an answer: a heading that asks something cannot."""
    return unit.kind == "lead" or not re.search(r"[?？]$", unit.text)


def _title(unit: Unit, units: Sequence[Unit], chunk: Chunk, question: str, *, titled: bool) -> str:
    """What names the subject of an item that stands alone, such as "GPT-2 (2019): ", if neither it nor the question does."""
    if unit.kind not in ("item", "row"):
        return ""
    titles = unit.scope or (chunk.heading[1:][-1:] if titled else ())
    title = titles[-1] if titles else ""
    if not title or len(title) > _TITLE or re.search(r"[?？]$", title) or overlap(title, f"{unit.text} {question}") >= 0.99:
        return ""
    return f"{title}：" if chunk.language.startswith("zh") else f"{title}: "
