"""Train the adapter that has the bundled language model write an answer from the evidence that was selected for a question.

    python -m generation.training.train_composer --out DIR [--compositions FILE] [--passes 2] [--rate 1e-3] [--rank 8]

An example is a question, the lines that were selected for it, those beside the point among them, and an answer that was written
by hand from these lines alone (RAFT: Zhang et al., 2024, arXiv:2403.10131). Whole topics are held out. DIR.partial keeps
a checkpoint, from which the same command goes on after an interruption; DIR receives the adapter in PEFT's format.
"""

from __future__ import annotations

import argparse
import json
import logging
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from random import Random

from pydantic import BaseModel, ConfigDict, Field

from corpus.documents import Language
from corpus.jsonl import numbered_lines, row_of
from corpus.language import to_simplified
from generation.compose import composition_prompt
from generation.finetuning.base import load_base
from generation.finetuning.examples import DataSettings, Example, TrainingData
from generation.finetuning.finetune import Base, save_lora
from generation.finetuning.network import trainable
from generation.finetuning.training import Training, TrainSettings
from generation.models.adapter import COMPOSER_FILE
from generation.models.language_model import BUNDLED_GENERATOR
from generation.prompts import answer_text
from retrieval.training.datasets import part_of

COMPOSITIONS = Path(__file__).parents[2] / "corpus" / "training" / "compositions.jsonl"


class Composition(BaseModel):
    """A question, the lines selected for it in reading order, and the answer that they give, in the question's language."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    topic: str
    lang: Language
    question: str
    evidence: tuple[str, ...] = Field(min_length=1)
    answer: str


def read_compositions(path: Path) -> tuple[Composition, ...]:
    """The rows of a file.

    Raises:
        UsageError: there is no such file.
        InvalidRow: a row is no composition.
    """
    return tuple(row_of(path, number, line, Composition) for number, line in numbered_lines(path))


def examples_of(compositions: Sequence[Composition], passes: int, seed: int = 0) -> TrainingData:
    """What is learned, each composition `passes` times, and what is held out.

    The first pass has the lines as they were selected. Later ones have them in another order, since the right line must not be
    known by its place, and where there are more than three, one may be missing: a composition whose answer it was would teach
    to make things up, so only a line that shares least with the answer goes.
    """
    rng = Random(seed)  # noqa: S311 - reproducible, not secret
    learned = [each for each in compositions if part_of(each.topic) == "train"]
    held_out = [each for each in compositions if part_of(each.topic) != "train"]
    train = [_example(each, each.evidence) for each in learned]
    for _ in range(1, passes):
        train += [_example(each, _varied(each, rng)) for each in learned]
    return TrainingData(tuple(train), (), tuple(_example(each, each.evidence) for each in held_out), DataSettings())


def _varied(composition: Composition, rng: Random) -> list[str]:
    lines = list(composition.evidence)
    if len(lines) > 3 and rng.random() < 0.5:
        answer = set(composition.answer)
        lines.remove(min(lines, key=lambda line: len(answer & set(line)) / len(set(line))))
    return rng.sample(lines, len(lines))


def _example(composition: Composition, evidence: Sequence[str]) -> Example:
    lines = [to_simplified(line) for line in evidence]
    prompt = composition_prompt(to_simplified(composition.question), lines, composition.lang)
    answer = answer_text(to_simplified(composition.answer), chinese=composition.lang.startswith("zh"))
    return Example("grounded", composition.topic, prompt, answer)


def train_composer(base: Base, data: TrainingData, settings: TrainSettings, out: Path) -> None:
    """Train on the data, or go on where that was cut off, and write the adapter with what it was made of."""
    network = trainable(base.model, "lora", settings.rank, settings.seed)
    work = out.with_name(out.name + ".partial")
    state = Training(network, base.tokenizer, data, settings, work).run()
    save_lora(network, base.name, out)
    facts = {"examples": data.counts(), "data_sha256": data.sha256, "settings": asdict(settings), **asdict(state)}
    (out / COMPOSER_FILE).write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    shutil.rmtree(work)


def main() -> None:
    """Read the arguments, train, save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--compositions", type=Path, default=COMPOSITIONS)
    parser.add_argument("--passes", type=int, default=2)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--rank", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    data = examples_of(read_compositions(options.compositions), options.passes, options.seed)
    settings = TrainSettings(rank=options.rank, rate=options.rate, epochs=1, points=10, patience=4, seed=options.seed)
    train_composer(load_base(BUNDLED_GENERATOR), data, settings, options.out)


if __name__ == "__main__":
    main()
