"""What notes are made of on their way into the index: RawDocument -> Document -> Section -> Chunk.

All positions are character offsets, half open `[start, end)`. "Source" is the decoded text of the file as its author wrote
it; "clean" text is what is left after cleaning. A `SourceMap` leads from the second back to the first, so that a citation can
always show the original characters.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Literal, NewType

ChunkId = NewType("ChunkId", str)
Language = Literal["zh-Hans", "zh-Hant", "en", "other"]
_LAST = 1 << 62  # behind every offset


@dataclass(frozen=True, slots=True)
class RawDocument:
    """A file as read: decoded text, nothing removed.

    Attributes:
        path: POSIX path relative to the ingested root.
        text: decoded source; line ends are normalised to line feeds, nothing else is changed.
        sha256: hex digest of the file's bytes.
        media_type: IANA media type, such as `text/markdown`.
        encoding: the encoding that decoded the bytes, or "" for binary formats.
        page_starts: source offset at which each page begins; empty for formats without pages.
        dropped: what the reader left out, as pairs of a reason and the words; told when the file is explained, and not stored.
    """

    path: str
    text: str
    sha256: str
    media_type: str
    encoding: str = "utf-8"
    page_starts: tuple[int, ...] = ()
    dropped: tuple[tuple[str, str], ...] = field(default=(), compare=False)

    def page_at(self, offset: int) -> int | None:
        """The 1-based page that holds a source offset, or None for formats without pages."""
        return bisect_right(self.page_starts, offset) or None


@dataclass(frozen=True, slots=True)
class SourceMap:
    """Piecewise map from clean to source offsets: from each anchor on, both advance together.

    Attributes:
        anchors: pairs (clean offset, source offset); clean offsets increase from 0, source offsets never fall.
    """

    anchors: tuple[tuple[int, int], ...] = ((0, 0),)

    def to_source(self, offset: int) -> int:
        """The source offset of the character at a clean offset."""
        clean, source = self.anchors[bisect_right(self.anchors, (offset, _LAST)) - 1]
        return source + offset - clean

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The source span of the clean span `[start, end)`; what was dropped inside it is included."""
        if end <= start:
            at = self.to_source(start)
            return at, at
        return self.to_source(start), self.to_source(end - 1) + 1

    def slice(self, start: int, end: int) -> SourceMap:
        """The map of the clean text `[start, end)` taken alone, as a chunk carries it."""
        inside = slice(bisect_right(self.anchors, (start, _LAST)), bisect_right(self.anchors, (end - 1, _LAST)))
        inner = [(clean - start, source) for clean, source in self.anchors[inside]]
        return SourceMap(((0, self.to_source(start)), *inner))


@dataclass(frozen=True, slots=True)
class Removal:
    """A span of the source that cleaning dropped or replaced, and the rule that did it."""

    start: int
    end: int
    rule: str
    replacement: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """A cleaned document.

    Attributes:
        raw: where it came from.
        text: clean text, NFC.
        source_map: leads from `text` back to `raw.text`.
        removals: what cleaning changed, in source order.
        title: from the front matter, the first heading, or the file name.
        language: the main language and script of the text.
        metadata: front matter as sorted (key, value) strings.
    """

    raw: RawDocument
    text: str
    source_map: SourceMap
    removals: tuple[Removal, ...] = ()
    title: str = ""
    language: Language = "other"
    metadata: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """A stretch of clean text under one heading; sections follow each other and do not overlap.

    Attributes:
        heading: headings from the outermost to this section's own; empty before the first heading.
        start, end: clean span of the section's own body, without its heading line and without its subsections.
        is_question: whether the section's own heading asks a question.
    """

    heading: tuple[str, ...]
    start: int
    end: int
    is_question: bool = False


@dataclass(frozen=True, slots=True)
class Chunk:
    """A passage of a section, small enough for the embedding model: the unit of retrieval.

    Attributes:
        path: POSIX path of its document, relative to the ingested root.
        ordinal: position among the document's chunks, from 0; neighbours differ by 1.
        heading: headings from the outermost to the section's own.
        text: clean text of the passage, without the headings.
        start, end: span in the document's source.
        source_map: leads from `text` to source offsets.
        language: language and script of the text.
        tokens: length of `text` in tokens of the embedding model.
        page: 1-based page on which it starts, where the format has pages.
        repeat: how many earlier chunks of the document have the same heading and text; keeps ids unique.
    """

    path: str
    ordinal: int
    heading: tuple[str, ...]
    text: str
    start: int
    end: int
    source_map: SourceMap
    language: Language
    tokens: int
    page: int | None = None
    repeat: int = 0
    id: ChunkId = field(init=False)

    def __post_init__(self) -> None:
        identity = "\0".join((self.path, *self.heading, self.text, str(self.repeat)))
        object.__setattr__(self, "id", ChunkId(hashlib.sha256(identity.encode()).hexdigest()[:16]))

    def indexed_text(self) -> str:
        """What the indexes see: the headings, then the passage."""
        return "\n".join((*self.heading, self.text))

    def source_span(self, start: int, end: int) -> tuple[int, int]:
        """The source span of `text[start:end]`."""
        return self.source_map.span(start, end)
