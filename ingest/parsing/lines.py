"""The lines of a document, and what stands on each: text, a blank, or part of code, a formula or a table."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from ingest.cleaning.protect import code_and_formulas, overlaps

Kind = Literal["text", "blank", "bullet", "quote", "table", "code", "rule"]

_BULLET = re.compile(r"^\s*(?:[-*+•·●▪◦○■]\s+\S|[-*+•·●▪◦○■]\s*$|[•●▪◦○■·]\S)")
_TABLE = re.compile(r"^\s*\|.*\||^[^|\n]+\|[^|\n]+(?:\|[^\n]*)?$")
_RULE = re.compile(r"^\s{0,3}(?:(?:-\s*){3,}|(?:\*\s*){3,}|(?:_\s*){3,}|={3,}|[-—–═─━]{4,})$")


_WIDE = re.compile(r"[\u2e80-\u9fff\uff00-\uffef]")


class Line(NamedTuple):
    """One line and its clean span without the line end."""

    start: int
    end: int
    text: str
    kind: Kind


def scan(text: str) -> tuple[Line, ...]:
    """The lines of a text with their kinds."""
    spans = tuple(span for span in code_and_formulas(text) if "\n" in text[slice(*span)] or _fills_line(text, *span))
    lines, start = [], 0
    for piece in text.split("\n"):
        end = start + len(piece)
        inside = end > start and overlaps(spans, start, end)
        lines.append(Line(start, end, piece, "code" if inside else _kind(piece)))
        start = end + 1
    return tuple(lines)


def _fills_line(text: str, start: int, end: int) -> bool:
    before = text[text.rfind("\n", 0, start) + 1 : start]
    return not before.strip() and text[end : end + 1] in ("", "\n")


def _kind(piece: str) -> Kind:
    if not piece.strip():
        return "blank"
    if _RULE.match(piece):
        return "rule"
    if _BULLET.match(piece):
        return "bullet"
    if piece.lstrip().startswith(">"):
        return "quote"
    return "table" if _TABLE.match(piece) else "text"


def width(text: str) -> int:
    """Columns that a text takes up: two for an ideograph, one for a letter."""
    return len(text) + len(_WIDE.findall(text))
