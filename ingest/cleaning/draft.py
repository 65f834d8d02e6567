"""A text under edit that remembers where in the source each of its characters came from."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from corpus.documents import Removal, SourceMap


class Edit(NamedTuple):
    """Replace `[start, end)` of the draft; an empty replacement drops it. `start < end`: nothing is invented."""

    start: int
    end: int
    replacement: str = ""


Rule = Callable[[str], Iterable[Edit]]


class Draft:
    """Text, the source offset of each character, and every change made so far.

    Attributes:
        text: the text as it stands.
        removals: the changes, in the order in which they were made, in source offsets.
    """

    def __init__(self, source: str) -> None:
        self.text = source
        self.removals: list[Removal] = []
        self._origins = list(range(len(source)))

    def apply(self, name: str, rule: Rule) -> None:
        """Run a rule over the text and make its edits.

        Edits that change nothing are ignored, and so are those that overlap an earlier one.
        """
        pieces: list[str] = []
        origins: list[int] = []
        done = 0
        for start, end, replacement in sorted(rule(self.text)):
            if start < done or start >= end or self.text[start:end] == replacement:
                continue
            pieces += (self.text[done:start], replacement)
            origins += self._origins[done:start]
            origins += self._origins_of(start, end, replacement)
            self.removals.append(Removal(self._origins[start], self._origins[end - 1] + 1, name, replacement))
            done = end
        if not done:
            return
        self.text = "".join(pieces) + self.text[done:]
        self._origins = origins + self._origins[done:]

    def _origins_of(self, start: int, end: int, replacement: str) -> list[int]:
        """Where the characters of a replacement came from: those of a kept stretch keep their own origin.

        `[text](url)` becomes `text`, and each of its letters must still lead to that letter. Otherwise characters are
        paired from the left, and a longer replacement ends on the last replaced character.
        """
        kept = self.text.find(replacement, start, end) if replacement else -1
        first = max(kept, start)
        return [self._origins[min(first + i, end - 1)] for i in range(len(replacement))]

    def source_map(self) -> SourceMap:
        """The map from the text as it stands back to the source."""
        shifts = [origin - at for at, origin in enumerate(self._origins)]
        anchors = [(at, self._origins[at]) for at, shift in enumerate(shifts) if at == 0 or shift != shifts[at - 1]]
        return SourceMap(tuple(anchors) or ((0, 0),))
