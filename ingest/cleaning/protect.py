"""The stretches that cleaning leaves alone: code, formulas and addresses, where every character counts."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from functools import lru_cache

from ingest.cleaning.draft import Edit, Rule

# A fence closes with at least as many of its own marks; one that never closes protects nothing, or a stray fence would
# switch cleaning off for the rest of the file.
_FENCE = re.compile(r"^(?P<indent>[ \t>]*)(?P<mark>`{3,}|~{3,})[^`\n]*\n(?:.*\n)*?[ \t>]*(?P=mark)[`~]*[ \t]*$", re.MULTILINE)
_FORMULA = re.compile(
    r"""
    \$\$(?:(?!\n\#{1,6}[ ]|\n[ \t]*\n[ \t]*\n).){1,6000}?\$\$
  | \\\[(?!toc|\^?\d{1,3}\\\]).+?\\\]
  | \\\(.+?\\\)
  | (?<![\\$A-Za-z0-9])\$(?![\s$])[^$\n]{1,300}?(?<![\s\\])\$(?![\d$])
  | \\begin\{(?P<env>\w+\*?)\}.+?\\end\{(?P=env)\}
    """,
    re.DOTALL | re.VERBOSE,
)
_INLINE_CODE = re.compile(r"(?<!`)(?P<ticks>`{1,2})(?!`)[^`\n]+(?P=ticks)(?!`)")
_ADDRESS = re.compile(r"(?:https?://|www\.)[^\s<>()\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]+")


@lru_cache(maxsize=4)
def code_and_formulas(text: str) -> tuple[tuple[int, int], ...]:
    """Spans of fenced code, inline code and formulas, in order, without overlap."""
    spans: list[tuple[int, int]] = []
    found = sorted(m.span() for pattern in (_FENCE, _FORMULA, _INLINE_CODE) for m in pattern.finditer(text))
    for start, end in found:
        if not spans or start >= spans[-1][1]:
            spans.append((start, end))
    return tuple(spans)


@lru_cache(maxsize=4)
def _protected(text: str) -> tuple[tuple[int, int], ...]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted([*code_and_formulas(text), *(m.span() for m in _ADDRESS.finditer(text))]):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return tuple(merged)


def overlaps(spans: tuple[tuple[int, int], ...], start: int, end: int) -> bool:
    """Whether `[start, end)` shares a character with one of the ordered spans."""
    at = bisect_right(spans, (end - 1, 1 << 62)) - 1
    return at >= 0 and spans[at][1] > start


def outside_protected(rule: Rule) -> Rule:
    """The same rule, without its edits in code, formulas and addresses."""
    return _outside(rule, _protected)


def outside_code(rule: Rule) -> Rule:
    """The same rule, without its edits in code and formulas; links, which hold addresses, are within its reach."""
    return _outside(rule, code_and_formulas)


def _outside(rule: Rule, spans_of: Callable[[str], tuple[tuple[int, int], ...]]) -> Rule:
    def guarded(text: str) -> Iterator[Edit]:
        spans = spans_of(text)
        return (edit for edit in rule(text) if not overlaps(spans, edit.start, edit.end))

    return guarded


def substitute(pattern: re.Pattern[str], replacement: str | Callable[[re.Match[str]], str] = "") -> Rule:
    """The rule that replaces every match of a pattern."""

    def rule(text: str) -> Iterator[Edit]:
        for match in pattern.finditer(text):
            new = replacement if isinstance(replacement, str) else replacement(match)
            yield Edit(match.start(), match.end(), new)

    return rule
