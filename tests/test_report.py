"""The report of a run: what it shows, in both languages; no note becomes markup, and nothing leaves the machine."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from eval.compare import compare
from eval.report import render_report
from eval.report_cases import worst_cases
from eval.report_text import TEXT
from eval.summary import summarise


def record(number: int, outcome: str = "answered", **more: Any) -> dict[str, Any]:
    """A record as a run writes it."""
    answerable = outcome in ("answered", "refused-wrongly", "judge-failed")
    claim = {
        "claim": "RoPE 的底数取 10000。",
        "status": "scored",
        "score": 0.9,
        "supported": True,
        "reason": "",
        "citations": [1],
        "cited": {"status": "scored", "score": 0.9, "supported": True, "reason": ""},
        "evidence": {"path": "zh/rope.md", "heading": ["RoPE"], "text": "底数取 10000。"},
    }
    answer = {
        "answer": "RoPE 的底数取 10000。[1]",
        "refused": "refused" in outcome,
        "sentences": [{"text": "RoPE 的底数取 10000。"}],
        "timings": {"search": 0.1, "total": 0.5},
    }
    return {
        "gold": {
            "id": f"q{number}",
            "question": more.get("question", "RoPE 的底数取多少？"),
            "lang": "zh-Hans",
            "kind": "fact",
            "topic": "rope",
            "history": [],
            "gold_files": ["zh/rope.md"] if answerable else [],
            "gold_sections": [{"path": "zh/rope.md", "heading": "RoPE"}] if answerable else [],
            "must_include": ["10000", "500"] if answerable else [],
            "reference": "底数取 10000。",
            "answerable": answerable,
            "split": "test",
        },
        "search": {
            "relevance": more.get("relevance", 0.8),
            "hits": [
                {"path": "zh/rope.md", "heading": ["RoPE"], "text": "底数取 10000。"},
                {"path": "b.md", "heading": [], "text": "x"},
            ],
        },
        "metrics": {"recall@5": 1.0, "mrr@10": 1.0} if answerable else {},
        "arms": {
            "quoted": {
                "answer": answer,
                "outcome": outcome,
                "contexts": 1,
                "claims": [claim] if outcome == "answered" else [],
                "metrics": more.get("metrics", {"refusal_right": 1.0, "faithfulness": 1.0} if outcome == "answered" else {}),
            }
        },
    }


RECORDS = [
    record(1),
    record(2, "refused-wrongly", relevance=0.2),
    record(3, "answered-wrongly"),
    record(4, "refused-correctly", relevance=0.0),
    record(5, metrics={"faithfulness": 0.5, "key_facts": 0.5}, relevance=1.0),
]


def figures(records: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    languages = [
        {"questions": q, "notes": n, "n": 1, "recall": {"mean": 0.5, "low": 0.1, "high": 0.9} if q == n else None}
        for q in ("zh-Hans", "en")
        for n in ("zh-Hans", "en")
    ]
    return {
        "questions": "q.jsonl",
        "split": None,
        "judge": "words",
        "n": len(records),
        "arms": summarise(records),
        "languages": languages,
        **more,
    }


def text_of(html: str) -> str:
    body = html.partition("<body>")[2]
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


def test_worst_cases_come_first_and_what_is_right_is_left_out() -> None:
    cases = worst_cases(RECORDS, "quoted")
    assert [case["gold"].id for case in cases] == ["q3", "q2", "q5"]
    (last,) = cases[2:]
    assert last["facts"] == [("10000", True), ("500", False)]
    assert [hit["gold"] for hit in last["hits"]] == [True, False]
    assert last["claims"][0]["standing"] == "supported"
    assert worst_cases(RECORDS, "retrieval") == []


@pytest.mark.parametrize(("language", "said"), [("en", "Worst cases"), ("zh", "最差案例")])
def test_everything_is_shown_in_the_language_of_the_report(language: Any, said: str) -> None:
    html = render_report(RECORDS, figures(RECORDS), language)
    shown = text_of(html)
    assert said in shown
    assert "RoPE 的底数取多少？" in shown
    assert "zh/rope.md › RoPE" in shown
    other = "最差案例" if language == "en" else "Worst cases"
    assert other not in shown
    for key in ("summary", "outcomes", "by_lang", "by_kind", "by_topic", "matrix", "distributions", "seconds"):
        assert TEXT[key][language == "zh"] in shown


def test_a_comparison_and_missed_floors_are_shown() -> None:
    after = [record(1, "refused-wrongly"), *RECORDS[1:]]
    more = {
        "baseline": {"path": "before", **compare(after, RECORDS)},
        "floors": {"wanted": {}, "failures": ["faithfulness is low"]},
    }
    shown = text_of(render_report(after, figures(after, **more), "en"))
    assert "Against the baseline" in shown
    assert "worse q1" in shown
    assert "answered → refused, though answerable" in shown
    assert "Under their floors faithfulness is low" in shown


def test_what_others_wrote_is_no_markup() -> None:
    harmful = [record(1, "answered-wrongly", question='<script>window.harmed=1</script><img src="http://example.org/x.png">')]
    html = render_report(harmful, figures(harmful), "en")
    assert "<script" not in html
    assert "<img" not in html
    assert "&lt;script&gt;" in html


def test_the_file_needs_nothing_else() -> None:
    html = render_report(RECORDS, figures(RECORDS), "en")
    assert not re.search(r"(?:src|href)\s*=|url\(|@import|https?://", html)


def test_a_run_that_only_refused_has_a_report() -> None:
    refused = [record(1, "refused-wrongly")]
    assert "Worst cases" in render_report(refused, figures(refused), "en")


@pytest.mark.e2e
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_browser_shows_it_readably(tmp_path: Path, scheme: Any) -> None:
    from playwright.sync_api import sync_playwright

    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    if path is None:
        pytest.skip("no Chromium: install it, or name it in the environment variable CHROMIUM")
    (tmp_path / "report.html").write_text(render_report(RECORDS, figures(RECORDS), "zh"), encoding="utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=("--no-sandbox", "--disable-gpu"))
        page = browser.new_page(viewport={"width": 420, "height": 800}, color_scheme=scheme)
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto((tmp_path / "report.html").as_uri())
        assert asked == [(tmp_path / "report.html").as_uri()]
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")  # a phone needs no sideways scrolling
        ink, ground = page.evaluate("[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]")
        assert (brightness(ink) > brightness(ground)) == (scheme == "dark")
        assert page.locator(".fill").first.bounding_box()["width"] > 5
        browser.close()


def brightness(colour: str) -> float:
    return sum(map(int, re.findall(r"\d+", colour)[:3]))
