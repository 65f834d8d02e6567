"""Tables of measurements as text for a person in a terminal; they are aligned, and read as Markdown too."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from unicodedata import east_asian_width

from app.console import Console

Row = dict[str, Any]


def show_metrics(metrics: Row, console: Console) -> None:
    """Metrics of gold questions, one line each, with the interval."""
    for group, values in metrics["groups"].items():
        console.text(f"{group} (n={values['n']})")
        for name, value in values["metrics"].items():
            console.text(f"  {name:<22} {_estimate(value)}")


def show_sets(sets: Iterable[Row], console: Console) -> None:
    """Rankings of passages and of sentences, one table each a set."""
    for figures in sets:
        console.text()
        console.say(
            f"## {figures['name']}: {figures['passages']} passages, {figures['asked']} of {figures['questions']} questions",
            f"## {figures['name']}：{figures['passages']} 个段落，提问 {figures['asked']}/{figures['questions']}",
        )
        if figures["held_out"]:
            console.say(
                "All passages, but only questions about articles that the reranker was not trained on; --all-questions asks all.",
                "段落全部参与检索，但只提问重排模型未训练过的文章；--all-questions 可提问全部。",
            )
        _show_methods("passages in the collection", "段落在全集中的排名", figures["ranking"], console)
        _show_methods("sentences in the right passage", "句子在所属段落中的排名", figures["sentences"], console)


def _show_methods(english: str, chinese: str, methods: Sequence[Row], console: Console) -> None:
    if methods:
        console.text()
        head = [chinese if console.language == "zh" else english, "n", *methods[0]["metrics"]]
        rows = [[row["method"], str(row["n"]), *map(_estimate, row["metrics"].values())] for row in methods]
        _show_table([head, *rows], console)


def show_languages(cells: Sequence[Row], console: Console) -> None:
    """Recall@5, a row for each language of questions, a column for each language of notes."""
    if not cells:
        return
    notes, asked = (list(dict.fromkeys(cell[side] for cell in cells)) for side in ("notes", "questions"))
    found = {(cell["questions"], cell["notes"]): cell for cell in cells}
    corner = "recall@5 问题 \\ 笔记" if console.language == "zh" else "recall@5 questions \\ notes"
    console.text()
    _show_table([[corner, *notes], *([row, *(_cell(found[row, column]) for column in notes)] for row in asked)], console)


def _cell(cell: Row) -> str:
    return f"{_estimate(cell['recall'])} n={cell['n']}" if cell["recall"] else "-"


def _estimate(value: Row) -> str:
    return f"{value['mean']:.3f} [{value['low']:.3f}, {value['high']:.3f}]"


def _show_table(rows: Sequence[Sequence[str]], console: Console) -> None:
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    lines = [
        "| " + " | ".join(text + " " * (w - _width(text)) for text, w in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    lines.insert(1, "|" + "|".join("-" * (w + 2) for w in widths) + "|")
    for line in lines:
        console.text(line)


def _width(text: str) -> int:
    """Columns that a text takes on a terminal."""
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)
