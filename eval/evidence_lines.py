"""How much of the selected evidence is on the point, by labels that were given to it by hand.

    python -m eval.evidence_lines --index DIR [--questions FILE --units FILE]

`eval/data/units.jsonl`, or another FILE for other questions, says of the dozen units that came nearest to each answerable
question whether they answer it or a part of it (2), whether a good answer would gladly have them beside that (1), or neither (0).
The lines that are selected by default are looked up there; what has no label is left out and counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from corpus.jsonl import numbered_lines, row_of
from eval.fit_command import bundled_retriever, fit_parser
from eval.gold import GoldQuestion, read_gold
from eval.metrics import mean_with_interval
from generation.reader import Reader, load_reader
from generation.selection.evidence import select_evidence
from generation.selection.evidence_choice import EvidenceSettings
from retrieval.retriever import HybridRetriever

UNITS = Path(__file__).with_name("data") / "units.jsonl"


class LabelledUnit(BaseModel):
    """A unit of the notes and how it serves the answer to a question."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    question: str
    path: str
    text: str
    label: int = Field(ge=0, le=2)


@dataclass(frozen=True, slots=True)
class Judged:
    """The lines that were selected for a question.

    Attributes:
        lines: how many.
        labels: of those that have one, in reading order.
        first: whether the first line answers; None where it has no label.
    """

    lines: int
    labels: tuple[int, ...]
    first: bool | None


def read_units(path: Path = UNITS) -> dict[str, dict[str, int]]:
    """Labels by question and text.

    Raises:
        UsageError: there is no such file.
        InvalidRow: a row is no labelled unit.
    """
    found: dict[str, dict[str, int]] = {}
    for number, line in numbered_lines(path):
        row = row_of(path, number, line, LabelledUnit)
        found.setdefault(row.question, {})[row.text] = row.label
    return found


def judge(question: GoldQuestion, labels: Mapping[str, int], retriever: HybridRetriever, reader: Reader | None) -> Judged:
    """Select evidence for a question, and look its lines up."""
    query = retriever.analyse(question.question, question.history)
    selected = select_evidence(
        query,
        retriever.find(query).hits,
        embedder=retriever.embedder,
        bm25=retriever.snapshot.bm25,
        reranker=retriever.reranker,
        reader=reader,
        settings=EvidenceSettings(),
    )
    known = [labels.get(line.stated) for line in selected.lines]
    first = None if not known or known[0] is None else known[0] == 2
    return Judged(len(known), tuple(label for label in known if label is not None), first)


def main() -> None:
    """Command line."""
    parser = fit_parser(__doc__, None)
    parser.add_argument("--units", type=Path, default=UNITS)
    arguments = parser.parse_args()
    retriever, reader, labels = bundled_retriever(arguments.index), load_reader(), read_units(arguments.units)
    questions = [question for question in read_gold(arguments.questions) if question.id in labels]
    for split in ("dev", "test"):
        asked = [question for question in questions if question.split == split]
        if not asked:
            continue
        judged = [judge(question, labels[question.id], retriever, reader) for question in asked]
        on_point = mean_with_interval(
            [sum(label > 0 for label in each.labels) / len(each.labels) for each in judged if each.labels]
        )
        first = mean_with_interval([float(each.first) for each in judged if each.first is not None])
        off = sum(each.labels.count(0) for each in judged) / len(judged)
        lines, known = sum(each.lines for each in judged), sum(len(each.labels) for each in judged)
        print(f"{split}: n={len(judged)} lines={lines / len(judged):.2f} labelled={known / lines:.2f}")
        print(f"  on the point {on_point.mean:.3f} [{on_point.low:.3f}, {on_point.high:.3f}], off the point {off:.2f} an answer")
        print(f"  first line answers {first.mean:.3f} [{first.low:.3f}, {first.high:.3f}]")


if __name__ == "__main__":
    main()
