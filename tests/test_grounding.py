"""A text that a model wrote, sentence by sentence against the notes."""

import pytest

from corpus.documents import Chunk, SourceMap
from generation.grounding import Citations, verify_draft
from generation.verify import support

NOTE = "LoRA 冻结预训练权重，只训练两个秩为 8 的小矩阵。推理时可以把小矩阵合并进权重，因此不增加延迟。"


class WordChecker:
    """The checker's interface over words alone."""

    threshold = 0.75

    def score(self, claims: list[tuple[str, str]]) -> list[float | None]:
        return [support(claim, [context]) for claim, context in claims]


def verify(text: str, *notes: str) -> tuple[list[tuple[str, str]], tuple[str, ...], list[str]]:
    chunks = [
        Chunk("a.md", n, ("LoRA",), note, 0, len(note), SourceMap(), "zh-Hans", 40) for n, note in enumerate(notes or (NOTE,))
    ]
    texts = {chunk.id: chunk.text for chunk in chunks}
    citations = Citations(lambda chunk_id, start, end: texts[chunk_id][start:end])
    checker = WordChecker()
    result = verify_draft(text, chunks, checker, language="zh-Hans", citations=citations)  # type: ignore[arg-type]
    for sentence in result.sentences:
        assert sentence.citations
    return [(s.origin, s.text) for s in result.sentences], result.left_out, [c.quote for c in citations.all()]


def test_a_supported_sentence_is_cited_with_the_note_that_supports_it() -> None:
    shown, left_out, quotes = verify("LoRA 冻结预训练权重。")
    assert shown == [("generated", "LoRA 冻结预训练权重。")]
    assert (left_out, quotes) == ((), ["LoRA 冻结预训练权重，只训练两个秩为 8 的小矩阵。"])


def test_a_wrong_number_is_replaced_by_what_the_notes_say() -> None:
    shown, left_out, _ = verify("LoRA 冻结预训练权重，只训练两个秩为 64 的小矩阵。")
    assert shown == [("quoted", "LoRA 冻结预训练权重，只训练两个秩为 8 的小矩阵。")]
    assert "秩为 64" in left_out[0]


def test_what_the_notes_do_not_say_is_dropped_and_told() -> None:
    shown, left_out, quotes = verify("香蕉富含钾元素。")
    assert (shown, quotes) == ([], [])
    assert "香蕉" in left_out[0]


@pytest.mark.parametrize("mark", ["[9]", "[1][2]"])
def test_citation_marks_that_the_model_made_up_count_for_nothing(mark: str) -> None:
    shown, _, quotes = verify(f"LoRA 冻结预训练权重{mark}。")
    assert shown == [("generated", "LoRA 冻结预训练权重。")]
    assert len(quotes) == 1


class Believer(WordChecker):
    """A checker that takes everything for supported."""

    def score(self, claims: list[tuple[str, str]]) -> list[float | None]:
        return [1.0 for _ in claims]


@pytest.mark.parametrize(("by_words", "origins"), [(False, ["generated"]), (True, [])])
def test_a_small_model_has_to_follow_the_words_of_the_notes(by_words: bool, origins: list[str]) -> None:
    chunk = Chunk("a.md", 0, ("LoRA",), NOTE, 0, len(NOTE), SourceMap(), "zh-Hans", 40)
    citations = Citations(lambda _, start, end: NOTE[start:end])
    said = "两个矩阵的初始化方法是相同的，但是参数不同。"
    result = verify_draft(said, [chunk], Believer(), language="zh-Hans", citations=citations, by_words=by_words)  # type: ignore[arg-type]
    assert [sentence.origin for sentence in result.sentences] == origins


def test_the_same_sentence_is_shown_once() -> None:
    assert len(verify("LoRA 冻结预训练权重。LoRA 冻结预训练权重。")[0]) == 1


@pytest.mark.parametrize("text", ["", "。。。", "[3]"])
def test_a_text_that_says_nothing(text: str) -> None:
    assert verify(text) == ([], (), [])


def test_without_passages_nothing_is_supported() -> None:
    citations = Citations(lambda *_: "")
    result = verify_draft("LoRA 冻结权重。", [], WordChecker(), language="zh-Hans", citations=citations)  # type: ignore[arg-type]
    assert not result.sentences
    assert len(result.left_out) == 1
