"""The table that notes draw from memory, row by row from measurements: what each side scored, and who is ahead by how much.

A row is decided only where the figures decide it: an accuracy by a paired interval that leaves 0 out, a cost by a factor of 1.5.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Record = dict[str, Any]
_FACTOR = 1.5
RAG, TUNED, TIE = "rag", "fine-tuning", "undecided"


def verdicts(summary: Record) -> list[Record]:
    """Rows with `name` and `text` in both languages, both sides' figures, and the `winner`."""
    rows = (
        _accuracy, _rare, _update_time, _stale, _latency, _memory, _setup, _cost, _data, _forgetting, _faithful, _made_up, _noise
    )  # fmt: skip
    return [row for make in rows if (row := make(summary))]


def _row(key: str, names: tuple[str, str], rag: str, tuned: str, winner: str, texts: tuple[str, str]) -> Record:
    return {
        "key": key,
        "name": {"en": names[0], "zh": names[1]},
        "rag": rag,
        "tuned": tuned,
        "winner": winner,
        "text": {"en": texts[0], "zh": texts[1]},
    }


def _difference(summary: Record, arm: str, over: str) -> Record:
    return next(d for d in summary["differences"] if (d["arm"], d["over"]) == (arm, over))


def _by_interval(low: float, high: float) -> str:
    return RAG if low > 0 else TUNED if high < 0 else TIE


def _by_factor(rag: float, tuned: float) -> str:
    """Who needs less, by a factor."""
    return RAG if tuned > _FACTOR * rag else TUNED if rag > _FACTOR * tuned else TIE


def _interval(value: Record | None) -> str:
    return "–" if value is None else f"{value['mean']:.2f} [{value['low']:.2f}, {value['high']:.2f}]"


def _accuracy(summary: Record) -> Record:
    found = _difference(summary, "rag", "fine-tuned")
    sides = summary["choices"]
    words = f"{found['mean']:+.2f} [{found['low']:+.2f}, {found['high']:+.2f}]"
    return _row(
        "accuracy", ("Right answers", "答对率"), _interval(sides["rag"]), _interval(sides["fine-tuned"]),
        _by_interval(found["low"], found["high"]),
        (f"RAG over fine-tuning {words}, n={found['n']}; chance is 0.25", f"RAG 比微调 {words}，n={found['n']}；随机为 0.25"),
    )  # fmt: skip


def _rare(summary: Record) -> Record | None:
    sides = summary["popularity"]
    rag, tuned, base = (sides[arm].get("rare") for arm in ("rag", "fine-tuned", "base"))
    if not (rag and tuned and base):
        return None
    winner = RAG if rag["low"] > tuned["high"] else TUNED if tuned["low"] > rag["high"] else TIE
    return _row(
        "tail", ("Rare subjects", "长尾知识"), _interval(rag), _interval(tuned), winner,
        (f"subjects that the fewest sections name, n={rag['n']}; untrained {base['mean']:.2f}",
         f"被最少章节提到的主题，n={rag['n']}；未训练时 {base['mean']:.2f}"),
    )  # fmt: skip


def _update_time(summary: Record) -> Record:
    rag, tuned = summary["update"]["rag"], summary["update"]["fine-tuned"]
    reached = {side: (row["right"] or 0) for side, row in (("rag", rag), ("tuned", tuned))}
    winner = (
        _by_factor(rag["seconds"], tuned["seconds"])
        if abs(reached["rag"] - reached["tuned"]) < 0.26
        else RAG if reached["rag"] > reached["tuned"] else TUNED
    )  # fmt: skip
    return _row(
        "update", ("Notes change", "知识更新"), f"{rag['seconds']:.1f} s → {reached['rag']:.0%}",
        f"{tuned['seconds']:.0f} s → {reached['tuned']:.0%}", winner,
        (f"seconds until so many of the changed facts are preferred; {summary['update']['facts']} invented facts",
         f"多少秒之后有多少改动的事实被答对；共 {summary['update']['facts']} 条虚构事实"),
    )  # fmt: skip


def _stale(summary: Record) -> Record:
    rag, tuned = (summary["update"][side]["stale"] or 0.0 for side in ("rag", "fine-tuned"))
    winner = RAG if tuned - rag > 0.2 else TUNED if rag - tuned > 0.2 else TIE
    return _row(
        "stale", ("Stale answers", "过时答案"), f"{rag:.0%}", f"{tuned:.0%}", winner,
        ("former or deleted values still preferred afterwards", "更新后仍偏向旧值或已删除的值"),
    )  # fmt: skip


def _latency(summary: Record) -> Record:
    rag, tuned = summary["footprint"]["rag"]["seconds"], summary["footprint"]["fine-tuned"]["seconds"]
    return _row(
        "latency", ("Seconds per answer", "回答耗时"), f"{rag:.1f} s", f"{tuned:.1f} s", _by_factor(rag, tuned),
        ("median, model alone for fine-tuning; search, check and model for RAG", "中位数；微调只有模型，RAG 含检索与核查"),
    )  # fmt: skip


