"""An index says what it was made with, refuses anything else, and is made anew from its own stored notes."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pytest
from conftest import ENGLISH, SIMPLIFIED
from hash_embedder import HashEmbedder
from test_store_sync import contents, searches

from corpus.catalogue import Catalogue, text_key
from corpus.catalogue_schema import SCHEMA_VERSION
from corpus.errors import CatalogueCorrupt, DocumentNotFound, IndexCorrupt, IndexMismatch, IndexNotFound, IndexOutdated
from ingest.duplicates import signatures
from ingest.pipeline import ingest
from ingest.reindex import reindex
from ingest.remove import remove
from retrieval.analysis import terms
from retrieval.embedder import FloatMatrix, LazyEmbedder
from retrieval.manifest import fingerprints
from retrieval.store import IndexStore

OTHER = "test:another"


def damage(store: IndexStore, statement: str) -> None:
    database = sqlite3.connect(store.path / "catalogue.sqlite")
    database.execute(statement)
    database.commit()
    database.close()


# --- What an index was made with ---


def test_other_settings_are_refused_and_reindex_applies_them(
    notes: Path, ingested: IndexStore, hash_embedder: HashEmbedder
) -> None:
    with pytest.raises(IndexMismatch, match=r"chunk tokens 320, but 20 is configured: run `interview-rag reindex`"):
        ingest([notes], ingested, hash_embedder, budget=20)
    assert reindex(ingested, hash_embedder, budget=20).chunks > 6
    assert ingest([notes], ingested, hash_embedder, budget=20).unchanged == 3


def test_reindex_changes_the_model(notes: Path, ingested: IndexStore, tmp_path: Path) -> None:
    shutil.rmtree(notes)  # the stored texts are enough
    other = HashEmbedder(OTHER, dimension=32)
    before = contents(ingested)
    summary = reindex(ingested, other)
    assert (summary.documents, summary.chunks, summary.emptied, summary.interrupted) == (3, 6, (), False)
    assert contents(ingested) == before
    assert len(other.passages) == 6
    assert searches(ingested, other)
    with pytest.raises(IndexMismatch):
        ingested.snapshot(HashEmbedder().name)


class Stopping(HashEmbedder):
    """Another model that is stopped at its second portion: 128 texts come in 8 batches."""

    calls = 0

    def encode_passages(self, texts: Sequence[str]) -> FloatMatrix:
        self.calls += 1
        if self.calls == 9:
            raise KeyboardInterrupt
        return super().encode_passages(texts)


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """A note of two hundred questions: two portions of texts to embed."""
    path = tmp_path / "many.md"
    questions = (f"## What is number {n}?\n\nThe answer to question {n}.\n" for n in range(200))
    path.write_text("\n".join(questions), encoding="utf-8")
    return path


def test_an_interrupted_reindex_leaves_the_old_index_and_goes_on(many: Path, store: IndexStore) -> None:
    ingest([many], store, HashEmbedder())
    before = searches(store, HashEmbedder())
    assert reindex(store, Stopping(OTHER)).interrupted
    assert searches(store, HashEmbedder()) == before
    again = HashEmbedder(OTHER)
    assert not reindex(store, again).interrupted
    assert len(again.passages) == 200 - 128
    assert searches(store, again) == before  # the same vectors under another name


def test_an_abandoned_reindex_mixes_no_vectors(tmp_path: Path, many: Path, store: IndexStore) -> None:
    ingest([many], store, HashEmbedder())
    reindex(store, Stopping(OTHER))
    many.write_text(many.read_text(encoding="utf-8") + "\n## What is new?\n\nSomething new.\n", encoding="utf-8")
    ingest([many], store, HashEmbedder())
    fresh = IndexStore(tmp_path / "fresh")
    ingest([many], fresh, HashEmbedder())
    assert searches(store, HashEmbedder()) == searches(fresh, HashEmbedder())
    catalogue = store.catalogue()
    keys = [text_key(chunk.indexed_text()) for chunk in catalogue.chunks()]
    assert len(catalogue.embeddings(keys)) == 201
    catalogue.close()


@pytest.mark.parametrize("file", ["model.safetensors", "tokenizer.json"])
def test_a_local_model_is_known_by_its_files(tmp_path: Path, file: str) -> None:
    for name in ("model.safetensors", "tokenizer.json"):
        (tmp_path / name).write_bytes(bytes(100_000))
    before = fingerprints(str(tmp_path))
    assert before == fingerprints(str(tmp_path))
    content = bytearray(100_000)
    content[::512] = b"\x01" * len(content[::512])
    (tmp_path / file).write_bytes(content)
    changed = {key for key, value in fingerprints(str(tmp_path)).items() if value != before[key]}
    assert changed == {"weights" if file == "model.safetensors" else "tokenizer"}


def test_other_weights_of_the_same_name_are_refused(tmp_path: Path, notes: Path, store: IndexStore) -> None:
    model = tmp_path / "model"
    model.mkdir()
    (model / "model.safetensors").write_bytes(b"first")
    embedder = HashEmbedder(str(model))
    ingest([notes], store, embedder)
    (model / "model.safetensors").write_bytes(b"other")
    with pytest.raises(IndexMismatch, match=r"made with weights .* run `interview-rag reindex`"):
        store.snapshot(str(model))
    reindex(store, embedder)
    store.snapshot(str(model)).close()


# --- Nothing new, nothing loaded ---


def test_no_model_is_loaded_if_nothing_changed(notes: Path, ingested: IndexStore) -> None:
    def load() -> HashEmbedder:
        raise AssertionError("loaded")

    lazy = LazyEmbedder(HashEmbedder().name, load)
    assert ingest([notes], ingested, lazy).unchanged == 3
    (notes / "quantization.md").unlink()
    assert ingest([notes], ingested, lazy, prune=True).removed == 1
    with pytest.raises(AssertionError, match="loaded"):
        lazy.encode_query("x")


# --- An earlier schema, and damage in the catalogue ---

_TO_SCHEMA_1 = """
DROP TABLE derived; DROP INDEX chunks_by_original;
ALTER TABLE chunks DROP COLUMN duplicate_of; ALTER TABLE chunks DROP COLUMN crc;
ALTER TABLE documents DROP COLUMN crc; ALTER TABLE documents DROP COLUMN page_starts; ALTER TABLE documents DROP COLUMN encoding;
CREATE TABLE embeddings (key BLOB PRIMARY KEY, vector BLOB NOT NULL) WITHOUT ROWID;
UPDATE meta SET value = '1' WHERE key = 'schema';
"""


def test_an_index_of_the_first_schema_is_migrated_by_reindex(
    notes: Path, ingested: IndexStore, hash_embedder: HashEmbedder
) -> None:
    before = searches(ingested, hash_embedder)
    database = sqlite3.connect(ingested.path / "catalogue.sqlite")
    database.executescript(_TO_SCHEMA_1)
    database.close()
    for read in (ingested.catalogue, lambda: ingest([notes], ingested, hash_embedder)):
        with pytest.raises(IndexOutdated, match=r"schema 1, this version reads 2: run `interview-rag reindex`"):
            read()
    reindex(ingested, hash_embedder)
    assert searches(ingested, hash_embedder) == before
    catalogue = ingested.catalogue()
    assert catalogue.meta("schema") == str(SCHEMA_VERSION)
    assert list(catalogue.damage()) == []
    catalogue.close()


def test_a_damaged_vector_is_computed_again(notes: Path, ingested: IndexStore, hash_embedder: HashEmbedder) -> None:
    before = searches(ingested, hash_embedder)
    damage(ingested, "UPDATE derived SET value = zeroblob(256) WHERE kind = 'vector'")
    (notes / "new.md").write_text("# New\n\nText.\n", encoding="utf-8")
    with pytest.raises(IndexCorrupt, match=r"vectors are missing or have a wrong checksum.*reindex"):
        ingest([notes], ingested, hash_embedder)
    hash_embedder.passages.clear()
    reindex(ingested, hash_embedder)
    assert len(hash_embedder.passages) == 6
    assert searches(ingested, hash_embedder) == before


def test_a_damaged_chunk_is_never_shown(ingested: IndexStore, hash_embedder: HashEmbedder) -> None:
    before = searches(ingested, hash_embedder)
    damage(ingested, 'UPDATE chunks SET "end" = "end" + 1 WHERE path = \'zh/rope.md\'')
    with pytest.raises(CatalogueCorrupt, match="wrong checksum"):
        searches(ingested, hash_embedder)
    reindex(ingested, hash_embedder)
    assert searches(ingested, hash_embedder) == before


def test_a_damaged_source_cannot_be_rebuilt_and_is_named(ingested: IndexStore, hash_embedder: HashEmbedder) -> None:
    damage(ingested, "UPDATE documents SET source = source || '!' WHERE path = 'zh/rope.md'")
    with pytest.raises(CatalogueCorrupt, match=r"zh/rope.md is missing or has a wrong checksum.*restore a backup"):
        reindex(ingested, hash_embedder)
    with ingested.writer() as catalogue:
        assert isinstance(catalogue, Catalogue)
        assert list(catalogue.damage()) == ["document zh/rope.md has a wrong checksum"]


def test_there_is_nothing_to_rebuild_or_remove_before_the_first_ingestion(store: IndexStore) -> None:
    for work in (lambda: reindex(store, HashEmbedder()), lambda: remove(["a.md"], store)):
        with pytest.raises(IndexNotFound):
            work()
    assert not store.path.exists()


# --- Removal ---


@pytest.mark.parametrize("path", ["zh", "zh/rope.md", "."])
def test_documents_are_removed_by_path_or_folder(notes: Path, ingested: IndexStore, path: str) -> None:
    expected = {"zh": {"zh/rag-hant.md", "zh/rope.md"}, "zh/rope.md": {"zh/rope.md"}}
    everything = {"quantization.md", "zh/rag-hant.md", "zh/rope.md"}
    wanted = expected.get(path, everything)
    summary = remove([notes / path if path == "." else path], ingested)
    assert set(summary.removed) == wanted
    assert (summary.documents, summary.chunks) == (3 - len(wanted), 6 - 2 * len(wanted))


def test_an_unknown_path_removes_nothing(notes: Path, ingested: IndexStore) -> None:
    with pytest.raises(DocumentNotFound, match=r"no document of the index lies at zh/nothing.md.*nothing was removed"):
        remove(["zh/rope.md", "zh/nothing.md"], ingested)
    assert ingested.current_generation() == 1


# --- Near-duplicates ---


def test_copies_are_one_hit_with_all_their_places(tmp_path: Path, store: IndexStore, hash_embedder: HashEmbedder) -> None:
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "a.md").write_text(SIMPLIFIED + ENGLISH, encoding="utf-8")
    (folder / "b.md").write_text(ENGLISH.replace("than the rest", "than all the rest"), encoding="utf-8")
    ingest([folder], store, hash_embedder)
    assert places(store, hash_embedder) == [("a.md", ("b.md",))]
    (folder / "a.md").unlink()
    ingest([folder], store, hash_embedder, prune=True)
    assert places(store, hash_embedder) == [("b.md", ())]
    assert hash_embedder.passages.count(hash_embedder.passages[-1]) == 1


def places(store: IndexStore, embedder: HashEmbedder) -> list[tuple[str, tuple[str, ...]]]:
    """Where the question about outliers is answered, and where else."""
    hits, _ = searches(store, embedder)[2]  # type: ignore[index]
    return [(hit.chunk.path, tuple(copy.path for copy in hit.duplicates)) for hit in hits if "outliers" in hit.chunk.text]


def test_passages_that_differ_in_a_number_are_two(tmp_path: Path, store: IndexStore, hash_embedder: HashEmbedder) -> None:
    text = "# Layers\n\nThe model {} of this family has many layers, and this line is long enough to be compared with another.\n"
    for name, size in (("a.md", "7B"), ("b.md", "13B")):
        (tmp_path / name).write_text(text.format(size), encoding="utf-8")
    ingest([tmp_path / "a.md", tmp_path / "b.md"], store, hash_embedder)
    snapshot = store.snapshot(hash_embedder.name, use_gpu=False)
    assert snapshot.size == 2
    snapshot.close()


def test_a_small_change_compares_only_what_is_new(many: Path, store: IndexStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was computed from the other texts is kept, or every sync of a large index would take as long as the first."""
    ingest([many], store, HashEmbedder())
    compared: list[str] = []
    analysed: list[str] = []
    monkeypatch.setattr("ingest.collapse.signatures", lambda texts: compared.extend(texts) or signatures(texts))
    monkeypatch.setattr("retrieval.store.terms", lambda text: analysed.append(text) or terms(text))
    many.write_text(many.read_text(encoding="utf-8") + "\n## What is new?\n\nSomething new.\n", encoding="utf-8")
    ingest([many], store, HashEmbedder())
    assert (compared, len(analysed)) == (["Something new."], 1)
