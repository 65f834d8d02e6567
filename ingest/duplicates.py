"""Passages that say the same in nearly the same words, across files: groups of near-duplicates.

Jaccard similarity of character shingles, estimated with MinHash, candidates found by locality-sensitive hashing
(datasketch) and then confirmed on the exact shingle sets. Both Chinese scripts are folded onto one, so that a copy in
the other script counts as a copy.

Source: Broder, "On the resemblance and containment of documents" (1997).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from corpus.documents import Chunk, ChunkId
from corpus.language import to_simplified

_NOT_TEXT = re.compile(r"[\W_]+")
_SHINGLE = 5  # characters: two or three Chinese words, about one English word
_PERMUTATIONS = 128
_MIN_CHARACTERS = 40  # below, a few shared words make passages look alike


def near_duplicates(chunks: Sequence[Chunk], *, threshold: float = 0.8) -> tuple[tuple[ChunkId, ...], ...]:
    """Group passages that are nearly the same.

    Args:
        chunks: passages of any number of documents.
        threshold: least Jaccard similarity of two passages of a group, in (0, 1].

    Returns:
        Groups of two or more ids, each in the order of `chunks`, groups by their first member. Two members of a group
        may be linked through a third.
    """
    shingles = {at: found for at, chunk in enumerate(chunks) if (found := shingle_set(chunk.text))}
    parent = list(range(len(chunks)))
    for left, right in _candidates(shingles, threshold):
        if jaccard(shingles[left], shingles[right]) >= threshold:
            a, b = sorted((_root(parent, left), _root(parent, right)))
            parent[b] = a
    groups: dict[int, list[ChunkId]] = {}
    for at, chunk in enumerate(chunks):
        groups.setdefault(_root(parent, at), []).append(chunk.id)
    return tuple(tuple(group) for group in groups.values() if len(group) > 1)


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


def _candidates(shingles: dict[int, frozenset[str]], threshold: float) -> Iterable[tuple[int, int]]:
    """Pairs that share a band of their MinHash signatures; later ones ask for earlier ones."""
    from datasketch import MinHash, MinHashLSH

    # A lower threshold for the bands than for the test: a pair that hashing misses is lost.
    index = MinHashLSH(threshold=max(0.1, threshold - 0.15), num_perm=_PERMUTATIONS)
    for at, found in shingles.items():
        signature = MinHash(num_perm=_PERMUTATIONS)
        signature.update_batch(shingle.encode() for shingle in found)
        for other in index.query(signature):
            yield other, at
        index.insert(at, signature)


def _root(parent: list[int], at: int) -> int:
    while parent[at] != at:
        parent[at] = parent[parent[at]]
        at = parent[at]
    return at
