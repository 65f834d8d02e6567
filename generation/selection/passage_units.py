"""What a passage is made of, as an answer can quote it: sentences, items, rows, formulas, listings, and what each needs.

A sentence that begins with "it" needs the one before it, a formula the sentence that announces it, "where d is ..." the formula,
an item the line that leads in its list. Quoted without them they are fragments. Nothing is understood here: lines and
punctuation decide, so that notes in any shape come out as something.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from generation.selection.passage_blocks import COLON_END, LIST_MARK, Block, Span, blocks_of, cells, plain, row_text
from generation.selection.sentence_form import (
    BROKEN_OFF,
    COUNTS_UP,
    EXPLAINS_FORMULA,
    MISCONCEPTION,
    NO_STATEMENT,
    ORDINAL,
    POINTS_BACK,
    REFERENCES,
    SHOWS,
    SIDE,
    TERMINAL,
    UNWRITTEN,
    labelled,
    without_connective,
)

Kind = Literal["sentence", "item", "row", "formula", "code", "lead", "heading"]

_JOINED = 160  # characters up to which clauses between semicolons, or a misconception and its correction, are one sentence
_SHORT_MISCONCEPTION = 60
_LABEL = 36  # characters up to which what a colon ends is a label
_QUOTES = "”’」』\"'"  # what may close behind a question that somebody asked
# How a list within running text begins and goes on.
_FIRST = re.compile(r"([:：])\s*(1[、)）．.]|[（(]1[)）]|①)")
_SECOND = re.compile(r"2[、)）．.]|[（(]2[)）]|②")
# What an exporter puts before a line that unfolds; the same mark is a bullet where nothing stands below it.
_TOGGLE = re.compile(r"[▸▶►]\s*")
_LONG_ITEM = 220  # characters: a longer item is quoted sentence by sentence


@dataclass(frozen=True, slots=True)
class Unit:
    """Something that an answer can quote; spans are those of the passage's text.

    Attributes:
        kind: "lead" announces what follows, "heading" is a line that titles it; both are quoted only with what they are about.
        start, end: its span.
        text: as it reads in an answer: without list mark, emphasis and leading connective.
        needs: number of the unit that has to stand before it, or None.
        lead: number of the lead or heading that its list or row stands under, or None; worth quoting with several of them.
        scope: the headings inside the passage above it.
        also: further spans that its text is taken from: the row that names a table's columns.
    """

    kind: Kind
    start: int
    end: int
    text: str
    needs: int | None = None
    lead: int | None = None
    scope: tuple[str, ...] = ()
    also: tuple[Span, ...] = ()

    @property
    def states(self) -> bool:
        """Whether it says something by itself or with what it needs."""
        return self.kind not in ("lead", "heading")


@lru_cache(maxsize=256)  # choosing asks for the units of a passage again and again
def units_of(text: str) -> tuple[Unit, ...]:
    """The units of a passage, in order; what states nothing, such as table rules and references, is not among them."""
    builder = _Builder(text)
    for block in blocks_of(text):
        builder.add(block)
    return tuple(replace(unit, kind="lead") if unit.states and BROKEN_OFF.search(unit.text) else unit for unit in builder.units)


def list_of(units: Sequence[Unit], number: int) -> tuple[int, ...]:
    """The numbers of the items or rows of one list, given that of one of them; of anything else itself alone.

    Items without a line that leads them in are a list as long as nothing stands between them.
    """
    unit = units[number]
    if unit.kind not in ("item", "row"):
        return (number,)
    if unit.lead is not None:
        return tuple(i for i, other in enumerate(units) if other.lead == unit.lead and other.states)

    def belongs(i: int) -> bool:
        return 0 <= i < len(units) and units[i].kind == unit.kind and units[i].lead is None and units[i].scope == unit.scope

    first = last = number
    while belongs(first - 1):
        first -= 1
    while belongs(last + 1):
        last += 1
    return tuple(range(first, last + 1))


class _Builder:
    """Collects units block by block, knowing which headings and leads it stands under."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.units: list[Unit] = []
        self.scope: tuple[str, ...] = ()
        self.lead: int | None = None  # what the block to come is announced by
        self.outer: int | None = None  # the lead of the list that an item with items of its own stands in
        self.above: list[tuple[int, int]] = []  # indentation and number of the items that the last one stands under, itself last

    def add(self, block: Block) -> None:
        if block.kind != "heading" and self.scope and REFERENCES.match(self.scope[-1]):
            return
        if block.kind != "item":
            self.above = []
        match block.kind:
            case "heading":
                self._heading(block)
            case "row":
                self._row(block)
            case "formula" | "code":
                self._display(block)
            case "item":
                self._item(block)
            case _:
                self._line(block)

    def _append(self, unit: Unit) -> int:
        self.units.append(unit)
        return len(self.units) - 1

    def _heading(self, block: Block) -> None:
        title = re.sub(r"^#{1,6}\s+", "", plain(self.text[block.start : block.end])).strip("*# ").rstrip(":： ")
        above = self.scope[:1] if SIDE.match(title) and not SIDE.match(self.scope[0] if self.scope else title) else ()
        self.lead = self._append(Unit("heading", block.start, block.end, title, scope=above)) if title else None
        self.scope = (*above, title)
        self.outer = None

    def _row(self, block: Block) -> None:
        assert block.header is not None  # noqa: S101 - rows without one are left out
        text = row_text(cells(self.text[slice(*block.header)]), cells(self.text[block.start : block.end]))
        self._append(Unit("row", block.start, block.end, text, lead=self.lead, scope=self.scope, also=(block.header,)))

    def _display(self, block: Block) -> None:
        """A formula ends the sentence that leads to it, or needs the one before it; a listing needs one that announces it."""
        before = self._before(block)
        text = self.text[block.start : block.end]
        if block.kind == "code":
            text = text if text.endswith("```") else f"{text}\n```"  # a passage may end within a listing
            needs = before if before is not None and self.units[before].kind == "lead" else None
            self._append(Unit("code", block.start, block.end, text, needs=needs, scope=self.scope))
        elif before is not None and self.units[before].kind != "code" and not TERMINAL.search(self.units[before].text):
            unit = self.units[before]
            self.units[before] = replace(unit, kind="formula", end=block.end, text=f"{unit.text}\n{text}")
        else:
            self._append(Unit("formula", block.start, block.end, text, needs=before, scope=self.scope))

    def _before(self, block: Block) -> int | None:
        """The unit right before a block, if nothing else stands between them."""
        last = len(self.units) - 1
        near = last >= 0 and self.units[last].kind != "heading" and not self.text[self.units[last].end : block.start].strip()
        return last if near else None

    def _item(self, block: Block) -> None:
        line = self.text[block.start : block.end]
        said = plain(line)
        if not said or UNWRITTEN.match(said) or (self.lead is not None and REFERENCES.match(self.units[self.lead].text)):
            return
        if self._ends_inner_list(said):
            self.lead = self.outer
        parent = self._parent(block)
        unfolds = bool(_TOGGLE.match(said)) and self._has_items(block)
        if COLON_END.search(line) or unfolds:
            nested = self.lead is not None and self._is_item(self.lead)
            self.outer = self.outer if nested else self.lead
            lead = self._unit("lead", block.start, block.end, lead=self.outer)
            self.lead = self._append(replace(lead, text=_TOGGLE.sub("", said, count=1)) if unfolds else lead)
        elif len(line) <= _LONG_ITEM:
            number = self._append(self._unit("item", block.start, block.end, needs=parent, lead=self.lead))
            self.above.append((self._indentation(block), number))
        else:
            self._sentences(block, "item", self.lead)

    def _has_items(self, block: Block) -> bool:
        """Whether the next line is indented more than an item."""
        below = re.match(r"\s*\n([ \t]*)\S", self.text[block.end :])
        return below is not None and len(below[1]) > self._indentation(block)

    def _indentation(self, block: Block) -> int:
        return block.start - self.text.rfind("\n", 0, block.start) - 1

    def _parent(self, block: Block) -> int | None:
        """The item that one stands under and goes on from, by its indentation; a line that leads in its list goes before."""
        while self.above and self.above[-1][0] >= self._indentation(block):
            self.above.pop()
        over = self.above[-1][1] if self.above else None
        return None if over is not None and self.lead is not None and self.lead > over else over

    def _ends_inner_list(self, item: str) -> bool:
        """Whether an item is no part of the list that the last item leads in.

        Scraping loses indentation: "- influence:", "- for small k ...", "- mechanism: picks ..." are told apart by their labels.
        """
        if self.lead is None or not self._is_item(self.lead):
            return False
        first = next((unit for unit in self.units[self.lead + 1 :] if unit.lead == self.lead), None)
        return first is not None and labelled(item) and not labelled(first.text)

    def _is_item(self, number: int) -> bool:
        unit = self.units[number]
        return bool(LIST_MARK.match(self.text[unit.start : unit.end]))

    def _line(self, block: Block) -> None:
        """Running text: sentence by sentence; what a colon ends announces the next block."""
        announced = self.lead if self.lead is not None and self._continues(block) else None
        line = self.text[block.start : block.end]
        if announced is not None and self._showed_a_picture(announced, block):
            announced = None
        if announced is not None and self._is_label(announced) and not COLON_END.search(line) and len(line) <= _LONG_ITEM:
            # "Retriever:" and on the next line what it does are one item of the list that the label stands in.
            label = self.units[announced]
            text = f"{label.text}{'' if label.text[-1] == '：' else ' '}{plain(line)}"
            self.units[announced] = replace(label, kind="item", end=block.end, text=text)
            self.lead = label.lead
        elif self._is_inner_lead(block, line):
            self.lead = self._append(self._unit("lead", block.start, block.end, lead=self.lead))
        else:
            self.lead = self.outer = None
            self._sentences(block, "sentence", announced)

    def _is_inner_lead(self, block: Block, line: str) -> bool:
        """Whether a short line with a colon at its end stands among the items of a list.

        Set off by a blank line where they are not, it opens another list ("limits:" after the items of "advantages:").
        """
        last = self.units[-1] if self.units else None
        if self.lead is None or last is None or last.lead != self.lead or not COLON_END.search(line) or len(line) > _LABEL:
            return False
        loose = self.text[self.units[self.lead].end : last.end].count("\n\n") > 1
        return loose or "\n\n" not in self.text[last.end : block.start]

    def _showed_a_picture(self, lead: int, block: Block) -> bool:
        """Whether a line that announces ("as follows:") stands apart from the line after it: cleaning took what it showed."""
        unit = self.units[lead]
        return bool(SHOWS.search(unit.text)) and "\n\n" in self.text[unit.end : block.start]

    def _is_label(self, number: int) -> bool:
        unit = self.units[number]
        return unit.kind == "lead" and len(unit.text) <= _LABEL and not re.search("[。，,]", unit.text)

    def _continues(self, block: Block) -> bool:
        """Whether the line is what the lead right before it announces."""
        assert self.lead is not None  # noqa: S101 - asked for by `_line` only
        lead = self.units[self.lead]
        return lead.kind == "lead" and not self.text[lead.end : block.start].strip()

    def _sentences(self, block: Block, kind: Kind, announced: int | None) -> None:
        previous = self._before(block) if kind == "sentence" else None
        counted: int | None = None
        spans = _joined(self.text, _enumerated(self.text, [span for span in block.spans if plain(self.text[slice(*span)])]))
        if not spans:
            return
        if kind == "sentence" and self._goes_on_after_formula(block, self.text[slice(*spans[0])]):
            unit = self.units[-1]
            said = plain(self.text[slice(*spans[0])])
            self.units[-1] = replace(unit, end=spans[0][1], text=f"{unit.text}\n{said}")
            previous, spans = len(self.units) - 1, spans[1:]
        for n, (start, end) in enumerate(spans):
            sentence = self.text[start:end]
            leads = bool(COLON_END.search(sentence))
            said = plain(sentence)
            asks = sentence.rstrip(_QUOTES).endswith(("?", "？"))
            if asks or UNWRITTEN.match(said) or (NO_STATEMENT.match(said) and not leads):
                previous = None
                continue
            goes_on = n > 0 and self.text[spans[n - 1][1] - 1] in "；;"  # a clause of a sentence too long to quote whole
            needs = previous if goes_on else self._pointed_at(sentence, previous)
            if n == len(spans) - 1 and leads:
                self.lead = self._append(self._unit("lead", start, end, needs=needs, lead=announced))
                return
            following = self.text[slice(*spans[n + 1])] if n + 1 < len(spans) else ""
            if (COUNTS_UP.match(sentence) and ORDINAL.match(following)) or (leads and LIST_MARK.match(following)):
                previous = counted = self._append(self._unit("lead", start, end, needs=needs))
                continue
            if needs is None and n == 0 and kind == "sentence" and announced is not None and self.units[announced].kind == "lead":
                needs = announced
            listed = counted is not None and bool(ORDINAL.match(sentence) or LIST_MARK.match(sentence))
            lead = counted if listed else announced if kind == "item" else None
            previous = self._append(self._unit("item" if listed else kind, start, end, needs=needs, lead=lead))

    def _goes_on_after_formula(self, block: Block, sentence: str) -> bool:
        """Whether a line explains the formula right before it, or goes on with its sentence."""
        last = self._before(block)
        return last is not None and self.units[last].kind == "formula" and bool(EXPLAINS_FORMULA.match(sentence))

    def _pointed_at(self, sentence: str, previous: int | None) -> int | None:
        return previous if previous is not None and POINTS_BACK.match(plain(sentence)) else None

    def _unit(self, kind: Kind, start: int, end: int, *, needs: int | None = None, lead: int | None = None) -> Unit:
        text = plain(self.text[start:end])
        if kind in ("sentence", "item") and needs is None:
            text = without_connective(text)
        if text[-1:] in "；;" and kind != "lead":
            text = f"{text[:-1]}{'。' if text[-1] == '；' else '.'}"
        return Unit(kind, start, end, text, needs, lead, self.scope)


def _enumerated(text: str, spans: Sequence[Span]) -> list[Span]:
    """Sentences with the one that leads in a list in running text cut where the list begins: "分两步：1、量化。2、补偿。"."""
    found: list[Span] = []
    for n, (start, end) in enumerate(spans):
        first = _FIRST.search(text, start, end)
        if first and n + 1 < len(spans) and _SECOND.match(text, spans[n + 1][0]):
            found += [(start, first.end(1)), (first.start(2), end)]
        else:
            found.append((start, end))
    return found


def _joined(text: str, spans: Sequence[Span]) -> list[Span]:
    """Sentences that only together say something: clauses that a semicolon ends, a misconception and its correction."""
    joined: list[Span] = []
    for start, end in spans:
        if joined:
            last = plain(text[slice(*joined[-1])])
            open_ended = last[-1] in "；;" or (MISCONCEPTION.match(last) and len(last) < _SHORT_MISCONCEPTION)
            if open_ended and end - joined[-1][0] <= _JOINED:
                joined[-1] = (joined[-1][0], end)
                continue
        joined.append((start, end))
    return joined
