"""`interview-rag finetune`: the generator learns the notes by heart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from app.command import command
from app.console import Console
from app.session import Session
from corpus.errors import UsageError

if TYPE_CHECKING:
    from corpus.documents import Chunk

NotesOption = Annotated[
    list[Path] | None,
    typer.Option("--notes", help="Files and folders of notes, repeatable; those of the index if not given.", show_default=False),
]


@command
def finetune(
    session: Session,
    console: Console,
    out: Annotated[Path, typer.Option("--out", help="Folder for the adapter and its card.")],
    method: Annotated[Literal["lora", "full"], typer.Option("--method", help="Train LoRA matrices, or all weights.")] = "lora",
    notes: NotesOption = None,
    epochs: Annotated[float, typer.Option("--epochs", min=0.01, help="How often every example is seen.")] = 3.0,
    steps: Annotated[int | None, typer.Option("--steps", min=1, help="Steps instead of epochs.", show_default=False)] = None,
    minutes: Annotated[
        float | None, typer.Option("--minutes", min=0.01, help="Most minutes of training.", show_default=False)
    ] = None,
    batch: Annotated[int, typer.Option("--batch", min=1, help="Examples a step.")] = 8,
    rank: Annotated[int, typer.Option("--rank", min=1, help="Rank of LoRA's matrices.")] = 16,
    rate: Annotated[
        float | None, typer.Option("--rate", min=1e-7, help="Highest learning rate; 1e-3 for LoRA, 1e-5 for all weights.")
    ] = None,
    paraphrases: Annotated[int, typer.Option("--paraphrases", min=0, max=6, help="Other wordings of each question.")] = 2,
    statements: Annotated[bool, typer.Option(help="Learn the text of the sections too.")] = True,
    seed: Annotated[int, typer.Option("--seed", help="What draws.")] = 0,
    start: Annotated[
        Path | None,
        typer.Option("--start", help="Adapter to train on, such as that of the notes before they changed.", show_default=False),
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Start again instead of going on in the folder.")] = False,
) -> None:
    """Train the generator on the notes, for `ask --mode fine-tuned`; a run that was cut off goes on when given again."""
    from generation.finetuning.base import load_base
    from generation.finetuning.examples import DataSettings
    from generation.finetuning.finetune import finetune as train
    from generation.finetuning.notes import note_sections
    from generation.finetuning.training import TrainSettings
    from generation.models.adapter import check_base

    settings = session.settings
    if start:
        if method == "full":
            raise UsageError(reason="--start goes with --method lora: it is an adapter that is trained on")
        check_base(start, settings.generator)
    card = train(
        lambda: load_base(settings.generator, device=settings.device, progress=session.progress),
        note_sections(chunks_of(session, notes)),
        out,
        data=DataSettings(paraphrases=paraphrases, statements=statements, seed=seed),
        training=TrainSettings(
            method=method,
            rank=rank,
            rate=rate or (1e-3 if method == "lora" else 1e-5),
            batch=batch,
            epochs=epochs,
            steps=steps,
            minutes=minutes,
            seed=seed,
        ),
        start=start,
        fresh=fresh,
        progress=session.progress,
    )
    if console.as_json:
        console.document({"out": str(out), **asdict(card)})
    for point in card.curve:
        losses = "  ".join(
            f"{name} {value:.3f}" for name in ("train", "wordings", "sections") if (value := point[name]) is not None
        )
        console.text(f"{point['step']:>6}  {point['seconds']:>7.0f} s  {losses}")
    console.say(
        f"{card.method} on {card.base}: {card.steps} steps, {card.seconds:.0f} s, ended by {card.stopped}; "
        f"use it with `ask --mode fine-tuned --adapter {out}`",
        f"已在 {card.base} 上完成 {card.method} 微调：{card.steps} 步，{card.seconds:.0f} 秒，结束原因：{card.stopped}；"
        f"使用方法：`ask --mode fine-tuned --adapter {out}`",
    )


def chunks_of(session: Session, notes: list[Path] | None) -> Iterator[Chunk]:
    """The chunks of files and folders, cut as `ingest` does, or those of the index."""
    if not notes:
        catalogue = session.store.catalogue()
        try:
            yield from catalogue.chunks(indexed=True)
        finally:
            catalogue.close()
        return
    from ingest.plan import Planner
    from ingest.read_limits import ReadLimits

    chosen = session.settings.ingestion
    limits = ReadLimits(**chosen.limits.model_dump())
    plan = Planner((), session.lazy_embedder.count_tokens, chosen.chunk_tokens, limits).look(
        notes, session.progress or (lambda _stage, _done, _total: None)
    )
    if plan.interrupted:
        raise KeyboardInterrupt
    if not plan.pending:
        raise UsageError(reason=f"nothing to read in {', '.join(map(str, notes))}")
    for pending in plan.pending:
        yield from pending.chunks
