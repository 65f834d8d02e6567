"""Question files in, answer and hit files out: JSON Lines, one row a question."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpus.errors import InvalidRow, UsageError
from corpus.jsonl import read_objects


@dataclass(frozen=True, slots=True)
class QuestionRow:
    """A row of a question file."""

    id: str
    question: str
    history: tuple[str, ...] = ()


def read_questions(path: Path) -> tuple[QuestionRow, ...]:
    """Read a question file.

    Raises:
        UsageError: there is no such file.
        InvalidRow: a row is no JSON object, lacks a field, or repeats an id.
    """
    rows: dict[str, QuestionRow] = {}
    for number, fields in read_objects(path):
        try:
            row = question_of(fields)
        except UsageError as error:
            raise InvalidRow(path=path, line=number, reason=str(error)) from error
        if row.id in rows:
            raise InvalidRow(path=path, line=number, reason=f"the id {row.id!r} occurs twice")
        rows[row.id] = row
    return tuple(rows.values())


def question_of(fields: dict[str, Any]) -> QuestionRow:
    """The question of a JSON object.

    Raises:
        UsageError: a field is missing or of another type.
    """
    history = fields.get("history") or []
    if not isinstance(fields.get("id"), str | int):
        raise UsageError(reason='the field "id" is missing')
    if not isinstance(fields.get("question"), str) or not fields["question"].strip():
        raise UsageError(reason='the field "question" is missing or empty')
    if not isinstance(history, list) or not all(isinstance(turn, str) for turn in history):
        raise UsageError(reason='the field "history" must be a list of strings')
    return QuestionRow(str(fields["id"]), fields["question"], tuple(history))


def write_rows(path: Path, rows: Iterable[dict[str, Any]]) -> int:
    """Write rows as they come; the file takes its name when it is whole. Returns their number."""
    partial = path.with_name(path.name + ".partial")
    count = 0
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("w", encoding="utf-8") as stream:
            for row in rows:
                stream.write(json.dumps(row, ensure_ascii=False) + "\n")
                stream.flush()
                count += 1
        partial.replace(path)
    except OSError as error:
        raise UsageError(reason=f"cannot write {path}: {error.strerror or error}") from error
    return count
