"""Where in its context a clause of a claim belongs: the sentence that it follows furthest, and what stands in the gaps of either.

    clause     RoPE rotates |queries| and keys, |values| are not
    sentence   RoPE rotates |values | and keys, |queries| are not

Chinese is laid along by characters, Latin script by stemmed words, so that no segmenter can err; both scripts are one, and
numbers are in digits. The runs are those of Ratcliff and Obershelp's algorithm (difflib).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache

from corpus.sentences import sentences
from generation.numerals import in_digits
from retrieval.analysis import concepts, fold, stem

# Words that hold a sign of negation and negate nothing are one token, so that the sign is not seen.
_TOKEN = re.compile(
    r"非常|不过|不仅|不但|不只是|不断|不管|不论|无论|未来|是否|否则|能否|莫非"
    r"|\d+(?:[.,]\d+)*%?|[a-z]+(?:\d+)?|[\u0370-\u03ff]|[\u3400-\u9fff]"
)
# A comma between digits is part of a number.
_CLAUSE_END = re.compile(r"(?:[，；;：:]|(?<!\d),|,(?!\d))\s*")


@dataclass(frozen=True, slots=True)
class Read:
    """A clause, sentence or context taken apart once.

    Attributes:
        tokens: what is compared: Chinese characters, stems, numbers.
        written: the same tokens before stemming.
        held: the tokens, each once.
        names: the concepts of the glossary that it names.
    """

    tokens: tuple[str, ...]
    written: tuple[str, ...]
    held: frozenset[str]
    names: frozenset[str]


@lru_cache(maxsize=8192)
def read(text: str) -> Read:
    """Take a text apart."""
    # Folded, a Chinese comma between two numbers would join them to one.
    written = tuple(_TOKEN.findall(in_digits(fold(text.replace("，", "， ")))))
    tokens = tuple(map(stem, written))
    return Read(tokens, written, frozenset(tokens), frozenset(concepts(text)))


def spelled(tokens: Sequence[str]) -> str:
    """Tokens as a text in which Latin words and numbers have spaces around them and Chinese characters have none."""
    return "".join(f" {token} " if token.isascii() else token for token in tokens).replace("  ", " ")


@dataclass(frozen=True, slots=True)
class Gap:
    """What stands in the same place between two shared runs; `written` are the clause's words unstemmed."""

    ours: tuple[str, ...]
    theirs: tuple[str, ...]
    written: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """A clause along its best sentence.

    Attributes:
        clause, sentence: both taken apart.
        matched: how many of the clause's tokens follow the sentence.
        gaps: what does not; what the sentence says before and after the clause is left out.
        region: the sentence's tokens without what it says before and after.
    """

    clause: Read
    sentence: Read
    matched: int
    gaps: tuple[Gap, ...]
    region: tuple[str, ...]


def clauses_of(text: str) -> list[Read]:
    """The clauses of more than one token."""
    return [clause for part in _CLAUSE_END.split(text) if len((clause := read(part)).tokens) > 1]


def places_in(sentence: str) -> list[Read]:
    """A sentence, and its clauses, which a clause of a claim may follow by itself; terms may be named anywhere in it."""
    whole, clauses = read(sentence), clauses_of(sentence)
    parts = [Read(part.tokens, part.written, part.held, whole.names) for part in clauses if len(clauses) > 1]
    return [place for place in (*parts, whole) if place.tokens]


def readings(context: str) -> list[Read]:
    """All that a clause may be laid along."""
    return [place for sentence in sentences(context) for place in places_in(sentence)]


def best_place(clause: Read, known: Sequence[Read]) -> Place:
    """The sentence, or clause of one, that a clause follows furthest; the shorter of equals."""
    best = Place(clause, read(""), 0, (Gap(clause.tokens, (), clause.written),), ())
    matcher: SequenceMatcher[str] = SequenceMatcher(autojunk=False)
    matcher.set_seq2(clause.tokens)
    for sentence in sorted(known, key=lambda each: (-len(clause.held & each.held), len(each.tokens))):
        if len([t for t in clause.tokens if t in sentence.held]) <= best.matched:
            continue
        matcher.set_seq1(sentence.tokens)
        codes = matcher.get_opcodes()
        matched = sum(b2 - b1 for tag, _, _, b1, b2 in codes if tag == "equal")
        if matched > best.matched:
            gaps = tuple(
                Gap(clause.tokens[b1:b2], sentence.tokens[a1:a2], clause.written[b1:b2])
                for at, (tag, a1, a2, b1, b2) in enumerate(codes)
                if tag != "equal" and (b2 > b1 or 0 < at < len(codes) - 1)
            )
            (first, _, start, *_), (last, end, *_) = codes[0], codes[-1]
            region = sentence.tokens[start if first == "delete" else 0 : end if last == "delete" else None]
            best = Place(clause, sentence, matched, gaps, region)
    return best
