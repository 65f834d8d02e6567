"""PEFT adapters of the language model: a folder with adapter_config.json and adapter_model.safetensors.

`base_model_name_or_path` names the base as the settings do, such as `bundled:gemma-3-270m`, or by its folder.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corpus.errors import AdapterMismatch, AdapterNotFound

if TYPE_CHECKING:
    from torch import Tensor

CONFIG_FILE, WEIGHTS_FILE = "adapter_config.json", "adapter_model.safetensors"
# Marks an adapter that writes whole answers from numbered evidence, as `generation.training.train_composer` leaves it.
COMPOSER_FILE = "composer.json"
BUNDLED_COMPOSER = Path(__file__).parents[1] / "adapters" / "interview-composer"
BUNDLED_READER = BUNDLED_COMPOSER.with_name("interview-reader")


def adapter_base(folder: Path) -> str:
    """The base model that an adapter names.

    Raises:
        AdapterNotFound: the folder holds no adapter, one that is not stored as safetensors, or a damaged one.
    """
    for file in (CONFIG_FILE, WEIGHTS_FILE):
        if not (folder / file).is_file():
            raise AdapterNotFound(path=folder, reason=f"no {file}")
    _check_whole(folder)
    try:
        config = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))
        return str(config["base_model_name_or_path"] or "")
    except (ValueError, KeyError, TypeError) as error:
        raise AdapterNotFound(path=folder, reason=f"{CONFIG_FILE} cannot be read: {error}") from error


def _check_whole(folder: Path) -> None:
    """Reads the header of the weights alone."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(folder / WEIGHTS_FILE, "pt"):
            pass
    except SafetensorError as error:
        raise AdapterNotFound(path=folder, reason=f"{WEIGHTS_FILE} is damaged: {error}") from error


def is_composer(adapter: Path | None) -> bool:
    """Whether a model with this adapter writes answers from the prompt of `generation.compose.composition_prompt`."""
    return adapter is not None and (adapter / COMPOSER_FILE).is_file()


def check_base(folder: Path, name: str) -> None:
    """Compare the names of the bases; of folders only the weights can tell, when they are merged.

    Raises:
        AdapterNotFound: the folder holds no adapter.
        AdapterMismatch: the adapter belongs to a model of another name.
    """
    base = adapter_base(folder)
    if base not in ("", name) and not Path(base).is_absolute() and not Path(name).expanduser().exists():
        raise AdapterMismatch(path=folder, base=base, name=name)


def with_lora(weights: Mapping[str, Tensor], folder: Path) -> dict[str, Tensor]:
    """Tensors by transformers' names, with one of the bundled adapters, which hold LoRA matrices alone, merged: W + s B A.

    Without PEFT and transformers' model, which take seconds to make.
    """
    from safetensors.torch import load_file

    config = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))
    lora = load_file(folder / WEIGHTS_FILE)
    changed = dict(weights)
    for name, low in lora.items():
        if name.endswith("lora_A.weight"):
            matrix = f"{name.removeprefix('base_model.model.').removesuffix('.lora_A.weight')}.weight"
            high = lora[name.replace("lora_A", "lora_B")]
            changed[matrix] = weights[matrix].float() + config["lora_alpha"] / config["r"] * (high.float() @ low.float())
    return changed


@contextmanager
def quiet_peft() -> Iterator[None]:
    """Keeps a warning off standard error: PEFT asks transformers in a way that transformers deprecates."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        yield


def apply_adapter(model: Any, folder: Path, name: str) -> Any:
    """The transformers model with the adapter merged into its weights.

    Raises:
        AdapterNotFound: the folder holds no adapter.
        AdapterMismatch: the adapter belongs to another model.
    """
    from peft import PeftModel

    check_base(folder, name)
    try:
        with quiet_peft():
            return PeftModel.from_pretrained(model, str(folder)).merge_and_unload()
    except (RuntimeError, ValueError, KeyError) as error:  # other shapes, or other names of layers
        raise AdapterMismatch(path=folder, base=adapter_base(folder) or "unknown", name=name) from error
