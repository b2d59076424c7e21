"""The statistics against published and independently computed answers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from scipy import stats as reference

from ganbench.stats import RESAMPLES, Interval, holm, mean_interval, tail_median, wilson

pytestmark = pytest.mark.golden

SEEDS = [66.75, 71.25, 59.75, 90.5, 65.0, 62.25, 120.0, 69.0, 61.5, 67.75]  # FIDs whose sums are exact, two bad
LSGAN = [77, 70, 152, 178, 149, 146, 227, 225, 260, 136, 255, 121, 238, 198, 148, 240, 286, 278, 178, 331]
DOCS = Path(__file__).parents[2] / "docs" / "explanation" / "statistics.md"
WGAN_GP = [41, 35, 36, 32, 29, 29, 30, 29, 26, 29]


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilsons_interval_as_published(successes: int, n: int, low: float, high: float):
    """Newcombe 1998, Statistics in Medicine 17:857, table I, method 3."""
    rate = wilson(successes, n)
    assert (rate.mean, rate.n) == (successes / n, n)
    assert (rate.low, rate.high) == pytest.approx((low, high), abs=5e-5)


@given(some.integers(1, 60), some.data())
def test_wilson_is_the_root_of_the_score_test(n: int, data: some.DataObject):
    successes = data.draw(some.integers(0, n))
    rate, z = wilson(successes, n), 1.959963984540054
    for end in (rate.low, rate.high):
        assert end is not None
        assert (rate.mean - end) ** 2 == pytest.approx(z**2 * end * (1 - end) / n, abs=1e-9)


def test_a_rate_of_nothing_is_refused():
    with pytest.raises(ValueError, match="n"):
        wilson(0, 0)


def test_interval_equals_scipy_bca():
    expected = reference.bootstrap(
        (np.sort(SEEDS),), np.mean, n_resamples=RESAMPLES, method="BCa", rng=np.random.default_rng(0)
    ).confidence_interval
    found = mean_interval(SEEDS)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), rel=1e-12)


def test_interval_equals_efrons_formula():
    """BCa written out (Efron 1987, eq. 6.5 with a jackknife acceleration), on draws of its own."""
    values = np.array(SEEDS)
    means = np.random.default_rng(7).choice(values, (200_000, values.size)).mean(axis=1)
    z0 = reference.norm.ppf((means < values.mean()).mean())
    left_out = (values.sum() - values) / (values.size - 1)
    gaps = left_out.mean() - left_out
    acceleration = (gaps**3).sum() / (6 * (gaps**2).sum() ** 1.5)
    shifted = z0 + reference.norm.ppf([0.025, 0.975])
    levels = reference.norm.cdf(z0 + shifted / (1 - acceleration * shifted))
    found = mean_interval(SEEDS)
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(means, levels)), rel=0.01)
    assert found.high is not None and found.low is not None
    assert found.high - found.mean > found.mean - found.low, "two bad seeds make the interval lean upwards"


def test_standard_deviation_is_over_n_minus_one():
    assert mean_interval([1.0, 2.0, 3.0]).sd == 1.0  # with ddof = 0 it would be 0.816
    assert mean_interval([0.0, 2.0]).sd == pytest.approx(2**0.5)


@pytest.mark.parametrize("n", [3, 9])
def test_few_seeds_have_students_interval(n: int):
    expected = reference.t.interval(0.95, n - 1, np.mean(SEEDS[:n]), reference.sem(SEEDS[:n]))
    found = mean_interval(SEEDS[:n])
    assert (found.low, found.high) == pytest.approx(expected, rel=1e-12)


def test_one_seed_has_no_interval_and_two_have_none():
    assert mean_interval([3.5]) == Interval(3.5, None, None, 1, None)
    assert mean_interval([3.0, 5.0]) == Interval(4.0, None, None, 2, 2**0.5)
    assert mean_interval([3.0, 3.0]) == Interval(3.0, None, None, 2, 0.0)


def test_coverage_is_what_the_docs_say():
    """`docs/explanation/statistics.md` prints what this simulates."""
    rng, true = np.random.default_rng(0), float(np.exp(0.125))
    for n in (3, 5, 9, 10, 12, 24):
        normal, skewed = rng.normal(size=(1000, n)), rng.lognormal(0, 0.5, (1000, n))
        covered = [
            np.mean([found.low <= mean <= found.high for found in map(mean_interval, samples)])  # type: ignore[operator]
            for samples, mean in ((normal, 0.0), (skewed, true))
        ]
        method = "Student's t" if n < 10 else "BCa"
        row = f"| {n} | {method} | {covered[0]:.2f} | {covered[1]:.2f} |"
        assert row in DOCS.read_text()
        assert min(covered) > 0.85, row


def test_equal_seeds_have_an_interval_of_no_width():
    assert mean_interval([2.0, 2.0, 2.0]) == Interval(2.0, 2.0, 2.0, 3, 0.0)


def test_a_degenerate_bca_falls_back_on_the_percentile():
    low, high = 1.0, 1.0 + 2**-52  # the jackknife underflows: scipy's BCa is NaN here
    found = mean_interval([low, high, low] * 4)
    assert found.low == low and found.high == high


@pytest.mark.parametrize("values", [[], [1.0, float("nan")]])
def test_absent_values_are_never_averaged(values: list[float]):
    with pytest.raises(ValueError, match="no NaN"):
        mean_interval(values)


@given(some.permutations(SEEDS))
def test_the_order_of_seeds_changes_nothing(values: list[float]):
    assert mean_interval(values[:4] + values[4:]) == mean_interval(SEEDS)


def test_more_confidence_is_wider_and_another_seed_is_near():
    usual, sure, other = mean_interval(SEEDS), mean_interval(SEEDS, confidence=0.99), mean_interval(SEEDS, seed=1)
    assert sure.low < usual.low < usual.high < sure.high  # type: ignore[operator]
    assert other != usual
    assert other.low == pytest.approx(usual.low, rel=0.02)


def test_tail_of_published_trajectories():
    assert tail_median(LSGAN) == 282.0  # of 286 278 178 331, while its best is 70
    assert tail_median(WGAN_GP) == 27.5  # of 26 29


@pytest.mark.parametrize(("marks", "expected"), [(1, 0.0), (4, 3.0), (9, 8.0), (10, 8.5), (14, 12.5), (15, 13.0)])
def test_tail_is_the_last_fifth_rounded_down_and_at_least_one_mark(marks: int, expected: float):
    assert tail_median(np.arange(marks)) == expected


def test_tail_works_along_the_last_axis_and_keeps_absence():
    curves = np.array([WGAN_GP, [*WGAN_GP[:-1], np.nan]])
    assert tail_median(curves)[0] == 27.5
    assert np.isnan(tail_median(curves)[1])


def test_holm_on_a_worked_example():
    """Four p-values of Holm's procedure by hand: 4 x 0.005, 3 x 0.011, 2 x 0.02, then never below the one before."""
    assert holm([0.02, 0.005, 0.04, 0.011]) == pytest.approx([0.04, 0.02, 0.04, 0.033])
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([]) == []


def test_an_interval_of_many_values_is_scipys_too():
    values = np.sort(np.random.default_rng(4).lognormal(size=80))
    expected = reference.bootstrap(
        (values,), np.mean, n_resamples=RESAMPLES, method="BCa", rng=np.random.default_rng(0)
    ).confidence_interval
    found = mean_interval(values.tolist())
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), rel=1e-12)
