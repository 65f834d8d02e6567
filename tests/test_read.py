"""Reading: every format, every encoding, every reason for which a file is skipped."""

from __future__ import annotations

import cProfile
import io
import json
import os
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hash_embedder import HashEmbedder

from corpus.documents import RawDocument
from corpus.errors import UsageError
from ingest.cleaning.explain import explain
from ingest.pipeline import ingest
from ingest.plan import prepare
from ingest.read import discover, read_bytes, read_file, source_file
from ingest.read_errors import (
    FileDamaged,
    FileEmpty,
    FileHidden,
    FileSkipped,
    FileTooLarge,
    FileUndecodable,
    FormatUnknown,
)
from ingest.read_limits import ReadLimits
from retrieval.store import IndexStore

SIMPLIFIED = "大模型面试：什么是旋转位置编码？它把位置信息写进查询与键。\n"
TRADITIONAL = "大模型面試：什麼是旋轉位置編碼？它把位置資訊寫進查詢與鍵。\n"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (SIMPLIFIED, "utf-8"),
        (SIMPLIFIED, "utf-8-sig"),
        (SIMPLIFIED, "utf-16"),
        (SIMPLIFIED, "utf-16-le"),
        (TRADITIONAL, "utf-16-be"),
        (SIMPLIFIED, "gb18030"),
        (TRADITIONAL, "gb18030"),
        (TRADITIONAL, "big5"),
        ("What’s the difference between RoPE and ALiBi?\n", "cp1252"),
        ("plain ASCII\n", "utf-16-le"),
        ("plain ASCII\n", "ascii"),
    ],
)
def test_encodings_are_detected(text: str, encoding: str) -> None:
    assert read_bytes(text.encode(encoding), "a.md").text == text


def test_line_ends_are_normalised_and_nothing_else() -> None:
    raw = read_bytes("a\r\nb\rc\u200b \n".encode(), "a.txt")
    assert raw.text == "a\nb\nc\u200b \n"
    assert raw.media_type == "text/plain"


@pytest.mark.parametrize(
    ("data", "name", "error"),
    [
        (bytes(range(256)) * 40, "a.md", FileUndecodable),
        (b"", "a.md", FileEmpty),
        (b" \n\t\n", "a.md", FileEmpty),
        (b"x", "a.exe", FormatUnknown),
        (b"not a pdf", "a.pdf", FileDamaged),
        (b"%PDF-1.7\nbroken", "a.pdf", FileSkipped),
        (b"PK\x03\x04 broken", "a.docx", FileDamaged),
        (b"{]", "a.ipynb", FileDamaged),
        (b"PK\x03\x04 broken", "a.epub", FileDamaged),
        (b"<html><body></body></html>", "a.html", FileSkipped),
    ],
)
def test_what_cannot_be_read_is_skipped_with_a_reason(data: bytes, name: str, error: type[FileSkipped]) -> None:
    with pytest.raises(error) as caught:
        read_bytes(data, name)
    assert caught.value.path == name
    assert caught.value.reason
    assert "\n" not in caught.value.reason
    assert caught.value.message("zh") != caught.value.message("en")


def test_limits_on_size_and_length() -> None:
    with pytest.raises(FileTooLarge):
        read_bytes(b"x" * 100, "a.md", limits=ReadLimits(text_characters=99))


def test_discover_walks_folders_in_order_and_reports_the_rest(tmp_path: Path) -> None:
    for name in ("b.md", "a.txt", "sub/c.MD", ".git/config", "sub/.hidden.md", "photo.jpg"):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text("text", encoding="utf-8")
    skipped: list[FileSkipped] = []
    found = discover([tmp_path, tmp_path / "b.md"], on_skip=skipped.append)
    assert found == [(tmp_path, "a.txt"), (tmp_path, "b.md"), (tmp_path, "sub/c.MD")]
    assert {skip.path: type(skip) for skip in skipped} == {
        ".git": FileHidden,
        "photo.jpg": FormatUnknown,
        "sub/.hidden.md": FileHidden,
    }


def test_discover_refuses_a_path_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        discover([tmp_path / "missing"])


