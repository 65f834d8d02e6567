"""The command line: `interview-rag COMMAND`. Each command parses, calls, and prints; the work is done elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app import (
    bench_commands,
    checker_commands,
    compare_commands,
    eval_commands,
    finetune_commands,
    index_commands,
    question_commands,
)
from app.command import cli, command, run_cli
from app.console import Console
from app.session import Mode, Session
from corpus.errors import UsageError

if TYPE_CHECKING:
    from app.batch import QuestionRow

BatchOption = Annotated[
    Path | None, typer.Option("--batch", help="File of questions (JSON Lines) instead of QUESTION.", show_default=False)
]
OutOption = Annotated[Path | None, typer.Option("--out", help="File for the rows of --batch.", show_default=False)]
HistoryOption = Annotated[
    list[str] | None, typer.Option("--history", help="An earlier question; repeat in order.", show_default=False)
]


@command
def search(
    session: Session,
    console: Console,
    question: Annotated[str | None, typer.Argument(help="What to look for.")] = None,
    k: Annotated[int | None, typer.Option("-k", min=1, max=100, help="Number of hits.", show_default=False)] = None,
    history: HistoryOption = None,
    batch: BatchOption = None,
    out: OutOption = None,
) -> None:
    """Show the passages that fit a question best."""
    from app.render import show_hits
    from corpus.results import search_row

    questions = _questions(question, history, batch, out)
    retriever = session.retriever(k=k)
    if batch and out:
        rows = (search_row(row.id, retriever.search(row.question, history=row.history)) for row in questions)
        _write_batch(session, console, "search", rows, len(questions), out)
        return
    result = retriever.search(questions[0].question, history=questions[0].history)
    console.document(search_row(questions[0].id, result)) if console.as_json else show_hits(result, console)


@command
def ask(
    session: Session,
    console: Console,
    question: Annotated[str | None, typer.Argument(help="What to answer from the notes.")] = None,
    mode: Annotated[
        Mode,
        typer.Option(
            "--mode", help="What the model reads: selected evidence, whole documents, nothing once fine-tuned, or hits."
        ),
    ] = "rag",
    adapter: Annotated[
        Path | None,
        typer.Option("--adapter", help="Folder that `finetune` wrote; that of the settings if not given.", show_default=False),
    ] = None,
    history: HistoryOption = None,
    batch: BatchOption = None,
    out: OutOption = None,
) -> None:
    """Answer a question from the notes, each sentence cited and checked."""
    from app.render import show_answer
    from corpus.results import answer_row
    from generation.answering import Question

    questions = _questions(question, history, batch, out)
    if adapter and not mode.startswith("fine-tuned"):
        raise UsageError(reason="--adapter goes with --mode fine-tuned and fine-tuned-rag")
    answerer = session.answering(mode, adapter)
    if batch and out:
        rows = (answer_row(answerer.invoke(Question(row.question, row.history)), row.id) for row in questions)
        _write_batch(session, console, "ask", rows, len(questions), out)
        return
    asked = Question(questions[0].question, questions[0].history)
    console.document(answer_row(answerer.invoke(asked))) if console.as_json else show_answer(answerer.events(asked), console)


def _questions(question: str | None, history: list[str] | None, batch: Path | None, out: Path | None) -> tuple[QuestionRow, ...]:
    """The question of the command line, or those of the batch file."""
    from app.batch import QuestionRow, read_questions

    if (batch is None) != (out is None):
        raise UsageError(reason="--batch FILE and --out FILE go together")
    if (batch is None) == (question is None):
        raise UsageError(reason="give either QUESTION or --batch FILE")
    if batch is not None:
        return read_questions(batch)
    if question is None or not question.strip():
        raise UsageError(reason="the question is empty")
    return (QuestionRow("1", question, tuple(history or ())),)


def _write_batch(session: Session, console: Console, stage: str, rows: Iterator[dict[str, Any]], total: int, out: Path) -> None:
    from app.batch import write_rows

    def counted() -> Iterator[dict[str, Any]]:
        for done, row in enumerate(rows, 1):
            yield row
            if session.progress:
                session.progress(stage, done, total)

    written = write_rows(out, counted())
    if console.as_json:
        console.document({"rows": written, "out": str(out)})
    console.say(f"{written} rows in {out}", f"已写入 {written} 行：{out}")


@command
def doctor(session: Session, console: Console) -> None:
    """Check versions, processors, models and the index; exit code 1 if anything is broken."""
    from app.doctor import examine

    findings = examine(session)
    if console.as_json:
        console.document([asdict(finding) for finding in findings])
    for finding in findings:
        console.text(f"{'ok ' if finding.ok else 'BAD'} {finding.name}: {finding.detail}")
    if not all(finding.ok for finding in findings):
        raise typer.Exit(1)


@command
def serve(
    session: Session,
    console: Console,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = 7860,
    adapter: Annotated[
        list[Path] | None,
        typer.Option("--adapter", help="Folder that `finetune` wrote, to choose in the chat; repeatable.", show_default=False),
    ] = None,
) -> None:
    """Open the chat in a browser."""
    from app.ui import launch

    launch(session, console, host=host, port=port, adapters=tuple(adapter or ()))


def main() -> None:
    """Entry point of the console script."""
    sys.exit(run_cli())


__all__ = [
    "bench_commands",
    "checker_commands",
    "cli",
    "compare_commands",
    "eval_commands",
    "finetune_commands",
    "index_commands",
    "main",
    "question_commands",
]
