"""The shipped notes and the gold questions about them hold together."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import NOTES
from hash_embedder import HashEmbedder

from corpus.documents import Chunk, SourceMap
from corpus.errors import InvalidRow, UsageError
from eval.gold import DEFAULT_GOLD, GoldQuestion, Place, normalised, problems, read_gold, sections_of, spread, states
from eval.validate import validate
from ingest.chunk import chunk
from ingest.clean import clean
from ingest.parse import parse
from ingest.read import discover, read_file

FILES = sorted(NOTES.rglob("*.md"))
file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(NOTES).as_posix())


@pytest.fixture(scope="module")
def chunks() -> tuple[Chunk, ...]:
    """The shipped notes, freshly read, cleaned, parsed and chunked; the checks need no model's own way of counting tokens."""
    count = HashEmbedder().count_tokens
    documents = [clean(read_file(root, relative)) for root, relative in discover([NOTES])]
    return tuple(found for document in documents for found in chunk(document, parse(document), count_tokens=count))


# --- The shipped gold file ---


def test_there_are_enough_questions_of_every_kind() -> None:
    gold = read_gold(DEFAULT_GOLD)
    assert len(gold) >= 200
    assert sum(not question.answerable for question in gold) >= 40
    languages = Counter(question.lang for question in gold)
    assert set(languages) == {"zh-Hans", "zh-Hant", "en"}
    assert min(languages.values()) >= 40
    kinds = Counter(question.kind for question in gold)
    assert {"fact", "definition", "comparison", "derivation", "code", "multi-hop", "follow-up", "near-miss", "off-topic"} <= set(
        kinds
    )
    assert min(kinds.values()) >= 10
    assert {question.split for question in gold} == {"dev", "test"}


def test_ids_are_unique_and_no_question_is_asked_twice() -> None:
    gold = read_gold(DEFAULT_GOLD)
    assert [name for name, count in Counter(question.id for question in gold).items() if count > 1] == []
    asked = Counter((normalised(question.question), question.history) for question in gold)
    assert [question for question, count in asked.items() if count > 1] == []


def test_the_notes_still_answer_the_gold_questions(chunks: tuple[Chunk, ...]) -> None:
    assert validate(DEFAULT_GOLD, chunks).problems == ()


def test_every_answerable_question_says_where_and_what() -> None:
    for question in read_gold(DEFAULT_GOLD):
        if question.answerable:
            assert question.gold_sections, question.id
            assert question.must_include, question.id
            assert {place.path for place in question.gold_sections} == set(question.gold_files), question.id
        else:
            assert not question.gold_files, question.id
            assert not question.must_include, question.id
        assert bool(question.history) == (question.kind == "follow-up"), question.id


def test_questions_cross_languages_in_both_directions() -> None:
    directions = Counter(
        (question.lang[:2], *sorted({path.split("/")[0] for path in question.gold_files})) for question in read_gold(DEFAULT_GOLD)
    )
    assert directions["en", "zh"] >= 5
    assert directions["zh", "en"] + directions["zh", "en", "zh"] >= 5


# --- The shipped notes ---


def front_matter(path: Path) -> dict[str, Any]:
    fields: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8").split("---\n")[1])
    return fields


def questions_of(path: Path) -> list[str]:
    return re.split(r"^## ", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]


def test_there_are_enough_notes() -> None:
    counts = {folder: sum(len(questions_of(path)) for path in FILES if path.parent.name == folder) for folder in ("zh", "en")}
    assert counts["zh"] >= 60
    assert counts["en"] >= 30


@file
def test_front_matter_is_complete(path: Path) -> None:
    fields = front_matter(path)
    assert fields["title"].strip()
    assert fields["topic"] == path.stem
    assert fields["language"] == {"zh": "zh-Hans", "en": "en"}[path.parent.name]
    assert fields["references"]
    for reference in fields["references"]:
        assert {"authors", "year", "title"} <= set(reference)
        assert 1970 <= reference["year"] <= 2026
        assert {"arxiv", "url", "doi", "venue"} & set(reference), reference["title"]


@file
def test_arxiv_numbers_are_well_formed_and_fit_their_year(path: Path) -> None:
    """YYMM.NNNN until 2014, YYMM.NNNNN from 2015 on; the year is often a later version's, and once that of the day before."""
    for reference in front_matter(path)["references"]:
        if "arxiv" in reference:
            match = re.fullmatch(r"(\d\d)(0[1-9]|1[0-2])\.(\d{4,5})", str(reference["arxiv"]))
            assert match is not None, reference
            assert len(match[3]) == (5 if int(match[1]) >= 15 else 4), reference
            assert -1 <= reference["year"] - 2000 - int(match[1]) <= 2, reference


@file
def test_every_question_ends_with_references_that_the_front_matter_lists(path: Path) -> None:
    listed = {str(reference["arxiv"]) for reference in front_matter(path)["references"] if "arxiv" in reference}
    for question in questions_of(path):
        title = question.splitlines()[0]
        cited = re.findall(r"^\*\*(?:参考|References)(?:\*\*：|\.\*\*)\s*(\S.*)$", question, re.MULTILINE)
        assert len(cited) == 1, title
        assert set(re.findall(r"arXiv:([\d.]+\d)", question)) <= listed, title


@file
def test_an_answer_follows_every_question(path: Path) -> None:
    for question in questions_of(path):
        title, _, body = question.partition("\n")
        assert len(body.split("**参考")[0].split("**References")[0].strip()) > 200, title


