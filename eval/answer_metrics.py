"""What an answer is worth: its outcome, its claims as judged, and its metrics, 0-1 and higher is better.

A metric that cannot be measured is absent, and the outcome says why; none is 0 or 1 by default:

    answered            an answer was due and given, and all of its claims were judged
    no-claims           not refused, and yet nothing is stated that could be judged
    refused-correctly   the notes do not answer the question, and it was refused
    refused-wrongly     the notes answer it, and it was refused
    answered-wrongly    the notes do not answer it, and an answer was given
    judge-failed        the judge's reply about a claim could not be read
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from corpus.language import detect_language
from corpus.sentences import sentences
from eval.claim_metrics import JudgedClaim, citation_precision, citation_recall, context_recall, faithfulness, judge_claims
from eval.gold import GoldQuestion
from eval.judge import Judge, Pair
from eval.metrics import key_fact_recall
from eval.response import Passage, Response, joined
from eval.text_overlap import rouge_l, token_f1
from retrieval.embedder import Embedder
from retrieval.rerank import Reranker

Outcome = Literal["answered", "no-claims", "refused-correctly", "refused-wrongly", "answered-wrongly", "judge-failed"]
OUTCOMES: tuple[Outcome, ...] = (
    "answered",
    "refused-correctly",
    "answered-wrongly",
    "refused-wrongly",
    "no-claims",
    "judge-failed",
)
_LANGUAGES = ("zh-Hans", "zh-Hant", "en")

Metrics = dict[str, float]


@dataclass(frozen=True, slots=True)
class Means:
    """What metrics are computed with; without a reranker answer relevance is not measured."""

    judge: Judge
    embedder: Embedder
    reranker: Reranker | None = None


@dataclass(frozen=True, slots=True)
class Scored:
    """A response with its outcome, claims and metrics."""

    outcome: Outcome
    claims: tuple[JudgedClaim, ...]
    metrics: Metrics


def score(response: Response, question: GoldQuestion, means: Means) -> Scored:
    """All that is measured about one response."""
    claims, verdicts = judge_claims(response, means.judge)
    outcome = outcome_of(response, question, claims)
    found: dict[str, float | None] = dict(refusal_metrics(response, question))
    if question.answerable:
        found |= correctness(response, question, means.embedder)
        found["answer_relevance"] = answer_relevance(response, question, means.reranker)
    if not response.refused:
        found["faithfulness"] = faithfulness([claim.verdict for claim in claims])
        found["citation_recall"] = citation_recall(response, verdicts)
        found["citation_precision"] = citation_precision(response, verdicts)
        found["language_match"] = language_match(response, question)
    return Scored(outcome, claims, {name: value for name, value in found.items() if value is not None})


def outcome_of(response: Response, question: GoldQuestion, claims: Sequence[JudgedClaim]) -> Outcome:
    """The one outcome of a response; see the head of this module."""
    if response.refused:
        return "refused-wrongly" if question.answerable else "refused-correctly"
    if not response.text.strip():
        return "no-claims"
    if not question.answerable:
        return "answered-wrongly"
    statuses = {claim.verdict.status for claim in claims}
    if "judge-failed" in statuses:
        return "judge-failed"
    return "answered" if "scored" in statuses else "no-claims"


def refusal_metrics(response: Response, question: GoldQuestion) -> Metrics:
    """Refusal in both directions.

    `refusal_right`: 1 if the question was answered where the notes answer it, or refused where they do not.
    `answered_when_due`: the same of answerable questions only; `refused_when_due`: of unanswerable ones only.
    Source: the rates of unanswerable and answerable questions in SQuAD 2.0 (Rajpurkar et al., 2018, arXiv:1806.03822). An empty
    answer is no refusal, and no answer either.
    """
    answered = not response.refused and bool(response.text.strip())
    right = float(answered if question.answerable else response.refused)
    return {"refusal_right": right, "answered_when_due" if question.answerable else "refused_when_due": right}


def correctness(response: Response, question: GoldQuestion, embedder: Embedder) -> Metrics:
    """How much of what is due an answer says; a wrong refusal and an empty answer say nothing of it, which is 0.

    `key_facts`: share of the question's key facts that it states, in any alternative (nugget recall, as in TREC's question
    answering track; Voorhees, 2003). `token_f1`, `rouge_l`: words in common with the reference. `similarity`: cosine of
    the embeddings of answer and reference (as RAGAS' answer similarity), 0 below 0.
    """
    said = "" if response.refused else response.text.strip()
    metrics: Metrics = {}
    if question.must_include:
        metrics["key_facts"] = key_fact_recall(said, question)
    if question.reference.strip():
        metrics["token_f1"] = token_f1(said, question.reference)
        metrics["rouge_l"] = rouge_l(said, question.reference)
        metrics["similarity"] = _cosine(said, question.reference, embedder) if said else 0.0
    return metrics


def _cosine(one: str, other: str, embedder: Embedder) -> float:
    first, second = embedder.encode_passages([one, other])
    return max(0.0, min(1.0, float(first @ second)))


def answer_relevance(response: Response, question: GoldQuestion, reranker: Reranker | None) -> float | None:
    """The reranker's calibrated probability that the answer's text answers the question; 0 for a refusal or an empty answer.

    RAGAS' answer relevance has a language model write questions from the answer and compares embeddings; a cross-encoder reads
    question and answer together instead (Nogueira & Cho, 2019, arXiv:1901.04085), which needs no such model. None without one.
    """
    if response.refused or not response.text.strip():
        return 0.0
    if reranker is None:
        return None
    (judged,) = reranker.score(" ".join((*question.history[-1:], question.question)), [("", response.text)])
    return float(judged.relevance)


def language_match(response: Response, question: GoldQuestion) -> float | None:
    """Whether the answer's own text is in the question's language, and in its script if that is Chinese.

    Lines that are ours do not count. None if there is no text, or if the question is in a language that this project does
    not tell apart.
    """
    asked = question.lang if question.lang in _LANGUAGES else detect_language(question.question)
    if asked not in _LANGUAGES or not response.text.strip():
        return None
    return float(detect_language(response.text) == asked)


def judge_reference(passages: Sequence[Passage], question: GoldQuestion, judge: Judge) -> Metrics:
    """`context_recall` of the passages found, where the question has a reference and the notes answer it."""
    if not question.answerable or not question.reference.strip():
        return {}
    context = joined(passages)
    if not context:
        return {"context_recall": 0.0}
    found = context_recall(judge.judge([Pair(text, context) for text in sentences(question.reference)]))
    return {} if found is None else {"context_recall": found}
