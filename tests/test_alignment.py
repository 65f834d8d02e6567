"""What differs between a claim and the sentences that it nearly follows, by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation.alignment import align

ROPE = "RoPE 把查询和键按位置旋转一个角度，值不旋转。旋转的底数取 10000，低频维度转得慢。"
LORA = "LoRA freezes the pretrained weights and trains two matrices of rank 8, so memory decreases."
STAGES = "模型有三个阶段，共训练 3000 亿个词元。学习率取较小的值。"
STEPS = "The model has 3 stages of ten thousand steps and was trained on 8 GPUs."
DIFFERENCES = ("number", "polarity", "name", "replaced", "exchanged")
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
        ("LoRA trains the pretrained weights and freezes two matrices of rank 8.", LORA, {"exchanged", "replaced"}),
        # Numbers: in words, in either script, in another unit; where one is new, and where it has only moved.
        ("模型有 3 个阶段。", STAGES, set()),
        ("模型有四个阶段。", STAGES, {"number"}),
        ("共训练 300B 个词元。", STAGES, set()),
        ("共训练 3 万亿个词元。", STAGES, {"number"}),
        ("学习率取一个较小的值。", STAGES, set()),
        ("The model has three stages of 10,000 steps.", STEPS, set()),
        ("The model has 4 stages of 10000 steps.", STEPS, {"number"}),
        ("On 8 GPUs the model has 3 stages of 10000 steps.", STEPS, set()),
        # Negations: left out inside a clause, and words that only look like one.
        ("Tables should be split.", "Tables should not be split.", {"polarity"}),
        ("论文也有公布参数量。", "论文也没有公布参数量。", {"polarity"}),
        ("这种做法十分简单。", "这种做法非常简单。", set()),
        # Opposites that share a character.
        ("使绝对距离不超过训练长度。", "使相对距离不超过训练长度。", {"polarity"}),
        ("旋转施加在投影之前的查询上。", "旋转施加在投影之后的查询上。", {"polarity"}),
        (
            "Text consists of the few probable words at each step.",
            "Text consists of the most probable words at each step.",
            {"polarity"},
        ),
        # Names: one that the context does not know, in Latin letters inside Chinese, and one that it has elsewhere.
        ("常见的流程是先做 SFT，再做 KIVI。", "常见的流程是先做 SFT，再做 XPTQ。", {"name"}),
        ("StreamingLLM 保留最近的若干词元。", "StreamingLLM 解决长对话。它保留最近的若干词元。", set()),
        # Words that the context tells apart.
        ("线性惩罚压低了远处模型的权重。", "线性惩罚压低了远处词元的权重。模型因此只看近处。", {"replaced"}),
        ("线性惩罚压低了远处单词的权重。", "线性惩罚压低了远处词元的权重。模型因此只看近处。", set()),
        (
            "The kernel is fast because small batches fill the memory.",
            f"{SLOW} The memory is large.",
            {"name", "polarity", "replaced"},
        ),
    ],
)
def test_what_differs(claim: str, context: str, differs: set[str]) -> None:
    found = align(claim, context)
    assert {name for name in DIFFERENCES if getattr(found, name)} == differs


def test_a_free_rendering_is_not_near() -> None:
    assert align("Only small low-rank factors are learned while everything else is left alone.", LORA).near == 0


@given(st.text(alphabet="旋转不a1 ，", min_size=1, max_size=30))
def test_a_sentence_does_not_differ_from_itself(text: str) -> None:
    if any(c.isalnum() for c in text):
        found = align(text, text)
        assert not any(getattr(found, name) for name in DIFFERENCES)
