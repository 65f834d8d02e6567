"""The table that notes draw from memory, row by row from measurements: what each side scored, and who is ahead by how much.

A row is decided only where the figures decide it: shares by a paired interval that leaves 0 out, counts of a few facts by two or
more, costs by a factor of 1.5.
"""

from __future__ import annotations

from typing import Any

from eval.comparison.estimates import signed, words

Record = dict[str, Any]
Both = tuple[str, str]  # English and Chinese
_FACTOR, _FACTS = 1.5, 2
_PARTS = {"generator": "生成模型", "adapter": "适配器", "embeddings": "向量模型", "reranker": "重排模型", "checker": "核查模型",
          "index": "索引"}  # fmt: skip
RAG, TUNED, TIE = "rag", "fine-tuning", "undecided"


def verdicts(summary: Record) -> list[Record]:
    """Rows with `name` and `text` in both languages, both sides' figures, and the `winner`."""
    rows = (
        _accuracy, _reworded, _rare, _answers, _faithful, _made_up, _update, _stale, _data, _cost, _latency, _memory, _setup,
        _forgetting, _noise,
    )  # fmt: skip
    return [row for make in rows if (row := make(summary))]


def _row(key: str, name: Both, sides: Both, winner: str, text: Both, difference: str = "") -> Record:
    """`sides`: the figures of RAG and of fine-tuning; `difference`: RAG's over fine-tuning's, paired, where there is one."""
    return {
        "key": key,
        "name": {"en": name[0], "zh": name[1]},
        "rag": sides[0],
        "tuned": sides[1],
        "difference": difference,
        "winner": winner,
        "text": {"en": text[0], "zh": text[1]},
    }


def _paired_row(key: str, name: Both, sides: tuple[Record, Record], difference: Record, text: Both) -> Record:
    """A row of shares, more of which is better, decided by RAG's over fine-tuning's, paired."""
    both = (words(sides[0]), words(sides[1]))
    return _row(key, name, both, _by_interval(difference), text, f"{signed(difference)} n={difference['n']}")


def _by_interval(difference: Record) -> str:
    return RAG if difference["low"] > 0 else TUNED if difference["high"] < 0 else TIE


def _by_factor(rag: float, tuned: float) -> str:
    """Who needs less, by a factor."""
    return RAG if tuned > _FACTOR * rag else TUNED if rag > _FACTOR * tuned else TIE


def _difference(summary: Record, arm: str, over: str) -> Record:
    return next(d for d in summary["differences"] if (d["arm"], d["over"]) == (arm, over))


def _accuracy(summary: Record) -> Record:
    sides = summary["choices"]
    return _paired_row(
        "accuracy", ("Right answers", "答对率"), (sides["rag"], sides["fine-tuned"]), _difference(summary, "rag", "fine-tuned"),
        ("multiple choice; chance is 0.25", "选择题，随机为 0.25"),
    )  # fmt: skip


def _reworded(summary: Record) -> Record:
    sides = summary["choices"]
    return _paired_row(
        "reworded", ("In other words", "换一种问法"), (sides["rag-reworded"], sides["fine-tuned-reworded"]),
        _difference(summary, "rag-reworded", "fine-tuned-reworded"),
        ("the same, in wordings that were not learned", "同样的题，用训练时没有见过的问法"),
    )  # fmt: skip


def _rare(summary: Record) -> Record | None:
    found = summary["popularity_differences"].get("rare")
    if not found:
        return None
    sides = {arm: summary["popularity"][arm]["rare"] for arm in ("rag", "fine-tuned", "base")}
    base = sides["base"]["mean"]
    return _paired_row(
        "tail", ("Rare subjects", "长尾知识"), (sides["rag"], sides["fine-tuned"]), found,
        (f"subjects that the fewest sections name; untrained {base:.2f}", f"被最少章节提到的主题；未训练时 {base:.2f}"),
    )  # fmt: skip


def _written(summary: Record, key: str, metric: str, name: Both, text: Both) -> Record | None:
    found = next(
        (d for d in summary["written_differences"] if (d["metric"], d["arm"], d["over"]) == (metric, "rag", "fine-tuned")), None
    )
    if not found:
        return None
    sides = (summary["written"]["rag"]["metrics"][metric], summary["written"]["fine-tuned"]["metrics"][metric])
    return _paired_row(key, name, sides, found, text)


def _answers(summary: Record) -> Record | None:
    return _written(
        summary, "answers", "token_f1", ("Answers in words", "文字作答"),
        ("words in common with what the notes say (F1)", "与笔记内容共有的词（F1）"),
    )  # fmt: skip


def _faithful(summary: Record) -> Record | None:
    return _written(
        summary, "faithful", "faithfulness", ("Faithfulness", "忠实度"),
        ("share of the sentences that the notes support", "有笔记支持的句子占比"),
    )  # fmt: skip


def _made_up(summary: Record) -> Record | None:
    return _written(
        summary, "made_up", "refused_when_due", ("Not made up", "不编造"),
        ("questions about what does not exist that are refused", "对不存在的事物拒绝作答的比例"),
    )  # fmt: skip


def _update(summary: Record) -> Record:
    """By how many answers in words are right; by the seconds if neither has more."""
    update = summary["update"]
    rag, tuned = update["rag"], update["fine-tuned"]
    ahead = rag["words"]["right"][0] - tuned["words"]["right"][0]
    winner = _by_factor(rag["seconds"], tuned["seconds"]) if abs(ahead) < _FACTS else RAG if ahead > 0 else TUNED
    sides = tuple(f"{side['seconds']:.1f} s → {_of(side['words']['right'])}" for side in (rag, tuned))
    return _row(
        "update", ("Notes change", "知识更新"), (sides[0], sides[1]), winner,
        ("seconds until so many added, corrected, deleted facts are right",
         "用时多少秒，之后新增、更正、删除的事实有多少条被答对"),
    )  # fmt: skip


