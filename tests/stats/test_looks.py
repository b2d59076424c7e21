"""The shares of the level, and the error over all looks and claims together."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from ganbench.stats import LEVEL, holm, look_corrected, spending


def test_the_shares_follow_the_seeds_and_add_up() -> None:
    assert spending((12, 24)) == pytest.approx((0.025, 0.025))
    assert spending((6, 24)) == pytest.approx((0.0125, 0.0375))
    assert spending((24,)) == (LEVEL,)
    assert sum(spending((10, 17, 40))) == pytest.approx(LEVEL)


def test_answered_claims_come_first_and_untested_ones_count() -> None:
    assert look_corrected([0.01, 0.02, None], [False] * 3) == holm([0.01, 0.02, 1.0]) == [0.03, 0.04, 1.0]
    assert look_corrected([0.9, 0.02, None], [True, False, False]) == [0.0, 0.04, 1.0]


@pytest.mark.parametrize("real", [0, 2])
def test_less_than_five_per_cent_of_the_suites_reject_a_true_hypothesis(real: int) -> None:
    """Five claims, of which the first `real` have an effect, with z tests after 12 and 24 seeds."""
    rng, suites = np.random.default_rng(0), 4000
    seeds = rng.normal(size=(suites, 24, 5)) + np.array([0.8] * real + [0.0] * (5 - real))
    sums = np.stack([seeds[:, :n].sum(axis=1) / np.sqrt(n) for n in (12, 24)])
    p_values = 2 * norm.sf(np.abs(sums))
    wrong = {"shares": 0, "whole level": 0}
    for name, levels in (("shares", spending((12, 24))), ("whole level", (LEVEL, LEVEL))):
        for suite in range(suites):
            rejected = [False] * 5
            for look, level in enumerate(levels):
                adjusted = look_corrected(list(p_values[look, suite]), rejected)
                rejected = [before or p < level for before, p in zip(rejected, adjusted, strict=True)]
            wrong[name] += any(rejected[real:])
    assert wrong["shares"] / suites < LEVEL < wrong["whole level"] / suites
