"""The questions that a question is made of: from its words, in Chinese and English."""

from __future__ import annotations

import re

from retrieval.analysis import fold

_ASKS = re.compile(
    r"什么|怎么|如何|为何|为啥|哪|多少|几|吗|呢|啥|是否|能不能|可不可以|区别|不同|差|解释|说明|推导|证明|给我|写"
    r"|\b(?:what|how|why|which|when|where|who|is|are|does|do|did|can|should|tell|explain|show|give)\b"
)
_BREAK = re.compile(
    r"[？?；;。]\s*|[，,]\s*(?:and\s+)?|\s+and\s+(?=(?:what|how|why|which|when|where|tell|who|did|does|is|are)\b)"
)
_WHY = re.compile(r"(?:那|这是|又是|and )?(?:为什么|为何|为啥|why)(?:呢|要?这样|so)?")
_SHORT = 4  # characters: a shorter piece ("对了，") asks nothing


def parts(question: str) -> tuple[str, ...]:
    """The questions that a question is made of, at most three; a question that is one is returned whole.

    A piece that asks nothing belongs to the one that follows it: "扩到 8192 的时候，位置怎么变？副作用是什么？" has two parts. A
    "why" at the end asks for the reason of what stands before it.
    """
    found: list[str] = []
    held = ""
    for piece in filter(None, (piece.strip() for piece in _BREAK.split(question))):
        if found and not held and _WHY.fullmatch(fold(piece)):
            found.append(f"{found[-1]} {piece}")
            continue
        held = f"{held} {piece}".strip()
        if len(piece) >= _SHORT and _ASKS.search(fold(piece)):
            found.append(held)
            held = ""
    if held and found:
        found[-1] = f"{found[-1]} {held}"
    return tuple(found) if 1 < len(found) <= 3 else (question,)


def several(question: str) -> tuple[str, ...]:
    """`parts` of a question of two or three; none of one that is whole."""
    found = parts(question)
    return found if len(found) > 1 else ()
