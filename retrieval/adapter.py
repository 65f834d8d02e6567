"""Adapters of a few MB for the bundled encoder: a folder with LoRA matrices, heads, and what they belong to.

    adapter.safetensors    LoRA matrices in PEFT's format
    heads.safetensors      the task's own layers
    NAME.json              base_sha256, lora_scale, and the task's calibration

The reranker is one; the checker of `generation` is another.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from corpus.errors import WeightsMismatch
from retrieval.encoder import (
    Encoder,
    OpenVINOEncoder,
    Runtime,
    TorchEncoder,
    announce,
    choose_runtime,
    layer_weights,
    load_tokenizer,
)

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from retrieval.embedder import FloatMatrix
    from retrieval.weights import Progress

ADAPTER_FILE, HEADS_FILE = "adapter.safetensors", "heads.safetensors"


def load_adapted(
    folder: Path,
    config: dict[str, Any],
    *,
    device: str | None = None,
    progress: Progress | None = None,
    runtime: Runtime | None = None,
) -> tuple[Encoder, dict[str, Tensor], Any, torch.device]:
    """The encoder with the folder's adapter merged into it, the heads' weights, the tokenizer, and where to compute.

    Raises:
        WeightsMissing, WeightsMismatch: the bundled base is not installed, or not the one that the adapter was trained on.
        MissingExtra: `runtime` is not installed.
    """
    import torch
    from safetensors.torch import load_file

    from retrieval import bundled_e5

    if config["base_sha256"] != bundled_e5.PIN.sha256:
        raise WeightsMismatch(path=bundled_e5.PIN.name, expected=config["base_sha256"], actual=bundled_e5.PIN.sha256)
    base = bundled_e5.prepare(progress)
    adapter = load_file(folder / ADAPTER_FILE)
    tokenizer = load_tokenizer(base)
    place = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    chosen = choose_runtime(device, runtime)
    announce(folder.name, chosen)
    if chosen == "openvino":
        weights = layer_weights(base)
        changes = lora_changes(weights, {name: t.float().numpy() for name, t in adapter.items()}, config["lora_scale"])
        encoder: Encoder = OpenVINOEncoder(base, {**weights, **changes})
    else:
        encoder = TorchEncoder(_adapted_model(base, adapter, config["lora_scale"]), place, pad=tokenizer.pad_token_id)
    return encoder, load_file(folder / HEADS_FILE), tokenizer, place


def lora_changes(weights: Mapping[str, FloatMatrix], adapter: Mapping[str, FloatMatrix], scale: float) -> dict[str, FloatMatrix]:
    """The matrices that a LoRA adapter in PEFT's format changes: W + scale * B A; `rerank_model.merge_lora` on arrays."""
    changed = {}
    for name, low in adapter.items():
        if name.endswith("lora_A.weight"):
            matrix = f"{name.removeprefix('base_model.model.').removesuffix('.lora_A.weight')}.weight"
            changed[matrix] = weights[matrix] + np.float32(scale) * (adapter[name.replace("lora_A", "lora_B")] @ low)
    return changed


def _adapted_model(base: Path, adapter: dict[str, Tensor], scale: float) -> Any:
    import torch

    from retrieval.embeddings import has_fast_bfloat16
    from retrieval.rerank_model import load_encoder, merge_lora

    model = load_encoder(base, torch.bfloat16 if has_fast_bfloat16() else torch.float32)
    merge_lora(model, adapter, scale)
    return model
