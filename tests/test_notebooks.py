"""The messy notes that are kept to measure with: their questions are gold questions, and what they ask for is in the files."""

from __future__ import annotations

from pathlib import Path

import pytest

from eval.gold import read_gold, states
from generation.training.judgements import JUDGEMENTS, read_judgements
from retrieval.training.datasets import part_of

NOTEBOOKS = sorted((JUDGEMENTS[0].parent / "notebooks").iterdir())


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.name)
def test_the_facts_of_an_answer_are_in_its_file(notebook: Path) -> None:
    questions = read_gold(notebook / "questions.jsonl")
    near = sum(not question.answerable for question in questions)
    assert (len(questions), near) in {(84, 24), (54, 18), (53, 17)}
    for question in questions:
        told = "\n".join((notebook / "notes" / name).read_text(encoding="utf-8") for name in question.gold_files)
        missing = [fact for fact in question.must_include if not states(told, fact)]
        assert (question.id, missing) == (question.id, [])


def test_near_misses_have_no_unit_that_answers() -> None:
    near = {q.id for notebook in NOTEBOOKS for q in read_gold(notebook / "questions.jsonl") if not q.answerable}
    rows = read_judgements(*JUDGEMENTS)
    answered = [row.id for row in rows if row.id.removeprefix("nb-") in near and any(unit.label == 2 for unit in row.units)]
    assert answered == []


def test_questions_of_topics_that_the_reader_learned_from_are_not_measured_with() -> None:
    learned = {row.topic for row in read_judgements(*JUDGEMENTS) if part_of(row.topic) == "train"}
    questions = [question for notebook in NOTEBOOKS for question in read_gold(notebook / "questions.jsonl")]
    assert {question.split for question in questions} == {"train", "dev", "test"}
    assert [q.id for q in questions if (q.split == "train") != (q.topic in learned)] == []
    assert {q.topic for q in questions if q.split == "dev"}.isdisjoint(q.topic for q in questions if q.split != "dev")
