"""The fit of the checker's probabilities, on samples whose true probabilities are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit

from generation.training.calibrate_checker import Drawn, Sample, calibration_error, cross_fitted, fit, halves, samples

TRUE = np.array([0.8, 1.0, -4.0, -4.0, -4.0, -4.0, -4.0])


def made(number: int, bend: float = 1.0) -> list[Sample]:
    """Samples whose log odds are a weighted sum of their features, to some power."""
    rng = np.random.default_rng(0)
    x = np.c_[rng.normal(0, 2, number), rng.random(number), rng.random((number, 5)) * (rng.random((number, 5)) < 0.1)]
    z = x @ TRUE - 0.5
    labels = rng.random(number) < expit(np.sign(z) * np.abs(z) ** bend)
    return [
        Sample(tuple(row), bool(label), f"article {i // 4}", "ab"[i % 2])
        for i, (row, label) in enumerate(zip(x, labels, strict=True))
    ]


def test_the_weights_are_found_again() -> None:
    found = fit(made(10_000))
    assert found.weights == pytest.approx(tuple(TRUE), rel=0.2)
    assert found.bias == pytest.approx(-0.5, abs=0.1)


def test_no_article_is_on_both_sides() -> None:
    one, other = halves(made(400))
    assert not {s.article for s in one} & {s.article for s in other}
    assert len(one) + len(other) == 400


def test_the_error_is_near_that_of_a_perfect_scorer_if_the_model_is_right_and_above_it_if_not() -> None:
    right, bent = cross_fitted(made(2000)), cross_fitted(made(2000, bend=3.0))
    assert right["mean"] < 1.5 * right["perfect_scorer"]
    assert bent["mean"] > 2 * bent["perfect_scorer"]
    assert right["worst"] >= right["mean"]


def test_the_calibration_error_by_hand() -> None:
    # One bin says 0.25 of four claims and one of them is right; the other says 0.95 of two and one is right: 2 * 0.45 / 6.
    scores = np.array([0.25] * 4 + [0.95] * 2)
    labels = np.array([True, False, False, False, True, False])
    assert calibration_error(scores, labels) == pytest.approx(0.15)


class Network:
    """Says how long a claim is, and counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    def logits(self, claims: list[tuple[str, str]]) -> list[float]:
        self.asked += len(claims)
        return [float(len(claim)) for claim, _ in claims]


def test_what_the_network_said_is_kept_even_if_the_last_line_was_cut_short(tmp_path: Path) -> None:
    claims = [Drawn(f"RoPE 旋转 {n} 维。", "RoPE 旋转 3 维。", n == 3, "notes", "rope") for n in range(3, 7)]
    kept, network = tmp_path / "logits.jsonl", Network()
    first = samples(claims, network, kept)  # type: ignore[arg-type]
    assert samples(claims, network, kept) == first  # type: ignore[arg-type]
    assert network.asked == 4
    kept.write_text(kept.read_text(encoding="utf-8")[:-20], encoding="utf-8")
    assert samples(claims, network, kept) == first  # type: ignore[arg-type]
    assert network.asked == 5
    assert samples(claims, network, kept) == first  # type: ignore[arg-type]
    assert network.asked == 5
