"""Questions with units of notes and how well each answers, for training the reader."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from pydantic import BaseModel, ConfigDict, Field

from corpus.jsonl import numbered_lines, row_of
from corpus.sentences import sentence_spans
from generation.reader_input import ReadUnit
from retrieval.training.datasets import Collection, part_of, read_all

_TRAINING = Path(__file__).parents[2] / "corpus" / "training"
# Of tidy sections, of messy notebooks, and of twins: a question that a line of either answers, and one like it that none does.
JUDGEMENTS = tuple(
    _TRAINING / f"{name}.jsonl" for name in ("judgements", "notebook-judgements-a", "notebook-judgements-b", "twin-judgements")
)
BELONGS, ANSWERS = 1, 2  # labels of a unit
_MOST_SENTENCES = 8
_TITLED = 0.4  # share of the passages whose title is shown


class JudgedUnit(BaseModel):
    """A unit as the reader sees it: 2 answers the question or a part of it, 1 belongs beside the answer, 0 neither."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    heading: str
    text: str
    before: str = ""
    label: int = Field(ge=0, le=2)

    def read(self) -> ReadUnit:
        """Without its label."""
        return ReadUnit(self.heading, self.text, self.before)


class Judgement(BaseModel):
    """A question and the units that were found for it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    topic: str
    question: str
    units: tuple[JudgedUnit, ...] = Field(min_length=1)


@dataclass(frozen=True)
class Judgements:
    """What is learned, facts in other people's texts first, then our own judgements; of these whole topics are held out."""

    facts: tuple[Judgement, ...]
    own: tuple[Judgement, ...]
    held_out: tuple[Judgement, ...]


def read_judgements(*paths: Path) -> tuple[Judgement, ...]:
    """The rows of files.

    Raises:
        UsageError: there is no such file.
        InvalidRow: a row is no judgement.
    """
    return tuple(row_of(path, number, line, Judgement) for path in paths for number, line in numbered_lines(path))


def judgements(written: Sequence[Path], data: Path, notes: Path, shares: dict[str, float], seed: int = 0) -> Judgements:
    """Our own judgements, each with a unit of another topic besides, and questions about facts from the labelled sets.

    Args:
        written: files of our own.
        data: folder of labelled sets, see `retrieval.training.datasets.read_all`.
        notes: see there.
        shares: how much of each labelled set is taken, by its name.
        seed: draws.
    """
    rng = Random(seed)  # noqa: S311 - reproducible, not secret
    facts: list[Judgement] = []
    for collection in read_all(data, notes):
        asked = list(_of_spans(collection, rng))
        facts += rng.sample(asked, round(shares.get(collection.name, 0.0) * len(asked)))
    rows = read_judgements(*written)
    own = [_with_stranger(each, rows, rng) for each in rows if part_of(each.topic) == "train"]
    return Judgements(tuple(facts), tuple(own), tuple(each for each in rows if part_of(each.topic) != "train"))


def _with_stranger(judgement: Judgement, all_of_them: Sequence[Judgement], rng: Random) -> Judgement:
    """A judgement with a unit that was found for a question about something else, from another note."""
    headings = {unit.heading for unit in judgement.units}
    others = [
        unit for each in all_of_them if each.topic != judgement.topic for unit in each.units if unit.heading not in headings
    ]
    return judgement.model_copy(update={"units": (*judgement.units, rng.choice(others).model_copy(update={"label": 0}))})


def _of_spans(collection: Collection, rng: Random) -> Iterator[Judgement]:
    """The questions that may be trained on, with the sentences of their passages: those that hold the answer answer."""
    for number, question in enumerate(collection.questions):
        passage = collection.passages[question.passage]
        if passage.part != "train" or not question.answers:
            continue
        spans = sentence_spans(passage.text)
        holds = [any(a < end and start < b for a, b in question.answers) for start, end in spans]
        said = [passage.text[slice(*span)] for span in spans]
        first = max(0, min(holds.index(True) - rng.randrange(_MOST_SENTENCES), len(spans) - _MOST_SENTENCES)) if any(holds) else 0
        shown = range(first, min(first + _MOST_SENTENCES, len(spans)))
        heading = passage.heading if rng.random() < _TITLED else ""
        units = tuple(
            JudgedUnit(heading=heading, before=said[i - 1] if i else "", text=said[i], label=2 * holds[i]) for i in shown
        )
        if len(units) > 1 and any(unit.label for unit in units):
            yield Judgement(id=f"{collection.name}-{number}", topic=passage.article, question=question.text, units=units)
