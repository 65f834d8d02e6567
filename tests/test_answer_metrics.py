"""Claims, citations, outcomes and metrics of answers, worked by hand; the judge of most tests knows what it supports by heart."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hash_embedder import HashEmbedder

from corpus.documents import Chunk, SourceMap
from corpus.results import Answer, Citation, Hit, Scores, SearchResult, Sentence
from eval.answer_metrics import Means, Scored, judge_reference, score
from eval.claim_metrics import citation_precision, citation_recall, judge_claims, nearest_sentence
from eval.gold import GoldQuestion
from eval.judge import Judge, Pair, ScoringJudge, Verdict, WordChecker
from eval.response import Claim, Passage, Response, response_to
from retrieval.rerank import HeadedText, PassageScore


class KnowingJudge:
    """Supports a claim if the context holds one of its letters; "?" in a claim makes it fail."""

    name = "test:letters"

    def __init__(self) -> None:
        self.asked: list[Pair] = []

    def judge(self, pairs: Sequence[Pair]) -> tuple[Verdict, ...]:
        self.asked += pairs
        return tuple(map(self._verdict, pairs))

    def _verdict(self, pair: Pair) -> Verdict:
        if "?" in pair.claim:
            return Verdict("judge-failed", reason="unreadable")
        if not pair.context:
            return Verdict("not-scoreable")
        supported = any(letter in pair.context for letter in pair.claim)
        return Verdict("scored", float(supported), supported)


class HalfReranker:
    name = "test:half"

    def score(self, question: str, passages: Sequence[HeadedText]) -> tuple[PassageScore, ...]:
        return tuple(PassageScore(0.5, ()) for _ in passages)


def gold(**fields: object) -> GoldQuestion:
    return GoldQuestion.model_validate({"id": "q", "question": "What is x?", "lang": "en", **fields})


def response(*claims: tuple[str, tuple[int, ...]], cited: dict[int, str] | None = None, context: str = "x") -> Response:
    return Response(
        refused=False,
        text=" ".join(text for text, _ in claims),
        claims=tuple(Claim(text, numbers) for text, numbers in claims),
        citations={n: Passage(text) for n, text in (cited or {}).items()},
        contexts=(Passage(context),) if context else (),
    )


REFUSED = Response(refused=True)


def scored(given: Response, question: GoldQuestion, judge: Judge | None = None) -> Scored:
    return score(given, question, Means(judge or KnowingJudge(), HashEmbedder(), HalfReranker()))


# --- Claims ---


def test_claims_are_sentences_of_both_languages_without_what_says_nothing() -> None:
    sentences = (
        Sentence("底数取 10000。频率随维度下降！It rotates pairs. Llama differs", (1,), 0.9, "quoted"),
        Sentence("……", (2,), None, "quoted"),
    )
    chunk = Chunk("a.md", 0, ("RoPE",), "底数取 10000。", 0, 11, SourceMap(), "zh-Hans", 8)
    answer = Answer(
        "q", "q", "", "zh-Hans", False, "quoted", 0.9, 0.9, sentences, (Citation(1, chunk.id, "a.md", ("RoPE",), 0, 3, "底数"),)
    )
    found = response_to(answer, SearchResult("q", (Hit(1, chunk, 1.0, Scores()),), 0.9))
    assert [claim.text for claim in found.claims] == ["底数取 10000。", "频率随维度下降！", "It rotates pairs.", "Llama differs"]
    assert {claim.citations for claim in found.claims} == {(1,)}
    assert found.context() == "RoPE\n底数取 10000。"
    assert found.citations == {1: Passage("底数", "a.md", ("RoPE",))}


def test_evidence_is_the_nearest_sentence() -> None:
    passages = (Passage("ALiBi adds a bias. It is linear.", "a.md"), Passage("RoPE rotates pairs of dimensions.", "b.md"))
    assert nearest_sentence("RoPE rotates pairs", passages) == Passage("RoPE rotates pairs of dimensions.", "b.md")
    assert nearest_sentence("anything", ()) is None


def test_each_pair_is_judged_once() -> None:
    judge = KnowingJudge()
    judge_claims(response(("x", (1,)), ("x", (1,)), cited={1: "x"}), judge)
    assert judge.asked == [Pair("x", "x")]


# --- Citations (ALCE) ---


@pytest.mark.parametrize(
    ("claims", "recall", "precision"),
    [
        ([("x", (1,))], 1, 1),
        ([("x", (2,))], 0, 0),
        ([("x", ())], 0, None),  # uncited: recall 0, and no citation to be precise
        ([("x", (1, 2))], 1, 1 / 2),  # 2 supports nothing, and 1 does without it
        ([("x", (1,)), ("y", (2,))], 1, 1),
        ([("xy", (1, 2))], 1, 1),  # either supports it alone
        ([("x", (1,)), ("z", (1, 2))], 1 / 2, 1 / 3),  # an unsupported sentence makes its citations useless
        ([("x", (7,))], 0, 0),  # a number that stands for nothing
        ([("x", (3,))], 0, 0),  # an empty quotation
        ([("x?", (1,))], None, None),  # the judge failed
        ([], None, None),
    ],
)
def test_citations(claims: list[tuple[str, tuple[int, ...]]], recall: float | None, precision: float | None) -> None:
    given = response(*claims, cited={1: "x", 2: "y", 3: " "})
    _, verdicts = judge_claims(given, KnowingJudge())
    assert citation_recall(given, verdicts) == (None if recall is None else pytest.approx(recall))
    assert citation_precision(given, verdicts) == (None if precision is None else pytest.approx(precision))


class TogetherJudge(KnowingJudge):
    """Supports only what both of two passages say together."""

    def _verdict(self, pair: Pair) -> Verdict:
        supported = "a" in pair.context and "b" in pair.context
        return Verdict("scored", float(supported), supported)


def test_citations_that_only_together_support_a_sentence_are_both_of_use() -> None:
    given = response(("both", (1, 2)), cited={1: "a", 2: "b"})
    _, verdicts = judge_claims(given, TogetherJudge())
    assert (citation_recall(given, verdicts), citation_precision(given, verdicts)) == (1, 1)


# --- Outcomes and metrics ---


@pytest.mark.parametrize(
    ("given", "answerable", "outcome", "faithfulness"),
    [
        (response(("x", ()), ("z", ())), True, "answered", 1 / 2),
        (response(("x", ()), ("z", ())), False, "answered-wrongly", 1 / 2),
        (REFUSED, True, "refused-wrongly", None),
        (REFUSED, False, "refused-correctly", None),
        (response(), True, "no-claims", None),  # an empty answer
        (response(), False, "no-claims", None),
        (response(("x", ()), context=""), True, "no-claims", None),  # nothing to judge by: not scoreable, not 1
        (response(("x", ()), ("y?", ())), True, "judge-failed", None),
        (Response(refused=False, text="……"), True, "no-claims", None),
    ],
)
def test_outcomes(given: Response, answerable: bool, outcome: str, faithfulness: float | None) -> None:
    found = scored(given, gold(answerable=answerable))
    assert found.outcome == outcome
    assert found.metrics.get("faithfulness") == faithfulness


@pytest.mark.parametrize(
    ("given", "answerable", "expected"),
    [
        (response(("x", ())), True, {"refusal_right": 1, "answered_when_due": 1}),
        (response(("x", ())), False, {"refusal_right": 0, "refused_when_due": 0}),
        (REFUSED, True, {"refusal_right": 0, "answered_when_due": 0}),
        (REFUSED, False, {"refusal_right": 1, "refused_when_due": 1}),
        (response(), True, {"refusal_right": 0, "answered_when_due": 0}),
        (response(), False, {"refusal_right": 0, "refused_when_due": 0}),
    ],
)
def test_refusal_in_both_directions(given: Response, answerable: bool, expected: dict[str, float]) -> None:
    found = scored(given, gold(answerable=answerable)).metrics
    assert {name: value for name, value in found.items() if "due" in name or name == "refusal_right"} == expected


def test_correctness() -> None:
    question = gold(must_include=["10000", "theta|θ"], reference="the base is 10000")
    right = scored(response(("base is 10000", ())), question).metrics
    assert (right["key_facts"], right["token_f1"], right["rouge_l"], right["answer_relevance"]) == (0.5, 1, 1, 0.5)
    assert 0 < right["similarity"] < 1
    names = ("key_facts", "token_f1", "rouge_l", "similarity", "answer_relevance")
    for nothing in (REFUSED, response()):
        assert [scored(nothing, question).metrics[name] for name in names] == [0, 0, 0, 0, 0]
    # Nothing that is due: nothing that could be measured.
    assert not {"key_facts", "token_f1", "rouge_l", "similarity"} & scored(response(("x", ())), gold()).metrics.keys()
    assert not {*names} & scored(response(("x", ())), gold(answerable=False, reference="x")).metrics.keys()


def test_an_answer_to_a_row_with_everything_missing_is_measured_as_far_as_it_goes() -> None:
    bare = GoldQuestion.model_validate({"id": "1", "question": "?"})
    assert scored(Response(refused=False), bare) == Scored(
        "no-claims", (), {"refusal_right": 0, "answered_when_due": 0, "answer_relevance": 0}
    )


def test_without_a_reranker_relevance_is_not_measured() -> None:
    found = score(response(("x", ())), gold(), Means(KnowingJudge(), HashEmbedder(), None))
    assert "answer_relevance" not in found.metrics


@pytest.mark.parametrize(
    ("text", "lang", "question", "expected"),
    [
        ("RoPE rotates pairs of dimensions.", "en", "?", 1),
        ("RoPE 把向量旋转一个角度。", "en", "?", 0),
        ("RoPE 把向量旋转一个角度。", "zh-Hans", "?", 1),
        ("RoPE 把向量旋轉一個角度。", "zh-Hans", "?", 0),
        ("RoPE 把向量旋轉一個角度。", "zh-Hant", "?", 1),
        ("RoPE rotates.", "other", "What is RoPE?", 1),  # the row does not say: the question does
        ("RoPE rotates.", "ja", "RoPEとはなんですか", None),  # a language that is not told apart
        ("", "en", "?", None),
    ],
)
def test_language_match(text: str, lang: str, question: str, expected: float | None) -> None:
    found = scored(Response(refused=False, text=text), gold(lang=lang, question=question)).metrics
    assert found.get("language_match") == expected


@pytest.mark.parametrize(
    ("passages", "fields", "expected"),
    [
        (("x",), {"reference": "x is it。z is not"}, {"context_recall": 1 / 2}),
        ((), {"reference": "x"}, {"context_recall": 0}),
        (("",), {"reference": "x"}, {"context_recall": 0}),
        (("x",), {"reference": " "}, {}),
        (("x",), {"reference": "x", "answerable": False}, {}),
        (("x",), {"reference": "x?"}, {}),  # the judge failed
    ],
)
def test_context_recall(passages: tuple[str, ...], fields: dict[str, object], expected: dict[str, float]) -> None:
    assert judge_reference([Passage(text) for text in passages], gold(**fields), KnowingJudge()) == expected


# --- The checker as a judge ---


def test_a_checker_never_sees_what_says_nothing() -> None:
    class Counting(WordChecker):
        asked = 0

        def score(self, pairs: Sequence[tuple[str, str]]) -> Sequence[float | None]:
            self.asked += len(pairs)
            return super().score(pairs)

    checker = Counting()
    verdicts = ScoringJudge(checker, 0.75).judge(
        [
            Pair("", "context"),
            Pair("claim", " "),
            Pair("。", "。"),
            Pair("the base is 10000", "The base is 10000."),
            Pair("base 5", "base 7"),
        ]
    )
    assert checker.asked == 2
    assert [verdict.status for verdict in verdicts] == ["not-scoreable"] * 3 + ["scored"] * 2
    assert [verdict.supported for verdict in verdicts] == [None, None, None, True, False]
