"""A question and many units as one input of a decoder: each unit sees the question and itself, and no other unit.

    ids        <bos> question | unit 0 | unit 1 | ...
    positions  0 ... p-1      | p ...  | p ...  | ...

So a unit is read as if it stood alone behind the question, and the question is read once: its heading, what it goes on from, and
the unit itself, whose last token is where its score is read. Parted attention in one sequence: Krell et al., 2021,
arXiv:2107.02027 ("packing"), the question shared.
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
_QUESTION, _BEFORE, _UNIT = 96, 48, 192  # most tokens of each


@dataclass(frozen=True, slots=True)
class ReadUnit:
    """A unit as the reader sees it.

    Attributes:
        heading: the titles and the lead that it stands under.
        text: what is scored.
        before: what it goes on from; empty where it stands by itself.
    """

    heading: str
    text: str
    before: str = ""


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


def packed(tokenizer: Any, question: str, units: Sequence[ReadUnit]) -> Packed:
    """A question with units; Chinese in simplified characters, what is too long cut off."""
    asked = tokenizer.encode(f"问题：{to_simplified(question)}")[:_QUESTION]
    ask = tokenizer.encode(_ASK, add_special_tokens=False)
    ids, positions, unit, ends = list(asked), list(range(len(asked))), [-1] * len(asked), []
    for number, read in enumerate(units):
        said = _told(tokenizer, read)[:_UNIT] + ask
        ids += said
        positions += range(len(asked), len(asked) + len(said))
        unit += [number] * len(said)
        ends.append(len(ids) - 1)
    return Packed(np.array(ids), np.array(positions), np.array(unit), np.array(ends, dtype=np.int64))


def _told(tokenizer: Any, read: ReadUnit) -> list[int]:
    lines = [(read.heading, _UNIT), *([(f"（接：{read.before}）", _BEFORE)] if read.before else []), (read.text, _UNIT)]
    return [i for line, most in lines for i in tokenizer.encode(f"\n{to_simplified(line)}", add_special_tokens=False)[:most]]
