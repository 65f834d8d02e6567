"""What all ways of answering share: the search, the refusal, and an answer that comes sentence by sentence."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from langchain_core.runnables import Runnable, RunnableConfig

from corpus.results import Answer, SearchResult, Sentence
from generation.checker import Checker
from generation.draft import refuse
from retrieval.query import Query, in_language_of
from retrieval.retriever import HybridRetriever


@dataclass(frozen=True, slots=True)
class Question:
    """A question with the earlier questions of its conversation, oldest first."""

    text: str
    history: tuple[str, ...] = ()


class NotesAnswerer(Runnable[Question, Answer]):
    """Answers questions over one snapshot of the notes; a LangChain Runnable."""

    def __init__(self, retriever: HybridRetriever, checker: Checker) -> None:
        self.retriever = retriever
        self.checker = checker

    @property
    @abstractmethod
    def min_relevance(self) -> float:
        """Below this calibrated relevance of the search a question is refused, 0-1."""

    @abstractmethod
    def from_hits(self, query: Query, found: SearchResult, started: float) -> Iterator[Sentence | Answer]:
        """Each sentence as soon as it is checked, then the whole answer.

        Args:
            query: the question.
            found: relevant hits, at least one.
            started: when the question came, by `time.perf_counter`.
        """

    def invoke(self, input: Question, config: RunnableConfig | None = None, **kwargs: Any) -> Answer:
        """The whole answer at once."""
        return self.answer(input)

    def answer(self, question: Question, found: SearchResult | None = None) -> Answer:
        """The whole answer at once; from a search for the question that was made already, whose time counts, if one is given."""
        *_, answer = self.events(question, found)
        assert isinstance(answer, Answer)  # noqa: S101 - `events` always ends with it
        return answer

    def events(self, question: Question, found: SearchResult | None = None) -> Iterator[Sentence | Answer]:
        """Each sentence as soon as it is checked, then the whole answer; searches unless `found` is given."""
        started = time.perf_counter() - (sum(found.seconds.values()) if found else 0.0)
        query = self.retriever.analyse(question.text, question.history)
        found = found or self.retriever.find(query)
        query = in_language_of(query, found.hits)
        if found.relevance < self.min_relevance or not found.hits:
            yield refuse(query, found, started)
        else:
            yield from self.from_hits(query, found, started)
