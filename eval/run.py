"""A batch evaluation: gold questions through search and answering, one record a question, means by group."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from corpus.results import answer_row, search_row
from eval.embedding_cache import CachedEmbedder
from eval.gold import GoldQuestion, read_gold
from eval.language_matrix import language_matrix
from eval.metrics import answer_metrics, mean_with_interval, retrieval_metrics
from generation.answerer import Answerer, Question
from retrieval.retriever import HybridRetriever
from retrieval.weights import Progress

Record = dict[str, Any]
# Hits that the metrics look at; an answer is given from as many as the settings say.
_DEPTH = 10


def evaluate(
    questions: Path,
    out: Path,
    *,
    retriever: HybridRetriever,
    answerer: Answerer | None,
    split: str | None = None,
    progress: Progress | None = None,
) -> Record:
    """Run gold questions and write `records.jsonl` and `metrics.json`.

    Each question is searched for once; the answer is given from what was found. Without an answerer, recall is also measured by
    language of question and notes.

    Args:
        questions: gold file.
        out: folder for the results.
        retriever: what is measured.
        answerer: what is measured; None measures the search alone.
        split: only the questions of this split.
        progress: called with "ask" (then "embed" and "search" for the languages), how much is done, and how much there is.

    Returns:
        The content of `metrics.json`.
    """
    gold = read_gold(questions, split=split)
    out.mkdir(parents=True, exist_ok=True)
    records = []
    with (out / "records.jsonl").open("w", encoding="utf-8") as stream:
        for done, question in enumerate(gold, 1):
            records.append(_record(question, retriever, answerer))
            stream.write(json.dumps(records[-1], ensure_ascii=False) + "\n")
            stream.flush()
            if progress:
                progress("ask", done, len(gold))
    metrics: Record = {"questions": str(questions), "split": split, "groups": summarise(records)}
    if answerer is None:
        with closing(CachedEmbedder(retriever.embedder, out / "embeddings.sqlite")) as embedder:
            metrics["languages"] = [asdict(cell) for cell in language_matrix(gold, retriever, embedder, progress)]
    (out / "metrics.json").write_text(json.dumps(metrics, ensure_ascii=False, indent=1), encoding="utf-8")
    return metrics


def _record(question: GoldQuestion, retriever: HybridRetriever, answerer: Answerer | None) -> Record:
    k = retriever.settings.k
    found = retriever.search(question.question, history=question.history, k=max(k, _DEPTH))
    metrics = retrieval_metrics([hit.chunk for hit in found.hits], question) if question.answerable else {}
    record: Record = {"gold": question.model_dump(mode="json"), "search": search_row(question.id, found)}
    if answerer:
        answer = answerer.answer(Question(question.question, question.history), replace(found, hits=found.hits[:k]))
        record["answer"] = answer_row(answer, question.id)
        metrics |= answer_metrics(answer, question)
    return {**record, "metrics": metrics}


_GROUPS: dict[str, Callable[[Record], str]] = {
    "lang": lambda record: record["gold"]["lang"],
    "kind": lambda record: record["gold"]["kind"],
    "answerable": lambda record: str(record["gold"]["answerable"]).lower(),
    "direction": lambda record: _direction(record["gold"]),
}


def _direction(gold: Record) -> str:
    """From the question's language to that of the notes that answer it, where those are of one language."""
    folders = {path.split("/")[0] for path in gold["gold_files"]}
    return f"{gold['lang']}->{'|'.join(sorted(folders)) or 'none'}"


def summarise(records: Iterable[Record]) -> Record:
    """Means with intervals of every metric: over all questions, and by language, kind, answerability and direction."""
    groups: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        groups["all"].append(record)
        for name, key in _GROUPS.items():
            groups[f"{name}={key(record)}"].append(record)
    return {name: {"n": len(members), "metrics": _means(members)} for name, members in sorted(groups.items())}


def _means(records: Iterable[Record]) -> Record:
    values: dict[str, list[float]] = defaultdict(list)
    for record in records:
        for name, value in record["metrics"].items():
            values[name].append(value)
    return {name: {"n": len(sample), **asdict(mean_with_interval(sample))} for name, sample in values.items()}
