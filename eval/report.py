"""One HTML file that shows a run: no script, no network, readable in light and dark, in Chinese or English.

Charts are HTML and CSS, so their labels are the browser's own text: Chinese never becomes boxes, and everything can be selected.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from corpus.errors import MessageLanguage
from eval.metric_names import ANSWER_METRICS, METRICS, RETRIEVAL, SEARCH_METRICS, MetricName
from eval.report_cases import worst_cases
from eval.report_text import texts

Record = dict[str, Any]
TEMPLATES = Path(__file__).with_name("templates")
_BINS = 10
_HEADLINES = ("recall@5", "faithfulness", "key_facts", "refusal_right")
_BY_GROUP = ("recall@5", "faithfulness", "key_facts", "citation_recall", "refusal_right")
_GROUPS = ("lang", "kind", "topic")


def render_report(records: Sequence[Record], metrics: Record, language: MessageLanguage) -> str:
    """The report of a run.

    Args:
        records: its records.
        metrics: the content of its `metrics.json`.
        language: of headings and explanations; questions and answers stay as they are.
    """
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    arms = tuple(metrics["arms"])
    answering = tuple(arm for arm in arms if arm != RETRIEVAL)
    names = {metric.key: _name(metric, language) for metric in METRICS.values()}
    return environment.get_template("report.html.j2").render(
        t=texts(language),
        language="zh-Hans" if language == "zh" else "en",
        made=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        metrics=metrics,
        names=names,
        answering=answering,
        headlines=[(arm, key, value) for key in _HEADLINES for arm, value in _of(metrics, key).items()],
        tables=list(_tables(metrics)),
        groups={group: _group_rows(metrics, group) for group in _GROUPS},
        group_columns=[(arm, key) for key in _BY_GROUP for arm in _of(metrics, key)],
        matrix=_matrix(metrics["languages"]),
        relevance=_relevance(records),
        support={arm: _histogram(_supports(records, arm)) for arm in answering},
        cases={arm: worst_cases(records, arm) for arm in answering or arms},
    )


def _name(metric: MetricName, language: MessageLanguage) -> Mapping[str, object]:
    chinese = language == "zh"
    return {
        "name": metric.zh if chinese else metric.en,
        "hint": metric.zh_hint if chinese else metric.en_hint,
        "unit": metric.unit,
    }


def _of(metrics: Record, key: str, group: str = "all") -> dict[str, Record]:
    """A metric's estimates by arm, where it was measured."""
    found = ((arm, figures["groups"].get(group, {}).get("metrics", {}).get(key)) for arm, figures in metrics["arms"].items())
    return {arm: value for arm, value in found if value}


def _tables(metrics: Record) -> Iterator[tuple[tuple[str, ...], list[tuple[str, dict[str, Record]]]]]:
    """Rows of metrics for the search, and for all ways of answering side by side."""
    for chosen, arms in ((SEARCH_METRICS, (RETRIEVAL,)), (ANSWER_METRICS, tuple(metrics["arms"])[1:])):
        rows = [(metric.key, _of(metrics, metric.key)) for metric in chosen]
        if arms:
            yield arms, [(key, found) for key, found in rows if found]


def _group_rows(metrics: Record, group: str) -> list[tuple[str, int, dict[tuple[str, str], Record]]]:
    """A group's name, its size, and its estimates by arm and metric."""
    members = metrics["arms"][RETRIEVAL]["groups"]
    return [
        (
            name.partition("=")[2],
            figures["n"],
            {(arm, key): value for key in _BY_GROUP for arm, value in _of(metrics, key, name).items()},
        )
        for name, figures in members.items()
        if name.startswith(f"{group}=")
    ]


def _matrix(cells: Sequence[Record]) -> dict[str, dict[str, Record]]:
    """Rows by language of question, columns by language of notes."""
    rows: dict[str, dict[str, Record]] = {}
    for cell in cells:
        rows.setdefault(cell["questions"], {})[cell["notes"]] = cell
    return rows


def _relevance(records: Sequence[Record]) -> dict[str, list[float]]:
    return {
        name: _histogram([r["search"]["relevance"] for r in records if r["gold"]["answerable"] == answerable])
        for name, answerable in (("answerable", True), ("unanswerable", False))
    }


def _supports(records: Sequence[Record], arm: str) -> list[float]:
    claims = (claim for record in records for claim in record["arms"][arm]["claims"])
    return [claim["score"] for claim in claims if claim["score"] is not None]


def _histogram(values: Sequence[float]) -> list[float]:
    """Shares of values from 0 to 1 in equal bins, both ends included; empty without values."""
    bins = [min(int(value * _BINS), _BINS - 1) for value in values]
    return [bins.count(number) / len(bins) for number in range(_BINS)] if bins else []
