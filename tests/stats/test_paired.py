"""Paired tests, ranks and analysis of variance against published examples, scipy and R."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats as reference

from ganbench.stats import (
    detectable_difference,
    detectable_rate,
    holm,
    improvement,
    mcnemar,
    profile,
    ranking,
    rate_difference,
    shares,
    signed_rank,
)

pytestmark = pytest.mark.golden

# R's ?wilcox.test: Hamilton depression scale before and after (Hollander & Wolfe 1973, p. 29)
BEFORE = [1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30]
AFTER = [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29]
# scipy's wilcoxon docstring: differences in height of cross- and self-fertilized corn (Darwin)
CORN = [6, 8, 14, 16, 23, 24, 28, 29, 41, -48, 49, 56, 60, -67, 75]
# R's ToothGrowth: length by supplement and dose
TEETH = {
    ("VC", 0.5): [4.2, 11.5, 7.3, 5.8, 6.4, 10, 11.2, 11.2, 5.2, 7],
    ("VC", 1): [16.5, 16.5, 15.2, 17.3, 22.5, 17.3, 13.6, 14.5, 18.8, 15.5],
    ("VC", 2): [23.6, 18.5, 33.9, 25.5, 26.4, 32.5, 26.7, 21.5, 23.3, 29.5],
    ("OJ", 0.5): [15.2, 21.5, 17.6, 9.7, 14.5, 10, 8.2, 9.4, 16.5, 9.7],
    ("OJ", 1): [19.7, 23.3, 23.6, 26.4, 20, 25.2, 25.8, 21.2, 14.5, 27.3],
    ("OJ", 2): [25.5, 26.4, 22.4, 24.5, 24.8, 30.9, 26.4, 27.3, 29.4, 23],
}


def test_signed_rank_of_hollander_and_wolfe():
    """R: wilcox.test(x, y, paired = TRUE, alternative = "greater"): V = 40, p-value = 0.01953."""
    found = signed_rank(np.subtract(BEFORE, AFTER).tolist())
    assert found.p_above == pytest.approx(0.01953, abs=5e-6)
    assert found.above == pytest.approx(40 / 45)
    assert found.p == pytest.approx(2 * found.p_above)


def test_signed_rank_of_scipys_example():
    """scipy's docstring: statistic 24, p 0.041259765625; one-sided 0.0206298828125."""
    found = signed_rank(CORN)
    assert (found.p, found.p_above) == pytest.approx((0.041259765625, 0.0206298828125), rel=1e-12)


def test_signed_rank_with_ties_counts_every_assignment_of_signs():
    d = [0, 0, 1, 1, -1, 2, 2, 3, -2, 4]
    method = reference.PermutationMethod(n_resamples=10_000)  # all 2 ** 8 of them
    expected = reference.wilcoxon([x for x in d if x], alternative="greater", method=method)
    assert signed_rank(d).p_above == pytest.approx(expected.pvalue, rel=1e-12)


def test_signed_rank_of_many_pairs_is_scipys_normal_approximation():
    d = np.round(np.random.default_rng(1).normal(0.2, 1, 200), 2).tolist()
    expected = reference.wilcoxon([x for x in d if x], method="asymptotic", correction=True)
    assert signed_rank(d).p == pytest.approx(expected.pvalue, rel=1e-6)


def test_no_difference_is_no_evidence():
    assert (signed_rank([0.0, 0.0]).p, signed_rank([]).p, mcnemar(0, 0)) == (1.0, 1.0, 1.0)


def test_mcnemar_is_the_exact_binomial_test():
    """Five of ten runs against none: the LSGAN study's cell, 2 / 2 ** 5."""
    assert mcnemar(5, 0) == 0.0625
    assert mcnemar(1, 7) == pytest.approx(reference.binomtest(1, 8).pvalue)
    assert mcnemar(86, 150) == pytest.approx(reference.binomtest(86, 236).pvalue)
    assert mcnemar(4800, 5200) == pytest.approx(reference.binomtest(4800, 10_000).pvalue, rel=1e-9)
    assert mcnemar(9000, 0) == 0.0


def test_paired_rates_of_the_airway_study():
    """Fagerland, Lydersen and Laake 2017, Bentur et al. 2009: -0.286, -0.507 to -0.026 (square and add)."""
    found = rate_difference(1, 1, 7, 12)
    assert found.mean == pytest.approx(-6 / 21)
    assert (found.low, found.high) == pytest.approx((-0.507, -0.026), abs=5e-4)


def test_holm_of_rs_p_adjust():
    """R: p.adjust(c(0.01, 0.02, 0.03, 0.04, 0.05), "holm") is 0.05 0.08 0.09 0.09 0.09."""
    assert holm([0.01, 0.02, 0.03, 0.04, 0.05]) == pytest.approx([0.05, 0.08, 0.09, 0.09, 0.09])


def test_detectable_difference_has_the_power_that_it_says():
    n, sd = 12, 2.0
    least = detectable_difference(n, sd)
    assert least is not None
    draws = np.random.default_rng(3).normal(least, sd, (600, n))
    found = np.mean([signed_rank(row.tolist()).p <= 0.05 for row in draws])
    assert found == pytest.approx(0.8, abs=0.06)


