"""Rules on what a converted web page has above and below its article: bars, author cards, counters, reply forms, site maps.

Single lines of it prove nothing ("提交", "公告", a name). What tells them is where they stand: between signals, that is, links
and the words of buttons, above the first line of the article, or behind a line that ends it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise

from ingest.cleaning.draft import Edit, Rule
from ingest.cleaning.links import link_targets
from ingest.cleaning.protect import code_and_formulas, overlaps
from ingest.cleaning.residue import Line, ends_article, is_residue, lines_of, may_be_button
from ingest.cleaning.tail import is_hard_signal, related_level
from ingest.cleaning.vocabulary import SITES
from ingest.parsing.lines import width
from ingest.parsing.questions import is_question

_HEADING = re.compile(r"^ {0,3}(#{1,6})\s+(.*?)\s*#*\s*$")
_ANNOUNCED = re.compile(r"^(?:\*\*)?\s*(?:\d{1,3}[.、)）]|[一二三四五六七八九十]{1,3}、|第.{1,4}[章节]|Q\d*\b)")
_SENTENCE_END = re.compile(r"[。！？；!?;][”\"’)）]?\s*$|[a-z]\.\s*$")
_TEASER = re.compile(r"(?:…|\.{3}|。{3})\s*$")
_IMAGE = re.compile(r"!\[[^\[\]\n]*\]\([^)\n]*\)|<img\b[^>]*>", re.IGNORECASE)
_LINK = re.compile(r"(?<!!)\[[^\[\]\n]*\]\([^)\n]*\)")
_TABLE = re.compile(r"^\s*\|.*\|\s*$")
_SITE_NAME = re.compile(
    rf"^( {{0,3}}#[ \t]+[^\n]*?\S)"
    rf"(?:[ \t]+[0-9a-f]{{32}}|(?:_[^_\n]{{1,40}}(?=-CSDN))?(?:[ \t]*[-–—_|｜·][ \t]*(?:{SITES})[ \t]*)+)$",
    re.MULTILINE,
)
_PROPERTIES = re.compile(
    r"\A\s*(?:#[ \t][^\n]*\n\s*)((?:(?:Created(?: time| by)?|Last edited(?: time| by)?|Updated|Tags|Status|Type|Property|URL|"
    r"Date|Author|"
    r"创建时间|创建者|最后编辑(?:时间|者)?|标签|状态|类型|日期)[ \t]*[:：][^\n]{0,120}(?:\n|\Z)){2,})"
)
_PROMISE = re.compile(
    r"福利|领取|領取|送给|如何.{0,6}(?:系统|高效|零基础).{0,4}学习|零基础.{0,10}(?:入门|学习|学会)|学习(?:路线|资料|资源|大礼包)|"
    r"资料(?:包|分享|大全)|大礼包|学会后的收获|最后(?:给大家|分享|想说)|文末"
)
_WEAK_WIDTH = 44  # columns; a line of an article that is no sentence, heading or item is seldom shorter
_MIN_SIGNALS = 3
_MIN_SECTION, _MIN_PROSE = 60, 160  # columns of sentences that make content of a section, and of text without a heading
_MIN_ITEMS = 3
_MIN_BEGUN = 80
_LOOK_AHEAD = 60


def _without_links(text: str) -> str:
    return _LINK.sub("", _IMAGE.sub("", text))


@lru_cache(maxsize=1 << 14)  # asked for the same line by every line that could begin an article above it
def _is_signal(text: str) -> bool:
    """Whether a line is of the kind that pages are furnished with: links, pictures, buttons, counters, dates."""
    bare = _IMAGE.sub("", text)
    outer = any("://" in target or target.startswith("javascript:") for target in link_targets(bare))
    return outer or _is_button(text) or (is_hard_signal(text) and not _TEASER.search(text))


def _is_button(text: str) -> bool:
    """Whether a line is residue, alone or beside a link, such as the name of an author."""
    rest = _without_links(text)
    return is_residue(text) or is_residue(_IMAGE.sub("", text)) or (rest != text and is_residue(rest))


def _is_weak(text: str) -> bool:
    """Whether a line could stand in a bar or a card: short, and not a sentence once its links are gone."""
    rest = _without_links(text).strip()
    return width(rest) <= _WEAK_WIDTH and not _SENTENCE_END.search(rest)


def _is_head_line(text: str) -> bool:
    return _is_signal(text) or _is_weak(text)


def _page_head(text: str) -> Iterator[Edit]:
    """Everything above the first line of an article that is neither a title nor a line of its own.

    Dropped only if buttons or counters stand there: a list of links at the top of a note is a list of sources.
    """
    lines, code = [line for line in lines_of(text) if line.text.strip()], code_and_formulas(text)
    head: list[Line] = []
    for line in lines:
        is_heading = _HEADING.match(line.text) and not link_targets(line.text.lstrip("# "))
        opens = _opens_article(line.text) and not _is_signal(line.text)
        if overlaps(code, line.start, line.end) or (not is_heading and (opens or not _is_head_line(line.text))):
            break
        head.append(line)
    while head and _HEADING.match(head[-1].text):
        head.pop()  # it opens the article
    signals = [line for line in head if _is_signal(line.text)]
    buttons = sum(_is_button(line.text) for line in signals)
    if len(signals) < _MIN_SIGNALS or buttons < 2:
        return
    last = max(line.start for line in head if _is_signal(line.text) or may_be_button(line.text))
    for line in head:
        linked = link_targets(line.text.lstrip("# "))
        if line.start <= last and (not _HEADING.match(line.text) or linked):
            yield Edit(line.start, line.end)


def _opens_article(text: str) -> bool:
    return bool(_ANNOUNCED.match(text)) or is_question(text)


def _page_foot(text: str) -> Iterator[Edit]:
    """What stands behind a line that ends an article, up to where another one begins."""
    lines, code = lines_of(text), code_and_formulas(text)
    begun = at = 0
    while at < len(lines):
        line = lines[at]
        if begun >= _MIN_BEGUN and not overlaps(code, line.start, line.end) and _ends(line.text):
            end = next((i for i in range(at + 1, len(lines)) if _begins_article(lines, i, code)), len(lines))
            end = _with_titles(lines, at, end)
            signals = sum(_is_signal(other.text) for other in lines[at:end] if other.text.strip())
            if signals >= _MIN_SIGNALS:
                yield Edit(line.start, lines[end - 1].end)
                begun, at = 0, end
                continue
        begun += 0 if _is_signal(line.text) else len(line.text.strip())
        at += 1


def _with_titles(lines: Sequence[Line], first: int, end: int) -> int:
    """Step back over the headings right above content: they are its titles."""
    at = end - 1 if end < len(lines) else first
    while at > first and (not lines[at].text.strip() or (_HEADING.match(lines[at].text) and not _ends(lines[at].text))):
        end = at if lines[at].text.strip() else end
        at -= 1
    return end


def _ends(text: str) -> bool:
    return ends_article(text) or related_level(text) is not None


def _begins_article(lines: Sequence[Line], at: int, code: tuple[tuple[int, int], ...]) -> bool:
    """Whether content stands at a line: a block of code, a heading with content below it, or sentences on end."""
    text = lines[at].text
    if not text.strip() or _is_signal(text) or related_level(text) is not None:
        return False
    heading = _HEADING.match(text)
    told = heading is not None and bool(is_question(heading[2]) or _ANNOUNCED.match(heading[2]))
    prose = items = signals = 0
    for line in lines[at + bool(heading) : at + _LOOK_AHEAD]:
        if overlaps(code, line.start, line.end) or (heading and _TABLE.match(line.text)):
            return True
        rest = _without_links(line.text).strip()
        if not rest or _TEASER.search(rest):
            continue
        if _HEADING.match(rest) or signals > 1:
            break
        if _is_signal(line.text):
            signals += 1
        elif _is_weak(line.text):
            items += 1
        else:
            prose += width(rest)
        enough = prose >= _MIN_SECTION or (told and prose + items) or (items >= _MIN_ITEMS and not signals)
        if prose >= _MIN_PROSE or (heading and enough):
            return True
    return False


def _promotions(text: str) -> Iterator[Edit]:
    """Sections at the end of a post that sell something: their headings promise a gift, and their text says how to get it."""
    lines = lines_of(text)
    heads = [at for at, line in enumerate(lines) if _HEADING.match(line.text)]
    for first, after in pairwise([*heads, len(lines)]):
        title = _HEADING.match(lines[first].text)
        if (
            title
            and _PROMISE.search(title[2])
            and any(is_residue(line.text, "advertisement") for line in lines[first + 1 : after])
        ):
            yield Edit(lines[first].start, lines[after - 1].end)


def _site_names(text: str) -> Iterator[Edit]:
    """The name of the site that a page's title ends with, or the id that an exporter puts there."""
    return (Edit(match.end(1), match.end()) for match in _SITE_NAME.finditer(text))


def _repeated_title(text: str) -> Iterator[Edit]:
    """The title of the page above the same title of the article."""
    titles = [line for line in lines_of(text) if line.text.startswith("# ")][:2]
    if (
        len(titles) == 2
        and titles[0].text.split() == titles[1].text.split()
        and not text[titles[0].end : titles[1].start].strip()
    ):
        yield Edit(titles[0].start, titles[1].start)


def _properties(text: str) -> Iterator[Edit]:
    """The fields of a database page, which exporters print under its title."""
    match = _PROPERTIES.match(text[:4000])
    return iter([Edit(*match.span(1))] if match else [])


PAGE_RULES: tuple[tuple[str, Rule], ...] = (
    ("site-name", _site_names),
    ("page-properties", _properties),
    ("page-head", _page_head),
    ("repeated-title", _repeated_title),
    ("promotion", _promotions),
    ("page-foot", _page_foot),
)
