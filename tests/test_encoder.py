"""The encoder on OpenVINO beside the one on PyTorch, through the loaders that choose between them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from corpus.errors import MissingExtra
from retrieval import encoder
from retrieval.adapter import lora_changes
from retrieval.embeddings import SentenceTransformerEmbeddings, load_embeddings
from retrieval.encoder import (
    OpenVINOEncoder,
    TorchEncoder,
    choose_runtime,
    describe_runtime,
    load_tokenizer,
    map_words,
    one_thread,
)
from retrieval.rerank_model import load_encoder

TEXTS = (
    "query: 旋转位置编码如何表示相对位置？",
    "passage: Water boils at 100 degrees Celsius at sea level. " * 12,
    "passage: 明代的長城全長約八千八百五十公里。",
    "a",
)


@pytest.fixture(scope="module")
def base() -> Path:
    from retrieval.bundled_e5 import prepare

    return prepare()


@pytest.fixture(scope="module")
def sequences(base: Path) -> list[list[int]]:
    return [list(ids) for ids in load_tokenizer(base)(list(TEXTS))["input_ids"]]


@pytest.mark.slow
def test_states_are_those_of_the_reference_and_no_company_changes_them(base: Path, sequences: list[list[int]]) -> None:
    pytest.importorskip("openvino")
    fast = OpenVINOEncoder(base)
    reference = TorchEncoder(load_encoder(base, torch.float32), torch.device("cpu"), pad=1).states(sequences)

    together = fast.states(sequences)

    for sequence, states, expected in zip(sequences, together, reference, strict=True):
        assert states.shape == expected.shape == (len(sequence), fast.hidden)
        assert states.dtype == torch.float32
        assert torch.nn.functional.cosine_similarity(states, expected, dim=1).min() > 0.995
        assert torch.equal(fast.states([sequence])[0], states)
    assert all(torch.equal(a, b) for a, b in zip(fast.states(sequences[::-1]), together[::-1], strict=True))
    assert fast.states([]) == []


@pytest.mark.slow
def test_vectors_fit_an_index_that_pytorch_made(embedder: SentenceTransformerEmbeddings) -> None:
    pytest.importorskip("openvino")
    other = load_embeddings(runtime="torch")
    texts = ["RoPE 把查询和键向量按位置旋转一个角度。", "What is quantization?", "x" * 3000, "", "倒數排名融合"]

    for mine, theirs in (
        (embedder.encode_passages(texts), other.encode_passages(texts)),
        (embedder.encode_queries(texts), other.encode_queries(texts)),
    ):
        assert (mine * theirs).sum(axis=1).min() > 0.999
    assert [embedder.count_tokens(text) for text in texts] == [other.count_tokens(text) for text in texts]


@pytest.mark.slow
def test_a_saved_embedding_model_loads_again(embedder: SentenceTransformerEmbeddings, tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer

    embedder.model.save(str(tmp_path))

    again = SentenceTransformer(str(tmp_path), trust_remote_code=True)
    assert np.allclose(again.encode_query(["什么？"]), embedder.encode_queries(["什么？"]), atol=1e-6)


def test_word_embeddings_are_read_where_they_lie(tmp_path: Path) -> None:
    words = np.arange(24, dtype=np.float32).reshape(6, 4)
    save_file({"a": np.ones(3, np.float32), encoder.WORDS: words, "z": np.ones(5, np.float32)}, tmp_path / encoder.WEIGHTS_FILE)

    mapped = map_words(tmp_path)

    assert np.array_equal(mapped[[5, 0, 5]], words[[5, 0, 5]])
    assert set(encoder.layer_weights(tmp_path)) == {"a", "z"}


def test_an_adapter_by_hand() -> None:
    weights = {"layer.weight": np.zeros((2, 3), np.float32), "other.weight": np.ones((2, 3), np.float32)}
    low, high = np.array([[1.0, 2.0, 3.0]], np.float32), np.array([[1.0], [-1.0]], np.float32)
    adapter = {"base_model.model.layer.lora_A.weight": low, "base_model.model.layer.lora_B.weight": high}

    changed = lora_changes(weights, adapter, 2.0)

    assert changed.keys() == {"layer.weight"}
    assert changed["layer.weight"].tolist() == [[2.0, 4.0, 6.0], [-2.0, -4.0, -6.0]]


def test_what_runs_the_encoder_follows_from_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoder, "find_spec", lambda name: object())
    assert choose_runtime("cpu") == "openvino"
    assert choose_runtime("cuda") == "torch"
    assert choose_runtime("cpu", "torch") == "torch"
    monkeypatch.setattr(encoder, "find_spec", lambda name: None)
    assert choose_runtime("cpu") == "torch"
    with pytest.raises(MissingExtra, match="openvino"):
        choose_runtime("cpu", "openvino")
    assert describe_runtime("torch").startswith("PyTorch 2")


def test_heads_run_on_one_thread_and_what_was_set_comes_back() -> None:
    before = torch.get_num_threads()
    with one_thread(), one_thread():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before
