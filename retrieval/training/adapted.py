"""The bundled encoder with the LoRA matrices that the reranker and the checker are trained by."""

from __future__ import annotations

from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoTokenizer

from retrieval.bundled_e5 import prepare
from retrieval.rerank_model import load_encoder

RANK, ALPHA = 32, 32
# The layers below stay as they are: a third less to compute backwards.
FIRST_LAYER = 4


def trainable_encoder() -> tuple[Any, Any]:
    """The encoder in bfloat16 as PEFT's model, with LoRA (Hu et al., 2021, arXiv:2106.09685) to be trained; its tokenizer."""
    folder = prepare()
    base = load_encoder(folder, torch.bfloat16)
    layers = list(range(FIRST_LAYER, base.config.num_hidden_layers))
    lora = LoraConfig(r=RANK, lora_alpha=ALPHA, target_modules=["query", "key", "value", "dense"], layers_to_transform=layers)
    return get_peft_model(base, lora, autocast_adapter_dtype=False), AutoTokenizer.from_pretrained(folder)
