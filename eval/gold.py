"""Gold questions: what is asked, where the answer stands, and what it must say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from corpus.documents import Chunk
from corpus.errors import InvalidRow, UsageError
from corpus.jsonl import read_rows
from retrieval.analysis import fold

DEFAULT_GOLD = Path(__file__).with_name("data") / "questions.jsonl"


class Place(BaseModel):
    """A section of the notes: the file, relative to the ingested root, and the section's own heading."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    heading: str


class GoldQuestion(BaseModel):
    """A row of a gold file; unknown fields are kept out of the way, so that rows may carry more.

    Attributes:
        lang: language of the question.
        kind: fact, definition, comparison, derivation, code, multi-hop, follow-up, near-miss or off-topic.
        history: earlier questions of the user, oldest first.
        gold_files: files that hold the answer, relative to the ingested root.
        gold_mode: whether any one of the files or sections is enough, or all are needed.
        gold_sections: the sections that hold it, where known.
        must_include: facts a right answer states, each as alternatives joined by `|`.
        answerable: whether the notes answer it.
    """

    model_config = ConfigDict(frozen=True, coerce_numbers_to_str=True)

    id: str
    question: str
    lang: str = "other"
    kind: str = "fact"
    topic: str = ""
    history: tuple[str, ...] = ()
    gold_files: tuple[str, ...] = ()
    gold_mode: Literal["any", "all"] = "any"
    gold_sections: tuple[Place, ...] = ()
    must_include: tuple[str, ...] = ()
    reference: str = ""
    answerable: bool = True
    split: str = "test"


def read_gold(path: Path, *, split: str | None = None) -> tuple[GoldQuestion, ...]:
    """Read a gold file, or one split of it.

    Raises:
        UsageError: there is no such file, or nothing in it belongs to the split.
        InvalidRow: a row is malformed, asks nothing, or repeats an id.
    """
    rows = tuple(row for row in _rows(path) if split is None or row.split == split)
    if not rows:
        raise UsageError(reason=f"{path} holds no questions" + (f" of the split {split!r}" if split else ""))
    return rows


def spread(questions: tuple[GoldQuestion, ...], limit: int | None) -> tuple[GoldQuestion, ...]:
    """So many of the questions, the same ones each time and from all parts of a file; all without a limit."""
    count = min(limit or len(questions), len(questions))
    return tuple(questions[i * len(questions) // count] for i in range(count))


def _rows(path: Path) -> Iterator[GoldQuestion]:
    first: dict[str, int] = {}
    for number, row in read_rows(path, GoldQuestion):
        if not row.question.strip():
            raise InvalidRow(path=path, line=number, reason="the question is empty")
        if first.setdefault(row.id, number) != number:
            raise InvalidRow(path=path, line=number, reason=f"the id {row.id!r} stands in line {first[row.id]} already")
        yield row


def normalised(text: str) -> str:
    """The form in which key facts are looked for: folded, without white space."""
    return "".join(fold(text).split())


def states(text: str, fact: str) -> bool:
    """Whether a text states a key fact, in any of its alternatives."""
    text = normalised(text)
    return any(normalised(alternative) in text for alternative in fact.split("|"))


Sections = Mapping[Place, str]


def sections_of(chunks: Iterable[Chunk]) -> Sections:
    """The sections of notes with all that they say, their subsections too."""
    sections: dict[Place, str] = {}
    for chunk in chunks:
        for heading in chunk.heading:
            place = Place(path=chunk.path, heading=heading)
            sections[place] = f"{sections.get(place, heading)}\n{chunk.indexed_text()}"
    return sections


def problems(question: GoldQuestion, sections: Sections) -> Iterator[str]:
    """What does not hold between a question and the notes: missing files and sections, key facts that do not occur in them."""
    files = {place.path for place in sections}
    missing = [place for place in question.gold_sections if place not in sections]
    yield from (f"no file {path} in the notes" for path in question.gold_files if path not in files)
    yield from (f"no section {place.heading!r} in {place.path}" for place in missing)
    text = "\n".join(sections[place] for place in question.gold_sections if place in sections)
    if text and not missing:
        yield from (f"key fact {fact!r} is not in its sections" for fact in question.must_include if not states(text, fact))
    if question.answerable and not question.gold_files:
        yield "answerable, but names no file"
    if not question.answerable and (question.gold_files or question.gold_sections):
        yield "unanswerable, but names where the answer stands"
