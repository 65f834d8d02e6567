"""Numbers however they are written, in digits: "三种", "three kinds" and "3 种" hold the same number, as do "1.5 亿" and "150M".

Only what counts something is read: a Chinese numeral after 第 or before a measure word, so that 一般 ("usually") and 统一
("unified") stay words. Unit letters are powers of ten (7B is 7,000,000,000), which is right for parameters and tokens, and for
all else no worse than the letters were, since both texts are read alike.
"""

from __future__ import annotations

import re
from decimal import Decimal

_DIGITS = {c: n for n, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_TENS = {"十": 10, "百": 100, "千": 1000}
# Longer words first; 分 would make a number of 十分 ("very"), 万 and 亿 are read as powers.
_MEASURES = (
    "个|种|次|层|步|阶|类|项|条|倍|位|座|部|章|节|段|块|份|组|对|列|行|名|年|月|日|天|周|岁|时|秒|台|张|篇|句|词|轮|遍|批|路|头|维|级|人|家|只|支|件"
    "|片|点|面|端|者|处|套|代|帧|档|比特|字节|元|米|公里|千克|万|亿|%"
)
_HAN_NUMERAL = re.compile(
    rf"第[零〇一二三四五六七八九十百千]+|(?<![唯统单同逐])[零〇一二两三四五六七八九十百千]+(?=\s?(?:{_MEASURES}))"
)
_HAN_PERCENT = re.compile(r"百分之\s?([零〇一二两三四五六七八九十百]+|[0-9]+(?:\.[0-9]+)?)")
_PERCENT = re.compile(r"(?<=\d)\s*(?:percent\b|per cent\b)")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")

_UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen"
    " nineteen"
)
_SMALL = {word: n for n, word in enumerate(_UNITS.split())}
_LARGE = {word: 10 * n for n, word in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), 2)}
# "one" is a pronoun more often than a number.
_COUNTED = "|".join(word for word in (*_SMALL, *_LARGE) if word != "one")
_ENGLISH_NUMERAL = re.compile(rf"\b(?:({'|'.join(_LARGE)})[- ]({'|'.join(_UNITS.split()[1:10])})|({_COUNTED}))\b")
_POWERS = {
    **{"thousand": 3, "million": 6, "billion": 9, "trillion": 12, "hundred": 2},
    **{"万亿": 12, "万": 4, "亿": 8, "k": 3, "m": 6, "b": 9, "t": 12},
}
_SCALED = re.compile(
    r"(?<![a-z0-9.])(\d{1,15}(?:\.\d{1,9})?)"
    r"(?:\s*(hundred|thousand|million|billion|trillion)\b|\s*(万亿|万|亿)|([kmbt])(?![a-z0-9]))"
)


def in_digits(folded: str) -> str:
    """A folded text with its numbers in digits; all else stays as it is."""
    text = _HAN_PERCENT.sub(lambda m: f"{_han(m[1])}%", _THOUSANDS.sub("", folded))
    text = _HAN_NUMERAL.sub(lambda m: m[0][: m[0].startswith("第")] + _han(m[0].removeprefix("第")), text)
    text = _ENGLISH_NUMERAL.sub(lambda m: str(_SMALL[m[2]] + _LARGE[m[1]] if m[1] else (_SMALL | _LARGE)[m[3]]), text)
    while (scaled := _SCALED.sub(_power, text)) != text:  # "three hundred thousand"
        text = scaled
    return _PERCENT.sub("%", text)


def _power(m: re.Match[str]) -> str:
    value = Decimal(m[1]).scaleb(_POWERS[m[2] or m[3] or m[4]])
    return f"{value.normalize():f}"


def _han(numeral: str) -> str:
    """A Chinese numeral under ten thousand in digits; without 十, 百 and 千 it is read digit by digit, as years are."""
    if numeral[0].isascii():
        return numeral
    if not _TENS.keys() & set(numeral):
        return "".join(str(_DIGITS[c]) for c in numeral)
    total, digit = 0, None
    for c in numeral:
        if c in _TENS:
            total += (1 if digit is None else digit) * _TENS[c]
            digit = None
        else:
            digit = _DIGITS[c]
    return str(total + (digit or 0))
