"""Two runs side by side, worked by hand."""

from __future__ import annotations

from typing import Any

import pytest

from corpus.errors import UsageError
from eval.compare import compare


def record(name: str, outcome: str = "answered", question: str = "?", recall: float = 1.0, **metrics: float) -> dict[str, Any]:
    return {
        "gold": {"id": name, "question": question, "history": [], "answerable": True},
        "metrics": {"recall@5": recall},
        "arms": {"quoted": {"outcome": outcome, "metrics": metrics}},
    }


def test_differences_are_paired() -> None:
    before = [record(str(n), key_facts=n / 10) for n in range(10)]
    after = [record(str(n), key_facts=n / 10 + 0.05) for n in range(10)]
    found = compare(after, before)["arms"]["quoted"]["metrics"]["key_facts"]
    # The values vary between questions, the difference does not: a paired interval is a point.
    assert found["difference"] == {"mean": pytest.approx(0.05), "low": pytest.approx(0.05), "high": pytest.approx(0.05)}
    assert found["significant"]
    assert (found["before"], found["after"], found["n"]) == (pytest.approx(0.45), pytest.approx(0.5), 10)
    assert (len(found["better"]), found["worse"]) == (10, [])


def test_a_difference_both_ways_is_not_significant() -> None:
    before = [record(str(n), key_facts=0.5) for n in range(20)]
    after = [record(str(n), key_facts=n % 2) for n in range(20)]
    found = compare(after, before)["arms"]["quoted"]["metrics"]["key_facts"]
    assert found["difference"]["mean"] == 0
    assert found["difference"]["low"] < 0 < found["difference"]["high"]
    assert not found["significant"]


def test_only_what_both_asked_and_measured_counts() -> None:
    before = [record("1", faithfulness=1), record("2", question="in other words", faithfulness=1), record("3", faithfulness=1)]
    after = [record("1", faithfulness=0), record("2", faithfulness=0), record("3"), record("4")]
    found = compare(after, before)
    assert found["questions"] == {"both": 2, "only_here": 2, "only_baseline": 1}
    assert found["arms"]["quoted"]["metrics"]["faithfulness"]["n"] == 1
    with pytest.raises(UsageError, match="no question in common"):
        compare([record("9")], before)


def test_outcomes_that_changed() -> None:
    names = {"1": ("answered", "refused-wrongly"), "2": ("no-claims", "answered"), "3": ("answered", "answered"),
             "4": ("no-claims", "refused-wrongly"), "5": ("answered", "judge-failed")}  # fmt: skip
    before, after = ([record(name, both[side]) for name, both in names.items()] for side in (0, 1))
    flips = compare(after, before)["arms"]["quoted"]["flips"]
    assert [(flip["id"], flip["change"]) for flip in flips] == [("1", "worse"), ("5", "worse"), ("4", "same"), ("2", "better")]


def test_sections_that_the_search_lost() -> None:
    (flip,) = compare([record("1", recall=0.0), record("2")], [record("1"), record("2")])["arms"]["retrieval"]["flips"]
    assert (flip["id"], flip["before"], flip["after"], flip["change"]) == ("1", "recall@5 1.00", "recall@5 0.00", "worse")


def test_arms_of_one_run_only_are_left_out() -> None:
    before = [{**record("1"), "arms": {}}]
    assert list(compare([record("1")], before)["arms"]) == ["retrieval"]
