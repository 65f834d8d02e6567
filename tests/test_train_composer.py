"""The adapter that composes: what it is trained on, and that what the training writes is used as such."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_language_model import save_tiny_model

from corpus.errors import InvalidRow
from generation.finetuning.base import load_base
from generation.finetuning.training import TrainSettings
from generation.models.adapter import is_composer
from generation.models.language_model import Decoding
from generation.models.model_loading import load_language_model
from generation.training.train_composer import COMPOSITIONS, Composition, examples_of, read_compositions, train_composer


def composition(topic: str, *, lines: int = 4, lang: str = "en") -> Composition:
    evidence = (f"{topic} is the answer.", *(f"Line {n} is about something else." for n in range(1, lines)))
    return Composition.model_validate(
        {
            "id": topic,
            "topic": topic,
            "lang": lang,
            "question": f"What is {topic}?",
            "evidence": evidence,
            "answer": f"{topic} is the answer.",
        }
    )


@given(st.integers(1, 7), st.integers(1, 4), st.integers(0, 5))
def test_whole_topics_are_held_out_and_the_line_that_answers_is_always_there(lines: int, passes: int, seed: int) -> None:
    data = examples_of([composition(f"topic {n}", lines=lines) for n in range(40)], passes, seed)
    assert not {example.section for example in data.train} & {example.section for example in data.sections}
    assert len(data.train) == passes * (40 - len(data.sections))
    for example in (*data.train, *data.sections):
        assert f"{example.section} is the answer." in example.prompt
        assert example.prompt.endswith(f"Question: What is {example.section}?\nAnswer:")


def test_chinese_is_learned_in_one_script() -> None:
    row = {
        "id": "a",
        "topic": "b",
        "lang": "zh-Hant",
        "question": "這是什麼？",
        "evidence": ["這是詞嵌入。"],
        "answer": "這是詞嵌入。",
    }
    data = examples_of([Composition.model_validate(row)], 1)
    (example,) = (*data.train, *data.sections)
    assert (example.prompt, example.answer) == ("资料：\n[1] 这是词嵌入。\n\n问题：这是什么？\n回答：", "这是词嵌入。")


def test_a_row_that_is_no_composition_is_named(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps({"id": "a", "evidence": []}), encoding="utf-8")
    with pytest.raises(InvalidRow, match="1"):
        read_compositions(path)


def test_our_compositions_can_be_read_and_keep_to_their_lines() -> None:
    rows = read_compositions(COMPOSITIONS)
    assert len({row.id for row in rows}) == len(rows)
    assert all("\n" not in row.answer and row.answer[-1] in "。.！？）)" for row in rows)


@pytest.mark.slow
def test_what_the_training_writes_is_loaded_as_a_composer(tmp_path: Path) -> None:
    folder, out = save_tiny_model(tmp_path / "tiny"), tmp_path / "composer"
    data = examples_of([composition(f"topic {n}") for n in range(8)], 1)
    train_composer(load_base(str(folder)), data, TrainSettings(rank=2, batch=4, epochs=1), out)
    assert is_composer(out)
    assert json.loads((out / "composer.json").read_text(encoding="utf-8"))["stopped"] == "steps"
    model = load_language_model(str(folder), decoding=Decoding(max_tokens=4), adapter=out)
    assert (model.composes, model.adapter) == (True, "composer")
