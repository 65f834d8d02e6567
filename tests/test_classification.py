"""Metrics of scores against labels, on cases worked by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.classification import auroc, balanced_accuracy, expected_calibration_error, reliability

scored = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=2, max_size=40).filter(
    lambda rows: len({label for _, label in rows}) == 2
)


@pytest.mark.parametrize(
    ("scores", "labels", "area"),
    [
        ((0.9, 0.8, 0.2, 0.1), (True, True, False, False), 1.0),
        ((0.1, 0.2, 0.8, 0.9), (True, True, False, False), 0.0),
        ((0.5, 0.5, 0.5), (True, False, False), 0.5),
        # Of the four pairs, (0.8, 0.6), (0.8, 0.2) and (0.4, 0.2) are in order, (0.4, 0.6) is not.
        ((0.8, 0.4, 0.6, 0.2), (True, True, False, False), 0.75),
    ],
)
def test_auroc_is_the_share_of_pairs_in_order(scores: tuple[float, ...], labels: tuple[bool, ...], area: float) -> None:
    assert auroc(scores, labels).mean == pytest.approx(area)


def test_the_interval_is_delongs() -> None:
    # Placements of yes: 1 and 1/2; of no: 1/2 and 1. Both have variance 1/8; 0.75 +- 1.96 sqrt(1/16 + 1/16).
    estimate = auroc((0.8, 0.4, 0.6, 0.2), (True, True, False, False))
    assert (estimate.low, estimate.high) == pytest.approx((0.75 - 1.96 * np.sqrt(0.125), 1.0))


@given(scored)
def test_auroc_by_counting_pairs(rows: list[tuple[float, bool]]) -> None:
    yes, no = ([score for score, label in rows if label is wanted] for wanted in (True, False))
    counted = np.mean([(a > b) + 0.5 * (a == b) for a in yes for b in no])
    assert auroc(*zip(*rows, strict=True)).mean == pytest.approx(counted)


@given(scored, st.randoms())
def test_the_order_of_the_claims_changes_nothing(rows: list[tuple[float, bool]], random: object) -> None:
    shuffled = list(rows)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = (zip(*each, strict=True) for each in (rows, shuffled))
    assert auroc(*one).mean == pytest.approx(auroc(*other).mean)


def test_balanced_accuracy_by_hand() -> None:
    # Of the supported, two of three lie at or above 0.5; of the others, one of two lies below.
    assert balanced_accuracy((0.9, 0.5, 0.4, 0.6, 0.1), (True, True, True, False, False), 0.5) == pytest.approx(
        (2 / 3 + 1 / 2) / 2
    )


def test_calibration_by_hand() -> None:
    # The bin from 0.8 has scores of 0.85 on average and one of two right: 0.35 off. That from 0.2 is 0.25 off.
    bins = reliability((0.8, 0.9, 0.81, 0.25), (True, False, True, False))
    assert [each.n for each in bins] == [1, 2, 1]
    assert expected_calibration_error(bins) == pytest.approx((0.25 + abs(1.61 - 2) + 0.9) / 4)


def test_a_score_of_one_belongs_to_the_last_bin() -> None:
    assert reliability((1.0, 0.95), (True, True))[0].n == 2


@pytest.mark.parametrize("labels", [(True, True), (False, False)])
def test_one_label_alone_leaves_nothing_to_tell_apart(labels: tuple[bool, bool]) -> None:
    with pytest.raises(ValueError, match="both labels"):
        auroc((0.1, 0.2), labels)
    with pytest.raises(ValueError, match="both labels"):
        balanced_accuracy((0.1, 0.2), labels, 0.5)
