"""JSON Lines that people and other tools wrote: UTF-8, one JSON value a line, blank lines passed over.

A line ends at a line feed and nowhere else: JSON texts may hold other separators, such as U+2028, as they are.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from corpus.errors import InvalidRow, UsageError

_Model = TypeVar("_Model", bound=BaseModel)


def text_of(path: Path) -> str:
    """The text of a file.

    Raises:
        UsageError: there is no such file, or it is no text.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise UsageError(reason=f"no such file: {path}") from error
    except OSError as error:
        raise UsageError(reason=f"cannot read {path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise UsageError(reason=f"{path} cannot be read as UTF-8 text: {error}") from error


def numbered_lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a file with their numbers from 1, blank ones left out.

    Raises:
        UsageError: there is no such file, or it is no text.
    """
    return ((number, line) for number, line in enumerate(text_of(path).split("\n"), 1) if line.strip())


def value_of(path: Path, number: int, line: str) -> Any:
    """The JSON value of a line.

    Raises:
        InvalidRow: it is no JSON.
    """
    try:
        return json.loads(line)
    except ValueError as error:
        raise InvalidRow(path=path, line=number, reason=f"no JSON: {error}") from error


def row_of(path: Path, number: int, line: str, model: type[_Model]) -> _Model:
    """The row of a line.

    Raises:
        InvalidRow: it is no JSON, or does not fit the model.
    """
    fields = value_of(path, number, line)
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        raise InvalidRow(path=path, line=number, reason=first_fault(error)) from error


def first_fault(error: ValidationError) -> str:
    """The first thing that is wrong with a row, and where in it, on one line."""
    first = error.errors()[0]
    return f"{'.'.join(map(str, first['loc'])) or 'row'}: {first['msg']}"


def read_rows(path: Path, model: type[_Model]) -> Iterator[tuple[int, _Model]]:
    """The rows of a file with their numbers.

    Raises:
        UsageError: there is no such file, or it is no text.
        InvalidRow: a row is no JSON, or does not fit the model.
    """
    return ((number, row_of(path, number, line, model)) for number, line in numbered_lines(path))


def read_objects(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The JSON objects of a file with their line numbers.

    Raises:
        UsageError: there is no such file, or it is no text.
        InvalidRow: a row is no JSON object.
    """
    for number, line in numbered_lines(path):
        fields = value_of(path, number, line)
        if not isinstance(fields, dict):
            raise InvalidRow(path=path, line=number, reason="a JSON object is wanted")
        yield number, fields
