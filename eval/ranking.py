"""Metrics of rankings, computed by trec_eval's code (pytrec_eval; Van Gysel & de Rijke 2018, arXiv:1805.01597).

recall@k   share of the relevant passages among the first k
mrr@10     1 / rank of the first relevant passage, 0 below rank 10 (Voorhees 1999, TREC-8 QA track)
ndcg@10    discounted gain of the first 10 against that of the best order (Järvelin & Kekäläinen 2002)
map        mean of the precision at each relevant passage, 0 for those not found
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

# Relevant passages with their grades (1 or more), by question.
Judgements = Mapping[str, Mapping[str, int]]
# Passages best first, each once, by question.
Rankings = Mapping[str, Sequence[str]]

_NAMES = {"recall_1": "recall@1", "recall_5": "recall@5", "recall_10": "recall@10", "ndcg_cut_10": "ndcg@10", "map": "map"}
METRICS = ("recall@1", "recall@5", "recall@10", "mrr@10", "ndcg@10", "map")
_RRF = 60


def ranking_metrics(rankings: Rankings, judgements: Judgements) -> dict[str, dict[str, float]]:
    """All `METRICS` of each question's ranking.

    Raises:
        ValueError: a question has no ranking, or no relevant passage.
    """
    from pytrec_eval import RelevanceEvaluator

    if rankings.keys() != judgements.keys() or not all(judgements.values()):
        raise ValueError("every question needs a ranking and a relevant passage")
    relevant = {question: dict(grades) for question, grades in judgements.items()}
    whole = RelevanceEvaluator(relevant, {"recall.1,5,10", "ndcg_cut.10", "map"}).evaluate(_runs(rankings))
    first = RelevanceEvaluator(relevant, {"recip_rank"}).evaluate(_runs(rankings, 10))
    return {
        question: {
            **{ours: whole[question].get(theirs, 0.0) for theirs, ours in _NAMES.items()},
            "mrr@10": first[question]["recip_rank"],
        }
        for question in rankings
    }


def _runs(rankings: Rankings, depth: int | None = None) -> dict[str, dict[str, float]]:
    """Rankings as trec_eval takes them: by score, which is minus the rank, so that no two are equal."""
    return {
        question: {passage: -float(rank) for rank, passage in enumerate(ranking[:depth], 1)}
        for question, ranking in rankings.items()
    }


def reciprocal_rank_fusion(*rankings: Sequence[str]) -> list[str]:
    """Passages by the sum of 1 / (60 + rank) over the rankings that hold them, ranks from 1; equals by their first place.

    Source: Cormack, Clarke & Büttcher, "Reciprocal Rank Fusion" (SIGIR 2009).
    """
    scores: dict[str, float] = {}
    for ranking in rankings:
        for rank, passage in enumerate(ranking, 1):
            scores[passage] = scores.get(passage, 0.0) + 1 / (_RRF + rank)
    return sorted(scores, key=scores.__getitem__, reverse=True)
