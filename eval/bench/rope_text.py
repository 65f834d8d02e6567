"""Long texts to read: our own notes, with pass keys hidden at several depths, and the questions for them.

Several keys lie in one text (the multi-key needles of RULER, Hsieh et al., 2024, arXiv:2404.06654; the pass key is Mohtashami
and Jaggi's, 2023, arXiv:2305.16300), so that reading it once tests every depth. Telling them apart is harder than finding the
only one.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NOTES = Path(__file__).parent.parent.parent / "corpus" / "notes"
_CITIES = ("Paris", "Tokyo", "Cairo", "Lima", "Oslo", "Delhi", "Rome", "Sydney", "Boston", "Athens")
# The city stands just before its key: with another word between them a small model mixes up keys even in short texts.
_NEEDLE = "\n\nRemember: the pass key of {city} is {city} {key}. Again, {city} {key}.\n\n"
_QUESTION = "\n\nRemember: the pass key of {city} is {city}"
DIGITS = 5


@dataclass(frozen=True, slots=True)
class Needle:
    """A key in a text.

    Attributes:
        depth: where it lies, from 0 at the beginning to 1 at the end.
        question: tokens that ask for the key.
        answer: the key's tokens.
    """

    depth: float
    question: tuple[int, ...]
    answer: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class LongText:
    """A text in tokens; `plain[i]` says whether token i is from the notes and not from a needle."""

    ids: tuple[int, ...]
    plain: tuple[bool, ...]
    needles: tuple[Needle, ...]


def notes_tokens(tokenizer: Any, folder: str, rotation: int) -> list[int]:
    """The notes of a language in tokens, one file after the other; another file comes first with each rotation."""
    files = sorted((NOTES / folder).glob("*.md"))
    first = rotation % len(files)
    text = "\n\n".join(path.read_text(encoding="utf-8") for path in files[first:] + files[:first])
    return list(tokenizer.encode(text, add_special_tokens=False))


def long_text(tokenizer: Any, notes: Sequence[int], length: int, depths: Sequence[float], seed: int) -> LongText:
    """A text of `length` tokens, questions not counted: a key at each depth, notes around them.

    Notes shorter than the text are repeated; how often is for the caller to judge.
    """
    chance = random.Random(seed)  # noqa: S311 - repeatable, and no secret
    cities = chance.sample(_CITIES, len(depths))
    begin = [] if tokenizer.bos_token_id is None else [tokenizer.bos_token_id]
    needles, texts = [], []
    for depth, city in zip(depths, cities, strict=True):
        key = "".join(chance.choices("123456789", k=DIGITS))
        texts.append(_encode(tokenizer, _NEEDLE.format(city=city, key=key)))
        question = _encode(tokenizer, _QUESTION.format(city=city))
        whole = _encode(tokenizer, _QUESTION.format(city=city) + f" {key}.")
        same = next(n for n, token in enumerate([*question, -1]) if n >= len(whole) or whole[n] != token)
        # The closing full stop ends the key's last token; it is not asked for.
        needles.append(Needle(depth, tuple(whole[:same]), tuple(whole[same:-1])))
    room = length - len(begin) - sum(map(len, texts))
    hay = [notes[i % len(notes)] for i in range(room)]
    ids, plain, at = list(begin), [False] * len(begin), 0
    for needle, text in sorted(zip(needles, texts, strict=True), key=lambda pair: pair[0].depth):
        until = round(needle.depth * room)
        ids += hay[at:until] + text
        plain += [True] * (until - at) + [False] * len(text)
        at = until
    return LongText(tuple(ids + hay[at:]), tuple(plain + [True] * (room - at)), tuple(needles))


def _encode(tokenizer: Any, text: str) -> list[int]:
    return list(tokenizer.encode(text, add_special_tokens=False))
