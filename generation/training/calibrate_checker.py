"""Fit what makes a probability of the network's logit and the words' features, and choose the threshold.

    python -m generation.training.calibrate_checker --data DATA --model FOLDER

On claims made by rule from articles that the network was not trained on, as its training makes them. Claims that people wrote
for its training are left out: their authors saw to it that shared words tell nothing, which elsewhere they do. A random half of
the contexts is fitted on and the other half measured, and the other way round; the two calibration errors are kept in the
configuration. Then the regression is fitted on both.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from generation.checker import CONFIG_FILE, Checker, Combination, is_quoted, load_checker
from generation.training.examples import ArticleSampler, Group
from generation.training.sources import read_articles
from generation.training.train_checker import TRAINING

Floats = NDArray[np.float64]
# Groups of claims of each source, and how often its articles may be drawn from for them.
_GROUPS, _ROUNDS = 160, 12
_RIDGE = 1e-3
# Logit, words; number, polarity and name that differ, words that changed places.
_SIGNS = (1, 1, -1, -1, -1, -1)


@dataclass(frozen=True, slots=True)
class Sample:
    """A claim's features and label; claims about one context stay together, and each source weighs the same."""

    features: tuple[float, ...]
    supported: bool
    group: int
    source: str


def samples(checker: Checker, data: Path, seed: int = 0) -> list[Sample]:
    """Features of every claim that the fit may use."""
    rng = Random(seed)  # noqa: S311 - reproducible, not secret
    articles = [each for each in read_articles(data, TRAINING) if each.part == "calibrate"]
    sampler, drawn = ArticleSampler(articles), Counter[str]()
    groups: list[tuple[str, Group]] = []
    # Sources of few articles are drawn from again and again: those about language models are among them.
    for number in rng.sample(range(len(articles)), len(articles)) * _ROUNDS:
        source = articles[number].source
        if drawn[source] < _GROUPS and (group := sampler.draw(number, rng)):
            groups.append((source, group))
            drawn[source] += 1
    found: list[Sample] = []
    for number, (source, group) in enumerate(groups):
        found += [
            Sample(checker.evidence(claim.text, group.context).features(), claim.supported, number, source)
            for claim in group.claims
            if not is_quoted(claim.text, group.context)  # which needs no regression
        ]
    return found


def fit(chosen: Sequence[Sample]) -> Combination:
    """Logistic regression with a small ridge, each weight of the sign that its feature's meaning has.

    Without that, shared terms speak against a claim, as they do in claims written so that they should not help.
    Features are standardised for the fit and the weights turned back after it.
    """
    x = np.array([s.features for s in chosen])
    weight = _equal_sources(chosen)
    y = np.array([s.supported for s in chosen], dtype=np.float64)
    mean, scale = x.mean(axis=0), x.std(axis=0) + 1e-9
    z = (x - mean) / scale

    def loss(parameters: Floats) -> float:
        logits = z @ parameters[:-1] + parameters[-1]
        return float(weight @ (np.logaddexp(0, logits) - y * logits) + _RIDGE * np.square(parameters[:-1]).sum())

    bounds = [(0, None) if sign > 0 else (None, 0) for sign in _SIGNS]
    best = minimize(loss, np.zeros(x.shape[1] + 1), method="L-BFGS-B", bounds=[*bounds, (None, None)]).x
    weights = best[:-1] / scale
    combination = Combination(tuple(map(float, weights.round(4))), round(float(best[-1] - weights @ mean), 4), 0.5)
    return Combination(combination.weights, combination.bias, best_threshold(combination, chosen))


def _equal_sources(chosen: Sequence[Sample]) -> Floats:
    """What each sample counts, shape (samples,), 1 in all: the sources alike."""
    sizes = Counter(s.source for s in chosen)
    return np.array([1 / (len(sizes) * sizes[s.source]) for s in chosen])


def best_threshold(combination: Combination, chosen: Sequence[Sample]) -> float:
    """The threshold with the best balanced accuracy, in steps of 0.05; of equally good ones the nearest to 0.5."""
    scores, labels = scores_of(combination, chosen), np.array([s.supported for s in chosen])

    def quality(threshold: float) -> tuple[float, float]:
        said = scores >= threshold
        return (round(float(said[labels].mean() + (~said[~labels]).mean()), 3), -abs(threshold - 0.5))

    return max((n / 20 for n in range(6, 17)), key=quality)


def scores_of(combination: Combination, chosen: Sequence[Sample]) -> Floats:
    """Supports, shape (samples,)."""
    z = np.array([s.features for s in chosen]) @ np.array(combination.weights) + combination.bias
    return np.asarray(1 / (1 + np.exp(-z)))


def halves(chosen: Sequence[Sample], seed: int = 0) -> tuple[list[Sample], list[Sample]]:
    """The samples of two random halves of the contexts."""
    groups = sorted({s.group for s in chosen})
    first = set(Random(seed).sample(groups, len(groups) // 2))  # noqa: S311 - reproducible, not secret
    return [s for s in chosen if s.group in first], [s for s in chosen if s.group not in first]


def calibration_error(scores: Floats, labels: NDArray[np.bool_]) -> float:
    """Mean distance between score and share supported over ten equal bins, weighted by their size."""
    places = np.minimum((scores * 10).astype(int), 9)
    gaps = [abs(float(scores[places == b].sum() - labels[places == b].sum())) for b in range(10)]
    return sum(gaps) / len(scores)


def main() -> None:
    """Read the arguments, fit, write the result into the model's folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    options = parser.parse_args()
    path = options.model / CONFIG_FILE
    config = json.loads(path.read_text(encoding="utf-8"))
    unfitted = {"weights": [1.0, *[0.0] * (len(_SIGNS) - 1)], "bias": 0.0, "threshold": 0.5}
    path.write_text(json.dumps(config | unfitted, indent=2) + "\n", encoding="utf-8")
    found = samples(load_checker(options.model), options.data)
    first, second = halves(found)
    errors = []
    for fitted_on, measured_on in ((first, second), (second, first)):
        scores = scores_of(fit(fitted_on), measured_on)
        errors.append(calibration_error(scores, np.array([s.supported for s in measured_on])))
    final = fit(found)
    config |= {
        "weights": list(final.weights),
        "bias": final.bias,
        "threshold": final.threshold,
        "development": {"claims": len(found), "ece_by_halves": [round(e, 4) for e in errors]},
    }
    path.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(config, indent=2))


if __name__ == "__main__":
    main()
