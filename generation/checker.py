"""How far a context supports a claim, 0-1, calibrated, in Chinese and English, on this machine and the same every time.

    claim + context --nearest sentences--> the network's logit (`checker_model`)
                                           what the words say (`verify`), what differs (`alignment`) --regression--> support

The network is an adapter of a few MB on the bundled E5 encoder, trained by `generation.training.train_checker`; the regression is
fitted on claims that it was not trained on, so that of the claims with a support of 0.8 about four in five are right. Figures,
data and limits: `adapters/interview-checker/README.md`, docs/faithfulness.md.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from corpus.sentences import sentences
from generation.alignment import Alignment, align
from generation.checker_input import nearest_sentences
from generation.verify import support
from retrieval.adapter import load_adapted
from retrieval.analysis import fold
from retrieval.encoder import Encoder, Runtime, one_thread
from retrieval.rerank_input import PairEncoder, Window

if TYPE_CHECKING:
    from generation.checker_model import CheckerHeads
    from retrieval.weights import Progress

BUNDLED_CHECKER = Path(__file__).with_name("adapters") / "interview-checker"
CONFIG_FILE = "checker.json"

Status = Literal["supported", "unsupported", "not-scoreable"]
# (claim, context)
ClaimInContext = tuple[str, str]

_LETTER = re.compile(r"[^\W_]")
_EDGES = re.compile(r"^[\W_]+|[\W_]+$")


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that is known about a claim in its context.

    Attributes:
        logit: the network's, for the claim.
        words: how far the words of its weakest clause follow a sentence, 0-1 (`generation.verify`).
        alignment: what differs from the sentences that it nearly follows.
    """

    logit: float
    words: float
    alignment: Alignment

    def features(self) -> tuple[float, ...]:
        """Inputs of the regression, in its order."""
        return (self.logit, self.words, *self.alignment.features())


@dataclass(frozen=True, slots=True)
class Combination:
    """Logistic regression of support on a claim's evidence.

    Attributes:
        weights: one a feature, see `Evidence.features`.
        bias: added to their sum.
        threshold: from this support on a claim counts as supported.
    """

    weights: tuple[float, ...]
    bias: float
    threshold: float

    def support(self, evidence: Evidence) -> float:
        """The probability that the context supports the claim, 0-1."""
        z = self.bias + sum(w * x for w, x in zip(self.weights, evidence.features(), strict=True))
        return 1.0 / (1.0 + math.exp(-z)) if z >= 0 else math.exp(z) / (1.0 + math.exp(z))


class Checker:
    """Scores claims against contexts; neither the order nor the company of a claim changes its score."""

    def __init__(self, network: Encoder, heads: CheckerHeads, encoder: PairEncoder, combination: Combination) -> None:
        self.network = network
        self.heads = heads
        self.encoder = encoder
        self.combination = combination

    @property
    def threshold(self) -> float:
        """From this support on a claim counts as supported."""
        return self.combination.threshold

    def score(self, claims: Sequence[ClaimInContext]) -> list[float | None]:
        """Support of each claim by its context, 0-1; None ("not scoreable") where either says nothing.

        A claim that is a sentence of the context, word for word, has a support of 1.
        """
        supports: list[float | None] = [1.0 if _says_something(*claim) else None for claim in claims]
        asked = [i for i, claim in enumerate(claims) if supports[i] and not is_quoted(*claim)]
        for i, found in zip(asked, self._evidence([claims[i] for i in asked]), strict=True):
            supports[i] = self.combination.support(found)
        return supports

    def status(self, support: float | None) -> Status:
        """What a score means."""
        if support is None:
            return "not-scoreable"
        return "supported" if support >= self.threshold else "unsupported"

    def logits(self, claims: Sequence[ClaimInContext]) -> list[float]:
        """What the network alone says of each, for fitting the regression; neither claim nor context is empty."""
        return list(self._logits(claims, [nearest_sentences(context, claim) for claim, context in claims]))

    def _evidence(self, claims: Sequence[ClaimInContext]) -> Iterator[Evidence]:
        near = [nearest_sentences(context, claim) for claim, context in claims]
        for (claim, _), text, logit in zip(claims, near, self._logits(claims, near), strict=True):
            yield weigh(logit, claim, text)

    def _logits(self, claims: Sequence[ClaimInContext], near: Sequence[str]) -> Iterator[float]:
        windows = [self.encoder.pair(claim, "", text).windows for (claim, _), text in zip(claims, near, strict=True)]
        read = self._read([window for some in windows for window in some])
        for some in windows:
            # No window: what no token stands for, such as rare symbols.
            yield max((next(read) for _ in some), default=-10.0)

    def _read(self, windows: Sequence[Window]) -> Iterator[float]:
        """The logit of each window."""
        import torch

        from retrieval.rerank_model import read_windows

        for states, batch in read_windows(self.network, windows):
            with torch.inference_mode(), one_thread():
                logit = self.heads(states, batch).claims.item()
            yield logit


def weigh(logit: float, claim: str, near: str) -> Evidence:
    """The evidence about a claim: what the network says and what words and alignment add.

    Args:
        logit: the network's.
        claim: not empty.
        near: the sentences of its context that it is checked against (`nearest_sentences`).
    """
    return Evidence(logit, support(claim, [near]) or 0.0, align(claim, near))


def is_quoted(claim: str, context: str) -> bool:
    """Whether a claim is a sentence of its context, apart from script, width, case and punctuation at the ends."""
    wanted = _bare(claim)
    return any(_bare(sentence) == wanted for sentence in sentences(context))


@lru_cache(maxsize=8192)
def _bare(sentence: str) -> str:
    return _EDGES.sub("", " ".join(fold(sentence).split()))


def _says_something(claim: str, context: str) -> bool:
    return bool(_LETTER.search(claim) and _LETTER.search(context))


def load_checker(
    folder: Path = BUNDLED_CHECKER,
    *,
    device: str | None = None,
    progress: Progress | None = None,
    runtime: Runtime | None = None,
) -> Checker:
    """The bundled checker, or one that was trained and calibrated into a folder.

    Raises:
        WeightsMissing, WeightsMismatch: the bundled base is not installed, or not the one that the adapter was trained on.
        MissingExtra: `runtime` is not installed.
    """
    from generation.checker_model import CheckerHeads

    config = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))
    network, weights, tokenizer, place = load_adapted(folder, config, device=device, progress=progress, runtime=runtime)
    heads = CheckerHeads(network.hidden)
    heads.load_state_dict(weights)
    combination = Combination(tuple(config["weights"]), config["bias"], config["threshold"])
    return Checker(network, heads.to(place).eval(), PairEncoder(tokenizer), combination)
