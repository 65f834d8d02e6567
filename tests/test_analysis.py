"""Terms: a question and the notes that answer it meet across scripts, widths, forms and languages."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from conftest import NOTES
from hypothesis import given
from hypothesis import strategies as st

from corpus.language import to_traditional
from retrieval.analysis import DEFAULT_GLOSSARY, STOP_WORDS, concepts, fold, terms

GLOSSARY: dict[str, list[str]] = tomllib.loads(DEFAULT_GLOSSARY.read_text(encoding="utf-8"))["concepts"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ＡＢＣ１２", "abc12"),
        ("檢索增強", "检索增强"),
        ("ﬁne-Tuning", "fine-tuning"),
        ("x²", "x2"),
        ("Straße", "strasse"),
        ("", ""),
    ],
)
def test_fold(text: str, expected: str) -> None:
    assert fold(text) == expected


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("旋轉位置編碼", "旋转位置编码"),  # script
        ("為什麼量化激活值更難", "为什么量化激活值更难"),
        ("ＲｏＰＥ", "RoPE"),  # width
        ("６７Ｂ", "67b"),
        ("LAYERNORM", "LayerNorm"),  # case
        ("ﬁne", "fine"),  # ligature
        ("rotating rotated", "rotate rotates"),  # form
        ("the models", "a model"),
        ("什么是 RoPE", "RoPE 是什么？"),  # only how it is asked differs
        ("What is the RoPE?", "rope"),
    ],
)
def test_terms_meet(left: str, right: str) -> None:
    assert terms(left) == terms(right) != []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("旋转编码", ["旋转", "转编", "编码"]),  # bigrams
        ("熵", ["熵"]),  # a lone character is a term
        ("int8 fp16", ["int8", "fp16"]),
        ("x-transformers", ["x-transformers", "x", "transform"]),  # a compound, and its parts stemmed
        ("1/256", ["1-256", "1", "256"]),
        ("a_b.c", ["a-b-c", "b", "c"]),
        ("GPT-4o", ["gpt-4o", "gpt", "4o"]),
        ("β 和 θ", ["β", "θ"]),
        ("用GPU跑", ["用", "gpu", "跑"]),  # no space needed
        ("the of and", []),
        ("什么 的 是", []),
        ("！？，。 — (…)", []),
        ("", []),
    ],
)
def test_terms(text: str, expected: list[str]) -> None:
    assert [term for term in terms(text) if not term.startswith("§")] == expected


def test_repeats_are_kept() -> None:
    assert terms("zebra zebra 熵 zebra") == ["zebra", "zebra", "熵", "zebra"]


@pytest.mark.parametrize(
    ("chinese", "english", "concept"),
    [
        ("长度外推", "length extrapolation", "length-extrapolation"),
        ("注意力汇聚", "attention sinks", "attention-sink"),
        ("訓練後量化", "post-training quantization", "ptq"),
        ("困惑度", "PPL", "perplexity"),
        ("重排", "reranker", "reranking"),
        ("灾难性遗忘", "Catastrophic Forgetting", "forgetting"),
    ],
)
def test_a_concept_is_one_term_in_both_languages(chinese: str, english: str, concept: str) -> None:
    assert concepts(chinese) == concepts(english) == (concept,)
    assert f"§{concept}" in set(terms(chinese)) & set(terms(english))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("top-k top k topk TOP-K", ("top-k",) * 4),  # hyphen, space or nothing
        ("fine\n tuning", ("fine-tuning",)),
        ("NTK感知", ("ntk",)),
        ("european rope", ("rope",)),  # Latin names end at word ends
        ("droplora", ()),
        ("RoPE2", ()),
        ("用RoPE做", ("rope",)),
        ("full fine-tuning", ("full-fine-tuning",)),  # the longer name wins
        ("相对位置编码和位置编码", ("relative-position", "positional-encoding")),
        ("LoRA 与 QLoRA 与 LoRA", ("lora", "qlora", "lora")),
        ("nothing of it", ()),
    ],
)
def test_concepts(text: str, expected: tuple[str, ...]) -> None:
    assert concepts(text) == expected


@pytest.mark.parametrize("concept", GLOSSARY)
def test_every_name_of_the_glossary_means_its_concept(concept: str) -> None:
    for name in GLOSSARY[concept]:
        assert concepts(name) == concepts(name.upper()) == concepts(to_traditional(name)) == (concept,), name


def test_no_name_stands_under_two_concepts() -> None:
    names = [fold(name) for group in GLOSSARY.values() for name in group]
    assert sorted(names) == sorted(set(names))


def test_another_glossary_can_be_used(tmp_path: Path) -> None:
    glossary = tmp_path / "mine.toml"
    glossary.write_text('[concepts]\nspeculative-decoding = ["推测解码", "speculative decoding"]\n', encoding="utf-8")
    assert concepts("推測解碼", glossary) == ("speculative-decoding",)
    assert "§speculative-decoding" in terms("Speculative-Decoding", glossary)
    assert concepts("RoPE", glossary) == ()


def test_the_headings_of_the_shipped_notes_meet_themselves_in_the_other_script() -> None:
    headings = [
        line for path in NOTES.glob("zh/*.md") for line in path.read_text(encoding="utf-8").splitlines() if line[:2] == "##"
    ]
    assert len(headings) > 90
    assert [h for h in headings if terms(to_traditional(h)) != terms(h)] == []


# Text of names and joiners finds more corners of the glossary's pattern than any text does.
_names = st.lists(
    st.sampled_from([*(name for group in GLOSSARY.values() for name in group), " ", "-", "--", "\n", "s", "8"]), max_size=6
)


@given(st.text() | _names.map("".join))
def test_any_text_has_terms(text: str) -> None:
    found = terms(text)
    assert set(concepts(text)) <= set(GLOSSARY)
    assert STOP_WORDS.isdisjoint(found)
    assert all(term and not any(c.isspace() for c in term) for term in found)
