"""Whole pages as converters and exporters write them: bars, cards, counters, reply forms and site maps go, the note stays."""

from __future__ import annotations

import pytest
from hash_embedder import HashEmbedder

from corpus.documents import Chunk, RawDocument
from ingest.clean import clean
from ingest.plan import prepare

NOTE = """## 什么是键值缓存？

自回归解码时，前面所有词元的键和值都不会变，所以把它们存下来，下一步只算新词元的键和值。

| 方法 | 缓存 |
| --- | --- |
| MHA | 大 |
| GQA | 小 |

## 显存怎么估算？

每个词元的缓存大小为 $2 n_{layer} n_{kv} d_{head}$ 个数，键和值各一份。
"""
HEADS = [
    # A blog of programmers: counters, tags, licence, contents with links to places of the same page.
    "最新推荐文章于 2024-08-12 10:21:33 发布\n\n[小白](https://b.cn/x) ![](https://i.cn/a.png) 于 2024-03-11 22:10:05 发布\n\n"
    "![](https://i.cn/b.png) 阅读量2.3k ![](https://i.cn/x.png) 收藏 45\n\n分类专栏： [大模型](https://b.cn/c) 文章标签： [面试](https://b.cn/t)\n\n"
    "12 篇文章 3 订阅\n\n订阅专栏\n\n#### 文章目录\n\n- [什么是键值缓存？](https://b.cn/1#1)\n- [显存怎么估算？](https://b.cn/1#2)\n",
    # A site of questions and answers: the author's card.
    "[首发于](https://z.cn/c)[大模型](https://z.cn/c)\n\n写文章\n\n[![某某](https://i.cn/v_l.jpg)](https://z.cn/p)\n\n[某某](https://z.cn/p)\n\n"
    "算法工程师，关注推理加速\n\n\u200b关注他\n\n126 人赞同了该文章\n\n目录\n\n收起\n\n什么是键值缓存？\n\n显存怎么估算？\n",
    # An English one.
    "[Open in app](https://m.com/x)\n\nSign up\n\n[Sign in](https://m.com/s)\n\n[Jane Doe](https://m.com/@j)\n\n"
    "·\n\n7 min read\n\n·\n\n"
    "Mar 4, 2024\n\n\\--\n\n2\n\nListen\n\nShare\n",
]
FEET = [
    "[关注](javascript:;) 关注\n\n- ![](https://i.cn/t.png) 18\n\n点赞\n\n收藏\n\n"
    "觉得还不错? 一键收藏 ![](https://i.cn/c.png)\n\n"
    "[_Redis_ 缓存穿透](https://b.cn/2)\n\n01-12 ![](https://i.cn/e.png) 1万+\n\n[缓存穿透是指查询一个不存在的数据。](https://b.cn/2)\n\n提交\n\n"
    "- [关于我们](https://b.cn/about)\n- 家长监护\n- 京ICP备19004658号\n\n"
    "### 热门文章\n\n- [显卡天梯图 ![](https://i.cn/e.png) 9876](https://b.cn/8)\n",
    "编辑于 2024-05-06 13:22・北京\n\n[\n\n大语言模型\n\n](https://z.cn/t)\n\n"
    "\u200b赞同 126\u200b9 条评论\n\n\u200b分享\n\n\u200b喜欢\u200b收藏\u200b申请转载\n\n"
    "[小王](https://z.cn/w)\n\n讲得很清楚\n\n2024-05-08 · IP 属地广东\n\n### 推荐阅读\n\n[\n\n# 房贷提前还款划算吗\n\n"
    "很多人都在纠结，今天来算一笔账…\n\n理财小能手\n\n](https://z.cn/3)\n",
    "posted @ 2023-09-12 20:31  [小白](https://c.cn/x)  阅读(1234)  评论(2)\n\n[刷新页面](https://c.cn/1#)[返回顶部](https://c.cn/1#top)\n\n"
    "登录后才能查看或发表评论，立即 [登录](javascript:void(0);) "
    "或者 [逛逛](https://c.cn/) 首页\n\n[【推荐】试试这款开源工具！](https://d.cn/)\n\n"
    "**编辑推荐：**\n· [一次内存泄漏的排查](https://c.cn/2)\n\n公告\n\n园龄： [5年3个月](https://c.cn/u)\n\n"
    "| < | 2024年12月 | \\> |\n| --- | --- | --- |\n"
    "| 1 | 2 | 3 |\n\n### 搜索\n\n### 常用链接\n\n-   [我的随笔](https://c.cn/p)\n",
    "## Sign up to discover human stories that deepen your understanding of the world.\n\n"
    "Free\n\nDistraction-free reading. No ads.\n\n"
    "[Sign up for free](https://m.com/s)\n\nMembership\n\n[Quantization](https://m.com/q) [Llm](https://m.com/l)\n\n\\--\n\n2\n\n"
    "[\n\n## Written by Jane Doe\n\n"
    "](https://m.com/@j)\n\n[1.2K Followers](https://m.com/f)\n\n## More from Jane Doe\n\n## [10 Tips for Better Sleep](https://m.com/s)\n\n"
    "### Sleep is the best medicine.\n\n6 min read·Jan 2, 2024\n\n[Help](https://m.com/h) [Status](https://m.com/st)\n",
]  # fmt: skip


