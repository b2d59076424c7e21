"""Tests of a mean against a bound, and of two paired rates against a margin."""

from __future__ import annotations

from functools import cache
from math import copysign, inf, sqrt
from typing import TYPE_CHECKING

import numpy as np
import scipy  # its parts are loaded when they are used

from ganbench.stats.paired import signed_rank

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

Tails = tuple[float, float]


def mean_tails(differences: Sequence[float], at_bound: int) -> Tails:
    """One-sided p-values for the mean of differences from a bound: small if it is above 0, and small if it is below.

    Two tests must agree. Signed ranks mislead for a skewed sample, because they test its middle and not its mean; the
    test of the mean is unreliable for few values. A difference of 0 counts on the side `at_bound` (1 or -1).
    """
    d = np.asarray(differences, dtype=np.float64)
    tiny = np.abs(d[d != 0]).min(initial=1.0) / 2
    ranks = signed_rank(np.where(d == 0, at_bound * tiny, d).tolist())
    above, below = _skewed_tails(d, at_bound)
    return max(ranks.p_above, above), max(ranks.p_below, below)


def _skewed_tails(d: NDArray[np.float64], at_bound: int) -> Tails:
    """Student's t test with Hall's cubic correction for skewness (Hall 1992, J. R. Stat. Soc. B 54:221).

    With W = mean / sd and the skewness g, t = sqrt(n) (W + g W^2 / 3 + g^2 W^3 / 27 + g / 6n), which rises with W.
    """
    n, mean = d.size, float(d.mean())
    if n < 3:
        return 1.0, 1.0
    sd = float(d.std(ddof=1))
    if sd == 0:
        return (0.0, 1.0) if (mean or at_bound) > 0 else (1.0, 0.0)
    w = mean / sd
    g = float(((d - mean) ** 3).sum()) * n / ((n - 1) * (n - 2) * sd**3)
    t = sqrt(n) * (w + g * w**2 / 3 + g**2 * w**3 / 27 + g / (6 * n))
    return float(scipy.stats.t.sf(t, n - 1)), float(scipy.stats.t.cdf(t, n - 1))


@cache
def rate_gap_tails(only_first: int, only_second: int, n: int, gap: float) -> Tails:
    """One-sided p-values for a difference of two paired rates, first minus second, that is above `gap` or below it.

    The score test of n pairs, given those in which only one side succeeded (Tango 1998, Statistics in Medicine 17:891).
    """
    score = _score(only_first, only_second, n, gap)
    return float(scipy.stats.norm.sf(score)), float(scipy.stats.norm.cdf(score))


def _score(b: int, c: int, n: int, gap: float) -> float:
    if gap < 0:  # exchange the sides, so that both orders agree to the last digit for any gap
        return -_score(c, b, n, -gap)
    a1, a0 = -b - c + (2 * n - b + c) * gap, -c * gap * (1 - gap)
    second = (sqrt(max(0.0, a1 * a1 - 8 * n * a0)) - a1) / (
        4 * n
    )  # the likeliest share of pairs in which only the second succeeds
    variance = n * (2 * max(0.0, second) + gap * (1 - gap))
    distance = b - c - n * gap
    if variance <= 0:
        return copysign(inf, distance) if distance else 0.0
    return distance / sqrt(variance)
