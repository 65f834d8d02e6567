"""An answer as metrics look at it: what it states, what it cites, and what it was given to read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from corpus.results import Answer, SearchResult
from corpus.sentences import sentences
from retrieval.analysis import terms


@dataclass(frozen=True, slots=True)
class Passage:
    """A text of the notes and where it stands."""

    text: str
    path: str = ""
    heading: tuple[str, ...] = ()

    def under_heading(self) -> str:
        """The text below its headings, which often name the subject."""
        return "\n".join(filter(None, (" › ".join(self.heading), self.text)))


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence of an answer with the numbers of its citations."""

    text: str
    citations: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Response:
    """An answer or a refusal.

    Attributes:
        text: what it says, without citation marks and lines that are ours.
        claims: its sentences that say something; none in a refusal.
        citations: what its citation numbers stand for.
        contexts: the passages that it was given, best first.
    """

    refused: bool
    text: str = ""
    claims: tuple[Claim, ...] = ()
    citations: Mapping[int, Passage] = field(default_factory=dict)
    contexts: tuple[Passage, ...] = ()

    def context(self) -> str:
        """All passages as one text."""
        return joined(self.contexts)


def joined(passages: Iterable[Passage]) -> str:
    """Passages as one text, those that say nothing left out."""
    return "\n\n".join(passage.under_heading() for passage in passages if passage.text.strip())


def passages_of(found: SearchResult) -> tuple[Passage, ...]:
    """What a search gives to read, best first."""
    return tuple(Passage(hit.chunk.text, hit.chunk.path, hit.chunk.heading) for hit in found.hits)


def response_to(answer: Answer, found: SearchResult) -> Response:
    """The form of our own answers, from the search that they were given from."""
    stated = () if answer.refused else answer.sentences
    return Response(
        refused=answer.refused,
        text="\n".join(sentence.text for sentence in stated),
        claims=tuple(Claim(text, sentence.citations) for sentence in stated for text in sentences(sentence.text) if terms(text)),
        citations={c.n: Passage(c.quote, c.path, c.heading) for c in answer.citations},
        contexts=(*passages_of(found), *_beside(found)),
    )


def _beside(found: SearchResult) -> tuple[Passage, ...]:
    """The chunks beside the hits, which an answer may quote from too."""
    near = {chunk.id: chunk for hit in found.hits for chunk in hit.neighbours}
    return tuple(Passage(chunk.text, chunk.path, chunk.heading) for chunk in near.values())
