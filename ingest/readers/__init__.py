"""One module per file format: bytes in, text out.

A reader takes the bytes of a file, its path for error messages, and the limits, and returns an `Extract` or raises a
`FileSkipped`. Formats with marks of their own (HTML, DOCX, notebooks) come out as Markdown, so that one parser does for
all.
"""

from __future__ import annotations

from typing import NamedTuple

from ingest.readers.docx import read_docx
from ingest.readers.epub import read_epub
from ingest.readers.extract import Reader
from ingest.readers.html import read_html
from ingest.readers.notebook import read_notebook
from ingest.readers.pdf import read_pdf
from ingest.readers.text import read_text


class Format(NamedTuple):
    """A file format: its IANA media type and its reader."""

    media_type: str
    reader: Reader


_MARKDOWN = Format("text/markdown", read_text)
_PLAIN = Format("text/plain", read_text)
_HTML = Format("text/html", read_html)
_WORD = Format("application/vnd.openxmlformats-officedocument.wordprocessingml.document", read_docx)

# By lower-case suffix.
FORMATS: dict[str, Format] = {
    ".md": _MARKDOWN,
    ".markdown": _MARKDOWN,
    ".mdx": _MARKDOWN,
    ".txt": _PLAIN,
    ".text": _PLAIN,
    ".html": _HTML,
    ".htm": _HTML,
    ".xhtml": _HTML,
    ".pdf": Format("application/pdf", read_pdf),
    ".docx": _WORD,
    ".ipynb": Format("application/x-ipynb+json", read_notebook),
    ".epub": Format("application/epub+zip", read_epub),
}

_SIGNATURES = (
    (b"%PDF", ".pdf"),
    (b"<!doctype html", ".html"),
    (b"<html", ".html"),
)


def sniff(data: bytes) -> str:
    """The suffix that fits the bytes of a file without a name."""
    head = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for signature, suffix in _SIGNATURES:
        if head.startswith(signature.lower()):
            return suffix
    if head.startswith(b"pk\x03\x04"):
        return ".epub" if b"application/epub+zip" in head else ".docx"
    return ".ipynb" if head.startswith(b"{") and b'"cells"' in data else ".md"
