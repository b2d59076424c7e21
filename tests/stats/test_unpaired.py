"""Tests of two sides without partners, against published examples of scipy, R and Newcombe."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats as reference

from ganbench.stats import detectable_gap, detectable_rate_gap, fisher, mean_gap, rank_sum, rate_gap

pytestmark = pytest.mark.golden

# scipy's mannwhitneyu docstring: age at diagnosis of diabetes
MALES, FEMALES = [19, 22, 16, 29, 24], [20, 11, 17, 12]
# R's ?wilcox.test: permeability of the human chorioamnion (Hollander & Wolfe 1973, p. 69)
TERM = [0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46]
EARLY = [1.15, 0.88, 0.90, 0.74, 1.21]
# R's sleep (Student 1908): hours gained with two drugs
DRUGS = (
    [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0],
    [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4],
)


def test_rank_sum_of_scipys_example():
    """U = 17, p = 0.1111111111111111."""
    found = rank_sum(MALES, FEMALES)
    assert (found.p, found.above) == pytest.approx((1 / 9, 17 / 20), rel=1e-12)
    other = rank_sum(FEMALES, MALES)
    assert (other.p, other.above) == pytest.approx((found.p, 3 / 20))
    assert (other.p_above, other.p_below) == pytest.approx((found.p_below, found.p_above))


def test_rank_sum_of_hollander_and_wolfe():
    """R: wilcox.test(x, y, alternative = "g"): W = 35, p-value = 0.1272."""
    found = rank_sum(TERM, EARLY)
    assert found.p_above == pytest.approx(0.1272, abs=5e-5)
    assert found.above == 35 / 50


def test_rank_sum_with_ties_is_corrected_for_them():
    """sqrt of the tie-corrected variance by hand: n m / 12 (N + 1 - sum(t^3 - t) / (N (N - 1))); continuity 1/2."""
    first, second = [1.0, 2, 2, 3], [2.0, 3, 4, 4, 5]
    u = sum((a > b) + (a == b) / 2 for a in first for b in second)
    spread = np.sqrt(4 * 5 / 12 * (10 - (24 + 6 + 6) / (9 * 8)))
    expected = reference.norm.cdf((u + 0.5 - 10) / spread)
    assert rank_sum(first, second).p_below == pytest.approx(expected, rel=1e-9)


def test_nothing_differs_where_all_are_equal():
    assert rank_sum([1.0, 1.0], [1.0]).p == 1.0
    assert (mean_gap([1.0, 1.0], [1.0, 1.0]).low, mean_gap([1.0, 1.0], [1.0, 1.0]).high) == (0.0, 0.0)


@pytest.mark.parametrize("test", [rank_sum, mean_gap])
def test_a_side_without_a_value_is_refused(test):
    with pytest.raises(ValueError, match="at least one value on each side"):
        test([1.0], [])


def test_difference_of_means_of_students_sleep():
    """R: t.test(extra ~ group, data = sleep): 0.75 and 2.33, 95 percent confidence interval -3.3654832 0.2054832."""
    found = mean_gap(*DRUGS)
    assert (found.mean, found.low, found.high) == pytest.approx((-1.58, -3.3654832, 0.2054832), abs=5e-8)
    assert found.n == 20
    assert found.sd == pytest.approx(np.sqrt((np.var(DRUGS[0], ddof=1) + np.var(DRUGS[1], ddof=1)) / 2))


def test_a_single_value_has_no_interval():
    found = mean_gap([3.0], [1.0, 2.0])
    assert (found.mean, found.low, found.high, found.sd) == (1.5, None, None, None)


def test_fisher_and_the_lady_who_tasted_tea():
    """R: fisher.test(TeaTasting, alternative = "greater"): p-value = 0.2429, that is 17 / 70."""
    assert fisher((3, 4), (1, 4))[0] == pytest.approx(17 / 70)
    assert fisher((1, 4), (3, 4))[1] == pytest.approx(17 / 70)
    table = [[8, 2], [1, 5]]
    assert fisher((8, 10), (1, 6))[0] == pytest.approx(reference.fisher_exact(table, "greater").pvalue)


@pytest.mark.parametrize(
    ("first", "second"),
    [((0, 5), (3, 3)), ((5, 5), (0, 3)), ((0, 4), (0, 9)), ((30, 40), (9, 24)), ((2500, 5040), (2600, 5100))],
)
def test_fisher_is_the_hypergeometric_distribution(first, second):
    law = reference.hypergeom(first[1] + second[1], first[0] + second[0], first[1])
    assert fisher(first, second) == pytest.approx((law.sf(first[0] - 1), law.cdf(first[0])), rel=1e-9)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [((56, 70), (48, 80), (0.0524, 0.3339)), ((9, 10), (3, 10), (0.1705, 0.8090)), ((10, 10), (0, 20), (0.6791, 1.0))],
)
def test_difference_of_rates_of_newcombes_table(first, second, expected):
    """Newcombe 1998, Statistics in Medicine 17, 873-890, table II, method 10."""
    found = rate_gap(first, second)
    assert (found.low, found.high) == pytest.approx(expected, abs=5e-5)
    assert found.n == first[1] + second[1]


def test_the_detectable_difference_has_the_power_that_it_says():
    least = detectable_gap((8, 24), 2.0)
    assert least is not None
    rng = np.random.default_rng(4)
    found = [rank_sum(rng.normal(least, 2, 8).tolist(), rng.normal(0, 2, 24).tolist()).p <= 0.05 for _ in range(400)]
    assert np.mean(found) == pytest.approx(0.8, abs=0.06)


def test_few_runs_can_show_nothing():
    assert detectable_gap((3, 3), 1.0) is None  # 2 of 20 ways is above 0.05
    assert detectable_gap((4, 4), 1.0) is not None
    assert (detectable_rate_gap((3, 3)), detectable_rate_gap((4, 4))) == (None, 1.0)
