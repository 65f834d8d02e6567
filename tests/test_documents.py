"""Offsets lead back to the source, and a chunk's id is what it says."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.documents import Chunk, RawDocument, SourceMap

CHUNK = Chunk(
    path="zh/rope.md",
    ordinal=3,
    heading=("RoPE", "RoPE 的底数是多少？"),
    text="底数取 10000。",
    start=120,
    end=130,
    source_map=SourceMap(((0, 120),)),
    language="zh-Hans",
    tokens=6,
)


def map_of(origins: list[int]) -> SourceMap:
    """The map of a text whose characters came from these source offsets: an anchor wherever a run begins."""
    starts = [at for at in range(len(origins)) if at == 0 or origins[at] != origins[at - 1] + 1]
    return SourceMap(tuple((at, origins[at]) for at in starts))


@st.composite
def cleaned(draw: st.DrawFn) -> tuple[list[int], int, int]:
    """Where each character of a clean text came from, in order, and a span of the text that is not empty."""
    steps = draw(st.lists(st.integers(0, 4), min_size=1, max_size=40))
    origins = [sum(steps[: at + 1]) for at in range(len(steps))]
    start = draw(st.integers(0, len(origins) - 1))
    return origins, start, draw(st.integers(start + 1, len(origins)))


@given(cleaned())
def test_every_character_leads_to_its_origin(case: tuple[list[int], int, int]) -> None:
    origins, _, _ = case
    assert [map_of(origins).to_source(at) for at in range(len(origins))] == origins


@given(cleaned())
def test_a_span_runs_from_its_first_character_to_its_last(case: tuple[list[int], int, int]) -> None:
    origins, start, end = case
    assert map_of(origins).span(start, end) == (origins[start], origins[end - 1] + 1)


@given(cleaned())
def test_a_slice_maps_like_the_whole(case: tuple[list[int], int, int]) -> None:
    origins, start, end = case
    part = map_of(origins).slice(start, end)
    assert [part.to_source(at) for at in range(end - start)] == origins[start:end]
    assert part.anchors[0][0] == 0
    assert part.span(0, end - start) == map_of(origins).span(start, end)


@given(cleaned(), st.data())
def test_slices_compose(case: tuple[list[int], int, int], data: st.DataObject) -> None:
    origins, start, end = case
    inner = data.draw(st.integers(0, end - start - 1))
    outer = map_of(origins)
    assert outer.slice(start, end).slice(inner, end - start) == outer.slice(start + inner, end)


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (0, 3, (0, 3)),  # before the gap
        (3, 5, (10, 12)),  # after it
        (2, 4, (2, 11)),  # across: what was dropped is included
        (3, 3, (10, 10)),  # nothing stays nothing
        (4, 2, (11, 11)),
    ],
)
def test_span_over_a_dropped_stretch(start: int, end: int, expected: tuple[int, int]) -> None:
    assert SourceMap(((0, 0), (3, 10))).span(start, end) == expected


def test_a_chunk_finds_its_characters_in_the_source() -> None:
    source = "# RoPE\n\n底数**取** 10000。"
    chunk = replace(CHUNK, source_map=SourceMap(((0, 8), (2, 12), (3, 15))))
    start, end = chunk.source_span(0, len(chunk.text))
    assert source[start:end] == "底数**取** 10000。"
    assert source[slice(*chunk.source_span(4, 9))] == "10000"


@pytest.mark.parametrize(("offset", "page"), [(0, 1), (99, 1), (100, 2), (249, 2), (250, 3), (10_000, 3)])
def test_page_at(offset: int, page: int) -> None:
    raw = RawDocument("a.pdf", "", "", "application/pdf", page_starts=(0, 100, 250))
    assert raw.page_at(offset) == page


def test_no_page_without_pages() -> None:
    assert RawDocument("a.md", "text", "", "text/markdown").page_at(2) is None


def test_id_is_a_hash_that_stays() -> None:
    """Ids are stored in other people's indexes and gold files: a new version must not change them."""
    # printf "zh/rope.md\0RoPE\0RoPE 的底数是多少？\0底数取 10000。\0" with a 0 after it | sha256sum | cut -c1-16
    assert CHUNK.id == "108c0943e8690b90"


@pytest.mark.parametrize(
    "moved",
    [
        replace(CHUNK, ordinal=4),
        replace(CHUNK, start=500, end=510, source_map=SourceMap(((0, 500),))),
        replace(CHUNK, page=7),
        replace(CHUNK, tokens=99),
        replace(CHUNK, language="zh-Hant"),
    ],
)
def test_id_survives_a_move(moved: Chunk) -> None:
    assert moved.id == CHUNK.id


def test_id_tells_contents_apart() -> None:
    variants = [
        CHUNK,
        replace(CHUNK, path="zh/alibi.md"),
        replace(CHUNK, heading=("RoPE",)),
        replace(CHUNK, heading=("RoPE RoPE 的底数是多少？",)),
        replace(CHUNK, heading=(*CHUNK.heading, "底数取 10000。"), text=""),
        replace(CHUNK, text="底数取 10000"),
        replace(CHUNK, repeat=1),
    ]
    assert all(a.id != b.id for a, b in combinations(variants, 2))


def test_indexed_text_puts_the_headings_first() -> None:
    assert CHUNK.indexed_text() == "RoPE\nRoPE 的底数是多少？\n底数取 10000。"
