"""The metrics by name, with what a person calls them, in the order in which they are shown."""

from __future__ import annotations

from dataclasses import dataclass

RETRIEVAL = "retrieval"  # the arm that holds the metrics of the search


@dataclass(frozen=True, slots=True)
class MetricName:
    """A metric.

    Attributes:
        key: its name in records, `metrics.json` and `--fail-under`.
        en, zh: what it is called.
        en_hint, zh_hint: what it measures, in a few words.
        unit: whether it lies between 0 and 1, and more is better.
    """

    key: str
    en: str
    zh: str
    en_hint: str
    zh_hint: str
    unit: bool = True


SEARCH_METRICS = (
    MetricName("recall@1", "Recall@1", "召回率@1", "a gold section is the first hit", "首个结果即标准章节"),
    MetricName("recall@5", "Recall@5", "召回率@5", "gold sections among the first 5 hits", "标准章节进入前 5 个结果"),
    MetricName("recall@10", "Recall@10", "召回率@10", "gold sections among the first 10 hits", "标准章节进入前 10 个结果"),
    MetricName("mrr@10", "MRR@10", "MRR@10", "1 / rank of the first gold section", "首个标准章节名次的倒数"),
    MetricName("ndcg@10", "nDCG@10", "nDCG@10", "discounted gain of the first 10 hits", "前 10 个结果的折损增益"),
    MetricName("map", "MAP", "MAP", "mean precision at gold sections", "标准章节处的平均精度"),
    MetricName("key_facts@5", "Key facts found", "检索到的要点", "key facts within the first 5 hits", "前 5 个结果包含的要点"),
    MetricName("context_precision", "Context precision", "上下文精确率", "gold sections stand first", "标准章节排在前面"),
    MetricName(
        "context_recall", "Context recall", "上下文召回率", "the reference is supported by the hits", "参考答案可由检索结果支持"
    ),
)
ANSWER_METRICS = (
    MetricName("faithfulness", "Faithfulness", "忠实度", "claims that the notes support", "能由笔记支持的论断"),
    MetricName("key_facts", "Key facts stated", "要点覆盖", "key facts that the answer states", "答案说出的要点"),
    MetricName("answer_relevance", "Answer relevance", "答案相关性", "the answer answers the question", "答案是否回答了问题"),
    MetricName("similarity", "Similarity", "语义相似度", "embedding cosine with the reference", "与参考答案的向量余弦"),
    MetricName("token_f1", "Token F1", "词级 F1", "words in common with the reference", "与参考答案共有的词"),
    MetricName("rouge_l", "ROUGE-L", "ROUGE-L", "words in the reference's order", "与参考答案同序的词"),
    MetricName(
        "citation_recall", "Citation recall", "引用召回率", "sentences that their citations support", "能由所引出处支持的句子"
    ),
    MetricName("citation_precision", "Citation precision", "引用精确率", "citations that are of use", "起作用的引用"),
    MetricName("refusal_right", "Right to answer or refuse", "答拒正确率", "answered or refused as due", "该答则答、该拒则拒"),
    MetricName("answered_when_due", "Answered when due", "应答率", "answerable questions answered", "可答问题得到回答"),
    MetricName("refused_when_due", "Refused when due", "拒答率", "unanswerable questions refused", "不可答问题被拒答"),
    MetricName("language_match", "Language match", "语言一致", "in the question's language and script", "与问题同语言、同字体"),
    MetricName("support", "Shown support", "显示的支持度", "mean support shown with the answers", "答案中显示的支持度均值"),
    MetricName("composed", "Composed opening", "模型开头", "answers that the model opens", "由模型写出开头的答案"),
    MetricName("prompt_tokens", "Prompt tokens", "提示词元数", "tokens read by the model", "模型读入的词元", unit=False),
    MetricName(
        "completion_tokens", "Completion tokens", "生成词元数", "tokens written by the model", "模型写出的词元", unit=False
    ),
)
METRICS = {metric.key: metric for metric in (*SEARCH_METRICS, *ANSWER_METRICS)}
SEARCH_KEYS = frozenset(metric.key for metric in SEARCH_METRICS)
