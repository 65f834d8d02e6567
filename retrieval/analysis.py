"""Text analysis for lexical search: the same terms for a question and for the notes that answer it.

Text is folded (NFKC, case, simplified script) and becomes: words of Latin script, stemmed, compounds such as `top-p` also
whole; bigrams of Chinese characters; and the concepts of the bilingual glossary that it names, so that "外推" meets
"extrapolation". Bigrams rather than segmented words because they found more on development data (docs/retrieval.md).
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from pathlib import Path

import snowballstemmer

from corpus.language import to_simplified

_WORD = re.compile(r"[a-z0-9]+(?:[-_./^+'][a-z0-9]+)*|[\u3400-\u4dbf\u4e00-\u9fff]+|[\u0370-\u03ff]|[^\W\d_]+")
_JOINER = re.compile(r"[-_./^+']")
_CONCEPT_MARK = "§"  # cannot occur in a term made from text

# Words that say how something is asked, not what about.
STOP_WORDS = frozenset(
    """
    a an and are as at be by can did do does for from had has have how i in is it its me of on or please s so such t tell that the
    their them there these they this those to was we were what when where which who why will with would you your about
    什么 么是 为什 怎么 如何 哪些 是什 请问 介绍 一下 有什 的是
    了吗 是不 能不 可以 一个 我们 你们 怎样 吗 呢 的 是 了 和 与 在 什 么
    """.split()
)


# Typographic hyphens, which NFKC leaves apart: "top‑p" is "top-p".
_HYPHENS = str.maketrans("‐‑‒–", "----")


def fold(text: str) -> str:
    """NFKC, lower case, simplified script: the form in which texts are compared."""
    return to_simplified(unicodedata.normalize("NFKC", text).casefold().translate(_HYPHENS))


@cache
def _glossary(path: Path) -> tuple[re.Pattern[str], dict[str, str]]:
    concepts: dict[str, list[str]] = tomllib.loads(path.read_text(encoding="utf-8"))["concepts"]
    names = {_one_line(fold(name)).replace("-", " "): concept for concept, group in concepts.items() for name in group}
    return re.compile(_alternatives(names)), {_compact(name): concept for name, concept in names.items()}


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _compact(name: str) -> str:
    return re.sub(r"[\s_-]", "", name)


def _alternatives(names: Iterable[str]) -> str:
    """Any of the names, longer ones first; grouped by first letter, or the engine would try all of them at every place."""
    by_letter: dict[str, list[str]] = {}
    for name in sorted(names, key=len, reverse=True):
        by_letter.setdefault(name[0], []).append(_pattern_of_rest(name))
    return "|".join(_pattern_of_start(letter) + f"(?:{'|'.join(rests)})" for letter, rests in by_letter.items())


def _pattern_of_start(letter: str) -> str:
    """A name's first letter; Latin names begin at word beginnings."""
    escaped = re.escape(letter)
    return f"{escaped}(?<![a-z0-9]{escaped})" if letter.isascii() else escaped


def _pattern_of_rest(name: str) -> str:
    """A name without its first letter: hyphens and spaces are one, Latin names end at word ends."""
    rest = re.escape(name[1:]).replace(r"\ ", r"[\s-]?")
    return rest + (r"(?![a-z0-9])" if name[-1].isascii() else "")


DEFAULT_GLOSSARY = Path(__file__).with_name("glossary.toml")


def concepts(text: str, glossary: Path = DEFAULT_GLOSSARY) -> tuple[str, ...]:
    """The glossary's concepts that a text names, in order, repeats kept."""
    return split_concepts(text, glossary)[0]


def split_concepts(text: str, glossary: Path = DEFAULT_GLOSSARY) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The glossary's concepts that a text names, and the words of what stands between their names, folded; both in order."""
    pattern, names = _glossary(glossary)
    folded, found, words, at = _one_line(fold(text)), [], [], 0
    for match in pattern.finditer(folded):
        found.append(names[_compact(match.group())])
        words += _WORD.findall(folded[at : match.start()])
        at = match.end()
    return tuple(found), (*words, *_WORD.findall(folded[at:]))


@cache
def _stemmer() -> snowballstemmer.stemmer:
    return snowballstemmer.stemmer("english")


@lru_cache(maxsize=1 << 16)
def stem(word: str) -> str:
    """The stem of an English word (Porter 2); names such as `nf4` are left alone."""
    return str(_stemmer().stemWord(word)) if word.isalpha() else word


def _terms_of_word(word: str) -> Iterator[str]:
    if "\u3400" <= word[0] <= "\u9fff":
        yield from (word[i : i + 2] for i in range(len(word) - 1)) if len(word) > 1 else (word,)
        return
    parts = _JOINER.split(word)
    if len(parts) > 1:
        yield "-".join(parts)
    # "does" is a stop word, its stem "doe" is not.
    yield from (stem(part) for part in parts if part not in STOP_WORDS)


def concept_term(concept: str) -> str:
    """The term that stands for a concept."""
    return _CONCEPT_MARK + concept


def terms_of_word(word: str) -> tuple[str, ...]:
    """The terms of one folded word, as `terms` makes them."""
    return tuple(term for term in _terms_of_word(word) if term not in STOP_WORDS)


def terms(text: str, glossary: Path = DEFAULT_GLOSSARY) -> list[str]:
    """The terms of a text, in order, repeats kept; stop words dropped, concepts last."""
    plain = [term for word in _WORD.findall(fold(text)) for term in terms_of_word(word)]
    return plain + [concept_term(concept) for concept in concepts(text, glossary)]
