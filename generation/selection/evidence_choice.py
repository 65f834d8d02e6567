"""Which of the scored units an answer is made of."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile

import numpy as np

from generation.selection.evidence_features import OBJECTION, FloatMatrix
from generation.selection.evidence_lines import CHAIN, Chosen, is_part, section_of
from generation.selection.evidence_reading import FloatVector, Place
from generation.selection.names import missing_from, plain_names
from generation.selection.passage_units import list_of, units_of
from generation.selection.question_kind import Aspect, aspects, side_of
from generation.selection.sentence_form import MISCONCEPTION, POINTS_BACK
from generation.verify import overlap
from retrieval.analysis import concepts, fold
from retrieval.query import subjects_of

_REPEATS = 0.8  # share of a unit's terms in one that is chosen already from which on it adds nothing
_LIST_SHARE = 0.5  # a list of which this share is chosen is taken as a whole
_FACT_LINES = 3
_UNNAMED = 5.0  # logits that an item loses beside one whose name the question gives
_NAME = re.compile(r"[^，,。.；;：:（(、—]{2,24}(?=\s*(?:[：:（(]|——))|[a-z][a-z0-9.+-]{1,15}(?=\s)")
_NEAR = 3.0
_ANNOUNCED = 1.0  # logits that items are worth less than the line that announces them
_FORMULAS = 4
_TITLED_LISTING = 3.0  # logits that a title above a listing is worth if it says all that is asked
_DISPLAYED = re.compile(r"\$\$(.+?)\$\$", re.DOTALL)
_SIDES = 4  # items of a list that is taken as a whole where no list is asked for
_STRANGE = 1.5
_ALONE = 1.5
_UNASKED = 2.0  # logits that a misconception loses where nothing is doubted
_OPPOSITE = 20.0  # logits that an advantage loses where drawbacks are asked for: it is none of them
_PAPER = re.compile(r"(?:论文|論文|[Pp]aper)\s*[:：]")
_PAPER_ASKED = re.compile(r"论文|論文|paper", re.IGNORECASE)
_TITLED = 0.5  # share of a question's terms in a section's title from which on the section answers it
_TITLED_LIST = 0.7  # the same from which on a list below the title does
_BUILT_UP = frozenset({"definition", "comparison", "reason", "manner", "steps", "listing"})
# What is answered by a list; of these questions the lines that lead in lists are read too.
LISTED = _BUILT_UP | {"derivation"}
_LABELLED = 20  # characters at the beginning of a unit in which it names its subject


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
    gap: float = 4.5
    elsewhere: float = 1.5
    hits: int = 8
    foreign: float = 9.5
    foreign_unanswered: float = 4.0
    characters: int = 700
    fact: float = 0.7
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
    taken += _rest_of_lists(places, taken, question, wants, settings.list_items)
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
    other = _UNNAMED * _is_beside_what_is_named(place, question) + _OPPOSITE * _is_other_side(place, question)
    return other + _STRANGE * bool(strange) + _UNASKED * unasked + _ALONE * (alone or named)


def _is_other_side(place: Place, question: str) -> bool:
    """Whether a unit is told as an advantage where drawbacks are asked for, or the other way round."""
    asked, told = side_of(question), side_of(f"{_announced_by(place)} {_label_of(place)}")
    return bool(asked and told and asked != told)


def _announced_by(place: Place) -> str:
    """The title inside the passage above a unit, and the line that leads in its list."""
    return " ".join((*place.unit.scope[-1:], place.announced()))


def _is_beside_what_is_named(place: Place, question: str) -> bool:
    """Whether a unit is the item of a list about something else than what the question names, which has an item of its own.

    What is compared may be named otherwise in the list than in the question, so there two have to be named.
    """
    units = units_of(place.hit.chunk.text)
    items = list_of(units, place.number)
    own = _name_of(place.unit.text)
    if len(items) < 2 or not own or _names(question, own):
        return False
    named = {name for n in items if (name := _name_of(units[n].text)) and _names(question, name)}
    return len(named) >= (2 if "comparison" in aspects(question) else 1)


def _name_of(item: str) -> str:
    """The name that an item is labelled with: `PTQ: needs no training`."""
    match = _NAME.match(fold(item))
    return match[0].strip(" *_`") if match else ""


def _names(question: str, name: str) -> bool:
    return bool(name and re.search(rf"(?<![a-z0-9]){re.escape(name)}(?![a-z0-9])", fold(question)))


def _wanted(places: Sequence[Place], scores: FloatVector, best: int, question: str, wants: frozenset[Aspect]) -> Iterator[int]:
    """The units that the kind of the question asks for, whatever the others score."""
    if "code" in wants:
        yield from _listing(places, scores, best, question)
    if "derivation" in wants:
        yield from _formulas(places, scores, best)
    if "comparison" in wants:
        yield from _each_side(places, scores, question)
    yield from _named_items(places, scores, best, question)
    yield from _items_of_side(places, scores, question)
    if wants & _BUILT_UP:
        yield from _thesis(places, best, question)
    if wants & {"listing", "steps"}:
        yield from _parts(places, question)
    if not wants or wants & {"listing", "steps", "reason", "manner"}:
        yield from _titled_list(places, question)


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


def _parts(places: Sequence[Place], question: str) -> list[int]:
    """The first unit of each section below the title that says what is asked: "The three stages" and a section for each."""
    sections: dict[tuple[str, ...], list[int]] = {}
    for i, place in enumerate(places):
        if not _is_other_side(place, question):
            sections.setdefault(section_of(place), []).append(i)
    parts = [section for section in sections if is_part(section, question)]
    parents = Counter(section[:-1] for section in parts)
    return [
        min(sections[part], key=lambda i: (places[i].hit.chunk.ordinal, places[i].number))
        for part in parts
        if parents[part[:-1]] > 1
    ]


def _titled_list(places: Sequence[Place], question: str) -> list[int]:
    """The items of the list whose titles say what is asked: "Why do models hallucinate?" and under it the reasons."""
    lists: dict[tuple[int, int | None], list[int]] = {}
    for i, place in enumerate(places):
        if place.unit.kind == "item" and _is_titled(place, question) and not _is_beside_what_is_named(place, question):
            lists.setdefault((place.hit.rank, place.unit.lead), []).append(i)
    items = max(lists.values(), key=len, default=[])
    return items if len(items) > 1 and not _is_other_side(places[items[0]], question) else []


def _is_titled(place: Place, question: str) -> bool:
    """Whether the titles above a unit say what is asked, and hardly anything else."""
    title = " ".join((*place.hit.chunk.heading[-2:], *place.unit.scope))
    return overlap(question, title) >= _TITLED_LIST and overlap(title, question) >= _TITLED


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
    near = [i for i in numbers.values() if section_of(places[i]) == section or scores[i] > scores[best] - _NEAR]
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
    for names in (_titles_of, _label_of):  # a title says what all of its units are about
        for i in order:
            named = set(concepts(names(places[i]))) & subjects
            if len(named) == 1 and not _is_beside_what_is_named(places[i], question):
                best.setdefault(named.pop(), i)
    return list(best.values()) if len(best) > 1 else []


def _named_items(places: Sequence[Place], scores: FloatVector, best: int, question: str) -> list[int]:
    """The items or rows of one list that the question names, where it names several: "FA1 / FA2 / FA3"."""
    lists: dict[tuple[int, int], dict[str, int]] = {}
    for i, place in enumerate(places):
        if place.unit.kind in ("item", "row") and _names(question, name := _name_of(place.unit.text)):
            items = list_of(units_of(place.hit.chunk.text), place.number)
            lists.setdefault((place.hit.rank, items[0]), {}).setdefault(name, i)
    several = [list(named.values()) for named in lists.values() if len(named) > 1]
    near = [items for items in several if scores[items].max() > scores[best] - _NEAR]
    return max(near, key=lambda items: (len(items), scores[items].max()), default=[])


def _items_of_side(places: Sequence[Place], scores: FloatVector, question: str) -> list[int]:
    """The items of the list that is led in as the side that is asked for, below titles that have the question's subjects."""
    side, subjects = side_of(question), set(subjects_of(question))
    if not side or not subjects:
        return []
    lists: dict[tuple[int, int | None], list[int]] = {}
    for i, place in enumerate(places):
        headings, announced = place.hit.chunk.heading, _announced_by(place)
        told = place.unit.kind == "item" and side_of(" ".join((*headings[-1:], announced))) == side
        if told and subjects <= set(concepts(" ".join((*headings, announced)))):
            lists.setdefault((place.hit.rank, place.unit.lead), []).append(i)
    items = max(lists.values(), key=lambda items: scores[items].max(), default=[])
    return items if len(items) > 1 else []


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


