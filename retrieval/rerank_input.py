"""What the scorer reads: a question and a passage as one sequence of tokens that knows its sentences.

    <s> query: QUESTION </s> </s> passage: HEADING <line end> TEXT </s>

Both prefixes are E5's own (Wang et al. 2024, arXiv:2402.05672), the separators those of XLM-RoBERTa's pairs (Conneau et al. 2020,
arXiv:1911.02116), so the encoder meets nothing that it was not trained with. A passage too long for one sequence becomes several
windows, cut between sentences.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from corpus.sentences import sentence_spans

Span = tuple[int, int]

# Longer questions and headings are cut: what is asked stands at the beginning, and the text needs the room.
QUESTION_TOKENS = 96
HEADING_TOKENS = 48


@dataclass(frozen=True, slots=True)
class Window:
    """One sequence for the encoder.

    Attributes:
        ids: token ids, shape (length,).
        sentence_of: for every token the number of its sentence in the passage, or -1; shape (length,).
        spans: for every token its span in the passage's text, (0, 0) for those outside it; shape (length,).
        asked: number of the question's tokens, which follow the first token.
    """

    ids: tuple[int, ...]
    sentence_of: tuple[int, ...]
    spans: tuple[Span, ...]
    asked: int


@dataclass(frozen=True, slots=True)
class Pair:
    """A question with a passage, ready for the encoder: the windows hold every token of every sentence once."""

    sentences: tuple[Span, ...]
    windows: tuple[Window, ...]


class PairEncoder:
    """Turns questions and passages into pairs with the tokenizer of the base model."""

    def __init__(self, tokenizer: Any, max_length: int = 512) -> None:
        self.tokenizer = tokenizer
        self.max_length = max_length

    def pair(self, question: str, heading: str, text: str) -> Pair:
        """One question with one passage."""
        return self.pairs(question, [(heading, text)])[0]

    def pairs(self, question: str, passages: Sequence[tuple[str, str]]) -> tuple[Pair, ...]:
        """One question with each of some passages, given as (heading, text)."""
        if not passages:
            return ()
        asked = self._ids(f"query: {question}")[:QUESTION_TOKENS]
        heads = self.tokenizer([f"passage: {heading}\n" for heading, _ in passages], add_special_tokens=False)["input_ids"]
        # verbose=False: a text longer than the encoder takes is cut into windows below.
        bodies = self.tokenizer(
            [text for _, text in passages], add_special_tokens=False, return_offsets_mapping=True, verbose=False
        )
        return tuple(
            self._assemble(asked, head[:HEADING_TOKENS], ids, offsets, text)
            for head, ids, offsets, (_, text) in zip(heads, bodies["input_ids"], bodies["offset_mapping"], passages, strict=True)
        )

    def _ids(self, text: str) -> list[int]:
        return list(self.tokenizer(text, add_special_tokens=False)["input_ids"])

    def _assemble(self, asked: list[int], head: list[int], ids: list[int], offsets: list[Span], text: str) -> Pair:
        sentences = sentence_spans(text)
        starts = [start for start, _ in sentences]
        # A token may begin with the space before its sentence, so its last character decides.
        owners = [bisect_right(starts, max(start, end - 1)) - 1 for start, end in offsets]
        bos, eos = self.tokenizer.bos_token_id, self.tokenizer.eos_token_id
        front = [bos, *asked, eos, eos, *head]
        room = self.max_length - len(front) - 1
        windows = tuple(
            Window(
                (*front, *ids[a:b], eos),
                (*[-1] * len(front), *owners[a:b], -1),
                (*[(0, 0)] * len(front), *[(s, e) for s, e in offsets[a:b]], (0, 0)),
                len(asked),
            )
            for a, b in _cuts(owners, room)
        )
        return Pair(sentences, windows)


def _cuts(owners: Sequence[int], room: int) -> Iterator[Span]:
    """Token ranges of at most `room` tokens that end with a sentence wherever one fits."""
    start = 0
    while start < len(owners):
        end = min(start + room, len(owners))
        if end < len(owners):
            end = next((i for i in range(end, start, -1) if owners[i] != owners[i - 1]), end)
        yield start, end
        start = end
