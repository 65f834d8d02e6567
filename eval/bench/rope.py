"""Does RoPE scaling work? Pass keys found and perplexity, by model, method and length; runs that were cut off go on.

    model × (method, factor) × length × text --read once--> records.jsonl --average--> metrics.json, rope.png

Each method keeps one factor over all lengths (the longest length over the native window), so its short lengths show what being
scaled costs where it is not needed, and its long ones what it brings.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from corpus.errors import UsageError
from eval.run_files import Record, RunFolder
from generation.models.rope import METHODS, UNSCALED, Method, RopeScale
from retrieval.weights import Progress

DEPTHS = (0.1, 0.3, 0.5, 0.7, 0.9)
PLOT = "rope.png"
MIN_LENGTH = 512
# Bump when texts or scoring change: records made before are other measurements.
_EDITION = 1
# Angles that depend on the length of the text are right only when it is read in one go.
_VARYING = ("dynamic", "longrope")


@dataclass(frozen=True, slots=True)
class RopeModelPlan:
    """What is measured on one model.

    Attributes:
        name: as in the settings.
        notes: language of our notes that it reads.
        lengths: tokens of a text, ascending.
    """

    name: str
    notes: str
    lengths: tuple[int, ...]


# In order of what they teach: a run that is stopped early has the native length and what lies beyond it first.
PLANS = (
    RopeModelPlan("bundled:smollm2-135m", "en", (2048, 4096, 8192, 12288, 16384)),
    RopeModelPlan("bundled:gemma-3-270m", "zh", (8192, 32768, 40960)),
)


@dataclass(frozen=True, slots=True)
class Cell:
    """One reading to make."""

    length: int
    scale: RopeScale
    text: int

    def key(self, model: str) -> tuple[str, str, float, int, int]:
        """What tells a record from others."""
        return model, self.scale.method, self.scale.factor, self.length, self.text


def plan_for(name: str, lengths: Sequence[int]) -> RopeModelPlan:
    """The plan of a model: lengths as given, or its own if none are."""
    known = next((plan for plan in PLANS if plan.name == name), RopeModelPlan(name, "en", PLANS[0].lengths))
    return RopeModelPlan(name, known.notes, tuple(sorted(set(lengths)))) if lengths else known


def chosen_methods(given: str | None) -> tuple[Method, ...]:
    """Methods with commas between; all if none are given.

    Raises:
        UsageError: one is unknown.
    """
    if given is None:
        return METHODS
    wanted = [name.strip() for name in given.split(",")]
    if unknown := [name for name in wanted if name not in METHODS]:
        raise UsageError(reason=f"unknown RoPE method {unknown[0]}: choose among {', '.join(METHODS)}")
    return tuple(method for method in METHODS if method in wanted)


def whole_numbers(given: str | None) -> tuple[int, ...]:
    """Lengths with commas between; empty if none are given.

    Raises:
        UsageError: one is no number, or too short to hold the keys.
    """
    try:
        found = tuple(int(part) for part in given.split(",")) if given else ()
    except ValueError as error:
        raise UsageError(reason=f"--lengths takes whole numbers with commas between, not {given}") from error
    if found and min(found) < MIN_LENGTH:
        raise UsageError(reason=f"a text needs at least {MIN_LENGTH} tokens to hold the pass keys, not {min(found)}")
    return found


def cells(lengths: Sequence[int], native: int, methods: Sequence[Method], texts: int, factor: float | None = None) -> list[Cell]:
    """The grid, all methods of a length before the next length.

    Raises:
        UsageError: nothing is asked for beyond the native length, and no factor given.
    """
    if factor is None and any(method != "none" for method in methods) and max(lengths) <= native:
        raise UsageError(reason=f"no length beyond the native {native} tokens to scale for: give a longer one, or --factor")
    factor = factor or max(lengths) / native
    scales = [UNSCALED if method == "none" else RopeScale(method, factor) for method in methods]
    return [Cell(length, scale, text) for text in range(texts) for length in lengths for scale in scales]


def bench_rope(
    plans: Sequence[RopeModelPlan],
    folder: Path,
    *,
    methods: Sequence[Method] = METHODS,
    texts: int = 1,
    factor: float | None = None,
    fresh: bool = False,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Make the readings that the folder lacks, and write metrics and plot.

    Raises:
        OtherRun, UsageError: the folder belongs to something else, or cannot be written.
        ModelNotFound, WeightsMissing: a model cannot be loaded.
    """
    run = RunFolder(folder, {"rope bench": _EDITION, "depths": list(DEPTHS)}, fresh=fresh)
    for plan in plans:
        _measure(run, plan, methods, texts, factor, progress)
    metrics = summarise(run.records)
    run.finish(metrics)
    from eval.bench.rope_plot import draw

    draw(metrics, folder / PLOT)
    return metrics


