"""The smallest pieces that a passage may be cut into: sentences, table rows, formulas, code blocks."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence

from corpus.sentences import sentence_spans
from ingest.cleaning.protect import code_and_formulas

Span = tuple[int, int]
CountTokens = Callable[[str], int]


def trimmed(text: str, start: int, end: int) -> Span:
    """A span without the white space at its ends; the indentation of its first line stays."""
    piece = text[start:end]
    bare = piece.lstrip()
    if not bare:
        return start, start
    lead = piece.rfind("\n", 0, len(piece) - len(bare)) + 1
    return start + lead, start + len(piece.rstrip())


def units(text: str, start: int, end: int) -> list[Span]:
    """The units of a span, in order; only white space lies between them."""
    kept = code_and_formulas(text)
    spans: list[Span] = []
    for first, last in ((start + a, start + b) for a, b in sentence_spans(text[start:end])):
        # A sentence end inside code or a formula is none: join what it cut.
        if spans and _in_one(kept, spans[-1][1] - 1, first, (start, end)):
            spans[-1] = (spans[-1][0], last)
        else:
            spans.append((first, last))
    return spans


def _in_one(kept: Sequence[Span], left: int, right: int, within: Span) -> bool:
    """Whether one of the ordered spans holds two places, and lies itself within another span."""
    at = bisect_right(kept, (left, right)) - 1
    return at >= 0 and right < kept[at][1] <= within[1] and within[0] <= kept[at][0]


def cut(text: str, start: int, end: int, count_tokens: CountTokens, budget: int) -> Iterator[Span]:
    """Cut one unit that is over the budget by itself: code at line ends, running text at commas, anything else anywhere."""
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    splitter = RecursiveCharacterTextSplitter(
        separators=["\n\n", "\n", "；", ";", "，", ", ", "、", " ", ""],
        keep_separator="end",
        chunk_size=budget,
        chunk_overlap=0,
        length_function=count_tokens,
        strip_whitespace=False,
    )
    at = start
    for piece in splitter.split_text(text[start:end]):
        yield at, at + len(piece)
        at += len(piece)
