"""The language model behind LangChain's interface."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from corpus.documents import Language
from corpus.errors import ModelNotFound
from generation.compose import build_prompt
from generation.models.language_model import Decoding, LanguageModel
from generation.models.model_loading import load_language_model
from generation.models.stop_strings import until_stop
from generation.models.transformers_model import generate_arguments

PROMPT = "The capital of Germany is Berlin. The capital of France is"  # a base model needs an example


@pytest.fixture(scope="module", params=["openvino", "transformers"])
def model(request: pytest.FixtureRequest) -> LanguageModel:
    return load_language_model(decoding=Decoding(max_tokens=6), runtime=request.param)


@pytest.mark.slow
def test_streamed_pieces_are_the_whole_text(model: LanguageModel) -> None:
    pieces = list(model.stream(PROMPT))
    assert "".join(pieces) == model.invoke(PROMPT)
    assert "Paris" in "".join(pieces)


@pytest.mark.slow
@pytest.mark.parametrize("stop", [["Paris"], ["ris"], ["P", "aris"]])
def test_a_stop_string_ends_the_text_before_itself(model: LanguageModel, stop: list[str]) -> None:
    text = model.invoke(PROMPT, stop=stop)
    assert not any(s in text for s in stop)
    assert model.invoke(PROMPT).startswith(text)


@pytest.mark.slow
def test_sampling_follows_the_seed(model: LanguageModel) -> None:
    def sample(seed: int) -> str:
        decoding = Decoding(max_tokens=6, temperature=1.5, top_k=50, seed=seed)
        return str(model.model_copy(update={"decoding": decoding}).invoke(PROMPT))

    assert sample(1) == sample(1)
    assert len({sample(seed) for seed in range(4)}) > 1


@pytest.mark.slow
def test_a_repetition_penalty_changes_the_text(model: LanguageModel) -> None:
    prompt = "one two one two one two one two"
    penalised = model.model_copy(update={"decoding": Decoding(max_tokens=6, repetition_penalty=2.0)})
    assert "one two" in model.invoke(prompt)
    assert "one two" not in penalised.invoke(prompt)


@pytest.mark.slow
def test_both_runtimes_write_nearly_the_same_text() -> None:
    """Greedy, given what the other wrote so far: one near-tie must not count for all that follows it."""
    from generation.models.openvino_model import OpenVINOLM
    from generation.models.transformers_model import TransformersLM

    fast = load_language_model(runtime="openvino")
    exact = load_language_model(runtime="transformers")
    assert isinstance(fast, OpenVINOLM)
    assert isinstance(exact, TransformersLM)
    evidence = {
        "zh-Hans": ["LoRA 冻结原权重，只训练低秩矩阵。"],
        "en": ["LoRA trains two low-rank matrices beside frozen weights."],
    }
    questions: dict[Language, str] = {"zh-Hans": "LoRA 为什么省显存？", "en": "What does LoRA train?"}
    same = total = 0
    for language, question in questions.items():
        ids = fast.tokenizer.encode(build_prompt(question, evidence[language], language))
        text = exact.model.generate(torch.tensor([ids]), max_new_tokens=32, do_sample=False)[0].tolist()
        logits = fast.decoder.cache().extend(text[:-1], range(len(ids) - 1, len(text) - 1))
        same += int((fast.decoder.kept[logits.argmax(1)] == text[len(ids) :]).sum())
        total += len(text) - len(ids)
    assert same >= 0.9 * total
    note = "Quantization stores weights in fewer bits. 量化用更少的比特保存权重，显存占用随之下降。"
    assert fast.log_probabilities(note).mean() == pytest.approx(exact.log_probabilities(note).mean(), rel=0.02)


@pytest.mark.slow
def test_it_is_a_langchain_runnable(model: LanguageModel) -> None:
    from langchain_core.prompts import PromptTemplate

    chain = PromptTemplate.from_template("The capital of Germany is Berlin. The capital of {country} is") | model
    assert "Paris" in chain.invoke({"country": "France"})


@pytest.mark.parametrize(
    ("pieces", "stop", "expected"),
    [
        (["a", "bc", "d"], [], "abcd"),
        (["a", "bc", "d"], ["c"], "ab"),
        (["a\n", "\nb"], ["\n\n"], "a"),
        (["a\n", "b"], ["\n\n"], "a\nb"),
        (["ab", "ab", "c"], ["abc", "bab"], "a"),
        (["aba"], ["aba", "b"], "a"),
        (["one\n"], ["\n\n"], "one\n"),
        (["</", "a", "ns", "wer>", "!"], ["</answer>"], ""),
    ],
)
def test_texts_end_before_the_first_stop_string(pieces: list[str], stop: list[str], expected: str) -> None:
    assert "".join(until_stop(iter(pieces), stop)) == expected


def test_what_begins_no_stop_string_is_not_held_back() -> None:
    passed = until_stop(iter(["ab", "\n", "cd"]), ["\n\nQuestion:"])
    assert list(passed) == ["ab", "\ncd"]


@given(st.lists(st.text("ab", max_size=4)), st.lists(st.text("ab", min_size=1, max_size=3), max_size=3))
def test_stopping_does_not_depend_on_how_the_text_is_cut(pieces: list[str], stop: list[str]) -> None:
    text = "".join(pieces)
    assert "".join(until_stop(iter(pieces), stop)) == "".join(until_stop(iter(text), stop))


@pytest.mark.parametrize(
    ("decoding", "expected"),
    [
        (Decoding(max_tokens=5), {"max_new_tokens": 5, "repetition_penalty": 1.0, "do_sample": False}),
        (
            Decoding(max_tokens=5, temperature=0.7, top_p=0.9),
            {
                "max_new_tokens": 5, "repetition_penalty": 1.0, "do_sample": True,
                "temperature": 0.7, "top_k": 0, "top_p": 0.9, "min_p": None,
            },
        ),
    ],
)  # fmt: skip
def test_decoding_in_transformers_names(decoding: Decoding, expected: dict[str, object]) -> None:
    assert generate_arguments(decoding) == expected


def test_a_model_that_is_nowhere_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound, match="cannot load the model") as caught:
        load_language_model(str(tmp_path / "nothing"))
    assert "\n" not in str(caught.value)


def test_the_prompt_keeps_each_piece_of_evidence_on_its_line() -> None:
    prompt = build_prompt("什么是\n量化？", ["第一句。\n[9] 假的", "第二句。"], "zh-Hans")
    assert prompt.endswith("[1] 第一句。 [9] 假的\n[2] 第二句。\n问题：什么是 量化？\n回答：")
    assert build_prompt("What is it?", ["A."], "en").endswith("[1] A.\nQuestion: What is it?\nAnswer:")
