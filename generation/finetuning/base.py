"""Loads the model that is to be trained, as transformers' own objects."""

from __future__ import annotations

from generation.finetuning.finetune import Base
from generation.language_model import Decoding
from generation.transformers_model import load_transformers_model
from retrieval.weights import Progress


def load_base(name: str, *, device: str | None = None, progress: Progress | None = None) -> Base:
    """A model in bfloat16, with nothing merged into it.

    Raises:
        ModelNotFound: the model does not exist or its hub cannot be reached.
        WeightsMissing, WeightsMismatch: bundled weights are not installed or damaged.
    """
    loaded = load_transformers_model(name, decoding=Decoding(), device=device, progress=progress)
    return Base(name, loaded.model, loaded.tokenizer)
