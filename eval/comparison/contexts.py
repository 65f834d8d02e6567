"""What stands before a question in each arm: nothing, what the search found, the right passage, wrong ones, a whole document."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from corpus.documents import Chunk
from eval.comparison.choices import Choice
from generation.finetuning.examples import CountTokens
from generation.finetuning.notes import NoteSection
from generation.prompts import passages_prompt
from retrieval.retriever import HybridRetriever

CLOSED, RAG, GOLD, DISTRACTORS, LONG = "closed", "rag", "gold", "distractors", "long"
_PASSAGES, _TOKENS = 3, 130


@dataclass(frozen=True)
class Contexts:
    """Makes contexts of one search a question.

    Attributes:
        retriever: searches the notes.
        sections: by id.
        count_tokens: length of a text in the model's tokens.
        long_tokens: most tokens of a whole document.
    """

    retriever: HybridRetriever
    sections: Mapping[str, NoteSection]
    count_tokens: CountTokens
    long_tokens: int

    def found(self, question: str) -> tuple[Chunk, ...]:
        """Chunks for a question, best first."""
        return tuple(hit.chunk for hit in self.retriever.search(question, k=8).hits)

    def text(self, kind: str, choice: Choice, found: Sequence[Chunk]) -> str:
        """The beginning of the prompt; "" closed book."""
        section = self.sections[choice.section]
        if kind == CLOSED:
            return ""
        if kind == LONG:
            path = found[0].path if found else section.path
            return passages_prompt([self.cut(self._documents[path], self.long_tokens)], chinese=choice.chinese)
        if kind == GOLD:
            body = ("" if section.chinese else " ").join(section.sentences)
            return passages_prompt([self.cut(f"{section.title}: {body}", _TOKENS)], chinese=choice.chinese)
        own = [c for c in found if kind == RAG or (c.path, c.heading) != (section.path, section.heading)]
        texts = [self.cut(f"{c.heading[-1] if c.heading else ''}: {c.text}", _TOKENS) for c in own[:_PASSAGES]]
        return passages_prompt(texts, chinese=choice.chinese)

    def cut(self, text: str, budget: int) -> str:
        """The beginning of a text within a budget of tokens, on one line."""
        text = " ".join(text[: 8 * budget].split())
        while (size := self.count_tokens(text)) > budget:
            text = text[: max(1, min(len(text) - 1, len(text) * budget // size))]
        return text

    @cached_property
    def _documents(self) -> Mapping[str, str]:
        texts: dict[str, list[str]] = defaultdict(list)
        for chunk in self.retriever.snapshot.catalogue.chunks():
            texts[chunk.path].append(chunk.text)
        return {path: "\n".join(parts) for path, parts in texts.items()}
