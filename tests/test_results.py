"""What comes out as JSON: the contract's fields, and answers that survive the trip there and back."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.documents import Chunk, SourceMap
from corpus.results import (
    Answer,
    Citation,
    Hit,
    Scores,
    SearchResult,
    Sentence,
    answer_from_row,
    answer_row,
    hit_row,
    search_row,
)

CHUNK = Chunk("zh/rope.md", 0, ("RoPE", "底数"), "取 10000。", 20, 28, SourceMap(((0, 20),)), "zh-Hans", 5)
HIT = Hit(1, CHUNK, 1.5, Scores(bm25=7.25, dense=0.875, fused=1.5))

_texts = st.text(max_size=12)
_numbers = st.floats(allow_nan=False, allow_infinity=False)
_shares = st.floats(0, 1)
_lists = st.lists(_texts, max_size=3).map(tuple)
_sentences = st.builds(
    Sentence,
    text=_texts,
    citations=st.lists(st.integers(1, 9), max_size=3).map(tuple),
    support=st.none() | _shares,
    origin=st.sampled_from(["generated", "quoted"]),
)
_citations = st.builds(
    Citation,
    n=st.integers(1, 9),
    chunk_id=_texts,
    path=_texts,
    heading=_lists,
    start=st.integers(0),
    end=st.integers(0),
    quote=_texts,
)
_answers = st.builds(
    Answer,
    question=_texts,
    query=_texts,
    answer=_texts,
    language=st.sampled_from(["zh-Hans", "zh-Hant", "en", "other"]),
    refused=st.booleans(),
    outcome=st.sampled_from(["answered", "quoted", "refused"]),
    support=st.none() | _shares,
    relevance=_shares,
    sentences=st.lists(_sentences, max_size=3).map(tuple),
    citations=st.lists(_citations, max_size=3).map(tuple),
    notice=st.none() | _texts,
    suggestions=_lists,
    model=st.none() | _texts,
    adapter=st.none() | _texts,
    rope=st.none() | _texts,
    left_out=_lists,
    tokens=st.dictionaries(st.sampled_from(["prompt", "completion"]), st.integers(0)),
    timings=st.dictionaries(st.sampled_from(["search", "rerank", "first_token", "total"]), _numbers),
)


@given(_answers)
def test_an_answer_survives_json(answer: Answer) -> None:
    row = json.loads(json.dumps(answer_row(answer), ensure_ascii=False))
    assert answer_from_row(row) == answer


@given(_answers, _texts)
def test_an_id_is_added_in_front_and_does_no_harm(answer: Answer, question_id: str) -> None:
    row = answer_row(answer, question_id)
    assert next(iter(row.items())) == ("id", question_id)
    assert answer_from_row(row) == answer


def test_tuples_come_back_as_tuples() -> None:
    """Equal is not enough: a list in a frozen dataclass could be changed, and would not hash."""
    answer = Answer("q", "q", "a", "en", False, "quoted", 1.0, 0.5, (Sentence("a", (1,), 1.0, "quoted"),))
    assert hash(answer_from_row(json.loads(json.dumps(answer_row(answer)))).sentences) == hash(answer.sentences)


# The contract of DESIGN.md: fields may be added, these stay.
_ANSWER_FIELDS = (
    "id question answer language refused support sentences citations model adapter rope left_out tokens timings"
).split()
_HIT_FIELDS = "rank chunk_id path heading start end text score scores".split()


def full_answer() -> Answer:
    return Answer(
        question="底数是多少？",
        query="底数是多少？",
        answer="取 10000。",
        language="zh-Hans",
        refused=False,
        outcome="quoted",
        support=1.0,
        relevance=0.9,
        sentences=(Sentence("取 10000。", (1,), 1.0, "quoted"),),
        citations=(Citation(1, CHUNK.id, "zh/rope.md", ("RoPE", "底数"), 20, 28, "取 10000。"),),
    )


def test_answer_row_has_the_contracts_fields() -> None:
    row = answer_row(full_answer(), "q1")
    assert set(_ANSWER_FIELDS) <= set(row)
    assert set(row["sentences"][0]) >= {"text", "citations", "support", "origin"}
    assert set(row["citations"][0]) >= {"n", "chunk_id", "path", "heading", "start", "end", "quote"}


def test_search_row_has_the_contracts_fields() -> None:
    row = search_row("q1", SearchResult("底数", (HIT,), 0.75, {"search": 0.1, "rerank": 0.25}))
    assert row["id"] == "q1"
    assert row["seconds"] == 0.35
    assert set(row["hits"][0]) >= set(_HIT_FIELDS)
    assert row["hits"] == [hit_row(HIT)]


def test_hit_row() -> None:
    assert hit_row(HIT) == {
        "rank": 1,
        "chunk_id": CHUNK.id,
        "path": "zh/rope.md",
        "heading": ["RoPE", "底数"],
        "start": 20,
        "end": 28,
        "text": "取 10000。",
        "score": 1.5,
        "scores": {"bm25": 7.25, "dense": 0.875, "fused": 1.5, "rerank": None},
    }


@pytest.mark.parametrize("page", [1, 12])
def test_hit_row_names_the_page_where_there_are_pages(page: int) -> None:
    assert hit_row(replace(HIT, chunk=replace(CHUNK, page=page)))["page"] == page
    assert "page" not in hit_row(HIT)
