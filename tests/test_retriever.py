"""The hybrid retriever over the shipped notes with the bundled model, and over small notes without one."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from conftest import IndexStore, SentenceTransformerEmbeddings
from hash_embedder import HashEmbedder
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from word_reranker import WordReranker

from corpus.documents import Chunk, SourceMap
from corpus.language import to_traditional
from corpus.results import Hit, Scores, hit_row
from ingest.pipeline import ingest
from retrieval.manifest import EmbeddingModel
from retrieval.query import analyse
from retrieval.retriever import HybridRetriever, RetrievalSettings
from retrieval.second_stage import Found, to_read


@pytest.fixture(scope="session")
def retriever(shipped_index: IndexStore, embedder: SentenceTransformerEmbeddings) -> Iterator[HybridRetriever]:
    snapshot = shipped_index.snapshot(embedder.name)
    yield HybridRetriever(snapshot=snapshot, embedder=embedder)
    snapshot.close()


@pytest.fixture
def small(ingested: IndexStore, hash_embedder: HashEmbedder) -> Iterator[HybridRetriever]:
    snapshot = ingested.snapshot(hash_embedder.name, use_gpu=False)
    yield HybridRetriever(snapshot=snapshot, embedder=hash_embedder)
    snapshot.close()


def is_in(hit: Hit, place: str) -> bool:
    """Whether a hit lies in a place, written `path: part of a heading`."""
    path, heading = place.split(": ")
    return hit.chunk.path == path and any(heading in part for part in hit.chunk.heading)


# --- The shipped notes ---


@pytest.mark.slow
@pytest.mark.parametrize(
    ("question", "places"),
    [
        # simplified Chinese
        ("为什么 Transformer 用 LayerNorm 而不用 BatchNorm？", ("zh/normalization.md: BatchNorm",)),
        ("RoPE 为什么能表示相对位置，怎么推导？", ("zh/rope.md: 内积只依赖相对位置", "zh/rope.md: 推导")),
        ("温度参数是干什么的？", ("zh/sampling.md: 温度",)),
        ("LoRA 的秩怎么选，为什么推理没有额外延迟？", ("zh/fine-tuning.md: LoRA",)),
        # traditional Chinese over simplified notes
        (
            "什麼是注意力匯聚？StreamingLLM 怎麼用它？",
            ("zh/length-extrapolation.md: 注意力汇聚", "en/length-extrapolation.md: attention sinks"),
        ),
        ("量化感知訓練和訓練後量化差在哪？", ("zh/quantization.md: QAT",)),
        ("混合檢索要怎麼把 BM25 和向量檢索的結果合起來？", ("zh/rag.md: 混合检索", "zh/rag.md: BM25")),
        ("ALiBi 的斜率怎麼計算？", ("zh/alibi.md: 斜率",)),
        # English
        ("Why is RoPE attention said to decay with distance?", ("en/rope.md: decay",)),
        ("How does YaRN extend the context window?", ("en/length-extrapolation.md: YaRN",)),
        ("When should I fine-tune and when use retrieval?", ("en/fine-tuning.md: RAG or fine-tuning",)),
        ("What does InstructGPT do beyond GPT-3?", ("en/gpt-series.md: InstructGPT",)),
        # English over notes that are in Chinese only
        ("How does T5's relative position bias work?", ("zh/positional-encoding.md: T5", "en/positional-encoding.md: T5")),
    ],
)
def test_a_question_finds_its_section(retriever: HybridRetriever, question: str, places: tuple[str, ...]) -> None:
    hits = retriever.search(question).hits[:5]
    assert any(is_in(hit, place) for hit in hits for place in places), [(hit.chunk.path, hit.chunk.heading[-1]) for hit in hits]


@pytest.mark.slow
def test_a_follow_up_finds_the_section_of_its_subject(retriever: HybridRetriever) -> None:
    alone, after = (retriever.search("它有什么缺点？", history=history).hits[:3] for history in ((), ("什么是 ALiBi？",)))
    assert not any(is_in(hit, "zh/alibi.md: 局限") for hit in alone)
    assert any(is_in(hit, "zh/alibi.md: 局限") for hit in after)


@pytest.mark.slow
@pytest.mark.parametrize("question", ["什么是旋转位置编码？", "训练后量化为什么需要校准集？", "重排序为什么用交叉编码器？"])
def test_both_scripts_of_a_question_find_the_same_section(retriever: HybridRetriever, question: str) -> None:
    simplified, traditional = (retriever.search(text).hits for text in (question, to_traditional(question)))
    assert simplified[0].chunk.id == traditional[0].chunk.id


@pytest.mark.slow
def test_langchain_gets_documents_with_the_contracts_metadata(retriever: HybridRetriever) -> None:
    assert isinstance(retriever, BaseRetriever)
    question = "How do top-k, top-p and min-p sampling differ?"
    documents = retriever.invoke(question)
    hits = retriever.search(question).hits
    assert all(isinstance(document, Document) for document in documents)
    assert [document.page_content for document in documents] == [hit.chunk.text for hit in hits]
    assert [document.id for document in documents] == [hit.chunk.id for hit in hits]
    contract = {"rank", "chunk_id", "path", "heading", "start", "end", "text", "score", "scores"}
    assert all(contract <= document.metadata.keys() for document in documents)
    assert [document.metadata for document in documents] == [hit_row(hit) for hit in hits]


@pytest.mark.slow
def test_a_hit_leads_back_to_the_file_it_came_from(retriever: HybridRetriever) -> None:
    for hit in retriever.search("RoPE 的底数取多少？").hits:
        source = retriever.snapshot.catalogue.source(hit.chunk.id, hit.chunk.start, hit.chunk.end)
        assert source.split()[0] == hit.chunk.text.split()[0]
        assert source.split()[-1] == hit.chunk.text.split()[-1]


@pytest.mark.slow
def test_what_the_notes_answer_is_more_relevant_than_what_they_do_not(retriever: HybridRetriever) -> None:
    answered = ("为什么 LLaMA 用 RMSNorm？", "什麼是 QLoRA？", "What is catastrophic forgetting?")
    foreign = ("明天上海会下雨吗？", "紅燒肉要燉多久？", "Who won the 1998 World Cup final?")
    least = min(retriever.search(question).relevance for question in answered)
    assert least > max(retriever.search(question).relevance for question in foreign)
    assert least > 0.5


# --- Small notes ---


def test_hits_are_ranked_by_their_score(small: HybridRetriever) -> None:
    result = small.search("RoPE 的底数取多少？")
    assert [hit.rank for hit in result.hits] == list(range(1, len(result.hits) + 1))
    assert all(left.score >= right.score for left, right in pairwise(result.hits))
    assert all(hit.score == hit.scores.fused for hit in result.hits)
    assert result.hits[0].chunk.path == "zh/rope.md"
    assert 0 <= result.relevance <= 1
    assert result.seconds["search"] > 0


def test_each_score_is_that_of_its_search(small: HybridRetriever) -> None:
    snapshot, embedder = small.snapshot, small.embedder
    for hit in small.search("交叉编码器").hits:
        vector = embedder.encode_passages([hit.chunk.indexed_text()])[0]
        assert hit.scores.dense == pytest.approx(float(vector @ embedder.encode_query("交叉编码器")[0]), abs=1e-5)
        held = "交叉编码器" in hit.chunk.text or "交叉編碼器" in hit.chunk.text
        assert (hit.scores.bm25 or 0) > 0 if held else hit.scores.bm25 == 0
    assert snapshot.size == 6


@pytest.mark.parametrize(("k", "expected"), [(1, 1), (3, 3), (6, 6), (50, 6), (None, 2)])
def test_k_hits_at_most(small: HybridRetriever, k: int | None, expected: int) -> None:
    small.settings = RetrievalSettings(k=2)
    assert len(small.search("量化", k=k).hits) == expected


def test_the_first_k_do_not_depend_on_k(small: HybridRetriever) -> None:
    few, many = small.search("训练", k=2), small.search("训练", k=6)
    assert few.hits == many.hits[:2]


def test_find_searches_the_standalone_question(small: HybridRetriever) -> None:
    history = ("什么是重排序？",)
    query = analyse("它有什么缺点？", history)
    assert small.search("它有什么缺点？", history=history).hits == small.find(query).hits
    assert small.find(query).query == "什么是重排序？ 它有什么缺点？"


@pytest.mark.parametrize("question", ["", "  \n"])
def test_an_empty_question_finds_nothing(small: HybridRetriever, question: str) -> None:
    result = small.search(question)
    assert (result.hits, result.relevance) == ((), 0)


def test_an_empty_index_finds_nothing(ingested: IndexStore, hash_embedder: HashEmbedder) -> None:
    with ingested.writer() as catalogue:
        for stored in catalogue.documents():
            catalogue.delete(stored.root, stored.path)
        ingested.commit(catalogue, EmbeddingModel(hash_embedder.name, hash_embedder.dimension), lambda: None)
    snapshot = ingested.snapshot(hash_embedder.name, use_gpu=False)
    result = HybridRetriever(snapshot=snapshot, embedder=hash_embedder).search("RoPE 是什么？")
    snapshot.close()
    assert (result.hits, result.relevance) == ((), 0)


def test_a_hit_brings_the_chunks_beside_it(notes: Path, store: IndexStore, hash_embedder: HashEmbedder) -> None:
    paragraphs = [f"第{n}段讲长度外推的第{n}种做法，" + "它把位置下标换成别的值。" * 8 for n in "一二三四五六"]
    (notes / "long.md").write_text("# 笔记\n\n## 长文\n\n" + "\n\n".join(paragraphs), encoding="utf-8")
    ingest([notes], store, hash_embedder, budget=120)
    snapshot = store.snapshot(hash_embedder.name, use_gpu=False)
    retriever = HybridRetriever(snapshot=snapshot, embedder=hash_embedder, settings=RetrievalSettings(k=1, widen=1))
    (hit,) = retriever.search("第三段讲什么？").hits
    assert hit.chunk.path == "long.md"
    assert [abs(near.ordinal - hit.chunk.ordinal) for near in hit.neighbours] in ([1], [1, 1])
    assert {near.heading for near in hit.neighbours} == {hit.chunk.heading}
    assert [row["chunk_id"] for row in hit_row(hit)["neighbours"]] == [near.id for near in hit.neighbours]
    retriever.settings = RetrievalSettings(k=1, widen=0)
    assert retriever.search("第三段讲什么？").hits[0].neighbours == ()
    snapshot.close()


def test_diversity_puts_repeats_behind(small: HybridRetriever) -> None:
    small.settings = RetrievalSettings(k=6, diversity=0.0)
    plain = small.search("训练和推理").hits
    small.settings = RetrievalSettings(k=6, diversity=0.8)
    diverse = small.search("训练和推理").hits
    assert {hit.chunk.id for hit in plain} == {hit.chunk.id for hit in diverse}
    assert plain[0].chunk.id == diverse[0].chunk.id
    assert [hit.rank for hit in diverse] == [1, 2, 3, 4, 5, 6]


def test_words_of_the_other_language_find_notes(small: HybridRetriever) -> None:
    """No name of the field joins the two, only a general word does."""
    hits = small.search("what has reciprocal ranks added up?").hits
    assert "倒數" in hits[0].chunk.text


# --- Small notes, with a reranker ---


def test_the_first_k_do_not_depend_on_k_with_a_reranker_either(small: HybridRetriever) -> None:
    small.reranker, small.settings = WordReranker(), RetrievalSettings(rerank_pool=3)
    few, many = small.search("训练后量化和重排序", k=2), small.search("训练后量化和重排序", k=6)
    assert [hit.chunk.id for hit in many.hits[:2]] == [hit.chunk.id for hit in few.hits]
    assert [hit.scores.rerank is not None for hit in many.hits] == [True] * 3 + [False] * 3
    assert all(left.score >= right.score for left, right in pairwise(many.hits))
    assert small.reranker.read == [3, 3]


def test_chunks_side_by_side_are_read_only_if_they_are_much_better() -> None:
    def found(score: float, ordinal: int, heading: str) -> Found:
        chunk = Chunk("a.md", ordinal, (heading,), f"{heading} {ordinal}", 0, 1, SourceMap(), "zh-Hans", 9)
        return Found(ordinal, Hit(0, chunk, score, Scores()))

    best, beside, behind, apart = found(3.0, 4, "一"), found(2.5, 5, "一"), found(2.4, 6, "一"), found(2.0, 9, "二")
    assert to_read((best, beside, behind, apart), 2) == (best, behind)  # 2.5 counts as 1.75
    assert to_read((best, beside, behind, apart), 3) == (best, behind, apart)
    assert to_read((best, beside, found(1.0, 9, "二")), 2) == (best, beside)
    assert to_read((best, found(2.5, 5, "二"), apart), 2) == (best, found(2.5, 5, "二"))  # another section


def test_each_part_of_a_question_has_a_passage_among_the_first(small: HybridRetriever) -> None:
    small.reranker, small.settings = WordReranker(), RetrievalSettings(rerank_pool=6)
    parts = ("RoPE 的底数取多少？", "什么是重排序？")
    best = [small.search(part).hits[0].chunk.id for part in parts]
    assert set(best) <= {hit.chunk.id for hit in small.search("".join(parts)).hits[:3]}
