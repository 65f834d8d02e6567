"""Figures of the update test: by arm and stage, by kind of change, and what is said in words at the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from eval.comparison.update import share

Record = dict[str, Any]
_WORDS = "update-words/"


def update_figures(by_unit: Mapping[str, Record]) -> Record:
    """Shares right and stale, and the seconds from the change until then.

    Returns:
        `rows`: by arm and stage, of the options; `words`: by arm, of answers in words after the change; `rag` and `fine-tuned`:
        the last of both, with `counts` of right and stale answers in words; `facts`, how many.
    """
    rag = by_unit["update/rag"]
    rows = [
        _row("base", "untrained", 0.0, by_unit["update/untrained"]["asked"]),
        _row("rag", "before", 0.0, rag["before"]),
        _row("rag", "after", rag["seconds"], rag["after"]),
        _row("fine-tuned-rag", "after", rag["seconds"], by_unit["update/fine-tuned-rag"]["after"]),
        _row("fine-tuned", "before", 0.0, by_unit["update/before"]["asked"]),
    ]
    seconds, stage = 0.0, 0
    while f"update/stage-{stage}" in by_unit:
        record = by_unit[f"update/stage-{stage}"]
        seconds += record["seconds"]
        rows.append(_row("fine-tuned", f"stage {stage + 1}", seconds, record["asked"]))
        stage += 1
    words = {name.removeprefix(_WORDS): _in_words(r["asked"]) for name, r in by_unit.items() if name.startswith(_WORDS)}
    return {
        "rows": rows,
        "words": words,
        "rag": {**rows[2], "words": words["rag"]},
        "fine-tuned": {**rows[-1], "words": words["fine-tuned"]},
        "facts": len(rag["after"]),
    }


def _row(arm: str, stage: str, seconds: float, asked: Sequence[Record]) -> Record:
    return {
        "arm": arm,
        "stage": stage,
        "seconds": seconds,
        "right": share(asked, "right"),
        "stale": share(asked, "stale"),
        "changes": _changes(asked),
    }


def _changes(asked: Sequence[Record]) -> Record:
    """Shares by kind of change."""
    kinds = dict.fromkeys(record["change"] for record in asked)
    of_kind = {kind: [record for record in asked if record["change"] == kind] for kind in kinds}
    return {kind: {name: share(found, name) for name in ("right", "stale")} for kind, found in of_kind.items()}


def _in_words(asked: Sequence[Record]) -> Record:
    """How many of how many answers are right and stale, and the answers."""
    return {
        **{name: _count(asked, name) for name in ("right", "stale")},
        "changes": _changes(asked),
        "answers": [{name: record[name] for name in ("id", "change", "answer", "refused", "right", "stale")} for record in asked],
    }


def _count(asked: Sequence[Record], name: str) -> tuple[int, int]:
    known = [record[name] for record in asked if record[name] is not None]
    return sum(known), len(known)
