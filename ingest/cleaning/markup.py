"""Rules on markup: HTML inside notes, exporter debris, images and links. What a reader would see stays."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from ingest.cleaning.draft import Edit, Rule
from ingest.cleaning.protect import outside_code, outside_protected, substitute
from ingest.cleaning.vocabulary import any_of

# Only real element names: notes on language models are full of `<s>`, `<pad>`, `<think>`, `<|im_end|>`.
_BREAKING = any_of("""
    br|p|div|center|section|article|header|footer|main|ul|ol|dl|dt|dd|table|thead|tbody|caption|h[1-6]|hr|figure|figcaption
    details|summary|blockquote
""")
_SILENT = any_of("""
    a|b|i|u|em|strong|small|big|font|span|sub|sup|mark|kbd|abbr|picture|source|video|iframe|input|label|button|nav|aside
    col|colgroup|svg|path|noscript
""")
_ATTRIBUTES = r"(?:\s+[a-zA-Z:_@-][^<>]*)?\s*/?"
_DROPPED_ELEMENT = re.compile(r"<(script|style)\b[^>]*>.*?</\1\s*>", re.DOTALL | re.IGNORECASE)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_IMAGE_TAG = re.compile(r"<img\b[^>]*>", re.IGNORECASE)
_ALT = re.compile(r"\balt\s*=\s*(?:\"([^\"]*)\"|'([^']*)')", re.IGNORECASE)
_LIST_ITEM = re.compile(r"<li\b[^>]*>", re.IGNORECASE)
_CELL = re.compile(r"<t[dh]\b[^>]*>(?:(?!</?t[dh]\b).){1,2000}?</t[dh]\s*>", re.IGNORECASE | re.DOTALL)
_BREAK_IN_CELL = re.compile(r"\s*(?:</?(?:br|p|div)\b[^>]*>\s*)+|\s*\n\s*", re.IGNORECASE)
# Rows follow each other without blank lines, or they would be no table.
_ROW_END = re.compile(r"\s*</tr\s*>(?:\s*</?t(?:head|body|foot)\b[^>]*>)*\s*(?=<tr\b)|\s*</tr\s*>", re.IGNORECASE)
_ROW_START = re.compile(r"<tr\b[^>]*>\s*", re.IGNORECASE)
_CELL_END = re.compile(r"\s*</t[dh]\s*>(?!\s*</tr)\s*", re.IGNORECASE)
_TABLE_REST = re.compile(r"</?(?:tr|td|th|li)\b[^<>]*>", re.IGNORECASE)
_HEADING_TAG = re.compile(r"(?:(?<=\n)|\A)[ \t]*<h([1-6])\b[^<>]*>\s*(?=(?:(?!</?h[1-6])[\s\S]){1,300}</h\1\s*>)", re.IGNORECASE)
_BLOCK_TAG = re.compile(rf"</?(?:{_BREAKING}){_ATTRIBUTES}>", re.IGNORECASE)
_INLINE_TAG = re.compile(rf"</?(?:{_SILENT}){_ATTRIBUTES}>", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,30});")
_LEADING_BLANKS = re.compile(r"^(?:&#(?:x20|32);|&nbsp;)+[ \t]*", re.MULTILINE)
_CONTENTS_MARK = re.compile(
    r"^[ \t]*(?:\\?\[{1,2}_?toc_?\\?\]{1,2}|@\[toc\](?:\([^)\n]*\))?|\{:?\s*toc\s*\})[ \t]*$",
    re.IGNORECASE | re.MULTILINE,
)
# Kramdown and Pandoc attributes, Hexo and Jekyll tags.
_ATTRIBUTE_LIST = re.compile(r"\{:\s*[.#][^}\n]*\}|(?<=[^\s{])[ \t]*\{[#.][A-Za-z][\w.\-\s#=\"]*\}(?=[ \t]*$)", re.MULTILINE)
_TEMPLATE_TAG = re.compile(r"\{%-?\s*/?(?:end)?\w+[^%\n]*%\}|^:{3,}[ \t]*(?:\w+[^\n]{0,60})?$", re.MULTILINE)
_HIGHLIGHT = re.compile(r"(?<![=A-Za-z0-9_])==(?=[^\s=])([^=\n]{1,200}?)(?<=\S)==(?![=A-Za-z0-9_])")
# Exporters escape punctuation that needs none. A backslash before it is dropped unless it keeps a list from beginning
# there, or begins a LaTeX formula: `\[4]` is escaped, `\[4\]` a formula.
_ESCAPE = re.compile(r"(?<!\\)\\(?=[_.!~&=<>*]|\[[^\]\\\n]{0,60}\])|(?<=\S)(?<!\\)\\(?=[+\-#])", re.MULTILINE)
# The end of one bold piece and the beginning of the next, as exporters write them around code: `**当****T=1****时**`.
_JOINED_EMPHASIS = re.compile(r"(?<=\S)(?<!\*)\*{4}(?!\*)(?=\S)")
_ESCAPED_NUMBER = re.compile(r"\\\[(\^?\d{1,3})\\\]")
_TARGET = r"\((?:<[^>\n]*>|[^()\s]*(?:\([^()\s]*\)[^()\s]*)*)(?:\s+(?:\"[^\"\n]*\"|'[^'\n]*'))?\s*\)"
_IMAGE = re.compile(rf"!\[([^\[\]\n]*)\]{_TARGET}")
_LINK = re.compile(rf"(?<!!)\[((?:[^\[\]\n]|\[[^\[\]\n]*\])*)\]{_TARGET}")
_LINK_DEFINITION = re.compile(
    r"^[ \t]{0,3}\[[^\]\n]+\]:[ \t]*<?(?:https?://|/|\./|#)\S*>?(?:[ \t]+\"[^\"\n]*\")?[ \t]*\n?", re.MULTILINE
)
# Alternative texts that editors and exporters fill in on their own, and images that show no content.
_EMPTY_ALT = re.compile(
    r"\s*(?:"
    + any_of(r"""
        在这里插入图片描述|在這裡插入圖片描述|图片描述|插入图片描述|请输入图片描述|图片|圖片|配图|封面
        image|img|untitled|avatar|pic(?:ture)?|photo|figure|screenshot|alt(?: text)?|logo
        [a-z0-9]+(?:-[a-z0-9]+){2,}
        [\w\-]*\.(?:png|jpe?g|gif|webp|svg|bmp)|[0-9a-f\-]{12,}
        (?:image|img|untitled|截屏|截图|屏幕截图|微信图片|wps|clip|screen ?shot)[\w\-.:\s]*\d[\w\-.:\s]*
    """)
    + r")?\s*",
    re.IGNORECASE,
)
_BADGE = re.compile(r"shields\.io|badge|star-history|travis-ci|codecov|contrib\.rocks|visitor", re.IGNORECASE)


def _breaks_in_cells(text: str) -> Iterator[Edit]:
    """Line breaks inside a table cell, which would end its row."""
    for cell in _CELL.finditer(text):
        for gap in _BREAK_IN_CELL.finditer(text, cell.start(), cell.end()):
            yield Edit(*gap.span(), " ")


def _image(match: re.Match[str]) -> str:
    """The alternative text of an image, if its author wrote one."""
    return "" if _EMPTY_ALT.fullmatch(match[1]) or _BADGE.search(match[0]) else match[1]


def _image_tag(match: re.Match[str]) -> str:
    found = _ALT.search(match[0])
    alt = (found[1] or found[2] or "") if found else ""
    return "" if _EMPTY_ALT.fullmatch(alt) or _BADGE.search(match[0]) else alt


def _entity(match: re.Match[str]) -> str:
    """The character an entity stands for; unknown ones stay.

    A space for white space, nothing for a control character.
    """
    text = html.unescape(match[0])
    return text if text == match[0] or text.isprintable() else " " if text.isspace() else ""


_BREAK = re.compile(r"\s*<br\s*/?>\s*", re.IGNORECASE)
_PIPE_ROW = re.compile(r"^[ \t>]*\|.*\|[ \t]*$", re.MULTILINE)
_FENCE_LANGUAGE = re.compile(r"^([ \t>]*(?:`{3,}|~{3,})[^`\n]*?)&#(?:x20|32);.*$", re.MULTILINE)


def _breaks_in_rows(text: str) -> Iterator[Edit]:
    """Line breaks inside the cells of a Markdown table."""
    for row in _PIPE_ROW.finditer(text):
        for gap in _BREAK.finditer(text, row.start(), row.end()):
            yield Edit(*gap.span(), " ")


MARKUP_RULES: tuple[tuple[str, Rule], ...] = (
    ("html-script", outside_code(substitute(_DROPPED_ELEMENT))),
    ("html-comment", outside_code(substitute(_COMMENT))),
    ("image", outside_code(substitute(_IMAGE_TAG, _image_tag))),
    ("image", outside_code(substitute(_IMAGE, _image))),
    ("entity", substitute(_FENCE_LANGUAGE, lambda match: match[1])),
    ("html-table", outside_code(_breaks_in_rows)),
    ("html-table", outside_code(_breaks_in_cells)),
    ("html-table", outside_code(substitute(_CELL_END, " | "))),
    ("html-table", outside_code(substitute(_ROW_END, "\n"))),
    ("html-table", outside_code(substitute(_ROW_START))),
    ("html-list", outside_code(substitute(_LIST_ITEM, "\n- "))),
    ("html-tag", outside_code(substitute(_TABLE_REST))),
    ("html-heading", outside_code(substitute(_HEADING_TAG, lambda match: f"\n{'#' * int(match[1])} "))),
    ("html-tag", outside_code(substitute(_BLOCK_TAG, "\n"))),
    ("html-tag", outside_code(substitute(_INLINE_TAG))),
    ("entity", outside_protected(substitute(_LEADING_BLANKS))),
    ("entity", outside_protected(substitute(_ENTITY, _entity))),
    ("contents-mark", outside_code(substitute(_CONTENTS_MARK))),
    ("attribute-list", outside_code(substitute(_ATTRIBUTE_LIST))),
    ("template-tag", outside_code(substitute(_TEMPLATE_TAG))),
    ("escape", outside_protected(substitute(_ESCAPED_NUMBER, lambda match: f"[{match[1]}]"))),
    ("escape", outside_protected(substitute(_ESCAPE))),
    ("escape", outside_protected(substitute(_JOINED_EMPHASIS))),
    ("highlight", outside_protected(substitute(_HIGHLIGHT, lambda match: match[1]))),
    ("link-target", outside_code(substitute(_LINK, lambda match: match[1]))),
    ("link-definition", outside_code(substitute(_LINK_DEFINITION))),
)
