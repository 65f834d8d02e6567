"""The catalogue gives back what was put in, all of a transaction or nothing, and one state to each reader."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from corpus.catalogue import Catalogue, FileStamp, text_key
from corpus.documents import Chunk, ChunkId, Document, RawDocument, SourceMap
from corpus.errors import IndexCorrupt, IndexNotFound, IndexTooNew

STAMP = FileStamp("/notes", 100, 1_000)


def document(path: str = "a.md", text: str = "source", title: str = "A") -> Document:
    return Document(RawDocument(path, text, f"sha of {text}", "text/markdown"), text, SourceMap(), title=title, language="en")


def passage(path: str = "a.md", ordinal: int = 0, text: str = "source") -> Chunk:
    return Chunk(path, ordinal, ("A",), text, 0, len(text), SourceMap(), "en", 1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "catalogue.sqlite"


@pytest.fixture
def catalogue(path: Path) -> Iterator[Catalogue]:
    opened = Catalogue(path, writable=True)
    yield opened
    opened.close()


_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=10)
_maps = st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), max_size=3).map(
    lambda steps: SourceMap(
        ((0, 0), *((sum(a for a, _ in steps[:n]), sum(b for _, b in steps[:n])) for n in range(1, len(steps) + 1)))
    )
)
_chunks = st.builds(
    Chunk,
    path=st.just("a.md"),
    ordinal=st.just(0),
    heading=st.lists(_texts, max_size=3).map(tuple),
    text=_texts,
    start=st.integers(0, 10**9),
    end=st.integers(0, 10**9),
    source_map=_maps,
    language=st.sampled_from(["zh-Hans", "zh-Hant", "en", "other"]),
    tokens=st.integers(0, 1000),
    page=st.none() | st.integers(1, 5000),
    repeat=st.integers(0, 3),
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=st.lists(_chunks, max_size=4))
def test_chunks_come_back_as_they_went_in(catalogue: Catalogue, drawn: list[Chunk]) -> None:
    chunks = tuple(replace(chunk, ordinal=at) for at, chunk in enumerate(drawn))
    catalogue.put(document(), chunks, STAMP)
    assert tuple(catalogue.chunks()) == chunks
    assert all(catalogue.chunk(chunk.id).text == chunk.text for chunk in chunks)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=_texts, start=st.integers(0, 10), end=st.integers(0, 10))
def test_source_is_a_slice_of_the_document(catalogue: Catalogue, text: str, start: int, end: int) -> None:
    """Of any document: a stray NUL ends a string for SQLite's own functions."""
    chunk = passage(text=text)
    catalogue.put(document(text=text), [chunk], STAMP)
    assert catalogue.source(chunk.id, start, end) == text[start:end]


def test_chunks_are_ordered_by_root_path_and_ordinal(catalogue: Catalogue) -> None:
    catalogue.put(document("b.md"), [passage("b.md", 1, "b1"), passage("b.md", 0, "b0")], STAMP)
    catalogue.put(document("a.md"), [passage("a.md", at, f"a{at}") for at in range(11)], STAMP)
    catalogue.put(document("c.md"), [passage("c.md", 0, "c0")], replace(STAMP, root="/archive"))
    texts = [chunk.text for chunk in catalogue.chunks()]
    assert texts == ["c0", *(f"a{at}" for at in range(11)), "b0", "b1"]


def test_documents_are_counted_with_their_chunks(catalogue: Catalogue) -> None:
    catalogue.put(document("a.md", title="Alpha"), [passage("a.md", 0, "x"), passage("a.md", 1, "y")], STAMP)
    catalogue.put(document("empty.md"), [], STAMP)
    found = {stored.path: stored for stored in catalogue.documents()}
    assert {path: stored.chunks for path, stored in found.items()} == {"a.md": 2, "empty.md": 0}
    alpha = found["a.md"]
    assert (alpha.root, alpha.title, alpha.language, alpha.bytes, alpha.mtime_ns) == ("/notes", "Alpha", "en", 100, 1_000)
    assert alpha.sha256 == "sha of source"


def test_put_replaces_the_earlier_version(catalogue: Catalogue) -> None:
    catalogue.put(document(text="old"), [passage(text="old"), passage(ordinal=1, text="older")], STAMP)
    catalogue.put(document(text="new"), [passage(text="new")], replace(STAMP, bytes=3))
    assert [chunk.text for chunk in catalogue.chunks()] == ["new"]
    assert [(stored.bytes, stored.chunks) for stored in catalogue.documents()] == [(3, 1)]


