"""The training loss of one group: claims about the same context."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits as binary
from torch.nn.functional import softplus

RANKED = 0.5
TOKENS = 0.5


@dataclass(frozen=True, slots=True)
class TokenLabels:
    """For the first tokens of a window: which are the claim's, and which of those a change made wrong."""

    own: tuple[bool, ...]
    wrong: tuple[bool, ...]


def group_loss(logits: Tensor, supported: Tensor, doubts: Sequence[tuple[Tensor, TokenLabels]]) -> Tensor:
    """Loss of a group.

    Three tasks: the label of each claim (cross-entropy, which calibrates); that what the context supports scores above what it
    does not (logistic loss of all pairs; Burges et al. 2005), which takes the context itself out of the comparison; and which
    tokens are wrong, both kinds of tokens weighing the same.

    Args:
        logits: of the claims, shape (claims,).
        supported: 1 or 0, shape (claims,).
        doubts: doubt about the tokens of some claims, shape (length,), with their labels.
    """
    loss = binary(logits, supported)
    right, wrong = logits[supported > 0.5], logits[supported < 0.5]
    if len(right) and len(wrong):
        loss = loss + RANKED * softplus(wrong.unsqueeze(0) - right.unsqueeze(1)).mean()
    if doubts:
        loss = loss + TOKENS * torch.stack([_token_loss(doubt, labels) for doubt, labels in doubts]).mean()
    return loss


def _token_loss(doubt: Tensor, labels: TokenLabels) -> Tensor:
    own, wrong = torch.tensor(labels.own), torch.tensor(labels.wrong)
    values = doubt[: len(own)]
    fine = values[own & ~wrong]
    loss = softplus(fine).mean() if len(fine) else values.new_zeros(())
    return loss + softplus(-values[wrong]).mean() if wrong.any() else loss
