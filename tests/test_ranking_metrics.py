"""Metrics of rankings, worked by hand."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.ranking import METRICS, ranking_metrics, reciprocal_rank_fusion

LOG3 = math.log2(3)


@pytest.mark.parametrize(
    ("ranking", "relevant", "expected"),
    [
        # recall@1, recall@5, recall@10, mrr@10, ndcg@10, map
        ("a", {"a": 1}, (1, 1, 1, 1, 1, 1)),
        ("xa", {"a": 1}, (0, 1, 1, 1 / 2, 1 / LOG3, 1 / 2)),
        ("uvwxya", {"a": 1}, (0, 0, 1, 1 / 6, 1 / math.log2(7), 1 / 6)),
        ("", {"a": 1}, (0, 0, 0, 0, 0, 0)),
        ("x", {"a": 1}, (0, 0, 0, 0, 0, 0)),
        # rank 11: too late for all but map
        ("0123456789a", {"a": 1}, (0, 0, 0, 0, 0, 1 / 11)),
        # two are relevant: the best order would gain 1 + 1 / log2(3)
        ("axb", {"a": 1, "b": 1}, (1 / 2, 1, 1, 1, (1 + 1 / 2) / (1 + 1 / LOG3), (1 + 2 / 3) / 2)),
        ("xb", {"a": 1, "b": 1}, (0, 1 / 2, 1 / 2, 1 / 2, (1 / LOG3) / (1 + 1 / LOG3), (1 / 2) / 2)),
        # grades count in ndcg alone
        ("ba", {"a": 2, "b": 1}, (1 / 2, 1, 1, 1, (1 + 2 / LOG3) / (2 + 1 / LOG3), 1)),
    ],
)
def test_ranking_metrics(ranking: str, relevant: dict[str, int], expected: tuple[float, ...]) -> None:
    (metrics,) = ranking_metrics({"q": list(ranking)}, {"q": relevant}).values()
    assert metrics == pytest.approx(dict(zip(METRICS, expected, strict=True)))


def test_questions_are_measured_by_themselves() -> None:
    metrics = ranking_metrics({"1": ["a"], "2": []}, {"1": {"a": 1}, "2": {"a": 1}})
    assert (metrics["1"]["map"], metrics["2"]["map"]) == (1, 0)


@pytest.mark.parametrize(("rankings", "relevant"), [({"1": ["a"]}, {}), ({}, {"1": {"a": 1}}), ({"1": ["a"]}, {"1": {}})])
def test_a_question_without_ranking_or_relevant_passage_is_refused(
    rankings: dict[str, list[str]], relevant: dict[str, dict[str, int]]
) -> None:
    with pytest.raises(ValueError, match="every question"):
        ranking_metrics(rankings, relevant)


@given(st.permutations("abcdefghijklmnop"), st.sets(st.sampled_from("abcdefghijklmnop"), min_size=1))
def test_metrics_lie_between_0_and_1_and_recall_never_falls(order: list[str], relevant: set[str]) -> None:
    (metrics,) = ranking_metrics({"q": order}, {"q": dict.fromkeys(relevant, 1)}).values()
    assert all(0 <= value <= 1 + 1e-9 for value in metrics.values())
    assert metrics["recall@1"] <= metrics["recall@5"] <= metrics["recall@10"]


def test_reciprocal_rank_fusion_sums_reciprocals_of_ranks() -> None:
    """b: 1/62 + 1/61; a: 1/61; c: 1/62."""
    assert reciprocal_rank_fusion(["a", "b"], ["b", "c"]) == ["b", "a", "c"]
    # 1/61 each: equals by their first place
    assert reciprocal_rank_fusion(["a"], ["b"]) == ["a", "b"]
