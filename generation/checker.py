"""How far a context supports a claim, 0-1, calibrated, in Chinese and English, on this machine and the same every time.

    claim + context --nearest sentences--> the network's logit and doubt (`checker_model`)
                                           what the words say (`verify`)        --logistic regression--> support

The network is an adapter of a few MB on the bundled E5 encoder, trained by `generation.training.train_checker`; the regression is
fitted on claims that it was not trained on, so that of the claims with a support of 0.8 about four in five are right. Figures,
data and limits: `adapters/interview-checker/README.md`, docs/faithfulness.md.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from corpus.sentences import sentences
from generation.checker_input import nearest_sentences
from generation.verify import WordFeatures, word_features
from retrieval.adapter import load_adapted
from retrieval.analysis import fold
from retrieval.rerank_input import PairEncoder, Window

if TYPE_CHECKING:
    from generation.checker_model import CheckerNetwork
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
        doubt: the network's highest, about one of its tokens.
        words: what the words say.
    """

    logit: float
    doubt: float
    words: WordFeatures

    def features(self) -> tuple[float, ...]:
        """Inputs of the regression, in its order: logit, doubt, then the words' features as declared."""
        return (self.logit, self.doubt, *astuple(self.words))


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

    def __init__(self, network: CheckerNetwork, encoder: PairEncoder, combination: Combination) -> None:
        self.network = network
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
        return [self._score(claim, context) for claim, context in claims]

    def status(self, support: float | None) -> Status:
        """What a score means."""
        if support is None:
            return "not-scoreable"
        return "supported" if support >= self.threshold else "unsupported"

    def _score(self, claim: str, context: str) -> float | None:
        if not _says_something(claim, context):
            return None
        return 1.0 if is_quoted(claim, context) else self.combination.support(self.evidence(claim, context))

    def evidence(self, claim: str, context: str) -> Evidence:
        """What a score is made from, for fitting the regression; neither claim nor context is empty."""
        near = nearest_sentences(context, claim)
        windows = self.encoder.pair(claim, "", near).windows
        if not windows:  # what no token stands for, such as rare symbols
            return Evidence(-10.0, 10.0, word_features(claim, near))
        logit, doubt = max(map(self._forward, windows))
        return Evidence(logit, doubt, word_features(claim, near))

    def _forward(self, window: Window) -> tuple[float, float]:
        """Logit and highest doubt of one window.

        One at a time: in a batch, the others' lengths would change the rounding, and with it the score.
        """
        import torch

        from retrieval.rerank_model import make_batch

        with torch.inference_mode():
            place = next(self.network.parameters()).device
            batch = make_batch([window], pad=self.encoder.tokenizer.pad_token_id, device=place)
            logits = self.network(batch)
            doubt = logits.doubt[batch.asked].max()
        return logits.claims.item(), doubt.item()


def is_quoted(claim: str, context: str) -> bool:
    """Whether a claim is a sentence of its context, apart from script, width, case and punctuation at the ends."""
    wanted = _bare(claim)
    return any(_bare(sentence) == wanted for sentence in sentences(context))


@lru_cache(maxsize=8192)
def _bare(sentence: str) -> str:
    return _EDGES.sub("", " ".join(fold(sentence).split()))


def _says_something(claim: str, context: str) -> bool:
    return bool(_LETTER.search(claim) and _LETTER.search(context))


def load_checker(folder: Path = BUNDLED_CHECKER, *, device: str | None = None, progress: Progress | None = None) -> Checker:
    """The bundled checker, or one that was trained and calibrated into a folder.

    Raises:
        WeightsMissing, WeightsMismatch: the bundled base is not installed, or not the one that the adapter was trained on.
    """
    from generation.checker_model import CheckerHeads, CheckerNetwork

    config = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))
    encoder, weights, tokenizer, place = load_adapted(folder, config, device=device, progress=progress)
    heads = CheckerHeads(encoder.config.hidden_size)
    heads.load_state_dict(weights)
    combination = Combination(tuple(config["weights"]), config["bias"], config["threshold"])
    return Checker(CheckerNetwork(encoder, heads).to(place).eval(), PairEncoder(tokenizer), combination)
