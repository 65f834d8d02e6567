"""The second look at the evidence: when the notes are said to answer, and what a refusal costs."""

from __future__ import annotations

import pytest
from hash_embedder import HashEmbedder
from hypothesis import given
from hypothesis import strategies as st
from test_long_context import WordChecker
from word_reranker import WordReranker

from corpus.documents import Chunk, SourceMap
from corpus.results import Answer, Hit, Scores
from eval.comparison.written import said
from generation.answerer import Answerer, AnswerSettings
from generation.answering import Question
from generation.phrases import nearest_lines, refusal
from generation.selection.answerable import SURELY_NOT, answerable, unmentioned
from retrieval.retriever import HybridRetriever
from retrieval.store import IndexStore

SHARES = st.floats(0, 1)
LOGITS = st.floats(-9, 9)


@given(SHARES, SHARES, LOGITS, LOGITS, LOGITS, LOGITS)
def test_more_relevant_passages_a_better_statement_and_a_surer_reader_never_make_an_answer_less_likely(
    one: float, other: float, low: float, high: float, doubting: float, sure: float
) -> None:
    (one, other), (low, high), (doubting, sure) = sorted((one, other)), sorted((low, high)), sorted((doubting, sure))
    assert 0 <= answerable(one, low) <= answerable(other, high) <= 1
    assert 0 <= answerable(one, low, doubting) <= answerable(other, low, sure) <= 1


@pytest.mark.parametrize(("relevance", "reading", "answered"), [(0.02, 2.0, True), (0.9, -3.0, False), (0.3, 0.5, True)])
def test_the_reader_outweighs_the_search(relevance: float, reading: float, answered: bool) -> None:
    assert all((answerable(relevance, statement, reading) >= 0.5) is answered for statement in (-4.0, 4.0))


@given(SHARES)
def test_without_a_reranker_the_search_decides(relevance: float) -> None:
    assert answerable(relevance, None) == relevance


@pytest.mark.parametrize(
    ("relevance", "statement", "answered"),
    [
        (0.15, 3.0, True),  # the search doubts, and a sentence says it
        (0.5, -3.0, False),  # a near miss: the right passages, and nothing in them says it
        (0.95, 2.0, True),
        (0.2, -2.0, False),
    ],
)
def test_a_statement_outweighs_the_search_in_doubt(relevance: float, statement: float, answered: bool) -> None:
    assert (answerable(relevance, statement) >= 0.5) is answered


@pytest.mark.parametrize(
    ("question", "missing"),
    [
        ("GPT-4 有多少参数？", {"gpt4"}),
        ("GPT3 有多少参数？", set()),
        ("GPT 3 与 CoNLL-2003", {"conll2003"}),
        ("With 8 heads, how large is top-10 of GPT-3?", set()),
        ("What is FP16?", {"fp16"}),
    ],
)
def test_numbered_names_that_no_hit_has(question: str, missing: set[str]) -> None:
    assert unmentioned(question, [hit_of("GPT-3 有 1750 亿个参数。")]) == missing


@pytest.mark.parametrize(
    ("question", "missing"),
    [
        ("RMSNorm 和 LayerNorm 有什么区别？", {"RMSNorm"}),
        ("Redis 怎么持久化？", {"Redis"}),
        ("How does RMSNorm differ from layernorm?", {"RMSNorm"}),
        ("Why is Attention fast?", set()),  # capitalised, which in English is no sign of a name
        ("SFT 和 LLMs 的关系", set()),  # abbreviations may be written out
        ("Layer Norm 放在哪里？", set()),
        ("ReRoPE 与 RoPE 的区别", {"ReRoPE"}),  # RoPE has a Chinese name, which the hit uses
    ],
)
def test_other_names_that_no_hit_has(question: str, missing: set[str]) -> None:
    assert unmentioned(question, [hit_of("LayerNorm 在注意力之前；旋转位置编码作用于查询。")]) == missing


def hit_of(text: str) -> Hit:
    return Hit(1, Chunk("a.md", 0, ("模型",), text, 0, len(text), SourceMap(), "zh-Hans", 20), 1.0, Scores())


def asked(store: IndexStore, question: str, reranker: WordReranker | None, min_relevance: float = 0.5) -> Answer:
    embedder = HashEmbedder()
    retriever = HybridRetriever(snapshot=store.snapshot(embedder.name), embedder=embedder, reranker=reranker)
    settings = AnswerSettings(min_relevance=min_relevance)
    return Answerer(retriever, WordChecker(), None, settings).invoke(Question(question))  # type: ignore[arg-type]


def test_each_part_of_a_question_is_looked_for_before_it_is_refused(ingested: IndexStore) -> None:
    reranker = WordReranker()
    asked(ingested, "How does QAT simulate quantization, and what does PTQ do afterwards?", reranker, min_relevance=1.0)
    assert len(reranker.read) == 4  # the passages, then the units for the whole and for both parts
    asked(ingested, "How does QAT simulate quantization?", reranker, min_relevance=1.0)
    assert len(reranker.read) == 6  # the passages and the units


def test_what_is_surely_not_in_the_notes_is_refused_before_anything_is_read(ingested: IndexStore) -> None:
    reranker = WordReranker()
    answer = asked(ingested, "zzzz", reranker)
    assert (answer.refused, len(reranker.read)) == (True, 1)  # the passages were ranked, and no unit was read
    assert answer.relevance < SURELY_NOT


def test_the_relevance_of_an_answer_is_that_of_the_second_look(ingested: IndexStore) -> None:
    question = "QAT simulates quantization during training."
    searched = asked(ingested, question, None, min_relevance=0.0).relevance
    answer = asked(ingested, question, WordReranker(), min_relevance=0.0)
    assert not answer.refused
    assert answer.relevance != searched
    assert asked(ingested, question, WordReranker(), min_relevance=min(1.0, answer.relevance + 0.01)).refused


def test_a_refusal_in_doubt_quotes_what_comes_nearest(ingested: IndexStore) -> None:
    question = "QAT simulates quantization during training."
    answer = asked(ingested, question, WordReranker(), min_relevance=1.0)
    assert (answer.refused, answer.outcome, answer.support) == (True, "refused", None)
    assert answer.notice == nearest_lines("en")
    assert [(s.origin, s.citations) for s in answer.sentences] == [("quoted", (1,))]
    assert answer.citations[0].quote in answer.sentences[0].text
    assert answer.answer.splitlines() == [refusal("en"), nearest_lines("en"), f"{answer.sentences[0].text}[1]"]
    assert said(answer) == ""  # what is measured of a refusal
