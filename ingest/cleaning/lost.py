"""Rules on damage to Chinese text: question marks that stand for lost characters, and stray spaces inside words."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ingest.cleaning.draft import Edit, Rule
from ingest.cleaning.protect import outside_protected
from ingest.parsing.questions import asks

# A converter that met a no-break or ideographic space, or an italic letter, and could not write it, wrote `?`.
_LEADING_RUN = re.compile(r"^[ \t]*(?:[?？](?:[ \t]*[?？])+)[ \t]*(?=\S)", re.MULTILINE)
_RUN = re.compile(r"[?？]{2,}(?=[\w\u4e00-\u9fff,。，、；：:;)）])")
_SINGLE = re.compile(r"[?？](?=[ \t]*\n?[ \t]*[\w\u4e00-\u9fff,。，、；：:;=<>])")
_CLAUSE_BREAK = re.compile(r"[\n。！!；;?？]")
_HAN = r"\u3400-\u4dbf\u4e00-\u9fff"
_GAP = re.compile(rf"(?<=[{_HAN}])[ \t]{{1,2}}(?=[{_HAN}])")
_HAN_RUN = re.compile(rf"[{_HAN}]+")


def _leading_runs(text: str) -> Iterator[Edit]:
    return (Edit(*match.span()) for match in _LEADING_RUN.finditer(text))


def _clause_before(text: str, at: int) -> str:
    window = text[max(0, at - 80) : at]
    return _CLAUSE_BREAK.split(window)[-1]


def _inner_marks(text: str) -> Iterator[Edit]:
    """Marks inside a sentence that asks nothing.

    Runs always; single marks only in a text with other such damage, since there a lone `?` is far more often a lost
    character than a question without question words.
    """
    runs = [match for match in _RUN.finditer(text) if not asks(_clause_before(text, match.start()))]
    yield from (Edit(*match.span()) for match in runs)
    if not runs and not _LEADING_RUN.search(text):
        return
    for match in _SINGLE.finditer(text):
        crosses_line = (
            "\n" in text[match.start() : match.start() + 3]
            and text[match.end() : match.end() + 8].lstrip()[:1] not in ",。，、；：:;"
        )
        if not crosses_line and not asks(_clause_before(text, match.start())):
            yield Edit(*match.span())


def _stray_spaces(text: str) -> Iterator[Edit]:
    """Spaces that a segmenter would not put there: some dictionary word runs across the gap.

    Lists of words separated by spaces keep theirs, because no word crosses those. In a line with such damage every gap between
    ideographs is taken for more of it.
    """
    import rjieba  # loads its dictionary

    broken = -1  # where the last line with damage begins
    waiting: list[re.Match[str]] = []
    for gap in _GAP.finditer(text):
        start = text.rfind("\n", 0, gap.start()) + 1
        if waiting and text.rfind("\n", 0, waiting[0].start()) + 1 != start:
            waiting = []
        if start == broken:
            yield Edit(*gap.span())
            continue
        waiting.append(gap)
        left, right = _tail_run(text, gap.start()), _HAN_RUN.match(text, gap.end())
        if right is None:
            continue
        if (len(left) == 1 and len(right[0]) == 1) or _crosses(rjieba.cut(left + right[0][:8]), len(left)):
            yield from (Edit(*one.span()) for one in waiting)
            broken, waiting = start, []


def _tail_run(text: str, end: int) -> str:
    start = end
    while start > max(0, end - 8) and "\u3400" <= text[start - 1] <= "\u9fff":
        start -= 1
    return text[start:end]


def _crosses(words: list[str], boundary: int) -> bool:
    at = 0
    for word in words:
        if at < boundary < at + len(word):
            return True
        at += len(word)
    return False


LOST_RULES: tuple[tuple[str, Rule], ...] = (
    ("lost-characters", outside_protected(_inner_marks)),
    ("lost-characters", outside_protected(_leading_runs)),
    ("stray-space", outside_protected(_stray_spaces)),
)
