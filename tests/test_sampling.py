"""Choosing tokens: the arithmetic of truncation, and the same order of steps as transformers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import LogitsProcessorList, MinPLogitsWarper, TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper
from transformers.generation import RepetitionPenaltyLogitsProcessor

from generation.models.language_model import Decoding
from generation.models.sampling import Sampler, truncate

PROBABILITIES = np.array([0.05, 0.5, 0.2, 0.25])


@pytest.mark.parametrize(
    ("decoding", "expected"),
    [
        (Decoding(), [0.05, 0.5, 0.2, 0.25]),
        (Decoding(top_k=2), [0, 2 / 3, 0, 1 / 3]),
        (Decoding(top_k=9), [0.05, 0.5, 0.2, 0.25]),
        (Decoding(top_p=0.6), [0, 2 / 3, 0, 1 / 3]),
        (Decoding(top_p=0.01), [0, 1, 0, 0]),
        (Decoding(min_p=0.3), [0, 0.5 / 0.95, 0.2 / 0.95, 0.25 / 0.95]),
        (Decoding(top_k=3, min_p=0.45), [0, 2 / 3, 0, 1 / 3]),
    ],
)
def test_the_tail_is_cut(decoding: Decoding, expected: list[float]) -> None:
    assert truncate(PROBABILITIES, decoding) == pytest.approx(expected)


@given(
    st.lists(st.integers(-40, 40), min_size=2, max_size=12, unique=True),
    st.sampled_from([0.3, 1.0, 1.7]),
    st.none() | st.integers(1, 6),
    st.none() | st.floats(0.1, 0.95),
    st.none() | st.floats(0.01, 0.9),
)
def test_the_distribution_is_that_of_transformers(
    logits: list[int], temperature: float, top_k: int | None, top_p: float | None, min_p: float | None
) -> None:
    scores = torch.tensor([logits], dtype=torch.float64) / 7
    steps = LogitsProcessorList([TemperatureLogitsWarper(temperature)])
    if top_k is not None:
        steps.append(TopKLogitsWarper(top_k))
    if top_p is not None:
        steps.append(TopPLogitsWarper(top_p))
    if min_p is not None:
        steps.append(MinPLogitsWarper(min_p))
    expected = steps(torch.zeros(1, 1, dtype=torch.long), scores).softmax(-1)[0].numpy()
    plain = (scores / temperature).softmax(-1)[0].numpy()
    found = truncate(plain, Decoding(top_k=top_k, top_p=top_p, min_p=min_p))
    assert found == pytest.approx(expected, abs=1e-9)


def test_the_repetition_penalty_is_that_of_transformers() -> None:
    logits = np.array([2.0, 1.9, -1.0, -1.2], dtype=np.float32)
    expected = RepetitionPenaltyLogitsProcessor(1.5)(torch.tensor([[0, 2]]), torch.tensor(logits[None]))[0].argmax()
    sampler = Sampler(Decoding(repetition_penalty=1.5), 4)
    sampler.saw(np.array([0, 2]))
    assert sampler.choose(logits) == int(expected) == 1
    assert sampler.choose(logits) == 0  # 1.9 was seen since then, too


def test_draws_follow_the_distribution_and_the_seed() -> None:
    logits = np.log(PROBABILITIES).astype(np.float32)

    def draws(seed: int) -> list[int]:
        sampler = Sampler(Decoding(temperature=1.0, seed=seed), 4)
        return [sampler.choose(logits) for _ in range(2000)]

    assert draws(1) == draws(1) != draws(2)
    assert np.bincount(draws(1), minlength=4) / 2000 == pytest.approx(PROBABILITIES, abs=0.04)
