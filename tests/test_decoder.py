"""The decoder on OpenVINO beside transformers' models, on random weights of every family it knows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, Gemma3TextConfig, LlamaConfig, Qwen2Config, Qwen3Config

from generation.models.decoder import BLOCK, Decoder, supports
from generation.models.kept_vocabulary import is_kept, kept_ids

VOCABULARY = 300
SIZES = {
    "vocab_size": VOCABULARY, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 3, "num_attention_heads": 4,
    "num_key_value_heads": 2, "head_dim": 32, "max_position_embeddings": 512,
}  # fmt: skip
FULL, SLIDING = "full_attention", "sliding_attention"
YARN = {"rope_type": "yarn", "rope_theta": 1e4, "factor": 4.0, "original_max_position_embeddings": 128}
LINEAR = {"rope_type": "linear", "rope_theta": 1e4, "factor": 4.0}
CONFIGS = {
    "llama": LlamaConfig(**SIZES, tie_word_embeddings=True),
    "llama, own head": LlamaConfig(**SIZES, tie_word_embeddings=False),
    "llama, yarn": LlamaConfig(**SIZES, rope_parameters=YARN),
    "qwen2": Qwen2Config(**{name: size for name, size in SIZES.items() if name != "head_dim"}),
    "qwen3": Qwen3Config(**SIZES),
    "gemma": Gemma3TextConfig(
        **SIZES, query_pre_attn_scalar=32, sliding_window=40, layer_types=[SLIDING, SLIDING, FULL], pad_token_id=0,
    ),
    "gemma, linear": Gemma3TextConfig(
        **SIZES, query_pre_attn_scalar=32, sliding_window=40, layer_types=[SLIDING, SLIDING, FULL], pad_token_id=0,
        rope_parameters={FULL: LINEAR, SLIDING: {"rope_type": "default", "rope_theta": 1e4}},
    ),
}  # fmt: skip
IDS = np.random.default_rng(5).integers(3, VOCABULARY, 2 * BLOCK + 50).tolist()


def random_model(config: Any) -> Any:
    """Weights large enough that attention and the blocks change the outcome."""
    torch.manual_seed(3)
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32).eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.ndim == 2 or "bias" in name:
                weight.normal_(std=0.15)
            else:
                weight.add_(torch.rand_like(weight) * 0.4)
    return model


def decoder_of(model: Any, kept: np.ndarray[Any, Any] | None = None) -> Decoder:
    weights = {name.removeprefix("model."): weight for name, weight in model.state_dict().items()}
    return Decoder(weights, model.config, np.arange(VOCABULARY) if kept is None else kept)


@pytest.fixture(scope="module")
def gemma() -> Any:
    return random_model(CONFIGS["gemma"])


@pytest.mark.parametrize("name", CONFIGS)
def test_logits_are_those_of_transformers_but_for_rounding(name: str) -> None:
    model = random_model(CONFIGS[name])
    assert supports(model.config)
    with torch.inference_mode():
        expected = model(torch.tensor([IDS])).logits[0].numpy()
    cache = decoder_of(model).cache()
    # In uneven parts, as prompts and tokens one by one come.
    parts = [IDS[:100], IDS[100:101], IDS[101:102], IDS[102:]]
    found = np.concatenate([cache.extend(part, range(len(part))).copy() for part in parts])
    error = np.sqrt(((found - expected) ** 2).mean(axis=1)) / expected.std(axis=1)
    assert error.mean() < 0.1
    assert (found.argmax(1) == expected.argmax(1)).mean() > 0.85


def test_parts_that_do_not_see_each_other_have_the_logits_that_they_have_alone(gemma: Any) -> None:
    """Three parts behind a beginning, together longer than the window of a sliding attention."""
    decoder = decoder_of(gemma)
    beginning, parts = IDS[:20], [IDS[20:50], IDS[50:75], IDS[75:110]]
    ids = np.array([*beginning, *(token for part in parts for token in part)])
    part_of = np.repeat([-1, 0, 1, 2], [20, *map(len, parts)])
    positions = np.concatenate([np.arange(20), *(np.arange(20, 20 + len(part)) for part in parts)])
    seen = ((part_of[None] == -1) | (part_of[None] == part_of[:, None])) & np.tri(len(ids), dtype=bool)
    ends = 19 + np.cumsum([len(part) for part in parts])
    together = decoder.parted(ids, positions, seen, ends)
    for part, logits in zip(parts, together, strict=True):
        assert np.allclose(logits, decoder.cache().read([*beginning, *part]), atol=0.05 * logits.std())


def test_kept_tokens_have_the_logits_that_they_have_among_all(gemma: Any) -> None:
    kept = np.array([2, 3, 7, 150, 299])
    whole = decoder_of(gemma).cache().read(IDS[:60])
    np.testing.assert_allclose(decoder_of(gemma, kept).cache().read(IDS[:60]), whole[kept], rtol=1e-4, atol=1e-4)


def test_a_prompt_gives_the_same_numbers_whatever_was_read_before(gemma: Any) -> None:
    decoder = decoder_of(gemma)
    first, other = IDS, [*IDS[: BLOCK + 20], *reversed(IDS)]
    fresh = decoder.cache().read(first).copy()
    cache = decoder.cache()
    cache.read(other)
    cache.extend([5], [0])
    assert cache.shared(first) == BLOCK
    assert np.array_equal(cache.read(first), fresh)
    assert cache.shared(first) == 2 * BLOCK
    assert np.array_equal(cache.read(first), fresh)
    assert np.array_equal(cache.read(IDS[:BLOCK]), decoder.cache().read(IDS[:BLOCK]))


@pytest.mark.parametrize(
    "config",
    [
        LlamaConfig(**SIZES, rope_parameters={"rope_type": "dynamic", "rope_theta": 1e4, "factor": 2.0}),
        Gemma3TextConfig(**SIZES, attn_logit_softcapping=30.0),
        LlamaConfig(**SIZES, hidden_act="relu"),
    ],
)
def test_what_the_graph_does_not_compute_is_not_supported(config: Any) -> None:
    assert not supports(config)


@pytest.mark.parametrize(
    ("piece", "kept"),
    [
        ("▁the", True), ("注意力", True), ("檢索", True), ("。", True), ("，", True), ("αβ", True), ("∑", True), ("<0xE4>", True),
        ("▁▁▁", True), ("def", True), ("▁Gün", True), ("ković", True), ("1", True), ("😀", True), ("\n\n", True), ("```", True),
        ("▁при", False), ("हैं", False), ("です", False), ("한국", False), ("ال", False), ("<unused12>", False), ("ệ", False),
    ],
)  # fmt: skip
def test_vocabulary_is_kept_by_script(piece: str, kept: bool) -> None:
    assert is_kept(piece) is kept


def test_special_tokens_are_kept_whatever_they_are() -> None:
    assert kept_ids(["<unused1>", "при", "a"], special=[0]) == [0, 2]
