"""Claims made by rule: each change does what it says and marks what it did."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation.training.perturb import (
    Edit,
    change_number,
    change_term,
    exchange_terms,
    flip,
    reverse_cause,
    reword,
    splice,
)
from generation.training.statements import statement

SENTENCES = (
    "LLaMA 2 的上下文长度是 4096，比第一代增加一倍，因此可以处理更长的文档。",
    "由于没有归一化，训练不稳定，最大的学习率只能取 3e-4。",
    "BatchNorm does not depend on other layers, and larger batches make it more stable.",
    "Recall decreases because the index drops 12 of 96 centroids, however latency is lower.",
)


def _changes(sentence: str, rng: Random) -> list[Edit]:
    found = [
        change_number(sentence, sentence, rng),
        change_term(sentence, ("LLaMA", "BatchNorm", "Qwen", "LayerNorm"), rng),
        flip(sentence, rng),
        reverse_cause(sentence),
        splice(sentence, SENTENCES[1], rng),
    ]
    return [edit for edit in found if edit]


@given(st.sampled_from(SENTENCES), st.integers(0, 10_000))
def test_a_change_changes_the_sentence_and_marks_where(sentence: str, seed: int) -> None:
    for edit in _changes(sentence, Random(seed)):
        if edit.kind != "splice":
            assert edit.text != sentence
        assert edit.wrong
        assert all(0 <= start < end <= len(edit.text) for start, end in edit.wrong)


@given(st.sampled_from(SENTENCES), st.integers(0, 10_000))
def test_the_same_seed_makes_the_same_change(sentence: str, seed: int) -> None:
    assert _changes(sentence, Random(seed)) == _changes(sentence, Random(seed))


def test_a_number_is_marked() -> None:
    edit = change_number("长度是 4096。", "长度是 4096。底数是 1234。", Random(0))
    assert edit
    (start, end) = edit.wrong[0]
    assert edit.text[start:end] != "4096"
    assert edit.text[:start] + "4096" + edit.text[end:] == "长度是 4096。"


@pytest.mark.parametrize(
    ("before", "after"),
    [("模型不会使用缓存，是稳定的。", "模型"), ("It is not stable.", "It"), ("延迟会降低。", "延迟"), ("It can fail.", "It")],
)
def test_flipping_keeps_the_subject(before: str, after: str) -> None:
    edit = flip(before, Random(1))
    assert edit
    assert edit.text.startswith(after)
    assert edit.text != before


def test_cause_and_effect_change_places() -> None:
    edit = reverse_cause("由于显存不足，训练中断了。")
    assert edit
    assert edit.text == "由于训练中断了，显存不足。"
    assert [edit.text[a:b] for a, b in edit.wrong] == ["训练中断了", "显存不足"]


def test_terms_change_places_but_not_within_an_enumeration() -> None:
    edit = exchange_terms("RoPE 比 ALiBi 更常用。", ("RoPE", "ALiBi"), Random(0))
    assert edit
    assert edit.text == "ALiBi 比 RoPE 更常用。"
    assert exchange_terms("RoPE 和 ALiBi 都常用。", ("RoPE", "ALiBi"), Random(0)) is None


def test_a_reworded_sentence_has_nothing_wrong() -> None:
    edit = reword("因此可以使用缓存。", Random(0))
    assert edit
    assert edit.text != "因此可以使用缓存。"
    assert edit.wrong == ()


@pytest.mark.parametrize(
    ("question", "answer", "expected"),
    [
        ("《长眠不醒》的作者是谁？", "雷蒙·钱德勒", "《长眠不醒》的作者是雷蒙·钱德勒。"),
        ("广茂铁路由哪家公司管理运营？", "三茂铁路股份有限公司", "广茂铁路由三茂铁路股份有限公司管理运营。"),
        ("荷兰数学奥林匹克比赛在2007年有多少人参赛？", "2742人", "荷兰数学奥林匹克比赛在2007年有2742人参赛。"),
        ("報德國在683年被哪一國併吞？", "新羅", "報德國在683年被新羅併吞。"),
        ("Who wrote the song?", "Richard Berry", "Richard Berry wrote the song."),
        ("为什么天空是蓝色的？", "散射", None),
        ("What did he write in 1990?", "a song", None),
        ("", "x", None),
    ],
)
def test_questions_become_statements_where_that_is_clean(question: str, answer: str, expected: str | None) -> None:
    made = statement(question, answer)
    assert (made[0] if made else None) == expected
    if made:
        start, end = made[1]
        assert made[0][start:end] == answer
