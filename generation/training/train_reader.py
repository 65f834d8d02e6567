"""Train the adapter with which the bundled language model says how well each unit of the notes answers a question.

    torchrun --nproc-per-node 2 -m generation.training.train_reader --data DATA --notes corpus/notes --out OUT

Units are read side by side behind their question (generation/reader_input.py), and scored by how much likelier "yes" is than
"no". DATA is the folder of labelled sets (retrieval/training/datasets.py). OUT.partial keeps a checkpoint, from which the same
command goes on after an interruption; OUT receives the adapter in PEFT's format. `--adapter FOLDER` trains that one on, with our
own judgements alone and best at a lower rate: it has read the facts.
"""

from __future__ import annotations

import argparse
import json
import logging
import shutil
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from peft import set_peft_model_state_dict
from safetensors.torch import load_file
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, linear

from generation.finetuning.base import load_base
from generation.finetuning.finetune import Base, save_lora
from generation.finetuning.network import plain, trainable
from generation.models.adapter import WEIGHTS_FILE
from generation.models.language_model import BUNDLED_GENERATOR
from generation.reader import tensors
from generation.reader_input import NO, YES, packed
from generation.training.judgements import ANSWERS, BELONGS, JUDGEMENTS, Judgement, Judgements, judgements
from retrieval.training.masters import MasterWeights, join_run, place_in_run, save_checkpoint, schedule

log = logging.getLogger("generation.training")
SHARES = {"cmrc": 0.1, "drcd": 0.1, "halueval": 0.7}
_LISTWISE = 0.5
_FACTS = "reader.json"


@dataclass(frozen=True)
class ReaderSettings:
    """The run: everything that, with the data, decides what comes out of it.

    Attributes:
        epochs: how often our own judgements are read, after the facts of the labelled sets, which are read once.
        groups: judgements a step and process.
        rate: highest learning rate.
        rank: of LoRA's matrices.
        warmup: share of the steps in which the rate rises.
        seed: what draws.
    """

    epochs: int = 2
    groups: int = 4
    rate: float = 6e-4
    rank: int = 8
    warmup: float = 0.06
    seed: int = 0


class ReaderTrainer:
    """One process of the training; all processes hold the same weights and read different judgements."""

    def __init__(self, base: Base, settings: ReaderSettings, start: Path | None = None) -> None:
        """`base` is changed: it gets the matrices that are trained. `start`: folder of an adapter to train on."""
        self.tokenizer, self.settings = base.tokenizer, settings
        self.network = trainable(base.model, "lora", settings.rank, settings.seed)
        if start:
            set_peft_model_state_dict(self.network, load_file(start / WEIGHTS_FILE))
        words = [self.tokenizer.encode(word, add_special_tokens=False)[0] for word in (YES, NO)]
        self.words = plain(self.network).get_output_embeddings().weight[words].detach().float()
        self.process, self.processes = place_in_run()
        self.masters = MasterWeights(self.network, settings.rate, self.processes)
        self.step = 0

    def logits(self, judgement: Judgement) -> Tensor:
        """The scores of its units, shape (units,)."""
        found = packed(self.tokenizer, judgement.question, [unit.read() for unit in judgement.units])
        hidden = plain(self.network).get_decoder()(**tensors(found), use_cache=False)
        both = linear(hidden.last_hidden_state[0, torch.from_numpy(found.ends)].float(), self.words)
        return both[:, 0] - both[:, 1]

    def run(self, learned: Judgements, checkpoint: Path) -> None:
        """Train to the end; goes on from the checkpoint if there is one."""
        if checkpoint.exists():
            state = torch.load(checkpoint, weights_only=True)
            self.masters.load_state(state["masters"])
            self.step = state["step"]
        settings = self.settings
        rng = Random(settings.seed)  # noqa: S311 - reproducible, not secret
        plan = rng.sample(learned.facts, len(learned.facts))
        for _ in range(settings.epochs):
            plan += rng.sample(learned.own, len(learned.own))
        steps = len(plan) // (settings.groups * self.processes)
        mean, started, first = 0.0, time.perf_counter(), self.step
        self.network.train()
        for step in range(self.step, steps):
            at = (step * self.processes + self.process) * settings.groups
            loss = self._train_step(plan[at : at + settings.groups], schedule(step, steps, settings.warmup))
            mean = loss if step == first else 0.95 * mean + 0.05 * loss
            self.step = step + 1
            if self.process == 0 and (self.step % 5 == 0 or self.step == steps):
                log.info(
                    "step %d/%d loss %.3f, %.2f s a step",
                    self.step,
                    steps,
                    mean,
                    (time.perf_counter() - started) / (self.step - first),
                )
                if self.step % 20 == 0 or self.step == steps:
                    save_checkpoint({"masters": self.masters.state(), "step": self.step}, checkpoint)
        self.network.eval()

    def _train_step(self, chosen: list[Judgement], share: float) -> float:
        total = 0.0
        for judgement in chosen:
            loss = judgement_loss(self.logits(judgement), judgement) / len(chosen)
            torch.autograd.backward(loss)
            total += loss.item()
        self.masters.update(share)
        return total


