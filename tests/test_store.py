"""Commits are atomic, readers keep their state, one process writes, and damage is named."""

from __future__ import annotations

import errno
import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from conftest import PROJECT
from hash_embedder import HashEmbedder

from corpus.catalogue import Catalogue, FileStamp, text_key
from corpus.documents import Chunk, Document, RawDocument, SourceMap
from corpus.errors import IndexBusy, IndexCorrupt, IndexMismatch, IndexNotFound, StorageFull
from retrieval.analysis import terms
from retrieval.snapshot import Snapshot
from retrieval.store import EmbeddingModel, IndexStore

EMBEDDER = HashEmbedder()
MODEL = EmbeddingModel(EMBEDDER.name, EMBEDDER.dimension)


def put(catalogue: Catalogue, **texts: str) -> None:
    """Store documents of one chunk each, with the vectors of their chunks."""
    for name, text in texts.items():
        chunk = Chunk(f"{name}.md", 0, (name,), text, 0, len(text), SourceMap(), "en", 1)
        indexed = chunk.indexed_text()
        catalogue.put_embeddings([(text_key(indexed), EMBEDDER.encode_query(indexed)[0])])
        raw = RawDocument(chunk.path, text, text, "text/markdown")
        catalogue.put(Document(raw, text, SourceMap()), [chunk], FileStamp("/notes", len(text), 1))


def commit(store: IndexStore, **texts: str) -> int:
    with store.writer() as catalogue:
        return store.commit(catalogue, MODEL, lambda: put(catalogue, **texts))


@contextmanager
def reading(store: IndexStore) -> Iterator[Snapshot]:
    snapshot = store.snapshot(MODEL.name, use_gpu=False)
    try:
        yield snapshot
    finally:
        snapshot.close()


def texts_of(snapshot: Snapshot) -> list[str]:
    return [snapshot.chunk(row).text for row in range(snapshot.size)]


def found(snapshot: Snapshot, query: str) -> set[str]:
    """Texts of the chunks that the lexical index holds a query's term in."""
    return {snapshot.chunk(int(row)).text for row in np.flatnonzero(snapshot.bm25.score_all(terms(query)))}


# --- What a commit makes visible ---


def test_nothing_is_found_before_the_first_commit(store: IndexStore) -> None:
    assert not store.exists
    for read in (store.catalogue, store.current_generation, lambda: store.snapshot(MODEL.name)):
        with pytest.raises(IndexNotFound, match="interview-rag ingest PATH"):
            read()
    with store.writer():
        pass
    with pytest.raises(IndexNotFound):
        store.snapshot(MODEL.name)


def test_all_parts_of_a_snapshot_agree_row_by_row(store: IndexStore) -> None:
    assert commit(store, a="alpha rotates", b="beta quantizes", c="gamma samples") == 1
    with reading(store) as snapshot:
        assert texts_of(snapshot) == ["alpha rotates", "beta quantizes", "gamma samples"]
        assert snapshot.chinese.tolist() == [False, False, False]
        for row in range(snapshot.size):
            own = snapshot.chunk(row).indexed_text()
            numbers, cosines = snapshot.dense.search(EMBEDDER.encode_query(own), 1)
            assert numbers.tolist() == [row]
            assert cosines[0] == pytest.approx(1)
            assert int(snapshot.bm25.score_all(terms(own)).argmax()) == row
    assert store.damaged_files() == ()


def test_the_next_commit_adds_replaces_and_deletes(store: IndexStore) -> None:
    commit(store, a="alpha rotates", b="beta quantizes")

    with store.writer() as catalogue:

        def change() -> None:
            put(catalogue, a="alpha interpolates", c="gamma samples")
            catalogue.delete("/notes", "b.md")

        assert store.commit(catalogue, MODEL, change) == 2
    with reading(store) as snapshot:
        assert texts_of(snapshot) == ["alpha interpolates", "gamma samples"]
        assert found(snapshot, "rotates quantizes") == set()


