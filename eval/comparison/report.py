"""`report.html` of a comparison: one file, no script, no network; the verdicts on the first screen, then what they rest on."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from corpus.errors import MessageLanguage
from eval.comparison.report_text import texts
from eval.report import TEMPLATES

Record = dict[str, Any]


def render(summary: Record, language: MessageLanguage) -> str:
    """The report of a summary, `advice` in it, in one language."""
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    return environment.get_template("compare.html.j2").render(
        s=summary,
        t=texts(language),
        code=language,
        language="zh-Hans" if language == "zh" else "en",
        plots={"plot_curve": _curve(summary["curve"]), "plot_loss": _losses(summary["training"])},
    )


def _curve(points: Sequence[Record]) -> str:
    """Right answers, closed book, over the sections that were learned."""
    figure, axes = _axes("sections learned", "right answers")
    at = [point["sections"] for point in points]
    means = [point["right"]["mean"] for point in points]
    below = [point["right"]["mean"] - point["right"]["low"] for point in points]
    above = [point["right"]["high"] - point["right"]["mean"] for point in points]
    axes.errorbar(at, means, yerr=[below, above], marker="o", capsize=3)
    axes.axhline(0.25, linestyle=":", color="grey")
    axes.set_ylim(0, 1)
    return _svg(figure)


def _losses(training: Record) -> str:
    """Held-out losses of the trainings."""
    figure, axes = _axes("step", "held-out loss (nats a token)")
    for name, card in training.items():
        known = [(p["step"], p["wordings"]) for p in card["curve"] if p["wordings"] is not None]
        if known:
            axes.plot(*zip(*known, strict=True), marker=".", label=name)
    axes.legend(fontsize=7)
    return _svg(figure)


def _axes(across: str, up: str) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 3), layout="constrained")
    axes = figure.subplots()
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    axes.grid(alpha=0.3)
    return figure, axes


def _svg(figure: Any) -> str:
    stream = io.StringIO()
    figure.savefig(stream, format="svg", metadata={"Date": None})
    return stream.getvalue()[stream.getvalue().index("<svg") :]
