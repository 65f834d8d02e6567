"""Fit the scorer's two calibrations on articles that it was neither trained nor is measured on.

python -m retrieval.training.calibrate --data DATA --notes corpus/notes --work WORK --model FOLDER
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

from retrieval.embeddings import load_embeddings
from retrieval.rerank import CONFIG_FILE, AdapterReranker, Calibration, load_adapter
from retrieval.rerank_input import Span
from retrieval.training.datasets import Collection, Question, read_all
from retrieval.training.mining import FirstStage

# Passages a question is calibrated with: what reranking will see, whether or not the right one is among them.
CANDIDATES = 5


def platt(logits: Sequence[float], labels: Sequence[bool]) -> Calibration:
    """The scaling that minimises the cross-entropy, with Platt's smoothed targets (Platt 1999, section 2.2)."""
    x, y = np.asarray(logits, dtype=np.float64), np.asarray(labels, dtype=bool)
    positives, negatives = int(y.sum()), int((~y).sum())
    target = np.where(y, (positives + 1) / (positives + 2), 1 / (negatives + 2))

    def loss(parameters: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
        z = parameters[0] * x + parameters[1]
        return float(np.mean(np.logaddexp(0, z) - target * z))

    slope, offset = minimize(loss, np.array([1.0, 0.0]), method="Nelder-Mead").x
    return Calibration(round(float(slope), 4), round(float(offset), 4))


def overlaps(span: Span, answers: Sequence[Span]) -> bool:
    """Whether a sentence holds part of an answer."""
    return any(span[0] < end and start < span[1] for start, end in answers)


def fit(reranker: AdapterReranker, stages: Sequence[FirstStage], limit: int) -> tuple[Calibration, Calibration]:
    """Calibrations of passages and of sentences from at most `limit` questions of each collection."""
    passages: list[tuple[float, bool]] = []
    sentences: list[tuple[float, bool]] = []
    for stage in stages:
        for number, question in _chosen(stage.collection, limit):
            candidates = stage.candidates(number, CANDIDATES)
            texts = [stage.collection.passages[i].text for i in candidates]
            for i, text, raw in zip(
                candidates, texts, reranker.logits(question.text, [("", text) for text in texts]), strict=True
            ):
                right = i == question.passage
                if raw.passage is not None:
                    passages.append((raw.passage, right))
                spans = reranker.encoder.pair(question.text, "", text).sentences
                sentences += [
                    (s, right and overlaps(span, question.answers)) for s, span in zip(raw.sentences, spans, strict=True)
                ]
    return platt(*zip(*passages, strict=True)), platt(*zip(*sentences, strict=True))


def _chosen(collection: Collection, limit: int) -> list[tuple[int, Question]]:
    mine = [
        (i, q) for i, q in enumerate(collection.questions) if collection.passages[q.passage].part == "calibrate" and q.answers
    ]
    return random.Random(0).sample(mine, min(limit, len(mine)))  # noqa: S311 -- reproducible, not secret


def main() -> None:
    """Read the arguments, fit, and write the result into the model's folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("data", "notes", "work", "model"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--limit", type=int, default=100, help="questions of each collection")
    options = parser.parse_args()
    collections = [c for c in read_all(options.data, options.notes) if c.name in ("cmrc", "drcd", "halueval")]
    embeddings = load_embeddings()
    stages = [FirstStage(collection, embeddings, options.work / "embeddings") for collection in collections]
    passages, sentences = fit(load_adapter("uncalibrated", options.model), stages, options.limit)
    path = options.model / CONFIG_FILE
    config = json.loads(path.read_text(encoding="utf-8"))
    config |= {
        "passage_calibration": [passages.slope, passages.offset],
        "sentence_calibration": [sentences.slope, sentences.offset],
    }
    path.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
