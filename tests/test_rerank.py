"""The scorer through its public interface: what is right comes first, in any order and language."""

from __future__ import annotations

import random
from itertools import pairwise
from types import SimpleNamespace

import pytest

from corpus.errors import ModelNotFound
from corpus.sentences import sentence_spans
from retrieval.rerank import BUNDLED_RERANKER, Calibration, CrossEncoderReranker, HeadedText, Reranker, load_reranker
from retrieval.rerank_input import PairEncoder

PASSAGES: tuple[HeadedText, ...] = (
    ("海洋", "鲸是生活在海里的哺乳动物。蓝鲸是已知最大的动物，体长可达三十米。它们以磷虾为食。"),
    ("城市", "长城修建于多个朝代。明代的长城全长约八千八百五十公里。它的东端是虎山。"),
    ("Chemistry", "Water boils at 100 degrees Celsius at sea level. Salt raises the boiling point. Ice floats on water."),
    ("History", "The telephone was patented by Alexander Graham Bell in 1876. The first call was made in Boston."),
    ("天文", "地球繞太陽公轉一周約需三百六十五天。月球是地球唯一的天然衛星。潮汐主要由月球的引力造成。"),
    ("音乐", "贝多芬出生于德国波恩。他晚年失聪，仍完成了第九交响曲。"),
)
QUESTIONS = (
    ("最大的动物是什么，有多长？", 0, "蓝鲸"),
    ("明长城有多长？", 1, "八千八百五十"),
    ("At what temperature does water boil?", 2, "100 degrees"),
    ("Who patented the telephone?", 3, "Bell"),
    ("潮汐是由什麼造成的？", 4, "潮汐"),
    ("贝多芬在哪里出生？", 5, "波恩"),
)


@pytest.fixture(scope="module")
def reranker() -> Reranker:
    return load_reranker()


@pytest.mark.slow
@pytest.mark.parametrize(("question", "right", "words"), QUESTIONS)
def test_the_passage_and_the_sentence_that_answer_come_first(reranker: Reranker, question: str, right: int, words: str) -> None:
    scores = reranker.score(question, PASSAGES)

    assert max(range(len(scores)), key=lambda i: scores[i].relevance) == right
    best = max(scores[right].sentences, key=lambda sentence: sentence.score)
    assert words in PASSAGES[right][1][best.start : best.end]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_the_passages_changes_no_score(reranker: Reranker, seed: int) -> None:
    order = random.Random(seed).sample(range(len(PASSAGES)), len(PASSAGES))

    shuffled = reranker.score("蓝鲸吃什么？", [PASSAGES[i] for i in order])

    expected = reranker.score("蓝鲸吃什么？", PASSAGES)
    assert shuffled == tuple(expected[i] for i in order)


@pytest.mark.slow
def test_an_answer_is_more_relevant_than_no_answer_in_either_script(reranker: Reranker) -> None:
    for question in ("潮汐是由什么造成的？", "潮汐是由什麼造成的？", "What causes the tides?"):
        answering, other = reranker.score(question, (PASSAGES[4], PASSAGES[1]))
        assert answering.relevance > other.relevance


@pytest.mark.slow
def test_sentences_are_those_of_the_text_and_scores_are_probabilities(reranker: Reranker) -> None:
    long = ("", "\n".join(f"第{i}句话说的是数字{i}。It says nothing else." for i in range(150)))
    for (_, text), scored in zip((*PASSAGES, long), reranker.score("第七句说了什么？", (*PASSAGES, long)), strict=True):
        assert tuple((s.start, s.end) for s in scored.sentences) == sentence_spans(text)
        assert all(0.0 <= score <= 1.0 for score in (scored.relevance, *(s.score for s in scored.sentences)))


@pytest.mark.slow
def test_nothing_to_score(reranker: Reranker) -> None:
    assert reranker.score("什么？", ()) == ()
    for text in ("", " \n "):
        (empty,) = reranker.score("什么？", [("标题", text)])
        assert (empty.relevance, empty.sentences) == (0.0, ())


@pytest.mark.slow
def test_windows_of_a_long_text_hold_every_token_once_and_end_with_sentences() -> None:
    from transformers import AutoTokenizer

    from retrieval.bundled_e5 import prepare

    encoder = PairEncoder(AutoTokenizer.from_pretrained(prepare()), max_length=64)
    text = "".join(f"这是第{i}个句子，它不长也不短。" for i in range(40))

    pair = encoder.pair("问题是什么？", "标题", text)

    owners = [[n for n in window.sentence_of if n >= 0] for window in pair.windows]
    assert all(len(window.ids) <= 64 for window in pair.windows)
    assert sum(map(len, owners)) == len(encoder.tokenizer(text, add_special_tokens=False)["input_ids"])
    assert all(before[-1] < after[0] for before, after in pairwise(owners))


def test_a_name_that_is_not_bundled_says_which_is() -> None:
    with pytest.raises(ModelNotFound, match=BUNDLED_RERANKER):
        load_reranker("bundled:no-such-reranker")


def test_calibration_is_monotonous_and_safe_at_the_ends() -> None:
    scale = Calibration(slope=2.0, offset=-1.0)

    values = [scale.probability(logit) for logit in (-1e6, -3.0, 0.5, 4.0, 1e6)]

    assert values == sorted(values)
    assert (values[0], values[2], values[-1]) == (0.0, 0.5, 1.0)


def test_any_cross_encoder_scores_passages_and_their_sentences() -> None:
    """A stand-in that answers with the number of shared characters shows what is passed to the model and where scores go."""

    def predict(pairs: list[tuple[str, str]], **_options: object) -> list[float]:
        return [len(set(question) & set(text)) / 10 for question, text in pairs]

    reranker = CrossEncoderReranker("stand-in", SimpleNamespace(predict=predict))

    first, second, empty = reranker.score("abc", [("", "abc。xyz。"), ("a", "x。"), ("abc", "")])

    assert first.relevance == pytest.approx(0.3)
    assert [(s.start, s.end, pytest.approx(s.score)) for s in first.sentences] == [(0, 4, 0.3), (4, 8, 0.0)]
    assert [pytest.approx(s.score) for s in second.sentences] == [0.1]
    assert (empty.relevance, empty.sentences) == (0.0, ())
