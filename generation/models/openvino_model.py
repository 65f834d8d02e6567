"""A language model on OpenVINO in this process: several times as fast as PyTorch on a processor."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from pydantic import PrivateAttr

from corpus.errors import ModelNotFound
from generation.models.adapter import is_composer
from generation.models.decoder import BLOCK, Decoder, DecoderCache
from generation.models.kept_vocabulary import kept_tokens
from generation.models.language_model import Decoding, LanguageModel, Runtime
from generation.models.model_source import ModelSource, encode_prompt, tokens_of
from generation.models.sampling import Sampler

if TYPE_CHECKING:
    from torch import Tensor

# Caches that wait for the next text: one for each kind of prompt that takes turns with another.
_IDLE_CACHES = 2


class OpenVINOLM(LanguageModel):
    """A decoder with 8-bit matrices; what prompts have in common with the last ones is not read again."""

    runtime: Runtime = "openvino"
    decoder: Decoder
    tokenizer: Any
    ends: frozenset[int]
    _idle: list[DecoderCache] = PrivateAttr(default_factory=list)
    _lock: Any = PrivateAttr(default_factory=Lock)

    def count_tokens(self, text: str) -> int:
        """Length of a text in the model's tokens, special tokens left out."""
        return len(self.tokenizer.encode(text, add_special_tokens=False))

    def pieces(self, prompt: str, stop: Sequence[str] = (), *, system: str = "", only: str = "") -> Generator[str]:
        """The continuation as it is decoded."""
        ids = encode_prompt(self.tokenizer, prompt, chat=self.chat, system=system)
        allowed = (*tokens_of(self.tokenizer, only), *self.ends) if only else None
        yield from decode_pieces(self.tokenizer, self.tokens(ids, allowed))

    def tokens(self, prompt: Sequence[int], allowed: Sequence[int] | None = None) -> Generator[int]:
        """Token ids after those of a prompt, up to the end of the text or `max_tokens`; `allowed` None allows all."""
        kept = self.decoder.kept
        sampler = Sampler(self.decoding, len(kept), None if allowed is None else np.isin(kept, allowed))
        sampler.saw(np.flatnonzero(np.isin(kept, prompt)))
        with self._cache_for(prompt) as cache:
            logits = cache.read(prompt)
            for n in range(self.decoding.max_tokens):
                token = int(kept[sampler.choose(logits)])
                if token in self.ends:
                    return
                yield token
                if n + 1 < self.decoding.max_tokens:
                    logits = cache.extend([token], [0])[0]

    def log_probabilities(self, text: str) -> npt.NDArray[np.float32]:
        """Natural log-probability of each token of a text given those before it, shape (tokens - 1,).

        -inf for tokens outside of the kept vocabulary.
        """
        ids = self.tokenizer.encode(text)
        cache = self.decoder.cache()
        found: list[npt.NDArray[np.float32]] = []
        for start in range(0, len(ids) - 1, BLOCK):
            block = ids[start : start + BLOCK][: len(ids) - 1 - start]
            logits = cache.extend(block, range(len(block)))
            found.append(self._log_softmax(logits, np.array(ids[start + 1 : start + 1 + len(block)])))
        return np.concatenate(found) if found else np.empty(0, np.float32)

    def _log_softmax(self, logits: npt.NDArray[np.float32], targets: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        import torch

        kept = self.decoder.kept
        places = np.searchsorted(kept, targets).clip(max=len(kept) - 1)
        scores = torch.from_numpy(logits)
        own = scores[torch.arange(len(targets)), torch.from_numpy(places)] - scores.logsumexp(1)
        return np.where(kept[places] == targets, own.numpy(), np.float32(-np.inf))

    @contextmanager
    def _cache_for(self, prompt: Sequence[int]) -> Iterator[DecoderCache]:
        """The idle cache that shares most with a prompt, or a new one; what an error interrupted is not used again."""
        with self._lock:
            shared = [cache.shared(prompt) for cache in self._idle]
            best = max(range(len(shared)), key=shared.__getitem__, default=0)
            reusable = len(shared) == _IDLE_CACHES or any(shared)
            cache = self._idle.pop(best) if reusable else self.decoder.cache()
        try:
            yield cache
        except GeneratorExit:
            self._keep(cache)
            raise
        self._keep(cache)

    def _keep(self, cache: DecoderCache) -> None:
        with self._lock:
            self._idle = [*self._idle, cache][-_IDLE_CACHES:]


def decode_pieces(tokenizer: Any, tokens: Iterator[int]) -> Generator[str]:
    """Text of tokens as they come; bytes of an unfinished character wait for the rest of it."""
    ids: list[int] = []
    begin = shown = 0  # decoding starts where text was complete, since a token may read otherwise at the start of a text
    for token in tokens:
        ids.append(token)
        known = tokenizer.decode(ids[begin:shown], skip_special_tokens=True)
        text = tokenizer.decode(ids[begin:], skip_special_tokens=True)
        if len(text) > len(known) and not text.endswith("�"):
            yield text[len(known) :]
            begin, shown = shown, len(ids)
    known = tokenizer.decode(ids[begin:shown], skip_special_tokens=True)
    if rest := tokenizer.decode(ids[begin:], skip_special_tokens=True)[len(known) :]:
        yield rest


def load_openvino_model(
    source: ModelSource, *, decoding: Decoding, adapter: Path | None = None, chat: bool | None = None
) -> OpenVINOLM:
    """Load a local folder whose configuration `decoder.supports`; the matrices are rounded to 8 bits as they are read.

    Nothing of it is stored: rounding takes about as long as reading a copy would, and a copy could become stale.
    """
    tokenizer = source.tokenizer()
    weights = source.merged(adapter).state_dict() if adapter else read_weights(Path(source.location))
    named = {key.removeprefix("model."): weight for key, weight in weights.items()}
    kept = kept_tokens(tokenizer, source.config.vocab_size)
    return OpenVINOLM(
        name=source.name,
        decoder=Decoder(named, source.config, kept),
        tokenizer=tokenizer,
        ends=end_tokens(source, tokenizer),
        decoding=decoding,
        chat=bool(tokenizer.chat_template) if chat is None else chat,
        composes=is_composer(adapter),
        adapter=adapter.name if adapter else None,
        rope=source.rope,
    )


def read_weights(folder: Path) -> dict[str, Tensor]:
    """The tensors of a transformers folder, where they lie on the disk.

    Raises:
        ModelNotFound: the folder holds no safetensors.
    """
    from safetensors import safe_open

    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise ModelNotFound(name=str(folder), reason="it holds no safetensors")
    found: dict[str, Tensor] = {}
    for path in files:
        with safe_open(path, "pt") as file:
            found |= {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 -- not a mapping
    return found


def end_tokens(source: ModelSource, tokenizer: Any) -> frozenset[int]:
    """The tokens that end a text, as `generate` of transformers knows them."""
    stored = source.generation_config().eos_token_id
    ids = [stored] if isinstance(stored, int) else (stored or [tokenizer.eos_token_id])
    return frozenset(token for token in ids if token is not None)
