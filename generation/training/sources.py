"""What the checker is trained on: passages with their parts, and claims that people wrote about them.

    corpus/training/passages-*.jsonl      passages about language models, six claims each, in Chinese and English
    corpus/training/attribution-en.jsonl  English passages on all kinds of subjects, four claims each
    corpus/training/inference-zh.jsonl    Chinese premises, three hypotheses each
    CMRC 2018, DRCD, HaluEval, UHGEval    as `retrieval.training.datasets` reads them; the fifth kept out there stays out here

All of it is split by article, or topic, into what trains, what calibrates and what is kept out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generation.training.perturb import Span
from retrieval.training.datasets import SPAN_SETS, Part, Question, part_of, read_halueval, read_span_set


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim and its label; `wrong` are the spans that make it wrong, None where nobody knows."""

    text: str
    supported: bool
    wrong: tuple[Span, ...] | None = None


@dataclass(frozen=True, slots=True)
class Labelled:
    """A context with claims that people wrote about it."""

    source: str
    context: str
    claims: tuple[Claim, ...]
    part: Part


@dataclass(frozen=True, slots=True)
class Asked:
    """A question about a passage, its answer, and where in the passage that begins."""

    question: str
    answer: str
    start: int


@dataclass(frozen=True, slots=True)
class Article:
    """A passage that claims are made from by rule.

    Attributes:
        asked: questions about it.
        made_up: what a model wrote that is not true, each with the question that it answers, or "" for news that goes on.
    """

    source: str
    article: str
    text: str
    asked: tuple[Asked, ...]
    part: Part
    made_up: tuple[tuple[str, str], ...] = ()


def read_labelled(training: Path) -> tuple[Labelled, ...]:
    """The claims that people wrote; `training` is corpus/training."""
    return (*_passages(training), *_attribution(training), *_inference(training))


def _passages(training: Path) -> Iterator[Labelled]:
    for path in sorted(training.glob("passages-*.jsonl")):
        for row in _rows(path):
            claims = tuple(_claim(claim["text"], claim["supported"]) for claim in row["claims"])
            yield Labelled("passages", row["text"], claims, part_of(row["topic"]))


def _attribution(training: Path) -> Iterator[Labelled]:
    for row in _rows(training / "attribution-en.jsonl"):
        claims = tuple(_claim(claim["text"], claim["supported"]) for claim in row["claims"])
        yield Labelled("attribution", row["context"], claims, part_of(row["question"]))


def _inference(training: Path) -> Iterator[Labelled]:
    premises: dict[str, list[Claim]] = {}
    for row in _rows(training / "inference-zh.jsonl"):
        premises.setdefault(row["premise"], []).append(_claim(row["hypothesis"], row["label"] == "entailment"))
    for premise, claims in premises.items():
        yield Labelled("inference", premise, tuple(claims), part_of(premise))


def _claim(text: str, supported: bool) -> Claim:
    """Nothing is wrong with what is supported; where the rest goes wrong, its author did not mark."""
    return Claim(text, supported, () if supported else None)


def read_articles(data: Path, training: Path) -> tuple[Article, ...]:
    """Passages to make claims from; `data` holds the folders cmrc2018, drcd, halueval and uhgeval."""
    articles: list[Article] = []
    for name, paths in SPAN_SETS.items():
        collection = read_span_set(name, [data / path for path in paths])
        asked = _asked(collection.questions, [p.text for p in collection.passages])
        articles += [Article(name, p.article, p.text, tuple(q), p.part) for p, q in zip(collection.passages, asked, strict=True)]
    articles += _halueval(data / "halueval")
    articles += _uhgeval(data / "uhgeval" / "dataset_uhgeval_concise.jsonl")
    for path in sorted(training.glob("passages-*.jsonl")):
        articles += [Article("written", row["topic"], row["text"], (), part_of(row["topic"])) for row in _rows(path)]
    for row in _rows(training / "attribution-en.jsonl"):
        articles.append(Article("general", row["question"], row["context"], (), part_of(row["question"])))
    return tuple(articles)


def _asked(questions: tuple[Question, ...], texts: list[str]) -> list[list[Asked]]:
    """Questions with their first answer, by passage."""
    asked: list[list[Asked]] = [[] for _ in texts]
    for question in questions:
        start, end = question.answers[0]
        asked[question.passage].append(Asked(question.text, texts[question.passage][start:end], start))
    return asked


def _halueval(folder: Path) -> Iterator[Article]:
    collection = read_halueval(folder)
    false: dict[str, str] = {}
    for path in sorted(folder.glob("*_data.json")):
        false |= {row["question"].strip(): row["hallucinated_answer"] for row in _rows(path)}
    asked = _asked(collection.questions, [p.text for p in collection.passages])
    for passage, questions in zip(collection.passages, asked, strict=True):
        wrong = tuple((each.question, false[each.question]) for each in questions)
        yield Article("halueval", passage.article, passage.text, tuple(questions), passage.part, wrong)


def _uhgeval(path: Path) -> Iterator[Article]:
    """News with the continuations that models made up."""
    for row in _rows(path):
        text = " ".join((row["newsBeginning"] + row["newsRemainder"]).split())
        made_up = row["hallucinatedContinuation"].strip()
        yield Article("uhgeval", row["headLine"], text, (), part_of(row["headLine"]), (("", made_up),))


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    for line in path.read_text(encoding="utf-8").splitlines():
        yield json.loads(line)
