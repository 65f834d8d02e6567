"""Query expansion with a language model: other wordings of a question, or a passage that might answer it.

Multi-query searches for rewordings beside the question; HyDE (Gao et al. 2022, arXiv:2212.10496) has the model write the passage
that would answer and searches for passages like it. Off by default: the bundled model is too small to gain from either
(docs/retrieval.md), larger ones may.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from langchain_core.language_models.llms import BaseLLM

from corpus.documents import Language
from retrieval.query import Query

VARIANTS = 2

_REWORD = {
    "zh": """把问题换两种说法，意思不变，每行一种。

问题：Dropout 为什么能防止过拟合？
说法：
1. Dropout 缓解过拟合的原理是什么？
2. 训练时随机丢弃神经元对泛化有什么帮助？

问题：{question}
说法：
""",
    "en": """Reword the question in two ways with the same meaning, one a line.

Question: Why does dropout prevent overfitting?
Rewordings:
1. How does dropping random neurons reduce overfitting?
2. What makes dropout a regularizer?

Question: {question}
Rewordings:
""",
}
_DRAFT = {
    "zh": """根据问题写一段简短的笔记来回答它。

问题：Dropout 为什么能防止过拟合？
笔记：Dropout 在训练时随机将神经元置零，相当于对大量子网络做集成，神经元之间不会形成复杂的共适应，因此能缓解过拟合。

问题：{question}
笔记：""",
    "en": """Write a short note that answers the question.

Question: Why does dropout prevent overfitting?
Note: Dropout sets random neurons to zero during training, which acts like an ensemble of many sub-networks and keeps neurons from co-adapting, so it reduces overfitting.

Question: {question}
Note:""",  # noqa: E501 - one line is one note
}
_NUMBER = re.compile(r"^\s*\d+[.)、]\s*")


def multi_query(model: BaseLLM) -> Callable[[Query], Query]:
    """Adds up to two rewordings by the model to a query's variants."""

    def expand(query: Query) -> Query:
        written = model.invoke(_prompt(_REWORD, query), stop=["\n\n"])
        lines = (_NUMBER.sub("", line).strip() for line in written.splitlines())
        new = dict.fromkeys(line for line in lines if line and line != query.text)
        return replace(query, variants=(*query.variants, *list(new)[:VARIANTS]))

    return expand


def hyde(model: BaseLLM) -> Callable[[Query], Query]:
    """Adds a note that the model wrote in answer to a query's drafts."""

    def expand(query: Query) -> Query:
        written = model.invoke(_prompt(_DRAFT, query), stop=["\n"]).strip()
        return replace(query, drafts=(*query.drafts, written)) if written else query

    return expand


def _prompt(templates: dict[str, str], query: Query) -> str:
    return templates[_family(query.language)].format(question=" ".join(query.text.split()))


def _family(language: Language) -> str:
    return "zh" if language.startswith("zh") else "en"
