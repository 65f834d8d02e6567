"""Ingestion keeps the index in step with the files, does no work twice, and loses none when it is stopped."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, fields
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from conftest import ENGLISH, PROJECT, SIMPLIFIED, TRADITIONAL
from hash_embedder import HashEmbedder
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.errors import IndexCorrupt, IndexMismatch, UsageError
from ingest.pipeline import IngestSummary, Skipped, ingest
from retrieval.analysis import terms
from retrieval.embeddings import FloatMatrix
from retrieval.store import IndexStore

_clock = count(1_700_000_000)


def write(path: Path, text: str) -> None:
    """Write a file at a time of its own: two writes within one tick of the file system's clock would look alike."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    moment = next(_clock)
    os.utime(path, (moment, moment))


def counts(summary: IngestSummary) -> dict[str, int]:
    """The counts that are not zero."""
    names = ("added", "changed", "unchanged", "removed", "missing")
    return {name: value for name in names if (value := getattr(summary, name))}


def documents(store: IndexStore) -> list[str]:
    catalogue = store.catalogue()
    try:
        return [stored.path for stored in catalogue.documents()]
    finally:
        catalogue.close()


def found(store: IndexStore, embedder: HashEmbedder, query: str) -> set[str]:
    """Paths of the documents that the lexical index finds for a query."""
    snapshot = store.snapshot(embedder.name, use_gpu=False)
    try:
        return {snapshot.chunk(int(row)).path for row in np.flatnonzero(snapshot.bm25.score_all(terms(query)))}
    finally:
        snapshot.close()


# --- What changed ---


def test_a_first_ingestion_adds_everything(notes: Path, store: IndexStore, hash_embedder: HashEmbedder) -> None:
    summary = ingest([notes], store, hash_embedder)
    assert counts(summary) == {"added": 3}
    assert (summary.documents, summary.chunks, summary.skipped, summary.interrupted) == (3, 6, (), False)
    assert documents(store) == ["quantization.md", "zh/rag-hant.md", "zh/rope.md"]
    assert found(store, hash_embedder, "交叉编码器") == {"zh/rag-hant.md"}


def test_nothing_changed(notes: Path, ingested: IndexStore, hash_embedder: HashEmbedder) -> None:
    generation = ingested.current_generation()
    hash_embedder.passages.clear()
    assert counts(ingest([notes], ingested, hash_embedder)) == {"unchanged": 3}
    assert hash_embedder.passages == []
    assert ingested.current_generation() == generation


def test_only_what_changed_is_embedded(notes: Path, ingested: IndexStore, hash_embedder: HashEmbedder) -> None:
    hash_embedder.passages.clear()
    write(notes / "quantization.md", ENGLISH.replace("A few channels", "Some channels"))
    write(notes / "new.md", "# Sampling\n\nTop-p keeps the nucleus.\n")
    assert counts(ingest([notes], ingested, hash_embedder)) == {"added": 1, "changed": 1, "unchanged": 2}
    assert len(hash_embedder.passages) == 2
    assert found(ingested, hash_embedder, "Some") == {"quantization.md"}
    assert found(ingested, hash_embedder, "few") == set()


def test_a_file_that_was_only_touched_is_unchanged(notes: Path, ingested: IndexStore, hash_embedder: HashEmbedder) -> None:
    hash_embedder.passages.clear()
    write(notes / "quantization.md", ENGLISH)
    assert counts(ingest([notes], ingested, hash_embedder)) == {"unchanged": 3}
    generation = ingested.current_generation()
    assert counts(ingest([notes], ingested, hash_embedder)) == {"unchanged": 3}
    assert ingested.current_generation() == generation  # its new time was noted
    assert hash_embedder.passages == []


