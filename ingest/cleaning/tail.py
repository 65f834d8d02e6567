"""The rule that cuts lists of unrelated posts ("related articles", "you may also like") with all that belongs to them.

Their titles and teasers look like content, and answering from them would be wrong, so the list must go whole. What
follows it must stay: a page can go on after such a list, and two pages can be pasted into one file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from ingest.cleaning.draft import Edit, Rule
from ingest.cleaning.links import link_targets
from ingest.cleaning.protect import code_and_formulas, overlaps
from ingest.cleaning.residue import Line, ends_article, is_button_line, lines_of
from ingest.cleaning.vocabulary import RELATED

_RELATED_TITLE = re.compile(rf"(?:[📚🔥👉▶■◆★☆]\s*)?(?:{RELATED})", re.IGNORECASE)
_HEADING = re.compile(r"^ {0,3}(#{1,6})\s+(.*?)\s*#*\s*$")
_IMAGE = re.compile(r"!\[[^\[\]\n]*\]\([^)\n]*\)")
_LINKED = re.compile(r"\[([^\[\]\n]*)\]\([^)\n]*\)")
_ORNAMENT = re.compile(r"^[\s#>*_\-=【\[〔]+|[\s*_:：】\]〕>»=\-]+$")
_HARD_SIGNAL = re.compile(
    r"(?:…|\.{3}|。。。)\s*$|^\s*[（(]?\d[\d,.]*\s*[kKwW万]?[)）]?\s*$|^\W*(?:19|20)\d{2}\s*[-年./]\s*\d{1,2}|\b\d+ min read\b|"
    r"(?:阅读|浏览|点赞|收藏|评论|赞同|观看)\S{0,3}\s*\d|\d\s*(?:次)?(?:阅读|浏览|点赞|收藏|评论|赞同|回答|关注|views|comments|likes)|"
    r"^\W*\[[^\]]+\]\([^)]*\)\W*$|^\W*https?://\S+\s*$|(?:ago|前)\s*$",
    re.IGNORECASE,
)
_LIST_MARK = re.compile(r"^\s*(?:[•·●▪◦○■*+\-]|\d{1,2}[.、)])\s*\S")
_SENTENCE_END = re.compile(r"[。！!；;][”\"’)）]?\s*$|[a-z]\.\s*$")

# How many characters of prose without any sign of a list of posts end the list. Where the article has already ended,
# its list may hold whole summaries; elsewhere one paragraph is enough.
_PROSE_AFTER_END = 400
_PROSE_ELSEWHERE = 60
_LOOK_BACK = 12
_TITLE_WIDTH = 60


def is_hard_signal(text: str) -> bool:
    """Whether a line is a date, a counter, a lone link or a cut-off teaser, as lists of posts are made of."""
    return bool(_HARD_SIGNAL.search(_IMAGE.sub("", text)))


@lru_cache(maxsize=1 << 14)  # by every rule and every pass
def related_level(text: str) -> int | None:
    """0 for a plain line that heads a list of posts, the level of a Markdown heading that does, else None."""
    heading = _HEADING.match(text)
    bare = _ORNAMENT.sub("", _ORNAMENT.sub("", _LINKED.sub(r"\1", heading[2] if heading else text)))
    if not _RELATED_TITLE.fullmatch(bare):
        return None
    return len(heading[1]) if heading else 0


def _is_prose(text: str) -> bool:
    long_line = len(text.strip()) > _TITLE_WIDTH
    return long_line or bool(_SENTENCE_END.search(text))


def _closes(text: str, level: int) -> bool:
    """Whether a Markdown heading ends the list: any after a plain heading, one not below it after a Markdown one."""
    heading = _HEADING.match(text)
    if heading and link_targets(heading[2]):
        return False  # the title of a post
    return heading is not None and (level == 0 or len(heading[1]) <= level) and related_level(text) is None


def _list_end(lines: Sequence[Line], first: int, level: int, ended: bool) -> tuple[int, int]:
    """Where the list that starts at line `first` ends, and how many of its lines show that it is one."""
    allowance = _PROSE_AFTER_END if ended else _PROSE_ELSEWHERE
    signals, prose, prose_at = 0, 0, None
    for at in range(first, len(lines)):
        text = lines[at].text
        if _closes(text, level):
            return at, signals
        if is_hard_signal(text) or is_button_line(text) or related_level(text) is not None or ends_article(text):
            signals, prose, prose_at = signals + 1, 0, None
        elif _is_prose(text):
            prose_at = at if prose_at is None else prose_at
            prose += len(text.strip())
            if prose > allowance:
                return _with_title(lines, prose_at, first), signals
    return len(lines), signals


def _with_title(lines: Sequence[Line], at: int, first: int) -> int:
    """Step back over the title of the paragraph that ends a list, so that it stays with its paragraph."""
    back = at - 1
    while back >= first and not lines[back].text.strip():
        back -= 1
    text = lines[back].text if back >= first else ""
    is_title = bool(text.strip()) and not is_hard_signal(text) and not is_button_line(text) and not text.startswith(" ")
    return back if is_title else at


def _related_posts(text: str) -> Iterator[Edit]:
    lines, code = lines_of(text), code_and_formulas(text)
    at = 0
    while at < len(lines):
        level = None if overlaps(code, lines[at].start, lines[at].end) else related_level(lines[at].text)
        if level is None:
            at += 1
            continue
        before = [line.text for line in lines[:at] if line.text.strip()][-_LOOK_BACK:]
        ended = any(ends_article(line) for line in before)
        end, signals = _list_end(lines, at + 1, level, ended)
        listed = sum(bool(_LIST_MARK.match(line.text)) for line in lines[at + 1 : end])
        if ended or signals >= 2 or (listed >= 3 and end == len(lines)):
            yield Edit(lines[at].start, lines[end - 1].end)
            at = end
        else:
            at += 1


TAIL_RULES: tuple[tuple[str, Rule], ...] = (("related-posts", _related_posts),)
