"""What cleaning did to a file, for `ingest --explain FILE`."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from corpus.documents import RawDocument, Removal
from ingest.clean import clean
from ingest.parse import bare_headings, parse

_EXCERPT = 80


@dataclass(frozen=True, slots=True)
class Explanation:
    """What was dropped from a file, by which rule, and what is left.

    Attributes:
        path: POSIX path relative to the root.
        media_type, encoding: how it was read.
        removals: every change, in source order; offsets into the decoded source.
        excerpts: the source text of each removal, shortened, on one line.
        counts: how often each rule fired, most often first.
        characters, kept: length of the source and of the clean text.
        outline: the heading path of each section.
        bare: the heading paths with neither text nor headings below them; one that stands alone and asks nothing is not indexed.
        unread: what the reader of the format left out before cleaning, as pairs of a reason and the words.
    """

    path: str
    media_type: str
    encoding: str
    removals: tuple[Removal, ...]
    excerpts: tuple[str, ...]
    counts: tuple[tuple[str, int], ...]
    characters: int
    kept: int
    outline: tuple[tuple[str, ...], ...]
    unread: tuple[tuple[str, str], ...] = ()
    bare: tuple[tuple[str, ...], ...] = ()

    def lines(self) -> tuple[str, ...]:
        """The explanation as lines of text."""
        counts = ", ".join(f"{rule} {count}" for rule, count in self.counts)
        head = f"{self.path}: {self.media_type} {self.encoding}, kept {self.kept} of {self.characters} characters"
        dropped = (
            f"{removal.start}-{removal.end} {removal.rule}: {excerpt!r}"
            + (f" -> {removal.replacement!r}" if removal.replacement else "")
            for removal, excerpt in zip(self.removals, self.excerpts, strict=True)
            if removal.rule != "white-space"
        )
        return (
            head,
            f"rules: {counts or 'none fired'}",
            *(f"not read, {reason}: {_excerpt(words)!r}" for reason, words in self.unread),
            *dropped,
            *(f"section: {' > '.join(path)}{', with nothing below it' * (path in self.bare)}" for path in self.outline),
        )


def explain(raw: RawDocument) -> Explanation:
    """Clean a document and tell what was changed and why."""
    document = clean(raw)
    sections = parse(document)
    return Explanation(
        path=raw.path,
        media_type=raw.media_type,
        encoding=raw.encoding,
        removals=document.removals,
        excerpts=tuple(_excerpt(raw.text[removal.start : removal.end]) for removal in document.removals),
        counts=tuple(Counter(removal.rule for removal in document.removals).most_common()),
        characters=len(raw.text),
        kept=len(document.text),
        outline=tuple(section.heading for section in sections),
        unread=raw.dropped,
        bare=bare_headings(sections),
    )


def _excerpt(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _EXCERPT else f"{line[: _EXCERPT - 1]}…"
