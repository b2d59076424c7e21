"""Tests of a mean or a rate against bounds, and of two paired rates against a margin."""

from __future__ import annotations

from functools import cache
from math import copysign, inf, sqrt
from typing import TYPE_CHECKING

import numpy as np
import scipy  # its parts are loaded when they are used

from ganbench.stats.paired import rate_tails, signed_rank

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
    """One-sided p-values of `skewed_t`; without a spread the sign of the mean decides."""
    n, mean = d.size, float(d.mean())
    if n < 3:
        return 1.0, 1.0
    if d.std(ddof=1) == 0:
        return (0.0, 1.0) if (mean or at_bound) > 0 else (1.0, 0.0)
    t = float(skewed_t(d))
    return float(scipy.special.stdtr(n - 1, -t)), float(scipy.special.stdtr(n - 1, t))


def skewed_t(d: NDArray[np.float64]) -> NDArray[np.float64]:
    """Student's t with a cubic correction for skewness, along the last axis (Hall 1992, J. R. Stat. Soc. B 54:221).

    With W = mean / sd and the skewness g, t = sqrt(n) (W + g W^2 / 3 + g^2 W^3 / 27 + g / 6n), which rises with W. It
    needs n of at least 3 and a spread, and has n - 1 degrees of freedom.
    """
    n, mean, sd = d.shape[-1], d.mean(axis=-1), d.std(axis=-1, ddof=1)
    w = mean / sd
    g = ((d - mean[..., None]) ** 3).sum(axis=-1) * n / ((n - 1) * (n - 2) * sd**3)
    t: NDArray[np.float64] = sqrt(n) * (w + g * w**2 / 3 + g**2 * w**3 / 27 + g / (6 * n))
    return t


@cache
def rate_gap_tails(only_first: int, only_second: int, n: int, gap: float) -> Tails:
    """One-sided p-values for a difference of two paired rates, first minus second, that is above `gap` or below it.

    The score test of n pairs, given those in which only one side succeeded (Tango 1998, Statistics in Medicine 17:891).
    """
    score = _score(only_first, only_second, n, gap)
    return float(scipy.special.ndtr(-score)), float(scipy.special.ndtr(score))


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


def mean_between(values: Sequence[float], low: float | None, high: float | None) -> tuple[float, bool]:
    """p, and whether a mean is between the bounds, bounds included: two one-sided tests for an interval."""
    above = None if low is None else mean_tails([value - low for value in values], 1)
    below = None if high is None else mean_tails([value - high for value in values], -1)
    return _p_between(above, below)


def rate_between(successes: int, n: int, low: float | None, high: float | None) -> tuple[float, bool]:
    """p, and whether a rate is between the bounds, bounds included."""
    above = None if low is None else rate_tails(successes, n, low)
    below = None if high is None else rate_tails(successes, n, high)
    return _p_between(above, below)


def rate_gap_within(only_first: int, only_second: int, n: int, margin: float) -> tuple[float, bool]:
    """p, and whether two paired rates differ by no more than a margin."""
    low, high = (rate_gap_tails(only_first, only_second, n, gap) for gap in (-margin, margin))
    return _p_between(low, high)


def _p_between(at_low: Tails | None, at_high: Tails | None) -> tuple[float, bool]:
    """p, and whether both bounds hold, from the tails at each bound that there is.

    Both bounds must hold; either may fail. The p of an interval is not doubled (Schuirmann 1987).
    """
    holding = [*([at_low[0]] if at_low else []), *([at_high[1]] if at_high else [])]
    failing = [*([at_low[1]] if at_low else []), *([at_high[0]] if at_high else [])]
    yes, no = max(holding), min(failing)
    holds = yes <= no
    p = (2 * yes if len(holding) == 1 else yes) if holds else 2 * no
    return min(1.0, p), holds
