"""Notes in the shapes in which people have them, through cleaning, parsing and cutting: headings and texts of the chunks."""

from __future__ import annotations

import pytest
from hash_embedder import HashEmbedder

from corpus.documents import Chunk, RawDocument
from ingest.plan import prepare


def chunks_of(text: str, path: str = "a.md") -> tuple[Chunk, ...]:
    return prepare(RawDocument(path, text, "", "text/markdown"), HashEmbedder().count_tokens, 320)[1]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        # Bold questions stand beside each other, whatever number is printed above them.
        ("**什么是A？**\n\n甲。\n\n**什么是B？**\n\n乙。\n", [("什么是A？", "甲。"), ("什么是B？", "乙。")]),
        ("**01**\n\n**什么是A？**\n\n甲。\n\n**02**\n\n**什么是B？**\n\n乙。\n", [("什么是A？", "甲。"), ("什么是B？", "乙。")]),
        ("# 面经\n\n**1、自我介绍**\n\n**2、数据怎么清洗？**\n\n去重。\n",
         [("面经", "**1、自我介绍**"), ("2、数据怎么清洗？", "去重。")]),
        # Formulas and identifiers in a question.
        ("1. 为什么除以 $\\sqrt{d_k}$？\n因为方差。\n2. batch_size 怎么选？\n看显存。\n",
         [("1. 为什么除以 $\\sqrt{d_k}$？", "因为方差。"), ("2. batch_size 怎么选？", "看显存。")]),
        # Questions and answers in brackets; prompts that end in a full stop.
        ("【问题1】什么是涌现？\n【答】规模大了才有。\n【问题2】什么是蒸馏？\n【答】大教小。\n",
         [("【问题1】什么是涌现？", "【答】规模大了才有。"), ("【问题2】什么是蒸馏？", "【答】大教小。")]),
        ("1、简述掩码预训练。\n\n答：遮住一部分词。\n\n2、简述因果预训练。\n\n答：预测下一个词。\n",
         [("1、简述掩码预训练。", "答：遮住一部分词。"), ("2、简述因果预训练。", "答：预测下一个词。")]),
        # Numbers of several depths: the next chapter follows its subsections, and stands above its own.
        ("4.4 有哪些应用？\nLLaMA。\n5.為什麼要外推？\n訓練長度有限。\n六、ALiBi 篇\n6.1 思路是什么？\n加偏置。\n",
         [("4.4 有哪些应用？", "LLaMA。"), ("5.為什麼要外推？", "訓練長度有限。"), ("6.1 思路是什么？", "加偏置。")]),
        # An interview in two voices; other ways to number questions.
        ("面试官：请介绍一下项目。\n我：做检索。\n面试官：为什么混合？\n我：互补。\n",
         [("面试官：请介绍一下项目。", "我：做检索。"), ("面试官：为什么混合？", "我：互补。")]),
        ("第一题：什么是甲？\n一。\n第二题：什么是乙？\n二。\n",
         [("第一题：什么是甲？", "一。"), ("第二题：什么是乙？", "二。")]),
        ("九、简答\n（一）什么是甲？\n一。\n（二）什么是乙？\n二。\n",
         [("（一）什么是甲？", "一。"), ("（二）什么是乙？", "二。")]),
        ("Q：什么是甲？\nA：一。\n\n**6、什么是乙？**\n\n二。\n", [("Q：什么是甲？", "A：一。"), ("6、什么是乙？", "二。")]),
        ("① 什么是甲？\n一。\n② 什么是乙？\n二。\n", [("① 什么是甲？", "一。"), ("② 什么是乙？", "二。")]),
        ("1\ufe0f\u20e3 什么是甲？\n\n一。\n\n2\ufe0f\u20e3 什么是乙？\n\n二。\n",
         [("1\ufe0f\u20e3 什么是甲？", "一。"), ("2\ufe0f\u20e3 什么是乙？", "二。")]),
        ("➡️ 问题一：什么是甲？\n✔️ 回答：一。\n\n➡️ 问题二：什么是乙？\n✔️ 回答：二。\n",
         [("问题一：什么是甲？", "✔️ 回答：一。"), ("问题二：什么是乙？", "✔️ 回答：二。")]),
        ("<h1 align='center'>题集</h1>\n<h3><a id='a'></a>什么是甲？</h3>\n一。\n", [("什么是甲？", "一。")]),
        # A comment in indented code is no heading.
        ("## 启动\n\n    # 端口\n    run()\n", [("启动", "    # 端口\n    run()")]),
        # A break inside a cell does not end its row; an exporter's blanks in a fence's language.
        ("## 表\n| 甲 | 乙 |\n| - | - |\n| 一 | 好<br />简单 |\n", [("表", "| 甲 | 乙 |\n| - | - |\n| 一 | 好 简单 |")]),
        ("## 码\n```plain&#x20;text\nx\n```\n", [("码", "```plain\nx\n```")]),
        ("## 引\n见论文[\\[1\\]](https://a.cn/1#ref_1)。\n", [("引", "见论文[1]。")]),
        # A remark is no heading, and neither is the caption of an image.
        ("# 面经\n\n时间：三月投递，四月一面\n\n一共一小时。\n", [("面经", "时间：三月投递，四月一面\n\n一共一小时。")]),
        ("## 结构\n\n<img src='a.png' alt='编码器的结构图'>\n\n由多层组成。\n", [("结构", "编码器的结构图\n\n由多层组成。")]),
        # Tables keep their rows and cells together.
        ("## 参数\n<table>\n<tr>\n<th>模型</th>\n<th>长度</th>\n</tr>\n<tr><td>甲</td><td>8192<br>可扩展</td></tr>\n</table>\n",
         [("参数", "模型 | 长度\n甲 | 8192 可扩展")]),
        ("## 提示\n:::tip\n越大==越准==。\n:::\n若 a == b 则 c == d。\n", [("提示", "越大越准。\n\n若 a == b 则 c == d。")]),
    ],
)  # fmt: skip
def test_headings_and_texts(source: str, expected: list[tuple[str, str]]) -> None:
    assert [(chunk.heading[-1], chunk.text) for chunk in chunks_of(source)] == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        # A run of questions is a list under the headings above it.
        ("## 什么是甲？\n\n## 什么是乙？\n\n## 什么是丙？\n", [((), "## 什么是甲？\n\n## 什么是乙？\n\n## 什么是丙？")]),
        ("# 面经\n## 一面\n### 什么是甲？\n### 什么是乙？\n## 二面\n### 什么是丙？\n",
         [(("面经", "一面"), "### 什么是甲？\n### 什么是乙？"), (("面经", "二面"), "### 什么是丙？")]),
        ("**什么是甲？**\n\n**什么是乙？**\n", [((), "**什么是甲？**\n\n**什么是乙？**")]),
        ("1. 什么是甲？\n2. 什么是乙？\n", [((), "1. 什么是甲？\n2. 什么是乙？")]),
        ("什么是甲？\n", [((), "什么是甲？")]),
        ("一、基础\n1、什么是甲？\n2、什么是乙？\n二、进阶\n1、什么是丙？\n",
         [(("一、基础",), "1、什么是甲？\n2、什么是乙？"), (("二、进阶",), "1、什么是丙？")]),
        ("Q: 什么是甲？\nA:\n\nQ: 什么是乙？\nA:\n", [((), "Q: 什么是甲？\nA:\n\nQ: 什么是乙？\nA:")]),
        ("## 什么是甲？\n待补充\n\n## 什么是乙？\n-\n\n## 什么是丙？\nTODO\n",
         [((), "## 什么是甲？\n待补充\n\n## 什么是乙？\n-\n\n## 什么是丙？\nTODO")]),
        # One between others, or at the end, stays in its place.
        ("# 题\n## 什么是甲？\n甲。\n## 什么是乙？\n## 什么是丙？\n丙。\n## 什么是丁？\n",
         [(("题", "什么是甲？"), "甲。"), (("题",), "## 什么是乙？"),
          (("题", "什么是丙？"), "丙。"), (("题",), "## 什么是丁？")]),
        # Topics in a row are notes too; one heading whose text is gone is none.
        ("# 考点\n## 注意力机制\n## 位置编码\n", [(("考点",), "## 注意力机制\n## 位置编码")]),
        ("# 术语\n## 词元\n最小单位。\n## 词表\n", [(("术语", "词元"), "最小单位。")]),
    ],
)  # fmt: skip
def test_questions_without_answers_are_kept(source: str, expected: list[tuple[tuple[str, ...], str]]) -> None:
    assert [(chunk.heading, chunk.text) for chunk in chunks_of(source)] == expected


