"""The seam to language models: one LangChain interface, whatever runs the model.

    prompt --LanguageModel.stream--> pieces of text, up to a stop string

`generation.models.model_loading` chooses what runs it.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Literal

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models.llms import LLM
from langchain_core.outputs import GenerationChunk
from pydantic import ConfigDict

from generation.models.stop_strings import until_stop

BUNDLED_GENERATOR = "bundled:gemma-3-270m"
OPENAI = "openai:"

Runtime = Literal["openvino", "transformers", "openai"]


@dataclass(frozen=True, slots=True)
class Decoding:
    """How the next token is chosen; greedy while `temperature` is 0.

    Attributes:
        max_tokens: most tokens to generate.
        temperature: divides the logits; 0 takes the likeliest token.
        top_k, top_p, min_p: truncation of the distribution; None leaves it whole. min_p: Nguyen et al., 2024, arXiv:2407.01082.
        repetition_penalty: divides the logits of tokens seen before (Keskar et al., 2019, arXiv:1909.05858); 1 does nothing.
        seed: for sampling.
        stop: strings that end the text before themselves, beside those of a call.
    """

    max_tokens: int = 160
    temperature: float = 0.0
    top_k: int | None = None
    top_p: float | None = None
    min_p: float | None = None
    repetition_penalty: float = 1.0
    seed: int = 0
    stop: tuple[str, ...] = ()


class LanguageModel(LLM):
    """A language model that continues a prompt, or, where `chat` is set, answers it as the message of a user.

    Attributes:
        name: as in the settings.
        runtime: what runs it.
        decoding: how tokens are chosen.
        chat: the prompt is put into the model's own chat form, so instructions do; a base model needs worked examples.
        composes: its adapter was trained to write the answer to a question from numbered evidence.
        adapter: name of the PEFT adapter in force, or None.
        rope: RoPE scaling in force, in words, or None.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    name: str
    runtime: Runtime
    decoding: Decoding = Decoding()
    chat: bool = False
    composes: bool = False
    adapter: str | None = None
    rope: str | None = None

    @property
    def reads_all(self) -> bool:
        """Whether it is given all of the evidence to write from, rather than the best lines to shorten."""
        return self.chat or self.composes

    @abstractmethod
    def count_tokens(self, text: str) -> int:
        """Length of a text in the model's tokens, special tokens left out."""

    @abstractmethod
    def pieces(self, prompt: str, stop: Sequence[str] = (), *, system: str = "", only: str = "") -> Generator[str]:
        """The continuation as it comes; it may go on behind a stop string. Closing the iterator ends the work.

        Args:
            prompt: what is continued, or the message of a user.
            stop: strings that end it.
            system: instructions before the message of a user; a base model has none.
            only: a text whose tokens alone may be written, beside line ends and the end of the text; empty allows any.
        """

    @property
    def _llm_type(self) -> str:
        return self.runtime

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {
            "model": self.name,
            "runtime": self.runtime,
            "decoding": self.decoding,
            "adapter": self.adapter,
            "rope": self.rope,
        }

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
        # Closed at once when the text ends at a stop string or the reader goes away: nothing is computed for nobody.
        ends = (*self.decoding.stop, *(stop or ()))
        with closing(self.pieces(prompt, ends, **kwargs)) as pieces:
            piece = None
            for piece in until_stop(pieces, ends):
                if run_manager:
                    run_manager.on_llm_new_token(piece)
                yield GenerationChunk(text=piece)
            if piece is None:  # the model wrote nothing, which LangChain would take for a failure
                yield GenerationChunk(text="")
