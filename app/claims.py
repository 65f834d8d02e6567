"""Claims with their contexts, read from JSON Lines for `interview-rag check`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpus.errors import InvalidRow, UsageError
from corpus.jsonl import read_objects


@dataclass(frozen=True, slots=True)
class ClaimRow:
    """A row of a claim file; claim and context may be empty, which is not scoreable."""

    id: str
    claim: str
    context: str


def read_claims(path: Path) -> tuple[ClaimRow, ...]:
    """Read a claim file.

    Raises:
        UsageError: there is no such file, or nothing in it.
        InvalidRow: a row is no JSON object, lacks a field, or repeats an id.
    """
    rows: dict[str, ClaimRow] = {}
    for number, fields in read_objects(path):
        row = _claim(path, number, fields)
        if row.id in rows:
            raise InvalidRow(path=path, line=number, reason=f"the id {row.id!r} occurs twice")
        rows[row.id] = row
    if not rows:
        raise UsageError(reason=f"{path} holds no claims")
    return tuple(rows.values())


def _claim(path: Path, number: int, fields: dict[str, Any]) -> ClaimRow:
    if not isinstance(fields.get("id"), str | int):
        raise InvalidRow(path=path, line=number, reason='the field "id" is missing')
    for name in ("claim", "context"):
        if not isinstance(fields.get(name), str):
            raise InvalidRow(path=path, line=number, reason=f'the field "{name}" must be text, and may be empty')
    return ClaimRow(str(fields["id"]), fields["claim"], fields["context"])