def test_a_large_file_is_not_loaded(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("x" * 100, encoding="utf-8")
    with pytest.raises(FileTooLarge):
        read_file(tmp_path, "a.md", limits=ReadLimits(file_bytes=99))


def test_a_file_that_vanished_is_skipped(tmp_path: Path) -> None:
    with pytest.raises(FileDamaged):
        read_file(tmp_path, "gone.md")


def test_standard_input_is_sniffed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert discover(["-"]) == [(Path("-"), "-")]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("# 标题\n".encode())))
    raw = read_file(Path("-"), "-")
    assert (raw.path, raw.text, raw.media_type) == ("-", "# 标题\n", "text/markdown")


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def test_archives_are_walked_like_folders(tmp_path: Path) -> None:
    inner = zipped({"deep.md": b"# deep"})
    files = {"rag/a.md": "# 检索".encode(), "x.bin": b"", "../evil.md": b"x", "__MACOSX/a.md": b"x", "inner.zip": inner}
    (tmp_path / "notes.zip").write_bytes(zipped(files))
    found = discover([tmp_path])
    assert [relative for _, relative in found] == ["notes.zip/inner.zip/deep.md", "notes.zip/rag/a.md"]
    assert [read_file(root, relative).text for root, relative in found] == ["# deep", "# 检索"]
    assert source_file(tmp_path, "notes.zip/rag/a.md") == tmp_path / "notes.zip"


@pytest.mark.parametrize(
    ("limits", "files"),
    [
        (ReadLimits(archive_files=1), {"a.md": b"a", "b.md": b"b"}),
        (ReadLimits(archive_bytes=1_000), {"a.md": b"a" * 2_000}),
        (ReadLimits(archive_depth=1), {"a.zip": zipped({"a.md": b"a"})}),
    ],
)
def test_archives_over_the_limits_are_skipped(tmp_path: Path, limits: ReadLimits, files: dict[str, bytes]) -> None:
    (tmp_path / "a.zip").write_bytes(zipped(files))
    skipped: list[FileSkipped] = []
    assert discover([tmp_path], on_skip=skipped.append, limits=limits) == []
    assert [type(skip) for skip in skipped] == [FileTooLarge]


def test_a_zip_bomb_is_not_expanded(tmp_path: Path) -> None:
    (tmp_path / "bomb.zip").write_bytes(zipped({"a.md": b"\0" * (8 << 20)}))
    with pytest.raises(FileTooLarge, match="ratio"):
        read_file(tmp_path, "bomb.zip/a.md")


def test_names_of_chinese_windows_archives(tmp_path: Path) -> None:
    data = zipped({"AAAA.md": b"# x"}).replace(b"AAAA.md", "笔记".encode("gbk") + b".md")
    (tmp_path / "a.zip").write_bytes(data)
    assert [relative for _, relative in discover([tmp_path])] == ["a.zip/笔记.md"]


PAGE = """<!DOCTYPE html><html><head><meta charset="utf-8"><title>KV Cache | 某站</title></head><body>
<nav><a href="/">首页</a><a href="/archive">归档</a></nav>
<article><h1>KV Cache 是什么？</h1>
<p>自回归解码时，每一步都要用到之前所有 token 的键和值。KV Cache 把它们存下来，避免重复计算，
因此每一步只需要为新的 token 计算一次投影。</p>
<h2>占多少显存</h2>
<p>大小为 <span class="katex"><span class="katex-mathml"><math><semantics><mrow></mrow>
<annotation encoding="application/x-tex">2 L d s</annotation></semantics></math></span><span>2Lds</span></span>
个数，其中包括键和值两份。长文本下它会超过权重本身的大小，所以常用分组查询注意力来减小它。</p>
<pre><code>size = 2 * layers * dim * length
</code></pre>
<table><tr><th>方法</th><th>缓存</th></tr><tr><td>MHA</td><td>大</td></tr><tr><td>GQA</td><td>小</td></tr></table>
</article>
<aside><h3>热门文章</h3><ul><li><a href="/1">如何学好前端？</a></li><li><a href="/2">十个面试技巧</a></li></ul></aside>
<footer>版权所有 某站 2024</footer></body></html>"""


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_html_gives_the_article_as_markdown(encoding: str) -> None:
    page = PAGE.replace('charset="utf-8"', 'charset="gb2312"') if encoding == "gb18030" else PAGE
    text = read_bytes(page.encode(encoding), "a.html").text
    for kept in ("# KV Cache 是什么？", "## 占多少显存", "$2 L d s$", "| GQA | 小 |", "size = 2 * layers"):
        assert kept in text
    for dropped in ("首页", "热门文章", "十个面试技巧", "2Lds", "版权所有"):
        assert dropped not in text


