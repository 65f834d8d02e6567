"""Means with intervals, and paired differences: percentile bootstraps over questions (Koehn, 2004, for the paired ones)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from eval.metrics import mean_with_interval

Record = dict[str, Any]


def estimate(values: Sequence[float]) -> Record | None:
    """Mean with its 95% interval, and `n`; None without values."""
    return {**asdict(mean_with_interval(values)), "n": len(values)} if values else None


def paired(one: Mapping[str, float], other: Mapping[str, float]) -> Record | None:
    """How much more one has than the other, on the questions that both were asked; `significant` if the interval leaves 0 out."""
    found = estimate([one[key] - other[key] for key in one if key in other])
    return {**found, "significant": found["low"] > 0 or found["high"] < 0} if found else None


def words(value: Record | None) -> str:
    """A mean with its interval, for people."""
    return "–" if value is None else f"{value['mean']:.2f} [{value['low']:.2f}, {value['high']:.2f}]"


def signed(value: Record) -> str:
    """A difference with its interval, for people."""
    return f"{value['mean']:+.2f} [{value['low']:+.2f}, {value['high']:+.2f}]"
