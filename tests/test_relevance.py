"""What decides about refusal: coverage by hand, and a probability that grows with the evidence."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.bm25 import build_bm25
from retrieval.relevance import Evidence, coverage, relevance

# Among eight passages "bias" is in two, "slope" and "mask" in one each.
PASSAGES = [["bias", "slope"], ["bias"], ["mask"], ["a"], ["b"], ["c"], ["d"], ["e"]]
BIAS, SLOPE, UNKNOWN = (math.log(1 + (8 - n + 0.5) / (n + 0.5)) for n in (2, 1, 0))


@pytest.mark.parametrize(
    ("question", "rows", "single", "union"),
    [
        ("bias", [0], 1, 1),
        ("bias mask", [1], BIAS / (BIAS + SLOPE), BIAS / (BIAS + SLOPE)),
        ("bias mask", [1, 2], SLOPE / (BIAS + SLOPE), 1),  # no passage holds both, together they do
        ("bias zebra", [0], BIAS / (BIAS + UNKNOWN), BIAS / (BIAS + UNKNOWN)),  # what nobody wrote weighs most
        ("bias bias mask", [1], 2 * BIAS / (2 * BIAS + SLOPE), 2 * BIAS / (2 * BIAS + SLOPE)),
        ("zebra", [0, 1, 2], 0, 0),
        ("what is the", [0], 0, 0),  # stop words only
        ("bias", [], 0, 0),
    ],
)
def test_coverage(question: str, rows: list[int], single: float, union: float) -> None:
    found = coverage(question, np.array(rows, dtype=np.int64), build_bm25(PASSAGES))
    assert found == pytest.approx((single, union), abs=1e-6)


def test_a_term_that_every_passage_holds_still_counts() -> None:
    passages = [["zebra", "base"], ["zebra", "angle"]]
    assert coverage("zebra", np.array([0], dtype=np.int64), build_bm25(passages)) == pytest.approx((1, 1))


_evidence = st.builds(
    Evidence, cosine=st.floats(-1, 1), coverage=st.floats(0, 1), union=st.floats(0, 1), same_script=st.booleans()
)


@given(_evidence)
def test_relevance_is_a_probability(evidence: Evidence) -> None:
    assert 0 <= relevance(evidence) <= 1


@given(_evidence, st.floats(0, 1), st.floats(0, 1))
def test_more_evidence_is_never_less_relevant(evidence: Evidence, cosine: float, covered: float) -> None:
    more = replace(evidence, cosine=max(evidence.cosine, cosine), coverage=max(evidence.coverage, covered))
    assert relevance(more) >= relevance(evidence)
