"""Which language and script a text is in, and the folding of both Chinese scripts onto one."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from opencc import OpenCC

    from corpus.documents import Language

_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af]")
_LATIN_WORD = re.compile(r"[A-Za-z]+")
_OTHER_SCRIPT = re.compile(r"[\u3040-\u30ff\uac00-\ud7af\u0400-\u04ff\u0600-\u06ff\u0900-\u097f\u0e00-\u0e7f\u0370-\u03ff]")

# 隻 where nothing is counted before it, and it is no word such as 船隻 or 隻身.
_ONLY = re.compile(r"(?<![一二兩三四五六七八九十百千萬幾每這那數半多單船\d])隻(?![身字言影眼手])")

# A Chinese interview note is full of English terms: Chinese from this share of Han characters on, an English word counting
# as much as one character.
_HAN_SHARE = 0.25

Conversion = Literal["t2s", "tw2s", "s2t", "s2tw"]


@cache
def _converter(conversion: Conversion) -> OpenCC:
    from opencc import OpenCC  # slow to start: loads its dictionaries

    return OpenCC(conversion)


def to_simplified(text: str) -> str:
    """Fold traditional characters onto simplified ones.

    `tw2s` first, because `t2s` leaves Taiwan's variants (着, 裏, 麪 …) as they are; length can change.
    Source: OpenCC's conversion tables.
    """
    return _converter("t2s").convert(_converter("tw2s").convert(text)) if _HAN.search(text) else text


def to_traditional(text: str) -> str:
    """Convert simplified characters to traditional ones (OpenCC `s2t`)."""
    return _converter("s2t").convert(text) if _HAN.search(text) else text


def to_taiwan_standard(text: str) -> str:
    """Convert to the traditional characters that are written in Taiwan, 為 and not 爲 (OpenCC `s2tw`): what readers expect.

    OpenCC takes "是只" for a number of animals; 隻 stays where something is counted.
    """
    if not _HAN.search(text):
        return text
    converted = _converter("s2tw").convert(text)
    return converted if "隻" in text else _ONLY.sub("只", converted)


def in_script(text: str, script: Language) -> str:
    """A Chinese text in a Chinese script, as little changed as can be: what is written in that script already stays as it is.

    Scraped notes mix scripts, and OpenCC's tables for Taiwan take simplified "显著" for a variant. Other texts, and other
    languages, come back as they are.
    """
    if script == "zh-Hant":
        return text if to_traditional(text) == text else to_taiwan_standard(text)
    if script != "zh-Hans" or _converter("t2s").convert(text) == text:
        return text
    return to_simplified(text) if detect_language(text) == "zh-Hant" else _converter("t2s").convert(text)


def in_both_scripts(text: str) -> bool:
    """Whether a text reads the same in simplified and in traditional Chinese, as one without any Chinese does."""
    return to_simplified(text) == text == to_traditional(text)


def detect_language(text: str) -> Language:
    """The main language of a text, and its script if it is Chinese.

    Chinese is told from English by the share of Han characters; simplified from traditional by which of the two conversions
    changes more characters (scraped notes mix both). "other" if letters of neither dominate.
    """
    han, words, other = len(_HAN.findall(text)), len(_LATIN_WORD.findall(text)), len(_OTHER_SCRIPT.findall(text))
    if other > han + words:
        return "other"
    if han and han >= _HAN_SHARE * (han + words):
        simplified = to_simplified(text)
        if simplified == text:
            return "zh-Hans"
        return "zh-Hant" if _changed(text, simplified) > _changed(text, to_traditional(text)) else "zh-Hans"
    return "en" if words else "other"


def _changed(before: str, after: str) -> int:
    return sum(a != b for a, b in zip(before, after, strict=False)) + abs(len(before) - len(after))
