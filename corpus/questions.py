"""Passages that ask and do not answer: what is left of an interview whose answers nobody wrote down."""

from __future__ import annotations

import re

_HEADING = re.compile(r"\s{0,3}#{1,6}\s|\s{0,3}(\*\*|__)(?:(?!\1).)+\1\s*$")
_ASKED = re.compile(r"[?？][\"'”’）)\]】*_~`\s]*$")
_MARK = re.compile(r"\s{0,3}(?:答案?|回答|A)\s*[:：]\s*$")


def asks_only(text: str) -> bool:
    """Whether each line of a passage is a heading, a question, or an answer mark with nothing behind it."""
    lines = [line for line in text.splitlines() if line.strip()]
    return all(_HEADING.match(line) or _ASKED.search(line) or _MARK.match(line) for line in lines)
