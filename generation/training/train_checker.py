"""Train the checker of `generation.checker`.

    torchrun --nproc-per-node 2 -m generation.training.train_checker --data DATA --work WORK --out OUT [--reranker RERANKER]

DATA is the folder of labelled sets (generation/training/sources.py); WORK keeps checkpoints, from which the same command goes
on after an interruption; OUT receives the adapter; RERANKER is the folder of the one to start from, which has
learned already to compare a question with a passage. On a processor, one single-threaded process per core trains fastest.
"""

from __future__ import annotations

import argparse
import logging
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from peft import set_peft_model_state_dict
from safetensors.torch import load_file
from torch import Tensor

import corpus
from generation.checker_input import nearest_sentences
from generation.checker_model import CheckerHeads, CheckerNetwork
from generation.training.examples import ArticleSampler, Group, written_group
from generation.training.losses import TokenLabels, group_loss
from generation.training.saving import save_checker
from generation.training.sources import Article, Claim, Labelled, read_articles, read_labelled
from retrieval.adapter import ADAPTER_FILE, HEADS_FILE
from retrieval.rerank import ADAPTERS, BUNDLED_RERANKER
from retrieval.rerank_input import PairEncoder, Window
from retrieval.rerank_model import make_batch
from retrieval.training.adapted import trainable_encoder
from retrieval.training.masters import MasterWeights, join_run, place_in_run, save_checkpoint, schedule

log = logging.getLogger("generation.training")

BUNDLED = ADAPTERS / BUNDLED_RERANKER.removeprefix("bundled:")
TRAINING = Path(corpus.__file__).with_name("training")
# How often an epoch takes each group: what people wrote is better than what rules make, and there is less of it.
SHARES = {
    "inference": 1.2, "passages": 2.0, "attribution": 1.5,
    "cmrc": 0.4, "drcd": 0.4, "halueval": 0.8, "uhgeval": 0.1, "written": 2.0, "general": 1.5,
}  # fmt: skip
# Tokens of a forward pass, padding included: more fit no cache.
_BATCH_TOKENS = 768


@dataclass(frozen=True)
class TrainSettings:
    """The run: everything that decides what comes out of it."""

    steps: int = 400
    groups: int = 5
    rate: float = 4e-4
    heads: float = 4.0
    warmup: float = 0.06
    seed: int = 0


class GroupSource:
    """Draws the groups of a run: what people wrote and what is made from articles."""

    def __init__(self, labelled: Sequence[Labelled], articles: Sequence[Article]) -> None:
        self.labelled = tuple(labelled)
        self.sampler = ArticleSampler(articles)
        sources = [*(each.source for each in self.labelled), *(each.source for each in self.sampler.articles)]
        self.numbers = {name: [i for i, source in enumerate(sources) if source == name] for name in SHARES}

    def plan(self, length: int, rng: random.Random) -> list[int]:
        """Numbers of groups in the order in which they are taken, epoch after epoch, each epoch shuffled."""
        plan: list[int] = []
        while len(plan) < length:
            epoch: list[int] = []
            for name, numbers in self.numbers.items():
                whole, share = divmod(SHARES[name], 1)
                epoch += numbers * int(whole) + rng.sample(numbers, int(share * len(numbers)))
            plan += rng.sample(epoch, len(epoch))
        return plan[:length]

    def draw(self, number: int, rng: random.Random) -> Group:
        """The group of a number."""
        if number < len(self.labelled):
            chosen = self.labelled[number]
            return written_group(chosen, [o for o in self.labelled if o.source == chosen.source and o is not chosen], rng)
        # An article too short to make claims from gives way to others.
        at = number - len(self.labelled)
        while (group := self.sampler.draw(at, rng)) is None:
            at = rng.randrange(len(self.sampler.articles))
        return group


@dataclass(frozen=True)
class Encoded:
    """A claim as the network reads it, its label, and labels of its tokens where somebody knows them."""

    window: Window
    group: int
    supported: bool
    tokens: TokenLabels | None


