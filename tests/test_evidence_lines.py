"""The labels of units: they belong to gold questions, and tell good selections from bad ones."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hash_embedder import HashEmbedder

from corpus.errors import InvalidRow
from eval.evidence_lines import judge, read_units
from eval.gold import DEFAULT_GOLD, GoldQuestion, read_gold
from retrieval.retriever import HybridRetriever
from retrieval.store import IndexStore


def test_every_labelled_unit_belongs_to_an_answerable_gold_question() -> None:
    answerable = {question.id for question in read_gold(DEFAULT_GOLD) if question.answerable}
    labels = read_units()
    assert set(labels) <= answerable
    assert {label for units in labels.values() for label in units.values()} == {0, 1, 2}


def test_a_label_out_of_range_is_named(tmp_path: Path) -> None:
    path = tmp_path / "units.jsonl"
    path.write_text(json.dumps({"question": "a", "path": "b.md", "text": "c", "label": 3}), encoding="utf-8")
    with pytest.raises(InvalidRow, match="label"):
        read_units(path)


def test_lines_without_a_label_are_counted_apart(ingested: IndexStore) -> None:
    embedder = HashEmbedder()
    retriever = HybridRetriever(snapshot=ingested.snapshot(embedder.name), embedder=embedder)
    question = GoldQuestion.model_validate(
        {
            "id": "a",
            "question": "What does QAT do?",
            "lang": "en",
            "kind": "fact",
            "gold_files": ["quantization.md"],
            "must_include": ["simulates"],
            "answerable": True,
            "split": "dev",
        }
    )
    found = judge(question, {}, retriever, None)
    assert found.lines > 0
    assert (found.labels, found.first) == ((), None)
