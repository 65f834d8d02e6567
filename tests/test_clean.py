"""Cleaning: what each rule drops and, above all, what it leaves."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.documents import Document, RawDocument
from ingest.clean import clean
from ingest.cleaning.explain import explain


def cleaned(text: str, path: str = "a.md") -> Document:
    return clean(RawDocument(path, text, "", "text/markdown"))


@pytest.mark.parametrize(
    ("source", "expected", "rule"),
    [
        # Characters
        ("大\u200b模\ufeff型", "大模型", "zero-width"),
        ("\uf0b7 位置编码", "- 位置编码", "private-use-bullet"),
        ("公式\ue00a结束", "公式结束", "private-use"),
        ("⼤模型的⻓⽂本，⻅表", "大模型的长文本，见表", "radical"),
        ("e\u0301tude", "étude", "nfc"),
        ("\uf900", "\u8c48", "nfc"),
        ("ＧＰＴ４ 模型", "GPT4 模型", "full-width-latin"),
        ("a\u00a0b", "a b", "unusual-space"),
        ("乱码锟斤拷锟斤拷结束", "乱码结束", "mojibake"),
        ("一行\u2028二行", "一行\n二行", "line-separator"),
        # Lost characters
        ("????????位置编码很重要。", "位置编码很重要。", "lost-characters"),
        ("? ? ? ? transformer 的输入", "transformer 的输入", "lost-characters"),
        ("只取前??个词。", "只取前个词。", "lost-characters"),
        ("????开头\n温度记作 T?，取正数。", "开头\n温度记作 T，取正数。", "lost-characters"),
        ("正文。\n?\n结束。", "正文。\n结束。", "lost-characters"),
        # Spaces inside words
        ("语言模 型", "语言模型", "stray-space"),
        ("大 模 型", "大模型", "stray-space"),
        ("训练数 据里 有噪声", "训练数据里有噪声", "stray-space"),
        # Markup and exporter debris
        ("值为&#x20;1&nbsp;", "值为 1", "entity"),
        ("hidden\\_size 与 2 \\* d", "hidden_size 与 2 * d", "escape"),
        ("**当**\\*\\*`T=1`\\*\\***时不变**。", "**当`T=1`时不变**。", "escape"),
        ("![machine-learning-and-data-science](a.jpg)正文", "正文", "image"),
        ("下标\\[4]。", "下标[4]。", "escape"),
        ("\\[toc]\n正文", "\n正文", "contents-mark"),
        ("正文<br/>下一行", "正文\n下一行", "html-tag"),
        ("<!-- more -->正文", "正文", "html-comment"),
        ("![注意力矩阵](a.png)", "注意力矩阵", "image"),
        ("图：![](image/1.png)。", "图：。", "image"),
        ("![在这里插入图片描述](https://x.cn/a.png)正文", "正文", "image"),
        ('<img src="a.png" alt="损失曲线">', "损失曲线", "image"),
        ("见[论文](https://arxiv.org/abs/1 \"题\")。", "见论文。", "link-target"),
        ("见[笔记](../rag/a.md)。", "见笔记。", "link-target"),
        ("{% note %}\n正文\n{% endnote %}", "\n正文\n", "template-tag"),
        # Layout
        ("特点：\n-\n快：很快", "特点：\n- 快：很快", "bare-bullet"),
        ("什么是 RAG？\n-\n检索增强生成。", "什么是 RAG？\n检索增强生成。", "bare-bullet"),
        ("代码：\n1\n2\n3\n4\nx = 1\n", "代码：\nx = 1\n", "line-numbers"),
        (
            "Encodings add the order of all the tokens to the\ninput of the model.",
            "Encodings add the order of all the tokens to the input of the model.",
            "wrapped-line",
        ),
        # Page ends in copied text
        ("".join(f"正文{n}。\nCS 7  Lecture   {n}/41\n" for n in (1, 2, 5, 6)),
         "正文1。\n正文2。\n正文5。\n正文6。\n", "page-furniture"),
        ("".join(f"正文{n}。\n— 第 {n} 页 —\n" for n in (1, 2, 3, 4)), "正文1。\n正文2。\n正文3。\n正文4。\n", "page-furniture"),
        # Residue
        ("正文。\n关注公众号「某某」，回复面试领取资料\n下文。", "正文。\n下文。", "advertisement"),
        ("正文。\n转载请注明出处：https://a.cn/1\n下文。", "正文。\n下文。", "copyright"),
        ("正文。\n点赞 12 收藏 30 分享\n", "正文。\n", "page-button"),
        ("正文。\n编辑于 2024-01-02 10:30・IP 属地北京\n", "正文。\n", "page-button"),
        ("正文。\n上一篇：旧文章\n", "正文。\n", "neighbour-link"),
        # Lists of links
        ("# 笔记\n\n## 目录\n- [一](#一)\n- [二](#二)\n\n## 一\n正文。", "# 笔记\n\n## 一\n正文。", "table-of-contents"),
        ("目录\n1. 注意力\n2. 位置编码\n\n1. 注意力\n正文。\n2. 位置编码\n正文。",
         "1. 注意力\n正文。\n2. 位置编码\n正文。", "table-of-contents"),
        ("一、概述........1\n二、方法........5\n三、结论........9\n\n正文。", "\n正文。", "table-of-contents"),
        ("# 导航\n\n- [RAG](rag.md)\n- [微调](ft.md)\n- [推理](infer.md)\n", "", "only-navigation"),
        ("首页\n归档\n标签\n关于\n", "", "only-navigation"),
    ],
)  # fmt: skip
def test_rules_drop_residue(source: str, expected: str, rule: str) -> None:
    document = cleaned(source)
    assert document.text == expected
    assert rule in {removal.rule for removal in document.removals}


@pytest.mark.parametrize(
    "text",
    [
        "什么是 RAG?它有什么用?",
        "真的吗??我不信。",
        "优点 缺点 适用场景",
        "斜率：\n1/2\n1/4\n1/8\n1/16",
        "模型甲 3/4\n模型甲 1/4\n模型甲 2/4\n模型甲 4/4",
        "发布：2018年6月",
        "GPT-4 于 2023年3月14日 发布，支持图像输入。",
        "2023.3.14 GPT-4 发布",
        "推荐阅读\n\n《深度学习》：全面介绍基础，适合入门的读者。",
        "## 目录\n\n本文没有目录，只有正文。",
        "如何下载模型？点击率预估与推荐系统有什么关系？",
        "特殊标记 <s>、</s>、<pad>、<think> 与 <|im_end|>。",
        "$\\theta_i = 10000^{-2i/d}$ 与 \\[x_1 = y\\_1\\] 中的 $a \\& b$",
        "```python\n# 不是标题\nx = '????'  # &nbsp; \\_\n点赞 1 收藏 2\n```",
        "行内 `a\\_b &amp; ????x` 代码",
        "https://example.com/a_b?x=1??&y=2",
        "a | b\n---|---\n1 | 2",
        "参考资料：\n\n- RoFormer，2021 年。\n- ALiBi，2022 年。",
        "1\n3\n5",
        "版权问题：训练数据的版权由谁承担？",
        "编号 (1)\n\n$$\nx = 1\n$$\n\n(1)\n\n其中 x 是输入。",
        "👨‍💻 面试",
        "最后更新的是值函数，而不是策略。",
        "Next\n\nThe next token is sampled.",
    ],
)
def test_rules_leave_notes_alone(text: str) -> None:
    assert cleaned(text).text == text


TAIL = """相关文章推荐

  • 怎样写一份好简历？

    简历是面试的敲门砖，本文介绍写简历时要注意的几个方面，以及常见的错误…

    2024年5月2日
    320
  • 前端如何居中一个元素？

    居中是布局中最常见的需求之一，这里介绍弹性布局和网格布局两种…

    2024年5月1日
    18
