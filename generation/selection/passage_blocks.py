"""The lines of a passage, told apart: running text, list items, headings, table rows, formulas, listings."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from corpus.sentences import sentence_spans

Span = tuple[int, int]
BlockKind = Literal["line", "item", "heading", "row", "formula", "code"]

# A dash (a task's box may follow it) and "1." need a space behind them, or they are a minus and a decimal; "1." may stand
# before a Chinese character. Letters are marks too; capitals may be somebody's name.
LIST_MARK = re.compile(
    r"(?:[-*+]\s+(?:\[[ xX]\]\s+)?|[a-h][.)]\s+"
    r"|[•·●▪◦–]\s*|[（(]?\d{1,2}(?:[.)）．]\s+|[.)）．](?=[\u4e00-\u9fff])|、\s*)|[①-⑳]\s*)(?=\S)"
)
COLON_END = re.compile(r"[:：]\s*\**$")
_MARKDOWN_HEADING = re.compile(r"#{1,6}\s")
_ENDED = re.compile(r"[。！？；!?;.…：:][”’」』）】》\"')\]]*$")
# A sentence whose end is the formula or the picture below it.
_UNFINISHED = re.compile(
    r"(?:[是为為即]|等于|等於|因此|所以|于是|於是|从而|從而|可得|得到|[则則]有"
    r"|\b(?:is|are|equals|becomes|gives|by|so|hence|thus|therefore|then))$",
    re.IGNORECASE,
)
_CELL_BORDER = re.compile(r"^\s*\||\s\|\s|\|\s*$")
_RULE = re.compile(r"[\W_]+$")
_HEADING_LENGTH = 36
_RUN = 3  # short lines one below the other from which on they are a list under the first of them
# What a short line that titles nothing has: an equation, a product, a figure that is no year, or a label with what it says.
_STATES = re.compile(
    r"\S\s*[=≈≠]\s*\S|\([^()]*\s[-+*/·]\s|×.+×|(?<![A-Za-z\d_.-])(?:(?!(?:19|20)\d\d(?!\d))\d{3,}|\d+\.\d+%?)(?![A-Za-z\d.])"
    r"|^(?!第|Day|Part|[\d一二三四五六七八九十]+[.、])[^\s:：]{1,12}[:：]\s?[^\s:：]{2}"
)
_ASKS = re.compile(r"(?:Q\d*|Question|[问問题題]\d*)\s*[:：]")
# A line of a listing whose fence was cut off: a statement, an assignment of a call, a decorator.
_CODE_LINE = re.compile(
    r"(?:def \w+\(|class \w+[(:]|import \w|from \S+ import |return\b|@\w+|(?:for|if|while|with|elif|else)\b.*:$|self\.\w|print\("
    r"|[\w.\[\]:, ]+ [-+*/]?= \S*[\w\])][(\[].*)"
)
# A line of any other program, of a shell, or of what one prints.
_PROGRAM_LINE = re.compile(
    r"^(?:#|//|/\*|[$>] |pip |python |git |cd |curl |<\w|[{}\[\]]|try:|except\b|from |import )|[;{]$|\b(?:tensor|array)\(|=> "
)
_HAN = re.compile(r"[\u4e00-\u9fff]")


# A mark of the note's own references: among an answer's citations it would be taken for one of them.
_REFERENCE_MARK = re.compile(r"\s?(?<![A-Za-z0-9_\])}$])\[\d{1,3}\](?![(\w])")


# An emphasis by single marks; code and formulas are the first group.
_ITALIC = re.compile(r"(`[^`\n]*`|\$[^$\n]+\$)|(?<![\w*_\\])([*_])(?=[^\s*_])((?:(?!\2)[^`$\n])+?)(?<=\S)\2(?![\w*_])")
# Half of an emphasis whose other half stands in another sentence, or that an exporter left; "2 ** 8", x**2 and **kwargs stay.
_HALF_EMPHASIS = re.compile(
    r"(`[^`\n]*`|\$[^$\n]+\$)"
    r"|(?:(?<![\w)\]\s])|(?<=[\u4e00-\u9fff]))\*\*+(?!kwargs)|\*\*+(?=[\u4e00-\u9fff])|\*\*+(?![\w(\s`])"
)


# "A:" before what answers a question of the notes.
_ANSWER_MARK = re.compile(
    r"^\s*(?:\*\*|__)?(?:A\d{0,2}|[Aa]nswer|答案?|回答|解答|参考答案|參考答案|【(?:答案?|回答|解答|参考答案)】)"
    r"(?:\*\*|__)?\s*(?:[:：]|(?<=】))(?:\*\*|__)?\s*(?=\S)"
)


# What Markdown puts before the lines of a quotation.
_QUOTATION_MARK = re.compile(r"^(?:>\s?)+(?=\S)", re.MULTILINE)


def plain(text: str) -> str:
    """A sentence as it reads in an answer: without quotation, list, answer and reference marks, and without emphasis."""
    text = _QUOTATION_MARK.sub("", text)
    bare = LIST_MARK.sub("", text, count=1) if LIST_MARK.match(text) else text
    bare = _REFERENCE_MARK.sub("", _ANSWER_MARK.sub("", bare, count=1))
    bare = re.sub(r"(\*\*|__)(?=\S)(.+?)(?<=\S)\1", r"\2", bare)
    bare = _ITALIC.sub(lambda match: match[1] or match[3], bare)
    return _HALF_EMPHASIS.sub(lambda match: match[1] or "", bare).strip()


@dataclass(frozen=True, slots=True)
class Block:
    """The sentences of one line, or one formula, listing or table row with the row that names its columns."""

    kind: BlockKind
    spans: tuple[Span, ...]
    header: Span | None = None

    @property
    def start(self) -> int:
        """Where it begins in the passage."""
        return self.spans[0][0]

    @property
    def end(self) -> int:
        """Where it ends."""
        return self.spans[-1][1]


def blocks_of(text: str) -> Iterator[Block]:
    """The blocks of a passage, in order; a table's rules, rows whose columns nothing names, and stray code are left out."""
    lines = _lines(text)
    kinds = [_kind(text, spans) for spans in lines]
    shown = [text[spans[0][0] : spans[-1][1]] for spans in lines]
    apart = [n == 0 or "\n\n" in text[lines[n - 1][-1][1] : spans[0][0]] for n, spans in enumerate(lines)]
    header: Span | None = None
    for i, (spans, kind) in enumerate(zip(lines, kinds, strict=True)):
        if kind == "row":
            if i == 0 or kinds[i - 1] != "row":
                header = (spans[0][0], spans[-1][1]) if _names_columns(shown, kinds, i) else None
            elif header and not _RULE.match(shown[i]):
                yield Block("row", spans, header)
        elif _is_stray_code(shown[i], kind):
            continue
        elif kind == "heading" and not _is_marked_heading(shown[i]):
            listed = _in_list(shown, kinds, i) or _in_run(shown, kinds, apart, i)
            yield Block("item" if listed else "line" if _states(plain(shown[i])) else "heading", spans)
        else:
            yield Block(kind, spans)


