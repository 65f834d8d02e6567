"""The training loop: steps, a held-out curve, early stopping, and a checkpoint from which the same command goes on.

WORK/checkpoint.pt        masters, optimiser, curve and clock; replaced whole
WORK/best.safetensors     the weights with the lowest held-out loss so far
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from itertools import chain
from pathlib import Path
from random import Random
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from generation.finetuning.encoding import Encoded, encode, epoch_batches, make_batch
from generation.finetuning.examples import Example, TrainingData
from generation.finetuning.network import Method, answer_loss, sampled_vocabulary
from retrieval.training.masters import MasterWeights, save_checkpoint, schedule
from retrieval.weights import Progress

log = logging.getLogger(__name__)
CHECKPOINT, BEST = "checkpoint.pt", "best.safetensors"
# Held-out examples that a point of the curve is measured on.
_MEASURED = 12


@dataclass(frozen=True)
class TrainSettings:
    """How to train; together with the data this decides what comes out, except that `minutes` depends on the machine.

    Attributes:
        method: LoRA matrices, or all weights.
        rank: of LoRA's matrices; its scale is 2.
        rate: highest learning rate.
        batch: examples a step.
        epochs: how often all examples are seen, if neither `steps` nor `minutes` says otherwise.
        steps, minutes: limits; None for none. The learning rate falls towards whichever is nearer.
        warmup: share of the steps in which the rate rises.
        points: how often the held-out loss is measured.
        patience: so many points without an improvement end the training.
        extra_tokens: tokens that no example uses, in the part of the vocabulary that the loss regards.
        checkpoint_seconds: time between checkpoints.
        seed: what draws.
    """

    method: Method = "lora"
    rank: int = 16
    rate: float = 1e-3
    batch: int = 8
    epochs: float = 3.0
    steps: int | None = None
    minutes: float | None = None
    warmup: float = 0.05
    points: int = 6
    patience: int = 2
    extra_tokens: int = 8192
    checkpoint_seconds: float = 60.0
    seed: int = 0


@dataclass(frozen=True)
class Point:
    """One measurement of the held-out losses, in nats a token; None where nothing is held out."""

    step: int
    seconds: float
    train: float | None
    wordings: float | None
    sections: float | None

    @property
    def decisive(self) -> float | None:
        """What early stopping goes by: unknown wordings of what is learned, or unknown sections without such."""
        return self.sections if self.wordings is None else self.wordings


@dataclass
class State:
    """Where a training stands."""

    step: int = 0
    seconds: float = 0.0
    tokens: int = 0
    curve: list[Point] = field(default_factory=list)
    stopped: str = ""


class Training:
    """Trains a network on examples; whatever was done before in the same folder is not done again."""

    def __init__(self, network: Any, tokenizer: Any, data: TrainingData, settings: TrainSettings, work: Path) -> None:
        self.network, self.settings, self.work = network, settings, work
        self.train = [encode(tokenizer, example) for example in data.train]
        self.held_out = {"wordings": _sample(tokenizer, data.wordings), "sections": _sample(tokenizer, data.sections)}
        size = network.get_input_embeddings().weight.shape[0]
        used = (token for each in (*self.train, *chain(*self.held_out.values())) for token in each.ids)
        self.vocabulary = sampled_vocabulary(used, size, settings.extra_tokens, settings.seed)
        self.masters = MasterWeights(network, settings.rate, 1)
        self.state = State()
        self.total = settings.steps or max(1, round(settings.epochs * len(self.train) / settings.batch))
        self._losses: list[float] = []

    def run(self, progress: Progress | None = None) -> State:
        """Train to the end, or to the time limit, and leave the best weights in the network."""
        self._load()
        self.work.mkdir(parents=True, exist_ok=True)
        every = max(1, self.total // self.settings.points)
        if not self.state.curve:
            self._measure()
        saved = clock = time.perf_counter()
        while not self.state.stopped:
            self._step()
            now = time.perf_counter()
            self.state.seconds += now - clock
            clock = now
            if progress:
                progress("train", self.state.step, self.total)
            self.state.stopped = self._over()
            if self.state.stopped or self.state.step % every == 0:
                self._measure()
                self.state.stopped = self.state.stopped or self._worse()
                self._save()
                saved = clock = time.perf_counter()
            elif now - saved > self.settings.checkpoint_seconds:
                self._save()
                saved = clock = time.perf_counter()
        if (self.work / BEST).exists():
            self._restore(load_file(self.work / BEST))
        return self.state

    def _step(self) -> None:
        """One step of the optimiser; which examples it takes follows from its number."""
        settings, lengths = self.settings, [len(each.ids) for each in self.train]
        per_epoch = -(-len(lengths) // settings.batch)
        epoch, at = divmod(self.state.step, per_epoch)
        chosen = epoch_batches(lengths, settings.batch, f"{settings.seed}/{epoch}")[at]
        batch = make_batch([self.train[i] for i in chosen])
        self.network.train()
        loss = answer_loss(self.network, batch, self.vocabulary)
        torch.autograd.backward(loss)
        self.masters.update(self._share())
        self._losses.append(loss.item())
        self.state.step += 1
        self.state.tokens += int(batch.mask.sum())

    def _share(self) -> float:
        """Share of the learning rate, by how much of the steps or of the time is over."""
        minutes = self.settings.minutes
        over = self.state.seconds / (60 * minutes) if minutes else 0.0
        return schedule(max(self.state.step, int(over * self.total)), self.total, self.settings.warmup)

    def _over(self) -> str:
        minutes = self.settings.minutes
        if self.state.step >= self.total:
            return "steps"
        return "minutes" if minutes and self.state.seconds >= 60 * minutes else ""

    def _measure(self) -> None:
        """Add a point to the curve, and keep the weights if they are the best so far."""
        self.network.eval()
        found = {name: self._loss(held) for name, held in self.held_out.items()}
        train = sum(self._losses) / len(self._losses) if self._losses else None
        self._losses.clear()
        point = Point(self.state.step, round(self.state.seconds, 1), train, **found)
        log.info("step %d: %s", point.step, point)
        best = min((p.decisive for p in self.state.curve if p.decisive is not None), default=None)
        if point.decisive is None or best is None or point.decisive < best:
            trained = {name: weight for name, weight in self.network.named_parameters() if weight.requires_grad}
            _save_tensors({name: weight.detach().contiguous() for name, weight in trained.items()}, self.work / BEST)
        self.state.curve.append(point)

    @torch.inference_mode()
    def _loss(self, held_out: Sequence[Encoded]) -> float | None:
        """Mean loss a token of held-out answers, over the vocabulary that training regards."""
        return answer_loss(self.network, make_batch(held_out), self.vocabulary).item() if held_out else None

    def _worse(self) -> str:
        """Whether the held-out loss has stopped falling."""
        losses = [point.decisive for point in self.state.curve]
        if any(loss is None for loss in losses) or len(losses) <= self.settings.patience:
            return ""
        known = [loss for loss in losses if loss is not None]
        recent = known[-self.settings.patience :]
        return "held-out loss" if min(recent) >= min(known[: -self.settings.patience]) else ""

    def _save(self) -> None:
        state = {**asdict(self.state), "losses": self._losses, "masters": self.masters.state()}
        save_checkpoint(state, self.work / CHECKPOINT)

    def _load(self) -> None:
        path = self.work / CHECKPOINT
        if not path.exists():
            return
        stored = torch.load(path, weights_only=True)
        self.masters.load_state(stored["masters"])
        self._losses = stored["losses"]
        curve = [Point(**point) for point in stored["curve"]]
        self.state = State(stored["step"], stored["seconds"], stored["tokens"], curve, stored["stopped"])
        log.info("goes on at step %d", self.state.step)

    def _restore(self, tensors: dict[str, torch.Tensor]) -> None:
        with torch.no_grad():
            for name, weight in self.network.named_parameters():
                if weight.requires_grad:
                    weight.copy_(tensors[name])
        self.network.eval()


def _sample(tokenizer: Any, examples: Sequence[Example]) -> list[Encoded]:
    """The same few held-out examples each time."""
    chosen = Random(0).sample(range(len(examples)), min(_MEASURED, len(examples)))  # noqa: S311 - reproducible, not secret
    return [encode(tokenizer, examples[i]) for i in sorted(chosen)]


def _save_tensors(tensors: dict[str, torch.Tensor], path: Path) -> None:
    save_file(tensors, path.with_suffix(".new"))
    path.with_suffix(".new").replace(path)
