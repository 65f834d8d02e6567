"""Rules on lists of links: tables of contents, site navigation, and files that are nothing else."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from ingest.cleaning.draft import Edit, Rule
from ingest.cleaning.protect import code_and_formulas, outside_code, overlaps
from ingest.cleaning.residue import Line, is_button_line, lines_of
from ingest.cleaning.vocabulary import MENU

_LINK = re.compile(r"(?<!!)\[(?:[^\[\]\n]|\[[^\[\]\n]*\])*\]\(\s*<?([^)\s>]*)[^)]*\)")
_AROUND_LINKS = re.compile(r"^\s*(?:[-*+•·]|\d{1,3}[.)、])?\s*(?:\[[ xX]\])?[\s*_|·•/,，、>»\-]*$")
_CONTENTS_TITLE = re.compile(
    r"^[\s#*_]*(?:(?:文章|本文)?目\s*录|(?:文章|本文)?目\s*錄|(?:table of )?contents|toc|导航|導航|navigation)[\s*_:：]*$",
    re.IGNORECASE,
)
_DOT_LEADER = re.compile(r"\S\s*(?:\.\s?|…|·\s?){4,}\s*\d{1,4}\s*$")
_HEADING = re.compile(r"^\s{0,3}#{1,6}\s")
_MENU_LINE = re.compile(rf"[\s\-*•·|]*(?:(?:{MENU})[\s|·•/>»]*)+", re.IGNORECASE)
_SPLIT_LINK = re.compile(r"\[([ \t]*\n\s*)[^\[\]\n]{1,200}?([ \t]*\n\s*)(?=\]\()")
_CARD = re.compile(r"(?<!!)\[[ \t]*\n((?:(?!\]\(|\n\[[ \t]*\n)[\s\S]){1,800}?)\n[ \t]*\]\((?:https?:)?//[^)\n]*\)")
_LIST_MARK = re.compile(r"^[\s\-*+•·#]+")
_MIN_LINKS = 3
_MENU_WIDTH = 24
_MAX_ENTRY = 200


def link_targets(text: str) -> list[str]:
    """The targets of a line that holds nothing but links; none if it holds anything else."""
    targets = _LINK.findall(text)
    return targets if targets and _AROUND_LINKS.match(_LINK.sub("", text)) else []


def _is_inner(target: str) -> bool:
    """Whether a target leads into the same site: an anchor, or a path without a scheme."""
    return "://" not in target and not target.startswith(("mailto:", "//"))


def _is_one_page(targets: Sequence[str]) -> bool:
    """Whether all targets are places of the same page."""
    return all("#" in target for target in targets) and len({target.partition("#")[0] for target in targets}) == 1


def _runs(lines: Sequence[Line]) -> Iterator[tuple[int, int, list[str]]]:
    """Runs of lines of links, blank lines between them allowed: first line, line after the last, all targets."""
    at = 0
    while at < len(lines):
        targets = link_targets(lines[at].text)
        end = at + 1
        while targets and end < len(lines) and (not lines[end].text.strip() or link_targets(lines[end].text)):
            targets += link_targets(lines[end].text)
            end += 1
        if targets:
            yield at, end, targets
        at = end


def _contents(text: str) -> Iterator[Edit]:
    """Lists of links into the same file or site, with the title above them."""
    lines, code = lines_of(text), code_and_formulas(text)
    for first, end, targets in _runs(lines):
        above = next((i for i in range(first - 1, -1, -1) if lines[i].text.strip()), None)
        titled = above is not None and bool(_CONTENTS_TITLE.match(lines[above].text))
        inner = all(_is_inner(target) for target in targets) or (titled and _is_one_page(targets))
        if inner and (titled or len(targets) >= _MIN_LINKS) and not overlaps(code, lines[first].start, lines[end - 1].end):
            yield Edit(lines[above if titled and above is not None else first].start, lines[end - 1].end)


def _dot_leaders(text: str) -> Iterator[Edit]:
    """Printed tables of contents: `1.2 Title ........ 7`."""
    lines = [line for line in lines_of(text) if line.text.strip()]
    found = [len(line.text) <= _MAX_ENTRY and bool(_DOT_LEADER.search(line.text)) for line in lines]
    if sum(found) < _MIN_LINKS:
        return
    for line, leader, follows in zip(lines, found, [*found[1:], False], strict=True):
        if leader or (follows and _CONTENTS_TITLE.match(line.text)):
            yield Edit(line.start, line.end)


def _listed_headings(text: str) -> Iterator[Edit]:
    """A title such as 目录 with lines under it that all come again further down."""
    lines = lines_of(text)
    for at, line in enumerate(lines):
        if not _CONTENTS_TITLE.match(line.text):
            continue
        later = Counter(_bare(following.text) for following in lines[at + 1 :])
        end = at + 1
        while end < len(lines) and (
            later[_bare(lines[end].text)] > 1 or not _bare(lines[end].text) or is_button_line(lines[end].text)
        ):
            later[_bare(lines[end].text)] -= 1
            end += 1
        if sum(bool(_bare(listed.text)) for listed in lines[at + 1 : end]) >= _MIN_LINKS - 1:
            yield Edit(line.start, lines[end - 1].end)


def _bare(text: str) -> str:
    return _LIST_MARK.sub("", text).strip()


def _only_links(text: str) -> Iterator[Edit]:
    """A file without a line of its own: links, their headings, buttons, menus."""
    lines = [line for line in lines_of(text) if line.text.strip()]
    links = sum(bool(link_targets(line.text)) for line in lines)
    menus = sum(bool(_MENU_LINE.fullmatch(line.text)) for line in lines)
    if links + menus < _MIN_LINKS - 1:
        return
    rest = [line for line in lines if not _is_signpost(line.text)]
    is_menu = menus * 2 >= len(lines) and all(len(line.text.strip()) <= _MENU_WIDTH for line in rest)
    if (links and not rest) or is_menu:
        yield Edit(0, len(text))


def _is_signpost(text: str) -> bool:
    return bool(link_targets(text) or _HEADING.match(text) or is_button_line(text) or _MENU_LINE.fullmatch(text))


def _cards(text: str) -> Iterator[Edit]:
    """Links around several paragraphs or a heading: the cards of other posts and of people, never a piece of a note."""
    for match in _CARD.finditer(text):
        inside = [line for line in match[1].split("\n") if line.strip()]
        if len(inside) > 1 or any(_HEADING.match(line) for line in inside):
            yield Edit(*match.span())


def _split_links(text: str) -> Iterator[Edit]:
    """The line ends between the brackets of a link, which converters write around a block."""
    for match in _SPLIT_LINK.finditer(text):
        yield from (Edit(*match.span(part)) for part in (1, 2) if match[part])


LINK_RULES: tuple[tuple[str, Rule], ...] = (
    ("link-card", outside_code(_cards)),
    ("split-link", outside_code(_split_links)),
    ("only-navigation", _only_links),
    ("table-of-contents", _contents),
    ("table-of-contents", _dot_leaders),
    ("table-of-contents", _listed_headings),
)
