"""Reads binary weight files value by value."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray


class Cursor:
    """Reads little-endian values from a weight file one after the other, without copying the arrays."""

    def __init__(self, data: memoryview) -> None:
        self.data = data
        self.at = 0

    def numbers(self, layout: str) -> tuple[Any, ...]:
        """The next values, packed without padding as in `struct` (`layout` has no byte-order mark)."""
        packed = struct.Struct("<" + layout)
        self.at += packed.size
        return packed.unpack_from(self.data, self.at - packed.size)

    def take(self, size: int) -> bytes:
        """The next `size` bytes."""
        self.at += size
        return bytes(self.data[self.at - size : self.at])

    def array(self, dtype: DTypeLike, count: int) -> NDArray[Any]:
        """The next `count` items as a read-only array of shape [count] over the file's own memory."""
        items = np.frombuffer(self.data, dtype, count, self.at)
        self.at += items.nbytes
        return items
