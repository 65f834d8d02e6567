"""Questions proposed from a person's notes, records in RAGAS' row format, and gold files validated: as commands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import Run
from hash_embedder import HashEmbedder
from langchain_core.language_models.fake import FakeListLLM
from test_report import RECORDS, record

from corpus.documents import Chunk, SourceMap
from corpus.errors import UsageError
from eval.gold import Place, read_gold
from eval.propose import NoteSection, question_of, spread_sections
from eval.ragas_rows import ragas_rows
from ingest.pipeline import ingest
from retrieval.store import IndexStore


@pytest.fixture
def asked(run: Run, notes: Path, tmp_path: Path) -> Run:
    (notes / "plain.md").write_text("# Sampling\n\n## Nucleus sampling\n\n" + "Top-p keeps the smallest set of tokens. " * 5)
    ingest([notes], IndexStore(tmp_path / "index"), HashEmbedder())
    return run


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_headings_that_ask_become_rows_for_a_person_to_edit(asked: Run, tmp_path: Path) -> None:
    out = tmp_path / "new.jsonl"
    code, printed, errors = asked("eval", "make-questions", "--out", out, "--headings-only")
    assert (code, errors) == (0, "")
    rows = rows_of(out)
    assert "Why are activations harder to quantize than weights?" in {row["question"] for row in rows}
    assert "no question 1" in printed  # the section without one
    assert all(row["must_include"] == [] and row["answerable"] is True and row["reference"] == "" for row in rows)
    assert all(row["gold_sections"][0]["heading"] == row["question"] for row in rows)
    assert [question.id for question in read_gold(out)] == [row["id"] for row in rows]
    assert asked("eval", "validate", "--questions", out)[0] == 0
    assert asked("eval", "make-questions", "--out", out, "--headings-only")[0] == 2  # edits are never overwritten
    assert asked("eval", "make-questions", "--out", tmp_path / "two.jsonl", "--count", "2", "--headings-only")[0] == 0
    assert rows_of(tmp_path / "two.jsonl") == rows[:2]
    code, _, errors = asked("eval", "--questions", out, "--out", tmp_path / "run", "--arms", "retrieval")
    assert code == 0, errors


@pytest.mark.parametrize(
    ("heading", "written", "expected"),
    [
        ("What is top-p?", None, "What is top-p?"),
        ("什么是重排序？", None, "什么是重排序？"),
        ("Sampling", None, None),
        ("Sampling", " How does top-p choose tokens?\n", "How does top-p choose tokens?"),
        ("Sampling", "Top-p keeps tokens.", None),  # the model wrote no question
        ("Sampling", "?", None),
    ],
)
def test_the_model_writes_where_the_heading_does_not_ask(heading: str, written: str | None, expected: str | None) -> None:
    section = NoteSection(Place(path="a.md", heading=heading), "Top-p keeps the smallest set of tokens.")
    assert question_of(section, None if written is None else FakeListLLM(responses=[written])) == expected


def test_sections_are_taken_from_all_files_in_turn() -> None:
    def chunk(path: str, *heading: str, text: str = "x" * 100) -> Chunk:
        return Chunk(path, 0, heading, text, 0, len(text), SourceMap(), "en", 1)

    chunks = [
        chunk("a", "A", "1"),
        chunk("a", "A", "2"),
        chunk("a", "A", "2"),
        chunk("b", "B", "1"),
        chunk("b", "B", text="short"),
        chunk("c"),
    ]
    assert [(section.place.path, section.place.heading) for section in spread_sections(chunks)] == [
        ("a", "1"),
        ("b", "1"),
        ("a", "2"),
    ]


def test_validation_as_a_command(asked: Run, tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"
    path.write_text(
        '{"id": "1", "question": "?", "lang": "en", "split": "dev", "gold_files": ["none.md"]}\n{\n', encoding="utf-8"
    )
    code, printed, errors = asked("eval", "validate", "--questions", path)
    assert (code, errors) == (1, "")
    assert printed.splitlines()[0] == f"{path}, line 1: no file none.md in the notes"
    assert printed.splitlines()[1].startswith(f"{path}, line 2: no JSON")
    assert printed.splitlines()[2] == "1 questions, 2 problems"
    path.write_text("", encoding="utf-8")
    assert asked("eval", "validate", "--questions", path)[0] == 2
    assert asked("eval", "validate", "--questions", tmp_path / "none.jsonl")[0] == 2


def test_without_an_index_nothing_is_proposed_or_validated(run: Run, tmp_path: Path) -> None:
    for arguments in (("make-questions", "--out", tmp_path / "q.jsonl"), ("validate",)):
        code, _, errors = run("eval", *arguments)
        assert (code, errors.count("\n")) == (1, 1)
        assert "interview-rag ingest PATH" in errors


def test_ragas_rows() -> None:
    rows = list(
        ragas_rows([*RECORDS, {**record(6), "gold": {**record(6)["gold"], "reference": "", "history": ["先前的问题"]}}], None)
    )
    assert rows[0] == {
        "user_input": "RoPE 的底数取多少？",
        "response": "RoPE 的底数取 10000。",
        "retrieved_contexts": ["底数取 10000。"],
        "reference": "底数取 10000。",
    }
    assert len(rows) == 4  # two were refused
    assert "reference" not in rows[-1]
    assert rows[-1]["user_input"] == "先前的问题 RoPE 的底数取多少？"
    with pytest.raises(UsageError, match="--arm: quoted"):
        ragas_rows(RECORDS, "composed")


def test_ragas_rows_as_a_command(asked: Run, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    lines = "".join(json.dumps(each) + "\n" for each in RECORDS)
    (tmp_path / "run" / "records.jsonl").write_text(lines, encoding="utf-8")
    assert asked("eval", "ragas-rows", "--run", tmp_path / "run", "--out", tmp_path / "rows.jsonl")[0] == 0
    assert len(rows_of(tmp_path / "rows.jsonl")) == 3
    assert asked("eval", "ragas-rows", "--run", tmp_path, "--out", tmp_path / "rows.jsonl")[0] == 2
