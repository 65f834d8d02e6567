"""RoPE scaling: prompts longer than a model was trained for.

RoPE turns pair i of a head's d coordinates by the angle `position · base^(-2i/d)` (Su et al., 2021, arXiv:2104.09864), so
attention depends on distances only. Beyond the native length L the slow pairs meet angles that no training text had. Scaling by s
brings those of a window s · L back to known ones:

| method | what becomes of the angle of pair i | source |
|---|---|---|
| linear | divided by s ("position interpolation") | Chen et al., 2023, arXiv:2306.15595 |
| ntk | base · s^(d/(d-2)): the fastest pair stays, the slowest is divided by s | bloc97, 2023 ("NTK-aware scaled RoPE") |
| dynamic | as ntk, with s growing as the text grows beyond L | emozilla, 2023 |
| yarn | divided by s below one turn in L, kept above 32, a ramp between; attention sharpened | Peng et al., arXiv:2309.00071 |
| llama3 | as yarn with 1 and 4 turns, no sharpening | Llama 3.1; Grattafiori et al., 2024, arXiv:2407.21783 |
| longrope | divided by a factor of its own, and only beyond L | Ding et al., 2024, arXiv:2402.13753 |

transformers computes all but ntk, which is written as a changed base. LongRoPE's factors come from a search over each model;
without one its starting point is taken, s^(2i/(d-2)), which are the angles of ntk.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from corpus.errors import RopeUnsupported, UsageError

if TYPE_CHECKING:
    from retrieval.weights import Progress

Method = Literal["none", "linear", "ntk", "dynamic", "yarn", "llama3", "longrope"]
METHODS: tuple[Method, ...] = get_args(Method)
# What `auto` scales with, see docs/rope.md.
AUTO_METHOD: Method = "yarn"
_FULL = "full_attention"
# Llama 3.1's own: pairs that turn more often than the second number within the native length stay as they are.
_LLAMA3 = {"low_freq_factor": 1.0, "high_freq_factor": 4.0}


@dataclass(frozen=True, slots=True)
class RopeSettings:
    """What is wanted.

    Attributes:
        method: how to scale; "auto" scales only prompts longer than the native window, with `AUTO_METHOD`.
        factor: window over native window, at least 1; "auto" takes what the prompt needs.
    """

    method: Method | Literal["auto"] = "auto"
    factor: float | Literal["auto"] = "auto"

    def __post_init__(self) -> None:
        """Refuse what no model could do.

        Raises:
            UsageError: unknown method, or a factor below 1.
        """
        if self.method != "auto" and self.method not in METHODS:
            raise UsageError(reason=f"unknown RoPE method {self.method}: choose auto, {', '.join(METHODS)}")
        if self.factor != "auto" and not 1 <= self.factor < math.inf:
            raise UsageError(reason=f"RoPE factor {self.factor} would shrink the window: give a number from 1 up, or auto")

    def scaling(self, native: int, needed: int = 0) -> RopeScale:
        """The scaling for a prompt and its answer of `needed` tokens on a model with a window of `native`."""
        if self.method == "none" or (self.method == "auto" and needed <= native):
            return UNSCALED
        factor = self.factor if self.factor != "auto" else _factor_for(needed / native)
        return RopeScale(AUTO_METHOD if self.method == "auto" else self.method, factor) if factor > 1 else UNSCALED


def _factor_for(ratio: float) -> float:
    """The ratio rounded up to halves, so that prompts of similar lengths share a model."""
    return max(1.0, math.ceil(ratio * 2) / 2)


@dataclass(frozen=True, slots=True)
class RopeScale:
    """A method with its factor; a factor of 1 changes nothing, whatever the method."""

    method: Method = "none"
    factor: float = 1.0

    @property
    def changes(self) -> bool:
        """Whether the angles change at all."""
        return self.method != "none" and self.factor > 1

    def window(self, native: int) -> int:
        """Tokens the model can be given."""
        return int(native * self.factor) if self.changes else native

    def __str__(self) -> str:
        return f"{self.method} × {self.factor:g}" if self.changes else "none"

    def apply(self, config: Any) -> str:
        """Change a transformers configuration before a model is made of it; returns what is in force, in words.

        Models with one set of parameters per layer type (Gemma 3) are scaled in the layers that see the whole text only: those
        with a sliding window never meet long distances.

        Raises:
            RopeUnsupported: the model has no RoPE, or brings a scaling of its own.
        """
        text = config.get_text_config()
        native = native_window(text)
        if not self.changes:
            return describe(text)
        parameters = rope_parameters(text)
        if parameters.get("rope_type", "default") != "default":
            raise RopeUnsupported(model=text.model_type, reason=f"it is scaled by its makers ({parameters['rope_type']})")
        parameters.update(_parameters(self, native, parameters["rope_theta"], rotated(text)))
        if self.method != "dynamic":  # which reads the native length there
            text.max_position_embeddings = self.window(native)
        text.validate_rope()
        return f"{self}: {native} → {self.window(native)} tokens"


UNSCALED = RopeScale()


def _parameters(scale: RopeScale, native: int, base: float, dimension: int) -> dict[str, Any]:
    """What changes in transformers' `rope_parameters`."""
    factor = float(scale.factor)
    if scale.method == "ntk":
        return {"rope_theta": ntk_base(base, factor, dimension)}
    known: dict[str, Any] = {"rope_type": scale.method, "factor": factor}
    if scale.method in ("yarn", "llama3", "longrope"):
        known["original_max_position_embeddings"] = native
    if scale.method == "llama3":
        known |= _LLAMA3
    if scale.method == "longrope":
        pairs = dimension // 2
        known["short_factor"] = [1.0] * pairs
        known["long_factor"] = [factor ** (2 * i / (dimension - 2)) for i in range(pairs)]
    return known


def ntk_base(base: float, factor: float, dimension: int) -> float:
    """The base with which the slowest of `dimension / 2` pairs turns `factor` times as slowly and the fastest as before."""
    return float(base * factor ** (dimension / (dimension - 2)))


def rope_parameters(config: Any) -> dict[str, Any]:
    """The RoPE parameters of the layers that see the whole text, as they lie in a transformers configuration.

    Raises:
        RopeUnsupported: the model has no RoPE.
    """
    stored: dict[str, Any] = getattr(config, "rope_parameters", None) or {}
    found: dict[str, Any] = stored.get(_FULL) or stored
    if "rope_theta" not in found:
        raise RopeUnsupported(model=config.model_type, reason="it has no rotary position embedding")
    return found


def rotated(config: Any) -> int:
    """How many coordinates of a head are rotated."""
    size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return int(size * rope_parameters(config).get("partial_rotary_factor", 1.0))


def native_window(config: Any) -> int:
    """Tokens a model can be given as it is."""
    return int(config.get_text_config().max_position_embeddings)


def read_config(name: str, progress: Progress | None = None) -> Any:
    """The transformers configuration of a generator as the settings name it.

    Raises:
        ModelNotFound, WeightsMissing, WeightsMismatch: as loading the model would.
    """
    from generation.models.model_source import find_model

    return find_model(name, progress=progress).config


def describe(config: Any) -> str:
    """What is in force in a configuration that nobody here has changed."""
    own = rope_parameters(config).get("rope_type", "default") if getattr(config, "rope_parameters", None) else "default"
    return "none" if own == "default" else f"{own}, the model's own"
