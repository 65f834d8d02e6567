"""Records -> figures: means with intervals by arm, paired differences, curves, and the table of verdicts."""

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
from eval.comparison.estimates import estimate, paired
from eval.comparison.summary_update import update_figures
from eval.comparison.verdicts import verdicts
from eval.metrics import mean_with_interval

if TYPE_CHECKING:
    from eval.comparison.run import Comparison

Record = dict[str, Any]
Arms = Mapping[str, Mapping[str, Record]]
_PAIRS = (
    ("fine-tuned", "base"), ("rag", "base"), ("rag", "fine-tuned"), ("rag-reworded", "fine-tuned-reworded"),
    ("fine-tuned-rag", "rag"), ("fine-tuned-rag", "fine-tuned"), ("gold", "rag"), ("distractors", "base"),
    ("fine-tuned-distractors", "distractors"), ("long-context", "rag"), ("fine-tuned", "fine-tuned-one-wording"),
    ("fine-tuned-reworded", "fine-tuned"), ("fine-tuned-reworded", "fine-tuned-one-wording-reworded"),
)  # fmt: skip
_WRITTEN_PAIRS = (("rag", "fine-tuned"), ("fine-tuned-rag", "rag"), ("rag", "base"))
_BUCKETS = ("rare", "middle", "frequent")
_DAY = 86_400
_ASSUMED = 4.0  # changes a month: weekly


def so_far(records: Sequence[Record]) -> Record:
    """The multiple choice of a run that may not be finished: shares by arm, and paired differences."""
    arms = _arms(records)
    right = {name: _right(found) for name, found in arms.items()}
    return {
        "choices": {name: estimate(list(found.values())) for name, found in right.items()},
        "differences": [
            {"arm": one, "over": other, **found}
            for one, other in _PAIRS
            if one in right and other in right and (found := paired(right[one], right[other]))
        ],
    }


def summarise(records: Sequence[Record], comparison: Comparison, changes_per_month: float | None = None) -> Record:
    """All figures of a run."""
    by_unit = {record["unit"]: record for record in records}
    arms = _arms(records)
    bucket = _bucket(arms)
    summary: Record = {
        "notes": _notes(comparison, changes_per_month),
        "size": {**asdict(comparison.settings), "learned": len(comparison.sections), "asked": len(comparison.choices)},
        "base": comparison.means.base,
        "composes": comparison.means.composes,
        "machine": {"processors": os.cpu_count(), "platform": platform.platform(), "python": platform.python_version()},
        "made": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "seconds": sum(record["unit_seconds"] for record in records),
        **so_far(records),
        "kinds": _grouped(arms, lambda record: str(record["choice"]["kind"])),
        "languages": _grouped(arms, lambda record: "zh" if record["choice"]["chinese"] else "en"),
        "popularity": _grouped(arms, bucket),
        "popularity_differences": _by_bucket(arms, bucket),
        **_written(records),
        "training": {name.removeprefix("train/"): r["card"] for name, r in by_unit.items() if name.startswith("train/")},
        "curve": _curve(by_unit, arms),
        "update": update_figures(by_unit),
        "general": _general(by_unit),
        "footprint": _footprint(by_unit),
        "ingest": _ingest(by_unit["ingest"]),
        "parts": by_unit["parts"]["bytes"],
    }
    summary["verdicts"] = verdicts(summary)
    return summary


def _arms(records: Sequence[Record]) -> Arms:
    """Multiple-choice records by arm and question."""
    arms: dict[str, dict[str, Record]] = {}
    for record in records:
        if record["unit"].startswith("choice/"):
            arms.setdefault(record["arm"], {})[record["choice"]["id"]] = record
    return arms


def _right(found: Mapping[str, Record]) -> dict[str, float]:
    return {key: record["right"] for key, record in found.items()}


def _grouped(arms: Arms, group: Callable[[Record], str]) -> Record:
    names = {group(record) for found in arms.values() for record in found.values()}
    ordered = [name for name in _BUCKETS if name in names] or sorted(names)
    return {
        arm: {name: estimate([r["right"] for r in found.values() if group(r) == name]) for name in ordered}
        for arm, found in arms.items()
    }


