"""The lexicon: words of both languages that mean the same become one term."""

from __future__ import annotations

import re
import tomllib
from collections import Counter

import pytest

from corpus.language import to_simplified
from retrieval.analysis import DEFAULT_GLOSSARY, fold, stem
from retrieval.lexicon import DEFAULT_LEXICON, bridge_terms


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ("What does it cost?", "成本是多少？"),
        ("of a high frequency", "高频分量"),
        ("for what reasons", "原因有哪些"),
        ("costs", "開銷"),
    ],
)
def test_both_languages_share_a_term(english: str, chinese: str) -> None:
    assert set(bridge_terms(english)) & set(bridge_terms(chinese))


def test_terms_cannot_be_words_of_a_text() -> None:
    assert bridge_terms("cost cost") == ["¤cost", "¤cost"]
    assert bridge_terms("") == bridge_terms("xyz") == []


def test_every_form_stands_once() -> None:
    """In the lexicon and the glossary together; a form in two entries would join what is not the same."""
    words = tomllib.loads(DEFAULT_LEXICON.read_text(encoding="utf-8"))["words"]
    concepts = tomllib.loads(DEFAULT_GLOSSARY.read_text(encoding="utf-8"))["concepts"]
    forms = [fold(form) for group in words.values() for form in group]
    assert all(form == to_simplified(form) for form in forms)
    entries = {(tuple(map(stem, re.split(r"\W+", form))), word) for word, group in words.items() for form in map(fold, group)}
    assert [form for form, count in Counter(form for form, _ in entries).items() if count > 1] == []
    glossary = {fold(form) for group in concepts.values() for form in group}
    assert sorted(set(forms) & glossary) == []
