"""Titles, labels and lines that lead in lists, as they stand in an answer: told where nothing else names the subject."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from corpus.documents import Chunk
from generation.selection.passage_units import Unit
from generation.selection.sentence_form import labelled
from generation.verify import overlap
from retrieval.analysis import concepts

NAMED = 0.5  # share of a title's terms in question or item from which on the title need not be told
_TITLE = 32  # characters of a title that may stand before an item
# What a line with a colon at its end says if it is more than a label.
_SENTENCE = re.compile(
    r"[。.，,]|以下|如下|[有含]|包括|分[为為成]|是|来自|來自|[两兩二三四五六][个個点點种種]|following|\b(?:are|is|has|have|include)\b"
)
_MEASURE = r"(?:个|個|点|點|种|種|方面|步|次|条|條|类|類|项|項|部分)"
_COUNT = re.compile(rf"([两兩二三四五六七八九])\s*{_MEASURE}|\b(two|three|four|five|six|seven|eight|nine)\b")
_COUNT_END = re.compile(
    r"(?:主要|大致|通常|一般)?(?:可以?)?(?:[有含]|分[为為成]?|包括|归纳为|歸納為|概括为|概括為|总结为|總結為)?(?:以下|如下)?"
    rf"\s*[两兩二三四五六七八九]\s*{_MEASURE}([^，,。]{{0,4}})$"
)
_CASES = frozenset({"情况", "情況", "情形", "场景", "場景"})  # what is counted and says nothing of what it is about
_NUMERALS = {numeral: n for n, group in enumerate(("两兩二", "三", "四", "五", "六", "七", "八", "九"), 2) for numeral in group}
_NUMERALS |= {word: n for n, word in enumerate("two three four five six seven eight nine".split(), 2)}
_SAYS_NOTHING = re.compile(
    r"(?:具体来说|具體來說|具体而言|具體而言|具体如下|具體如下|主要有|如下|包括|其中|Specifically|In particular)[，,:：\s]*"
)
_HAN = re.compile(r"[\u4e00-\u9fff]")
_NUMBERING = re.compile(
    r"^(?:[QqAa]?\d{1,2}(?:(?:\.\d{1,2})+\.?\s+|[.、．)）]\s*)|[Qq]\d{1,2}\s*[:：]\s*|[（(][一二三四五六七八九十\d]{1,3}[)）]\s*|[一二三四五六七八九十]{1,3}[、.．]\s*)(?=\S)"
)
_GENERAL = re.compile(
    r"(?:对比|對比|总结|總結|概述|概念|简介|簡介|介绍|介紹|小结|小結|示例|背景|定义|定義|主要区别|主要區別|结论|結論|具体|具體|例如|比如)"
    r"|(?:Overview|Summary|Introduction|Conclusion|Notes?|Background|Definition|Examples?|Specifically)$"
)


# What a section begins with if its title names what it is about, and a formula that only its title tells apart from others.
_TITLE_GOES_ON = re.compile(
    r"它|其(?!他|它|余|餘|实|實|次|中)|该|該|此(?!外)|这(?!里|裡)|這(?!裡|里)|(?:It|Its|They|This|These)\b"
    r"|(?:公式|定义|定義|示例|例子|[Ff]ormula|[Dd]efinition|[Ee]xample)s?\s*[:：]"
)
_PHRASE = re.compile(r"[^，,。.；;：:！!？?]{1,60}")  # an item that is no sentence


def is_condition(lead: Unit, item: Unit) -> bool:
    """Whether a line says on what condition the one item below it holds, or of what, and is too long to be its title."""
    bare = lead.text.rstrip(":： ")
    counts = _COUNT.search(bare) or labelled(item.text)
    return lead.kind == "lead" and not counts and not _SAYS_NOTHING.fullmatch(lead.text) and len(bare) > _TITLE


def above_items(unit: Unit, items: int, colon: str) -> str:
    """A lead or a heading as it stands above the items that are shown."""
    if unit.kind == "lead" and unit.scope and _SAYS_NOTHING.fullmatch(unit.text):
        return f"{unnumbered(unit.scope[-1])}{colon.strip()}"
    if unit.kind == "heading":
        return f"{' '.join(map(unnumbered, (*unit.scope, unit.text)))}{colon.strip()}"
    return lead_text(unit, items)


def lead_text(unit: Unit, items: int) -> str:
    """A line as it can stand above so many items in an answer; "" if it cannot.

    A heading that asks something or says nothing cannot; one that counts more than are shown ("the cases for RAG are three:")
    only without its count.
    """
    counted = _COUNT.search(unit.text)
    if counted and _NUMERALS[counted[1] or counted[2]] > items:
        uncounted = _uncounted(unit.text)
        return f"{uncounted}{unit.text[-1]}" if uncounted else ""
    return unit.text if unit.kind == "lead" or not (re.search(r"[?？]$", unit.text) or _GENERAL.match(unit.text)) else ""


def _uncounted(lead: str) -> str:
    """A lead without colon and count; "" if more than a label is left.

    "适合 RAG 的场景有四类：" becomes "适合 RAG 的场景", "RAFT 有三个要点：" becomes "RAFT 的要点".
    """
    counted = _COUNT_END.search(lead.rstrip(":： "))
    if not counted:
        return ""
    bare, noun = lead[: counted.start()].rstrip(), counted[1].strip()
    if noun and noun not in _CASES:
        bare = f"{bare}{' ' if bare[-1:].isascii() else ''}的{noun}" if bare else noun
    return bare if len(bare) <= _TITLE and not _SENTENCE.search(bare) else ""


def numbered_parts(units: Iterable[Unit]) -> set[tuple[str, ...]]:
    """The numbered titles inside a passage that some units stand under, if there are several: each opens a part of the answer."""
    found = {unit.scope for unit in units if unit.states and unit.scope and _NUMBERING.match(unit.scope[-1])}
    return found if len(found) > 1 else set()


def part_title(unit: Unit, question: str) -> str:
    """The title before the first unit of a numbered part, with its colon; "" if question or unit say as much."""
    title = unnumbered(unit.scope[-1])
    if is_vague(title) or len(title) > _TITLE or overlap(title, f"{unit.text} {question}") >= NAMED:
        return ""
    return f"{title}{'：' if _HAN.search(title) else ': '}"


def title_of(unit: Unit, units: Sequence[Unit], chunk: Chunk, question: str, *, titled: bool) -> str:
    """What names the subject of an item that stands alone, such as "GPT-2 (2019)", if neither it nor the question does.

    The title of its section does too for a first sentence that goes on from it: "It ...".
    """
    label = units[unit.lead] if unit.lead is not None else None
    if unit.kind not in ("item", "row"):
        goes_on = unit.states and unit.needs is None and label is None and _TITLE_GOES_ON.match(unit.text)
        titles: tuple[str, ...] = (unit.scope or chunk.heading)[-1:] if goes_on else ()
    elif label is not None and label.kind == "lead":
        bare = _uncounted(label.text) or label.text.rstrip(":： ")
        name = re.split("[:：]", unit.text, maxsplit=1)[0]
        asked = labelled(unit.text) and max(overlap(name, question), overlap(question, name)) >= NAMED
        titles = (bare,) if not asked and len(bare) <= _TITLE and not _SENTENCE.search(bare) else ()
    elif unit.kind == "row" and concepts(re.split("——| — ", unit.text, maxsplit=1)[0]):
        titles = ()  # its first cell names the subject, and the table may stand below a title that is about one of several
    else:
        titles = unit.scope or (chunk.heading[1:][-1:] if titled or _PHRASE.fullmatch(unit.text) else ())
    titles = tuple(unnumbered(title) for title in titles)
    known = f"{unit.text} {question}"
    told = [title for title in titles if title and not is_vague(title) and overlap(title, known) < NAMED]
    return " ".join(told) if len(" ".join(told)) <= _TITLE else ""


def unnumbered(title: str) -> str:
    """A title without the number that only its page has a use for: `2.1 GPTQ` becomes `GPTQ`."""
    return _NUMBERING.sub("", title, count=1)


def is_vague(title: str) -> bool:
    """Whether a title names nothing by itself: "Summary", or a question."""
    return bool(re.search(r"[?？]$", title) or _GENERAL.match(title))


def is_general(title: str) -> bool:
    """Whether a title would do for any section: "Summary"."""
    return bool(_GENERAL.fullmatch(title))
