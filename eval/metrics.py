"""Metrics of retrieval: pure functions over one question, and means with intervals over many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from corpus.documents import Chunk
from eval.gold import GoldQuestion, Place, states
from eval.ranking import ranking_metrics

_RESAMPLES = 2000
_SEED = 20260101


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean with its 95% interval."""

    mean: float
    low: float
    high: float


def mean_with_interval(values: Sequence[float]) -> Estimate:
    """Mean and percentile-bootstrap interval (Efron & Tibshirani, 1993, chapter 13); the seed is fixed.

    Raises:
        ValueError: there are no values.
    """
    if not values:
        raise ValueError("no values to average")
    sample = np.asarray(values, dtype=np.float64)
    resamples = np.random.default_rng(_SEED).choice(sample, (_RESAMPLES, len(sample))).mean(axis=1)
    low, high = np.percentile(resamples, (2.5, 97.5))
    return Estimate(float(sample.mean()), float(low), float(high))


def gold_units(question: GoldQuestion) -> frozenset[Place | str]:
    """What holds the answer: sections where the question names them, files otherwise."""
    return frozenset(question.gold_sections or question.gold_files)


def is_gold(chunk: Chunk, question: GoldQuestion) -> frozenset[Place | str]:
    """The gold units that a chunk belongs to."""
    places = {Place(path=chunk.path, heading=heading) for heading in chunk.heading}
    return gold_units(question) & {chunk.path, *places}


def recall_at(k: int, ranked: Sequence[Chunk], question: GoldQuestion) -> float:
    """Share of the needed gold units among the first k chunks: any one is all that is needed with gold_mode "any".

    Not trec_eval's recall, which counts passages: one passage can hold two sections, and one section fill two passages.
    """
    found = frozenset().union(*(is_gold(chunk, question) for chunk in ranked[:k]))
    if question.gold_mode == "any":
        return float(bool(found))
    return len(found) / len(gold_units(question))


def _as_ranking(ranked: Sequence[Chunk], question: GoldQuestion) -> tuple[list[str], dict[str, int]]:
    """Chunks as a ranking of needed units, and these with the grade 1.

    A chunk stands for the units that it is the first to hold, or for itself if it adds none. With gold_mode "any" all units
    are one.
    """

    def names(units: frozenset[Place | str]) -> frozenset[str]:
        return frozenset(repr(unit) if question.gold_mode == "all" else "any" for unit in units)

    order: list[str] = []
    for rank, chunk in enumerate(ranked, 1):
        new = names(is_gold(chunk, question)) - set(order)
        order += sorted(new) or [f"passage {rank}"]
    return order, dict.fromkeys(names(gold_units(question)), 1)


def key_fact_recall(text: str, question: GoldQuestion) -> float:
    """Share of the question's key facts that a text states."""
    return sum(states(text, fact) for fact in question.must_include) / len(question.must_include)


def context_precision(ranked: Sequence[Chunk], question: GoldQuestion) -> float:
    """Whether chunks that answer stand before those that do not: the mean precision at the ranks of the former; 0 without any.

    Source: RAGAS' context precision (https://docs.ragas.io), with gold sections in the place of a language model's judgement.
    """
    relevant = [bool(is_gold(chunk, question)) for chunk in ranked]
    precisions = [sum(relevant[:rank]) / rank for rank, is_relevant in enumerate(relevant, 1) if is_relevant]
    return sum(precisions) / len(precisions) if precisions else 0.0


def retrieval_metrics(ranked: Sequence[Chunk], question: GoldQuestion) -> dict[str, float]:
    """Metrics of the ranked chunks of an answerable question: see `recall_at`, `context_precision` and `eval.ranking`."""
    order, relevant = _as_ranking(ranked, question)
    by_rank = ranking_metrics({question.id: order}, {question.id: relevant})[question.id]
    metrics = {f"recall@{k}": recall_at(k, ranked, question) for k in (1, 5, 10)}
    metrics |= {name: by_rank[name] for name in ("mrr@10", "ndcg@10", "map")}
    metrics["context_precision"] = context_precision(ranked, question)
    if question.must_include:
        metrics["key_facts@5"] = key_fact_recall("\n".join(chunk.indexed_text() for chunk in ranked[:5]), question)
    return metrics
