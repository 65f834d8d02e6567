"""PDF files: pages, columns, Chinese, tables, and headings by size. The files are drawn here."""

from __future__ import annotations

import io

import pytest

from ingest.clean import clean
from ingest.parse import parse
from ingest.read import read_bytes
from ingest.read_errors import FileEmpty, FileTooLarge
from ingest.read_limits import ReadLimits
from ingest.readers.pdf_layout import Glyph, lines_of

canvas = pytest.importorskip("reportlab.pdfgen.canvas")

Drawing = list[tuple[float, float, float, str]]  # x, y, font size, text


def pdf(*pages: Drawing, font: str = "STSong-Light") -> bytes:
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont

    pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))
    buffer = io.BytesIO()
    drawn = canvas.Canvas(buffer, pagesize=(600, 800))
    for page in pages:
        for x, y, size, text in page:
            drawn.setFont(font, size)
            drawn.drawString(x, y, text)
        drawn.showPage()
    drawn.save()
    return buffer.getvalue()


SENTENCE = "旋转位置编码按位置旋转查询和键的向量，使内积只依赖相对距离"


def test_chinese_lines_are_joined_and_headings_marked() -> None:
    page = [(50, 700, 20, "位置编码"), (50, 660, 10, SENTENCE), (50, 645, 10, SENTENCE), (50, 630, 10, "就这样。")]
    assert read_bytes(pdf(page), "a.pdf").text == f"# 位置编码\n\n{SENTENCE}{SENTENCE}就这样。"


def test_page_numbers_lead_back_to_pages() -> None:
    raw = read_bytes(pdf([(50, 700, 10, "第一页的内容。")], [(50, 700, 10, "第二页的内容。")]), "a.pdf")
    assert [raw.page_at(raw.text.index(text)) for text in ("第一页", "第二页")] == [1, 2]


def test_columns_are_read_one_after_the_other() -> None:
    rows = [(f"left column line number {n} of the paper", f"right column line number {n} of the paper") for n in range(8)]
    page = [(x, 700 - 14 * n, 10, row[side]) for n, row in enumerate(rows) for side, x in enumerate((50, 320))]
    text = read_bytes(
        pdf([(50, 750, 10, "A title that goes across both of the columns of this page, as titles do"), *page], font="Helvetica"),
        "a.pdf",
    ).text
    order = ["A title", "left column line number 0", "left column line number 7", "right column line number 0"]
    assert sorted(order, key=text.index) == order


def test_cells_of_a_row_are_kept_apart() -> None:
    page = [
        (x, 700 - 14 * n, 10, cell)
        for n, row in enumerate(("方法 外推", "ALiBi 好"))
        for x, cell in zip((50, 150), row.split(), strict=True)
    ]
    assert read_bytes(pdf(page), "a.pdf").text == "方法 | 外推\nALiBi | 好"


def test_running_heads_go_and_sentences_over_the_page_end_are_joined() -> None:
    def page(number: int, *lines: str) -> Drawing:
        body = [(50.0, 700 - 15.0 * n, 10.0, line) for n, line in enumerate(lines)]
        return [(50, 780, 9, "某某公众号 大模型笔记"), *body, (300, 20, 9, f"- {number} -")]

    data = pdf(page(1, "什么是 RoPE？", "旋转位置编码把位置写成"), page(2, "旋转的角度。", "完。"), page(3, "再一页。"))
    document = clean(read_bytes(data, "a.pdf"))
    assert document.text.strip() == "什么是 RoPE？\n旋转位置编码把位置写成旋转的角度。\n完。\n\n再一页。"
    assert {removal.rule for removal in document.removals} >= {"page-furniture"}
    assert parse(document)[0].heading == ("什么是 RoPE？",)


def test_the_number_of_a_single_page_goes() -> None:
    page: Drawing = [(50, 700, 10, "什么是 RoPE？"), (50, 685, 10, "按位置旋转向量。"), (300, 20, 9, "第 1 页")]
    assert clean(read_bytes(pdf(page), "a.pdf")).text.strip() == "什么是 RoPE？\n按位置旋转向量。"


CODE = ["def f(x):", "    # twice", "    return 2 * x"]


def test_code_is_fenced_and_keeps_its_indentation() -> None:
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont

    pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))
    buffer = io.BytesIO()
    drawn = canvas.Canvas(buffer, pagesize=(600, 800))
    drawn.setFont("STSong-Light", 10)
    for row, line in enumerate(("下面的函数把数翻倍：", *CODE, "它对张量也适用，", "因为乘法逐元素进行。")):
        if line in CODE:
            drawn.setFont("Courier", 10)
        else:
            drawn.setFont("STSong-Light", 10)
        drawn.drawString(50 + 6 * (len(line) - len(line.lstrip())), 700 - 12 * row, line.lstrip())
    drawn.save()
    text = read_bytes(buffer.getvalue(), "a.pdf").text
    assert "```\n" + "\n".join(CODE) + "\n```" in text
    assert [section.heading for section in parse(clean(read_bytes(buffer.getvalue(), "a.pdf")))] == [()]


@pytest.mark.parametrize(
    ("glyphs", "expected"),
    [
        # A subscript and a superscript stay with what they belong to; a note further down is another line.
        ([Glyph("W", 0, 0, 8, 10), Glyph("0", 8, -3, 12, 3), Glyph("x", 12, 0, 20, 10)], ["W0x"]),
        ([Glyph("x", 0, 0, 8, 10), Glyph("2", 8, 6, 12, 12)], ["x2"]),
        ([Glyph("x", 0, 0, 8, 10), Glyph("2", 8, -12, 12, -6)], ["x", "2"]),
        ([Glyph("（", 0, 0, 6, 10), Glyph("M", 10, 0, 18, 10)], ["（M"]),
    ],
)
def test_indices_and_brackets(glyphs: list[Glyph], expected: list[str]) -> None:
    assert [line.text for line in lines_of(glyphs)] == expected


def test_bullets_of_standard_fonts_are_read() -> None:
    assert read_bytes(pdf([(50, 700, 10, "\u2022 saves memory")], font="Helvetica"), "a.pdf").text == "• saves memory"


def test_pages_without_text_are_reported() -> None:
    with pytest.raises(FileEmpty, match="OCR"):
        read_bytes(pdf([]), "a.pdf")


def test_too_many_pages() -> None:
    page: Drawing = [(50, 700, 10, "text")]
    with pytest.raises(FileTooLarge):
        read_bytes(pdf(page, page, page), "a.pdf", limits=ReadLimits(pages=2))


@pytest.mark.parametrize(
    ("glyphs", "expected"),
    [
        ([("大", 0), ("模", 10), ("型", 20)], "大模型"),
        ([("大", 0), ("模", 13)], "大模"),
        ([("a", 0), ("b", 10)], "ab"),
        ([("a", 0), ("b", 14)], "a b"),
    ],
)
def test_gaps_become_spaces_between_words_only(glyphs: list[tuple[str, float]], expected: str) -> None:
    placed = [Glyph(text, x, 0, x + 10, 10) for text, x in glyphs]
    assert [line.text for line in lines_of(placed)] == [expected]
