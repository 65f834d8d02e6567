"""Headings that carry Markdown marks, from the tokens of markdown-it-py."""

from __future__ import annotations

import re
from functools import cache
from itertools import pairwise
from typing import NamedTuple

from markdown_it import MarkdownIt

from ingest.parsing.lines import Line

# `##标题` without a space is no heading in CommonMark, but is one in many notes; `#标签` is a tag.
_TIGHT = re.compile(r"^(#{2,6})(?=[^\s#!])(.*[\u4e00-\u9fff\w?？].*?)#*\s*$")
# One mark behind four blanks is a comment in indented code; titles that deep in sloppy notes have more.
_COMMENT = re.compile(r"(?: {4,}|\t)\s*#\s")
_MARKS = re.compile(r"^\s*(?:>\s*)*#{1,6}\s*|\s+#+\s*$")
_ITALIC = re.compile(r"(?<![\w*_\\])([*_])(?=[^\s*_])((?:(?!\1)[^`\n])+?)(?<=\S)\1(?![\w*_])")
_MAX_SETEXT = 80
_SENTENCE = re.compile(r"[。！；;,，：:]\s*$")


class MarkedHeading(NamedTuple):
    """A marked heading: its level, its title, and the lines `[first, last]` that it takes up."""

    level: int
    title: str
    first: int
    last: int


@cache
def _parser() -> MarkdownIt:
    # Indented code and HTML blocks would swallow the headings of sloppy notes; raw HTML is gone after cleaning anyway. What
    # stands inside a line is not asked for.
    return MarkdownIt("commonmark").disable(["code", "html_block", "reference", "inline"])


def markdown_headings(text: str, lines: tuple[Line, ...]) -> dict[int, MarkedHeading]:
    """Marked headings by their first line.

    A setext underline counts only under a single short line and with three marks or more: scraped lists put a lone `-`
    under ordinary text.
    """
    found: dict[int, MarkedHeading] = {}
    # markdown-it also ends lines at a lone carriage return; here only a line feed does.
    tokens = _parser().parse(text.replace("\r", " "))
    for token, inline in pairwise(tokens):
        if token.type != "heading_open" or token.map is None:
            continue
        first, last = token.map[0], token.map[1] - 1
        if (
            lines[first].kind == "code"
            or _COMMENT.match(lines[first].text)
            or (not token.markup.startswith("#") and not _is_setext(lines, first, last))
        ):
            continue
        if title := plain_title(inline.content):
            found[first] = MarkedHeading(int(token.tag[1]), title, first, last)
    for at, line in enumerate(lines):
        if at not in found and line.kind != "code" and (match := _TIGHT.match(line.text)):
            found[at] = MarkedHeading(len(match[1]), plain_title(match[2]), at, at)
    return found


def _is_setext(lines: tuple[Line, ...], first: int, last: int) -> bool:
    title = lines[first].text
    return (
        last == first + 1
        and len(lines[last].text.strip()) >= 3
        and len(title) <= _MAX_SETEXT
        and lines[first].kind == "text"
        and not _SENTENCE.search(title)
    )


def plain_title(text: str) -> str:
    """A heading as it reads: without marks, emphasis and code ticks, white space collapsed."""
    bare = _ITALIC.sub(r"\2", _MARKS.sub("", text))
    return " ".join(re.sub(r"\*\*|__|~~|`", "", bare).strip("* ").split())
