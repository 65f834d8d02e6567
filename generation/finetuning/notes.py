"""The sections of notes as material to learn from: plain sentences under a heading."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from corpus.documents import Chunk, Language
from corpus.language import detect_language
from corpus.sentences import sentences

# Blocks of code and displayed formulas, and lines of tables, images and rules: a small model learns nothing it can say from them.
_BLOCK = re.compile(r"```.*?```|\$\$.*?\$\$", re.DOTALL)
_NO_PROSE = re.compile(r"\s*(?:\||!\[|[-*_=]{3,}\s*$|#{1,6}\s|>?\s*$)")
_MARKS = re.compile(r"^\s*(?:[-*+•]|\d+[.)、])\s+|\*\*|__(?=\S)|(?<=\S)__")
_SAYS_SOMETHING = 8  # characters that a sentence needs


@dataclass(frozen=True, slots=True)
class NoteSection:
    """One section of the notes.

    Attributes:
        path: of its document.
        heading: headings from the outermost to its own; not empty.
        sentences: its prose, sentence by sentence, without marks; not empty.
        language: of its own heading if that tells, else of the text.
    """

    path: str
    heading: tuple[str, ...]
    sentences: tuple[str, ...]
    language: Language

    @property
    def title(self) -> str:
        """Its own heading."""
        return self.heading[-1]

    @property
    def id(self) -> str:
        """A digest of its place and its content."""
        return hashlib.sha256("\0".join((self.path, *self.heading, *self.sentences)).encode()).hexdigest()[:16]

    @property
    def chinese(self) -> bool:
        """Whether it is Chinese, in either script."""
        return self.language.startswith("zh")


def note_sections(chunks: Iterable[Chunk]) -> tuple[NoteSection, ...]:
    """The sections that chunks were cut from, in their order; those without a heading or without prose are left out.

    Args:
        chunks: those of one document one after the other, as the catalogue gives them.
    """
    found: dict[str, NoteSection] = {}
    for (path, heading), members in groupby(chunks, key=lambda chunk: (chunk.path, chunk.heading)):
        prose = plain_sentences("\n".join(chunk.text for chunk in members))
        if heading and prose:
            language = detect_language(heading[-1] + " " + prose[0])
            section = NoteSection(path, heading, prose, language)
            found.setdefault(section.id, section)
    return tuple(found.values())


def plain_sentences(text: str) -> tuple[str, ...]:
    """The sentences of Markdown text that are prose, without marks of lists and emphasis."""
    lines = (line for line in _BLOCK.sub("\n", text).splitlines() if not _NO_PROSE.match(line))
    found = (" ".join(_MARKS.sub("", sentence).split()) for line in lines for sentence in sentences(line))
    return tuple(sentence for sentence in found if len(sentence) >= _SAYS_SOMETHING and not sentence.endswith((":", "：")))
