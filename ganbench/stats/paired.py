"""Tests of two sides that share their seeds: p-values, effects with intervals, and effects that n seeds can detect."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from math import ceil, sqrt
from typing import TYPE_CHECKING

import numpy as np
import scipy  # its parts are loaded when they are used

from ganbench.stats.intervals import Interval, wilson

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

EXACT = 60  # the largest number of pairs for which the signed-rank distribution is computed exactly
LEVEL = 0.05  # the significance level of every test, after correction for the number of tests
POWER = 0.8  # of a detectable effect


@dataclass(frozen=True)
class SignedRank:
    """Wilcoxon's signed-rank test. `above` is the positive differences' share of all ranks, 0.5 under the null.

    `p` is two-sided; `p_above` is small if differences are positive, `p_below` if they are negative.
    """

    above: float
    p: float
    p_above: float
    p_below: float


def signed_rank(differences: Sequence[float]) -> SignedRank:
    """The signed-rank test (Wilcoxon 1945) of differences, without zeros and with midranks for ties.

    Up to `EXACT` pairs the distribution over all signs is computed exactly, also with ties; beyond that by the normal
    approximation with a correction for ties and continuity. Without a nonzero difference p is 1.
    """
    d = np.asarray(differences, dtype=np.float64)
    d = d[d != 0]
    if d.size == 0:
        return SignedRank(0.5, 1.0, 1.0, 1.0)
    _, places, ties = np.unique(np.abs(d), return_inverse=True, return_counts=True)
    doubled = (2 * ties.cumsum() - ties + 1)[places]  # twice the midranks, as integers
    above, total = int(doubled[d > 0].sum()), int(doubled.sum())
    tails = _counted if d.size <= EXACT else _normal
    p_above, p_below = tails(above, doubled)
    return SignedRank(above / total, min(1.0, 2 * min(p_above, p_below)), p_above, p_below)


def _counted(above: int, doubled: NDArray[np.int64]) -> tuple[float, float]:
    """P(W >= above) and P(W <= above) over all assignments of signs."""
    ways = np.zeros(int(doubled.sum()) + 1)
    ways[0] = 1.0
    for rank in doubled:
        ways[rank:] = (ways[rank:] + ways[:-rank]) / 2
        ways[:rank] /= 2
    return float(min(1.0, ways[above:].sum())), float(min(1.0, ways[: above + 1].sum()))


def _normal(above: int, doubled: NDArray[np.int64]) -> tuple[float, float]:
    spread = sqrt(float((doubled.astype(np.float64) ** 2).sum()) / 4)
    centre = float(doubled.sum()) / 2
    tails = scipy.special.ndtr([-(above - centre - 1) / spread, (above - centre + 1) / spread])
    return float(tails[0]), float(tails[1])


@cache  # with few seeds there are few different tables
def mcnemar(only_first: int, only_second: int) -> float:
    """The exact two-sided p-value of McNemar's test (1947), from the pairs in which exactly one side succeeded."""
    discordant = only_first + only_second
    if discordant == 0:
        return 1.0
    fewer = min(only_first, only_second)
    ways = sum(accumulate(range(fewer), lambda count, i: count * (discordant - i) // (i + 1), initial=1))
    return min(1.0, 2 * ways / (1 << discordant))  # exact integers, so that the quotient is correctly rounded


@cache
def rate_difference(both: int, only_first: int, only_second: int, neither: int, confidence: float = 0.95) -> Interval:
    """The difference of two paired rates, first minus second, with its interval. Raises ValueError without pairs.

    Newcombe 1998, method 10: from Wilson's intervals and the phi coefficient of the pairs, corrected for continuity.
    """
    n = both + only_first + only_second + neither
    first, second = wilson(both + only_first, n, confidence), wilson(both + only_second, n, confidence)
    phi = _phi(both, only_first, only_second, neither)
    assert first.low is not None and first.high is not None and second.low is not None and second.high is not None
    down = (first.mean - first.low, second.high - second.mean)
    up = (first.high - first.mean, second.mean - second.low)
    gap = first.mean - second.mean
    low, high = (sqrt(max(0.0, a * a - 2 * phi * a * b + b * b)) for a, b in (down, up))
    return Interval(gap, max(-1.0, gap - low), min(1.0, gap + high), n)


def _phi(both: int, only_first: int, only_second: int, neither: int) -> float:
    n = both + only_first + only_second + neither
    margins = (both + only_first) * (only_second + neither) * (both + only_second) * (only_first + neither)
    cross = both * neither - only_first * only_second
    if margins == 0:
        return 0.0
    return (max(cross - n / 2, 0) if cross > 0 else cross) / sqrt(margins)


def detectable_difference(n: int, sd: float, alpha: float = LEVEL) -> float | None:
    """The smallest true mean difference that the signed-rank test of `n` pairs detects with a power of 0.8.

    `sd` is the standard deviation of the differences. It is computed as for a paired t test with 3/pi times as many
    normal differences. None if no difference could be significant, because 2 to the power 1 - n is above `alpha`.
    """
    return None if 2.0 ** (1 - n) > alpha else detectable_mean(n - 1, n, alpha) * sd


@cache
def detectable_mean(freedom: int, n: float, alpha: float) -> float:
    """The mean of n values, in units of their standard deviation, that a rank test detects with a power of 0.8.

    It is computed as for a t test with `freedom` degrees of freedom, by bisection of the power of the noncentral t,
    which grows with the mean.
    """
    threshold = -float(scipy.special.stdtrit(freedom, alpha / 2))
    low, high = 0.0, 2.0 * (threshold + 3) / sqrt(n)
    for _ in range(60):
        middle = (low + high) / 2
        power = 1 - scipy.special.nctdtr(freedom, middle * sqrt(n), threshold)
        low, high = (middle, high) if power < POWER else (low, middle)
    return float(high * sqrt(np.pi / 3))


def detectable_rate(n: int, alpha: float = LEVEL) -> float | None:
    """The smallest difference of two rates that McNemar's test of `n` pairs finds significant, all on one side."""
    return next((count / n for count in range(1, n + 1) if mcnemar(count, 0) <= alpha), None)


def needed(distance: float, sd: float, null_sd: float, alpha: float = LEVEL) -> int:
    """The number of values whose mean, or rate, a two-sided test tells from a bound with a power of 0.8.

    `distance`: of the mean from the bound, above 0. `sd`: the standard deviation of a value; `null_sd`: the same if the
    mean were at the bound. By the normal approximation (Lachin 1981, equation 4).
    """
    at_null, at_effect = -scipy.special.ndtri([alpha / 2, 1 - POWER])
    return ceil(float(((at_null * null_sd + at_effect * sd) / distance) ** 2))


def holm(pvalues: Sequence[float]) -> list[float]:
    """Holm's step-down adjusted p-values (Holm 1979), in the order given."""
    p = np.asarray(pvalues, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(np.arange(p.size, 0, -1) * p[order]))
    return [float(value) for value in adjusted]


def spending(looks: Sequence[int], level: float = LEVEL) -> tuple[float, ...]:
    """The level of each look, in proportion to the seeds that it adds; together they are `level`.

    It is the linear spending function (Kim and DeMets 1987, Biometrika 74:149, rho = 1), with Bonferroni's bound over
    the looks. `looks`: the number of seeds at each look, ascending.
    """
    added = [now - before for before, now in zip((0, *looks), looks, strict=False)]
    return tuple(level * (seeds / looks[-1]) for seeds in added)


def look_corrected(p_values: Sequence[float | None], answered: Sequence[bool]) -> list[float]:
    """Holm's adjusted p-values of one look over all hypotheses: those of the level's share of the look are rejected.

    Hypotheses that were `answered` at an earlier look stay rejected and come first in Holm's order. A p of None, which
    could not be computed, counts as 1. The chance to reject a true hypothesis first at this look is at most its share:
    before the first of them only false ones are rejected, so its factor is at least the number of true ones.
    """
    known = zip(p_values, answered, strict=True)
    return holm([0.0 if done else 1.0 if p is None else p for p, done in known])


@cache
def rate_tails(successes: int, n: int, bound: float) -> tuple[float, float]:
    """Exact one-sided binomial p-values: small if the rate is above the bound, and small if it is below it."""
    return float(scipy.special.bdtrc(successes - 1, n, bound)), float(scipy.special.bdtr(successes, n, bound))
