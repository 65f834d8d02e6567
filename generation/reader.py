"""The reader: the bundled language model says how well each unit of the notes answers a question.

    question, units --reader_input.packed--> one sequence --decoder with the adapter--> "yes" against "no" at each unit's end

A reranker of 20 million parameters knows which words go together; the language model has read enough to know what answers what.
It writes nothing here: its output layer is two words, so that reading is all that it costs. Scores of language models as
rankers: Nogueira et al., 2020, arXiv:2003.06713 ("monoT5").
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from generation.reader_input import NO, YES, Packed, ReadUnit, packed

if TYPE_CHECKING:
    from generation.models.language_model import Runtime
    from generation.models.model_source import ModelSource
    from retrieval.weights import Progress

FloatVector = npt.NDArray[np.float32]
FloatMatrix = npt.NDArray[np.float32]

# Units that are read together: attention grows with the square of their length, and the question is read again for each group.
_TOGETHER = 24


@dataclass(frozen=True)
class Reader:
    """Reads units.

    Attributes:
        name: of the adapter.
        runtime: what runs the model.
        tokenizer: the model's.
        read: the logits of YES and NO at the ends of the units of an input, shape (units, 2).
    """

    name: str
    runtime: Runtime
    tokenizer: Any
    read: Callable[[Packed], FloatMatrix]

    def score(self, question: str, units: Sequence[ReadUnit]) -> FloatVector:
        """Logits of units as an answer to a question or to a part of it, shape (units,)."""
        found = [
            self.read(packed(self.tokenizer, question, units[start : start + _TOGETHER]))
            for start in range(0, len(units), _TOGETHER)
        ]
        logits = np.concatenate(found) if found else np.empty((0, 2), np.float32)
        return np.asarray(logits[:, 0] - logits[:, 1], dtype=np.float32)


def load_reader(*, device: str | None = None, runtime: Runtime | None = None, progress: Progress | None = None) -> Reader:
    """The bundled reader.

    Args:
        device: torch device; found out if None.
        runtime: what runs it; None takes OpenVINO on a processor where it is installed.
        progress: called while bundled weights are converted.

    Raises:
        WeightsMissing, WeightsMismatch: the language model's weights are not installed or damaged.
        MissingExtra: `runtime` is not installed.
    """
    from generation.models.adapter import BUNDLED_READER
    from generation.models.language_model import BUNDLED_GENERATOR
    from generation.models.model_loading import choose_runtime
    from generation.models.model_source import find_model

    source = find_model(BUNDLED_GENERATOR, progress=progress)
    tokenizer = source.tokenizer()
    words = [tokenizer.encode(word, add_special_tokens=False)[0] for word in (YES, NO)]
    chosen = choose_runtime(source, device, runtime)
    read = (
        _on_openvino(source, BUNDLED_READER, words) if chosen == "openvino" else _on_torch(source, BUNDLED_READER, words, device)
    )
    return Reader(BUNDLED_READER.name, chosen, tokenizer, read)


def _on_openvino(source: ModelSource, adapter: Path, words: Sequence[int]) -> Callable[[Packed], FloatMatrix]:
    from generation.models.adapter import with_lora
    from generation.models.decoder import Decoder
    from generation.models.openvino_model import read_weights

    weights = with_lora(read_weights(Path(source.location)), adapter)
    named = {key.removeprefix("model."): weight for key, weight in weights.items()}
    decoder = Decoder(named, source.config, np.array(words))
    return lambda found: decoder.parted(found.ids, found.positions, found.seen(), found.ends)


def _on_torch(source: ModelSource, adapter: Path, words: Sequence[int], device: str | None) -> Callable[[Packed], FloatMatrix]:
    import torch

    place = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    model = source.merged(adapter, device=str(place)).to(place).eval()
    head = model.get_output_embeddings().weight[list(words)].float()

    @torch.inference_mode()
    def read(found: Packed) -> FloatMatrix:
        hidden = model.get_decoder()(**tensors(found, place), use_cache=False).last_hidden_state[0, torch.from_numpy(found.ends)]
        return np.asarray((hidden.float() @ head.T).cpu().numpy(), dtype=np.float32)

    return read


def tensors(found: Packed, place: Any = "cpu") -> dict[str, Any]:
    """An input as a transformers decoder of the Gemma 3 family takes it."""
    import torch

    seen = torch.from_numpy(found.seen())[None, None].to(place)
    return {
        "input_ids": torch.from_numpy(found.ids)[None].to(place),
        "position_ids": torch.from_numpy(found.positions)[None].to(place),
        # Windows are wider than any unit with its question, so both kinds of layers see the same.
        "attention_mask": {"full_attention": seen, "sliding_attention": seen},
    }
