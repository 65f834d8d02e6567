"""A decoder on OpenVINO: token ids in, logits out, with a key-value cache that later prompts may begin from.

A prompt is read in blocks at fixed places, and a cache is cut back to whole blocks only. So the numbers computed for a prompt are
the same whether or not its beginning was in the cache: kernels differ, in the last bit, by how many tokens they are given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from retrieval.openvino_core import openvino_core

if TYPE_CHECKING:
    from torch import Tensor

    from generation.models.decoder_graph import DecoderShape

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]

BLOCK = 128
# On notes, perplexity with 32, 128 and 640 was 11.9, 12.0 and 12.1 (11.9 unrounded), prefill slower the smaller the group.
_GROUP = 128
# The families whose layers `decoder_graph` writes down.
FAMILIES = frozenset({"gemma3_text", "llama", "qwen2", "qwen3"})
# RoPE types whose frequencies depend on the length of the text.
_VARYING = frozenset({"dynamic", "longrope"})
_ACTIVATIONS = frozenset({"silu", "gelu_pytorch_tanh"})


def supports(config: Any) -> bool:
    """Whether a model with this transformers configuration can run as a `Decoder`."""
    if config.model_type not in FAMILIES or getattr(config, "quantization_config", None):
        return False
    kinds = layer_kinds(config)
    activation = getattr(config, "hidden_act", None) or getattr(config, "hidden_activation", None)
    unusual = getattr(config, "attn_logit_softcapping", None) or getattr(config, "use_bidirectional_attention", False)
    varying = any(rope_of(config, kind)["rope_type"] in _VARYING for kind in kinds)
    return activation in _ACTIVATIONS and not unusual and not varying


def layer_kinds(config: Any) -> tuple[str, ...]:
    """The kind of attention of each layer."""
    return tuple(getattr(config, "layer_types", None) or ("full_attention",) * config.num_hidden_layers)


def rope_of(config: Any, kind: str) -> dict[str, Any]:
    """The RoPE parameters of a kind of layer; models with one kind keep them without its name."""
    parameters: dict[str, Any] = config.rope_parameters
    own: dict[str, Any] = parameters.get(kind, parameters)
    return own


def frequencies(config: Any, kind: str) -> tuple[FloatArray, float]:
    """Radians a position of each pair of coordinates, shape (head size / 2,), and the factor of cosine and sine."""
    from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

    parameters = rope_of(config, kind)
    if parameters["rope_type"] == "default":
        size = head_size(config)
        return (parameters["rope_theta"] ** -(np.arange(0, size, 2) / size)).astype(np.float32), 1.0
    layer_type = kind if kind in config.rope_parameters else None
    radians, factor = ROPE_INIT_FUNCTIONS[parameters["rope_type"]](config, "cpu", layer_type=layer_type)
    return radians.numpy(), float(factor)


def head_size(config: Any) -> int:
    """Numbers a head."""
    return int(getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads)


def decoder_shape(config: Any) -> DecoderShape:
    """What the graph needs of a transformers configuration."""
    from generation.models.decoder_graph import DecoderShape

    return DecoderShape(
        kinds=layer_kinds(config),
        heads=config.num_attention_heads,
        key_heads=config.num_key_value_heads,
        head_size=head_size(config),
        query_scale=float(getattr(config, "query_pre_attn_scalar", None) or head_size(config)) ** -0.5,
        epsilon=config.rms_norm_eps,
        gemma=config.model_type == "gemma3_text",
    )


class Decoder:
    """The compiled graph with what is computed outside of it: embeddings, angles, masks."""

    def __init__(self, weights: Mapping[str, Tensor], config: Any, kept: IntArray) -> None:
        """`weights` by transformers' names without `model.`; logits are those of the tokens `kept`."""
        import torch

        from generation.models.decoder_graph import decoder_graph

        self.kept = kept
        self.embedding = weights["embed_tokens.weight"]
        # transformers rounds Gemma's factor to the precision of the weights.
        factor = config.hidden_size**0.5 if config.model_type == "gemma3_text" else 1.0
        self.factor = torch.tensor(factor, dtype=self.embedding.dtype)
        self.kinds = tuple(dict.fromkeys(layer_kinds(config)))
        self.window = int(getattr(config, "sliding_window", None) or 0)
        self.rotations = {kind: frequencies(config, kind) for kind in self.kinds}
        rows = weights.get("lm_head.weight", self.embedding)
        head = rows if len(kept) == len(rows) else rows[torch.from_numpy(kept)]
        self.compiled = openvino_core().compile_model(decoder_graph(weights, head, decoder_shape(config)), "CPU", _settings())

    def cache(self) -> DecoderCache:
        """An empty cache; several may be used at the same time."""
        return DecoderCache(self, self.compiled.create_infer_request())

    def inputs(self, ids: Sequence[int], past: int, rows: Sequence[int]) -> dict[str, Any]:
        """What the graph is given for tokens after `past` others; logits come for the positions `rows` among the new."""
        everything = np.arange(past + len(ids))
        new = everything[past:]
        return self._inputs(ids, new, everything, everything <= new[:, None], rows)

    def parted(self, ids: IntArray, positions: IntArray, seen: npt.NDArray[np.bool_], rows: IntArray) -> FloatArray:
        """The logits at some positions of a sequence whose parts do not all see each other, shape (len(rows), kept).

        Args:
            ids: the tokens.
            positions: of each token in the text that it is part of.
            seen: which tokens (columns) each token (row) attends to.
            rows: where logits are wanted.
        """
        request = self.compiled.create_infer_request()
        request.infer(self._inputs(ids.tolist(), positions, positions, seen, rows.tolist()), share_inputs=True)
        logits: FloatArray = request.get_output_tensor(0).data[0].copy()
        return logits

    def _inputs(
        self, ids: Sequence[int], positions: IntArray, keys: IntArray, seen: npt.NDArray[np.bool_], rows: Sequence[int]
    ) -> dict[str, Any]:
        """`positions` of the new tokens, `keys` of all that they may attend to."""
        import torch

        states = (self.embedding[torch.tensor(ids)] * self.factor).float().numpy()
        found = {"states": states[None], "beam": np.zeros(1, np.int32), "rows": np.array(rows, np.int64)}
        for kind in self.kinds:
            radians, factor = self.rotations[kind]
            angles = np.tile(positions[:, None].astype(np.float32) * radians, 2)
            found[f"cos.{kind}"] = (np.cos(angles) * factor)[None, None]
            found[f"sin.{kind}"] = (np.sin(angles) * factor)[None, None]
            near = seen & (keys > positions[:, None] - self.window) if kind == "sliding_attention" else seen
            found[f"mask.{kind}"] = np.where(near, np.float32(0), np.float32(-np.inf))[None, None]
        return found


