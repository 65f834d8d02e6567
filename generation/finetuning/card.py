"""The card of a fine-tuned model: what it was made of, how, and what came out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Card:
    """What is known about a training that ended.

    Attributes:
        base: the model that was trained, named as in the settings.
        method: "lora" or "full".
        data_sha256: digest of the training data.
        examples: how many of each kind.
        data, training: the settings.
        parameters: how many were trained.
        steps, tokens, seconds: how long; tokens with those of the prompts, seconds without those of measuring.
        stopped: what ended it: "steps", "minutes" or "held-out loss".
        curve: the losses by step.
        facts: what decided the run, as `finetune` compares it.
    """

    base: str
    method: str
    data_sha256: str
    examples: dict[str, int]
    data: dict[str, Any]
    training: dict[str, Any]
    parameters: int
    steps: int
    tokens: int
    seconds: float
    stopped: str
    curve: list[dict[str, Any]]
    facts: dict[str, Any] = field(default_factory=dict)


def card_text(card: Card) -> str:
    """The card for people (Markdown)."""
    counts = ", ".join(f"{number} {kind.replace('_', ' ')}" for kind, number in card.examples.items())
    rows = "\n".join(
        f"| {point['step']} | {point['seconds']} | {_number(point['train'])} | {_number(point['wordings'])} "
        f"| {_number(point['sections'])} |"
        for point in card.curve
    )
    return f"""# Fine-tuned on notes

- Base model: `{card.base}`; its licence holds for this too.
- Method: {card.method}, {card.parameters:,} trained parameters
- Data: {counts}; SHA-256 `{card.data_sha256}`
- Training: {card.steps} steps, {card.tokens:,} tokens, {card.seconds:.0f} s; ended by {card.stopped}
- Settings: {", ".join(f"{name} {value}" for name, value in card.training.items())}

Losses in nats a token; "wordings" are questions that were learned, asked in words that were not; "sections" were not learned.

| step | seconds | training | wordings | sections |
|---:|---:|---:|---:|---:|
{rows}
"""


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
