"""Chunks: nothing lost, nothing cut that should not be, and every offset exact."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.documents import Chunk, RawDocument
from ingest.chunk import chunk
from ingest.clean import clean
from ingest.duplicates import near_duplicates
from ingest.parse import parse


def count_tokens(text: str) -> int:
    """About what the embedding model counts: an ideograph, a word or a mark each."""
    return len(re.findall(r"[\u4e00-\u9fff]|[A-Za-z0-9]+|[^\s\w]", text))


def chunks_of(text: str, budget: int = 40) -> tuple[Chunk, ...]:
    document = clean(RawDocument("a.md", text, "", "text/markdown"))
    return chunk(document, parse(document), count_tokens=count_tokens, budget=budget)


def test_the_small_parts_of_an_answer_stay_together() -> None:
    first, second = chunks_of("# 什么是 LoRA？\n低秩微调。\n## 优点\n- 省显存\n## 缺点\n- 秩难选\n\n# 什么是 SFT？\n有监督微调。")
    assert first.heading == ("什么是 LoRA？",)
    assert first.text == "低秩微调。\n## 优点\n- 省显存\n## 缺点\n- 秩难选"
    assert (second.heading, second.text) == (("什么是 SFT？",), "有监督微调。")
    assert (first.ordinal, second.ordinal) == (0, 1)


def test_questions_are_not_merged() -> None:
    assert [c.text for c in chunks_of("1. 什么是甲？\n是这个。\n2. 什么是乙？\n是那个。")] == ["是这个。", "是那个。"]


def test_scraps_are_merged_under_their_parent() -> None:
    (only,) = chunks_of("# 术语\n## 词元\n最小单位。\n## 词表\n全部词元。")
    assert only.heading == ("术语",)
    assert only.text == "## 词元\n最小单位。\n## 词表\n全部词元。"


def test_long_sections_are_cut_between_sentences_into_even_parts() -> None:
    sentence = "注意力机制对所有位置的值加权求和。"
    found = chunks_of(f"# 什么是注意力？\n{sentence * 7}", budget=60)
    assert [c.text for c in found] == [sentence * 3, sentence * 2, sentence * 2]
    assert all(c.heading == ("什么是注意力？",) for c in found)


def test_formulas_tables_and_code_stay_whole() -> None:
    formula = "$$\nL = -\\sum_i \\log p(x_i). \\\\\ny = 1\n$$"
    code = "```python\nx = 1\n\nprint(x)\n```"
    row = "| 方法 | 说明。很长。 |"
    text = f"# 题\n{'前面的话要足够长才行。' * 3}\n{formula}\n{'中间的话要足够长才行。' * 3}\n{code}\n{row}"
    pieces = [c.text for c in chunks_of(text, budget=45)]
    assert len(pieces) > 2
    for whole in (formula, code, row):
        assert sum(whole in piece for piece in pieces) == 1


def test_a_unit_over_the_budget_is_cut_without_loss() -> None:
    text = "字" * 100
    pieces = chunks_of(f"# 题\n{text}", budget=30)
    assert "".join(c.text for c in pieces) == text
    assert all(c.tokens <= 30 for c in pieces)


def test_spans_lead_to_the_source_across_removals() -> None:
    text = "# 题\n????前文&nbsp;在此，ＡＢ。\n点赞 1 收藏 2\n后文。\n"
    (only,) = chunks_of(text)
    assert only.text == "前文 在此，AB。\n后文。"
    assert text[only.start : only.end] == "前文&nbsp;在此，ＡＢ。\n点赞 1 收藏 2\n后文。"
    start = only.text.index("后文")
    assert text[slice(*only.source_span(start, start + 2))] == "后文"


def test_pages_and_languages() -> None:
    raw = RawDocument("a.pdf", "第一页。\n\n第二页。", "", "application/pdf", "", (0, 6))
    document = clean(raw)
    (only,) = chunk(document, parse(document), count_tokens=count_tokens)
    assert (only.page, only.language) == (1, "zh-Hans")


def test_equal_passages_have_different_ids() -> None:
    first, second = chunks_of("# 甲？\n同样的话。\n# 甲？\n同样的话。")
    assert (first.repeat, second.repeat) == (0, 1)
    assert first.id != second.id


LINES = st.sampled_from(
    [
        "# 标题", "## 什么是小节？", "1. 什么是甲？", "2. 乙", "优点", "这是一句正文。它后面还有一句，稍微长一些。", "- 列表项一",
        "```", "code()", "$$", "x = 1", "| a | b |", "", "答：是的。", "A sentence in English. And one more!", "????",
        "点赞 1 收藏 2", "&nbsp;缩进", "行内 $x_1. y$ 公式。",
    ]
)  # fmt: skip
TEXTS = st.lists(LINES | st.text(max_size=12), max_size=40).map("\n".join)
BUDGETS = st.integers(8, 60)


def squeezed(text: str) -> str:
    return "".join(text.split())


@settings(max_examples=300, deadline=None)
@given(TEXTS, BUDGETS)
def test_chunks_joined_give_the_sections(text: str, budget: int) -> None:
    document = clean(RawDocument("a.md", text, "", "text/markdown"))
    sections = parse(document)
    chunks = chunk(document, sections, count_tokens=count_tokens, budget=budget)
    joined = squeezed("".join(c.text for c in chunks))
    at = 0
    for body in (squeezed(document.text[section.start : section.end]) for section in sections):
        # Merged passages hold the heading lines between bodies as well.
        found = joined.find(body, at)
        assert found >= at
        at = found + len(body)
    assert all(squeezed(c.text) in squeezed(document.text) for c in chunks)


@settings(max_examples=300, deadline=None)
@given(TEXTS, BUDGETS)
def test_every_character_of_a_chunk_leads_to_its_source(text: str, budget: int) -> None:
    document = clean(RawDocument("a.md", text, "", "text/markdown"))
    replaced = {at for removal in document.removals for at in range(removal.start, removal.end)}
    last = 0
    for piece in chunk(document, parse(document), count_tokens=count_tokens, budget=budget):
        assert last <= piece.start <= piece.end <= len(text)
        last = piece.end
        assert piece.source_span(0, len(piece.text)) == (piece.start, piece.end)
        for at, char in enumerate(piece.text):
            origin = piece.source_map.to_source(at)
            assert text[origin] == char or origin in replaced


@settings(max_examples=200, deadline=None)
@given(TEXTS, BUDGETS)
def test_the_budget_is_kept(text: str, budget: int) -> None:
    assert all(piece.tokens <= budget for piece in chunks_of(text, budget))


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ("检索增强生成先从知识库中检索相关的文档，再把它们作为上下文交给模型生成答案，因此可以使用最新的知识。",
         "檢索增強生成先從知識庫中檢索相關的文檔，再把它們作為上下文交給模型生成答案，因此可以使用最新的知識！", True),
        ("检索增强生成先从知识库中检索相关的文档，再把它们作为上下文交给模型生成答案，因此可以使用最新的知识。",
         "微调在特定任务的数据上继续训练模型的权重，因此可以改变模型的风格和能力，但知识不容易更新，成本也更高。", False),
        ("太短了。", "太短了。", False),
    ],
)  # fmt: skip
def test_near_duplicates(left: str, right: str, same: bool) -> None:
    chunks = [*chunks_of(f"# 甲？\n{left}", 200), *chunks_of(f"# 乙？\n{right}", 200)]
    assert near_duplicates(chunks) == ((tuple(c.id for c in chunks),) if same else ())
