"""Proof (c): eight readers search while a writer commits fifty times; no error, and each result from one generation."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from pathlib import Path

import pytest
from conftest import PROJECT
from hash_embedder import HashEmbedder

from corpus.results import Hit
from ingest.pipeline import ingest
from retrieval.retriever import HybridRetriever
from retrieval.store import IndexStore

READERS, COMMITS, NOTES = 8, 50, 6


def write_all(folder: Path, version: int) -> None:
    """Every note says which version of the folder it belongs to."""
    folder.mkdir(exist_ok=True)
    for number in range(NOTES):
        text = f"# Note {number}\n\n## Which version is this?\n\nAll notes together are of version versionword{version}x.\n"
        (folder / f"{number}.md").write_text(text, encoding="utf-8")


def commit_often(folder: Path, index: Path) -> None:
    """What the writer does, in a process of its own."""
    store = IndexStore(index)
    for version in range(1, COMMITS + 1):
        write_all(folder, version)
        ingest([folder], store, HashEmbedder())


class Reader(threading.Thread):
    """Searches again and again, each time in the state of the last commit."""

    def __init__(self, store: IndexStore, done: threading.Event) -> None:
        super().__init__()
        self.store = store
        self.done = done
        self.versions: list[int] = []
        self.generations: list[int] = []
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            while not self.done.is_set():
                self.search()
        except Exception as error:  # noqa: BLE001 - whatever it is, the test shows it
            self.error = error

    def search(self) -> None:
        snapshot = self.store.snapshot("test:hashed-n-grams", use_gpu=False)
        try:
            retriever = HybridRetriever(snapshot=snapshot, embedder=HashEmbedder())
            seen = set()
            for _ in range(3):  # the snapshot stays the same while commits go on
                result = retriever.search("Which version is this?", k=NOTES)
                assert len({hit.chunk.path for hit in result.hits} | _copies(result.hits)) == NOTES
                seen |= {hit.chunk.text for hit in result.hits}
                time.sleep(0.04)
            assert len(seen) == 1
            self.versions.append(int(seen.pop().split("versionword")[1].split("x")[0]))
            self.generations.append(snapshot.number)
        finally:
            snapshot.close()


def _copies(hits: tuple[Hit, ...]) -> set[str]:
    return {copy.path for hit in hits for copy in hit.duplicates}


@pytest.mark.e2e
def test_eight_readers_see_whole_generations_through_fifty_commits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, store = tmp_path / "notes", IndexStore(tmp_path / "index")
    write_all(folder, 0)
    ingest([folder], store, HashEmbedder())
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(str, (PROJECT, Path(__file__).parent))))
    done = threading.Event()
    readers = [Reader(store, done) for _ in range(READERS)]
    writer = multiprocessing.get_context("spawn").Process(target=commit_often, args=(folder, store.path))
    writer.start()
    for reader in readers:
        reader.start()
    writer.join()
    done.set()
    for reader in readers:
        reader.join()
    assert writer.exitcode == 0
    assert [reader.error for reader in readers] == [None] * READERS
    assert store.current_generation() == COMMITS + 1
    for reader in readers:
        assert reader.versions == sorted(reader.versions)  # no reader goes back in time
        assert [generation - 1 for generation in reader.generations] == reader.versions
    assert len({version for reader in readers for version in reader.versions}) > COMMITS // 5
