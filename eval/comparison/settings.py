"""How much is measured."""

from __future__ import annotations

from dataclasses import dataclass

from generation.finetuning.examples import DataSettings
from generation.finetuning.training import TrainSettings


@dataclass(frozen=True)
class CompareSettings:
    """The size of a comparison; the defaults take under an hour on two cores.

    Attributes:
        sections: sections of the notes that are learned, spread over all; None takes all.
        questions: multiple-choice questions about them.
        long_questions: those of them that are also asked with a whole document in the prompt.
        long_tokens: most tokens of that document.
        epochs: how often the fine-tuned model sees every example.
        shares: of the sections, for the learning curve; the whole comes from the main training.
        paraphrases: other wordings of each question in the main training; the training without any has as many steps.
        statements: whether the text of the sections is learned beside the answers.
        generated: questions that are also answered in words.
        update_steps, update_stages: steps of a stage of continued training on changed notes, and most stages.
        seed: what draws.
    """

    sections: int | None = 48
    questions: int = 48
    long_questions: int = 8
    long_tokens: int = 2048
    epochs: float = 3.0
    shares: tuple[float, ...] = (0.25, 0.5)
    paraphrases: int = 2
    statements: bool = False
    generated: int = 8
    update_steps: int = 10
    update_stages: int = 3
    seed: int = 0

    def data(self, *, paraphrases: int | None = None) -> DataSettings:
        """How training data is made; nothing of the learned sections is held out but wordings: all are asked about."""
        wordings = self.paraphrases if paraphrases is None else paraphrases
        return DataSettings(wordings, self.statements, 0.25, 80, 80, 0.0, self.seed)

    def training(self, examples: int) -> TrainSettings:
        """The main training, for so many examples."""
        batch = TrainSettings.batch
        return TrainSettings(steps=max(1, round(self.epochs * examples / batch)), points=4, seed=self.seed)


FULL = CompareSettings(
    sections=None, questions=300, long_questions=60, epochs=5.0, statements=True, generated=60, update_steps=20, update_stages=6
)
