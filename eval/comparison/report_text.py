"""What the report of a comparison says, in both languages."""

from __future__ import annotations

from corpus.errors import MessageLanguage

TEXT: dict[str, tuple[str, str]] = {
    "title": ("RAG against fine-tuning, on these notes", "RAG 与微调：在这些笔记上的对比"),
    "documents": ("documents", "篇文档"),
    "sections": ("sections", "个章节"),
    "sentences": ("sentences", "个句子"),
    "minutes": ("minutes of work", "分钟"),
    "processors": ("processors", "个处理器"),
    "sampled": ("Sampled:", "抽样："),
    "questions": ("multiple-choice questions", "道选择题"),
    "long_asked": ("of them with a whole document in the prompt", "道同时附上整篇文档"),
    "in_words": ("answered in words", "道用文字作答"),
    "facts": ("invented facts for the update test", "条虚构事实用于更新测试"),
    "advice": ("Advice", "建议"),
    "verdicts_note": (
        "A side is ahead only where the figures decide it: a paired 95% interval that leaves 0 out, two or more of the few "
        "invented facts, a factor of 1.5 in cost.",
        "只有数据足以判定时才分高下：成对差值的 95% 区间不含 0，虚构事实相差两条以上，或成本相差 1.5 倍以上。",
    ),
    "criterion": ("criterion", "项目"),
    "tuning": ("Fine-tuning", "微调"),
    "ahead": ("ahead", "占优"),
    "difference": ("RAG − fine-tuning", "RAG − 微调"),
    "measured": ("what was measured", "测量内容"),
    "winner_rag": ("RAG", "RAG"),
    "winner_fine-tuning": ("fine-tuning", "微调"),
    "winner_undecided": ("undecided", "未分高下"),
    "choices": ("Multiple choice", "选择题"),
    "choices_note": (
        "The option with the highest mean log-probability a token is the answer; one of four is right, chance is 0.25. "
        "Bars are means, thin lines 95% bootstrap intervals.",
        "以平均每个 token 的对数概率最高的选项为答案；四选一，随机为 0.25。色条为均值，细线为 95% 自助法区间。",
    ),
    "right": ("right", "答对"),
    "differences": ("Paired differences", "成对差值"),
    "popularity": ("By how often the notes name the subject", "按主题在笔记中出现的频度"),
    "popularity_note": (
        "Thirds of the questions; below, RAG over the fine-tuned model, paired.",
        "按题目数三等分；下表为 RAG 减微调的成对差值。",
    ),
    "differences_note": (
        "Each question with both values; what is in colour leaves 0 out.",
        "每道题取两种方式的成对差值；着色者区间不含 0。",
    ),
    "rare": ("rare", "少见"),
    "middle": ("middle", "中等"),
    "frequent": ("frequent", "常见"),
    "kinds": ("By kind of question", "按题型"),
    "fact": ("one number changed", "改动一个数字"),
    "statement": ("statements of other sections", "其他章节的句子"),
    "languages": ("By language", "按语言"),
    "zh": ("Chinese", "中文"),
    "en": ("English", "英文"),
    "learning": ("Learning", "训练"),
    "plot_curve": ("Right answers over training examples, closed book", "闭卷答对率与训练样例数"),
    "plot_loss": ("Loss of learned questions in unknown words", "已学问题换一种问法的损失"),
    "model": ("model", "模型"),
    "examples": ("examples", "样例"),
    "steps": ("steps", "步数"),
    "tokens": ("tokens", "token 数"),
    "seconds": ("seconds", "秒"),
    "ended_steps": ("steps", "步数用完"),
    "ended_minutes": ("minutes", "时间用完"),
    "ended_held-out loss": ("held-out loss", "留出集损失不再下降"),
    "ended": ("ended by", "结束原因"),
    "update": ("Notes change", "知识更新"),
    "update_note": (
        "Invented facts are added, corrected and deleted. First by options, right: the current value is preferred; stale: a "
        "former or deleted one. Some option is always preferred, so a model that never saw the facts prefers deleted values "
        "too: compare the first row. Then in words, as `ask` answers after the change; of a deleted fact, a refusal is right.",
        "虚构事实被新增、更正、删除。先看选择题：偏向当前值为答对，偏向旧值或已删除的值为过时。选择题必须选一项，从未见过这些事实的"
        "模型也会选中已删除的值，请对照第一行。再看文字作答，即改动之后 `ask` 的回答：已删除的事实以拒答为正确。",
    ),
    "change": ("change", "改动"),
    "change_add": ("added", "新增"),
    "change_correct": ("corrected", "更正"),
    "change_delete": ("deleted", "删除"),
    "untrained": ("never saw the facts", "从未见过这些事实"),
    "right_stale": ("right / stale", "答对 / 过时"),
    "in_words_after": ("In words, after the change", "改动之后的文字作答"),
    "stage": ("state", "阶段"),
    "stage_after": ("after stage {number}", "第 {number} 段训练之后"),
    "before": ("before the change", "改动之前"),
    "after": ("after", "改动之后"),
    "stale": ("stale", "过时"),
    "words": ("Answers in words", "文字作答"),
    "words_note": (
        "The answers of `ask`, with the metrics of `interview-rag eval`; all are judged by the same passages of the notes.",
        "`ask` 的回答，采用 `interview-rag eval` 的指标；各种方式都用同样的笔记段落来评判。",
    ),
    "quotes": (
        "RAG quotes the notes here, as the settings say: no model writes.",
        "按当前设置，RAG 在这里只摘录笔记，不由模型撰写。",
    ),
    "metric": ("metric", "指标"),
    "refused": ("refused", "拒答"),
    "cost": ("Cost", "成本"),
    "answer_seconds": ("seconds per answer (median)", "每次回答秒数（中位数）"),
    "load_seconds": ("seconds to load", "加载秒数"),
    "memory": ("most memory", "内存峰值"),
    "ingest": ("Ingestion of all notes", "全部笔记入库"),
    "of_chunks": ("chunks measured", "个片段实测"),
    "parts": ("On disk", "磁盘占用"),
    "forgetting": ("Forgetting", "遗忘"),
    "perplexity": ("Perplexity of general text", "通用文本困惑度"),
    "skill": ("General questions answered rightly", "通用问题答对率"),
    "arm": ("arm", "方式"),
    "not_measured": ("not measured", "未测量"),
    "arm_base": ("base, closed book", "基座，闭卷"),
    "arm_rag": ("RAG", "RAG"),
    "arm_gold": ("base, right passage", "基座，正确段落"),
    "arm_distractors": ("base, wrong passages", "基座，干扰段落"),
    "arm_long-context": ("base, whole document", "基座，整篇文档"),
    "arm_fine-tuned": ("fine-tuned, closed book", "微调，闭卷"),
    "arm_fine-tuned-rag": ("fine-tuned + RAG", "微调 + RAG"),
    "arm_fine-tuned-gold": ("fine-tuned, right passage", "微调，正确段落"),
    "arm_fine-tuned-distractors": ("fine-tuned, wrong passages", "微调，干扰段落"),
    "arm_fine-tuned-one-wording": ("fine-tuned, one wording", "微调，单一问法"),
    "arm_share": ("fine-tuned on {share}", "微调，只学 {share}"),
    "arm_rag-reworded": ("RAG, in other words", "RAG，换一种问法"),
    "arm_fine-tuned-reworded": ("fine-tuned, in other words", "微调，换一种问法"),
    "arm_fine-tuned-one-wording-reworded": ("fine-tuned on one wording, in other words", "微调单一问法，换一种问法"),
}


# The metrics of answers in words that the report shows, in order.
SHOWN_METRICS = (
    "similarity", "token_f1", "faithfulness", "answer_relevance", "citation_recall", "answered_when_due", "refused_when_due",
)  # fmt: skip


def texts(language: MessageLanguage) -> dict[str, str]:
    """All of it in one language."""
    return {name: both[language == "zh"] for name, both in TEXT.items()}
