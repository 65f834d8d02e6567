"""The bundled embedding model behind LangChain's interface."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pytest
from langchain_core.embeddings import Embeddings

from corpus.errors import ModelNotFound
from retrieval.embeddings import FloatMatrix, SentenceTransformerEmbeddings, load_embeddings

# One thing in three languages, and three others that are not far from it.
SAME = (
    "旋转位置编码如何表示相对位置？",
    "旋轉位置編碼如何表示相對位置？",
    "How does rotary position embedding encode relative position?",
)
OTHER = (
    "检索增强生成如何减少幻觉？",
    "How does quantization-aware training simulate rounding?",
    "温度参数如何影响采样的多样性？",
)


def cosines(left: FloatMatrix, right: FloatMatrix) -> FloatMatrix:
    return left @ right.T


@pytest.mark.slow
def test_vectors_have_unit_length_and_the_models_dimension(embedder: SentenceTransformerEmbeddings) -> None:
    passages = embedder.encode_passages([*SAME, "", "x" * 5_000])
    assert passages.shape == (5, embedder.dimension) == (5, 384)
    assert passages.dtype == np.float32
    # Exactly, also where the model computes in bfloat16: a longer vector would rank higher for its length.
    np.testing.assert_allclose(np.linalg.norm(passages, axis=1), 1, atol=1e-6)


@pytest.mark.slow
def test_a_query_and_a_passage_are_prefixed_differently(embedder: SentenceTransformerEmbeddings) -> None:
    """E5's prefixes: the same text must not give the same vector, nor that of the text without a prefix."""
    query, passage = embedder.encode_query(SAME[0]), embedder.encode_passages([SAME[0]])
    bare, as_query, as_passage = (
        embedder.model.encode([prefix + SAME[0]], prompt="", normalize_embeddings=True, convert_to_tensor=True)
        .float()
        .cpu()
        .numpy()
        for prefix in ("", "query: ", "passage: ")
    )
    np.testing.assert_allclose(query, as_query, atol=5e-3)
    np.testing.assert_allclose(passage, as_passage, atol=5e-3)
    for one, other in ((query, passage), (query, bare), (passage, bare)):
        assert np.abs(one - other).max() > 0.01


@pytest.mark.slow
def test_one_meaning_in_three_languages_is_nearer_than_another_in_the_same(embedder: SentenceTransformerEmbeddings) -> None:
    same, other = embedder.encode_passages(SAME), embedder.encode_passages(OTHER)
    queries = np.concatenate([embedder.encode_query(text) for text in SAME])
    for query, passage in product(range(3), range(3)):
        assert cosines(queries, same)[query, passage] > cosines(queries, other)[query].max()


@pytest.mark.slow
def test_a_text_has_the_same_vector_in_any_batch(embedder: SentenceTransformerEmbeddings) -> None:
    texts = [*SAME, *OTHER, "短", " ".join(OTHER) * 4]
    together = embedder.encode_passages(texts)
    alone = np.concatenate([embedder.encode_passages([text]) for text in texts])
    assert np.diag(cosines(together, alone)) == pytest.approx(np.ones(len(texts)), abs=1e-5)


@pytest.mark.slow
def test_nothing_to_embed(embedder: SentenceTransformerEmbeddings) -> None:
    assert embedder.encode_passages([]).shape == (0, 384)


@pytest.mark.slow
def test_langchain_sees_the_same_vectors(embedder: SentenceTransformerEmbeddings) -> None:
    assert isinstance(embedder, Embeddings)
    assert embedder.embed_documents(list(SAME)) == embedder.encode_passages(SAME).tolist()
    assert embedder.embed_query(SAME[2]) == embedder.encode_query(SAME[2])[0].tolist()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "least", "most"), [("", 0, 0), ("RoPE", 1, 4), ("旋转位置编码", 2, 6), ("a " * 1_000, 1_000, 1_001)]
)
def test_tokens_are_those_of_the_model(embedder: SentenceTransformerEmbeddings, text: str, least: int, most: int) -> None:
    """Without special tokens, and without a cut at the model's limit."""
    assert least <= embedder.count_tokens(text) <= most


@pytest.mark.parametrize("name", ["bundled:no-such-model", "/no/such/folder"])
def test_a_model_that_does_not_exist_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ModelNotFound, match=name):
        load_embeddings(name)


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ModelNotFound, match="give a local folder"):
        load_embeddings(str(tmp_path))
