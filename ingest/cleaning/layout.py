"""Rules on how exporters lay text out: bullets on a line of their own, wrapped lines, repeated captions, line numbers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

from ingest.cleaning.draft import Edit, Rule
from ingest.cleaning.protect import code_and_formulas, outside_protected, overlaps, substitute
from ingest.cleaning.residue import Line, lines_of
from ingest.parsing.lines import width
from ingest.parsing.questions import is_question

_BARE_BULLET = re.compile(r"^([ \t]*[-•·●])[ \t]*\n(?=[ \t]*(\S[^\n]*))", re.MULTILINE)
_TRAILING_BULLET = re.compile(r"(?<=[。；;！!])[ \t]+-[ \t]*$", re.MULTILINE)
_ITEM_START = re.compile(r"(?:[-*+•·●]|\d{1,3}[.、)）]|[一二三四五六七八九十]+、|#{1,6}\s|\||```)")
_LONE_MARKS = re.compile(r"^[ \t]*[?？]+(?:[ \t]*[?？]+)*[ \t]*(?:\n|\Z)", re.MULTILINE)
_NUMBERS = re.compile(r"^1\n2\n3\n(?:\d{1,4}\n)*(?:\d{1,4}\Z)?", re.MULTILINE)
_WRAPPED = re.compile(r"(?<=[a-z,;])[ \t]*\n(?=[a-z(])")
_MIN_WRAPPED = 45
# Of text that is wrapped: the first word of a line, a Chinese character counting as one, with what may not begin a line.
_FIRST_WORD = re.compile(
    r"[ \t]*([\u3400-\u9fff][，。、；：！？）》”’]*|[A-Za-z0-9][\w.\-/%+]*[，。、；：！？）》”’,.;:)]*|[“‘（《(\"'$`][^\s]{1,12})"
)
_HAN_LINE = re.compile(r"[\u3000-\u9fff\uff00-\uffef]")
_ENDS_CLAUSE = re.compile(r"[。！？；：!?;:][”’\"'）)】]*$")
_HEAD_START = re.compile(r"\s*(?:#{1,6}\s|\||>|!\[|={3}|-{3})")
_MIN_COLUMN, _MAX_COLUMN = 40, 140  # columns
_HANGING = 2  # columns by which a stop at its end makes the widest line wider than the margin
_KINSOKU = 5  # columns that a line stays short of the margin for want of room for the next word
_MIN_CAPTION_WIDTH = 24
_CAPTION_REPEATS = 3


def _bare_bullets(text: str) -> Iterator[Edit]:
    """A bullet whose text stands on the next line is joined with it; a mere separator is dropped.

    It separates where the line before it asks something, or the next line is an item or a question of its own.
    """
    for match in _BARE_BULLET.finditer(text):
        before = text[: match.start()].rstrip()
        if before.endswith(("?", "？")) or _ITEM_START.match(match[2]) or is_question(match[2]):
            yield Edit(match.start(), match.end())
        else:
            yield Edit(match.start(), match.end(), f"{match[1]} ")


def _wrapped_lines(text: str) -> Iterator[Edit]:
    """Line ends inside an English sentence, where a mailer or terminal wrapped it."""
    for match in _WRAPPED.finditer(text):
        start = text.rfind("\n", 0, match.start()) + 1
        if match.start() - start >= _MIN_WRAPPED and "|" not in text[start : match.start()]:
            yield Edit(*match.span(), " ")


def _wrapped_columns(text: str) -> Iterator[Edit]:
    """Line ends where an editor or terminal broke a Chinese text at a fixed column.

    The column is the width of the widest lines. A text is wrapped there if most of its long lines come up to it, and a line goes
    on in the next if that one's first word had no room left.
    """
    lines, code = lines_of(text), code_and_formulas(text)
    runs = [line for line in lines if _is_running(line.text) and not overlaps(code, line.start, line.end)]
    column = max((width(line.text.rstrip()) for line in runs), default=0)
    full = sum(width(line.text.rstrip()) >= column - _KINSOKU for line in runs)
    if not _MIN_COLUMN <= column <= _MAX_COLUMN or full < 3 or 2 * full < sum(2 * width(line.text) > column for line in runs):
        return
    for line, following in pairwise(lines):
        bare, first = line.text.rstrip(), _FIRST_WORD.match(following.text)
        if not bare or not first or not _HAN_LINE.search(bare) or _ITEM_START.match(following.text.lstrip()):
            continue
        had_room = width(bare) + width(first[1]) <= column - _HANGING
        if had_room or _ENDS_CLAUSE.search(bare) or _HEAD_START.match(bare):
            continue
        tight = _HAN_LINE.match(bare[-1]) or _HAN_LINE.match(first[1])
        yield Edit(line.start + len(bare), following.start + first.start(1), "" if tight else " ")


def _is_running(text: str) -> bool:
    return bool(_HAN_LINE.search(text)) and not _HEAD_START.match(text)


def _repeated_captions(text: str) -> Iterator[Edit]:
    """A long line that stands alone several times: the caption of every image, or a banner. The first one stays."""
    lines, code = lines_of(text), code_and_formulas(text)
    alone = [line for at, line in enumerate(lines) if _stands_alone(lines, at) and width(line.text) >= _MIN_CAPTION_WIDTH]
    counts = Counter(line.text.strip() for line in alone)
    seen: set[str] = set()
    for line in alone:
        caption = line.text.strip()
        if counts[caption] >= _CAPTION_REPEATS and caption in seen and not overlaps(code, line.start, line.end):
            yield Edit(line.start, line.end)
        seen.add(caption)


def _stands_alone(lines: Sequence[Line], at: int) -> bool:
    text = lines[at].text.strip()
    if not text or _ITEM_START.match(text) or text.startswith(("**", ">", "$")):
        return False
    return all(not lines[i].text.strip() for i in (at - 1, at + 1) if 0 <= i < len(lines))


LAYOUT_RULES: tuple[tuple[str, Rule], ...] = (
    ("lost-characters", outside_protected(substitute(_LONE_MARKS))),
    ("line-numbers", outside_protected(substitute(_NUMBERS))),
    ("bare-bullet", outside_protected(substitute(_TRAILING_BULLET))),
    ("bare-bullet", outside_protected(_bare_bullets)),
    ("wrapped-line", outside_protected(_wrapped_lines)),
    ("wrapped-line", outside_protected(_wrapped_columns)),
    ("repeated-caption", _repeated_captions),
)
