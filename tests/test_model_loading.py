"""Which runtime loads which model, adapters merged into it, and the errors of what cannot be loaded; on tiny models."""

from __future__ import annotations

import importlib.util
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_model import WORDS, save_model, save_tokenizer
from transformers import AutoModelForCausalLM, OPTConfig

from corpus.errors import AdapterMismatch, AdapterNotFound, MissingExtra, ModelNotFound, UsageError
from generation.models.adapter import apply_adapter
from generation.models.language_model import Decoding, LanguageModel
from generation.models.model_loading import load_language_model

PROMPT = "one two three"


def save_adapter(folder: Path, base: Path, *, named: str | None = None) -> Path:
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(2)
    model = get_peft_model(
        AutoModelForCausalLM.from_pretrained(base),
        LoraConfig(r=4, lora_alpha=32, target_modules=["q_proj", "v_proj"], init_lora_weights=False),
    )
    model.peft_config["default"].base_model_name_or_path = named or str(base)
    model.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_model(tmp_path_factory.mktemp("models") / "tiny")


def load(folder: Path | str, **arguments: Any) -> LanguageModel:
    return load_language_model(str(folder), decoding=Decoding(max_tokens=4), **arguments)


def test_a_processor_takes_openvino_if_it_is_installed_and_knows_the_model(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load(folder, device="cpu").runtime == "openvino"
    assert load(folder, device="cpu", bits=16).runtime == "transformers"
    assert load(folder, runtime="transformers").runtime == "transformers"
    found = importlib.util.find_spec
    monkeypatch.setattr("generation.models.model_loading.find_spec", lambda name: None if name == "openvino" else found(name))
    assert load(folder, device="cpu").runtime == "transformers"
    with pytest.raises(MissingExtra, match=r"interview-rag\[cpu\]"):
        load(folder, runtime="openvino")


def test_openvino_says_what_it_cannot_run(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="8 bits, not 4"):
        load(folder, runtime="openvino", bits=4)
    config = OPTConfig(vocab_size=len(WORDS), hidden_size=16, ffn_dim=16, num_hidden_layers=1, num_attention_heads=2,
                       word_embed_proj_dim=16)  # fmt: skip
    AutoModelForCausalLM.from_config(config).save_pretrained(tmp_path / "opt")
    save_tokenizer(tmp_path / "opt")
    assert load(tmp_path / "opt", device="cpu").runtime == "transformers"
    with pytest.raises(UsageError, match="generator_runtime to transformers or auto"):
        load(tmp_path / "opt", runtime="openvino")


@pytest.mark.skipif(importlib.util.find_spec("bitsandbytes") is not None, reason="bitsandbytes is installed")
@pytest.mark.parametrize("bits", [4, 8])
def test_fewer_bits_with_transformers_name_their_extra(folder: Path, bits: int) -> None:
    with pytest.raises(MissingExtra, match=r"interview-rag\[quantized\]"):
        load(folder, runtime="transformers", bits=bits)


def test_an_adapter_changes_both_runtimes_alike(folder: Path, tmp_path: Path) -> None:
    adapter = save_adapter(tmp_path / "style", folder)
    plain = load(folder, runtime="transformers")
    adapted = [load(folder, runtime=runtime, adapter=adapter) for runtime in ("transformers", "openvino")]
    assert [model.adapter for model in adapted] == ["style", "style"]
    expected, found = (model.log_probabilities(PROMPT) for model in adapted)  # type: ignore[attr-defined]
    change = abs(plain.log_probabilities(PROMPT) - expected).mean()  # type: ignore[attr-defined]
    assert change > 0.3
    assert abs(found - expected).mean() < change / 4


def test_adapters_that_do_not_fit_are_one_clear_line(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    named = save_adapter(tmp_path / "named", folder, named="bundled:smollm2-135m")
    other = save_adapter(tmp_path / "other", save_model(tmp_path / "wider", hidden=64))
    for adapter, name, error in (
        (tmp_path / "empty", str(folder), AdapterNotFound),
        (tmp_path / "absent", str(folder), AdapterNotFound),
        (named, "bundled:gemma-3-270m", AdapterMismatch),
        (other, str(folder), AdapterMismatch),
    ):
        with pytest.raises(error) as caught:
            apply_adapter(AutoModelForCausalLM.from_pretrained(folder), adapter, name)
        assert str(adapter) in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_model_with_a_chat_template_is_given_messages(tmp_path: Path) -> None:
    template = "one {% for m in messages %}{{ m['content'] }}{% endfor %} two"
    folder = save_model(tmp_path / "chat", template=template)
    chat, raw = load(folder), load(folder, chat=False)
    assert (chat.chat, raw.chat) == (True, False)
    assert chat.invoke("three") == raw.model_copy(update={"chat": False}).invoke("one three two")


def test_rope_scaling_is_applied_before_loading_and_said(folder: Path) -> None:
    def scale(config: Any) -> str:
        config.rope_parameters = {"rope_type": "linear", "rope_theta": 1e4, "factor": 4.0}
        return "linear x4"

    text = " ".join(WORDS[3:])
    plain = load(folder, runtime="transformers")
    scaled = [load(folder, runtime=runtime, rope=scale) for runtime in ("transformers", "openvino")]
    assert [model.rope for model in scaled] == ["linear x4", "linear x4"]
    for model in scaled:
        assert abs(model.log_probabilities(text) - plain.log_probabilities(text)).max() > 0.01  # type: ignore[attr-defined]


@pytest.mark.parametrize("runtime", ["transformers", "openvino"])
def test_a_reader_that_leaves_ends_the_work(folder: Path, runtime: Any) -> None:
    model = load_language_model(str(folder), runtime=runtime, decoding=Decoding(max_tokens=50, repetition_penalty=1.3))
    stream = model.stream(PROMPT)
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    assert model.invoke(PROMPT) == "".join(model.stream(PROMPT))


def test_texts_written_at_the_same_time_do_not_mix(folder: Path) -> None:
    model = load_language_model(str(folder), runtime="openvino", decoding=Decoding(max_tokens=30, temperature=1.0, seed=3))
    prompts = [" ".join(WORDS[3 + i :]) for i in range(6)]
    alone = [model.invoke(prompt) for prompt in prompts]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(model.invoke, prompts)) == alone


def test_a_folder_without_weights(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "config.json").write_bytes((folder / "config.json").read_bytes())
    save_tokenizer(tmp_path)
    for runtime in ("transformers", "openvino"):
        with pytest.raises(ModelNotFound):
            load(tmp_path, runtime=runtime)
