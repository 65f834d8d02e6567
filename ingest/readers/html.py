"""Web pages: the main article as Markdown, found by trafilatura."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from ingest.read_errors import FileDamaged, FileEmpty
from ingest.read_limits import ReadLimits
from ingest.readers.extract import Extract
from ingest.readers.text import decode, normalise_line_ends

if TYPE_CHECKING:
    from configparser import ConfigParser

    from lxml.html import HtmlElement

_DECLARED = re.compile(rb"<meta[^>]+charset\s*=\s*[\"']?\s*([\w-]+)", re.IGNORECASE)
_TEX = ".//*[local-name()='annotation'][contains(@encoding, 'tex')]"
_RENDERED = "//*[contains(concat(' ', @class, ' '), ' {} ')]"

# Parts of a page that name themselves: extraction takes them for text on short pages.
_FURNITURE = re.compile(
    r"(?:^|[\s_-])(?:nav(?:bar|igation)?|menu|toolbar|sidebar|side-?bar|footer|breadcrumbs?|recommend\w*|related\w*|comments?|"
    r"share|social|copyright|advert\w*|ads?|pagination|prev-?next|hot-?posts?|toc)(?:$|[\s_-])",
    re.IGNORECASE,
)
_STAND_IN = re.compile(r"TeX(\d+)XeT")
_NOT_WORD = re.compile(r"[\W_]+")
_FURNITURE_TAGS = ("nav", "aside", "footer")
_CONTENT_TAGS = ("html", "body", "main", "article")

# Of the visible text that is left, an article is at least this share; less, and a side bar was taken for it.
_MIN_SHARE = 0.3


def read_html(data: bytes, path: str, _limits: ReadLimits) -> Extract:
    """Read the main article of a web page.

    Raises:
        FileUndecodable: no encoding fits.
        FileDamaged: not HTML at all.
        FileEmpty: no article in it.
    """
    page, encoding = _decode(data, path)
    text, dropped = article(page, path)
    if not text.strip():
        raise FileEmpty(path, why=" (no article on the page)")
    return Extract(text, encoding, dropped=dropped)


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


def article(page: str, path: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """The main article of a page as Markdown, formulas as LaTeX, and what stands on the page beside it."""
    import trafilatura
    from lxml import etree, html

    try:
        # Bytes, since lxml refuses text that declares an encoding of its own.
        tree = html.fromstring(page.encode(), parser=html.HTMLParser(encoding="utf-8", remove_comments=True))
    except (etree.ParserError, etree.XMLSyntaxError, ValueError) as error:
        raise FileDamaged(path, why="not an HTML page") from error
    formulas: list[str] = []
    _restore_formulas(tree, formulas)
    title = _title(tree)
    on_page = _words(tree)
    _prune(tree)
    visible = trafilatura.html2txt(tree)
    options = {"output_format": "markdown", "include_comments": False, "include_formatting": True, "config": _settings()}
    found = trafilatura.extract(tree, **options) or ""
    if len(found) < _MIN_SHARE * len(visible):
        found = trafilatura.extract(tree, favor_recall=True, **options) or ""
    if len(found) < _MIN_SHARE * len(visible):
        found = visible
    text = _STAND_IN.sub(lambda match: formulas[int(match[1])], _titled(title, found.strip()))
    return text, _left_out([_STAND_IN.sub(lambda match: formulas[int(match[1])], words) for words in on_page], text)


def _words(tree: HtmlElement) -> list[str]:
    """The pieces of text on a page, in order, without scripts and styles."""
    pieces = tree.xpath(".//text()[not(ancestor::script or ancestor::style or ancestor::noscript or ancestor::template)]")
    return [words for piece in pieces if (words := " ".join(piece.split()))]


def _left_out(on_page: list[str], text: str) -> tuple[tuple[str, str], ...]:
    """The pieces that are not in the article, neighbours joined."""
    kept = _NOT_WORD.sub("", text)
    runs: list[list[str]] = [[]]
    for words in on_page:
        bare = _NOT_WORD.sub("", words)
        if bare and bare in kept:
            runs.append([])
        elif bare:
            runs[-1].append(words)
    return tuple(("beside the article", " ".join(run)) for run in runs if run)


def _titled(title: str, text: str) -> str:
    """The article under its title, which extraction leaves out, or leaves without its mark."""
    if not title or " ".join(text.split("\n", 1)[0].lstrip("# ").split()) == title:
        return text if not title or text.startswith("#") else f"# {text}"
    return f"# {title}\n\n{text}"


@cache
def _settings() -> ConfigParser:
    """Settings of trafilatura under which a short note counts as an article and keeps its headings."""
    from trafilatura.settings import use_config

    config: ConfigParser = use_config()
    config.set("DEFAULT", "MIN_EXTRACTED_SIZE", "60")
    return config


def _title(tree: HtmlElement) -> str:
    """The first top heading of the page, which extraction may take for furniture."""
    headings = tree.xpath("//h1")
    return " ".join(headings[0].text_content().split()) if len(headings) == 1 else ""


def _prune(tree: HtmlElement) -> None:
    """Drop navigation, recommendations and the like, unless the article lies inside."""
    for element in tree.xpath("//*[@class or @id or self::nav or self::aside or self::footer]"):
        name = f"{element.get('class', '')} {element.get('id', '')}"
        if (
            element.tag in _CONTENT_TAGS
            or not (element.tag in _FURNITURE_TAGS or _FURNITURE.search(name))
            or element.xpath(".//h1|.//article|.//main")
        ):
            continue
        if element.getparent() is not None:
            element.drop_tree()


def _restore_formulas(tree: HtmlElement, formulas: list[str]) -> None:
    """Put stand-ins for LaTeX in place of rendered formulas, which read as a jumble of glyphs.

    What writes Markdown would escape the marks inside a formula, so each waits in `formulas` until that is done.
    """
    for kind in ("katex-display", "katex", "MathJax_Display", "MathJax", "mwe-math-element", "ztext-math"):
        for element in tree.xpath(_RENDERED.format(kind)):
            tex = element.get("data-tex") or "".join(element.xpath(f"string({_TEX})"))
            if tex.strip():
                _replace(element, tex, formulas, display="isplay" in kind)
    for element in tree.xpath("//*[local-name()='math']"):
        tex = element.get("alttext") or "".join(element.xpath(f"string({_TEX})"))
        if tex.strip():
            _replace(element, tex, formulas, display=element.get("display") == "block")
    for element in tree.xpath("//script[starts-with(@type, 'math/tex')]"):
        _replace(element, element.text or "", formulas, display="display" in element.get("type", ""))
    for element in tree.xpath("//img[@eeimg or contains(@class, 'math') or contains(@class, 'latex')][@alt]"):
        _replace(element, element.get("alt"), formulas, display=False)


def _replace(element: HtmlElement, tex: str, formulas: list[str], *, display: bool) -> None:
    mark = "$$" if display else "$"
    tail = f"TeX{len(formulas)}XeT{element.tail or ''}"
    formulas.append(f"{mark}{' '.join(tex.split())}{mark}")
    parent = element.getparent()
    if parent is None:
        return
    before = element.getprevious()
    if before is not None:
        before.tail = (before.tail or "") + tail
    else:
        parent.text = (parent.text or "") + tail
    parent.remove(element)
