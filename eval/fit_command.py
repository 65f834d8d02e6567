"""What the commands that fit a regression on gold questions share: their options, and the retriever with the bundled models."""

from __future__ import annotations

import argparse
from pathlib import Path

from eval.gold import DEFAULT_GOLD
from retrieval.retriever import HybridRetriever


def fit_parser(description: str | None, out: Path | None) -> argparse.ArgumentParser:
    """Options `--index`, `--questions` and, where something is written, `--out`."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--index", type=Path, required=True)
    parser.add_argument("--questions", type=Path, default=DEFAULT_GOLD)
    if out:
        parser.add_argument("--out", type=Path, default=out)
    return parser


def bundled_retriever(index: Path, *, reranked: bool = True) -> HybridRetriever:
    """A retriever over an index, everything at default."""
    from retrieval.embeddings import BUNDLED_EMBEDDINGS, load_embeddings
    from retrieval.rerank import load_reranker
    from retrieval.store import IndexStore

    snapshot = IndexStore(index).snapshot(BUNDLED_EMBEDDINGS)
    return HybridRetriever(snapshot=snapshot, embedder=load_embeddings(), reranker=load_reranker() if reranked else None)
