"""Tests of a mean against a bound and of a margin between rates: published numbers, closed forms, and their rates."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from scipy import stats as reference

from ganbench.stats import mean_tails, rate_gap_tails
from ganbench.stats.levels import _skewed_tails

pytestmark = pytest.mark.golden

SUITES = 800


def test_two_ways_of_disinfecting_lenses() -> None:
    """Tango 1998, Statistics in Medicine 17:891: of 44 eyes 43 and 44 did well; with a margin of 0.1 Z = 1.709."""
    better, worse = rate_gap_tails(0, 1, 44, -0.1)
    assert reference.norm.isf(better) == pytest.approx(1.709, abs=5e-4)
    assert better + worse == pytest.approx(1)


@given(some.integers(0, 12), some.integers(0, 12), some.integers(0, 12))
def test_without_a_margin_it_is_mcnemars_score(only_first: int, only_second: int, others: int) -> None:
    discordant = only_first + only_second
    above, _ = rate_gap_tails(only_first, only_second, discordant + others + 1, 0.0)
    score = (only_first - only_second) / discordant**0.5 if discordant else 0.0
    assert above == pytest.approx(reference.norm.sf(score))


@given(some.integers(0, 12), some.integers(0, 12), some.integers(0, 12), some.floats(-0.9, 0.9))
def test_the_sides_of_a_margin_can_be_exchanged(first: int, second: int, others: int, gap: float) -> None:
    n = first + second + others + 1
    above, below = rate_gap_tails(first, second, n, gap)
    assert rate_gap_tails(second, first, n, -gap) == pytest.approx((below, above), abs=1e-9)


@given(
    some.integers(0, 12), some.integers(0, 12), some.integers(0, 12), some.sampled_from([5e-324, 1e-300, 1e-160, 1e-12])
)
def test_next_to_no_margin_is_no_margin(first: int, second: int, others: int, gap: float) -> None:
    n = first + second + others + 1
    for margin in (gap, -gap):
        assert rate_gap_tails(first, second, n, margin) == pytest.approx(
            rate_gap_tails(first, second, n, 0.0), abs=1e-5
        )


@pytest.mark.parametrize("n", [8, 10, 20, 40])
def test_rates_a_margin_apart_are_seldom_called_the_same(n: int) -> None:
    """The exact chance, at the worst share of discordant pairs, that both one-sided tests pass."""
    margin, worst = 0.25, 0.0
    same = {
        (b, c): rate_gap_tails(b, c, n, -margin)[0] < 0.05 and rate_gap_tails(b, c, n, margin)[1] < 0.05
        for b in range(n + 1)
        for c in range(n + 1 - b)
    }
    for second in np.linspace(0, (1 - margin) / 2, 16):
        p, rest = (second + margin, second), 1 - 2 * second - margin
        chances = ((b, c, comb(n, b) * comb(n - b, c) * rest ** (n - b - c)) for (b, c), yes in same.items() if yes)
        worst = max(worst, sum(ways * p[0] ** b * p[1] ** c for b, c, ways in chances))
    assert worst < 0.06


def test_a_mean_against_a_bound_is_students_test_where_nothing_is_skewed() -> None:
    differences = [-1.0, 0.5, 1.5, 3.0]
    above, below = _skewed_tails(np.array(differences), 1)
    expected = reference.ttest_1samp(differences, 0, alternative="greater").pvalue
    assert above == pytest.approx(expected) and below == pytest.approx(1 - expected)


def test_a_value_on_a_closed_bound_is_inside() -> None:
    assert mean_tails([0.0] * 10, 1) == (2.0**-10, 1.0)
    assert mean_tails([0.0] * 10, -1) == (1.0, 2.0**-10)
    assert mean_tails([0.0] * 9 + [-1.0], 1)[0] > 0.5, "but their mean is outside"


def test_the_mean_decides_where_the_middle_says_otherwise() -> None:
    """Sixteen runs below the bound, and one so far above that the mean is too."""
    above, below = mean_tails([-1.0] * 16 + [40.0], 1)
    assert min(above, below) > 0.1


@pytest.mark.parametrize("n", [8, 10, 20, 50])
def test_a_skewed_mean_on_its_bound_is_seldom_called_outside(n: int) -> None:
    """Lognormal runs, at a level of 2.5 in 100: signed ranks alone are wrong up to 50, Student's test 10 to 16."""
    rng = np.random.default_rng(n)
    draws = rng.lognormal(0, 1, (SUITES, n)) - np.exp(0.5)
    wrong = np.mean([min(mean_tails(own.tolist(), 1)) < 0.025 for own in draws])
    assert wrong < 0.095


@pytest.mark.parametrize("n", [8, 10, 20])
def test_a_mean_beyond_its_bound_is_found(n: int) -> None:
    rng = np.random.default_rng(n)
    found = np.mean([mean_tails(rng.normal(2, 1, n).tolist(), 1)[0] < 0.025 for _ in range(200)])
    assert found > 0.9
