"""Names with a number: GPT-4, CoNLL-2003, LLaMA-65B. What is said of another number is no answer about them."""

from __future__ import annotations

import re

from retrieval.analysis import fold

# GPT-4, CoNLL-2003, LLaMA-65B, A100; "GPT 4", but not "With 8 heads".
_NUMBERED = re.compile(r"(?<![A-Za-z0-9])(?:[A-Za-z]*[A-Z][A-Za-z]*-?|[A-Z]{2,} )\d+(?:\.\d+)?(?![\d.]*\d)")


def numbered_names(text: str) -> frozenset[str]:
    """The names with a number in a text, as they are compared: `GPT-3` and `gpt 3` are one."""
    return frozenset(_compact(match[0]) for match in _NUMBERED.finditer(text))


def missing_from(names: frozenset[str], text: str) -> frozenset[str]:
    """Those of some names that a text does not have."""
    return frozenset(name for name in names if name not in _compact(text)) if names else names


def speaks_of_another(names: frozenset[str], text: str) -> bool:
    """Whether a text has none of some names, but one that differs from them in its number only: GPT-2 for GPT-3."""
    found = numbered_names(text)
    return bool(names and found) and not found & names and bool({_stem(name) for name in found} & {_stem(name) for name in names})


def _stem(name: str) -> str:
    return name.rstrip("0123456789.")


def _compact(text: str) -> str:
    return re.sub(r"[\s_-]", "", fold(text))
