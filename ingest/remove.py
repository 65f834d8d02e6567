"""Taking documents out of the index; their files stay where they are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from corpus.catalogue import StoredDocument
from corpus.errors import DocumentNotFound, IndexNotFound
from ingest.collapse import collapse
from retrieval.manifest import EmbeddingModel
from retrieval.store import IndexStore


@dataclass(frozen=True, slots=True)
class RemovalSummary:
    """What was removed, by path relative to its root, and the size of the index afterwards."""

    removed: tuple[str, ...]
    documents: int
    chunks: int


def remove(paths: Iterable[Path | str], store: IndexStore) -> RemovalSummary:
    """Forget documents, all of them or none.

    Args:
        paths: of documents or of folders of documents: as `status --files` shows them, or as they lie on this machine.
        store: the index.

    Raises:
        DocumentNotFound: a path names no document.
        IndexNotFound: nothing has been ingested yet.
    """
    if not store.exists:
        raise IndexNotFound(path=store.path)
    with store.writer() as catalogue:
        model = EmbeddingModel.of(catalogue)
        if model is None:
            raise IndexNotFound(path=store.path)
        known = catalogue.documents()
        chosen = dict.fromkeys(stored for path in paths for stored in _matching(path, known))

        def change() -> None:
            for stored in chosen:
                catalogue.delete(stored.root, stored.path)
            collapse(catalogue)

        store.commit(catalogue, model, change)
        left = catalogue.documents()
    return RemovalSummary(tuple(stored.path for stored in chosen), len(left), sum(stored.chunks for stored in left))


def _matching(path: Path | str, known: Sequence[StoredDocument]) -> list[StoredDocument]:
    name = Path(path).as_posix()
    file = Path(path).expanduser().resolve()
    found = [
        stored
        for stored in known
        if Path(stored.path).is_relative_to(name) or (Path(stored.root) / stored.path).is_relative_to(file)
    ]
    if not found:
        raise DocumentNotFound(path=path)
    return found
