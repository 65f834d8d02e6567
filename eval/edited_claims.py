"""Claims made from our notes by rule: sentences as they stand, shortened or reworded, and the same after one change of meaning.

A number, a term, a negation or cause and effect is changed, or the sentence comes from another section of the same note. Each
wrong claim stands beside a right one made from the same sentence. The rules are those of `generation.training.perturb`, which the
checker's training uses on other texts, never on these notes; `eval/data/claims.jsonl` is the harder set, worded by hand.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from random import Random

from corpus.language import to_traditional
from corpus.sentences import sentences
from generation.training.perturb import change_number, change_term, exchange_terms, flip, reverse_cause, reword
from generation.training.terms_in import terms_in

_HAN = re.compile(r"[\u4e00-\u9fff]")
# Formulas, code, tables, lists and references are no prose to change.
_NO_PROSE = re.compile(r"[$`|]|arXiv|^\s*(?:[-*#>]|\d+\.)")
_CLAUSE_END = re.compile(r"[，；;,]\s*")
_LENGTHS = (16, 240)
_PER_SECTION = 5

Change = Callable[[str, str, Random], str | None]


@dataclass(frozen=True, slots=True)
class EditedClaim:
    """A claim about a section, by rule; `kind` is the rule."""

    claim: str
    supported: bool
    lang: str
    kind: str


def edited_claims(section: str, neighbours: Sequence[str], rng: Random) -> Iterator[EditedClaim]:
    """Pairs of a right and a wrong claim about a section, the kinds of error as evenly as the sentences allow.

    Args:
        section: its text.
        neighbours: texts of other sections of the note.
        rng: what draws.
    """
    prose = _prose(section)
    elsewhere = [sentence for text in neighbours for sentence in _prose(text) if sentence not in section]
    changes = dict(_CHANGES)
    if elsewhere:
        changes["neighbour"] = lambda _sentence, _section, rng: rng.choice(elsewhere)
    used = Counter[str]()
    for sentence in rng.sample(prose, min(_PER_SECTION, len(prose))):
        # Of the kinds that the section has fewest of, the one that fits the fewest sentences.
        for kind in sorted(changes, key=lambda kind: used[kind]):
            wrong = changes[kind](sentence, section, rng)
            if wrong and wrong not in section:
                used[kind] += 1
                yield from _written(sentence, wrong, kind, rng)
                break


def _written(sentence: str, wrong: str, kind: str, rng: Random) -> Iterator[EditedClaim]:
    """Both claims, in one of the two Chinese scripts."""
    how, right = _right(sentence, rng)
    chinese = bool(_HAN.search(sentence))
    traditional = chinese and rng.random() < 1 / 3
    lang = "en" if not chinese else "zh-Hant" if traditional else "zh-Hans"
    for text, supported, name in ((right, True, how), (wrong, False, kind)):
        yield EditedClaim(to_traditional(text) if traditional else text, supported, lang, name)


def _right(sentence: str, rng: Random) -> tuple[str, str]:
    """A claim that the sentence supports, and how it was made; the sentence itself where nothing else goes."""
    for how in rng.sample(("verbatim", "shortened", "reworded"), 3):
        if how == "shortened" and (ends := [m.start() for m in _CLAUSE_END.finditer(sentence) if m.start() >= _LENGTHS[0]]):
            return how, sentence[: rng.choice(ends)] + ("。" if _HAN.search(sentence) else ".")
        if how == "reworded" and (edit := reword(sentence, rng)):
            return how, edit.text
        if how == "verbatim":
            return how, sentence
    return "verbatim", sentence


def _prose(text: str) -> list[str]:
    return [
        s for s in sentences(text) if _LENGTHS[0] <= len(s) <= _LENGTHS[1] and s[-1] in "。！？.!?" and not _NO_PROSE.search(s)
    ]


def _number(sentence: str, section: str, rng: Random) -> str | None:
    return edit.text if (edit := change_number(sentence, section, rng)) else None


def _term(sentence: str, section: str, rng: Random, *, exchange: bool) -> str | None:
    known = terms_in(section)
    for kind in rng.sample(sorted(known), len(known)):
        edit = exchange_terms(sentence, known[kind], rng) if exchange else change_term(sentence, known[kind], rng)
        if edit:
            return edit.text
    return None


def _negation(sentence: str, _section: str, rng: Random) -> str | None:
    return edit.text if (edit := flip(sentence, rng)) else None


def _cause(sentence: str, _section: str, _rng: Random) -> str | None:
    return edit.text if (edit := reverse_cause(sentence)) else None


# Those that fit fewest sentences first.
_CHANGES: dict[str, Change] = {
    "cause": _cause,
    "number": _number,
    "negation": _negation,
    "exchange": partial(_term, exchange=True),
    "term": partial(_term, exchange=False),
}
