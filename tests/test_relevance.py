"""What decides about refusal: a probability that grows with the evidence."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from retrieval.relevance import Evidence, relevance

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
