"""EPUB books: the chapters in reading order, each read as a web page."""

from __future__ import annotations

import posixpath
import zipfile
from urllib.parse import unquote

from ingest.read_errors import FileDamaged, FileEmpty, FileSkipped
from ingest.read_limits import ReadLimits
from ingest.readers.extract import Extract
from ingest.readers.html import article
from ingest.readers.text import decode
from ingest.readers.zipped import extract, names, open_zip

_CONTAINER = "META-INF/container.xml"


def read_epub(data: bytes, path: str, limits: ReadLimits) -> Extract:
    """Read a book.

    Raises:
        FileTooLarge: it would expand beyond the limits.
        FileDamaged: not an EPUB, or a broken one.
        FileEmpty: no chapter holds text.
    """
    with open_zip(data, path, limits) as archive:
        files = names(archive)
        chapters: list[str] = []
        dropped: list[tuple[str, str]] = []
        for name in _spine(archive, files, path, limits):
            try:
                page, _ = decode(extract(archive, files[name], path, limits), path)
                text, beside = article(page, path)
                chapters.append(text.strip())
                dropped += beside
            except FileSkipped as skip:  # a cover or a picture page
                dropped.append((skip.reason, name))
    if not any(chapters):
        raise FileEmpty(path, why=" (no chapter with text)")
    return Extract("\n\n".join(chapter for chapter in chapters if chapter), dropped=tuple(dropped))


def _spine(archive: zipfile.ZipFile, files: dict[str, zipfile.ZipInfo], path: str, limits: ReadLimits) -> list[str]:
    """The names of the chapters in reading order, from the package document."""
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True, recover=True)
    try:
        container = etree.fromstring(extract(archive, files[_CONTAINER], path, limits), parser)
        package_name = container.xpath("string(//*[local-name()='rootfile']/@full-path)")
        package = etree.fromstring(extract(archive, files[package_name], path, limits), parser)
    except (KeyError, etree.XMLSyntaxError, AttributeError, ValueError) as error:
        raise FileDamaged(path, why="not an EPUB book, or a broken one") from error
    folder = posixpath.dirname(package_name)
    items = {item.get("id"): item.get("href", "") for item in package.xpath("//*[local-name()='item']")}
    order = [items.get(ref.get("idref"), "") for ref in package.xpath("//*[local-name()='itemref']")]
    chapters = [posixpath.normpath(posixpath.join(folder, unquote(href))) for href in order if href]
    return [name for name in chapters if name in files]