@pytest.mark.parametrize(("n", "alpha"), [(6, 0.05), (12, 0.001), (100, 0.05)])
def test_detectable_difference_is_that_of_the_noncentral_t(n: int, alpha: float):
    least = detectable_difference(n, 1.0, alpha)
    assert least is not None
    mean = least * math.sqrt(n * 3 / math.pi)
    assert reference.nct.sf(reference.t.isf(alpha / 2, n - 1), n - 1, mean) == pytest.approx(0.8, rel=1e-9)


def test_few_seeds_can_show_nothing():
    assert detectable_difference(5, 1.0) is None  # 2 / 32 is above 0.05
    assert detectable_difference(6, 1.0) is not None
    assert (detectable_rate(5), detectable_rate(10), detectable_rate(10, 0.001)) == (None, 0.6, None)


def test_nemenyis_critical_differences():
    """Demsar 2006, table 5a: q at 0.05 is 1.960 2.343 2.569 2.728 2.850 for 2 to 6 classifiers."""
    for k, q in zip(range(2, 7), (1.960, 2.343, 2.569, 2.728, 2.850), strict=True):
        scores = np.random.default_rng(k).normal(size=(14, k))
        assert ranking(scores).critical == pytest.approx(q * np.sqrt(k * (k + 1) / (6 * 14)), rel=5e-4)


def test_critical_differences_are_quantiles_of_the_studentized_range():
    for k in (2, 7, 20, 60):
        q = reference.studentized_range.isf(0.01, k, np.inf) / np.sqrt(2)
        scores = np.random.default_rng(k).normal(size=(9, k))
        assert ranking(scores, 0.01).critical == pytest.approx(q * np.sqrt(k * (k + 1) / (6 * 9)), rel=1e-10)


def test_ranking_of_demsars_table():
    """Demsar 2006, table 6: AUC of C4.5 and three tunings on 14 sets; ranks 3.143 2.000 2.893 1.964, chi2 9.28."""
    auc = [
        *((0.763, 0.768, 0.771, 0.798), (0.599, 0.591, 0.590, 0.569), (0.954, 0.971, 0.968, 0.967)),
        *((0.628, 0.661, 0.654, 0.657), (0.882, 0.888, 0.886, 0.898), (0.936, 0.931, 0.916, 0.931)),
        *((0.661, 0.668, 0.609, 0.685), (0.583, 0.583, 0.563, 0.625), (0.775, 0.838, 0.866, 0.875)),
        *((1.000, 1.000, 1.000, 1.000), (0.940, 0.962, 0.965, 0.962), (0.619, 0.666, 0.614, 0.669)),
        *((0.972, 0.981, 0.9751, 0.975), (0.957, 0.978, 0.946, 0.970)),
    ]
    found = ranking(-np.array(auc))
    assert found.ranks == pytest.approx((3.143, 2.000, 2.893, 1.964), abs=5e-4)
    expected = reference.friedmanchisquare(*np.array(auc).T)
    assert (found.chi2, found.p) == pytest.approx((expected.statistic, expected.pvalue))
    assert found.critical == pytest.approx(1.25, abs=5e-3)
    assert found.cliques == ((3, 1, 2, 0),)  # 3.143 - 1.964 is below 1.25


def test_a_profile_is_the_share_of_runs_that_reach_a_score():
    assert profile([0.0, 0.5, 1.0, None], (0.0, 0.5, 0.75)) == (0.75, 0.5, 0.25)


def test_improvement_is_the_mann_whitney_statistic():
    first, second = [1.0, 4.0, 5.0, 7.0], [2.0, 3.0, 4.0]
    u = reference.mannwhitneyu(first, second).statistic
    found = improvement([(first, second)])
    assert found.mean == pytest.approx(u / 12)
    assert found.low is not None and found.high is not None
    assert 0 <= found.low < found.mean < found.high <= 1
    assert improvement([(first, second), (second, first)]).mean == pytest.approx(0.5)


def test_variance_of_rs_tooth_growth():
    """R: summary(aov(len ~ supp * factor(dose))): squares 205.4, 2426.4, 108.3, 712.1; F 15.572, 92.000, 4.107."""
    rows = [(supp, dose, length) for (supp, dose), lengths in TEETH.items() for length in lengths]
    supp, dose, length = zip(*rows, strict=True)
    found = shares(length, {"supp": supp, "dose": dose})
    assert [one.factors for one in found] == [("supp",), ("dose",), ("supp", "dose"), ()]
    assert [one.df for one in found] == [1, 2, 2, 54]
    assert [one.squares for one in found] == pytest.approx([205.35, 2426.43, 108.32, 712.11], abs=5e-3)
    assert [one.f for one in found[:3]] == pytest.approx([15.572, 92.000, 4.107], abs=5e-4)
    assert [found[0].p, found[2].p] == pytest.approx([0.000231, 0.021860], rel=5e-3)
    assert sum(one.share for one in found) == pytest.approx(1)


def test_unbalanced_variance_is_what_a_term_adds():
    """One factor that explains all, one that only goes along with it: type II gives the second nothing."""
    a, b = [0, 0, 0, 1, 1, 1, 1], [0, 0, 1, 0, 1, 1, 1]
    found = shares([float(one) for one in a], {"a": a, "b": b}, order=1)
    assert found[0].share > 0.5
    assert found[1].squares == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("value", [1.0, 0.1, 1e-300])
def test_what_never_varies_has_no_shares_and_no_tests(value: float):
    found = shares([value] * 12, {"a": [0, 1] * 6, "b": [0, 0, 1] * 4})
    assert [one.share for one in found] == [0] * 4
    assert all(math.isnan(one.p) for one in found)
