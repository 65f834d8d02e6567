"""A model's files as transformers reads them: where they are, the configuration, the tokenizer, the weights in PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from jinja2 import TemplateError

from corpus.errors import MissingExtra, ModelNotFound
from retrieval.weights import Progress

# Changes a transformers configuration before the weights are loaded, and says in words what is in force.
RopeScaling = Callable[[Any], str]


@dataclass(frozen=True)
class ModelSource:
    """What a name in the settings stands for.

    Attributes:
        name: as in the settings.
        location: a folder or a hub id.
        config: transformers' configuration, RoPE scaling applied.
        rope: the scaling in force in words, or None.
        gguf: the name of the GGUF file in the folder, or None.
    """

    name: str
    location: str
    config: Any
    rope: str | None = None
    gguf: str | None = None
    _extra: dict[str, Any] = field(default_factory=dict)

    def tokenizer(self) -> Any:
        """The tokenizer."""
        from transformers import AutoTokenizer

        return self._from(AutoTokenizer)

    def generation_config(self) -> Any:
        """The defaults of `generate`, the tokens that end a text among them; made from the configuration if there are none."""
        from transformers import GenerationConfig

        try:
            return GenerationConfig.from_pretrained(self.location)
        except OSError:
            return GenerationConfig.from_model_config(self.config)

    def model(self, *, bits: int | None = None, device: str = "cpu") -> Any:
        """The model in bfloat16, or in 8 or 4 bits on a device; a GGUF file is unpacked.

        Raises:
            MissingExtra: 8 or 4 bits without bitsandbytes.
        """
        import torch
        from transformers import AutoModelForCausalLM

        more: dict[str, Any] = {}
        if self.gguf:
            from transformers import GgufConfig

            more["quantization_config"] = GgufConfig(dequantize=True)
        elif bits in (4, 8):
            more = {"quantization_config": _bitsandbytes(bits), "device_map": {"": device}}
        return self._from(AutoModelForCausalLM, config=self.config, dtype=torch.bfloat16, **more)

    def merged(self, adapter: Path | None, *, bits: int | None = None, device: str = "cpu") -> Any:
        """The model, an adapter merged into its weights if one is given.

        Raises:
            AdapterNotFound, AdapterMismatch: see `apply_adapter`.
        """
        from generation.models.adapter import apply_adapter

        model = self.model(bits=bits, device=device)
        return apply_adapter(model, adapter, self.name) if adapter else model

    def _from(self, kind: Any, **arguments: Any) -> Any:
        try:
            return kind.from_pretrained(self.location, trust_remote_code=False, **self._extra, **arguments)
        except (OSError, ValueError) as error:
            raise ModelNotFound(name=self.name, reason=str(error).splitlines()[0]) from error


def _bitsandbytes(bits: int) -> Any:
    """8 bits with outliers apart (Dettmers et al., 2022, arXiv:2208.07339), or 4-bit normal floats (2023, arXiv:2305.14314)."""
    import torch
    from transformers import BitsAndBytesConfig

    for package in ("bitsandbytes", "accelerate"):
        if find_spec(package) is None:
            raise MissingExtra(package=package, extra="quantized")
    if bits == 8:
        return BitsAndBytesConfig(load_in_8bit=True)
    return BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16)


def find_model(name: str, *, rope: RopeScaling | None = None, progress: Progress | None = None) -> ModelSource:
    """Look a model up and read its configuration: a `bundled:` name, a local folder, a GGUF file, or a hub id.

    Raises:
        ModelNotFound: it does not exist, or its hub cannot be reached.
        WeightsMissing, WeightsMismatch: bundled weights are not installed or damaged.
    """
    from transformers import AutoConfig

    location, extra = _locate(name, progress)
    config = ModelSource(name, location, None, _extra=extra)._from(AutoConfig)
    return ModelSource(name, location, config, rope(config) if rope else None, extra.get("gguf_file"), extra)


def _locate(name: str, progress: Progress | None) -> tuple[str, dict[str, Any]]:
    if name.startswith("bundled:"):
        from generation.models.bundled_gguf import prepare

        return str(prepare(name, progress)), {}
    path = Path(name).expanduser()
    if path.suffix == ".gguf" and path.is_file():
        return str(path.parent), {"gguf_file": path.name}
    return (str(path) if path.exists() else name), {}


def encode_prompt(tokenizer: Any, prompt: str, *, chat: bool, system: str = "") -> list[int]:
    """Token ids of a prompt as it is, or as the message of a user in the model's chat form, behind its instructions if any."""
    if not chat:
        ids: list[int] = tokenizer.encode(prompt)
        return ids
    user = {"role": "user", "content": prompt}
    turns = [{"role": "system", "content": system}, user] if system else [user]
    try:
        return _in_chat_form(tokenizer, turns)
    except TemplateError:
        if not system:
            raise
        # Templates of models that were trained without instructions of a system refuse them.
        return _in_chat_form(tokenizer, [{"role": "user", "content": f"{system}\n\n{prompt}"}])


def _in_chat_form(tokenizer: Any, turns: list[dict[str, str]]) -> list[int]:
    # Models that can think aloud first are asked not to; templates without the switch ignore it.
    text = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True, enable_thinking=False)
    return list(tokenizer.encode(text, add_special_tokens=False))


def tokens_of(tokenizer: Any, text: str) -> list[int]:
    """Tokens that a text is written with, at the beginning of a line and after a space too, and those of a line end."""
    forms = (text, f" {text}", "\n", *text.splitlines())
    return sorted({int(token) for form in forms for token in tokenizer.encode(form, add_special_tokens=False)})
