"""RAG against fine-tuning: how questions are made and scored, what the verdicts follow from, and a whole run that is cut off."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import NOTES, Run
from tiny_language_model import save_tiny_model

import eval.comparison.run as comparison_run
from app.session import Session
from eval.comparison import choices
from eval.comparison.advice import advise
from eval.comparison.arms import load_scorer
from eval.comparison.choices import Choice, make_choices
from eval.comparison.invented import FACTS, sections_at, write_notes
from eval.comparison.report import render
from eval.comparison.run import Comparison, spread
from eval.comparison.scoring import ChoiceScorer
from eval.comparison.update import share
from generation.finetuning.notes import NoteSection, note_sections
from ingest.clean import clean
from ingest.plan import prepare
from ingest.read import discover, read_file


def count(text: str) -> int:
    return 1 + len(text) // 4


@pytest.fixture(scope="module")
def sections() -> tuple[NoteSection, ...]:
    raws = [read_file(root, relative) for root, relative in discover([NOTES / "en", NOTES / "zh" / "rope.md"])]
    assert clean(raws[0]).text
    return note_sections(chunk for raw in raws for chunk in prepare(raw, count, 320)[1])


@pytest.fixture(scope="module")
def scorer(tmp_path_factory: pytest.TempPathFactory) -> ChoiceScorer:
    return load_scorer(str(save_tiny_model(tmp_path_factory.mktemp("base") / "tiny")), None)


def test_wrong_options_differ_from_the_right_one_and_are_of_its_language(sections: tuple[NoteSection, ...]) -> None:
    found = make_choices(sections, sections, 30, count, answer_tokens=100)
    by_id = {section.id: section for section in sections}
    assert len(found) == 30
    assert {choice.kind for choice in found} == {"fact", "statement"}
    for choice in found:
        assert len(set(choice.options)) == 4
        assert choice.options[0] in " ".join(by_id[choice.section].sentences)
        assert choice.popularity >= 1
        if choice.kind == "fact":
            bare = {"".join(c for c in option if not c.isdigit()) for option in choice.options}
            assert len(bare) <= 2 or choice.chinese  # only figures differ; Chinese ones may be characters
    assert found == make_choices(sections, sections, 30, count, answer_tokens=100)


@pytest.mark.parametrize("shared", ["", "Sources:\n[1] A tower.\n\n"])
def test_options_side_by_side_score_as_each_alone(scorer: ChoiceScorer, shared: str) -> None:
    prompt, options = "Question: What is Arb?\nAnswer:", [" A tower.", " A river that is long.", " No"]

    def alone(option: str) -> float:
        before, after = scorer.tokenizer.encode(shared + prompt), scorer.tokenizer.encode(option, add_special_tokens=False)
        with torch.inference_mode():
            logits = scorer.model(input_ids=torch.tensor([before + after])).logits[0, len(before) - 1 : -1].float()
        return float(logits.log_softmax(-1).gather(1, torch.tensor(after)[:, None]).mean())

    expected = [alone(option) for option in options]
    assert scorer.score(shared, prompt, options) == pytest.approx(expected, abs=0.05)
    assert scorer.score(shared, prompt, options) == pytest.approx(expected, abs=0.05)  # with what was kept


def test_the_notes_change_as_the_facts_do(tmp_path: Path) -> None:
    write_notes(tmp_path, after=False)
    before = {path.name: path.read_text() for path in tmp_path.iterdir()}
    write_notes(tmp_path, after=True)
    after = {path.name: path.read_text() for path in tmp_path.iterdir()}
    kinds = {fact.change: f"{fact.id}.md" for fact in FACTS}
    assert kinds["add"] not in before
    assert kinds["add"] in after
    assert before[kinds["correct"]] != after[kinds["correct"]]
    assert kinds["delete"] in before
    assert kinds["delete"] not in after
    assert len(sections_at(after=True)) == 4


def test_shares_leave_out_what_has_no_right_answer() -> None:
    asked = [{"right": True, "stale": None}, {"right": False, "stale": True}, {"right": None, "stale": False}]
    assert (share(asked, "right"), share(asked, "stale"), share(asked[:1], "stale")) == (0.5, 0.5, None)


def _summary(*, rag_over_tuned: float, changes: float, rag_updates: float = 1.0) -> dict[str, Any]:
    """What the advice is drawn from."""
    winner = "rag" if rag_over_tuned > 0 else "fine-tuning" if rag_over_tuned < 0 else "undecided"
    return {
        "base": "tiny",
        "notes": {"changes_per_month": changes, "guessed": False, "facts": 4000, "sections": 300},
        "size": {"learned": 40, "asked": 40},
        "update": {"rag": {"seconds": 2.0, "right": rag_updates}, "fine-tuned": {"seconds": 90.0, "right": 0.5}},
        "differences": [
            {"arm": "fine-tuned-rag", "over": "rag", "mean": 0.1, "low": 0.02, "high": 0.2, "significant": True},
        ],
        "verdicts": [{"key": "accuracy", "winner": winner}, {"key": "update", "winner": "rag" if rag_updates else "undecided"}],
    }


@pytest.mark.parametrize(
    ("rag_over_tuned", "changes", "expected"),
    [
        (0.3, 0, "use RAG"),
        (0.0, 8, "use RAG"),
        (-0.3, 0, "use the fine-tuned model"),
        (-0.3, 8, "fine-tune, and use RAG too"),
    ],
)
def test_advice_follows_from_the_figures(rag_over_tuned: float, changes: float, expected: str) -> None:
    lines = advise(_summary(rag_over_tuned=rag_over_tuned, changes=changes), "en")
    assert f": {expected}." in lines[0]
    assert "4,000 sentences" in lines[0]
    assert ("weekly" in lines[0]) == (changes == 8)


class _AgreeingChecker:
    threshold = 0.5

    def score(self, claims: Sequence[tuple[str, str]]) -> list[float | None]:
        return [0.9 if claim in context else 0.1 for claim, context in claims]


@pytest.mark.slow
def test_a_run_that_is_cut_off_goes_on_and_reports(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hash_embedder: Any
) -> None:
    monkeypatch.setenv("INTERVIEW_RAG_GENERATOR", str(save_tiny_model(tmp_path / "tiny")))
    monkeypatch.setattr(Session, "checker", _AgreeingChecker())
    monkeypatch.setattr(choices, "_LONGEST", 400)  # its tokens are bytes
    footprint = {"load_seconds": 1.0, "seconds": [0.5], "bytes": 10**9}
    monkeypatch.setattr(comparison_run, "measure", lambda _spec: footprint)
    notes = tmp_path / "notes"
    notes.mkdir()
    for path in (NOTES / "en").glob("r*.md"):
        (notes / path.name).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    options = ["--notes", notes, "--sections", 8, "--questions", 4, "--epochs", 0.2, "--generated", 1]
    asked: list[str] = []
    ask = Comparison._ask

    def killed(self: Comparison, arm: Any, choice: Choice) -> dict[str, Any]:
        asked.append(arm.name)
        if len(asked) == 6:
            raise KeyboardInterrupt
        return ask(self, arm, choice)

    monkeypatch.setattr(Comparison, "_ask", killed)
    code, _, err = run("compare", "--out", tmp_path / "out", *options)
    assert code == 130, err
    code, out, err = run("compare", "--out", tmp_path / "out", *options, "--json", "--changes-per-month", 8)
    assert code == 0, err
    summary = json.loads(out)
    assert asked.count("base") == 4
    assert summary["choices"]["rag"]["n"] == 4
    assert {row["key"] for row in summary["verdicts"]} >= {"accuracy", "update", "stale", "latency", "forgetting", "made_up"}
    assert "change weekly" in summary["advice"]["en"][0]
    for language in ("en", "zh"):
        page = render(summary, language)
        assert "<script" not in page
        assert summary["advice"][language][0].split("：")[0].split(":")[0] in page
    code, _, err = run("compare", "--out", tmp_path / "out", *options[:-1], 2)
    assert (code, "differs in: size" in err) == (2, True)


def test_too_few_notes_are_one_line(run: Run, notes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERVIEW_RAG_GENERATOR", str(save_tiny_model(tmp_path / "tiny")))
    monkeypatch.setattr(Session, "checker", _AgreeingChecker())
    code, _, err = run("compare", "--notes", notes, "--out", tmp_path / "out")
    assert (code, err.count("\n"), "at least 8 are needed" in err) == (1, 1, True)


def test_a_spread_is_from_all_parts() -> None:
    assert spread(range(10), 3) == (0, 3, 6)
    assert spread(range(3), None) == (0, 1, 2)
