"""How a claim lies along its context: what of it follows a sentence word by word, and what differs there.

    claim clause  --best place--> matched runs, and between them: claim's words | sentence's words in the same place

A claim that follows a sentence except in one place is decided by that place: another number, another term, a negation. A network
of sentence meanings hardly sees it. Laying out: `generation.places`; what differs: `generation.differences`.
"""

from __future__ import annotations

from dataclasses import dataclass

from generation.differences import (
    cause_reversed,
    name_differs,
    number_differs,
    polarity_differs,
    word_replaced,
    words_exchanged,
)
from generation.places import best_place, clauses_of, read, readings

# Share of a claim's tokens that has to follow its sentences for differences to count.
_LOOSE = 0.6


@dataclass(frozen=True, slots=True)
class Alignment:
    """How closely a claim follows its sentences, 0-1, and what differs where it does.

    Attributes:
        near: 1 if all of it follows its sentences word by word, 0 from `_LOOSE` of its tokens down: a free rendering differs
            everywhere, so that differences say nothing.
        number: whether a number stands in another's place, or one that the context does not give.
        polarity: whether a negation or an opposite stands where the sentence has none, or the other way round.
        name: whether a term stands in another's place, or one that the context does not name.
        replaced: whether a word that the context uses elsewhere stands in another's place.
        exchanged: whether two runs of words stand in each other's place, or cause and effect do.
    """

    near: float
    number: bool
    polarity: bool
    name: bool
    replaced: bool
    exchanged: bool

    def features(self) -> tuple[float, ...]:
        """Each difference, as much as the claim is near."""
        differs = (self.number, self.polarity, self.name, self.replaced, self.exchanged)
        return tuple(self.near * each for each in differs)


def align(claim: str, context: str) -> Alignment:
    """Lay a claim along its context; neither is empty."""
    known, around, whole = readings(context), read(context), read(claim)
    clauses = clauses_of(claim) or [whole]
    places = [best_place(clause, known) for clause in clauses]
    ordered = sum(place.matched for place in places) / max(1, sum(len(clause.tokens) for clause in clauses))
    return Alignment(
        near=max(0.0, (ordered - _LOOSE) / (1 - _LOOSE)),
        number=any(number_differs(place, around) for place in places),
        polarity=any(map(polarity_differs, places)),
        name=any(name_differs(place, around) for place in places),
        replaced=any(word_replaced(place, around) for place in places),
        exchanged=any(map(words_exchanged, places))
        # A comma may part the two, so the claim is looked at as a whole too.
        or (clauses != [whole] and words_exchanged(best_place(whole, known)))
        or cause_reversed(claim, context),
    )
