"""From paths to a searchable index: find what changed, read, clean, parse, chunk, embed, commit.

A document is what its bytes say: its size and time are only a shortcut past reading it again. Embeddings are stored as they are
computed, and documents become visible in one commit at the end, so an interrupted run loses no work and shows no half of it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path

from corpus.catalogue import Catalogue, FileStamp, StoredDocument, text_key
from corpus.documents import Chunk, Document
from ingest.chunk import chunk
from ingest.clean import clean
from ingest.parse import parse
from ingest.read import discover, read_file, source_file
from ingest.read_errors import FileDamaged, FileEmpty, FileSkipped
from retrieval.embeddings import Embedder
from retrieval.store import EmbeddingModel, IndexStore, check_model
from retrieval.weights import Progress

log = logging.getLogger(__name__)

# Texts embedded between two writes to the catalogue: what a kill can cost at most.
_WINDOW = 128


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that was not ingested, and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class IngestSummary:
    """What an ingestion did; counts of documents, except `chunks`.

    Attributes:
        added, changed, unchanged, removed: documents by what happened to them; one whose file was emptied is removed.
        missing: documents whose file is gone but which were kept, for want of `prune`.
        skipped: files that were not ingested.
        documents, chunks: size of the index afterwards.
        interrupted: whether it stopped early, on Ctrl-C; what was finished is committed.
        seconds: wall-clock time.
    """

    added: int
    changed: int
    unchanged: int
    removed: int
    missing: int
    skipped: tuple[Skipped, ...]
    documents: int
    chunks: int
    interrupted: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class _Pending:
    document: Document
    chunks: tuple[Chunk, ...]
    stamp: FileStamp


@dataclass
class _Plan:
    """What is to be done, filled while files are looked at."""

    pending: list[_Pending] = field(default_factory=list)
    touched: list[tuple[str, FileStamp]] = field(default_factory=list)
    unchanged: int = 0
    gone: tuple[StoredDocument, ...] = ()
    emptied: list[StoredDocument] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)


def ingest(
    paths: Iterable[Path | str],
    store: IndexStore,
    embedder: Embedder,
    *,
    budget: int = 320,
    prune: bool = False,
    progress: Progress | None = None,
) -> IngestSummary:
    """Bring the index in step with files and folders.

    Args:
        paths: files and folders.
        store: the index.
        embedder: embeds the chunks and counts their tokens.
        budget: most tokens of a chunk.
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
        known = {(stored.root, stored.path): stored for stored in catalogue.documents()}
        plan = _plan(paths, known, embedder, budget, report)
        finished, interrupted = _embed(plan.pending, catalogue, embedder, report)
        pruned = plan.gone if prune and not interrupted else ()
        removed = (*plan.emptied, *pruned)
        if finished or removed or plan.touched or not catalogue.meta("generation"):
            keep = _keys(plan.pending) if interrupted else frozenset()
            _commit(store, catalogue, embedder, finished, removed, plan.touched, keep)
        changed = sum((item.stamp.root, item.document.raw.path) in known for item in finished)
        documents = catalogue.documents()
    return IngestSummary(
        added=len(finished) - changed,
        changed=changed,
        unchanged=plan.unchanged,
        removed=len(removed),
        missing=len(plan.gone) - len(pruned),
        skipped=tuple(plan.skipped),
        documents=len(documents),
        chunks=sum(stored.chunks for stored in documents),
        interrupted=interrupted,
        seconds=round(time.perf_counter() - started, 3),
    )


def _plan(
    paths: Iterable[Path | str],
    known: dict[tuple[str, str], StoredDocument],
    embedder: Embedder,
    budget: int,
    report: Progress,
) -> _Plan:
    """Look at every file and prepare those that are new or changed."""
    plan = _Plan()
    names = {Path(root) / path: (Path(root), path) for root, path in known}
    roots = {Path(root) for root, _ in known}
    wanted = [Path(path).resolve() for path in paths]
    files = discover(wanted, on_skip=lambda skip: plan.skipped.append(Skipped(skip.path, skip.reason)))
    seen: set[tuple[str, str]] = set()
    for done, found in enumerate(files, 1):
        root, relative = names.get(found[0] / found[1]) or _known_root(*found, roots)
        seen.add((str(root), relative))
        stored = known.get((str(root), relative))
        try:
            _look_at(root, relative, stored, plan, embedder, budget)
        except FileSkipped as skip:
            plan.skipped.append(Skipped(skip.path, skip.reason))
            if stored and isinstance(skip, FileEmpty):
                plan.emptied.append(stored)
        report("read", done, len(files))
    plan.gone = tuple(d for key, d in known.items() if key not in seen and _is_gone(d, wanted))
    return plan


