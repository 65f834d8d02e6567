"""`interview-rag bench`: measurements of speed, each one command."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from app.command import cli, command_of
from app.console import Console
from app.session import Session

bench = typer.Typer(help="Measure speed on this machine.", no_args_is_help=True, rich_markup_mode=None)
cli.add_typer(bench, name="bench")


@command_of(bench)
def ingest(
    session: Session,
    console: Console,
    paths: Annotated[list[Path] | None, typer.Argument(help="Notes; ours if not given.", show_default=False)] = None,
    repeat: Annotated[int, typer.Option("--repeat", min=1, help="Runs; the median counts.")] = 3,
) -> None:
    """Chunks per second of a whole ingestion beside those of the encoder alone on the same chunks."""
    from eval.bench_ingest import bench_ingest

    result = bench_ingest(
        tuple(paths or ()),
        session.embedder,
        budget=session.settings.ingestion.chunk_tokens,
        repeat=repeat,
        progress=session.progress,
    )
    if console.as_json:
        console.document(asdict(result))
    for line in result.lines():
        console.text(line)
