"""Records to figures: means with intervals over all questions and by group, outcomes counted apart, times."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from eval.answer_metrics import OUTCOMES
from eval.metric_names import METRICS, RETRIEVAL
from eval.metrics import mean_with_interval

Record = dict[str, Any]
Values = Mapping[str, float]

STATUSES = ("supported", "unsupported", "not-scoreable", "judge-failed")


def _direction(gold: Record) -> str:
    """From the question's language to that of the notes that answer it, where those are of one language."""
    folders = {path.split("/")[0] for path in gold["gold_files"]}
    return f"{gold['lang']}->{'|'.join(sorted(folders)) or 'none'}"


_GROUPS: dict[str, Callable[[Record], str]] = {
    "lang": lambda gold: str(gold["lang"]),
    "kind": lambda gold: str(gold["kind"]),
    "topic": lambda gold: gold["topic"] or "-",
    "answerable": lambda gold: str(gold["answerable"]).lower(),
    "direction": _direction,
}


def arms_of(records: Sequence[Record]) -> tuple[str, ...]:
    """The arms of a run: the search, then the ways of answering."""
    return RETRIEVAL, *dict.fromkeys(arm for record in records for arm in record["arms"])


def values_of(record: Record, arm: str) -> Values:
    """A question's metrics in an arm."""
    values: Values = record["metrics"] if arm == RETRIEVAL else record["arms"][arm]["metrics"]
    return values


def summarise(records: Sequence[Record]) -> Record:
    """Each arm's figures: groups with their metrics, and for ways of answering outcomes, claims and times too."""
    return {arm: _arm(records, arm) for arm in arms_of(records)}


def _arm(records: Sequence[Record], arm: str) -> Record:
    groups: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        groups["all"].append(record)
        for name, key in _GROUPS.items():
            groups[f"{name}={key(record['gold'])}"].append(record)
    found: Record = {"groups": {name: _group(groups[name], arm) for name in ("all", *sorted(groups.keys() - {"all"}))}}
    if arm != RETRIEVAL:
        found["claims"] = _claims(records, arm)
        found["seconds"] = _seconds(records, arm)
    return found


def _group(members: Sequence[Record], arm: str) -> Record:
    figures: Record = {"n": len(members), "metrics": _means(values_of(record, arm) for record in members)}
    if arm != RETRIEVAL:
        counted = Counter(record["arms"][arm]["outcome"] for record in members)
        figures["outcomes"] = {outcome: counted[outcome] for outcome in OUTCOMES}
    return figures


def _means(rows: Iterable[Values]) -> Record:
    values: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        for name, value in row.items():
            values[name].append(value)
    return {name: {"n": len(values[name]), **asdict(mean_with_interval(values[name]))} for name in METRICS if name in values}


def _claims(records: Iterable[Record], arm: str) -> Record:
    counted = Counter(claim_status(claim) for record in records for claim in record["arms"][arm]["claims"])
    return {status: counted[status] for status in STATUSES}


def claim_status(claim: Record) -> str:
    """Whether a claim is supported, or why that is not known."""
    if claim["status"] != "scored":
        return str(claim["status"])
    return "supported" if claim["supported"] else "unsupported"


def _seconds(records: Iterable[Record], arm: str) -> Record:
    """Median and 95th percentile of each stage's wall-clock seconds; they differ from run to run as nothing else does."""
    stages: dict[str, list[float]] = defaultdict(list)
    for record in records:
        for stage, seconds in record["arms"][arm]["answer"]["timings"].items():
            stages[stage].append(seconds)
    return {
        stage: dict(zip(("median", "p95"), map(float, np.percentile(values, (50, 95))), strict=True), n=len(values))
        for stage, values in stages.items()
    }
