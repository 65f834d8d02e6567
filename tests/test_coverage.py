"""What a question is about, and how much of it passages hold, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from retrieval.analysis import terms
from retrieval.bm25 import build_bm25
from retrieval.coverage import coverage, is_about_something_else, items

PASSAGES = [
    "RoPE 的缺点是超出训练长度后困惑度上升。",
    "ALiBi 用线性偏置，斜率固定。",
    "Temperature divides the logits; higher values give more diverse text.",
]


@pytest.mark.parametrize(
    ("question", "about"),
    [
        ("RoPE 有什么缺点？", {"§rope": 1.5, "§disadvantage": 0.5}),
        ("為什麼溫度大於 1？", {"§temperature": 1.5, "大于": 1.0, "1": 1.0}),
        ("量化和激活", {"§quantization": 1.5, "§activations": 1.5}),  # nothing of the bigram "化和"
        ("Why does GPT-3 matter?", {"gpt-3": 1.0, "matter": 1.0}),
        ("什么是什么？", {}),
        ("", {}),
    ],
)
def test_what_a_question_is_about(question: str, about: dict[str, float]) -> None:
    assert {" ".join(item.terms): item.weight for item in items(question)} == about


@pytest.mark.parametrize(
    ("question", "rows", "single", "union"),
    [
        ("RoPE 有什么缺点？", [0], 1, 1),
        ("RoPE 有什么缺点？", [1], 0, 0),
        ("RoPE 和 ALiBi 的斜率", [0, 1], 3 / 4.5, 1),  # no passage holds both, together they do
        ("RoPE zebra", [0], 1.5 / 2.5, 1.5 / 2.5),
        ("困惑度上升", [0], 1, 1),
        ("什么是什么？", [0], 0, 0),
        ("RoPE", [], 0, 0),
    ],
)
def test_coverage(question: str, rows: list[int], single: float, union: float) -> None:
    found = coverage(question, np.array(rows, dtype=np.int64), build_bm25([terms(text) for text in PASSAGES]))
    assert found == pytest.approx((single, union))


NOTES = build_bm25(
    [
        terms(text)
        for text in ("RoPE 的底数怎么选，显存占用多大，代码示例", "ALiBi slopes are fixed and need no training", "代价是训练慢")
    ]
)


@pytest.mark.parametrize(
    ("question", "elsewhere"),
    [
        ("红烧肉怎么做才好吃？", True),
        ("How do I cook pasta?", True),
        ("今天北京天气怎么样？", True),
        ("公式是什么？", False),
        ("显存能省多少？", False),
        ("举个例子", False),
        ("副作用呢？", False),
        ("Any gotchas?", False),
        ("Show me an example", False),
        ("为什么？", False),
        ("RoPE 能用来做红烧肉吗？", False),  # it names a subject of the field
    ],
)
def test_a_question_about_what_no_note_mentions(question: str, elsewhere: bool) -> None:
    assert is_about_something_else(question, NOTES) is elsewhere
