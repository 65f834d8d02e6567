"""From placed characters to reading order: lines, columns, paragraphs, headings.

Coordinates are those of PDF: points, the origin at the lower left, y upwards.
"""

from __future__ import annotations

import re
from itertools import groupby, pairwise
from statistics import median
from typing import NamedTuple

_HAN = re.compile(r"[\u2e80-\u9fff\uff00-\uffef\u3000-\u303f]")
_NEW_BLOCK = re.compile(
    r"\s*(?:[-•●▪◦■·*]\s|\d{1,3}(?:\.\d{1,3})*[.、)）]?\s*\S|[（(]\d{1,2}[)）]|[一二三四五六七八九十]{1,3}[、.]|第.{1,4}[章节]|"
    r"(?:Q|A|问|答|[Qq]uestion|[Aa]nswer)\s*\d*\s*[:：])"
)
_SENTENCE_END = re.compile(r"[。！？；.!?;:：][\"”’)）】]*\s*$")
_WORD_GAP = 0.18  # of the character height: narrower gaps are kerning
_HAN_GAP = 0.6
_CELL_GAP = 1.05  # wider gaps part table cells or columns
_SAME_LINE = 0.5  # of the height: characters whose middles differ by less stand on one line
_HEADING_SCALE = (1.6, 1.3, 1.12)  # of the body size, for headings of level 1, 2, 3
_MAX_HEADING = 80
_MAX_BOLD = 0.3  # of the lines: where more are bold, bold marks nothing
_MAX_CODE = 0.6
_INDEX_SCALE = 0.85  # subscripts and superscripts are set smaller than this
_BESIDE = 0.2  # of an index's height, that at least stands beside what it belongs to
_SHIFTED = 4.0  # of the height: more than an indent
_NARROW = 12.0  # of the height: no column is as narrow as that
_INDENT = 60.0  # points: lines that begin this near each other belong to one column
_LABEL = re.compile(r"[-•●▪◦■·*]|[（(]?\d{1,3}[.、)）]?|[A-Za-z][.)]")


class Glyph(NamedTuple):
    """A character (or an expanded ligature) with its box."""

    text: str
    left: float
    bottom: float
    right: float
    top: float
    bold: bool = False
    mono: bool = False


class Line(NamedTuple):
    """A piece of text on one line, without wide gaps inside."""

    text: str
    left: float
    bottom: float
    right: float
    top: float
    bold: bool = False
    code: bool = False

    @property
    def height(self) -> float:
        """The line's height in points, which follows the font size."""
        return self.top - self.bottom


def lines_of(glyphs: list[Glyph]) -> list[Line]:
    """Join characters, in the order of the file, to lines; wide gaps and steps to another height part them."""
    lines: list[Line] = []
    current: list[Glyph] = []
    spaced = False
    for glyph in glyphs:
        if not glyph.text.strip():
            spaced = True
            continue
        if current and _parts(current[-1], glyph):
            lines.append(_line(current))
            current = []
        elif current and _needs_space(current[-1], glyph, spaced=spaced):
            current.append(Glyph(" ", current[-1].right, glyph.bottom, glyph.left, glyph.top))
        current.append(glyph)
        spaced = False
    return [*lines, _line(current)] if current else lines


def _parts(last: Glyph, glyph: Glyph) -> bool:
    middle = (last.top + last.bottom) / 2 - (glyph.top + glyph.bottom) / 2
    height = max(_height(last), _height(glyph))
    gap = glyph.left - last.right
    if _is_index(last, glyph) and abs(gap) < _SAME_LINE * height:
        return False
    return abs(middle) > _SAME_LINE * height or gap > _CELL_GAP * height or gap < -2 * height


def _is_index(last: Glyph, glyph: Glyph) -> bool:
    """Whether one of two characters is a subscript or superscript of the other: smaller, and partly beside it."""
    low, high = sorted((_height(last), _height(glyph)))
    beside = min(last.top, glyph.top) - max(last.bottom, glyph.bottom)
    return low < _INDEX_SCALE * high and beside > _BESIDE * low


def _height(glyph: Glyph) -> float:
    return max(glyph.top - glyph.bottom, 1.0)


def _needs_space(last: Glyph, glyph: Glyph, *, spaced: bool) -> bool:
    """Whether white space parts two characters: a written space, or a gap; between ideographs only a wide one."""
    gap = (glyph.left - last.right) / _height(glyph)
    if _HAN.match(last.text) and _HAN.match(glyph.text):
        return gap > _HAN_GAP
    if last.text in "（《「“【" or glyph.text in "）》」”】，。；：？！、":
        return False
    return spaced or gap > _WORD_GAP


