"""What an index was made with: the embedding model down to its weights and tokenizer. Another one cannot search or extend it.

Fingerprints are found without loading a model, from whatever pins it:

    bundled:NAME          the SHA-256 that its package is pinned to, and the version of the conversion
    a local folder        SHA-256 over its JSON files, and over samples of its weight files
    a Hugging Face id     the commit of the copy in the local cache; nothing before the first download
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from corpus.catalogue import Catalogue
from corpus.errors import IndexMismatch
from retrieval.embedder import BUNDLED_EMBEDDINGS

_WEIGHT_SUFFIXES = (".safetensors", ".bin", ".gguf")
_SAMPLES, _SAMPLE_BYTES = 64, 4096


@dataclass(frozen=True, slots=True)
class EmbeddingModel:
    """The embedding model an index was made with.

    Attributes:
        name: what the settings call it.
        dimension: length of its vectors.
    """

    name: str
    dimension: int

    @classmethod
    def of(cls, catalogue: Catalogue) -> EmbeddingModel | None:
        """The model that a catalogue's vectors were computed with; None before the first commit."""
        name, dimension = catalogue.meta("embedding_model"), catalogue.meta("dimension")
        return cls(name, int(dimension)) if name and dimension else None

    def store(self, catalogue: Catalogue) -> None:
        """Note this model as the one that the index was made with."""
        facts = {"embedding_model": self.name, "dimension": str(self.dimension), **fingerprints(self.name)}
        for key, value in facts.items():
            catalogue.set_meta(key, value)


def check_model(catalogue: Catalogue, name: str) -> None:
    """Make sure that an index was made with an embedding model.

    Raises:
        IndexMismatch: it was made with another one, or with other weights or another tokenizer of the same name.
    """
    for key, wanted in {"embedding_model": name, **fingerprints(name)}.items():
        check_fact(catalogue, key, wanted)


def check_fact(catalogue: Catalogue, key: str, wanted: str) -> None:
    """Make sure that a fact about the index is as wanted; what either side does not know is not compared.

    Raises:
        IndexMismatch: it is another one.
    """
    stored = catalogue.meta(key)
    if stored and wanted and stored != wanted:
        raise IndexMismatch(name=key.replace("_", " "), stored=stored, wanted=wanted)


def fingerprints(name: str) -> dict[str, str]:
    """Hashes of an embedding model's weights and tokenizer, "" where nothing pins them."""
    if name == BUNDLED_EMBEDDINGS:
        from retrieval.bundled_e5 import MODEL

        pin = f"{MODEL.pin.sha256[:16]}.{MODEL.converter}"
        return {"weights": pin, "tokenizer": pin}
    folder = Path(name)
    if folder.is_dir():
        weights = _digest(folder, lambda path: path.suffix in _WEIGHT_SUFFIXES)
        return {"weights": weights, "tokenizer": _digest(folder, lambda path: path.suffix == ".json")}
    commit = _cached_commit(name)
    return {"weights": commit, "tokenizer": commit}


def _digest(folder: Path, chosen: Callable[[Path], bool]) -> str:
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and chosen(path)):
        digest.update(f"{path.relative_to(folder).as_posix()}\0{path.stat().st_size}\0".encode())
        _update_with_samples(digest, path)
    return digest.hexdigest()[:16]


def _update_with_samples(digest: hashlib._Hash, path: Path) -> None:
    """Pieces at even distances: training changes all of a file, and reading gigabytes at every start takes seconds."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        for at in range(_SAMPLES):
            stream.seek(size * at // _SAMPLES)
            digest.update(stream.read(_SAMPLE_BYTES))


def _cached_commit(name: str) -> str:
    if "/" not in name or ":" in name:
        return ""
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        found = try_to_load_from_cache(name, "config.json")
    except HFValidationError:
        return ""
    return Path(found).parent.name[:16] if isinstance(found, str) else ""