def _stale(summary: Record) -> Record:
    rag, tuned = (summary["update"][side]["words"]["stale"] for side in ("rag", "fine-tuned"))
    more = tuned[0] - rag[0]
    return _row(
        "stale", ("Stale answers", "过时答案"), (_of(rag), _of(tuned)), TIE if abs(more) < _FACTS else RAG if more > 0 else TUNED,
        ("answers that still state a former or deleted value", "仍然说出旧值或已删除的值的回答"),
    )  # fmt: skip


def _of(count: tuple[int, int]) -> str:
    return f"{count[0]}/{count[1]}"


def _data(summary: Record) -> Record:
    """How few examples it takes until RAG, which needs none, is no longer ahead."""
    needed = [point["examples"] for point in summary["curve"] if point["behind"]["low"] <= 0]
    examples = min(needed) if needed else max(point["examples"] for point in summary["curve"])
    ends = ("until RAG is not ahead", "之后 RAG 不再领先") if needed else ("all of them leave RAG ahead", "全部用上后 RAG 仍领先")
    return _row(
        "data", ("Need of data", "数据依赖"), ("0", f"{examples}" if needed else f"> {examples}"), RAG if examples else TIE,
        (f"training examples, {ends[0]}", f"训练样例数，{ends[1]}"),
    )  # fmt: skip


def _cost(summary: Record) -> Record:
    card, learned, sections = summary["training"]["fine-tuned"], summary["size"]["learned"], summary["notes"]["sections"]
    rag, tuned = summary["ingest"]["all_seconds"], card["seconds"] * sections / learned
    return _row(
        "cost", ("Preparing all notes", "准备成本"), (f"{rag:.0f} s", f"{tuned:.0f} s"), _by_factor(rag, tuned),
        (f"ingestion, training; {learned} of {sections} sections took {card['seconds']:.0f} s",
         f"入库与训练；实测 {learned}/{sections} 个章节训练 {card['seconds']:.0f} 秒"),
    )  # fmt: skip


def _latency(summary: Record) -> Record:
    rag, tuned = (summary["footprint"][arm] for arm in ("rag", "fine-tuned"))
    sides = tuple(f"{side['seconds']:.1f} [{side['least']:.1f}, {side['most']:.1f}] s" for side in (rag, tuned))
    return _row(
        "latency", ("Seconds per answer", "回答耗时"), (sides[0], sides[1]), _by_factor(rag["seconds"], tuned["seconds"]),
        ("median [least, most]; RAG with search and check", "中位数 [最小, 最大]；RAG 含检索与核查"),
    )  # fmt: skip


def _memory(summary: Record) -> Record:
    rag, tuned = summary["footprint"]["rag"]["bytes"], summary["footprint"]["fine-tuned"]["bytes"]
    return _row(
        "memory", ("Memory", "内存"), (f"{rag / 1e9:.2f} GB", f"{tuned / 1e9:.2f} GB"), _by_factor(rag, tuned),
        ("most memory of a process that answers", "回答进程的内存峰值"),
    )  # fmt: skip


def _setup(summary: Record) -> Record:
    parts = summary["parts"]
    unused = {"adapter"} if summary["composes"] else {"adapter", "generator"}  # a RAG that quotes has no generator
    rag = {name: size for name, size in parts.items() if name not in unused}
    tuned = {name: size for name, size in parts.items() if name in ("generator", "adapter")}
    sides = tuple(f"{len(side)}, {sum(side.values()) / 1e6:.0f} MB" for side in (rag, tuned))
    return _row(
        "setup", ("Parts and disk", "组件与磁盘"), (sides[0], sides[1]), _by_factor(len(rag), len(tuned)),
        (f"{', '.join(rag)}; {', '.join(tuned)}",
         f"{'、'.join(_PARTS[name] for name in rag)}；{'、'.join(_PARTS[name] for name in tuned)}"),
    )  # fmt: skip


def _forgetting(summary: Record) -> Record:
    ratio, skill, right = (summary["general"][name] for name in ("ratio", "skill", "right"))
    lost = ratio["low"] > 1.05 or skill["high"] < 0
    spread = f"[{ratio['low']:.2f}, {ratio['high']:.2f}]"
    before, after = right["before"]["mean"], right["after"]["mean"]
    return _row(
        "forgetting", ("Forgetting", "遗忘"), ("×1.00", f"×{ratio['mean']:.2f} {spread}"), RAG if lost else TIE,
        (f"perplexity of general text; general questions {before:.2f} → {after:.2f}",
         f"通用文本困惑度；通用问题答对率 {before:.2f} → {after:.2f}"),
    )  # fmt: skip


def _noise(summary: Record) -> Record:
    """Not RAG against fine-tuning, but RAG's reader untrained against trained."""
    found = _difference(summary, "fine-tuned-distractors", "distractors")
    sides = (words(summary["choices"]["distractors"]), words(summary["choices"]["fine-tuned-distractors"]))
    turned = {"mean": -found["mean"], "low": -found["high"], "high": -found["low"]}
    return _row(
        "noise", ("Wrong passages only", "只有干扰段落"), sides, _by_interval(turned),
        ("RAG's reader untrained and trained (RAFT)", "RAG 的生成模型：未训练与训练过（RAFT）"),
        f"{signed(turned)} n={found['n']}",
    )  # fmt: skip
