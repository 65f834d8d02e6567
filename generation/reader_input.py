"""A question and many units as one input of a decoder: each unit sees the question and itself, and no other unit.

    ids        <bos> question | unit 0 | unit 1 | ...
    positions  0 ... p-1      | p ...  | p ...  | ...

So a unit is read as if it stood alone behind the question, and the question is read once. The last token of a unit is where its
score is read. Parted attention in one sequence: Krell et al., 2021, arXiv:2107.02027 ("packing"), the question shared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corpus.language import to_simplified

# What the score is read from: is this an answer, yes or no.
YES, NO = "是", "否"
_ASK = "\n答："
_QUESTION, _UNIT = 96, 192  # most tokens of each


@dataclass(frozen=True)
class Packed:
    """The input.

    Attributes:
        ids, positions: shape (tokens,).
        unit: the unit that each token belongs to, -1 for the question; shape (tokens,).
        ends: where the last token of each unit stands, shape (units,).
    """

    ids: NDArray[np.int64]
    positions: NDArray[np.int64]
    unit: NDArray[np.int64]
    ends: NDArray[np.int64]

    def seen(self) -> NDArray[np.bool_]:
        """Which tokens (columns) each token (row) attends to, shape (tokens, tokens)."""
        order = np.arange(len(self.ids))
        shared = (self.unit[None] == -1) | (self.unit[None] == self.unit[:, None])
        return np.asarray(shared & (order[None] <= order[:, None]))


def packed(tokenizer: Any, question: str, units: Sequence[tuple[str, str]]) -> Packed:
    """A question with units, given as heading and text; Chinese in simplified characters, what is too long cut off."""
    asked = tokenizer.encode(f"问题：{to_simplified(question)}")[:_QUESTION]
    ask = tokenizer.encode(_ASK, add_special_tokens=False)
    ids, positions, unit, ends = list(asked), list(range(len(asked))), [-1] * len(asked), []
    for number, (heading, text) in enumerate(units):
        said = tokenizer.encode(f"\n{to_simplified(heading)}\n{to_simplified(text)}", add_special_tokens=False)[:_UNIT] + ask
        ids += said
        positions += range(len(asked), len(asked) + len(said))
        unit += [number] * len(said)
        ends.append(len(ids) - 1)
    return Packed(np.array(ids), np.array(positions), np.array(unit), np.array(ends, dtype=np.int64))