def _rest_of_lists(
    places: Sequence[Place], taken: Sequence[int], question: str, wants: frozenset[Aspect], most: int
) -> list[int]:
    """The other items of the lists that are chosen for the most part, if they are not too long.

    One item is enough where the titles above say what is asked, and in the best section where a list is asked for. Beside an item
    that is labelled as the side that is asked for ("Cons: ...") only others of the kind are.
    """
    side = side_of(question)
    is_fact = not wants - {"number"}
    listed = bool(wants & {"listing", "steps"})
    least = 1 if listed or "comparison" in wants else 2
    numbers = {(place.hit.rank, place.number): i for i, place in enumerate(places)}
    rest: dict[int, None] = {}
    for i in taken:
        place = places[i]
        labelled = side is not None and side_of(_label_of(place)) == side
        items = (numbers.get(key) for key in _whole_list(place, places))
        known = [item for item in items if item is not None and not _is_beside_what_is_named(places[item], question)]
        known = [item for item in known if not labelled or side_of(_label_of(places[item])) == side]
        chosen = sum(item in taken for item in known)
        titled = _is_titled(place, question)
        inside = listed and section_of(place) == section_of(places[taken[0]])
        asked = not is_fact and (inside or chosen >= max(least, _LIST_SHARE * len(known)))
        longest = most if listed or titled else _SIDES
        if len(known) <= longest and (asked or titled) and not _is_other_side(place, question):
            rest |= dict.fromkeys(item for item in known if item not in taken)
    return list(rest)


def _whole_list(place: Place, places: Sequence[Place]) -> Iterator[tuple[int, int]]:
    """Hit and number of the items of a unit's list, also of those that a cut left at the beginning of the next passage."""
    units = units_of(place.hit.chunk.text)
    items = list_of(units, place.number)
    yield from ((place.hit.rank, n) for n in items)
    if place.unit.kind != "item" or items[-1] != len(units) - 1:
        return
    chunk = place.hit.chunk
    after = (other for other in places if other.hit.chunk.ordinal == chunk.ordinal + 1 and section_of(other) == section_of(place))
    if following := next(after, None):
        going_on = takewhile(lambda numbered: numbered[1].kind == "item", enumerate(units_of(following.hit.chunk.text)))
        yield from ((following.hit.rank, n) for n, unit in going_on if unit.lead is None)
