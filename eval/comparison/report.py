"""`report.html` of a comparison: one file, no script, no network; the verdicts on the first screen, then what they rest on."""

from __future__ import annotations

import io
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from corpus.errors import MessageLanguage
from eval.comparison.report_text import SHOWN_METRICS, texts
from eval.metric_names import METRICS
from eval.report import TEMPLATES

Record = dict[str, Any]


def render(summary: Record, language: MessageLanguage) -> str:
    """The report of a summary, `advice` in it, in one language."""
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    chinese = language == "zh"
    metrics = {key: METRICS[key].zh if chinese else METRICS[key].en for key in SHOWN_METRICS}
    return environment.get_template("compare.html.j2").render(
        s=summary,
        t=texts(language),
        code=language,
        language="zh-Hans" if chinese else "en",
        metrics=metrics,
        plots={"plot_curve": _curve(summary), "plot_loss": _losses(summary["training"])},
    )


def _curve(summary: Record) -> str:
    """Right answers, closed book, over the examples that were learned; the model of one wording apart, RAG as a line."""
    figure, axes = _axes("training examples", "right answers")
    several = [point for point in summary["curve"] if point["wordings"] > 1 or not point["examples"]]
    one = [point for point in summary["curve"] if point["wordings"] == 1 and point["examples"]]
    for points, label, form in ((several, "fine-tuned", "o-"), (one, "fine-tuned, one wording", "s")):
        right = [point["right"] for point in points]
        spread = [[r["mean"] - r["low"] for r in right], [r["high"] - r["mean"] for r in right]]
        axes.errorbar([p["examples"] for p in points], [r["mean"] for r in right], yerr=spread, fmt=form, capsize=3, label=label)
    axes.axhline(summary["choices"]["rag"]["mean"], linestyle="--", color="tab:green", label="RAG, none")
    axes.axhline(0.25, linestyle=":", color="grey", label="chance")
    axes.set_ylim(0, 1.05)
    axes.legend(fontsize=7, loc="lower right")
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
