"""General words of the field's prose in both languages, as terms that a question and notes in the other language share.

The glossary names the field's concepts; this list holds the words around them ("cost", "成本"). Its terms count only across
languages: within one language the words themselves say more (docs/retrieval.md has the figures).
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path

from retrieval.analysis import fold, stem

DEFAULT_LEXICON = Path(__file__).with_name("lexicon.toml")

_MARK = "¤"  # cannot occur in a term made from text
_LATIN = re.compile(r"[a-z]+")


@cache
def _lexicon(path: Path) -> tuple[re.Pattern[str], dict[str, str], dict[tuple[str, ...], str]]:
    """A pattern of the Chinese forms, the word of each, and the word of each English form as a run of stems."""
    groups: dict[str, list[str]] = tomllib.loads(path.read_text(encoding="utf-8"))["words"]
    forms = {fold(form): word for word, group in groups.items() for form in group}
    chinese = {form: word for form, word in forms.items() if not form.isascii()}
    english = {_stems(form): word for form, word in forms.items() if form.isascii()}
    return re.compile("|".join(map(re.escape, sorted(chinese, key=len, reverse=True)))), chinese, english


def _stems(text: str) -> tuple[str, ...]:
    return tuple(map(stem, _LATIN.findall(text)))


def bridge_terms(text: str, lexicon: Path = DEFAULT_LEXICON) -> list[str]:
    """The lexicon's words that a text uses, in either language, repeats kept; longer forms win."""
    pattern, chinese, english = _lexicon(lexicon)
    folded = fold(text)
    found = [chinese[form] for form in pattern.findall(folded)]
    stems, at = _stems(folded), 0
    while at < len(stems):
        size = next((size for size in (3, 2, 1) if stems[at : at + size] in english), 0)
        if size:
            found.append(english[stems[at : at + size]])
        at += size or 1
    return [_MARK + word for word in found]
