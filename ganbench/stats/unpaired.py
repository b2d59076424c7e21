"""Tests of two sides without pairs: all runs of one side against all runs of the other."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from math import comb, hypot, sqrt
from statistics import fmean, variance
from typing import TYPE_CHECKING, Literal

import scipy  # its parts are loaded when they are used

from ganbench.stats.intervals import Interval, wilson
from ganbench.stats.paired import LEVEL, detectable_mean

if TYPE_CHECKING:
    from collections.abc import Sequence

EXACT = 50  # the largest side for which, without ties, the distribution of ranks is computed exactly


@dataclass(frozen=True)
class RankSum:
    """Mann and Whitney's test. `above` is the probability that a value of the first side is above one of the second,
    where a tie counts half.

    `p` is two-sided; `p_above` is small if the first side is higher, `p_below` if it is lower.
    """

    above: float
    p: float
    p_above: float
    p_below: float


def rank_sum(first: Sequence[float], second: Sequence[float]) -> RankSum:
    """The rank-sum test (Mann and Whitney 1947). Raises ValueError for a side without a value.

    Without ties, and with at most `EXACT` values on each side, the distribution is computed exactly; otherwise by the
    normal approximation with a correction for ties and continuity.
    """
    if not first or not second:
        raise ValueError("a rank-sum test needs at least one value on each side")
    if len({*first, *second}) == 1:
        return RankSum(0.5, 1.0, 1.0, 1.0)
    tied = len({*first, *second}) < len(first) + len(second)
    method: Literal["asymptotic", "exact"] = "asymptotic" if tied or max(len(first), len(second)) > EXACT else "exact"
    upper = scipy.stats.mannwhitneyu(first, second, alternative="greater", method=method)
    lower = scipy.stats.mannwhitneyu(first, second, alternative="less", method=method)
    p_above, p_below = min(1.0, float(upper.pvalue)), min(1.0, float(lower.pvalue))
    above = float(upper.statistic) / (len(first) * len(second))
    return RankSum(above, min(1.0, 2 * min(p_above, p_below)), p_above, p_below)


def mean_gap(first: Sequence[float], second: Sequence[float], confidence: float = 0.95) -> Interval:
    """The difference of two means, first minus second, with the interval of Welch 1947; `n` counts both sides.

    `sd` is the pooled standard deviation within the sides. It and the ends are None if a side has a single value.
    Raises ValueError for a side without a value.
    """
    if not first or not second:
        raise ValueError("a difference of means needs at least one value on each side")
    gap, n = fmean(first) - fmean(second), len(first) + len(second)
    if min(len(first), len(second)) < 2:
        return Interval(gap, None, None, n)
    parts = [(variance(side), len(side)) for side in (first, second)]
    sd = sqrt(sum(spread * (size - 1) for spread, size in parts) / (n - 2))
    error = sum(spread / size for spread, size in parts)
    if error == 0:
        return Interval(gap, gap, gap, n, sd)
    freedom = error**2 / sum((spread / size) ** 2 / (size - 1) for spread, size in parts)
    half = -float(scipy.special.stdtrit(freedom, (1 - confidence) / 2)) * sqrt(error)
    return Interval(gap, gap - half, gap + half, n, sd)


@cache
def fisher(first: tuple[int, int], second: tuple[int, int]) -> tuple[float, float]:
    """Exact one-sided p-values (Fisher 1935): small if the first rate is above the second, and small if it is below.

    Each side is given as its successes and its n.
    """
    (a, m), (b, n) = first, second
    successes, total = a + b, comb(m + n, a + b)
    fewest, most = max(0, successes - n), min(m, successes)
    ways = list(  # in which the first side has so many successes; each from the one before
        accumulate(
            range(fewest, most),
            lambda count, i: count * (m - i) * (successes - i) // ((i + 1) * (n - successes + i + 1)),
            initial=comb(m, fewest) * comb(n, successes - fewest),
        )
    )
    place = a - fewest
    return sum(ways[place:]) / total, sum(ways[: place + 1]) / total


def rate_gap(first: tuple[int, int], second: tuple[int, int], confidence: float = 0.95) -> Interval:
    """The difference of two rates, first minus second, each given as successes and n; the interval's `n` counts both.

    Newcombe 1998 (two independent proportions), method 10: from Wilson's intervals.
    """
    a, b = wilson(*first, confidence), wilson(*second, confidence)
    assert a.low is not None and a.high is not None and b.low is not None and b.high is not None
    gap = a.mean - b.mean
    down, up = hypot(a.mean - a.low, b.high - b.mean), hypot(a.high - a.mean, b.mean - b.low)
    return Interval(gap, max(-1.0, gap - down), min(1.0, gap + up), a.n + b.n)


def detectable_gap(sizes: tuple[int, int], sd: float, alpha: float = LEVEL) -> float | None:
    """The smallest true difference of means that the rank-sum test of two sides detects with a power of 0.8.

    `sd` is the standard deviation within the sides. It is computed as for a t test with 3/pi times as many normal
    values. None if no difference could be significant, because 2 over the number of ways to choose a side is above
    `alpha`.
    """
    if 2 / comb(sum(sizes), min(sizes)) > alpha:
        return None
    harmonic = sizes[0] * sizes[1] / sum(sizes)
    return detectable_mean(sum(sizes) - 2, harmonic, alpha) * sd


def detectable_rate_gap(sizes: tuple[int, int], alpha: float = LEVEL) -> float | None:
    """The smallest difference of two rates that Fisher's test finds significant, with none on the second side."""
    (m, n) = sizes
    return next((count / m for count in range(1, m + 1) if 2 * fisher((count, m), (0, n))[0] <= alpha), None)
