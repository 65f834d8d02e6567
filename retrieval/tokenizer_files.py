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
    (folder / "tokenizer.json").write_text(_serialise(tokenizer), encoding="utf-8")
    # Without the last entry transformers parses tokenizer.json a second time, in Python, to find the added tokens.
    own = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_input_names": ["input_ids", "attention_mask"],
        "clean_up_tokenization_spaces": False,
        "added_tokens_decoder": _added_tokens(tokenizer),
    }
    content = json.dumps(own | dict(config), indent=2, ensure_ascii=False)
    (folder / "tokenizer_config.json").write_text(content, encoding="utf-8")


def _serialise(tokenizer: Tokenizer) -> str:
    from tokenizers.models import BPE

    if not isinstance(tokenizer.model, BPE):
        return tokenizer.to_str()
    document = json.loads(tokenizer.to_str())
    # The older spelling of merges, one string per rule, loads in two thirds of the time; no piece holds a space.
    document["model"]["merges"] = [" ".join(pair) for pair in document["model"]["merges"]]
    return json.dumps(document, ensure_ascii=False)


def _added_tokens(tokenizer: Tokenizer) -> dict[str, dict[str, Any]]:
    added = tokenizer.get_added_tokens_decoder()
    return {str(i): {field: getattr(token, field) for field in ADDED_TOKEN_FIELDS} for i, token in added.items()}
