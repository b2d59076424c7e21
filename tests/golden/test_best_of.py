"""The expected best of k trials, against every subset and against order statistics."""

from __future__ import annotations

import math
from itertools import combinations
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganbench.tuning import best_of

finite = st.floats(-1e3, 1e3)


@given(st.lists(finite, min_size=1, max_size=7), st.sampled_from(["lower", "higher"]))
def test_it_is_the_mean_over_all_subsets(values: list[float], better: str) -> None:
    pick = min if better == "lower" else max
    for best in best_of(values, better):
        expected = fmean(pick(subset) for subset in combinations(values, best.k))
        assert best.mean == pytest.approx(expected, rel=1e-9, abs=1e-6)


def test_an_even_grid_has_the_order_statistic_of_a_uniform_draw() -> None:
    """The largest of k from 1..n has mean k (n + 1) / (k + 1)."""
    for best in best_of([float(i) for i in range(1, 21)], "higher"):
        assert best.mean == pytest.approx(best.k * 21 / (best.k + 1), rel=1e-9)


def test_a_trial_without_a_value_is_as_bad_as_the_worst() -> None:
    assert best_of([1.0, math.nan, 3.0], "lower") == best_of([1.0, 3.0, 3.0], "lower")
    assert best_of([1.0, math.nan, 3.0], "higher") == best_of([1.0, 1.0, 3.0], "higher")


def test_intervals_hold_the_mean_and_shrink_with_more_trials() -> None:
    few, many = (best_of([math.sin(i) for i in range(n)], "lower")[0] for n in (8, 400))
    assert few.low < few.mean < few.high
    assert many.high - many.low < (few.high - few.low) / 3


def test_no_value_is_an_error() -> None:
    with pytest.raises(ValueError, match="no trial has a value"):
        best_of([math.nan], "lower")
