"""Which lines of the hits become evidence."""

import numpy as np
import pytest
from hash_embedder import HashEmbedder
from word_reranker import WordReranker

from corpus.documents import Chunk, Language, SourceMap
from corpus.results import Hit, Scores
from generation.selection.evidence import beside, places_of, select_evidence
from generation.selection.evidence_choice import EvidenceSettings
from generation.selection.evidence_lines import Chosen, EvidenceSentence, arranged, nearest_of, opening_of
from generation.selection.evidence_reading import Place
from generation.selection.passage_units import units_of
from generation.selection.section_origins import under_sections
from generation.selection.titles import unnumbered
from retrieval.analysis import terms
from retrieval.bm25 import build_bm25
from retrieval.query import analyse
from retrieval.relevance import logit

GRANULARITY = """量化粒度有以下两种：
- 逐张量量化（per-tensor）：整个张量共用一个缩放因子。
- 逐通道量化（per-channel）：每个通道一个缩放因子，误差更小。
| --- | --- |
为什么要分组？
Frantar et al., 2022, arXiv:2210.17323。
"""


LONG = "在很长的范围里都是如此，" * 14


def make_chunk(text: str, heading: str = "量化粒度", language: Language = "zh-Hans", ordinal: int = 0) -> Chunk:
    return Chunk("q.md", ordinal, ("量化", heading), text, 0, len(text), SourceMap(), language, 100)


def select(question: str, *chunks: Chunk, **settings: float) -> list[str]:
    hits = tuple(Hit(rank, chunk, 1.0 - rank / 10, Scores()) for rank, chunk in enumerate(chunks, 1))
    evidence = select_evidence(
        analyse(question),
        hits,
        embedder=HashEmbedder(),
        bm25=build_bm25([terms(chunk.indexed_text()) for chunk in chunks]),
        reranker=None,
        reader=None,
        settings=EvidenceSettings(**settings),  # type: ignore[arg-type]
    )
    return [item.text for item in evidence.lines]


def test_the_sentence_asked_for_is_chosen_when_one_is_wanted() -> None:
    found = select("逐通道量化每个通道几个缩放因子", make_chunk(GRANULARITY), sentences=1)
    assert found == ["逐通道量化（per-channel）：每个通道一个缩放因子，误差更小。"]


def test_a_question_for_a_list_gets_all_of_it_with_what_leads_it_in() -> None:
    assert select("量化粒度有哪些？", make_chunk(GRANULARITY), sentences=1) == [
        "量化粒度有以下两种：",
        "- 逐张量量化（per-tensor）：整个张量共用一个缩放因子。",
        "- 逐通道量化（per-channel）：每个通道一个缩放因子，误差更小。",
    ]


STAGES = {
    "阶段一：SFT": "用人工写的回答微调模型。回答由标注者写成。",
    "阶段二：奖励模型": "训练一个打分的模型，数据是两两比较。",
    "阶段三：PPO": "用强化学习让分数变高，同时用 KL 惩罚限制偏离。",
}


def test_a_list_that_a_cut_parted_goes_on_in_the_next_passage() -> None:
    first = make_chunk("QLoRA 有三个技巧：\n- NF4 量化底座。\n- 双重量化缩放系数。", "QLoRA", ordinal=2)
    second = make_chunk("- 分页优化器。\n\n天气很好。", "QLoRA", ordinal=3)
    found = select("QLoRA 有哪三个技巧？", first, second, sentences=2)
    assert found == ["QLoRA 的技巧：", "- NF4 量化底座。", "- 双重量化缩放系数。", "分页优化器。"]
    assert len(select("QLoRA 有哪三个技巧？", first, make_chunk("- 分页优化器。", "别处", ordinal=3), sentences=2)) < 4


def test_the_sections_below_the_title_that_is_asked_are_the_parts_of_the_answer() -> None:
    """Each with its first sentence under its title, in the author's order, whatever the order of the hits."""
    chunks = [
        Chunk("q.md", n, ("训练", "RLHF 的三个阶段", title), text, 0, len(text), SourceMap(), "zh-Hans", 100)
        for n, (title, text) in enumerate(STAGES.items())
    ]
    other = Chunk("q.md", 9, ("训练", "RLHF 的数据", "来源"), "奖励模型的数据来自标注者。", 0, 13, SourceMap(), "zh-Hans", 100)
    found = select("RLHF 分成哪三個階段？", chunks[1], other, chunks[2], chunks[0], sentences=3)
    assert found == [
        "阶段一：SFT：用人工写的回答微调模型。",
        "阶段二：奖励模型：训练一个打分的模型，数据是两两比较。",
        "阶段三：PPO：用强化学习让分数变高，同时用 KL 惩罚限制偏离。",
    ]


