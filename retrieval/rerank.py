"""Scores passages and their sentences against a question: one call for reranking and for selecting evidence.

    question + passages --one forward pass--> relevance of every passage, score of every sentence, all 0-1

The default is this project's own scorer: the bundled E5 encoder with an adapter of a few MB, trained by
`retrieval.training.train` (figures and data in `adapters/interview-reranker/README.md`). Any cross-encoder of
sentence-transformers can take its place.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from corpus.errors import ModelNotFound
from corpus.results import SentenceScore
from corpus.sentences import sentence_spans
from retrieval.adapter import load_adapted
from retrieval.encoder import Encoder, Runtime, one_thread
from retrieval.rerank_input import Pair, PairEncoder

if TYPE_CHECKING:
    from retrieval.rerank_model import ScorerHeads
    from retrieval.weights import Progress

BUNDLED_RERANKER = "bundled:interview-reranker"
ADAPTERS = Path(__file__).with_name("adapters")
CONFIG_FILE = "reranker.json"

# A passage as (heading, text); the heading may be empty.
HeadedText = tuple[str, str]


@dataclass(frozen=True, slots=True)
class PassageScore:
    """A passage's calibrated probability of answering the question, and its sentences in order.

    Attributes:
        relevance: 0-1, higher is better; 0 for a passage without text.
        sentences: as `corpus.sentences.sentence_spans` cuts them.
    """

    relevance: float
    sentences: tuple[SentenceScore, ...]


class Reranker(Protocol):
    """What search and evidence selection need of a scorer."""

    name: str

    def score(self, question: str, passages: Sequence[HeadedText]) -> tuple[PassageScore, ...]:
        """Scores of passages in their order; the order has no influence on them."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """Platt's scaling of a logit to a probability: sigmoid(slope * logit + offset); Platt 1999."""

    slope: float = 1.0
    offset: float = 0.0

    def probability(self, logit: float) -> float:
        """The calibrated probability, 0-1."""
        return float(0.5 * (1.0 + np.tanh(0.5 * (self.slope * logit + self.offset))))


@dataclass(frozen=True, slots=True)
class RawScore:
    """What the network says of a passage: its logit (None without text), and one logit a sentence."""

    passage: float | None
    sentences: tuple[float, ...]


class AdapterReranker:
    """The project's own scorer, see `retrieval.rerank_model`."""

    def __init__(
        self,
        name: str,
        network: Encoder,
        heads: ScorerHeads,
        encoder: PairEncoder,
        *,
        passages: Calibration,
        sentences: Calibration,
    ) -> None:
        self.name = name
        self.network = network
        self.heads = heads
        self.encoder = encoder
        self.passages = passages
        self.sentences = sentences

    def score(self, question: str, passages: Sequence[HeadedText]) -> tuple[PassageScore, ...]:
        """Scores of passages in their order."""
        pairs = self.encoder.pairs(question, passages)
        return tuple(self._calibrate(pair, raw) for pair, raw in zip(pairs, self._logits(pairs), strict=True))

    def logits(self, question: str, passages: Sequence[HeadedText]) -> tuple[RawScore, ...]:
        """The same before calibration, for fitting one."""
        return self._logits(self.encoder.pairs(question, passages))

    def _calibrate(self, pair: Pair, raw: RawScore) -> PassageScore:
        relevance = 0.0 if raw.passage is None else self.passages.probability(raw.passage)
        scored = tuple(
            SentenceScore(start, end, self.sentences.probability(logit))
            for (start, end), logit in zip(pair.sentences, raw.sentences, strict=True)
        )
        return PassageScore(relevance, scored)

    def _logits(self, pairs: Sequence[Pair]) -> tuple[RawScore, ...]:
        """Run all windows; a passage and a sentence get the best logit of their windows."""
        import torch

        from retrieval.rerank_model import read_windows

        best: list[float | None] = [None] * len(pairs)
        # What no token stands for (rare symbols that the tokenizer drops) answers nothing.
        sentences = [[-20.0] * len(pair.sentences) for pair in pairs]
        places = [i for i, pair in enumerate(pairs) for _ in pair.windows]
        windows = [window for pair in pairs for window in pair.windows]
        for i, (states, batch) in zip(places, read_windows(self.network, windows), strict=True):
            with torch.inference_mode(), one_thread():
                found = self.heads(states, batch)
            logit, known = float(found.passages), best[i]
            best[i] = logit if known is None else max(known, logit)
            for (_, number), sentence in zip(batch.rows, found.sentences.tolist(), strict=True):
                sentences[i][number] = max(sentences[i][number], sentence)
        return tuple(RawScore(passage, tuple(row)) for passage, row in zip(best, sentences, strict=True))


