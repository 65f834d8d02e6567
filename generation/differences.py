"""What differs between a clause and the place in the context that it follows: numbers, polarity, terms, words, order, causes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from corpus.language import to_simplified
from corpus.sentences import sentences
from generation.antonyms import OPPOSITES
from generation.causes import cause_and_effect
from generation.places import Place, Read, read, spelled
from retrieval.analysis import concepts

_NUMBER, _LATIN, _HAN = re.compile(r"\d"), re.compile(r"[a-z]"), re.compile(r"[\u3400-\u9fff]")
_NEGATION = frozenset("不没无未非勿莫否") | frozenset(
    "not no never without cannot neither nor none nothing nobody t hardly fail unable lack".split()
)
_FUNCTION_WORDS = frozenset("的了是在和与及也都就而并或等对从被把将其这那个为以于之它他她们因由所但且则若") | frozenset(
    """
    a an the of to in on at by for with and or is are was were be it its they them their he she his her
    that this these those as because since but yet so
    """.split()
)
# A word in another's place has so many tokens at most, in Chinese characters or Latin words; where the sentence negates, it may
# have so many more than the claim.
_WORD, _COMPANY = 4, 3
_ONE = "1"


def number_differs(place: Place, context: Read) -> bool:
    """Whether another number stands in a number's place, or one that the context does not give stands where there is none.

    1 differs from other numbers only, since 一 and "one" often count nothing.
    """
    return any(
        _NUMBER.search(token)
        and token not in gap.theirs
        and (any(map(_NUMBER.search, gap.theirs)) or (token != _ONE and token not in context.held))
        for gap in place.gaps
        for token in gap.ours
    )


def polarity_differs(place: Place) -> bool:
    """Whether a negation stands on one side only, or words stand on either side that say the opposite of each other."""
    for gap in place.gaps:
        if bool(_NEGATION & set(gap.ours)) != bool(_NEGATION & set(gap.theirs)) and len(gap.theirs) <= len(gap.ours) + _COMPANY:
            return True
    ours, theirs = spelled(place.clause.tokens), spelled(place.region)
    return any(ours.count(a) > theirs.count(a) and theirs.count(b) > ours.count(b) for a, b in _opposites())


@cache
def _opposites() -> tuple[tuple[str, str], ...]:
    return tuple((spelled(read(a).tokens), spelled(read(b).tokens)) for a, b in sorted(OPPOSITES))


def name_differs(place: Place, context: Read) -> bool:
    """Whether a term stands in another's place, or one that the context does not name stands anywhere.

    Terms are the concepts of the glossary, and in Chinese all that is in Latin letters.
    """
    if place.clause.names - context.names:
        return True
    missing = place.clause.names - place.sentence.names
    latin_is_a_name = any(map(_HAN.match, place.clause.tokens))
    for gap in place.gaps:
        if _telling(gap.ours) and _telling(gap.theirs):
            if missing and not missing.isdisjoint(concepts(spelled(gap.written))):
                return True
            if latin_is_a_name and any(_LATIN.match(token) and token not in context.held for token in gap.ours):
                return True
    return False


def word_replaced(place: Place, context: Read) -> bool:
    """Whether a word that the context uses elsewhere stands in another's place: a text that uses both means two things.

    A word that it does not use may be a synonym.
    """
    text = spelled(context.tokens)
    return any(
        len(gap.ours) <= _WORD
        and len(gap.theirs) <= _WORD
        and _telling(gap.ours)
        and _telling(gap.theirs)
        and (len(gap.ours) > 1 or _LATIN.match(gap.ours[0]))
        and spelled(gap.ours) in text
        for gap in place.gaps
    )


def words_exchanged(place: Place) -> bool:
    """Whether what stands in one gap of the sentence stands in another of the clause, and the other way round."""
    told = [(_telling(gap.ours), _telling(gap.theirs)) for gap in place.gaps]
    return any(a and b and (b, a) in told and a != b for a, b in told)


def cause_reversed(claim: str, context: str) -> bool:
    """Whether a sentence of the context calls the claim's effect the cause, and its cause the effect."""
    told = cause_and_effect(to_simplified(claim))
    if not told:
        return False
    cause, effect = (read(part).held for part in told)
    for sentence in sentences(context):
        if known := cause_and_effect(to_simplified(sentence)):
            its_cause, its_effect = (read(part).held for part in known)
            if _nearer(cause, its_effect, its_cause) and _nearer(effect, its_cause, its_effect):
                return True
    return False


def _nearer(words: frozenset[str], one: frozenset[str], other: frozenset[str]) -> bool:
    """Whether words are far more those of one set than of another."""
    return len(words & one) - len(words & other) > len(words) / 3


def _telling(tokens: Sequence[str]) -> frozenset[str]:
    return frozenset(tokens) - _FUNCTION_WORDS
