"""How a claim lies along its context: what of it follows a sentence word by word, and what differs there.

    claim clause  --best sentence--> matched runs, and between them: claim's words | sentence's words in the same place

A claim that follows a sentence except in one place is decided by that place: another number, another term, a negation. A network
of sentence meanings hardly sees it. Chinese is aligned by characters, Latin script by stemmed words, so that no segmenter can
err; both scripts are one. The runs are those of Ratcliff and Obershelp's algorithm (difflib).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache, lru_cache

from corpus.language import to_simplified
from corpus.sentences import sentences
from generation.antonyms import OPPOSITES
from generation.causes import cause_and_effect
from generation.numerals import in_digits
from retrieval.analysis import concepts, fold, stem

# Words that hold a sign of negation and negate nothing are one token, so that the sign is not seen.
_TOKEN = re.compile(
    r"非常|不过|不仅|不但|不只是|不断|不管|不论|无论|未来|是否|否则|能否|莫非"
    r"|\d+(?:[.,]\d+)*%?|[a-z]+(?:\d+)?|[\u0370-\u03ff]|[\u3400-\u9fff]"
)
_CLAUSE_END = re.compile(r"[，,；;：:]\s*")
_NUMBER = re.compile(r"\d")
_NEGATION = frozenset("不没无未非勿莫否") | {
    "not",
    "no",
    "never",
    "without",
    "cannot",
    "neither",
    "nor",
    "none",
    "t",
    "hardly",
    "fail",
}
_FUNCTION_WORDS = frozenset("的了是在和与及也都就而并或等对从被把将其这那个为以于之") | frozenset(
    "a an the of to in on at by for with and or is are was were be it that this as".split()
)
# Share of a claim's tokens that has to follow its sentences for differences to count.
_LOOSE = 0.6


@dataclass(frozen=True, slots=True)
class Alignment:
    """How closely a claim follows its sentences, 0-1, and what differs where it does.

    Attributes:
        near: 1 if all of it follows its sentences word by word, 0 from `_LOOSE` of its tokens down: a free rendering differs
            everywhere, so that differences say nothing.
        number: whether a number stands where the sentence has another or none.
        polarity: whether a negation or an opposite stands where the sentence has none, or the other way round.
        name: whether a term of the field stands in a clause whose sentence does not name it.
        exchanged: whether two runs of words stand in each other's place, or cause and effect do.
    """

    near: float
    number: bool
    polarity: bool
    name: bool
    exchanged: bool

    def features(self) -> tuple[float, ...]:
        """Each difference, as much as the claim is near."""
        return tuple(self.near * differs for differs in (self.number, self.polarity, self.name, self.exchanged))


@dataclass(frozen=True, slots=True)
class _Read:
    """A clause or sentence taken apart once."""

    tokens: tuple[str, ...]
    held: frozenset[str]
    names: frozenset[str]


@lru_cache(maxsize=8192)
def _read(text: str) -> _Read:
    # Folded, a Chinese comma between two numbers would join them to one.
    tokens = tuple(stem(token) for token in _TOKEN.findall(in_digits(fold(text.replace("，", "， ")))))
    return _Read(tokens, frozenset(tokens), frozenset(concepts(text)))


@dataclass(frozen=True, slots=True)
class _Place:
    """A clause along its best sentence: how many tokens follow it, and what stands in the gaps of either."""

    clause: _Read
    sentence: _Read
    matched: int
    gaps: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]
    region: tuple[str, ...]


def align(claim: str, context: str) -> Alignment:
    """Lay a claim along its context; neither is empty."""
    known = [place for sentence in sentences(context) for place in _places_in(sentence)]
    clauses = [read for part in _CLAUSE_END.split(claim) if len((read := _read(part)).tokens) > 1] or [_read(claim)]
    places = [_best_place(clause, known) for clause in clauses]
    whole = _read(claim)
    ordered = sum(place.matched for place in places) / max(1, sum(len(clause.tokens) for clause in clauses))
    return Alignment(
        near=max(0.0, (ordered - _LOOSE) / (1 - _LOOSE)),
        number=any(map(_number_differs, places)),
        polarity=any(map(_polarity_differs, places)),
        name=any(place.clause.names - place.sentence.names for place in places),
        exchanged=any(map(_words_exchanged, places))
        # A comma may part the two, so the claim is looked at as a whole too.
        or (clauses != [whole] and _words_exchanged(_best_place(whole, known)))
        or _cause_reversed(claim, context),
    )


def _places_in(sentence: str) -> list[_Read]:
    """A sentence, and its clauses, which a clause of the claim may follow by itself; terms may be named anywhere in it."""
    whole = _read(sentence)
    clauses = [read for part in _CLAUSE_END.split(sentence) if len((read := _read(part)).tokens) > 1]
    parts = [_Read(clause.tokens, clause.held, whole.names) for clause in clauses if len(clauses) > 1]
    return [place for place in (*parts, whole) if place.tokens]


def _best_place(clause: _Read, known: Sequence[_Read]) -> _Place:
    """The sentence, or clause of one, that a clause follows furthest; the shorter of equals."""
    best = _Place(clause, _Read((), frozenset(), frozenset()), 0, ((clause.tokens, ()),), ())
    matcher: SequenceMatcher[str] = SequenceMatcher(autojunk=False)
    matcher.set_seq2(clause.tokens)
    for sentence in sorted(known, key=lambda read: (-len(clause.held & read.held), len(read.tokens))):
        if len([t for t in clause.tokens if t in sentence.held]) <= best.matched:
            continue
        matcher.set_seq1(sentence.tokens)
        codes = matcher.get_opcodes()
        matched = sum(b2 - b1 for tag, _, _, b1, b2 in codes if tag == "equal")
        if matched > best.matched:
            # What the sentence says before and after the clause is no part of the comparison.
            gaps = tuple(
                (clause.tokens[b1:b2], sentence.tokens[a1:a2])
                for at, (tag, a1, a2, b1, b2) in enumerate(codes)
                if tag != "equal" and (b2 > b1 or 0 < at < len(codes) - 1)
            )
            first, last = (codes[at][0] == "delete" for at in (0, -1))
            region = sentence.tokens[codes[0][2] if first else 0 : codes[-1][1] if last else None]
            best = _Place(clause, sentence, matched, gaps, region)
    return best


def _number_differs(place: _Place) -> bool:
    return any(
        _NUMBER.search(token) and token not in theirs and (token != "1" or any(map(_NUMBER.search, theirs)))
        for ours, theirs in place.gaps
        for token in ours
    )


def _polarity_differs(place: _Place) -> bool:
    for ours, theirs in place.gaps:
        if bool(_NEGATION & set(ours)) != bool(_NEGATION & set(theirs)) and len(theirs) <= len(ours) + 3:
            return True
    ours, theirs = _spelled(place.clause.tokens), _spelled(place.region)
    return any(_more(a, ours, theirs) and _more(b, theirs, ours) for a, b in _opposites())


@cache
def _opposites() -> tuple[tuple[str, str], ...]:
    """Pairs of words, spelled as clauses are."""
    return tuple((_spelled(_read(a).tokens), _spelled(_read(b).tokens)) for a, b in sorted(OPPOSITES))


def _spelled(tokens: Sequence[str]) -> str:
    """Tokens as a text in which Latin words have spaces around them and Chinese characters have none."""
    return "".join(f" {token} " if token.isascii() else token for token in tokens).replace("  ", " ")


def _more(word: str, ours: str, theirs: str) -> bool:
    return ours.count(word) > theirs.count(word)


def _words_exchanged(place: _Place) -> bool:
    """Whether what stands in one gap of the sentence stands in another of the clause, and the other way round."""
    told = [(_telling(ours), _telling(theirs)) for ours, theirs in place.gaps]
    return any(a and b and (b, a) in told and a != b for a, b in told)


def _cause_reversed(claim: str, context: str) -> bool:
    """Whether a sentence of the context calls the claim's effect the cause, and its cause the effect."""
    told = cause_and_effect(to_simplified(claim))
    if not told:
        return False
    cause, effect = (frozenset(_read(part).tokens) for part in told)
    for sentence in sentences(context):
        if known := cause_and_effect(to_simplified(sentence)):
            its_cause, its_effect = (frozenset(_read(part).tokens) for part in known)
            if _nearer(cause, its_effect, its_cause) and _nearer(effect, its_cause, its_effect):
                return True
    return False


def _nearer(words: frozenset[str], one: frozenset[str], other: frozenset[str]) -> bool:
    """Whether words are far more those of one set than of another."""
    return len(words & one) - len(words & other) > len(words) / 3


def _telling(tokens: Sequence[str]) -> frozenset[str]:
    return frozenset(tokens) - _FUNCTION_WORDS
