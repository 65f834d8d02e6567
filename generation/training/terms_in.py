"""What in a text can be swapped for another of its type: names, titles, technical terms, in Chinese and English."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rjieba import Jieba

_HAN = re.compile(r"[\u4e00-\u9fff]")
_LATIN = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[-. ]?[A-Z0-9][A-Za-z0-9]*)*|[a-z]+-[a-z0-9]+")
_TITLE = re.compile(r"《[^》]{1,20}》")
_NAME = re.compile(
    r"(?<![.!?] )(?<!^)\b[A-Z][a-z]+(?: (?:of|the|de|van) [A-Z][a-z]+| [A-Z][a-z]+)*|\b[A-Z][A-Za-z]*[A-Z0-9][A-Za-z0-9-]*"
)
_TECHNICAL = re.compile(
    r"\b(?:query|key|value|encoder|decoder|weights?|activations?|gradients?|embeddings?|logits?|precision|recall|latency|memory"
    r"|accuracy|throughput|retriev(?:er|al)|rerank(?:er|ing)|training|inference|queries|keys|values|tokens?|documents?|chunks?"
    r"|layers?|heads?|vocabulary|prompts?|labels?|policy|reward)\b"
)
# Part-of-speech tags of jieba: people, places, organisations, other names.
_TAGS = frozenset({"nr", "ns", "nt", "nz", "nrt"})
_NOUNS = frozenset({"n", "vn", "l"})

Terms = Mapping[str, tuple[str, ...]]


@cache
def _jieba() -> Jieba:
    from rjieba import Jieba  # loads its dictionary

    return Jieba()


def terms_in(text: str) -> Terms:
    """The terms of a text by type, each once, in order of appearance."""
    if not _HAN.search(text):
        return {"name": _unique(_NAME.findall(text)), "technical": _unique(_TECHNICAL.findall(text))}
    found: dict[str, list[str]] = {"latin": _LATIN.findall(text), "title": _TITLE.findall(text)}
    for word, tag in _jieba().tag(text):
        if len(word) > 1 and (tag in _TAGS or tag in _NOUNS):
            found.setdefault("n" if tag in _NOUNS else tag, []).append(word)
    return {kind: _unique(words) for kind, words in found.items() if words}


def _unique(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(words))
