"""Records -> figures: means with intervals by arm, paired differences, curves, and the table of verdicts.

Intervals are percentile bootstraps over questions; differences are paired, each question drawn with both values (Koehn, 2004).
"""

from __future__ import annotations

import math
import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from statistics import median
from typing import TYPE_CHECKING, Any

from eval.comparison.arms import BASE, MAIN, PLAIN
from eval.comparison.update import share
from eval.comparison.verdicts import verdicts
from eval.metrics import mean_with_interval

if TYPE_CHECKING:
    from eval.comparison.run import Comparison

Record = dict[str, Any]
_PAIRS = (
    ("fine-tuned", "base"), ("rag", "base"), ("rag", "fine-tuned"), ("fine-tuned-rag", "rag"), ("fine-tuned-rag", "fine-tuned"),
    ("gold", "rag"), ("distractors", "base"), ("fine-tuned-distractors", "distractors"), ("long-context", "rag"),
    ("fine-tuned", "fine-tuned-one-wording"),
)  # fmt: skip
_BUCKETS = ("rare", "middle", "frequent")
_DAY = 86_400


def so_far(records: Sequence[Record]) -> Record:
    """The multiple choice of a run that may not be finished: shares by arm, and paired differences."""
    arms = _arms(records)
    return {
        "choices": {name: _estimate([r["right"] for r in found.values()]) for name, found in arms.items()},
        "differences": [found for one, other in _PAIRS if (found := _difference(arms, one, other))],
    }


def summarise(records: Sequence[Record], comparison: Comparison, changes_per_month: float | None = None) -> Record:
    """All figures of a run."""
    by_unit = {record["unit"]: record for record in records}
    arms = _arms(records)
    summary: Record = {
        "notes": {**_notes(comparison), "changes_per_month": changes_per_month, "guessed": changes_per_month is None},
        "size": {**asdict(comparison.settings), "learned": len(comparison.sections), "asked": len(comparison.choices)},
        "base": comparison.means.base,
        "machine": {"processors": os.cpu_count(), "platform": platform.platform(), "python": platform.python_version()},
        "made": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "seconds": sum(record["unit_seconds"] for record in records),
        **so_far(records),
        "kinds": _grouped(arms, lambda record: str(record["choice"]["kind"])),
        "languages": _grouped(arms, lambda record: "zh" if record["choice"]["chinese"] else "en"),
        "popularity": _grouped(arms, _bucket(arms)),
        "written": _written(records),
        "training": {name.removeprefix("train/"): r["card"] for name, r in by_unit.items() if name.startswith("train/")},
        "curve": _curve(by_unit, arms),
        "update": _update(by_unit),
        "general": _general(by_unit),
        "footprint": _footprint(by_unit),
        "parts": by_unit["parts"]["bytes"],
    }
    if changes_per_month is None:
        summary["notes"]["changes_per_month"] = summary["notes"]["changed_last_month"]
    summary["verdicts"] = verdicts(summary)
    return summary


def _arms(records: Sequence[Record]) -> dict[str, dict[str, Record]]:
    """Multiple-choice records by arm and question."""
    arms: dict[str, dict[str, Record]] = {}
    for record in records:
        if record["unit"].startswith("choice/"):
            arms.setdefault(record["arm"], {})[record["choice"]["id"]] = record
    return arms


def _estimate(values: Sequence[float]) -> Record | None:
    return {**asdict(mean_with_interval(values)), "n": len(values)} if values else None


def _difference(arms: Mapping[str, Mapping[str, Record]], one: str, other: str) -> Record | None:
    """Share of right answers of one arm over another's, on the questions that both were asked."""
    if one not in arms or other not in arms:
        return None
    both = [(arms[one][key]["right"], arms[other][key]["right"]) for key in arms[one] if key in arms[other]]
    found = _estimate([a - b for a, b in both])
    return {"arm": one, "over": other, **found, "significant": found["low"] > 0 or found["high"] < 0} if found else None


def _grouped(arms: Mapping[str, Mapping[str, Record]], group: Callable[[Record], str]) -> Record:
    names = {group(record) for found in arms.values() for record in found.values()}
    ordered = [name for name in _BUCKETS if name in names] or sorted(names)
    return {
        arm: {name: _estimate([r["right"] for r in found.values() if group(r) == name]) for name in ordered}
        for arm, found in arms.items()
    }