def test_a_sentence_that_points_back_comes_with_the_one_before_it() -> None:
    found = select("零点固定为几", make_chunk("对称量化的范围以 0 为中心。它的零点固定为 0。无关的话。"), sentences=1)
    assert found == ["对称量化的范围以 0 为中心。", "它的零点固定为 0。"]


def test_the_sentence_that_a_passage_points_back_to_may_end_the_passage_before() -> None:
    before = make_chunk("无关的话。把段落直接放进提示词。", ordinal=3)
    asked = make_chunk("如果模型这时答对，说明缺的是知识。", ordinal=4)
    other = make_chunk("天气很好。", "别处", ordinal=3)
    chosen = [Chosen(Place(Hit(1, asked, 1.0, Scores()), 0, units_of(asked.text)[0]), 1.0)]
    for passages, found in (((before, asked), [asked.text]), ((other, asked), []), ((), [])):
        lines = arranged(chosen, "模型答对说明缺什么？", passages)
        assert [line.text for line in lines[1:]] == found
    (first, last) = arranged(chosen, "模型答对说明缺什么？", (before,))
    assert (first.text, first.chunk, last.follows) == ("把段落直接放进提示词。", before, True)


@pytest.mark.parametrize(
    ("text", "question", "found"),
    [
        (
            "令最低频等于插值的结果。两边同时取幂就得到新的底数。",
            "新的底数怎么得到？",
            ["令最低频等于插值的结果。", "两边同时取幂就得到新的底数。"],
        ),
        (
            "底数为一万时约为 0.16。底数改为五十万后，距离一千时约为 0.49。",
            "五十万的底数约为多少？",
            ["底数为一万时约为 0.16。", "底数改为五十万后，距离一千时约为 0.49。"],
        ),
        (
            "把段落直接放进提示词。如果模型这时答对，说明缺的是知识。",
            "模型答对说明缺什么？",
            ["把段落直接放进提示词。", "如果模型这时答对，说明缺的是知识。"],
        ),
        (
            f"底数为一万时，归一化内积随距离下降，{'在很长的范围里都是如此，' * 14}约为零点一六；底数改为五十万后约为零点四九。",
            "底数改为五十万后约为多少？",
            [
                f"底数为一万时，归一化内积随距离下降，{'在很长的范围里都是如此，' * 14}约为零点一六。",
                "底数改为五十万后约为零点四九。",
            ],
        ),
        (
            "第一阶段监督学习。第二阶段强化学习像另一种方法。",
            "第二阶段强化学习像什么",
            ["第一阶段监督学习。", "第二阶段强化学习像另一种方法。"],
        ),
    ],
)
def test_what_a_sentence_supposes_comes_before_it(text: str, question: str, found: list[str]) -> None:
    assert select(question, make_chunk(text), sentences=2) == found


def test_a_few_words_between_two_chosen_sentences_come_along() -> None:
    text = "GPTQ 逐列量化权重。误差要补偿。GPTQ 用海森矩阵补偿。"
    assert select("GPTQ 量化权重，用海森矩阵", make_chunk(text), sentences=2) == [f"{part}。" for part in text.split("。")[:-1]]
    apart = text.replace("误差要补偿。", "\n\n误差要补偿。\n\n")
    assert "误差要补偿。" not in select("GPTQ 量化权重，用海森矩阵", make_chunk(apart), sentences=2)


def test_formulas_of_the_same_symbols_do_not_repeat_each_other() -> None:
    text = "\n\n".join(
        f"{name} 的公式：\n\n$${formula}$$"
        for name, formula in (("Pre-Norm", "y = x + F(N(x))"), ("Post-Norm", "y = N(x + F(x))"), ("Post-LN", "y=N(x+F(x))"))
    )
    found = "\n".join(select("Pre-Norm 和 Post-Norm 怎么写", make_chunk(text)))
    assert "x + F(N(x))" in found
    assert ("N(x + F(x))" in found) != ("N(x+F(x))" in found)


