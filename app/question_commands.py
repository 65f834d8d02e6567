"""`interview-rag eval validate`, `make-questions` and `ragas-rows`: gold files and records for people and for other tools."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from app.command import command_of
from app.console import Console
from app.eval_commands import eval_
from app.session import Session
from corpus.errors import InvalidRow, UsageError


@command_of(eval_)
def validate(
    session: Session,
    console: Console,
    questions: Annotated[
        Path | None, typer.Option("--questions", help="Gold questions; ours over corpus/notes if not given.", show_default=False)
    ] = None,
) -> None:
    """Check gold questions against the notes of the index: sections, key facts, ids, splits; exit code 1 if anything is wrong."""
    from eval.gold import DEFAULT_GOLD
    from eval.validate import validate as check

    path = questions or DEFAULT_GOLD
    catalogue = session.store.catalogue()
    try:
        found = check(path, catalogue.chunks())
    finally:
        catalogue.close()
    if not found.questions and not found.problems:
        raise UsageError(reason=f"{path} holds no questions")
    if console.as_json:
        console.document({"file": str(path), **asdict(found)})
    for problem in found.problems:
        console.text(InvalidRow(path=path, line=problem.line, reason=problem.reason).message(console.language))
    console.say(
        f"{found.questions} questions, {len(found.problems)} problems", f"{found.questions} 个问题，{len(found.problems)} 处错误"
    )
    if found.problems:
        raise typer.Exit(1)


@command_of(eval_)
def make_questions(
    session: Session,
    console: Console,
    out: Annotated[Path, typer.Option("--out", help="File for the proposed questions (JSON Lines).")],
    count: Annotated[int | None, typer.Option("--count", min=1, help="Most questions to propose.", show_default=False)] = None,
    headings_only: Annotated[
        bool, typer.Option("--headings-only", help="Take headings that ask; have the model write none.")
    ] = False,
) -> None:
    """Propose questions from the notes of the index that the search leads back to their section, for you to accept or edit."""
    from app.batch import write_rows
    from eval.propose import as_lines, propose

    if out.exists():
        raise UsageError(reason=f"{out} exists already: your edits in it would be lost; give another --out FILE")
    retriever = session.retriever()
    found = propose(retriever, None if headings_only else session.model, count=count, progress=session.progress)
    written = write_rows(out, as_lines(found.rows))
    if console.as_json:
        console.document({"rows": written, "out": str(out), "dropped": found.dropped})
    left = ", ".join(f"{reason} {number}" for reason, number in found.dropped.items()) or "-"
    console.say(
        f"{written} questions in {out} (sections left out: {left}); fill in must_include and reference where you can",
        f"已写入 {written} 个问题：{out}（略去的章节：{left}）；请尽量补上 must_include 和 reference",
    )


@command_of(eval_)
def ragas_rows(
    session: Session,
    console: Console,
    run: Annotated[Path, typer.Option("--run", help="Folder of a run of `eval`.")],
    out: Annotated[Path, typer.Option("--out", help="File for the rows (JSON Lines).")],
    arm: Annotated[str | None, typer.Option("--arm", help="quoted or composed, if the run has both.", show_default=False)] = None,
) -> None:
    """Write the answers of a run in RAGAS' row format."""
    from app.batch import write_rows
    from eval.ragas_rows import ragas_rows as rows
    from eval.run_files import read_records

    written = write_rows(out, rows(read_records(run), arm))
    if console.as_json:
        console.document({"rows": written, "out": str(out)})
    console.say(f"{written} rows in {out}", f"已写入 {written} 行：{out}")
