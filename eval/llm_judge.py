"""A language model as the judge of claims: one question a claim, a reply that is read strictly.

The prompt shows two worked examples, so that base models follow it too, and asks for "yes" or "no" as the first word. A reply
that begins otherwise is the outcome "judge-failed", never a guess. What the claim and the context say is data between marks.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from langchain_core.language_models import BaseLanguageModel
from langchain_core.messages import BaseMessage

from corpus.errors import JudgeUnavailable
from eval.judge import NOT_SCOREABLE, Pair, Verdict, scoreable

# Characters of a context that are shown; what is nearest to a claim comes first in the passages of a search.
_CONTEXT = 6000
_SECONDS = 60.0
_PROMPT = """Does the context say everything that the claim says? Reply "yes" only if the context states or directly implies all \
of the claim; numbers, names and negations have to agree. Otherwise reply "no". Reply with one word. Context and claim may be in \
different languages.

<context>
Dropout 在训练时以概率 p 随机将神经元置零；推理时不再丢弃神经元。
</context>
<claim>Dropout sets neurons to zero at random during training.</claim>
Supported: yes

<context>
AdamW decouples weight decay from the gradient update. Its default weight decay is 0.01.
</context>
<claim>AdamW 默认的权重衰减是 0.1。</claim>
Supported: no

<context>
{context}
</context>
<claim>{claim}</claim>
Supported:"""
_REPLY = re.compile(r"\W*(?:supported\s*:\W*)?((?:yes|no|true|false)\b|不是|不支持|是|否|支持)", re.IGNORECASE)
_THOUGHT = re.compile(r"<think>.*?</think>", re.DOTALL)
_YES = frozenset({"yes", "true", "是", "支持"})


class LanguageModelJudge:
    """Any LangChain language model or chat model as a `Judge`."""

    def __init__(self, model: BaseLanguageModel[Any], name: str) -> None:
        self.name = name
        self._model = model

    def judge(self, pairs: Sequence[Pair]) -> tuple[Verdict, ...]:
        """A verdict for each pair, in order.

        Raises:
            JudgeUnavailable: the model cannot be reached, or refuses all requests.
        """
        return tuple(self._verdict(pair) if scoreable(pair) else NOT_SCOREABLE for pair in pairs)

    def _verdict(self, pair: Pair) -> Verdict:
        prompt = _PROMPT.format(context=pair.context[:_CONTEXT], claim=" ".join(pair.claim.split()))
        try:
            reply = self._model.invoke(prompt)
        except _endpoint_errors() as error:
            return self._failure(error)
        return read_verdict(str(reply.content) if isinstance(reply, BaseMessage) else str(reply))

    def _failure(self, error: Exception) -> Verdict:
        """An outcome if another request may succeed, an error if none can."""
        import openai

        hopeless = (openai.APIConnectionError, openai.AuthenticationError, openai.PermissionDeniedError, openai.NotFoundError)
        if isinstance(error, hopeless) and not isinstance(error, openai.APITimeoutError):
            raise JudgeUnavailable(name=self.name, reason=str(error)) from error
        return Verdict("judge-failed", reason=f"{type(error).__name__}: {' '.join(str(error).split())[:80]}")


def read_verdict(reply: str) -> Verdict:
    """What a reply says: its first word decides, after what the model thought aloud."""
    found = _REPLY.match(_THOUGHT.sub("", reply))
    if not found:
        return Verdict("judge-failed", reason=f"neither yes nor no: {' '.join(reply.split())[:80]}")
    supported = found[1].casefold() in _YES
    return Verdict("scored", float(supported), supported)


def _endpoint_errors() -> tuple[type[Exception], ...]:
    """What requests to an endpoint can end in; nothing where no client for endpoints is installed."""
    try:
        from openai import OpenAIError
    except ModuleNotFoundError:
        return ()
    return (OpenAIError,)


def openai_model(name: str, url: str | None) -> BaseLanguageModel[Any]:
    """A chat model behind an endpoint that speaks OpenAI's protocol; the key is OPENAI_API_KEY, which local servers do without.

    Raises:
        MissingExtra: langchain-openai is not installed.
        JudgeUnavailable: there is neither an address nor a key.
    """
    from generation.models.endpoint_model import chat_client, endpoint_key

    key = endpoint_key(url)
    if key is None:
        raise JudgeUnavailable(name=name, reason="neither --judge-url nor OPENAI_API_KEY is given")
    return chat_client(name, url, key, seconds=_SECONDS, temperature=0.0)