def test_html_recommendations_do_not_come_along() -> None:
    item = "<div class='recommend-item'><h4>小程序开发教程</h4><p>本文介绍怎样从零开始开发一个小程序，包括注册和发布。</p></div>"
    page = f"""<html><body><div id="toolbar">首页 博客</div><div class="blog"><h1>LoRA 面试题</h1><div id="content">
    <h2>什么是 LoRA？</h2><p>LoRA 冻结预训练权重，只训练两个低秩矩阵，把乘积加到原来的权重上，所以显存占用小。</p>
    <h2>秩怎么选？</h2><p>一般取 8 到 64，任务越复杂取得越大，同时要调整缩放系数。</p></div></div>{item * 3}</body></html>"""
    text = read_bytes(page.encode(), "a.html").text
    assert text.startswith("# LoRA 面试题")
    assert "## 秩怎么选？" in text
    assert "小程序" not in text
    assert "博客" not in text


def test_docx_tells_what_stands_beside_the_text() -> None:
    import docx

    document = docx.Document()
    document.add_paragraph("正文。")
    document.sections[0].header.paragraphs[0].text = "内部资料"
    document.sections[0].footer.paragraphs[0].text = "第 1 页"
    buffer = io.BytesIO()
    document.save(buffer)
    raw = read_bytes(_with_footnote(buffer.getvalue(), "见原论文。"), "a.docx")
    assert raw.text == "正文。"
    assert sorted(explain(raw).unread) == [("footnotes", "见原论文。"), ("page footer", "第 1 页"), ("page header", "内部资料")]


def _with_footnote(data: bytes, words: str) -> bytes:
    """A Word document with a footnotes part, which python-docx cannot write."""
    word = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/footnotes"
    content = "application/vnd.openxmlformats-officedocument.wordprocessingml.footnotes+xml"
    added = {
        "word/_rels/document.xml.rels": ("</Relationships>", f'<Relationship Id="n" Type="{kind}" Target="footnotes.xml"/>'),
        "[Content_Types].xml": ("</Types>", f'<Override PartName="/word/footnotes.xml" ContentType="{content}"/>'),
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(buffer, "w") as target:
        for name in source.namelist():
            end, line = added.get(name, ("", ""))
            part = source.read(name)
            target.writestr(name, part.replace(end.encode(), f"{line}{end}".encode()) if end else part)
        note = f'<w:footnote w:id="1"><w:p><w:r><w:t>{words}</w:t></w:r></w:p></w:footnote>'
        target.writestr("word/footnotes.xml", f'<w:footnotes xmlns:w="{word}">{note}</w:footnotes>')
    return buffer.getvalue()


def test_docx_keeps_headings_lists_tables_and_bold_questions() -> None:
    import docx

    document = docx.Document()
    document.add_heading("大模型面试", level=1)
    document.add_paragraph().add_run("什么是 RLHF？").bold = True
    document.add_paragraph("用人的偏好训练奖励模型，再用它优化策略。")
    document.add_paragraph("奖励模型", style="List Bullet")
    table = document.add_table(rows=2, cols=2)
    for cell, text in zip(table._cells, ("方法", "奖励", "DPO", "不需要"), strict=True):
        cell.text = text
    buffer = io.BytesIO()
    document.save(buffer)
    assert read_bytes(buffer.getvalue(), "a.docx").text.split("\n\n") == [
        "# 大模型面试",
        "**什么是 RLHF？**",
        "用人的偏好训练奖励模型，再用它优化策略。",
        "- 奖励模型",
        "| 方法 | 奖励 |\n|---|---|\n| DPO | 不需要 |",
    ]


def test_notebooks_give_markdown_and_fenced_code() -> None:
    cells = [
        {"cell_type": "markdown", "metadata": {}, "source": ["# 采样\n", "温度越高越随机。"]},
        {"cell_type": "code", "metadata": {}, "source": "# 不是标题\nprint(1)", "outputs": [], "execution_count": 1},
    ]
    notebook = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}
    text = read_bytes(json.dumps(notebook).encode(), "a.ipynb").text
    assert text == "# 采样\n温度越高越随机。\n\n```python\n# 不是标题\nprint(1)\n```"


def test_epub_gives_the_chapters_in_the_order_of_the_spine() -> None:
    body = "<html><body><h1>{}</h1><p>这一章讲{}，内容足够长，可以被当作正文来读取，而不是导航。</p></body></html>"
    book = {
        "META-INF/container.xml": '<container><rootfiles><rootfile full-path="OEBPS/a.opf"/></rootfiles></container>',
        "OEBPS/a.opf": '<package><manifest><item id="2" href="two.xhtml"/><item id="1" href="one.xhtml"/></manifest>'
        '<spine><itemref idref="1"/><itemref idref="2"/></spine></package>',
        "OEBPS/one.xhtml": body.format("注意力", "注意力"),
        "OEBPS/two.xhtml": body.format("位置编码", "位置编码"),
    }
    text = read_bytes(zipped({name: data.encode() for name, data in book.items()}), "a.epub").text
    assert text.index("# 注意力") < text.index("这一章讲注意力") < text.index("# 位置编码")


