"""The structure of a cleaned document: a flat list of sections, each with the path of headings above it.

Markdown headings are taken as they are; under them, and in plain text, `parse_plain` recognises the headings that
people write without marks: numbered questions, bold lines, `Q:` lines, short lines on their own.
"""

from __future__ import annotations

from bisect import bisect_right

from corpus.documents import Document, Section
from ingest.parsing.lines import Line, scan
from ingest.parsing.markdown import markdown_headings
from ingest.parsing.outline import Heading, outline
from ingest.parsing.questions import is_question


def parse(document: Document) -> tuple[Section, ...]:
    """Split a document into sections.

    Returns:
        Sections in order. Their bodies, with the heading lines between them, cover the text; a heading with nothing
        under it before the next one has an empty body.
    """
    text = document.text
    lines = _without_captions(document, scan(text))
    headings = outline(lines, markdown_headings(text, lines))
    sections = []
    path: list[Heading] = []
    start, question = 0, False
    for heading in headings:
        sections.append(_section(text, path, start, heading.start, question))
        path = [above for above in path if above.level < heading.level]
        if heading.title:
            path.append(heading)
        start, question = heading.end, bool(heading.title) and is_question(heading.title)
    sections.append(_section(text, path, start, len(text), question))
    first, *rest = sections
    return tuple([first, *rest] if first.end > first.start else rest)


def bare_headings(sections: tuple[Section, ...]) -> tuple[tuple[str, ...], ...]:
    """The heading paths with neither text nor further headings below them."""
    following = [*(section.heading for section in sections[1:]), ()][: len(sections)]
    return tuple(
        section.heading
        for section, after in zip(sections, following, strict=True)
        if section.heading and section.start == section.end and after[: len(section.heading)] != section.heading
    )


def _without_captions(document: Document, lines: tuple[Line, ...]) -> tuple[Line, ...]:
    """The lines, those that an image's alternative text fills marked as quotes, since no caption is a heading."""
    images = [removal for removal in document.removals if removal.rule == "image" and removal.replacement]
    if not images:
        return lines
    starts = [image.start for image in images]

    def is_caption(line: Line) -> bool:
        if line.kind != "text":
            return False
        first, last = document.source_map.span(line.start, line.end)
        at = bisect_right(starts, first) - 1
        return at >= 0 and last <= images[at].end

    return tuple(line._replace(kind="quote") if is_caption(line) else line for line in lines)


def _section(text: str, path: list[Heading], start: int, end: int, question: bool) -> Section:
    """A section without the white space around its body."""
    body = text[start:end]
    left = len(body) - len(body.lstrip("\n \t"))
    if not body.strip():
        return Section(tuple(heading.title for heading in path), start, start, question)
    # Indentation of the first line is part of the body: it can be that of a list or of code.
    left = body.rfind("\n", 0, left) + 1
    return Section(tuple(heading.title for heading in path), start + left, start + len(body.rstrip()), question)
