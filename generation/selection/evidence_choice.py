"""Which of the scored units an answer is made of."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from generation.selection.evidence_features import OBJECTION, FloatMatrix
from generation.selection.evidence_lines import CHAIN, Chosen, is_part, section_of
from generation.selection.evidence_reading import FloatVector, Place
from generation.selection.list_choice import (
    NEAR,
    TITLED,
    is_beside_what_is_named,
    is_other_side,
    items_of_side,
    label_of,
    named_items,
    rest_of_lists,
    titled_list,
)
from generation.selection.names import missing_from, plain_names
from generation.selection.passage_units import units_of
from generation.selection.question_kind import Aspect, aspects
from generation.selection.sentence_form import MISCONCEPTION, POINTS_BACK
from generation.verify import overlap
from retrieval.analysis import concepts
from retrieval.query import subjects_of

_REPEATS = 0.8  # share of a unit's terms in one that is chosen already from which on it adds nothing
_FACT_LINES = 3
_UNNAMED = 5.0  # logits that an item loses beside one whose name the question gives
_ANNOUNCED = 1.0  # logits that items are worth less than the line that announces them
_FORMULAS = 4
_TITLED_LISTING = 3.0  # logits that a title above a listing is worth if it says all that is asked
_DISPLAYED = re.compile(r"\$\$(.+?)\$\$", re.DOTALL)
_STRANGE = 1.5
_ALONE = 1.5
_UNASKED = 2.0  # logits that a misconception loses where nothing is doubted
_OPPOSITE = 20.0  # logits that an advantage loses where drawbacks are asked for: it is none of them
_PAPER = re.compile(r"(?:论文|論文|[Pp]aper)\s*[:：]")
_PAPER_ASKED = re.compile(r"论文|論文|paper", re.IGNORECASE)
_BUILT_UP = frozenset({"definition", "comparison", "reason", "manner", "steps", "listing"})
# What is answered by a list; of these questions the lines that lead in lists are read too.
LISTED = _BUILT_UP | {"derivation"}


@dataclass(frozen=True, slots=True)
class EvidenceSettings:
    """How much evidence.

    Attributes:
        sentences: most units to choose; what they need to be understood comes on top.
        gap: how far behind the best a further unit under its title may be, in logits.
        elsewhere: the same for units under other titles.
        hits: best hits to read.
        foreign: how much better units in the other language than the question's have to be to be taken, in logits.
        foreign_unanswered: the same where the reader takes none in the question's language for an answer.
        characters: an answer of this length is not lengthened.
        fact: what the gaps are multiplied by for a question that asks for a fact only.
        list_items: most items of a list that is taken as a whole where a list is asked for.
    """

    sentences: int = 7
    gap: float = 5.5
    elsewhere: float = 2.5
    hits: int = 8
    foreign: float = 9.5
    foreign_unanswered: float = 4.0
    characters: int = 700
    fact: float = 0.85
    list_items: int = 8


def choose(found: Sequence[Place], scored: FloatMatrix, question: str, settings: EvidenceSettings) -> list[Chosen]:
    """The best units, first of each part of the question and then of the whole, as long as they add something.

    Args:
        found: the units, and lines that lead in lists of them, which are not chosen themselves.
        scored: in logits, for the whole question in the first row and for each of its parts in a further one.
        question: as it was asked.
        settings: how many, and how near to the best.
    """
    places, scores = _as_announced(found, scored)
    wants = aspects(question)
    is_fact = not wants - {"number"}
    subjects, names = frozenset(subjects_of(question)), plain_names(question)
    scores = scores - np.array([_doubts(place, question, subjects, names) for place in places], dtype=np.float32)
    whole = scores[0]
    best = int(whole.argmax())
    firsts = [*(int(part.argmax()) for part in scores[1:]), *_wanted(places, whole, best, question, wants)]
    order = list(dict.fromkeys([best, *sorted(firsts, key=lambda i: -whole[i])]))
    taken = _take(places, whole, order, settings, is_fact=is_fact)
    taken += rest_of_lists(places, taken, question, wants, settings.list_items)
    return [Chosen(places[i], float(whole[i])) for i in taken]


def _as_announced(found: Sequence[Place], scored: FloatMatrix) -> tuple[list[Place], FloatMatrix]:
    """The units without the lines that only lead in: the items of a list score nearly as high as the line that announces them.

    "The reasons are:" says what is asked, and each reason by itself does not say that it is one.
    """
    scores = scored.copy()
    for at, place in enumerate(found):
        if place.unit.kind == "lead":
            items = [i for i, other in enumerate(found) if other.hit.rank == place.hit.rank and other.unit.lead == place.number]
            scores[:, items] = np.maximum(scores[:, items], scored[:, [at]] - _ANNOUNCED)
    kept = [i for i, place in enumerate(found) if place.unit.states]
    return [found[i] for i in kept], scores[:, kept]


def _doubts(place: Place, question: str, subjects: frozenset[str], names: frozenset[str]) -> float:
    """Logits that a unit loses.

    It has none of the question's subjects and names, is told as the side that was not asked for, corrects what the question
    does not suppose, is a formula that nothing leads to or points back to what was cut off, or only names a paper.
    """
    unit = place.unit
    told = place.under_heading()
    strange = subjects and unit.kind != "code" and not subjects & set(concepts(told)) and missing_from(names, told) == names
    lonely = unit.needs is None and unit.lead is None
    alone = lonely and bool((unit.kind == "formula" and unit.text.startswith("$$")) or POINTS_BACK.match(unit.text))
    named = bool(_PAPER.match(unit.text)) and not _PAPER_ASKED.search(question)
    unasked = bool(MISCONCEPTION.match(unit.text)) and not OBJECTION.search(question)
    other = _UNNAMED * is_beside_what_is_named(place, question) + _OPPOSITE * is_other_side(place, question)
    return other + _STRANGE * bool(strange) + _UNASKED * unasked + _ALONE * (alone or named)


def _wanted(places: Sequence[Place], scores: FloatVector, best: int, question: str, wants: frozenset[Aspect]) -> Iterator[int]:
    """The units that the kind of the question asks for, whatever the others score."""
    if "code" in wants:
        yield from _listing(places, scores, best, question)
    if "derivation" in wants:
        yield from _formulas(places, scores, best)
    if "comparison" in wants:
        yield from _each_side(places, scores, question)
    yield from named_items(places, scores, best, question)
    yield from items_of_side(places, scores, question)
    if wants & _BUILT_UP:
        yield from _thesis(places, best, question)
    if wants & {"listing", "steps"}:
        yield from _parts(places, question)
    if not wants or wants & {"listing", "steps", "reason", "manner"}:
        yield from titled_list(places, question)


def _take(
    places: Sequence[Place],
    scores: FloatVector,
    firsts: Sequence[int],
    settings: EvidenceSettings,
    *,
    is_fact: bool,
) -> list[int]:
    """The first units, then the best of the others until there are enough: near enough to the best, and no repeats."""
    best = firsts[0]
    most = min(settings.sentences, _FACT_LINES) if is_fact else settings.sentences
    reach = settings.fact if is_fact else 1.0
    taken: list[int] = []
    shown: dict[tuple[int, int], int] = {}  # the characters of each line that is read, by hit and unit
    for i in dict.fromkeys([*firsts, *np.argsort(-scores, kind="stable").tolist()]):
        if len(shown) >= most or sum(shown.values()) >= settings.characters:
            break
        needed = _with_needed(places[i])
        gap = reach * (settings.gap if _told_under(places[i]) == _told_under(places[best]) else settings.elsewhere)
        far = scores[i] < scores[best] - gap
        # What comes with others that it cannot do without has to be worth them all.
        long = len(needed.keys() - shown.keys()) > 1 and len(shown) + len(needed.keys() - shown.keys()) > most
        if i in firsts or not (far or long or _repeats(places[i], [places[j] for j in taken])):
            taken.append(i)
            shown |= needed
    return taken


def _with_needed(place: Place) -> dict[tuple[int, int], int]:
    """The characters of a unit and of those that have to stand before it, by hit and unit."""
    units = units_of(place.hit.chunk.text)
    found: dict[tuple[int, int], int] = {}
    number: int | None = place.number
    while number is not None and len(found) <= CHAIN:
        found[place.hit.rank, number] = len(units[number].text)
        number = units[number].needs
    return found


def _told_under(place: Place) -> tuple[str, ...]:
    """The section of a unit, and the titles inside the passage: what stands below another of them is about something else."""
    return (*section_of(place), *place.unit.scope)


def _titles_of(place: Place) -> str:
    return " ".join((*place.hit.chunk.heading[1:][-1:], *place.unit.scope))


def _thesis(places: Sequence[Place], best: int, question: str) -> list[int]:
    """The sentence that opens the best unit's section, where the section's title is what is asked: it answers in one breath."""
    section = section_of(places[best])
    if overlap(question, section[-1]) < TITLED:
        return []
    inside = [i for i, place in enumerate(places) if section_of(place) == section]
    first = min(inside, key=lambda i: (places[i].hit.chunk.ordinal, places[i].number))
    unit = places[first].unit
    opens = unit.kind in ("sentence", "formula") and unit.needs is None and not places[first].hit.chunk.text[: unit.start].strip()
    return [first] if opens else []


def _parts(places: Sequence[Place], question: str) -> list[int]:
    """The first unit of each section below the title that says what is asked: "The three stages" and a section for each."""
    sections: dict[tuple[str, ...], list[int]] = {}
    for i, place in enumerate(places):
        if not is_other_side(place, question):
            sections.setdefault(section_of(place), []).append(i)
    parts = [section for section in sections if is_part(section, question)]
    parents = Counter(section[:-1] for section in parts)
    return [
        min(sections[part], key=lambda i: (places[i].hit.chunk.ordinal, places[i].number))
        for part in parts
        if parents[part[:-1]] > 1
    ]


def _listing(places: Sequence[Place], scores: FloatVector, best: int, question: str) -> list[int]:
    """The best listing: one that names its language before what a program printed, one of the best unit's section if it has any.

    Listings look alike, so the titles above them count too.
    """
    listings = [i for i, place in enumerate(places) if place.unit.kind == "code"]
    section = section_of(places[best])

    def rank(i: int) -> tuple[bool, bool, float]:
        titled = _TITLED_LISTING * overlap(question, _titles_of(places[i]))
        return places[i].unit.text.startswith("```\n"), section_of(places[i]) != section, -scores[i] - titled

    return sorted(listings, key=rank)[:1]


def _formulas(places: Sequence[Place], scores: FloatVector, best: int) -> list[int]:
    """The best displayed formula, of the best unit's section if it has any, with those that go on from it."""
    section = section_of(places[best])
    numbers = {(place.hit.rank, place.number): i for i, place in enumerate(places) if "$$" in place.unit.text}
    near = [i for i in numbers.values() if section_of(places[i]) == section or scores[i] > scores[best] - NEAR]
    if not near:
        return []
    first = min(near, key=lambda i: (section_of(places[i]) != section, -scores[i]))
    run, (rank, number) = [first], (places[first].hit.rank, places[first].number)
    while (following := numbers.get((rank, number + 1))) is not None and len(run) < _FORMULAS:
        run.append(following)
        number += 1
    return run


