"""A batch evaluation: gold questions through search and answering, one record a question, means by group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from typing import Any

from corpus.results import Answer, answer_row, search_row
from eval.answer_metrics import Means, Scored, judge_reference, score
from eval.claim_metrics import JudgedClaim
from eval.embedding_cache import CachedEmbedder
from eval.gold import GoldQuestion
from eval.gold_context import gold_context
from eval.language_matrix import language_matrix
from eval.metrics import gold_units, retrieval_metrics
from eval.response import passages_of, response_to
from eval.run_files import RunFolder
from eval.summary import summarise
from generation.answerer import Answerer
from generation.answering import Question
from retrieval.retriever import HybridRetriever
from retrieval.weights import Progress

Record = dict[str, Any]
EMBEDDINGS = "embeddings.sqlite"
# Hits that the metrics look at; an answer is given from as many as the settings say.
_DEPTH = 10


@dataclass(frozen=True)
class Subject:
    """What is measured.

    Attributes:
        retriever: searches, once a question.
        answerers: ways of answering from what was found, by name; none measures the search alone.
        means: what answers are measured with; None without answerers.
        with_gold: the names of those that answer from the gold sections instead.
    """

    retriever: HybridRetriever
    answerers: Mapping[str, Answerer]
    means: Means | None = None
    with_gold: frozenset[str] = frozenset()


def evaluate(gold: Sequence[GoldQuestion], subject: Subject, folder: RunFolder, progress: Progress | None = None) -> Record:
    """Ask the questions that the folder has no record of.

    Args:
        gold: the questions.
        subject: what is measured.
        folder: where records are, and where they go.
        progress: called with "ask" (then "embed" and "search" for the languages), how much is done, and how much there is.

    Returns:
        All metrics, from the records of all questions.
    """
    report = progress or (lambda _stage, _done, _total: None)
    known = {record["gold"]["id"] for record in folder.records}
    missing = [question for question in gold if question.id not in known]
    for done, question in enumerate(missing, len(known) + 1):
        folder.append(record_of(question, subject))
        report("ask", done, len(gold))
    languages = folder.languages() if not missing else None
    return {
        "n": len(folder.records),
        "arms": summarise(folder.records),
        "languages": _languages(gold, subject, folder, progress) if languages is None else languages,
    }


def _languages(gold: Sequence[GoldQuestion], subject: Subject, folder: RunFolder, progress: Progress | None) -> list[Record]:
    with closing(CachedEmbedder(subject.retriever.embedder, folder.path / EMBEDDINGS)) as embedder:
        return [asdict(cell) for cell in language_matrix(gold, subject.retriever, embedder, progress)]


def record_of(question: GoldQuestion, subject: Subject) -> Record:
    """A question searched for once, answered in each way, and measured."""
    retriever, means = subject.retriever, subject.means
    k = retriever.settings.k
    found = retriever.search(question.question, history=question.history, k=max(k, _DEPTH))
    given = replace(found, hits=found.hits[:k])
    placed = question.answerable and gold_units(question)
    metrics = retrieval_metrics([hit.chunk for hit in found.hits], question) if placed else {}
    arms: Record = {}
    if means:
        metrics |= judge_reference(passages_of(given), question, means.judge)
        for name, answerer in subject.answerers.items():
            read = gold_context(question, retriever) if name in subject.with_gold else given
            answer = answerer.answer(Question(question.question, question.history), read)
            arms[name] = _arm(answer, score(response_to(answer, read), question, means), question, len(read.hits))
    return {
        "gold": question.model_dump(mode="json"),
        "search": search_row(question.id, found),
        "metrics": metrics,
        "arms": arms,
    }


def _arm(answer: Answer, scored: Scored, question: GoldQuestion, contexts: int) -> Record:
    metrics = scored.metrics | {f"{side}_tokens": float(count) for side, count in answer.tokens.items()}
    if not answer.refused:
        metrics["composed"] = float(answer.outcome == "answered")
        if answer.support is not None:
            metrics["support"] = answer.support
    return {
        "answer": answer_row(answer, question.id),
        "outcome": scored.outcome,
        "contexts": contexts,
        "claims": [_claim_row(claim) for claim in scored.claims],
        "metrics": metrics,
    }


def _claim_row(claim: JudgedClaim) -> Record:
    verdict, near = claim.verdict, claim.evidence
    return {
        "claim": claim.text,
        **asdict(verdict),
        "citations": list(claim.citations),
        "cited": asdict(claim.cited),
        "evidence": {"path": near.path, "heading": list(near.heading), "text": near.text} if near else None,
    }
