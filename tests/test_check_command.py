"""`interview-rag check`, as its users call it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli import cli

GOOD = {"id": "1", "claim": "水会结冰。", "context": "水在零度结冰。"}


def _run(tmp_path: Path, *lines: str) -> tuple[int, str, Path]:
    claims, out = tmp_path / "claims.jsonl", tmp_path / "out" / "scores.jsonl"
    claims.write_text("\n".join(lines) + "\n", encoding="utf-8")
    result = CliRunner().invoke(cli, ["check", "--claims", str(claims), "--out", str(out)])
    return result.exit_code, result.output, out


@pytest.mark.parametrize(
    "row",
    [
        "{",
        "[]",
        json.dumps({"claim": "x", "context": "y"}),
        json.dumps({"id": "2", "claim": "x"}),
        json.dumps({"id": "2", "claim": None, "context": "y"}),
        json.dumps(GOOD),
    ],
    ids=["no JSON", "no object", "no id", "no context", "no text", "an id twice"],
)
def test_a_malformed_row_is_one_line_with_its_number_and_nothing_is_written(tmp_path: Path, row: str) -> None:
    code, output, out = _run(tmp_path, json.dumps(GOOD), "", row)
    assert code == 2
    assert len(output.strip().splitlines()) == 1
    assert "3" in output
    assert not out.parent.exists()


@pytest.mark.parametrize("lines", [(), ("", " ")])
def test_a_file_without_claims(tmp_path: Path, lines: tuple[str, ...]) -> None:
    code, output, out = _run(tmp_path, *lines)
    assert (code, out.exists()) == (2, False)
    assert len(output.strip().splitlines()) == 1


def test_a_missing_file(tmp_path: Path) -> None:
    arguments = ["check", "--claims", str(tmp_path / "none.jsonl"), "--out", str(tmp_path / "out.jsonl")]
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 2
    assert "none.jsonl" in result.output


@pytest.mark.slow
def test_scores_are_written_for_every_claim_in_order(tmp_path: Path) -> None:
    rows = [
        GOOD,
        {"id": 2, "claim": "LayerNorm depends on the batch.", "context": "水在零度结冰。"},
        {"id": "3", "claim": "", "context": "水在零度结冰。"},
        {"id": "4", "claim": "水会结冰。", "context": " "},
    ]
    code, output, out = _run(tmp_path, *map(json.dumps, rows))
    assert code == 0, output
    scores = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert [row["id"] for row in scores] == ["1", "2", "3", "4"]
    assert [row["status"] for row in scores] == ["supported", "unsupported", "not-scoreable", "not-scoreable"]
    assert [row["support"] is None for row in scores] == [False, False, True, True]
    assert all(0 <= row["support"] <= 1 for row in scores[:2])
