"""The checker through its public interface."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generation.alignment import Alignment
from generation.checker import Checker, Combination, Evidence, load_checker

ROPE = (
    "RoPE 把查询和键按位置旋转一个角度，值不旋转。旋转的底数取 10000，低频维度转得慢。"
    "超出训练长度后，低频维度的角度没有见过，因此困惑度会迅速上升。"
)
LORA = (
    "LoRA freezes the pretrained weights and trains two matrices of rank 8. "
    "Because only these are updated, optimizer states shrink by a factor of three. The merged model is as fast as the original."
)
SUPPORTED = (
    ("旋转的底数取 10000。", ROPE),
    ("旋轉的底數取 10000。", ROPE),
    ("RoPE 旋转查询和键，但不旋转值。", ROPE),
    ("LoRA trains two matrices of rank 8.", LORA),
    ("In LoRA the pretrained weights stay frozen.", LORA),
)
UNSUPPORTED = (
    ("旋转的底数取 50000。", ROPE),
    ("LayerNorm 沿特征维度归一化，不依赖批次。", ROPE),
    ("LoRA trains two matrices of rank 64.", LORA),
    ("RoPE 把查询和键按位置旋转一个角度，值也旋转。", ROPE),
    ("超出训练长度后，困惑度会迅速下降。", ROPE),
    ("ALiBi adds a linear penalty to attention scores.", LORA),
)
CLAIMS = (*SUPPORTED, *UNSUPPORTED)

shares = st.floats(0, 1)
alignments = st.builds(Alignment, shares, *[st.booleans()] * 5)
evidence = st.builds(Evidence, st.floats(-50, 50), shares, alignments)


@pytest.fixture(scope="module")
def checker() -> Checker:
    return load_checker()


@given(evidence, st.tuples(*[st.floats(-20, 20)] * 7), st.floats(-20, 20))
def test_a_support_is_a_probability(found: Evidence, weights: tuple[float, ...], bias: float) -> None:
    assert 0.0 <= Combination(weights, bias, 0.5).support(found) <= 1.0


def test_the_regression_by_hand() -> None:
    found = Evidence(2.0, 0.5, Alignment(0.5, number=True, polarity=False, name=True, replaced=False, exchanged=True))
    # 0.5 * 2 + 2 * 0.5 - 2 * 0.5 - 0 - 1 * 0.5 - 0 - 1 * 0.5 = 0
    assert Combination((0.5, 2.0, -2.0, -5.0, -1.0, -4.0, -1.0), 0.0, 0.5).support(found) == 0.5


@pytest.mark.slow
@pytest.mark.parametrize(("claim", "context"), SUPPORTED)
def test_what_follows_is_supported(checker: Checker, claim: str, context: str) -> None:
    (support,) = checker.score([(claim, context)])
    assert checker.status(support) == "supported", support


@pytest.mark.slow
@pytest.mark.parametrize(("claim", "context"), UNSUPPORTED)
def test_what_does_not_follow_is_not(checker: Checker, claim: str, context: str) -> None:
    (support,) = checker.score([(claim, context)])
    assert checker.status(support) == "unsupported", support


@pytest.mark.slow
@pytest.mark.parametrize(
    ("claim", "context"), [("", ROPE), (" 。！", ROPE), ("RoPE 旋转查询。", ""), ("RoPE 旋转查询。", "\n…"), ("", "")]
)
def test_what_says_nothing_is_not_scoreable(checker: Checker, claim: str, context: str) -> None:
    assert checker.score([(claim, context)]) == [None]
    assert checker.status(None) == "not-scoreable"


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_neither_order_nor_company_changes_a_score(checker: Checker, seed: int) -> None:
    alone = {pair: checker.score([pair])[0] for pair in CLAIMS}
    order = random.Random(seed).sample(CLAIMS, len(CLAIMS))
    assert checker.score(order) == [alone[pair] for pair in order]
    assert checker.score([("", ""), *order])[1:] == [alone[pair] for pair in order]
    assert checker.score([]) == []


@pytest.mark.slow
def test_a_sentence_of_the_context_is_supported_by_it_in_either_script(checker: Checker) -> None:
    for claim in ("RoPE 把查询和键按位置旋转一个角度，值不旋转。", "RoPE 把查詢和鍵按位置旋轉一個角度，值不旋轉。"):
        assert checker.score([(claim, ROPE)]) == [1.0]


@pytest.mark.slow
def test_a_long_context_is_read_where_it_matters(checker: Checker) -> None:
    filler = "今天天气很好，我们去公园散步，看见许多人放风筝。" * 200
    near, far = checker.score([("RoPE 不旋转值。", ROPE), ("RoPE 不旋转值。", f"{filler}{ROPE}{filler}")])
    assert near is not None
    assert far is not None
    assert checker.status(near) == checker.status(far) == "supported"


@pytest.mark.slow
@settings(max_examples=40)
@given(
    st.text(alphabet="水冰 ab1.。\n[]\u200b€𠀀", max_size=60),
    st.text(alphabet="水冰 ab1.。\n[]\u200b€𠀀", max_size=200),
)
def test_any_text_gets_a_probability_or_none(checker: Checker, claim: str, context: str) -> None:
    (support,) = checker.score([(claim, context)])
    assert support is None or 0.0 <= support <= 1.0
    assert (support is None) == (not any(c.isalnum() for c in claim) or not any(c.isalnum() for c in context))
