"""Writes a rebuilt tokenizer so that `AutoTokenizer.from_pretrained` takes it as it is and reads it once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tokenizers import Tokenizer

ADDED_TOKEN_FIELDS = ("content", "single_word", "lstrip", "rstrip", "normalized", "special")


def write_tokenizer(folder: Path, tokenizer: Tokenizer, config: Mapping[str, Any]) -> None:
    """Writes tokenizer.json and tokenizer_config.json, the latter with `config` (special tokens, length) in it."""
    document = json.loads(tokenizer.to_str())
    merges = document["model"].get("merges")
    if merges:
        # The older spelling, one string per rule, loads in two thirds of the time; no piece holds a space.
        document["model"]["merges"] = [" ".join(pair) for pair in merges]
    _write(folder / "tokenizer.json", document)
    # Without the last entry transformers parses tokenizer.json a second time, in Python, to find the added tokens.
    own = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_input_names": ["input_ids", "attention_mask"],
        "clean_up_tokenization_spaces": False,
        "added_tokens_decoder": _added_tokens(tokenizer),
    }
    _write(folder / "tokenizer_config.json", own | dict(config))


def _added_tokens(tokenizer: Tokenizer) -> dict[str, dict[str, Any]]:
    added = tokenizer.get_added_tokens_decoder()
    return {str(i): {field: getattr(token, field) for field in ADDED_TOKEN_FIELDS} for i, token in added.items()}


def _write(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