def _bucket(arms: Mapping[str, Mapping[str, Record]]) -> Callable[[Record], str]:
    """Thirds of the questions by how many sections name their subject (Soudani et al., 2024, arXiv:2403.01432)."""
    counts = sorted(record["choice"]["popularity"] for record in arms["base"].values())
    low, high = counts[len(counts) // 3], counts[2 * len(counts) // 3]

    def bucket(record: Record) -> str:
        count = record["choice"]["popularity"]
        return "rare" if count <= low else "middle" if count <= high and high > low else "frequent"

    return bucket


def _written(records: Sequence[Record]) -> Record:
    found: Record = {}
    for record in records:
        kind, _, rest = record["unit"].partition("/")
        if kind in ("written", "unanswerable"):
            found.setdefault(rest.partition("/")[0], {}).setdefault(kind, []).append(record)
    return {arm: _written_arm(kinds["written"], kinds["unanswerable"]) for arm, kinds in found.items()}


def _written_arm(written: Sequence[Record], unanswerable: Sequence[Record]) -> Record:
    said = [record for record in written if record["faithfulness"] is not None]
    made_up = [float(not record["refused"] and bool(record["answer"])) for record in unanswerable]
    return {
        "f1": _estimate([record["f1"] for record in written]),
        "faithfulness": _estimate([record["faithfulness"] for record in said]),
        "refused": _estimate([float(record["refused"]) for record in written]),
        "made_up": _estimate(made_up),
        "seconds": median(record["seconds"] for record in written),
        "samples": [
            {name: record[name] for name in ("question", "answer", "refused")} for record in [*written[:2], *unanswerable[:2]]
        ],
    }


def _curve(by_unit: Mapping[str, Record], arms: Mapping[str, Mapping[str, Record]]) -> list[Record]:
    """Right answers over how much was learned: nothing, each share of the sections, all of them; asked about all of them."""
    points = [{"sections": 0, "examples": 0, "seconds": 0.0, "right": _right(arms, BASE)}]
    for name, record in by_unit.items():
        model = name.removeprefix("train/")
        if name.startswith("train/") and model != PLAIN:
            card = record["card"]
            learned = sum(card["examples"][kind] for kind in card["examples"] if not kind.startswith("held_out"))
            points.append(
                {"sections": record["sections"], "examples": learned, "seconds": card["seconds"], "right": _right(arms, model)}
            )
    return sorted(points, key=lambda point: int(str(point["sections"])))


def _right(arms: Mapping[str, Mapping[str, Record]], arm: str) -> Record | None:
    return _estimate([record["right"] for record in arms.get(arm, {}).values()])


def _update(by_unit: Mapping[str, Record]) -> Record:
    """Shares right and stale by arm, and the seconds from the change until then."""
    rag = by_unit["update/rag"]
    rows = [
        {"arm": "rag", "stage": "before", "seconds": 0.0, **_shares(rag["before"])},
        {"arm": "rag", "stage": "after", "seconds": rag["seconds"], **_shares(rag["after"])},
        {
            "arm": "fine-tuned-rag",
            "stage": "after",
            "seconds": rag["seconds"],
            **_shares(by_unit["update/fine-tuned-rag"]["after"]),
        },
        {"arm": "fine-tuned", "stage": "before", "seconds": 0.0, **_shares(by_unit["update/before"]["asked"])},
    ]
    seconds, stage = 0.0, 0
    while f"update/stage-{stage}" in by_unit:
        record = by_unit[f"update/stage-{stage}"]
        seconds += record["seconds"]
        rows.append({"arm": "fine-tuned", "stage": f"stage {stage + 1}", "seconds": seconds, **_shares(record["asked"])})
        stage += 1
    return {"rows": rows, "rag": rows[1], "fine-tuned": rows[-1], "facts": len(rag["after"])}


def _shares(asked: Sequence[Record]) -> Record:
    return {"right": share(asked, "right"), "stale": share(asked, "stale")}


def _general(by_unit: Mapping[str, Record]) -> Record:
    before, after = by_unit[f"general/{BASE}"], by_unit[f"general/{MAIN}"]
    growth = mean_with_interval([new - old for old, new in zip(before["losses"], after["losses"], strict=True)])
    skill = mean_with_interval([new - old for old, new in zip(before["right"], after["right"], strict=True)])
    return {
        "perplexity": {"before": before["perplexity"], "after": after["perplexity"]},
        "ratio": {"mean": math.exp(growth.mean), "low": math.exp(growth.low), "high": math.exp(growth.high)},
        "right": {"before": _estimate(before["right"]), "after": _estimate(after["right"])},
        "skill": asdict(skill),
    }


def _footprint(by_unit: Mapping[str, Record]) -> Record:
    found = {name.removeprefix("footprint/"): record for name, record in by_unit.items() if name.startswith("footprint/")}
    return {
        arm: {"seconds": median(r["seconds"]), "load_seconds": r["load_seconds"], "bytes": r["bytes"]} for arm, r in found.items()
    }


def _notes(comparison: Comparison) -> Record:
    catalogue = comparison.means.retriever.snapshot.catalogue
    documents = catalogue.documents()
    month = time.time() - 30 * _DAY
    return {
        "documents": len(documents),
        "sections": len(comparison.everything),
        "facts": sum(len(section.sentences) for section in comparison.everything),
        "changed_last_month": float(sum(document.mtime_ns / 1e9 > month for document in documents)),
    }
