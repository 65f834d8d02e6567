"""`interview-rag bench`: measurements of speed, each one command."""

from __future__ import annotations

import shutil
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
    from eval.bench.ingest import bench_ingest

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


@command_of(bench)
def search(
    session: Session,
    console: Console,
    passages: Annotated[int, typer.Option("--passages", min=1000, help="Size of the synthetic collection.")] = 100_000,
    questions: Annotated[int, typer.Option("--questions", min=1, help="Gold questions to ask.")] = 100,
) -> None:
    """Time of our searches beside rank_bm25, bm25s, FAISS and LangChain, over passages modelled on the index."""
    from eval.bench.search import bench_search
    from eval.gold import DEFAULT_GOLD, read_gold

    chosen = session.settings.retrieval
    snapshot = session.store.snapshot(session.settings.embeddings, use_gpu=False)
    result = bench_search(
        snapshot,
        [row.question for row in read_gold(DEFAULT_GOLD)][:questions],
        session.embedder,
        session.reranker,
        passages=passages,
        settings=session.retrieval_settings,
        flat_up_to=chosen.flat_up_to,
        probes=chosen.probes,
    )
    snapshot.close()
    if console.as_json:
        console.document(asdict(result))
    for line in result.lines():
        console.text(line)


@command_of(bench)
def rope(
    session: Session,
    console: Console,
    out: Annotated[Path, typer.Option("--out", help="Folder of the records; a run that was cut off goes on.")],
    models: Annotated[str | None, typer.Option("--models", help="Models, comma-separated.", show_default=False)] = None,
    lengths: Annotated[str | None, typer.Option("--lengths", help="Tokens, comma-separated.", show_default=False)] = None,
    methods: Annotated[str | None, typer.Option("--methods", help="Methods, comma-separated.", show_default=False)] = None,
    factor: Annotated[
        float | None,
        typer.Option("--factor", help="Of all methods; longest over native length if not given.", show_default=False),
    ] = None,
    texts: Annotated[int | None, typer.Option("--texts", min=1, help="Texts for each figure.", show_default=False)] = None,
    full: Annotated[bool, typer.Option("--full", help="Gemma 3 too, and three texts; takes hours on a processor.")] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget what the folder holds.")] = False,
) -> None:
    """Pass keys found and perplexity within and beyond the native length, for each method of RoPE scaling."""
    from eval.bench.rope import PLANS, bench_rope, chosen_methods, lines, plan_for, whole_numbers

    names = [plan.name for plan in (PLANS if full else PLANS[:1])] if models is None else models.split(",")
    metrics = bench_rope(
        [plan_for(name.strip(), whole_numbers(lengths)) for name in names],
        out,
        methods=chosen_methods(methods),
        texts=texts or (3 if full else 1),
        factor=factor,
        fresh=fresh,
        progress=session.progress,
    )
    if console.as_json:
        console.document(metrics)
    for line in lines(metrics):
        console.text(line)


@command_of(bench)
def generate(
    session: Session,
    console: Console,
    repeat: Annotated[int, typer.Option("--repeat", min=1, help="Runs; the fastest counts.")] = 3,
    llama_server: Annotated[
        Path | None,
        typer.Option("--llama-server", exists=True, dir_okay=False, help="Binary to compare with.", show_default=False),
    ] = None,
) -> None:
    """Tokens per second, first token, memory and perplexity of the language model in each runtime that can run it here."""
    from eval.bench.generate import bench_generate

    result = bench_generate(
        session.settings.generator,
        repeat=repeat,
        llama_server=llama_server or _installed("llama-server"),
        progress=session.progress,
    )
    if console.as_json:
        console.document(asdict(result))
    for line in result.lines():
        console.text(line)


def _installed(program: str) -> Path | None:
    found = shutil.which(program)
    return Path(found) if found else None
