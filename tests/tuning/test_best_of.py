"""The expected best of k trials, against every subset and against order statistics."""

from __future__ import annotations

import math
from itertools import combinations
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganbench.tuning import best_of

pytestmark = pytest.mark.golden

finite = st.floats(-1e3, 1e3)


@given(st.lists(finite, min_size=1, max_size=7), st.sampled_from(["lower", "higher"]))
def test_it_is_the_mean_over_all_subsets(values: list[float], better: str) -> None:
    pick = min if better == "lower" else max
    for best in best_of(values, better, math.nan):
        expected = fmean(pick(subset) for subset in combinations(values, best.k))
        assert best.mean == pytest.approx(expected, rel=1e-9, abs=1e-6)


def test_an_even_grid_has_the_order_statistic_of_a_uniform_draw() -> None:
    """The largest of k from 1..n has mean k (n + 1) / (k + 1)."""
    for best in best_of([float(i) for i in range(1, 21)], "higher", 1.0):
        assert best.mean == pytest.approx(best.k * 21 / (best.k + 1), rel=1e-9)


def test_a_trial_without_a_value_is_as_bad_as_the_worst_of_all_contenders() -> None:
    """One of 8 has a value, so k of 8 hold it with chance k / 8, and nothing better than the worst otherwise."""
    lower = best_of([10.0] + 7 * [math.nan], "lower", 90.0)
    assert [best.mean for best in lower] == pytest.approx([90 - 80 * k / 8 for k in range(1, 9)])
    higher = best_of([math.nan, 7.0, math.nan, math.nan], "higher", 3.0)
    assert [best.mean for best in higher] == pytest.approx([3 + 4 * k / 4 for k in range(1, 5)])


def test_a_failed_trial_among_others_by_hand() -> None:
    """Of 1, 9 and 3: their mean; the mean of the better of each pair, 1, 1 and 3; the best of all."""
    assert [best.mean for best in best_of([1.0, math.nan, 3.0], "lower", 9.0)] == pytest.approx([13 / 3, 5 / 3, 1.0])


def test_the_interval_of_one_good_trial_is_binomial() -> None:
    """8 trials drawn again hold the good one X times, X of Bin(8, 1/8): P(X <= 0) = 0.34, P(X <= 2) = 0.93 and
    P(X <= 3) = 0.99, so that 90 - 10 X has its outer quantiles at X = 3 and X = 0."""
    first = best_of([10.0] + 7 * [math.nan], "lower", 90.0)[0]
    assert (first.low, first.high) == pytest.approx((60.0, 90.0))


def test_intervals_hold_the_mean_and_shrink_with_more_trials() -> None:
    few, many = (best_of([math.sin(i) for i in range(n)], "lower", 1.0)[0] for n in (8, 400))
    assert few.low < few.mean < few.high
    assert many.high - many.low < (few.high - few.low) / 3


def test_no_value_is_an_error() -> None:
    with pytest.raises(ValueError, match="no trial has a value"):
        best_of([math.nan], "lower", 1.0)
