"""The bench of RoPE scaling, on random weights: it says what transformers computes, and goes on where it stopped."""

from __future__ import annotations

import copy
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import Run
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import AutoModelForCausalLM, Gemma3TextConfig, LlamaConfig, PreTrainedTokenizerFast

from corpus.errors import OtherRun, UsageError
from eval.bench.rope import RopeModelPlan, bench_rope, cells, chosen_methods, lines, summarise, whole_numbers
from eval.bench.rope_model import TAIL, RopeModel
from eval.bench.rope_plot import draw
from eval.bench.rope_text import DIGITS, LongText, long_text, notes_tokens
from generation.models.rope import METHODS, UNSCALED, Method, RopeScale

NATIVE = 600
_SIZES: dict[str, Any] = {
    "vocab_size": 257,
    "hidden_size": 32,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 16,
    "max_position_embeddings": NATIVE,
    "bos_token_id": 256,
    "initializer_range": 0.3,
}


def byte_tokenizer() -> Any:
    """A token for each byte."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    bytes_only = Tokenizer(models.BPE(vocab={character: n for n, character in enumerate(alphabet)}, merges=[]))
    bytes_only.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bytes_only.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(tokenizer_object=bytes_only, bos_token="<s>")


def random_model(config: Any) -> RopeModel:
    torch.manual_seed(0)
    return RopeModel(AutoModelForCausalLM.from_config(config, dtype=torch.float32).eval(), byte_tokenizer(), config)


@pytest.fixture(scope="module")
def llama() -> RopeModel:
    return random_model(LlamaConfig(**_SIZES))


@pytest.fixture(scope="module")
def text() -> LongText:
    tokenizer = byte_tokenizer()
    return long_text(tokenizer, notes_tokens(tokenizer, "en", 0), 1500, (0.1, 0.5, 0.9), 0)


@pytest.mark.parametrize("length", [700, 1500])
def test_a_long_text_is_notes_with_a_key_at_each_depth(length: int) -> None:
    tokenizer = byte_tokenizer()
    notes = notes_tokens(tokenizer, "en", 0)
    made = long_text(tokenizer, notes, length, (0.1, 0.5, 0.9), 3)
    assert len(made.ids) == len(made.plain) == length
    hay = [token for token, plain in zip(made.ids, made.plain, strict=True) if plain]
    assert hay == notes[: len(hay)]
    whole = tokenizer.decode(made.ids)
    for needle in made.needles:
        key = tokenizer.decode(list(needle.answer)).strip()
        assert len(key) == DIGITS
        # Twice, just where it belongs, and the question is how the needle begins.
        assert whole.count(key) == 2
        before = sum(made.plain[: len(tokenizer.encode(whole[: whole.index(key)]))])
        assert before == pytest.approx(needle.depth * len(hay), abs=1)
        assert tokenizer.decode(list(needle.question)).strip() in whole


def test_texts_differ_by_number_and_are_the_same_again(text: LongText) -> None:
    tokenizer = byte_tokenizer()
    notes = notes_tokens(tokenizer, "en", 0)
    assert long_text(tokenizer, notes, 1500, (0.1, 0.5, 0.9), 0) == text
    assert long_text(tokenizer, notes, 1500, (0.1, 0.5, 0.9), 1).needles != text.needles
    assert notes_tokens(tokenizer, "en", 1) != notes


def test_perplexity_is_that_of_the_last_tokens_of_the_notes(llama: RopeModel, text: LongText) -> None:
    llama.rescale(UNSCALED)
    reading = llama.read(text)
    ids = torch.tensor([text.ids])
    with torch.inference_mode():
        logits = llama.model(ids).logits[0, :-1].log_softmax(-1)
    chosen = logits.gather(1, ids[0, 1:, None])[-TAIL:, 0][torch.tensor(text.plain[-TAIL:])]
    assert reading.scored == len(chosen) < TAIL
    assert reading.perplexity == pytest.approx(math.exp(-float(chosen.mean())), rel=1e-4)


def test_keys_are_those_that_greedy_decoding_would_write(llama: RopeModel, text: LongText) -> None:
    llama.rescale(UNSCALED)
    needle = text.needles[0]
    prompt = torch.tensor([[*text.ids, *needle.question]])
    written = llama.model.generate(prompt, attention_mask=torch.ones_like(prompt), max_new_tokens=DIGITS + 1, do_sample=False)
    said = tuple(written[0, prompt.shape[1] :].tolist())
    asked = replace(text, needles=(replace(needle, answer=said), replace(needle, answer=said[::-1])))
    reading = llama.read(asked)
    assert reading.keys == (True, said == said[::-1])
    assert reading.digits[0] == 1


@pytest.mark.parametrize("method", [method for method in METHODS if method != "none"])
def test_a_rescaled_model_reads_as_one_that_was_loaded_so(llama: RopeModel, text: LongText, method: Method) -> None:
    scale = RopeScale(method, 3)
    in_force = llama.rescale(scale)
    assert in_force == f"{method} × 3: {NATIVE} → {3 * NATIVE} tokens"
    config = copy.deepcopy(llama.config)
    scale.apply(config)
    loaded = AutoModelForCausalLM.from_config(config, dtype=torch.float32).eval()
    loaded.load_state_dict(llama.model.state_dict())
    ids = torch.tensor([text.ids])
    with torch.inference_mode():
        torch.testing.assert_close(llama.model(ids).logits, loaded(ids).logits)
    llama.rescale(UNSCALED)
    with torch.inference_mode():
        assert not torch.allclose(llama.model(ids).logits, loaded(ids).logits, atol=1e-2)


def test_reading_in_blocks_is_reading_at_once(monkeypatch: pytest.MonkeyPatch, text: LongText) -> None:
    kinds = ["sliding_attention", "full_attention"]
    ropes = {kind: {"rope_type": "default", "rope_theta": 1e4} for kind in kinds}
    gemma = random_model(Gemma3TextConfig(**_SIZES, layer_types=kinds, rope_parameters=ropes, sliding_window=64))
    monkeypatch.setattr("eval.bench.rope_model._CHUNK", 400)
    gemma.rescale(RopeScale("yarn", 3))
    whole, blocks = gemma.read(text, whole=True), gemma.read(text)
    assert blocks.perplexity == pytest.approx(whole.perplexity, rel=1e-4)
    assert (blocks.scored, blocks.digits) == (whole.scored, whole.digits)


@pytest.fixture
def folder(tmp_path: Path, llama: RopeModel) -> str:
    """The model on disk, as a name of the settings."""
    path = tmp_path / "model"
    llama.model.save_pretrained(path)
    llama.tokenizer.save_pretrained(path)
    return str(path)


def test_a_run_that_was_cut_off_goes_on(tmp_path: Path, folder: str) -> None:
    plan, out = RopeModelPlan(folder, "en", (600, 1200)), tmp_path / "run"
    done: list[tuple[str, int, int]] = []
    first = bench_rope([plan], out, methods=("none", "yarn"), progress=lambda *call: done.append(call))
    assert len(done) == 4
    assert (out / "rope.png").stat().st_size > 10_000
    assert json.loads((out / "metrics.json").read_text(encoding="utf-8")) == first
    assert [(row["method"], row["factor"], row["length"]) for row in first["rows"]] == [
        ("none", 1.0, 600),
        ("none", 1.0, 1200),
        ("yarn", 2.0, 600),
        ("yarn", 2.0, 1200),
    ]
    records = (out / "records.jsonl").read_bytes()
    (out / "records.jsonl").write_bytes(records[:-20])
    done.clear()
    again = bench_rope([plan], out, methods=("none", "yarn"), progress=lambda *call: done.append(call))
    assert len(done) == 1
    for one, other in zip(first["rows"], again["rows"], strict=True):
        assert (one["perplexity"], one["keys"], one["digits"]) == (other["perplexity"], other["keys"], other["digits"])
    (out / "run.json").write_text("{}", encoding="utf-8")
    with pytest.raises(OtherRun):
        bench_rope([plan], out)


def test_averages_weigh_tokens_and_texts() -> None:
    same = {"model": "m", "native": 8, "method": "ntk", "factor": 2.0, "length": 16, "depths": [0.1, 0.9], "repeated": 0}
    one = {**same, "perplexity": 2.0, "scored": 30, "keys": [True, False], "digits": [1.0, 0.5], "seconds": 1.0}
    two = {**same, "perplexity": 16.0, "scored": 10, "keys": [True, True], "digits": [1.0, 1.0], "seconds": 3.0}
    (row,) = summarise([{**one, "peak_megabytes": 5}, {**two, "peak_megabytes": 7}])["rows"]
    assert row["perplexity"] == pytest.approx(2 ** ((1 * 30 + 4 * 10) / 40))
    assert (row["keys"], row["keys_by_depth"], row["digits"]) == (0.75, [1.0, 0.5], 0.875)
    assert (row["seconds"], row["peak_megabytes"], row["texts"]) == (2.0, 7, 2)
    table = list(lines({"rows": [row]}))
    assert "| ntk × 2 | 3.36 |" in table
    assert "| ntk × 2 | 0.75 |" in table


def test_one_factor_serves_all_lengths() -> None:
    grid = cells((600, 1200), NATIVE, ("none", "ntk"), 2)
    assert {cell.scale for cell in grid} == {UNSCALED, RopeScale("ntk", 2)}
    assert len(grid) == len(set(grid)) == 8
    assert {cell.scale.factor for cell in cells((600,), NATIVE, ("ntk",), 1, 4.0)} == {4.0}


def test_what_cannot_be_measured_is_said() -> None:
    with pytest.raises(UsageError, match="no length beyond the native 600"):
        cells((600,), NATIVE, METHODS, 1)
    with pytest.raises(UsageError, match="unknown RoPE method alibi"):
        chosen_methods("yarn,alibi")
    with pytest.raises(UsageError, match="whole numbers"):
        whole_numbers("2k")
    with pytest.raises(UsageError, match="at least 512"):
        whole_numbers("2048,100")
    assert (chosen_methods("yarn, none"), whole_numbers("512,1024")) == (("none", "yarn"), (512, 1024))


def test_the_bench_on_the_command_line(run: Run, tmp_path: Path, folder: str) -> None:
    out = tmp_path / "out"
    code, printed, _ = run(
        "bench", "rope", "--out", out, "--models", folder, "--lengths", "512,900", "--methods", "none,ntk", "--json"
    )
    assert code == 0
    assert {row["method"] for row in json.loads(printed)["rows"]} == {"none", "ntk"}
    chosen = ("--out", out, "--models", folder, "--lengths", "512,900", "--methods", "none,ntk")
    code, printed, _ = run("bench", "rope", *chosen, "--json")
    assert code == 0
    assert {row["method"] for row in json.loads(printed)["rows"]} == {"none", "ntk"}
    code, printed, _ = run("bench", "rope", *chosen)
    assert code == 0
    assert "| pass keys found | 512 | 900 |" in printed
    assert (out / "rope.png").exists()


def test_a_run_of_scaled_methods_alone_is_drawn(tmp_path: Path) -> None:
    row = {"model": "m", "native": NATIVE, "method": "yarn", "factor": 2.0, "length": 900, "perplexity": 20.0, "keys": 0.5}
    draw({"rows": [row]}, tmp_path / "rope.png")
    assert (tmp_path / "rope.png").read_bytes().startswith(b"\x89PNG")
