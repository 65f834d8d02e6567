"""Two runs side by side: what changed on the questions that both asked, with paired intervals, and which questions flipped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from corpus.errors import UsageError
from eval.metric_names import METRICS, RETRIEVAL
from eval.metrics import mean_with_interval
from eval.summary import arms_of, values_of

Record = dict[str, Any]
_EQUAL = 1e-9
_ASKED = ("question", "history", "answerable")


def compare(records: Sequence[Record], baseline: Sequence[Record]) -> Record:
    """Differences of a run from a baseline, on the questions that both asked in the same words.

    Returns:
        `questions` (how many both asked, how many only one), and by arm `metrics` and `flips`.

    Raises:
        UsageError: no question is in both.
    """
    before = {record["gold"]["id"]: record for record in baseline}
    pairs = [(before[r["gold"]["id"]], r) for r in records if _asked_alike(before.get(r["gold"]["id"]), r)]
    if not pairs:
        raise UsageError(reason="the run and its baseline have no question in common")
    arms = [arm for arm in arms_of(records) if arm in arms_of(baseline)]
    return {
        "questions": {"both": len(pairs), "only_here": len(records) - len(pairs), "only_baseline": len(before) - len(pairs)},
        "arms": {arm: {"metrics": _differences(pairs, arm), "flips": _flips(pairs, arm)} for arm in arms},
    }


def _asked_alike(before: Record | None, after: Record) -> bool:
    return before is not None and all(before["gold"][name] == after["gold"][name] for name in _ASKED)


def _differences(pairs: Sequence[tuple[Record, Record]], arm: str) -> Record:
    """Mean differences with paired-bootstrap intervals: questions are drawn, each with both of its values.

    Source: Koehn, "Statistical significance tests for machine translation evaluation" (2004), there for whole systems. A
    question counts if it was measured both times. `significant`: the 95% interval leaves 0 out.
    """
    found: Record = {}
    for name in METRICS:
        both = [(old[name], new[name], after) for before, after in pairs
                if name in (old := values_of(before, arm)) and name in (new := values_of(after, arm))]  # fmt: skip
        if not both:
            continue
        estimate = mean_with_interval([new - old for old, new, _ in both])
        ids = {
            "better": [record["gold"]["id"] for old, new, record in both if new > old + _EQUAL],
            "worse": [record["gold"]["id"] for old, new, record in both if new < old - _EQUAL],
        }
        found[name] = {
            "n": len(both),
            "before": sum(old for old, _, _ in both) / len(both),
            "after": sum(new for _, new, _ in both) / len(both),
            "difference": asdict(estimate),
            "significant": estimate.low > 0 or estimate.high < 0,
            **(ids if METRICS[name].unit else {}),
        }
    return found


# From best to worst; what could not be judged lies between.
_RANKS: Mapping[str, int] = {
    "answered": 2, "refused-correctly": 2, "judge-failed": 1, "no-claims": 0, "refused-wrongly": 0, "answered-wrongly": 0,
}  # fmt: skip


def _flips(pairs: Sequence[tuple[Record, Record]], arm: str) -> list[Record]:
    """Questions whose outcome changed, the worse ones first; for the search, those whose sections were found or lost."""
    found = []
    for before, after in pairs:
        old, new = _standing(before, arm), _standing(after, arm)
        if old[0] != new[0]:
            change = "same" if old[1] == new[1] else "better" if new[1] > old[1] else "worse"
            gold = after["gold"]
            found.append({"id": gold["id"], "question": gold["question"], "before": old[0], "after": new[0], "change": change})
    return sorted(found, key=lambda flip: ("worse", "same", "better").index(flip["change"]))


def _standing(record: Record, arm: str) -> tuple[str, float]:
    """What became of a question, and how good that is."""
    if arm != RETRIEVAL:
        outcome = record["arms"][arm]["outcome"]
        return outcome, _RANKS[outcome]
    recall = record["metrics"].get("recall@5")
    return ("not asked for" if recall is None else f"recall@5 {recall:.2f}"), recall or 0.0
