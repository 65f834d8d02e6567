"""Sentence boundaries in Chinese and English."""

from __future__ import annotations

import pytest
from conftest import NOTES
from hypothesis import given
from hypothesis import strategies as st

from corpus.sentences import sentence_spans, sentences


@pytest.mark.parametrize(
    "expected",
    [
        # Chinese
        ("它旋转查询和键。", "内积只依赖相对位置。"),
        ("为什么？", "因为正交矩阵保持长度！", "还有呢……", "没有了。"),
        ("它分两步：先检索；", "再生成。"),
        ("斜率为 1/2、1/4、……、1/256。", "共 8 个。"),
        ("他说：“检索很快。”", "然后停下了。"),
        ("（见《综述》。）", "下一句。"),
        ("没有句号的一行",),
        # English
        ("Interleaved pairs (0,1),(2,3)… (the paper) vs halves.", "It is a trap."),
        ("The slopes are 1/2, 1/4, …, 1/256.", "There are 8."),
        ("RoPE rotates queries and keys.", "The dot product depends on relative position only."),
        ("Is it fast?", "Yes!", "Very."),
        ("Really?!", "Yes."),
        ('He said "it works."', "Then he left."),
        ("It works (see the appendix).", "[1] says so."),
        ("LLaMA uses RoPE.", "GPT-2 learns its positions."),  # an acronym is no initial
        ("What is GPT-4?", "It is a model."),
        ("Was it released in 2023?", "Yes."),
        # both
        ("它用 RoPE.", "不是 ALiBi."),
        ("用的是 GPT-4?", "不是。"),
        ("原因有二：1. 数据更长；", "2. 书籍没有发布。"),
    ],
)
def test_sentences_end_where_they_end(expected: tuple[str, ...]) -> None:
    separator = "" if any("\u4e00" <= c <= "\u9fff" for c in "".join(expected)) else " "
    assert sentences(separator.join(expected)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "It works with e.g. RoPE and i.e. Rotary embeddings.",
        "See Fig. 3, Eq. 2 and Sec. 4 of Su et al. 2021, cf. Press et al. 2022 vs. Chen.",
        "J. Su wrote it.",
        "It takes approx. 3 hours.",
        "The temperature is 0.7 and top-p is 0.95 in v2.0 of vLLM.",
        "See https://arxiv.org/abs/2104.09864 or model.safetensors for more.",
        "精度为 3.14，版本 2.0 的模型",
        "There are n = 3! permutations",
        "1. Compute the queries and keys.",
        "2. 这些书籍没有发布。",
        "在 The Curious Case of Neural Text Generation.中，作者提出了 top-p。",
        "公式 $a。b！c; d. E$ 在这里",
        "同學問「那為什麼會快？還不是要還原」→ 省的是搬運。",
        "面试官问“怎么做的？为什么这样做”时，先说结论。",
        "the call `f(x)! Then. Stop。` returns",
        "$$\nQ K^T。\nA. B\n$$",
        "```python\nx = 1. # One. Two。\ny = 2\n```",
    ],
)
def test_what_is_no_end(text: str) -> None:
    assert sentences(text) == (text,)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("第一行\n第二行\n\n第三行", ("第一行", "第二行", "第三行")),
        ("- one\n- two", ("- one", "- two")),
        ("1. First. Then more.\n2. Second.", ("1. First.", "Then more.", "2. Second.")),
        ("It costs $5. That is $6 less than before.", ("It costs $5.", "That is $6 less than before.")),
        ("`a.` is code. So is `b.`", ("`a.` is code.", "So is `b.`")),
        ("before\n```\ncode. More\n```\nafter", ("before", "```\ncode. More\n```", "after")),
        ("一个没有闭合的 `反引号。第二句。", ("一个没有闭合的 `反引号。", "第二句。")),
        ("", ()),
        (" \n\t\n ", ()),
    ],
)
def test_lines_and_marks(text: str, expected: tuple[str, ...]) -> None:
    assert sentences(text) == expected


# Characters that mean something to the splitter are as likely as all others together.
_TEXT = st.text(st.one_of(st.sampled_from("。！？；…”》.!?\"')] \n$`1Aa中e.g"), st.characters(exclude_categories=["Cs"])))


@given(_TEXT)
def test_spans_are_in_order_and_only_white_space_lies_between(text: str) -> None:
    spans = sentence_spans(text)
    edges = [0, *(edge for span in spans for edge in span), len(text)]
    assert edges == sorted(edges)
    assert all(not text[a:b].strip() for a, b in zip(edges[::2], edges[1::2], strict=True))
    assert all(text[a:b] == text[a:b].strip() != "" for a, b in spans)


@given(
    st.lists(st.sampled_from(["它很快。", "为什么？", "It is fast.", "Why?", "用 $x。y$ 表示。", "Run `a. B` now."]), max_size=6)
)
def test_sentences_on_lines_of_their_own_come_back(lines: list[str]) -> None:
    assert sentences("\n".join(lines)) == tuple(lines)


@pytest.mark.parametrize("folder", ["zh", "en"])
def test_a_sentence_of_a_shipped_note_splits_no_further(folder: str) -> None:
    found = [s for path in sorted(NOTES.glob(f"{folder}/*.md")) for s in sentences(path.read_text(encoding="utf-8"))]
    assert len(found) > 500
    assert [s for s in found if sentences(s) != (s,)] == []
