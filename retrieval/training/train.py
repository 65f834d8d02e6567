"""Train the scorer of `retrieval.rerank`.

    torchrun --nproc-per-node 2 -m retrieval.training.train --data DATA --notes corpus/notes --work WORK --out OUT

DATA is the folder of labelled sets (retrieval/training/datasets.py); WORK keeps embeddings and checkpoints, from which the same
command goes on after an interruption; OUT receives the adapter. `--adapter FOLDER` trains that one on, best at a lower rate. On a
processor, one single-threaded process per core trains about twice as fast as one process with a thread per core.
"""

from __future__ import annotations

import argparse
import logging
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from peft import set_peft_model_state_dict
from safetensors.torch import load_file
from torch import Tensor, nn

from retrieval.adapter import ADAPTER_FILE, HEADS_FILE
from retrieval.embeddings import load_embeddings
from retrieval.rerank_input import Pair, PairEncoder, Window
from retrieval.rerank_model import PROJECTION, Scorer, ScorerHeads, make_batch
from retrieval.training.adapted import trainable_encoder
from retrieval.training.datasets import Collection, read_all
from retrieval.training.groups import Group, GroupSampler, GroupSettings
from retrieval.training.losses import WindowLogits, group_loss
from retrieval.training.masters import MasterWeights, join_run, place_in_run, save_checkpoint, schedule
from retrieval.training.mining import FirstStage
from retrieval.training.saving import save_adapter

log = logging.getLogger("retrieval.training")

# How often an epoch asks the questions of each collection: notes and written passages are few and the only bilingual ones.
SHARES = {"cmrc": 0.7, "drcd": 0.8, "halueval": 0.6, "uhgeval": 0.2, "notes": 2.0, "written": 4.0}


@dataclass(frozen=True)
class TrainSettings:
    """The run: everything that decides what comes out of it."""

    steps: int = 600
    groups: int = 2
    rate: float = 8e-4
    warmup: float = 0.06
    seed: int = 0
    windows: int = 3


class Trainer:
    """One process of the training; all processes hold the same weights and draw different groups."""

    def __init__(self, samplers: dict[str, GroupSampler], settings: TrainSettings, start: Path | None = None) -> None:
        """`start`: folder of an adapter to train on."""
        torch.manual_seed(settings.seed)
        self.adapted, tokenizer = trainable_encoder()
        self.encoder = PairEncoder(tokenizer)
        self.pad = tokenizer.pad_token_id
        self.scorer = Scorer(self.adapted, ScorerHeads(self.adapted.config.hidden_size))
        if start:
            set_peft_model_state_dict(self.adapted, load_file(start / ADAPTER_FILE))
            self.scorer.heads.load_state_dict(load_file(start / HEADS_FILE))
        self.pointer = nn.Linear(PROJECTION, 1)
        self.samplers, self.settings, self.step = samplers, settings, 0
        self.process, self.processes = place_in_run()
        self.masters = MasterWeights(nn.ModuleList([self.scorer, self.pointer]), settings.rate, self.processes)

    def run(self, checkpoint: Path) -> None:
        """Train to the last step; goes on from the checkpoint if there is one."""
        if checkpoint.exists():
            state = torch.load(checkpoint, weights_only=True)
            self.masters.load_state(state["masters"])
            self.step = state["step"]
        plan = _plan(self.samplers, self.settings, self.processes)
        mean, started, first = 0.0, time.perf_counter(), self.step
        for step in range(self.step, self.settings.steps):
            at = (step * self.processes + self.process) * self.settings.groups
            loss = self._train_step(step, plan[at : at + self.settings.groups])
            mean = loss if step == first else 0.97 * mean + 0.03 * loss
            self.step = step + 1
            if self.process == 0 and (self.step % 10 == 0 or self.step == self.settings.steps):
                pace = (time.perf_counter() - started) / (self.step - first)
                log.info("step %d/%d loss %.3f, %.2f s a step", self.step, self.settings.steps, mean, pace)
                if self.step % 50 == 0 or self.step == self.settings.steps:
                    save_checkpoint({"masters": self.masters.state(), "step": self.step}, checkpoint)

    def _train_step(self, step: int, chosen: Sequence[tuple[str, int]]) -> float:
        rng = random.Random(f"{self.settings.seed}/{step}/{self.process}")  # noqa: S311 -- reproducible, not secret
        groups = [self.samplers[name].draw(number, rng) for name, number in chosen]
        loss = self._loss(groups)
        torch.autograd.backward(loss)
        self.masters.update(schedule(step, self.settings.steps, self.settings.warmup))
        return loss.item()

    def _loss(self, groups: Sequence[Group]) -> Tensor:
        """Mean loss of some groups, their windows forwarded together, sorted by length to waste little on padding."""
        pairs = [[self.encoder.pair(g.question, e.heading, e.text) for e in g.examples] for g in groups]
        places = [(g, e, w) for g, row in enumerate(pairs) for e, pair in enumerate(row) for w in range(len(pair.windows))]
        places.sort(key=lambda place: len(_window_of(pairs, place).ids))
        scored: dict[tuple[int, int, int], WindowLogits] = {}
        for at in range(0, len(places), self.settings.windows):
            some = places[at : at + self.settings.windows]
            scored.update(zip(some, self._forward(pairs, some), strict=True))
        losses = [
            group_loss(
                group.examples,
                pairs[g],
                [[scored[g, e, w] for w in range(len(pair.windows))] for e, pair in enumerate(pairs[g])],
            )
            for g, group in enumerate(groups)
        ]
        return torch.stack(losses).mean()

    def _forward(self, pairs: list[list[Pair]], places: Sequence[tuple[int, int, int]]) -> Iterator[WindowLogits]:
        windows = [_window_of(pairs, place) for place in places]
        batch = make_batch(windows, pad=self.pad)
        logits = self.scorer(batch)
        pointers = self.pointer(logits.features.float()).squeeze(-1)
        for i, window in enumerate(windows):
            mine = batch.window == i
            numbers = tuple(number for at, number in batch.rows if at == i)
            yield WindowLogits(logits.passages[i], logits.sentences[mine], numbers, pointers[i, : len(window.ids)])


