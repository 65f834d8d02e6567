"""What a question wants, and what it is made of."""

import pytest

from generation.question_kind import aspects, parts, side_of


@pytest.mark.parametrize(
    ("question", "wanted"),
    [
        ("RoPE 是什么？", {"definition"}),
        ("LayerNorm 和 BatchNorm 有什么區別？", {"comparison"}),
        ("為什麼要除以根號 d？", {"reason"}),
        ("GPT-3 有多少参数？", {"number"}),
        ("长度外推有哪些方法？", {"listing"}),
        ("用 PyTorch 写一个 RMSNorm", {"code"}),
        ("Which models use ALiBi?", {"listing"}),
        ("How many layers does GPT-1 have?", {"number"}),
        ("Prove that the score is relative.", {"derivation"}),
    ],
)
def test_aspects(question: str, wanted: set[str]) -> None:
    assert wanted <= aspects(question)


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("PI 扩到 8192 的时候，位置下标怎么变？副作用是什么？", ("PI 扩到 8192 的时候 位置下标怎么变", "副作用是什么")),
        (
            "What does DeepNorm change, and how many layers did it train?",
            ("What does DeepNorm change", "how many layers did it train?"),
        ),
        ("什么是 RAG？", ("什么是 RAG？",)),
        ("", ("",)),
    ],
)
def test_parts(question: str, found: tuple[str, ...]) -> None:
    assert tuple(part.rstrip("?？") for part in parts(question)) == tuple(part.rstrip("?？") for part in found)


@pytest.mark.parametrize(
    ("text", "side"),
    [
        ("RAG 有什么缺点？", "bad"),
        ("优点：", "good"),
        ("優勢", "good"),
        ("What are the drawbacks of RAG?", "bad"),
        ("Advantages", "good"),
        ("优缺点各是什么？", None),
        ("Pros and cons", None),
        ("RAG 是什么？", None),
        ("Disadvantages", "bad"),
    ],
)
def test_which_side_of_a_subject_is_asked_for_or_told(text: str, side: str | None) -> None:
    assert side_of(text) == side