def test_a_name_that_only_notes_in_the_other_language_have_is_looked_up_there() -> None:
    english = make_chunk("Shaw adds relative representations. Relative attention scores differ by offset.", "Relative", "en")
    chinese = make_chunk("DeBERTa 比 Shaw 多了位置对内容一项。")
    assert select("How do the attention scores of DeBERTa and Shaw differ?", english, chinese) == [
        "DeBERTa 比 Shaw 多了位置对内容一项。"
    ]
    # PyTorch is no name: it says how, not what.
    code = make_chunk("PyTorch 里 Shaw 的表示很短。")
    assert "Shaw adds relative representations." in select("PyTorch for Shaw, please", english, code)


def test_a_first_sentence_that_goes_on_from_its_title_is_told_under_it() -> None:
    sizes = make_chunk("这个参数禁止重复的片段。", "no_repeat_ngram_size")
    assert select("怎么禁止重复的片段？", sizes) == ["no_repeat_ngram_size：这个参数禁止重复的片段。"]


@pytest.mark.parametrize(
    ("question", "title", "text", "shown"),
    [
        ("GraphRAG 的代价是什么？", "6. 直接调大 base", "代价是得继续训练。", "“直接调大 base”一节：代价是得继续训练。"),
        ("GraphRAG 的代价是什么？", "GraphRAG 的代价", "更新也麻烦。", "更新也麻烦。"),  # the question says as much
        ("GraphRAG 的代价是什么？", "Self-RAG", "Self-RAG 要训练模型。", "Self-RAG 要训练模型。"),  # the line does
        ("GraphRAG 的代价是什么？", "GPTQ 的原理是什么？", "GPTQ 依赖校准数据。", "GPTQ 依赖校准数据。"),  # it names the subject
        ("top-p 和 min-p 的区别", "Q4：min-p 呢", "阈值跟着最大概率走。", "“min-p 呢”一节：阈值跟着最大概率走。"),
        ("GraphRAG 的代价是什么？", "总结", "代价是贵。", "“RAG 面试题”一节：代价是贵。"),  # the title above it does
    ],
)
def test_what_is_told_from_another_section_says_from_which(question: str, title: str, text: str, shown: str) -> None:
    first = make_chunk("GraphRAG 建索引贵，top-p 和 min-p 不同。", "RAG")
    other = Chunk("r.md", 0, ("RAG 面试题", title), text, 0, len(text), SourceMap(), "zh-Hans", 100)
    places = [Place(Hit(rank, chunk, 1.0, Scores()), 0, units_of(chunk.text)[0]) for rank, chunk in enumerate((first, other), 1)]
    lines = under_sections(arranged([Chosen(places[0], 2.0), Chosen(places[1], 0.0)], question), question)
    assert [line.text for line in lines] == [first.text, shown]
    assert lines[1].stated == text


def test_a_first_line_from_a_section_about_something_else_says_so() -> None:
    question = "KV 缓存量化的代价？"
    first = make_chunk("量化的代价是要校准。", "SmoothQuant 的原理")
    other = make_chunk("量化之后精度会下降。", "量化", ordinal=4)
    places = [Place(Hit(rank, chunk, 1.0, Scores()), 0, units_of(chunk.text)[0]) for rank, chunk in enumerate((first, other), 1)]
    lines = under_sections(arranged([Chosen(places[0], 2.0), Chosen(places[1], 0.0)], question), question)
    assert [line.text for line in lines] == ["“SmoothQuant 的原理”一节：量化的代价是要校准。", other.text]


def test_titles_inside_a_passage_part_it_as_sections_do() -> None:
    """Small sections share a passage, and what one says is not told as the other's."""
    text = "### GPTQ\n逐列量化权重，每次一列。\n\n### AWQ\n它把重要的通道放大，再量化权重。"
    assert select("GPTQ 怎么量化权重？", make_chunk(text, "方法"), gap=99.0, elsewhere=0.0) == ["逐列量化权重，每次一列。"]
    both = select("GPTQ 怎么量化权重？", make_chunk(text, "方法"), gap=99.0, elsewhere=99.0)
    assert both == ["逐列量化权重，每次一列。", "AWQ：它把重要的通道放大，再量化权重。"]


