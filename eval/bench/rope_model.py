"""One long text through a model: perplexity at its end, and the pass keys, from a single reading."""

from __future__ import annotations

import copy
import math
import resource
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from eval.bench.rope_text import LongText
from generation.models.rope import RopeScale

# Perplexity is that of the last tokens, each of which sees (nearly) the whole window: a window slid over a longer text by this
# much would give the same tokens the same context (Press et al., 2022, arXiv:2108.12409).
TAIL = 1024
_HEAD_ROWS = 256  # logits of so many positions at a time: a row has as many numbers as the vocabulary
# Models with sliding-window layers need a mask of chunk × length; others are read in one go by a kernel that needs none.
_CHUNK = 2048


@dataclass(frozen=True, slots=True)
class Reading:
    """What one reading gave.

    Attributes:
        perplexity: of the notes among the last `TAIL` tokens.
        scored: how many tokens that were.
        keys: for each needle, whether greedy decoding would write exactly its key.
        digits: for each needle, the share of its tokens that would be right after the right ones before them.
        seconds: of reading the text, the questions not counted.
        peak_megabytes: most memory of the process so far.
    """

    perplexity: float
    scored: int
    keys: tuple[bool, ...]
    digits: tuple[float, ...]
    seconds: float
    peak_megabytes: int


@dataclass(frozen=True)
class RopeModel:
    """A loaded model whose positions can be turned otherwise without loading it again."""

    model: Any
    tokenizer: Any
    config: Any

    def rescale(self, scale: RopeScale) -> str:
        """Put a scaling in force, none before it; returns it in words.

        Only the module that computes the angles depends on it (all layers get cosines and sines from there), and a fresh one has
        not seen longer texts: `dynamic` keeps what it grew to.
        """
        config = copy.deepcopy(self.config)
        in_force = scale.apply(config)
        body = self.model.model
        body.rotary_emb = type(body.rotary_emb)(config=config).to(self.model.device)
        return in_force

    def read(self, text: LongText, *, whole: bool = False) -> Reading:
        """Read a text and ask for its keys; `whole` reads it in one go (angles that depend on the length need that)."""
        import torch

        started = time.perf_counter()
        with torch.inference_mode():
            hidden, cache = self._prefill(text.ids, whole)
            seconds = time.perf_counter() - started
            perplexity, scored = self._perplexity(hidden, text)
            found = [self._ask(cache, needle.question, needle.answer) for needle in text.needles]
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        digits = tuple(sum(right) / len(right) for right in found)
        return Reading(perplexity, scored, tuple(all(right) for right in found), digits, seconds, peak)

    def _prefill(self, ids: Sequence[int], whole: bool) -> tuple[Any, Any]:
        """Last hidden states of the last TAIL + 1 tokens, and the cache."""
        import torch
        from transformers import DynamicCache

        cache = DynamicCache(config=self.config)
        sliding = "sliding_attention" in (getattr(self.config, "layer_types", None) or ())
        step = _CHUNK if sliding and not whole else len(ids)
        tail = torch.empty(0)
        for start in range(0, len(ids), step):
            block = torch.tensor([ids[start : start + step]], device=self.model.device)
            out = self.model.model(input_ids=block, past_key_values=cache, use_cache=True)
            new = out.last_hidden_state[0, -TAIL - 1 :]
            tail = torch.cat([tail, new])[-TAIL - 1 :] if len(tail) else new
        return tail, cache

    def _perplexity(self, hidden: Any, text: LongText) -> tuple[float, int]:
        import torch

        count = len(hidden) - 1
        targets = torch.tensor(text.ids[-count:], device=hidden.device)
        wanted = torch.tensor(text.plain[-count:], device=hidden.device)
        total = 0.0
        for start in range(0, count, _HEAD_ROWS):
            rows = slice(start, min(start + _HEAD_ROWS, count))
            logits = self.model.lm_head(hidden[rows]).float().log_softmax(-1)
            chosen = logits.gather(1, targets[rows, None])[:, 0]
            total -= float(chosen[wanted[rows]].sum())
        scored = int(wanted.sum())
        return math.exp(total / scored), scored

    def _ask(self, cache: Any, question: Sequence[int], answer: Sequence[int]) -> list[bool]:
        """Whether each token of the answer is the likeliest after those before it.

        All of them together: just when greedy decoding, which goes on from its own tokens, would write the same.
        """
        import torch

        ids = torch.tensor([[*question, *answer]], device=self.model.device)
        out = self.model(input_ids=ids, past_key_values=copy.deepcopy(cache), use_cache=True, logits_to_keep=len(answer) + 1)
        likeliest = out.logits[0, :-1].argmax(-1).tolist()
        return [a == b for a, b in zip(likeliest, answer, strict=True)]


def load_rope_model(name: str) -> RopeModel:
    """Load a generator of the settings in bfloat16, read by PyTorch's fused attention."""
    from generation.models.model_loading import load_language_model
    from generation.models.transformers_model import TransformersLM

    loaded = load_language_model(name, runtime="transformers")
    assert isinstance(loaded, TransformersLM)  # noqa: S101 - it was asked for
    return RopeModel(loaded.model, loaded.tokenizer, loaded.model.config)
