"""Weights in float32 beside those that compute in bfloat16, moved alike in every process of a run."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn


def join_run() -> None:
    """Make this process one of those that `torchrun` started, with one thread; nothing of the kind if it runs alone."""
    if "WORLD_SIZE" in os.environ:
        torch.set_num_threads(1)
        torch.distributed.init_process_group("gloo")


def place_in_run() -> tuple[int, int]:
    """Number of this process and how many there are: 0 and 1 if it runs alone."""
    return int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))


class MasterWeights:
    """The trainable weights of a network, optimised in float32: steps are too small for bfloat16 to add up.

    Every process holds the same; gradients are averaged over the processes.
    """

    def __init__(self, network: nn.Module, rate: float, processes: int, faster: Mapping[str, float] | None = None) -> None:
        """`faster`: how many times the rate weights learn at, by the beginning of their names."""
        named = [(name, weight) for name, weight in network.named_parameters() if weight.requires_grad]
        self.weights = [weight for _, weight in named]
        self.masters = [weight.detach().float().clone() for weight in self.weights]
        self.rates = [
            rate * next((times for start, times in (faster or {}).items() if name.startswith(start)), 1.0) for name, _ in named
        ]
        groups = [{"params": [master], "lr": rate} for master, rate in zip(self.masters, self.rates, strict=True)]
        self.optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.98), weight_decay=0.01)
        self.processes = processes

    def update(self, share: float) -> None:
        """One step with the gradients that the weights hold, at a share of the learning rate; the gradients are used up."""
        for group, rate in zip(self.optimizer.param_groups, self.rates, strict=True):
            group["lr"] = rate * share
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


def save_checkpoint(state: object, checkpoint: Path) -> None:
    """Write what a run goes on from; a kill leaves the former checkpoint or the new one."""
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    torch.save(state, checkpoint.with_suffix(".new"))
    checkpoint.with_suffix(".new").replace(checkpoint)


def schedule(step: int, steps: int, warmup: float) -> float:
    """Share of the learning rate: a linear warm-up over a share of the steps, then a cosine down to a twentieth."""
    warm = warmup * steps
    if step < warm:
        return (step + 1) / warm
    done = (step - warm) / max(1.0, steps - warm)
    return 0.05 + 0.95 * (1 + math.cos(math.pi * done)) / 2