def _each_side(places: Sequence[Place], scores: FloatVector, question: str) -> list[int]:
    """The best unit about each of the subjects that are compared, where a title or a label names it and no other of them."""
    subjects = set(subjects_of(question))
    best: dict[str, int] = {}
    order = np.argsort(-scores, kind="stable").tolist()
    for names in (_titles_of, label_of):  # a title says what all of its units are about
        for i in order:
            named = set(concepts(names(places[i]))) & subjects
            if len(named) == 1 and not is_beside_what_is_named(places[i], question):
                best.setdefault(named.pop(), i)
    return list(best.values()) if len(best) > 1 else []


def _repeats(place: Place, chosen: Sequence[Place]) -> bool:
    """Whether a unit says again what is chosen; a second listing does. Other formulas may well have the same symbols."""
    text = place.unit.text
    if formulas := _formulas_in(text):
        return formulas <= {formula for other in chosen for formula in _formulas_in(other.unit.text)}
    if place.unit.kind == "code":
        return any(other.unit.kind == "code" for other in chosen)
    return any(overlap(text, other.unit.text) >= _REPEATS for other in chosen if other.unit.kind != "code")


def _formulas_in(text: str) -> set[str]:
    """The displayed formulas of a text, without spaces."""
    return {"".join(formula.split()) for formula in _DISPLAYED.findall(text)}
