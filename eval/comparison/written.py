"""Answers in words, from the same code that `ask` runs, with the evaluation suite's metrics; and questions without an answer."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from corpus.results import Answer
from eval.answer_metrics import Means, score
from eval.comparison.invented import Invented
from eval.gold import GoldQuestion
from eval.response import Passage, passages_of, response_to
from generation.answering import NotesAnswerer, Question
from generation.finetuning.notes import NoteSection
from generation.finetuning.wordings import question_of
from retrieval.retriever import HybridRetriever

Record = dict[str, Any]
# Passages of the notes that each sentence of an answer is also judged by, beside those found for the question.
_LOOKED_UP = 2


def answered(answerer: NotesAnswerer, section: NoteSection, expected: str, retriever: HybridRetriever, means: Means) -> Record:
    """The answer to a section's question, measured by what the section says first."""
    question = question_of(section.title, chinese=section.chinese)
    gold = GoldQuestion(id=section.id, question=question, lang=section.language, reference=expected)
    return _measured(answerer, gold, retriever, means)


def unanswerable(answerer: NotesAnswerer, fact: Invented, retriever: HybridRetriever, means: Means) -> Record:
    """A question about a thing that does not exist: right is to refuse; what is said instead is made up."""
    gold = GoldQuestion(id=fact.id, question=fact.question, lang="zh-Hans" if fact.chinese else "en", answerable=False)
    return _measured(answerer, gold, retriever, means)


def said(answer: Answer) -> str:
    """What an answer says itself; "" for a refusal."""
    return "" if answer.refused else " ".join(sentence.text for sentence in answer.sentences)


def _measured(answerer: NotesAnswerer, gold: GoldQuestion, retriever: HybridRetriever, means: Means) -> Record:
    """An answer with its outcome and metrics, `seconds` without those of measuring.

    All ways of answering are judged by the same passages, whether they were given them or not: those that the search finds for
    the question, and for each sentence of the answer.
    """
    started = time.perf_counter()
    answer = answerer.invoke(Question(gold.question))
    seconds = time.perf_counter() - started
    response = response_to(answer, retriever.search(gold.question))
    near = (passage for claim in response.claims for passage in passages_of(retriever.search(claim.text, k=_LOOKED_UP)))
    contexts: dict[Passage, None] = dict.fromkeys((*response.contexts, *near))
    scored = score(replace(response, contexts=tuple(contexts)), gold, means)
    return {
        "question": gold.question,
        "answer": said(answer),
        "refused": answer.refused,
        "outcome": scored.outcome,
        "metrics": scored.metrics,
        "seconds": seconds,
        "timings": answer.timings,
        "tokens": answer.tokens,
    }
