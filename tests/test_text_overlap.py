"""Words in common with a reference, worked by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.text_overlap import rouge_l, token_f1, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The base is 10,000.", ("base", "is", "10", "000")),
        ("RoPE 的底数取 10000。", ("rope", "的", "底数", "取", "10000")),
        ("RoPE 的底數取 10000。", ("rope", "的", "底数", "取", "10000")),  # both scripts are one
        ("！？ … —", ()),
        ("", ()),
    ],
)
def test_words(text: str, expected: tuple[str, ...]) -> None:
    assert words(text) == expected


@pytest.mark.parametrize(
    ("answer", "reference", "f1", "rouge"),
    [
        ("slopes fall geometrically", "slopes fall geometrically", 1, 1),
        ("geometrically slopes fall", "slopes fall geometrically", 1, 2 / 3),  # order counts for ROUGE-L only
        ("slopes fall", "slopes fall geometrically by heads", 2 * 2 / (2 + 5), 2 * 2 / (2 + 5)),
        ("slopes slopes slopes", "slopes fall", 2 * 1 / (3 + 2), 2 * 1 / (3 + 2)),  # repeating gains nothing
        ("底数取 10000", "RoPE 的底数取 10000", 2 * 3 / (3 + 5), 2 * 3 / (3 + 5)),
        ("底數取 10000", "RoPE 的底数取 10000", 2 * 3 / (3 + 5), 2 * 3 / (3 + 5)),
        ("nothing alike", "slopes fall", 0, 0),
        ("", "slopes fall", 0, 0),
        ("slopes fall", "", 0, 0),
        ("", "", 0, 0),
        ("。", "！", 0, 0),
    ],
)
def test_overlap(answer: str, reference: str, f1: float, rouge: float) -> None:
    assert token_f1(answer, reference) == pytest.approx(f1)
    assert rouge_l(answer, reference) == pytest.approx(rouge)


@given(st.text(alphabet="底数取向量 ab1。", max_size=20), st.text(alphabet="底数取向量 ab1。", max_size=20))
def test_overlap_is_symmetric_and_order_never_gains(one: str, other: str) -> None:
    assert token_f1(one, other) == token_f1(other, one)
    assert rouge_l(one, other) == rouge_l(other, one)
    assert 0 <= rouge_l(one, other) <= token_f1(one, other) <= 1
