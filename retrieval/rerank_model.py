"""The network of the scorer: E5's encoder with two heads, one for passages and one for their sentences.

    h = encoder(tokens)                                             shape (windows, length, hidden)
    p = gelu(W h)                                                   shape (windows, length, PROJECTION)
    match = sum over question tokens q of softmax(w . h_q) * max over the sentence's tokens t of cos(h_q, h_t)
    sentence logit = v . [mean of p over its tokens; maximum of p over them] + 20 m * match
    passage logit  = u . gelu(U [h of <s>; mean of h]) + a * logsumexp of its sentences' logits

`match` is late interaction (Khattab and Zaharia 2020, arXiv:2004.12832) on the states of the cross-encoder (Nogueira and Cho
2019, arXiv:1901.04085): before any training it already finds what E5 finds, so that few labelled questions go a long way.
The last term ties the two jobs together: a passage is relevant if one of its sentences is. The encoder carries a LoRA
adapter (Hu et al. 2021, arXiv:2106.09685), which is added to its weights once, when it is loaded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, normalize, pad
from transformers import AttentionInterface, AutoModel
from transformers.masking_utils import AttentionMaskInterface, eager_mask

from retrieval.encoder import Encoder
from retrieval.rerank_input import Window

PROJECTION = 128
# Lengths are rounded up to a multiple of this: oneDNN compiles its kernels anew for every shape that it has not seen.
_STEP = 32
# Windows whose states are in memory together, half a megabyte each.
_AT_ONCE = 32
# Cosines of E5's token states lie close together; what the head starts from, before it is trained.
_MATCH_SCALE, _USUAL_MATCH = 20.0, 0.93
ATTENTION = "interview-rag-plain"


def _plain_attention(
    _module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    scaling: float,
    **_rest: object,
) -> tuple[Tensor, None]:
    """softmax(Q K' / sqrt(d) + mask) V with heads of shape (windows, heads, length, d).

    On a processor, in bfloat16 and at these lengths, three plain operations run about 1.4 times as fast as PyTorch's fused kernel
    forwards, and twice as fast backwards.
    """
    scores = torch.matmul(query * scaling, key.transpose(2, 3))
    if attention_mask is not None:
        scores = scores + attention_mask
    return torch.matmul(scores.softmax(-1), value).transpose(1, 2).contiguous(), None


def load_encoder(folder: Path, dtype: torch.dtype) -> Any:
    """The base encoder with plain attention, and without dropout, which is a matter of its own training."""
    AttentionInterface.register(ATTENTION, _plain_attention)
    AttentionMaskInterface.register(ATTENTION, eager_mask)
    no_dropout = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    return AutoModel.from_pretrained(folder, dtype=dtype, attn_implementation=ATTENTION, trust_remote_code=False, **no_dropout)


@dataclass(frozen=True)
class Batch:
    """Windows padded to one length.

    Attributes:
        ids, mask: shape (windows, length).
        asked: which tokens are the question's, shape (windows, length).
        row: for every token the row of its sentence, `len(rows)` for tokens outside sentences; shape (windows, length).
        rows: (window, sentence number in its passage) of each row.
        column: for every row its place among the rows of its window; shape (rows,).
        window: for every row its window; shape (rows,).
    """

    ids: Tensor
    mask: Tensor
    asked: Tensor
    row: Tensor
    rows: tuple[tuple[int, int], ...]
    column: Tensor
    window: Tensor


def make_batch(windows: Sequence[Window], *, pad: int, device: torch.device | str = "cpu") -> Batch:
    """Pad windows on the right and number their sentences through."""
    length = -(-max(len(window.ids) for window in windows) // _STEP) * _STEP
    ids = torch.full((len(windows), length), pad)
    mask = torch.zeros((len(windows), length), dtype=torch.long)
    asked = torch.zeros((len(windows), length), dtype=torch.bool)
    rows: list[tuple[int, int]] = []
    columns: list[int] = []
    placed = []
    for i, window in enumerate(windows):
        ids[i, : len(window.ids)] = torch.tensor(window.ids)
        mask[i, : len(window.ids)] = 1
        asked[i, 1 : 1 + window.asked] = True
        numbers = sorted(set(window.sentence_of) - {-1})
        first = {number: len(rows) + column for column, number in enumerate(numbers)}
        rows += [(i, number) for number in numbers]
        columns += range(len(numbers))
        placed.append(first)
    row = torch.full((len(windows), length), len(rows))
    for i, window in enumerate(windows):
        row[i, : len(window.ids)] = torch.tensor([placed[i].get(number, len(rows)) for number in window.sentence_of])
    window_of = torch.tensor([i for i, _ in rows], dtype=torch.long)
    column_of = torch.tensor(columns, dtype=torch.long)
    ids, mask, asked, row, column_of, window_of = (t.to(device) for t in (ids, mask, asked, row, column_of, window_of))
    return Batch(ids, mask, asked, row, tuple(rows), column_of, window_of)


def read_windows(encoder: Encoder, windows: Sequence[Window]) -> Iterator[tuple[Tensor, Batch]]:
    """Each window's token states, shape (1, length, hidden), and itself as a batch of its own: no company changes its score."""
    for start in range(0, len(windows), _AT_ONCE):
        some = windows[start : start + _AT_ONCE]
        for window, states in zip(some, encoder.states([window.ids for window in some]), strict=True):
            batch = make_batch([window], pad=0, device=states.device)
            yield pad(states, (0, 0, 0, batch.ids.shape[1] - len(states))).unsqueeze(0), batch


@dataclass(frozen=True)
class Logits:
    """Scores before calibration: passages shape (windows,), sentences shape (rows,), features (windows, length, PROJECTION)."""

    passages: Tensor
    sentences: Tensor
    features: Tensor


class ScorerHeads(nn.Module):
    """The two heads over the encoder's token states."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.project = nn.Linear(hidden, PROJECTION)
        self.sentence = nn.Linear(2 * PROJECTION, 1)
        self.weigh = nn.Linear(hidden, 1)
        self.match = nn.Parameter(torch.ones(()))
        nn.init.constant_(self.sentence.bias, -_MATCH_SCALE * _USUAL_MATCH)
        self.whole = nn.Linear(2 * hidden, PROJECTION)
        self.passage = nn.Linear(PROJECTION, 1)
        self.evidence = nn.Parameter(torch.ones(()))

    def forward(self, states: Tensor, batch: Batch) -> Logits:
        """Logits of passages and sentences from token states of shape (windows, length, hidden)."""
        features = gelu(self.project(states))
        sentences = self.sentence(self._pool(features, batch)).squeeze(-1) + _MATCH_SCALE * self.match * self._match(
            states, batch
        )
        mask = batch.mask.unsqueeze(-1).to(states.dtype)
        mean = (states * mask).sum(1) / mask.sum(1)
        whole = self.passage(gelu(self.whole(torch.cat((states[:, 0], mean), dim=-1)))).squeeze(-1)
        return Logits(whole + self.evidence * _window_logsumexp(sentences, batch), sentences, features)

    def _pool(self, features: Tensor, batch: Batch) -> Tensor:
        """Mean and maximum over each sentence's tokens, shape (rows, 2 * PROJECTION); the row of outside tokens is dropped."""
        flat = features.reshape(-1, PROJECTION)
        index = batch.row.reshape(-1, 1).expand_as(flat)
        blank = flat.new_zeros(len(batch.rows) + 1, PROJECTION)
        mean = blank.scatter_reduce(0, index, flat, "mean", include_self=False)
        highest = blank.scatter_reduce(0, index, flat, "amax", include_self=False)
        return torch.cat((mean, highest), dim=-1)[:-1]

    def _match(self, states: Tensor, batch: Batch) -> Tensor:
        """How well each sentence's tokens match the question's, shape (rows,); each question token takes its nearest."""
        longest = int(batch.asked.sum(1).max()) + 1
        unit = normalize(states, dim=-1)
        cosine = unit @ unit[:, 1:longest].transpose(1, 2)  # (windows, length, question tokens), from the first after <s>
        flat = cosine.reshape(-1, longest - 1)
        index = batch.row.reshape(-1, 1).expand_as(flat)
        nearest = flat.new_zeros(len(batch.rows) + 1, longest - 1).scatter_reduce(0, index, flat, "amax", include_self=False)[:-1]
        weight = self.weigh(states[:, 1:longest]).squeeze(-1).masked_fill(~batch.asked[:, 1:longest], -1e4).softmax(-1)
        match: Tensor = (nearest * weight[batch.window]).sum(-1)
        return match


def _window_logsumexp(sentences: Tensor, batch: Batch) -> Tensor:
    """Log sum exp of each window's sentence logits, shape (windows,)."""
    widest = int(batch.column.max()) + 1 if len(batch.rows) else 1
    table = sentences.new_full((len(batch.ids), widest), -1e4)
    table = table.index_put((batch.window, batch.column), sentences)
    return table.logsumexp(dim=-1)


class Scorer(nn.Module):
    """Encoder and heads; the heads compute in float32 whatever the encoder's type."""

    def __init__(self, encoder: Any, heads: ScorerHeads) -> None:
        super().__init__()
        self.encoder = encoder
        self.heads = heads

    def forward(self, batch: Batch) -> Logits:
        """Logits of a batch."""
        states = self.encoder(input_ids=batch.ids, attention_mask=batch.mask).last_hidden_state
        logits: Logits = self.heads(states.float(), batch)
        return logits


def merge_lora(encoder: nn.Module, adapter: dict[str, Tensor], scale: float) -> None:
    """Add a LoRA adapter in PEFT's format to the encoder's weights: W + scale * B A, summed in float32."""
    weights = dict(encoder.named_parameters())
    for name, low in adapter.items():
        if not name.endswith("lora_A.weight"):
            continue
        module = name.removeprefix("base_model.model.").removesuffix(".lora_A.weight")
        high = adapter[name.replace("lora_A", "lora_B")]
        weight = weights[f"{module}.weight"]
        with torch.no_grad():
            weight.copy_(weight.float() + scale * high.float() @ low.float())
