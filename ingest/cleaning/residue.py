"""What a web page leaves around and inside an article: advertisements, buttons, copyright notes.

A line is residue only if all of it is, or if it holds a phrase that no note contains and is too short to hold much
else. Headings are never judged here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from ingest.cleaning.draft import Edit, Rule
from ingest.cleaning.protect import code_and_formulas, overlaps
from ingest.cleaning.vocabulary import (
    ADVERTISEMENTS,
    AMBIGUOUS_BUTTONS,
    BUTTONS,
    CLOSING,
    COPYRIGHT,
    COUNT,
    DAY,
    NEIGHBOURS,
    TIME,
    any_of,
)


class Line(NamedTuple):
    """A line and its span; `end` includes the line end."""

    start: int
    end: int
    text: str


@lru_cache(maxsize=2)  # one rule after another asks for those of the same text
def lines_of(text: str) -> tuple[Line, ...]:
    """The lines of a text, in order."""
    lines, start = [], 0
    for piece in text.split("\n"):
        end = min(start + len(piece) + 1, len(text))
        if end > start:
            lines.append(Line(start, end, piece))
        start = end
    return tuple(lines)


_BUTTON = re.compile(rf"(?<![A-Za-z])(?:{BUTTONS})(?![A-Za-z])", re.IGNORECASE)
_FILLER = re.compile(rf"{DAY}|[（(]?{COUNT}[)）]?|[\s·|/•:：>»,，\-–—]+")
_AMBIGUOUS = re.compile(rf"\W*(?:{AMBIGUOUS_BUTTONS})\W*", re.IGNORECASE)
_ADVERTISEMENT = re.compile(ADVERTISEMENTS, re.IGNORECASE)
_COPYRIGHT = re.compile(COPYRIGHT, re.IGNORECASE)
_CLOSING = re.compile(CLOSING, re.IGNORECASE)
_NEIGHBOUR = re.compile(rf"^\W*{NEIGHBOURS}(?:\s*[:：>»«\-].{{0,80}}|\s+.{{0,60}}|\W*)$", re.IGNORECASE)
_MAX_ADVERTISEMENT = 120
_MAX_COPYRIGHT = 200
_MAX_BUTTONS = 200
# "Published on 2024-05-01 09:30 by …": with the time of day, or with words that only pages use, since notes have lines
# such as "released: June 2018".
_PUBLISHED = any_of("""
    (?:最新推荐文章)?(?:发布|發布|首发|创建)?(?:于|於|時間|时间|日期)?
    (?:.{0,20}\\s)?原创\\s*于
    posted(?: on| at| by)?|published(?: on)?
""")
_EDITED = any_of("""
    编辑于|編輯於|修改于|更新于|最后(?:更新|修改)(?:于|时间)?
    (?:last )?(?:updated|modified|edited)(?: on| at)?
""")
_BYLINE = re.compile(
    rf"^\s*(?:(?:{_PUBLISHED})\s*[:：]?\s*{TIME}.{{0,40}}"
    rf"|(?:{_EDITED})\s*[:：]?\s*{DAY}.{{0,40}}"
    rf"|(?:发布于|發布於|posted on|published on)\s*{DAY}\s*(?:[・·|,，].{{0,40}})?)$",
    re.IGNORECASE,
)
# The head of a scraped post: who, when, and how often it was read.
_POST_HEAD = re.compile(
    rf"^\W*(?:发表于|發表於|发布于|發布於|更新于|更新於)\s*{DAY}\s*[|｜·]|^\W*原创\s.{{0,60}}{DAY}|最新推荐文章于\s*{DAY}",
    re.IGNORECASE,
)
_COUNTER = re.compile(
    rf"(?:阅读|閱讀|浏览|瀏覽|点赞|點讚|收藏|评论|評論|赞同|转发|热度|views?|likes?|comments?)(?:量|数|次数)?\s*[:：]?\s*{COUNT}"
)
_CLAUSE = re.compile(r"[，。；！？]")
_SIGNATURE = re.compile(r"\s*(?:作者|编辑|排版|审校|校对|来源)\s*[:：|丨]\s*\S{1,16}\s*")
_BOLD_NUMBER = re.compile(r"\s*(\*\*|__)\s*\d{1,2}\s*\1\s*")
_HASHTAG = re.compile(r"\s*(?:#[^\s#]{1,24}\s*)+")
_LINKED = re.compile(r"(?<!!)\[([^\[\]\n]*)\]\([^)\n]*\)")
_INLINE_ADVERTISEMENT = re.compile(r"(?<![ \t])[ \t]*立即(?:学习|下载|领取)[“\"][^”\"\n]{0,40}[”\"][;；。]?")


def is_button_line(text: str) -> bool:
    """Whether a line holds nothing but the words of buttons and counters."""
    if len(text) > _MAX_BUTTONS:
        return False
    rest, buttons = _BUTTON.subn("", text)
    return buttons > 0 and not _FILLER.sub("", rest) and not _AMBIGUOUS.fullmatch(text)


def may_be_button(text: str) -> bool:
    """Whether a line holds one word that is a button on a page and anything in a note."""
    return bool(_AMBIGUOUS.fullmatch(text))


def ends_article(text: str) -> bool:
    """Whether a line stands after an article's last: copyright notes, links to the neighbours, the reply form."""
    name = _classify(text)
    return name in ("copyright", "neighbour-link") or (name == "page-button" and len(text.strip()) > 3)


