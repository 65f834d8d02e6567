"""Training the reader: judgements, the loss, a run that goes on where it was cut off."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import Gemma3ForCausalLM, Gemma3TextConfig

from corpus.errors import InvalidRow
from generation.finetuning.finetune import Base, save_lora
from generation.training.judgements import JUDGEMENTS, JudgedUnit, Judgement, Judgements, judgements, read_judgements
from generation.training.train_reader import ReaderSettings, ReaderTrainer, judgement_loss, pairs_in_order
from retrieval.training.datasets import part_of

SQUAD = """{"data": [{"title": "机器学习", "paragraphs": [{"context": "天气很好。模型有两层。数据不多。", "qas": [
  {"question": "模型有几层？", "answers": [{"text": "两层", "answer_start": 8}]},
  {"question": "没有答案？", "answers": [{"text": "三层", "answer_start": 0}]}]}]}]}"""


class ByteTokenizer:
    def encode(self, text: str, add_special_tokens: bool = True) -> list[int]:
        return [256] * add_special_tokens + list(text.encode())


def tiny_gemma() -> Base:
    torch.manual_seed(0)
    config = Gemma3TextConfig(
        vocab_size=257, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=1,
        head_dim=16, sliding_window=512, layer_types=["sliding_attention", "full_attention"], initializer_range=0.2,
        pad_token_id=0, bos_token_id=256, eos_token_id=1,
    )  # fmt: skip
    return Base("tiny", Gemma3ForCausalLM(config), ByteTokenizer())


def judgement(number: int) -> Judgement:
    letter = "abcd"[number % 4]
    units = (
        JudgedUnit(heading="h", text=letter * 3, label=2),
        JudgedUnit(heading="h", text="abcd"[(number + 1) % 4] * 3, label=0),
    )
    return Judgement(id=str(number), topic="t", question=letter * 2, units=units[:: 1 if number % 3 else -1])


def near_miss(number: int) -> Judgement:
    units = tuple(JudgedUnit(heading="h", text="abcd"[(number + n) % 4] * 3, label=0) for n in (1, 2))
    return Judgement(id=f"n{number}", topic="t", question="abcd"[number % 4] * 2, units=units)


LEARNED = Judgements((), tuple(made(n) for n in range(40) for made in (judgement, near_miss)), ())


def trained(checkpoint: Path, epochs: int = 3) -> ReaderTrainer:
    trainer = ReaderTrainer(tiny_gemma(), ReaderSettings(epochs=epochs, rate=1e-2, groups=4))
    trainer.run(LEARNED, checkpoint)
    return trainer


def test_it_learns_which_units_answer(tmp_path: Path) -> None:
    before = ReaderTrainer(tiny_gemma(), ReaderSettings())
    after = trained(tmp_path / "checkpoint.pt")
    unseen = tuple(made(n) for n in range(100, 110) for made in (judgement, near_miss))
    assert pairs_in_order(after, unseen) == {"belongs": 1.0, "answers": 1.0, "questions": 1.0}
    assert pairs_in_order(after, ()) != pairs_in_order(after, unseen)  # nothing to measure is no result
    with torch.inference_mode():
        losses = [sum(judgement_loss(t.logits(j), j).item() for j in unseen) for t in (before, after)]
    assert losses[1] < losses[0] / 2


def test_a_run_that_was_cut_off_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint = tmp_path / "checkpoint.pt"
    steps: list[float] = []
    step = ReaderTrainer._train_step

    def interrupted(self: ReaderTrainer, chosen: list[Judgement], share: float) -> float:
        if len(steps) == 25:
            raise KeyboardInterrupt
        steps.append(share)
        return step(self, chosen, share)

    whole = trained(tmp_path / "other.pt")
    monkeypatch.setattr(ReaderTrainer, "_train_step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        trained(checkpoint)
    monkeypatch.setattr(ReaderTrainer, "_train_step", step)
    again = trained(checkpoint)
    with torch.inference_mode():
        pairs: list[tuple[Any, Any]] = [(whole.logits(j), again.logits(j)) for j in LEARNED.own[:5]]
    assert all(torch.allclose(a, b, atol=1e-4) for a, b in pairs)


def test_an_adapter_is_trained_on(tmp_path: Path) -> None:
    first = trained(tmp_path / "checkpoint.pt")
    save_lora(first.network, "tiny", tmp_path / "adapter")
    fresh = ReaderTrainer(tiny_gemma(), ReaderSettings())
    on = ReaderTrainer(tiny_gemma(), ReaderSettings(), tmp_path / "adapter")
    asked = LEARNED.own[0]
    with torch.inference_mode():
        assert torch.allclose(on.logits(asked), first.logits(asked), atol=0.05)
        assert not torch.allclose(on.logits(asked), fresh.logits(asked), atol=0.5)


def test_half_a_yes_is_for_what_belongs_beside_an_answer() -> None:
    units = tuple(JudgedUnit(heading="", text="t", label=label) for label in (2, 1, 0))
    asked = Judgement(id="a", topic="t", question="q", units=units)
    right, wrong = torch.tensor([4.0, 0.0, -4.0]), torch.tensor([-4.0, 0.0, 4.0])
    assert judgement_loss(right, asked) < 0.5 < judgement_loss(wrong, asked)
    alike = asked.model_copy(update={"units": units[2:]})
    assert judgement_loss(torch.tensor([-9.0]), alike) < 0.001  # nothing answers, and nothing is ranked


def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Labelled sets with one passage, and no notes."""
    data, notes = tmp_path / "data", tmp_path / "notes"
    for name in ("cmrc2018/dev.json", "cmrc2018/trial.json", "drcd/dev.json"):
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        (data / name).write_text(SQUAD if name == "drcd/dev.json" else '{"data": []}', encoding="utf-8")
    (data / "halueval").mkdir()
    (data / "uhgeval").mkdir()
    (data / "uhgeval" / "dataset_uhgeval_concise.jsonl").write_text("", encoding="utf-8")
    notes.mkdir()
    return data, notes


def test_questions_about_facts_come_with_the_sentences_around_the_answer(tmp_path: Path) -> None:
    assert part_of("机器学习") == "train"
    (fact,) = judgements(JUDGEMENTS, *folders(tmp_path), {"drcd": 1.0}).facts
    assert [(unit.text, unit.label) for unit in fact.units] == [("天气很好。", 0), ("模型有两层。", 2), ("数据不多。", 0)]


def test_our_own_judgements_are_split_by_topic_and_each_has_a_unit_of_another_topic(tmp_path: Path) -> None:
    rows = {row.id: row for row in read_judgements(*JUDGEMENTS)}
    assert {unit.label for row in rows.values() for unit in row.units} == {0, 1, 2}
    found = judgements(JUDGEMENTS, *folders(tmp_path), {})
    assert not found.facts
    assert len(found.own) + len(found.held_out) == len(rows) > 500
    assert {each.topic for each in found.held_out}.isdisjoint(each.topic for each in found.own)
    for each in found.own:
        *own, stranger = each.units
        assert tuple(own) == rows[each.id].units
        assert stranger.label == 0
        assert stranger.text not in {unit.text for unit in own}


def test_a_row_that_is_no_judgement_is_named(tmp_path: Path) -> None:
    path = tmp_path / "judgements.jsonl"
    path.write_text('{"id": "a", "topic": "t", "question": "q", "units": []}\n', encoding="utf-8")
    with pytest.raises(InvalidRow, match="1"):
        read_judgements(path)
