"""The chat as a person meets it: a real server process, a real browser, and no request that leaves the machine."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright
from server_process import QUOTES_ONLY, ingest, run, serving
from tiny_language_model import save_tiny_model

from app.session import Mode
from app.ui_desk import Facts
from corpus.errors import IndexNotFound
from corpus.results import Answer, Sentence
from generation.answering import Question
from generation.finetuning.base import load_base
from generation.finetuning.finetune import finetune
from generation.finetuning.notes import NoteSection
from generation.finetuning.training import TrainSettings

pytestmark = pytest.mark.e2e

FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync")
# Short, since a processor writes slowly.
COMPOSED = {"INTERVIEW_RAG_ANSWERING__COMPOSE": "true", "INTERVIEW_RAG_DECODING__MAX_TOKENS": "32"}
PATIENCE = 180_000  # milliseconds, for machines that do other things too

ALIBI = """# ALiBi

## 什么是 ALiBi？

ALiBi 不使用位置向量，而是在注意力分数上加一个与距离成正比的负偏置 $-m|i-j|$。ALiBi 的斜率 $m$ 按注意力头取几何级数。

## ALiBi 有什么缺点？

ALiBi 的缺点是距离越远惩罚越大，模型难以利用很远的上下文。
"""
QUANTIZATION = """# Quantization

## Why are activations harder to quantize than weights?

A few channels of the activations hold outliers that are about a hundred times larger than the rest.

## What does post-training quantization need?

Post-training quantization needs a small calibration set and no gradients.

## What is NF4?

NF4 is a data type whose sixteen levels follow the quantiles of a normal distribution.
"""
RERANKING = """# 检索增强生成

## 什么是重排？

重排用交叉编码器给每个候选段落打分，比双编码器准确，但计算量更大。

## 混合检索怎么合并结果？

倒数排名融合把两个排名的倒数相加，常数取 60。

## 分块多大合适？

分块一般取 200 到 400 个 token，太大会稀释要点。
"""
MARKUP = """# Markup

## How does a <b onmouseover="window.harmed=1">templating</b> prompt injection look?

A templating prompt injection looks like <script>window.harmed=2</script> or <img src="http://example.org/x.png" \
onerror="window.harmed=3"> or **bold** [link](http://example.org/) or {{7*7}} or ${7*7}.
"""
NOTES = {"zh/alibi.md": ALIBI, "zh/rag.md": RERANKING, "en/quantization.md": QUANTIZATION, "en/markup.md": MARKUP}


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("chat")
    for path, text in NOTES.items():
        (folder / "written" / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / "written" / path).write_text(text, encoding="utf-8")
    ingest(folder / "written", folder / "index")
    return folder / "index"


@pytest.fixture(scope="module")
def url(index: Path) -> Iterator[str]:
    with serving(index, QUOTES_ONLY) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    if path is None:
        pytest.skip("no Chromium: install it, or name it in the environment variable CHROMIUM")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Opens an address as a new visitor; afterwards, nothing may have been asked for elsewhere, and no script may have failed."""
    contexts: list[BrowserContext] = []
    foreign: list[str] = []
    failures: list[str] = []

    def requested(address: str) -> None:
        parts = urlsplit(address)
        if parts.scheme not in ("data", "blob") and parts.hostname != "127.0.0.1":
            foreign.append(address)

    def open_page(address: str, language: str = "zh-CN") -> Page:
        contexts.append(browser.new_context(locale=language))
        contexts[-1].on("request", lambda request: requested(request.url))
        page = contexts[-1].new_page()
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: failures.append(str(error)))
        page.goto(address)
        page.wait_for_selector("#ir-question textarea[placeholder]:enabled")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert foreign == []
    assert failures == []


def ask(page: Page, question: str) -> Locator:
    """Ask, wait for the whole answer, and return its message."""
    facts = page.locator(".ir-facts")
    answered = facts.count()
    page.fill("#ir-question textarea:enabled", question)
    page.press("#ir-question textarea", "Enter")
    expect(facts).to_have_count(answered + 1, timeout=PATIENCE)
    expect(page.locator("#ir-question textarea")).to_be_enabled()
    return page.locator("#ir-chat .bot-row").nth(answered)


