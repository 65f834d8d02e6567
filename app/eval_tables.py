"""Tables of measurements as text for a person in a terminal; they are aligned, and read as Markdown too."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from unicodedata import east_asian_width

from app.console import Console

Row = dict[str, Any]


def show_run(metrics: Row, console: Console) -> None:
    """All questions: each arm's metrics with their intervals, and the outcomes; groups are in `metrics.json` and the report."""
    for arm, figures in metrics["arms"].items():
        whole = figures["groups"]["all"]
        console.text()
        console.text(f"## {arm} (n={whole['n']})")
        console.text()
        head = ["指标", "n", "均值 [95% 区间]"] if console.language == "zh" else ["metric", "n", "mean [95% interval]"]
        _show_table([head, *([name, str(value["n"]), _estimate(value)] for name, value in whole["metrics"].items())], console)
        if "outcomes" in whole:
            console.text()
            console.text(_counts("结果" if console.language == "zh" else "outcomes", whole["outcomes"]))
            console.text(_counts("论断" if console.language == "zh" else "claims", figures["claims"]))


def _counts(name: str, counts: Row) -> str:
    return f"{name}: " + ", ".join(f"{key} {count}" for key, count in counts.items())


def show_comparison(comparison: Row, console: Console) -> None:
    """Paired differences from a baseline, and the questions whose outcome changed."""
    both = comparison["questions"]["both"]
    console.text()
    console.say(f"## against {comparison['path']}, {both} questions", f"## 与 {comparison['path']} 比较，共 {both} 个问题")
    for arm, found in comparison["arms"].items():
        console.text()
        chinese = console.language == "zh"
        head = [arm, "n", *(("之前", "之后", "差值 [95% 区间]", "变好", "变差") if chinese
                            else ("before", "after", "difference [95% interval]", "better", "worse"))]  # fmt: skip
        _show_table([head, *(_difference(name, row) for name, row in found["metrics"].items())], console)
        for flip in found["flips"]:
            console.text(f"{flip['change']}: {flip['id']}: {flip['before']} -> {flip['after']}: {flip['question']}")


def _difference(name: str, row: Row) -> list[str]:
    star = " *" if row["significant"] else ""
    change = row["difference"]
    return [
        name,
        str(row["n"]),
        f"{row['before']:.3f}",
        f"{row['after']:.3f}",
        f"{change['mean']:+.3f} [{change['low']:+.3f}, {change['high']:+.3f}]{star}",
        *(str(len(row[side])) if side in row else "-" for side in ("better", "worse")),
    ]


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


def show_claim_sets(report: Row, console: Console) -> None:
    """The checker on labelled claims: one table of figures, one of kinds of claims for each set that tells them apart."""
    rows = [
        [
            f"{figures['name']} {row['lang']}",
            str(row["n"]),
            *(
                _estimate(row["auroc"]["checker"]) if name == "checker" else f"{row['auroc'][name]['mean']:.3f}"
                for name in row["auroc"]
            ),
            f"{row['balanced_accuracy']:.3f}",
            f"{row['ece']:.3f}",
        ]
        for figures in report["sets"]
        for row in figures["languages"]
    ]
    chinese = console.language == "zh"
    names = ("检查器", "词面规则", "词重叠", "长度") if chinese else ("checker", "words", "overlap", "length")
    head = ["AUROC", "n", *names, "平衡准确率" if chinese else "balanced accuracy", "ECE"]
    _show_table([head, *rows], console)
    for figures in report["sets"]:
        if len(figures["kinds"]) > 2:
            _show_kinds(figures, console)
    console.say(f"threshold {report['threshold']:.2f}", f"阈值 {report['threshold']:.2f}")


def _show_kinds(figures: Row, console: Console) -> None:
    chinese = console.language == "zh"
    labels = {True: "支持" if chinese else "supported", False: "不支持" if chinese else "unsupported"}
    head = [figures["name"], "标签" if chinese else "label", "n", "判对" if chinese else "decided right"]
    rows = [[kind["kind"] or "-", labels[kind["supported"]], str(kind["n"]), f"{kind['right']:.3f}"] for kind in figures["kinds"]]
    console.text()
    _show_table([head, *rows], console)


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
