"""Passages that say the same in nearly the same words, across files: groups of near-duplicates.

Jaccard similarity of character shingles, estimated with MinHash (datasketch); candidates are pairs that agree on a band of their
signatures, and are then confirmed on the exact shingle sets. Both Chinese scripts are folded onto one, so that a copy in the
other script counts as a copy. Groups do not depend on the order in which passages came.

Source: Broder, "On the resemblance and containment of documents" (1997).
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Hashable, Iterable, Iterator, Sequence
from functools import lru_cache

import numpy as np

from corpus.documents import Chunk, ChunkId
from corpus.language import to_simplified

_NOT_TEXT = re.compile(r"[\W_]+")
_NUMBER = re.compile(r"\d+")
_SHINGLE = 5  # characters: two or three Chinese words, about one English word
_MIN_CHARACTERS = 40  # below, a few shared words make passages look alike
# Pairs of similarity s share a band of r = 4 out of 128 values with probability 1 - (1 - s^r)^32: above 0.9999 at s = 0.8.
_PERMUTATIONS, _ROWS = 128, 4
_THRESHOLD = 0.8


def near_duplicates(chunks: Sequence[Chunk], *, threshold: float = _THRESHOLD) -> tuple[tuple[ChunkId, ...], ...]:
    """Group passages that are nearly the same.

    Args:
        chunks: passages of any number of documents.
        threshold: least Jaccard similarity of two passages of a group, in (0, 1].

    Returns:
        Groups of two or more ids, each in the order of `chunks`, groups by their first member. Two members of a group
        may be linked through a third.
    """
    texts = [chunk.text for chunk in chunks]
    groups = duplicate_groups(texts, signatures(texts), threshold=threshold)
    return tuple(tuple(chunks[at].id for at in group) for group in groups)


def signatures(texts: Sequence[str]) -> list[bytes]:
    """The MinHash signature of each text; empty if it is too short to compare."""
    from datasketch import MinHash  # takes a second to import, and nothing new to ingest needs none

    shingled = [(at, found) for at, text in enumerate(texts) if (found := shingle_set(text))]
    encoded = [[shingle.encode() for shingle in found] for _, found in shingled]
    made = [b""] * len(texts)
    hashes = MinHash.generator(encoded, num_perm=_PERMUTATIONS, hashfunc=zlib.crc32)
    for (at, _), minhash in zip(shingled, hashes, strict=True):
        made[at] = minhash.hashvalues.astype("<u4").tobytes()
    return made


def duplicate_groups(
    texts: Sequence[str], signed: Sequence[bytes], *, same: Sequence[bytes] = (), threshold: float = _THRESHOLD
) -> tuple[tuple[int, ...], ...]:
    """Group the positions of texts that are nearly the same.

    Args:
        texts: what is compared.
        signed: the texts' `signatures`.
        same: a key of each text, if given; equal keys make equal texts, however short.
        threshold: least Jaccard similarity.

    Returns:
        Groups of two or more positions, ascending, groups by their first member.
    """
    parent = list(range(len(texts)))
    for left, right in (*_equal(same), *_equal_long(texts, signed)):
        _join(parent, left, right)
    for left, right in _candidates(texts, signed):
        if (
            _root(parent, left) != _root(parent, right)
            and jaccard(shingle_set(texts[left]), shingle_set(texts[right])) >= threshold
        ):
            _join(parent, left, right)
    groups: dict[int, list[int]] = {}
    for at in range(len(texts)):
        groups.setdefault(_root(parent, at), []).append(at)
    return tuple(tuple(group) for group in groups.values() if len(group) > 1)


@lru_cache(maxsize=1 << 12)
def shingle_set(text: str) -> frozenset[str]:
    """The character shingles of a text, letters and digits only; empty if it is too short to compare."""
    folded = _NOT_TEXT.sub("", to_simplified(text)).casefold()
    if len(folded) < _MIN_CHARACTERS:
        return frozenset()
    return frozenset(folded[at : at + _SHINGLE] for at in range(len(folded) - _SHINGLE + 1))


def jaccard(left: frozenset[str], right: frozenset[str]) -> float:
    """Size of the intersection over size of the union."""
    shared = len(left & right)
    return shared / (len(left) + len(right) - shared)


def _candidates(texts: Sequence[str], signed: Sequence[bytes]) -> Iterator[tuple[int, int]]:
    """Pairs of different texts that agree on a band of their signatures, some of them several times.

    They agree on their numbers as well: "7B has 32 layers" and "13B has 40 layers" say different things, however long the rest.
    """
    positions = sorted({text: at for at, text in enumerate(texts) if signed[at]}.values())
    table = np.frombuffer(b"".join(signed[at] for at in positions), dtype="<u4").reshape(len(positions), _PERMUTATIONS)
    numbers = [" ".join(_NUMBER.findall(texts[at])) for at in positions]
    for start in range(0, _PERMUTATIONS, _ROWS):
        buckets: dict[tuple[bytes, str], list[int]] = {}
        for row, at in enumerate(positions):
            bucket = buckets.setdefault((table[row, start : start + _ROWS].tobytes(), numbers[row]), [])
            yield from ((earlier, at) for earlier in bucket)
            bucket.append(at)


def _equal_long(texts: Sequence[str], signed: Sequence[bytes]) -> Iterator[tuple[int, int]]:
    """Pairs that link all positions of equal texts long enough to compare."""
    long = [at for at, signature in enumerate(signed) if signature]
    yield from ((long[a], long[b]) for a, b in _equal(texts[at] for at in long))


def _equal(keys: Iterable[Hashable]) -> Iterator[tuple[int, int]]:
    """Pairs that link all positions with equal keys."""
    last: dict[Hashable, int] = {}
    for at, key in enumerate(keys):
        if key in last:
            yield last[key], at
        last[key] = at


def _join(parent: list[int], left: int, right: int) -> None:
    a, b = sorted((_root(parent, left), _root(parent, right)))
    parent[b] = a


def _root(parent: list[int], at: int) -> int:
    while parent[at] != at:
        parent[at] = parent[parent[at]]
        at = parent[at]
    return at