# --- What the system or the format holds against a file ---


@pytest.fixture
def not_root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder of a user whom the system may refuse something: root may open everything."""
    with TemporaryDirectory() as name:
        if os.geteuid() != 0:
            yield Path(name)
            return
        os.chown(name, 65534, 65534)
        os.seteuid(65534)
        try:
            yield Path(name)
        finally:
            os.seteuid(0)


def test_a_folder_that_cannot_be_opened_is_skipped_and_loses_nothing(not_root: Path) -> None:
    notes, store = not_root / "notes", IndexStore(not_root / "index")
    for name in ("a/one.md", "closed/two.md", "closed/deep/three.md", "z.md"):
        (notes / name).parent.mkdir(parents=True, exist_ok=True)
        (notes / name).write_text(f"# {name}\n\nWhat {name} says.\n", encoding="utf-8")
    assert ingest([notes], store, HashEmbedder()).added == 4
    (notes / "closed").chmod(0)
    (notes / "z.md").write_text("# z\n\nSomething else.\n", encoding="utf-8")
    (notes / "a" / "one.md").unlink()
    try:
        summary = ingest([notes], store, HashEmbedder(), prune=True)
        below = ingest([notes / "closed" / "deep"], store, HashEmbedder(), prune=True)
    finally:
        (notes / "closed").chmod(0o700)
    assert [(skip.path, skip.reason) for skip in summary.skipped] == [("closed", "cannot be read: Permission denied")]
    assert (summary.changed, summary.removed, summary.documents) == (1, 1, 3)
    assert (len(below.skipped), below.removed, below.documents) == (1, 0, 3)


def test_names_that_are_no_text_are_skipped(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"\xff.md")).write_text("text", encoding="utf-8")
    (tmp_path / "good.md").write_text("# Good\n\nA good note.\n", encoding="utf-8")
    summary = ingest([tmp_path], IndexStore(tmp_path.parent / "index"), HashEmbedder())
    assert [(skip.path, skip.reason) for skip in summary.skipped] == [("\\udcff.md", "its name is not valid UTF-8: rename it")]
    assert summary.added == 1


def test_half_a_character_in_a_notebook_is_replaced(tmp_path: Path) -> None:
    cells = [{"cell_type": "markdown", "metadata": {}, "source": "# Title\n\nBroken \ud83d emoji."}]
    notebook = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (tmp_path / "a.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    assert ingest([tmp_path], IndexStore(tmp_path.parent / "index"), HashEmbedder()).added == 1
    assert "mojibake" in dict(explain(read_file(tmp_path, "a.ipynb")).counts)


SHORT_PAGE = """<html><body><nav><a href="/">首页</a><a href="/a">归档</a></nav><article><h1>对比学习</h1>
<p>对比学习把正样本拉近，把负样本推远，常用的损失是 <span class="katex"><math><semantics><annotation
encoding="application/x-tex">L_{i}*s_+</annotation></semantics></math></span>，温度越小越关注难负样本。</p>
</article><aside class="sidebar">热门文章 如何减肥</aside></body></html>"""


def test_what_a_page_holds_beside_its_article_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(SHORT_PAGE, encoding="utf-8")
    explanation = explain(read_file(tmp_path, "a.html"))
    told = " ".join(words for _, words in explanation.unread)
    assert all(words in told for words in ("首页", "归档", "如何减肥"))
    assert "温度" not in told
    assert any(line.startswith("not read, beside the article") for line in explanation.lines())


def test_formulas_of_a_page_keep_their_marks(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(SHORT_PAGE, encoding="utf-8")
    assert "$L_{i}*s_+$" in read_file(tmp_path, "a.html").text


def test_a_long_text_without_blank_lines_takes_time_in_proportion() -> None:
    """Counted in calls, which are the same on every machine."""

    def calls(size: int) -> int:
        text = "注意力机制让每个位置看到其他位置，复杂度是平方。`x`\n" * size
        profile = cProfile.Profile()
        profile.runcall(prepare, RawDocument("a.txt", text, "", "text/plain"), HashEmbedder().count_tokens, 320)
        return sum(entry.callcount for entry in profile.getstats())

    assert calls(2_000) < 2.5 * calls(1_000)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        # Comments in highlighted code, whose class names read like those of a page's comments.
        ('<pre><code class="language-python"><span class="token comment"># 门控</span>\nx = 1\n'
         '    <span class="comment"># 缩进</span></code></pre>',
         "```python\n# 门控\nx = 1\n    # 缩进\n```"),
        # Lines of code beside their numbers, as an element a line, and with numbers in a list.
        ('<figure class="highlight"><table><tr><td class="gutter"><pre>1<br>2</pre></td>'
         '<td class="code"><pre># 训练<br>fit()</pre></td></tr></table></figure>',
         "```\n# 训练\nfit()\n```"),
        ('<pre data-lang="python"><code><span># 损失</span></code><code><span>y = 2</span></code></pre>',
         "```python\n# 损失\ny = 2\n```"),
        ('<pre><code>z = 3\n</code></pre><ul class="pre-numbering"><li>1</li><li>2</li></ul>', "```\nz = 3\n```"),
        # Lists of short items, nested and numbered.
        ("<ul><li>正则化</li><li>丢弃法<ul><li>p=0.1</li></ul></li></ul>", "- 正则化\n- 丢弃法\n  - p=0.1"),
        ('<ol start="3"><li>归一化</li><li><p>激活</p><pre>relu(x)</pre></li></ol>',
         "3. 归一化\n4. 激活\n\n   ```\n   relu(x)\n   ```"),
        # Tables of data and tables that lay out a page.
        ("<table><tr><th>模型</th><th>长度</th></tr><tr><td>甲<br>乙</td><td>a|b</td></tr></table>",
         "| 模型 | 长度 |\n| --- | --- |\n| 甲 乙 | a\\|b |"),
        ("<table><tr><td><h3>什么是甲？</h3><p>甲是一。</p></td><td><ul><li>乙</li></ul></td></tr></table>",
         "### 什么是甲？\n\n甲是一。\n\n- 乙"),
        # Headings in sections, folds, quotes, scripts.
        ("<section><section><h2><span>二、</span>方法</h2></section></section>", "## 二、方法"),
        ("<details><summary>什么是乙？</summary>乙是二。</details>", "**什么是乙？**\n\n乙是二。"),
        ("<blockquote><p>注意。</p><p>两段。</p></blockquote>", "> 注意。\n>\n> 两段。"),
        ("<p>共 10<sup>8</sup> 个，见文献<sup><a href='#r'>[1]</a></sup>，x<sub>i</sub></p>", "共 10^8 个，见文献，x_i"),
        ("<p># 不是标题<br>第二行，\n换行</p>", "\\# 不是标题\n第二行，换行"),
        ("<p>见 <a href='/a.html'><b>论文</b></a>。</p>", "见 [**论文**](/a.html)。"),
        ('<p>看得见<span style="display: none">看不见</span></p>', "看得见"),
    ],
)  # fmt: skip
def test_html_keeps_its_shape(body: str, expected: str) -> None:
    page = f"<html><body><article><h1>题目</h1>{body}</article></body></html>"
    assert read_bytes(page.encode(), "a.html").text == f"# 题目\n\n{expected}"


def test_a_wrapper_named_after_its_side_bar_is_not_dropped() -> None:
    page = (
        "<html><body><div class='content has-sidebar'><div class='post'><p>注意力让每个位置看到其他位置，复杂度是平方。</p></div>"
        "<div class='sidebar'>热门文章</div></div></body></html>"
    )
    assert read_bytes(page.encode(), "a.html").text == "注意力让每个位置看到其他位置，复杂度是平方。"


def test_text_with_a_few_broken_bytes_is_read() -> None:
    text = "检索增强生成先检索再生成，减少幻觉。\n" * 40
    raw = read_bytes(text.encode()[:100] + b"\xff" + text.encode()[100:], "a.md")
    assert raw.encoding == "utf-8"
    assert raw.text.count("\ufffd") <= 3
    assert len(raw.text) >= len(text)


def test_lists_of_a_word_document_stay_together() -> None:
    import docx

    document = docx.Document()
    for text, style in (("要点", "List Bullet"), ("子项", "List Bullet 2"), ("结论。", "Normal")):
        document.add_paragraph(text, style=style)
    buffer = io.BytesIO()
    document.save(buffer)
    assert read_bytes(buffer.getvalue(), "a.docx").text == "- 要点\n  - 子项\n\n结论。"
