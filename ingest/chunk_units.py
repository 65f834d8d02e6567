"""The smallest pieces that a passage may be cut into: sentences, table rows, formulas, code blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from corpus.sentences import sentence_spans
from ingest.cleaning.protect import code_and_formulas, overlaps

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
    kept = [span for span in code_and_formulas(text) if start <= span[0] and span[1] <= end]
    spans: list[Span] = []
    for first, last in ((start + a, start + b) for a, b in sentence_spans(text[start:end])):
        # A sentence end inside code or a formula is none: join what it cut.
        if spans and overlaps(tuple(kept), spans[-1][1] - 1, first + 1) and _one_piece(kept, spans[-1][1] - 1, first):
            spans[-1] = (spans[-1][0], last)
        else:
            spans.append((first, last))
    return spans


def _one_piece(kept: list[Span], left: int, right: int) -> bool:
    return any(a <= left and right < b for a, b in kept)


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
