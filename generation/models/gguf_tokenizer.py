"""Tokenizers rebuilt from GGUF metadata.

`tokenizer.ggml.model` names the family: `llama` is SentencePiece BPE (Gemma), `gpt2` is byte-level BPE (SmolLM2). Both
become a BPE model of the `tokenizers` library.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from generation.models.gguf_file import Metadata

if TYPE_CHECKING:
    from tokenizers import Tokenizer

# Values of tokenizer.ggml.token_type.
NORMAL, CONTROL, USER_DEFINED = 1, 3, 4
# Reserved ids that no text was ever encoded with; as added tokens, Gemma's 6242 would slow every load down.
RESERVED = re.compile(r"<unused\d+>")
WORD_MARK = "▁"


def build_tokenizer(metadata: Metadata) -> Tokenizer:
    """The tokenizer a GGUF file describes, adding the tokens at the start of a text that the file asks for."""
    from tokenizers import AddedToken, processors

    family = metadata["tokenizer.ggml.model"]
    tokenizer = {"llama": _sentencepiece, "gpt2": _byte_level}[family](metadata)
    tokens, kinds = metadata["tokenizer.ggml.tokens"], metadata["tokenizer.ggml.token_type"]
    control = [token for token, kind in zip(tokens, kinds, strict=True) if kind == CONTROL]
    tokenizer.add_special_tokens([AddedToken(t, normalized=False) for t in control if not RESERVED.fullmatch(t)])
    if metadata["tokenizer.ggml.add_bos_token"]:
        bos_id = metadata["tokenizer.ggml.bos_token_id"]
        bos = tokens[bos_id]
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{bos} $A", pair=f"{bos} $A {bos} $B", special_tokens=[(bos, bos_id)]
        )
    return tokenizer


def tokenizer_config(metadata: Metadata) -> dict[str, Any]:
    """What belongs in tokenizer_config.json: special tokens, context length, the chat template if the file has one."""
    tokens = metadata["tokenizer.ggml.tokens"]
    names = {"bos_token": "bos", "eos_token": "eos", "unk_token": "unknown", "pad_token": "padding"}
    config = {name: tokens[metadata[f"tokenizer.ggml.{key}_token_id"]] for name, key in names.items()}
    config |= {
        "model_max_length": metadata[f"{metadata['general.architecture']}.context_length"],
        # A decoder continues from the last position, so that is where the text of every row has to end.
        "padding_side": "left",
    }
    template = metadata.get("tokenizer.chat_template")
    return config | ({"chat_template": template} if template else {})


def sentencepiece_merges(pieces: list[str]) -> list[tuple[str, str]]:
    """The merge rules implied by SentencePiece pieces in the order of their scores, best first.

    SentencePiece joins the neighbours whose union is the best piece, whatever the two halves are; a merge list ranks
    pairs, so every split of a piece into two pieces gets a rule at the piece's rank.
    """
    known = set(pieces)
    return [
        (piece[:cut], piece[cut:])
        for piece in pieces
        for cut in range(len(piece) - 1, 0, -1)
        if piece[:cut] in known and piece[cut:] in known
    ]


def _sentencepiece(metadata: Metadata) -> Tokenizer:
    """BPE over characters with `▁` for the space and bytes for unknown characters."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers

    # llama.cpp's converter writes the spaces of user-defined tokens out; the model sees every space as the word mark.
    tokens = [token.replace(" ", WORD_MARK) for token in metadata["tokenizer.ggml.tokens"]]
    kinds, scores = metadata["tokenizer.ggml.token_type"], metadata["tokenizer.ggml.scores"]
    normal = [i for i, kind in enumerate(kinds) if kind == NORMAL]
    merges = sentencepiece_merges([tokens[i] for i in sorted(normal, key=lambda i: -scores[i])])
    unknown = tokens[metadata["tokenizer.ggml.unknown_token_id"]]
    vocabulary = {token: i for i, token in enumerate(tokens)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges, unk_token=unknown, fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizers.Replace(" ", WORD_MARK)
    tokenizer.decoder = decoders.Sequence([decoders.Replace(WORD_MARK, " "), decoders.ByteFallback(), decoders.Fuse()])
    # User-defined tokens (runs of spaces, of line breaks, HTML tags) are matched before any merge, the longest first.
    whole = [token for token, kind in zip(tokens, kinds, strict=True) if kind == USER_DEFINED]
    tokenizer.add_tokens([AddedToken(token, normalized=True) for token in whole])
    return tokenizer


def _byte_level(metadata: Metadata) -> Tokenizer:
    """BPE over bytes, each spelled as a printable character as in GPT-2."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    vocabulary = {token: i for i, token in enumerate(metadata["tokenizer.ggml.tokens"])}
    merges = [tuple(rule.split(" ")) for rule in metadata["tokenizer.ggml.merges"]]
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    words: list[Any] = [pre_tokenizers.ByteLevel(add_prefix_space=False)]
    if metadata["tokenizer.ggml.pre"] == "smollm":
        # llama.cpp's name for GPT-2's word pattern after cutting out every digit.
        words.insert(0, pre_tokenizers.Digits(individual_digits=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(words)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer
