"""Every error a user can meet says in one line, in both languages, what is wrong and what to do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from string import Formatter

import pytest

from corpus import errors
from corpus.errors import (
    DatasetNotFound,
    IndexCorrupt,
    InterviewRagError,
    InvalidDataset,
    InvalidRow,
    OtherRun,
    UnknownDataset,
    UsageError,
)
from ingest.read_errors import FileSkipped


def family(base: type[InterviewRagError]) -> Iterator[type[InterviewRagError]]:
    for child in base.__subclasses__():
        yield child
        yield from family(child)


ALL = sorted(family(InterviewRagError), key=lambda kind: kind.__name__)
OURS = [kind for kind in ALL if kind.__module__ == errors.__name__]


def placeholders(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name}


@pytest.mark.parametrize("kind", ALL)
def test_both_languages_say_the_same_fields(kind: type[InterviewRagError]) -> None:
    assert placeholders(kind.en) == placeholders(kind.zh)


@pytest.mark.parametrize("kind", ALL)
def test_messages_are_one_line_in_their_language(kind: type[InterviewRagError]) -> None:
    assert "\n" not in kind.en + kind.zh
    assert kind.en.isascii()
    if kind.en != "{reason}" and not kind.en.startswith("{path}, line"):
        assert re.search(r"[\u4e00-\u9fff]", kind.zh)


@pytest.mark.parametrize("kind", OURS)
def test_the_docstring_names_the_fields(kind: type[InterviewRagError]) -> None:
    declared = re.search(r"fields: ([\w, ]+)\.", kind.__doc__ or "")
    assert declared is not None
    assert set(declared[1].split(", ")) == placeholders(kind.en)


def test_the_tree_at_the_top_of_the_module_is_complete() -> None:
    drawn = re.findall(r"^[│ ]*[├└]── (\w+)", errors.__doc__ or "", re.MULTILINE)
    assert sorted(drawn) == [kind.__name__ for kind in OURS]


@pytest.mark.parametrize("kind", OURS)
def test_messages_fill_their_fields(kind: type[InterviewRagError]) -> None:
    fields = {name: f"<{name} 值>" for name in placeholders(kind.en)}
    error = kind(**fields)
    assert str(error) == error.message("en")
    for language in ("en", "zh"):
        assert all(value in error.message(language) for value in fields.values())


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (UsageError(reason="the question is empty"), "the question is empty"),
        (InvalidRow(path="q.jsonl", line=3, reason="no JSON"), "q.jsonl, line 3: no JSON"),
        (
            IndexCorrupt(path="a/dense.faiss", reason="missing or truncated"),
            "the index file a/dense.faiss is damaged (missing or truncated): "
            "run `interview-rag reindex` to rebuild it from the catalogue",
        ),
        (UsageError(reason="braces {stay} as they are"), "braces {stay} as they are"),
    ],
)
def test_worked_messages(error: InterviewRagError, message: str) -> None:
    assert str(error) == message


@pytest.mark.parametrize("kind", ALL)
def test_wrong_usage_exits_with_2_and_failed_work_with_1(kind: type[InterviewRagError]) -> None:
    wrong_usage = (UsageError, InvalidRow, OtherRun, DatasetNotFound, UnknownDataset, InvalidDataset)
    assert kind.exit_code == (2 if kind in wrong_usage else 1)


def test_a_skipped_file_is_an_error_with_a_reason() -> None:
    assert len([kind for kind in ALL if issubclass(kind, FileSkipped)]) >= 6
