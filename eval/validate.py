"""Is a gold file sound? Each row by itself, the rows together, and the rows against the notes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from corpus.documents import Chunk
from corpus.errors import InvalidRow
from corpus.jsonl import numbered_lines, row_of
from eval.gold import GoldQuestion, Sections, normalised, problems, sections_of

_SPLITS = ("dev", "test")


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a line."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Validation:
    """How many rows can be read, and what is wrong with any, in the order of lines."""

    questions: int
    problems: tuple[Problem, ...]


def validate(path: Path, chunks: Iterable[Chunk]) -> Validation:
    """Check a gold file against the notes that it is about.

    Args:
        path: the gold file.
        chunks: all passages of the notes.

    Raises:
        UsageError: the file cannot be read.
    """
    read: list[tuple[int, GoldQuestion]] = []
    found: list[Problem] = []
    for number, line in numbered_lines(path):
        try:
            read.append((number, row_of(path, number, line, GoldQuestion)))
        except InvalidRow as error:
            found.append(Problem(number, str(error.fields["reason"])))
    found += _repeated(read)
    sections = sections_of(chunks)
    found += [Problem(number, reason) for number, question in read for reason in _problems(question, sections)]
    return Validation(len(read), tuple(sorted(found, key=lambda problem: problem.line)))


def _repeated(read: Sequence[tuple[int, GoldQuestion]]) -> Iterator[Problem]:
    ids: dict[str, int] = {}
    asked: dict[tuple[str, tuple[str, ...]], int] = {}
    for number, question in read:
        if (first := ids.setdefault(question.id, number)) != number:
            yield Problem(number, f"the id {question.id!r} stands in line {first} already")
        if (first := asked.setdefault((normalised(question.question), question.history), number)) != number:
            yield Problem(number, f"the same question stands in line {first} already")


def _problems(question: GoldQuestion, sections: Sections) -> Iterator[str]:
    if not question.question.strip():
        yield "the question is empty"
    for name in ("lang", "split"):
        if name not in question.model_fields_set:
            yield f"{name} is missing"
    if "split" in question.model_fields_set and question.split not in _SPLITS:
        yield f"split {question.split!r} is neither dev nor test"
    empty = [fact for fact in question.must_include if not all(part.strip() for part in fact.split("|"))]
    yield from (f"key fact {fact!r} is empty, or an alternative of it" for fact in empty)
    yield from problems(question, sections)
