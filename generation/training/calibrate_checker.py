"""Fit what makes a probability of the network's logit and the words' features, and choose the threshold.

    python -m generation.training.calibrate_checker --data DATA --model FOLDER [--logits FILE]

On claims made by rule from articles that the network was not trained on, as its training makes them. Claims that people wrote
for its training are left out: their authors saw to it that shared words tell nothing, which elsewhere they do. Its calibration is
measured on the random half of the articles that it was not fitted on, ten times both ways round, beside what the measure itself
would give for a perfect scorer; both are kept in the configuration. Then the regression is fitted on all.

FILE keeps what the network says of each claim. It makes the run resumable, and after a change of the rules another takes seconds.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from generation.checker import CONFIG_FILE, Checker, ClaimInContext, Combination, is_quoted, load_checker, weigh
from generation.checker_input import nearest_sentences
from generation.training.examples import ArticleSampler
from generation.training.sources import read_articles
from generation.training.train_checker import TRAINING

Floats = NDArray[np.float64]
# Groups of claims of each source, and how often its articles may be drawn from for them.
_GROUPS, _ROUNDS = 330, 12
# HaluEval's held-out articles are a set that the checker is measured on.
_MEASURED = "halueval"
_RIDGE = 1e-3
_REPEATS = 10
# Logit, words; number, polarity and name that differ, a word replaced, words that changed places.
_SIGNS = (1, 1, -1, -1, -1, -1, -1)


@dataclass(frozen=True, slots=True)
class Drawn:
    """A claim, its context, its label, and the source and name of the article that it was made from."""

    claim: str
    context: str
    supported: bool
    source: str
    article: str


@dataclass(frozen=True, slots=True)
class Sample:
    """A claim's features and label; claims about one article stay together, and each source weighs the same."""

    features: tuple[float, ...]
    supported: bool
    article: str
    source: str


def draw(data: Path, seed: int = 0) -> list[Drawn]:
    """The claims that the fit may use, without quotations, which need no regression."""
    rng = Random(seed)  # noqa: S311 - reproducible, not secret
    articles = [
        each
        for each in read_articles(data, TRAINING)
        if each.part == "calibrate" or (each.part == "held-out" and each.source != _MEASURED)
    ]
    sampler, drawn = ArticleSampler(articles), Counter[str]()
    found: list[Drawn] = []
    # Sources of few articles are drawn from again and again: those about language models are among them.
    for number in rng.sample(range(len(articles)), len(articles)) * _ROUNDS:
        article = articles[number]
        if drawn[article.source] < _GROUPS and (group := sampler.draw(number, rng)):
            drawn[article.source] += 1
            found += [
                Drawn(claim.text, group.context, claim.supported, article.source, article.article)
                for claim in group.claims
                if not is_quoted(claim.text, group.context)
            ]
    return found


def samples(claims: Sequence[Drawn], checker: Checker, kept: Path | None) -> list[Sample]:
    """Features of the claims; `kept` is the file of what the network has said already."""
    logits = dict(_kept_logits(kept)) if kept and kept.exists() else {}
    found: list[Sample] = []
    for drawn in claims:
        key = _key((drawn.claim, drawn.context))
        if key not in logits:
            (logits[key],) = checker.logits([(drawn.claim, drawn.context)])
            if kept:
                with kept.open("a", encoding="utf-8") as file:
                    file.write(json.dumps({"key": key, "logit": logits[key]}) + "\n")
        evidence = weigh(logits[key], drawn.claim, nearest_sentences(drawn.context, drawn.claim))
        found.append(Sample(evidence.features(), drawn.supported, f"{drawn.source}: {drawn.article}", drawn.source))
    return found


def _kept_logits(path: Path) -> Iterator[tuple[str, float]]:
    """What was kept; a last line that an interruption cut short is taken away."""
    text = path.read_text(encoding="utf-8")
    whole = text[: text.rfind("\n") + 1]
    if whole != text:
        path.write_text(whole, encoding="utf-8")
    for row in map(json.loads, whole.splitlines()):
        yield row["key"], row["logit"]


def _key(claim: ClaimInContext) -> str:
    return hashlib.sha256("\0".join(claim).encode()).hexdigest()[:24]


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
    """The samples of two random halves of the articles."""
    articles = sorted({s.article for s in chosen})
    first = set(Random(seed).sample(articles, len(articles) // 2))  # noqa: S311 - reproducible, not secret
    return [s for s in chosen if s.article in first], [s for s in chosen if s.article not in first]


def calibration_error(scores: Floats, labels: NDArray[np.bool_]) -> float:
    """Mean distance between score and share supported over ten equal bins, weighted by their size."""
    places = np.minimum((scores * 10).astype(int), 9)
    gaps = [abs(float(scores[places == b].sum() - labels[places == b].sum())) for b in range(10)]
    return sum(gaps) / len(scores)


def cross_fitted(chosen: Sequence[Sample]) -> dict[str, float]:
    """Calibration errors on the halves that were not fitted on: their mean and worst, and the mean for a perfect scorer.

    The measure is above zero for a perfect scorer too, whose labels fall by chance as often as its scores say: so many claims
    with these scores, labels drawn anew.
    """
    errors, chance = [], []
    for seed in range(_REPEATS):
        one, other = halves(chosen, seed)
        rng = np.random.default_rng(seed)
        for fitted_on, measured_on in ((one, other), (other, one)):
            scores = scores_of(fit(fitted_on), measured_on)
            errors.append(calibration_error(scores, np.array([s.supported for s in measured_on])))
            chance.append(calibration_error(scores, rng.random(len(scores)) < scores))
    found = {"mean": sum(errors) / len(errors), "worst": max(errors), "perfect_scorer": sum(chance) / len(chance)}
    return {name: round(value, 4) for name, value in found.items()}


def main() -> None:
    """Read the arguments, fit, write the result into the model's folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--logits", type=Path)
    options = parser.parse_args()
    path = options.model / CONFIG_FILE
    config = json.loads(path.read_text(encoding="utf-8"))
    if "weights" not in config:  # trained, and never calibrated
        config |= {"weights": [1.0, *[0.0] * (len(_SIGNS) - 1)], "bias": 0.0, "threshold": 0.5}
        path.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    found = samples(draw(options.data), load_checker(options.model), options.logits)
    final = fit(found)
    config |= {
        "weights": list(final.weights),
        "bias": final.bias,
        "threshold": final.threshold,
        "development": {"claims": len(found), "articles": len({s.article for s in found}), "ece_of_halves": cross_fitted(found)},
    }
    path.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(config, indent=2))


if __name__ == "__main__":
    main()
