"""Which candidates are headings, and how they nest.

Numbers decide most of it: a number that continues a series belongs to that series, a `1.` opens a new one inside what
is open. So `1.`, `2.` inside the answer to question 5 nest below it, and `6.` goes on with the questions.
"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from ingest.parsing.lines import Line
from ingest.parsing.markdown import MarkedHeading
from ingest.parsing.plain import Candidate, Sort, candidate, number_of

# Depth of headings; marked ones lie above all others, and series nest in between.
_SERIES_BASE = 30.0
_SERIES_STEP = 4.0
_BOLD, _SHORT, _FACET = 80.0, 90.0, 91.0
_TITLE = 0.5


class Heading(NamedTuple):
    """A heading: its level (smaller is further out), its title, and its clean span. No title: back to that level."""

    level: float
    title: str
    start: int
    end: int


class _Series(NamedTuple):
    sort: Sort
    parts: tuple[int, ...]
    question: bool
    level: float

    @property
    def depth(self) -> int:
        return len(self.parts)

    @property
    def number(self) -> int:
        return self.parts[-1]


def outline(lines: tuple[Line, ...], marked: dict[int, MarkedHeading]) -> list[Heading]:
    """The headings of a document, in order."""
    candidates = _candidates(lines, marked)
    facets = _facets(candidates, marked)
    headings: list[Heading] = []
    remarks: list[bool] = []  # whether each is a short line that asks nothing
    series: list[_Series] = []
    taken = -1
    for at, line in enumerate(lines):
        if at <= taken:
            continue
        if at in marked:
            found = marked[at]
            taken = found.last
            series.clear()
            headings.append(Heading(found.level, found.title, line.start, lines[found.last].end))
            remarks.append(False)
        elif (heading := candidates.get(at)) is not None:
            level = _level(heading, series, facets, is_title=at == _title_line(lines, candidates, marked))
            headings.append(Heading(level, heading.title, line.start, line.end))
            remarks.append(heading.sort == "short" and not heading.question and level != _TITLE)
    return [heading for at, heading in enumerate(headings) if not (remarks[at] and _is_hollow(headings, at))]


def _is_hollow(headings: list[Heading], at: int) -> bool:
    """Whether the very next line is a heading beside or above: what has nothing under it is a line of text."""
    if at + 1 == len(headings):
        return False
    return headings[at + 1].level <= headings[at].level and headings[at + 1].start == headings[at].end + 1


def _candidates(lines: tuple[Line, ...], marked: dict[int, MarkedHeading]) -> dict[int, Candidate]:
    """Candidates by line, without the items of plain lists."""
    covered = {at for heading in marked.values() for at in range(heading.first, heading.last + 1)}
    found = {at: c for at in range(len(lines)) if at not in covered and (c := candidate(lines, at)) is not None}
    if len(marked) >= 2:
        found = {at: c for at, c in found.items() if c.sort != "short"}
    lists = _list_items(lines, found, covered) | {at for at, c in found.items() if _is_among_items(lines, c)}
    return {at: c for at, c in found.items() if at not in lists}


def _list_items(lines: tuple[Line, ...], found: dict[int, Candidate], marked: set[int]) -> set[int]:
    """Candidates that stand directly one under the other: a list, not headings."""
    items: set[int] = set()
    run: list[Candidate] = []
    for at, line in enumerate(lines):
        now = found.get(at)
        if line.kind == "blank":
            continue
        if now is not None and run and _goes_on(run[-1], now):
            run.append(now)
            continue
        items |= _as_list(run, lines, answered=at not in marked)
        run = [now] if now is not None else []
    return items | _as_list(run, lines, answered=False)


def _is_among_items(lines: tuple[Line, ...], one: Candidate) -> bool:
    """Whether the number before or after it stands right above or below: the item of a list that ends without a full stop."""
    if one.sort != "number" or one.depth > 1 or one.question:
        return False
    beside = (((one.line - 1), one.number - 1), ((one.line + 1), one.number + 1))
    return any(0 <= at < len(lines) and lines[at].kind == "text" and number_of(lines[at].text) == (n,) for at, n in beside)


def _goes_on(last: Candidate, now: Candidate) -> bool:
    """Whether two candidates are items of one list: consecutive numbers, or two short lines."""
    if now.sort == last.sort and now.sort in ("number", "bracket"):
        return (now.number, now.depth) == (last.number + 1, last.depth)
    return now.sort == "short" == last.sort and last.line > 0


def _as_list(run: list[Candidate], lines: tuple[Line, ...], *, answered: bool) -> set[int]:
    """The lines of a run that are list items.

    Two questions are an unanswered one before an answered one, and two short lines a heading and one below it: both stay.
    Of a longer run of questions only the last can be answered; so can the last of a run of bold lines.
    """
    asked = sum(c.question for c in run) > len(run) / 2
    if run and answered and run[-1].question and lines[run[-1].line].text.lstrip().startswith(("**", "__")):
        asked = True
        if len(run) == 2:
            return {run[0].line}
    if len(run) < (3 if asked or (run and run[0].sort == "short") else 2):
        return set()
    return {c.line for c in (run[:-1] if asked and answered else run)}


def _facets(candidates: dict[int, Candidate], marked: dict[int, MarkedHeading]) -> set[int]:
    """Lines of short headings that recur under one heading, such as the drawbacks of each method: they lie below the methods."""
    facets: set[int] = set()
    group: list[Candidate] = []
    for at in sorted({*candidates, *marked}):
        found = candidates.get(at)
        if found is not None and found.sort == "short":
            group.append(found)
        else:
            facets |= _recurring(group)
            group = []
    return facets | _recurring(group)


def _recurring(group: list[Candidate]) -> set[int]:
    counts = Counter(c.title for c in group)
    return {c.line for c in group if counts[c.title] > 1}


def _title_line(lines: tuple[Line, ...], candidates: dict[int, Candidate], marked: dict[int, MarkedHeading]) -> int:
    """The line that titles a plain document: its first, if it is short and unnumbered."""
    first = next((at for at, line in enumerate(lines) if line.kind != "blank"), -1)
    found = candidates.get(first)
    return first if found is not None and found.sort == "short" and not marked else -1


def _level(heading: Candidate, series: list[_Series], facets: set[int], *, is_title: bool) -> float:
    if is_title:
        return _TITLE
    if heading.sort == "short" and not (heading.question and series and series[0].sort == "asked"):
        return _FACET if heading.line in facets else _SHORT
    if heading.sort == "bold" and not (heading.question and (not series or series[0].sort == "bold")):
        return _BOLD
    return _place(heading, series)


def _place(heading: Candidate, series: list[_Series]) -> float:
    """Put a numbered heading into the series that it continues, or open a new one; returns its level."""
    at = _continued(heading, series)
    if at is not None:
        level = series[at].level
        del series[at:]
    elif _stands_beside(heading, series):
        level = series[0].level
        del series[1:]
    elif (above := _parent(heading, series)) is not None:
        level = series[above].level + _SERIES_STEP
        del series[above + 1 :]
    elif (inner := _followed(heading, series)) is not None:
        level = series[inner].level - _SERIES_STEP * _steps_out(heading, series[inner])
        del series[inner:]
    else:
        level = series[-1].level + _SERIES_STEP if series else _SERIES_BASE
    series.append(_Series(heading.sort, heading.parts, heading.question, level))
    return level


def _stands_beside(heading: Candidate, series: list[_Series]) -> bool:
    """Whether a question that is marked in another way than the outermost questions, and opens no list, is one of them."""
    if not (series and series[0].question and heading.question) or heading.sort == series[0].sort:
        return False
    return heading.sort == "asked" or (series[0].sort == "asked" and heading.number > 1)


def _parent(heading: Candidate, series: list[_Series]) -> int | None:
    """The position of the series whose number a heading takes up: `5.1` stands below `5.`, and below a fifth chapter."""
    above = heading.parts[:-1]
    return next((at for at in range(len(series) - 1, -1, -1) if above and series[at].parts == above), None)


def _followed(heading: Candidate, series: list[_Series]) -> int | None:
    """The position of the deeper series that a heading comes after: `5.` follows `4.4`, and so does a fifth chapter.

    A chapter with a number above one that continues no chapter lies outside all numbers.
    """
    if heading.sort not in ("number", "chapter"):
        return None
    before = (*heading.parts[:-1], heading.number - 1)
    for at, one in enumerate(series):
        if (
            one.sort == "number"
            and one.depth >= heading.depth + (heading.sort == "number")
            and one.parts[: heading.depth] == before
        ):
            return at
    return 0 if series and heading.sort == "chapter" and heading.number > 1 and series[0].sort == "number" else None


def _steps_out(heading: Candidate, inner: _Series) -> int:
    follows = inner.parts[heading.depth - 1] == heading.number - 1
    return inner.depth - heading.depth if follows else 1


def _continued(heading: Candidate, series: list[_Series]) -> int | None:
    """The position of the series that a heading goes on with, innermost first."""
    if heading.sort == "short":
        return 0  # one more question of a list of questions
    same = [at for at, s in enumerate(series) if (s.sort, s.depth) == (heading.sort, heading.depth)]
    following = [at for at in same if heading.number == series[at].number + 1 or heading.number == 0]
    alike = [at for at in following if series[at].question == heading.question]
    if alike or following:
        return (alike or following)[-1]
    # A question with a gap in its number, or after a restart, goes on with the questions.
    questions = [at for at in same if heading.question and series[at].question]
    if questions:
        return questions[0]
    # `4.1` after `5.2` without a `5.`: deeper numbers stay at their depth.
    return same[0] if same and heading.depth > 1 else None
