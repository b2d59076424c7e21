"""Power and least p against the report's own tests on simulated samples, and against closed forms."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy.stats import binom, multinomial, norm

from ganbench.stats import (
    Design,
    MeanInside,
    PairedMeans,
    PairedRates,
    RateInside,
    UnpairedMeans,
    UnpairedRates,
    fisher,
    mcnemar,
    mean_between,
    rank_sum,
    rate_gap_within,
    signed_rank,
    smallest_effect,
)

STUDIES = 400
CLOSE = 4 * 0.5 / np.sqrt(STUDIES)  # four standard errors


@pytest.mark.parametrize(("n", "level", "effect"), [(12, 0.05, 0.8), (24, 0.0036, 0.9), (70, 0.01, 0.4)])
def test_paired_means_have_the_power_of_the_signed_rank_test(n: int, level: float, effect: float) -> None:
    samples = np.random.default_rng(1).normal(effect, 1, (STUDIES, n))
    tests = [(signed_rank(row.tolist()), row.mean()) for row in samples]
    found = [test.p < level and test.above > 0.5 and mean > 0 for test, mean in tests]
    assert PairedMeans(n).power(effect, level) == pytest.approx(np.mean(found), abs=CLOSE)


@pytest.mark.parametrize("two_sided", [False, True])
def test_means_inside_bounds_have_the_power_of_both_tests(two_sided: bool) -> None:
    samples = np.random.default_rng(2).normal(0, 1, (STUDIES, 14))
    found = [mean_between(row, -0.9, 0.9 if two_sided else None) for row in samples.tolist()]
    share = np.mean([holds and p < 0.02 for p, holds in found])
    assert MeanInside(14, two_sided).power(0.9, 0.02) == pytest.approx(share, abs=CLOSE)


@pytest.mark.parametrize("sizes", [(9, 12), (4, 60)])
def test_unpaired_means_have_the_power_of_the_rank_sum_test(sizes: tuple[int, int]) -> None:
    rng = np.random.default_rng(3)
    pairs = [(rng.normal(1.4, 1, sizes[0]), rng.normal(0, 1, sizes[1])) for _ in range(STUDIES)]
    found = [(t := rank_sum(a.tolist(), b.tolist())).p < 0.02 and t.above > 0.5 and a.mean() > b.mean()
             for a, b in pairs]  # fmt: skip
    assert UnpairedMeans(sizes).power(1.4, 0.02) == pytest.approx(np.mean(found), abs=CLOSE)


def test_paired_rates_sum_over_all_tables() -> None:
    first, second, n = 0.9, 0.3, 11
    cells = [first * second, first * (1 - second), second * (1 - first), (1 - first) * (1 - second)]
    tables = [t for t in product(range(n + 1), repeat=4) if sum(t) == n]
    significant = [t for t in tables if mcnemar(t[1], t[2]) < 0.05 and t[1] > t[2]]
    assert PairedRates(n).power_of_rates(first, second, 0.05) == pytest.approx(
        sum(multinomial.pmf(t, n, cells) for t in significant)
    )
    alike = [t for t in tables if (r := rate_gap_within(t[1], t[2], n, 0.6))[1] and r[0] < 0.05]
    assert PairedRates(n, 0.6).power_of_rates(first, second, 0.05) == pytest.approx(
        sum(multinomial.pmf(t, n, cells) for t in alike)
    )


def test_unpaired_rates_sum_over_both_sides() -> None:
    share = sum(
        binom.pmf(a, 8, 0.9) * binom.pmf(b, 9, 0.2)
        for a, b in product(range(9), range(10))
        if 2 * fisher((a, 8), (b, 9))[0] < 0.05
    )
    assert UnpairedRates((8, 9)).power_of_rates(0.9, 0.2, 0.05) == pytest.approx(share)


def test_a_rate_inside_a_bound_by_hand() -> None:
    """At least 9 of 10 successes are needed against 0.5: 2 P(X >= 9) = 0.021 and 2 P(X >= 8) = 0.109."""
    design = RateInside(10, 0.5, None)
    assert design.power(0.4, 0.05) == pytest.approx(binom.sf(8, 10, 0.9))
    assert design.least == (2 * 0.5**10, 2 * 0.5**10)
    assert RateInside(10, None, 0.5).power(0.4, 0.05) == pytest.approx(binom.sf(8, 10, 0.9))


DESIGNS: list[Design] = [
    PairedMeans(10), MeanInside(10), MeanInside(10, two_sided=True), UnpairedMeans((6, 7)), PairedRates(10),
    PairedRates(20, 0.5), UnpairedRates((8, 9)), RateInside(10, 0.5, None), RateInside(10, None, 0.5),
]  # fmt: skip


@pytest.mark.parametrize("design", DESIGNS, ids=str)
def test_the_smallest_effect_is_the_first_with_power(design: Design) -> None:
    smallest = smallest_effect(design, 0.04)
    assert smallest is not None and smallest <= design.certain
    assert design.power(smallest - 0.01, 0.04) < 0.8 <= design.power(smallest, 0.04)


@pytest.mark.parametrize("design", DESIGNS, ids=str)
def test_no_level_below_the_least_p_is_ever_reached(design: Design) -> None:
    surest = min(design.certain, 100.0)
    assert design.power(surest, design.least[0]) == 0 < design.power(surest, design.least[0] * 1.001)
    assert smallest_effect(design, design.least[0]) is None


def test_the_signed_rank_needs_pi_thirds_of_the_pairs_of_a_z_test() -> None:
    exact = (norm.isf(0.025) + norm.isf(0.2)) / np.sqrt(200) * np.sqrt(np.pi / 3)
    assert smallest_effect(PairedMeans(200), 0.05) == pytest.approx(exact, abs=0.015)
