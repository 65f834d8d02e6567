"""`interview-rag eval --questions FILE --out DIR` as a person meets it: runs that go on, comparisons, floors, bad input."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import Run
from hash_embedder import HashEmbedder

from ingest.pipeline import ingest
from retrieval.store import IndexStore

ROWS: list[dict[str, Any]] = [
    {
        "id": "1",
        "question": "RoPE 的底数取多少？",
        "lang": "zh-Hans",
        "kind": "fact",
        "topic": "rope",
        "gold_files": ["zh/rope.md"],
        "must_include": ["10000"],
        "reference": "底数取 10000。",
    },
    {"id": "2", "question": "Why are activations harder to quantize?", "lang": "en", "gold_files": ["quantization.md"]},
    {"id": "3", "question": "そして欠点は？", "lang": "ja", "history": ["RoPE とは何ですか"], "gold_files": ["zh/rope.md"]},
    {"id": "4", "question": "明天天气", "lang": "zh-Hans", "kind": "off-topic", "answerable": False},
]


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    return write(tmp_path / "q.jsonl", ROWS)


@pytest.fixture
def evaluated(run: Run, notes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs commands over an index with the notes; answers quote, and are judged by words."""
    monkeypatch.setenv("INTERVIEW_RAG_ANSWERING__COMPOSE", "false")
    monkeypatch.setenv("INTERVIEW_RAG_ANSWERING__MIN_RELEVANCE", "0")
    ingest([notes], IndexStore(tmp_path / "index"), HashEmbedder())

    def evaluate(*arguments: object) -> tuple[int, str, str]:
        return run("eval", *arguments, *(() if "retrieval" in arguments else ("--judge", "words")))

    return evaluate


def metrics_of(folder: Path) -> Any:
    return json.loads((folder / "metrics.json").read_text(encoding="utf-8"))


def records_of(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "records.jsonl").read_text(encoding="utf-8").splitlines()]


