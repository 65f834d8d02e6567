"""Computing the vectors that the catalogue does not have yet, stored window by window so that a stop loses little."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from corpus.catalogue import VECTORS, Catalogue, text_key
from corpus.documents import Chunk
from retrieval.embedder import Embedder

# Texts embedded between two writes to the catalogue: what a kill can cost at most. Within a window batches go by length.
_WINDOW = 128


def embed(
    chunks: Iterable[Chunk],
    catalogue: Catalogue,
    embedder: Embedder,
    report: Callable[[str, int, int], None],
    *,
    kind: str = VECTORS,
) -> bool:
    """Embed the texts of chunks that have no vector of a kind yet; returns whether Ctrl-C stopped it."""
    texts = {text_key(text): text for chunk in chunks for text in (chunk.indexed_text(),)}
    stored = catalogue.embeddings(texts, kind=kind)
    missing = [key for key in texts if key not in stored]
    report("embed", 0, len(missing))
    try:
        for at in range(0, len(missing), _WINDOW):
            window = missing[at : at + _WINDOW]
            vectors = embedder.encode_passages([texts[key] for key in window])
            with catalogue.transaction():
                catalogue.put_embeddings(zip(window, vectors, strict=True), kind=kind)
            report("embed", at + len(window), len(missing))
    except KeyboardInterrupt:
        return True
    return False


def text_keys(chunks: Iterable[Chunk]) -> set[bytes]:
    """The keys under which the vectors of chunks are stored."""
    return {text_key(chunk.indexed_text()) for chunk in chunks}