class CrossEncoderReranker:
    """Any cross-encoder of sentence-transformers with one output, such as `BAAI/bge-reranker-v2-m3`.

    Such models score passages only, so each sentence is scored as a passage of its own, under its heading.
    """

    def __init__(self, name: str, model: Any) -> None:
        self.name = name
        self.model = model

    def score(self, question: str, passages: Sequence[HeadedText]) -> tuple[PassageScore, ...]:
        """Scores of passages in their order."""
        spans = [sentence_spans(text) for _, text in passages]
        sentences = [
            f"{heading}\n{text[a:b]}".strip() for (heading, text), cuts in zip(passages, spans, strict=True) for a, b in cuts
        ]
        whole = self._probabilities(question, [f"{heading}\n{text}".strip() for heading, text in passages])
        single = iter(self._probabilities(question, sentences))
        return tuple(
            PassageScore(relevance if cuts else 0.0, tuple(SentenceScore(a, b, next(single)) for a, b in cuts))
            for relevance, cuts in zip(whole, spans, strict=True)
        )

    def _probabilities(self, question: str, texts: Sequence[str]) -> list[float]:
        import torch

        # Sorted for the same reason as above: equal batches whatever the order.
        order = sorted(range(len(texts)), key=lambda i: (len(texts[i]), texts[i]))
        if not order:
            return []
        scores = self.model.predict(
            [(question, texts[i]) for i in order], activation_fn=torch.nn.Sigmoid(), show_progress_bar=False
        )
        placed = dict(zip(order, map(float, scores), strict=True))
        return [placed[i] for i in range(len(texts))]


def load_reranker(
    name: str = BUNDLED_RERANKER,
    *,
    device: str | None = None,
    progress: Progress | None = None,
    runtime: Runtime | None = None,
) -> Reranker:
    """Load a scorer: a bundled one, the folder of one that was trained here, or a cross-encoder's folder or Hugging Face id.

    Raises:
        ModelNotFound: the model does not exist, its hub cannot be reached, or it has more than one output.
        WeightsMissing, WeightsMismatch: the bundled base is not installed, or not the one that the adapter was trained on.
    """
    folder = ADAPTERS / name.removeprefix("bundled:") if name.startswith("bundled:") else Path(name)
    if (folder / CONFIG_FILE).is_file():
        return load_adapter(name, folder, device=device, progress=progress, runtime=runtime)
    if name.startswith("bundled:"):
        raise ModelNotFound(name=name, reason=f"the bundled reranker is called {BUNDLED_RERANKER}")
    from sentence_transformers import CrossEncoder

    try:
        model = CrossEncoder(name, device=device, trust_remote_code=False)
    except (OSError, ValueError) as error:
        raise ModelNotFound(name=name, reason=str(error).splitlines()[0]) from error
    if model.num_labels != 1:
        raise ModelNotFound(name=name, reason=f"a reranker has one output, this model has {model.num_labels}")
    return CrossEncoderReranker(name, model)


def load_adapter(
    name: str,
    folder: Path,
    *,
    device: str | None = None,
    progress: Progress | None = None,
    runtime: Runtime | None = None,
) -> AdapterReranker:
    """Put the adapter and the heads of a folder on the bundled base; see `load_reranker`."""
    from retrieval.rerank_model import ScorerHeads

    config = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))
    network, weights, tokenizer, place = load_adapted(folder, config, device=device, progress=progress, runtime=runtime)
    heads = ScorerHeads(network.hidden)
    heads.load_state_dict(weights)
    return AdapterReranker(
        name,
        network,
        heads.to(place).eval(),
        PairEncoder(tokenizer),
        passages=Calibration(*config["passage_calibration"]),
        sentences=Calibration(*config["sentence_calibration"]),
    )
