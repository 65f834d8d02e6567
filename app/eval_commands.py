"""`interview-rag eval`: gold questions through search and answering, and measurements on labelled sets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from app.command import callback_of, cli, command_of
from app.console import Console
from app.session import Session
from corpus.errors import UsageError

EMBEDDINGS = "embeddings.sqlite"  # in the folder of results

eval_ = typer.Typer(rich_markup_mode=None)
cli.add_typer(eval_, name="eval")


@callback_of(eval_)
def gold(
    session: Session,
    console: Console,
    out: Annotated[Path | None, typer.Option("--out", help="Folder for records and metrics.", show_default=False)] = None,
    questions: Annotated[
        Path | None, typer.Option("--questions", help="Gold questions; ours over corpus/notes if not given.")
    ] = None,
    split: Annotated[str | None, typer.Option("--split", help="Only the questions of this split: dev or test.")] = None,
    retrieval_only: Annotated[bool, typer.Option("--retrieval-only", help="Measure the search, answer nothing.")] = False,
) -> None:
    """Measure retrieval, answers and refusals on gold questions."""
    from app.eval_tables import show_languages, show_metrics
    from eval.gold import DEFAULT_GOLD
    from eval.run import evaluate

    if out is None:
        raise UsageError(reason="give a folder for records and metrics: --out DIR")
    metrics = evaluate(
        questions or DEFAULT_GOLD,
        out,
        retriever=session.retriever(),
        answerer=None if retrieval_only else session.answerer(),
        split=split,
        progress=session.progress,
    )
    if console.as_json:
        console.document(metrics)
    show_metrics(metrics, console)
    show_languages(metrics.get("languages", ()), console)


@command_of(eval_)
def retrieval(
    session: Session,
    console: Console,
    data: Annotated[
        Path | None, typer.Option("--data", help="Folder of labelled sets, in SQuAD's or BEIR's format.", show_default=False)
    ] = None,
    sets: Annotated[str, typer.Option("--sets", help="Only these, with commas between; beginnings of names do.")] = "",
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="Questions of a set.", show_default=False)] = None,
    all_questions: Annotated[
        bool, typer.Option("--all-questions", help="Ask also about articles that the reranker was trained on.")
    ] = False,
    no_reranker: Annotated[bool, typer.Option("--no-reranker", help="Measure the searches alone.")] = False,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for results and vectors; your cache if not given.", show_default=False)
    ] = None,
) -> None:
    """Measure the search on labelled sets, method by method; without --data by language, on our gold questions.

    Vectors are kept in the folder: measuring again takes no encoding.
    """
    from app.eval_tables import show_languages, show_sets
    from eval.gold import DEFAULT_GOLD
    from eval.labelled_sets import read_labelled_sets
    from eval.retrieval import measure_languages, measure_sets
    from retrieval.weights import model_cache

    if data is None and (sets or limit or all_questions):
        raise UsageError(reason="--sets, --limit and --all-questions go with --data DIR")
    if no_reranker:
        session = Session(session.settings.model_copy(update={"reranker": None}), session.progress)
    vectors = (out or model_cache().parent / "eval") / EMBEDDINGS
    if data is None:
        report = measure_languages(DEFAULT_GOLD, session.retriever(), vectors, session.progress)
    else:
        names = tuple(name.strip() for name in sets.split(",") if name.strip())
        labelled = read_labelled_sets(data, names)
        report = measure_sets(
            [each.choose(limit, all_questions=all_questions) for each in labelled],
            vectors,
            embedder=session.embedder,
            reranker=session.reranker,
            settings=session.retrieval_settings,
            evidence=session.evidence_settings,
            use_gpu=session.settings.retrieval.use_gpu,
            progress=session.progress,
        )
    if out:
        (out / "retrieval.json").write_text(json.dumps(report, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    if console.as_json:
        console.document(report)
    show_sets(report.get("sets", ()), console)
    show_languages(report.get("languages", ()), console)
