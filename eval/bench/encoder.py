"""What 8-bit layers cost: the same questions with the bundled encoder on each runtime, over one index.

    python -m eval.bench.encoder --index DIR [--data DIR] [--limit N]

Prints a row for each runtime: recall of the gold sections, AUROC of the relevance (answerable against unanswerable questions),
seconds of a search, and, on labelled sets with `--data`, how often the best sentence of the right passage holds the
answer.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from eval.calibrate import auroc
from eval.gold import DEFAULT_GOLD, GoldQuestion, read_gold
from eval.labelled_sets import LabelledSet, read_labelled_sets
from eval.metrics import recall_at
from retrieval.embedder import BUNDLED_EMBEDDINGS
from retrieval.embeddings import load_embeddings
from retrieval.encoder import Runtime
from retrieval.rerank import Reranker, load_reranker
from retrieval.retriever import HybridRetriever
from retrieval.store import IndexStore

RUNTIMES: tuple[Runtime, ...] = ("torch", "openvino")


def search_figures(questions: Sequence[GoldQuestion], retriever: HybridRetriever) -> dict[str, float]:
    """Recall over the answerable questions, AUROC of the relevance over all, and the time of a search."""
    retriever.search(questions[0].question)  # what is loaded on first use is not counted
    results, seconds, spent = [], [], []
    for question in questions:
        started, busy = time.perf_counter(), time.process_time()
        results.append(retriever.search(question.question, history=question.history))
        seconds.append(time.perf_counter() - started)
        spent.append(time.process_time() - busy)
    chunks = [[hit.chunk for hit in result.hits] for result in results]
    found = [(ranked, question) for ranked, question in zip(chunks, questions, strict=True) if question.answerable]
    return {
        **{f"recall@{k}": float(np.mean([recall_at(k, ranked, question) for ranked, question in found])) for k in (1, 5)},
        "AUROC": auroc(np.array([r.relevance for r in results]), np.array([question.answerable for question in questions])),
        "s, p50": float(np.quantile(seconds, 0.5)),
        "s, p95": float(np.quantile(seconds, 0.95)),
        "processor s, p50": float(np.quantile(spent, 0.5)),
    }


def best_sentence_right(labelled: LabelledSet, reranker: Reranker) -> float:
    """Share of the questions whose best sentence, by the reranker alone, overlaps an answer."""
    right = []
    for question in labelled.questions:
        (place,) = question.relevant
        (judged,) = reranker.score(question.text, [labelled.passages[place]])
        best = max(judged.sentences, key=lambda sentence: sentence.score)
        right.append(any(best.start < end and start < best.end for start, end in question.answers))
    return float(np.mean(right))


def _figures(runtime: Runtime, arguments: argparse.Namespace) -> Iterator[tuple[str, float]]:
    reranker = load_reranker(runtime=runtime)
    snapshot = IndexStore(arguments.index).snapshot(BUNDLED_EMBEDDINGS, use_gpu=False)
    retriever = HybridRetriever(snapshot=snapshot, embedder=load_embeddings(runtime=runtime), reranker=reranker)
    yield from search_figures(read_gold(DEFAULT_GOLD), retriever).items()
    snapshot.close()
    names = ("cmrc2018/dev", "drcd/dev")
    for labelled in read_labelled_sets(arguments.data, names) if arguments.data else ():
        yield f"{labelled.name}, best sentence", best_sentence_right(labelled.choose(arguments.limit), reranker)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--index", type=Path, required=True)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--limit", type=int, help="questions of each labelled set")
    arguments = parser.parse_args()
    rows: list[tuple[Any, ...]] = []
    for runtime in RUNTIMES:
        figures = dict(_figures(runtime, arguments))
        rows += [("encoder", *figures), (runtime, *(f"{value:.4f}" for value in figures.values()))][len(rows) > 0 :]
        print(" | ".join(map(str, rows[-1])), flush=True)
    print("\n".join("| " + " | ".join(map(str, row)) + " |" for row in rows))


if __name__ == "__main__":
    main()
