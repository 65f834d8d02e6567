"""Passages for retrieval: chunks follow the sections and fit the token budget of the embedding model.

An answer is best found in one piece, so the small subsections of a question are kept together while they fit; a section
that does not fit is cut between its sentences. Only an unit that alone is over the budget is cut inside. Questions without
answers are what an interview left behind: their headings are text, a run of them a list.
"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from corpus.documents import Chunk, Document, Section
from corpus.language import detect_language
from ingest.chunk_units import CountTokens, Span, cut, trimmed, units
from ingest.parsing.plain import says_nothing

# Beside the answers to questions, only scraps are joined: two definitions under one chapter are better found one by
# one.
_SCRAP_TOKENS = 60
# Joined pieces have a few tokens more or fewer than their sum, for what stands between them.
_SURE = 0.85


class _Part(NamedTuple):
    """A section with the clean offset at which its heading line begins."""

    section: Section
    lead: int


class _Passage(NamedTuple):
    """A span to become a chunk.

    Attributes:
        heading: the headings above all of it.
        start, end: its clean span.
        lead: where its heading line begins.
        whole: whether it holds sections, none of them cut.
        question: whether its own heading asks something.
        bare: how many headings with nothing below them it is made of, 0 if it holds any text.
    """

    heading: tuple[str, ...]
    start: int
    end: int
    lead: int
    whole: bool
    question: bool
    bare: int = 0

    @property
    def empty(self) -> bool:
        """Whether it says nothing: no text of its own, or headings alone."""
        return self.start == self.end or self.bare > 0


def chunk(
    document: Document,
    sections: tuple[Section, ...],
    *,
    count_tokens: CountTokens,
    budget: int = 320,
) -> tuple[Chunk, ...]:
    """Cut a document into chunks.

    Args:
        document: the cleaned document.
        sections: its sections, as `parse` returns them.
        count_tokens: length of a text in tokens of the embedding model.
        budget: most tokens of a chunk's text, its headings not counted.

    Returns:
        Chunks in order. Together they hold the bodies of all sections, each character once, and the headings of questions
        without an answer; a lone heading that asks nothing, with nothing below it, is left out.
    """
    packer = _Packer(document.text, count_tokens, budget)
    passages = packer.pack(_with_leads(document.text, sections), 0, merge=False)
    seen: Counter[tuple[tuple[str, ...], str]] = Counter()
    chunks: list[Chunk] = []
    for passage in passages:
        start, end = trimmed(document.text, passage.start, passage.end)
        if start == end or (passage.bare == 1 and not passage.question):
            continue
        text = document.text[start:end]
        first, last = document.source_map.span(start, end)
        chunks.append(
            Chunk(
                path=document.raw.path,
                ordinal=len(chunks),
                heading=passage.heading,
                text=text,
                start=first,
                end=last,
                source_map=document.source_map.slice(start, end),
                language=detect_language(text),
                tokens=count_tokens(text),
                page=document.raw.page_at(first),
                repeat=seen[passage.heading, text],
            )
        )
        seen[passage.heading, text] += 1
    return tuple(chunks)


def _with_leads(text: str, sections: tuple[Section, ...]) -> list[_Part]:
    parts, end = [], 0
    for section in sections:
        lead = end + len(text[end:]) - len(text[end:].lstrip())
        parts.append(_Part(section, min(lead, section.start)))
        end = section.end
    return parts


class _Packer:
    def __init__(self, text: str, count_tokens: CountTokens, budget: int) -> None:
        self._text = text
        self._count = count_tokens
        self._budget = budget

    def pack(self, parts: list[_Part], depth: int, *, merge: bool) -> list[_Passage]:
        """Passages of a run of sections that share their first `depth` headings.

        Args:
            parts: the sections, in order.
            depth: how many headings they have in common.
            merge: whether they belong to the answer of one question.
        """
        if not parts:
            return []
        head = parts[0].section
        own = len(head.heading) <= depth
        merge = merge or (own and head.is_question)
        if own and len(parts) == 1 and head.heading and self._is_bare(head):
            return self._bare(parts[0])
        passages = self._split(parts[0]) if own else []
        for group in _children(parts[1:] if own else parts, depth):
            for passage in self.pack(group, depth + 1, merge=merge):
                self._add(passages, passage, merge=merge, depth=depth)
        return passages

    def _add(self, passages: list[_Passage], new: _Passage, *, merge: bool, depth: int) -> None:
        """Append a passage, or join it to the last one."""
        last = passages[-1] if passages else None
        if last is None or not (last.whole and new.whole) or not self._may_join(last, new, merge=merge):
            passages.append(new)
            return
        start = last.start if len(last.heading) <= depth else last.lead
        bare = last.bare + new.bare if last.bare and new.bare else 0
        question = last.question or (bool(bare) and new.question)
        passages[-1] = _Passage(_common(last.heading, new.heading), start, new.end, last.lead, True, question, bare)

    def _may_join(self, last: _Passage, new: _Passage, *, merge: bool) -> bool:
        """Whether two passages belong together: parts of one answer, or scraps; a question with an answer stands alone."""
        if last.bare and new.bare and not merge:
            return last.heading == new.heading and self._fits(last.start, new.end)
        empty = last.empty or new.empty
        if not merge and (empty or last.question or new.question):
            return False
        if not empty and (not merge or new.question):
            return self._is_scrap(new) and (merge or self._is_scrap(last)) and self._fits(last.lead, new.end)
        return self._fits(last.lead, new.end)

    def _is_scrap(self, passage: _Passage) -> bool:
        return self._tokens(passage.start, passage.end) <= _SCRAP_TOKENS

    def _split(self, part: _Part) -> list[_Passage]:
        """The body of one section as passages."""
        section = part.section
        if self._fits(section.start, section.end):
            return [_Passage(section.heading, section.start, section.end, part.lead, True, section.is_question)]
        spans = self._fill([piece for unit in units(self._text, section.start, section.end) for piece in self._pieces(unit)])
        return [_Passage(section.heading, start, end, start, False, False) for start, end in spans]

    def _is_bare(self, section: Section) -> bool:
        body = self._text[section.start : section.end]
        return not body.strip() or (section.is_question and says_nothing(body))

    def _bare(self, part: _Part) -> list[_Passage]:
        """The heading of a section with nothing below it, as text under the headings above."""
        section = part.section
        start, end = trimmed(self._text, part.lead, section.end)
        line = _Part(Section(section.heading[:-1], start, end, section.is_question), part.lead)
        return [passage._replace(bare=1) for passage in self._split(line)]

    def _pieces(self, unit: Span) -> list[Span]:
        return [unit] if self._fits(*unit) else list(cut(self._text, *unit, self._count, self._budget))

    def _fill(self, pieces: list[Span]) -> list[Span]:
        """Join pieces into spans of about equal length within the budget."""
        lengths = [self._tokens(*piece) for piece in pieces]
        rest = sum(lengths)
        spans: list[Span] = []
        used = target = self._budget
        for piece, length in zip(pieces, lengths, strict=True):
            if used < target and self._has_room(spans[-1][0], piece[1], used + length):
                spans[-1] = (spans[-1][0], piece[1])
                used += length
            else:
                target = rest // max(1, -(-rest // self._budget))
                spans.append(piece)
                used = length
            rest -= length
        return spans

    def _has_room(self, start: int, end: int, estimate: int) -> bool:
        """Whether a span fits; counted exactly only where the sum over its pieces comes near the budget."""
        return estimate <= _SURE * self._budget or (estimate <= self._budget and self._fits(start, end))

    def _tokens(self, start: int, end: int) -> int:
        return self._count(self._text[start:end])

    def _fits(self, start: int, end: int) -> bool:
        return self._tokens(start, end) <= self._budget


def _children(parts: list[_Part], depth: int) -> list[list[_Part]]:
    """Runs of sections that share one more heading."""
    groups: list[list[_Part]] = []
    for part in parts:
        heading = part.section.heading
        begins = len(heading) <= depth + 1 or not groups or groups[-1][-1].section.heading[: depth + 1] != heading[: depth + 1]
        if begins:
            groups.append([part])
        else:
            groups[-1].append(part)
    return groups


def _common(left: tuple[str, ...], right: tuple[str, ...]) -> tuple[str, ...]:
    count = next((at for at, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), min(len(left), len(right)))
    return left[:count]