"""


def test_related_posts_go_whole_where_their_title_lists_tags() -> None:
    text = "温度越高越随机。\n\n你可能感兴趣的:(NLP,gpt,人工智能)\n\n  * 沟通 大师兄\n  * 云端 IDE 张三\n  * 面试题 2024\n"
    assert cleaned(text).text.strip() == "温度越高越随机。"


def test_related_posts_go_whole() -> None:
    document = cleaned(
        f"什么是蒸馏？\n用大模型教小模型。\n\n以上就是蒸馏的详细内容，更多请关注某站其它相关文章！\n\n{TAIL}\n发表评论\n"
    )
    assert document.text.strip() == "什么是蒸馏？\n用大模型教小模型。"


def test_related_posts_end_where_another_article_begins() -> None:
    answer = "预训练学习语言本身，需要的数据最多。微调让模型学会按指令回答。" * 8
    document = cleaned(f"正文。\n\n{TAIL}\n预训练与微调\n\n{answer}\n")
    assert "简历" not in document.text
    assert "居中" not in document.text
    assert f"预训练与微调\n\n{answer}" in document.text


def test_related_posts_end_at_the_next_heading() -> None:
    document = cleaned("## 甲\n正文。\n\n## 相关阅读\n\n- [乙](/b)\n- [丙](/c)\n\n## 丁\n正文。\n")
    assert document.text == "## 甲\n正文。\n\n## 丁\n正文。\n"


def test_captions_repeated_under_each_image_stay_once() -> None:
    caption = "一文讲清大模型的显存占用是怎样计算的"
    document = cleaned(f"正文一。\n\n{caption}\n\n正文二。\n\n{caption}\n\n正文三。\n\n{caption}\n\n完。")
    assert document.text.count(caption) == 1


def test_front_matter_becomes_metadata() -> None:
    document = cleaned("---\ntitle: RoPE 笔记\ntags: [位置编码, 注意力]\n---\n# 正文\n")
    assert document.title == "RoPE 笔记"
    assert document.metadata == (("tags", "位置编码, 注意力"), ("title", "RoPE 笔记"))
    assert document.text == "# 正文\n"


@pytest.mark.parametrize(
    ("text", "title"),
    [("# 甲\n正文", "甲"), ("标题\n\n正文。", "标题"), ("正文在此。", "a"), ("---\n不是映射\n---\n正文。", "a")],
)
def test_titles(text: str, title: str) -> None:
    assert cleaned(text).title == title


def test_languages() -> None:
    assert [cleaned(text).language for text in ("什么是注意力？", "什麼是注意力機制？", "What is attention?")] == [
        "zh-Hans",
        "zh-Hant",
        "en",
    ]


def test_explain_names_the_rule_and_shows_the_text() -> None:
    explanation = explain(RawDocument("a.md", "# 题\n正文。\n点赞 3 收藏 5\n", "", "text/markdown"))
    assert explanation.counts == (("page-button", 1),)
    assert any("page-button: '点赞 3 收藏 5'" in line for line in explanation.lines())
    assert explanation.outline == (("题",),)


FRAGMENTS = st.sampled_from(
    [
        "????", "?", "？", " ", "\n", "\n\n", "\n\n\n\n", "大 模 型", "语言模", "\u200b", "\uf0b7", "e\u0301", "⻓", "Ａ",
        "什么是 RAG?", "-\n", "- a", "# 标题\n", "```\n", "$x_1$", "$$\n", "\\_", "\\*\\*", "&nbsp;", "&#x20;", "<br>", "<p>",
        "<!-- a -->", "![图](a.png)", "[a](b.md)", "[a](#b)\n", "点赞 1 收藏", "相关推荐\n", "2024年1月1日\n", "…\n", "\\[toc]\n",
        "转载请注明出处\n", "---\n", "1\n2\n3\n", "目录\n", "首页\n", "正文。", "the end of the line of this paragraph of text\n",
        "word", "表 | 格\n", "(0)\n", "\u00a0", "\x00", "\r", "👨\u200d💻",
    ]
)  # fmt: skip
TEXTS = st.lists(FRAGMENTS | st.text(max_size=8), max_size=24).map("".join)


@settings(max_examples=300, deadline=None)
@given(TEXTS)
def test_cleaning_is_idempotent(text: str) -> None:
    once = cleaned(text)
    assert cleaned(once.text).text == once.text


@settings(max_examples=300, deadline=None)
@given(TEXTS)
def test_offsets_lead_back_to_the_source(text: str) -> None:
    document = cleaned(text)
    replaced = {at for removal in document.removals for at in range(removal.start, removal.end)}
    previous = 0
    for at, char in enumerate(document.text):
        origin = document.source_map.to_source(at)
        assert previous <= origin < len(text)
        assert text[origin] == char or origin in replaced
        previous = origin


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_clean_text_is_composed_and_removals_are_in_order(text: str) -> None:
    document = cleaned(text)
    assert unicodedata.is_normalized("NFC", document.text)
    starts = [removal.start for removal in document.removals]
    assert starts == sorted(starts)
    assert all(0 <= removal.start < removal.end <= len(text) for removal in document.removals)
