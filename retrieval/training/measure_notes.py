"""Measure the scorer on notes of one's own: an index of them and questions with the sections that answer them.

    python -m retrieval.training.measure_notes --index INDEX --gold QUESTIONS.jsonl... [--model NAME] [--hits N]

Prints recall of the gold sections by language of question and notes, before and after reranking, and how well the best
relevance tells answerable questions from others (area under the ROC curve).
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track
from scipy.stats import rankdata

from corpus.results import Hit
from retrieval.embeddings import load_embeddings
from retrieval.query import Query, analyse
from retrieval.rerank import BUNDLED_RERANKER, Reranker, load_reranker
from retrieval.retriever import HybridRetriever
from retrieval.store import IndexStore

METHODS = ("fused", "reranked", "reranked + fused")
# How far down the first stage's ranking a language's own hits are looked for.
_DEPTH = 200


@dataclass(frozen=True, slots=True)
class Ranked:
    """Hits of one question in one language of notes ("all": any), in the order of every method.

    Attributes:
        row: the gold row.
        language: of the notes searched.
        orders: hits by method, best first.
        relevance: the scorer's highest relevance.
        found: relevance that the first stage gave the whole, for comparison.
    """

    row: dict[str, Any]
    language: str
    orders: dict[str, tuple[Hit, ...]]
    relevance: float
    found: float


def rank(row: dict[str, Any], retriever: HybridRetriever, reranker: Reranker, language: str, count: int) -> Ranked:
    """Search, keep the hits of one language, rerank them."""
    query: Query = analyse(row["question"], tuple(row.get("history", ())))
    result = retriever.find(query, k=_DEPTH)
    hits = [hit for hit in result.hits if language == "all" or hit.chunk.language.startswith(language)][:count]
    scored = reranker.score(query.text, [("\n".join(hit.chunk.heading), hit.chunk.text) for hit in hits])
    relevance = np.clip([s.relevance for s in scored], 1e-7, 1 - 1e-7)
    fused = np.array([hit.scores.fused or 0.0 for hit in hits])
    logit = np.log(relevance / (1 - relevance))
    keys = {"fused": fused, "reranked": logit, "reranked + fused": logit + fused}
    orders = {name: tuple(hits[i] for i in np.argsort(-key, kind="stable")) for name, key in keys.items()}
    return Ranked(row, language, orders, float(relevance.max(initial=0.0)), result.relevance)


def _foreign(row: dict[str, Any]) -> tuple[str, ...]:
    """The other language, if it holds an answer: recall across languages."""
    other = "en" if row["lang"].startswith("zh") else "zh"
    return (other,) if any(section["path"].startswith(other) for section in row["gold_sections"]) else ()


def recall(ranked: Ranked, method: str, k: int) -> bool | None:
    """Whether the k best hits hold a gold section (every one, for `gold_mode` "all"); None if none is in this language."""
    gold = {(s["path"], s["heading"]) for s in ranked.row["gold_sections"]}
    if ranked.language != "all":
        gold = {place for place in gold if place[0].startswith(ranked.language)}
    if not gold:
        return None
    held = {(hit.chunk.path, heading) for hit in ranked.orders[method][:k] for heading in hit.chunk.heading}
    return gold <= held if ranked.row["gold_mode"] == "all" else bool(gold & held)


def roc_area(answerable: Sequence[float], other: Sequence[float]) -> float:
    """Probability that an answerable question gets a higher value than another, ties counting half (Mann and Whitney 1947)."""
    ranks = rankdata((*answerable, *other))[: len(answerable)]
    return float((ranks.sum() - len(answerable) * (len(answerable) + 1) / 2) / (len(answerable) * len(other)))


def recall_table(everything: Sequence[Ranked]) -> str:
    """Recall at 1 and 5 by language of question and notes."""
    lines = ["| question | notes | method | R@1 | R@5 | questions |", "|---|---|---|---|---|---|"]
    for asked in ("zh-Hans", "zh-Hant", "en"):
        for language in ("all", "zh", "en"):
            cell = [
                r for r in everything if r.row["lang"] == asked and r.language == language and recall(r, "fused", 1) is not None
            ]
            for method in METHODS if cell else ():
                one, five = (np.mean([bool(recall(r, method, k)) for r in cell]) for k in (1, 5))
                lines.append(f"| {asked} | {language} | {method} | {one:.3f} | {five:.3f} | {len(cell)} |")
    return "\n".join(lines)


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--index", type=Path, required=True)
    parser.add_argument("--gold", type=Path, nargs="+", required=True)
    parser.add_argument("--model", default=BUNDLED_RERANKER)
    parser.add_argument("--hits", type=int, default=16)
    options = parser.parse_args()
    rows = [json.loads(line) for path in options.gold for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    embeddings, reranker = load_embeddings(), load_reranker(options.model)
    retriever = HybridRetriever(snapshot=IndexStore(options.index).snapshot(embeddings.name), embedder=embeddings)
    console, everything, seconds = Console(stderr=True), [], []
    for row in track(rows, "questions", console=console):
        for language in ("all", *_foreign(row)):
            started = time.perf_counter()
            everything.append(rank(row, retriever, reranker, language, options.hits))
            seconds.append(time.perf_counter() - started)
    whole = [r for r in everything if r.language == "all"]
    lines = [recall_table(everything), "", "| answerable against | scorer | first stage | questions |", "|---|---|---|---|"]
    known = [r for r in whole if r.row["answerable"]]
    for kind in ("near-miss", "off-topic"):
        other = [r for r in whole if not r.row["answerable"] and r.row["kind"] == kind]
        ours = roc_area([r.relevance for r in known], [r.relevance for r in other])
        first = roc_area([r.found for r in known], [r.found for r in other])
        lines.append(f"| {kind} | {ours:.3f} | {first:.3f} | {len(known)} + {len(other)} |")
    lines.append(f"\nseconds a question: median {np.median(seconds):.2f}, 95% {np.quantile(seconds, 0.95):.2f}")
    Console().print("\n".join(lines), markup=False, soft_wrap=True)


if __name__ == "__main__":
    main()
