"""Adapters of a few MB for the bundled encoder: a folder with LoRA matrices, heads, and what they belong to.

    adapter.safetensors    LoRA matrices in PEFT's format
    heads.safetensors      the task's own layers
    NAME.json              base_sha256, lora_scale, and the task's calibration

The reranker is one; the checker of `generation` is another.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from corpus.errors import WeightsMismatch

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from retrieval.weights import Progress

ADAPTER_FILE, HEADS_FILE = "adapter.safetensors", "heads.safetensors"


def load_adapted(
    folder: Path, config: dict[str, Any], *, device: str | None = None, progress: Progress | None = None
) -> tuple[Any, dict[str, Tensor], Any, torch.device]:
    """The encoder with the folder's adapter merged into it, the heads' weights, the tokenizer, and where to compute.

    Raises:
        WeightsMissing, WeightsMismatch: the bundled base is not installed, or not the one that the adapter was trained on.
    """
    import torch
    from safetensors.torch import load_file
    from transformers import AutoTokenizer

    from retrieval import bundled_e5
    from retrieval.embeddings import has_fast_bfloat16
    from retrieval.rerank_model import load_encoder, merge_lora

    if config["base_sha256"] != bundled_e5.PIN.sha256:
        raise WeightsMismatch(path=bundled_e5.PIN.name, expected=config["base_sha256"], actual=bundled_e5.PIN.sha256)
    base = bundled_e5.prepare(progress)
    encoder = load_encoder(base, torch.bfloat16 if has_fast_bfloat16() else torch.float32)
    merge_lora(encoder, load_file(folder / ADAPTER_FILE), config["lora_scale"])
    place = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    return encoder, load_file(folder / HEADS_FILE), AutoTokenizer.from_pretrained(base), place