def test_an_english_line_from_another_section_says_so_in_english() -> None:
    first = make_chunk("LoRA adds no latency after merging.", "LoRA", "en")
    other = make_chunk("The base is frozen, but skills may still be lost.", "Catastrophic forgetting", "en", 4)
    places = [Place(Hit(rank, chunk, 1.0, Scores()), 0, units_of(chunk.text)[0]) for rank, chunk in enumerate((first, other), 1)]
    question = "Does LoRA slow down inference?"
    lines = under_sections(arranged([Chosen(places[0], 2.0), Chosen(places[1], 0.0)], question), question)
    assert lines[1].text == "Under “Catastrophic forgetting”: The base is frozen, but skills may still be lost."


def test_one_item_comes_with_the_condition_above_it() -> None:
    text = "Empirically, for models of this kind that were trained with a context of 4K:\n- beyond 16K quality drops\n- weather"
    found = select("What happens to quality beyond 16K?", make_chunk(text, "Limits", "en"), sentences=1)
    assert found == [text.splitlines()[0], "- beyond 16K quality drops"]


def test_evidence_stands_in_reading_order_whatever_the_rank_of_its_chunk() -> None:
    first = make_chunk("GPTQ 逐列量化权重。", ordinal=0)
    second = make_chunk("GPTQ 用海森矩阵补偿误差。", ordinal=1)
    assert select("GPTQ 是什么", second, first) == ["GPTQ 逐列量化权重。", "GPTQ 用海森矩阵补偿误差。"]


def test_the_same_sentence_in_two_notes_is_taken_once() -> None:
    assert select("GPTQ", make_chunk("GPTQ 逐列量化权重。"), make_chunk("GPTQ 逐列量化權重。", "別處", "zh-Hant", 4)) == [
        "GPTQ 逐列量化权重。"
    ]


def test_an_answer_is_in_one_language_the_questions_if_its_notes_can_compete() -> None:
    chinese = make_chunk("GPTQ 逐列量化权重，每次一列。")
    english = make_chunk("GPTQ quantizes the weights column by column.", "How does GPTQ work?", "en")
    assert select("GPTQ weights", chinese, english) == ["GPTQ quantizes the weights column by column."]
    assert select("GPTQ 权重", chinese, english) == ["GPTQ 逐列量化权重，每次一列。"]


def test_notes_that_have_the_numbered_name_of_the_question_answer_it_in_whatever_language() -> None:
    chinese = make_chunk("GPT-1 用 BooksCorpus 训练，共七千本书。")
    english = make_chunk("The data that models are trained on is text. What data was trained on matters.", "Data", "en")
    assert any("BooksCorpus" in text for text in select("What data was GPT-1 trained on?", english, chinese, sentences=2))


def test_what_is_told_of_another_number_is_no_answer() -> None:
    other = make_chunk("- GPU 的 batch 大小为 512。\n- 层数为 48。", "GPT-2 的参数")
    asked = make_chunk("- 层数为 96。\n- 头数为 96。", "GPT-3 的参数")
    found = select("GPT-3 的 batch 大小和层数是多少？", other, asked, sentences=3, gap=99.0, elsewhere=99.0)
    assert found
    assert not any("512" in text or "48" in text for text in found)


def test_listings_only_where_code_is_asked_for() -> None:
    chunk = make_chunk("RMSNorm 只除以均方根。\n\n```python\nx / rms(x)\n```")
    assert select("RMSNorm 是什么？", chunk) == ["RMSNorm 只除以均方根。"]
    assert "```python\nx / rms(x)\n```" in select("RMSNorm 的代码怎么写？", chunk)


def test_an_item_that_stands_alone_is_told_under_its_title() -> None:
    gpt2, gpt3 = (make_chunk(f"- 参数：{count}", heading) for heading, count in (("GPT-2", "15 亿。"), ("GPT-3", "1750 亿。")))
    assert set(select("参数规模各是多大", gpt2, gpt3, elsewhere=99.0)) == {"GPT-2——参数：15 亿。", "GPT-3——参数：1750 亿。"}


def test_a_row_that_names_its_subject_is_not_told_under_the_title_of_another() -> None:
    table = make_chunk("| 方法 | 动谁 |\n| --- | --- |\n| RoPE | 角度 |\n| 合计 | 分数 |", "YaRN")
    other = make_chunk("天气很好。", "别处", ordinal=4)
    rows = [Place(Hit(1, table, 1.0, Scores()), n, unit) for n, unit in enumerate(units_of(table.text)) if unit.kind == "row"]
    elsewhere = Place(Hit(2, other, 1.0, Scores()), 0, units_of(other.text)[0])
    for row, shown in zip(rows, ("RoPE——动谁：角度", "YaRN：合计——动谁：分数"), strict=True):
        assert arranged([Chosen(row, 2.0), Chosen(elsewhere, 0.0)], "各动谁？")[0].text == shown