def judgement_loss(logits: Tensor, judgement: Judgement) -> Tensor:
    """Binary cross-entropy, half a yes for what belongs beside an answer, and a softmax over the units for the best ones.

    To answer with none of them stands among the units with a logit of 0: it is the best of a near miss.
    """
    labels = torch.tensor([unit.label for unit in judgement.units])
    loss = binary_cross_entropy_with_logits(logits, labels.float() / ANSWERS)
    none = logits.new_zeros(1)
    best = logits[labels == labels.max()] if labels.any() else none
    return loss + _LISTWISE * (torch.cat((logits, none)).logsumexp(0) - best.logsumexp(0))


@torch.inference_mode()
def pairs_in_order(trainer: ReaderTrainer, held_out: tuple[Judgement, ...]) -> dict[str, float]:
    """How often what is better scores higher.

    Of units that belong to an answer and that do not ("belongs"), and of units that answer and that do not ("answers"), the mean
    over questions; and of the best units of questions that one answers and that none answers ("questions").
    """
    found: dict[str, list[float]] = {"belongs": [], "answers": []}
    best: dict[bool, list[float]] = {True: [], False: []}
    for judgement in held_out:
        logits = trainer.logits(judgement).numpy()
        labels = np.array([unit.label for unit in judgement.units])
        best[bool(labels.max() == ANSWERS)].append(float(logits.max()))
        for name, least in (("belongs", BELONGS), ("answers", ANSWERS)):
            good, bad = logits[labels >= least], logits[labels < least]
            if len(good) and len(bad):
                found[name].append(_share_in_order(good, bad))
    shares = {name: float(np.mean(values)) if values else float("nan") for name, values in found.items()}
    return {**shares, "questions": _share_in_order(np.array(best[True]), np.array(best[False]))}


def _share_in_order(good: npt.NDArray[Any], bad: npt.NDArray[Any]) -> float:
    return float((good[:, None] > bad[None]).mean()) if len(good) and len(bad) else float("nan")


def main() -> None:
    """Read the arguments, train, save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--notes", type=Path, required=True)
    parser.add_argument("--judgements", type=Path, nargs="+", default=JUDGEMENTS)
    parser.add_argument("--adapter", type=Path, help="folder of an adapter to train on")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=ReaderSettings.epochs)
    parser.add_argument("--rate", type=float, default=ReaderSettings.rate)
    parser.add_argument("--seed", type=int, default=ReaderSettings.seed)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    join_run()
    shares = {} if options.adapter else SHARES
    found = judgements(options.judgements, options.data, options.notes, shares, options.seed)
    settings = ReaderSettings(epochs=options.epochs, rate=options.rate, seed=options.seed)
    trainer = ReaderTrainer(load_base(BUNDLED_GENERATOR, device="cpu"), settings, options.adapter)
    work = options.out.with_name(options.out.name + ".partial")
    trainer.run(found, work / "checkpoint.pt")
    if trainer.process == 0:
        ranked: Any = pairs_in_order(trainer, found.held_out)
        log.info("held-out topics: %s", ranked)
        save_lora(trainer.network, BUNDLED_GENERATOR, options.out)
        facts = {
            "facts": len(found.facts),
            "own": len(found.own),
            "held_out": len(found.held_out),
            "in_order": ranked,
            **asdict(settings),
        }
        (options.out / _FACTS).write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
        shutil.rmtree(work)


if __name__ == "__main__":
    main()
