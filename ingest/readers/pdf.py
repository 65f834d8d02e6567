"""PDF files: the text layer in reading order, page by page.

pdfminer gives characters with boxes and fonts; `pdf_layout` makes lines, columns, paragraphs and headings of them.
(pdfium is fifteen times faster, but loses single ideographs that are set in fonts which the file does not embed.)
"""

from __future__ import annotations

import io
import logging
import re
import unicodedata
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ingest.read_errors import FileDamaged, FileEmpty, FileTooLarge
from ingest.read_limits import ReadLimits
from ingest.readers.extract import Extract
from ingest.readers.pdf_layout import Glyph, Line, body_size, lines_of, marks_code, page_text, reading_order

if TYPE_CHECKING:
    from pdfminer.layout import LTPage

_LIGATURE = re.compile("[\ufb00-\ufb06]")
_UNMAPPED = re.compile(r"\(cid:\d+\)")
_BOLD = re.compile(r"bold|heavy|black|semibold|demi", re.IGNORECASE)
_MONO = re.compile(r"mono|courier|consol|menlo|typewriter|(?<!uni)code|cmtt", re.IGNORECASE)
_BULLET = "(cid:127)"  # unused codes of WinAnsiEncoding are bullets (ISO 32000-1, annex D.2, note 3), and this is the usual one
# More glyphs than this without a character, and the text layer is a cipher.
_MAX_UNMAPPED = 0.3


def read_pdf(data: bytes, path: str, limits: ReadLimits) -> Extract:
    """Read the text layer of a PDF. Pages are parted by a blank line.

    Raises:
        FileDamaged: not a PDF, broken, or locked with a password.
        FileTooLarge: too many pages.
        FileEmpty: no text layer.
    """
    pages = list(_pages(data, path, limits))
    glyphs = [glyph for page, _, _ in pages for glyph in page]
    unmapped = sum(glyph.text == "\ufffd" for glyph in glyphs)
    if not any(glyph.text.strip() for glyph in glyphs) or unmapped > _MAX_UNMAPPED * len(glyphs):
        raise FileEmpty(path, why=" (no usable text layer: scanned pages need OCR first)")
    ordered = [reading_order(lines_of(page), width) for page, width, _ in pages]
    slanted = "".join(words for _, _, words in pages).strip()
    return _joined(ordered)._replace(dropped=(("slanted text, as of a watermark", slanted),) if slanted else ())


def _pages(data: bytes, path: str, limits: ReadLimits) -> Iterator[tuple[list[Glyph], float, str]]:
    """The characters of each page in the order of the file, its width, and what was left out."""
    from pdfminer.converter import PDFPageAggregator
    from pdfminer.pdfdocument import PDFPasswordIncorrect
    from pdfminer.pdfexceptions import PDFException
    from pdfminer.pdfinterp import PDFPageInterpreter, PDFResourceManager
    from pdfminer.pdfpage import PDFPage
    from pdfminer.psexceptions import PSException

    logging.getLogger("pdfminer").setLevel(logging.ERROR)  # it warns of every odd font
    if not data[:1024].lstrip().startswith(b"%PDF"):
        raise FileDamaged(path, why="not a PDF")
    try:
        resources = PDFResourceManager()
        device = PDFPageAggregator(resources, laparams=None)  # the layout analysis is ours
        interpreter = PDFPageInterpreter(resources, device)
        for number, page in enumerate(PDFPage.get_pages(io.BytesIO(data)), 1):
            if number > limits.pages:
                raise FileTooLarge(path, what="number of pages", size=f"over {limits.pages}", limit=limits.pages)
            interpreter.process_page(page)
            layout = device.get_result()
            slanted: list[str] = []
            yield list(_glyphs(layout, slanted)), layout.width, "".join(slanted)
    except PDFPasswordIncorrect as error:
        raise FileDamaged(path, why="it is locked with a password") from error
    except (
        PDFException,
        PSException,
        ValueError,
        TypeError,
        KeyError,
        IndexError,
        AttributeError,
        RecursionError,
    ) as error:
        raise FileDamaged(path, why=f"a broken PDF ({type(error).__name__})") from error


def _glyphs(page: LTPage, slanted: list[str]) -> Iterator[Glyph]:
    """Upright characters, also those inside form objects; slanted ones are watermarks and are put aside."""
    from pdfminer.layout import LTChar, LTFigure

    stack = [iter(page)]
    while stack:
        item = next(stack[-1], None)
        if item is None:
            stack.pop()
        elif isinstance(item, LTFigure):
            stack.append(iter(item))
        elif isinstance(item, LTChar) and not item.upright:
            slanted.append(item.get_text())
        elif isinstance(item, LTChar):
            font = item.fontname
            yield Glyph(
                _character(item.get_text()),
                item.x0,
                item.y0,
                item.x1,
                item.y1,
                bool(_BOLD.search(font)),
                bool(_MONO.search(font)),
            )


def _character(text: str) -> str:
    if text == _BULLET:
        return "•"
    return "\ufffd" if _UNMAPPED.fullmatch(text) else _LIGATURE.sub(_expand, text)


def _expand(match: re.Match[str]) -> str:
    return unicodedata.normalize("NFKC", match[0])


def _joined(pages: list[list[Line]]) -> Extract:
    """All pages as one text, with the offset at which each begins."""
    everything = [line for lines in pages for line in lines]
    size, code = body_size(everything), marks_code(everything)
    text, starts = "", []
    for lines in pages:
        if text:
            text = text.rstrip("\n") + "\n\n"
        starts.append(len(text))
        text += page_text(lines, size, code=code)
    return Extract(text, page_starts=tuple(starts))
