"""What is compared: a model and what stands before the question; and the models, loaded one at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from eval.comparison.contexts import CLOSED, DISTRACTORS, GOLD, LONG, RAG
from eval.comparison.scoring import ChoiceScorer
from retrieval.weights import Progress

BASE, MAIN, PLAIN = "base", "fine-tuned", "fine-tuned-one-wording"


@dataclass(frozen=True, slots=True)
class Arm:
    """A model (its folder's name, or BASE) with a kind of context.

    Attributes:
        reworded: whether it is asked in words that no training saw, instead of those that were learned.
    """

    name: str
    model: str
    context: str
    reworded: bool = False


BASE_ARMS = (
    Arm("base", BASE, CLOSED),
    Arm("rag", BASE, RAG),
    Arm("gold", BASE, GOLD),
    Arm("distractors", BASE, DISTRACTORS),
    Arm("long-context", BASE, LONG),
    Arm("rag-reworded", BASE, RAG, reworded=True),
)
TUNED_ARMS = (
    Arm("fine-tuned", MAIN, CLOSED),
    Arm("fine-tuned-rag", MAIN, RAG),
    Arm("fine-tuned-gold", MAIN, GOLD),
    Arm("fine-tuned-distractors", MAIN, DISTRACTORS),
    Arm("fine-tuned-reworded", MAIN, CLOSED, reworded=True),
)
PLAIN_ARMS = (
    Arm("fine-tuned-one-wording", PLAIN, CLOSED),
    Arm("fine-tuned-one-wording-reworded", PLAIN, CLOSED, reworded=True),
)


@dataclass
class Scorers:
    """Scorers by model; only the last one is kept in memory.

    Attributes:
        base: name of the base model as in the settings.
        adapters: folders by model.
    """

    base: str
    adapters: Mapping[str, Path]
    progress: Progress | None = None
    _loaded: tuple[str, ChoiceScorer] | None = field(default=None, init=False)

    def scorer(self, model: str) -> ChoiceScorer:
        """The scorer of BASE, or of a fine-tuned model."""
        if self._loaded is None or self._loaded[0] != model:
            self._loaded = None
            self._loaded = (model, load_scorer(self.base, self.adapters.get(model), self.progress))
        return self._loaded[1]

    def drop(self) -> None:
        """Give the memory of the last one back."""
        self._loaded = None


def load_scorer(base: str, adapter: Path | None, progress: Progress | None = None) -> ChoiceScorer:
    """A base model with an adapter merged in, for scoring."""
    from generation.models.model_source import find_model

    source = find_model(base, progress=progress)
    return ChoiceScorer(source.merged(adapter), source.tokenizer())
