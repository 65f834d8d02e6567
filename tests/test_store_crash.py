"""Proof (b): killed at any moment, out of space, or damaged on disk, an index loses nothing that was committed."""

from __future__ import annotations

import multiprocessing
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from multiprocessing.context import ForkServerContext
from pathlib import Path

import numpy as np
import pytest
from conftest import PROJECT
from hash_embedder import HashEmbedder

from corpus.errors import IndexCorrupt, IndexNotFound, IndexOutdated, IndexTooNew, StorageFull
from ingest.pipeline import ingest
from ingest.reindex import reindex
from retrieval.analysis import terms
from retrieval.store import IndexStore

EMBEDDER = HashEmbedder()
KILLS = 100


def note(number: int, version: int) -> str:
    """A note of two questions; its words name it and its version, and nothing else does."""
    return (
        f"# Note {number}\n\n## What is in it?\n\nThe word noteword{number}x and the word versionword{version}x.\n\n"
        f"## Since when?\n\nSince edit {version} of note {number}, which is long enough to stand alone.\n"
    )


def write_all(folder: Path, versions: dict[int, int]) -> None:
    """Make the folder hold these notes and no others."""
    folder.mkdir(exist_ok=True)
    for path in folder.iterdir():
        if int(path.stem) not in versions:
            path.unlink()
    for number, version in versions.items():
        (folder / f"{number:03d}.md").write_text(note(number, version), encoding="utf-8")


def expected(versions: dict[int, int]) -> dict[str, str]:
    """What `state` gives for an index of these notes."""
    texts = {}
    for number, version in versions.items():
        lines = note(number, version).splitlines()
        texts[f"{number:03d}.md"] = lines[4] + lines[8]
    return texts


def state(store: IndexStore) -> dict[str, str]:
    """The text of every document that a search can reach, by path; makes sure that all parts of the index agree."""
    snapshot = store.snapshot(EMBEDDER.name, use_gpu=False)
    try:
        found: dict[str, str] = {}
        assert snapshot.dense.size == snapshot.size
        for row in range(snapshot.size):
            chunk = snapshot.chunk(row)
            own = chunk.indexed_text()
            assert snapshot.dense.score(EMBEDDER.encode_query(own), np.array([row]))[0] == pytest.approx(1)
            assert snapshot.bm25.score_all(terms(own))[row] > 0
            found[chunk.path] = found.get(chunk.path, "") + chunk.text
        return found
    finally:
        snapshot.close()


def damage(store: IndexStore) -> list[str]:
    """What `doctor` finds wrong with the index."""
    catalogue = store.catalogue()
    try:
        return [*catalogue.damage(), *store.damaged_files()]
    finally:
        catalogue.close()


def holds(store: IndexStore, number: int, version: int) -> bool:
    """Whether a note is found, in a version, by the words that only it has."""
    snapshot = store.snapshot(EMBEDDER.name, use_gpu=False)
    try:
        both = [
            set(np.flatnonzero(snapshot.bm25.score_all(terms(word)))) for word in (f"noteword{number}x", f"versionword{version}x")
        ]
        return bool(both[0] & both[1])
    finally:
        snapshot.close()


# --- Processes that are killed or run out of space ---


