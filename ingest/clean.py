"""Cleaning: scrape residue goes, notes stay. RawDocument -> Document.

Every rule has a name, and every change is recorded as a `Removal` with its span in the source. Rules run in passes
until a pass changes nothing, so cleaning a clean text changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from corpus.documents import Document, RawDocument
from corpus.language import detect_language
from ingest.cleaning.characters import CHARACTER_RULES
from ingest.cleaning.draft import Draft, Edit, Rule
from ingest.cleaning.furniture import PAGE_RULES
from ingest.cleaning.layout import LAYOUT_RULES
from ingest.cleaning.links import LINK_RULES
from ingest.cleaning.lost import LOST_RULES
from ingest.cleaning.markup import MARKUP_RULES
from ingest.cleaning.pages import numbered_page_ends, page_rule
from ingest.cleaning.protect import outside_protected, substitute
from ingest.cleaning.residue import RESIDUE_RULES
from ingest.cleaning.tail import TAIL_RULES

_FRONT_MATTER = re.compile(r"\A\s*---[ \t]*\n(.*?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_MAX_FRONT_MATTER = 20_000
_HEADING = re.compile(r"^ {0,3}#{1,6}\s+(.+?)\s*#*\s*$", re.MULTILINE)
_MAX_TITLE = 60
_SENTENCE_END = re.compile(r"[。！；;.:：]\s*$")
_TRAILING = re.compile(r"(?<=\S)[ \t]+$", re.MULTILINE)
_BLANK_LINE = re.compile(r"^[ \t]+$", re.MULTILINE)
_BLANK_LINES = re.compile(r"\n{4,}")

_SPACE_RULES: tuple[tuple[str, Rule], ...] = (
    ("white-space", outside_protected(substitute(_TRAILING))),
    ("white-space", outside_protected(substitute(_BLANK_LINE))),
    ("white-space", outside_protected(substitute(_BLANK_LINES, "\n\n"))),
)
# Lines are judged before links lose their targets, which tell a list of links from a list of words; tails before single
# lines, which mark where an article ended.
RULES: tuple[tuple[str, Rule], ...] = (
    ("page-furniture", numbered_page_ends),
    *CHARACTER_RULES, *LOST_RULES, *LINK_RULES, *PAGE_RULES, *TAIL_RULES, *RESIDUE_RULES, *MARKUP_RULES, *LAYOUT_RULES,
    *_SPACE_RULES,
)  # fmt: skip
_MAX_PASSES = 20


def clean(raw: RawDocument) -> Document:
    """Clean a document.

    Returns:
        The document with its clean text in NFC; the text is empty if nothing in the file is a note.
    """
    draft = Draft(raw.text)
    if rule := page_rule(raw):
        draft.apply("page-furniture", rule)
    metadata = _front_matter(draft)
    for _ in range(_MAX_PASSES):
        changes = len(draft.removals)
        for name, rule in RULES:
            draft.apply(name, rule)
        if len(draft.removals) == changes:
            break
    return Document(
        raw=raw,
        text=draft.text,
        source_map=draft.source_map(),
        removals=tuple(sorted(draft.removals, key=lambda removal: (removal.start, removal.end))),
        title=dict(metadata).get("title") or _title(draft.text, raw.path),
        language=detect_language(draft.text),
        metadata=metadata,
    )


def _front_matter(draft: Draft) -> tuple[tuple[str, str], ...]:
    """Take YAML front matter off the draft; anything between `---` lines that is not a mapping stays as text."""
    match = _FRONT_MATTER.match(draft.text[:_MAX_FRONT_MATTER])
    fields = _mapping(match[1]) if match else None
    if match is None or fields is None:
        return ()
    draft.apply("front-matter", lambda _: iter([Edit(0, match.end())]))
    return tuple(sorted(fields.items()))


def _mapping(block: str) -> dict[str, str] | None:
    import yaml

    try:
        loaded = yaml.load(block, getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe, one is fast
    except (yaml.YAMLError, ValueError):
        return None
    if not isinstance(loaded, dict) or not all(isinstance(key, str) for key in loaded):
        return None
    return {key: ", ".join(_words(value)) for key, value in loaded.items()}


def _words(value: object) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _words(item)
    elif value is not None:
        yield str(value)


def _title(text: str, path: str) -> str:
    """The first heading, or a short first line with a blank one under it, or the file's name."""
    if heading := _HEADING.search(text):
        return heading[1].strip("*_ ")
    first, _, rest = text.lstrip().partition("\n")
    stands_alone = rest.startswith("\n") and 0 < len(first) <= _MAX_TITLE and not _SENTENCE_END.search(first)
    return first.strip() if stands_alone else PurePosixPath(path).stem
