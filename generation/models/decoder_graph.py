"""Decoders of the Llama family as OpenVINO graphs with a key-value cache inside, written down layer by layer, in 8 bits.

    states (1, new, hidden) of new tokens, angles and masks by kind of layer
      each layer:  x += o(attention(rope(q x), rope(k x), v x));  x += down(act(gate x) * up x)
    --> logits (rows, kept vocabulary) at the positions asked for

Llama (Touvron et al., 2023, arXiv:2302.13971), Qwen, and Gemma 3 (arXiv:2503.19786), which also normalises what a block adds and
lets most layers see a window only. Embeddings are looked up outside: that table is two thirds of a small model. Angles and masks
come from outside too, so that RoPE scaling and windows are arithmetic in one place (`decoder`).

Matrices are rounded to 8 bits, symmetric, one scale an output.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import openvino as ov
import torch
from openvino import opset13 as op
from openvino.opset6 import assign, read_value
from torch import Tensor

# Rows that are rounded at a time: the float32 copy of a whole output layer would take half a gigabyte.
_ROWS = 1 << 14


@dataclass(frozen=True, slots=True)
class DecoderShape:
    """What the weights do not tell.

    Attributes:
        kinds: of each layer: `full_attention` or `sliding_attention`.
        heads, key_heads: of queries, and of keys and values.
        head_size: numbers a head.
        query_scale: factor of the attention's scores.
        epsilon: of the normalisations.
        gemma: norms count from one and stand behind the blocks too; GELU instead of SiLU.
    """

    kinds: tuple[str, ...]
    heads: int
    key_heads: int
    head_size: int
    query_scale: float
    epsilon: float
    gemma: bool


def decoder_graph(weights: Mapping[str, Tensor], head: Tensor, shape: DecoderShape) -> ov.Model:
    """The graph.

    Args:
        weights: by transformers' names without `model.`; the graph is in float32 and 8 bits whatever they are.
        head: the kept rows of the output layer, shape (kept vocabulary, hidden).
        shape: the rest.
    """
    return _Builder(weights, head, shape).model()


class _Builder:
    def __init__(self, weights: Mapping[str, Tensor], head: Tensor, shape: DecoderShape) -> None:
        self.weights, self.head, self.shape = weights, head, shape
        self.parameters: dict[str, Any] = {}
        self.sinks: list[Any] = []

    def model(self) -> ov.Model:
        x = states = self._input("states", [-1, -1, self.head.shape[1]])
        # In beam search this says which row goes on from which; there is one, but the plugin knows a cache by it.
        self.beam = self._input("beam", [-1], np.int32)
        self.batch = op.gather(op.shape_of(states), _integers(0), _integer(0))
        for kind in dict.fromkeys(self.shape.kinds):
            self._input(f"cos.{kind}", [1, 1, -1, self.shape.head_size])
            self._input(f"sin.{kind}", [1, 1, -1, self.shape.head_size])
            self._input(f"mask.{kind}", [1, 1, -1, -1])
        for i, kind in enumerate(self.shape.kinds):
            x = self._layer(x, f"layers.{i}", kind)
        rows = self._input("rows", [-1], np.int64)
        last = self._norm(op.gather(x, rows, _integer(1)), "norm")
        logits = self._linear(last, self.head)
        return ov.Model([op.result(logits)], self.sinks, list(self.parameters.values()), "decoder")

    def _layer(self, x: Any, layer: str, kind: str) -> Any:
        gemma = self.shape.gemma
        attended = self._attention(self._norm(x, f"{layer}.input_layernorm"), f"{layer}.self_attn", kind)
        x = op.add(x, self._norm(attended, f"{layer}.post_attention_layernorm") if gemma else attended)
        inner = self._mlp(self._norm(x, f"{layer}.{'pre_feedforward' if gemma else 'post_attention'}_layernorm"), f"{layer}.mlp")
        return op.add(x, self._norm(inner, f"{layer}.post_feedforward_layernorm") if gemma else inner)

    def _mlp(self, x: Any, name: str) -> Any:
        gate = self._part(x, f"{name}.gate_proj")
        active = op.gelu(gate, "tanh") if self.shape.gemma else op.swish(gate)
        return self._part(op.multiply(active, self._part(x, f"{name}.up_proj")), f"{name}.down_proj")

    def _attention(self, x: Any, name: str, kind: str) -> Any:
        shape = self.shape
        query = self._heads(self._part(x, f"{name}.q_proj"), shape.heads)
        key = self._heads(self._part(x, f"{name}.k_proj"), shape.key_heads)
        value = self._heads(self._part(x, f"{name}.v_proj"), shape.key_heads)
        if f"{name}.q_norm.weight" in self.weights:
            query, key = self._norm(query, f"{name}.q_norm"), self._norm(key, f"{name}.k_norm")
        key = self._repeat(self._remember(self._rotate(key, kind), f"{name}.key"))
        value = self._repeat(self._remember(value, f"{name}.value"))
        mask = self.parameters[f"mask.{kind}"]
        attended = op.scaled_dot_product_attention(
            self._rotate(query, kind), key, value, mask, _floats(shape.query_scale), causal=False
        )
        rows = op.reshape(op.transpose(attended, _integers(0, 2, 1, 3)), _integers(0, 0, -1), special_zero=True)
        return self._part(rows, f"{name}.o_proj")

    def _heads(self, x: Any, heads: int) -> Any:
        """(1, new, heads * size) -> (1, heads, new, size)."""
        parts = op.reshape(x, _integers(0, 0, heads, self.shape.head_size), special_zero=True)
        return op.transpose(parts, _integers(0, 2, 1, 3))

    def _rotate(self, x: Any, kind: str) -> Any:
        """RoPE (Su et al., 2021, arXiv:2104.09864) with the two halves of a head as the coordinates."""
        half = self.shape.head_size // 2
        one, last = _integers(1), _integers(3)
        first = op.slice(x, _integers(0), _integers(half), one, last)
        second = op.slice(x, _integers(half), _integers(2 * half), one, last)
        turned = op.concat([op.multiply(second, _floats(-1)), first], -1)
        return op.add(op.multiply(x, self.parameters[f"cos.{kind}"]), op.multiply(turned, self.parameters[f"sin.{kind}"]))

    def _remember(self, new: Any, name: str) -> Any:
        """The cache with the new keys or values behind it, shape (1, key heads, all, size)."""
        heads, size = self.shape.key_heads, self.shape.head_size
        empty = op.broadcast(_floats(0), op.concat([self.batch, _integers(heads, 0, size)], 0))
        past = read_value(empty, name, np.float32, ov.PartialShape([-1, heads, -1, size]))
        present = op.concat([op.gather(past, self.beam, _integer(0)), new], 2)
        self.sinks.append(assign(present, name))
        return present

    def _repeat(self, x: Any) -> Any:
        """Each head of keys or values for as many heads of queries as share it."""
        shape = self.shape
        groups = shape.heads // shape.key_heads
        if groups == 1:
            return x
        wide = op.broadcast(op.unsqueeze(x, _integers(2)), _integers(1, 1, groups, 1, 1), broadcast_spec="BIDIRECTIONAL")
        return op.reshape(wide, _integers(0, shape.heads, -1, shape.head_size), special_zero=True)

    def _part(self, x: Any, name: str) -> Any:
        product = self._linear(x, self.weights[f"{name}.weight"])
        bias = self.weights.get(f"{name}.bias")
        return product if bias is None else op.add(product, _floats(bias))

    def _linear(self, x: Any, matrix: Tensor) -> Any:
        rounded, scale = _rounded(matrix)
        weight = op.multiply(op.convert(op.constant(rounded.numpy(), shared_memory=True), np.float32), _floats(scale))
        return op.matmul(x, weight, False, True)

    def _norm(self, x: Any, name: str) -> Any:
        """RMSNorm (Zhang and Sennrich, 2019, arXiv:1910.07467)."""
        square = op.reduce_mean(op.power(x, _floats(2)), _integers(-1), True)
        inverse = op.divide(_floats(1), op.sqrt(op.add(square, _floats(self.shape.epsilon))))
        weight = self.weights[f"{name}.weight"].float() + float(self.shape.gemma)
        return op.multiply(op.multiply(x, inverse), _floats(weight))

    def _input(self, name: str, shape: list[int], kind: Any = np.float32) -> Any:
        self.parameters[name] = node = op.parameter(shape, kind, name=name)
        node.output(0).set_names({name})
        return node


def _rounded(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """A matrix in 8 bits and the scale of each row, (rows, 1)."""
    scale = (matrix.abs().amax(1, keepdim=True).float() / 127).clamp_min(1e-12)
    rounded = torch.empty(matrix.shape, dtype=torch.int8)
    for start in range(0, len(matrix), _ROWS):
        rows = slice(start, start + _ROWS)
        rounded[rows] = (matrix[rows].float() / scale[rows]).round_()
    return rounded, scale


def _floats(values: Tensor | float) -> Any:
    array = values.float().numpy() if isinstance(values, Tensor) else np.float32(values)
    return op.constant(np.asarray(array))


def _integers(*values: int) -> Any:
    return op.constant(np.array(values, dtype=np.int64))


def _integer(value: int) -> Any:
    return op.constant(np.int64(value))
