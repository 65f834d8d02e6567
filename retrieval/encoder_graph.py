"""E5's encoder as an OpenVINO graph, written down layer by layer, with 8-bit matrices.

    words (1, length, hidden) + positions + token type --LayerNorm--> x
    12 times:  x = LayerNorm(x + Wo attention(Wq x, Wk x, Wv x));  x = LayerNorm(x + W2 gelu(W1 x))
    states (1, length, hidden)

The architecture is BERT's (Devlin et al. 2019, arXiv:1810.04805). The table of word embeddings, four fifths of the parameters,
stays outside: its rows are looked up where they lie on the disk. A graph takes one sequence without padding, so it needs no mask.

Matrices are rounded to 8 bits, symmetric, one scale an output. The processor rounds their inputs to 8 bits as they come, some at
a time by one scale (dynamic quantisation), and sums in integers; nothing has to be calibrated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import openvino as ov
from numpy.typing import NDArray
from openvino import opset13 as op

from retrieval.embedder import FloatMatrix


@dataclass(frozen=True, slots=True)
class EncoderShape:
    """What the weights do not tell: number of layers and heads, and the epsilon of the normalisations."""

    layers: int
    heads: int
    epsilon: float


def encoder_graph(weights: Mapping[str, FloatMatrix], shape: EncoderShape) -> ov.Model:
    """The graph from weights under the names of transformers' BertModel, in float32."""
    return _Builder(weights, shape).model()


class _Builder:
    def __init__(self, weights: Mapping[str, FloatMatrix], shape: EncoderShape) -> None:
        self.weights = weights
        self.shape = shape
        self.hidden = weights["embeddings.LayerNorm.weight"].shape[0]

    def model(self) -> ov.Model:
        words = op.parameter([1, -1, self.hidden], np.float32, name="words")
        x = self._norm(op.add(words, self._positions(words)), "embeddings.LayerNorm")
        for i in range(self.shape.layers):
            layer = f"encoder.layer.{i}"
            attended = self._linear(self._attention(x, f"{layer}.attention.self"), f"{layer}.attention.output.dense")
            x = self._norm(op.add(x, attended), f"{layer}.attention.output.LayerNorm")
            inner = op.gelu(self._linear(x, f"{layer}.intermediate.dense"), "erf")
            x = self._norm(op.add(x, self._linear(inner, f"{layer}.output.dense")), f"{layer}.output.LayerNorm")
        return ov.Model([op.result(x)], [words], "e5")

    def _positions(self, words: Any) -> Any:
        """Embeddings of the positions up to the sequence's length, with that of the only token type."""
        table = self.weights["embeddings.position_embeddings.weight"] + self.weights["embeddings.token_type_embeddings.weight"][0]
        length = op.gather(op.shape_of(words), _integers(1), _integer(0))
        return op.slice(_floats(table[None]), _integers(0), length, _integers(1), _integers(1))

    def _attention(self, x: Any, name: str) -> Any:
        size = self.hidden // self.shape.heads
        query, key, value = (
            op.transpose(
                op.reshape(self._linear(x, f"{name}.{part}"), _integers(0, 0, self.shape.heads, size), special_zero=True),
                _integers(0, 2, 1, 3),
            )
            for part in ("query", "key", "value")
        )
        scores = op.matmul(op.multiply(query, _floats(np.float32(size**-0.5))), key, False, True)
        heads = op.transpose(op.matmul(op.softmax(scores, -1), value, False, False), _integers(0, 2, 1, 3))
        return op.reshape(heads, _integers(0, 0, self.hidden), special_zero=True)

    def _linear(self, x: Any, name: str) -> Any:
        matrix = self.weights[f"{name}.weight"]
        scale = np.abs(matrix).max(axis=1, keepdims=True) / 127
        rounded = op.constant(np.rint(matrix / np.maximum(scale, 1e-12)).astype(np.int8))
        weight = op.multiply(op.convert(rounded, np.float32), _floats(scale))
        return op.add(op.matmul(x, weight, False, True), _floats(self.weights[f"{name}.bias"]))

    def _norm(self, x: Any, name: str) -> Any:
        normal = op.mvn(x, _integers(-1), True, self.shape.epsilon, "inside_sqrt")
        return op.add(op.multiply(normal, _floats(self.weights[f"{name}.weight"])), _floats(self.weights[f"{name}.bias"]))


def _floats(values: NDArray[np.float32] | np.float32) -> Any:
    return op.constant(np.asarray(values, dtype=np.float32))


def _integers(*values: int) -> Any:
    return op.constant(np.array(values, dtype=np.int64))


def _integer(value: int) -> Any:
    return op.constant(np.int64(value))
