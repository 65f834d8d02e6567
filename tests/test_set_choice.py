"""Choosing a set of passages: pure arithmetic, worked by hand, and what holds for any input."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from retrieval.question_parts import parts
from retrieval.set_choice import SetGains, choose_set

Mask = NDArray[np.bool_]
Rows = list[list[float]] | None

ALONE = np.zeros((4, 4), dtype=np.bool_)
SCORES = np.array([2.0, 1.5, 1.0, 0.0], dtype=np.float32)
PAIR = ALONE.copy()
PAIR[0, 1] = PAIR[1, 0] = True


@pytest.mark.parametrize(
    ("beside", "gains", "named", "asked", "order", "added"),
    [
        # nothing but the scores
        (ALONE, SetGains(0.0), None, None, [0, 1, 2, 3], [2.0, 1.5, 1.0, 0.0]),
        # passage 1 stands beside the first one: 1.5 - 0.75 is less than 1.0
        (PAIR, SetGains(0.75), None, None, [0, 2, 1, 3], [2.0, 1.0, 0.75, 0.0]),
        (PAIR, SetGains(0.25), None, None, [0, 1, 2, 3], [2.0, 1.25, 1.0, 0.0]),
        # the question names two things; 0 and 1 hold the first one, 3 the second
        (ALONE, SetGains(0.0, coverage=4.0), [[0.5, 0.5, 0, 0], [0, 0, 0, 0.5]], None, [0, 3, 1, 2], [4.0, 2.0, 1.5, 1.0]),
        # a thing that only the last one holds puts it second: the best one by itself stays first
        (ALONE, SetGains(0.0, coverage=3.0), [[0, 0, 0, 1]], None, [0, 3, 1, 2], [2.0, 2.0, 1.5, 1.0]),
        # two parts: passage 0 answers the first one, passage 2 the second
        (ALONE, SetGains(0.0, part=1.0), None, [[1, 0.5, 0, 0], [0, 0, 1, 0.5]], [0, 2, 1, 3], [3.0, 2.0, 1.5, 0.0]),
    ],
)
def test_each_next_one_adds_most_to_those_before(
    beside: Mask, gains: SetGains, named: Rows, asked: Rows, order: list[int], added: list[float]
) -> None:
    chosen, gained = choose_set(
        SCORES,
        beside,
        gains,
        named=None if named is None else np.array(named, dtype=np.float32),
        parts=None if asked is None else np.array(asked, dtype=np.float32),
    )
    assert chosen == order
    np.testing.assert_allclose(gained, added, atol=1e-6)


@given(st.integers(0, 9), st.integers(0, 2**32 - 1))
def test_every_passage_comes_once_and_what_is_added_never_rises(n: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    scores = generator.normal(size=n).astype(np.float32)
    beside = np.triu(generator.random((n, n)) < 0.2, 1)
    held = generator.random((3, n)) < 0.5
    named = np.asarray(held * np.array([[0.5], [0.3], [0.2]]), dtype=np.float32)
    asked = generator.random((2, n)).astype(np.float32)
    order, added = choose_set(scores, beside | beside.T, SetGains(0.3, 1.0, 2.0), named=named, parts=asked)
    assert sorted(order) == list(range(n))
    assert all(added[i] >= added[i + 1] - 1e-5 for i in range(n - 1))


def test_equal_passages_keep_their_order() -> None:
    assert choose_set(np.zeros(4, dtype=np.float32), ALONE, SetGains(0.5))[0] == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("PI 扩到 8192 的时候，位置下标怎么变？副作用是什么？", ("PI 扩到 8192 的时候 位置下标怎么变", "副作用是什么")),
        (
            "What does DeepNorm change, and how many layers did it train?",
            ("What does DeepNorm change", "how many layers did it train?"),
        ),
        ("A、B 怎么初始化，为什么？", ("A、B 怎么初始化", "A、B 怎么初始化 为什么")),
        ("Which one is used, and why?", ("Which one is used", "Which one is used why?")),
        ("什么是 RAG？", ("什么是 RAG？",)),
        ("", ("",)),
    ],
)
def test_parts(question: str, found: tuple[str, ...]) -> None:
    assert tuple(part.rstrip("?？") for part in parts(question)) == tuple(part.rstrip("?？") for part in found)
