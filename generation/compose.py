"""The prompt that has a base model write one sentence from numbered evidence, and the reading of what it wrote.

Two worked examples in the answer's language show a base model the task (few-shot prompting, Brown et al., 2020,
arXiv:2005.14165). Evidence stands between fixed marks, one line each, and what is written there is data: a note that says
"ignore the instructions" is one more line to copy from.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from langchain_core.language_models.llms import BaseLLM

from corpus.documents import Language

_ZH = """根据资料回答问题，用一句话，只说资料里有的内容。

资料：
[1] Dropout 在训练时以概率 p 随机将神经元置零。
[2] Dropout 可以看作对大量子网络做集成，因此能减轻过拟合。
[3] 推理时不再丢弃神经元。
问题：Dropout 为什么能防止过拟合？
回答：Dropout 可以看作对大量子网络做集成，因此能减轻过拟合。

资料：
[1] Adam 同时维护梯度的一阶矩和二阶矩估计。
[2] AdamW 把权重衰减从梯度更新中解耦出来。
问题：AdamW 和 Adam 有什么区别？
回答：AdamW 把权重衰减从梯度更新中解耦出来，Adam 同时维护梯度的一阶矩和二阶矩估计。

资料：
{evidence}
问题：{question}
回答："""

_EN = """Answer the question in one sentence, saying only what the sources say.

Sources:
[1] Dropout sets each neuron to zero with probability p during training.
[2] Dropout can be seen as an ensemble of many sub-networks, so it reduces overfitting.
[3] No neuron is dropped at inference.
Question: Why does dropout prevent overfitting?
Answer: Dropout can be seen as an ensemble of many sub-networks, so it reduces overfitting.

Sources:
[1] Adam keeps estimates of the first and second moments of the gradient.
[2] AdamW decouples weight decay from the gradient update.
Question: What is the difference between AdamW and Adam?
Answer: AdamW decouples weight decay from the gradient update, and Adam keeps estimates of both moments of the gradient.

Sources:
{evidence}
Question: {question}
Answer:"""


def build_prompt(question: str, evidence: Sequence[str], language: Language) -> str:
    """The prompt for a question and its evidence, one line a sentence."""
    lines = "\n".join(f"[{n}] {' '.join(text.split())}" for n, text in enumerate(evidence, 1))
    return (_EN if language == "en" else _ZH).format(evidence=lines, question=" ".join(question.split()))


def compose(model: BaseLLM, prompt: str) -> Iterator[str]:
    """Stream the one sentence that the model writes: it ends with the line."""
    yield from model.stream(prompt, stop=["\n"])
