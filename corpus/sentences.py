"""Sentence boundaries in Chinese and English, as spans, so that nothing of the text is lost."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

# Chinese sentence ends with the closing quotes that belong to them, and dots that no list goes on from ("1, 2, …, n"); an English
# end needs white space after it, and before it no abbreviation and no initial ("J. Smith"; "RoPE." does end); "!" after a digit
# is a factorial; a line end always ends a sentence, since notes put list items and formulas on lines of their own.
_END = re.compile(
    r"""
    (?:[。！？；]|…(?!…*\s*[,，、(（)）a-z0-9]))+[”’」』）】》\"']*
  | (?:\?|(?<!\d)!)[!?]*[\"')\]]*(?=\s|$)
  | (?<!\b[A-Z])(?<!\be\.g)(?<!\bi\.e)(?<!\bet\sal)(?<!\bFig)(?<!\bEq)(?<!\bvs)(?<!\bcf)(?<!\bSec)(?<!\bDr)(?<!\bapprox)
    \.[\"')\]]*(?=\s+[A-Z0-9\"'(\[`$*“]|\s*$|\s*(?!中[，,]|一文|[里裡][，,])[\u4e00-\u9fff])
  | [?!](?=[\u4e00-\u9fff])
  | \n
    """,
    re.VERBOSE,
)
# Code, also such as a cut took the end of, formulas (a "$" before a space or a digit is money), the number of a list item,
# also of one inside a line, and what somebody is quoted as saying.
_PROTECTED = re.compile(
    r"```.*?```|```[a-z]\w*\n.*|\$\$.*?\$\$|(?<![\\$])\$(?![\s$])[^$\n]+(?<![\s\\])\$(?!\d)|`[^`\n]+`"
    r"|^[ \t]*\d+\.[ \t]+|(?<=[:：；;。])[ \t]*\d{1,2}\.[ \t]+"
    r"|「[^「」\n]{1,80}」|“[^“”\n]{1,80}”",
    re.DOTALL | re.MULTILINE,
)


def sentence_spans(text: str) -> tuple[tuple[int, int], ...]:
    """Spans of the sentences of a text, without surrounding white space; formulas and code are never split.

    Everything between two spans is white space, so the spans cover all that can be read.
    """
    ends = _outside([match.span() for match in _PROTECTED.finditer(text)], (match.end() for match in _END.finditer(text)))
    spans, start = [], 0
    for end in [*ends, len(text)]:
        piece = text[start:end]
        if stripped := piece.strip():
            first = start + piece.index(stripped[0])
            spans.append((first, first + len(stripped)))
        start = max(start, end)
    return tuple(spans)


def _outside(protected: list[tuple[int, int]], ends: Iterable[int]) -> Iterator[int]:
    """The ends that lie inside none of the protected spans; both are in order."""
    at = 0
    for end in ends:
        while at < len(protected) and protected[at][1] <= end:
            at += 1
        if at == len(protected) or end <= protected[at][0]:
            yield end


def sentences(text: str) -> tuple[str, ...]:
    """The sentences of a text, in order, without surrounding white space."""
    return tuple(text[start:end] for start, end in sentence_spans(text))
