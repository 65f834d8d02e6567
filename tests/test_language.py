"""Languages and scripts: what a text is in, and both Chinese scripts folded onto one."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import NOTES
from hypothesis import given
from hypothesis import strategies as st

from corpus.documents import Language
from corpus.language import detect_language, to_simplified, to_traditional


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("什么是旋转位置编码？", "zh-Hans"),
        ("什麼是旋轉位置編碼？", "zh-Hant"),
        ("What is rotary position embedding?", "en"),
        ("RoPE 是什么？", "zh-Hans"),
        ("RoPE 是什麼？", "zh-Hant"),
        ("LoRA、QLoRA、Prefix Tuning 的区别", "zh-Hans"),  # most words are English, the question is Chinese
        ("The title 旋转 is Chinese, and the whole of the rest of this sentence is not.", "en"),
        ("位置", "zh-Hans"),  # written alike in both scripts
        ("模型的參數量（parameters）與显存有關係嗎？", "zh-Hant"),  # mixed, mostly traditional
        ("これは日本語のテストです", "other"),
        ("이것은 한국어 문장입니다", "other"),
        ("Это предложение на русском языке", "other"),
        ("3.14 + 2 = 5.14", "other"),
        ("", "other"),
    ],
)
def test_detect_language(text: str, language: Language) -> None:
    assert detect_language(text) == language


@pytest.mark.parametrize("path", sorted(NOTES.rglob("*.md")), ids=lambda path: path.relative_to(NOTES).as_posix())
def test_the_shipped_notes_are_in_the_language_of_their_folder(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    chinese = path.parent.name == "zh"
    assert detect_language(text) == ("zh-Hans" if chinese else "en")
    assert detect_language(to_traditional(text)) == ("zh-Hant" if chinese else "en")


@pytest.mark.parametrize(
    ("traditional", "simplified"),
    [
        ("檢索增強生成", "检索增强生成"),
        ("訓練資料與損失函數", "训练资料与损失函数"),
        ("量化後的權重", "量化后的权重"),
        ("為什麼", "为什么"),
        ("裏面著重說明", "里面着重说明"),  # variants that a plain t2s leaves
        ("頭髮與發展", "头发与发展"),  # two characters fall together
        ("RoPE is 旋轉", "RoPE is 旋转"),
    ],
)
def test_to_simplified(traditional: str, simplified: str) -> None:
    assert to_simplified(traditional) == simplified


@pytest.mark.parametrize(("simplified", "traditional"), [("头发", "頭髮"), ("发展", "發展"), ("位置编码", "位置編碼")])
def test_to_traditional(simplified: str, traditional: str) -> None:
    assert to_traditional(simplified) == traditional


@given(st.text(st.characters(max_codepoint=0x2FFF)))
def test_text_without_chinese_is_left_alone(text: str) -> None:
    assert to_simplified(text) == to_traditional(text) == text


@given(st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF), max_size=20))
def test_folding_keeps_every_position(text: str) -> None:
    assert len(to_simplified(text)) == len(text)


def test_folding_undoes_conversion_on_the_shipped_notes() -> None:
    headings = [
        line for path in NOTES.glob("zh/*.md") for line in path.read_text(encoding="utf-8").splitlines() if line[:1] == "#"
    ]
    assert len(headings) > 90
    assert [to_simplified(to_traditional(heading)) for heading in headings] == [to_simplified(heading) for heading in headings]
