"""Computing the vectors that the catalogue does not have yet, stored window by window so that a stop loses little."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain

from corpus.catalogue import VECTORS, Catalogue, text_key
from corpus.documents import Chunk
from retrieval.embedder import Embedder

# Batches of equal length waste least on padding, so texts go by length; but only within a window of the files' order, or Ctrl-C
# would find every document half done. Left to itself the encoder sorts by characters, which in Chinese are twice as many tokens
# as in English, so it gets a batch at a time. What was embedded is stored every few batches: as much as a kill can cost.
_WINDOW = 384
_STORED = 128
_BATCH = 16


def embed(
    chunks: Iterable[Chunk],
    catalogue: Catalogue,
    embedder: Embedder,
    report: Callable[[str, int, int], None],
    *,
    kind: str = VECTORS,
) -> bool:
    """Embed the texts of chunks that have no vector of a kind yet; returns whether Ctrl-C stopped it."""
    wanted = {text_key(chunk.indexed_text()): chunk for chunk in chunks}
    stored = catalogue.embeddings(wanted, kind=kind)
    missing = [key for key in wanted if key not in stored]
    done = 0
    report("embed", done, len(missing))
    try:
        for keys in _by_length(missing, wanted):
            texts = [wanted[key].indexed_text() for key in keys]
            batches = [embedder.encode_passages(texts[at : at + _BATCH]) for at in range(0, len(texts), _BATCH)]
            with catalogue.transaction():
                catalogue.put_embeddings(zip(keys, chain.from_iterable(batches), strict=True), kind=kind)
            done += len(keys)
            report("embed", done, len(missing))
    except KeyboardInterrupt:
        return True
    return False


def _by_length(keys: list[bytes], chunks: dict[bytes, Chunk]) -> Iterator[list[bytes]]:
    """Portions to embed at once, the longest texts of a window first."""
    for at in range(0, len(keys), _WINDOW):
        window = sorted(keys[at : at + _WINDOW], key=lambda key: -_length(chunks[key]))
        yield from (window[start : start + _STORED] for start in range(0, len(window), _STORED))


def _length(chunk: Chunk) -> float:
    """Tokens of what is embedded, its headings taken to be as dense as its text: Chinese has twice as many a character."""
    return chunk.tokens * len(chunk.indexed_text()) / max(len(chunk.text), 1)


def text_keys(chunks: Iterable[Chunk]) -> set[bytes]:
    """The keys under which the vectors of chunks are stored."""
    return {text_key(chunk.indexed_text()) for chunk in chunks}
