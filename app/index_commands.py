"""The commands that fill, show and keep the index."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.command import command
from app.console import Console
from app.session import Session
from corpus.errors import InterviewRagError, UsageError

if TYPE_CHECKING:
    from ingest.pipeline import IngestSummary
    from ingest.read_limits import ReadLimits

INTERRUPTED = 130  # what a shell makes of Ctrl-C


@command
def ingest(
    session: Session,
    console: Console,
    paths: Annotated[list[Path], typer.Argument(help="Files, folders and archives of notes; - is standard input.")],
    prune: Annotated[bool, typer.Option("--prune", help="Forget notes whose file is gone.")] = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show what cleaning drops and why; the index stays as it is.")
    ] = False,
) -> None:
    """Bring the index in step with files and folders of notes."""
    from app.render import show_summary

    if explain:
        _explain(paths, console, _limits(session))
        return
    summary = _sync(session, paths, prune=prune)
    console.document(asdict(summary)) if console.as_json else show_summary(summary, console)
    if summary.interrupted:
        raise typer.Exit(INTERRUPTED)


def _sync(session: Session, paths: list[Path], *, prune: bool) -> IngestSummary:
    from ingest.pipeline import ingest as sync

    return sync(
        paths,
        session.store,
        session.lazy_embedder,
        budget=session.settings.ingestion.chunk_tokens,
        limits=_limits(session),
        prune=prune,
        progress=session.progress,
    )


def _limits(session: Session) -> ReadLimits:
    from ingest.read_limits import ReadLimits

    return ReadLimits(**session.settings.ingestion.limits.model_dump())


def _explain(paths: list[Path], console: Console, limits: ReadLimits) -> None:
    from ingest.cleaning.explain import explain
    from ingest.read import discover, read_file
    from ingest.read_errors import FileSkipped

    skips: list[FileSkipped] = []
    found = []
    for root, relative in discover(paths, on_skip=skips.append, limits=limits):
        try:
            found.append(explain(read_file(root, relative, limits=limits)))
        except FileSkipped as error:
            skips.append(error)
    skipped = [{"path": skip.path, "reason": skip.reason} for skip in skips]
    if console.as_json:
        console.document({"files": [asdict(explanation) for explanation in found], "skipped": skipped})
    for line in (line for explanation in found for line in explanation.lines()):
        console.text(line)
    for skip in skips:
        console.say(f"skipped {skip.path}: {skip.message('en')}", f"跳过 {skip.path}：{skip.message('zh')}")


@command
def status(
    session: Session,
    console: Console,
    files: Annotated[bool, typer.Option("--files", help="List every document.")] = False,
) -> None:
    """Show what the index holds."""
    from app.render import show_status
    from app.status import index_status

    found = index_status(session.store, files=files)
    console.document(found) if console.as_json else show_status(found, console)


@command
def remove(
    session: Session,
    console: Console,
    paths: Annotated[list[Path], typer.Argument(help="Documents or folders, as `status --files` shows them or on this machine.")],
) -> None:
    """Take documents out of the index; their files stay, and the next ingest of their folder brings them back."""
    from ingest.remove import remove as forget

    summary = forget(paths, session.store)
    if console.as_json:
        console.document(asdict(summary))
    for path in summary.removed:
        console.say(f"removed {path}", f"已移除 {path}")
    console.say(
        f"{summary.documents} documents, {summary.chunks} chunks left",
        f"还剩 {summary.documents} 篇文档，{summary.chunks} 个片段",
    )


@command
def reindex(session: Session, console: Console) -> None:
    """Build the index anew from its stored notes: for another embedding model, other settings, or after damage."""
    from ingest.reindex import reindex as rebuild

    summary = rebuild(
        session.store, session.lazy_embedder, budget=session.settings.ingestion.chunk_tokens, progress=session.progress
    )
    if console.as_json:
        console.document(asdict(summary))
    for path in summary.emptied:
        console.say(f"nothing left of {path} after cleaning", f"{path} 清理后没有内容")
    if summary.interrupted:
        console.say(
            "interrupted: the old index is still in force, run the command again to go on",
            "已中断：旧索引仍然有效，再次运行即可继续",
        )
        raise typer.Exit(INTERRUPTED)
    console.say(
        f"{summary.documents} documents, {summary.chunks} chunks, {summary.seconds:.1f} s",
        f"共 {summary.documents} 篇文档，{summary.chunks} 个片段，用时 {summary.seconds:.1f} 秒",
    )


@command
def export(
    session: Session,
    console: Console,
    out: Annotated[Path, typer.Option("--out", help="File for jsonl, folder for beir.")],
    form: Annotated[str, typer.Option("--format", help="jsonl, or beir for retrieval benchmarks.")] = "jsonl",
    questions: Annotated[
        Path | None, typer.Option("--questions", help="Gold questions for beir's queries and judgements.", show_default=False)
    ] = None,
) -> None:
    """Write all passages to files that other tools read."""
    from eval.export import export as write

    if form not in ("jsonl", "beir"):
        raise UsageError(reason=f"no such format: {form}; choose jsonl or beir")
    catalogue = session.store.catalogue()
    try:
        summary = write(catalogue, out, "beir" if form == "beir" else "jsonl", questions)
    finally:
        catalogue.close()
    if console.as_json:
        console.document(asdict(summary))
    console.say(
        f"{summary.chunks} chunks in {', '.join(summary.files)}", f"已写入 {summary.chunks} 个片段：{', '.join(summary.files)}"
    )


@command
def watch(
    session: Session,
    console: Console,
    paths: Annotated[list[Path], typer.Argument(help="Files and folders of notes.")],
) -> None:
    """Keep the index in step with files and folders until Ctrl-C; notes whose file goes are forgotten."""
    from ingest.watch import watch as keep

    syncs: list[IngestSummary] = []
    errors: list[InterviewRagError] = []
    missing = next((path for path in paths if not path.exists()), None)
    if missing:
        raise UsageError(reason=f"no such file or folder: {missing}")

    def show(summary: IngestSummary) -> None:
        syncs.append(summary)
        if summary.added or summary.changed or summary.removed or len(syncs) == 1:
            console.say(
                f"{summary.added} added, {summary.changed} changed, {summary.removed} removed: {summary.documents} documents",
                f"新增 {summary.added}，更新 {summary.changed}，移除 {summary.removed}：共 {summary.documents} 篇文档",
            )

    def complain(error: InterviewRagError) -> None:
        if not errors or str(errors[-1]) != str(error):
            console.error(error)
        errors.append(error)

    keep(paths, lambda: _sync(session, paths, prune=True), on_sync=show, on_error=complain)
    if console.as_json:
        console.document({"syncs": len(syncs), "errors": len(errors), "last": asdict(syncs[-1]) if syncs else None})
