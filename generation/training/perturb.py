"""One sentence, one change: the errors that language models make, by rule, and rewordings that change nothing.

Each change says which characters of the new sentence are wrong, so that the checker can learn to point at them. A change that
finds nothing to change returns None. What a rule makes out of prose is not always fluent; the hand-written claims are there
for that.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal

from generation.antonyms import ANTONYMS
from generation.causes import CAUSES

Span = tuple[int, int]
Kind = Literal["number", "term", "negation", "cause", "splice", "reworded"]

_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_HAN_NUMBER = re.compile(r"[一二三四五六七八九两十]+(?=[个次年月日人种层倍位座部条家名岁天万千百])")
_HAN_DIGITS = "一二三四五六七八九"

_NEGATIONS: tuple[tuple[str, str], ...] = (
    (r"并不(?!是|仅)", ""),
    (r"不(?=能|会|是|需要|可以|应|用于|依赖|适合|包含|支持|影响|改变)", ""),
    (r"没有(?=[\u4e00-\u9fff])", "有"),
    (r"无需", "需要"),
    (r"无法", "能够"),
    (r"(?<![但可于就其别还若凡总只要而正不])是(?![否不])", "不是"),
    (r"(?<![可功性智技职潜核热动效不才])能(?![力量源])", "不能"),
    (r"(?<!不)可以", "不可以"),
    (r"(?<!不)需要", "不需要"),
    (r"(?<![没所拥具只还含稀占带])有(?![关些时效的限名利])", "没有"),
    (r"会(?=[使让把被在产出降升变导增减])", "不会"),
    (r"\b(is|was|are|were|can|could|does|did|do|has|have|will|would|should|must|may) not\b", r"\1"),
    (r"\bcannot\b", "can"),
    (r"\bnever\b", "always"),
    (r"\bno longer\b", "still"),
    (r"\bwithout\b", "with"),
    (r"\b(is|was|are|were|can|could|will|would|should|must)\b(?! not\b)", r"\1 not"),
)
# Same meaning, other words.
_REWORDINGS = """
但是/不过 因为/由于 可以/能够 使用/采用 例如/比如 并且/而且 因此/所以 通常/一般 非常/十分 如果/假如 位于/坐落于 开始/着手
超过/多于 大约/约 首先/第一步 称为/叫做 目前/现在 以及/和 仅/只 均/都 共有/总共有 获得/得到 担任/出任 包括/包含 由于/因为
之间/中间 主要/大多 because/since but/yet however/still also/too large/big begin/start located/situated about/around
several/some famous/well-known usually/typically often/frequently primarily/mainly founded/established released/published
used/employed obtain/get show/demonstrate
"""
_SAME = [(a, b) for pair in _REWORDINGS.split() for a, b in (pair.split("/"),)]


@dataclass(frozen=True, slots=True)
class Edit:
    """A changed sentence; `wrong` are the spans that the change put there or, where it took words away, their neighbours."""

    text: str
    wrong: tuple[Span, ...]
    kind: Kind


def change_number(text: str, context: str, rng: Random) -> Edit | None:
    """Another number in the place of one: where it can, one that the context gives for something else."""
    found = [m for pattern in (_NUMBER, _HAN_NUMBER) for m in pattern.finditer(text)]
    if not found:
        return None
    chosen = rng.choice(found)
    old = chosen.group()
    if not old[0].isdigit():
        new = "".join(rng.choice(_HAN_DIGITS.replace(c, "")) if c in _HAN_DIGITS else c for c in old)
        new = new if new != old else "三" + old
        return _replaced(text, chosen.span(), new, "number")
    others = [n for n in _NUMBER.findall(context) if n not in _NUMBER.findall(text) and len(n) == len(old)]
    new = rng.choice(others) if others and rng.random() < 0.5 else _near_number(old, rng)
    return _replaced(text, chosen.span(), new, "number")


def _near_number(number: str, rng: Random) -> str:
    """The number with one digit changed; years stay plausible, since their last two digits change."""
    digits = [i for i, c in enumerate(number) if c.isdigit()]
    place = rng.choice(digits[2:] if len(digits) == 4 else digits)
    first = "123456789" if place == 0 else "0123456789"
    return number[:place] + rng.choice(first.replace(number[place], "")) + number[place + 1 :]


def change_term(text: str, terms: Sequence[str], rng: Random) -> Edit | None:
    """A term of the sentence gives way to another of the same type, which the sentence lacks.

    Args:
        text: the sentence.
        terms: terms of one type; those of the sentence and those of its context or of others like it.
        rng: what draws.
    """
    present = [term for term in dict.fromkeys(terms) if _find(term, text)]
    # Neither may hold the other: "RoPE" for "RoPE scaling" is no error.
    pairs = [
        (old, new)
        for old in present
        for new in dict.fromkeys(terms)
        if new not in text and old not in new and new not in old and old.casefold() != new.casefold()
    ]
    if not pairs:
        return None
    old, new = rng.choice(pairs)
    return _replaced(text, _find(old, text)[0], new, "term")


def exchange_terms(text: str, terms: Sequence[str], rng: Random) -> Edit | None:
    """Two terms of one type in the sentence change places."""
    found = {term: _find(term, text) for term in dict.fromkeys(terms)}
    places = sorted((spans[0][0], term) for term, spans in found.items() if len(spans) == 1)
    apart = [
        (a, x, b, y)
        for i, (a, x) in enumerate(places)
        for b, y in places[i + 1 :]
        if a + len(x) < b and x not in y and y not in x
    ]
    # "A and B" says the same as "B and A".
    apart = [
        (a, x, b, y)
        for a, x, b, y in apart
        if text[a + len(x) : b].strip() not in ("和", "与", "、", "及", "and", ",", "or", "或")
    ]
    if not apart:
        return None
    a, x, b, y = rng.choice(apart)
    changed = text[:a] + y + text[a + len(x) : b] + x + text[b + len(y) :]
    moved = b + len(y) - len(x)
    return Edit(changed, ((a, a + len(y)), (moved, moved + len(x))), "term")


def flip(text: str, rng: Random) -> Edit | None:
    """Says the opposite: a negation added or taken away, or an antonym."""
    found: list[tuple[Span, str]] = []
    for pattern, new in _NEGATIONS:
        found += [(m.span(), m.expand(new)) for m in re.finditer(pattern, text)]
    opposite: list[tuple[Span, str]] = []
    for old, new in ANTONYMS.items():
        opposite += [(m.span(), new.replace("_", " ")) for m in re.finditer(_whole(old), text)]
    pool = opposite if opposite and (not found or rng.random() < 0.6) else found
    if not pool:
        return None
    span, new = rng.choice(pool)
    return _replaced(text, span, new, "negation")


def reverse_cause(text: str) -> Edit | None:
    """Cause and effect change places."""
    for pattern in CAUSES:
        if m := re.search(pattern, text):
            (a, b), (c, d) = sorted((m.span("cause"), m.span("effect")))
            changed = text[:a] + text[c:d] + text[b:c] + text[a:b] + text[d:]
            return Edit(changed, ((a, a + d - c), (a + (d - c) + (c - b), d)), "cause")
    return None


def splice(text: str, other: str, rng: Random) -> Edit | None:
    """The beginning of a sentence with the end of another."""
    cuts, ends = _clause_ends(text), _clause_ends(other)
    if not cuts or not ends:
        return None
    cut, end = rng.choice(cuts), rng.choice(ends)
    return Edit(text[:cut] + other[end:], ((cut, cut + len(other) - end),), "splice")


def reword(text: str, rng: Random) -> Edit | None:
    """One word for another of the same meaning; nothing is wrong."""
    found = [(m.span(), new) for old, new in _SAME for m in re.finditer(_whole(old), text)]
    if not found:
        return None
    span, new = rng.choice(found)
    return Edit(text[: span[0]] + new + text[span[1] :], (), "reworded")


def _find(term: str, text: str) -> list[Span]:
    """Where a term stands in a text; one in Latin letters as a whole word only."""
    letter = "[A-Za-z0-9]"
    start = rf"(?<!{letter})" if term[0].isascii() else ""
    end = rf"(?!{letter})" if term[-1].isascii() else ""
    return [m.span() for m in re.finditer(start + re.escape(term) + end, text)]


def _clause_ends(text: str) -> list[int]:
    return [m.end() for m in re.finditer(r"[，,；;]\s*", text) if 4 < m.end() < len(text) - 4]


def _whole(word: str) -> str:
    """A pattern for a word: within word boundaries if it is English."""
    plain = re.escape(word.replace("_", " "))
    return rf"\b{plain}\b" if word[0].isascii() else plain


def _replaced(text: str, span: Span, new: str, kind: Kind) -> Edit:
    start = span[0]
    wrong = (start, start + len(new)) if new else (max(0, start - 1), min(start + 1, len(text) - (span[1] - start)))
    return Edit(text[:start] + new + text[span[1] :], (wrong,), kind)
