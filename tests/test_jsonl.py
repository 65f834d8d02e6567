"""JSON Lines as people and other tools write them: every fault is named by file and line."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel

from corpus.errors import InvalidRow, UsageError
from corpus.jsonl import read_objects, read_rows


class Row(BaseModel):
    name: str
    count: int = 0


def test_rows_end_at_line_feeds_only_and_blank_lines_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes('\ufeff{"name": "一\u2028二\x85三"}\r\n\n  \n{"name": "b", "count": 2, "more": 1}'.encode())
    assert list(read_rows(path, Row)) == [(1, Row(name="一\u2028二\x85三")), (4, Row(name="b", count=2))]
    assert [fields["name"] for _, fields in read_objects(path)] == ["一\u2028二\x85三", "b"]


@pytest.mark.parametrize(
    ("line", "reason"),
    [("{", "no JSON"), ('{"name": 1}', "name: "), ('{"count": 1}', "name: "), ("[1]", "row: ")],
)
def test_a_fault_is_named_by_file_and_line(tmp_path: Path, line: str, reason: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"name": "a"}\n' + line + "\n", encoding="utf-8")
    with pytest.raises(InvalidRow, match=rf"a\.jsonl, line 2: .*{reason}"):
        list(read_rows(path, Row))


def test_objects_are_wanted(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("[]\n", encoding="utf-8")
    with pytest.raises(InvalidRow, match="a JSON object is wanted"):
        list(read_objects(path))


@pytest.mark.parametrize(("content", "reason"), [(None, "no such file"), (b"\xff\xfe\x00", "UTF-8")])
def test_a_file_that_cannot_be_read(tmp_path: Path, content: bytes | None, reason: str) -> None:
    path = tmp_path / "a.jsonl"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError, match=reason):
        list(read_objects(path))
    with pytest.raises(UsageError, match="cannot read"):
        list(read_objects(tmp_path))
