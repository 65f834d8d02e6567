"""Fine-tuning: what is learned, that it is learned, that a cut-off run goes on, and what is refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import PROJECT, Run
from hypothesis import given
from hypothesis import strategies as st
from tiny_language_model import save_tiny_model

from corpus.errors import AdapterMismatch, AdapterNotFound, NotesTooFew, OtherRun, UsageError
from generation.finetuning.base import load_base
from generation.finetuning.examples import DataSettings, build_data
from generation.finetuning.finetune import finetune, read_card
from generation.finetuning.loading import base_and_adapter
from generation.finetuning.notes import NoteSection, plain_sentences
from generation.finetuning.training import CHECKPOINT, Training, TrainSettings
from generation.finetuning.wordings import paraphrases, question_of
from generation.models.language_model import Decoding
from generation.models.model_loading import load_language_model

SECTIONS = tuple(
    NoteSection("a.md", ("Notes", f"What is {name}?"), (f"{name} is the {thing}.", f"{name} costs {cost} coins."), "en")
    for name, thing, cost in [
        ("Arb", "tower", 3),
        ("Bel", "river", 5),
        ("Cor", "bridge", 7),
        ("Dun", "harbour", 9),
        ("Ely", "mill", 2),
    ]
)
TINY = DataSettings(answer_tokens=60, passage_tokens=40)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_model(tmp_path_factory.mktemp("base") / "tiny")


def count(text: str) -> int:
    return len(text)


def test_headings_that_ask_are_asked_others_are_made_to() -> None:
    assert question_of("3. 什么是 RoPE？", chinese=True) == "什么是 RoPE？"
    assert question_of("Why does LoRA work?", chinese=False) == "Why does LoRA work?"
    assert question_of("重排序", chinese=True) == "请介绍重排序。"
    assert question_of("Quantization", chinese=False) == "What should one know about Quantization?"


@pytest.mark.parametrize(
    ("title", "chinese", "expected"),
    [
        ("什么是位置编码？", True, "位置编码是什么？"),
        ("GQA 和 MQA 有什么区别？", True, "请比较GQA和MQA。"),
        ("What is the difference between PTQ and QAT?", False, "Compare PTQ with QAT."),
        ("Why is decoding slow?", False, "For what reason is decoding slow?"),
    ],
)
def test_paraphrases_keep_the_subject(title: str, chinese: bool, expected: str) -> None:
    assert expected in paraphrases(title, 3, chinese=chinese)


@given(st.text(min_size=1, max_size=40).filter(str.strip), st.integers(1, 6), st.booleans())
def test_there_are_as_many_different_wordings_as_asked_for(title: str, number: int, chinese: bool) -> None:
    found = paraphrases(title, number, chinese=chinese)
    assert len(set(found)) == len(found) <= number
    assert len(found) >= min(number, 3)
    assert question_of(title, chinese=chinese) not in found


def test_prose_is_learned_code_tables_and_formulas_are_not() -> None:
    text = "- **RoPE** rotates queries.\n\n```python\nx = 1\n```\n| a | b |\n$$\nE=mc^2\n$$\nIt is cheap to compute."
    assert plain_sentences(text) == ("RoPE rotates queries.", "It is cheap to compute.")


def test_held_out_sections_and_wordings_are_not_learned() -> None:
    data = build_data(SECTIONS, count, DataSettings(paraphrases=2, held_out=0.2, answer_tokens=60))
    learned = {example.section for example in data.train}
    assert not learned & {example.section for example in data.sections}
    assert {example.prompt for example in data.wordings}.isdisjoint(example.prompt for example in data.train)
    assert {example.section for example in data.wordings} == learned
    assert data.counts()["question"] == 4
    assert data.counts()["paraphrase"] == 8


def test_the_digest_follows_the_data() -> None:
    same = [build_data(SECTIONS, count, TINY).sha256 for _ in range(2)]
    assert same[0] == same[1] != build_data(SECTIONS[::-1], count, TINY).sha256


def test_too_few_notes_are_an_error() -> None:
    with pytest.raises(NotesTooFew, match="2 sections"):
        build_data(SECTIONS[:2], count)


@pytest.mark.parametrize("method", ["lora", "full"])
def test_what_is_learned_is_known_in_other_words(base: Path, tmp_path: Path, method: str) -> None:
    settings = TrainSettings(method=method, rate=2e-2 if method == "lora" else 1e-2, steps=60, batch=8, points=4)  # type: ignore[arg-type]
    card = finetune(lambda: load_base(str(base)), SECTIONS, tmp_path / "out", data=TINY, training=settings)
    first, *_, last = card.curve
    assert last["wordings"] < first["wordings"] - 0.5
    assert card == read_card(tmp_path / "out")
    assert not (tmp_path / "out.partial").exists()
    name, adapter = base_and_adapter(str(base), tmp_path / "out")
    model = load_language_model(name, adapter=adapter, decoding=Decoding(max_tokens=8))
    assert model.invoke("Question: What is Arb?\nAnswer:")


def test_a_run_that_is_killed_goes_on_and_ends_the_same(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = TrainSettings(steps=12, batch=4, points=3, checkpoint_seconds=0)
    whole = finetune(lambda: load_base(str(base)), SECTIONS, tmp_path / "whole", data=TINY, training=settings)
    step = Training._step
    done = 0

    def killed(self: Training) -> None:
        nonlocal done
        done += 1
        if done == 8:
            raise KeyboardInterrupt
        step(self)

    monkeypatch.setattr(Training, "_step", killed)
    with pytest.raises(KeyboardInterrupt):
        finetune(lambda: load_base(str(base)), SECTIONS, tmp_path / "cut", data=TINY, training=settings)
    assert (tmp_path / "cut.partial" / CHECKPOINT).exists()
    assert not (tmp_path / "cut").exists()
    resumed = finetune(lambda: load_base(str(base)), SECTIONS, tmp_path / "cut", data=TINY, training=settings)
    assert done == 8 + 12 - 7
    assert [p["wordings"] for p in resumed.curve] == pytest.approx([p["wordings"] for p in whole.curve], abs=0.02)
    assert (resumed.steps, resumed.tokens) == (whole.steps, whole.tokens)


def test_training_ends_when_the_held_out_loss_stops_falling(base: Path, tmp_path: Path) -> None:
    settings = TrainSettings(rate=10.0, steps=400, points=100, patience=2)  # a rate that destroys everything
    card = finetune(lambda: load_base(str(base)), SECTIONS, tmp_path / "out", data=TINY, training=settings)
    assert card.stopped == "held-out loss"
    assert card.steps < 100


def test_a_finished_run_is_not_repeated_and_another_is_not_overwritten(base: Path, tmp_path: Path) -> None:
    settings = TrainSettings(steps=2)
    first = finetune(lambda: load_base(str(base)), SECTIONS, tmp_path / "out", data=TINY, training=settings)
    assert finetune(lambda: load_base(str(base)), SECTIONS, tmp_path / "out", data=TINY, training=settings) == first
    with pytest.raises(OtherRun, match="training"):
        finetune(lambda: load_base(str(base)), SECTIONS, tmp_path / "out", data=TINY, training=TrainSettings(steps=3))


@pytest.mark.parametrize("fresh", [False, True])
def test_a_folder_that_is_not_ours_is_left_alone(base: Path, tmp_path: Path, fresh: bool) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work", encoding="utf-8")
    with pytest.raises(UsageError, match="another --out"):
        finetune(lambda: load_base(str(base)), SECTIONS, tmp_path / "mine", data=TINY, fresh=fresh)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
    assert (tmp_path / "mine" / "thesis.txt").read_text(encoding="utf-8") == "years of work"


def test_an_adapter_of_another_base_and_none_at_all(base: Path, tmp_path: Path) -> None:
    finetune(lambda: load_base(str(base)), SECTIONS, tmp_path / "out", data=TINY, training=TrainSettings(steps=1))
    other = save_tiny_model(tmp_path / "other", hidden=64)
    with pytest.raises(AdapterMismatch):
        load_language_model(str(other), adapter=tmp_path / "out", decoding=Decoding())
    with pytest.raises(AdapterMismatch):
        base_and_adapter("bundled:other", _renamed(tmp_path / "out", "bundled:gemma-3-270m"))
    with pytest.raises(AdapterNotFound):
        base_and_adapter(str(base), tmp_path / "nowhere")
    weights = tmp_path / "out" / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(AdapterNotFound, match="damaged"):
        base_and_adapter("bundled:gemma-3-270m", tmp_path / "out")


def _renamed(folder: Path, base: str) -> Path:
    path = folder / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"base_model_name_or_path": base}))
    return folder


@pytest.mark.e2e
@pytest.mark.parametrize("limit", [20_000, 100_000])  # too small for the best weights, and for a checkpoint
def test_a_full_disk_is_one_clear_error_and_leaves_no_result(base: Path, tmp_path: Path, limit: int) -> None:
    script = f"""
