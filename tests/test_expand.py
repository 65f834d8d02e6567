"""Query expansion: what a model writes becomes further wordings of the same question."""

from __future__ import annotations

import pytest
from conftest import IndexStore
from hash_embedder import HashEmbedder
from langchain_core.language_models.fake import FakeListLLM

from generation.expand import hyde, multi_query
from generation.models.language_model import Decoding
from generation.models.model_loading import load_language_model
from retrieval.query import analyse
from retrieval.retriever import HybridRetriever


@pytest.mark.parametrize(
    ("written", "variants"),
    [
        ("1. 重排序是什么？\n2. 交叉编码器做什么？", ("重排序是什么？", "交叉编码器做什么？")),
        ("1. 什么是 rerank？\n1. 什么是 rerank？", ()),  # the question itself is no other wording
        ("甲\n甲\n乙\n丙", ("甲", "乙")),
        ("", ()),
    ],
)
def test_rewordings_are_read_line_by_line(written: str, variants: tuple[str, ...]) -> None:
    query = multi_query(FakeListLLM(responses=[written]))(analyse("什么是 rerank？"))
    assert query.variants == variants
    assert query.text == "什么是 rerank？"


@pytest.mark.parametrize(("written", "drafts"), [(" 用交叉编码器打分。", ("用交叉编码器打分。",)), ("  ", ())])
def test_a_draft_is_what_was_written(written: str, drafts: tuple[str, ...]) -> None:
    assert hyde(FakeListLLM(responses=[written]))(analyse("什么是 rerank？")).drafts == drafts


def test_a_wording_finds_what_the_question_does_not(ingested: IndexStore, hash_embedder: HashEmbedder) -> None:
    snapshot = ingested.snapshot(hash_embedder.name, use_gpu=False)
    question = "ranking again?"
    plain = HybridRetriever(snapshot=snapshot, embedder=hash_embedder).search(question)
    model = FakeListLLM(responses=["1. 什么是重排序？"])
    expanded = HybridRetriever(snapshot=snapshot, embedder=hash_embedder, expand=multi_query(model)).search(question)
    snapshot.close()
    assert plain.hits[0].chunk.heading[-1] != "什麼是重排序？"
    assert expanded.hits[0].chunk.heading[-1] == "什麼是重排序？"
    assert expanded.query == question


@pytest.mark.slow
def test_the_bundled_model_writes_wordings_and_drafts() -> None:
    model = load_language_model(decoding=Decoding(max_tokens=48))
    query = analyse("What is rotary position embedding?")
    assert multi_query(model)(query).variants
    assert hyde(model)(query).drafts
