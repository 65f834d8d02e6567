"""Documents and chunks as rows of the catalogue, and back."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corpus.documents import Chunk, Document, Language, RawDocument, SourceMap

FloatVector = NDArray[np.float32]
CHUNK_COLUMNS = 'id, path, ordinal, heading, text, start, "end", source_map, language, tokens, page, repeat'
DOCUMENT_COLUMNS = "path, source, sha256, media_type, encoding, page_starts, title, language"


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


def checksum(row: Sequence[str | int | None]) -> int:
    """CRC-32 of a row's values, to be stored beside them."""
    return zlib.crc32(json.dumps(row).encode())


def document_row(document: Document, stamp: FileStamp) -> tuple[Any, ...]:
    """A row of `documents`; size and time of the file, which may change without it, are not under its checksum."""
    raw = document.raw
    starts = json.dumps(raw.page_starts)
    crc = checksum((raw.path, raw.text, raw.sha256, raw.media_type, raw.encoding, starts, document.title, document.language))
    read = (stamp.root, raw.path, raw.sha256, document.title, document.language, raw.media_type, stamp.bytes, stamp.mtime_ns)
    return (*read, raw.text, raw.encoding, starts, crc)


def raw_from_row(row: tuple[Any, ...]) -> RawDocument:
    """The document of a row of DOCUMENT_COLUMNS.

    Raises:
        ValueError, TypeError: the row is damaged.
    """
    path, source, sha256, media_type, encoding, page_starts, _, _ = row
    return RawDocument(path, source, sha256, media_type, encoding, tuple(json.loads(page_starts)))


def chunk_row(root: str, chunk: Chunk) -> tuple[Any, ...]:
    """A row of `chunks`, without its last column."""
    heading, anchors = json.dumps(chunk.heading, ensure_ascii=False), json.dumps(chunk.source_map.anchors)
    place = (chunk.path, chunk.ordinal, heading, chunk.text, chunk.start, chunk.end)
    rest = (anchors, chunk.language, chunk.tokens, chunk.page, chunk.repeat)
    return (root, *place[:2], chunk.id, *place[2:], *rest, checksum((chunk.id, *place, *rest)))


def chunk_from_row(row: tuple[Any, ...]) -> Chunk:
    """The chunk of a row of CHUNK_COLUMNS.

    Raises:
        ValueError, TypeError: the row is damaged.
    """
    _, path, ordinal, heading, text, start, end, source_map, language, tokens, page, repeat = row
    anchors = SourceMap(tuple((clean, source) for clean, source in json.loads(source_map)))
    return Chunk(path, ordinal, tuple(json.loads(heading)), text, start, end, anchors, language, tokens, page, repeat)
