"""What training on notes costs elsewhere: perplexity on general text, and questions that no interview asks.

eval/data/general-text.jsonl and general-choices.jsonl are our own: twenty short paragraphs and twenty questions, half Chinese and
half English; the first option of a question is right.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from eval.comparison.scoring import ChoiceScorer
from generation.prompts import answer_text, question_prompt

_DATA = Path(__file__).parent.parent / "data"


def general_skill(scorer: ChoiceScorer) -> dict[str, Any]:
    """Losses by paragraph (nats and tokens), their perplexity, and which questions were answered rightly."""
    losses = [scorer.surprise(row["text"]) for row in _rows("general-text.jsonl")]
    right = []
    for row in _rows("general-choices.jsonl"):
        chinese = row["lang"].startswith("zh")
        options = [answer_text(option, chinese=chinese) for option in row["options"]]
        scores = scorer.score("", question_prompt(row["question"], chinese=chinese), options)
        right.append(float(scores[0] == max(scores)))
    perplexity = math.exp(sum(loss for loss, _ in losses) / sum(tokens for _, tokens in losses))
    return {"losses": [loss / tokens for loss, tokens in losses], "perplexity": perplexity, "right": right}


def _rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (_DATA / name).read_text(encoding="utf-8").splitlines()]