def _measure(
    run: RunFolder, plan: RopeModelPlan, methods: Sequence[Method], texts: int, factor: float | None, progress: Progress | None
) -> None:
    from eval.bench.rope_model import load_rope_model
    from eval.bench.rope_text import long_text, notes_tokens
    from generation.models.rope import native_window

    loaded = load_rope_model(plan.name)
    native = native_window(loaded.config)
    done = {(r["model"], r["method"], r["factor"], r["length"], r["text"]) for r in run.records}
    todo = [cell for cell in cells(plan.lengths, native, methods, texts, factor) if cell.key(plan.name) not in done]
    for n, cell in enumerate(todo):
        notes = notes_tokens(loaded.tokenizer, plan.notes, cell.text)
        text = long_text(loaded.tokenizer, notes, cell.length, DEPTHS, cell.text)
        in_force = loaded.rescale(cell.scale)
        reading = loaded.read(text, whole=cell.scale.method in _VARYING)
        place = {"model": plan.name, "native": native, "length": cell.length, "text": cell.text, "depths": list(DEPTHS)}
        scaled = {"method": cell.scale.method, "factor": cell.scale.factor, "rope": in_force}
        repeated = max(0, cell.length - len(notes))
        run.append({**place, **scaled, **asdict(reading), "repeated": repeated})
        if progress:
            progress(f"rope {plan.name}", n + 1, len(todo))


def summarise(records: Sequence[Record]) -> dict[str, Any]:
    """Averages over the texts of a model, method, factor and length; perplexity over all tokens scored."""
    groups: dict[tuple[str, str, float, int], list[Record]] = {}
    for record in records:
        groups.setdefault((record["model"], record["method"], record["factor"], record["length"]), []).append(record)
    rows = [_row(key, members) for key, members in groups.items()]
    order = {method: n for n, method in enumerate(METHODS)}
    rows.sort(key=lambda row: (row["model"], row["factor"] > 1, order[row["method"]], row["factor"], row["length"]))
    return {"rows": rows}


def _row(key: tuple[str, str, float, int], members: Sequence[Record]) -> dict[str, Any]:
    model, method, factor, length = key
    tokens = sum(r["scored"] for r in members)
    nats = sum(math.log(r["perplexity"]) * r["scored"] for r in members)
    return {
        "model": model,
        "native": members[0]["native"],
        "method": method,
        "factor": factor,
        "length": length,
        "texts": len(members),
        "perplexity": math.exp(nats / tokens),
        "keys": fmean(fmean(r["keys"]) for r in members),
        "digits": fmean(fmean(r["digits"]) for r in members),
        "keys_by_depth": [fmean(at) for at in zip(*(r["keys"] for r in members), strict=True)],
        "depths": members[0]["depths"],
        "repeated": max(r["repeated"] for r in members),
        "seconds": fmean(r["seconds"] for r in members),
        "peak_megabytes": max(r["peak_megabytes"] for r in members),
    }


def lines(metrics: dict[str, Any]) -> Iterator[str]:
    """Two Markdown tables a model: perplexity, and share of pass keys found, by method and length; then the time."""
    for model in dict.fromkeys(row["model"] for row in metrics["rows"]):
        rows = [row for row in metrics["rows"] if row["model"] == model]
        lengths = sorted({row["length"] for row in rows})
        yield f"{model}, native {rows[0]['native']} tokens"
        for title, field, form in (
            ("perplexity", "perplexity", ".2f"),
            ("pass keys found", "keys", ".2f"),
            ("digits right", "digits", ".2f"),
            ("seconds to read", "seconds", ".1f"),
        ):
            yield ""
            yield f"| {title} | " + " | ".join(map(str, lengths)) + " |"
            yield "|---" * (len(lengths) + 1) + "|"
            for scale in dict.fromkeys((row["method"], row["factor"]) for row in rows):
                by_length = {row["length"]: row[field] for row in rows if (row["method"], row["factor"]) == scale}
                values = " | ".join(format(by_length[n], form) if n in by_length else "" for n in lengths)
                yield f"| {RopeScale(*scale)} | {values} |"
        yield ""
        yield f"most memory: {max(row['peak_megabytes'] for row in rows)} MB"