@pytest.fixture(scope="module")
def fork_server() -> ForkServerContext:
    """Starts processes in a few milliseconds: forks of one that has everything imported."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["faiss", "datasketch", "opencc", __name__])
    with pytest.MonkeyPatch.context() as patch:  # the server looks for modules where a fresh Python does
        patch.setenv("PYTHONPATH", os.pathsep.join(map(str, (PROJECT, Path(__file__).parent))))
        context.Process(target=terms, args=("warm up",)).start()
    return context


def ingest_limited(folder: Path, index: Path, file_bytes: int | None = None) -> None:
    """What the processes do: ingest, and exit with 3 if there is no space."""
    if file_bytes is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        ingest([folder], IndexStore(index), HashEmbedder(), prune=True)
    except StorageFull:
        sys.exit(3)


def run(server: ForkServerContext, *arguments: object, kill_after: float | None = None) -> int | None:
    """Ingest in a process, kill it after some seconds, and return its exit code."""
    process = server.Process(target=ingest_limited, args=arguments)
    process.start()
    if kill_after is not None:
        time.sleep(kill_after)
        process.kill()
    process.join()
    return process.exitcode


@pytest.mark.e2e
def test_an_ingestion_killed_at_a_hundred_moments_loses_nothing(tmp_path: Path, fork_server: ForkServerContext) -> None:
    """Each round edits three notes, adds one and drops one, and is killed somewhere between its first and last instruction."""
    folder, store = tmp_path / "notes", IndexStore(tmp_path / "index")
    moments = random.Random(20260101)
    durations = []
    for version in range(3):
        committed = dict.fromkeys(range(6), version)
        write_all(folder, committed)
        started = time.perf_counter()
        assert run(fork_server, folder, store.path) == 0
        durations.append(time.perf_counter() - started)
    versions, survived = committed, 0
    for kill in range(3, KILLS + 3):
        oldest, *kept = versions
        edited = moments.sample(kept, 3)
        versions = {number: kill if number in edited else versions[number] for number in kept} | {oldest + len(versions): kill}
        write_all(folder, versions)
        run(fork_server, folder, store.path, kill_after=moments.uniform(0.0, 2.0 * max(durations)))
        found = state(store)
        if found == expected(versions):
            committed, survived = versions, survived + 1
        assert found == expected(committed)  # the new state whole, or the old one
        assert store.damaged_files() == ()
    assert run(fork_server, folder, store.path) == 0
    assert state(store) == expected(versions)
    assert all(holds(store, number, version) for number, version in versions.items())
    assert damage(store) == []
    assert 3 <= survived <= KILLS - 3  # kills came before commits and after them


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of two megabytes."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", disk], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("only root may mount a small disk; the limit on file sizes below covers the same errors")
    yield disk
    subprocess.run(["umount", disk], check=True)


@pytest.mark.e2e
def test_a_full_disk_keeps_what_was_committed(tmp_path: Path, small_disk: Path, fork_server: ForkServerContext) -> None:
    """Whichever step it stops at, for want of little or of much."""
    folder, store = tmp_path / "notes", IndexStore(small_disk / "index")
    old = dict.fromkeys(range(4), 0)
    write_all(folder, old)
    assert run(fork_server, folder, store.path) == 0
    new = old | dict.fromkeys(range(4, 8), 1)
    write_all(folder, new)
    codes = []
    for left in (0, 4_096, 20_000, 40_000, 60_000, 90_000, 150_000, 250_000, 400_000):
        filler = small_disk / "filler"
        filler.write_bytes(bytes(max(0, shutil.disk_usage(small_disk).free - left)))
        codes.append(run(fork_server, folder, store.path))
        filler.unlink()
        assert state(store) == expected(old if codes[-1] else new)
        assert damage(store) == []
        if codes[-1] == 0:
            break
    assert codes == [3] * (len(codes) - 1) + [0]
    assert len(codes) > 3
    assert state(store) == expected(new)


@pytest.mark.e2e
@pytest.mark.parametrize("limit", [100, 4_000, 20_000, 60_000])
def test_a_limit_on_file_sizes_keeps_what_was_committed(tmp_path: Path, limit: int, fork_server: ForkServerContext) -> None:
    folder, store = tmp_path / "notes", IndexStore(tmp_path / "index")
    old = dict.fromkeys(range(4), 0)
    write_all(folder, old)
    assert run(fork_server, folder, store.path) == 0
    new = old | dict.fromkeys(range(4, 40), 1)
    write_all(folder, new)
    assert run(fork_server, folder, store.path, limit) == 3
    assert state(store) == expected(old)
    assert damage(store) == []
    assert run(fork_server, folder, store.path) == 0
    assert state(store) == expected(new)


# --- Damaged ---


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def flip(path: Path) -> None:
    """Flip one bit in the middle."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x10
    path.write_bytes(content)


@pytest.fixture
def filled(tmp_path: Path) -> IndexStore:
    """An index of four notes in `tmp_path / "notes"`."""
    write_all(tmp_path / "notes", dict.fromkeys(range(4), 0))
    store = IndexStore(tmp_path / "index")
    ingest([tmp_path / "notes"], store, HashEmbedder())
    return store


@pytest.mark.parametrize("harm", [truncate, flip, Path.unlink], ids=["truncated", "flipped", "missing"])
@pytest.mark.parametrize("rebuild", ["ingest", "reindex"])
def test_a_damaged_file_of_a_generation_is_rebuilt(
    tmp_path: Path, filled: IndexStore, harm: Callable[[Path], None], rebuild: str
) -> None:
    sound = state(filled)
    generation = filled.path / "generations" / "000001"
    for name in sorted(path.name for path in generation.iterdir()):
        generation = filled.path / "generations" / f"{filled.current_generation():06d}"
        harm(generation / name)
        assert filled.damaged_files()
        with pytest.raises(IndexCorrupt):
            filled.snapshot(HashEmbedder().name)
        embedder = HashEmbedder()
        if rebuild == "ingest":
            assert ingest([tmp_path / "notes"], filled, embedder).repaired
        else:
            reindex(filled, embedder)
        assert embedder.passages == []  # nothing has to be embedded for it
        assert filled.damaged_files() == ()
        assert state(filled) == sound


def test_a_truncated_catalogue_is_named(filled: IndexStore) -> None:
    path = filled.path / "catalogue.sqlite"
    for size in (path.stat().st_size - 4096, path.stat().st_size // 2, 5_000, 100, 1):
        os.truncate(path, size)
        assert is_found_damaged(filled)


def test_a_flipped_bit_in_the_catalogue_is_found(filled: IndexStore) -> None:
    """Wherever it lies: in texts, offsets, vectors, or SQLite's own pages; what is not found must change nothing."""
    path = filled.path / "catalogue.sqlite"
    sound, seen = path.read_bytes(), everything(filled)
    places = random.Random(20260102)
    found = 0
    for _ in range(200):
        content = bytearray(sound)
        content[places.randrange(len(content))] ^= 1 << places.randrange(8)
        path.write_bytes(content)
        if is_found_damaged(filled):
            found += 1
        else:
            assert everything(filled) == seen
    assert found >= 25  # most fall into unused parts of pages: the index is small
    path.write_bytes(sound)
    assert damage(filled) == []


def everything(store: IndexStore) -> object:
    """All that the catalogue tells its readers."""
    catalogue = store.catalogue()
    try:
        documents = catalogue.documents()
        raws = [catalogue.raw(stored.root, stored.path) for stored in documents]
        facts = [(stored.path, stored.sha256, stored.title, stored.language, stored.chunks) for stored in documents]
        return facts, raws, list(catalogue.chunks()), catalogue.generation, state(store)
    finally:
        catalogue.close()


def is_found_damaged(store: IndexStore) -> bool:
    try:
        return bool(damage(store))
    except (IndexCorrupt, IndexNotFound, IndexOutdated, IndexTooNew):
        return True
