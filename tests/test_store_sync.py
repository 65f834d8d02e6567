"""Proof (a): whatever happened to the notes, an index kept in step equals one made afresh.

A state machine writes, edits, renames and deletes files, and syncs now and then. After each sync the grown index must hold the
same documents and chunks, and find the same with the same scores, as a fresh ingestion of the folder.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from conftest import ENGLISH, SIMPLIFIED, TRADITIONAL
from hash_embedder import HashEmbedder
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ingest.pipeline import ingest
from ingest.reindex import reindex
from ingest.remove import remove
from retrieval.retriever import HybridRetriever
from retrieval.store import IndexStore

QUESTIONS = ("RoPE 的底数是多少？", "什麼是重排序？", "Why are activations harder to quantize than weights?", "sampling")
NAMES = st.sampled_from(["a.md", "b.md", "c.txt", "sub/a.md", "sub/deep/d.md"])
# Pieces repeat across files, so that copies and near-copies come and go; some are of one size, so that only content tells.
PIECES = (
    SIMPLIFIED,
    TRADITIONAL,
    ENGLISH,
    ENGLISH.replace("A few channels", "Six channels  "),
    "# Sampling\n\n## What is top-p?\n\nTop-p keeps the nucleus of the distribution.\n",
    "# Sampling\n\n## What is top-k?\n\nTop-k keeps the k likeliest tokens of it..\n",
    "",
)
TEXTS = st.lists(st.sampled_from(PIECES), min_size=1, max_size=3).map("\n".join)


def contents(store: IndexStore) -> object:
    """Documents, chunks, and who stands for whom."""
    catalogue = store.catalogue()
    try:
        documents = [
            (stored.path, stored.sha256, stored.title, stored.language, stored.chunks) for stored in catalogue.documents()
        ]
        chunks = [(chunk, catalogue.duplicates([chunk.id])) for chunk in catalogue.chunks()]
        return documents, chunks
    finally:
        catalogue.close()


def searches(store: IndexStore, embedder: HashEmbedder) -> object:
    """What is found for each question, scores included."""
    snapshot = store.snapshot(embedder.name, use_gpu=False)
    try:
        retriever = HybridRetriever(snapshot=snapshot, embedder=embedder)
        results = [retriever.search(question) for question in QUESTIONS]
        return [(result.hits, result.relevance) for result in results]
    finally:
        snapshot.close()


class Notes(RuleBasedStateMachine):
    """A folder of notes with an index beside it."""

    @initialize()
    def start(self) -> None:
        self.temporary = TemporaryDirectory()
        self.folder = Path(self.temporary.name) / "notes"
        self.folder.mkdir()
        self.store = IndexStore(Path(self.temporary.name) / "index")
        self.embedder = HashEmbedder()
        self.synced = False

    def teardown(self) -> None:
        if hasattr(self, "temporary"):
            self.temporary.cleanup()

    def files(self) -> list[Path]:
        return sorted(path for path in self.folder.rglob("*") if path.is_file())

    @rule(name=NAMES, text=TEXTS)
    def write(self, name: str, text: str) -> None:
        """Add a file, or edit it; within one tick of the clock, too."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        self.synced = False

    @precondition(lambda self: self.files())
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        data.draw(st.sampled_from(self.files())).unlink()
        self.synced = False

    @precondition(lambda self: self.files())
    @rule(data=st.data(), name=NAMES)
    def rename(self, data: st.DataObject, name: str) -> None:
        target = self.folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        data.draw(st.sampled_from(self.files())).rename(target)
        self.synced = False

    @rule()
    def sync(self) -> None:
        ingest([self.folder], self.store, self.embedder, prune=True)
        self.synced = True

    @precondition(lambda self: self.synced and self.files())
    @rule(data=st.data())
    def remove_and_bring_back(self, data: st.DataObject) -> None:
        catalogue = self.store.catalogue()
        held = [stored.path for stored in catalogue.documents()]
        catalogue.close()
        if held:
            remove([self.folder / data.draw(st.sampled_from(held))], self.store)
            ingest([self.folder], self.store, self.embedder)

    @precondition(lambda self: self.synced)
    @rule()
    def rebuild(self) -> None:
        self.embedder.passages.clear()
        reindex(self.store, self.embedder)
        assert self.embedder.passages == []

    @invariant()
    def a_synced_index_equals_a_fresh_one(self) -> None:
        if not getattr(self, "synced", False):
            return
        with TemporaryDirectory() as temporary:
            fresh = IndexStore(Path(temporary) / "index")
            ingest([self.folder], fresh, HashEmbedder())
            assert contents(self.store) == contents(fresh)
            assert searches(self.store, self.embedder) == searches(fresh, self.embedder)


TestSync = Notes.TestCase
TestSync.settings = settings(
    max_examples=25,
    stateful_step_count=12,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
