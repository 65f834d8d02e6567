"""Weights in float32 beside those that compute in bfloat16, moved alike in every process of a run."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn


class MasterWeights:
    """The trainable weights of a network, optimised in float32: steps are too small for bfloat16 to add up.

    Every process holds the same; gradients are averaged over the processes.
    """

    def __init__(self, network: nn.Module, rate: float, processes: int) -> None:
        self.weights = [p for p in network.parameters() if p.requires_grad]
        self.masters = [weight.detach().float().clone() for weight in self.weights]
        self.optimizer = torch.optim.AdamW(self.masters, lr=rate, betas=(0.9, 0.98), weight_decay=0.01)
        self.rate, self.processes = rate, processes

    def update(self, share: float) -> None:
        """One step with the gradients that the weights hold, at a share of the learning rate; the gradients are used up."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate * share
        for weight, master in zip(self.weights, self.masters, strict=True):
            gradient = torch.zeros_like(master) if weight.grad is None else weight.grad.float()
            if self.processes > 1:
                torch.distributed.all_reduce(gradient)
            master.grad, weight.grad = gradient / self.processes, None
        nn.utils.clip_grad_norm_(self.masters, 1.0)
        self.optimizer.step()
        self._publish()

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {"weights": self.masters, "optimizer": self.optimizer.state_dict()}

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        with torch.no_grad():
            for master, stored in zip(self.masters, state["weights"], strict=True):
                master.copy_(stored)
        self.optimizer.load_state_dict(state["optimizer"])
        self._publish()

    def _publish(self) -> None:
        with torch.no_grad():
            for weight, master in zip(self.weights, self.masters, strict=True):
                weight.copy_(master)


def schedule(step: int, steps: int, warmup: float) -> float:
    """Share of the learning rate: a linear warm-up over a share of the steps, then a cosine down to a twentieth."""
    warm = warmup * steps
    if step < warm:
        return (step + 1) / warm
    done = (step - warm) / max(1.0, steps - warm)
    return 0.05 + 0.95 * (1 + math.cos(math.pi * done)) / 2
