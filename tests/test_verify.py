"""The check that stands between a language model and the reader."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation.verify import SUPPORTED, longest_common_subsequence, overlap, support

NORMS = (
    "BatchNorm 是针对一个批次内的数据进行归一化。",
    "LayerNorm 是针对每一个样本的特征维度进行归一化，不依赖批次内其他样本。",
)
ROPE = (
    "RoPE 作用在每一层的查询和键上，值不旋转，词嵌入上也不加位置向量。",
    "RoPE rotates queries and keys by an angle proportional to position, so that their inner product depends on the offset only.",
)
LORA = ("LoRA freezes the pretrained weights and trains two matrices of rank r = 8.",)


@pytest.mark.parametrize(
    ("claim", "evidence"),
    [
        ("LayerNorm 是针对每一个样本的特征维度进行归一化。", NORMS),
        ("LayerNorm 是針對每一個樣本的特徵維度進行歸一化。", NORMS),
        ("BatchNorm 是针对一个批次内的数据进行归一化，LayerNorm 是针对每一个样本的特征维度进行归一化。", NORMS),
        ("RoPE 作用在每一层的查询和键上。", ROPE),
        ("RoPE rotates queries and keys by an angle proportional to position.", ROPE),
        ("LoRA freezes the pretrained weights.", LORA),
    ],
)
def test_claims_that_follow_the_evidence_are_supported(claim: str, evidence: tuple[str, ...]) -> None:
    score = support(claim, evidence)
    assert score is not None
    assert score >= SUPPORTED


@pytest.mark.parametrize(
    ("claim", "evidence", "what"),
    [
        ("LayerNorm 是针对一个批次内的数据进行归一化。", NORMS, "one name in the place of another"),
        ("LayerNorm 是针对每一个样本的特征维度进行归一化，依赖批次内其他样本。", NORMS, "negation taken away"),
        ("RoPE 的值也要旋转，词嵌入上也加位置向量。", ROPE, "negation taken away"),
        ("ALiBi rotates queries and keys by an angle proportional to position.", ROPE, "one name in the place of another"),
        ("LoRA trains two matrices of rank r = 16.", LORA, "another number"),
        ("LoRA does not freeze the pretrained weights.", LORA, "negation added"),
        ("量化会降低显存占用。", ROPE, "another subject"),
    ],
)
def test_claims_that_only_look_like_the_evidence_are_not(claim: str, evidence: tuple[str, ...], what: str) -> None:
    score = support(claim, evidence)
    assert score is not None
    assert score < SUPPORTED, what


@pytest.mark.parametrize(
    ("claim", "evidence"), [("", NORMS), ("。！", NORMS), ("RoPE 旋转查询。", ()), ("RoPE 旋转查询。", ("  ",))]
)
def test_what_says_nothing_is_not_scoreable(claim: str, evidence: tuple[str, ...]) -> None:
    assert support(claim, evidence) is None


@pytest.mark.parametrize("sentence", [*NORMS, *ROPE, *LORA])
def test_a_quotation_is_fully_supported_by_itself(sentence: str) -> None:
    assert support(sentence, [sentence]) == 1.0


def test_subsequence_by_hand() -> None:
    assert longest_common_subsequence("abcbdab", "bdcaba") == 4  # Cormen et al., Introduction to Algorithms, figure 15.8


@given(st.lists(st.integers(0, 4), max_size=12), st.lists(st.integers(0, 4), max_size=12))
def test_subsequence_is_symmetric_and_bounded(a: list[int], b: list[int]) -> None:
    length = longest_common_subsequence(list(map(str, a)), list(map(str, b)))
    assert length == longest_common_subsequence(list(map(str, b)), list(map(str, a)))
    assert length <= min(len(a), len(b))
    assert longest_common_subsequence(list(map(str, a)), list(map(str, a))) == len(a)


def test_overlap_ignores_order() -> None:
    assert overlap("freeze weights", "weights freeze") == 1.0
    assert overlap("freeze weights", "nothing here") == 0.0
