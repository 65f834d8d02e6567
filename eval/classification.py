"""Metrics of scores against yes-or-no labels: pure functions, worked by hand in the tests.

Scores are higher for "yes"; ties count half in the AUROC.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from eval.metrics import Estimate

Floats = NDArray[np.float64]
BINS = 10


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Scores of one tenth of the scale: how many, their mean, and the share of labels that are yes."""

    n: int
    score: float
    share: float


def auroc(scores: Sequence[float], labels: Sequence[bool]) -> Estimate:
    """Probability that a yes scores higher than a no, with DeLong's 95% interval.

    DeLong, DeLong and Clarke-Pearson 1988; each score's placement among those of the other label comes from ranks
    (Sun and Xu 2014).

    Raises:
        ValueError: not both labels occur.
    """
    values, yes = _arrays(scores, labels)
    above, below = values[yes], values[~yes]
    if not len(above) or not len(below):
        raise ValueError("AUROC needs both labels")
    ranks = _ranks(values)
    placed_above = (ranks[yes] - _ranks(above)) / len(below)
    placed_below = 1.0 - (ranks[~yes] - _ranks(below)) / len(above)
    area = float(placed_above.mean())
    margin = 1.96 * math.sqrt(_variance_of_mean(placed_above) + _variance_of_mean(placed_below))
    return Estimate(area, max(0.0, area - margin), min(1.0, area + margin))


def balanced_accuracy(scores: Sequence[float], labels: Sequence[bool], threshold: float) -> float:
    """Mean of the two shares decided right, of yes and of no, if scores from the threshold on mean yes.

    Raises:
        ValueError: not both labels occur.
    """
    values, yes = _arrays(scores, labels)
    if yes.all() or not yes.any():
        raise ValueError("balanced accuracy needs both labels")
    said = values >= threshold
    return float((said[yes].mean() + (~said[~yes]).mean()) / 2)


def reliability(scores: Sequence[float], labels: Sequence[bool]) -> tuple[ReliabilityBin, ...]:
    """Ten equal bins of the scale from 0 to 1, those without a score left out."""
    values, yes = _arrays(scores, labels)
    places = np.minimum((values * BINS).astype(int), BINS - 1)
    return tuple(
        ReliabilityBin(int(mine.sum()), float(values[mine].mean()), float(yes[mine].mean()))
        for number in range(BINS)
        if (mine := places == number).any()
    )


def expected_calibration_error(bins: Sequence[ReliabilityBin]) -> float:
    """Mean distance between score and share, each bin weighted by its size (Naeini, Cooper and Hauskrecht 2015).

    Raises:
        ValueError: there are no bins.
    """
    return sum(each.n * abs(each.score - each.share) for each in bins) / _size(bins)


def _size(bins: Sequence[ReliabilityBin]) -> int:
    if not bins:
        raise ValueError("no scores")
    return sum(each.n for each in bins)


def _arrays(scores: Sequence[float], labels: Sequence[bool]) -> tuple[Floats, NDArray[np.bool_]]:
    return np.asarray(scores, dtype=np.float64), np.asarray(labels, dtype=np.bool_)


def _ranks(values: Floats) -> Floats:
    return cast(Floats, rankdata(values))


def _variance_of_mean(values: Floats) -> float:
    return float(values.var(ddof=1)) / len(values) if len(values) > 1 else 0.0
