"""Loads a generator, and chooses what runs it: OpenVINO or transformers in this process, or a server."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from corpus.errors import MissingExtra, UsageError
from generation.models.language_model import BUNDLED_GENERATOR, OPENAI, Decoding, LanguageModel, Runtime

if TYPE_CHECKING:
    from generation.models.model_source import ModelSource, RopeScaling
    from retrieval.weights import Progress


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
        from generation.models.endpoint_model import load_endpoint_model

        return load_endpoint_model(name, url, seconds=seconds, decoding=decoding, adapter=adapter, rope=rope)
    from generation.models.model_source import find_model

    source = find_model(name, rope=rope, progress=progress)
    chosen = choose_runtime(source, device, runtime, bits)
    if chosen == "openvino":
        from generation.models.openvino_model import load_openvino_model

        return load_openvino_model(source, decoding=decoding, adapter=adapter, chat=chat)
    from generation.models.transformers_model import load_transformers_model

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

    from generation.models.decoder import supports

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
