"""Labelled sets as they are found in a folder: two formats, clear errors, a fair choice of questions."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from corpus.errors import DatasetNotFound, InterviewRagError, InvalidDataset, InvalidRow, UnknownDataset
from eval.labelled_sets import read_labelled_sets
from retrieval.training.datasets import part_of

TEXT = "梵文是古印度的語言。威廉·瓊斯發現了印歐語系。"


def asked(question: str, answer: str = "", start: int = 0, **more: object) -> dict[str, Any]:
    return {"question": question, "answers": [{"text": answer, "answer_start": start}] if answer else [], **more}


def squad(path: Path, *articles: tuple[str, Sequence[tuple[str, list[dict[str, Any]]]]]) -> Path:
    data = [{"title": t, "paragraphs": [{"context": c, "qas": qas} for c, qas in paragraphs]} for t, paragraphs in articles]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"version": "1", "data": data}, ensure_ascii=False), encoding="utf-8")
    return path


def beir(folder: Path, judgements: str = "q1\td2\t1\nq1\td1\t0\nq2\td1\t2\n") -> Path:
    (folder / "qrels").mkdir(parents=True)
    rows = [{"_id": "d1", "title": "Sky", "text": "It is blue."}, {"_id": "d2", "text": "Grass is green."}]
    queries = [{"_id": "q1", "text": "colour of grass"}, {"_id": "q2", "text": "colour of sky"}, {"_id": "q3", "text": "none"}]
    for name, content in (("corpus", rows), ("queries", queries)):
        (folder / f"{name}.jsonl").write_text("\n".join(map(json.dumps, content)), encoding="utf-8")
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n" + judgements, encoding="utf-8")
    return folder


def test_contexts_are_the_passages_each_once(tmp_path: Path) -> None:
    squad(
        tmp_path / "xquad" / "xquad.zh.json",
        ("梵文", [(TEXT, [asked("誰發現印歐語系？", "威廉·瓊斯", 10), asked("梵文是哪裡的？", "古印度", 3)]), ("別的。", [])]),
        ("瓊斯", [(TEXT, [asked("沒有答案", is_impossible=True), asked("答案不在文中", "希臘", 2)])]),
    )
    (found,) = read_labelled_sets(tmp_path)
    assert (found.name, found.passages) == ("xquad/xquad.zh", (("", TEXT), ("", "別的。")))
    assert [(q.text, q.relevant, q.article) for q in found.questions] == [
        ("誰發現印歐語系？", {0: 1}, "梵文"),
        ("梵文是哪裡的？", {0: 1}, "梵文"),
        ("答案不在文中", {0: 1}, "瓊斯"),
    ]
    assert [[TEXT[a:b] for a, b in q.answers] for q in found.questions] == [["威廉·瓊斯"], ["古印度"], []]


def test_an_offset_that_is_off_by_a_little_is_mended(tmp_path: Path) -> None:
    squad(tmp_path / "s" / "dev.json", ("t", [(TEXT, [asked("?", "古印度", 5)])]))
    (found,) = read_labelled_sets(tmp_path)
    assert [TEXT[a:b] for a, b in found.questions[0].answers] == ["古印度"]


def test_beir_folders_have_grades_and_titles(tmp_path: Path) -> None:
    beir(tmp_path / "colours")
    (found,) = read_labelled_sets(tmp_path)
    assert (found.name, found.passages) == ("colours/test", (("Sky", "It is blue."), ("", "Grass is green.")))
    assert [(q.text, q.relevant) for q in found.questions] == [("colour of grass", {1: 1}), ("colour of sky", {0: 2})]


def test_a_set_may_lie_in_the_folder_itself(tmp_path: Path) -> None:
    squad(tmp_path / "dev.json", ("t", [("a", [asked("?")])]))
    beir(tmp_path / "b")
    assert [found.name for found in read_labelled_sets(tmp_path)] == ["b/test", "dev"]
    assert [found.name for found in read_labelled_sets(tmp_path / "b")] == ["test"]


def test_names_choose_by_their_beginning_and_other_json_is_passed_over(tmp_path: Path) -> None:
    for name in ("cmrc2018/dev", "cmrc2018/trial", "drcd/dev"):
        squad(tmp_path / f"{name}.json", ("t", [("a", [asked("?")])]))
    (tmp_path / "drcd" / "rows.json").write_text('{"id": 1}\n{"id": 2}\n', encoding="utf-8")
    (tmp_path / "drcd" / "list.json").write_text("[1, 2]", encoding="utf-8")
    assert [s.name for s in read_labelled_sets(tmp_path)] == ["cmrc2018/dev", "cmrc2018/trial", "drcd/dev"]
    assert [s.name for s in read_labelled_sets(tmp_path, ("cmrc",))] == ["cmrc2018/dev", "cmrc2018/trial"]
    assert [s.name for s in read_labelled_sets(tmp_path, ("drcd/dev", "cmrc2018/t"))] == ["cmrc2018/trial", "drcd/dev"]
    with pytest.raises(UnknownDataset, match=r"drcd/rows: there are cmrc2018/dev, cmrc2018/trial, drcd/dev$"):
        read_labelled_sets(tmp_path, ("drcd/rows",))


@pytest.mark.parametrize(
    ("content", "error", "said"),
    [
        ('{"data": [{"paragraphs": [', InvalidDataset, "JSON"),
        ('{"data": [{"title": "t", "paragraphs": [{"qas": []}]}]}', InvalidDataset, r"data.0.paragraphs.0.context"),
        ('{"data": [{"title": "t", "paragraphs": [{"context": "a", "qas": []}]}]}', InvalidDataset, "no questions"),
        (b"\xff\xfe\x00", InvalidDataset, "utf-8"),
        ("[]", DatasetNotFound, "no labelled set"),
    ],
)
def test_a_malformed_file_is_named(content: str | bytes, error: type[InterviewRagError], said: str, tmp_path: Path) -> None:
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "dev.json").write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(error, match=said) as raised:
        read_labelled_sets(tmp_path)
    assert raised.value.exit_code == 2


@pytest.mark.parametrize(
    ("file", "content", "line", "said"),
    [
        ("qrels/test.tsv", "query-id\tcorpus-id\tscore\nq1\td1\t1\nq1\td9\t1\n", 3, "d9"),
        ("qrels/test.tsv", "query-id\tcorpus-id\tscore\nq1 d1 1\n", 2, "corpus-id"),
        ("qrels/test.tsv", "query-id\tcorpus-id\tscore\nq1\td1\tyes\n", 2, "score"),
        ("queries.jsonl", '{"_id": "q1"}\n', 1, "text"),
        ("corpus.jsonl", '{"_id": "d1", "text": "a"}\nnot json', 2, "JSON"),
    ],
)
def test_a_malformed_row_is_named(file: str, content: str, line: int, said: str, tmp_path: Path) -> None:
    (beir(tmp_path / "b") / file).write_text(content, encoding="utf-8")
    with pytest.raises(InvalidRow, match=rf"line {line}: .*{said}"):
        read_labelled_sets(tmp_path)


def test_a_beir_folder_needs_all_its_files(tmp_path: Path) -> None:
    (beir(tmp_path / "b") / "queries.jsonl").unlink()
    with pytest.raises(InvalidDataset, match=r"queries\.jsonl"):
        read_labelled_sets(tmp_path)


def test_no_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DatasetNotFound, match="nowhere"):
        read_labelled_sets(tmp_path / "nowhere")


def test_only_questions_of_articles_kept_out_of_training_are_asked_of_the_training_sets(tmp_path: Path) -> None:
    articles = [(f"article {n}", [(f"context {n}", [asked(f"question {n}")])]) for n in range(40)]
    for name in ("drcd/dev", "unseen/dev"):
        squad(tmp_path / f"{name}.json", *articles)
    known, unseen = read_labelled_sets(tmp_path)
    fair = known.choose()
    assert fair.held_out
    assert {q.article for q in fair.questions} == {title for title, _ in articles if part_of(title) == "held-out"}
    assert (fair.passages, fair.total) == (known.passages, 40)
    assert (known.choose(all_questions=True), unseen.choose()) == (known, unseen)


def test_a_limit_draws_the_same_questions_each_time(tmp_path: Path) -> None:
    squad(tmp_path / "s" / "dev.json", ("t", [("a", [asked(f"question {n}") for n in range(50)])]))
    (found,) = read_labelled_sets(tmp_path)
    few = found.choose(5)
    assert few == found.choose(5)
    assert len(few.questions) == 5
    assert set(map(str, few.questions)) < set(map(str, found.questions))
    assert found.choose(500) == found
