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
from eval.comparison.estimates import paired
from eval.comparison.footprint import Spec, measure
from eval.comparison.invented import FACTS, sections_at, write_notes
from eval.comparison.report import render
from eval.comparison.run import Comparison, spread
from eval.comparison.scoring import ChoiceScorer
from eval.comparison.update import share, states_value
from eval.comparison.verdicts import verdicts
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


def _difference(arm: str, over: str, mean: float, **more: str) -> dict[str, Any]:
    """A difference of which everybody can say on which side of 0 it lies, unless it is 0."""
    spread = abs(mean) / 2 or 0.1
    return {"arm": arm, "over": over, "mean": mean, "low": mean - spread, "high": mean + spread, "n": 40,
            "significant": mean != 0, **more}  # fmt: skip


def _estimate(mean: float) -> dict[str, Any]:
    return {"mean": mean, "low": mean - 0.1, "high": mean + 0.1, "n": 40}


def _side(seconds: float, right: int, stale: int) -> dict[str, Any]:
    return {"seconds": seconds, "words": {"right": (right, 6), "stale": (stale, 4)}}


def _summary(
    *, knows: float = 0.0, faithful: float = 0.0, on_top: float = 0.0, changes: float = 0.0, updates: int = 6
) -> dict[str, Any]:
    """What the verdicts and the advice are drawn from; RAG over fine-tuning, and the fine-tuned reader over the untrained one."""
    arms = ("base", "rag", "fine-tuned", "rag-reworded", "fine-tuned-reworded", "distractors", "fine-tuned-distractors")
    metrics = ("token_f1", "faithfulness", "refused_when_due")
    footprint = {"seconds": 2.0, "least": 1.0, "most": 3.0, "bytes": 10**9}
    summary: dict[str, Any] = {
        "base": "tiny",
        "composes": True,
        "notes": {"changes_per_month": changes, "changes_from": "you", "facts": 4000, "sections": 300},
        "size": {"learned": 40, "asked": 40},
        "choices": {arm: _estimate(0.5) for arm in arms},
        "differences": [
            _difference("rag", "fine-tuned", knows),
            _difference("rag-reworded", "fine-tuned-reworded", 0.0),
            _difference("fine-tuned-rag", "rag", on_top),
            _difference("fine-tuned-distractors", "distractors", 0.0),
            _difference("fine-tuned-reworded", "fine-tuned-one-wording-reworded", 0.1),
        ],
        "popularity": {arm: {"rare": _estimate(0.5)} for arm in arms},
        "popularity_differences": {"rare": _difference("rag", "fine-tuned", 0.0)},
        "written": {arm: {"metrics": {metric: _estimate(0.5) for metric in metrics}} for arm in ("rag", "fine-tuned")},
        "written_differences": [
            _difference("rag", "fine-tuned", faithful if metric == "faithfulness" else 0.0, metric=metric) for metric in metrics
        ],
        "update": {"rag": _side(2.0, updates, 0), "fine-tuned": _side(90.0, 2, 1), "facts": 6},
        "curve": [
            {"examples": 0, "wordings": 1, "behind": _difference("rag", "base", 0.4)},
            {"examples": 30, "wordings": 3, "behind": _difference("rag", "half", 0.2)},
            {"examples": 60, "wordings": 3, "behind": _difference("rag", "fine-tuned", knows)},
        ],
        "training": {"fine-tuned": {"seconds": 60.0}},
        "ingest": {"all_seconds": 100.0},
        "footprint": {"rag": footprint, "fine-tuned": footprint},
        "parts": {"generator": 10**8, "embeddings": 10**8, "index": 10**6, "adapter": 10**6},
        "general": {
            "ratio": {"mean": 1.5, "low": 1.2, "high": 1.8},
            "skill": _difference("after", "before", 0.0),
            "right": {"before": _estimate(0.7), "after": _estimate(0.7)},
        },
    }
    return summary | {"verdicts": verdicts(summary)}