def test_a_run_writes_records_metrics_and_a_report(evaluated: Run, questions: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    code, printed, errors = evaluated("--questions", questions, "--out", out)
    assert (code, errors) == (0, "")
    assert "## quoted (n=4)" in printed
    assert f"report: {out / 'report.html'}" in printed
    metrics = metrics_of(out)
    search, quoted = (metrics["arms"][arm]["groups"]["all"] for arm in ("retrieval", "quoted"))
    assert search["metrics"]["recall@5"] == {"n": 3, "mean": 1, "low": 1, "high": 1}
    assert search["metrics"]["context_recall"]["n"] == 1  # one question has a reference
    assert quoted["metrics"]["faithfulness"]["mean"] == 1  # quotations of what was found
    assert sum(quoted["outcomes"].values()) == 4
    assert metrics["arms"]["quoted"]["claims"]["supported"] > 0
    assert {"lang=ja", "kind=fact", "topic=rope", "answerable=false"} <= metrics["arms"]["quoted"]["groups"].keys()
    assert len(metrics["languages"]) == 9
    first = records_of(out)[0]
    claim = first["arms"]["quoted"]["claims"][0]
    assert (claim["status"], claim["supported"], claim["evidence"]["path"]) == ("scored", True, "zh/rope.md")
    assert (out / "report.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_the_same_numbers_come_out_twice(evaluated: Run, questions: Path, tmp_path: Path) -> None:
    found = []
    for name in ("a", "b"):
        evaluated("--questions", questions, "--out", tmp_path / name)
        metrics = metrics_of(tmp_path / name)
        metrics["arms"]["quoted"].pop("seconds")
        found.append(metrics)
    assert found[0] == found[1]


def test_a_run_that_was_cut_off_goes_on(evaluated: Run, questions: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    evaluated("--questions", questions, "--out", out)
    whole, lines = metrics_of(out), (out / "records.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    marked = json.loads(lines[0]) | {"marked": True}
    (out / "records.jsonl").write_text(json.dumps(marked) + "\n" + lines[1] + lines[2][:50], encoding="utf-8")
    (out / "metrics.json").unlink()
    assert evaluated("--questions", questions, "--out", out)[0] == 0
    records = records_of(out)
    assert [record["gold"]["id"] for record in records] == ["1", "2", "3", "4"]
    assert records[0]["marked"]  # it was not asked again
    whole["arms"]["quoted"].pop("seconds")
    again = metrics_of(out)
    again["arms"]["quoted"].pop("seconds")
    assert again == whole


@pytest.mark.parametrize(
    ("arguments", "environment", "part"),
    [
        (("--limit", "2"), {}, "questions"),
        (("--arms", "retrieval"), {}, "arms"),
        ((), {"INTERVIEW_RAG_RETRIEVAL__K": "2"}, "settings"),
    ],
)
def test_another_run_in_the_same_folder_is_refused(
    evaluated: Run,
    questions: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    environment: dict[str, str],
    part: str,
) -> None:
    out = tmp_path / "out"
    evaluated("--questions", questions, "--out", out)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    code, printed, errors = evaluated("--questions", questions, "--out", out, *arguments)
    assert (code, printed, errors.count("\n")) == (2, "", 1)
    assert "holds a run that differs in: " in errors
    assert part in errors
    assert "--fresh" in errors
    assert len(records_of(out)) == 4
    assert evaluated("--questions", questions, "--out", out, *arguments, "--fresh")[0] == 0


def test_notes_that_changed_make_another_run(evaluated: Run, questions: Path, notes: Path, tmp_path: Path) -> None:
    evaluated("--questions", questions, "--out", tmp_path / "out")
    (notes / "quantization.md").write_text("# Quantization\n\n## What is NF4?\n\nNF4 has sixteen levels.\n", encoding="utf-8")
    ingest([notes], IndexStore(tmp_path / "index"), HashEmbedder())
    assert "differs in: index" in evaluated("--questions", questions, "--out", tmp_path / "out")[2]


def test_a_damaged_record_is_named(evaluated: Run, questions: Path, tmp_path: Path) -> None:
    evaluated("--questions", questions, "--out", tmp_path / "out")
    (tmp_path / "out" / "records.jsonl").write_text("{half\n", encoding="utf-8")
    code, _, errors = evaluated("--questions", questions, "--out", tmp_path / "out")
    assert (code, errors.count("\n")) == (2, 1)
    assert "records.jsonl is damaged" in errors


def test_the_search_alone_is_measured_without_a_judge(evaluated: Run, questions: Path, tmp_path: Path) -> None:
    code, printed, _ = evaluated("--questions", questions, "--out", tmp_path / "out", "--arms", "retrieval")
    assert code == 0
    assert "| zh-Hans                    | 1.000 [1.000, 1.000] n=1 |" in printed
    metrics = metrics_of(tmp_path / "out")
    assert list(metrics["arms"]) == ["retrieval"]
    assert [cell["n"] for cell in metrics["languages"]] == [1, 0, 0, 1, 0, 0, 0, 0, 1]
    assert records_of(tmp_path / "out")[0]["arms"] == {}


def test_an_answer_is_given_from_the_search_that_is_recorded(
    evaluated: Run, questions: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INTERVIEW_RAG_RETRIEVAL__K", "1")
    evaluated("--questions", questions, "--out", tmp_path / "out")
    record = records_of(tmp_path / "out")[0]
    answer = record["arms"]["quoted"]["answer"]
    times = answer["timings"]
    assert record["search"]["seconds"] == pytest.approx(times["search"] + times["rerank"], abs=1e-4)
    # Metrics look at ten hits, the answer only at those of the settings.
    assert len(record["search"]["hits"]) == 6
    assert record["arms"]["quoted"]["contexts"] == 1
    assert {citation["chunk_id"] for citation in answer["citations"]} == {record["search"]["hits"][0]["chunk_id"]}


# --- Comparison and floors ---


def test_a_run_against_its_baseline(evaluated: Run, questions: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    evaluated("--questions", questions, "--out", tmp_path / "before")
    monkeypatch.setenv("INTERVIEW_RAG_ANSWERING__MIN_RELEVANCE", "1")  # refuses everything
    code, printed, errors = evaluated("--questions", questions, "--out", tmp_path / "after", "--baseline", tmp_path / "before")
    assert (code, errors) == (0, "")
    assert "against" in printed
    assert "worse: 1: answered -> refused-wrongly: RoPE 的底数取多少？" in printed
    compared = metrics_of(tmp_path / "after")["baseline"]
    assert compared["questions"] == {"both": 4, "only_here": 0, "only_baseline": 0}
    due = compared["arms"]["quoted"]["metrics"]["answered_when_due"]
    assert (due["before"], due["after"], due["difference"]["mean"], due["significant"]) == (1, 0, -1, True)
    assert due["worse"] == ["1", "2", "3"]
    recall = compared["arms"]["retrieval"]["metrics"]["recall@5"]
    assert (recall["difference"], recall["better"], recall["worse"]) == ({"mean": 0, "low": 0, "high": 0}, [], [])
    assert "Against the baseline" in (tmp_path / "after" / "report.html").read_text(encoding="utf-8")


def test_floors_fail_with_one_line_each(evaluated: Run, questions: Path, tmp_path: Path) -> None:
    floors = "faithfulness=0.9, recall@5=1,answer_relevance=0.99,refused_when_due=1.0"
    code, printed, errors = evaluated("--questions", questions, "--out", tmp_path / "out", "--fail-under", floors)
    assert code == 1
    lines = errors.splitlines()
    assert len(lines) == 2
    assert "answer_relevance is 0." in lines[0]
    assert lines[0].endswith("under its floor of 0.99")
    assert "refused_when_due" in lines[1]
    assert "report:" in printed
    assert metrics_of(tmp_path / "out")["floors"]["failures"] == lines
    assert evaluated("--questions", questions, "--out", tmp_path / "out", "--fail-under", "faithfulness=0.9")[0] == 0


def test_a_floor_under_what_cannot_be_measured_fails(evaluated: Run, tmp_path: Path) -> None:
    path = write(tmp_path / "q.jsonl", [ROWS[3]])
    code, _, errors = evaluated("--questions", path, "--out", tmp_path / "out", "--fail-under", "key_facts=0")
    assert (code, errors) == (1, "quoted: key_facts could not be measured, its floor is 0.0\n")


# --- Bad input: one line, exit code 2, and nothing runs ---


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--arms", "quoted,guessed"), "not guessed"),
        (("--arms", ","), "not nothing"),
        (("--fail-under", "faithfulnes=0.9"), "faithfulnes: no such metric; there are recall@1"),
        (("--fail-under", "faithfulness=high"), "'high' is no number"),
        (("--fail-under", "faithfulness=1.5"), "not from 0 to 1"),
        (("--fail-under", "faithfulness=nan"), "not from 0 to 1"),
        (("--fail-under", "faithfulness"), "METRIC=NUMBER"),
        (("--fail-under", ""), "METRIC=NUMBER"),
        (("--fail-under", "prompt_tokens=0.5"), "no such metric"),
        (("--arms", "retrieval", "--fail-under", "faithfulness=0.9"), "retrieval arm alone does not measure it"),
        (("--baseline", "no-such-folder"), "no-such-folder holds no run"),
        (("--judge-url", "http://127.0.0.1:1/v1"), "--judge openai:NAME"),
        (("--limit", "0"), "--limit"),
        (("--report-language", "fr"), "--report-language"),
        (("--split", "train"), "no questions of the split 'train'"),
    ],
)
def test_wrong_usage(run: Run, notes: Path, questions: Path, tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    code, printed, errors = run("eval", "--questions", questions, "--out", tmp_path / "out", *arguments)
    assert (code, printed, errors.count("\n")) == (2, "", 1)
    assert said in errors
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "no such file"),
        ("", "holds no questions"),
        ("\n \n", "holds no questions"),
        ('{"id": "1", "question": "?"}\n{"id": ', "line 2: no JSON"),
        ('{"id": "1"}', "line 1: question: Field required"),
        ('{"id": "1", "question": "a"}\n{"id": "1", "question": "b"}', "line 2: the id '1' stands in line 1 already"),
        ('{"id": "1", "question": "  "}', "line 1: the question is empty"),
        ("\xff\xfe\x00", "UTF-8"),
    ],
)
def test_question_files_that_cannot_be_run(run: Run, tmp_path: Path, content: str | None, said: str) -> None:
    path = tmp_path / "q.jsonl"
    if content is not None:
        path.write_bytes(content.encode("latin-1"))
    code, printed, errors = run("eval", "--questions", path, "--out", tmp_path / "out")
    assert (code, printed, errors.count("\n")) == (2, "", 1)
    assert said in errors


def test_without_an_index_the_error_says_what_to_do(run: Run, questions: Path, tmp_path: Path) -> None:
    code, _, errors = run("eval", "--questions", questions, "--out", tmp_path / "out", "--judge", "words")
    assert (code, errors.count("\n")) == (1, 1)
    assert "interview-rag ingest PATH" in errors
    assert not (tmp_path / "out").exists()


def test_questions_that_say_nothing_but_what_is_asked(evaluated: Run, tmp_path: Path) -> None:
    path = write(tmp_path / "q.jsonl", [{"id": 1, "question": "What is PTQ?"}, {"id": "2", "question": "RoPE とは？"}])
    assert evaluated("--questions", path, "--out", tmp_path / "out")[0] == 0
    arms = metrics_of(tmp_path / "out")["arms"]
    assert arms["retrieval"]["groups"]["all"]["metrics"] == {}  # nowhere to be found
    assert arms["quoted"]["groups"]["all"]["metrics"]["faithfulness"]["n"] == 2
    assert "key_facts" not in arms["quoted"]["groups"]["all"]["metrics"]


def test_an_empty_index_refuses_everything_and_measures_no_faithfulness(run: Run, questions: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    ingest([tmp_path / "empty"], IndexStore(tmp_path / "index"), HashEmbedder())
    assert run("eval", "--questions", questions, "--out", tmp_path / "out", "--arms", "quoted", "--judge", "words")[0] == 0
    whole = metrics_of(tmp_path / "out")["arms"]["quoted"]["groups"]["all"]
    assert (whole["outcomes"]["refused-wrongly"], whole["outcomes"]["refused-correctly"]) == (3, 1)
    assert "faithfulness" not in whole["metrics"]
    assert whole["metrics"]["key_facts"]["mean"] == 0
