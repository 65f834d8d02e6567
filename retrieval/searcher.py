"""The one call shape of every search, lexical or dense, on a processor or a GPU."""

from __future__ import annotations

from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

FloatVector = NDArray[np.float32]
Rows = NDArray[np.int64]
Query_contra = TypeVar("Query_contra", contravariant=True)


class Searcher(Protocol[Query_contra]):
    """Ranks the passages of one generation; passages are known by their rows. Any number of threads may call at once."""

    @property
    def size(self) -> int:
        """Number of passages."""

    def search(self, query: Query_contra, k: int) -> tuple[Rows, FloatVector]:
        """The best passages: rows and scores, each of shape (<= k,), higher scores first, equal ones by row."""

    def score(self, query: Query_contra, rows: Rows) -> FloatVector:
        """Scores of given passages, in the order asked for; shape of `rows`. Equal to those that `search` gives."""
