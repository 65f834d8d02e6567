"""RoPE scaling against transformers' own angles and numbers worked out by hand."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import Gemma3TextConfig, GPT2Config, LlamaConfig
from transformers.models.gemma3.modeling_gemma3 import Gemma3RotaryEmbedding
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding, apply_rotary_pos_emb

from corpus.errors import RopeUnsupported, UsageError
from generation.models.rope import AUTO_METHOD, METHODS, UNSCALED, Method, RopeScale, RopeSettings, native_window, ntk_base

NATIVE, BASE, SIZE = 4096, 10_000.0, 16
SCALED = [method for method in METHODS if method != "none"]


def llama(**changes: Any) -> LlamaConfig:
    """A model of 16 coordinates a head, trained on 4096 tokens."""
    return LlamaConfig(
        hidden_size=32,
        num_attention_heads=2,
        num_key_value_heads=1,
        num_hidden_layers=1,
        intermediate_size=32,
        vocab_size=64,
        max_position_embeddings=NATIVE,
        rope_parameters={"rope_type": "default", "rope_theta": BASE, **changes},
    )


def angles(scale: RopeScale, length: int = 1) -> tuple[torch.Tensor, float]:
    """Radians a position of each pair, and the factor of cosine and sine, once a text of `length` tokens was seen."""
    config = llama()
    scale.apply(config)
    rotary = LlamaRotaryEmbedding(config)
    rotary(torch.zeros(1), torch.arange(length)[None])
    return rotary.inv_freq.double(), float(rotary.attention_scaling)


PLAIN = BASE ** -(torch.arange(0, SIZE, 2, dtype=torch.float64) / SIZE)


def test_linear_divides_every_angle() -> None:
    found, sharpened = angles(RopeScale("linear", 4))
    torch.testing.assert_close(found, PLAIN / 4, rtol=1e-5, atol=0)
    assert sharpened == 1


def test_ntk_keeps_the_fastest_pair_and_divides_the_slowest() -> None:
    found, _ = angles(RopeScale("ntk", 4))
    ratio = PLAIN / found
    assert ratio[0] == pytest.approx(1)
    assert ratio[-1] == pytest.approx(4, rel=1e-4)
    # 10000 · 4^(16/14) by hand
    assert ntk_base(BASE, 4, SIZE) == pytest.approx(48_760.55, rel=1e-5)


def test_dynamic_is_plain_within_the_native_length_and_follows_the_length_beyond() -> None:
    torch.testing.assert_close(angles(RopeScale("dynamic", 2), NATIVE)[0], PLAIN, rtol=1e-5, atol=0)
    # at twice the native length and factor 2: alpha = 2 · 2 - (2 - 1) = 3
    found, _ = angles(RopeScale("dynamic", 2), 2 * NATIVE)
    assert float(PLAIN[-1] / found[-1]) == pytest.approx(3, rel=1e-3)


def test_yarn_leaves_fast_pairs_divides_slow_ones_and_sharpens() -> None:
    found, sharpened = angles(RopeScale("yarn", 4))
    ratio = PLAIN / found
    assert ratio[0] == pytest.approx(1)
    assert ratio[-1] == pytest.approx(4, rel=1e-4)
    assert bool((ratio.diff() >= -1e-6).all())
    assert sharpened == pytest.approx(0.1 * math.log(4) + 1)


def test_llama3_changes_only_pairs_that_turn_less_than_four_times() -> None:
    found, sharpened = angles(RopeScale("llama3", 8))
    turns = NATIVE * PLAIN / (2 * math.pi)
    ratio = PLAIN / found
    assert ratio[turns > 4].tolist() == pytest.approx([1.0] * int((turns > 4).sum()), rel=1e-4)
    assert ratio[turns < 1].tolist() == pytest.approx([8.0] * int((turns < 1).sum()), rel=1e-4)
    assert sharpened == 1


def test_longrope_is_plain_within_the_native_length_and_has_the_angles_of_ntk_beyond() -> None:
    torch.testing.assert_close(angles(RopeScale("longrope", 4), NATIVE)[0], PLAIN, rtol=1e-5, atol=0)
    beyond, sharpened = angles(RopeScale("longrope", 4), NATIVE + 1)
    torch.testing.assert_close(beyond, angles(RopeScale("ntk", 4))[0], rtol=1e-4, atol=0)
    assert sharpened == pytest.approx(math.sqrt(1 + math.log(4) / math.log(NATIVE)))


@pytest.mark.parametrize("method", METHODS)
def test_factor_one_changes_nothing(method: Method) -> None:
    config = llama()
    before = config.to_dict()
    assert RopeScale(method, 1).apply(config) == "none"
    assert config.to_dict() == before


@pytest.mark.parametrize("method", SCALED)
@given(distance=st.integers(0, 2000), shift=st.integers(0, 2000))
def test_attention_depends_on_distance_only(method: Method, distance: int, shift: int) -> None:
    config = llama()
    RopeScale(method, 4).apply(config)
    rotary = LlamaRotaryEmbedding(config)
    query, key = torch.randn(2, 1, 1, 1, SIZE, dtype=torch.float64, generator=torch.Generator().manual_seed(distance))
    # Both texts are as long, since some methods follow the length.
    cos, sin = rotary(torch.zeros(1, dtype=torch.float64), torch.arange(2 * NATIVE)[None])

    def score(i: int, j: int) -> float:
        q, _ = apply_rotary_pos_emb(query, key, cos[:, i : i + 1], sin[:, i : i + 1])
        _, k = apply_rotary_pos_emb(query, key, cos[:, j : j + 1], sin[:, j : j + 1])
        return float((q * k).sum())

    assert score(distance, 0) == pytest.approx(score(distance + shift, shift), abs=5e-3)


@pytest.mark.parametrize("method", SCALED)
def test_only_the_layers_of_gemma_that_see_everything_are_scaled(method: Method) -> None:
    config = Gemma3TextConfig(
        hidden_size=32,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=SIZE,
        num_hidden_layers=6,
        intermediate_size=32,
        vocab_size=64,
        max_position_embeddings=NATIVE,
        rope_parameters={
            "full_attention": {"rope_type": "default", "rope_theta": 1e6},
            "sliding_attention": {"rope_type": "default", "rope_theta": 1e4},
        },
    )
    plain = Gemma3RotaryEmbedding(config)
    before = {kind: getattr(plain, f"{kind}_inv_freq").clone() for kind in ("full_attention", "sliding_attention")}
    assert RopeScale(method, 4).apply(config) == f"{method} × 4: 4096 → 16384 tokens"
    rotary = Gemma3RotaryEmbedding(config)
    for kind in before:
        rotary(torch.zeros(1), torch.arange(2 * NATIVE)[None], layer_type=kind)
    assert torch.equal(rotary.sliding_attention_inv_freq, before["sliding_attention"])
    assert float(rotary.full_attention_inv_freq[-1]) < 0.5 * float(before["full_attention"][-1])


@pytest.mark.parametrize(
    ("settings", "needed", "expected"),
    [
        (RopeSettings(), 0, UNSCALED),
        (RopeSettings(), NATIVE, UNSCALED),
        (RopeSettings(), NATIVE + 1, RopeScale(AUTO_METHOD, 1.5)),
        (RopeSettings(), 2 * NATIVE, RopeScale(AUTO_METHOD, 2)),
        (RopeSettings(factor=4), NATIVE, UNSCALED),
        (RopeSettings(factor=4), 2 * NATIVE, RopeScale(AUTO_METHOD, 4)),
        (RopeSettings("none"), 2 * NATIVE, UNSCALED),
        (RopeSettings("ntk", 4), 0, RopeScale("ntk", 4)),
        (RopeSettings("linear"), 3 * NATIVE, RopeScale("linear", 3)),
        (RopeSettings("linear"), 0, UNSCALED),
        (RopeSettings("yarn", 1), 2 * NATIVE, UNSCALED),
    ],
)
def test_what_is_chosen_for_a_prompt(settings: RopeSettings, needed: int, expected: RopeScale) -> None:
    assert settings.scaling(NATIVE, needed) == expected


@given(needed=st.integers(0, 100 * NATIVE))
def test_auto_always_makes_room_and_scales_only_where_it_must(needed: int) -> None:
    scale = RopeSettings().scaling(NATIVE, needed)
    assert scale.window(NATIVE) >= needed
    assert scale.changes == (needed > NATIVE)


@pytest.mark.parametrize("factor", [0.5, 0, -1, math.nan, math.inf])
def test_a_factor_that_cannot_be_is_refused(factor: float) -> None:
    with pytest.raises(UsageError, match="number from 1 up"):
        RopeSettings("yarn", factor)


def test_an_unknown_method_is_refused() -> None:
    with pytest.raises(UsageError, match="unknown RoPE method alibi: choose auto, none, linear"):
        RopeSettings("alibi")  # type: ignore[arg-type]


def test_models_that_cannot_be_scaled_say_why() -> None:
    learned = GPT2Config()
    with pytest.raises(RopeUnsupported, match="no rotary position embedding"):
        RopeScale("yarn", 2).apply(learned)
    assert (UNSCALED.apply(learned), native_window(learned)) == ("none", 1024)
    scaled = llama(rope_type="linear", factor=2.0)
    with pytest.raises(RopeUnsupported, match=r"scaled by its makers \(linear\)"):
        RopeScale("yarn", 2).apply(scaled)
    assert UNSCALED.apply(scaled) == "linear, the model's own"