@pytest.mark.parametrize(
    ("figures", "expected"),
    [
        ({"knows": 0.3}, "use RAG"),
        ({"knows": 0.3, "on_top": 0.1}, "use RAG, with a fine-tuned reader"),
        ({"knows": 0.3, "on_top": -0.1}, "use RAG"),
        ({"changes": 8}, "use RAG"),  # by the update alone
        ({"knows": -0.3}, "use the fine-tuned model"),
        ({"knows": -0.3, "faithful": 0.4}, "use RAG"),  # it knows the options and makes up the words
        ({"knows": -0.3, "changes": 8, "on_top": 0.1}, "use RAG, with a fine-tuned reader"),
        ({"knows": -0.3, "changes": 8, "updates": 2}, "use RAG"),  # as many are right, but not as soon
        ({}, "either will do; RAG needs no training"),
    ],
)
def test_advice_follows_from_the_figures(figures: dict[str, Any], expected: str) -> None:
    lines = advise(_summary(**figures), "en")
    assert lines[0].endswith(f": {expected}.")
    assert "4,000 sentences" in lines[0]
    assert ("weekly" in lines[0]) == (figures.get("changes") == 8)
    assert len(advise(_summary(**figures), "zh")) == len(lines)


def test_verdicts_are_decided_by_intervals_factors_and_counts() -> None:
    winners = {row["key"]: row["winner"] for row in _summary(knows=-0.3, faithful=0.4)["verdicts"]}
    assert winners == {
        "accuracy": "fine-tuning",  # the interval is below 0
        "reworded": "undecided",  # it holds 0
        "tail": "undecided",
        "answers": "undecided",
        "faithful": "rag",
        "made_up": "undecided",
        "update": "rag",  # 6 against 2
        "stale": "undecided",  # 0 against 1
        "data": "rag",
        "cost": "rag",  # 100 s against 60 s for 40 of 300 sections
        "latency": "undecided",
        "memory": "undecided",
        "setup": "undecided",  # 3 against 2 parts
        "forgetting": "rag",
        "noise": "undecided",
    }


@pytest.mark.parametrize(
    ("text", "value", "expected"),
    [
        ("It uses 48,640 entries.", "48,640", True),
        ("It uses 148,640 entries.", "48,640", False),
        ("青岚二号模型共有37层。", "37", True),
        ("It has 37.5 layers.", "37", False),
        ("It has rank 12.", "12", True),
        ("Trained with LionHeart.", "Lion", False),
    ],
)
def test_a_value_is_stated_as_a_whole(text: str, value: str, expected: bool) -> None:
    assert states_value(text, value) == expected


def test_differences_are_paired_over_what_both_were_asked() -> None:
    found = paired({"a": 1.0, "b": 0.5, "c": 0.0}, {"a": 0.5, "b": 0.0})
    assert found == {"mean": 0.5, "low": 0.5, "high": 0.5, "n": 2, "significant": True}
    assert paired({"a": 1.0}, {"b": 1.0}) is None


class _AgreeingChecker:
    threshold = 0.5

    def score(self, claims: Sequence[tuple[str, str]]) -> list[float | None]:
        return [0.9 if claim in context else 0.1 for claim, context in claims]


def _not_called(_self: object) -> None:
    raise AssertionError("nothing is measured again")


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
    assert (code, err.splitlines()[-1]) == (130, "interrupted")
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
    done = len(asked)
    monkeypatch.setattr(Session, "answerer", _not_called)  # a finished run is only reported again, without models that answer
    code, again, err = run("compare", "--out", tmp_path / "out", *options, "--json", "--changes-per-month", 0)
    assert code == 0, err
    assert len(asked) == done
    assert json.loads(again)["choices"] == summary["choices"]
    assert "hardly change" in json.loads(again)["advice"]["en"][0]
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


@pytest.mark.e2e
def test_a_process_that_answers_does_not_count_the_memory_of_the_one_that_started_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "eval").mkdir()
    (tmp_path / "eval" / "__init__.py").write_text("raise RuntimeError('of the user, not ours')", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    base = str(save_tiny_model(tmp_path / "tiny"))
    held = b"x" * (15 * 10**8)
    spec = Spec("closed", base, None, "", "", None, ("What is Arb?",))
    found = measure(spec)
    assert len(held) > found["bytes"] > 10**8
    assert len(found["seconds"]) == 1
