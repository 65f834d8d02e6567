"""`interview-rag compare`: RAG against fine-tuning on one's own notes."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from app.command import command
from app.console import Console
from app.finetune_commands import NotesOption
from app.session import Session
from corpus.errors import StorageFull, UsageError

if TYPE_CHECKING:
    from eval.comparison.means import Means
    from eval.comparison.settings import CompareSettings


@command
def compare(
    session: Session,
    console: Console,
    out: Annotated[Path, typer.Option("--out", help="Folder for records, models and the report.")],
    notes: NotesOption = None,
    full: Annotated[bool, typer.Option("--full", help="All sections, many questions: a night's work.")] = False,
    sections: Annotated[int | None, typer.Option("--sections", min=8, help="Sections to learn.", show_default=False)] = None,
    questions: Annotated[
        int | None, typer.Option("--questions", min=4, help="Multiple-choice questions.", show_default=False)
    ] = None,
    epochs: Annotated[
        float | None, typer.Option("--epochs", min=0.01, help="How often each example is learned.", show_default=False)
    ] = None,
    generated: Annotated[
        int | None, typer.Option("--generated", min=1, help="Questions answered in words.", show_default=False)
    ] = None,
    changes_per_month: Annotated[
        float | None,
        typer.Option("--changes-per-month", min=0, help="How often your notes change; guessed from their dates if not given."),
    ] = None,
    report_language: Annotated[
        Literal["en", "zh"] | None,
        typer.Option("--report-language", help="Language of report.html; that of messages if not given.", show_default=False),
    ] = None,
    so_far: Annotated[
        bool, typer.Option("--so-far", help="Measure nothing more; print the multiple choice of what is done.")
    ] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Start again instead of going on in the folder.")] = False,
) -> None:
    """Measure RAG against fine-tuning: one base model, the same questions, one report with advice for these notes.

    A run that was cut off goes on when the command is given again; of a finished one the report is written again.
    """
    import json

    if so_far:
        _show_so_far(out, console)
        return
    if session.settings.adapter is not None:
        raise UsageError(reason="compare starts from the base model: unset adapter in the settings")
    from eval.comparison.run import Comparison
    from eval.comparison.settings import FULL, CompareSettings
    from eval.run_files import RunFolder
    from retrieval.disk_full import is_disk_full

    given: dict[str, Any] = {"sections": sections, "questions": questions, "epochs": epochs, "generated": generated}
    chosen = replace(FULL if full else CompareSettings(), **{name: value for name, value in given.items() if value is not None})
    try:
        if fresh:
            _forget(out)
        session = _over(session, notes, out)
        means = _means(session)
        folder = RunFolder(out, _facts(session, chosen, means), fresh=fresh)
        comparison = Comparison(means, chosen, folder, session.progress)
        records = comparison.run()
    except (OSError, RuntimeError) as error:
        if is_disk_full(error, out if out.exists() else out.parent):
            raise StorageFull(path=out) from error
        if isinstance(error, OSError) and not out.is_dir():
            raise UsageError(reason=f"cannot write to {out}: {error.strerror or error}") from error
        raise

    from eval.comparison.advice import advise
    from eval.comparison.report import render
    from eval.comparison.summary import summarise

    summary = summarise(records, comparison, changes_per_month)
    language = report_language or console.language
    summary["advice"] = {name: advise(summary, name) for name in ("en", "zh")}
    _write(out / "compare.json", json.dumps(summary, ensure_ascii=False, indent=1) + "\n")
    _write(out / "report.html", render(summary, language))
    if console.as_json:
        console.document(summary)
    show_choices(summary, console)
    for row in summary["verdicts"]:
        console.text(f"{row['name'][console.language]}: RAG {row['rag']} | fine-tuning {row['tuned']} -> {row['winner']}")
        console.text(f"    {row['difference']}  {row['text'][console.language]}".replace("      ", "    "))
    for line in summary["advice"][console.language]:
        console.text(line)
    console.say(f"report: {out / 'report.html'}", f"报告：{out / 'report.html'}")


def _show_so_far(out: Path, console: Console) -> None:
    from eval.comparison.summary import so_far
    from eval.run_files import read_records

    records = read_records(out)
    found = so_far(records)
    if console.as_json:
        console.document(found)
    show_choices(found, console)
    console.say(f"{len(records)} units are done", f"已完成 {len(records)} 项")


def show_choices(figures: dict[str, Any], console: Console) -> None:
    """Right answers by arm, and the differences of arms, with 95% intervals."""
    for arm, value in figures["choices"].items():
        console.text(f"{arm:<24} {value['mean']:.2f} [{value['low']:.2f}, {value['high']:.2f}] n={value['n']}")
    for d in figures["differences"]:
        line = f"{d['arm']} - {d['over']}: {d['mean']:+.2f} [{d['low']:+.2f}, {d['high']:+.2f}] n={d['n']}"
        console.text(line)


def _over(session: Session, notes: list[Path] | None, out: Path) -> Session:
    """The session, over an index of its own if notes are named."""
    if not notes:
        return session
    from ingest.pipeline import ingest

    own = Session(session.settings.model_copy(update={"index": out / "index"}), session.progress)
    out.mkdir(parents=True, exist_ok=True)
    ingest(notes, own.store, own.lazy_embedder, prune=True, budget=own.settings.ingestion.chunk_tokens, progress=session.progress)
    return own


def _means(session: Session) -> Means:
    from eval.comparison.means import Means
    from generation.checker import BUNDLED_CHECKER
    from generation.finetuning.base import load_base
    from generation.models.model_source import find_model
    from retrieval.rerank import ADAPTERS, BUNDLED_RERANKER

    settings = session.settings
    source = find_model(settings.generator, progress=session.progress)
    retriever = session.retriever()
    model = Path(source.location)
    files = {"generator": model} if model.is_dir() else {}
    files |= _embedder_files(settings.embeddings)
    if settings.reranker == BUNDLED_RERANKER:
        files["reranker"] = ADAPTERS / BUNDLED_RERANKER.removeprefix("bundled:")
    return Means(
        base=settings.generator,
        load_base=lambda: load_base(settings.generator, device="cpu", progress=session.progress),
        tokenizer=source.tokenizer(),
        language_model=lambda adapter: (
            Session(settings.model_copy(update={"adapter": adapter, "chat": False}), session.progress).model
        ),
        retriever=retriever,
        load_answerer=session.answerer,
        composes=settings.answering.compose,
        min_relevance=settings.answering.min_relevance,
        load_checker=lambda: session.checker,
        index=settings.index.expanduser(),
        embeddings=settings.embeddings,
        reranker=settings.reranker,
        files={**files, "checker": BUNDLED_CHECKER},
    )


def _embedder_files(name: str) -> dict[str, Path]:
    if name.startswith("bundled:"):
        from retrieval.bundled_e5 import prepare

        return {"embeddings": prepare()}
    return {"embeddings": Path(name)} if Path(name).is_dir() else {}


def _facts(session: Session, chosen: CompareSettings, means: Means) -> dict[str, Any]:
    """What decides the numbers, as JSON values by name."""
    from eval.run_files import fingerprint

    chunks = means.retriever.snapshot.catalogue.chunks()
    left_out = {"index", "messages", "device", "ingestion"}
    return {
        "notes": fingerprint([(chunk.path, chunk.id) for chunk in chunks]),
        "size": json_ready(asdict(chosen)),
        # Only those that were chosen: a run goes on in a later version, which may have settings that this one does not know.
        "settings": session.settings.model_dump(mode="json", exclude=left_out, exclude_defaults=True),
    }


def json_ready(values: dict[str, Any]) -> dict[str, Any]:
    """Tuples as lists, as they come back from JSON."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def _forget(out: Path) -> None:
    """Remove what a comparison left, and nothing from a folder that is none."""
    import shutil

    from eval.run_files import RUN

    if not (out / RUN).is_file():
        return
    for name in ("models", "update", "index"):
        shutil.rmtree(out / name, ignore_errors=True)


def _write(path: Path, text: str) -> None:
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)
