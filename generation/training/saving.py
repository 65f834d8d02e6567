"""Writes a trained checker into the folder that `generation.checker` loads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from generation.checker_model import CheckerHeads
from retrieval.training.saving import save_weights

CONFIG_FILE = "checker.json"


def save_checker(folder: Path, adapted: Any, heads: CheckerHeads) -> None:
    """LoRA matrices, heads, and a configuration that `calibrate_checker` has yet to complete."""
    config = save_weights(folder, adapted, heads)
    (folder / CONFIG_FILE).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
