"""The bundled encoder on OpenVINO as the first module of a SentenceTransformer, in place of transformers' model."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import torch
from sentence_transformers.base.modules import InputModule
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from retrieval.encoder import EXACT, WEIGHTS_FILE, OpenVINOEncoder, load_tokenizer


class OpenVINOTransformer(InputModule):  # type: ignore[misc]
    """Texts to token states; the modules after it pool and normalise them as ever."""

    def __init__(self, base: Path, max_seq_length: int = 512) -> None:
        """From the SentenceTransformer folder that `bundled_e5` makes."""
        super().__init__()
        self.base = base
        self.max_seq_length = max_seq_length
        self.tokenizer = load_tokenizer(base)
        self.encoder: OpenVINOEncoder = OpenVINOEncoder(base, group=EXACT)

    def preprocess(self, inputs: Sequence[Any], prompt: str | None = None, **_rest: Any) -> dict[str, Tensor]:
        """Token ids and mask, each of shape (texts, length), cut at the length that the encoder takes."""
        texts = [f"{prompt or ''}{text}" for text in inputs]
        # Cut here: cutting by the tokenizer would be a state that others meet, see `load_tokenizer`.
        ids = [self._cut(found) for found in self.tokenizer(texts, verbose=False)["input_ids"]]
        padded = pad_sequence([torch.tensor(i) for i in ids], batch_first=True, padding_value=self.tokenizer.pad_token_id)
        lengths = torch.tensor([len(i) for i in ids])
        return {"input_ids": padded, "attention_mask": (torch.arange(padded.shape[1]) < lengths.unsqueeze(1)).long()}

    def _cut(self, ids: list[int]) -> list[int]:
        return ids if len(ids) <= self.max_seq_length else [*ids[: self.max_seq_length - 1], ids[-1]]

    def forward(self, features: dict[str, Tensor], **_rest: Any) -> dict[str, Tensor]:
        """Adds the token states, shape (texts, length, hidden), zero at the padding."""
        rows = zip(features["input_ids"].tolist(), features["attention_mask"].sum(1).tolist(), strict=True)
        states = self.encoder.states([ids[:length] for ids, length in rows])
        return {**features, "token_embeddings": pad_sequence(states, batch_first=True)}

    def get_embedding_dimension(self) -> int:
        """Length of a token's state."""
        return int(self.encoder.hidden)

    def save(self, output_path: str, *_args: Any, **_rest: Any) -> None:
        """Copy the weights and the tokenizer, from which `load` makes the module again."""
        for name in (WEIGHTS_FILE, "config.json", "tokenizer.json", "tokenizer_config.json"):
            shutil.copy(self.base / name, output_path)

    @classmethod
    def load(cls, model_name_or_path: str, subfolder: str = "", **_rest: Any) -> Self:
        """From a folder that `save` wrote."""
        return cls(Path(model_name_or_path) / subfolder)
