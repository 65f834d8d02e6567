"""Structure: headings in all the styles in which notes have them, and what only looks like one."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.documents import Document, RawDocument, SourceMap
from ingest.parse import parse
from ingest.parsing.plain import chinese_number
from ingest.parsing.questions import is_question, without_ornament

Outline = list[tuple[str, ...]]


def document(text: str) -> Document:
    return Document(RawDocument("a.md", text, "", "text/markdown"), text, SourceMap())


def outline(text: str) -> Outline:
    return [section.heading for section in parse(document(text))]


NESTED = """1.為什麼要用多頭注意力
每個頭學習不同的關係，因此表達能力更強。
2.ReLU 和 GELU 有什麼區別?
兩者都是激活函數，形狀不同，下面分別說明它們。
ReLU(Rectified Linear Unit)
把負數截斷為零。
優點
- 計算簡單
缺點
- 神經元可能失活
GELU(Gaussian Error Linear Unit)
按高斯分布的累積函數加權。
優點
- 處處平滑
缺點
- 計算較慢
總結
大模型多用 GELU。
3.為什麼訓練時需要學習率預熱?
訓練初期梯度不穩定，需要較小的學習率。
1. 參數還是隨機的
梯度方向不可靠，步子太大會發散。
2. 動量還沒有累積
二階矩的估計偏差很大。
4. 說一下混合精度訓練
用半精度計算，用單精度保存權重。"""


def test_numbers_inside_an_answer_are_not_new_questions() -> None:
    second, third = "2.ReLU 和 GELU 有什麼區別?", "3.為什麼訓練時需要學習率預熱?"
    relu, gelu = "ReLU(Rectified Linear Unit)", "GELU(Gaussian Error Linear Unit)"
    assert outline(NESTED) == [
        ("1.為什麼要用多頭注意力",),
        (second,),
        (second, relu),
        (second, relu, "優點"),
        (second, relu, "缺點"),
        (second, gelu),
        (second, gelu, "優點"),
        (second, gelu, "缺點"),
        (second, "總結"),
        (third,),
        (third, "1. 參數還是隨機的"),
        (third, "2. 動量還沒有累積"),
        ("4. 說一下混合精度訓練",),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # Marked headings
        ("# 一\n甲\n## 二\n乙\n# 三\n丙", [("一",), ("一", "二"), ("三",)]),
        ("前言\n\n## 什么是 RAG？\n检索增强生成。", [("前言",), ("什么是 RAG？",)]),
        ("标题\n===\n正文。\n\n小节\n---\n正文。", [("标题",), ("标题", "小节")]),
        ("## 1. What are _Large Language Models_ and *d_model*?\nText.",
         [("1. What are Large Language Models and d_model?",)]),
        ("##没有空格\n正文。", [("没有空格",)]),
        ("### **4.1 旋转位置编码 `RoPE` 思路是什么?** ###\n正文。", [("4.1 旋转位置编码 RoPE 思路是什么?",)]),
        # What is no heading
        ("# 甲\n```bash\n# 安装\npip install x\n```\n完。", [("甲",)]),
        ("这一句话写完了。\n---\n另一句话。", [()]),
        ("- 甲\n-\n作用：很快\n- 乙", [()]),
        ("#标签 #另一个\n\n正文。", [()]),
        ("步骤如下：\n1. 分词\n2. 训练\n3. 评估\n最后部署。", [()]),
        ("1. 它的第一步是把文本切开。\n2. 第二步是统计频率。", [()]),
        ("2.5 倍的速度，用一半的显存。\n完。", [()]),
        ("模型规模对比，见下面。\n\n1.17 亿\n\n约 5GB\n\n15 亿\n\n40GB\n\n正文到这里才开始。", [()]),
        ("作用：\n1. 学习率可以更大；\n2. 减弱对初始化的依赖\n3. 数值更稳定；\n完。", [()]),
        # Questions
        ("1. 什么是注意力？\n加权求和。\n2. 什么是掩码？\n遮住未来。", [("1. 什么是注意力？",), ("2. 什么是掩码？",)]),
        ("**Q1：什么是预热？**\n\nA：慢慢升高。\n\n**Q2：什么是衰减？**\n\nA：慢慢降低。",
         [("Q1：什么是预热？",), ("Q2：什么是衰减？",)]),
        ("问：什么是幻觉？\n答：编造。\n问：怎么缓解？\n答：检索。", [("问：什么是幻觉？",), ("问：怎么缓解？",)]),
        ("说说 BM25 的公式\n💡 对词频做饱和。", [("说说 BM25 的公式",)]),
        ("1) Explain scaling.\nIt changes the base.\n2) What is ALiBi?\nA bias.",
         [("1) Explain scaling.",), ("2) What is ALiBi?",)]),
        ("## 面试题\n**为什么用残差？**\n梯度更好传播。", [("面试题",), ("面试题", "为什么用残差？")]),
        ("1. 什么是 A 模型？\n2. 什么是 B 模型？\n它是另一个。", [("1. 什么是 A 模型？",), ("2. 什么是 B 模型？",)]),
        ("# 题库\n1. 什么是 A？\n2. 什么是 B？\n3. 什么是 C？\n4. 什么是 D？", [("题库",)]),
        ("1. 什么是 A？\n2. 什么是 B？\n3. 什么是 C？\n它是第三个。", [(), ("3. 什么是 C？",)]),
        ("一、基础\n1. 什么是词表？\n词的集合。\n二、进阶\n1. 什么是蒸馏？\n教小模型。", [
            ("一、基础",), ("一、基础", "1. 什么是词表？"), ("二、进阶",), ("二、进阶", "1. 什么是蒸馏？"),
        ]),
    ],
)  # fmt: skip
def test_styles_of_headings(text: str, expected: Outline) -> None:
    assert outline(text) == expected


def test_sections_know_whether_they_ask() -> None:
    sections = parse(document("# RAG\n甲。\n## RAG 是什么？\n乙。\n## 介绍一下流程\n丙。"))
    assert [section.is_question for section in sections] == [False, True, True]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("什么是 RoPE？", True),
        ("8. 講一下GPT的演進", True),
        ("请简述 PPO 的流程", True),
        ("LoRA 与全量微调的区别", True),
        ("Why do we scale by sqrt(d)?", True),
        ("Explain KV cache", True),
        ("优点", False),
        ("训练数据", False),
        ("Post-LayerNorm", False),
        ("分析结果", False),
        ("对比实验", False),
        ("对比一下两种方法", True),
    ],
)
def test_is_question(line: str, expected: bool) -> None:
    assert is_question(line) is expected


def test_ornament_is_taken_off() -> None:
    assert without_ornament("### **4.1 什么是掩码？**") == "什么是掩码？"
    assert without_ornament("Q3：什么是掩码？") == "什么是掩码？"


@pytest.mark.parametrize(("text", "value"), [("一", 1), ("十", 10), ("十二", 12), ("二十", 20), ("二十一", 21), ("7", 7)])
def test_chinese_numbers(text: str, value: int) -> None:
    assert chinese_number(text) == value


LINES = st.sampled_from(
    ["# 标题", "## 小节", "1. 什么是甲？", "2. 乙", "一、章", "**粗体**", "优点",
     "正文在此。", "- 项", "-", "```", "# 代码", "$$", "| a | b |", "", "答：是。",
     "Q：问？", "---"]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(LINES | st.text(max_size=12), max_size=30).map("\n".join))
def test_sections_cover_the_text_in_order(text: str) -> None:
    sections = parse(document(text))
    at = 0
    for section in sections:
        assert at <= section.start <= section.end <= len(text)
        between = text[at : section.start].strip()
        # Between two bodies lies nothing but the heading lines.
        assert not between or section.heading
        at = section.end
    assert not text[at:].strip()