def _window_of(pairs: list[list[Pair]], place: tuple[int, int, int]) -> Window:
    group, example, window = place
    return pairs[group][example].windows[window]


def _plan(samplers: dict[str, GroupSampler], settings: TrainSettings, processes: int) -> list[tuple[str, int]]:
    """The questions in the order in which they are asked, epoch after epoch, each epoch shuffled."""
    wanted = settings.steps * settings.groups * processes
    rng = random.Random(settings.seed)  # noqa: S311 -- reproducible, not secret
    plan: list[tuple[str, int]] = []
    while len(plan) < wanted:
        epoch: list[tuple[str, int]] = []
        for name, sampler in samplers.items():
            collection = sampler.collection
            numbers = [i for i, q in enumerate(collection.questions) if collection.passages[q.passage].part == "train"]
            whole, share = divmod(SHARES[name], 1)
            epoch += [(name, i) for i in (numbers * int(whole) + rng.sample(numbers, int(share * len(numbers))))]
        plan += rng.sample(epoch, len(epoch))
    return plan


def samplers_of(collections: Sequence[Collection], cache: Path) -> dict[str, GroupSampler]:
    """A sampler for every collection, with the first stage's 40 best passages as candidates for negatives."""
    embeddings = load_embeddings()
    samplers = {}
    for collection in collections:
        stage = FirstStage(collection, embeddings, cache)
        ranked = [stage.candidates(i, 40) for i in range(len(collection.questions))]
        samplers[collection.name] = GroupSampler(collection, ranked.__getitem__, GroupSettings())
    return samplers


def _in_turn(prepare_samplers: Callable[[], dict[str, GroupSampler]]) -> dict[str, GroupSampler]:
    """Let the first process fill the cache before the others read it."""
    process, processes = place_in_run()
    if process:
        torch.distributed.barrier()
    samplers = prepare_samplers()
    if processes > 1 and not process:
        torch.distributed.barrier()
    return samplers


def main() -> None:
    """Read the arguments, train, save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--notes", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=TrainSettings.steps)
    parser.add_argument("--seed", type=int, default=TrainSettings.seed)
    parser.add_argument("--rate", type=float, default=TrainSettings.rate)
    parser.add_argument("--adapter", type=Path, help="folder of an adapter to train on")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    join_run()
    samplers = _in_turn(lambda: samplers_of(read_all(options.data, options.notes), options.work / "embeddings"))
    settings = TrainSettings(steps=options.steps, seed=options.seed, rate=options.rate)
    trainer = Trainer(samplers, settings, options.adapter)
    trainer.run(options.work / f"checkpoint-{options.seed}.pt")
    if trainer.process == 0:
        save_adapter(options.out, trainer.adapted, trainer.scorer.heads)


if __name__ == "__main__":
    main()
