"""The command line as a person or a script meets it: a process, its output, its exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from retrieval.store import IndexStore

Run = Callable[..., "subprocess.CompletedProcess[str]"]

HIT_FIELDS = {"rank", "chunk_id", "path", "heading", "start", "end", "text", "score", "scores"}
ANSWER_FIELDS = {
    "id", "question", "answer", "language", "refused", "support", "sentences", "citations", "model", "adapter", "rope",
    "left_out", "tokens", "timings",
}  # fmt: skip


def interview_rag(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    code = "import sys; from app.cli import main; sys.argv[0] = 'interview-rag'; main()"
    variables = {"LC_ALL": "C.UTF-8", "INTERVIEW_RAG_ANSWERING__COMPOSE": "false", **environment}
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, env={**os.environ, **variables}, check=False
    )


@pytest.fixture(scope="module")
def index(shipped_index: IndexStore) -> str:
    return str(shipped_index.path)


def test_help_is_quick() -> None:
    interview_rag("--help")  # compiles what is not compiled yet
    times = []
    for _ in range(3):
        started = time.perf_counter()
        assert interview_rag("--help").returncode == 0
        times.append(time.perf_counter() - started)
    # 0.7 s on a quiet machine is the promise; a busy one gets more, but never what loading torch takes.
    assert min(times) < 2.0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("ask",), "QUESTION"),
        (("ask", "  "), "empty"),
        (("search", "x", "--batch", "q.jsonl", "--out", "o.jsonl"), "either"),
        (("search", "--batch", "q.jsonl"), "go together"),
        (("search", "--batch", "no-such-file.jsonl", "--out", "o.jsonl"), "no such file"),
        (("ask", "x", "--config", "no-such-file.toml"), "no such configuration file"),
        (("ingest", "no-such-folder"), "no such file or folder"),
        (("search", "x", "-k", "0"), "-k"),
        (("no-such-command",), "no-such-command"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(arguments: tuple[str, ...], said: str, tmp_path: Path) -> None:
    done = interview_rag(*arguments, INTERVIEW_RAG_INDEX=str(tmp_path / "none"))
    assert done.returncode == 2
    assert done.stdout == ""
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_no_index_yet_is_one_line_and_exit_code_1(tmp_path: Path) -> None:
    done = interview_rag("ask", "什么是 RoPE？", "--index", str(tmp_path / "none"), "--json")
    assert (done.returncode, done.stdout) == (1, "")
    assert "interview-rag ingest PATH" in done.stderr
    assert done.stderr.count("\n") == 1


def test_messages_follow_the_setting(tmp_path: Path) -> None:
    done = interview_rag("status", "--index", str(tmp_path / "none"), INTERVIEW_RAG_MESSAGES="zh")
    assert "还没有索引" in done.stderr


@pytest.mark.parametrize(
    ("text", "said"),
    [("chunk_size = 3", "chunk_size"), ("[retrieval]\nk = 0", "retrieval.k"), ("= broken", "config.toml"), ("", "no index")],
)
def test_a_wrong_configuration_is_named(text: str, said: str, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text(text, encoding="utf-8")
    done = interview_rag("status", "--config", str(config), "--index", str(tmp_path / "none"))
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ('{"id": "1"}', "line 1"),
        ('{"id": "1", "question": "a"}\nnot json', "line 2"),
        ('{"id": "1", "question": "a"}\n{"id": "1", "question": "b"}', "twice"),
        ('{"id": "1", "question": "a", "history": "x"}', "history"),
        ("[1]", "JSON object"),
    ],
)
def test_a_malformed_question_row_is_named(rows: str, said: str, tmp_path: Path) -> None:
    questions = tmp_path / "q.jsonl"
    questions.write_text(rows, encoding="utf-8")
    done = interview_rag(
        "search", "--batch", str(questions), "--out", str(tmp_path / "o.jsonl"), "--index", str(tmp_path / "none")
    )
    assert done.returncode == 2
    assert said in done.stderr
    assert not (tmp_path / "o.jsonl").exists()


@pytest.mark.slow
def test_search_as_json(index: str) -> None:
    done = interview_rag("search", "旋轉位置編碼的核心思想", "-k", "3", "--index", index, "--json")
    assert done.returncode == 0, done.stderr
    row = json.loads(done.stdout)
    assert [hit["rank"] for hit in row["hits"]] == [1, 2, 3]
    assert all(set(hit) >= HIT_FIELDS for hit in row["hits"])
    assert set(row["hits"][0]["scores"]) == {"bm25", "dense", "fused", "rerank"}
    assert row["hits"][0]["path"].endswith("rope.md")


@pytest.mark.slow
def test_batches_answer_every_row_in_order(index: str, tmp_path: Path) -> None:
    questions = tmp_path / "q.jsonl"
    rows: list[dict[str, object]] = [
        {"id": "a", "question": "什么是 ALiBi？"},
        {"id": "b", "question": "它有什么缺点？", "history": ["什么是 ALiBi？"]},
        {"id": "c", "question": "Who won the 2022 World Cup?", "extra": 1},
    ]
    questions.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    done = interview_rag("ask", "--batch", str(questions), "--out", str(tmp_path / "a.jsonl"), "--index", index, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["rows"] == 3
    answers = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [answer["id"] for answer in answers] == ["a", "b", "c"]
    assert all(set(answer) >= ANSWER_FIELDS for answer in answers)
    assert [answer["refused"] for answer in answers] == [False, False, True]
    assert "ALiBi" in answers[1]["query"]
    assert set(answers[0]["timings"]) >= {"search", "rerank", "first_token", "total"}


@pytest.mark.slow
def test_ask_prints_sentences_and_their_places(index: str) -> None:
    done = interview_rag("ask", "What is RMSNorm?", "--index", index)
    assert done.returncode == 0, done.stderr
    assert "[1]" in done.stdout
    assert "normalization.md" in done.stdout


@pytest.mark.slow
def test_doctor_and_status_agree(index: str) -> None:
    doctor = interview_rag("doctor", "--index", index, "--json")
    status = interview_rag("status", "--index", index, "--json", "--files")
    assert doctor.returncode == 0, doctor.stdout
    findings = {finding["name"]: finding for finding in json.loads(doctor.stdout)}
    held = json.loads(status.stdout)
    assert f"{held['documents']} documents" in findings["index"]["detail"]
    assert len(held["files"]) == held["documents"]


@pytest.mark.slow
def test_doctor_finds_a_damaged_index(notes: Path, tmp_path: Path) -> None:
    index = tmp_path / "index"
    assert interview_rag("ingest", str(notes), "--index", str(index)).returncode == 0
    damaged = next(index.glob("generations/*/bm25.scores.npy"))
    content = bytearray(damaged.read_bytes())
    content[-1] ^= 0xFF
    damaged.write_bytes(content)
    done = interview_rag("doctor", "--index", str(index))
    assert done.returncode == 1
    assert "BAD index" in done.stdout
    assert "bm25.scores.npy" in done.stdout