def _line(glyphs: list[Glyph]) -> Line:
    inked = [glyph for glyph in glyphs if glyph.text != " "]
    return Line(
        "".join(glyph.text for glyph in glyphs),
        min(glyph.left for glyph in inked),
        median(glyph.bottom for glyph in inked),
        max(glyph.right for glyph in inked),
        median(glyph.top for glyph in inked),
        all(glyph.bold for glyph in inked),
        _is_code(inked),
    )


def _is_code(glyphs: list[Glyph]) -> bool:
    """Whether a line is set as code: all in a font of fixed width but for ideographs, of which only a comment has many."""
    han = [glyph for glyph in glyphs if _HAN.match(glyph.text)]
    mono = [glyph for glyph in glyphs if glyph.mono]
    comment = "".join(glyph.text for glyph in glyphs[:2]).startswith(("#", "//"))
    return glyphs[0].mono and len(mono) + len(han) >= len(glyphs) and (comment or len(han) * 2 < len(glyphs))


def reading_order(lines: list[Line], width: float) -> list[Line]:
    """Order the lines of a page: down the page; in a two-column stretch, the left column first."""
    rows = sorted(lines, key=lambda line: (-line.top, line.left))
    gutter = _gutter(rows, width)
    if gutter is None:
        return _by_rows(rows)
    ordered: list[Line] = []
    left: list[Line] = []
    right: list[Line] = []
    for line in rows:
        if line.left < gutter < line.right:  # across both columns: what stands above it comes first
            ordered += [*left, *right, line]
            left, right = [], []
        else:
            (left if line.right <= gutter else right).append(line)
    return [*ordered, *left, *right]


def _gutter(rows: list[Line], width: float) -> float | None:
    """The x of a gap that parts most lines into two columns beside each other, near the middle of the page."""
    best: tuple[int, float] | None = None
    for step in range(40, 61):
        x = width * step / 100
        left = [line for line in rows if line.right <= x]
        right = [line for line in rows if line.left >= x]
        across = len(rows) - len(left) - len(right)
        if min(len(left), len(right)) < 5 or across > 0.35 * len(rows) or not _are_columns(left, right, width):
            continue
        if best is None or across < best[0]:
            best = (across, x)
    return best[1] if best else None


def _are_columns(left: list[Line], right: list[Line], width: float) -> bool:
    """Columns hold running text: long lines on both sides. A table has short cells, a form short labels."""
    return all(median(line.right - line.left for line in side) > 0.25 * width for side in (left, right))


def _by_rows(rows: list[Line]) -> list[Line]:
    """Lines down the page, the pieces of one row joined as the cells of a table."""
    joined: list[list[Line]] = []
    for line in rows:
        if joined and abs(joined[-1][0].top - line.top) < _SAME_LINE * max(line.height, 1.0):
            joined[-1].append(line)
        else:
            joined.append([line])
    return [_row(sorted(row, key=lambda piece: piece.left)) for row in joined]


def _row(pieces: list[Line]) -> Line:
    if len(pieces) == 1:
        return pieces[0]
    # A number or bullet that stands apart from its item is no cell.
    label = len(pieces) == 2 and _LABEL.fullmatch(pieces[0].text.strip())
    code = all(piece.code for piece in pieces)
    separator = "  " if code else " " if label else " | "
    first, last = pieces[0], pieces[-1]
    return Line(separator.join(piece.text for piece in pieces), first.left, first.bottom, last.right, first.top, code=code)


def body_size(lines: list[Line]) -> float:
    """The height of running text: the median over all characters."""
    heights = sorted((line.height, len(line.text)) for line in lines)
    half, seen = sum(count for _, count in heights) / 2, 0
    for height, count in heights:
        seen += count
        if seen >= half:
            return height
    return 1.0


def marks_code(lines: list[Line]) -> bool:
    """Whether a font of fixed width tells code from text: where most lines are set in one, it tells nothing."""
    return sum(line.code for line in lines) <= _MAX_CODE * len(lines)