WATCH = """
() => {
  window.states = [];
  new MutationObserver(() => {
    const last = [...document.querySelectorAll("#ir-chat .bot-row")].pop();
    if (!last) return;
    const state = [last.querySelectorAll(".ir-waiting, .ir-sentence").length, !!last.querySelector(".ir-facts")].join(" ");
    if (window.states.at(-1) !== state) window.states.push(state);
  }).observe(document.querySelector("#ir-chat"), { childList: true, subtree: true, characterData: true });
}
"""


def test_a_chinese_question_is_answered_sentence_by_sentence_with_its_sources(visit: Callable[..., Page], url: str) -> None:
    page = visit(url)
    expect(page.locator("#ir-head")).to_contain_text("4 篇笔记")
    expect(page.locator("#ir-head")).to_contain_text("multilingual-e5-small")
    expect(page.locator("#ir-chat .example")).to_have_count(4)
    page.evaluate(WATCH)
    answer = ask(page, "什么是 ALiBi？")

    states = page.evaluate("window.states")
    assert "1 false" in states, "a sign of life or a first sentence comes before the whole answer"
    assert states[-1] == f"{answer.locator('.ir-sentence').count()} true"
    sentence = answer.locator(".ir-sentence", has_text="不使用位置向量")
    expect(sentence.locator(".katex")).to_have_count(1)
    number = sentence.locator(".ir-cite").inner_text().strip("[]")
    note = page.locator(".ir-shown .ir-note", has=page.locator(f"#ir-source-0-{number}"))
    expect(note).to_contain_text("zh/alibi.md")
    expect(note).to_contain_text("ALiBi › 什么是 ALiBi？")
    expect(page.locator(f"#ir-source-0-{number} .ir-quote")).to_contain_text("负偏置 $-m|i-j|$")

    ask(page, "What is NF4?")
    expect(page.locator(f"#ir-source-0-{number}")).to_be_hidden()
    sentence.locator(".ir-cite").click()
    expect(page.locator(f"#ir-source-0-{number}")).to_be_in_viewport()


def test_a_question_off_topic_is_refused_with_headings_to_ask_instead(visit: Callable[..., Page], url: str) -> None:
    page = visit(url)
    answer = ask(page, "红烧肉要炖多久？")
    expect(answer).to_contain_text("没有找到")
    expect(page.locator(".ir-shown .ir-source")).to_have_count(0)
    suggested = page.locator("#ir-chat .option").first
    heading = suggested.inner_text().split(" › ")[-1]
    suggested.click()
    expect(page.locator("#ir-chat .user-row").last).to_have_text(heading)
    expect(page.locator("#ir-chat .ir-sentence").first).to_be_visible()


def test_a_follow_up_uses_its_own_conversation_and_no_other(visit: Callable[..., Page], url: str) -> None:
    mine, other = visit(url), visit(url)
    ask(mine, "什么是 ALiBi？")
    expect(ask(mine, "它有什么缺点？")).to_contain_text("什么是 ALiBi？ 它有什么缺点？")
    expect(mine.locator("#ir-chat .bot-row").last).to_contain_text("很远的上下文")
    assert "ALiBi？ 它" not in ask(other, "它有什么缺点？").inner_text()
    expect(other.locator("#ir-chat .user-row")).to_have_count(1)

    mine.click("#ir-new")
    expect(mine.locator("#ir-chat .bot-row")).to_have_count(0)
    assert "ALiBi？ 它" not in ask(mine, "它有什么缺点？").inner_text()


def test_markup_in_notes_and_questions_is_shown_and_not_run(visit: Callable[..., Page], url: str) -> None:
    page = visit(url, "en-US")
    expect(page.locator("#ir-chat .example", has_text="templating prompt injection")).to_have_count(1)
    answer = ask(page, "How does a templating prompt injection look? <img src=x onerror='window.harmed=4'>")
    expect(page.locator("#ir-chat .user-row")).to_contain_text("<img src=x onerror='window.harmed=4'>")
    quote = page.locator(".ir-quote", has_text="<script>window.harmed=2</script>").first
    expect(quote).to_contain_text('onerror="window.harmed=3"> or **bold** [link](http://example.org/) or {{7*7}} or ${7*7}.')
    assert (
        page.locator("#ir-chat img, #ir-sources img, #ir-sources script, #ir-chat b, #ir-sources b, #ir-chat strong").count() == 0
    )
    assert answer.locator("a:not(.ir-cite)").count() == 0
    assert page.evaluate("window.harmed") is None