def is_residue(text: str, name: str | None = None) -> bool:
    """Whether a line is residue by itself, of any kind or of that of one rule."""
    found = _classify(text)
    return found is not None and name in (None, found)


@lru_cache(maxsize=1 << 14)  # every rule and every pass asks for the same lines
def _classify(text: str) -> str | None:
    """The rule that drops a line, if one does."""
    bare = _LINKED.sub(r"\1", text).lstrip("> \t*-")
    if not bare or len(text) > _MAX_COPYRIGHT or text.lstrip().startswith("#"):
        return None
    if len(bare) <= _MAX_ADVERTISEMENT and _ADVERTISEMENT.search(bare):
        return "advertisement"
    if _COPYRIGHT.search(bare):
        return "copyright"
    if _CLOSING.search(bare) or _NEIGHBOUR.match(bare):
        return "neighbour-link"
    return "page-button" if _is_post_head(text) or is_button_line(bare) else None


def _is_post_head(text: str) -> bool:
    """Whether a line tells who published the page and when, or how often it was read and liked."""
    if _BYLINE.match(text) or _BOLD_NUMBER.fullmatch(text):
        return True
    if len(text) > _MAX_ADVERTISEMENT:
        return False
    return bool(_POST_HEAD.search(text)) or (len(_COUNTER.findall(text)) >= 2 and not _CLAUSE.search(text))


def _lines_named(name: str) -> Rule:
    def rule(text: str) -> Iterator[Edit]:
        spans = code_and_formulas(text)
        for line, found in zip(lines_of(text), _residue(text), strict=True):
            if found == name and not overlaps(spans, line.start, line.end):
                yield Edit(line.start, line.end)

    return rule


@lru_cache(maxsize=2)
def _residue(text: str) -> tuple[str | None, ...]:
    """The rule that drops each line, if one does.

    What proves nothing alone is residue beside residue: a count `(0)`, a single word of a button, a row of tags.
    """
    lines = lines_of(text)
    found = [_classify(line.text) for line in lines]
    filled = [at for at, line in enumerate(lines) if line.text.strip()]
    for order in (filled, filled[::-1]):
        for before, at in pairwise(order):
            if found[before] is not None and found[at] is None and _may_be_residue(lines[at].text):
                found[at] = "page-button"
    return tuple(found)


def _may_be_residue(text: str) -> bool:
    if len(text) > _MAX_BUTTONS:
        return False
    return bool(_AMBIGUOUS.fullmatch(text) or _HASHTAG.fullmatch(text) or _SIGNATURE.fullmatch(text) or not _FILLER.sub("", text))


def _inline_advertisements(text: str) -> Iterator[Edit]:
    return (Edit(*match.span()) for match in _INLINE_ADVERTISEMENT.finditer(text))


RESIDUE_RULES: tuple[tuple[str, Rule], ...] = (
    ("advertisement", _inline_advertisements),
    *((name, _lines_named(name)) for name in ("page-button", "advertisement", "copyright", "neighbour-link")),
)
