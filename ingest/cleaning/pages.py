"""The rule for paged documents: running heads and page numbers go, sentences that a page end cuts are joined again.

It looks at the edges of pages, so it runs once, before any other rule moves offsets. Text that was copied out of such a document
has no pages any more, only their numbered lines: a rule of its own.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from corpus.documents import RawDocument
from ingest.cleaning.draft import Edit, Rule
from ingest.cleaning.residue import Line, lines_of
from ingest.cleaning.vocabulary import any_of

_PAGE_NUMBER = re.compile(
    r"[\W_]*(?:"
    + any_of(r"""
        第\s*\d{1,4}\s*[页頁](?:\s*[,，/]?\s*共\s*\d{1,4}\s*[页頁])?
        (?:page\s*)?\d{1,4}(?:\s*(?:/|of)\s*\d{1,4})?
    """)
    + r")[\W_]*",
    re.IGNORECASE,
)
# "Lecture 9   14/37", "第 3 页", "Page 4 of 12": words that come again, and a number that counts on.
_NUMBERED_LINE = re.compile(
    r"(?P<words>.*?)[\W_]*(?:第\s*(?P<a>\d{1,4})\s*[页頁].{0,12}|(?:page|slide|p\.)\s*(?P<b>\d{1,4})(?:\s*(?:/|of)\s*\d{1,4})?"
    r"|(?P<c>\d{1,4})\s*(?:/|of)\s*\d{1,4})[\W_]*",
    re.IGNORECASE,
)
_MIN_NUMBERED = 4
_EDGE_LINES = 2
_MAX_HEAD = 80
_SENTENCE_END = re.compile(r"[。！？；.!?;:：|][\"”’)）】*]*$")
_OPENS = re.compile(
    r"```|[#\-*•●|>]|\d{1,3}[.、)）]|[（(]\d|[一二三四五六七八九十]{1,3}、|第.{1,4}[章节]|(?:Q|A|问|答)\s*\d*[:：]"
)
_HAN = re.compile(r"[\u2e80-\u9fff\uff00-\uffef]")


def page_rule(raw: RawDocument) -> Rule | None:
    """The rule for a document's pages, on its unedited text; None if it has no pages to speak of."""
    if not raw.page_starts:
        return None

    def rule(text: str) -> Iterator[Edit]:
        pages = [_lines(text, *span) for span in zip(raw.page_starts, (*raw.page_starts[1:], len(text)), strict=True)]
        heads = _running_heads(pages)
        last: Line | None = None
        for page in pages:
            kept = [line for line in page if line not in heads]
            if last is not None and kept and _runs_on(last, kept[0]):
                tight = _HAN.match(last.text.rstrip()[-1]) and _HAN.match(kept[0].text)
                yield Edit(last.start + len(last.text.rstrip()), kept[0].start, "" if tight else " ")
            last = kept[-1] if kept else last
        yield from (Edit(line.start, line.end) for line in heads)

    return rule


def numbered_page_ends(text: str) -> Iterator[Edit]:
    """The lines that numbered the pages of a document whose text was copied: several of the same words, counting on."""
    found: dict[str, list[tuple[int, Line]]] = {}
    for line in lines_of(text):
        bare = line.text.strip()
        match = _NUMBERED_LINE.fullmatch(bare) if len(bare) <= _MAX_HEAD and not bare.startswith("#") else None
        if match:
            number = int(match["a"] or match["b"] or match["c"])
            found.setdefault(re.sub(r"\s+", " ", match["words"].casefold()), []).append((number, line))
    for lines in found.values():
        numbers = [number for number, _ in lines]
        if len(lines) >= _MIN_NUMBERED and all(a < b for a, b in pairwise(numbers)):
            yield from (Edit(line.start, line.end) for _, line in lines)


def _lines(text: str, start: int, end: int) -> list[Line]:
    lines = lines_of(text[start:end])
    return [Line(start + line.start, start + line.end, line.text) for line in lines if line.text.strip()]


def _running_heads(pages: list[list[Line]]) -> set[Line]:
    """Page numbers, and lines that come again at the edge of a third of the pages, numbers aside.

    A second line counts only where the outer one does.
    """
    heads: set[Line] = set()
    for outward in ([page[:_EDGE_LINES] for page in pages], [page[: -_EDGE_LINES - 1 : -1] for page in pages]):
        counts = Counter((at, _shape(line)) for edge in outward for at, line in enumerate(edge))
        for edge in outward:
            for at, line in enumerate(edge):
                needed = max(2 + at, -(-len(pages) // 3))
                repeated = counts[at, _shape(line)] >= needed and len(line.text) <= _MAX_HEAD
                # A single page has nothing to compare with: its number is 1, or says that it is a page's.
                numbered = _PAGE_NUMBER.fullmatch(line.text) and (len(pages) > 1 or not line.text.isdigit() or line.text == "1")
                if not (repeated or numbered):
                    break
                heads.add(line)
    return heads


def _shape(line: Line) -> str:
    return re.sub(r"\d+", "0", line.text.strip())


def _runs_on(last: Line, first: Line) -> bool:
    """Whether a sentence goes on over the page end: it did not end, and nothing new opens."""
    return (
        not _SENTENCE_END.search(last.text.rstrip()) and not last.text.startswith(("#", "```")) and not _OPENS.match(first.text)
    )