def page_text(lines: list[Line], size: float, *, code: bool = True) -> str:
    """The text of a page: headings marked, wrapped lines joined to paragraphs, paragraphs parted by a blank line.

    Args:
        lines: in reading order.
        size: the height of running text.
        code: whether lines of code are put into fences.
    """
    blocks = []
    for is_code, block in groupby(lines, lambda line: code and line.code):
        run = list(block)
        blocks.append(_fenced(run) if is_code and len(run) > 1 else _running_text(run, lines, size))
    return "\n\n".join(blocks)


def _fenced(lines: list[Line]) -> str:
    """Lines of code with their indentation, which is where they begin."""
    left = min(line.left for line in lines)
    width = median((line.right - line.left) / max(len(line.text), 1) for line in lines)
    rows: list[str] = []
    for at, line in enumerate(lines):
        if at and lines[at - 1].bottom - line.top > 0.5 * line.height:
            rows.append("")
        rows.append(" " * round((line.left - left) / max(width, 1.0)) + line.text)
    return "\n".join(("```", *rows, "```"))


def _running_text(lines: list[Line], page: list[Line], size: float) -> str:
    """The text of some lines of a page."""
    text = ""
    bold = sum(line.bold for line in page) <= _MAX_BOLD * len(page)
    for at, line in enumerate(lines):
        last = lines[at - 1] if at else None
        level = _heading_level(line, size)
        if last is None:
            text = _marked(line, level, bold=bold)
        elif level or _heading_level(last, size):
            text += _after_heading(last, line, level, size)
        elif last.bold == line.bold and _goes_on(last, line, _margin(page, last)):
            text = _glued(text, line.text)
        else:
            text += ("\n\n" if _is_apart(last, line) else "\n") + _marked(line, 0, bold=bold)
    return text


def _margin(lines: list[Line], line: Line) -> float | None:
    """The right margin of a line's column: the farthest that two lines beginning near its left edge agree on."""
    rights = sorted((other.right for other in lines if abs(other.left - line.left) < _INDENT), reverse=True)
    return next((a for a, b in pairwise(rights) if a - b < 2 * line.height), None)


def _heading_level(line: Line, size: float) -> int:
    if len(line.text) > _MAX_HEADING or " | " in line.text:
        return 0
    return next((level for level, scale in enumerate(_HEADING_SCALE, 1) if line.height >= scale * size), 0)


def _marked(line: Line, level: int, *, bold: bool = False) -> str:
    if level:
        return f"{'#' * level} {line.text}"
    return f"**{line.text}**" if bold and line.bold and len(line.text) <= _MAX_HEADING and " | " not in line.text else line.text


def _after_heading(last: Line, line: Line, level: int, size: float) -> str:
    """What to add after or before a heading; a heading that wraps goes on in the same line."""
    wraps = level and level == _heading_level(last, size) and not _is_apart(last, line) and not _NEW_BLOCK.match(line.text)
    if not wraps:
        return f"\n\n{_marked(line, level)}"
    return line.text if _HAN.match(line.text) and _HAN.match(last.text[-1]) else f" {line.text}"


def _is_apart(last: Line, line: Line) -> bool:
    """Whether more than the usual leading, or the top of another column, lies between two lines."""
    gap = last.bottom - line.top
    return gap > 0.9 * line.height or gap < -2 * line.height


def _goes_on(last: Line, line: Line, margin: float | None) -> bool:
    """Whether a line continues the paragraph above it: its first word had no room there, and it opens nothing new."""
    if " | " in last.text or " | " in line.text or _NEW_BLOCK.match(line.text):
        return False
    next_column = line.bottom > last.top
    if _is_apart(last, line) and (not next_column or _SENTENCE_END.search(last.text)):
        return False
    if not next_column and line.left - last.left > _SHIFTED * line.height:  # a formula in the middle
        return False
    if _SENTENCE_END.search(last.text) and last.right - last.left < _NARROW * last.height:
        return False  # short lines end where they like: no margin can be told from them
    if margin is None:  # too few lines to tell
        return not _SENTENCE_END.search(last.text) and last.right > line.right - line.height
    first_word = 2 if _HAN.match(line.text) else len(line.text.split(" ", 1)[0]) + 1
    return margin - last.right < first_word * (line.right - line.left) / max(len(line.text), 1)


def _glued(text: str, addition: str) -> str:
    """Join a wrapped line: no space between ideographs, no hyphen inside a word."""
    if re.search(r"[a-z]-$", text) and re.match(r"[a-z]", addition):
        return text[:-1] + addition
    tight = _HAN.match(text[-1:]) and _HAN.match(addition)
    return text + ("" if tight else " ") + addition
