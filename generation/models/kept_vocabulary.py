"""The part of a vocabulary that the project's languages use: the rest of the output layer need not be computed.

A large multilingual vocabulary spends many of its rows on scripts that no answer here is written in. Kept are the pieces made of
Han, ASCII letters, those of Western and Central European names, Greek, digits, punctuation, symbols and spaces, and every special
and byte token, so that any text can still be written. The logits of kept tokens are what they were; the rest cannot be generated.
Pieces are judged by their characters alone (Unicode Standard Annex 24 names the scripts), not by how often they occur.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

WORD_MARK = "▁"
# Rows that no text was ever encoded with.
_RESERVED = re.compile(r"<unused\d+>")
_EUROPEAN = frozenset(map(chr, range(0x00C0, 0x0180)))  # Latin-1 and Latin Extended-A
_SCRIPTS = ("CJK", "GREEK", "FULLWIDTH", "BOPOMOFO", "KANGXI", "IDEOGRAPHIC")


def kept_tokens(tokenizer: Any, size: int) -> npt.NDArray[np.int64]:
    """Ids of the tokens to compute logits for, ascending; all `size` of a vocabulary that is not SentencePiece's."""
    pieces = tokenizer.convert_ids_to_tokens(list(range(min(size, len(tokenizer)))))
    if not any(piece.startswith(WORD_MARK) for piece in pieces):
        return np.arange(size)
    special = {*tokenizer.all_special_ids, *tokenizer.added_tokens_decoder}
    return np.array(kept_ids(pieces, special), dtype=np.int64)


def kept_ids(pieces: Sequence[str], special: Iterable[int]) -> list[int]:
    """Positions of the kept pieces; those in `special` stay whatever they are."""
    always = set(special)
    return [i for i, piece in enumerate(pieces) if i in always or is_kept(piece)]


def is_kept(piece: str) -> bool:
    """Whether a piece is written in characters that the project's languages use; byte tokens such as <0xE4> are."""
    text = piece.replace(WORD_MARK, "")
    return not _RESERVED.fullmatch(piece) and all(map(_used, text))


def _used(character: str) -> bool:
    if character.isascii() or character in _EUROPEAN:
        return True
    if unicodedata.category(character)[0] in "NPSZC":  # numbers, punctuation, symbols, separators, controls
        return True
    return unicodedata.name(character, "").startswith(_SCRIPTS)
