"""Records of a run in the row format of RAGAS, for those who want its judgement beside ours.

    {"user_input": ..., "response": ..., "retrieved_contexts": [...], "reference": ...}

`ragas.EvaluationDataset.from_jsonl` reads them. The package itself is no extra of this project: its current version (0.4.3)
imports a module that langchain-community 0.4 has removed, and wants earlier versions of rich and openai than LangChain's own
packages do; docs/evaluation.md says how to run it beside.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from corpus.errors import UsageError

Record = dict[str, Any]


def ragas_rows(records: Sequence[Record], arm: str | None) -> Iterator[Record]:
    """A row for each answer that was given; refusals state nothing that could be judged.

    Args:
        records: those of a run.
        arm: the way of answering; None takes the only one.

    Raises:
        UsageError: there is no such arm, or several to choose from.
    """
    arms = list(dict.fromkeys(name for record in records for name in record["arms"]))
    if (arm is None and len(arms) != 1) or (arm is not None and arm not in arms):
        raise UsageError(reason=f"choose one of the run's ways of answering with --arm: {', '.join(arms) or 'there is none'}")
    return (_row(record, record["arms"][arm or arms[0]]) for record in records if _stated(record, arm or arms[0]))


def _stated(record: Record, arm: str) -> bool:
    answer = record["arms"][arm]["answer"]
    return not answer["refused"] and any(sentence["text"].strip() for sentence in answer["sentences"])


def _row(record: Record, arm: Record) -> Record:
    row: Record = {
        "user_input": " ".join((*record["gold"]["history"], record["gold"]["question"])),
        "response": "\n".join(sentence["text"] for sentence in arm["answer"]["sentences"]),
        "retrieved_contexts": [hit["text"] for hit in record["search"]["hits"][: arm["contexts"]]],
    }
    return row | ({"reference": record["gold"]["reference"]} if record["gold"]["reference"] else {})