def _known_root(root: Path, relative: str, roots: set[Path]) -> tuple[Path, str]:
    """Name a file below a folder that was ingested before the way it was named then."""
    for known in sorted(roots & {root, *root.parents}, key=lambda path: len(path.parts)):
        return known, (root / relative).relative_to(known).as_posix()
    return root, relative


def _is_gone(stored: StoredDocument, paths: Sequence[Path]) -> bool:
    """Whether a document lies below one of the ingested paths and its file is no longer there."""
    file = Path(stored.root) / stored.path
    return any(file.is_relative_to(path) for path in paths) and not file.exists()


def _look_at(root: Path, relative: str, stored: StoredDocument | None, plan: _Plan, embedder: Embedder, budget: int) -> None:
    try:
        facts = source_file(root, relative).stat()
    except OSError as error:  # a dangling link, or removed since it was listed
        raise FileDamaged(relative, why=error.strerror or type(error).__name__) from error
    stamp = FileStamp(str(root), facts.st_size, facts.st_mtime_ns)
    if stored and (stored.bytes, stored.mtime_ns) == (stamp.bytes, stamp.mtime_ns):
        plan.unchanged += 1
        return
    raw = read_file(root, relative)
    if stored and stored.sha256 == raw.sha256:
        plan.unchanged += 1
        plan.touched.append((relative, stamp))
        return
    document = clean(raw)
    chunks = chunk(document, parse(document), count_tokens=embedder.count_tokens, budget=budget)
    if not chunks:
        raise FileEmpty(relative, why=" after cleaning")
    plan.pending.append(_Pending(document, chunks, stamp))


def _embed(
    pending: Sequence[_Pending], catalogue: Catalogue, embedder: Embedder, report: Progress
) -> tuple[Sequence[_Pending], bool]:
    """Embed what the catalogue has no vector of; returns the finished documents and whether Ctrl-C stopped it."""
    texts = {text_key(text): text for item in pending for c in item.chunks for text in (c.indexed_text(),)}
    stored = catalogue.embeddings(texts)
    missing = [key for key in texts if key not in stored]
    report("embed", 0, len(missing))
    try:
        for at in range(0, len(missing), _WINDOW):
            window = missing[at : at + _WINDOW]
            vectors = embedder.encode_passages([texts[key] for key in window])
            with catalogue.transaction():
                catalogue.put_embeddings(zip(window, vectors, strict=True))
            report("embed", at + len(window), len(missing))
    except KeyboardInterrupt:
        stored = catalogue.embeddings(texts)
        return [p for p in pending if all(text_key(c.indexed_text()) in stored for c in p.chunks)], True
    return pending, False


def _keys(pending: Iterable[_Pending]) -> Set[bytes]:
    return {text_key(chunk.indexed_text()) for item in pending for chunk in item.chunks}


def _commit(
    store: IndexStore,
    catalogue: Catalogue,
    embedder: Embedder,
    finished: Sequence[_Pending],
    removed: Sequence[StoredDocument],
    touched: Sequence[tuple[str, FileStamp]],
    keep: Set[bytes],
) -> None:
    def change() -> None:
        for stored in removed:
            catalogue.delete(stored.root, stored.path)
        for item in finished:
            catalogue.put(item.document, item.chunks, item.stamp)
        for path, stamp in touched:
            catalogue.touch(path, stamp)

    number = store.commit(catalogue, EmbeddingModel(embedder.name, embedder.dimension), change, keep=keep)
    log.info("committed generation %d", number)
