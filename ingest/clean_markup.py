"""Rules on markup: HTML inside notes, exporter debris, images and links. What a reader would see stays."""

from __future__ import annotations

import html
import re

from ingest.clean_draft import Rule
from ingest.clean_protect import outside_protected, substitute

# Only real element names: notes on language models are full of `<s>`, `<pad>`, `<think>`, `<|im_end|>`.
_BREAKING = "br|p|div|center|section|article|header|footer|main|ul|ol|dl|dt|dd|table|thead|tbody|h[1-6]|hr|figure|figcaption|details|summary|blockquote"
_SILENT = "a|b|i|u|em|strong|small|big|font|span|sub|sup|mark|kbd|abbr|picture|source|video|iframe|input|label|button|nav|aside|col|colgroup|svg|path|noscript"
_ATTRIBUTES = r"(?:\s+[a-zA-Z:_@-][^<>]*)?\s*/?"
_DROPPED_ELEMENT = re.compile(r"<(script|style)\b[^>]*>.*?</\1\s*>", re.DOTALL | re.IGNORECASE)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_IMAGE_TAG = re.compile(r"<img\b[^>]*?(?:\balt\s*=\s*(?:\"([^\"]*)\"|'([^']*)'))?[^>]*>", re.IGNORECASE)
_LIST_ITEM = re.compile(r"<li\b[^>]*>", re.IGNORECASE)
_ROW_END = re.compile(r"</tr\s*>", re.IGNORECASE)
_CELL_END = re.compile(r"</t[dh]\s*>(?!\s*</tr)", re.IGNORECASE)
_TABLE_REST = re.compile(r"</?(?:tr|td|th|li)\b[^<>]*>", re.IGNORECASE)
_BLOCK_TAG = re.compile(rf"</?(?:{_BREAKING}){_ATTRIBUTES}>", re.IGNORECASE)
_INLINE_TAG = re.compile(rf"</?(?:{_SILENT}){_ATTRIBUTES}>", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,30});")
_CONTENTS_MARK = re.compile(
    r"^[ \t]*(?:\\?\[{1,2}_?toc_?\\?\]{1,2}|@\[toc\](?:\([^)\n]*\))?|\{:?\s*toc\s*\})[ \t]*$",
    re.IGNORECASE | re.MULTILINE,
)
# Kramdown and Pandoc attributes, Hexo and Jekyll tags.
_ATTRIBUTE_LIST = re.compile(
    r"\{:\s*[.#][^}\n]*\}|(?<=[^\s{])[ \t]*\{[#.][A-Za-z][\w.\-\s#=\"]*\}(?=[ \t]*$)", re.MULTILINE
)
_TEMPLATE_TAG = re.compile(r"\{%-?\s*/?(?:end)?\w+[^%\n]*%\}")
# Exporters escape punctuation that needs none. A backslash before it is dropped unless it builds a list or a heading there.
_ESCAPE = re.compile(r"(?<!\\)\\(?=[_.!~&=<>*]|[+-](?<!^..))(?![.!]\w)", re.MULTILINE)
_TARGET = r"\((?:<[^>\n]*>|[^()\s]*(?:\([^()\s]*\)[^()\s]*)*)(?:\s+(?:\"[^\"\n]*\"|'[^'\n]*'))?\s*\)"
_IMAGE = re.compile(rf"!\[([^\[\]\n]*)\]{_TARGET}")
_LINK = re.compile(rf"(?<!!)\[((?:[^\[\]\n]|\[[^\[\]\n]*\])*)\]{_TARGET}")
_LINK_DEFINITION = re.compile(r"^[ \t]{0,3}\[[^\]\n]+\]:[ \t]*<?\S+>?(?:[ \t]+\"[^\"\n]*\")?[ \t]*\n?", re.MULTILINE)
# Alternative texts that editors and exporters fill in on their own.
_EMPTY_ALT = re.compile(
    r"\s*(?:在这里插入图片描述|在這裡插入圖片描述|图片描述|插入图片描述|请输入图片描述|图片|圖片|配图|封面|image|img|pic(?:ture)?|photo|figure|screenshot|alt(?: text)?|"
    r"(?:image|img|untitled|截屏|截图|屏幕截图|微信图片|wps|clip|screen ?shot)[\w\-.:\s]*\d[\w\-.:\s]*|[\w\-]*\.(?:png|jpe?g|gif|webp|svg|bmp)|[0-9a-f\-]{12,})?\s*",
    re.IGNORECASE,
)


def _alternative(alt: str | None) -> str:
    return "" if alt is None or _EMPTY_ALT.fullmatch(alt) else alt


def _entity(match: re.Match[str]) -> str:
    """The character an entity stands for; unknown ones stay. A space for a no-break space, nothing for a control character."""
    text = html.unescape(match[0])
    return text if text == match[0] or text.isprintable() else " " if text.isspace() else ""


MARKUP_RULES: tuple[tuple[str, Rule], ...] = tuple(
    (name, outside_protected(rule))
    for name, rule in (
        ("html-script", substitute(_DROPPED_ELEMENT)),
        ("html-comment", substitute(_COMMENT)),
        ("image", substitute(_IMAGE_TAG, lambda match: _alternative(match[1] or match[2]))),
        ("image", substitute(_IMAGE, lambda match: _alternative(match[1]))),
        ("html-table", substitute(_ROW_END, "\n")),
        ("html-table", substitute(_CELL_END, " | ")),
        ("html-list", substitute(_LIST_ITEM, "\n- ")),
        ("html-tag", substitute(_TABLE_REST)),
        ("html-tag", substitute(_BLOCK_TAG, "\n")),
        ("html-tag", substitute(_INLINE_TAG)),
        ("entity", substitute(_ENTITY, _entity)),
        ("contents-mark", substitute(_CONTENTS_MARK)),
        ("attribute-list", substitute(_ATTRIBUTE_LIST)),
        ("template-tag", substitute(_TEMPLATE_TAG)),
        ("escape", substitute(_ESCAPE)),
        ("link-target", substitute(_LINK, lambda match: match[1])),
        ("link-definition", substitute(_LINK_DEFINITION)),
    )
)
