"""The bundled encoder, run by what this machine has: OpenVINO on a processor, PyTorch on a GPU or where there is no OpenVINO.

    token ids of some sequences --> their token states, each as if it were alone

Embedder, reranker and checker share the base: one table of word embeddings, mapped from the file, and one tokenizer. Each has the
layers with its own adapter, 21 MB in 8 bits, made in less than a second when it is loaded, so no converted copy can become stale.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from threading import Lock, RLock
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np

from corpus.errors import MissingExtra
from retrieval.embedder import FloatMatrix
from retrieval.openvino_core import openvino_core

if TYPE_CHECKING:
    import torch
    from torch import Tensor

log = logging.getLogger(__name__)

Runtime = Literal["openvino", "torch"]
WEIGHTS_FILE = "model.safetensors"
WORDS = "embeddings.word_embeddings.weight"
# One sequence a stream; more of them than this only divide the memory's bandwidth.
_MOST_STREAMS = 8
_STEP = 32
_ONE_THREAD = RLock()
# Inputs rounded to 8 bits by one scale, see `encoder_graph`: for scores, and for vectors that others are compared with.
FAST, EXACT = 192, 64


class Encoder(Protocol):
    """Token ids to token states."""

    hidden: int

    def states(self, sequences: Sequence[Sequence[int]]) -> list[Tensor]:
        """Token states of each sequence, shape (its length, hidden), float32; the others have no influence on them."""


def choose_runtime(device: str | None, wanted: Runtime | None = None) -> Runtime:
    """What runs the bundled encoder: `wanted`, or OpenVINO if it is installed and the device is a processor.

    Raises:
        MissingExtra: OpenVINO is wanted and not installed.
    """
    import torch

    if wanted == "openvino" and find_spec("openvino") is None:
        raise MissingExtra(package="openvino", extra="cpu")
    on_cpu = torch.device(device).type == "cpu" if device else not torch.cuda.is_available()
    return wanted or ("openvino" if on_cpu and find_spec("openvino") else "torch")


def announce(task: str, runtime: Runtime) -> None:
    """Log what runs the encoder of a task."""
    log.info("%s: encoder on %s", task, describe_runtime(runtime))


def describe_runtime(runtime: Runtime) -> str:
    """One line about it, for the log and `doctor`."""
    if runtime == "torch":
        return f"PyTorch {version('torch')}"
    return f"OpenVINO {version('openvino')}, 8-bit layers, {_streams()} sequences at a time"


class OpenVINOEncoder:
    """The encoder as an 8-bit graph; sequences are spread over the processor's cores, one thread each.

    So what a state is does not depend on the company of its sequence, nor on how many threads there are.
    """

    def __init__(self, base: Path, weights: Mapping[str, FloatMatrix] | None = None, *, group: int = FAST) -> None:
        """The base in a folder made by `bundled_e5`, or `weights` in place of its layers'; `group` inputs have one scale."""
        import openvino as ov

        from retrieval.encoder_graph import EncoderShape, encoder_graph

        config = json.loads((base / "config.json").read_text(encoding="utf-8"))
        shape = EncoderShape(config["num_hidden_layers"], config["num_attention_heads"], config["layer_norm_eps"])
        self.words = map_words(base)
        self.hidden = self.words.shape[1]
        core = openvino_core()
        precision = "bf16" if "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES") else "f32"
        streams = _streams()
        settings = {
            "INFERENCE_PRECISION_HINT": precision,
            "DYNAMIC_QUANTIZATION_GROUP_SIZE": str(group),
            "NUM_STREAMS": str(streams),
            "INFERENCE_NUM_THREADS": str(streams),
            # Pinned threads of several processes would meet on the same cores.
            "ENABLE_CPU_PINNING": "NO",
        }
        compiled = core.compile_model(encoder_graph(weights or layer_weights(base), shape), "CPU", settings)
        self._queue = ov.AsyncInferQueue(compiled, streams)
        self._lock = Lock()

    def states(self, sequences: Sequence[Sequence[int]]) -> list[Tensor]:
        """Token states of each sequence; longest first, so that no core idles at the end."""
        import torch

        found: list[Any] = [None] * len(sequences)

        def keep(request: Any, place: int) -> None:
            found[place] = torch.from_numpy(request.get_output_tensor(0).data[0].copy())

        with self._lock:
            self._queue.set_callback(keep)
            for place in sorted(range(len(sequences)), key=lambda i: -len(sequences[i])):
                self._queue.start_async([self.words[np.asarray(sequences[place])][None]], place)
            self._queue.wait_all()
        return found


class TorchEncoder:
    """The encoder as transformers' model."""

    def __init__(self, model: Any, device: torch.device, *, pad: int) -> None:
        self.model = model.to(device).eval()
        self.device = device
        self.pad = pad
        self.hidden = int(model.config.hidden_size)

    def states(self, sequences: Sequence[Sequence[int]]) -> list[Tensor]:
        """Token states of each sequence, one after the other: in a batch the others' lengths would change the rounding."""
        return [self._states(sequence) for sequence in sequences]

    def _states(self, sequence: Sequence[int]) -> Tensor:
        import torch

        # oneDNN compiles its kernels anew for every length that it has not seen.
        length = -(-len(sequence) // _STEP) * _STEP
        ids = torch.full((1, length), self.pad)
        ids[0, : len(sequence)] = torch.tensor(sequence)
        mask = (torch.arange(length) < len(sequence)).long().unsqueeze(0)
        with torch.inference_mode():
            found = self.model(input_ids=ids.to(self.device), attention_mask=mask.to(self.device)).last_hidden_state
        states: Tensor = found[0, : len(sequence)].float()
        return states


@contextmanager
def one_thread() -> Iterator[None]:
    """Runs PyTorch's small operations on one thread: the others would wait for each in a loop, and keep OpenVINO's cores busy.

    Measured with ten passages: heads on two threads took twenty times the processor time of heads on one.
    """
    import torch

    with _ONE_THREAD:
        before = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(before)


def layer_weights(base: Path) -> dict[str, FloatMatrix]:
    """All weights but the word embeddings, under transformers' names."""
    from safetensors import safe_open

    with safe_open(base / WEIGHTS_FILE, "np") as file:
        return {name: file.get_tensor(name) for name in file.keys() if name != WORDS}  # noqa: SIM118 -- not a mapping


def map_words(base: Path) -> FloatMatrix:
    """The word embeddings, shape (vocabulary, hidden), where they lie on the disk: only rows that are looked up are read.

    Layout of a safetensors file: u64 length of the header, the header in JSON, the tensors (huggingface.co/docs/safetensors).
    """
    path = base / WEIGHTS_FILE
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        entry = json.loads(file.read(size))[WORDS]
    return np.memmap(path, np.float32, "r", 8 + size + entry["data_offsets"][0], tuple(entry["shape"]))


@cache
def load_tokenizer(base: Path) -> Any:
    """The base's tokenizer, one for all: its vocabulary of 250,000 pieces takes a second to load.

    Nobody may switch truncation or padding on: that is a state of the tokenizer, and others would meet it.
    """
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(base)


def _streams() -> int:
    import torch

    return min(torch.get_num_threads(), _MOST_STREAMS)
