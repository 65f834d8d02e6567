"""Lines of the notes as sentences of an answer: their script, their language, and the line above them."""

from __future__ import annotations

import pytest
from test_long_context import WordChecker

from corpus.documents import Chunk, Language, SourceMap
from corpus.results import SearchResult
from generation.draft import Draft
from generation.selection.evidence_lines import EvidenceSentence
from retrieval.query import analyse

QUESTIONS: dict[Language, str] = {
    "zh-Hans": "显著通道有什么作用？",
    "zh-Hant": "顯著通道有什麼作用？",
    "en": "What do salient channels do?",
}


def line(text: str, language: Language) -> EvidenceSentence:
    chunk = Chunk("awq.md", 0, ("AWQ",), text, 0, len(text), SourceMap(), language, 40)
    return EvidenceSentence(chunk, 0, len(text), text, 1.0, text)


def draft(language: Language) -> Draft:
    query = analyse(QUESTIONS[language])
    assert query.language == language
    source = lambda _chunk, start, end: "." * (end - start)  # noqa: E731
    return Draft(query, SearchResult(query.text, (), 1.0), WordChecker(), source, 0.0)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("asked", "note", "language", "shown", "note_language"),
    [
        ("zh-Hans", "显著通道只占 1%。", "zh-Hans", "显著通道只占 1%。", None),  # not 显着
        ("zh-Hant", "显著通道只占 1%。", "zh-Hans", "顯著通道只佔 1%。", "zh-Hans"),
        ("zh-Hant", "而不是只占 1%。", "zh-Hans", "而不是只佔 1%。", "zh-Hans"),  # not 隻
        ("zh-Hans", "顯著通道與激活。", "zh-Hant", "显著通道与激活。", "zh-Hant"),
        ("zh-Hant", "顯著通道與激活。", "zh-Hant", "顯著通道與激活。", None),
        ("en", "显著通道只占 1%。", "zh-Hans", "显著通道只占 1%。", "zh-Hans"),
        ("zh-Hans", "Salient channels are 1%.", "en", "Salient channels are 1%.", "en"),
        ("en", "Salient channels are 1%.", "en", "Salient channels are 1%.", None),
        ("zh-Hans", "$$\ny = Wx\n$$", "zh-Hans", "$$\ny = Wx\n$$", None),  # in a passage of the question's language
    ],
)
def test_a_quotation_is_in_the_script_asked_for_and_says_which_its_note_is_in(
    asked: Language, note: str, language: Language, shown: str, note_language: str | None
) -> None:
    sentence = draft(asked).quote(line(note, language))
    assert sentence is not None
    assert (sentence.text, sentence.note_language) == (shown, note_language)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("- 显著通道只占 1%。", "显著通道只占 1%。"),
        ("显著通道有什么作用？", None),
        ("显著通道的作用是：", None),
        ("显著通道占 99%。", None),
    ],
)
def test_an_opening_states_something_that_a_line_of_the_notes_says(written: str, shown: str | None) -> None:
    answer = draft("zh-Hans")
    sentence = answer.compose(written, [line("显著通道只占 1%。", "zh-Hans")])
    assert (sentence.text if sentence else None) == shown
    assert bool(answer.left_out) == (shown is None)


def test_notes_in_another_language_stand_below_a_line_in_that_of_the_question() -> None:
    foreign, own = draft("en"), draft("en")
    assert list(foreign.quoted([line("显著通道只占 1%。", "zh-Hans")]))
    assert foreign.notice is not None
    assert foreign.notice.isascii()
    assert list(own.quoted([line("Salient channels are 1%.", "en")]))
    assert own.notice is None
