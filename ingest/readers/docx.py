"""Word documents: paragraphs, headings, lists, tables and formulas as Markdown."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from ingest.read_errors import FileDamaged
from ingest.read_limits import ReadLimits
from ingest.readers.extract import Extract
from ingest.readers.zipped import open_zip

if TYPE_CHECKING:
    from docx.document import Document
    from docx.table import Table
    from docx.text.paragraph import Paragraph

_HEADING_STYLE = re.compile(r"(?:heading|标题|標題)\s*(\d)", re.IGNORECASE)
_WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_MATH = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
# Parts beside the main text, by the end of their relationship's type (ECMA-376, part 1, chapter 11.3).
_BESIDE = {
    "header": "page header",
    "footer": "page footer",
    "footnotes": "footnotes",
    "endnotes": "endnotes",
    "comments": "comments",
}
_ITEM = re.compile(r" *- ")
_BREAKS = {f"{_WORD}tab": "\t", f"{_WORD}br": "\n", f"{_WORD}cr": "\n"}


def read_docx(data: bytes, path: str, limits: ReadLimits) -> Extract:
    """Read a Word document.

    Raises:
        FileTooLarge: it would expand beyond the limits.
        FileDamaged: not a Word document.
    """
    import docx
    from docx.opc.exceptions import OpcError
    from docx.table import Table
    from lxml import etree

    open_zip(data, path, limits).close()  # checks the expansion before anything is unpacked
    try:
        document = docx.Document(io.BytesIO(data))
        blocks = [_table(block) if isinstance(block, Table) else _paragraph(block) for block in document.iter_inner_content()]
        dropped = tuple(_beside(document))
    except (KeyError, ValueError, AttributeError, etree.XMLSyntaxError, OpcError) as error:
        raise FileDamaged(path, why="not a Word document, or a broken one") from error
    return Extract(_joined(block for block in blocks if block.strip()), dropped=dropped)


def _beside(document: Document) -> Iterator[tuple[str, str]]:
    """The parts of a file that are no running text, each with its words."""
    from lxml import etree

    for relation in document.part.rels.values():
        name = _BESIDE.get(relation.reltype.rpartition("/")[2])
        if name is None or relation.is_external:
            continue
        root = etree.fromstring(relation.target_part.blob, etree.XMLParser(resolve_entities=False, no_network=True))
        words = " ".join("".join(text.text or "" for text in block.iter(f"{_WORD}t")) for block in root.iter(f"{_WORD}p"))
        if words.strip():
            yield name, " ".join(words.split())


def _paragraph(paragraph: Paragraph) -> str:
    text = "".join(_texts(paragraph)).strip()
    if not text:
        return ""
    style = paragraph.style.name or "" if paragraph.style is not None else ""
    if level := _HEADING_STYLE.search(style):
        return f"{'#' * min(int(level[1]), 6)} {' '.join(text.split())}"
    if style == "Title":
        return f"# {' '.join(text.split())}"
    properties = paragraph._p.pPr  # python-docx shows list membership only here
    numbering = properties.numPr if properties is not None else None
    if "List" in style or numbering is not None:
        depth = numbering.ilvl.val if numbering is not None and numbering.ilvl is not None else _depth(style)
        return f"{'  ' * depth}- {text}"
    runs = [run for run in paragraph.runs if run.text.strip()]
    return f"**{text}**" if runs and all(run.bold for run in runs) and "\n" not in text else text


def _depth(style: str) -> int:
    """How deep a list of a style is nested: `List Bullet 2` once."""
    number = style.rsplit(" ", 1)[-1]
    return int(number) - 1 if number in "23456789" else 0


def _joined(blocks: Iterable[str]) -> str:
    """The blocks parted by blank lines, the items of a list by line ends."""
    text, before = "", ""
    for block in blocks:
        is_item = _ITEM.match(block) and _ITEM.match(before)
        text += (("\n" if is_item else "\n\n") if text else "") + block
        before = block
    return text


def _texts(paragraph: Paragraph) -> Iterator[str]:
    """The text of a paragraph in order, formulas included: python-docx leaves those out."""
    for element in paragraph._p.iter():
        if element.tag in (f"{_WORD}t", f"{_MATH}t"):
            yield element.text or ""
        elif element.tag in _BREAKS:
            yield _BREAKS[element.tag]


def _table(table: Table) -> str:
    rows = [[" ".join(cell.text.split()).replace("|", "\\|") for cell in row.cells] for row in table.rows]
    if not rows:
        return ""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([lines[0], f"|{'---|' * len(rows[0])}", *lines[1:]])
