"""A transformers model in this process."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from pathlib import Path
from threading import Event, Thread
from typing import Any

import numpy as np
import numpy.typing as npt

from generation.models.adapter import is_composer
from generation.models.language_model import Decoding, LanguageModel, Runtime
from generation.models.model_source import ModelSource, encode_prompt, tokens_of

# Positions whose logits are held at a time: 262,144 numbers each.
_BLOCK = 128


class TransformersLM(LanguageModel):
    """A transformers model; `model` and `tokenizer` are transformers' own objects."""

    runtime: Runtime = "transformers"
    model: Any
    tokenizer: Any

    def count_tokens(self, text: str) -> int:
        """Length of a text in the model's tokens, special tokens left out."""
        return len(self.tokenizer.encode(text, add_special_tokens=False))

    def pieces(self, prompt: str, stop: Sequence[str] = (), *, system: str = "", only: str = "") -> Generator[str]:
        """The continuation, generated in a thread that ends with this iterator."""
        import torch
        from transformers import TextIteratorStreamer

        torch.manual_seed(self.decoding.seed)
        encoded = encode_prompt(self.tokenizer, prompt, chat=self.chat, system=system)
        ids = torch.tensor([encoded], device=self.model.device)
        streamer = TextIteratorStreamer(self.tokenizer, skip_prompt=True, skip_special_tokens=True)
        inputs: dict[str, Any] = {"input_ids": ids, "attention_mask": torch.ones_like(ids), "streamer": streamer}
        if only:
            allowed = [*tokens_of(self.tokenizer, only), *_ends(self.model)]
            inputs["prefix_allowed_tokens_fn"] = lambda _batch, _ids: allowed
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
        found, past = [], None
        with torch.inference_mode():
            for start in range(0, ids.shape[1] - 1, _BLOCK):
                block = ids[:, start : start + _BLOCK][:, : ids.shape[1] - 1 - start]
                output = self.model(input_ids=block, past_key_values=past, use_cache=True)
                past = output.past_key_values
                following = ids[0, start + 1 : start + 1 + block.shape[1], None]
                logits = output.logits[0].float()
                found.append(logits.gather(1, following)[:, 0] - logits.logsumexp(1))
        return torch.cat(found).cpu().numpy() if found else np.empty(0, np.float32)


def _ends(model: Any) -> list[int]:
    """The tokens that end a text, as `generate` reads them."""
    ends = model.generation_config.eos_token_id
    return [ends] if isinstance(ends, int) else list(ends or ())


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
    source: ModelSource,
    *,
    decoding: Decoding,
    device: str | None = None,
    bits: int | None = None,
    adapter: Path | None = None,
    chat: bool | None = None,
) -> TransformersLM:
    """Load a model in bfloat16, or in 8 or 4 bits; see `load_language_model`."""
    import torch

    tokenizer = source.tokenizer()
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    model = source.merged(adapter, bits=bits, device=device)
    return TransformersLM(
        name=source.name,
        model=(model if bits in (4, 8) else model.to(device)).eval(),
        tokenizer=tokenizer,
        decoding=decoding,
        chat=bool(tokenizer.chat_template) if chat is None else chat,
        composes=is_composer(adapter),
        adapter=adapter.name if adapter else None,
        rope=source.rope,
    )