def test_a_missing_file_stays_until_pruned(notes: Path, ingested: IndexStore, hash_embedder: HashEmbedder) -> None:
    (notes / "quantization.md").unlink()
    assert counts(ingest([notes], ingested, hash_embedder)) == {"unchanged": 2, "missing": 1}
    assert found(ingested, hash_embedder, "outliers") == {"quantization.md"}
    assert counts(ingest([notes / "zh"], ingested, hash_embedder, prune=True)) == {"unchanged": 2}  # not of this folder
    summary = ingest([notes], ingested, hash_embedder, prune=True)
    assert counts(summary) == {"unchanged": 2, "removed": 1}
    assert (summary.documents, summary.chunks) == (2, 4)
    assert found(ingested, hash_embedder, "outliers") == set()


@pytest.mark.parametrize("emptied", ["", "  \n", "---\ntitle: only this\n---\n"])
def test_an_emptied_file_is_no_longer_found(notes: Path, ingested: IndexStore, hash_embedder: HashEmbedder, emptied: str) -> None:
    """What its file no longer says must not be cited."""
    write(notes / "quantization.md", emptied)
    summary = ingest([notes], ingested, hash_embedder)
    assert counts(summary) == {"unchanged": 2, "removed": 1}
    assert [skip.path for skip in summary.skipped] == ["quantization.md"]
    assert found(ingested, hash_embedder, "outliers") == set()


def test_moved_text_is_not_embedded_again(notes: Path, ingested: IndexStore, hash_embedder: HashEmbedder) -> None:
    hash_embedder.passages.clear()
    (notes / "quantization.md").rename(notes / "renamed.md")
    assert counts(ingest([notes], ingested, hash_embedder, prune=True)) == {"added": 1, "removed": 1, "unchanged": 2}
    assert hash_embedder.passages == []
    assert found(ingested, hash_embedder, "outliers") == {"renamed.md"}


def test_what_cannot_be_read_is_skipped_with_a_reason(notes: Path, store: IndexStore, hash_embedder: HashEmbedder) -> None:
    (notes / "picture.png").write_bytes(b"\x89PNG")
    (notes / ".hidden.md").write_text("# Hidden", encoding="utf-8")
    (notes / "empty.md").touch()
    (notes / "dangling.md").symlink_to(notes / "nowhere.md")
    summary = ingest([notes], store, hash_embedder)
    assert counts(summary) == {"added": 3}
    assert {skip.path for skip in summary.skipped} == {"picture.png", ".hidden.md", "empty.md", "dangling.md"}
    assert all(skip.reason and "\n" not in skip.reason for skip in summary.skipped)


def test_the_summary_has_the_contracts_fields() -> None:
    contract = {"added", "changed", "unchanged", "removed", "skipped", "documents", "chunks", "seconds"}
    assert contract <= {field.name for field in fields(IngestSummary)}
    assert asdict(Skipped("a.png", "why")) == {"path": "a.png", "reason": "why"}


# --- Names of documents ---


@pytest.mark.parametrize("first", [".", "zh", "zh/rope.md"])
@pytest.mark.parametrize("second", [".", "zh", "zh/rope.md"])
def test_a_file_is_one_document_however_it_is_reached(
    notes: Path, store: IndexStore, hash_embedder: HashEmbedder, first: str, second: str
) -> None:
    ingest([notes / first], store, hash_embedder)
    ingest([notes / second], store, hash_embedder)
    names = [Path(path).name for path in documents(store)]
    assert len(names) == len(set(names))
    assert "rope.md" in names


def test_a_file_inside_an_ingested_folder_keeps_its_name(notes: Path, ingested: IndexStore, hash_embedder: HashEmbedder) -> None:
    write(notes / "zh" / "new.md", SIMPLIFIED)
    assert counts(ingest([notes / "zh" / "new.md"], ingested, hash_embedder)) == {"added": 1}
    assert documents(ingested) == ["quantization.md", "zh/new.md", "zh/rag-hant.md", "zh/rope.md"]


