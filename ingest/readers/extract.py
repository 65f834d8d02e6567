"""What a reader returns, and how it is chosen."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ingest.read_limits import ReadLimits


class Extract(NamedTuple):
    """The text of a file.

    Attributes:
        text: as decoded or extracted, line ends normalised.
        encoding: the encoding of a text format, "" for binary ones.
        page_starts: offset at which each page begins, for paged formats.
        dropped: what is in the file and not in the text, as pairs of a reason and the words.
    """

    text: str
    encoding: str = ""
    page_starts: tuple[int, ...] = ()
    dropped: tuple[tuple[str, str], ...] = ()


Reader = Callable[[bytes, str, ReadLimits], Extract]
