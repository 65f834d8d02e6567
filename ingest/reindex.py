"""Building the whole index anew from the catalogue's stored texts: after damage, and for other models, settings or rules.

The old index serves readers until the new one is committed. Vectors of another model are kept apart while they are computed, so a
stopped run goes on where it stopped, and an abandoned one leaves nothing mixed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from corpus.catalogue import STAGED, VECTORS, Catalogue, FileStamp
from corpus.errors import IndexMismatch, IndexNotFound
from ingest.collapse import collapse
from ingest.embed import embed, text_keys
from ingest.interrupt import uninterrupted
from ingest.pipeline import CHUNK_TOKENS, Report
from ingest.plan import Pending, prepare
from retrieval.embedder import Embedder
from retrieval.manifest import EmbeddingModel, check_model, fingerprints
from retrieval.store import IndexStore


@dataclass(frozen=True, slots=True)
class ReindexSummary:
    """What a reindexing did.

    Attributes:
        documents, chunks: size of the new index.
        emptied: documents of which today's cleaning leaves nothing; they are kept, without chunks.
        interrupted: whether Ctrl-C stopped it; the old index is still in force then, and the next run goes on from there.
        seconds: wall-clock time.
    """

    documents: int
    chunks: int
    emptied: tuple[str, ...]
    interrupted: bool
    seconds: float


def reindex(store: IndexStore, embedder: Embedder, *, budget: int = 320, progress: Report | None = None) -> ReindexSummary:
    """Clean, parse, cut and embed every stored document again, and commit the result at once.

    Raises:
        IndexNotFound: nothing has been ingested yet.
        CatalogueCorrupt: a stored text is damaged.
        IndexBusy, StorageFull: nothing was changed.
    """
    if not store.exists:
        raise IndexNotFound(path=store.path)
    started = time.perf_counter()
    report = progress or (lambda _label, _done, _total: None)
    with store.writer(migrate=True) as catalogue:
        pending = _prepare(catalogue, embedder, budget, report)
        chunks = [chunk for item in pending for chunk in item.chunks]
        kind = _kind(catalogue, embedder)
        stopped = embed(chunks, catalogue, embedder, report, kind=kind)
        if not stopped:
            with uninterrupted():
                store.commit(
                    catalogue,
                    EmbeddingModel(embedder.name, embedder.dimension),
                    _change(catalogue, pending, kind, budget),
                    keep=text_keys(chunks),
                )
        documents = catalogue.documents()
    return ReindexSummary(
        documents=len(documents),
        chunks=sum(stored.chunks for stored in documents),
        emptied=tuple(item.document.raw.path for item in pending if not item.chunks),
        interrupted=stopped,
        seconds=round(time.perf_counter() - started, 3),
    )


def _prepare(catalogue: Catalogue, embedder: Embedder, budget: int, report: Report) -> list[Pending]:
    documents = catalogue.documents()
    pending = []
    for done, stored in enumerate(documents, 1):
        stamp = FileStamp(stored.root, stored.bytes, stored.mtime_ns)
        pending.append(Pending(*prepare(catalogue.raw(stored.root, stored.path), embedder.count_tokens, budget), stamp))
        report("read", done, len(documents))
    return pending


def _kind(catalogue: Catalogue, embedder: Embedder) -> str:
    """Where vectors go: among the others if they are of the same model, apart from them if not."""
    try:
        check_model(catalogue, embedder.name)
    except IndexMismatch:
        return ":".join((STAGED.rstrip(":"), embedder.name, *fingerprints(embedder.name).values()))
    return VECTORS


def _change(catalogue: Catalogue, pending: list[Pending], kind: str, budget: int) -> Callable[[], None]:
    def change() -> None:
        for item in pending:
            catalogue.put(item.document, item.chunks, item.stamp)
        collapse(catalogue)
        if kind != VECTORS:
            catalogue.adopt_derived(VECTORS, kind)
        catalogue.set_meta(CHUNK_TOKENS, str(budget))

    return change
