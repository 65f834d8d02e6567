"""What the index holds, in numbers."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

from retrieval.store import IndexStore


def index_status(store: IndexStore, *, files: bool = False) -> dict[str, Any]:
    """Documents, chunks, languages, size and models of an index; with `files`, a row for each document.

    Raises:
        IndexNotFound: nothing has been ingested yet.
    """
    catalogue = store.catalogue()
    try:
        documents = catalogue.documents()
        status: dict[str, Any] = {
            "index": str(store.path),
            "documents": len(documents),
            "chunks": sum(document.chunks for document in documents),
            "languages": dict(Counter(document.language for document in documents)),
            "bytes": sum(_size(path) for path in store.path.rglob("*")),
            "generation": catalogue.generation,
            "embedding_model": catalogue.meta("embedding_model"),
            "chunk_tokens": int(catalogue.meta("chunk_tokens") or 0) or None,
            "duplicates": catalogue.count_duplicates(),
            "last_sync": catalogue.meta("last_sync"),
        }
    finally:
        catalogue.close()
    if files:
        status["files"] = [asdict(document) for document in documents]
    return status


def _size(path: Path) -> int:
    """Size of a file; 0 for a folder, and for what a writer has just removed."""
    try:
        return path.stat().st_size if path.is_file() else 0
    except FileNotFoundError:
        return 0