def test_files_of_an_archive_are_documents(tmp_path: Path, store: IndexStore, hash_embedder: HashEmbedder) -> None:
    folder = tmp_path / "notes"
    folder.mkdir()
    with zipfile.ZipFile(folder / "old.zip", "w") as archive:
        archive.writestr("zh/rope.md", SIMPLIFIED)
        archive.writestr("en.md", ENGLISH)
    assert counts(ingest([folder], store, hash_embedder)) == {"added": 2}
    assert documents(store) == ["old.zip/en.md", "old.zip/zh/rope.md"]
    assert counts(ingest([folder], store, hash_embedder, prune=True)) == {"unchanged": 2}
    (folder / "old.zip").unlink()
    assert counts(ingest([folder], store, hash_embedder, prune=True)) == {"removed": 2}


def test_a_path_that_does_not_exist_changes_nothing(notes: Path, ingested: IndexStore, hash_embedder: HashEmbedder) -> None:
    with pytest.raises(UsageError, match="no such file or folder"):
        ingest([notes, notes / "nowhere"], ingested, hash_embedder, prune=True)
    assert len(documents(ingested)) == 3


def test_another_embedding_model_is_refused(notes: Path, ingested: IndexStore) -> None:
    with pytest.raises(IndexMismatch):
        ingest([notes], ingested, HashEmbedder("test:another"))


def test_progress_reaches_its_total(notes: Path, store: IndexStore, hash_embedder: HashEmbedder) -> None:
    reports: list[tuple[str, int, int]] = []
    ingest([notes], store, hash_embedder, progress=lambda *report: reports.append(report))
    assert [report for report in reports if report[0] == "read"] == [("read", 1, 3), ("read", 2, 3), ("read", 3, 3)]
    assert [report for report in reports if report[0] == "embed"] == [("embed", 0, 6), ("embed", 6, 6)]


# --- An incremental sync equals a fresh ingest ---

_CONTENTS = (SIMPLIFIED, TRADITIONAL, ENGLISH, SIMPLIFIED + TRADITIONAL, "", "  \n")
_write = st.tuples(st.sampled_from(["a.md", "b.md", "sub/c.md"]), st.sampled_from([*_CONTENTS, None]))
_history = st.lists(st.lists(_write, min_size=1, max_size=3), min_size=1, max_size=4)


def state(store: IndexStore, embedder: HashEmbedder) -> object:
    """All that a search can see."""
    snapshot = store.snapshot(embedder.name, use_gpu=False)
    try:
        chunks = [snapshot.chunk(row) for row in range(snapshot.size)]
        lexical = {query: snapshot.bm25.score_all(terms(query)).tolist() for query in ("RoPE 底数", "outliers", "重排序")}
        dense = snapshot.dense.search(embedder.encode_query("重排序"), 3)[1].tolist() if chunks else []
        return chunks, lexical, dense, snapshot.chinese.tolist()
    finally:
        snapshot.close()


@settings(max_examples=12)
@given(_history)
def test_an_incremental_sync_equals_a_fresh_ingest(history: list[list[tuple[str, str | None]]]) -> None:
    embedder = HashEmbedder()
    with TemporaryDirectory() as temporary:
        folder = Path(temporary) / "notes"
        folder.mkdir()
        grown, fresh = (IndexStore(Path(temporary) / name) for name in ("grown", "fresh"))
        for changes in history:
            for name, text in changes:
                if text is None:
                    (folder / name).unlink(missing_ok=True)
                else:
                    write(folder / name, text)
            ingest([folder], grown, embedder, prune=True)
        ingest([folder], fresh, embedder)
        assert state(grown, embedder) == state(fresh, embedder)


# --- Stopped on the way ---


class Stopping(HashEmbedder):
    """Embeds some portions of texts, then does something else."""

    def __init__(self, portions: int, stop: Callable[[], None]) -> None:
        super().__init__()
        self.batches = portions * 8  # a portion, of 128 texts, comes in batches of 16
        self.stop = stop

    def encode_passages(self, texts: Sequence[str]) -> FloatMatrix:
        if self.batches == 0:
            self.stop()
        self.batches -= 1
        return super().encode_passages(texts)


