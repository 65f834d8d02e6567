"""Fusion by exact arithmetic, in any order of the candidates."""

from __future__ import annotations

import math
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from retrieval.fusion import fuse, ranking, standardise, standardise_within
from retrieval.searcher import FloatVector

R = math.sqrt(1.5)  # 1, 2, 3 has mean 2 and standard deviation sqrt(2/3), so its ends lie sqrt(1.5) from the middle


def floats(*values: float) -> FloatVector:
    return np.array(values, dtype=np.float32)


def flags(text: str) -> NDArray[np.bool_]:
    """`zze`: two Chinese candidates and one that is not."""
    return np.array([letter == "z" for letter in text], dtype=np.bool_)


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        (floats(1, 2, 3), (-R, 0, R)),
        (floats(3, 1, 2), (R, -R, 0)),
        (floats(0, 10), (-1, 1)),
        (floats(0, 0, 0, 4), (-1 / math.sqrt(3), -1 / math.sqrt(3), -1 / math.sqrt(3), math.sqrt(3))),
        (floats(5, 5, 5), (0, 0, 0)),
        (floats(7), (0,)),
    ],
)
def test_standardise(scores: FloatVector, expected: tuple[float, ...]) -> None:
    assert standardise(scores) == pytest.approx(expected, abs=1e-6)


@given(st.floats(-1000, 1000, width=32), st.integers(1, 100))
def test_equal_scores_standardise_to_zero_whatever_they_are(value: float, count: int) -> None:
    assert not standardise(np.full(count, value, dtype=np.float32)).any()


@pytest.mark.parametrize(
    ("groups", "expected"),
    [
        ("zzzzz", (-math.sqrt(2), -math.sqrt(0.5), 0, math.sqrt(0.5), math.sqrt(2))),  # one language: as `standardise`
        ("eeeee", (-math.sqrt(2), -math.sqrt(0.5), 0, math.sqrt(0.5), math.sqrt(2))),
        ("zzzee", (-R, 0, R, -1, 1)),  # each by itself
        ("zezez", (-R, -1, 0, 1, R)),
        ("zeeee", (0, -1.5 / math.sqrt(1.25), -0.5 / math.sqrt(1.25), 0.5 / math.sqrt(1.25), 1.5 / math.sqrt(1.25))),
    ],
)
def test_standardise_within(groups: str, expected: tuple[float, ...]) -> None:
    assert standardise_within(floats(1, 2, 3, 4, 5), flags(groups)) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("weight", "expected"),
    [
        (0.0, (-R, 0, R)),  # lexical alone
        (1.0, (R, -R, 0)),  # dense alone
        (0.4, (-0.6 * R + 0.4 * R, -0.4 * R, 0.6 * R)),
        (0.5, (0, -R / 2, R / 2)),
    ],
)
def test_fused_is_the_weighted_sum(weight: float, expected: tuple[float, ...]) -> None:
    fused = fuse(floats(10, 20, 30), floats(0.9, 0.7, 0.8), flags("zzz"), dense_weight=weight)
    assert fused == pytest.approx(expected, abs=1e-5)


def test_notes_in_the_other_language_are_not_buried() -> None:
    """A Chinese question: BM25 and cosines of Chinese notes are higher throughout; the best English one still comes second."""
    lexical, dense = floats(12, 9, 6, 2, 1, 0), floats(0.92, 0.90, 0.88, 0.85, 0.82, 0.79)
    fused = fuse(lexical, dense, flags("zzzeee"), dense_weight=0.4)
    assert fused == pytest.approx((R, 0, -R, R, 0, -R), abs=1e-4)
    assert ranking(fused).tolist()[:2] == [0, 3]


def test_where_the_own_language_is_rare_its_passages_are_measured_by_all() -> None:
    """An English question over notes in Chinese: both English passages answer; by their own mean one would come last."""
    lexical, dense = (
        floats(20, 18, 6, 5, 4, 3, 2, 2, 1, 1, 0),
        floats(0.9, 0.89, 0.8, 0.8, 0.79, 0.79, 0.78, 0.78, 0.77, 0.77, 0.76),
    )
    fused = fuse(lexical, dense, flags("eezzzzzzzzz"), dense_weight=0.4)
    assert set(ranking(fused).tolist()[:3]) >= {0, 1}


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        (floats(1, 3, 2), [1, 2, 0]),
        (floats(2, 2, 2), [0, 1, 2]),  # ties keep their order
        (floats(1, 2, 1, 2), [1, 3, 0, 2]),
        (floats(-1, 0, -2), [1, 0, 2]),
        (floats(), []),
    ],
)
def test_ranking(scores: FloatVector, expected: list[int]) -> None:
    assert ranking(scores).tolist() == expected


# Multiples of 1/8: sums of them are exact, so that order cannot change them.
_score = st.integers(-800, 800).map(lambda eighths: eighths / 8)


@given(st.lists(st.tuples(_score, _score, st.booleans()), min_size=1, max_size=20), st.floats(0, 1), st.randoms())
def test_the_order_of_candidates_does_not_matter(
    candidates: list[tuple[float, float, bool]], weight: float, random: Random
) -> None:
    order = list(range(len(candidates)))
    random.shuffle(order)
    lexical, dense, chinese = (np.array(column) for column in zip(*candidates, strict=True))
    fused = fuse(floats(*lexical), floats(*dense), chinese, dense_weight=weight)
    shuffled = fuse(floats(*lexical[order]), floats(*dense[order]), chinese[order], dense_weight=weight)
    np.testing.assert_allclose(shuffled, fused[order], atol=1e-5)


@given(st.lists(_score, min_size=2, max_size=20), st.integers(1, 8), _score)
def test_neither_unit_nor_offset_of_a_score_matters(scores: list[float], unit: int, offset: float) -> None:
    np.testing.assert_allclose(standardise(floats(*scores)), standardise(floats(*scores) * unit + offset), atol=1e-5)


@given(st.lists(_score, max_size=20))
def test_ranking_sorts_and_is_stable(scores: list[float]) -> None:
    assert ranking(floats(*scores)).tolist() == sorted(range(len(scores)), key=lambda at: -scores[at])
