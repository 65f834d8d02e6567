"""Documents and chunks as rows of the catalogue, and back."""

from __future__ import annotations

import hashlib
import json
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corpus.documents import Chunk, Document, Language, RawDocument, SourceMap

FloatVector = NDArray[np.float32]
CHUNK_COLUMNS = 'id, path, ordinal, heading, text, start, "end", source_map, language, tokens, page, repeat'
DOCUMENT_COLUMNS = "path, source, sha256, media_type, encoding, page_starts"


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """What the catalogue knows of a document, without its text."""

    root: str
    path: str
    sha256: str
    title: str
    language: Language
    bytes: int
    mtime_ns: int
    chunks: int


@dataclass(frozen=True, slots=True)
class FileStamp:
    """Where a document lies on disk, and the size and time of the version that was read."""

    root: str
    bytes: int
    mtime_ns: int


def text_key(text: str) -> bytes:
    """The key under which what was computed from a text is stored."""
    return hashlib.sha256(text.encode()).digest()[:16]


def document_row(document: Document, stamp: FileStamp) -> tuple[Any, ...]:
    """A row of `documents`."""
    raw = document.raw
    read = (stamp.root, raw.path, raw.sha256, document.title, document.language, raw.media_type, stamp.bytes, stamp.mtime_ns)
    return (*read, raw.text, raw.encoding, json.dumps(raw.page_starts), zlib.crc32(raw.text.encode()))


def raw_from_row(row: tuple[Any, ...]) -> RawDocument:
    """The document of a row of DOCUMENT_COLUMNS."""
    path, source, sha256, media_type, encoding, page_starts = row
    return RawDocument(path, source, sha256, media_type, encoding, tuple(json.loads(page_starts)))


def chunk_row(root: str, chunk: Chunk) -> tuple[Any, ...]:
    """A row of `chunks`, without its last column."""
    heading = json.dumps(chunk.heading, ensure_ascii=False)
    place = (root, chunk.path, chunk.ordinal, chunk.id, heading, chunk.text, chunk.start, chunk.end)
    return (*place, json.dumps(chunk.source_map.anchors), chunk.language, chunk.tokens, chunk.page, chunk.repeat)


def chunk_from_row(row: tuple[Any, ...]) -> Chunk:
    """The chunk of a row of CHUNK_COLUMNS, without the id.

    Raises:
        ValueError, TypeError: the row is damaged.
    """
    path, ordinal, heading, text, start, end, source_map, language, tokens, page, repeat = row
    anchors = SourceMap(tuple((clean, source) for clean, source in json.loads(source_map)))
    return Chunk(path, ordinal, tuple(json.loads(heading)), text, start, end, anchors, language, tokens, page, repeat)
