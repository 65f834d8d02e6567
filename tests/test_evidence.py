"""Which sentences of the hits become evidence."""

import pytest
from hash_embedder import HashEmbedder

from corpus.documents import Chunk, Language, SourceMap
from corpus.results import Hit, Scores
from generation.evidence import EvidenceSettings, candidate_sentences, plain_sentence, select_evidence
from retrieval.analysis import terms
from retrieval.bm25 import build_bm25

TEXT = """量化粒度
以下介绍三种粒度：
- 逐张量量化（per-tensor）：整个张量共用一个缩放因子。
- 逐通道量化（per-channel）：每个通道一个缩放因子，误差更小。
| --- | --- |
为什么要分组？
Frantar et al., 2022, arXiv:2210.17323。
"""


def make_chunk(text: str, heading: str = "量化粒度有哪些？", language: Language = "zh-Hans", ordinal: int = 0) -> Chunk:
    return Chunk("q.md", ordinal, (heading,), text, 0, len(text), SourceMap(), language, 100)


def make_hits(*chunks: Chunk) -> tuple[Hit, ...]:
    return tuple(Hit(rank, chunk, 1.0 - rank / 10, Scores()) for rank, chunk in enumerate(chunks, 1))


def test_only_what_states_something_is_a_candidate() -> None:
    chunk = make_chunk(TEXT)
    assert [chunk.text[a:b] for a, b in candidate_sentences(chunk)] == [
        "- 逐张量量化（per-tensor）：整个张量共用一个缩放因子。",
        "- 逐通道量化（per-channel）：每个通道一个缩放因子，误差更小。",
    ]


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("- **参数**：1.17 亿。", "参数：1.17 亿。"),
        ("1. 计算位置编码。", "计算位置编码。"),
        ("RoPE 用 $m\\theta_i$ 旋转。", "RoPE 用 $m\\theta_i$ 旋转。"),
        ("8 位整数矩阵。", "8 位整数矩阵。"),
    ],
)
def test_list_marks_and_emphasis_are_left_out(source: str, shown: str) -> None:
    assert plain_sentence(source) == shown


def select(question: str, chunks: tuple[Chunk, ...], language: Language = "zh-Hans", **settings: float) -> list[str]:
    evidence = select_evidence(
        question,
        make_hits(*chunks),
        embedder=HashEmbedder(),
        bm25=build_bm25([terms(chunk.indexed_text()) for chunk in chunks]),
        settings=EvidenceSettings(**settings),  # type: ignore[arg-type]
        language=language,
    )
    return [item.text for item in evidence]


def test_the_sentence_asked_for_comes_first_when_one_is_wanted() -> None:
    found = select("逐通道量化每个通道几个缩放因子", (make_chunk(TEXT),), sentences=1, opening=0.0)
    assert found == ["逐通道量化（per-channel）：每个通道一个缩放因子，误差更小。"]


def test_evidence_stands_in_reading_order_whatever_the_rank_of_its_chunk() -> None:
    first = make_chunk("GPTQ 逐列量化权重。", ordinal=0)
    second = make_chunk("GPTQ 用海森矩阵补偿误差。", ordinal=1)
    assert select("GPTQ", (second, first)) == ["GPTQ 逐列量化权重。", "GPTQ 用海森矩阵补偿误差。"]


def test_the_same_sentence_in_two_notes_is_taken_once() -> None:
    assert select("GPTQ", (make_chunk("GPTQ 逐列量化权重。"), make_chunk("GPTQ 逐列量化权重。", ordinal=4))) == [
        "GPTQ 逐列量化权重。"
    ]


def test_notes_in_the_language_of_the_question_are_preferred() -> None:
    chinese = make_chunk("GPTQ 逐列量化权重，每次一列。")
    english = make_chunk("GPTQ quantizes the weights column by column.", "How does GPTQ work?", "en")
    assert select("GPTQ weights", (chinese, english), "en", sentences=1) == ["GPTQ quantizes the weights column by column."]


def test_no_hits_no_evidence() -> None:
    assert select("GPTQ", ()) == []
