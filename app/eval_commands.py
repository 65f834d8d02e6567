"""`interview-rag eval`: gold questions through search and answering, and measurements on labelled sets."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

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
    out: Annotated[Path | None, typer.Option("--out", help="Folder for records, metrics and report.", show_default=False)] = None,
    questions: Annotated[
        Path | None, typer.Option("--questions", help="Gold questions; ours over corpus/notes if not given.")
    ] = None,
    split: Annotated[str | None, typer.Option("--split", help="Only the questions of this split: dev or test.")] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, help="Only so many questions, spread over the file.", show_default=False)
    ] = None,
    arms: Annotated[
        str | None,
        typer.Option(
            "--arms",
            help="quoted, composed, copied, raw, gold-context, retrieval, with commas between; as answers are set if not given.",
            show_default=False,
        ),
    ] = None,
    judge: Annotated[
        str | None,
        typer.Option(
            "--judge", help="A language model instead of the checker: openai:NAME, or one on this machine.", show_default=False
        ),
    ] = None,
    judge_url: Annotated[
        str | None, typer.Option("--judge-url", help="Address of an OpenAI-compatible endpoint.", show_default=False)
    ] = None,
    baseline: Annotated[
        Path | None, typer.Option("--baseline", help="Folder of an earlier run to compare with.", show_default=False)
    ] = None,
    fail_under: Annotated[
        str | None,
        typer.Option("--fail-under", help="METRIC=NUMBER, with commas between: exit code 1 below.", show_default=False),
    ] = None,
    report_language: Annotated[
        Literal["en", "zh"] | None,
        typer.Option("--report-language", help="Language of report.html; that of messages if not given.", show_default=False),
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Start again instead of going on in the folder.")] = False,
) -> None:
    """Measure retrieval, answers and refusals on gold questions.

    A run that was cut off goes on when the command is given again; one that is whole is summarised again.
    """
    from app.eval_run import chosen_arms, facts_of, subject_of
    from app.eval_tables import show_comparison, show_languages, show_run
    from app.judging import judge_of
    from eval.compare import compare
    from eval.floors import failures, read_floors
    from eval.gold import DEFAULT_GOLD, read_gold, spread
    from eval.report import render_report
    from eval.run import evaluate
    from eval.run_files import REPORT, RunFolder, read_records

    if out is None:
        raise UsageError(reason="give a folder for records, metrics and report: --out DIR")
    chosen = chosen_arms(arms, compose=session.settings.answering.compose)
    floors = read_floors(fail_under, answers=chosen != ("retrieval",))
    earlier = read_records(baseline) if baseline else ()
    asked = spread(read_gold(questions or DEFAULT_GOLD, split=split), limit)
    engine = judge_of(session, judge, judge_url)
    subject = subject_of(session, chosen, engine)
    facts = facts_of(session, asked, subject, engine)
    folder = RunFolder(out, facts, fresh=fresh)
    metrics: dict[str, Any] = {"questions": str(questions or DEFAULT_GOLD), "split": split, "judge": engine.name}
    metrics |= evaluate(asked, subject, folder, session.progress)
    if earlier:
        metrics["baseline"] = {"path": str(baseline), **compare(folder.records, earlier)}
    missed = failures(floors, metrics["arms"], console.language)
    if floors:
        metrics["floors"] = {"wanted": dict(floors), "failures": list(missed)}
    folder.finish(metrics)
    report = out / REPORT
    report.write_text(render_report(folder.records, metrics, report_language or console.language), encoding="utf-8")
    if console.as_json:
        console.document(metrics)
    show_run(metrics, console)
    show_languages(metrics["languages"], console)
    if earlier:
        show_comparison(metrics["baseline"], console)
    console.say(f"report: {report}", f"报告：{report}")
    for line in missed:
        print(line, file=sys.stderr)
    if missed:
        raise typer.Exit(1)


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
            use_gpu=session.settings.retrieval.use_gpu,
            progress=session.progress,
        )
    if out:
        (out / "retrieval.json").write_text(json.dumps(report, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    if console.as_json:
        console.document(report)
    show_sets(report.get("sets", ()), console)
    show_languages(report.get("languages", ()), console)
