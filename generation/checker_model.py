"""The network of the checker: the reranker's, and beside its heads others that read the claim token by token.

    h = encoder(<s> query: CLAIM </s> </s> passage: CONTEXT </s>)      shape (windows, length, hidden)
    found = the reranker's logit of the context for the claim          (`retrieval.rerank_model`)
    match_q = max over the context's tokens t of cos(h_q, h_t)         for every token q of the claim
    doubt_q = w . gelu(W h_q) - 20 m (match_q - 0.93)                  what speaks against token q
    claim logit = s * found + o + u . gelu(U [h of <s>; mean h of the claim; mean h of the context])
                  - d * (logsumexp(doubt) - log of the number of tokens)

Before any training the logit is the reranker's, which tells supported claims from others better than shared words do. What
it lacks is an eye for the one word that is wrong: a claim is supported if nothing in it is doubtful. Doubt is trained on
claims in which one word was changed, so that the few claims written by hand can teach the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, normalize

from retrieval.rerank_model import Batch, ScorerHeads

PROJECTION = 128
# Cosines of E5's token states lie close together; what the heads start from, before they are trained.
_MATCH_SCALE, _USUAL_MATCH = 20.0, 0.93


@dataclass(frozen=True)
class ClaimLogits:
    """Scores before calibration: claims shape (windows,), doubt (windows, length), which counts for tokens of the claim only."""

    claims: Tensor
    doubt: Tensor


class CheckerHeads(nn.Module):
    """The reranker's heads, doubt about each token of the claim, and the claim's logit."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.reranker = ScorerHeads(hidden)
        self.scale, self.offset = nn.Parameter(torch.ones(())), nn.Parameter(torch.zeros(()))
        self.project = nn.Linear(hidden, PROJECTION)
        self.doubt = nn.Linear(PROJECTION, 1)
        nn.init.constant_(self.doubt.bias, -2.0)
        self.mismatch = nn.Parameter(torch.tensor(0.2))
        self.doubtful = nn.Parameter(torch.tensor(0.3))
        self.whole = nn.Linear(3 * hidden, PROJECTION)
        self.claim = nn.Linear(PROJECTION, 1)
        nn.init.zeros_(self.claim.weight)

    def forward(self, states: Tensor, batch: Batch) -> ClaimLogits:
        """Logits from token states of shape (windows, length, hidden)."""
        context = batch.row < len(batch.rows)
        found = self.scale * self.reranker(states, batch).passages + self.offset
        match = _MATCH_SCALE * (self._match(states, batch.asked, context) - _USUAL_MATCH)
        doubt = self.doubt(gelu(self.project(states))).squeeze(-1) - self.mismatch * match
        worst = doubt.masked_fill(~batch.asked, -1e4).logsumexp(-1) - batch.asked.sum(-1).log()
        pooled = torch.cat((states[:, 0], _mean(states, batch.asked), _mean(states, context)), dim=-1)
        whole = self.claim(gelu(self.whole(pooled))).squeeze(-1)
        return ClaimLogits(found + whole - self.doubtful * worst, doubt)

    @staticmethod
    def _match(states: Tensor, claim: Tensor, context: Tensor) -> Tensor:
        """How well each token's nearest token of the context fits, shape (windows, length); 0 outside the claim."""
        longest = int(claim.sum(1).max()) + 1  # the claim's tokens follow <s>
        unit = normalize(states, dim=-1)
        cosine = unit[:, :longest] @ unit.transpose(1, 2)
        nearest = cosine.masked_fill(~context.unsqueeze(1), -1.0).amax(-1)
        rest = nearest.new_zeros(len(nearest), states.shape[1] - longest)
        return torch.cat((nearest, rest), dim=1).masked_fill(~claim, 0.0)


def _mean(values: Tensor, chosen: Tensor) -> Tensor:
    """Mean over the chosen tokens, shape (windows, width)."""
    mask = chosen.unsqueeze(-1).to(values.dtype)
    return (values * mask).sum(1) / mask.sum(1).clamp(min=1.0)


class CheckerNetwork(nn.Module):
    """Encoder and heads; the heads compute in float32 whatever the encoder's type."""

    def __init__(self, encoder: Any, heads: CheckerHeads) -> None:
        super().__init__()
        self.encoder = encoder
        self.heads = heads

    def forward(self, batch: Batch) -> ClaimLogits:
        """Logits of a batch."""
        states = self.encoder(input_ids=batch.ids, attention_mask=batch.mask).last_hidden_state
        logits: ClaimLogits = self.heads(states.float(), batch)
        return logits
