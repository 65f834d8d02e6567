"""Advice by rule, from the verdicts and from what the notes are: how many facts they hold and how often they change."""

from __future__ import annotations

from typing import Any

from corpus.errors import MessageLanguage
from eval.comparison.verdicts import RAG, TIE, TUNED

Record = dict[str, Any]


def advise(summary: Record, language: MessageLanguage) -> list[str]:
    """A few sentences, the recommendation first."""
    chinese = language == "zh"
    winners = {row["key"]: row["winner"] for row in summary["verdicts"]}
    return [_choice(summary, winners, chinese), _changes(summary, chinese), _both(summary, chinese), _limits(summary, chinese)]


def _rhythm(changes: float, chinese: bool) -> str:
    if changes >= 20:
        return "几乎每天都在变" if chinese else "change nearly every day"
    if changes >= 4:
        return "每周都在变" if chinese else "change weekly"
    if changes >= 1:
        return "每月都在变" if chinese else "change monthly"
    return "很少变化" if chinese else "hardly change"


def _choice(summary: Record, winners: dict[str, str], chinese: bool) -> str:
    """Knowledge decides, then what changes cost; fine-tuning is only advised where it answers at least as well."""
    notes = summary["notes"]
    rhythm = _rhythm(notes["changes_per_month"], chinese)
    changing = notes["changes_per_month"] >= 1
    knows = winners["accuracy"]
    if knows == RAG or (knows == TIE and changing and winners["update"] == RAG):
        wanted = "rag"
    elif knows == TUNED and not (changing and winners["update"] == RAG):
        wanted = "fine-tuned"
    else:
        wanted = "fine-tuned-rag" if knows == TUNED else "rag"
    reason = _reason(knows, changing, winners["update"], chinese)
    if chinese:
        name = {"rag": "用 RAG", "fine-tuned": "用微调后的模型", "fine-tuned-rag": "用微调后的模型加 RAG"}[wanted]
        return f"你的笔记{rhythm}，约有 {notes['facts']} 个句子（{notes['sections']} 个章节）：建议{name}。{reason}"
    name = {"rag": "use RAG", "fine-tuned": "use the fine-tuned model", "fine-tuned-rag": "fine-tune, and use RAG too"}[wanted]
    return f"Your notes {rhythm} and hold {notes['facts']:,} sentences in {notes['sections']} sections: {name}. {reason}"


def _reason(knows: str, changing: bool, update: str, chinese: bool) -> str:
    if knows == RAG:
        return "在同样的问题上，它答对得更多。" if chinese else "It answers more of the same questions rightly."
    if knows == TUNED:
        if changing and update == RAG:
            return (
                "微调答对得更多，但笔记一变就会过时，所以还要检索。"
                if chinese
                else "Training answers more rightly, but goes stale with every change, so let it search too."
            )
        return "在同样的问题上，它答对得更多，而笔记变化不多。" if chinese else "It answers more rightly, and little changes."
    return (
        "两者答对率的差别在区间之内，更新更快的一方更划算。"
        if chinese
        else "The two do not differ beyond the interval; what is quicker to update is the better bargain."
    )


def _changes(summary: Record, chinese: bool) -> str:
    update, notes = summary["update"], summary["notes"]
    per_month = notes["changes_per_month"]
    rag, tuned = (per_month * update[side]["seconds"] / 60 for side in ("rag", "fine-tuned"))
    right = {side: update[side]["right"] or 0.0 for side in ("rag", "fine-tuned")}
    guess = ("（按文件日期推测）" if chinese else " (guessed from the files' dates)") if notes["guessed"] else ""
    if chinese:
        return (
            f"每月约 {per_month:.0f} 次改动{guess}：重新入库共约 {rag:.1f} 分钟，之后答对 {right['rag']:.0%}；"
            f"继续训练共约 {tuned:.1f} 分钟，之后答对 {right['fine-tuned']:.0%}。"
        )
    return (
        f"About {per_month:.0f} changes a month{guess}: ingesting takes {rag:.1f} min a month, then {right['rag']:.0%} of the "
        f"changed facts are right; training on takes {tuned:.1f} minutes, then {right['fine-tuned']:.0%} are."
    )


def _both(summary: Record, chinese: bool) -> str:
    found = next(d for d in summary["differences"] if (d["arm"], d["over"]) == ("fine-tuned-rag", "rag"))
    words = f"{found['mean']:+.2f} [{found['low']:+.2f}, {found['high']:+.2f}]"
    if not found["significant"]:
        return (
            f"在 RAG 之上再微调，没有测出差别（{words}）。"
            if chinese
            else f"Fine-tuning on top of RAG: no measured difference ({words})."
        )
    better = found["mean"] > 0
    if chinese:
        return f"在 RAG 之上再微调{'有帮助' if better else '反而有害'}（{words}）。"
    return f"Fine-tuning on top of RAG {'helps' if better else 'harms'} ({words})."


def _limits(summary: Record, chinese: bool) -> str:
    size, notes = summary["size"], summary["notes"]
    if chinese:
        return (
            f"以上基于 {summary['base']}、{size['learned']}/{notes['sections']} 个章节和 {size['asked']} 道选择题；"
            "更大的模型或更长的训练可能得出不同的结论。"
        )
    return (
        f"This rests on {summary['base']}, {size['learned']} of {notes['sections']} sections and {size['asked']} multiple-choice "
        "questions; a larger model or a longer training may end otherwise."
    )
