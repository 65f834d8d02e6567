"""Chosen units as the lines of an answer: in order, with what each needs, lists with what leads them in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from corpus.documents import Chunk
from corpus.language import detect_language
from corpus.sentences import sentence_spans
from generation.selection.evidence_reading import Place
from generation.selection.passage_blocks import plain
from generation.selection.passage_units import Unit, units_of
from generation.selection.question_kind import aspects
from generation.selection.sentence_form import labelled
from generation.verify import overlap
from retrieval.analysis import concepts, fold, terms
from retrieval.query import subjects_of

_BUILT_UP = frozenset({"definition", "comparison", "reason", "manner"})
_IN_ORDER = frozenset({"steps", "listing", "derivation", "code"})
_STANDS_OUT = 0.1  # logits that the best line is ahead of the first to be moved before it
_STANDS_FAR_OUT = 2.5
_OPENING = 300  # characters of a passage that are shown when nothing in it can be picked
_TITLE = 32  # characters of a title that may stand before an item
_PART_TITLE = 48
_TITLES_OF_A_PART = 2  # a path and at least two titles
# What a title, and the question that it answers, call the parts of something; folded text.
_PARTS = (
    re.compile(r"阶段|步骤|流程|过程|[几两三四五六七八]步|\b(?:stage|step|phase)s?\b|\bpipeline\b"),
    re.compile(
        r"类型|分类|种类|方法|方式|策略|技术|算法|[几两三四五六七八][类种]|\b(?:type|kind|method|technique|strateg|approach|way)(?:s|es|ies)?\b"
    ),
    re.compile(r"组成|部分|组件|模块|构成|结构|\b(?:part|component|module)s?\b"),
    re.compile(r"优点|缺点|优缺点|局限|不足|问题|挑战|\b(?:advantage|drawback|disadvantage|limitation|problem|challenge)s?\b"),
)
_NAMED = 0.5  # share of a title's terms in question or item from which on the title need not be told
CHAIN = 2  # sentences that are fetched for one that points back
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
    r"(?:\d{1,2}(?:(?:\.\d{1,2})+\.?\s+|[.、．)）]\s*)|[（(][一二三四五六七八九十\d]{1,3}[)）]\s*|[一二三四五六七八九十]{1,3}[、.．]\s*)(?=\S)"
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
_GAP = 3  # units between two chosen ones
_GAP_LENGTH = 260  # their characters, Chinese ones twice


@dataclass(frozen=True, slots=True)
class EvidenceSentence:
    """A line of evidence.

    Attributes:
        chunk: where it stands.
        start, end: its span in the chunk's text.
        text: as it reads in an answer.
        score: how well it answers the question, in logits; that of the unit it serves for one that only leads in another.
        stated: the words of `text` that stand in the notes, without the title put before them.
        also: further spans that they stand in, such as the row that names a table's columns.
        listed: whether it is a line of a list, or leads in one.
        follows: whether it needs the line before it.
    """

    chunk: Chunk
    start: int
    end: int
    text: str
    score: float
    stated: str
    also: tuple[tuple[int, int], ...] = ()
    listed: bool = False
    follows: bool = False


@dataclass(frozen=True, slots=True)
class Chosen:
    """A unit that was chosen, with its score in logits."""

    place: Place
    score: float


def section_of(place: Place) -> tuple[str, ...]:
    """The path and headings of a place."""
    return (place.hit.chunk.path, *place.hit.chunk.heading)


def is_chinese(text: str, chunk: Chunk) -> bool:
    """Whether a piece of a passage is told in Chinese: by its words, or by those around it."""
    return detect_language(text).startswith("zh") or chunk.language.startswith("zh")


def opening_of(chunk: Chunk) -> tuple[EvidenceSentence, ...]:
    """The first sentences of a chunk as they stand, for one that no unit states anything in by itself."""
    spans = [(start, end) for start, end in sentence_spans(chunk.text) if end <= _OPENING] or list(sentence_spans(chunk.text)[:1])
    texts = [(start, end, plain(chunk.text[start:end])) for start, end in spans]
    return tuple(EvidenceSentence(chunk, start, end, text, 0.0, text) for start, end, text in texts if terms(text))


def is_part(section: tuple[str, ...], question: str) -> bool:
    """Whether the title above that of a section says what is asked, so that the section is one part of the answer."""
    if len(section) <= _TITLES_OF_A_PART:
        return False
    subjects, title = set(subjects_of(question)), section[-2]
    asked = any(word.search(fold(question)) and word.search(fold(title)) for word in _PARTS)
    return bool(subjects) and subjects <= set(concepts(" ".join(section[1:-1]))) and asked


def arranged(chosen: Sequence[Chosen], question: str) -> tuple[EvidenceSentence, ...]:
    """Sections by their best unit, each in its author's order, with what the units need; a fact that stands out goes first.

    Sections that are the parts of what is asked stay together, in their author's order, each under its title.
    """
    sections: dict[tuple[str, ...], list[Chosen]] = {}
    for item in sorted(chosen, key=lambda item: -item.score):
        sections.setdefault(section_of(item.place), []).append(item)
    by_parts = bool(aspects(question) & {"listing", "steps"})
    together: dict[tuple[str, ...], list[list[Chosen]]] = {}
    for section, group in sections.items():
        together.setdefault(section[:-1] if by_parts and is_part(section, question) else section, []).append(group)
    lines: list[EvidenceSentence] = []
    for groups in together.values():
        for group in sorted(groups, key=lambda group: min(item.place.hit.chunk.ordinal for item in group)):
            told = _section_lines(group, question, titled=len(sections) > 1)
            lines += _under_title(told, group[0].place.hit.chunk) if len(groups) > 1 else told
    return _answer_first(lines, question)


def _section_lines(group: Sequence[Chosen], question: str, *, titled: bool) -> list[EvidenceSentence]:
    by_chunk: dict[int, list[Chosen]] = {}
    for item in group:
        by_chunk.setdefault(item.place.hit.chunk.ordinal, []).append(item)
    return [line for _, items in sorted(by_chunk.items()) for line in _lines(items, question, titled=titled)]


def _under_title(lines: Sequence[EvidenceSentence], chunk: Chunk) -> list[EvidenceSentence]:
    """The lines of a section, the title of the section before the first."""
    title = unnumbered(chunk.heading[-1])
    if _is_vague(title) or len(title) > _PART_TITLE or overlap(title, lines[0].text) >= _NAMED:
        return list(lines)
    colon = "：" if chunk.language.startswith("zh") else ": "
    return [replace(lines[0], text=f"{title}{colon}{lines[0].text}"), *lines[1:]]


def _answer_first(lines: Iterable[EvidenceSentence], question: str) -> tuple[EvidenceSentence, ...]:
    """The lines of an answer, the listing first where code is asked for, otherwise the best line if it stands out.

    What an author builds up (a reason, a comparison) is only turned around for one that stands out far, and steps never.
    """
    found = tuple(lines)
    wants = aspects(question)
    listings = [i for i, line in enumerate(found) if line.stated.startswith("```")] if "code" in wants else []
    if not found or (wants & _IN_ORDER and not listings):
        return found
    best = listings[0] if listings else max(range(len(found)), key=lambda i: found[i].score)
    ahead = found[best].score - found[0].score
    if not listings and (found[best].listed or ahead < (_STANDS_FAR_OUT if wants & _BUILT_UP else _STANDS_OUT)):
        return found
    first = last = best
    while first > 0 and found[first].follows:
        first -= 1
    while last + 1 < len(found) and found[last + 1].follows:
        last += 1
    return (*found[first : last + 1], *found[:first], *found[last + 1 :])


def _lines(items: Sequence[Chosen], question: str, *, titled: bool) -> Iterator[EvidenceSentence]:
    """The chosen units of one chunk with what they need, in order."""
    chunk = items[0].place.hit.chunk
    units = units_of(chunk.text)
    scores = {item.place.number: item.score for item in items}
    for number in list(scores):
        needed = units[number].needs
        for _ in range(CHAIN):
            if needed is None or needed in scores:
                break
            scores[needed] = scores[number]
            needed = units[needed].needs
    scores |= _between(sorted(scores), units, chunk.text, scores)
    led: dict[int, list[int]] = {}
    for number in scores:
        if (lead := units[number].lead) is not None:
            led.setdefault(lead, []).append(number)
    shown = {
        lead
        for lead, numbers in led.items()
        if _lead_text(units[lead], len(numbers)) and (len(numbers) > 1 or _is_condition(units[lead], units[numbers[0]]))
    }
    parts = _numbered_parts(units[number] for number in scores)
    for lead in shown:
        scores.setdefault(lead, max(scores[number] for number in led[lead]))
    colon, dash = ("：", "——") if chunk.language.startswith("zh") else (": ", " — ")
    titles: set[str] = set()
    for number in sorted(scores):
        unit = units[number]
        title = "" if unit.lead in shown else _title(unit, units, chunk, question, titled=titled)
        if title:
            mark = dash if unit.kind == "item" and labelled(unit.text) else colon
            title, known = ("" if title in titles else f"{title}{mark}"), title
            titles.add(known)
        if number in shown:
            text = _above_items(unit, len(led[number]), colon)
        else:
            text = f"- {unit.text}" if unit.lead in shown else f"{title}{unit.text}"
        if not title and unit.kind != "heading" and unit.scope in parts:
            text = f"{_part_title(unit, question)}{text}"
            parts.discard(unit.scope)
        listed = number in shown or unit.lead in shown
        yield EvidenceSentence(
            chunk, unit.start, unit.end, text, scores[number], unit.text, unit.also, listed, unit.needs is not None
        )


def _between(numbers: Sequence[int], units: Sequence[Unit], text: str, scores: Mapping[int, float]) -> dict[int, float]:
    """The few sentences between two chosen ones of a paragraph, with scores: without them the thread is lost."""
    found: dict[int, float] = {}
    for first, last in pairwise(numbers):
        run = units[first : last + 1]
        gap = text[units[first].end : units[last].start]
        told = all(unit.kind in ("sentence", "formula") and unit.scope == run[0].scope for unit in run)
        length = len(gap) + len(_HAN.findall(gap))
        if told and len(run) <= _GAP + 2 and length <= _GAP_LENGTH and ("\n\n" not in gap or "$$" in gap):
            found |= dict.fromkeys(range(first + 1, last), min(scores[first], scores[last]))
    return found


def _is_condition(lead: Unit, item: Unit) -> bool:
    """Whether a line says on what condition the one item below it holds, or of what, and is too long to be its title."""
    bare = lead.text.rstrip(":： ")
    counts = _COUNT.search(bare) or labelled(item.text)
    return lead.kind == "lead" and not counts and not _SAYS_NOTHING.fullmatch(lead.text) and len(bare) > _TITLE


def _above_items(unit: Unit, items: int, colon: str) -> str:
    """A lead or a heading as it stands above the items that are shown."""
    if unit.kind == "lead" and unit.scope and _SAYS_NOTHING.fullmatch(unit.text):
        return f"{unnumbered(unit.scope[-1])}{colon.strip()}"
    if unit.kind == "heading":
        return f"{' '.join(map(unnumbered, (*unit.scope, unit.text)))}{colon.strip()}"
    return _lead_text(unit, items)


def _lead_text(unit: Unit, items: int) -> str:
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


def _numbered_parts(units: Iterable[Unit]) -> set[tuple[str, ...]]:
    """The numbered titles inside a passage that some units stand under, if there are several: each opens a part of the answer."""
    found = {unit.scope for unit in units if unit.states and unit.scope and _NUMBERING.match(unit.scope[-1])}
    return found if len(found) > 1 else set()


def _part_title(unit: Unit, question: str) -> str:
    title = unnumbered(unit.scope[-1])
    if _is_vague(title) or len(title) > _TITLE or overlap(title, f"{unit.text} {question}") >= _NAMED:
        return ""
    return f"{title}{'：' if _HAN.search(title) else ': '}"


def _title(unit: Unit, units: Sequence[Unit], chunk: Chunk, question: str, *, titled: bool) -> str:
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
        asked = labelled(unit.text) and max(overlap(name, question), overlap(question, name)) >= _NAMED
        titles = (bare,) if not asked and len(bare) <= _TITLE and not _SENTENCE.search(bare) else ()
    else:
        titles = unit.scope or (chunk.heading[1:][-1:] if titled or _PHRASE.fullmatch(unit.text) else ())
    titles = tuple(unnumbered(title) for title in titles)
    known = f"{unit.text} {question}"
    told = [title for title in titles if title and not _is_vague(title) and overlap(title, known) < _NAMED]
    return " ".join(told) if len(" ".join(told)) <= _TITLE else ""


def unnumbered(title: str) -> str:
    """A title without the number that only its page has a use for: `2.1 GPTQ` becomes `GPTQ`."""
    return _NUMBERING.sub("", title, count=1)


def _is_vague(title: str) -> bool:
    return bool(re.search(r"[?？]$", title) or _GENERAL.match(title))