def press_ctrl_c() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def write_long_notes(folder: Path) -> None:
    """Three notes of 192 questions each: 576 chunks, in portions of 128, every three of them sorted by length."""
    for name in "abc":
        questions = (f"## What is {name}{n}?\n\nThe answer to question {n} of note {name}.\n" for n in range(192))
        write(folder / f"{name}.md", "\n".join(questions))


def test_ctrl_c_commits_what_is_finished_and_loses_no_work(tmp_path: Path, store: IndexStore) -> None:
    folder = tmp_path / "notes"
    write_long_notes(folder)
    stopped = Stopping(4, press_ctrl_c)
    summary = ingest([folder], store, stopped)
    assert summary.interrupted
    assert (counts(summary), summary.documents, summary.chunks) == ({"added": 2}, 2, 384)
    assert documents(store) == ["a.md", "b.md"]

    second = HashEmbedder()
    summary = ingest([folder], store, second)
    assert (counts(summary), summary.interrupted, summary.chunks) == ({"added": 1, "unchanged": 2}, False, 576)
    assert len(stopped.passages) == 512
    assert len(second.passages) == 64


def test_ctrl_c_before_anything_is_finished_leaves_an_index_that_opens(tmp_path: Path, store: IndexStore) -> None:
    folder = tmp_path / "notes"
    write_long_notes(folder)
    summary = ingest([folder], store, Stopping(0, press_ctrl_c))
    assert (summary.interrupted, summary.documents) == (True, 0)
    store.snapshot(HashEmbedder().name).close()


def test_ctrl_c_prunes_nothing(notes: Path, ingested: IndexStore) -> None:
    (notes / "quantization.md").unlink()
    write_long_notes(notes)
    summary = ingest([notes], ingested, Stopping(0, press_ctrl_c), prune=True)
    assert (counts(summary), summary.interrupted) == ({"unchanged": 2, "missing": 1}, True)


_INGEST_AND_DIE = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from test_pipeline import IndexStore, Stopping, ingest
ingest([sys.argv[1]], IndexStore(Path(sys.argv[2])), Stopping(2, lambda: os.kill(os.getpid(), signal.SIGKILL)))
"""


@pytest.mark.e2e
def test_a_killed_ingestion_leaves_the_former_state_and_its_embeddings(notes: Path, ingested: IndexStore) -> None:
    former = state(ingested, HashEmbedder())
    write_long_notes(notes)
    shutil.rmtree(notes / "zh")
    command = [sys.executable, "-c", _INGEST_AND_DIE, notes, ingested.path, Path(__file__).parent]
    assert subprocess.run(command, cwd=PROJECT, check=False).returncode == -signal.SIGKILL
    assert state(ingested, HashEmbedder()) == former
    assert ingested.damaged_files() == ()

    embedder = HashEmbedder()
    summary = ingest([notes], ingested, embedder, prune=True)
    assert counts(summary) == {"added": 3, "unchanged": 1, "removed": 2}
    assert len(embedder.passages) == 576 - 256  # those were stored before the kill


def test_an_edited_glossary_takes_effect_with_the_next_ingestion(notes: Path, ingested: IndexStore) -> None:
    with ingested.writer() as catalogue, catalogue.transaction():
        catalogue.set_meta("terms", "terms:of an earlier glossary")
    before = ingested.current_generation()
    summary = ingest([notes], ingested, HashEmbedder())
    assert (counts(summary), ingested.current_generation()) == ({"unchanged": 3}, before + 1)
    ingest([notes], ingested, HashEmbedder())
    assert ingested.current_generation() == before + 1


def test_a_generation_of_another_version_is_rebuilt(notes: Path, ingested: IndexStore) -> None:
    manifest = next(ingested.path.glob("generations/*/manifest.json"))
    manifest.write_text(manifest.read_text(encoding="utf-8").replace('"format": 2', '"format": 1'), encoding="utf-8")
    with pytest.raises(IndexCorrupt, match="reindex"):
        ingested.snapshot(HashEmbedder().name, use_gpu=False)
    assert ingest([notes], ingested, HashEmbedder()).repaired
    assert ingested.damaged_files() == ()
