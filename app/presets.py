"""Larger language models by one word: `--preset small`; settings only, anything else of the settings may be given beside it.

The models are instruction-tuned, open and on Hugging Face's hub; the first use downloads them. Memory is that of the weights in
bfloat16 with a prompt of a few thousand tokens, on the GPU if there is one.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Preset(StrEnum):
    """The names that `--preset` takes."""

    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"


@dataclass(frozen=True, slots=True)
class Generator:
    """A model of the hub with the memory it needs, in GB, and how long prompts and answers may be, in tokens."""

    model: str
    gigabytes: int
    prompt_tokens: int
    max_tokens: int

    def settings(self) -> dict[str, Any]:
        """The settings that choose it."""
        answering = {"prompt_tokens": self.prompt_tokens}
        return {"generator": self.model, "answering": answering, "decoding": {"max_tokens": self.max_tokens}}


PRESETS = {
    Preset.SMALL: Generator("Qwen/Qwen3-0.6B", 2, 1500, 256),
    Preset.MEDIUM: Generator("Qwen/Qwen3-4B-Instruct-2507", 10, 3000, 384),
    Preset.LARGE: Generator("Qwen/Qwen3-30B-A3B-Instruct-2507", 65, 4000, 512),
}


def describe_presets() -> str:
    """One line about all of them."""
    return "; ".join(f"{name} is {chosen.model}, {chosen.gigabytes} GB" for name, chosen in PRESETS.items())
