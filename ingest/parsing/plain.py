"""Headings without marks: which lines of a plain text could be one, and of what sort.

Only what a line and its neighbours tell is judged here; which candidates are headings in the end, and how they nest,
depends on the whole document and is decided in `parse_outline`.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from ingest.parsing.lines import Line, width
from ingest.parsing.markdown import plain_title
from ingest.parsing.questions import is_prompt, is_question

# Sorts of headings: a chapter ("一、", "第3章"), a number ("3.", "4.1"), one in
# brackets ("（一）"), a mark ("Q:"), a bold line, a short line.
Sort = Literal["chapter", "number", "bracket", "asked", "bold", "short"]

_CHAPTER = re.compile(
    r"^\s{0,3}(?:第\s*([0-9一二三四五六七八九十百]{1,3})\s*[章节節部篇讲講课課]|([一二三四五六七八九十]{1,3})\s*[、.．])\s*\S"
)
_NUMBER = re.compile(
    r"^\s{0,3}(\d{1,3}(?:\.\d{1,3}){0,3})\s*(?:[.、．)）:：]|(?<=\.\d)(?=\s)|(?<=\.\d\d)(?=\s)|\s(?=\S))\s*(\S.*)$"
)
_ASKED = re.compile(
    r"^\s{0,3}[【\[]?(?:Q|问|問|问题|問題|面试官(?:追问)?|面試官(?:追問)?|题目|題目|Question|面试题|第(?=[0-9一二三四五六七八九十]{1,3}[题題问問]))\s*(\d{1,3}|[一二三四五六七八九十]{1,3})?\s*[题題问問]?\s*[:：.、】\]]\s*\S",
    re.IGNORECASE,
)
_EMBLEM = re.compile(r"^\s{0,3}(?:[\u2190-\u2319\u25a0-\u2bff\U0001f300-\U0001faff]\ufe0f?\s*)+(?=\S)")
_CIRCLED = re.compile(r"^\s{0,3}(?:([\u2460-\u2473])|(\d{1,2})\ufe0f?\u20e3)\s*\S")
_BRACKET = re.compile(r"^\s{0,3}[（(]\s*(\d{1,2}|[一二三四五六七八九十]{1,3})\s*[)）]\s*\S")
_ANSWER = re.compile(
    r"^\s{0,3}(?:[-*+]\s+)?(?:\*\*|__)?\s*(?:[✔☑👉]\ufe0f?\s*)?(?:💡|✅|【(?:参考)?(?:答案?|回答|解答|解析)】|A\s*\d{0,3}\s*[:：]|答\s*[:：]|答案\s*[:：]|回答\s*[:：]|参考答案|參考答案|(?:我|候选人|候選人|面试者|面試者|求职者)\s*[:：]|Answer\s*[:：]|解析\s*[:：]|解答\s*[:：])",
    re.IGNORECASE,
)
_PLACEHOLDER = re.compile(
    r"[\s\-—–_*.。…、()（）]*(?:(?:(?:答案|内容|內容|此处|此處)?(?:待|有待|后续|後續)(?:补充?|補充?|完善|更新|整理|续|續|填|写|寫)|略|暂无(?:答案)?|暫無(?:答案)?|未完待[续續]|"
    r"TODO|TBD|WIP|N/A|coming soon|to be (?:continued|added|done))[\s\-—–_*.。…、()（）]*)?",
    re.IGNORECASE,
)
_BOLD = re.compile(r"^\s{0,3}(?:[-*+]\s+)?(\*\*|__)(?=\S)((?:(?!\1).)+?)\1\s*[:：]?\s*$")
_BAD_END = re.compile(r"[。！!；;，,、…：:\\]\s*$|(?<![A-Z])\.\s*$|[-—]\s*$")
_BAD_START = re.compile(r"^\s*[\"'“‘「『《(（\[【<>$|*`~^=+#\-]|^\s{4,}|https?://|^\s*!\[")
_CLAUSES = re.compile(r"[，；]\s*\S")  # several clauses: a remark, no heading
# "1.17 亿" and "512 GB" are values, not the headings 1.17 and 512.
_QUANTITY = re.compile(
    r"(?:[多余]?[百千万萬亿億]*(?:[个個年月日天秒倍次层層位维維篇种種条條元本页頁]|小时|小時|分钟|分鐘|参数|參數|美元)?"
    r"|[KMGTP]?i?B(?:/s)?|[KMBT]|[%％‰]|bits?|tokens?|m?s|epochs?|steps?|layers?|heads?|days?|hours?|GPUs?)[\d\s.,/月日]*",
    re.IGNORECASE,
)
_LETTER = re.compile(r"[A-Za-z\u3400-\u9fff]")
_FORMULA_LIKE = re.compile(r"[=≈∑∏√∈≤≥→]|\\[a-z]+|[{}]|(?<![A-Za-z]{2})_\w|\^")
_MAX_SHORT = 56
_SHARED = 4
_MAX_TITLE = 90
_MAX_NUMBERED = 80
_MAX_QUESTION = 180
_DIGITS = {digit: value for value, digit in enumerate("零一二三四五六七八九")}


class Candidate(NamedTuple):
    """A line that could be a heading.

    Attributes:
        line: its position among the lines.
        sort: how it announces itself.
        parts: its numbers, outermost first: (4, 1) for `4.1`, (0,) without one.
        title: its text as it reads, with the number.
        question: whether it asks something.
    """

    line: int
    sort: Sort
    parts: tuple[int, ...]
    title: str
    question: bool

    @property
    def number(self) -> int:
        """Its last number, 0 without one."""
        return self.parts[-1]

    @property
    def depth(self) -> int:
        """How many numbers it has: 2 for `4.1`."""
        return len(self.parts)


def number_of(text: str) -> tuple[int, ...]:
    """The numbers that a line begins with, outermost first, whatever else it says; () without any."""
    match = _NUMBER.match(text)
    return tuple(int(part) for part in match[1].split(".")) if match else ()


def chinese_number(text: str) -> int:
    """The value of a Chinese numeral below 100, such as 二十一."""
    if text.isdigit():
        return int(text)
    tens, _, ones = text.rpartition("十")
    if "十" not in text:
        return _DIGITS.get(text[-1:], 0)
    return (_DIGITS.get(tens, 1) if tens else 1) * 10 + _DIGITS.get(ones, 0)


def is_answer_mark(text: str) -> bool:
    """Whether a line opens an answer: `答:`, `A:`, `💡`."""
    return bool(_ANSWER.match(text))


def says_nothing(text: str) -> bool:
    """Whether a text is empty, or what stands where an answer is still to be written: an answer mark, a dash, 待补充."""
    mark = _ANSWER.match(text.strip())
    return bool(_PLACEHOLDER.fullmatch(text.strip()[mark.end() if mark else 0 :]))


def next_line(lines: tuple[Line, ...], at: int) -> Line | None:
    """The next line that is not blank."""
    return next((lines[i] for i in range(at + 1, len(lines)) if lines[i].kind != "blank"), None)


def is_answered(lines: tuple[Line, ...], at: int) -> bool:
    """Whether an answer mark follows a line."""
    following = next_line(lines, at)
    return following is not None and is_answer_mark(following.text)


def candidate(lines: tuple[Line, ...], at: int) -> Candidate | None:
    """What heading the line at a position could be, or None."""
    line = lines[at]
    if line.kind not in ("text", "bullet") or is_answer_mark(line.text):
        return None
    if bold := _BOLD.match(line.text):
        return _from_bold(line.text, bold[2], at)
    if line.kind == "bullet":
        return None
    return _announced(line.text, at, answered=is_answered(lines, at)) or _short(lines, at)


def _from_bold(text: str, inner: str, at: int) -> Candidate | None:
    """A bold line: by what stands inside it, if that announces itself; its own sort otherwise; a mere number is an ornament."""
    if (
        not _LETTER.search(inner)
        or width(inner) > _MAX_QUESTION
        or (_BAD_END.search(inner) and not text.rstrip().endswith((":", "：")))
    ):
        return None
    announced = _announced(inner, at)
    return announced or Candidate(at, "bold", (0,), plain_title(inner.rstrip(":： ")), is_question(inner))


def _announced(text: str, at: int, *, answered: bool = False) -> Candidate | None:
    """A line that begins with a chapter mark, a number or a question mark of its own.

    One that ends like a sentence is a heading only if it tells the reader to answer, or an answer mark follows.
    """
    text = _EMBLEM.sub("", text)
    question = is_question(text)
    is_sentence = _BAD_END.search(text) and not is_prompt(text) and not answered
    if is_sentence or width(text) > (_MAX_QUESTION if question else _MAX_NUMBERED):
        return None
    if (mark := _mark(text, question=question)) is None:
        return None
    sort, parts = mark
    return Candidate(at, sort, parts, plain_title(text), question or sort == "asked")


def _mark(text: str, *, question: bool) -> tuple[Sort, tuple[int, ...]] | None:
    """By what a line announces itself, and with which numbers."""
    if match := _CHAPTER.match(text):
        return "chapter", (chinese_number(match[1] or match[2]),)
    if match := _ASKED.match(text):
        return "asked", (chinese_number(match[1] or "0"),)
    if (match := _BRACKET.match(text)) and (question or not match[1].isdigit()):
        return "bracket", (chinese_number(match[1]),)
    if (match := _CIRCLED.match(text)) and question:
        return "bracket", (int(match[2]) if match[2] else ord(match[1]) - 0x245F,)
    if (match := _NUMBER.match(text)) and _LETTER.search(match[2]) and (question or not _FORMULA_LIKE.search(match[2])):
        quantity = _QUANTITY.fullmatch(match[2])
        return None if quantity else ("number", tuple(int(part) for part in match[1].split(".")))
    return None


def _short(lines: tuple[Line, ...], at: int) -> Candidate | None:
    """A short line on its own, without the punctuation of a sentence, that something follows."""
    text = lines[at].text
    question = is_question(text) and not _BAD_END.search(text)
    limit = _MAX_TITLE if question or at == _first_text(lines) else _MAX_SHORT
    plain = width(text) <= limit and _LETTER.search(text) and not _BAD_END.search(text) and not _BAD_START.search(text)
    if not plain or _FORMULA_LIKE.search(text) or not _stands_alone(lines, at):
        return None
    if not question and at != _first_text(lines) and _CLAUSES.search(text):
        return None
    return Candidate(at, "asked" if is_answered(lines, at) else "short", (0,), plain_title(text), question)


def _first_text(lines: tuple[Line, ...]) -> int:
    return next((at for at, line in enumerate(lines) if line.kind != "blank"), 0)


def _stands_alone(lines: tuple[Line, ...], at: int) -> bool:
    """Whether a line is not the text of a list item above it, nor the last line.

    After a colon a short line mostly is what the colon announced; it is a heading if a list follows, or if the next
    line takes up its words ("注意力机制 / 注意力机制是…").
    """
    before = lines[at - 1] if at else None
    following = next_line(lines, at)
    if following is None or following.kind == "rule":
        return following is None and lines[at].text.rstrip().endswith(("?", "？"))
    if before is None or before.kind == "blank":
        return True
    ending = before.text.rstrip()
    if len(ending.strip()) <= 1 or ending.endswith((",", "，", "、")):
        return False
    return not ending.endswith((":", "：")) or following.kind == "bullet" or _takes_up(lines[at].text, following.text)


def _takes_up(title: str, text: str) -> bool:
    return title.strip()[:_SHARED] in text[: 4 * _SHARED]
