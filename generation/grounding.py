"""From text to sentences that can be shown: each cited, checked against what it cites, and repaired or dropped if it fails.

Whatever wrote the text (a small model, a fine-tuned one, one that read whole documents), nothing of it is shown as supported that
the checker does not find in the notes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from corpus.documents import Chunk, ChunkId, Language
from corpus.language import in_script
from corpus.results import Citation, Sentence
from corpus.sentences import sentences
from generation.checker import Checker
from generation.selection.passage_units import Unit, units_of
from generation.verify import SUPPORTED, overlap, support
from retrieval.analysis import terms

# Characters `[start, end)` of a document's source, as its author wrote them: `Catalogue.source`.
Source = Callable[[ChunkId, int, int], str]

# How a question ends, and a line that only leads to others.
STATES_NOTHING = ("?", "？", ":", "：")
_MARK = re.compile(r"\[\d{1,3}\]")
_NEAREST = 3  # places that a sentence is checked against
_CLOSE = 0.5  # share of a sentence's terms that a note has to hold to stand in for it
_SAME = 0.85  # share of a sentence's terms in one that is shown already from which on it only repeats that


class Citations:
    """Places in the notes, numbered in the order in which they are first cited."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._places: dict[tuple[ChunkId, int, int], Citation] = {}

    def cite(self, chunk: Chunk, start: int, end: int) -> Citation:
        """The citation of `chunk.text[start:end]`; the same place has the same number."""
        first, last = chunk.source_span(start, end)
        key = (chunk.id, first, last)
        if key not in self._places:
            quote = self._source(chunk.id, first, last)
            number = len(self._places) + 1
            self._places[key] = Citation(number, chunk.id, chunk.path, chunk.heading, first, last, quote, chunk.page)
        return self._places[key]

    def forget_after(self, number: int) -> None:
        """Take back the citations above a number: what cited them is not shown."""
        self._places = {key: citation for key, citation in self._places.items() if citation.n <= number}

    def all(self) -> tuple[Citation, ...]:
        """The citations by number."""
        return tuple(self._places.values())


@dataclass(frozen=True, slots=True)
class Verified:
    """What is left of a text.

    Attributes:
        sentences: "generated" as written, or "quoted" where a sentence of the notes stands in for one without support.
        left_out: what was dropped or replaced and why, one line each.
    """

    sentences: tuple[Sentence, ...]
    left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Place:
    chunk: Chunk
    unit: Unit


def verify_draft(
    text: str,
    passages: Sequence[Chunk],
    checker: Checker,
    *,
    language: Language,
    citations: Citations,
    by_words: bool = False,
    replace: bool = True,
) -> Verified:
    """Check a text sentence by sentence against the passages that it was written from.

    Args:
        text: what was written; citation marks of its own are ignored.
        passages: chunks that it may draw on.
        checker: scores a sentence against the places in the notes that are nearest to it.
        language: of the answer; Chinese comes out in its script.
        citations: collects the places that are cited, and numbers them.
        by_words: a sentence also has to follow the words of its places: for small models, which are trusted to shorten only.
        replace: whether a sentence of the notes stands in for one without support.

    Returns:
        The sentences in order. One that no single place supports, nor the two nearest together, is replaced by the sentence of
        the notes that is closest to it, or dropped if none is close or if that is shown already.
    """
    places = [_Place(chunk, unit) for chunk in passages for unit in units_of(chunk.text) if unit.states]
    shown: list[Sentence] = []
    left_out: list[str] = []
    for claim in filter(terms, sentences(_without_marks(text))):
        if claim.endswith(STATES_NOTHING):
            left_out.append(f"states nothing: {claim}")
            continue
        near = sorted(places, key=lambda place: -overlap(claim, place.unit.text))[:_NEAREST]
        sentence, reason = _checked(claim, near, checker, citations, language, by_words=by_words, replace=replace)
        if reason:
            left_out.append(reason)
        if sentence and not repeats(sentence.text, shown):
            shown.append(sentence)
    return Verified(tuple(shown), tuple(left_out))


def repeats(text: str, shown: Sequence[Sentence]) -> bool:
    """Whether a sentence only says again what one of those shown says."""
    return any(overlap(text, sentence.text) >= _SAME for sentence in shown)


def _checked(
    claim: str,
    near: Sequence[_Place],
    checker: Checker,
    citations: Citations,
    language: Language,
    *,
    by_words: bool,
    replace: bool,
) -> tuple[Sentence | None, str | None]:
    """The sentence to show, if any, and what to say about the one that was written."""
    tried = [near[i : i + 1] for i in range(len(near))] + ([near[:2]] if len(near) > 1 else [])
    texts = ["\n".join(_said(place) for place in group) for group in tried]
    scores = checker.score([(claim, said) for said in texts])
    if by_words:
        followed = [(support(claim, [said]) or 0.0) >= SUPPORTED for said in texts]
        scores = [score if follows else 0.0 for score, follows in zip(scores, followed, strict=True)]
    best, group = max(
        ((score or 0.0, group) for score, group in zip(scores, tried, strict=True)), key=lambda pair: pair[0], default=(0.0, [])
    )
    if group and best >= checker.threshold:
        numbers = tuple(citations.cite(place.chunk, place.unit.start, place.unit.end).n for place in group)
        return Sentence(in_script(claim, language), numbers, best, "generated"), None
    if replace and near and overlap(claim, near[0].unit.text) >= _CLOSE:
        citation = citations.cite(near[0].chunk, near[0].unit.start, near[0].unit.end)
        note = in_script(near[0].unit.text, language)
        (score,) = checker.score([(note, _said(near[0]))])
        return Sentence(note, (citation.n,), score, "quoted"), f"replaced by the nearest note ({best:.2f}): {claim}"
    return None, f"without support ({best:.2f}): {claim}"


def _said(place: _Place) -> str:
    """A unit below its section's heading, which often names the subject."""
    return "\n".join((*place.chunk.heading[-1:], place.unit.text))


def _without_marks(text: str) -> str:
    """The text without citation marks such as "[3]", which are the writer's guess."""
    return _MARK.sub("", text)
