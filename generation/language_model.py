"""The seam to language models: one LangChain interface, whatever runs the model.

    prompt --LanguageModel.stream--> pieces of text, up to a stop string

`load_language_model` chooses what runs it: OpenVINO or transformers in this process, or a server that speaks OpenAI's protocol.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models.llms import LLM
from langchain_core.outputs import GenerationChunk
from pydantic import ConfigDict

from corpus.errors import MissingExtra, UsageError
from generation.stop_strings import until_stop

if TYPE_CHECKING:
    from generation.model_source import ModelSource
    from retrieval.weights import Progress

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
        adapter: name of the PEFT adapter in force, or None.
        rope: RoPE scaling in force, in words, or None.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    name: str
    runtime: Runtime
    decoding: Decoding = Decoding()
    chat: bool = False
    adapter: str | None = None
    rope: str | None = None

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


# Changes a transformers configuration before the weights are loaded, and says in words what is in force.
RopeScaling = Callable[[Any], str]


def load_language_model(
    name: str = BUNDLED_GENERATOR,
    *,
    decoding: Decoding | None = None,
    device: str | None = None,
    runtime: Runtime | None = None,
    bits: int | None = None,
    adapter: Path | None = None,
    chat: bool | None = None,
    rope: RopeScaling | None = None,
    url: str | None = None,
    seconds: float = 120.0,
    progress: Progress | None = None,
) -> LanguageModel:
    """Load a generator: a `bundled:` name, a local folder, a GGUF file, a Hugging Face id, or `openai:NAME` on a server.

    Args:
        name: the model.
        decoding: how it chooses tokens.
        device: torch device; found out if None.
        runtime: what runs it; None takes the fastest that can.
        bits: of the weights: OpenVINO runs 8; transformers 16, or 8 and 4 with bitsandbytes. None takes the runtime's own.
        adapter: folder of a PEFT adapter trained on this model.
        chat: whether prompts are messages of a user; None asks the tokenizer whether it has a chat template.
        rope: RoPE scaling.
        url: address of the server of an `openai:` model, such as http://127.0.0.1:8000/v1.
        seconds: longest wait for that server to answer.
        progress: called while bundled weights are converted.

    Raises:
        ModelNotFound: the model does not exist or its hub cannot be reached.
        WeightsMissing, WeightsMismatch: bundled weights are not installed or damaged.
        AdapterNotFound, AdapterMismatch: the adapter's folder holds none, or one of another model.
        EndpointUnavailable: the server cannot be asked.
        MissingExtra: what runs the model is not installed.
        UsageError: what runs the model cannot do what is asked.
    """
    decoding = decoding or Decoding()
    if name.startswith(OPENAI):
        from generation.endpoint_model import load_endpoint_model

        return load_endpoint_model(name, url, seconds=seconds, decoding=decoding, adapter=adapter, rope=rope)
    from generation.model_source import find_model

    source = find_model(name, rope=rope, progress=progress)
    chosen = choose_runtime(source, device, runtime, bits)
    if chosen == "openvino":
        from generation.openvino_model import load_openvino_model

        return load_openvino_model(source, decoding=decoding, adapter=adapter, chat=chat)
    from generation.transformers_model import load_transformers_model

    return load_transformers_model(source, decoding=decoding, device=device, bits=bits, adapter=adapter, chat=chat)


def choose_runtime(
    source: ModelSource, device: str | None = None, wanted: Runtime | None = None, bits: int | None = None
) -> Runtime:
    """What runs a model here: `wanted`, or OpenVINO on a processor, for the architectures it knows, where it is installed.

    Raises:
        MissingExtra: OpenVINO is wanted and not installed.
        UsageError: OpenVINO is wanted for a model that it cannot run here, or not in so many bits.
    """
    import torch

    from generation.decoder import supports

    installed = find_spec("openvino") is not None
    known = source.gguf is None and Path(source.location).is_dir() and supports(source.config)
    if wanted == "openvino":
        if not installed:
            raise MissingExtra(package="openvino", extra="cpu")
        if bits not in (None, 8):
            raise UsageError(
                reason=f"OpenVINO runs the generator in 8 bits, not {bits}: change generator_bits or generator_runtime"
            )
        if not known:
            raise UsageError(
                reason=f"OpenVINO cannot run {source.name}, only bundled models and local folders of Gemma 3 text, Llama and "
                "Qwen models: set generator_runtime to transformers or auto"
            )
    on_processor = torch.device(device).type == "cpu" if device else not torch.cuda.is_available()
    return wanted or ("openvino" if installed and on_processor and known and bits in (None, 8) else "transformers")