def test_an_index_may_become_empty(store: IndexStore) -> None:
    commit(store, a="alpha")
    with store.writer() as catalogue:
        store.commit(catalogue, MODEL, lambda: catalogue.delete("/notes", "a.md"))
    with reading(store) as snapshot:
        assert snapshot.size == snapshot.dense.size == 0
        assert snapshot.bm25.score_all(["alpha"]).tolist() == []


def test_vectors_that_no_chunk_needs_are_dropped_unless_kept(store: IndexStore) -> None:
    wanted, unwanted = text_key("in progress"), text_key("superseded")
    with store.writer() as catalogue:
        catalogue.put_embeddings((key, np.ones(64, np.float32)) for key in (wanted, unwanted))
        store.commit(catalogue, MODEL, lambda: put(catalogue, a="alpha"), keep={wanted})
        assert set(catalogue.embeddings([wanted, unwanted])) == {wanted}


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_change_that_fails_leaves_the_old_generation(store: IndexStore, error: type[BaseException]) -> None:
    commit(store, a="alpha")

    def fail(catalogue: Catalogue) -> None:
        put(catalogue, a="half done", b="beta")
        raise error

    with pytest.raises(error), store.writer() as catalogue:
        store.commit(catalogue, MODEL, lambda: fail(catalogue))
    assert store.current_generation() == 1
    with reading(store) as snapshot:
        assert texts_of(snapshot) == ["alpha"]
    assert commit(store, b="beta") == 2


def test_a_full_disk_is_named_and_what_was_committed_is_kept(store: IndexStore) -> None:
    commit(store, a="alpha")

    def run_out_of_space() -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(StorageFull, match="free some space"), store.writer() as catalogue:
        store.commit(catalogue, MODEL, run_out_of_space)
    with reading(store) as snapshot:
        assert texts_of(snapshot) == ["alpha"]


def test_another_failure_is_not_taken_for_a_full_disk(store: IndexStore) -> None:
    with pytest.raises(FileNotFoundError), store.writer():
        Path("/nowhere/full-notes.md").read_text(encoding="utf-8")


# --- Readers ---


def test_a_reader_keeps_its_state_through_commits(store: IndexStore) -> None:
    commit(store, a="state 1")
    with reading(store) as old:
        for number in range(2, 6):  # more commits than generations are kept
            commit(store, a=f"state {number}", b=f"more {number}")
        with reading(store) as new:
            assert (old.number, texts_of(old)) == (1, ["state 1"])
            assert (new.number, texts_of(new)) == (5, ["state 5", "more 5"])
            own = old.chunk(0).indexed_text()
            assert old.dense.search(EMBEDDER.encode_query(own), 3)[1][0] == pytest.approx(1)
            assert found(old, "more") == set()
            assert found(old, "state") == {"state 1"}


def test_the_index_of_another_embedding_model_is_refused(store: IndexStore) -> None:
    commit(store, a="alpha")
    with pytest.raises(IndexMismatch, match="other-model is configured: run `interview-rag reindex`"):
        store.snapshot("other-model")


# --- One writer ---

_HOLD = """
import sys
from pathlib import Path
from retrieval.store import IndexStore
with IndexStore(Path(sys.argv[1])).writer():
    print("writing", flush=True)
    sys.stdin.read()
"""