import resource
from pathlib import Path
from corpus.errors import StorageFull
from generation.finetuning.base import load_base
from generation.finetuning.finetune import finetune
from generation.finetuning.training import TrainSettings
from test_finetuning import SECTIONS, TINY
resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
settings = TrainSettings(steps=3, checkpoint_seconds=0)
try:
    finetune(lambda: load_base({str(base)!r}), SECTIONS, Path("out"), data=TINY, training=settings)
except StorageFull as error:
    print(error.message("en"))
"""
    paths = os.pathsep.join([str(PROJECT), str(PROJECT / "tests")])
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": paths},
    )
    assert "no space left" in done.stdout
    assert not (tmp_path / "out").exists()
    assert not list(tmp_path.rglob("*.new"))


def test_the_command_trains_and_the_model_answers(
    run: Run, notes: Path, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INTERVIEW_RAG_GENERATOR", str(base))
    run("ingest", notes)
    code, out, err = run("finetune", "--out", tmp_path / "ft", "--steps", 3, "--json")
    assert code == 0, err
    assert json.loads(out)["steps"] == 3
    code, out, err = run("finetune", "--out", tmp_path / "on", "--steps", 2, "--start", tmp_path / "ft", "--json")
    assert code == 0, err
    assert json.loads(out)["facts"]["start"] == str(tmp_path / "ft")
    code, _, err = run("finetune", "--out", tmp_path / "no", "--start", tmp_path / "ft", "--method", "full")
    assert (code, "--method lora" in err) == (2, True)
    code, _, err = run("finetune", "--out", tmp_path / "no", "--start", tmp_path / "none")
    assert (code, err.count("\n"), (tmp_path / "no").exists()) == (1, 1, False)
    code, _, err = run("ask", "What is PTQ?", "--mode", "fine-tuned")
    assert (code, "--adapter DIR" in err) == (2, True)
    code, _, err = run("ask", "What is PTQ?", "--mode", "fine-tuned", "--adapter", tmp_path / "none")
    assert code == 1
    assert err.count("\n") == 1
