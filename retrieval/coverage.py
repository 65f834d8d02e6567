"""How much of what a question is about the hits hold: the part of the evidence that no encoder gives.

    question --glossary, segmenter--> concepts and content words, weighted --which passages hold them--> shares, 0-1

Words are segmented here, unlike in the index: bigrams across word boundaries ("化和" of "量化和激活") are in no note, and
counting them would make a question look strange to notes that answer it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from retrieval.analysis import concept_term, split_concepts, terms_of_word
from retrieval.bm25 import BM25Index
from retrieval.query import ASPECTS

# A subject of the field tells more about a question than a word, and what is asked about it ("difference", "parameters") less.
_SUBJECT, _WORD, _ASPECT = 1.5, 1.0, 0.5
# Words that ask, and words that nearly every question could hold.
_ASKING = frozenset(
    """
    什么 怎么 怎样 如何 为什么 为何 哪些 哪个 哪几个 哪几 几个 多少 多大 是什么 有什么 时候 什么样 会怎样 怎么样 请问 解释 一下
    说明 介绍 简述 说说 谈谈 讲讲 讲一下 区别 应该 可以 需要 能够 以及 还有 另外 分别 各自 其中 之间 关于 对于 如果 那么 以后 之后
    就是 不是 还是 有没有 是不是 能不能 它们 他们 这个 这种 这些 那个 哪里 哪种 具体 到底 究竟 通常 一般 主要 比较 为了 因为
    而不是 所以 但是 使用 用到 进行 没有 存在 问题 情况 方面 作用 意思 特点 方法 做法 时有 时会
    than then been being much many mani still even ever use using used need needed way ways get gets mean means explain describe
    """.split()
)

# Terms of words that ask something of a subject named before, and name none.
_RELATIONAL = frozenset(
    """
    副作 代价 例子 举个 举例 示例 替代 方案 场景 写个 代码 程序 步骤 好处 坏处 注意 细节 流程 效果 能省 时要 下用
    show give ani exampl code gotcha pitfal altern should avoid approach case practic cost step detail
    """.split()
)


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that a question is about: a passage holds it if it holds all its terms."""

    terms: tuple[str, ...]
    weight: float


@lru_cache(maxsize=1024)
def items(question: str) -> tuple[Item, ...]:
    """What a question is about, each once: the field's concepts that it names, and the other words of content."""
    named, words = split_concepts(question)
    found = {concept_term(name): Item((concept_term(name),), _ASPECT if name in ASPECTS else _SUBJECT) for name in named}
    for word in words:
        for part in _segments(word):
            if part not in _ASKING and (made := terms_of_word(part)):
                # A compound ("gpt-3") comes whole first; Chinese words are all their bigrams.
                kept = made if _is_han(part) else made[:1]
                found.setdefault(" ".join(kept), Item(kept, _WORD))
    return tuple(found.values())


def _segments(word: str) -> list[str]:
    """The words in a run of Chinese characters; single characters are left out. Anything else is one word."""
    if not _is_han(word):
        return [word]
    import rjieba  # loads its dictionary

    return [part for part in rjieba.cut(word) if len(part) > 1]


def _is_han(word: str) -> bool:
    return "\u3400" <= word[0] <= "\u9fff"


def is_about_something_else(question: str, bm25: BM25Index) -> bool:
    """Whether a question has a subject, and one that no note mentions.

    So it is if it names nothing of the field, and most of its words of content are in no note.
    """
    wanted = items(question)
    words = [item for item in wanted if not _RELATIONAL & set(item.terms)]
    unknown = sum(any(not bm25.frequency(term) for term in item.terms) for item in words)
    return all(item.weight == _WORD for item in wanted) and unknown * 2 > len(words)


def holdings(question: str, rows: NDArray[np.int64], bm25: BM25Index) -> NDArray[np.float32]:
    """What a question is about, by passage: a thing's share of the weight of all where a passage holds it, else 0.

    Args:
        question: standalone.
        rows: passage numbers, shape (n,).
        bm25: tells which terms a passage holds.

    Returns:
        Shape (things, n); the rows' maxima sum to at most 1.
    """
    wanted = items(question)
    if not wanted or not len(rows):
        return np.zeros((0, len(rows)), dtype=np.float32)
    weights = np.array([item.weight for item in wanted], dtype=np.float32)
    held = bm25.holds([term for item in wanted for term in item.terms], rows)
    held = np.logical_and.reduceat(held, [0, *accumulate(len(item.terms) for item in wanted[:-1])], axis=0)
    return np.asarray(held * (weights / weights.sum())[:, None], dtype=np.float32)


def coverage(question: str, rows: NDArray[np.int64], bm25: BM25Index) -> tuple[float, float]:
    """Shares of what the question is about, by weight, that the best single passage and all passages together hold, each 0-1.

    Arguments as for `holdings`.
    """
    held = holdings(question, rows, bm25)
    return (float(held.sum(axis=0).max()), float(held.max(axis=1).sum())) if held.size else (0.0, 0.0)
