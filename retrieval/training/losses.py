"""The training loss of one group of passages, from the logits of its windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits as binary

from retrieval.rerank_input import Pair, Span
from retrieval.training.groups import Example

POINTWISE = 0.5
POINTER = 0.3


@dataclass(frozen=True)
class WindowLogits:
    """What the network said about one window.

    Attributes:
        passage: shape ().
        sentences: shape (sentences of the window,).
        numbers: which sentence of the passage each of them is.
        tokens: pointer logits, shape (tokens of the window,).
    """

    passage: Tensor
    sentences: Tensor
    numbers: tuple[int, ...]
    tokens: Tensor


def group_loss(examples: Sequence[Example], pairs: Sequence[Pair], logits: Sequence[Sequence[WindowLogits]]) -> Tensor:
    """Loss of a group whose first example is the relevant one.

    Three tasks: which passage, which sentence of all the passages, which tokens hold the answer. The first two have a
    softmax over the group, which ranks, and POINTWISE times a binary cross-entropy, which makes scores of different
    questions comparable; the third, only asked where the set says what the answer is, shows the encoder why the sentence
    was the right one. Where no sentence is known to be the right one, any of the relevant passage's will do: the softmax
    adds up their probabilities.
    """
    passages = torch.stack([torch.stack([w.passage for w in windows]).max() for windows in logits])
    relevant = torch.tensor([float(example.relevant) for example in examples])
    loss = -passages.log_softmax(0)[0] + POINTWISE * binary(passages, relevant)

    sentences, right = _sentences(examples, pairs, logits)
    loss = loss - _marginal(sentences, right)
    if examples[0].answers:
        loss = loss + POINTWISE * binary(sentences, right.float())
        tokens, inside = _tokens(examples, pairs, logits)
        if inside.any():
            loss = loss - POINTER * _marginal(tokens, inside)
    return loss


def _marginal(logits: Tensor, right: Tensor) -> Tensor:
    """Log of the probability that a softmax gives to all the right ones together."""
    return logits[right].logsumexp(0) - logits.logsumexp(0)


def _sentences(
    examples: Sequence[Example], pairs: Sequence[Pair], logits: Sequence[Sequence[WindowLogits]]
) -> tuple[Tensor, Tensor]:
    """Sentence logits of the whole group and which of them are right, both of shape (sentences,)."""
    right = [
        example.relevant and (not example.answers or _overlaps(pair.sentences[number], example.answers))
        for example, pair, windows in zip(examples, pairs, logits, strict=True)
        for window in windows
        for number in window.numbers
    ]
    return torch.cat([w.sentences for windows in logits for w in windows]), torch.tensor(right)


def _tokens(
    examples: Sequence[Example], pairs: Sequence[Pair], logits: Sequence[Sequence[WindowLogits]]
) -> tuple[Tensor, Tensor]:
    """Pointer logits of all tokens inside sentences and which of them belong to the answer, both of shape (tokens,)."""
    values, inside = [], []
    for example, pair, windows in zip(examples, pairs, logits, strict=True):
        for window, scored in zip(pair.windows, windows, strict=True):
            body = torch.tensor([number >= 0 for number in window.sentence_of])
            values.append(scored.tokens[body])
            inside += [_overlaps(s, example.answers) for s, n in zip(window.spans, window.sentence_of, strict=True) if n >= 0]
    return torch.cat(values), torch.tensor(inside)


def _overlaps(span: Span, others: Sequence[Span]) -> bool:
    return any(span[0] < end and start < span[1] for start, end in others)
