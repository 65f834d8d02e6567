"""The next token from logits: greedy, or drawn from a truncated distribution; in the order that transformers applies it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from generation.models.language_model import Decoding

FloatArray = npt.NDArray[np.float32]
BoolArray = npt.NDArray[np.bool_]


class Sampler:
    """Chooses tokens for one text; the same seed and logits give the same tokens."""

    def __init__(self, decoding: Decoding, size: int, allowed: BoolArray | None = None) -> None:
        """`size` is the number of logits; `allowed`, shape (size,), says which may be chosen, None any."""
        self._decoding = decoding
        self._allowed = allowed
        self._seen: BoolArray = np.zeros(size, np.bool_)
        self._random = np.random.default_rng(decoding.seed)

    def saw(self, tokens: npt.NDArray[np.int64]) -> None:
        """Tokens of the text so far, as positions among the logits: what the repetition penalty applies to."""
        self._seen[tokens] = True

    def choose(self, logits: FloatArray) -> int:
        """The position of the next token."""
        decoding = self._decoding
        scores = logits.astype(np.float32)
        if self._allowed is not None:
            scores = np.where(self._allowed, scores, np.float32(-np.inf))
        if decoding.repetition_penalty != 1:
            seen = scores[self._seen]
            scores[self._seen] = np.where(seen > 0, seen / decoding.repetition_penalty, seen * decoding.repetition_penalty)
        token = int(scores.argmax()) if decoding.temperature == 0 else self._draw(scores / decoding.temperature)
        self._seen[token] = True
        return token

    def _draw(self, scores: FloatArray) -> int:
        probabilities = truncate(_softmax(scores), self._decoding)
        return int(self._random.choice(len(probabilities), p=probabilities))


def truncate(probabilities: npt.NDArray[np.float64], decoding: Decoding) -> npt.NDArray[np.float64]:
    """The distribution without its unlikely tail, summing to one.

    top_k keeps the likeliest k; top_p the fewest of these that hold that much (Holtzman et al., 2020, arXiv:1904.09751);
    min_p what has at least that share of the likeliest one's probability (Nguyen et al., 2024, arXiv:2407.01082).
    """
    kept = probabilities.copy()
    if decoding.top_k is not None and decoding.top_k < len(kept):
        kept[np.argsort(-kept, kind="stable")[decoding.top_k :]] = 0
        kept /= kept.sum()
    if decoding.top_p is not None and decoding.top_p < 1:
        order = np.argsort(-kept, kind="stable")
        before = np.cumsum(kept[order]) - kept[order]
        kept[order[before >= decoding.top_p]] = 0
        kept /= kept.sum()
    if decoding.min_p is not None:
        kept[kept < decoding.min_p * kept.max()] = 0
    kept /= kept.sum()
    return kept


def _softmax(scores: FloatArray) -> npt.NDArray[np.float64]:
    powers: npt.NDArray[np.float64] = np.exp(scores.astype(np.float64) - scores.max())
    powers /= powers.sum()
    return powers
