"""Training groups: a question, the passage that answers it, and passages that do not, shaped like notes.

The sets have long paragraphs of one script without headings; notes have short sections under headings, in both scripts and
often not in the question's. So passages are cut to runs of sentences, titles become headings, and scripts are converted at
random. A run of sentences of the same paragraph that leaves the answer out is the hardest negative: near to the question,
and no answer.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from corpus.language import to_simplified, to_traditional
from corpus.sentences import sentence_spans
from retrieval.training.datasets import Collection, Passage, Question, Span


@dataclass(frozen=True, slots=True)
class Example:
    """A passage for a question.

    Attributes:
        heading, text: as the scorer sees them.
        relevant: whether it answers the question.
        answers: spans of the answer in `text`; empty where unknown.
    """

    heading: str
    text: str
    relevant: bool
    answers: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """A question with its passages, the relevant one first."""

    question: str
    examples: tuple[Example, ...]


@dataclass(frozen=True, slots=True)
class GroupSettings:
    """How groups are drawn.

    Attributes:
        negatives: passages that do not answer.
        hardest: how many of the first stage's best candidates they are drawn from.
        near: probability that one of them is the rest of the answer's own paragraph.
        shortest, longest: characters of a run of sentences (Latin text: three times as many).
        whole: probability of the whole paragraph instead of a run.
        heading: probability that a passage shows its title.
        convert: probability that a Chinese question, and a group's passages, change their script.
    """

    negatives: int = 2
    hardest: int = 12
    near: float = 0.5
    shortest: int = 50
    longest: int = 240
    whole: float = 0.1
    heading: float = 0.4
    convert: float = 0.35


class GroupSampler:
    """Draws groups for the questions of a collection; the same seed draws the same groups."""

    def __init__(self, collection: Collection, candidates: Callable[[int], Sequence[int]], settings: GroupSettings) -> None:
        self.collection = collection
        self.candidates = candidates
        self.settings = settings

    def draw(self, number: int, rng: random.Random) -> Group:
        """The group of one question."""
        question = self.collection.questions[number]
        passage = self.collection.passages[question.passage]
        start, end = self._run(passage.text, rng, around=rng.choice(question.answers) if question.answers else None)
        answers = tuple((a - start, b - start) for a, b in question.answers if start <= a and b <= end)
        heading = self._heading(passage, question, rng)
        examples = [Example(heading, passage.text[start:end], True, answers)]
        examples += self._near(question, passage, rng)
        for candidate in self._negatives(number, rng)[: self.settings.negatives + 1 - len(examples)]:
            other = self.collection.passages[candidate]
            a, b = self._run(other.text, rng)
            examples.append(Example(self._heading(other, question, rng), other.text[a:b], False))
        return _convert(question.text, examples, self.settings.convert, rng)

    def _negatives(self, number: int, rng: random.Random) -> list[int]:
        """Passages that the first stage ranks high, without the answer's words and not of a sibling article on the same topic."""
        question = self.collection.questions[number]
        own = self.collection.passages[question.passage]
        words = {own.text[a:b] for a, b in question.answers}
        found = [
            candidate
            for candidate in self.candidates(number)
            if candidate != question.passage
            and (other := self.collection.passages[candidate]).part == own.part
            and not any(word in other.text for word in words)
            and (other.article == own.article or not other.topics & own.topics)
        ][: self.settings.hardest]
        return rng.sample(found, len(found))

    def _near(self, question: Question, passage: Passage, rng: random.Random) -> list[Example]:
        """The sentences before or after the answer's, if enough of them are left and they do not repeat the answer."""
        if not question.answers or rng.random() > self.settings.near:
            return []
        holding = [(a, b) for a, b in sentence_spans(passage.text) if any(a < y and x < b for x, y in question.answers)]
        sides = [passage.text[: holding[0][0]], passage.text[holding[-1][1] :]] if holding else []
        words = {passage.text[a:b] for a, b in question.answers}
        sides = [s.strip() for s in sides if len(s) >= self.settings.shortest and not any(word in s for word in words)]
        if not sides:
            return []
        side = rng.choice(sides)
        a, b = self._run(side, rng)
        return [Example(self._heading(passage, question, rng), side[a:b], False)]

    def _heading(self, passage: Passage, question: Question, rng: random.Random) -> str:
        # A heading that is the question itself would teach nothing but to compare the two.
        return passage.heading if passage.heading != question.text and rng.random() < self.settings.heading else ""

    def _run(self, text: str, rng: random.Random, around: Span | None = None) -> Span:
        """The span of some sentences in a row; with `around`, a span that holds it."""
        if rng.random() < self.settings.whole:
            return 0, len(text)
        sentences = sentence_spans(text)
        scale = 1 if any(c > "\u2e80" for c in text[:50]) else 3
        length = rng.randint(self.settings.shortest, self.settings.longest) * scale
        at = around[0] if around else rng.randrange(len(text)) if text else 0
        first = last = max((i for i, (a, _) in enumerate(sentences) if a <= at), default=0)
        while around and sentences[last][1] < around[1]:
            last += 1
        # Grow on a random side until long enough, so that the answer may stand anywhere.
        while sentences[last][1] - sentences[first][0] < length and (first > 0 or last + 1 < len(sentences)):
            if last + 1 == len(sentences) or (first > 0 and rng.random() < 0.5):
                first -= 1
            else:
                last += 1
        return sentences[first][0], sentences[last][1]


def _convert(question: str, examples: Sequence[Example], probability: float, rng: random.Random) -> Group:
    """Put question and passages, each with some probability, into one of the two scripts."""
    if rng.random() < probability:
        question = rng.choice((to_simplified, to_traditional))(question)
    if rng.random() < probability:
        convert = rng.choice((to_simplified, to_traditional))
        examples = [_converted(example, convert) for example in examples]
    return Group(question, tuple(examples))


def _converted(example: Example, convert: Callable[[str], str]) -> Example:
    """An example in the other script; as it is where the conversion would move the answer."""
    text = convert(example.text)
    if len(text) != len(example.text):
        return example
    return Example(convert(example.heading), text, example.relevant, example.answers)
