"""BM25: the scores of rank_bm25, from precomputed sums."""

from __future__ import annotations

import math
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rank_bm25 import BM25Okapi

from retrieval.bm25 import BM25Index, build_bm25

_term = st.sampled_from(["rope", "alibi", "量化", "lora", "bm25", "top-p", "§rope"])
_corpus = st.lists(st.lists(_term, max_size=12), min_size=1, max_size=10).filter(any)
_query = st.lists(_term | st.just("unknown"), max_size=6)

PASSAGES = [["rope", "rotates", "rope"], ["alibi", "biases"], ["rope", "alibi", "lora", "量化"], []]


@given(_corpus, _query)
def test_scores_equal_rank_bm25(corpus: list[list[str]], query: list[str]) -> None:
    index = build_bm25(corpus)
    ours = index.score_all(query)
    assert index.score(query, np.arange(len(corpus))).tolist() == pytest.approx(ours.tolist(), rel=1e-5)
    assert ours.shape == (len(corpus),)
    np.testing.assert_allclose(ours, BM25Okapi(corpus).get_scores(query), rtol=1e-5, atol=1e-5)


def test_a_score_by_hand() -> None:
    """k1 = 1.5, b = 0.75; "rotates" is in one of four passages, twice, in a passage of length 2 where 2 is the average."""
    index = build_bm25([["rotates", "rotates"], ["alibi", "biases"], ["lora"], ["a", "b", "c"]])
    idf = math.log(4 - 1 + 0.5) - math.log(1 + 0.5)
    assert index.score_all(["rotates"])[0] == pytest.approx(idf * 2 * 2.5 / (2 + 1.5))
    assert index.score_all(["rotates"])[1:].tolist() == [0, 0, 0]


def test_a_term_asked_for_twice_counts_twice() -> None:
    index = build_bm25(PASSAGES)
    np.testing.assert_allclose(index.score_all(["lora", "lora"]), 2 * index.score_all(["lora"]))


@pytest.mark.parametrize("query", [[], ["unknown"], ["Rope"]])
def test_what_nothing_holds_scores_zero(query: list[str]) -> None:
    assert build_bm25(PASSAGES).score_all(query).tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize("corpus", [[], [[]], [[], [], []]])
def test_a_corpus_without_terms_can_be_searched_and_saved(corpus: list[list[str]], tmp_path: Path) -> None:
    build_bm25(corpus).save(tmp_path)
    index = BM25Index.load(tmp_path)
    assert index.score_all(["rope"]).tolist() == [0] * len(corpus)
    assert not index.holds(["rope"], np.arange(len(corpus))).any()


@settings(max_examples=25)
@given(_corpus, _query)
def test_what_was_saved_scores_the_same(corpus: list[list[str]], query: list[str]) -> None:
    built = build_bm25(corpus)
    with TemporaryDirectory() as folder:
        built.save(Path(folder))
        loaded = BM25Index.load(Path(folder))
        assert isinstance(loaded.scores.base, np.memmap)
        assert loaded.terms.tolist() == built.terms.tolist()
        assert loaded.score_all(query).tolist() == built.score_all(query).tolist()
        assert [loaded.idf_of(term) for term in query] == [built.idf_of(term) for term in query]


@given(_corpus, st.data())
def test_holds_tells_which_passages_hold_which_terms(corpus: list[list[str]], data: st.DataObject) -> None:
    numbers = data.draw(st.lists(st.integers(0, len(corpus) - 1), max_size=6))
    terms = data.draw(st.lists(_term | st.just("unknown"), max_size=4))
    held = build_bm25(corpus).holds(terms, np.array(numbers, dtype=np.int64))
    assert held.shape == (len(terms), len(numbers))
    assert held.tolist() == [[term in corpus[number] for number in numbers] for term in terms]


def test_idf_of_a_rare_term_exceeds_that_of_a_common_one_and_unknown_is_rarest() -> None:
    index = build_bm25([["rope", "common"], ["alibi", "common"], ["lora"], ["lora"], ["x"], ["y"]])
    assert index.idf_of("rope") == pytest.approx(math.log(5.5) - math.log(1.5))
    assert index.idf_of("common") == pytest.approx(math.log(4.5) - math.log(2.5))
    assert index.idf_of("unknown") == pytest.approx(math.log(6.5) - math.log(0.5))