def _states(line: str) -> bool:
    """Whether a short line says something: it titles nothing, and is no question."""
    return bool(_STATES.search(line)) and not _ASKS.match(line)


def _is_stray_code(line: str, kind: BlockKind) -> bool:
    """Whether a line belongs to a listing whose fence was cut off, or is a fence without its other end."""
    return not line.strip("`") or (kind in ("line", "heading") and bool(_CODE_LINE.match(line)) and not _HAN.search(line))


def _names_columns(lines: Sequence[str], kinds: Sequence[str], first: int) -> bool:
    """Whether the first row of a table names its columns; one that was cut before this passage has lost them."""
    ruled = first + 1 < len(lines) and kinds[first + 1] == "row" and bool(_RULE.match(lines[first + 1]))
    return ruled or first > 0


def _in_list(lines: Sequence[str], kinds: Sequence[str], at: int) -> bool:
    """Whether a short line that could be a heading is one of a numbered list, or of lines that a colon announces."""

    def number(i: int) -> int | None:
        listed = 0 <= i < len(lines) and kinds[i] in ("heading", "item")
        match = re.match(r"\D{0,1}(\d{1,2})", lines[i]) if listed else None
        return int(match[1]) if match else None

    own = number(at)
    if own is not None:
        return number(at - 1) == own - 1 or number(at + 1) == own + 1
    first, last = at, at
    while first > 0 and kinds[first - 1] == "heading" and number(first - 1) is None:
        first -= 1
    while last + 1 < len(lines) and kinds[last + 1] == "heading" and number(last + 1) is None:
        last += 1
    announced = first > 0 and bool(COLON_END.search(lines[first - 1])) and kinds[first - 1] in ("line", "item")
    return announced and last > first


