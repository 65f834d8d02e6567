"""A question and units packed into one sequence: each unit sees the question and itself."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from generation.reader_input import ReadUnit, packed

UNITS = st.lists(st.builds(ReadUnit, st.text(max_size=12), st.text(max_size=30), st.text(max_size=30)), max_size=5)


class ByteTokenizer:
    """A token for each byte, 256 at the beginning of a text."""

    def encode(self, text: str, add_special_tokens: bool = True) -> list[int]:
        return [256] * add_special_tokens + list(text.encode())


@given(st.text(max_size=20), UNITS)
def test_a_unit_is_read_as_if_it_stood_alone_behind_the_question(question: str, units: list[ReadUnit]) -> None:
    together = packed(ByteTokenizer(), question, units)
    seen = together.seen()
    for number, unit in enumerate(units):
        alone = packed(ByteTokenizer(), question, [unit])
        attended = np.flatnonzero(seen[together.ends[number]])
        assert together.ids[attended].tolist() == alone.ids.tolist()
        assert together.positions[attended].tolist() == alone.positions.tolist() == list(range(len(alone.ids)))
        assert (seen[np.ix_(attended, attended)] == alone.seen()).all()


@given(st.text(), UNITS)
def test_no_token_sees_a_later_one(question: str, units: list[ReadUnit]) -> None:
    found = packed(ByteTokenizer(), question, units)
    assert not np.triu(found.seen(), 1).any()
    assert found.seen().diagonal().all()
    assert len(found.ends) == len(units)


def test_both_scripts_are_read_alike_and_what_is_too_long_is_cut() -> None:
    simple = packed(ByteTokenizer(), "量化是什么？", [ReadUnit("量化", "权重用低精度整数表示。")])
    traditional = packed(ByteTokenizer(), "量化是什麼？", [ReadUnit("量化", "權重用低精度整數表示。")])
    assert traditional.ids.tolist() == simple.ids.tolist()
    long = packed(ByteTokenizer(), "q" * 5000, [ReadUnit("", "u" * 5000, "b" * 5000), ReadUnit("", "v" * 5000)])
    assert len(long.ids) < 1000
    assert 0 < long.ids.tolist().count(ord("b")) < long.ids.tolist().count(ord("u"))
    # The end, where the score is read, is never cut off.
    assert [long.ids[end] for end in long.ends] == [simple.ids[simple.ends[0]]] * 2
