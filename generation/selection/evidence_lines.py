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
from generation.selection.sentence_form import POINTS_BACK, labelled
from generation.selection.titles import (
    NAMED,
    above_items,
    is_condition,
    is_vague,
    lead_text,
    numbered_parts,
    part_title,
    title_of,
    unnumbered,
)
from generation.verify import overlap
from retrieval.analysis import concepts, fold, terms
from retrieval.query import subjects_of

_BUILT_UP = frozenset({"definition", "comparison", "reason", "manner"})
_IN_ORDER = frozenset({"steps", "listing", "derivation", "code"})
_STANDS_OUT = 0.1  # logits that the best line is ahead of the first to be moved before it
_STANDS_FAR_OUT = 2.5
_OPENING = 300  # characters of a passage that are shown when nothing in it can be picked
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
CHAIN = 2  # sentences that are fetched for one that points back
_HAN = re.compile(r"[\u4e00-\u9fff]")
_GAP = 3  # units between two chosen ones
_GAP_LENGTH = 260  # their characters, Chinese ones twice
_NEAREST_ITEMS = 4  # of a list, in a refusal in doubt


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
        scope: titles inside the chunk that it stands under.
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
    scope: tuple[str, ...] = ()


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


def nearest_of(lines: Sequence[EvidenceSentence]) -> Sequence[EvidenceSentence]:
    """The best line, after those that it needs, and before the first items of the list that it leads in; nothing of nothing."""
    if not lines:
        return ()
    best = max(range(len(lines)), key=lambda i: lines[i].score)
    end = best + 1
    if lines[best].text.endswith((":", "：")):
        while end < min(len(lines), best + 1 + _NEAREST_ITEMS) and lines[end].listed:
            end += 1
    return lines[_led_up_to(lines, best) : end]


def _led_up_to(lines: Sequence[EvidenceSentence], at: int) -> int:
    """Where the lines begin that a line needs before it, itself if none."""
    while at and lines[at].follows:
        at -= 1
    return at


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


def arranged(chosen: Sequence[Chosen], question: str, passages: Iterable[Chunk] = ()) -> tuple[EvidenceSentence, ...]:
    """Sections by their best unit, each in its author's order, with what the units need; a fact that stands out goes first.

    Sections that are the parts of what is asked stay together, in their author's order, each under its title.

    Args:
        chosen: the units.
        question: as it was asked.
        passages: where to look for the sentence that the first of a passage points back to.
    """
    before = {(chunk.path, chunk.ordinal + 1): chunk for chunk in passages}
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
            told = _section_lines(group, question, before, titled=len(sections) > 1)
            lines += _under_title(told, group[0].place.hit.chunk) if len(groups) > 1 else told
    return _answer_first(lines, question)


def _section_lines(
    group: Sequence[Chosen], question: str, before: Mapping[tuple[str, int], Chunk], *, titled: bool
) -> list[EvidenceSentence]:
    by_chunk: dict[int, list[Chosen]] = {}
    for item in group:
        by_chunk.setdefault(item.place.hit.chunk.ordinal, []).append(item)
    found: list[EvidenceSentence] = []
    for _, items in sorted(by_chunk.items()):
        first, *rest = _lines(items, question, titled=titled)
        led = _pointed_back_to(first, before)
        if led and not (found and (found[-1].chunk, found[-1].end) == (led.chunk, led.end)):
            found.append(led)
        found += [replace(first, follows=True) if led else first, *rest]
    return found


def _pointed_back_to(line: EvidenceSentence, before: Mapping[tuple[str, int], Chunk]) -> EvidenceSentence | None:
    """The last sentence of the passage before, which the first one of a passage points back to."""
    chunk = before.get((line.chunk.path, line.chunk.ordinal))
    opens = not line.listed and not line.chunk.text[: line.start].strip() and POINTS_BACK.match(line.stated)
    if not opens or chunk is None or chunk.heading != line.chunk.heading:
        return None
    for last in units_of(chunk.text)[-1:]:
        if last.kind == "sentence" and last.states:
            return EvidenceSentence(chunk, last.start, last.end, last.text, line.score, last.text)
    return None


def _under_title(lines: Sequence[EvidenceSentence], chunk: Chunk) -> list[EvidenceSentence]:
    """The lines of a section, the title of the section before the first."""
    title = unnumbered(chunk.heading[-1])
    if is_vague(title) or len(title) > _PART_TITLE or overlap(title, lines[0].text) >= NAMED:
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
    first, last = _led_up_to(found, best), best
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
        if lead_text(units[lead], len(numbers)) and (len(numbers) > 1 or is_condition(units[lead], units[numbers[0]]))
    }
    parts = numbered_parts(units[number] for number in scores)
    for lead in shown:
        scores.setdefault(lead, max(scores[number] for number in led[lead]))
    colon, dash = ("：", "——") if chunk.language.startswith("zh") else (": ", " — ")
    titles: set[str] = set()
    for number in sorted(scores):
        unit = units[number]
        name = "" if unit.lead in shown else title_of(unit, units, chunk, question, titled=titled)
        mark = dash if unit.kind == "item" and labelled(unit.text) else colon
        title = f"{name}{mark}" if name and name not in titles else ""
        titles.add(name)
        if number in shown:
            text = above_items(unit, len(led[number]), colon)
        else:
            text = f"- {unit.text}" if unit.lead in shown else f"{title}{unit.text}"
        if not title and unit.kind != "heading" and unit.scope in parts:
            text = f"{part_title(unit, question)}{text}"
            parts.discard(unit.scope)
        listed = number in shown or unit.lead in shown
        yield EvidenceSentence(
            chunk, unit.start, unit.end, text, scores[number], unit.text, unit.also, listed, unit.needs is not None, unit.scope
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
