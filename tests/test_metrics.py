"""Metrics, worked by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.documents import Chunk, SourceMap
from eval.calibrate import auroc, fit
from eval.gold import GoldQuestion, Place
from eval.metrics import context_precision, key_fact_recall, mean_with_interval, recall_at, retrieval_metrics


def passage(path: str, *heading: str, text: str = "text") -> Chunk:
    return Chunk(path, 0, heading, text, 0, len(text), SourceMap(), "en", 1)


A1, A2, B1 = passage("a.md", "A", "one"), passage("a.md", "A", "two"), passage("b.md", "B", "one")
OTHER = passage("c.md", "C")
ONE_OF_A = Place(path="a.md", heading="one")
ONE_OF_B = Place(path="b.md", heading="one")


def gold(**fields: object) -> GoldQuestion:
    return GoldQuestion.model_validate({"id": "q", "question": "?", **fields})


# --- Retrieval ---


@pytest.mark.parametrize(
    ("ranked", "fields", "at_1", "at_5", "reciprocal"),
    [
        ((A1, OTHER), {"gold_files": ["a.md"]}, 1, 1, 1),
        ((OTHER, A1), {"gold_files": ["a.md"]}, 0, 1, 1 / 2),
        ((OTHER, OTHER, B1), {"gold_files": ["a.md", "b.md"]}, 0, 1, 1 / 3),  # any one is enough
        ((OTHER,), {"gold_files": ["a.md"]}, 0, 0, 0),
        ((), {"gold_files": ["a.md"]}, 0, 0, 0),
        # sections decide where they are named
        ((A2, A1), {"gold_files": ["a.md"], "gold_sections": [ONE_OF_A]}, 0, 1, 1 / 2),
        ((passage("a.md", "A", "one", "deeper"),), {"gold_files": ["a.md"], "gold_sections": [ONE_OF_A]}, 1, 1, 1),
        ((passage("z.md", "A", "one"),), {"gold_files": ["a.md"], "gold_sections": [ONE_OF_A]}, 0, 0, 0),
        # all are needed
        ((A1, OTHER, B1), {"gold_files": ["a.md", "b.md"], "gold_mode": "all"}, 1 / 2, 1, 1),
        ((A1, A2, A1), {"gold_files": ["a.md", "b.md"], "gold_mode": "all"}, 1 / 2, 1 / 2, 1),
        # headings of the same name in two files are two sections
        ((A1,), {"gold_files": ["a.md", "b.md"], "gold_sections": [ONE_OF_A, ONE_OF_B], "gold_mode": "all"}, 1 / 2, 1 / 2, 1),
        # the sixth is too late
        ((OTHER,) * 5 + (A1,), {"gold_files": ["a.md"]}, 0, 0, 1 / 6),
    ],
)
def test_retrieval_metrics(
    ranked: tuple[Chunk, ...], fields: dict[str, object], at_1: float, at_5: float, reciprocal: float
) -> None:
    question = gold(**fields)
    metrics = retrieval_metrics(ranked, question)
    assert list(metrics) == ["recall@1", "recall@5", "recall@10", "mrr@10", "ndcg@10", "map", "context_precision"]
    assert (metrics["recall@1"], metrics["recall@5"], metrics["mrr@10"]) == pytest.approx((at_1, at_5, reciprocal))


@pytest.mark.parametrize(
    ("ranked", "mode", "ndcg", "average_precision"),
    [
        ((A1, B1), "any", 1, 1),
        ((OTHER, A1, B1), "any", 1 / math.log2(3), 1 / 2),  # the second that answers adds nothing
        ((A1, B1), "all", 1, 1),
        ((A1, A2, B1), "all", (1 + 1 / 2) / (1 + 1 / math.log2(3)), (1 + 2 / 3) / 2),  # and neither does more of the same file
        ((B1,), "all", 1 / (1 + 1 / math.log2(3)), 1 / 2),
    ],
)
def test_ranking_metrics_count_what_is_needed(
    ranked: tuple[Chunk, ...], mode: str, ndcg: float, average_precision: float
) -> None:
    metrics = retrieval_metrics(ranked, gold(gold_files=["a.md", "b.md"], gold_mode=mode))
    assert (metrics["ndcg@10"], metrics["map"]) == pytest.approx((ndcg, average_precision))


def test_a_passage_that_holds_two_needed_sections_finds_both() -> None:
    places = [Place(path="a.md", heading=heading).model_dump() for heading in ("one", "deeper")]
    question = gold(gold_files=["a.md"], gold_sections=places, gold_mode="all")
    assert recall_at(1, [passage("a.md", "A", "one", "deeper")], question) == 1


@pytest.mark.parametrize(
    ("text", "facts", "expected"),
    [
        ("slopes 1/2 to 1/256", ["1/2|0.5", "1/256"], 1),
        ("slopes 0.5 and on", ["1/2|0.5", "1/256"], 1 / 2),
        ("none of it", ["1/2|0.5", "1/256", "8"], 0),
    ],
)
def test_key_fact_recall(text: str, facts: list[str], expected: float) -> None:
    assert key_fact_recall(text, gold(must_include=facts)) == expected


def test_key_facts_are_looked_for_in_the_five_best_passages_and_their_headings() -> None:
    ranked = [
        *[OTHER] * 3,
        passage("a.md", "ALiBi", text="no softmax"),
        passage("a.md", "x", text="slope"),
        passage("a.md", text="late"),
    ]
    metrics = retrieval_metrics(ranked, gold(gold_files=["a.md"], must_include=["alibi", "slope", "late"]))
    assert metrics["key_facts@5"] == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("ranked", "expected"),
    [
        ((A1, OTHER), 1),
        ((OTHER, A1), 1 / 2),
        ((A1, OTHER, A2), (1 + 2 / 3) / 2),
        ((OTHER, OTHER), 0),
        ((), 0),
    ],
)
def test_context_precision(ranked: tuple[Chunk, ...], expected: float) -> None:
    assert context_precision(ranked, gold(gold_files=["a.md"])) == pytest.approx(expected)


# --- Means ---


def test_equal_values_have_no_interval() -> None:
    estimate = mean_with_interval([0.5] * 10)
    assert (estimate.mean, estimate.low, estimate.high) == (0.5, 0.5, 0.5)


def test_the_interval_is_that_of_the_normal_approximation_for_many_values() -> None:
    """A thousand coin tosses: 1.96 standard errors of sqrt(1/4 / 1000) on either side."""
    estimate = mean_with_interval([0.0, 1.0] * 500)
    assert estimate.mean == 0.5
    assert estimate.low == pytest.approx(0.5 - 1.96 * math.sqrt(0.25 / 1000), abs=0.004)
    assert estimate.high == pytest.approx(0.5 + 1.96 * math.sqrt(0.25 / 1000), abs=0.004)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_the_interval_holds_the_mean_and_stays_within_the_values(values: list[float]) -> None:
    estimate = mean_with_interval(values)
    assert min(values) - 1e-9 <= estimate.low <= estimate.mean + 1e-9
    assert estimate.mean - 1e-9 <= estimate.high <= max(values) + 1e-9
    assert estimate == mean_with_interval(values)


def test_no_values_have_no_mean() -> None:
    with pytest.raises(ValueError, match="no values"):
        mean_with_interval([])


# --- Calibration ---


@pytest.mark.parametrize(
    ("scores", "relevant", "expected"),
    [
        ([0.9, 0.8, 0.2, 0.1], [1, 1, 0, 0], 1),
        ([0.1, 0.2, 0.8, 0.9], [1, 1, 0, 0], 0),
        ([0.5, 0.5, 0.5, 0.5], [1, 1, 0, 0], 1 / 2),  # ties count half
        ([0.9, 0.3, 0.5, 0.1], [1, 1, 0, 0], 3 / 4),  # one of four pairs is in the wrong order
        ([0.9, 0.5, 0.5], [1, 1, 0], 3 / 4),
    ],
)
def test_auroc(scores: list[float], relevant: list[int], expected: float) -> None:
    assert auroc(np.array(scores), np.array(relevant, dtype=np.bool_)) == pytest.approx(expected)


def test_fit_finds_the_boundary_between_two_classes_whatever_their_sizes() -> None:
    """Relevant at 0.8 ± 0.1, ten times as many irrelevant at 0.4 ± 0.1: even odds half way, by symmetry."""
    positive, negative = np.tile([0.7, 0.8, 0.9], 10), np.tile([0.3, 0.4, 0.5], 100)
    features = np.concatenate([positive, negative])[:, np.newaxis]
    relevant = np.arange(len(features)) < len(positive)
    intercept, coefficients = fit(features, relevant)
    assert coefficients[0] > 0
    assert intercept + coefficients[0] * 0.6 == pytest.approx(0, abs=0.05 * coefficients[0])