@pytest.mark.parametrize(
    ("lead", "shown"),
    [
        ("GPTQ 的要点有四个：", "GPTQ 的要点："),
        ("GPTQ 有四个要点：", "GPTQ 的要点："),
        ("GPTQ 的要点可以归纳为四类情况：", "GPTQ 的要点："),
        ("量化的演进可以归纳为四次转变：", "量化的演进的转变："),
    ],
)
def test_a_lead_that_counts_more_than_is_shown_loses_its_count(lead: str, shown: str) -> None:
    items = "".join(
        f"- GPTQ 的第 {n} 点：{text}。\n" for n, text in enumerate(("逐列量化", "补偿误差", "天气很好", "随便写写"), 1)
    )
    found = select("GPTQ 逐列量化补偿误差", make_chunk(f"{lead}\n{items}"), sentences=2, gap=99.0, elsewhere=99.0)
    assert found == [shown, "- GPTQ 的第 1 点：逐列量化。", "- GPTQ 的第 2 点：补偿误差。"]


def test_a_sentence_that_counts_more_than_is_shown_is_left_out() -> None:
    lead = "量化方法很多，这里要讲的 GPTQ 有四个要点，分别是："
    items = "".join(
        f"- GPTQ 的第 {n} 点：{text}。\n" for n, text in enumerate(("逐列量化", "补偿误差", "天气很好", "随便写写"), 1)
    )
    found = select("GPTQ 逐列量化补偿误差", make_chunk(f"{lead}\n{items}"), sentences=2, gap=99.0, elsewhere=99.0)
    assert len(found) == 2


def test_items_score_as_high_as_the_line_that_announces_them() -> None:
    chunk = make_chunk(
        "模型产生幻觉的原因有：\n- 语料重复。\n- 采样随机。\n- 数据噪声。\n\n模型可能编造。模型需要评估。模型要部署。"
    )
    found = select("模型产生幻觉的原因", chunk, sentences=4)
    assert found[:4] == ["模型产生幻觉的原因有：", "- 语料重复。", "- 采样随机。", "- 数据噪声。"]


def test_the_list_under_a_title_that_is_the_question_answers_it() -> None:
    reasons = make_chunk("- 语料重复。\n- 采样随机。\n- 数据噪声。\n", "模型为什么会产生幻觉？")
    other = make_chunk("幻觉影响模型的可信度。模型会产生幻觉，后果严重。", "幻觉有什么危害？")
    found = select("为什么模型会产生幻觉", reasons, other, sentences=6)
    assert set(found) >= {"语料重复。", "采样随机。", "数据噪声。"}


def test_of_a_list_of_names_those_that_the_question_gives_are_taken() -> None:
    items = (
        "- PTQ：训练后量化，无需训练。\n- QAT：量化感知训练，需要训练。\n- GGUF：一种量化文件格式。\n- GGML：CPU 上的量化库。\n"
    )
    found = select("PTQ 和 QAT 量化有什么区别？", make_chunk(items), sentences=4)
    assert {text[:3] for text in found} == {"PTQ", "QAT"}


@pytest.mark.parametrize(
    "text",
    [
        "版本：\n\n| | 要点 |\n|---|---|\n| FA1 | 分块 |\n| FA2 | 沿序列并行 |\n| FA3 | 异步 |",
        "版本：\n- FA1：分块\n- FA2（2023）：沿序列并行\n- FA3：异步\n- FA4：没读",
    ],
)
def test_the_rows_or_items_that_a_question_names_are_all_taken(text: str) -> None:
    found = "\n".join(select("FA1 / FA2 / FA3 各改了什么", make_chunk(text), sentences=3, gap=0.1))
    assert all(told in found for told in ("分块", "沿序列并行", "异步"))
    assert "没读" not in found


def test_what_is_compared_may_be_named_otherwise_in_a_list() -> None:
    items = "- LLM：参数有数十亿。\n- 传统方法：参数较少。\n"
    found = select("LLM 和统计语言模型的参数有什么区别？", make_chunk(items), sentences=4)
    assert {text[:3] for text in found} == {"LLM", "传统方"}


