"""Follow-ups take their subject from earlier questions; questions that stand alone are left alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.documents import Chunk, Language, SourceMap
from corpus.results import Hit, Scores
from retrieval.query import analyse, in_language_of


@pytest.mark.parametrize(
    ("history", "question"),
    [
        # pointing back
        ("什么是 RoPE？", "它有什么缺点？"),
        ("什么是 RoPE？", "那它的底数怎么选？"),
        ("LayerNorm 和 RMSNorm 有什么区别？", "前者的公式怎么写？"),
        ("LayerNorm 和 RMSNorm 有什么区别？", "两者的参数量一样吗？"),
        ("什麼是 ALiBi？", "它的斜率怎麼取？"),
        ("什麼是 ALiBi？", "這種方法有什麼缺點？"),
        ("什么是 QLoRA？", "其显存占用是多少？"),
        ("什么是 QLoRA？", "为什么？"),
        ("What is ALiBi?", "How are its slopes chosen?"),
        ("What is ALiBi?", "Are they learned during training?"),
        ("What is ALiBi?", "Which models use it?"),
        ("PTQ or QAT?", "When is the latter worth the cost?"),
        ("What is ALiBi?", "Why?"),
        ("What is RoPE?", "What about YaRN?"),
        ("What is RoPE?", "And how does YaRN extend it?"),
        # naming a subject and pointing back all the same
        ("AWQ 是什么？", "它跟 GPTQ 比，哪个更容易过拟合？"),
        # naming only what is asked about a subject
        ("什么是 RoPE？", "公式是什么？"),
        ("什么是 RoPE？", "有什么优点？"),
        ("What is RoPE?", "What are the drawbacks?"),
        ("What is RoPE?", "Show the implementation"),
        ("什么是 QLoRA？", "显存能省多少？"),
        ("What is speculative decoding?", "How much throughput is gained?"),
    ],
)
def test_a_follow_up_gets_its_subject(history: str, question: str) -> None:
    assert analyse(question, [history]).text == f"{history} {question}"


@pytest.mark.parametrize(
    "question",
    [
        "为什么 Transformer 用 LayerNorm 而不是 BatchNorm？",
        "RoPE 和 ALiBi 有什么区别？",
        "量化感知訓練和訓練後量化差在哪？",
        "RoPE 尤其适合什么场景？",
        "ALiBi 与其他位置编码有什么区别？",
        "RAG 系统其实需要微调吗？",
        "How does LoRA work?",
        "What is the difference between PTQ and QAT?",
        "How many bits does QLoRA use for the weights?",
        "Why is RoPE attention said to decay with distance?",
    ],
)
def test_a_question_that_stands_alone_is_left_alone(question: str) -> None:
    assert analyse(question, ["什么是困惑度？", "What is perplexity?"]).text == question


@pytest.mark.parametrize(
    ("history", "subject"),
    [
        (["什么是 RoPE？", "它有什么缺点？", "为什么？"], "什么是 RoPE？"),  # the latest turn that names a subject
        (["什么是 RoPE？", "什么是 ALiBi？"], "什么是 ALiBi？"),
        (["什么是 RoPE？", "公式是什么？"], "什么是 RoPE？"),  # an aspect is no subject
        (["他是谁？", "在哪里？"], "在哪里？"),  # none does: the latest
        (["  What is RoPE?  "], "What is RoPE?"),
    ],
)
def test_the_subject_is_the_latest_one(history: list[str], subject: str) -> None:
    assert analyse("它怎么实现？", history).text == f"{subject} 它怎么实现？"


@pytest.mark.parametrize(
    ("question", "language"),
    [("它的公式是什么？", "zh-Hans"), ("它的公式是什麼？", "zh-Hant"), ("What is its formula?", "en")],
)
def test_the_answer_is_in_the_language_of_the_question(question: str, language: Language) -> None:
    """Whatever the earlier questions were in."""
    for history in ([], ["什么是旋转位置编码？"], ["什麼是旋轉位置編碼？"], ["What is RoPE?"]):
        assert analyse(question, history).language == language


@pytest.mark.parametrize(
    ("question", "history", "language"),
    [
        ("训练阶段有哪些？", ["RLHF 是什麼？"], "zh-Hans"),  # its own characters tell
        ("RLHF 有哪三步？", ["什麼是獎勵模型？"], "zh-Hant"),  # no character tells, so the turn before does
        ("RLHF 有哪三步？", ["什麼是獎勵模型？", "PPO?", "What is DPO?"], "zh-Hant"),
        ("RLHF 有哪三步？", ["What is DPO?"], "zh-Hans"),
        ("AWQ", ["什麼是量化？"], "zh-Hant"),
        ("AWQ vs GPTQ", ["GPTQ", "什么是量化？", "RTN"], "zh-Hans"),
        ("AWQ", ["What is quantization?"], "en"),
    ],
)
def test_what_no_word_tells_the_turns_before_do(question: str, history: list[str], language: Language) -> None:
    query = analyse(question, history)
    assert (query.language, query.names_only) == (language, False)


@pytest.mark.parametrize("question", ["AWQ", "rerope", "AWQ vs GPTQ", "rope ntk", "gradient checkpointing"])
def test_names_alone_are_answered_in_the_language_of_the_notes(question: str) -> None:
    query = analyse(question)
    assert query.names_only
    hits = [hit_in(language) for language in ("en", "other", "zh-Hant", "zh-Hant")]
    assert in_language_of(query, hits).language == "zh-Hant"
    assert in_language_of(query, ()).language == "en"


@pytest.mark.parametrize("question", ["What is AWQ?", "explain RoPE", "AWQ 是什么", "cost of RLHF", "AWQ drawbacks", ""])
def test_words_give_a_question_its_language(question: str) -> None:
    query = analyse(question)
    assert not query.names_only
    assert in_language_of(query, [hit_in("zh-Hant")]) == query


@pytest.mark.parametrize(
    ("question", "history", "language"),
    [
        ("RLHF 有哪三步？", [], "zh-Hant"),
        ("量化", ["RLHF 有哪三步？"], "zh-Hant"),
        ("量化", ["什么是 RLHF？"], "zh-Hans"),
        ("什么是量化？", [], "zh-Hans"),
    ],
)
def test_chinese_that_both_scripts_share_is_answered_in_that_of_the_notes(
    question: str, history: list[str], language: Language
) -> None:
    query = analyse(question, history)
    hits = [hit_in(language) for language in ("en", "en", "en", "zh-Hant", "zh-Hant")]
    assert in_language_of(query, hits).language == language
    assert in_language_of(query, hits[:3]).language == "zh-Hans"  # notes in another language have no script


def hit_in(language: Language) -> Hit:
    chunk = Chunk("a.md", 0, (), "AWQ", 0, 3, SourceMap(), language, 1)
    return Hit(1, chunk, 1.0, Scores())


@given(st.text())
def test_without_history_a_question_is_only_trimmed(question: str) -> None:
    query = analyse(question)
    assert query.question == query.text == question.strip()


@given(st.text(), st.lists(st.text(), max_size=3))
def test_a_question_always_ends_the_search_text(question: str, history: list[str]) -> None:
    query = analyse(question, history)
    assert query.text.endswith(query.question)
