"""How a question is put to a model, with and without passages of the notes: in training and afterwards the same."""

from __future__ import annotations

from collections.abc import Sequence

_ZH, _EN = ("问题：{question}\n回答：", "资料：\n{passages}\n\n"), ("Question: {question}\nAnswer:", "Sources:\n{passages}\n\n")


def question_prompt(question: str, *, chinese: bool) -> str:
    """The question alone; the answer follows and ends with the line."""
    return (_ZH if chinese else _EN)[0].format(question=" ".join(question.split()))


def passages_prompt(passages: Sequence[str], *, chinese: bool) -> str:
    """What stands before the question where there are passages, one line each; "" without any."""
    lines = "\n".join(f"[{n}] {' '.join(passage.split())}" for n, passage in enumerate(passages, 1))
    return (_ZH if chinese else _EN)[1].format(passages=lines) if passages else ""


def answer_text(answer: str, *, chinese: bool) -> str:
    """An answer as it follows the prompt: English puts a space between."""
    line = " ".join(answer.split())
    return line if chinese else f" {line}"
