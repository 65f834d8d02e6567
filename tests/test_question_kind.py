"""What a question wants."""

import pytest

from generation.selection.question_kind import aspects, side_of


@pytest.mark.parametrize(
    ("question", "wanted"),
    [
        ("RoPE 是什么？", {"definition"}),
        ("LayerNorm 和 BatchNorm 有什么區別？", {"comparison"}),
        ("為什麼要除以根號 d？", {"reason"}),
        ("GPT-3 有多少参数？", {"number"}),
        ("长度外推有哪些方法？", {"listing"}),
        ("用 PyTorch 写一个 RMSNorm", {"code"}),
        ("rope base llama 3 vs code llama", {"comparison"}),
        ("SwiGLU 激活函数", set()),
        ("loss function of DPO", set()),
        ("Which models use ALiBi?", {"listing"}),
        ("How many layers does GPT-1 have?", {"number"}),
        ("Prove that the score is relative.", {"derivation"}),
        ("重复惩罚的原理", {"definition"}),
        ("两者的目的有什么不一样？", {"comparison"}),
        ("RLHF 和 DPO 比呢？", {"comparison"}),
        ("GPT-4 是哪天发布的？", {"number"}),
        ("帮我推一下显存要多少", {"derivation"}),
        ("Pros and cons of learned positions?", {"comparison"}),
        ("QLoRA 靠哪三个技术省显存", {"listing"}),
        ("能力掉了，按什么顺序去救？", {"steps"}),
        ("In what order are the filters applied?", {"steps"}),
        ("各能跑到峰值的百分之几", {"number"}),
    ],
)
def test_aspects(question: str, wanted: set[str]) -> None:
    assert wanted <= aspects(question)


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