def test_a_formula_that_is_asked_for_is_shown() -> None:
    chunk = make_chunk("余弦编码的公式写在这里，先说公式的用途。\n\n$$\nPE = \\sin(x)\n$$\n$$\nPE = \\cos(x)\n$$\n")
    found = select("余弦编码的公式是什么？", chunk, sentences=2)
    assert any("sin" in text and "cos" in text for text in found)


def test_numbered_parts_of_a_passage_are_told_by_their_titles() -> None:
    chunk = make_chunk("### 1. 减少参数量\n权重共享后两层共用一个矩阵。\n\n### 2. 语义一致\n权重共享让输入输出对齐。\n")
    assert select("为什么要权重共享？", chunk, sentences=3, gap=99.0, elsewhere=99.0) == [
        "减少参数量：权重共享后两层共用一个矩阵。",
        "语义一致：权重共享让输入输出对齐。",
    ]


def test_drawbacks_are_no_answer_to_a_question_for_advantages() -> None:
    chunk = make_chunk("GPTQ 的缺点：\n- GPTQ 可能过拟合。\n- GPTQ 速度慢。\n\nGPTQ 的优点：\n- 支持 3 bit。\n- 内核多。\n")
    assert not any("过拟合" in text or "速度慢" in text for text in select("GPTQ 有什么优点？", chunk, sentences=2))


def test_the_list_of_the_side_that_is_asked_for_is_taken_whole() -> None:
    text = "思路是隐式奖励。\n\n優點：\n- 好训练\n- 不采样\n\n缺點：\n- 离线数据，不探索\n- 只管差值\n- 容易过拟合"
    found = select("DPO 缺点", make_chunk(text, heading="四、DPO"), sentences=5, gap=0.1)
    assert found == ["缺點：", "- 离线数据，不探索", "- 只管差值", "- 容易过拟合"]


def test_beside_an_item_that_is_the_side_asked_for_stands_something_else() -> None:
    text = "- No embedding at all.\n- Linear penalty on the logits.\n- Pros: no parameters.\n- Cons: recency bias of ALiBi."
    found = select("What are the cons of ALiBi?", make_chunk(text, "ALiBi", "en"), gap=0.1)
    assert [line for line in found if "Cons" in line or "recency" in line] == found != []


def test_the_listing_stands_first_where_code_is_asked_for() -> None:
    chunk = make_chunk("RMSNorm 只除以均方根。\n\nRMSNorm 的实现：\n```python\nx / rms(x)\n```")
    assert select("RMSNorm 的代码怎么写？", chunk)[0] in ("RMSNorm 的实现：", "```python\nx / rms(x)\n```")


@pytest.mark.parametrize(
    ("question", "scores", "order"),
    [
        ("KIVI 的键按什么量化？", (0.0, 2.0, 0.5), (1, 0, 2)),  # a fact
        ("KIVI 为什么按通道量化？", (0.0, 2.0, 0.5), (0, 1, 2)),  # a reason, built up by its author
        ("KIVI 为什么按通道量化？", (0.0, 4.0, 0.5), (1, 0, 2)),  # one that stands out far
        ("KIVI 量化的步骤是什么？", (0.0, 4.0, 0.5), (0, 1, 2)),
    ],
)
def test_a_line_that_stands_out_goes_first(question: str, scores: tuple[float, ...], order: tuple[int, ...]) -> None:
    texts = ("KV 缓存存放过去的键和值。", "KIVI 的键按通道量化。", "KIVI 达到 2 bit。")
    chunk = make_chunk("".join(texts))
    hit = Hit(1, chunk, 1.0, Scores())
    places = [Place(hit, number, unit) for number, unit in enumerate(units_of(chunk.text))]
    lines = arranged([Chosen(place, score) for place, score in zip(places, scores, strict=True)], question)
    assert [line.text for line in lines] == [texts[i] for i in order]


def test_rows_of_another_language_beside_a_listing_stay_out() -> None:
    listing = "```python\napply_rope(q, cos, sin)\n```\nRoPE rotates queries and keys.\n旋转查询和键的布局有交错和前后半两种。"
    assert not any(
        "旋转" in text for text in select("Show code that applies RoPE to the queries", make_chunk(listing, "RoPE", "en"))
    )


