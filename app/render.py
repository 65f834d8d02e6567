"""Results as text for a person in a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from app.console import Console
from corpus.language import detect_language
from corpus.results import Answer, SearchResult, Sentence
from generation.phrases import unsupported

if TYPE_CHECKING:
    from ingest.pipeline import IngestSummary

_EXCERPT = 160


def show_summary(summary: IngestSummary, console: Console) -> None:
    """What an ingestion did, and one line for each file that it skipped."""
    for skip in summary.skipped:
        console.say(f"skipped {skip.path}: {skip.reason}", f"跳过 {skip.path}：{skip.reason}")
    console.say(
        f"{summary.added} added, {summary.changed} changed, {summary.unchanged} unchanged, {summary.removed} removed",
        f"新增 {summary.added}，更新 {summary.changed}，未变 {summary.unchanged}，移除 {summary.removed}",
    )
    if summary.missing:
        console.say(
            f"{summary.missing} documents have lost their file: --prune forgets them",
            f"{summary.missing} 篇文档的文件已不存在：加 --prune 可将其移除",
        )
    if summary.repaired:
        console.say("damaged files of the index were rebuilt", "已重建索引中损坏的文件")
    if summary.interrupted:
        console.say("interrupted: what was finished is committed", "已中断：完成的部分已提交")
    console.say(
        f"{summary.documents} documents, {summary.chunks} chunks, {summary.seconds:.1f} s",
        f"共 {summary.documents} 篇文档，{summary.chunks} 个片段，用时 {summary.seconds:.1f} 秒",
    )


def show_hits(result: SearchResult, console: Console) -> None:
    """Hits, best first, each with its place and beginning."""
    console.say(f"relevance {result.relevance:.2f}", f"相关度 {result.relevance:.2f}")
    for hit in result.hits:
        console.text(f"{hit.rank}. {hit.chunk.path} › {' › '.join(hit.chunk.heading)}  [{hit.score:.2f}]")
        console.text(f"   {' '.join(hit.chunk.text.split())[:_EXCERPT]}")
        for other in hit.duplicates:
            console.say(
                f"   also in {other.path} › {' › '.join(other.heading)}", f"   另见 {other.path} › {' › '.join(other.heading)}"
            )


def show_answer(events: Iterator[Sentence | Answer], console: Console) -> None:
    """An answer as it comes, sentence by sentence, then its sources."""
    shown = False
    for event in events:
        if isinstance(event, Sentence):
            marks = "".join(f"[{n}]" for n in event.citations)
            console.text(event.text + (marks or unsupported(detect_language(event.text))))
            shown = True
        else:
            _show_end(event, console, shown)


def _show_end(answer: Answer, console: Console, shown: bool) -> None:
    if not shown:
        console.text(answer.answer)
    if answer.suggestions:
        console.say("nearest headings:", "最接近的标题：")
        for heading in answer.suggestions:
            console.text(f"  {heading}")
    console.text()
    for citation in answer.citations:
        console.text(f"[{citation.n}] {citation.path} › {' › '.join(citation.heading)} ({citation.start}-{citation.end})")
    support = "-" if answer.support is None else f"{answer.support:.2f}"
    seconds = answer.timings["total"]
    console.say(
        f"{answer.outcome}, support {support}, relevance {answer.relevance:.2f}, {seconds:.1f} s",
        f"{answer.outcome}，支持度 {support}，相关度 {answer.relevance:.2f}，用时 {seconds:.1f} 秒",
    )


def show_status(status: dict[str, Any], console: Console) -> None:
    """What the index holds."""
    languages = ", ".join(f"{name} {count}" for name, count in status["languages"].items())
    size = f"{status['bytes'] / 1e6:.1f} MB"
    console.say(
        f"{status['index']}: {status['documents']} documents ({languages}), {status['chunks']} chunks, {size}",
        f"{status['index']}：{status['documents']} 篇文档（{languages}），{status['chunks']} 个片段，{size}",
    )
    console.say(
        f"embeddings {status['embedding_model']}, generation {status['generation']}, last sync {status['last_sync']}",
        f"向量模型 {status['embedding_model']}，第 {status['generation']} 代，上次同步 {status['last_sync']}",
    )
    if status["duplicates"]:
        console.say(f"{status['duplicates']} chunks repeat others", f"{status['duplicates']} 个片段与其他片段重复")
    for file in status.get("files", ()):
        console.text(f"  {file['path']}  {file['language']}  {file['chunks']}")
