"""How good is the checker? Its scores on labelled sets, beside what two trivial baselines and words alone would say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from corpus.sentences import sentences
from eval.claim_sets import ClaimSet, LabelledClaim
from eval.classification import auroc, balanced_accuracy, expected_calibration_error, reliability
from generation.verify import overlap, support

if TYPE_CHECKING:
    from generation.checker import Checker
    from retrieval.weights import Progress

Report = dict[str, Any]
METHODS = ("checker", "words", "overlap", "length")
_WORST = 10  # claims shown of each kind of error
_BATCH = 16  # claims between two reports of progress


def measure_checker(sets: Sequence[ClaimSet], checker: Checker, progress: Progress | None = None) -> Report:
    """Figures by set and language, for one JSON document.

    Methods: the checker; `words`, the rules of `generation.verify`; and two baselines that any checker has to beat clearly:
    `overlap`, the share of the claim's terms found in the context, and `length`, that shorter claims are the supported ones.
    """
    total, done = sum(len(each.claims) for each in sets), 0
    report: Report = {"threshold": checker.threshold, "sets": []}
    for labelled in sets:
        scores: list[float | None] = []
        for at in range(0, len(labelled.claims), _BATCH):
            some = labelled.claims[at : at + _BATCH]
            scores += checker.score([(row.claim, row.context) for row in some])
            done += len(some)
            if progress:
                progress("check", done, total)
        report["sets"].append(_measure_set(labelled, scores, checker.threshold))
    return report


def _measure_set(labelled: ClaimSet, scores: Sequence[float | None], threshold: float) -> Report:
    rows = [(row, score) for row, score in zip(labelled.claims, scores, strict=True) if score is not None]
    languages = sorted({row.lang for row, _ in rows})
    by_language = [_figures(lang, [pair for pair in rows if pair[0].lang == lang], threshold) for lang in languages]
    return {
        "name": labelled.name,
        "claims": len(labelled.claims),
        "not_scoreable": len(labelled.claims) - len(rows),
        "languages": [figures for figures in by_language if figures],
        "kinds": _kinds(rows, threshold),
        "errors": _worst(rows, threshold),
    }


def _figures(lang: str, rows: Sequence[tuple[LabelledClaim, float]], threshold: float) -> Report | None:
    """Figures of one language; None if all its claims have the same label, which leaves nothing to tell apart."""
    labels = [row.supported for row, _ in rows]
    if len(set(labels)) < 2:
        return None
    scores = [score for _, score in rows]
    bins = reliability(scores, labels)
    methods = {"checker": scores} | {name: [score(row) for row, _ in rows] for name, score in _BASELINES.items()}
    return {
        "lang": lang,
        "n": len(rows),
        "supported": sum(labels),
        "auroc": {name: asdict(auroc(values, labels)) for name, values in methods.items()},
        "balanced_accuracy": balanced_accuracy(scores, labels, threshold),
        "ece": expected_calibration_error(bins),
        "reliability": [asdict(each) for each in bins],
    }


def _words(row: LabelledClaim) -> float:
    return support(row.claim, sentences(row.context)) or 0.0


def _overlap(row: LabelledClaim) -> float:
    return overlap(row.claim, row.context)


def _shortness(row: LabelledClaim) -> float:
    return -float(len(row.claim))


_BASELINES: dict[str, Callable[[LabelledClaim], float]] = {"words": _words, "overlap": _overlap, "length": _shortness}


def _kinds(rows: Sequence[tuple[LabelledClaim, float]], threshold: float) -> list[Report]:
    """For each kind of claim, and label, the share that the threshold decides right."""
    counts = Counter((row.kind, row.supported) for row, _ in rows)
    right = Counter((row.kind, row.supported) for row, score in rows if (score >= threshold) == row.supported)
    return [
        {"kind": kind, "supported": supported, "n": n, "right": right[kind, supported] / n}
        for (kind, supported), n in sorted(counts.items(), key=lambda item: (not item[0][1], item[0][0]))
    ]


def _worst(rows: Sequence[tuple[LabelledClaim, float]], threshold: float) -> list[Report]:
    """Where it fails: the errors that it is surest about, of both kinds."""
    accepted = sorted((r for r in rows if r[1] >= threshold and not r[0].supported), key=lambda r: -r[1])
    rejected = sorted((r for r in rows if r[1] < threshold and r[0].supported), key=lambda r: r[1])
    return [asdict(row) | {"support": score} for row, score in (*accepted[:_WORST], *rejected[:_WORST])]
