"""Fine-tunes a model on notes and writes the folder that `ask --mode fine-tuned` loads.

    OUT.partial/run.json, checkpoint.pt, best.safetensors    while it runs; the same command goes on from there
    OUT/adapter_config.json, adapter_model.safetensors       LoRA, in PEFT's format; or a whole model in transformers' format
    OUT/card.json, README.md                                 what it was made of, how, in what time, with what loss

OUT gets its name by one rename after all of it has reached the disk, so a folder of that name is whole.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from corpus.errors import OtherRun, StorageFull, UsageError
from generation.finetuning.card import Card, card_text
from generation.finetuning.examples import DataSettings, TrainingData, build_data, check_enough
from generation.finetuning.notes import NoteSection
from generation.finetuning.training import TrainSettings
from retrieval.disk_full import is_disk_full
from retrieval.weights import Progress

CARD, RUN = "card.json", "run.json"
# How safetensors and PyTorch's writer say that what they wrote did not fit: a full disk, a quota, a limit on file sizes.
_WRITE_FAILED = re.compile(r"\(os error (?:28|122|27)\)|unexpected pos \d+ vs \d+|PytorchStreamWriter failed writing")


@dataclass(frozen=True)
class Base:
    """A model to train: its name as in the settings, and transformers' own objects, which training changes."""

    name: str
    model: Any
    tokenizer: Any

    def count_tokens(self, text: str) -> int:
        """Length of a text in tokens, special ones left out."""
        return len(self.tokenizer.encode(text, add_special_tokens=False))


def finetune(
    load_base: Callable[[], Base],
    sections: Sequence[NoteSection],
    out: Path,
    *,
    data: DataSettings | None = None,
    training: TrainSettings | None = None,
    start: Path | None = None,
    fresh: bool = False,
    progress: Progress | None = None,
) -> Card:
    """Train on sections, or go on where a run with the same data and settings was cut off; a finished one is not repeated.

    Args:
        load_base: loads the model; called if there is something to train.
        sections: what to learn.
        out: folder for the result.
        data: what is made of the sections.
        training: how to train.
        start: folder of an adapter to go on from; LoRA of the same rank.
        fresh: forget what lies in `out` and beside it.
        progress: called with "train", the steps that are done, and all.

    Raises:
        NotesTooFew: there is too little to learn from.
        OtherRun: `out` holds something else than this run.
        UsageError: `out` cannot be written.
        StorageFull: the disk is full; what was saved before is kept.
    """
    training = training or TrainSettings()
    check_enough(sections)
    work = out.with_name(out.name + ".partial")
    _check_ours(out, CARD)
    _check_ours(work, RUN)
    if fresh:
        for folder, mark in ((out, CARD), (work, RUN)):
            if (folder / mark).is_file():
                shutil.rmtree(folder)
    base = load_base()
    examples = build_data(sections, base.count_tokens, data)
    facts = {
        "base": base.name,
        "data_sha256": examples.sha256,
        "data": asdict(examples.settings),
        "training": asdict(training),
        "start": str(start) if start else None,
    }
    if finished := _finished(out, facts):
        return finished
    try:
        work.mkdir(parents=True, exist_ok=True)
        _check(work / RUN, facts, out)
        (work / RUN).write_text(json.dumps(facts, ensure_ascii=False), encoding="utf-8")
        return _train(base, examples, out, work, training, facts, start, progress)
    except (OSError, RuntimeError, SafetensorError) as error:
        for partial in work.glob("*.new"):
            partial.unlink()
        if is_disk_full(error, work if work.exists() else out.parent) or _WRITE_FAILED.search(str(error)):
            raise StorageFull(path=work) from error
        if isinstance(error, OSError):
            raise UsageError(reason=f"cannot write to {out}: {error.strerror or error}") from error
        raise


def _train(
    base: Base,
    examples: TrainingData,
    out: Path,
    work: Path,
    settings: TrainSettings,
    facts: dict[str, Any],
    start: Path | None,
    progress: Progress | None,
) -> Card:
    from generation.finetuning.network import trainable
    from generation.finetuning.training import Training

    network = _resumed(base, start) if start else trainable(base.model, settings.method, settings.rank, settings.seed)
    run = Training(network, base.tokenizer, examples, settings, work)
    state = run.run(progress)
    card = Card(
        base=base.name,
        method=settings.method,
        data_sha256=examples.sha256,
        examples=examples.counts(),
        data=asdict(examples.settings),
        training=asdict(settings),
        parameters=sum(weight.numel() for weight in run.masters.masters),
        steps=state.step,
        tokens=state.tokens,
        seconds=round(state.seconds, 1),
        stopped=state.stopped,
        curve=[asdict(point) for point in state.curve],
        facts=facts,
    )
    folder = work / "result"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    _save_weights(network, base, folder, settings)
    (folder / CARD).write_text(json.dumps(asdict(card), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    (folder / "README.md").write_text(card_text(card), encoding="utf-8")
    for path in folder.iterdir():
        _sync(path)
    folder.replace(out)
    shutil.rmtree(work)
    return card


def _resumed(base: Base, start: Path) -> Any:
    from peft import PeftModel

    from generation.models.adapter import check_base, quiet_peft

    check_base(start, base.name)
    with quiet_peft():
        return PeftModel.from_pretrained(base.model, str(start), is_trainable=True, autocast_adapter_dtype=False)


def _save_weights(network: Any, base: Base, folder: Path, settings: TrainSettings) -> None:
    """PEFT's or transformers' own files."""
    if settings.method == "full":
        network.save_pretrained(folder)
        base.tokenizer.save_pretrained(folder)
        return
    save_lora(network, base.name, folder)


def save_lora(network: Any, base: str, folder: Path) -> None:
    """The trained matrices as PEFT's own files, with the name of their base."""
    network.peft_config["default"].base_model_name_or_path = base
    network.save_pretrained(str(folder), save_embedding_layers=False)
    (folder / "README.md").unlink(missing_ok=True)  # PEFT's own, without anything in it


def read_card(folder: Path) -> Card:
    """The card of a fine-tuned folder.

    Raises:
        UsageError: there is none, or it is damaged.
    """
    try:
        return Card(**json.loads((folder / CARD).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise UsageError(reason=f"{folder} holds no card of `interview-rag finetune`: {error}") from error


def _check_ours(folder: Path, mark: str) -> None:
    """Whatever else lies there is not touched."""
    if folder.exists() and not (folder / mark).is_file() and not (folder.is_dir() and not any(folder.iterdir())):
        raise UsageError(reason=f"{folder} exists and is no folder of `interview-rag finetune`: give another --out DIR")


def _finished(out: Path, facts: dict[str, Any]) -> Card | None:
    """The card of a whole result, if it is the one that is asked for."""
    if not (out / CARD).exists():
        return None
    card = read_card(out)
    _compare(card.facts, facts, out)
    return card


def _check(path: Path, facts: dict[str, Any], out: Path) -> None:
    if path.exists():
        try:
            stored = json.loads(path.read_text(encoding="utf-8"))
        except ValueError:  # killed while it was written: nothing had been computed yet
            return
        _compare(stored, facts, out)


def _compare(stored: dict[str, Any], facts: dict[str, Any], out: Path) -> None:
    wanted = json.loads(json.dumps(facts))
    if changed := [name for name in wanted if stored.get(name) != wanted[name]]:
        raise OtherRun(path=out, parts=", ".join(changed))


def _sync(path: Path) -> None:
    with path.open("rb") as stream:
        os.fsync(stream.fileno())
