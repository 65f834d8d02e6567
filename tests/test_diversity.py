"""Maximal marginal relevance: the best first, then what adds something."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.diversity import maximal_marginal_relevance

# Two passages that say the same, and one apart.
SAME = np.array([[1, 0], [1, 0], [0, 1]], dtype=np.float32)
SCORES = np.array([3, 2.9, 1], dtype=np.float32)


@pytest.mark.parametrize(("diversity", "order"), [(0.0, [0, 1, 2]), (0.9, [0, 2, 1])])
def test_a_repeat_goes_behind_what_is_new(diversity: float, order: list[int]) -> None:
    assert maximal_marginal_relevance(SCORES, SAME, diversity=diversity) == order


@given(st.lists(st.floats(-5, 5, width=32), max_size=8), st.floats(0, 1), st.integers(0, 100))
def test_it_is_an_order_of_all_that_starts_with_the_best(scores: list[float], diversity: float, seed: int) -> None:
    vectors = np.random.default_rng(seed).normal(size=(len(scores), 4)).astype(np.float32)
    order = maximal_marginal_relevance(np.array(scores, dtype=np.float32), vectors, diversity=diversity)
    assert sorted(order) == list(range(len(scores)))
    assert not scores or scores[order[0]] == max(scores)
