"""What every search has to do, lexical or dense, whatever it is built with: subclass `SearcherContract` and make one.

A test class of a backend defines `make`, and `reopen` where the backend can be stored.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from retrieval.searcher import Searcher

PASSAGES = 900


class SearcherContract(ABC):
    """Passages are numbered `topics`: passage i is about `i % 7`, and passages of equal number say the same."""

    @abstractmethod
    def make(self, topics: list[int]) -> Searcher[Any]:
        """A searcher over passages, each about its number; equal numbers give equal passages."""

    @abstractmethod
    def query(self, topic: int) -> Any:
        """A query that fits passages of a topic best, and others to different degrees."""

    @abstractmethod
    def reopen(self, searcher: Any, folder: Path) -> Searcher[Any]:
        """Save a searcher and open it again, memory-mapped."""

    @pytest.fixture
    def topics(self) -> list[int]:
        return np.random.default_rng(0).integers(0, 40, PASSAGES).tolist()

    @pytest.fixture
    def searcher(self, topics: list[int]) -> Searcher[Any]:
        return self.make(topics)

    def test_the_passages_of_the_topic_come_first(self, searcher: Searcher[Any], topics: list[int]) -> None:
        about = [row for row, topic in enumerate(topics) if topic == 3]
        rows, _ = searcher.search(self.query(3), len(about))
        assert rows.tolist() == about

    def test_scores_fall_and_equal_ones_are_in_order_of_rows(self, searcher: Searcher[Any]) -> None:
        for topic in range(8):
            rows, scores = searcher.search(self.query(topic), 200)
            assert len(set(rows.tolist())) == len(rows)
            pairs = [(-score, row) for score, row in zip(scores.tolist(), rows.tolist(), strict=True)]
            assert pairs == sorted(pairs)

    @pytest.mark.parametrize("k", [1, 2, 50, PASSAGES])
    def test_fewer_are_the_beginning_of_more(self, searcher: Searcher[Any], k: int) -> None:
        more, _ = searcher.search(self.query(5), PASSAGES)
        scores = searcher.score(self.query(5), more)
        _, best = searcher.search(self.query(5), k)
        np.testing.assert_allclose(best, scores[:k], rtol=1e-5, atol=1e-6)

    def test_more_than_there_are_gives_no_more_than_there_are(self, searcher: Searcher[Any]) -> None:
        rows, scores = searcher.search(self.query(2), 10 * PASSAGES)
        assert 0 < len(rows) == len(scores) <= searcher.size == PASSAGES

    @pytest.mark.parametrize("k", [0, -1])
    def test_none_asked_for_gives_none(self, searcher: Searcher[Any], k: int) -> None:
        rows, scores = searcher.search(self.query(2), k)
        assert (rows.shape, scores.shape) == ((0,), (0,))

    def test_score_agrees_with_search_in_any_order(self, searcher: Searcher[Any]) -> None:
        rows, scores = searcher.search(self.query(1), 300)
        shuffled = np.random.default_rng(1).permutation(len(rows))
        again = searcher.score(self.query(1), rows[shuffled])
        np.testing.assert_allclose(again, scores[shuffled], rtol=1e-5, atol=1e-6)
        assert (rows.dtype, scores.dtype, again.dtype) == (np.int64, np.float32, np.float32)

    def test_no_rows_have_no_scores(self, searcher: Searcher[Any]) -> None:
        assert searcher.score(self.query(1), np.zeros(0, dtype=np.int64)).shape == (0,)

    def test_the_same_question_gives_the_same_answer(self, searcher: Searcher[Any], topics: list[int]) -> None:
        other = self.make(topics)
        for topic in range(5):
            once, again = searcher.search(self.query(topic), 100), other.search(self.query(topic), 100)
            assert once[0].tolist() == again[0].tolist()
            assert once[1].tolist() == again[1].tolist()

    def test_an_empty_index_finds_nothing_also_when_reopened(self, tmp_path: Path) -> None:
        for empty in (self.make([]), self.reopen(self.make([]), tmp_path)):
            assert empty.size == 0
            assert empty.search(self.query(0), 5)[0].tolist() == []

    def test_what_was_saved_finds_the_same_and_reads_no_whole_file(
        self, searcher: Searcher[Any], topics: list[int], tmp_path: Path
    ) -> None:
        opened = self.reopen(searcher, tmp_path)
        for topic in range(5):
            rows, scores = opened.search(self.query(topic), 100)
            assert rows.tolist() == searcher.search(self.query(topic), 100)[0].tolist()
            np.testing.assert_allclose(scores, searcher.search(self.query(topic), 100)[1], rtol=1e-6)

    def test_files_are_mapped_not_copied(self, searcher: Searcher[Any], tmp_path: Path) -> None:
        opened = self.reopen(searcher, tmp_path)
        mapped = Path("/proc/self/maps")
        if not mapped.exists():
            pytest.skip("this system does not tell what is mapped")
        assert str(tmp_path) in mapped.read_text()
        assert opened.size == PASSAGES

    def test_readers_at_the_same_time_do_not_disturb_each_other(self, searcher: Searcher[Any]) -> None:
        topics = list(range(12)) * 6
        alone = [searcher.search(self.query(topic), 60) for topic in topics]
        with ThreadPoolExecutor(6) as pool:
            together = list(pool.map(lambda topic: searcher.search(self.query(topic), 60), topics))
        for one, other in zip(alone, together, strict=True):
            assert one[0].tolist() == other[0].tolist()
            assert one[1].tolist() == other[1].tolist()
