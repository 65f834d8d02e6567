"""Is a claim supported by its evidence? A deterministic check, 0-1, for Chinese and English, without a language model.

A claim is read clause by clause, since small models join two true halves into something false. A clause is supported as far as it
follows one sentence of the evidence: the longest common subsequence of their terms over the clause's terms, so that
swapped words count, not only new ones. A number or a name that the evidence's clause lacks, or a negation on one side only,
leaves a clause nearly without support: "LayerNorm" in the place of "BatchNorm" changes one word
and everything. Terms are those of lexical search, so script and inflection do not matter.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from corpus.sentences import sentences
from retrieval.analysis import concepts, fold, terms

SUPPORTED = 0.75  # from here on a sentence may be shown as supported
_CONTRADICTED = 0.1

_CLAUSE_END = re.compile(r"[，,；;：:]\s*")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_LATIN = re.compile(r"[a-z][a-z0-9]*(?:[-.][a-z0-9]+)*")
_HAN = re.compile(r"[\u4e00-\u9fff]")
_CONCEPT = "§"
_NEGATION = re.compile(r"不|没|无|未|非|\b(?:not|no|never|without|cannot|neither|nor)\b|n't\b")


def support(claim: str, evidence: Sequence[str]) -> float | None:
    """How far the evidence supports a claim, 0-1: the weakest of its clauses.

    Args:
        claim: one sentence.
        evidence: sentences or passages.

    Returns:
        None ("not scoreable") if the claim or the evidence says nothing.
    """
    clauses = [clause for clause in _CLAUSE_END.split(claim) if len(_plain_terms(clause)) > 1] or [claim]
    known = [sentence for text in evidence for sentence in sentences(text)]
    if not known or not _plain_terms(claim):
        return None
    return min(max(_clause_support(clause, sentence) for sentence in known) for clause in clauses)


def overlap(text: str, other: str) -> float:
    """Share of a text's terms that another holds, in any order, 0-1."""
    own = set(_plain_terms(text))
    return len(own & set(_plain_terms(other))) / len(own) if own else 0.0


def _clause_support(clause: str, sentence: str) -> float:
    wanted, offered = _plain_terms(clause), _plain_terms(sentence)
    share = longest_common_subsequence(wanted, offered) / len(wanted) if wanted else 1.0
    return min(share, _CONTRADICTED) if _contradicts(clause, sentence) else share


def _contradicts(clause: str, sentence: str) -> bool:
    clause, sentence = fold(clause), fold(sentence)
    near = _closest_clause(clause, sentence)
    if set(_NUMBER.findall(clause)) - set(_NUMBER.findall(sentence)) or _names(clause) - _names(near):
        return True
    return bool(_NEGATION.search(clause)) != bool(_NEGATION.search(near))


def _names(text: str) -> set[str]:
    """Technical terms: what is written in Latin letters inside Chinese, and the concepts of the glossary."""
    latin = set(_LATIN.findall(text)) if _HAN.search(text) else set()
    return latin | {_CONCEPT + concept for concept in concepts(text)}


def _closest_clause(clause: str, sentence: str) -> str:
    """The clause of a sentence that shares most with another clause; a negation elsewhere in the sentence is not about it."""
    wanted = set(_plain_terms(clause))
    return max(_CLAUSE_END.split(sentence), key=lambda candidate: len(wanted & set(_plain_terms(candidate))))


def _plain_terms(text: str) -> list[str]:
    return [term for term in terms(text) if not term.startswith(_CONCEPT)]


def longest_common_subsequence(a: Sequence[str], b: Sequence[str]) -> int:
    """Length of the longest common subsequence, in O(len(a) * len(b))."""
    row = [0] * (len(b) + 1)
    for x in a:
        diagonal = 0
        for j, y in enumerate(b, 1):
            diagonal, row[j] = row[j], diagonal + 1 if x == y else max(row[j], row[j - 1])
    return row[-1]