def test_a_long_run_of_questions_is_cut_between_them() -> None:
    lines = [f"## 第 {n} 个概念是什么，它又有什么用？" for n in range(60)]
    chunks = chunks_of("# 面经\n" + "\n".join(lines))
    assert len(chunks) > 1
    assert [line for chunk in chunks for line in chunk.text.split("\n")] == lines


@pytest.mark.parametrize(
    "residue",
    [
        "原创 某某 最新推荐文章于 2024-05-01 09:00:00 发布 · 阅读量 1.2w · 点赞 35 · 收藏 120",
        "原创 小李 [某专栏](javascript:void(0);) _2024-06-18 08:00_ _北京_",
        "阅读 1234 评论 5 赞同 6",
        '点击上方"**蓝字**"关注我们，设为星标，第一时间获取干货',
        "觉得不错，点个**在看**呀 👇",
        "赞 56 在看 12",
        "**END**",
        "（完）",
        "**⭐️ 如果对你有帮助，欢迎点个 star！**",
        "确定要放弃本次机会？",
        "作者：某某\n链接：https://example.com/1\n来源：知乎\n著作权归作者所有。商业转载请联系作者获得授权，非商业转载请注明出处。",
        "**往期推荐**\n\n[\n\n怎样写简历\n\n](https://example.com/1)\n\n[\n\n怎样投简历\n\n](https://example.com/2)",
        "25 条评论\n理性发言，友善互动\n默认\n最新\n某某\n写得真好\n2024-03-02 · IP 属地北京\n回复\n3",
    ],
)
def test_residue_goes(residue: str) -> None:
    (chunk,) = chunks_of(f"## 什么是蒸馏？\n\n用大模型教小模型。\n\n{residue}\n")
    assert chunk.text == "用大模型教小模型。"


