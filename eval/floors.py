"""Floors under metrics, for continuous integration: `faithfulness=0.9,recall@5=0.95`."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from corpus.errors import MessageLanguage, UsageError
from eval.metric_names import METRICS, RETRIEVAL, SEARCH_KEYS

Floors = Mapping[str, float]


def read_floors(text: str | None, answers: bool) -> Floors:
    """The floors that a text names.

    Args:
        text: `METRIC=NUMBER`, with commas between; None for no floors.
        answers: whether answers are measured, not the search alone.

    Raises:
        UsageError: there is no such metric, none with a floor, or none in this run; or a number is not from 0 to 1.
    """
    floors = dict(_read(part.strip()) for part in (text or "").split(",") if part.strip())
    if text is not None and not floors:
        raise UsageError(reason="--fail-under takes METRIC=NUMBER, with commas between")
    if unmeasured := [name for name in floors if name not in SEARCH_KEYS and not answers]:
        raise UsageError(reason=f"--fail-under {unmeasured[0]}: the {RETRIEVAL} arm alone does not measure it")
    if "context_recall" in floors and not answers:
        raise UsageError(reason="--fail-under context_recall: measured with answers only")
    return floors


def _read(part: str) -> tuple[str, float]:
    name, equals, number = (piece.strip() for piece in part.partition("="))
    known = [metric.key for metric in METRICS.values() if metric.unit]
    if not equals:
        raise UsageError(reason=f"--fail-under {part}: METRIC=NUMBER is wanted")
    if name not in known:
        raise UsageError(reason=f"--fail-under {name}: no such metric; there are {', '.join(known)}")
    try:
        value = float(number)
    except ValueError as error:
        raise UsageError(reason=f"--fail-under {name}: {number!r} is no number") from error
    if not (math.isfinite(value) and 0 <= value <= 1):
        raise UsageError(reason=f"--fail-under {name}: {number} is not from 0 to 1")
    return name, value


def failures(floors: Floors, arms: Mapping[str, Any], language: MessageLanguage = "en") -> Sequence[str]:
    """A line for each metric of an arm that is under its floor, or that could not be measured at all."""
    return tuple(_failures(floors, arms, language == "zh"))


def _failures(floors: Floors, arms: Mapping[str, Any], chinese: bool) -> Iterator[str]:
    for name, floor in floors.items():
        for arm, figures in arms.items():
            if (name in SEARCH_KEYS) != (arm == RETRIEVAL):
                continue
            measured = figures["groups"]["all"]["metrics"].get(name)
            if measured is None:
                yield (
                    f"{arm}：{name} 无法测量，下限为 {floor}"
                    if chinese
                    else f"{arm}: {name} could not be measured, its floor is {floor}"
                )
            elif measured["mean"] < floor:
                mean = f"{measured['mean']:.4f}"
                yield (
                    f"{arm}：{name} 为 {mean}，低于下限 {floor}"
                    if chinese
                    else f"{arm}: {name} is {mean}, under its floor of {floor}"
                )
