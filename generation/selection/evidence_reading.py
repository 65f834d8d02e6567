"""The units of the passages, what the reranker says of each by itself, and what the reader says of the best.

Read within its passage, a sentence profits from what stands around it. By itself, under the titles that name its subject, it
has to say what is asked: a second reading that costs a few milliseconds a unit. The reader, a language model, takes ten times as
long and is right more often.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from corpus.results import Hit
from generation.reader import Reader
from generation.reader_input import ReadUnit
from generation.selection.passage_units import Unit, units_of
from retrieval.query import names_subject
from retrieval.relevance import logit
from retrieval.rerank import Reranker

FloatVector = NDArray[np.float32]
FloatMatrix = NDArray[np.float32]

_TOLD = ("sentence", "formula")  # kinds of units that running text is made of
_READ = 16  # the best units by all else, which the reader reads


@dataclass(frozen=True, slots=True)
class Place:
    """A unit of a hit."""

    hit: Hit
    number: int
    unit: Unit

    def under_heading(self) -> str:
        """The unit below the headings that name its subject."""
        return f"{self.heading()} {self.unit.text}".strip()

    def heading(self) -> str:
        """The title of its section, those inside the passage, and the line that leads in its list: it says what the items are."""
        return " ".join((*self.hit.chunk.heading[-1:], *self.unit.scope, self.announced())).strip()

    def read(self) -> ReadUnit:
        """As the reader sees it."""
        return ReadUnit(self.heading(), self.unit.text, self.before())

    def before(self) -> str:
        """What it goes on from: the unit that it needs, or the sentence before a sentence; nothing of what stands by itself."""
        units = units_of(self.hit.chunk.text)
        if self.unit.needs is not None:
            return units[self.unit.needs].text
        last = units[self.number - 1] if self.number and self.unit.kind in _TOLD else None
        return last.text if last and last.kind in _TOLD and last.scope == self.unit.scope else ""

    def announced(self) -> str:
        """The line that leads in its list, without the colon; nothing where there is none, or a title of `scope` does it."""
        lead = units_of(self.hit.chunk.text)[self.unit.lead] if self.unit.lead is not None else None
        return lead.text.rstrip(":： ") if lead and lead.kind == "lead" else ""


@dataclass(frozen=True, slots=True)
class Reading:
    """What the reranker says of units, in logits; shapes (units,).

    Attributes:
        text: of each as a passage.
        statement: of its best sentence.
    """

    text: FloatVector
    statement: FloatVector


def read_alone(question: str, places: Sequence[Place], reranker: Reranker | None) -> Reading | None:
    """Each unit by itself; None without a reranker."""
    if reranker is None:
        return None
    scores = reranker.score(question, [(place.heading(), place.unit.text) for place in places])
    text = [logit(score.relevance) for score in scores]
    statement = [logit(max((sentence.score for sentence in score.sentences), default=0.0)) for score in scores]
    return Reading(np.array(text, dtype=np.float32), np.array(statement, dtype=np.float32))


def read_best(question: str, parts: Sequence[str], places: Sequence[Place], scores: FloatMatrix, reader: Reader) -> FloatMatrix:
    """The reader's logits of places as answers to a question, and to each of its parts, shape (1 + parts, places).

    Args:
        question: the whole.
        parts: the questions that it is made of, if it is of several.
        places: what may answer.
        scores: what else is known, in logits, shaped as the result: the best by them are read, the others get the lowest logit
            of these.
        reader: the reader.
    """
    whole = _read(question, places, scores.max(0), reader)  # whatever may answer one of the parts
    found = [whole]
    for part, row in zip(parts, scores[1:], strict=True):
        alone = _read(part, places, row, reader)
        # Of "and what does it cost?" only the whole question tells the subject.
        found.append(alone if names_subject(part) else np.asarray((alone + whole) / 2, dtype=np.float32))
    return np.stack(found)


def _read(question: str, places: Sequence[Place], scores: FloatVector, reader: Reader) -> FloatVector:
    best = np.argsort(-scores, kind="stable")[:_READ]
    read = reader.score(question, [places[i].read() for i in best])
    found = np.full(len(places), read.min(), dtype=np.float32)
    found[best] = read
    return found
