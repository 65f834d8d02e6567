"""`interview-rag check`, which scores claims against contexts, and `interview-rag eval checker`, which measures that."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from app.command import command, command_of
from app.console import Console
from app.eval_commands import eval_
from app.session import Session

_AT_ONCE = 16  # claims between two reports of progress


@command
def check(
    session: Session,
    console: Console,
    claims: Annotated[Path, typer.Option("--claims", help='File of claims (JSON Lines): "id", "context", "claim".')],
    out: Annotated[Path, typer.Option("--out", help="File for the scores.")],
) -> None:
    """Say of each claim how far its context supports it, 0-1."""
    from app.batch import write_rows
    from app.claims import read_claims

    rows = read_claims(claims)
    checker = session.checker

    def scored() -> Iterator[dict[str, Any]]:
        for at in range(0, len(rows), _AT_ONCE):
            some = rows[at : at + _AT_ONCE]
            for row, support in zip(some, checker.score([(row.claim, row.context) for row in some]), strict=True):
                rounded = None if support is None else round(support, 4)
                yield {"id": row.id, "support": rounded, "status": checker.status(support)}
            if session.progress:
                session.progress("check", min(at + _AT_ONCE, len(rows)), len(rows))

    written = write_rows(out, scored())
    if console.as_json:
        console.document({"rows": written, "out": str(out)})
    console.say(f"{written} rows in {out}", f"已写入 {written} 行：{out}")


@command_of(eval_)
def checker(
    session: Session,
    console: Console,
    data: Annotated[Path | None, typer.Option("--data", help="Folder of labelled sets; ours alone if not given.")] = None,
    sets: Annotated[str, typer.Option("--sets", help="Only these, with commas between; beginnings of names do.")] = "",
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="Claims of a set.", show_default=False)] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Folder for figures and the reliability plot.")] = None,
) -> None:
    """Measure the checker on claims whose label is known, beside trivial baselines."""
    from app.eval_tables import show_claim_sets
    from eval.checker import measure_checker
    from eval.claim_sets import read_claim_sets
    from eval.reliability_plot import draw_reliability

    names = tuple(name.strip() for name in sets.split(",") if name.strip())
    labelled = [each.choose(limit) for each in read_claim_sets(data, names)]
    report = measure_checker(labelled, session.checker, session.progress)
    if out:
        out.mkdir(parents=True, exist_ok=True)
        (out / "checker.json").write_text(json.dumps(report, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        draw_reliability(report, out / "reliability.png")
    if console.as_json:
        console.document(report)
    show_claim_sets(report, console)
