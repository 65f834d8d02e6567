"""An index for one measurement: given chunks, written by the store as notes are, and gone afterwards.

Near-duplicates stay apart: whether a passage is found must not depend on which of two copies stands for the other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory

from corpus.catalogue import Catalogue, FileStamp
from corpus.documents import Chunk, Document, RawDocument, SourceMap
from ingest.embed import embed
from retrieval.embedder import Embedder
from retrieval.snapshot import Snapshot
from retrieval.store import EmbeddingModel, IndexStore
from retrieval.weights import Progress


@contextmanager
def scratch_snapshot(
    chunks: Sequence[Chunk], embedder: Embedder, *, use_gpu: bool = True, progress: Progress | None = None
) -> Iterator[Snapshot]:
    """A snapshot of exactly these chunks, in the order of their paths.

    Args:
        chunks: those of one path one after the other.
        embedder: computes the vectors.
        use_gpu: search on a GPU where FAISS sees one.
        progress: called with "embed", how many vectors there are, and how many are needed.
    """
    with TemporaryDirectory(prefix="interview-rag-eval-") as folder:
        store = IndexStore(Path(folder) / "index")
        with store.writer() as catalogue:
            if embed(chunks, catalogue, embedder, progress or (lambda _stage, _done, _total: None)):
                raise KeyboardInterrupt
            store.commit(catalogue, EmbeddingModel(embedder.name, embedder.dimension), lambda: _put(catalogue, chunks))
        snapshot = store.snapshot(embedder.name, use_gpu=use_gpu)
        try:
            yield snapshot
        finally:
            snapshot.close()


def _put(catalogue: Catalogue, chunks: Iterable[Chunk]) -> None:
    for path, members in groupby(chunks, key=lambda chunk: chunk.path):
        own = tuple(members)
        text = "\n\n".join(chunk.text for chunk in own)
        raw = RawDocument(path, text, hashlib.sha256(text.encode()).hexdigest(), "text/plain")
        document = Document(raw, text, SourceMap(), title=path, language=own[0].language)
        catalogue.put(document, own, FileStamp("", len(text.encode()), 0))
