"""A language model on a server that speaks OpenAI's protocol: vLLM, SGLang, llama.cpp, Ollama, or OpenAI's own.

The protocol has no words for top-k, min-p and the repetition penalty. Servers that have their own for them are told apart by what
they call themselves in the list of models; others are not asked, since they would ignore the setting without a word.
"""

from __future__ import annotations

import os
import re
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corpus.errors import EndpointUnavailable, MissingExtra, UsageError
from generation.models.language_model import OPENAI, Decoding, LanguageModel, Runtime

if TYPE_CHECKING:
    from langchain_openai import ChatOpenAI

    from generation.models.model_source import RopeScaling

_HAN = re.compile(r"[\u3400-\u9fff]")
_OPENAI_URL = "https://api.openai.com/v1"
_SAME = {name: name for name in ("top_k", "min_p", "repetition_penalty")}
# `owned_by` of a server's models -> its names for what the protocol lacks.
_EXTENSIONS = {"vllm": _SAME, "sglang": _SAME, "llamacpp": {**_SAME, "repetition_penalty": "repeat_penalty"}}
_MOST_STOPS = 4  # of OpenAI's own server


class EndpointLM(LanguageModel):
    """A chat model on a server; prompts are messages of a user."""

    runtime: Runtime = "openai"
    chat: bool = True
    url: str
    client: Any

    def count_tokens(self, text: str) -> int:
        """An estimate from above, since the tokenizer is the server's: one for a Han character, one for three other bytes."""
        han = len(_HAN.findall(text))
        return han + -(-(len(text.encode()) - 3 * han) // 3)

    def pieces(self, prompt: str, stop: Sequence[str] = (), *, system: str = "", only: str = "") -> Generator[str]:
        """The reply as it comes; closing the iterator closes the connection, which ends the server's work.

        Raises:
            EndpointUnavailable: the server cannot be reached, refuses, or breaks off.
            UsageError: only some tokens are allowed: the protocol cannot say so.
        """
        if only:
            raise UsageError(reason=f"a server cannot be told which tokens to write: unset answering.copy_only for {self.name}")
        messages = [("system", system), ("user", prompt)] if system else prompt
        finished = False
        with _errors(self.name, self.url):
            for chunk in self.client.stream(messages, stop=list(stop[:_MOST_STOPS]) or None):
                finished |= bool(chunk.response_metadata.get("finish_reason"))
                if text := chunk.text:
                    yield str(text)
        if not finished:
            raise EndpointUnavailable(name=self.name, url=self.url, reason="the reply broke off")


def load_endpoint_model(
    name: str,
    url: str | None,
    *,
    seconds: float,
    decoding: Decoding,
    adapter: Path | None = None,
    rope: RopeScaling | None = None,
) -> EndpointLM:
    """A model of a server; asks the server only if the decoding needs more than the protocol has.

    Raises:
        MissingExtra: langchain-openai is not installed.
        EndpointUnavailable: there is neither an address nor a key, or the server cannot be reached.
        UsageError: the server cannot do what the settings say.
    """
    if adapter or rope:
        what = "an adapter" if adapter else "RoPE scaling"
        raise UsageError(reason=f"{what} is loaded by the server itself: start it with that, and unset it here for {name}")
    address = url or _OPENAI_URL
    key = endpoint_key(url)
    if key is None:
        raise EndpointUnavailable(name=name, url=address, reason="neither generator_url nor OPENAI_API_KEY is given")
    model = name.removeprefix(OPENAI)
    body = _extensions(name, address, key, seconds, decoding)
    if url:  # servers other than OpenAI's know the limit by its earlier name
        body["max_tokens"] = decoding.max_tokens
    client = chat_client(
        model,
        url,
        key,
        seconds=seconds,
        temperature=decoding.temperature,
        top_p=decoding.top_p,
        seed=decoding.seed,
        max_tokens=decoding.max_tokens,
        extra_body=body or None,
    )
    return EndpointLM(name=name, url=address, client=client, decoding=decoding)


def endpoint_key(url: str | None) -> str | None:
    """OPENAI_API_KEY, which servers on one's own machines do without; None where it is needed and missing."""
    return os.environ.get("OPENAI_API_KEY") or ("none" if url else None)


def chat_client(model: str, url: str | None, key: str, *, seconds: float, **arguments: Any) -> ChatOpenAI:
    """LangChain's client of the chat protocol.

    Raises:
        MissingExtra: langchain-openai is not installed.
    """
    from pydantic import SecretStr

    try:
        from langchain_openai import ChatOpenAI
    except ModuleNotFoundError as error:
        raise MissingExtra(package="langchain-openai", extra="openai") from error
    return ChatOpenAI(
        model=model, base_url=url, api_key=SecretStr(key), timeout=seconds, max_retries=2, use_responses_api=False, **arguments
    )


def served_models(name: str, url: str | None, seconds: float) -> dict[str, str]:
    """The models of a server, each with what its server calls itself.

    Raises:
        MissingExtra, EndpointUnavailable: as `load_endpoint_model`.
    """
    address, key = url or _OPENAI_URL, endpoint_key(url)
    if key is None:
        raise EndpointUnavailable(name=name, url=address, reason="neither generator_url nor OPENAI_API_KEY is given")
    return _served(name, address, key, seconds)


def _served(name: str, url: str, key: str, seconds: float) -> dict[str, str]:
    try:
        from openai import OpenAI as Client
    except ModuleNotFoundError as error:
        raise MissingExtra(package="langchain-openai", extra="openai") from error
    with _errors(name, url), Client(base_url=url, api_key=key, timeout=seconds, max_retries=1) as client:
        return {model.id: model.owned_by or "" for model in client.models.list()}


def _extensions(name: str, url: str, key: str, seconds: float, decoding: Decoding) -> dict[str, Any]:
    """The settings that the protocol lacks, in the server's own words."""
    values = {"top_k": decoding.top_k, "min_p": decoding.min_p, "repetition_penalty": decoding.repetition_penalty}
    neutral = {"top_k": None, "min_p": None, "repetition_penalty": 1.0}
    asked = {setting: value for setting, value in values.items() if value != neutral[setting]}
    if not asked:
        return {}
    owners = set(_served(name, url, key, seconds).values())
    known = next((_EXTENSIONS[owner] for owner in owners if owner in _EXTENSIONS), None)
    if known is None:
        raise UsageError(
            reason=f"the server at {url} is not known to honour {', '.join(asked)}, which OpenAI's protocol lacks (vLLM, SGLang "
            f"and llama.cpp do): unset it in [decoding] for {name}"
        )
    return {known[setting]: value for setting, value in asked.items()}


@contextmanager
def _errors(name: str, url: str) -> Iterator[None]:
    """Whatever goes wrong between here and the server, as one error."""
    import httpx
    from openai import OpenAIError

    try:
        yield
    except (OpenAIError, httpx.HTTPError) as error:
        cause = error.__cause__ or error
        text = " ".join(str(error).split()) or type(cause).__name__
        raise EndpointUnavailable(name=name, url=url, reason=text.rstrip(".")) from error