class DecoderCache:
    """Keys and values of the tokens read so far; for one text at a time."""

    def __init__(self, decoder: Decoder, request: Any) -> None:
        self.ids: list[int] = []
        self._decoder = decoder
        self._request = request
        self._blocks = 0  # tokens that were read in whole blocks

    def shared(self, ids: Sequence[int]) -> int:
        """How many tokens at the beginning of a prompt need not be read again."""
        same = next((n for n, (a, b) in enumerate(zip(self.ids, ids, strict=False)) if a != b), min(len(self.ids), len(ids)))
        # The last token is read in any case, for its logits.
        return min(self._blocks, same, len(ids) - 1) // BLOCK * BLOCK

    def read(self, ids: Sequence[int]) -> FloatArray:
        """The logits after a whole prompt, shape (kept,)."""
        self._cut(self.shared(ids))
        logits = np.empty(0, np.float32)
        for start in range(len(self.ids), len(ids), BLOCK):
            block = ids[start : start + BLOCK]
            logits = self.extend(block, [len(block) - 1])[0]
        self._blocks = len(ids) // BLOCK * BLOCK
        return logits

    def extend(self, ids: Sequence[int], rows: Sequence[int]) -> FloatArray:
        """The logits at some positions of further tokens, shape (len(rows), kept)."""
        self._request.infer(self._decoder.inputs(ids, len(self.ids), rows), share_inputs=True)
        self.ids.extend(ids)
        logits: FloatArray = self._request.get_output_tensor(0).data[0]
        return logits

    def _cut(self, length: int) -> None:
        import openvino as ov

        if length == 0:
            self._request.reset_state()
        else:
            for state in self._request.query_state():
                state.state = ov.Tensor(state.state.data[:, :, :length].copy())
        del self.ids[length:]
        self._blocks = length


def precision() -> str:
    """What the processor computes in beside the 8-bit matrices: bfloat16 where it multiplies that natively."""
    return "bf16" if "BF16" in openvino_core().get_property("CPU", "OPTIMIZATION_CAPABILITIES") else "f32"


def _settings() -> dict[str, str]:
    import torch

    chosen = precision()
    return {
        "INFERENCE_PRECISION_HINT": chosen,
        "KV_CACHE_PRECISION": chosen,
        # In float32, inputs of matrices are rounded to 8 bits in groups of this many, so that sums are of integers.
        "DYNAMIC_QUANTIZATION_GROUP_SIZE": "0" if chosen == "bf16" else str(_GROUP),
        "NUM_STREAMS": "1",
        "INFERENCE_NUM_THREADS": str(torch.get_num_threads()),
        # Pinned threads of several processes would meet on the same cores.
        "ENABLE_CPU_PINNING": "NO",
    }
