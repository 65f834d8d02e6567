"""Examples as the network reads them: token ids with the place where the answer begins, and batches of similar length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import torch
from torch import Tensor

from generation.finetuning.examples import Example

# Batches are drawn from so many at a time, sorted by length, so that little is computed for padding.
_POOL = 8


@dataclass(frozen=True, slots=True)
class Encoded:
    """Token ids of prompt and answer together; those from `answer` on are learned."""

    ids: tuple[int, ...]
    answer: int


@dataclass(frozen=True)
class Batch:
    """Examples side by side, padded at the right.

    Attributes:
        ids, mask: token ids and 1 where there are any, shape (examples, longest).
        rows, columns: the positions whose next token is learned, each of shape (learned,).
        targets: those next tokens, shape (learned,).
    """

    ids: Tensor
    mask: Tensor
    rows: Tensor
    columns: Tensor
    targets: Tensor


def encode(tokenizer: Any, example: Example) -> Encoded:
    """Prompt and answer, tokenised apart as they are when the model is asked; the answer ends with the line and the end token."""
    prompt = tokenizer.encode(example.prompt)
    answer = tokenizer.encode(f"{example.answer}\n", add_special_tokens=False)
    return Encoded((*prompt, *answer, tokenizer.eos_token_id), len(prompt))


def make_batch(encoded: Sequence[Encoded], *, pad: int = 0) -> Batch:
    """Pad examples to one length."""
    longest = max(len(each.ids) for each in encoded)
    learned = [(row, at) for row, each in enumerate(encoded) for at in range(each.answer - 1, len(each.ids) - 1)]
    rows, columns = torch.tensor(learned).T
    return Batch(
        ids=torch.tensor([[*each.ids, *[pad] * (longest - len(each.ids))] for each in encoded]),
        mask=torch.tensor([[1] * len(each.ids) + [0] * (longest - len(each.ids)) for each in encoded]),
        rows=rows,
        columns=columns,
        targets=torch.tensor([encoded[row].ids[at + 1] for row, at in learned]),
    )


def epoch_batches(lengths: Sequence[int], size: int, seed: str) -> list[list[int]]:
    """All numbers once, in batches of at most `size` of similar length, in an order that the seed decides."""
    rng = Random(seed)  # noqa: S311 - reproducible, not secret
    order = list(range(len(lengths)))
    rng.shuffle(order)
    batches = []
    for start in range(0, len(order), _POOL * size):
        pool = sorted(order[start : start + _POOL * size], key=lambda i: lengths[i])
        batches += [pool[at : at + size] for at in range(0, len(pool), size)]
    rng.shuffle(batches)
    return batches
