"""Writes a trained adapter into the folder that `retrieval.adapter` loads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from peft import get_peft_model_state_dict
from safetensors.torch import save_file
from torch import nn

from retrieval.adapter import ADAPTER_FILE, HEADS_FILE
from retrieval.bundled_e5 import PIN
from retrieval.rerank import CONFIG_FILE

if TYPE_CHECKING:
    from retrieval.rerank_model import ScorerHeads


def save_adapter(folder: Path, adapted: Any, heads: ScorerHeads) -> None:
    """The reranker: what `save_weights` saves, and a configuration still uncalibrated."""
    config = save_weights(folder, adapted, heads) | {"passage_calibration": [1.0, 0.0], "sentence_calibration": [1.0, 0.0]}
    (folder / CONFIG_FILE).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def save_weights(folder: Path, adapted: Any, heads: nn.Module) -> dict[str, Any]:
    """LoRA matrices in float16, heads in float32; returns what is needed to put them on the base."""
    folder.mkdir(parents=True, exist_ok=True)
    lora = {name: weight.to(torch.float16).contiguous() for name, weight in get_peft_model_state_dict(adapted).items()}
    save_file(lora, folder / ADAPTER_FILE)
    save_file({name: weight.detach().contiguous() for name, weight in heads.state_dict().items()}, folder / HEADS_FILE)
    settings = adapted.peft_config["default"]
    return {"base": PIN.name, "base_sha256": PIN.sha256, "lora_scale": settings.lora_alpha / settings.r}