class Trainer:
    """One process of the training; all processes hold the same weights and draw different groups."""

    def __init__(self, source: GroupSource, settings: TrainSettings, reranker: Path) -> None:
        torch.manual_seed(settings.seed)
        self.adapted, tokenizer = trainable_encoder()
        self.encoder = PairEncoder(tokenizer)
        heads = CheckerHeads(self.adapted.config.hidden_size)
        set_peft_model_state_dict(self.adapted, load_file(reranker / ADAPTER_FILE))
        heads.reranker.load_state_dict(load_file(reranker / HEADS_FILE))
        self.network = CheckerNetwork(self.adapted, heads)
        self.source, self.settings, self.step = source, settings, 0
        self.process, self.processes = place_in_run()
        self.masters = MasterWeights(self.network, settings.rate, self.processes, faster={"heads.": settings.heads})

    def run(self, checkpoint: Path) -> None:
        """Train to the last step; goes on from the checkpoint if there is one."""
        if checkpoint.exists():
            state = torch.load(checkpoint, weights_only=True)
            self.masters.load_state(state["masters"])
            self.step = state["step"]
        total = self.settings.steps * self.settings.groups * self.processes
        plan = self.source.plan(total, random.Random(self.settings.seed))  # noqa: S311 -- reproducible, not secret
        mean, started, first = 0.0, time.perf_counter(), self.step
        for step in range(self.step, self.settings.steps):
            at = (step * self.processes + self.process) * self.settings.groups
            loss = self._train_step(step, plan[at : at + self.settings.groups])
            mean = loss if step == first else 0.95 * mean + 0.05 * loss
            self.step = step + 1
            if self.process == 0 and (self.step % 10 == 0 or self.step == self.settings.steps):
                pace = (time.perf_counter() - started) / (self.step - first)
                log.info("step %d/%d loss %.3f, %.2f s a step", self.step, self.settings.steps, mean, pace)
                if self.step % 50 == 0 or self.step == self.settings.steps:
                    save_checkpoint({"masters": self.masters.state(), "step": self.step}, checkpoint)

    def _train_step(self, step: int, chosen: Sequence[int]) -> float:
        rng = random.Random(f"{self.settings.seed}/{step}/{self.process}")  # noqa: S311 -- reproducible, not secret
        encoded = [
            self._encode(number, group.context, claim)
            for number, group in enumerate(self.source.draw(number, rng) for number in chosen)
            for claim in group.claims
        ]
        loss = self._loss(encoded)
        torch.autograd.backward(loss)
        self.masters.update(schedule(step, self.settings.steps, self.settings.warmup))
        return loss.item()

    def _encode(self, group: int, context: str, claim: Claim) -> Encoded:
        window = self.encoder.pair(claim.text, "", nearest_sentences(context, claim.text)).windows[0]
        return Encoded(window, group, claim.supported, self._token_labels(claim, window))

    def _token_labels(self, claim: Claim, window: Window) -> TokenLabels | None:
        """Which of the window's first tokens are the claim's, and which of those are wrong."""
        if claim.wrong is None:
            return None
        prefix = len("query: ")
        offsets = self.encoder.tokenizer(f"query: {claim.text}", add_special_tokens=False, return_offsets_mapping=True)
        spans = [(max(0, a - prefix), b - prefix) for a, b in offsets["offset_mapping"][: window.asked]]
        own = [False, *(b > 0 for _, b in spans)]  # the first token is <s>
        wrong = [False, *(any(a < y and x < b for x, y in claim.wrong) for a, b in spans)]
        return TokenLabels(tuple(own), tuple(w and o for w, o in zip(wrong, own, strict=True)))

    def _loss(self, encoded: Sequence[Encoded]) -> Tensor:
        """Mean loss of the groups; windows are forwarded in batches of similar length, to waste little on padding."""
        order = sorted(range(len(encoded)), key=lambda i: len(encoded[i].window.ids))
        claims: dict[int, Tensor] = {}
        doubts: dict[int, Tensor] = {}
        for some in _batches(order, [len(each.window.ids) for each in encoded]):
            logits = self.network(make_batch([encoded[i].window for i in some], pad=self.encoder.tokenizer.pad_token_id))
            claims |= {i: logits.claims[at] for at, i in enumerate(some)}
            doubts |= {i: logits.doubt[at] for at, i in enumerate(some)}
        losses = []
        for number in sorted({each.group for each in encoded}):
            mine = [i for i, each in enumerate(encoded) if each.group == number]
            losses.append(
                group_loss(
                    torch.stack([claims[i] for i in mine]),
                    torch.tensor([float(encoded[i].supported) for i in mine]),
                    [(doubts[i], labels) for i in mine if (labels := encoded[i].tokens)],
                )
            )
        return torch.stack(losses).mean()


def _batches(order: Sequence[int], lengths: Sequence[int]) -> Iterator[list[int]]:
    """Cut an order by length into batches of at most so many tokens."""
    batch: list[int] = []
    for i in order:
        if batch and lengths[i] * (len(batch) + 1) > _BATCH_TOKENS:
            yield batch
            batch = []
        batch.append(i)
    if batch:
        yield batch


def main() -> None:
    """Read the arguments, train, save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("data", "work", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--reranker", type=Path, default=BUNDLED, help="folder of the reranker to start from")
    parser.add_argument("--steps", type=int, default=TrainSettings.steps)
    parser.add_argument("--seed", type=int, default=TrainSettings.seed)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    join_run()
    labelled = [each for each in read_labelled(TRAINING) if each.part == "train"]
    articles = [each for each in read_articles(options.data, TRAINING) if each.part == "train"]
    trainer = Trainer(GroupSource(labelled, articles), TrainSettings(steps=options.steps, seed=options.seed), options.reranker)
    trainer.run(options.work / f"checkpoint-{options.seed}.pt")
    if trainer.process == 0:
        save_checker(options.out, trainer.adapted, trainer.network.heads)


if __name__ == "__main__":
    main()
