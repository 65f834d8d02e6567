"""Loads the model that is to be trained, as transformers' own objects."""

from __future__ import annotations

from generation.finetuning.finetune import Base
from generation.models.model_source import find_model
from retrieval.weights import Progress


def load_base(name: str, *, device: str | None = None, progress: Progress | None = None) -> Base:
    """A model in bfloat16, with nothing merged into it.

    Raises:
        ModelNotFound: the model does not exist or its hub cannot be reached.
        WeightsMissing, WeightsMismatch: bundled weights are not installed or damaged.
    """
    import torch

    source = find_model(name, progress=progress)
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    return Base(name, source.model(device=device).to(device), source.tokenizer())
