"""Finds what `finetune` wrote: a base with its adapter, or a whole model."""

from __future__ import annotations

from pathlib import Path

from generation.finetuning.finetune import CARD, read_card
from generation.models.adapter import CONFIG_FILE, check_base


def base_and_adapter(base: str, folder: Path) -> tuple[str, Path | None]:
    """What `load_language_model` takes as name and adapter for a fine-tuned folder; `base` is the generator of the settings.

    Raises:
        AdapterNotFound: the folder holds neither an adapter nor a whole model.
        AdapterMismatch: it was trained on another base.
    """
    if (folder / CARD).is_file() and not (folder / CONFIG_FILE).exists() and read_card(folder).method == "full":
        return str(folder), None
    check_base(folder, base)
    return base, folder
