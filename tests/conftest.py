"""What the tests share: notes in three languages, index folders, and embedders."""

from __future__ import annotations

import os

# As the command line sets it: read when transformers is imported, which some test does before a command runs in this process.
os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hash_embedder import HashEmbedder
from hypothesis import settings
from word_reranker import WordReranker

from app.cli import main
from app.session import Session
from ingest.pipeline import ingest
from retrieval.embeddings import SentenceTransformerEmbeddings, load_embeddings
from retrieval.store import IndexStore

Run = Callable[..., tuple[int, str, str]]
PROJECT = Path(__file__).parent.parent
NOTES = PROJECT / "corpus" / "notes"

# How long an example takes says more about the machine than about the code; the same examples each time make a run repeatable.
settings.register_profile("interview-rag", deadline=None, derandomize=True)
settings.load_profile("interview-rag")

SIMPLIFIED = """# 旋转位置编码

## RoPE 的核心思想是什么？

RoPE 把查询和键向量按位置旋转一个角度，内积只依赖相对位置。底数取 10000。

## RoPE 有什么缺点？

超出训练长度后，低频维度的旋转角度没有见过，困惑度会迅速上升。
"""
TRADITIONAL = """# 檢索增強生成

## 什麼是重排序？

重排序用交叉編碼器替每個候選段落打分，比雙編碼器準確，但計算量更大。

## 混合檢索怎麼合併結果？

倒數排名融合把兩個排名的倒數相加，常數取 60。
"""
ENGLISH = """# Quantization

## What is the difference between PTQ and QAT?

PTQ quantizes a trained model with a small calibration set. QAT simulates quantization during training.

## Why are activations harder to quantize than weights?

A few channels hold outliers that are about a hundred times larger than the rest.
"""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Runs a command with models that need no weights."""
    monkeypatch.setenv("INTERVIEW_RAG_INDEX", str(tmp_path / "index"))
    monkeypatch.setenv("INTERVIEW_RAG_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("INTERVIEW_RAG_EMBEDDINGS", "test:hashed-n-grams")
    monkeypatch.setenv("INTERVIEW_RAG_MESSAGES", "en")
    monkeypatch.setattr(Session, "embedder", HashEmbedder())
    monkeypatch.setattr(Session, "reranker", property(lambda self: WordReranker() if self.settings.reranker else None))

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["interview-rag", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            main()
        printed = capfd.readouterr()
        return int(stopped.value.code or 0), printed.out, printed.err

    return run


@pytest.fixture
def hash_embedder() -> HashEmbedder:
    """A fresh embedder without weights, for tests about the index rather than about meaning."""
    return HashEmbedder()


@pytest.fixture
def store(tmp_path: Path) -> IndexStore:
    """An index folder with nothing in it."""
    return IndexStore(tmp_path / "index")


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    """A folder with a note in each language, two questions in each."""
    folder = tmp_path / "notes"
    (folder / "zh").mkdir(parents=True)
    (folder / "zh" / "rope.md").write_text(SIMPLIFIED, encoding="utf-8")
    (folder / "zh" / "rag-hant.md").write_text(TRADITIONAL, encoding="utf-8")
    (folder / "quantization.md").write_text(ENGLISH, encoding="utf-8")
    return folder


@pytest.fixture
def ingested(notes: Path, store: IndexStore, hash_embedder: HashEmbedder) -> IndexStore:
    """`store` with `notes` in it; use it together with them."""
    ingest([notes], store, hash_embedder)
    return store


@pytest.fixture(scope="session")
def embedder() -> SentenceTransformerEmbeddings:
    """The bundled embedding model, loaded once; mark tests that use it `slow`."""
    return load_embeddings()


@pytest.fixture(scope="session")
def shipped_index(embedder: SentenceTransformerEmbeddings, tmp_path_factory: pytest.TempPathFactory) -> IndexStore:
    """The notes of this project in an index of their own; read only, mark tests that use it `slow`."""
    index = IndexStore(tmp_path_factory.mktemp("shipped") / "index")
    ingest([NOTES], index, embedder)
    return index
