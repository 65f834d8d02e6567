"""Passages that only ask."""

from __future__ import annotations

import pytest

from corpus.questions import asks_only


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("## 什么是甲？\n\n## 简述乙", True),
        ("1. 什么是甲？\n2. 什么是乙？", True),
        ("**什么是甲？**\n\n**什么是乙**", True),
        ("Q: 什么是甲？\nA:", True),
        ("What is attention?", True),
        ("## 什么是甲？\n甲是一。", False),
        ("## 优点\n- 省显存", False),
        ("1. 什么是甲？甲是一。", False),
        ("**甲**：是一。", False),
    ],
)
def test_asks_only(text: str, expected: bool) -> None:
    assert asks_only(text) is expected
