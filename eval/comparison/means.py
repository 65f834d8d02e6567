"""What a comparison works with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generation.answerer import Answerer
from generation.answering import NotesAnswerer
from generation.checker import Checker
from generation.finetuning.answering import FineTunedAnswerer, FineTunedSettings
from generation.finetuning.finetune import Base
from generation.models.language_model import LanguageModel
from retrieval.retriever import HybridRetriever


@dataclass(frozen=True)
class Means:
    """Models, notes, and where they are; what takes long to load is loaded when it is first called for.

    Attributes:
        base: name of the base model.
        load_base: loads it for training.
        tokenizer: its tokenizer.
        language_model: the model of `ask`, with the adapter of a folder.
        retriever: of the notes.
        load_answerer: makes what answers in `ask` in the mode rag.
        composes: whether that has the base model write, and does not only quote.
        min_relevance: below it, `ask` refuses.
        load_checker: loads what says what the notes support.
        index, embeddings, reranker: of the retriever, for a process that opens them itself.
        files: what the parts of a setup are on disk, by part; the index and the adapter are added.
    """

    base: str
    load_base: Callable[[], Base]
    tokenizer: Any
    language_model: Callable[[Path | None], LanguageModel]
    retriever: HybridRetriever
    load_answerer: Callable[[], Answerer]
    composes: bool
    min_relevance: float
    load_checker: Callable[[], Checker]
    index: Path
    embeddings: str
    reranker: str | None
    files: Mapping[str, Path]

    def count_tokens(self, text: str) -> int:
        """Length of a text in the base model's tokens."""
        return len(self.tokenizer.encode(text, add_special_tokens=False))

    def rag(self, retriever: HybridRetriever) -> NotesAnswerer:
        """What answers in the mode rag, over other notes perhaps."""
        return self.load_answerer().over(retriever)

    def fine_tuned(self, model: LanguageModel, retriever: HybridRetriever, *, grounded: bool) -> NotesAnswerer:
        """What answers in the modes fine-tuned and fine-tuned-rag."""
        settings = FineTunedSettings(grounded=grounded, min_relevance=self.min_relevance)
        return FineTunedAnswerer(model, retriever, self.load_checker(), settings)
