"""A transformers model in this process."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from threading import Event, Thread
from typing import Any

import numpy as np
import numpy.typing as npt

from corpus.errors import ModelNotFound
from generation.language_model import Decoding, LanguageModel, RopeScaling, Runtime
from retrieval.weights import Progress


class TransformersLM(LanguageModel):
    """A transformers model; `model` and `tokenizer` are transformers' own objects."""

    runtime: Runtime = "transformers"
    model: Any
    tokenizer: Any

    def count_tokens(self, text: str) -> int:
        """Length of a text in the model's tokens, special tokens left out."""
        return len(self.tokenizer.encode(text, add_special_tokens=False))

    def pieces(self, prompt: str) -> Generator[str]:
        """The continuation, generated in a thread that ends with this iterator."""
        import torch
        from transformers import TextIteratorStreamer

        torch.manual_seed(self.decoding.seed)
        ids = torch.tensor([encode_prompt(self.tokenizer, prompt, chat=self.chat)], device=self.model.device)
        streamer = TextIteratorStreamer(self.tokenizer, skip_prompt=True, skip_special_tokens=True)
        inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids), "streamer": streamer}
        worker = _Worker(self.model, {**generate_arguments(self.decoding), **inputs}, streamer)
        worker.start()
        try:
            yield from streamer
        finally:
            worker.stopped.set()
            worker.join()
        if worker.error:
            raise worker.error

    def log_probabilities(self, text: str) -> npt.NDArray[np.float32]:
        """Natural log-probability of each token of a text given those before it, shape (tokens - 1,)."""
        import torch

        ids = torch.tensor([self.tokenizer.encode(text)], device=self.model.device)
        with torch.inference_mode():
            logits = self.model(input_ids=ids).logits[0, :-1].float()
        found: npt.NDArray[np.float32] = logits.log_softmax(-1).gather(1, ids[0, 1:, None])[:, 0].cpu().numpy()
        return found


def encode_prompt(tokenizer: Any, prompt: str, *, chat: bool) -> list[int]:
    """Token ids of a prompt as it is, or as the message of a user in the model's chat form."""
    if not chat:
        ids: list[int] = tokenizer.encode(prompt)
        return ids
    turns = [{"role": "user", "content": prompt}]
    # Models that can think aloud first are asked not to; templates without the switch ignore it.
    text = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True, enable_thinking=False)
    return list(tokenizer.encode(text, add_special_tokens=False))


def generate_arguments(decoding: Decoding) -> dict[str, Any]:
    """The decoding in the names of transformers' `generate`."""
    arguments: dict[str, Any] = {"max_new_tokens": decoding.max_tokens, "repetition_penalty": decoding.repetition_penalty}
    if decoding.temperature == 0:
        return {**arguments, "do_sample": False}
    truncation = {"top_k": decoding.top_k or 0, "top_p": decoding.top_p, "min_p": decoding.min_p}
    return {**arguments, "do_sample": True, "temperature": decoding.temperature, **truncation}


class _Worker(Thread):
    """`generate` in a thread of its own, so that text can be read while it runs; keeps the error it dies of."""

    def __init__(self, model: Any, arguments: dict[str, Any], streamer: Any) -> None:
        super().__init__(daemon=True)
        self._model, self._arguments, self._streamer = model, arguments, streamer
        self.stopped = Event()
        self.error: BaseException | None = None

    def run(self) -> None:
        import torch

        def stopped(ids: torch.Tensor, _scores: Any, **_: Any) -> torch.Tensor:
            return torch.full((ids.shape[0],), self.stopped.is_set(), dtype=torch.bool, device=ids.device)

        try:
            self._model.generate(**self._arguments, stopping_criteria=[stopped])
        except BaseException as error:  # noqa: BLE001 - handed to the reading thread, which raises it
            self.error = error
            self._streamer.end()


def load_transformers_model(
    name: str,
    *,
    decoding: Decoding,
    device: str | None = None,
    adapter: Path | None = None,
    chat: bool | None = None,
    rope: RopeScaling | None = None,
    progress: Progress | None = None,
) -> TransformersLM:
    """Load a model in bfloat16; see `load_language_model`."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

    source, extra = model_source(name, progress)
    try:
        tokenizer = AutoTokenizer.from_pretrained(source, trust_remote_code=False, **extra)
        config = AutoConfig.from_pretrained(source, trust_remote_code=False, **extra)
        in_force = rope(config) if rope else None
        if extra:
            from transformers import GgufConfig

            extra["quantization_config"] = GgufConfig(dequantize=True)
        model = AutoModelForCausalLM.from_pretrained(
            source, config=config, dtype=torch.bfloat16, trust_remote_code=False, **extra
        )
    except (OSError, ValueError) as error:
        raise ModelNotFound(name=name, reason=str(error).splitlines()[0]) from error
    if adapter is not None:
        from generation.adapter import apply_adapter

        model = apply_adapter(model, adapter, name)
    return TransformersLM(
        name=name,
        model=model.to(device or ("cuda" if torch.cuda.is_available() else "cpu")).eval(),
        tokenizer=tokenizer,
        decoding=decoding,
        chat=bool(tokenizer.chat_template) if chat is None else chat,
        adapter=adapter.name if adapter else None,
        rope=in_force,
    )


def model_source(name: str, progress: Progress | None = None) -> tuple[str, dict[str, Any]]:
    """What `from_pretrained` takes for a name in the settings: a folder or hub id, and arguments for a GGUF file."""
    if name.startswith("bundled:"):
        from generation.bundled_gguf import prepare

        return str(prepare(name, progress)), {}
    path = Path(name).expanduser()
    if path.suffix == ".gguf" and path.is_file():
        return str(path.parent), {"gguf_file": path.name}
    return str(path) if path.exists() else name, {}
