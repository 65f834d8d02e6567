"""Advice by rule, from the verdicts and from what the notes are: how many facts they hold and how often they change."""

from __future__ import annotations

from typing import Any, Literal

from corpus.errors import MessageLanguage
from eval.comparison.estimates import signed
from eval.comparison.verdicts import RAG, TUNED
from eval.metric_names import METRICS

Record = dict[str, Any]
Way = Literal["rag", "fine-tuned", "fine-tuned-rag", "either"]
# What an answer is worth; what notes that change need beside it.
_KNOWING = ("accuracy", "reworded", "tail", "answers", "faithful", "made_up")
_CHANGING = ("update", "stale")
_NAMES: dict[Way, tuple[str, str]] = {
    "rag": ("use RAG", "用 RAG"),
    "fine-tuned": ("use the fine-tuned model", "用微调后的模型"),
    "fine-tuned-rag": ("use RAG, with a fine-tuned reader", "用 RAG，并微调其中的生成模型"),
    "either": ("either will do; RAG needs no training", "两者皆可；RAG 不需要训练"),
}

_SOURCES = {
    "you": ("", ""),
    "dates": (" (guessed from the files' dates)", "（按文件日期推测）"),
    "assumption": (" (assumed: the files' dates are all the same)", "（假定值：文件日期都相同）"),
}


def advise(summary: Record, language: MessageLanguage) -> list[str]:
    """A few sentences, the recommendation first."""
    chinese = language == "zh"
    return [
        _choice(summary, chinese),
        *_reasons(summary, chinese),
        _changes(summary, chinese),
        _both(summary, chinese),
        _limits(summary, chinese),
    ]


def recommended(summary: Record) -> Way:
    """RAG wherever it is ahead in what answers are worth, or in keeping up with changes; its reader is trained if that helps."""
    ahead = {row["winner"] for row in _deciding(summary)}
    helps = [found["mean"] > 0 for found in _on_top(summary) if found["significant"]]
    if RAG in ahead:
        return "fine-tuned-rag" if helps and all(helps) else "rag"
    return "fine-tuned" if TUNED in ahead else "either"


def _deciding(summary: Record) -> list[Record]:
    """The verdicts that count for these notes, as far as they are decided."""
    keys = (*_KNOWING, *(_CHANGING if _changing(summary) else ()))
    return [row for row in summary["verdicts"] if row["key"] in keys and row["winner"] in (RAG, TUNED)]


def _changing(summary: Record) -> bool:
    return bool(summary["notes"]["changes_per_month"] >= 1)


def _on_top(summary: Record) -> list[Record]:
    """What fine-tuning changes on top of RAG: right options, and metrics of answers in words."""
    wanted = ("fine-tuned-rag", "rag")
    return [
        found
        for found in (*summary["differences"], *summary["written_differences"])
        if (found["arm"], found["over"]) == wanted and found.get("metric") in (None, "token_f1", "faithfulness")
    ]


def _rhythm(changes: float, chinese: bool) -> str:
    if changes >= 20:
        return "几乎每天都在变" if chinese else "change nearly every day"
    if changes >= 4:
        return "每周都在变" if chinese else "change weekly"
    if changes >= 1:
        return "每月都在变" if chinese else "change monthly"
    return "很少变化" if chinese else "hardly change"


def _choice(summary: Record, chinese: bool) -> str:
    notes, name = summary["notes"], _NAMES[recommended(summary)][chinese]
    rhythm = _rhythm(notes["changes_per_month"], chinese)
    if chinese:
        return f"你的笔记{rhythm}，约有 {notes['facts']} 个句子（{notes['sections']} 个章节）：建议{name}。"
    return f"Your notes {rhythm} and hold {notes['facts']:,} sentences in {notes['sections']} sections: {name}."


def _reasons(summary: Record, chinese: bool) -> list[str]:
    """What speaks for each side, with both sides' figures."""
    sides = {RAG: ("For RAG", "RAG 占优"), TUNED: ("For fine-tuning", "微调占优")}
    lines = []
    for side, name in sides.items():
        rows = [row for row in _deciding(summary) if row["winner"] == side]
        if rows and chinese:
            found = "；".join(f"{row['name']['zh']} {row['rag']} 对 {row['tuned']}" for row in rows)
            lines.append(f"{name[1]}（RAG 对微调）：{found}。")
        elif rows:
            found = "; ".join(f"{row['name']['en'].lower()} {row['rag']} against {row['tuned']}" for row in rows)
            lines.append(f"{name[0]} (RAG against fine-tuning): {found}.")
    return lines


def _changes(summary: Record, chinese: bool) -> str:
    update, notes = summary["update"], summary["notes"]
    per_month = notes["changes_per_month"]
    rag, tuned = (_span(per_month * update[side]["seconds"], chinese) for side in ("rag", "fine-tuned"))
    right = {side: "{}/{}".format(*update[side]["words"]["right"]) for side in ("rag", "fine-tuned")}
    source = _SOURCES[notes["changes_from"]][chinese]
    if chinese:
        return (
            f"每月约 {per_month:.0f} 次改动{source}：重新入库共约 {rag}，改动的事实答对 {right['rag']}；"
            f"继续训练共约 {tuned}，答对 {right['fine-tuned']}。"
        )
    return (
        f"About {per_month:.0f} changes a month{source}: ingesting takes {rag} a month, after which {right['rag']} of the "
        f"changed facts are answered rightly; training on takes {tuned}, after which {right['fine-tuned']} are."
    )


def _span(seconds: float, chinese: bool) -> str:
    if seconds < 90:
        return f"{seconds:.1f} 秒" if chinese else f"{seconds:.1f} seconds"
    return f"{seconds / 60:.0f} 分钟" if chinese else f"{seconds / 60:.0f} minutes"


def _both(summary: Record, chinese: bool) -> str:
    found = []
    for difference in _on_top(summary):
        metric = difference.get("metric")
        name = ("right options", "选择题答对率") if metric is None else (METRICS[metric].en.lower(), METRICS[metric].zh)
        if difference["significant"]:
            found.append(f"{name[chinese]} {signed(difference)}")
    if not found:
        return "在 RAG 之上再微调，没有测出差别。" if chinese else "Fine-tuning on top of RAG: no measured difference."
    ratio = summary["general"]["ratio"]["mean"]
    if chinese:
        return f"在 RAG 之上再微调：{'；'.join(found)}；代价是通用文本困惑度变为 {ratio:.2f} 倍。"
    return f"Fine-tuning on top of RAG: {'; '.join(found)}; the perplexity of general text becomes {ratio:.2f} times as high."


def _limits(summary: Record, chinese: bool) -> str:
    """What the figures rest on, and whom the sample favours."""
    size, notes = summary["size"], summary["notes"]
    sampled = size["learned"] < notes["sections"]
    if chinese:
        favour = "微调只学了被问到的章节，而 RAG 要在全部章节里检索，这对微调有利；" if sampled else ""
        return (
            f"以上基于 {summary['base']}、{size['learned']}/{notes['sections']} 个章节和 {size['asked']} 道选择题；{favour}"
            "更大的模型或更长的训练可能得出不同的结论。"
        )
    favour = "it learned only what it is asked about, while RAG searched all, which favours fine-tuning; " if sampled else ""
    return (
        f"This rests on {summary['base']}, {size['learned']} of {notes['sections']} sections and {size['asked']} multiple-choice "
        f"questions; {favour}a larger model or a longer training may end otherwise."
    )
