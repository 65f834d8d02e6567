"""Names in Latin letters, with a number (GPT-4, CoNLL-2003, LLaMA-65B) or without one (RMSNorm, Redis).

What is said of another number is no answer about the first, and where no hit has the name that is asked about, none answers.
"""

from __future__ import annotations

import re

from corpus.language import detect_language
from retrieval.analysis import concepts, fold
from retrieval.query import ASPECTS

# GPT-4, CoNLL-2003, LLaMA-65B, A100; "GPT 4", but not "With 8 heads".
_NUMBERED = re.compile(r"(?<![A-Za-z0-9])(?:[A-Za-z]*[A-Z][A-Za-z]*-?|[A-Z]{2,} )\d+(?:\.\d+)?(?![\d.]*\d)")

# RMSNorm, vLLM, CoNLL: several capitals, so a word like no other in both languages; in Chinese any capitalised word is a name.
_COINED = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]*[A-Z][A-Za-z]*[A-Z][A-Za-z]*(?![A-Za-z0-9])")
_CAPITALISED = re.compile(r"(?<![A-Za-z0-9])[A-Z][A-Za-z]{2,}(?![A-Za-z0-9])")
# DPO, LLMs: notes write such out, or have a Chinese word for them.
_ABBREVIATED = re.compile(r"[A-Z]{2,4}s?")


def numbered_names(text: str) -> frozenset[str]:
    """The names with a number in a text, as they are compared: `GPT-3` and `gpt 3` are one."""
    return frozenset(_compact(match[0]) for match in _NUMBERED.finditer(text))


def plain_names(text: str) -> frozenset[str]:
    """The names without a number in a text.

    None are abbreviations, since notes may write them out, nor what says how something is looked at: PyTorch.
    """
    plain = _NUMBERED.sub(" ", text)
    found = set(_COINED.findall(plain))
    if detect_language(text).startswith("zh"):
        found |= set(_CAPITALISED.findall(plain))
    return frozenset(name for name in found if not (_ABBREVIATED.fullmatch(name) or ASPECTS.intersection(concepts(name))))


def unknown_to(names: frozenset[str], text: str) -> frozenset[str]:
    """Those of some plain names that a text has neither as they are, nor in the singular, nor by another word of the glossary."""
    if not names:
        return names
    compact, known = _compact(text), set(concepts(text))
    # A text that has the plural has the singular too.
    return frozenset(
        name for name in names if _compact(name.removesuffix("s")) not in compact and known.isdisjoint(concepts(name))
    )


def missing_from(names: frozenset[str], text: str) -> frozenset[str]:
    """Those of some names that a text does not have."""
    return frozenset(name for name in names if _compact(name) not in _compact(text)) if names else names


def speaks_of_another(names: frozenset[str], text: str) -> bool:
    """Whether a text has none of some names, but one that differs from them in its number only: GPT-2 for GPT-3."""
    found = numbered_names(text)
    return bool(names and found) and not found & names and bool({_stem(name) for name in found} & {_stem(name) for name in names})


def _stem(name: str) -> str:
    return name.rstrip("0123456789.")


def _compact(text: str) -> str:
    return re.sub(r"[\s_-]", "", fold(text))
