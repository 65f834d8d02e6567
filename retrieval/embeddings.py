"""Embeddings behind LangChain's interface, computed by a SentenceTransformer on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from langchain_core.embeddings import Embeddings

from corpus.errors import ModelNotFound
from retrieval.embedder import BUNDLED_EMBEDDINGS, Embedder, FloatMatrix
from retrieval.encoder import Runtime, announce, choose_runtime
from retrieval.weights import Progress

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from torch import Tensor

__all__ = ["BUNDLED_EMBEDDINGS", "Embedder", "FloatMatrix", "SentenceTransformerEmbeddings", "load_embeddings"]


class SentenceTransformerEmbeddings(Embeddings):
    """A SentenceTransformer as LangChain `Embeddings`, with the model's own prompts for questions and passages.

    E5 models were trained with the prefixes `query: ` and `passage: ` (Wang et al., 2024, arXiv:2402.05672); the unpacked model
    carries them as prompts, so any other model brings its own.
    """

    def __init__(self, name: str, model: SentenceTransformer, *, batch_size: int = 16) -> None:
        self.name = name
        self.model = model
        self.batch_size = batch_size
        self.dimension = int(model.get_embedding_dimension() or 0)

    def encode_passages(self, texts: Sequence[str]) -> FloatMatrix:
        """Unit vectors of passages, shape (len(texts), dimension); sentence-transformers sorts batches by length."""
        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        return _unit(self.model.encode_document(list(texts), batch_size=self.batch_size, convert_to_tensor=True))

    def encode_queries(self, texts: Sequence[str]) -> FloatMatrix:
        """Unit vectors of questions, shape (len(texts), dimension)."""
        return _unit(self.model.encode_query(list(texts), batch_size=self.batch_size, convert_to_tensor=True))

    def encode_query(self, text: str) -> FloatMatrix:
        """The unit vector of a question, shape (1, dimension)."""
        return self.encode_queries([text])

    def count_tokens(self, text: str) -> int:
        """Length of a text in the model's tokens, special tokens left out."""
        tokenizer = self.model.tokenizer
        if backend := getattr(tokenizer, "backend_tokenizer", None):  # twice as fast as its wrapper
            backend.no_truncation()  # encoding leaves it set
            return len(backend.encode_batch_fast([text], add_special_tokens=False)[0].ids)  # fast: without offsets
        return len(tokenizer.encode(text, add_special_tokens=False, verbose=False))

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """LangChain's form of `encode_passages`."""
        vectors: list[list[float]] = self.encode_passages(texts).tolist()
        return vectors

    def embed_query(self, text: str) -> list[float]:
        """LangChain's form of `encode_query`."""
        vector: list[float] = self.encode_query(text)[0].tolist()
        return vector


def _unit(vectors: Tensor) -> FloatMatrix:
    """Vectors scaled to length 1 in float32: in bfloat16 the lengths would be off by up to 0.3%, more than ranks can bear."""
    exact: FloatMatrix = vectors.float().cpu().numpy()
    lengths: FloatMatrix = np.linalg.norm(exact, axis=1, keepdims=True)
    return exact / lengths


def has_fast_bfloat16() -> bool:
    """Whether this machine multiplies bfloat16 in hardware: a GPU, or a processor with AVX-512 BF16 or AMX."""
    import torch

    return torch.cuda.is_available() or bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def load_embeddings(
    name: str = BUNDLED_EMBEDDINGS,
    *,
    device: str | None = None,
    progress: Progress | None = None,
    runtime: Runtime | None = None,
) -> SentenceTransformerEmbeddings:
    """Load an embedding model: `bundled:multilingual-e5-small`, a local folder, or a Hugging Face id.

    The bundled one runs on `runtime`, see `retrieval.encoder`. Others run on PyTorch, in bfloat16 where the processor computes it
    natively, in float32 elsewhere.

    Raises:
        ModelNotFound: the model does not exist or its hub cannot be reached.
        WeightsMissing, WeightsMismatch: the bundled weights are not installed or damaged.
        MissingExtra: `runtime` is not installed.
    """
    import torch
    from sentence_transformers import SentenceTransformer

    if name == BUNDLED_EMBEDDINGS:
        chosen = choose_runtime(device, runtime)
        announce(name, chosen)
        if chosen == "openvino":
            return SentenceTransformerEmbeddings(name, _bundled_on_openvino(progress))
    dtype = torch.bfloat16 if has_fast_bfloat16() else torch.float32
    try:
        model = SentenceTransformer(
            str(_folder(name, progress)), device=device, trust_remote_code=False, model_kwargs={"torch_dtype": dtype}
        )
    except (OSError, ValueError) as error:
        raise ModelNotFound(name=name, reason=str(error).splitlines()[0]) from error
    return SentenceTransformerEmbeddings(name, model.eval())


def _bundled_on_openvino(progress: Progress | None) -> SentenceTransformer:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling

    from retrieval.bundled_e5 import PROMPTS, prepare
    from retrieval.encoder_module import OpenVINOTransformer

    encoder = OpenVINOTransformer(prepare(progress))
    pooling = Pooling(encoder.get_embedding_dimension(), pooling_mode="mean")
    return SentenceTransformer(modules=[encoder, pooling, Normalize()], device="cpu", prompts=dict(PROMPTS)).eval()


def _folder(name: str, progress: Progress | None) -> Path | str:
    if name == BUNDLED_EMBEDDINGS:
        from retrieval.bundled_e5 import prepare

        return prepare(progress)
    if name.startswith("bundled:"):
        raise ModelNotFound(name=name, reason=f"the bundled embedding model is called {BUNDLED_EMBEDDINGS}")
    return name
