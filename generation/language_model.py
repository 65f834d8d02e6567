"""A causal language model on this machine, behind LangChain's LLM interface, streaming."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models.llms import LLM
from langchain_core.outputs import GenerationChunk
from pydantic import ConfigDict

from corpus.errors import ModelNotFound
from retrieval.weights import Progress

BUNDLED_GENERATOR = "bundled:gemma-3-270m"


@dataclass(frozen=True, slots=True)
class Decoding:
    """How the next token is chosen; greedy while `temperature` is 0.

    Attributes:
        max_tokens: most tokens to generate.
        temperature: divides the logits; 0 takes the likeliest token.
        top_k, top_p, min_p: truncation of the distribution; None leaves it whole.
        repetition_penalty: divides the logits of tokens seen before (Keskar et al., 2019, arXiv:1909.05858); 1 does nothing.
        seed: for sampling.
    """

    max_tokens: int = 160
    temperature: float = 0.0
    top_k: int | None = None
    top_p: float | None = None
    min_p: float | None = None
    repetition_penalty: float = 1.0
    seed: int = 0

    def generate_arguments(self) -> dict[str, Any]:
        """The same in the names of transformers' `generate`."""
        arguments: dict[str, Any] = {"max_new_tokens": self.max_tokens, "repetition_penalty": self.repetition_penalty}
        if self.temperature == 0:
            return {**arguments, "do_sample": False}
        truncation = {"top_k": self.top_k or 0, "top_p": self.top_p, "min_p": self.min_p}
        return {**arguments, "do_sample": True, "temperature": self.temperature, **truncation}


class TransformersLM(LLM):
    """A transformers model in this process."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    name: str
    model: Any
    tokenizer: Any
    decoding: Decoding = Decoding()

    @property
    def _llm_type(self) -> str:
        return "transformers"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model": self.name, "decoding": self.decoding}

    def count_tokens(self, text: str) -> int:
        """Length of a text in the model's tokens, special tokens left out."""
        return len(self.tokenizer.encode(text, add_special_tokens=False))

    def _call(
        self,
        prompt: str,
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> str:
        return "".join(chunk.text for chunk in self._stream(prompt, stop, run_manager, **kwargs))

    def _stream(
        self,
        prompt: str,
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[GenerationChunk]:
        import torch
        from transformers import TextIteratorStreamer

        torch.manual_seed(self.decoding.seed)
        inputs = self.tokenizer(prompt, return_tensors="pt").to(self.model.device)
        streamer = TextIteratorStreamer(self.tokenizer, skip_prompt=True, skip_special_tokens=True)
        arguments = {**self.decoding.generate_arguments(), **inputs, "streamer": streamer, "tokenizer": self.tokenizer}
        worker = _Worker(self.model, {**arguments, "stop_strings": stop} if stop else arguments, streamer)
        worker.start()
        for piece in _until_stop(streamer, stop or ()):
            if run_manager:
                run_manager.on_llm_new_token(piece)
            yield GenerationChunk(text=piece)
        worker.join()
        if worker.error:
            raise worker.error


class _Worker(Thread):
    """`generate` in a thread of its own, so that text can be read while it runs; keeps the error it dies of."""

    def __init__(self, model: Any, arguments: dict[str, Any], streamer: Any) -> None:
        super().__init__(daemon=True)
        self._model, self._arguments, self._streamer = model, arguments, streamer
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            self._model.generate(**self._arguments)
        except BaseException as error:  # noqa: BLE001 - handed to the reading thread, which raises it
            self.error = error
            self._streamer.end()


def _until_stop(pieces: Iterator[str], stop: Sequence[str]) -> Iterator[str]:
    """Pass pieces on up to the first stop string, holding back what could be the beginning of one."""
    held, longest = "", max((len(s) for s in stop), default=0)
    for piece in pieces:
        held += piece
        if cuts := [held.index(s) for s in stop if s in held]:
            held = held[: min(cuts)]
            yield held
            return
        ready = len(held) - max(longest - 1, 0)
        if ready > 0:
            yield held[:ready]
            held = held[ready:]
    if held:
        yield held


def load_language_model(
    name: str = BUNDLED_GENERATOR,
    *,
    decoding: Decoding | None = None,
    device: str | None = None,
    progress: Progress | None = None,
) -> TransformersLM:
    """Load a generator: a `bundled:` name, a local folder, or a Hugging Face id; bfloat16.

    Raises:
        ModelNotFound: the model does not exist or its hub cannot be reached.
        WeightsMissing, WeightsMismatch: bundled weights are not installed or damaged.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    source = str(_folder(name, progress))
    try:
        tokenizer = AutoTokenizer.from_pretrained(source, trust_remote_code=False)
        model = AutoModelForCausalLM.from_pretrained(source, dtype=torch.bfloat16, trust_remote_code=False)
    except (OSError, ValueError) as error:
        raise ModelNotFound(name=name, reason=str(error).splitlines()[0]) from error
    model = model.to(device or ("cuda" if torch.cuda.is_available() else "cpu")).eval()
    return TransformersLM(name=name, model=model, tokenizer=tokenizer, decoding=decoding or Decoding())


def _folder(name: str, progress: Progress | None) -> Path | str:
    if name.startswith("bundled:"):
        from generation.bundled_gguf import prepare

        return prepare(name, progress)
    return name
