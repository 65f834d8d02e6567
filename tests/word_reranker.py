"""A reranker that needs no weights."""

from __future__ import annotations

from collections.abc import Sequence

from corpus.results import SentenceScore
from corpus.sentences import sentence_spans
from retrieval.rerank import HeadedText, PassageScore


class WordReranker:
    """Judges by the share of the question's characters that a passage, or a sentence, holds.

    Attributes:
        read: how many passages it was given, call by call.
    """

    name = "test:shared-characters"

    def __init__(self) -> None:
        self.read: list[int] = []

    def score(self, question: str, passages: Sequence[HeadedText]) -> tuple[PassageScore, ...]:
        self.read.append(len(passages))
        share = lambda text: len(set(question) & set(text)) / len(set(question))  # noqa: E731
        return tuple(
            PassageScore(share(text), tuple(SentenceScore(a, b, share(text[a:b])) for a, b in sentence_spans(text)))
            for _, text in passages
        )
