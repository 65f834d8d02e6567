"""Which items of lists an answer takes together, and which of them are about something else than the question asks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import takewhile

from generation.selection.evidence_lines import section_of
from generation.selection.evidence_reading import FloatVector, Place
from generation.selection.passage_units import list_of, units_of
from generation.selection.question_kind import Aspect, aspects, side_of
from generation.verify import overlap
from retrieval.analysis import concepts, fold
from retrieval.query import subjects_of

NEAR = 3.0  # logits behind the best within which what the kind of a question asks for is taken
TITLED = 0.5  # share of a question's terms in a section's title from which on the section answers it
_TITLED_LIST = 0.7  # the same from which on a list below the title does
_LIST_SHARE = 0.5  # a list of which this share is chosen is taken as a whole
_SIDES = 4  # items of a list that is taken as a whole where no list is asked for
_LABELLED = 20  # characters at the beginning of a unit in which it names its subject
_NAME = re.compile(r"[^，,。.；;：:（(、—]{2,24}(?=\s*(?:[：:（(]|——))|[a-z][a-z0-9.+-]{1,15}(?=\s)")


def titled_list(places: Sequence[Place], question: str) -> list[int]:
    """The items of the list whose titles say what is asked: "Why do models hallucinate?" and under it the reasons."""
    lists: dict[tuple[int, int | None], list[int]] = {}
    for i, place in enumerate(places):
        if place.unit.kind == "item" and _is_titled(place, question) and not is_beside_what_is_named(place, question):
            lists.setdefault((place.hit.rank, place.unit.lead), []).append(i)
    items = max(lists.values(), key=len, default=[])
    return items if len(items) > 1 and not is_other_side(places[items[0]], question) else []


def named_items(places: Sequence[Place], scores: FloatVector, best: int, question: str) -> list[int]:
    """The items or rows of one list that the question names, where it names several: "FA1 / FA2 / FA3"."""
    lists: dict[tuple[int, int], dict[str, int]] = {}
    for i, place in enumerate(places):
        if place.unit.kind in ("item", "row") and _names(question, name := _name_of(place.unit.text)):
            items = list_of(units_of(place.hit.chunk.text), place.number)
            lists.setdefault((place.hit.rank, items[0]), {}).setdefault(name, i)
    several = [list(named.values()) for named in lists.values() if len(named) > 1]
    near = [items for items in several if scores[items].max() > scores[best] - NEAR]
    return max(near, key=lambda items: (len(items), scores[items].max()), default=[])


def items_of_side(places: Sequence[Place], scores: FloatVector, question: str) -> list[int]:
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


def rest_of_lists(places: Sequence[Place], taken: Sequence[int], question: str, wants: frozenset[Aspect], most: int) -> list[int]:
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
        labelled = side is not None and side_of(label_of(place)) == side
        items = (numbers.get(key) for key in _whole_list(place, places))
        known = [item for item in items if item is not None and not is_beside_what_is_named(places[item], question)]
        known = [item for item in known if not labelled or side_of(label_of(places[item])) == side]
        chosen = sum(item in taken for item in known)
        titled = _is_titled(place, question)
        inside = listed and section_of(place) == section_of(places[taken[0]])
        asked = not is_fact and (inside or chosen >= max(least, _LIST_SHARE * len(known)))
        longest = most if listed or titled else _SIDES
        if len(known) <= longest and (asked or titled) and not is_other_side(place, question):
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


def is_other_side(place: Place, question: str) -> bool:
    """Whether a unit is told as an advantage where drawbacks are asked for, or the other way round."""
    asked, told = side_of(question), side_of(f"{_announced_by(place)} {label_of(place)}")
    return bool(asked and told and asked != told)


def _announced_by(place: Place) -> str:
    """The title inside the passage above a unit, and the line that leads in its list."""
    return " ".join((*place.unit.scope[-1:], place.announced()))


def label_of(place: Place) -> str:
    """The beginning of a unit, which may name its subject."""
    return place.unit.text[:_LABELLED]


def is_beside_what_is_named(place: Place, question: str) -> bool:
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


def _is_titled(place: Place, question: str) -> bool:
    """Whether the titles above a unit say what is asked, and hardly anything else."""
    title = " ".join((*place.hit.chunk.heading[-2:], *place.unit.scope))
    return overlap(question, title) >= _TITLED_LIST and overlap(title, question) >= TITLED


def _name_of(item: str) -> str:
    """The name that an item is labelled with: `PTQ: needs no training`."""
    match = _NAME.match(fold(item))
    return match[0].strip(" *_`") if match else ""


def _names(question: str, name: str) -> bool:
    return bool(name and re.search(rf"(?<![a-z0-9]){re.escape(name)}(?![a-z0-9])", fold(question)))
