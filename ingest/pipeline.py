"""From paths to a searchable index: find what changed, read, clean, parse, chunk, embed, commit.

Embeddings are stored as they are computed, and documents become visible in one commit at the end, so an interrupted run loses no
work and shows no half of it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from corpus.catalogue import Catalogue, StoredDocument
from ingest.collapse import collapse
from ingest.embed import embed, text_keys
from ingest.interrupt import uninterrupted
from ingest.plan import Pending, Plan, Planner, Skipped
from ingest.read_limits import ReadLimits
from retrieval.embedder import Embedder
from retrieval.manifest import EmbeddingModel, check_fact, check_model
from retrieval.store import IndexStore

__all__ = ["IngestSummary", "Skipped", "ingest"]

log = logging.getLogger(__name__)

Report = Callable[[str, int, int], None]
CHUNK_TOKENS = "chunk_tokens"


@dataclass(frozen=True, slots=True)
class IngestSummary:
    """What an ingestion did; counts of documents, except `chunks`.

    Attributes:
        added, changed, unchanged, removed: documents by what happened to them; one whose file was emptied is removed.
        renamed: those among the added whose content was in a file that is gone; the former document is among the removed.
        missing: documents whose file is gone but which were kept, for want of `prune`.
        skipped: files that were not ingested.
        documents, chunks: size of the index afterwards.
        interrupted: whether it stopped early, on Ctrl-C; what was finished is committed.
        repaired: whether damaged files of the index were rebuilt from the catalogue.
        seconds: wall-clock time.
    """

    added: int
    changed: int
    unchanged: int
    removed: int
    renamed: int
    missing: int
    skipped: tuple[Skipped, ...]
    documents: int
    chunks: int
    interrupted: bool
    repaired: bool
    seconds: float


def ingest(
    paths: Iterable[Path | str],
    store: IndexStore,
    embedder: Embedder,
    *,
    budget: int = 320,
    limits: ReadLimits | None = None,
    prune: bool = False,
    progress: Report | None = None,
) -> IngestSummary:
    """Bring the index in step with files and folders.

    Args:
        paths: files, folders and archives; `-` is standard input.
        store: the index.
        embedder: embeds the chunks and counts their tokens; not used if nothing is new.
        budget: most tokens of a chunk.
        limits: what is still read; the defaults of `ReadLimits` if not given.
        prune: forget documents whose file is gone from an ingested folder.
        progress: called with a label, how much is done, and how much there is.

    Raises:
        UsageError: a path does not exist.
        IndexBusy, IndexMismatch, StorageFull: nothing was changed.
    """
    started = time.perf_counter()
    report = progress or (lambda _label, _done, _total: None)
    with store.writer() as catalogue:
        check_model(catalogue, embedder.name)
        check_fact(catalogue, CHUNK_TOKENS, str(budget))
        known = catalogue.documents()
        damaged = bool(catalogue.generation and store.damaged_files())
        outdated = bool(catalogue.generation) and store.has_old_terms(catalogue)
        plan = Planner(known, embedder.count_tokens, budget, limits or ReadLimits()).look(paths, report)
        finished, interrupted = _embed(plan, catalogue, embedder, report)
        renamed = _renamed(plan.gone, finished, known)
        pruned = plan.gone if prune and not interrupted else renamed
        removed = (*plan.emptied, *pruned)

        def change() -> None:
            _apply(catalogue, finished, removed)
            _note(catalogue, plan, budget)

        with uninterrupted() as held:
            if finished or removed or damaged or outdated or not catalogue.generation:
                keep = text_keys(c for item in plan.pending for c in item.chunks) if interrupted else frozenset()
                _commit(store, catalogue, embedder, change, fresh=bool(finished), keep=keep)
            else:
                with catalogue.transaction():
                    _note(catalogue, plan, budget)
        before = {(stored.root, stored.path) for stored in known}
        changed = sum((item.stamp.root, item.document.raw.path) in before for item in finished)
        documents = catalogue.documents()
    return IngestSummary(
        added=len(finished) - changed,
        changed=changed,
        unchanged=plan.unchanged,
        removed=len(removed),
        renamed=len(renamed),
        missing=len(plan.gone) - len(pruned),
        skipped=tuple(plan.skipped),
        documents=len(documents),
        chunks=sum(stored.chunks for stored in documents),
        interrupted=interrupted or bool(held),
        repaired=damaged,
        seconds=round(time.perf_counter() - started, 3),
    )


def _embed(plan: Plan, catalogue: Catalogue, embedder: Embedder, report: Report) -> tuple[Sequence[Pending], bool]:
    """Embed what is new; returns the finished documents and whether Ctrl-C stopped the run."""
    stopped = plan.interrupted or embed((c for item in plan.pending for c in item.chunks), catalogue, embedder, report)
    if not stopped:
        return plan.pending, False
    have = catalogue.embeddings(text_keys(c for item in plan.pending for c in item.chunks)).keys()
    return [item for item in plan.pending if text_keys(item.chunks) <= have], True


def _renamed(
    gone: Iterable[StoredDocument], finished: Iterable[Pending], known: Iterable[StoredDocument]
) -> tuple[StoredDocument, ...]:
    """Documents whose file is gone while a new one with the same bytes has come."""
    before = {(stored.root, stored.path) for stored in known}
    new = [item.document.raw for item in finished if (item.stamp.root, item.document.raw.path) not in before]
    hashes = [raw.sha256 for raw in new]
    found = []
    for stored in gone:
        if stored.sha256 in hashes:
            hashes.remove(stored.sha256)
            found.append(stored)
    return tuple(found)


def _apply(catalogue: Catalogue, finished: Iterable[Pending], removed: Iterable[StoredDocument]) -> None:
    for stored in removed:
        catalogue.delete(stored.root, stored.path)
    for item in finished:
        catalogue.put(item.document, item.chunks, item.stamp)
    collapse(catalogue)


def _note(catalogue: Catalogue, plan: Plan, budget: int) -> None:
    for path, stamp in plan.touched:
        catalogue.touch(path, stamp)
    catalogue.set_meta(CHUNK_TOKENS, str(budget))
    note_sync(catalogue)


def note_sync(catalogue: Catalogue) -> None:
    """Note that the index was brought in step now."""
    catalogue.set_meta("last_sync", datetime.now(UTC).isoformat(timespec="seconds"))


def _commit(
    store: IndexStore, catalogue: Catalogue, embedder: Embedder, change: Callable[[], None], *, fresh: bool, keep: Set[bytes]
) -> None:
    model = None if fresh else EmbeddingModel.of(catalogue)  # asking the embedder would load it
    number = store.commit(catalogue, model or EmbeddingModel(embedder.name, embedder.dimension), change, keep=keep)
    log.info("committed generation %d", number)