def child(code: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, cwd=PROJECT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


@pytest.mark.e2e
def test_one_process_writes_and_others_read(store: IndexStore) -> None:
    commit(store, a="alpha")
    with child(_HOLD, store.path) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "writing\n"
        with pytest.raises(IndexBusy, match="another process is writing"), store.writer():
            pass
        with reading(store) as snapshot:
            assert texts_of(snapshot) == ["alpha"]
        writer.communicate("")
    assert commit(store, b="beta") == 2


def test_the_lock_is_let_go_after_a_failure(store: IndexStore) -> None:
    with pytest.raises(RuntimeError), store.writer():
        raise RuntimeError
    assert commit(store, a="alpha") == 1


# --- Killed writers ---

_COMMIT_FOREVER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from test_store import IndexStore, commit
store = IndexStore(Path(sys.argv[1]))
for number in range(1, 10_000):
    commit(store, a=f"state {number}", b=f"state {number}")
    print(number, flush=True)
"""


@pytest.mark.e2e
@pytest.mark.parametrize("delay", [0.0, 0.013, 0.04])
def test_a_killed_writer_leaves_one_whole_state(store: IndexStore, delay: float) -> None:
    with child(_COMMIT_FOREVER, store.path, Path(__file__).parent) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "1\n"
        time.sleep(delay)
        writer.send_signal(signal.SIGKILL)
        printed = [1, *map(int, writer.stdout.read().split())][-1]
    with reading(store) as snapshot:
        number = snapshot.number
        assert number in (printed, printed + 1)
        assert texts_of(snapshot) == [f"state {number}"] * 2
    assert store.damaged_files() == ()
    assert commit(store, c="the next writer goes on") == number + 1


def test_the_next_commit_removes_what_a_killed_writer_left(store: IndexStore) -> None:
    commit(store, a="alpha")
    left = store.path / "generations" / "000002"
    left.mkdir()
    (left / "dense.faiss").write_bytes(b"half a file")
    (left / "junk.tmp").touch()
    commit(store, b="beta")
    assert not (left / "junk.tmp").exists()
    with reading(store) as snapshot:
        assert texts_of(snapshot) == ["alpha", "beta"]


def test_old_generations_are_removed_and_foreign_files_left_alone(store: IndexStore) -> None:
    commit(store, a="alpha")
    (store.path / "generations" / ".DS_Store").touch()
    for number in range(2, 6):
        commit(store, a=f"state {number}")
    assert sorted(path.name for path in (store.path / "generations").iterdir()) == [".DS_Store", "000004", "000005"]


# --- Damage ---


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def _scramble(path: Path) -> None:
    path.write_bytes(bytes(len(path.read_bytes())))


@pytest.mark.parametrize("damage", [_truncate, Path.unlink, _scramble], ids=["truncated", "missing", "scrambled"])
def test_a_damaged_file_is_named(store: IndexStore, tmp_path: Path, damage: Callable[[Path], None]) -> None:
    commit(store, a="alpha rotates", b="beta quantizes")
    generation = store.path / "generations" / "000001"
    files = sorted(path.name for path in generation.iterdir())
    assert len(files) == 10
    shutil.copytree(generation, tmp_path / "sound")
    for name in files:
        damage(generation / name)
        if name == "manifest.json" or damage is not _scramble:
            with pytest.raises(IndexCorrupt, match=rf"{name} is damaged .*run `interview-rag reindex`"):
                store.snapshot(MODEL.name)
        assert store.damaged_files() == (name,)
        shutil.copy(tmp_path / "sound" / name, generation / name)
    assert store.damaged_files() == ()


@pytest.mark.parametrize(("hashed_up_to", "named"), [(2**20, "{name} is damaged"), (0, "000001 is damaged")])
def test_a_file_that_cannot_be_opened_is_named(
    store: IndexStore, monkeypatch: pytest.MonkeyPatch, hashed_up_to: int, named: str
) -> None:
    """Even where its size is right: small files are hashed on opening, and of all the headers are read."""
    monkeypatch.setattr("retrieval.snapshot._HASHED_UP_TO", hashed_up_to)
    commit(store, a="alpha")
    generation = store.path / "generations" / "000001"
    for name in ("chunk_ids.npy", "bm25.scores.npy", "bm25.terms.npy", "dense.faiss"):
        sound = (generation / name).read_bytes()
        _scramble(generation / name)
        with pytest.raises(IndexCorrupt, match=named.format(name=name)):
            store.snapshot(MODEL.name)
        (generation / name).write_bytes(sound)


def test_a_manifest_that_forgets_a_file_does_not_hide_its_loss(store: IndexStore) -> None:
    commit(store, a="alpha")
    generation = store.path / "generations" / "000001"
    manifest = json.loads((generation / "manifest.json").read_text(encoding="utf-8"))
    del manifest["files"]["chinese.npy"]
    (generation / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    (generation / "chinese.npy").unlink()
    with pytest.raises(IndexCorrupt):
        store.snapshot(MODEL.name)
