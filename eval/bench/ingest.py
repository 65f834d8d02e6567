"""How fast ingestion is, held against the encoder that it cannot outrun.

Both are timed on the same chunks, taking turns within one run: the encoder called once on all of them, and an ingestion of their
files into an empty index, reading, cleaning, cutting, embedding, indexing and syncing included. The machine's load is reported,
since other work slows both.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from ingest.pipeline import Report
from ingest.pipeline import ingest as sync
from retrieval.embedder import Embedder
from retrieval.store import IndexStore

_NOTES = Path(__file__).parent.parent.parent / "corpus" / "notes"


@dataclass(frozen=True, slots=True)
class IngestBench:
    """Medians over runs.

    Attributes:
        chunks: number of chunks with different texts.
        encoder: chunks per second of the encoder alone.
        ingest: chunks per second of the whole ingestion.
        ratio: the second over the first; the median of the runs' own ratios.
        stages: seconds of an ingestion by stage: "read" up to the first vector, "embed", "commit".
        unchanged: seconds of a second ingestion that finds nothing new.
        load: the machine's load average over the last minute, at the end.
        cores: processors this process may use.
    """

    chunks: int
    documents: int
    encoder: float
    ingest: float
    ratio: float
    stages: dict[str, float]
    unchanged: float
    repeat: int
    load: float
    cores: int

    def lines(self) -> tuple[str, ...]:
        """The result as lines of text."""
        stages = ", ".join(f"{name} {seconds:.2f} s" for name, seconds in self.stages.items())
        return (
            f"{self.documents} documents, {self.chunks} chunks, median of {self.repeat}",
            f"encoder alone    {self.encoder:8.1f} chunks/s",
            f"whole ingestion  {self.ingest:8.1f} chunks/s  ({stages})",
            f"ratio            {self.ratio:8.2f}",
            f"unchanged again  {self.unchanged:8.2f} s",
            f"load average {self.load:.1f} on {self.cores} cores",
        )


class _Run(NamedTuple):
    """Seconds of one run; see `IngestBench`."""

    encoder: float
    ingest: float
    unchanged: float
    stages: dict[str, float]


class _Stages:
    """Passes progress on and notes when each stage was first reported."""

    def __init__(self, progress: Report | None) -> None:
        self._progress = progress
        self.embed_started = self.embed_ended = 0.0

    def __call__(self, label: str, done: int, total: int) -> None:
        if label == "embed":
            self.embed_ended = time.perf_counter()
            self.embed_started = self.embed_started or self.embed_ended
        if self._progress:
            self._progress(label, done, total)


def bench_ingest(
    paths: tuple[Path, ...], embedder: Embedder, *, budget: int = 320, repeat: int = 3, progress: Report | None = None
) -> IngestBench:
    """Measure ingestion on some notes, this project's own if there are none given.

    Raises:
        UsageError: a path does not exist.
    """
    paths = paths or (_NOTES,)
    with _scratch() as store:  # the first run pays for libraries that load their tables on first use
        sync(paths, store, embedder, budget=budget)
        texts, documents = _texts(store)
    runs = [_run(paths, embedder, texts, budget, progress) for _ in range(repeat)]
    encoder = statistics.median(run.encoder for run in runs)
    ingest = statistics.median(run.ingest for run in runs)
    return IngestBench(
        chunks=len(texts),
        documents=documents,
        encoder=round(len(texts) / encoder, 2),
        ingest=round(len(texts) / ingest, 2),
        ratio=round(statistics.median(run.encoder / run.ingest for run in runs), 3),
        stages={name: round(statistics.median(run.stages[name] for run in runs), 3) for name in ("read", "embed", "commit")},
        unchanged=round(statistics.median(run.unchanged for run in runs), 3),
        repeat=repeat,
        load=round(os.getloadavg()[0], 2),
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
    )


def _run(paths: tuple[Path, ...], embedder: Embedder, texts: list[str], budget: int, progress: Report | None) -> _Run:
    encoder = _timed(lambda: embedder.encode_passages(texts))
    with _scratch() as store:
        stages = _Stages(progress)
        started = time.perf_counter()
        ingest = _timed(lambda: sync(paths, store, embedder, budget=budget, progress=stages))
        unchanged = _timed(lambda: sync(paths, store, embedder, budget=budget))
    read = stages.embed_started - started
    embed = stages.embed_ended - stages.embed_started
    return _Run(encoder, ingest, unchanged, {"read": read, "embed": embed, "commit": ingest - read - embed})


def _texts(store: IndexStore) -> tuple[list[str], int]:
    catalogue = store.catalogue()
    try:
        return list(dict.fromkeys(chunk.indexed_text() for chunk in catalogue.chunks())), len(catalogue.documents())
    finally:
        catalogue.close()


@contextmanager
def _scratch() -> Iterator[IndexStore]:
    with TemporaryDirectory() as folder:
        yield IndexStore(Path(folder) / "index")


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
