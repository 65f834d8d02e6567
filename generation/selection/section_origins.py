"""Lines that go over to another section, told as from there.

Within its section a line needs no subject: the title names it. Torn out of it and put behind lines about something else, it
says what nobody wrote.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from corpus.documents import Language
from generation.selection.evidence_lines import EvidenceSentence
from generation.selection.titles import NAMED, is_general, unnumbered
from generation.verify import overlap
from retrieval.analysis import concepts
from retrieval.query import subjects_of

_LONGEST = 80  # characters of a title


def under_sections(lines: Sequence[EvidenceSentence], question: str) -> tuple[EvidenceSentence, ...]:
    """Lines, each that goes over to another section told as from there: a reader can't see what it is about.

    It is not where its own words say as much as the title or name its subject, nor where the question's say as much, unless the
    title is about one of several subjects of the question. A first line that names a subject of the question needs no title if it
    names all of them, or if the title is about none of its own.
    """
    sections = [(line.chunk.path, *line.chunk.heading, *line.scope) for line in lines]
    subjects, several = frozenset(subjects_of(question)), len(set(sections)) > 1
    told = []
    for i, line in enumerate(lines):
        goes_over = not i or sections[i] != sections[i - 1]
        title = _title_of(line) if goes_over else ""
        # Before the first line nothing was said that it could be taken to go on from.
        strange = title and _is_strange(line, title, question, subjects, beside=several, first=not i)
        told.append(_from_section(line, title) if strange else line)
    return tuple(told)


def _is_strange(
    line: EvidenceSentence, title: str, question: str, subjects: frozenset[str], *, beside: bool, first: bool
) -> bool:
    """Whether a line can't be understood without its title; `beside`: lines of other sections are told with it."""
    told_of, about = set(concepts(line.text)), set(subjects_of(title))
    if overlap(title, line.text) >= NAMED or about & told_of:
        return False
    named = bool(subjects & told_of)
    if not named and len(subjects) > 1 and len(subjects & about) == 1:
        return True
    doubtful = not named or (bool(about - subjects) and not subjects <= told_of)
    return beside and (doubtful or not first) and overlap(title, question) < NAMED


def _from_section(line: EvidenceSentence, title: str) -> EvidenceSentence:
    bullet = "- " if line.text.startswith("- ") else ""
    block = "\n" if line.text.startswith(("```", "$$")) else ""
    origin = _origin(title, line.chunk.language)
    return replace(line, text=f"{bullet}{origin}{block}{line.text.removeprefix(bullet)}")


def _title_of(line: EvidenceSentence) -> str:
    """The nearest title above a line that says what it is about; "" if that takes many words."""
    titles = [unnumbered(title) for title in reversed((*line.chunk.heading, *line.scope))]
    title = next((title for title in titles if title and not is_general(title)), "")
    return title if len(title) <= _LONGEST else ""


def _origin(title: str, language: Language) -> str:
    bare = title.rstrip(":：")
    return f"“{bare}”一节：" if language.startswith("zh") else f"Under “{bare}”: "
