"""The cases that a person should look at first, with everything that is needed to see what went wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eval.gold import GoldQuestion, Place, states
from eval.metric_names import RETRIEVAL
from eval.summary import claim_status

Record = dict[str, Any]
CASES = 15
_SHOWN_HITS = 5
_JUDGED_BY = ("faithfulness", "key_facts", "citation_recall")
_WRONG = ("answered-wrongly", "refused-wrongly", "no-claims", "judge-failed")


def worst_cases(records: Sequence[Record], arm: str) -> list[Record]:
    """The worst questions of an arm, the worst first; those where nothing is amiss are left out."""
    ranked = sorted((_badness(record, arm), n, record) for n, record in enumerate(records))
    return [_case(record, arm) for badness, _, record in ranked[:CASES] if badness < 1.0]


def _badness(record: Record, arm: str) -> float:
    """Lower is worse: below 0 for a wrong outcome, otherwise the mean of what was measured; 1 is perfect."""
    if arm == RETRIEVAL:
        return float(record["metrics"].get("mrr@10", 1.0))
    found = record["arms"][arm]
    if found["outcome"] in _WRONG:
        return _WRONG.index(found["outcome"]) - len(_WRONG)
    values = [found["metrics"][name] for name in _JUDGED_BY if name in found["metrics"]]
    return sum(values) / len(values) if values else 1.0


def _case(record: Record, arm: str) -> Record:
    gold = GoldQuestion.model_validate(record["gold"])
    case: Record = {
        "gold": gold,
        "relevance": record["search"]["relevance"],
        "metrics": record["metrics"],
        "hits": [{**hit, "gold": _is_gold(hit, gold)} for hit in record["search"]["hits"][:_SHOWN_HITS]],
        "outcome": None,
        "answer": None,
        "claims": [],
        "facts": [],
    }
    if arm != RETRIEVAL:
        found = record["arms"][arm]
        claims = [{**claim, "standing": claim_status(claim)} for claim in found["claims"]]
        text = found["answer"]["answer"]
        case |= {
            "outcome": found["outcome"],
            "answer": text,
            "claims": claims,
            "metrics": {**record["metrics"], **found["metrics"]},
        }
        said = "" if found["answer"]["refused"] else text
        case["facts"] = [(fact.split("|")[0], states(said, fact)) for fact in gold.must_include]
    return case


def _is_gold(hit: Record, gold: GoldQuestion) -> bool:
    if gold.gold_sections:
        return any(Place(path=hit["path"], heading=heading) in gold.gold_sections for heading in hit["heading"])
    return hit["path"] in gold.gold_files
