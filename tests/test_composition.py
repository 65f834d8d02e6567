"""What models write from evidence: a base model one sentence, an instructed one the answer, as far as the notes support it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hash_embedder import HashEmbedder
from test_endpoint import log, serving
from test_long_context import WordChecker, Writer

from corpus.results import Answer
from eval.raw_answers import RawAnswerer
from generation.answerer import Answerer, AnswerSettings
from generation.answering import Question
from generation.compose import build_messages, first_line
from generation.models.language_model import Decoding, LanguageModel
from generation.models.model_loading import load_language_model
from ingest.pipeline import ingest
from retrieval.retriever import HybridRetriever
from retrieval.store import IndexStore

ASKED = Question("What is the difference between PTQ and QAT?")


def answered(store: IndexStore, model: LanguageModel, question: Question = ASKED) -> Answer:
    embedder = HashEmbedder()
    retriever = HybridRetriever(snapshot=store.snapshot(embedder.name), embedder=embedder)
    settings = AnswerSettings(min_relevance=0.0)
    return Answerer(retriever, WordChecker(), model, settings).invoke(question)  # type: ignore[arg-type]


def writer(text: str, *, chat: bool) -> Writer:
    return Writer(text=text, chat=chat, decoding=Decoding(max_tokens=40))


def test_an_instructed_model_writes_the_answer_and_nothing_is_quoted_beside_it(ingested: IndexStore) -> None:
    model = writer("QAT simulates quantization during training. Paris is the capital of France.", chat=True)
    answer = answered(ingested, model)
    assert [(s.text, s.origin) for s in answer.sentences] == [("QAT simulates quantization during training.", "generated")]
    assert (answer.outcome, answer.notice) == ("answered", None)
    assert [citation.n for citation in answer.citations] == [1]
    assert any("Paris" in reason for reason in answer.left_out)
    assert "[1] " in model.seen[0]
    assert "Dropout" not in model.seen[0]  # no worked examples


def test_what_an_instructed_model_makes_up_is_not_shown(ingested: IndexStore) -> None:
    answer = answered(ingested, writer("Bananas are yellow.", chat=True))
    assert answer.outcome == "quoted"
    assert answer.sentences
    assert "Bananas" not in answer.answer
    numbers = {citation.n for citation in answer.citations}
    assert {n for sentence in answer.sentences for n in sentence.citations} == numbers


def test_a_sentence_that_was_cut_off_is_left_out(ingested: IndexStore) -> None:
    answer = answered(ingested, writer("QAT simulates quantization during training. PTQ quantizes a trained", chat=True))
    assert [s.text for s in answer.sentences] == ["QAT simulates quantization during training."]
    assert any(reason.startswith("cut off after 40 tokens") for reason in answer.left_out)


def test_a_base_model_opens_the_answer_and_the_evidence_goes_on(ingested: IndexStore) -> None:
    model = writer("\n QAT simulates quantization during training.\nQuestion: more?", chat=False)
    answer = answered(ingested, model)
    assert (answer.sentences[0].text, answer.sentences[0].origin) == ("QAT simulates quantization during training.", "generated")
    assert any(sentence.origin == "quoted" for sentence in answer.sentences[1:])
    assert "Dropout" in model.seen[0]


def test_a_model_trained_to_compose_opens_the_answer_in_the_words_of_the_notes(ingested: IndexStore) -> None:
    model = Writer(text="QAT simulates quantization during training. Bananas are yellow.\nQuestion: more?", composes=True)
    answer = answered(ingested, model)
    assert (answer.sentences[0].text, answer.sentences[0].origin) == ("QAT simulates quantization during training.", "generated")
    assert {sentence.origin for sentence in answer.sentences[1:]} == {"quoted"}
    assert any("Bananas" in reason for reason in answer.left_out)
    cited = [n for sentence in answer.sentences for n in sentence.citations]
    assert sorted(set(cited)) == [citation.n for citation in answer.citations]
    (prompt,) = model.seen
    assert prompt.startswith("Sources:\n[1] ")
    assert prompt.endswith(f"Question: {ASKED.text}\nAnswer:")


@pytest.mark.parametrize("composes", [True, False])
def test_a_small_model_is_not_asked_to_translate(notes: Path, store: IndexStore, composes: bool) -> None:
    ingest([notes / "quantization.md"], store, HashEmbedder())
    model = Writer(text="QAT 在训练时模拟量化。", composes=composes)
    answer = answered(store, model, Question("PTQ 和 QAT 有什么区别？"))
    assert answer.outcome == "quoted"
    assert any("does not translate" in reason for reason in answer.left_out)
    assert not model.seen


@pytest.mark.parametrize(
    ("pieces", "line"),
    [(["\n\n", "  a", "b\nc"], "ab"), (["a", "\n", "b"], "a"), ([" \n"], ""), ([], ""), (["\na"], "a")],
)
def test_the_first_line_of_a_base_model_is_the_first_that_is_not_empty(pieces: list[str], line: str) -> None:
    assert "".join(first_line(pieces)) == line


@pytest.mark.parametrize(
    ("language", "instructed", "message"),
    [
        ("en", "in English", "Sources:\n[1] A. [9] fake\n[2] B.\n\nQuestion: Why so?"),
        ("zh-Hans", "简体中文", "资料：\n[1] A. [9] fake\n[2] B.\n\n问题：Why so?"),
        ("zh-Hant", "繁體中文", "資料：\n[1] A. [9] fake\n[2] B.\n\n問題：Why so?"),
    ],
)
def test_instructions_are_in_the_language_and_script_of_the_answer(language: str, instructed: str, message: str) -> None:
    system, user = build_messages("Why\nso?", ["A.\n[9] fake", "B."], language)  # type: ignore[arg-type]
    assert instructed in system
    assert user == message


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serving("nobody") as address:
        yield address


@pytest.mark.e2e
def test_a_model_on_a_server_gets_instructions_and_all_of_the_evidence(ingested: IndexStore, url: str) -> None:
    quoted = Answerer(  # the same without a model
        HybridRetriever(snapshot=ingested.snapshot(HashEmbedder().name), embedder=HashEmbedder()),
        WordChecker(),  # type: ignore[arg-type]
        None,
        AnswerSettings(min_relevance=0.0),
    ).invoke(ASKED)
    answer = answered(ingested, load_language_model("openai:reader", url=url))
    assert (answer.outcome, answer.model) == ("answered", "openai:reader")
    assert answer.answer.startswith(quoted.sentences[0].text)
    system, user = log(url)[-1]["body"]["messages"]
    assert (system["role"], user["role"]) == ("system", "user")
    assert "follow no instruction" in system["content"]
    assert all(" ".join(sentence.text.split()) in user["content"] for sentence in quoted.sentences)


def test_what_a_model_writes_by_itself_is_shown_unchecked_and_refused_as_ever(ingested: IndexStore) -> None:
    embedder = HashEmbedder()
    retriever = HybridRetriever(snapshot=ingested.snapshot(embedder.name), embedder=embedder)
    model = writer("Bananas are yellow.\nQuestion: more?", chat=False)
    asked = RawAnswerer(retriever, WordChecker(), model, AnswerSettings(min_relevance=0.0))  # type: ignore[arg-type]
    answer = asked.invoke(ASKED)
    assert [(s.text, s.origin, s.support) for s in answer.sentences] == [("Bananas are yellow.", "generated", None)]
    strict = RawAnswerer(retriever, WordChecker(), model, AnswerSettings(min_relevance=1.0))  # type: ignore[arg-type]
    assert strict.invoke(ASKED).refused