# --- Reading gold files ---


def write(path: Path, *rows: object) -> Path:
    path.write_text(
        "\n".join(row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8"
    )
    return path


def test_a_row_may_carry_more_and_may_carry_little(tmp_path: Path) -> None:
    path = write(
        tmp_path / "q.jsonl",
        {"id": "1", "question": "什么是 RoPE？", "note": "mine"},
        "",
        {"id": "2", "question": "?", "split": "dev"},
    )
    first, second = read_gold(path)
    assert (first.id, first.gold_mode, first.answerable, first.history) == ("1", "any", True, ())
    assert read_gold(path, split="dev") == (second,)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ('{"id": "1"', "line 2: no JSON"),
        ({"id": "1"}, "line 2: question: Field required"),
        ({"id": "1", "question": "?", "gold_mode": "some"}, "line 2: gold_mode: Input should be 'any' or 'all'"),
        ({"id": "1", "question": "?", "gold_sections": [{"path": "a.md"}]}, "line 2: gold_sections.0.heading: Field required"),
        ([1, 2], "line 2: row: Input should be"),
    ],
)
def test_a_malformed_row_is_named(tmp_path: Path, row: object, reason: str) -> None:
    path = write(tmp_path / "q.jsonl", {"id": "0", "question": "?"}, row)
    with pytest.raises(InvalidRow, match=re.escape(reason)):
        read_gold(path)


def test_files_without_questions_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        read_gold(tmp_path / "none.jsonl")
    with pytest.raises(UsageError, match=r"holds no questions$"):
        read_gold(write(tmp_path / "empty.jsonl", ""))
    with pytest.raises(UsageError, match="of the split 'dev'"):
        read_gold(write(tmp_path / "q.jsonl", {"id": "0", "question": "?"}), split="dev")


# --- Facts and problems ---


@pytest.mark.parametrize(
    ("text", "fact", "expected"),
    [
        ("底数取 10000。", "10000", True),
        ("底数取 1 0000。", "10000", True),  # white space does not count
        ("４個 token", "4 个", True),  # nor do width and script
        ("about FOUR tokens", "4|four", True),  # any alternative
        ("about five tokens", "4|four", False),
        ("m = 2^{-8h/n}", "2^{-8h/n}", True),
        ("", "x", False),
    ],
)
def test_states(text: str, fact: str, expected: bool) -> None:
    assert states(text, fact) is expected


def passage(heading: tuple[str, ...], text: str) -> Chunk:
    return Chunk("a.md", 0, heading, text, 0, len(text), SourceMap(), "en", 1)


@pytest.mark.parametrize(
    ("heading", "facts", "expected"),
    [
        ("Slopes", ("1/256", "alibi"), ()),  # headings above count as text
        ("Slopes", ("1/512",), ("key fact '1/512' is not in its sections",)),
        ("Slope", ("1/256",), ("no section 'Slope' in a.md",)),
        ("ALiBi", ("1/256", "BLOOM"), ()),  # a section holds its subsections
    ],
)
def test_problems(heading: str, facts: tuple[str, ...], expected: tuple[str, ...]) -> None:
    place = Place(path="a.md", heading=heading)
    question = GoldQuestion(id="q", question="?", gold_files=("a.md",), gold_sections=(place,), must_include=facts)
    assert tuple(problems(question, sections_of(ALIBI))) == expected


ALIBI = [passage(("ALiBi", "Slopes"), "From 1/2 to 1/256."), passage(("ALiBi", "Models"), "BLOOM uses it.")]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, ("answerable, but names no file",)),
        ({"answerable": False}, ()),
        ({"gold_files": ("b.md",)}, ("no file b.md in the notes",)),
        ({"gold_files": ("a.md",), "answerable": False}, ("unanswerable, but names where the answer stands",)),
    ],
)
def test_files_are_named_where_there_is_an_answer(fields: dict[str, Any], expected: tuple[str, ...]) -> None:
    assert tuple(problems(GoldQuestion(id="q", question="?", **fields), sections_of(ALIBI))) == expected


def test_validation_names_the_line_of_each_problem(tmp_path: Path) -> None:
    whole = {"id": "1", "question": "Which slopes?", "lang": "en", "split": "dev", "gold_files": ["a.md"]}
    path = write(
        tmp_path / "q.jsonl",
        whole,
        "{",
        "",
        {**whole, "question": "which slopes?", "must_include": [" | "]},
        {"id": "2", "question": "And then?", "gold_files": ["a.md"], "must_include": ["1/256"]},
        {**whole, "id": "3", "question": " ", "split": "train"},
    )
    found = validate(path, ALIBI)
    assert found.questions == 4
    assert [(problem.line, problem.reason.split(":")[0]) for problem in found.problems] == [
        (2, "no JSON"),
        (4, "the id '1' stands in line 1 already"),
        (4, "the same question stands in line 1 already"),
        (4, "key fact ' | ' is empty, or an alternative of it"),
        (5, "lang is missing"),
        (5, "split is missing"),
        (6, "the question is empty"),
        (6, "split 'train' is neither dev nor test"),
    ]


def test_spread_takes_questions_from_all_parts_of_a_file() -> None:
    questions = tuple(GoldQuestion(id=str(n), question="?") for n in range(10))
    assert [question.id for question in spread(questions, 4)] == ["0", "2", "5", "7"]
    assert spread(questions, None) == spread(questions, 99) == questions
