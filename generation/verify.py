"""What words alone say about a claim and its evidence, for Chinese and English: the features beside the checker's network.

A claim is read clause by clause, since small models join two true halves into something false. A clause is supported as far as it
follows one sentence of the evidence: the longest common subsequence of their terms over the clause's terms, so that
swapped words count, not only new ones. A number or a name that the evidence's clause lacks, or a negation on one side only,
leaves a clause nearly without support: "LayerNorm" in the place of "BatchNorm" changes one word
and everything. Terms are those of lexical search, so script and inflection do not matter.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from corpus.sentences import sentences
from retrieval.analysis import fold, terms

SUPPORTED = 0.75  # from this `support` on, by words alone, a sentence follows its evidence
_CONTRADICTED = 0.1

_CLAUSE_END = re.compile(r"[，,；;：:]\s*")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_LATIN = re.compile(r"[a-z][a-z0-9]*(?:[-.][a-z0-9]+)*")
_HAN = re.compile(r"[\u4e00-\u9fff]")
_CONCEPT = "§"
_NEGATION = re.compile(r"不|没|无|未|非|\b(?:not|no|never|without|cannot|neither|nor)\b|n't\b")


def support(claim: str, evidence: Sequence[str]) -> float | None:
    """How far the words of the evidence support a claim, 0-1: the weakest of its clauses.

    Args:
        claim: one sentence.
        evidence: sentences or passages.

    Returns:
        None ("not scoreable") if the claim or the evidence says nothing.
    """
    known = [_analysed(sentence) for text in evidence for sentence in sentences(text)]
    if not known or not _analysed(claim).terms:
        return None
    return min(_best_support(clause, known) for clause in _clauses(claim))


def overlap(text: str, other: str) -> float:
    """Share of a text's terms that another holds, in any order, 0-1."""
    return _share(set(_analysed(text).terms), set(_analysed(other).terms))


def _share(wanted: set[str], offered: set[str]) -> float:
    return len(wanted & offered) / len(wanted) if wanted else 0.0


@dataclass(frozen=True, slots=True)
class _Analysed:
    """A clause or sentence, taken apart once: its plain terms in order, numbers, technical terms, and whether it is negated."""

    text: str
    terms: tuple[str, ...]
    counts: Counter[str]
    numbers: frozenset[str]
    names: frozenset[str]
    negated: bool


@lru_cache(maxsize=8192)
def _analysed(text: str) -> _Analysed:
    """Remembered, because claims are checked against the same sentences again and again."""
    folded = fold(text)
    found = terms(text)
    plain = tuple(term for term in found if not term.startswith(_CONCEPT))
    # Technical terms are what is written in Latin letters inside Chinese, and the concepts of the glossary.
    latin = set(_LATIN.findall(folded)) if _HAN.search(folded) else set()
    return _Analysed(
        text=text,
        terms=plain,
        counts=Counter(plain),
        numbers=frozenset(_NUMBER.findall(folded)),
        names=frozenset(latin | (set(found) - set(plain))),
        negated=bool(_NEGATION.search(folded)),
    )


def _clauses(claim: str) -> list[_Analysed]:
    clauses = [clause for part in _CLAUSE_END.split(claim) if len((clause := _analysed(part)).terms) > 1]
    return clauses or [_analysed(claim)]


def _best_support(clause: _Analysed, known: Sequence[_Analysed]) -> float:
    """Support by the best sentence; no subsequence is longer than what two sentences share, so most are not computed."""
    size = len(clause.terms)
    if not size:
        return 0.0
    bounds = [((clause.counts & sentence.counts).total() / size, sentence) for sentence in known]
    best = 0.0
    for bound, sentence in sorted(bounds, key=lambda pair: -pair[0]):
        if bound <= best:
            break
        share = longest_common_subsequence(clause.terms, sentence.terms) / size
        if share > best:
            best = max(best, min(share, _CONTRADICTED) if _contradicts(clause, sentence) else share)
    return best


def _contradicts(clause: _Analysed, sentence: _Analysed) -> bool:
    near = _closest_clause(clause, sentence)
    return bool(clause.numbers - sentence.numbers) or bool(clause.names - near.names) or clause.negated != near.negated


def _closest_clause(clause: _Analysed, sentence: _Analysed) -> _Analysed:
    """The clause of a sentence that shares most with another clause; a negation elsewhere in the sentence is not about it."""
    wanted = set(clause.terms)
    return max(map(_analysed, _CLAUSE_END.split(sentence.text)), key=lambda candidate: len(wanted & set(candidate.terms)))


def longest_common_subsequence(a: Sequence[str], b: Sequence[str]) -> int:
    """Length of the longest common subsequence, in O(len(a) * len(b))."""
    row = [0] * (len(b) + 1)
    for x in a:
        diagonal = 0
        for j, y in enumerate(b, 1):
            diagonal, row[j] = row[j], diagonal + 1 if x == y else max(row[j], row[j - 1])
    return row[-1]
