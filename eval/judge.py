"""Whether a context supports a claim: what metrics ask of a judge, and the checker as one.

There are two engines with this interface: `ScoringJudge` around the checker, and `eval.llm_judge.LanguageModelJudge`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

from generation.verify import support
from retrieval.analysis import terms

Status = Literal["scored", "not-scoreable", "judge-failed"]


class Pair(NamedTuple):
    """A claim and the text that it is checked against."""

    claim: str
    context: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a judge says about a pair.

    Attributes:
        status: "not-scoreable" if the claim or the context says nothing, "judge-failed" if the judge's reply could not be read.
        score: support, 0-1; None unless scored.
        supported: whether the score reaches the judge's threshold; None unless scored.
        reason: why the judge failed.
    """

    status: Status
    score: float | None = None
    supported: bool | None = None
    reason: str = ""


NOT_SCOREABLE = Verdict("not-scoreable")


class Judge(Protocol):
    """An engine that judges claims."""

    @property
    def name(self) -> str:
        """What a run records; another judge is another run."""

    def judge(self, pairs: Sequence[Pair]) -> tuple[Verdict, ...]:
        """A verdict for each pair, in order."""


class Checker(Protocol):
    """What gives supports: 0-1, None where there is nothing to score."""

    def score(self, pairs: Sequence[tuple[str, str]]) -> Sequence[float | None]:
        """Supports of (claim, context) pairs, in order."""


class ScoringJudge:
    """A checker and the support from which on a claim counts as supported."""

    def __init__(self, checker: Checker, threshold: float, name: str = "checker") -> None:
        self.name = name
        self._checker, self._threshold = checker, threshold

    def judge(self, pairs: Sequence[Pair]) -> tuple[Verdict, ...]:
        """A verdict for each pair, in order; pairs that say nothing never reach the checker."""
        asked = [pair for pair in pairs if scoreable(pair)]
        scores = dict(zip(asked, self._checker.score(asked), strict=True)) if asked else {}
        return tuple(self._verdict(scores.get(pair)) for pair in pairs)

    def _verdict(self, score: float | None) -> Verdict:
        return NOT_SCOREABLE if score is None else Verdict("scored", score, score >= self._threshold)


def scoreable(pair: Pair) -> bool:
    """Whether both the claim and the context say anything: an empty context supports nothing, and an empty claim is none."""
    return bool(terms(pair.claim)) and bool(pair.context.strip())


class WordChecker:
    """Supports by words alone."""

    def score(self, pairs: Sequence[tuple[str, str]]) -> Sequence[float | None]:
        """Supports of (claim, context) pairs, in order."""
        return [support(claim, [context]) for claim, context in pairs]