def test_each_unit_is_read_by_itself_under_its_titles_and_the_best_statement_is_told() -> None:
    reranker = WordReranker()
    chunk = make_chunk("# GPTQ\nGPTQ 逐列量化权重。\n它用海森矩阵补偿误差。")
    evidence = select_evidence(
        analyse("GPTQ 逐列量化"),
        (Hit(1, chunk, 1.0, Scores()),),
        embedder=HashEmbedder(),
        bm25=build_bm25([terms(chunk.indexed_text())]),
        reranker=reranker,
        reader=None,
        settings=EvidenceSettings(),
    )
    assert reranker.read == [2]  # sentences, in one go
    assert evidence.statement == pytest.approx(logit(1.0))  # the first holds all of the question's characters
    assert evidence.lines[0].text == "GPTQ 逐列量化权重。"


@pytest.mark.parametrize("chunks", [(), (make_chunk("| --- | --- |"),)])
def test_no_statement_no_evidence(chunks: tuple[Chunk, ...]) -> None:
    assert select("GPTQ", *chunks) == []


def test_what_stands_beside_an_answer_is_likelier_to_belong_to_it() -> None:
    near, far = make_chunk("甲说一。乙说二。丙说三。"), make_chunk("丁说四。", "别处")
    places = places_of((Hit(1, near, 1.0, Scores()), Hit(2, far, 0.5, Scores())))
    first, second, third, alone = beside(places, np.array([0.0, 4.0, 0.0, 0.0], dtype=np.float32))
    assert first == third > second == alone == 0.0


def test_the_opening_of_a_passage_without_units() -> None:
    assert [line.text for line in opening_of(make_chunk("什么是量化？\n量化？"))] == ["什么是量化？", "量化？"]


@pytest.mark.parametrize(
    ("lines", "nearest"),
    [
        ((("甲。", 1.0), ("乙。", 2.0), ("丙。", 0.0)), "乙。"),
        ((("甲。", 1.0), ("它是乙。", 2.0, "follows"), ("丙。", 0.0)), "甲。它是乙。"),
        ((("原因有三：", 2.0), ("- 一", 2.0, "listed"), ("- 二", 1.0, "listed"), ("丙。", 0.0)), "原因有三：- 一- 二"),
        ((("长：", 2.0), *((f"- {n}", 1.0, "listed") for n in range(9))), "长：- 0- 1- 2- 3"),
        ((), ""),
    ],
)
def test_the_nearest_line_comes_with_what_it_needs(lines: tuple[tuple[str, float, str], ...], nearest: str) -> None:
    chunk = make_chunk("")
    found = [EvidenceSentence(chunk, 0, 0, text, score, text, **dict.fromkeys(marks, True)) for text, score, *marks in lines]
    assert "".join(line.text for line in nearest_of(found)) == nearest


@pytest.mark.parametrize(
    ("title", "bare"),
    [
        ("2.1 GPTQ", "GPTQ"),
        ("Q6. QLoRA 三板斧", "QLoRA 三板斧"),
        ("（二）LoRA", "LoRA"),
        ("方法 1、蒸馏", "方法 1、蒸馏"),
        ("A100", "A100"),
    ],
)
def test_a_title_is_shown_without_its_number(title: str, bare: str) -> None:
    assert unnumbered(title) == bare


@pytest.mark.parametrize(
    ("text", "before"),
    [
        # running text goes on from the sentence before it, of another line too, but not over a title
        ("T=0 也不是确定的。批次会变。\n浮点加法不满足结合律。", ["", "T=0 也不是确定的。", "批次会变。"]),
        ("旋转查询和键。\n## 局限\n外推会变差。", ["", "", ""]),
        # what needs another unit goes on from that one; items stand by themselves, or below the item that they belong to
        ("步骤：\n- 量化一列\n- 补偿误差", ["", "", ""]),
        ("- 缓存变小\n  - 因为头少了\n- 质量接近", ["", "缓存变小", ""]),
        ("误差为\n$$e = w - q$$\n其中 $q$ 是量化值。它越小越好。", ["", "误差为\n$$e = w - q$$\n其中 $q$ 是量化值。"]),
    ],
)
def test_the_reader_sees_what_a_unit_goes_on_from(text: str, before: list[str]) -> None:
    hit = Hit(1, make_chunk(text), 1.0, Scores())
    places = [Place(hit, number, unit) for number, unit in enumerate(units_of(text))]
    assert [place.read().before for place in places] == before
    assert [place.read().text for place in places] == [unit.text for unit in units_of(text)]