@pytest.mark.parametrize(
    "text",
    [
        "如果检索没有帮助，模型应当拒答，而不是硬说支持。",
        "用户第一时间看到首个词元，叫首词延迟。",
        "样例：用户点赞 12 次，收藏 3 次。",
        "每个查询要求模型关注全部位置",
        "参数量：7B",
        "来源：训练集中抽出的一成",
        "推荐阅读原论文的第三节。",
    ],
)
def test_notes_stay(text: str) -> None:
    (chunk,) = chunks_of(f"## 什么是蒸馏？\n\n用大模型教小模型。\n\n{text}\n")
    assert chunk.text == f"用大模型教小模型。\n\n{text}"


WRAPPED = """多查询注意力让所有的查询头共享同一组键和值，这样键值缓存的显存占用可以减少
到原来的几十分之一，推理的吞吐量随之提升。但是共享之后表达能力下降，有时候模
型的效果会变差，因此又有了 grouped-query 注意力，它把查询头分成若干组，每
组共享一组键和值。

滑动窗口注意力只让每个位置看到前面固定个数的位置，复杂度从平方降到线性。多层
叠加之后，感受野会线性扩大。
"""


def test_chinese_text_wrapped_at_a_column_is_joined() -> None:
    (chunk,) = chunks_of(WRAPPED, "a.txt")
    assert chunk.text == WRAPPED.strip().replace("\n\n", "¶").replace("\n", "").replace("¶", "\n\n")
    for word in ("可以减少到原来", "有时候模型的效果", "每组共享一组"):
        at = chunk.text.index(word)
        first, last = chunk.source_span(at, at + len(word))
        assert WRAPPED[first:last].replace("\n", "") == word


@pytest.mark.parametrize(
    "text",
    [
        "春眠不觉晓\n处处闻啼鸟\n夜来风雨声\n花落知多少",
        "模型越大越好\n数据越多越好\n但是显存总是不够",
        "\n".join(f"第 {n} 条注意事项说明了训练大语言模型时应当怎样设置学习率。" for n in range(5)),
    ],
)
def test_lines_of_their_own_stay_apart(text: str) -> None:
    joined = "\n".join(chunk.text for chunk in chunks_of(f"## 说明\n\n{text}\n"))
    assert joined == text
