"""Web pages: the main article as Markdown, found by trafilatura."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ingest.read_errors import FileDamaged, FileEmpty
from ingest.read_limits import ReadLimits
from ingest.readers.extract import Extract
from ingest.readers.text import decode, normalise_line_ends

if TYPE_CHECKING:
    from lxml.html import HtmlElement

_DECLARED = re.compile(rb"<meta[^>]+charset\s*=\s*[\"']?\s*([\w-]+)", re.IGNORECASE)
_TEX = ".//*[local-name()='annotation'][contains(@encoding, 'tex')]"
_RENDERED = "//*[contains(concat(' ', @class, ' '), ' {} ')]"

# An extraction that keeps less than this share of the visible text has mistaken a side bar for the article.
_MIN_SHARE = 0.1


def read_html(data: bytes, path: str, _limits: ReadLimits) -> Extract:
    """Read the main article of a web page.

    Raises:
        FileUndecodable: no encoding fits.
        FileDamaged: not HTML at all.
        FileEmpty: no article in it.
    """
    page, encoding = _decode(data, path)
    text = article(page, path)
    if not text.strip():
        raise FileEmpty(path, why=" (no article on the page)")
    return Extract(text, encoding)


def _decode(data: bytes, path: str) -> tuple[str, str]:
    """Decode as the page declares, or as detected if it declares nothing or something false."""
    declared = _DECLARED.search(data[:4096])
    if declared and not data.startswith((b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf")):
        name = declared[1].decode("ascii").lower()
        name = {"gb2312": "gb18030", "gbk": "gb18030", "big5": "big5hkscs"}.get(name, name)
        try:
            return normalise_line_ends(data.decode(name)), name
        except (LookupError, UnicodeDecodeError):
            pass
    return decode(data, path)


def article(page: str, path: str) -> str:
    """The main article of a page as Markdown, formulas as LaTeX."""
    import trafilatura
    from lxml import etree, html

    try:
        # Bytes, since lxml refuses text that declares an encoding of its own.
        tree = html.fromstring(page.encode(), parser=html.HTMLParser(encoding="utf-8", remove_comments=True))
    except (etree.ParserError, etree.XMLSyntaxError, ValueError) as error:
        raise FileDamaged(path, why="not an HTML page") from error
    _restore_formulas(tree)
    title = _title(tree)
    visible = trafilatura.html2txt(tree)
    found = trafilatura.extract(
        tree,
        output_format="markdown",
        include_comments=False,
        include_tables=True,
        include_formatting=True,
        favor_recall=True,
    )
    if found is None or len(found) < _MIN_SHARE * len(visible):
        found = visible
    return _titled(title, found.strip())


def _titled(title: str, text: str) -> str:
    """The article under its title, which extraction leaves out, or leaves without its mark."""
    if not title or " ".join(text.split("\n", 1)[0].lstrip("# ").split()) == title:
        return text if not title or text.startswith("#") else f"# {text}"
    return f"# {title}\n\n{text}"


def _title(tree: HtmlElement) -> str:
    """The first top heading of the page, which extraction may take for furniture."""
    headings = tree.xpath("//h1")
    return " ".join(headings[0].text_content().split()) if len(headings) == 1 else ""


def _restore_formulas(tree: HtmlElement) -> None:
    """Put LaTeX in place of rendered formulas, which read as a jumble of glyphs."""
    for kind in ("katex-display", "katex", "MathJax_Display", "MathJax", "mwe-math-element", "ztext-math"):
        for element in tree.xpath(_RENDERED.format(kind)):
            tex = element.get("data-tex") or "".join(element.xpath(f"string({_TEX})"))
            if tex.strip():
                _replace(element, tex, display="isplay" in kind)
    for element in tree.xpath("//*[local-name()='math']"):
        tex = element.get("alttext") or "".join(element.xpath(f"string({_TEX})"))
        if tex.strip():
            _replace(element, tex, display=element.get("display") == "block")
    for element in tree.xpath("//script[starts-with(@type, 'math/tex')]"):
        _replace(element, element.text or "", display="display" in element.get("type", ""))
    for element in tree.xpath("//img[@eeimg or contains(@class, 'math') or contains(@class, 'latex')][@alt]"):
        _replace(element, element.get("alt"), display=False)


def _replace(element: HtmlElement, tex: str, *, display: bool) -> None:
    mark = "$$" if display else "$"
    tail = f"{mark}{' '.join(tex.split())}{mark}{element.tail or ''}"
    parent = element.getparent()
    if parent is None:
        return
    before = element.getprevious()
    if before is not None:
        before.tail = (before.tail or "") + tail
    else:
        parent.text = (parent.text or "") + tail
    parent.remove(element)
