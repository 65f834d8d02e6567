"""Near-duplicate chunks of the whole index: one of each group stands for the others in the search, and all sources are kept."""

from __future__ import annotations

from corpus.catalogue import Catalogue, text_key
from ingest.duplicates import duplicate_groups, signatures

_SIGNATURES = "minhash:1"  # raise the number when signatures change


def collapse(catalogue: Catalogue) -> None:
    """Group the chunks of a catalogue anew, inside the transaction that changed them; the first of a group stands for it."""
    chunks = tuple(catalogue.chunks())
    keys = [text_key(chunk.indexed_text()) for chunk in chunks]
    texts = {key: chunk.text for key, chunk in zip(keys, chunks, strict=True)}
    known = catalogue.derived(_SIGNATURES, texts)
    new = [key for key in texts if key not in known]
    if new:
        known |= zip(new, signatures([texts[key] for key in new]), strict=True)
        catalogue.put_derived(_SIGNATURES, ((key, known[key]) for key in new))
    groups = duplicate_groups([chunk.text for chunk in chunks], [known[key] for key in keys], same=keys)
    catalogue.set_duplicates(groups)
