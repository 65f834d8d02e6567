"""Measure the scorer on held-out articles: reranking against the first stage, sentences against similarity and shared terms.

    python -m retrieval.training.measure --data DATA --notes corpus/notes --work WORK [--model NAME] [--limit N]

The whole collection is searched, held-out or not; only questions about held-out articles are asked. Prints a Markdown table
and, with --json, writes the figures with what they were measured with.
"""

from __future__ import annotations

import argparse
import json
import math
import platform
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track

from corpus.sentences import sentence_spans
from retrieval.analysis import terms
from retrieval.bm25 import BM25Index, build_bm25
from retrieval.embeddings import SentenceTransformerEmbeddings, load_embeddings
from retrieval.fusion import FloatVector, standardise
from retrieval.rerank import BUNDLED_RERANKER, Reranker, load_reranker
from retrieval.training.calibrate import overlaps
from retrieval.training.datasets import Collection, Question, read_all
from retrieval.training.mining import FirstStage


@dataclass(frozen=True, slots=True)
class Measured:
    """One figure: a share of questions, with half the width of its 95% interval (normal approximation)."""

    collection: str
    task: str
    method: str
    value: float
    questions: int

    @property
    def margin(self) -> float:
        """Half the width of the 95% interval."""
        return 1.96 * math.sqrt(self.value * (1 - self.value) / self.questions)


def measure_passages(stage: FirstStage, chosen: Sequence[int], reranker: Reranker, candidates: int) -> list[Measured]:
    """R@1 over the collection for every method; the scorer reranks the fused ranking's best."""
    found: dict[str, list[bool]] = {name: [] for name in ("BM25", "e5", "fused", "reranked", "reranked + fused")}
    for number in track(chosen, f"{stage.collection.name}: passages", console=Console(stderr=True)):
        question = stage.collection.questions[number]
        best = stage.candidates(number, candidates)
        scored = reranker.score(question.text, [("", stage.collection.passages[i].text) for i in best])
        relevance = np.array([passage.relevance for passage in scored])
        both = _logit(relevance) + stage.fused(number)[best]
        first = {
            "BM25": int(stage.bm25[number].argmax()),
            "e5": int(stage.dense[number].argmax()),
            "fused": best[0],
            "reranked": best[int(relevance.argmax())],
            "reranked + fused": best[int(both.argmax())],
        }
        for name, passage in first.items():
            found[name].append(passage == question.passage)
    return [_measured(stage.collection, "passage R@1", name, hits) for name, hits in found.items()]


def measure_sentences(
    stage: FirstStage, chosen: Sequence[int], reranker: Reranker, embeddings: SentenceTransformerEmbeddings
) -> list[Measured]:
    """Whether a sentence that holds the answer is ranked first, or among the first three, within its passage."""
    collection = stage.collection
    bm25 = build_bm25([terms(passage.text[a:b]) for passage in collection.passages for a, b in sentence_spans(passage.text)])
    tops: dict[tuple[str, int], list[bool]] = {}
    for number in track(chosen, f"{collection.name}: sentences", console=Console(stderr=True)):
        question = collection.questions[number]
        text = collection.passages[question.passage].text
        scored = reranker.score(question.text, [("", text)])[0].sentences
        right = np.array([overlaps((s.start, s.end), question.answers) for s in scored])
        sentences = [text[s.start : s.end] for s in scored]
        cosine = embeddings.encode_passages(sentences) @ embeddings.encode_query(question.text)[0]
        lexical = _lexical(question.text, sentences, bm25)
        trained = np.array([s.score for s in scored])
        plain = standardise(cosine) + standardise(lexical)
        methods = {
            "BM25": lexical,
            "e5": cosine,
            "sum": plain,
            "trained": trained,
            "trained + sum": _logit(trained) + 0.5 * plain,
        }
        for name, scores in methods.items():
            order = np.argsort(-scores, kind="stable")
            for k in (1, 3):
                tops.setdefault((name, k), []).append(bool(right[order[:k]].any()))
    return [
        _measured(collection, f"sentence top {k}", name, hits) for (name, k), hits in sorted(tops.items(), key=lambda t: t[0][1])
    ]


def _lexical(question: str, sentences: Sequence[str], bm25: BM25Index) -> FloatVector:
    """Mass (idf) of the question's terms that each sentence holds, shape (sentences,)."""
    wanted = {term: max(bm25.idf_of(term), 0.0) for term in terms(question)}
    return np.array([sum(wanted[t] for t in set(terms(s)) & wanted.keys()) for s in sentences], dtype=np.float32)


def _logit(probability: FloatVector) -> FloatVector:
    clipped = np.clip(probability, 1e-7, 1 - 1e-7)
    return np.asarray(np.log(clipped / (1 - clipped)), dtype=np.float32)


def _measured(collection: Collection, task: str, method: str, hits: Sequence[bool]) -> Measured:
    return Measured(collection.name, task, method, round(float(np.mean(hits)), 4), len(hits))


def _chosen(collection: Collection, limit: int | None) -> list[int]:
    mine = [i for i, q in enumerate(collection.questions) if _is_held_out(collection, q)]
    return mine if limit is None else sorted(random.Random(0).sample(mine, min(limit, len(mine))))  # noqa: S311


def _is_held_out(collection: Collection, question: Question) -> bool:
    return collection.passages[question.passage].part == "held-out" and bool(question.answers)


def table(figures: Sequence[Measured]) -> str:
    """The figures as a Markdown table, in the order measured."""
    rows = [f"| {f.collection} | {f.task} | {f.method} | {f.value:.3f} ± {f.margin:.3f} | {f.questions} |" for f in figures]
    return "\n".join(("| set | task | method | share right | questions |", "|---|---|---|---|---|", *rows))


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("data", "notes", "work"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--model", default=BUNDLED_RERANKER)
    parser.add_argument("--candidates", type=int, default=12)
    parser.add_argument("--limit", type=int, help="questions of each collection; all if not given")
    parser.add_argument("--sets", nargs="+", default=["cmrc", "drcd", "halueval"])
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    started = time.perf_counter()
    embeddings, reranker = load_embeddings(), load_reranker(options.model)
    figures: list[Measured] = []
    for collection in read_all(options.data, options.notes):
        if collection.name in options.sets:
            stage = FirstStage(collection, embeddings, options.work / "embeddings")
            chosen = _chosen(collection, options.limit)
            figures += measure_passages(stage, chosen, reranker, options.candidates)
            figures += measure_sentences(stage, chosen, reranker, embeddings)
    Console().print(table(figures), markup=False, soft_wrap=True)
    if options.json:
        stamp = {"machine": platform.processor() or platform.machine(), "seconds": round(time.perf_counter() - started)}
        report = {"command": sys.argv[1:], "figures": [asdict(f) for f in figures], **stamp}
        options.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
