"""The best set of passages, where the best passages one by one would repeat each other and leave a part of the question open."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrieval.embedder import FloatMatrix
from retrieval.searcher import FloatVector


@dataclass(frozen=True, slots=True)
class SetGains:
    """What counts beside a passage's own score, in units of that score.

    Attributes:
        repeat: lost by a passage that stands beside one chosen before, with which it is shown anyway.
        coverage: gained for holding all that the question names, the first time that it is held.
        part: gained for answering a part of the question as well as a part can be answered, where none did before.
    """

    repeat: float
    coverage: float = 0.0
    part: float = 0.0


def choose_set(
    scores: FloatVector,
    beside: NDArray[np.bool_],
    gains: SetGains,
    *,
    named: FloatMatrix | None = None,
    parts: FloatMatrix | None = None,
) -> tuple[list[int], FloatVector]:
    """All n passages, the best one first and then each as it adds most to those before it; and what it adds, shape (n,).

        next = argmax over the rest i of  score_i - repeat * [i stands beside a chosen one]
                                          + coverage * sum over t of named_ti * [no chosen one holds t]
                                          + part * sum over q of max(0, parts_qi - max over chosen j of parts_qj)

    Both sums are monotone and submodular (weighted coverage and facility location), so the greedy order comes close to the best
    set of every size (Nemhauser, Wolsey and Fisher 1978, Mathematical Programming 14). It is chosen around the best passage: who
    asks one thing wants that one first, and counting words a second time misplaced it (docs/retrieval.md). What is added is given
    as the least so far, so that it never rises along the order. Ties: the earlier passage.

    Args:
        scores: of each passage by itself, higher is better, shape (n,).
        beside: whether two passages stand side by side in one section, shape (n, n), symmetric.
        gains: how much each term counts.
        named: what the question names, row by row: its share of the whole where a passage holds it, else 0; shape (things, n).
        parts: how well each passage answers each part of the question, from 0 to about 1; shape (parts, n).
    """
    things = np.zeros((0, len(scores)), dtype=np.float32) if named is None else named.astype(np.float32)
    asked = np.zeros((0, len(scores)), dtype=np.float32) if parts is None else parts.astype(np.float32)
    open_, best = np.ones(len(things), dtype=np.float32), np.zeros(len(asked), dtype=np.float32)
    repeats = np.zeros(len(scores), dtype=np.bool_)
    order: list[int] = []
    added = np.zeros(len(scores), dtype=np.float32)
    for place in range(len(scores)):
        gain = scores - gains.repeat * repeats + gains.coverage * (open_ @ things)
        gain += gains.part * np.maximum(asked - best[:, None], 0).sum(axis=0)
        gain[order] = -np.inf
        chosen = int(np.argmax(gain if order else scores))
        order.append(chosen)
        added[place] = gain[chosen]
        open_ *= things[:, chosen] == 0
        best = np.maximum(best, asked[:, chosen])
        repeats |= beside[chosen]
    return order, np.minimum.accumulate(added)
