"""The GGUF container read as data: metadata, tensor directory, dequantised tensors.

The `gguf` package's own reader makes several Python objects per array element, 22 seconds for a vocabulary of 262144
(and transformers' `gguf_file=` does so for the configuration, the tokenizer and the weights); reading the same bytes
in order takes half a second. Dequantisation is `gguf`'s, which is vectorised.

Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from retrieval.byte_cursor import Cursor

if TYPE_CHECKING:
    import torch

Metadata = Mapping[str, Any]

STRING, ARRAY = 8, 9
SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
DEFAULT_ALIGNMENT = 32
# Rows dequantised at a time: keeps the fp32 copy of a 262144-row embedding small.
ROWS = 1 << 14


@dataclass(frozen=True)
class GgufTensor:
    """An entry of the tensor directory.

    Attributes:
        name: such as `blk.0.attn_q.weight`.
        shape: as PyTorch orders it, rows first (GGUF stores the reverse).
        kind: number of the quantisation type, a `gguf.GGMLQuantizationType`.
        offset: of the first byte, from the start of the file.
    """

    name: str
    shape: tuple[int, ...]
    kind: int
    offset: int


@dataclass(frozen=True)
class GgufFile:
    """A parsed file; `tensors` in the file's order, `data` the whole of it."""

    metadata: Metadata
    tensors: tuple[GgufTensor, ...]
    data: memoryview


def parse_gguf(data: memoryview) -> GgufFile:
    """The head of a GGUF file of version 2 or 3, whose content the caller has verified."""
    cursor = Cursor(data)
    _magic, _version, tensor_count, entry_count = cursor.numbers("4sIQQ")
    metadata = dict(_entry(cursor) for _ in range(entry_count))
    listed = [_tensor(cursor) for _ in range(tensor_count)]
    alignment = metadata.get("general.alignment", DEFAULT_ALIGNMENT)
    start = -(-cursor.at // alignment) * alignment
    tensors = (GgufTensor(name, shape, kind, start + offset) for name, shape, kind, offset in listed)
    return GgufFile(metadata, tuple(tensors), data)


def read_tensor(file: GgufFile, tensor: GgufTensor) -> torch.Tensor:
    """The tensor's values in its own shape: float32 where the file has them so, bfloat16 where they were quantised."""
    import torch
    from gguf import GGML_QUANT_SIZES, GGMLQuantizationType, dequantize

    kind = GGMLQuantizationType(tensor.kind)
    block_values, block_bytes = GGML_QUANT_SIZES[kind]
    *_, columns = tensor.shape
    row_bytes = columns // block_values * block_bytes
    rows = int(np.prod(tensor.shape[:-1]))
    raw = np.frombuffer(file.data, np.uint8, rows * row_bytes, tensor.offset).reshape(rows, row_bytes)
    exact = kind == GGMLQuantizationType.F32
    values = torch.empty(rows, columns, dtype=torch.float32 if exact else torch.bfloat16)
    for first in range(0, rows, ROWS):
        # A copy, since PyTorch takes no read-only memory and unquantised types come back as a view of the file.
        part = np.array(dequantize(raw[first : first + ROWS], kind), np.float32)
        values[first : first + ROWS] = torch.from_numpy(part)
    return values.reshape(tensor.shape)


def _entry(cursor: Cursor) -> tuple[str, Any]:
    key = _text(cursor)
    (kind,) = cursor.numbers("I")
    return key, _value(cursor, kind)


def _value(cursor: Cursor, kind: int) -> Any:
    if kind == STRING:
        return _text(cursor)
    if kind == ARRAY:
        element, count = cursor.numbers("IQ")
        if element in SCALARS:
            return list(cursor.numbers(f"{count}{SCALARS[element]}"))
        return [_value(cursor, element) for _ in range(count)]
    return cursor.numbers(SCALARS[kind])[0]


def _text(cursor: Cursor) -> str:
    (length,) = cursor.numbers("Q")
    return cursor.take(length).decode()


def _tensor(cursor: Cursor) -> tuple[str, tuple[int, ...], int, int]:
    name = _text(cursor)
    (dimensions,) = cursor.numbers("I")
    shape = cursor.numbers(f"{dimensions}Q")
    kind, offset = cursor.numbers("IQ")
    return name, tuple(reversed(shape)), kind, offset
