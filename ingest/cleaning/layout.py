"""Rules on how exporters lay text out: bullets on a line of their own, wrapped lines, repeated captions, line numbers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

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


def _stands_alone(lines: list[Line], at: int) -> bool:
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
    ("repeated-caption", _repeated_captions),
)