def test_labels_follow_the_browser_and_the_switch(visit: Callable[..., Page], url: str) -> None:
    page = visit(url, "en-US")
    expect(page.locator("#ir-send")).to_have_text("Ask")
    ask(page, "红烧肉要炖多久？")
    page.locator("#ir-language label", has_text="中文").click()
    expect(page.locator("#ir-send")).to_have_text("提问")
    expect(page.locator("#ir-chat .bot-row")).to_contain_text("笔记里最接近的标题")
    expect(page.locator("#ir-add")).to_contain_text("添加笔记")


def test_notes_added_in_the_page_or_by_another_process_are_found_at_once(
    visit: Callable[..., Page], url: str, index: Path, tmp_path: Path
) -> None:
    page = visit(url)
    note = tmp_path / "位置 插值.md"
    note.write_text("# 位置插值\n\n## 什么是位置插值？\n\n位置插值把位置下标按比例压缩到训练长度之内。\n", encoding="utf-8")
    page.click("#ir-add button")
    page.set_input_files("#ir-add input[type=file]", [note])
    expect(page.locator(".ir-added")).to_contain_text("新增 1", timeout=PATIENCE)
    expect(page.locator("#ir-head")).to_contain_text("5 篇笔记")
    assert (index.parent / "notes" / note.name).read_text(encoding="utf-8") == note.read_text(encoding="utf-8")
    expect(ask(page, "什么是位置插值？")).to_contain_text("按比例压缩")

    (tmp_path / "shell").mkdir()
    speculative = "# 投机解码\n\n## 什么是投机解码？\n\n投机解码让小模型起草若干 token，再由大模型一次验证。\n"
    (tmp_path / "shell" / "speculative.md").write_text(speculative, encoding="utf-8")
    ingest(tmp_path / "shell", index)
    expect(ask(page, "什么是投机解码？")).to_contain_text("由大模型一次验证")
    expect(page.locator("#ir-head")).to_contain_text("6 篇笔记")


class StubDesk:
    """Knows one answer, and one question that it fails at."""

    notes_folder = Path("notes")
    modes: tuple[Mode, ...] = ("rag",)
    adapters: ClassVar[dict[str, Path]] = {}

    def facts(self) -> Facts:
        return Facts(1, 1, 1, {"en": 1}, "e", None, ())

    def events(self, question: Question, mode: Mode = "rag", adapter: str | None = None) -> Iterator[Sentence | Answer]:
        sentences = (Sentence("One.", (1,), 1.0, "generated"), Sentence("Two.", (1,), 1.0, "quoted"))
        yield sentences[0]
        if question.text == "Why?":
            raise IndexNotFound(path="<b>")
        yield sentences[1]
        yield Answer(question.text, question.text, "", "en", False, "answered", 1.0, 1.0, sentences, timings={"total": 1})

    def answer(self, question: Question, mode: Mode = "rag") -> Answer:
        *_, answer = self.events(question, mode)
        assert isinstance(answer, Answer)
        return answer


def test_each_sentence_is_shown_as_soon_as_it_is_checked() -> None:
    from app.ui import ChatPage

    page = ChatPage(StubDesk(), "en", follow_browser=False)  # type: ignore[arg-type]
    updates = list(page.respond(Question("What?"), (), "en"))
    shown = [update[page.chat][-1]["content"] for update in updates]
    assert [("One." in text, "Two." in text, "ir-facts" in text) for text in shown] == [
        (True, False, False),
        (True, True, False),
        (True, True, True),
    ]
    assert [turn.question for turn in updates[-1][page.turns]] == ["What?"]


def test_a_question_that_fails_says_why_in_one_line_and_can_be_sent_again() -> None:
    from app.ui import ChatPage

    page = ChatPage(StubDesk(), "en", follow_browser=False)  # type: ignore[arg-type]
    *_, last = page.respond(Question("Why?"), (), "en")
    assert page.turns not in last
    assert "no index at &#60;b&#62;: run &#96;interview-rag ingest PATH&#96; first" in last[page.chat][-1]["content"]
    assert page.finish(Question("Why?"))[page.question].value == "Why?"


