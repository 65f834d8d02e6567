"""Answers in words, from the same code that `ask` runs, scored by what the notes say; and questions that they do not answer."""

from __future__ import annotations

import time
from typing import Any

from corpus.sentences import sentences
from eval.comparison.invented import Invented
from eval.text_overlap import token_f1
from generation.answering import NotesAnswerer, Question
from generation.checker import Checker
from generation.finetuning.notes import NoteSection
from generation.finetuning.wordings import question_of
from retrieval.retriever import HybridRetriever

Record = dict[str, Any]


def answered(
    answerer: NotesAnswerer, section: NoteSection, expected: str, retriever: HybridRetriever, checker: Checker
) -> Record:
    """The answer to a section's question.

    Returns:
        `f1`: words shared with what the section says first; `faithfulness`: share of the sentences that the best passages of
        the notes support, None without a sentence; `refused`, `seconds`, `tokens`, `answer`.
    """
    question = question_of(section.title, chinese=section.chinese)
    started = time.perf_counter()
    answer = answerer.invoke(Question(question))
    seconds = time.perf_counter() - started
    said = " ".join(sentence.text for sentence in answer.sentences)
    return {
        "question": question,
        "answer": said,
        "refused": answer.refused,
        "f1": token_f1(said, expected) if said else 0.0,
        "faithfulness": _supported(said, retriever, checker),
        "seconds": seconds,
        "timings": answer.timings,
        "tokens": answer.tokens,
    }


def unanswerable(answerer: NotesAnswerer, fact: Invented, retriever: HybridRetriever, checker: Checker) -> Record:
    """A question about a thing that does not exist: right is to refuse; what is said instead is made up."""
    answer = answerer.invoke(Question(fact.question))
    said = " ".join(sentence.text for sentence in answer.sentences)
    supported = _supported(said, retriever, checker)
    return {"question": fact.question, "answer": said, "refused": answer.refused, "faithfulness": supported}


def _supported(text: str, retriever: HybridRetriever, checker: Checker) -> float | None:
    """Share of a text's sentences that one of the three best passages for it supports."""
    verdicts = []
    for sentence in sentences(text):
        scores = checker.score([(sentence, hit.chunk.text) for hit in retriever.search(sentence, k=3).hits])
        known = [score for score in scores if score is not None]
        if known:
            verdicts.append(float(max(known) >= checker.threshold))
    return sum(verdicts) / len(verdicts) if verdicts else None
