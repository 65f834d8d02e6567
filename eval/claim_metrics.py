"""Metrics of an answer's claims, from a judge's verdicts: faithfulness, and citation recall and precision.

A metric is None ("not measured") where there is nothing to judge or a judgement failed: never 0 or 1 by default.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from corpus.sentences import sentences
from eval.judge import NOT_SCOREABLE, Judge, Pair, Verdict
from eval.response import Claim, Passage, Response, joined
from generation.verify import overlap

Verdicts = Mapping[Pair, Verdict]


@dataclass(frozen=True, slots=True)
class JudgedClaim:
    """A claim with the verdict about it, the passage's sentence that is nearest to it, and whether its citations support it."""

    text: str
    citations: tuple[int, ...]
    verdict: Verdict
    cited: Verdict
    evidence: Passage | None


def judge_claims(response: Response, judge: Judge, more: Iterable[Pair] = ()) -> tuple[tuple[JudgedClaim, ...], Verdicts]:
    """Each claim judged, and all verdicts that were needed; the judge is asked once, about each pair once.

    Args:
        response: whose claims are judged.
        judge: judges them.
        more: pairs to judge beside those of the claims.
    """
    context = response.context()
    pairs = [Pair(claim.text, context) for claim in response.claims]
    pairs += [pair for claim in response.claims for pair in _citation_pairs(claim, response)]
    unique = tuple(dict.fromkeys([*pairs, *more]))
    verdicts = dict(zip(unique, judge.judge(unique), strict=True)) if unique else {}
    judged = tuple(
        JudgedClaim(
            claim.text,
            claim.citations,
            verdicts[Pair(claim.text, context)],
            verdicts[_cited(claim, claim.citations, response)] if claim.citations else NOT_SCOREABLE,
            nearest_sentence(claim.text, response.contexts),
        )
        for claim in response.claims
    )
    return judged, verdicts


def faithfulness(verdicts: Sequence[Verdict]) -> float | None:
    """Share of an answer's claims that the passages it was given support.

    Claims are its sentences, split at 。！？； and at English sentence ends. Source: Es et al., "RAGAS" (2023, arXiv:2309.15217),
    which splits by a language model. Claims that are not scoreable are left out; None without any, or if the judge failed on one.
    """
    return _share(verdicts)


def context_recall(verdicts: Sequence[Verdict]) -> float | None:
    """Share of the reference answer's sentences that the passages support.

    Source: RAGAS' context recall (https://docs.ragas.io). None as for `faithfulness`.
    """
    return _share(verdicts)


def _share(verdicts: Sequence[Verdict]) -> float | None:
    scored = [verdict.supported for verdict in verdicts if verdict.status == "scored"]
    if not scored or any(verdict.status == "judge-failed" for verdict in verdicts):
        return None
    return sum(map(bool, scored)) / len(scored)


def citation_recall(response: Response, verdicts: Verdicts) -> float | None:
    """Share of an answer's sentences that the places they cite support, taken together; a sentence without citation counts as 0.

    Source: Gao et al., "Enabling large language models to generate text with citations" (ALCE, 2023, arXiv:2305.14627).
    """
    found = [_supported(claim, claim.citations, response, verdicts) for claim in response.claims]
    return sum(map(bool, found)) / len(found) if found and None not in found else None


def citation_precision(response: Response, verdicts: Verdicts) -> float | None:
    """Share of an answer's citations that are of use.

    A citation counts if its sentence is supported by all its citations together, and it is needed for that or supports the
    sentence alone. Source: ALCE, as above. None without citations.
    """
    found = [_is_of_use(claim, n, response, verdicts) for claim in response.claims for n in claim.citations]
    return sum(map(bool, found)) / len(found) if found and None not in found else None


def _is_of_use(claim: Claim, number: int, response: Response, verdicts: Verdicts) -> bool | None:
    others = tuple(n for n in claim.citations if n != number)
    together = _supported(claim, claim.citations, response, verdicts)
    if not together or not others:
        return together
    alone, without = (_supported(claim, chosen, response, verdicts) for chosen in ((number,), others))
    return None if alone is None or without is None else alone or not without


def _supported(claim: Claim, citations: tuple[int, ...], response: Response, verdicts: Verdicts) -> bool | None:
    """None if the judge failed; citations that quote nothing support nothing."""
    if not citations:
        return False
    verdict = verdicts[_cited(claim, citations, response)]
    return None if verdict.status == "judge-failed" else bool(verdict.supported)


def _citation_pairs(claim: Claim, response: Response) -> Iterator[Pair]:
    """All citations together; each alone and the others without it where there are several."""
    if claim.citations:
        yield _cited(claim, claim.citations, response)
    if len(claim.citations) > 1:
        for number in claim.citations:
            yield _cited(claim, (number,), response)
            yield _cited(claim, tuple(n for n in claim.citations if n != number), response)


def _cited(claim: Claim, citations: tuple[int, ...], response: Response) -> Pair:
    return Pair(claim.text, joined(response.citations[n] for n in citations if n in response.citations))


def nearest_sentence(claim: str, passages: Sequence[Passage]) -> Passage | None:
    """The sentence that shares most terms with a claim, the earliest of equals; None without passages."""
    places = [Passage(text, passage.path, passage.heading) for passage in passages for text in sentences(passage.text)]
    return max(places, key=lambda place: overlap(claim, place.text), default=None)
