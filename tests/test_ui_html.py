import re
from html.parser import HTMLParser

import pytest

from app.ui_desk import pick_examples
from app.ui_html import Turn, answer_html, conversation, escape, escape_with_formulas, sentence_html, source_id, sources_html
from app.ui_text import LABELS, browser_language
from corpus.documents import Chunk, ChunkId, Language, SourceMap
from corpus.errors import MessageLanguage
from corpus.results import Answer, Citation, Sentence
from generation.phrases import refusal

HOSTILE = (
    "<script>alert(1)</script> <img src=x onerror=\"a('b')\"> **bold** [link](http://example.org) `code` "
    "{{7*7}} ${7*7} %%%LATEX_BLOCK_0%%%\n\n# h"
)


class Reader(HTMLParser):
    """Collects the text and the tags of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.text = ""
        self.tags: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def answer(**changes: object) -> Answer:
    sentence = Sentence(HOSTILE, (1,), 0.876, "quoted")
    citation = Citation(1, ChunkId("c"), f"{HOSTILE}.md", (HOSTILE, HOSTILE), 3, 9, HOSTILE)
    fields: dict[str, object] = {
        "question": HOSTILE, "query": f"RoPE? {HOSTILE}", "answer": HOSTILE, "language": "en", "refused": False,
        "outcome": "quoted",
        "support": 0.876, "relevance": 0.9, "sentences": (sentence,), "citations": (citation,), "notice": HOSTILE,
        "left_out": (HOSTILE,), "timings": {"total": 1.25},
    }  # fmt: skip
    return Answer(**{**fields, **changes})  # type: ignore[arg-type]


def test_escaped_text_reads_as_written_and_holds_nothing_to_interpret() -> None:
    escaped = escape(HOSTILE)
    assert Reader(escaped).text == HOSTILE
    assert not set("<>\"'`${}[]*_%\\\n") & set(escaped)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_notes_bring_no_markup_into_the_page(language: MessageLanguage) -> None:
    labels = LABELS[language]
    refusal = answer(refused=True, outcome="refused", sentences=(), citations=(), suggestions=(HOSTILE,), support=None)
    turns = [Turn(HOSTILE, answer()), Turn(HOSTILE, refusal), Turn(HOSTILE, answer())]
    page = "".join(message["content"] for message in conversation(turns, labels)) + sources_html(turns, labels)
    read = Reader(page)
    ours = {"p", "a", "span", "i", "div", "details", "summary", "ul", "li", "section", "h3", "article"}
    assert set(read.tags) <= ours
    assert read.text.count("<script>alert(1)</script>") >= 10
    assert "onerror" not in re.sub(r"&#\d+;[^&]*onerror", "", page)


def test_a_block_of_the_answer_has_no_blank_line_for_markdown_to_begin_at() -> None:
    blocks = answer_html(answer(), 0, LABELS["en"]).split("\n\n")
    assert all("\n" not in block and re.match(r"<(p|div|ul)\b", block) for block in blocks)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("角度 $m\\theta$，见 $$a_1=b$$", r"角度 \(m\theta\)，见 \[a_1=b\]"),
        ("$a<b$ and \\(c\\) and \\[d\\]", r"\(a<b\) and \(c\) and \[d\]"),
        ("from $5 to $6", "from $5 to $6"),
        ("price $ 5 $ and \\$x\\$", "price $ 5 $ and \\$x\\$"),
        ("$i=0,\\dots,d/2-1$。", r"\(i=0,\dots,d/2-1\)。"),
    ],
)
def test_formulas_get_the_delimiters_and_money_does_not(text: str, shown: str) -> None:
    escaped = escape_with_formulas(text)
    assert Reader(escaped).text == shown
    assert escaped.count(r"\(") + escaped.count(r"\[") == shown.replace("\\$", "").count(r"\(") + shown.count(r"\[")


def test_a_sentence_leads_to_its_sources_and_tells_its_support() -> None:
    page = sentence_html(Sentence("a", (1, 12), 0.5, "generated"), 3, LABELS["en"])
    assert 'href="#ir-source-3-1"' in page
    assert 'href="#ir-source-3-12"' in page
    assert "width:50%" in page
    assert "ir-generated" in page
    assert "cannot be scored" in sentence_html(Sentence("a", (), None, "quoted"), 0, LABELS["en"])


def test_a_listing_keeps_its_lines_and_its_dollars() -> None:
    page = sentence_html(Sentence("```bash\necho $A\n\n  echo $B\n```", (1,), 1.0, "quoted"), 0, LABELS["en"])
    assert Reader(page).text == "echo $A\n\n  echo $B[1]"
    assert "\n" not in page
    assert "code" in Reader(page).tags


def test_a_refusal_in_doubt_shows_what_comes_nearest_with_its_source() -> None:
    doubtful = answer(refused=True, outcome="refused", notice="nearest:", support=None)
    html = answer_html(doubtful, 0, LABELS["en"])
    assert html.index(escape(refusal("en"))) < html.index(escape("nearest:")) < html.index(f"#{source_id(0, 1)}")


def test_only_the_latest_refusal_offers_its_headings_as_buttons() -> None:
    refusal = answer(refused=True, outcome="refused", sentences=(), citations=(), suggestions=("A › B?",), left_out=())
    refused = Turn("q", refusal)
    _, first, _, last = conversation([refused, refused], LABELS["en"])
    assert first["options"] == []
    assert "<li>A › B?</li>" in first["content"]
    assert last["options"] == [{"value": "B?", "label": "A › B?"}]
    assert "<li>" not in last["content"]
    assert conversation([refused], LABELS["en"], "next")[1]["options"] == []


def test_the_sources_of_the_latest_answer_are_shown() -> None:
    page = sources_html([Turn("one", answer()), Turn("two", answer())], LABELS["zh"])
    assert [found.startswith(" ir-shown") for found in re.findall(r'class="ir-turn([^"]*)"', page)] == [False, True]
    assert 'id="ir-source-0-1"' in page
    assert 'id="ir-source-1-1"' in page


def chunk(path: str, heading: str, language: Language) -> Chunk:
    return Chunk(path, 0, ("Title", heading), "text", 0, 4, SourceMap(), language, 1)


def test_examples_take_the_first_question_of_each_document_in_turns() -> None:
    chunks = [
        chunk("a.md", "Introduction", "en"),
        chunk("a.md", "What is RoPE?", "en"),
        chunk("a.md", "Why rotate?", "en"),
        chunk("b.md", "What is ALiBi?", "en"),
        chunk("c.md", "什么是 RAG？", "zh-Hans"),
        chunk("d.md", "x" * 80 + "?", "zh-Hans"),
        chunk("e.md", "為什麼要位置編碼？", "zh-Hant"),
    ]
    assert pick_examples(iter(chunks)) == ("為什麼要位置編碼？", "什么是 RAG？", "What is RoPE?", "What is ALiBi?")
    assert len(pick_examples(chunk(f"{i}.md", f"Why {i}?", "en") for i in range(20))) == 6
    assert pick_examples(iter(())) == ()


@pytest.mark.parametrize(
    ("header", "language"), [("zh-CN,zh;q=0.9,en;q=0.8", "zh"), ("en-US,zh;q=0.5", "en"), ("", "en"), ("zh-TW", "zh")]
)
def test_the_page_follows_the_browser(header: str, language: MessageLanguage) -> None:
    assert browser_language(header) == language