def chunks_of(text: str) -> tuple[Chunk, ...]:
    return prepare(RawDocument("a.md", text, "", "text/markdown"), HashEmbedder().count_tokens, 320)[1]


def told(text: str) -> list[tuple[tuple[str, ...], str]]:
    return [(chunk.heading, chunk.text) for chunk in chunks_of(text)]


ALONE = told(f"# 键值缓存\n\n{NOTE}")


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("foot", FEET)
def test_a_page_is_as_its_article(head: str, foot: str) -> None:
    assert told(f"# 键值缓存\n\n{head}\n{NOTE}\n{foot}") == ALONE


@pytest.mark.parametrize("foot", FEET)
def test_a_second_article_behind_the_foot_stays(foot: str) -> None:
    second = (
        "# 位置编码\n\n## 什么是旋转位置编码？\n\n把查询和键按位置旋转，内积只与相对位置有关。\n\n"
        "## 特点\n\n- 相对位置\n- 远程衰减\n- 没有参数\n"
    )
    assert told(f"# 键值缓存\n\n{NOTE}\n{foot}\n{second}")[len(ALONE) :] == told(second)


@pytest.mark.parametrize(
    "text",
    [
        # Sources at the top of a note are no bar.
        "# 资料\n\n- [论文一](https://a.cn/1)\n- [论文二](https://a.cn/2)\n- [代码](https://a.cn/3)\n\n先读第一篇，再读第二篇。\n",
        # Short lines under headings behind a licence.
        "# 优化器\n\n"
        + "学习率先升后降，动量让更新更平稳，权重衰减防止过拟合。" * 4
        + "\n\n转载请注明出处。\n\n## 优点\n\n- 快\n- 省显存\n- 稳定\n",
        # A fold in an article about likes.
        "# 推荐系统\n\n用户点赞和收藏都是正反馈，评论要看情感。\n\n## 特征\n\n点赞、收藏、分享的次数要取对数。\n",
    ],
)
def test_notes_that_look_like_pages_stay(text: str) -> None:
    rules = {removal.rule for removal in clean(RawDocument("a.md", text, "", "text/markdown")).removals}
    assert not rules & {"page-head", "page-foot", "page-properties", "promotion"}


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("注意力机制详解 - 知乎", "注意力机制详解"),
        ("注意力机制详解_transformer面试-CSDN博客", "注意力机制详解"),
        ("注意力机制详解 - 掘金", "注意力机制详解"),
        ("检索增强 1a2b3c4d5e6f7a8b9c0d1e2f3a4b5c6d", "检索增强"),
        ("知乎的推荐系统怎么做？", "知乎的推荐系统怎么做？"),
        ("LoRA - QLoRA", "LoRA - QLoRA"),
    ],
)
def test_the_name_of_the_site_goes_from_the_title(title: str, expected: str) -> None:
    assert clean(RawDocument("a.md", f"# {title}\n\n正文。\n", "", "text/markdown")).title == expected


def test_a_section_that_sells_something_goes() -> None:
    sale = "#### 福利：如何系统学习大模型？\n\n我指导过不少同行。\n\n👉 这份完整版的资料已经上传，微信扫描下方二维码免费领取\n\n"
    stays = "## 如何系统学习强化学习？\n\n先读教材，再做实验。\n"
    assert told(f"# 键值缓存\n\n{NOTE}\n{sale}{stays}") == told(f"# 键值缓存\n\n{NOTE}\n{stays}")
