"""How likely a model thinks each option of a question, in one pass over the prompt and one over all options side by side."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import torch
from torch.nn.functional import linear


class ChoiceScorer:
    """Log-probabilities under a causal language model of transformers; what two prompts begin with alike is computed once."""

    def __init__(self, model: Any, tokenizer: Any) -> None:
        self.model = model.eval()
        self.tokenizer = tokenizer
        self._kept: tuple[tuple[int, ...], Any] | None = None

    @torch.inference_mode()
    def score(self, shared: str, prompt: str, options: Sequence[str]) -> list[float]:
        """Mean log-probability a token of each option after `shared + prompt`, in nats.

        Args:
            shared: the beginning of the prompt, kept for the next call with the same one; "" for none.
            prompt: the rest; not empty.
            options: what may follow.
        """
        prefix = self.tokenizer.encode(shared) if shared else []
        rest = self.tokenizer.encode(prompt, add_special_tokens=not shared)
        cache = copy.deepcopy(self._prefilled(tuple(prefix))) if prefix else None
        if len(rest) > 1:  # the last token goes with the options, since it predicts their first
            cache = self._forward(torch.tensor([rest[:-1]]), cache, len(prefix)).past_key_values
        encoded = [self.tokenizer.encode(option, add_special_tokens=False) for option in options]
        if cache is not None:
            cache.batch_repeat_interleave(len(encoded))
        return self._options(rest[-1], encoded, cache, len(prefix) + len(rest) - 1)

    @torch.inference_mode()
    def surprise(self, text: str) -> tuple[float, int]:
        """Sum of the negative log-probabilities of a text's tokens, in nats, and how many they are."""
        ids = self.tokenizer.encode(text)
        hidden = self.model.get_decoder()(input_ids=torch.tensor([ids])).last_hidden_state[0, :-1]
        return -float(self._log_probabilities(hidden, torch.tensor(ids[1:])).sum()), len(ids) - 1

    def _prefilled(self, ids: tuple[int, ...]) -> Any:
        if self._kept is None or self._kept[0] != ids:
            self._kept = (ids, self._forward(torch.tensor([ids]), None, 0).past_key_values)
        return self._kept[1]

    def _forward(self, ids: torch.Tensor, cache: Any, past: int, mask: torch.Tensor | None = None) -> Any:
        if mask is None:
            mask = torch.ones((ids.shape[0], past + ids.shape[1]), dtype=torch.long)
        return self.model.get_decoder()(input_ids=ids, attention_mask=mask, past_key_values=cache, use_cache=True)

    def _options(self, last: int, encoded: Sequence[Sequence[int]], cache: Any, past: int) -> list[float]:
        longest = max(map(len, encoded))
        # Padded at the right: nothing looks at what comes after it.
        ids = torch.tensor([[last, *option[:-1], *[0] * (longest - len(option))] for option in encoded])
        mask = torch.tensor([[1] * (past + len(option)) + [0] * (longest - len(option)) for option in encoded])
        hidden = self._forward(ids, cache, past, mask).last_hidden_state
        kept = torch.cat([hidden[row, : len(option)] for row, option in enumerate(encoded)])
        found = self._log_probabilities(kept, torch.tensor([token for option in encoded for token in option]))
        parts = torch.split(found, [len(option) for option in encoded])
        return [float(part.mean()) for part in parts]

    def _log_probabilities(self, hidden: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Of each target given its hidden state, shape (targets,)."""
        logits = linear(hidden, self.model.get_output_embeddings().weight).float()
        return logits.gather(1, targets[:, None])[:, 0] - logits.logsumexp(-1)