def _bucket(arms: Arms) -> Callable[[Record], str]:
    """Thirds of the questions by how many sections name their subject (Soudani et al., 2024, arXiv:2403.01432)."""
    counts = sorted(record["choice"]["popularity"] for record in arms["base"].values())
    low, high = counts[len(counts) // 3], counts[2 * len(counts) // 3]

    def bucket(record: Record) -> str:
        count = record["choice"]["popularity"]
        return "rare" if count <= low else "middle" if count <= high and high > low else "frequent"

    return bucket


def _by_bucket(arms: Arms, bucket: Callable[[Record], str]) -> Record:
    """RAG over the fine-tuned model, by how often the subject is named."""
    rag, tuned = arms["rag"], arms["fine-tuned"]
    return {
        name: found
        for name in _BUCKETS
        if (found := paired(_right({k: r for k, r in rag.items() if bucket(r) == name}), _right(tuned)))
    }


def _written(records: Sequence[Record]) -> Record:
    """Metrics of answers in words by arm; of questions without an answer, only whether they were refused."""
    values: dict[str, dict[str, dict[str, float]]] = {}
    samples: dict[str, dict[str, list[Record]]] = {}
    for record in records:
        kind, _, rest = record["unit"].partition("/")
        if kind not in ("answer", "no-answer"):
            continue
        arm, _, name = rest.partition("/")
        samples.setdefault(arm, {}).setdefault(kind, []).append(record)
        for metric, value in record["metrics"].items():
            if (metric == "refused_when_due") == (kind == "no-answer"):
                values.setdefault(arm, {}).setdefault(metric, {})[name] = value
    differences = [
        {"metric": metric, "arm": one, "over": other, **found}
        for one, other in _WRITTEN_PAIRS
        for metric in values[one]
        if metric in values[other] and (found := paired(values[one][metric], values[other][metric]))
    ]
    written = {
        arm: {
            "metrics": {metric: estimate(list(by_question.values())) for metric, by_question in metrics.items()},
            "seconds": median(record["seconds"] for record in samples[arm]["answer"]),
            "samples": [
                {name: record[name] for name in ("question", "answer", "refused")}
                for record in [*samples[arm]["answer"][:2], *samples[arm]["no-answer"][:2]]
            ],
        }
        for arm, metrics in values.items()
    }
    return {"written": written, "written_differences": differences}


def _curve(by_unit: Mapping[str, Record], arms: Arms) -> list[Record]:
    """Right answers over how much was learned: nothing, each share of the sections, all of them; asked about all of them.

    `behind` is how far RAG is ahead, paired; `wordings` how many wordings of each question were learned.
    """
    cards = {name.removeprefix("train/"): record for name, record in by_unit.items() if name.startswith("train/")}
    points = [_point(arms, BASE, 0, 0, 0.0, 1)]
    for model, record in cards.items():
        card = record["card"]
        learned = sum(number for kind, number in card["examples"].items() if not kind.startswith("held_out"))
        points.append(_point(arms, model, record["sections"], learned, card["seconds"], 1 + card["data"]["paraphrases"]))
    return sorted(points, key=lambda point: (int(point["sections"]), point["arm"] == PLAIN))


def _point(arms: Arms, arm: str, sections: int, examples: int, seconds: float, wordings: int) -> Record:
    right = _right(arms[arm])
    return {
        "arm": arm,
        "sections": sections,
        "examples": examples,
        "seconds": seconds,
        "wordings": wordings,
        "right": estimate(list(right.values())),
        "behind": paired(_right(arms["rag"]), right),
    }


def _general(by_unit: Mapping[str, Record]) -> Record:
    before, after = by_unit[f"general/{BASE}"], by_unit[f"general/{MAIN}"]
    growth = mean_with_interval([new - old for old, new in zip(before["losses"], after["losses"], strict=True)])
    skill = mean_with_interval([new - old for old, new in zip(before["right"], after["right"], strict=True)])
    return {
        "perplexity": {"before": before["perplexity"], "after": after["perplexity"]},
        "ratio": {"mean": math.exp(growth.mean), "low": math.exp(growth.low), "high": math.exp(growth.high)},
        "right": {"before": estimate(before["right"]), "after": estimate(after["right"])},
        "skill": asdict(skill),
    }


def _footprint(by_unit: Mapping[str, Record]) -> Record:
    """Seconds an answer (median, least, most), to load, and the most memory, by arm."""
    found = {name.removeprefix("footprint/"): record for name, record in by_unit.items() if name.startswith("footprint/")}
    return {
        arm: {
            "seconds": median(r["seconds"]),
            "least": min(r["seconds"]),
            "most": max(r["seconds"]),
            "load_seconds": r["load_seconds"],
            "bytes": r["bytes"],
        }
        for arm, r in found.items()
    }


def _ingest(record: Record) -> Record:
    """Seconds to ingest all notes, as many times as those of the chunks that were measured."""
    return {**record, "all_seconds": record["seconds"] * record["all_chunks"] / record["chunks"]}


def _notes(comparison: Comparison, changes_per_month: float | None) -> Record:
    catalogue = comparison.means.retriever.snapshot.catalogue
    documents = catalogue.documents()
    changes, source = _changes([document.mtime_ns / 1e9 for document in documents])
    return {
        "documents": len(documents),
        "sections": len(comparison.everything),
        "facts": sum(len(section.sentences) for section in comparison.everything),
        "changes_per_month": changes if changes_per_month is None else changes_per_month,
        "changes_from": source if changes_per_month is None else "you",
    }


def _changes(written: Sequence[float]) -> tuple[float, str]:
    """Documents that changed in the last month, by when files were written; files that were copied all at once do not tell."""
    if max(written) - min(written) < _DAY:
        return _ASSUMED, "assumption"
    month = time.time() - 30 * _DAY
    return float(sum(when > month for when in written)), "dates"