def test_programs_get_the_answer_row(url: str) -> None:
    from gradio_client import Client

    given = {"data": ["它有什么缺点？", ["什么是 ALiBi？"]]}
    row = httpx.post(f"{url}gradio_api/run/ask", json=given, timeout=60, trust_env=False).json()["data"][0]
    contract = (
        "id question answer language refused support sentences citations model adapter rope left_out tokens timings".split()
    )
    assert set(contract) <= set(row)
    assert row["query"] == "什么是 ALiBi？ 它有什么缺点？"
    assert set(row["citations"][0]) >= {"n", "chunk_id", "path", "heading", "start", "end", "quote"}

    client = Client(url, download_files=False, verbose=False)
    again = client.predict(question=given["data"][0], history=given["data"][1], api_name="/ask")
    assert {**again, "timings": None} == {**row, "timings": None}

    refused = httpx.post(f"{url}gradio_api/run/ask", json={"data": [" ", []]}, timeout=60, trust_env=False)
    assert "not empty" in refused.json()["error"]


def test_the_language_model_answers_in_the_page(visit: Callable[..., Page], index: Path) -> None:
    with serving(index, COMPOSED) as address:
        page = visit(address, "en-US")
        expect(page.locator("#ir-head")).to_contain_text("gemma-3-270m")
        expect(page.locator("#ir-mode label")).to_have_count(2)
        answer = ask(page, "Why are activations harder to quantize than weights?")
        expect(answer.locator(".ir-sentence").first).to_contain_text("outliers")
        expect(page.locator(".ir-shown .ir-quote").first).to_contain_text("a hundred times larger")
        page.locator("#ir-mode label", has_text="whole notes").click()
        read = ask(page, "What does post-training quantization need?")
        expect(read.locator(".ir-facts")).to_contain_text("whole notes")
        expect(read.locator(".ir-facts details")).to_contain_text("not read")


def test_a_fine_tuned_model_is_chosen_and_what_the_notes_do_not_support_is_marked(
    visit: Callable[..., Page], index: Path, tmp_path: Path
) -> None:
    base = str(save_tiny_model(tmp_path / "tiny"))
    sections = tuple(NoteSection("a.md", (f"What is {name}?",), (f"{name} is a harbour.",), "en") for name in "ABCDE")
    for name in ("first", "second"):
        finetune(lambda: load_base(base), sections, tmp_path / name, training=TrainSettings(rate=2e-2, steps=40))
    folders = ("--adapter", str(tmp_path / "first"), "--adapter", str(tmp_path / "second"))
    with serving(index, {"INTERVIEW_RAG_GENERATOR": base, "INTERVIEW_RAG_DECODING__MAX_TOKENS": "32"}, *folders) as address:
        page = visit(address, "en-US")
        expect(page.locator("#ir-adapter")).to_be_hidden()
        page.locator("#ir-mode label", has_text="closed book").click()
        page.locator("#ir-adapter input").click()
        page.get_by_role("option", name="second").click()
        answer = ask(page, "What is NF4?")
        expect(answer.locator(".ir-facts")).to_contain_text("adapter second")
        expect(answer.locator(".ir-sentence").first.locator(".ir-unfounded")).to_have_text("not supported by your notes")
    other = run("serve", "--index", str(index), "--adapter", str(index), "--port", "0")
    _, errors = other.communicate(timeout=60)
    assert (other.returncode, len(errors.strip().splitlines())) == (1, 1)


def test_what_keeps_the_server_from_starting_is_said_in_one_line(index: Path, tmp_path: Path) -> None:
    missing = run("serve", "--index", str(tmp_path / "none"), "--port", "0")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        busy = run("serve", "--index", str(index), "--port", port)
        _, busy_errors = busy.communicate(timeout=60)
    _, missing_errors = missing.communicate(timeout=60)
    assert (busy.returncode, len(busy_errors.strip().splitlines())) == (2, 1)
    assert port in busy_errors
    assert (missing.returncode, len(missing_errors.strip().splitlines())) == (1, 1)
    assert "interview-rag ingest" in missing_errors