def test_the_same_path_under_two_roots_is_two_documents(catalogue: Catalogue) -> None:
    catalogue.put(document(), [passage(text="one")], STAMP)
    catalogue.put(document(), [passage(text="two")], replace(STAMP, root="/other"))
    catalogue.delete("/other", "a.md")
    assert [chunk.text for chunk in catalogue.chunks()] == ["one"]


def test_touch_changes_the_time_and_nothing_else(catalogue: Catalogue) -> None:
    catalogue.put(document(), [passage()], STAMP)
    before = catalogue.documents()[0]
    catalogue.touch("a.md", replace(STAMP, mtime_ns=2_000))
    assert catalogue.documents() == (replace(before, mtime_ns=2_000),)


def test_an_unknown_chunk_is_reported(catalogue: Catalogue) -> None:
    with pytest.raises(IndexCorrupt, match="no chunk 0123456789abcdef"):
        catalogue.chunk(ChunkId("0123456789abcdef"))
    assert catalogue.source(ChunkId("0123456789abcdef"), 0, 5) == ""


# --- Embeddings ---


def test_embeddings_belong_to_texts(catalogue: Catalogue) -> None:
    vectors = {text_key(text): np.array(vector, dtype=np.float32) for text, vector in (("a", [1, 0]), ("b", [0.6, 0.8]))}
    catalogue.put_embeddings(vectors.items())
    found = catalogue.embeddings([text_key("b"), text_key("unknown")])
    assert {key: vector.tolist() for key, vector in found.items()} == {text_key("b"): vectors[text_key("b")].tolist()}
    catalogue.put_embeddings([(text_key("a"), np.array([0, 1], dtype=np.float32))])
    assert catalogue.embeddings([text_key("a")])[text_key("a")].tolist() == [0, 1]
    catalogue.drop_derived({text_key("a")})
    assert set(catalogue.embeddings([text_key("a"), text_key("b")])) == {text_key("a")}


@given(st.text(), st.text())
def test_text_keys_tell_texts_apart(left: str, right: str) -> None:
    assert (text_key(left) == text_key(right)) == (left == right)


# --- Transactions and readers ---


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_a_transaction_that_fails_changes_nothing(catalogue: Catalogue, error: type[BaseException]) -> None:
    catalogue.put(document(text="old"), [passage(text="old")], STAMP)
    catalogue.set_meta("generation", "1")

    def change() -> None:
        with catalogue.transaction():
            catalogue.put(document(text="new"), [passage(text="new")], STAMP)
            catalogue.put(document("b.md"), [passage("b.md")], STAMP)
            catalogue.set_meta("generation", "2")
            raise error

    with pytest.raises(error):
        change()
    assert [chunk.text for chunk in catalogue.chunks()] == ["old"]
    assert catalogue.meta("generation") == "1"


def test_a_reader_keeps_the_state_it_opened(catalogue: Catalogue, path: Path) -> None:
    catalogue.put(document(text="old"), [passage(text="old")], STAMP)
    reader = Catalogue(path)
    with catalogue.transaction():
        catalogue.put(document(text="new"), [passage(text="new")], STAMP)
        catalogue.set_meta("generation", "2")
    late = Catalogue(path)
    assert [chunk.text for chunk in reader.chunks()] == ["old"]
    assert reader.meta("generation") is None
    assert [chunk.text for chunk in late.chunks()] == ["new"]
    reader.close()
    late.close()


def test_a_reader_cannot_write(catalogue: Catalogue, path: Path) -> None:
    reader = Catalogue(path)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader.set_meta("generation", "9")
    reader.close()
    assert catalogue.meta("generation") is None


# --- Files that are no catalogue ---


def test_garbage_is_reported(path: Path) -> None:
    path.write_bytes(b"these are no notes" * 100)
    for writable in (False, True):
        with pytest.raises(IndexCorrupt, match="not a database"):
            Catalogue(path, writable=writable)


def test_another_schema_is_reported(catalogue: Catalogue, path: Path) -> None:
    catalogue.set_meta("schema", "99")
    with pytest.raises(IndexTooNew, match="schema 99, this version reads 2: upgrade"):
        Catalogue(path)


def test_a_file_whose_writer_died_before_the_first_table_holds_no_index(path: Path) -> None:
    path.touch()
    with pytest.raises(IndexNotFound):
        Catalogue(path)
    Catalogue(path, writable=True).close()
    Catalogue(path).close()
