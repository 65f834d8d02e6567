"""What differs between a claim and the sentences that it nearly follows, by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation.alignment import align

ROPE = "RoPE 把查询和键按位置旋转一个角度，值不旋转。旋转的底数取 10000，低频维度转得慢。"
LORA = "LoRA freezes the pretrained weights and trains two matrices of rank 8, so memory decreases."
SLOW = "The kernel is slow because small batches fill the cache."


@pytest.mark.parametrize(
    ("claim", "context", "differs"),
    [
        ("旋转的底数取 10000。", ROPE, set()),
        ("旋轉的底數取 10000。", ROPE, set()),
        ("旋转的底数取 50000。", ROPE, {"number"}),
        ("低频维度转得快，旋转的底数取 10000。", ROPE, {"polarity"}),
        ("RoPE 把查询和键按位置旋转一个角度，值也要旋转。", ROPE, {"polarity"}),
        ("ALiBi 把查询和键按位置旋转一个角度，值不旋转。", ROPE, {"name"}),
        ("LoRA trains two matrices of rank 8.", LORA, set()),
        ("LoRA trains two matrices of rank 64.", LORA, {"number"}),
        ("LoRA freezes the pretrained weights, so memory increases.", LORA, {"polarity"}),
        ("LoRA does not freeze the pretrained weights.", LORA, {"polarity"}),
        ("RoPE 把值和键按位置旋转一个角度，查询不旋转。", ROPE, {"exchanged"}),
        ("RoPE 把键和查询按位置旋转一个角度，值不旋转。", ROPE, set()),  # an enumeration in another order
        ("由于训练中断了，显存不足。", "由于显存不足，训练中断了。", {"exchanged"}),
        ("訓練中斷了，因為顯存不足。", "由于显存不足，训练中断了。", set()),
        (
            "Small batches fill the cache because the kernel is slow.",
            "The kernel is slow because small batches fill the cache.",
            {"exchanged"},
        ),
        ("LoRA trains the pretrained weights and freezes two matrices of rank 8.", LORA, {"exchanged"}),
    ],
)
def test_what_differs(claim: str, context: str, differs: set[str]) -> None:
    found = align(claim, context)
    assert {name for name in ("number", "polarity", "name", "exchanged") if getattr(found, name)} == differs


def test_a_free_rendering_is_not_near() -> None:
    assert align("Only small low-rank factors are learned while everything else is left alone.", LORA).near == 0


@given(st.text(alphabet="旋转不a1 ，", min_size=1, max_size=30))
def test_a_sentence_does_not_differ_from_itself(text: str) -> None:
    if any(c.isalnum() for c in text):
        found = align(text, text)
        assert (found.number, found.polarity, found.name, found.exchanged) == (False,) * 4
