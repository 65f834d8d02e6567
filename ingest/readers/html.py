"""Web pages: the main article, found by trafilatura, as Markdown."""

from __future__ import annotations

import re
from copy import deepcopy
from functools import cache
from typing import TYPE_CHECKING

from ingest.read_errors import FileDamaged, FileEmpty
from ingest.read_limits import ReadLimits
from ingest.readers.extract import Extract
from ingest.readers.html_markdown import to_markdown
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
_SURELY = re.compile(r"comments?|recommend|related", re.IGNORECASE)
_MAX_FURNITURE = 0.6
_STAND_IN = re.compile(r"TeX(\d+)XeT")
_NOT_WORD = re.compile(r"[\W_]+")
_FURNITURE_TAGS = ("nav", "aside", "footer")
_CONTENT_TAGS = ("html", "body", "main", "article")

# Of the visible text that is left, an article is at least this share; less, and a side bar was taken for it.
_MIN_SHARE = 0.3
_MIN_HELD = 0.9
_MIN_PIECE = 6  # characters
_SAMPLES = 40
_ATOMS = ("p", "pre", "table", "ul", "ol", "blockquote", "li", "dl")


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
    text = _titled(title, to_markdown(_article_root(tree)))
    text = _STAND_IN.sub(lambda match: formulas[int(match[1])], text)
    return text, _left_out([_STAND_IN.sub(lambda match: formulas[int(match[1])], words) for words in on_page], text)


def _article_root(tree: HtmlElement) -> HtmlElement:
    """The smallest element that holds the article which trafilatura finds; the whole page if it finds too little.

    Of its text only samples are looked up, so that a long page takes no longer than its length.
    """
    import trafilatura

    copy = deepcopy(tree)  # extraction rearranges it
    visible = trafilatura.html2txt(copy)
    found = trafilatura.extract(copy, include_comments=False, config=_settings()) or ""
    if len(found) < _MIN_SHARE * len(visible):
        found = trafilatura.extract(copy, include_comments=False, favor_recall=True, config=_settings()) or ""
    pieces = [bare for line in found.split("\n") if len(bare := _NOT_WORD.sub("", line)) >= _MIN_PIECE]
    pieces = pieces[:: max(1, len(pieces) // _SAMPLES)]
    if len(found) < _MIN_SHARE * len(visible) or not pieces:
        return tree
    root = tree
    while True:
        inner = next((child for child in root if isinstance(child.tag, str) and _holds(child, pieces)), None)
        if inner is None or inner.tag in _ATOMS:
            return root
        root = inner


def _holds(element: HtmlElement, pieces: list[str]) -> bool:
    words = _NOT_WORD.sub("", element.text_content())
    return sum(len(piece) for piece in pieces if piece in words) >= _MIN_HELD * sum(map(len, pieces))


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
    """The article under the title of the page, which can stand outside of it."""
    if not title or any(line == f"# {title}" for line in text.split("\n")):
        return text
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
    """Drop navigation, recommendations and the like, unless the article lies inside: a wrapper is named for what it wraps."""
    whole = len(tree.text_content())
    for element in tree.xpath(
        "//*[@class or @id or self::nav or self::aside or self::footer][not(ancestor-or-self::pre or self::code)]"
    ):
        name = f"{element.get('class', '')} {element.get('id', '')}"
        furniture = _FURNITURE.search(name)
        if element.tag in _CONTENT_TAGS or not (element.tag in _FURNITURE_TAGS or furniture):
            continue
        if element.xpath(".//h1|.//article|.//main") or (_is_wrapper(element, whole) and not _SURELY.search(name)):
            continue
        if element.getparent() is not None:
            element.drop_tree()


def _is_wrapper(element: HtmlElement, whole: int) -> bool:
    return len(element.text_content()) > _MAX_FURNITURE * whole and bool(element.xpath(".//p|.//pre"))


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