def _memory(summary: Record) -> Record:
    rag, tuned = summary["footprint"]["rag"]["bytes"], summary["footprint"]["fine-tuned"]["bytes"]
    return _row(
        "memory", ("Memory", "内存"), f"{rag / 1e9:.2f} GB", f"{tuned / 1e9:.2f} GB", _by_factor(rag, tuned),
        ("most memory of a process that answers", "回答进程的内存峰值"),
    )  # fmt: skip


def _setup(summary: Record) -> Record:
    parts = summary["parts"]
    rag = {name: size for name, size in parts.items() if name != "adapter"}
    tuned = {name: size for name, size in parts.items() if name in ("generator", "adapter")}
    return _row(
        "setup", ("Parts and disk", "组件与磁盘"), f"{len(rag)}, {sum(rag.values()) / 1e6:.0f} MB",
        f"{len(tuned)}, {sum(tuned.values()) / 1e6:.0f} MB", RAG if len(rag) < len(tuned) else TUNED,
        (f"RAG: {', '.join(rag)}; fine-tuning: {', '.join(tuned)}", f"RAG：{'、'.join(rag)}；微调：{'、'.join(tuned)}"),
    )  # fmt: skip


def _cost(summary: Record) -> Record:
    card, rag = summary["training"]["fine-tuned"], summary["update"]["rag"]
    learned = summary["size"]["learned"]
    seconds = card["seconds"] * summary["notes"]["sections"] / learned
    return _row(
        "cost", ("Preparing the notes", "准备成本"), f"{rag['seconds']:.1f} s", f"{card['seconds']:.0f} s",
        RAG if card["seconds"] > rag["seconds"] else TUNED,
        (f"RAG: one ingestion after a change; fine-tuning: {learned} sections, about {seconds / 60:.0f} min for all",
         f"RAG：改动后重新入库一次；微调：{learned} 个章节，全部约需 {seconds / 60:.0f} 分钟"),
    )  # fmt: skip


def _data(summary: Record) -> Record:
    first, last = summary["curve"][0], summary["curve"][-1]
    wordings = _difference(summary, "fine-tuned", "fine-tuned-one-wording")
    gain = last["right"]["mean"] - first["right"]["mean"]
    words = f"{wordings['mean']:+.2f} [{wordings['low']:+.2f}, {wordings['high']:+.2f}]"
    return _row(
        "data", ("Need of data", "数据依赖"), "0", f"{last['examples']}", RAG,
        (f"examples: {last['examples']} gained {gain:+.2f}; several wordings over one {words}",
         f"训练样例：{last['examples']} 条带来 {gain:+.2f}；多种问法比一种 {words}"),
    )  # fmt: skip


def _forgetting(summary: Record) -> Record:
    ratio, skill = summary["general"]["ratio"], summary["general"]["skill"]
    lost = ratio["low"] > 1.05 or skill["high"] < 0
    return _row(
        "forgetting", ("Forgetting", "遗忘"), "×1.00", f"×{ratio['mean']:.2f}", RAG if lost else TIE,
        (f"perplexity of general text [{ratio['low']:.2f}, {ratio['high']:.2f}]; general questions {skill['mean']:+.2f}",
         f"通用文本困惑度 [{ratio['low']:.2f}, {ratio['high']:.2f}]；通用问题 {skill['mean']:+.2f}"),
    )  # fmt: skip


def _from_written(summary: Record, key: str, *, more_is_better: bool) -> tuple[Record | None, Record | None, str]:
    rag, tuned = (summary["written"][arm][key] for arm in ("rag", "fine-tuned"))
    if not (rag and tuned):
        return rag, tuned, TIE
    ahead = RAG if rag["low"] > tuned["high"] else TUNED if tuned["low"] > rag["high"] else TIE
    other: Callable[[str], str] = {RAG: TUNED, TUNED: RAG, TIE: TIE}.__getitem__
    return rag, tuned, ahead if more_is_better else other(ahead)


def _faithful(summary: Record) -> Record:
    rag, tuned, winner = _from_written(summary, "faithfulness", more_is_better=True)
    return _row(
        "faithful", ("Faithfulness", "忠实度"), _interval(rag), _interval(tuned), winner,
        ("share of the sentences that the notes support", "有笔记支持的句子占比"),
    )  # fmt: skip


def _made_up(summary: Record) -> Record:
    rag, tuned, winner = _from_written(summary, "made_up", more_is_better=False)
    return _row(
        "made_up", ("Made up", "幻觉"), _interval(rag), _interval(tuned), winner,
        ("answers to questions about things that do not exist", "对不存在的事物仍给出回答的比例"),
    )  # fmt: skip


def _noise(summary: Record) -> Record:
    found = _difference(summary, "fine-tuned-distractors", "distractors")
    words = f"{found['mean']:+.2f} [{found['low']:+.2f}, {found['high']:+.2f}]"
    base, tuned = (_interval(summary["choices"][arm]) for arm in ("distractors", "fine-tuned-distractors"))
    return _row(
        "noise", ("Wrong passages only", "只有干扰段落"), base, tuned, _by_interval(-found["high"], -found["low"]),
        (f"trained reader over untrained {words} (RAFT)", f"训练过的读者比未训练的 {words}（RAFT）"),
    )  # fmt: skip