def _in_run(lines: Sequence[str], kinds: Sequence[str], apart: Sequence[bool], at: int) -> bool:
    """Whether a line is one of several short ones right below each other, but the first: a list or table that lost its marks."""

    def goes_on(i: int) -> bool:
        return 0 < i < len(lines) and kinds[i] == kinds[i - 1] == "heading" and not apart[i] and not _is_marked_heading(lines[i])

    first = last = at
    while goes_on(first):
        first -= 1
    while goes_on(last + 1):
        last += 1
    return at > first and last - first + 1 >= _RUN


def _lines(text: str) -> list[tuple[Span, ...]]:
    """The sentences of each line; a formula or a listing is a line of its own."""
    lines: list[list[Span]] = []
    for start, end in sentence_spans(text):
        if lines and "\n" not in text[lines[-1][-1][1] : start]:
            lines[-1].append((start, end))
        else:
            lines.append([(start, end)])
    return [tuple(line) for line in lines]


def _kind(text: str, spans: Sequence[Span]) -> BlockKind:
    line = text[spans[0][0] : spans[-1][1]]
    if line.startswith("```"):
        return "formula" if _is_calculation(line) else "code"
    if re.fullmatch(r"\$\$.+\$\$[\s,.，。;；]*", line, re.DOTALL):
        return "formula"
    borders = _CELL_BORDER.findall(_without_formulas(line))
    if len(borders) > 1 or (borders and _RULE.match(line)):
        return "row"
    if _is_marked_heading(line):
        return "heading"
    bare = plain(line)
    ended = _ENDED.search(bare) or _UNFINISHED.search(bare) or re.search("[，,；;]", bare)
    titles = len(spans) == 1 and len(bare) <= _HEADING_LENGTH and not ended
    numbered = bool(LIST_MARK.match(line))
    if titles and (not numbered or line[0].isdigit()):
        return "heading"
    return "item" if numbered else "line"


def _is_calculation(fenced: str) -> bool:
    """Whether a fence that names no language is around words or figures and no program: "每层 KV Cache = 2 × 序列长度 × 头数"."""
    first, *lines = fenced.splitlines()
    told = [line.strip() for line in lines if line.strip("` ")]
    return first == "```" and bool(told) and not any(_CODE_LINE.match(line) or _PROGRAM_LINE.search(line) for line in told)


def _is_marked_heading(line: str) -> bool:
    """A heading by mark, by bold type alone on its line, or because it asks something."""
    bold = re.fullmatch(r"\*\*[^*]{1,40}\*\*", line)
    return bool(_MARKDOWN_HEADING.match(line) or bold or (line[-1] in "?？" and len(line) < 60))


def _without_formulas(line: str) -> str:
    return re.sub(r"\$[^$\n]+\$|`[^`\n]+`", "", line)


def cells(row: str) -> tuple[str, ...]:
    """The cells of a table row."""
    masked = re.sub(r"\$[^$\n]+\$|`[^`\n]+`", lambda match: match[0].replace("|", "\0"), row)
    return tuple(plain(cell.replace("\0", "|").strip()) for cell in masked.strip().strip("|").split("|"))


def row_text(columns: Sequence[str], row: Sequence[str]) -> str:
    """A table row as a line: its first cell names it, and each other cell stands behind its column's name."""
    chinese = bool(re.search(r"[\u4e00-\u9fff]", "".join([*columns, *row])))
    colon, comma = ("：", "；") if chinese else (": ", "; ")
    if len(row) != len(columns) or len(row) < 2:
        return comma.join(filter(None, row))
    named = [f"{column}{colon}{cell}" if column else cell for column, cell in zip(columns[1:], row[1:], strict=True) if cell]
    return f"{row[0]}{' — ' if not chinese else '——'}{comma.join(named)}" if row[0] else comma.join(named)
