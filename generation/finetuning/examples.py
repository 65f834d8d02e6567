"""Training data from notes: questions with answers, the same questions in other words, and the text of the sections itself.

    NoteSection --question_of, lead sentences--> question example
                --paraphrases-----------------> paraphrase examples, one wording of some held out
                --the other sentences---------> statement examples

Held out are whole sections (does it generalise?) and, of sections that are learned, one wording that is not (is what was learned
there when it is asked for differently?). The second is what fine-tuning on notes is for, so training stops by it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from random import Random
from typing import Literal

from corpus.errors import NotesTooFew
from generation.finetuning.notes import NoteSection
from generation.finetuning.wordings import paraphrases, question_of
from generation.prompts import answer_text, passages_prompt, question_prompt

Kind = Literal["question", "paraphrase", "statement", "grounded"]
CountTokens = Callable[[str], int]
# With fewer, a held-out part says nothing and a model only learns to repeat.
MIN_SECTIONS = 4


@dataclass(frozen=True, slots=True)
class Example:
    """What the model reads (`prompt`) and what it learns to write (`answer`)."""

    kind: Kind
    section: str
    prompt: str
    answer: str


@dataclass(frozen=True)
class DataSettings:
    """What is made of the notes.

    Attributes:
        paraphrases: other wordings of each question.
        statements: whether the text of the sections is learned too.
        grounded: share of the sections that are also asked with passages, the right one and distractors, in the prompt, so that
            the model learns to read them (RAFT: Zhang et al., 2024, arXiv:2403.10131).
        answer_tokens: most tokens of an answer or a statement.
        passage_tokens: most tokens of a passage of a grounded example.
        held_out: share of the sections that are held out.
        seed: what draws.
    """

    paraphrases: int = 2
    statements: bool = True
    grounded: float = 0.25
    answer_tokens: int = 96
    passage_tokens: int = 80
    held_out: float = 0.08
    seed: int = 0


@dataclass(frozen=True)
class TrainingData:
    """Examples to learn from and to test on.

    Attributes:
        train: what is learned.
        wordings: held-out wordings of questions that are learned; empty without paraphrases.
        sections: questions of held-out sections.
        settings: how it was made.
    """

    train: tuple[Example, ...]
    wordings: tuple[Example, ...]
    sections: tuple[Example, ...]
    settings: DataSettings

    @property
    def sha256(self) -> str:
        """Digest of all of it, in order."""
        rows = [[asdict(example) for example in part] for part in (self.train, self.wordings, self.sections)]
        return hashlib.sha256(json.dumps(rows, ensure_ascii=False).encode()).hexdigest()

    def counts(self) -> dict[str, int]:
        """How many examples of each kind are learned, and how many of each are held out."""
        kinds = [example.kind for example in self.train]
        found: dict[str, int] = {kind: kinds.count(kind) for kind in dict.fromkeys(kinds)}
        return {**found, "held_out_wordings": len(self.wordings), "held_out_sections": len(self.sections)}


def build_data(sections: Sequence[NoteSection], count_tokens: CountTokens, settings: DataSettings | None = None) -> TrainingData:
    """Make training data of sections.

    Args:
        sections: what to learn.
        count_tokens: length of a text in the model's tokens.
        settings: what is made of them.

    Raises:
        NotesTooFew: there are fewer than `MIN_SECTIONS` sections.
    """
    check_enough(sections)
    settings = settings or DataSettings()
    rng = Random(settings.seed)  # noqa: S311 - reproducible, not secret
    held = set(rng.sample(range(len(sections)), max(1, round(settings.held_out * len(sections))))) if settings.held_out else set()
    learned = [section for i, section in enumerate(sections) if i not in held]
    train: list[Example] = []
    wordings: list[Example] = []
    for section in learned:
        questions, spare = _questions(section, count_tokens, settings)
        train += questions
        wordings += spare
        if settings.statements:
            train += _statements(section, count_tokens, settings)
    grounded = rng.sample(learned, round(settings.grounded * len(learned)))
    train += [_grounded(section, learned, count_tokens, settings, rng) for section in grounded]
    asked = [_questions(sections[i], count_tokens, settings)[0][0] for i in sorted(held)]
    return TrainingData(tuple(train), tuple(wordings), tuple(asked), settings)


def check_enough(sections: Sequence[NoteSection]) -> None:
    """Raise NotesTooFew if there are fewer than `MIN_SECTIONS` sections."""
    if len(sections) < MIN_SECTIONS:
        raise NotesTooFew(found=len(sections), needed=MIN_SECTIONS)


def lead(section: NoteSection, count_tokens: CountTokens, budget: int) -> str:
    """The first sentences of a section that fit a budget of tokens, at least one, which is cut if it does not."""
    return next(_windows(section.sentences, count_tokens, budget, chinese=section.chinese))


def _questions(section: NoteSection, count_tokens: CountTokens, settings: DataSettings) -> tuple[list[Example], list[Example]]:
    """A section's questions to learn, and the wording that is held out."""
    answer = answer_text(lead(section, count_tokens, settings.answer_tokens), chinese=section.chinese)

    def example(kind: Kind, question: str) -> Example:
        return Example(kind, section.id, question_prompt(question, chinese=section.chinese), answer)

    first = example("question", question_of(section.title, chinese=section.chinese))
    if not settings.paraphrases:
        return [first], []
    *others, spare = paraphrases(section.title, settings.paraphrases + 1, chinese=section.chinese)
    return [first, *(example("paraphrase", wording) for wording in others)], [example("paraphrase", spare)]


def _statements(section: NoteSection, count_tokens: CountTokens, settings: DataSettings) -> Iterator[Example]:
    for window in _windows(section.sentences, count_tokens, settings.answer_tokens, chinese=section.chinese):
        yield Example("statement", section.id, f"{' › '.join(section.heading)}\n", window)


def _grounded(
    section: NoteSection, others: Sequence[NoteSection], count_tokens: CountTokens, settings: DataSettings, rng: Random
) -> Example:
    """A question with its passage among distractors of the same language, in any order."""
    near = [other for other in others if other.chinese == section.chinese and other.id != section.id]
    passages = [lead(each, count_tokens, settings.passage_tokens) for each in (section, *rng.sample(near, min(2, len(near))))]
    rng.shuffle(passages)
    question = question_prompt(question_of(section.title, chinese=section.chinese), chinese=section.chinese)
    answer = answer_text(lead(section, count_tokens, settings.passage_tokens), chinese=section.chinese)
    return Example("grounded", section.id, passages_prompt(passages, chinese=section.chinese) + question, answer)


def _windows(sentences: Sequence[str], count_tokens: CountTokens, budget: int, *, chinese: bool) -> Iterator[str]:
    """Runs of whole sentences within the budget; a single sentence that is over it is cut at its end."""
    window = ""
    for sentence in sentences:
        longer = f"{window}{'' if chinese or not window else ' '}{sentence}"
        if window and count_tokens(longer) > budget:
            yield window
            longer = sentence
        window = _cut(longer, count_tokens, budget)
    if window:
        yield window


def _cut(text: str, count_tokens: CountTokens, budget: int) -> str:
    while count_tokens(text) > budget:
        text = text[: max(1, int(len(text) * budget / count_tokens(text)) - 1)].rstrip()
    return text
