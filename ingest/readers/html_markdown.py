"""HTML elements as Markdown: headings, lists, tables, code and quotes keep their shape, links their targets.

What extracts articles is good at finding them and poor at their shape: it loses headings inside of sections, lists of short
items, and comments in highlighted code. So the article is found there and written here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lxml.html import HtmlElement

_SILENT = frozenset(
    "script style noscript template iframe svg canvas input textarea select button head audio video object embed".split()
)
_BLOCKS = frozenset(
    "address article aside body center dd div dl dt fieldset figcaption figure footer form header html li main nav p section "
    "details summary tbody td th thead tr caption hgroup picture".split()
)
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_HIDDEN = re.compile(r"display\s*:\s*none", re.IGNORECASE)
_GUTTER = re.compile(
    r"(?:^|[\s_-])(?:gutter|line-?num\w*|pre-numbering|line-index|lineno\w*|hljs-ln-numbers)(?:$|[\s_-])", re.IGNORECASE
)
_LANGUAGE = re.compile(r"(?:language|lang|highlight(?:-source)?|brush:)[-\s]*([a-zA-Z][\w+#]{0,15})")
_BREAK = "\v"  # of a <br>, while white space is collapsed
_WIDE = "\u2e80-\u9fff\uff00-\uffef"
_WRAPPED = re.compile(rf"(?<=[{_WIDE}])[ \t]*[\n\r][\s]*(?=[{_WIDE}])")
_BLANKS = re.compile(r"[^\S\v\u00a0]+")
_HEADING_LIKE = re.compile(r"^(#{1,6}\s)", re.MULTILINE)
_TICKS = re.compile(r"`{3,}")
_SHORT_SCRIPT = re.compile(r"[\w+\-]{1,8}")
_STRUCTURE = " or ".join(f"descendant::{tag}" for tag in ("pre", "ul", "ol", "table", "h1", "h2", "h3", "h4"))


def to_markdown(root: HtmlElement) -> str:
    """An element and all below it as Markdown."""
    writer = _Writer()
    writer.walk(root)
    return writer.text()


class _Writer:
    """Collects blocks; text that stands in no block of its own makes a paragraph."""

    def __init__(self) -> None:
        self._blocks: list[str] = []
        self._inline: list[str] = []
        self._special: dict[str, Callable[[HtmlElement], None]] = {
            "pre": self._code, "ul": self._list, "ol": self._list, "blockquote": self._quote, "table": self._table,
            "hr": self._rule, "br": self._break, "img": self._image, "a": self._link,
            "code": self._inline_code, "tt": self._inline_code, "strong": self._strong, "b": self._strong,
            "sup": self._script, "sub": self._script, "summary": self._title, "dt": self._title,
        }  # fmt: skip

    def text(self) -> str:
        """The blocks so far, parted by blank lines."""
        self._flush()
        return "\n\n".join(self._blocks)

    def walk(self, element: HtmlElement) -> None:
        """Write one element, and not what follows it."""
        tag = element.tag
        if not isinstance(tag, str) or tag in _SILENT or _is_hidden(element):
            return
        if tag in _HEADINGS:
            self._heading(element, _HEADINGS[tag])
        elif write := self._special.get(tag):
            write(element)
        elif tag in _BLOCKS:
            self._flush()
            self._children(element)
            self._flush()
        else:
            self._children(element)

    def _children(self, element: HtmlElement) -> None:
        self._inline.append(element.text or "")
        for child in element:
            self.walk(child)
            self._inline.append(child.tail or "")

    def _flush(self) -> None:
        text = _collapsed("".join(self._inline))
        self._inline.clear()
        if text:
            self._blocks.append(_HEADING_LIKE.sub(r"\\\1", text))

    def _block(self, text: str) -> None:
        self._flush()
        if text.strip():
            self._blocks.append(text)

    def _heading(self, element: HtmlElement, level: int) -> None:
        title = " ".join(_inside(element, links=False).split())
        self._block(f"{'#' * level} {title}" if title else "")

    def _title(self, element: HtmlElement) -> None:
        """What opens a fold, or a term: a line of its own that a question can be."""
        self._block(_bold(" ".join(_inside(element, links=False).split())))

    def _strong(self, element: HtmlElement) -> None:
        text = _inside(element)
        bare = text.strip()
        if not bare or "\n" in bare or "**" in bare:
            self._children(element)
        else:
            self._inline.append(text.replace(bare, _bold(bare)))

    def _code(self, element: HtmlElement) -> None:
        code = _code_text(element)
        fence = max([*(match[0] + "`" for match in _TICKS.finditer(code)), "```"], key=len)
        self._block(f"{fence}{_language(element)}\n{code}\n{fence}" if code.strip() else "")

    def _inline_code(self, element: HtmlElement) -> None:
        text = _plain(element).replace("\n", " ").strip()
        self._inline.append(f"`{text}`" if text and "`" not in text else text)

    def _list(self, element: HtmlElement) -> None:
        items, number = [], _number(element.get("start"), 1)
        for child in element:
            if child.tag != "li":
                continue
            mark = f"{number}. " if element.tag == "ol" else "- "
            number += 1
            inner = _Writer()
            inner._children(child)
            if text := inner.text():
                tight = re.sub(r"\n\n(?=(?:- |\d+\. ))", "\n", text)
                items.append(mark + re.sub(r"\n(?=[^\n])", "\n" + " " * len(mark), tight))
        if items or not element.xpath("./li"):
            self._block("\n".join(items))
        if not element.xpath("./li"):
            self._children(element)

    def _quote(self, element: HtmlElement) -> None:
        inner = _Writer()
        inner._children(element)
        text = inner.text()
        self._block("\n".join(f"> {line}" if line else ">" for line in text.split("\n")) if text else "")

    def _table(self, element: HtmlElement) -> None:
        if code := element.xpath(".//pre"):
            for block in code:  # a table that lays out code beside its line numbers
                if not _in_gutter(block, element):
                    self._code(block)
            return
        rows = [[cell for cell in row if cell.tag in ("td", "th")] for row in element.xpath("./tr|./*/tr")]
        if max((len(row) for row in rows), default=0) < 2 or any(cell.xpath(_STRUCTURE) for row in rows for cell in row):
            self._flush()
            self._children(element)
            self._flush()
            return
        lines = ["| " + " | ".join(map(_cell, row)) + " |" for row in rows if row]
        lines.insert(1, "|" + " --- |" * len(rows[0]))
        for caption in element.xpath("./caption"):
            self._block(" ".join(_inside(caption).split()))
        self._block("\n".join(lines))

    def _rule(self, _element: HtmlElement) -> None:
        self._block("---")

    def _break(self, _element: HtmlElement) -> None:
        self._inline.append(_BREAK)

    def _image(self, element: HtmlElement) -> None:
        alt = " ".join((element.get("alt") or "").replace("[", " ").replace("]", " ").split())
        source = (element.get("src") or "").split(" ")[0]
        self._inline.append(f"![{alt}]({source if len(source) < 500 else ''})")

    def _link(self, element: HtmlElement) -> None:
        target = (element.get("href") or "").strip()
        text = _inside(element, links=False).strip()
        if not text or not target or element.xpath(_STRUCTURE) or "\n" in text or re.search(r"[\s()]", target):
            self._children(element)
        elif not (target.startswith("#") and text in ("#", "¶", "§")):
            self._inline.append(f"[{text}]({target})")

    def _script(self, element: HtmlElement) -> None:
        text = _plain(element).strip()
        if element.tag == "sup" and (element.xpath(".//a") or "reference" in element.get("class", "")):
            return  # the number of a footnote
        mark = "^" if element.tag == "sup" else "_"
        self._inline.append(mark + text if _SHORT_SCRIPT.fullmatch(text) else text)


def _cell(element: HtmlElement) -> str:
    return " ".join(_inside(element).split()).replace("|", "\\|")


def _is_hidden(element: HtmlElement) -> bool:
    """Whether a reader does not see an element as text: hidden ones, and the numbers beside lines of code."""
    if _HIDDEN.search(element.get("style", "")) or element.get("hidden") is not None:
        return True
    return element.tag in ("ul", "ol", "div", "td") and bool(_GUTTER.search(element.get("class", "")))


def _inside(element: HtmlElement, *, links: bool = True) -> str:
    """What stands inside an element, as one stretch of Markdown; without links, only their words."""
    writer = _Writer()
    if not links:
        writer._special = {**writer._special, "a": writer._children}
        writer._special.pop("img")
    writer._children(element)
    whole: str = element.text_content()
    return " " * whole[:1].isspace() + writer.text() + " " * whole[-1:].isspace()


def _bold(text: str) -> str:
    return f"**{text}**" if text else ""


def _plain(element: HtmlElement) -> str:
    """The text of an element as it stands in the source, its breaks as line ends."""
    if not isinstance(element.tag, str) or element.tag in _SILENT:
        return ""
    if element.tag == "br":
        return "\n"
    return (element.text or "") + "".join(_plain(child) + (child.tail or "") for child in element)


def _code_text(element: HtmlElement) -> str:
    """The lines of a block of code, without their numbers; a block can hold an element for each line."""
    for gutter in element.xpath(".//*[@class]"):
        if _GUTTER.search(gutter.get("class")) and gutter.getparent() is not None:
            gutter.drop_tree()
    lines = element.xpath("./code")
    text = "\n".join(_plain(line) for line in lines) if len(lines) > 1 else _plain(element)
    return text.replace("\u00a0", " ").replace("\r\n", "\n").strip("\n").rstrip()


def _in_gutter(block: HtmlElement, table: HtmlElement) -> bool:
    for above in (block, *block.iterancestors()):
        if above is table:
            return False
        if _GUTTER.search(above.get("class", "")):
            return True
    return False


def _language(element: HtmlElement) -> str:
    places = (element, *element.xpath("./code[1]"), *([element.getparent()] if element.getparent() is not None else []))
    for place in places:
        if found := place.get("data-lang") or place.get("data-language"):
            return found if found.isalnum() else ""
        if match := _LANGUAGE.search(place.get("class", "")):
            return match[1]
    return ""


def _number(text: str | None, default: int) -> int:
    return int(text) if text and text.isdecimal() else default


def _collapsed(text: str) -> str:
    """White space as a browser shows it; line ends between ideographs are none."""
    lines = _BLANKS.sub(" ", _WRAPPED.sub("", text)).replace("\u00a0", " ").split(_BREAK)
    return "\n".join(line.strip() for line in lines).strip()
