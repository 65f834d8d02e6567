"""What a question is about, and how much of it passages hold, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from retrieval.analysis import terms
from retrieval.bm25 import build_bm25
from retrieval.coverage import coverage, items

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
