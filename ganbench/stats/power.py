"""What a test of given numbers of runs can show, before there are runs: its least p, its power, its smallest effect.

A `Design` is one of the tests that answer the parts of claims, with its numbers of runs or pairs. An effect is a
distance from the null: a difference of two sides, or how far inside its bounds a mean, a rate or a difference lies.
Effects of rates are in units of the rate, and their power is summed over all outcomes. Those of other metrics are in
standard deviations of a value, or of a paired difference; their power is that of `STUDIES` studies of normal values.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cache
from math import comb, inf
from typing import TYPE_CHECKING

import numpy as np
import scipy  # its parts are loaded when they are used

from ganbench.stats.levels import skewed_t
from ganbench.stats.paired import POWER, signed_rank
from ganbench.stats.unpaired import rank_sum

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

STUDIES = 4000
STEP = 0.01  # between the effects that are tried
LARGEST = 1000  # standard deviations: an effect beyond counts as none


class Design(ABC):
    """A test with its numbers of runs. `certain`: the largest effect that there can be."""

    @property
    def certain(self) -> float:
        return inf

    @property
    @abstractmethod
    def least(self) -> tuple[float, float]:
        """The smallest p of any outcome that speaks for the part, and of any that speaks against it."""

    @abstractmethod
    def power(self, effect: float, level: float) -> float:
        """The probability that the part is found to hold at a level."""


@dataclass(frozen=True)
class PairedMeans(Design):
    """One side is better than another, over `n` pairs: the signed-rank test, with which the mean must agree."""

    n: int

    @property
    def least(self) -> tuple[float, float]:
        return (2.0 ** (1 - self.n),) * 2

    def power(self, effect: float, level: float) -> float:
        values = _normal(self.n) + effect
        found = (_rank_sums(values) >= _critical_ranks(self.n, level / 2)) & (values.mean(axis=1) > 0)
        return float(found.mean())


@dataclass(frozen=True)
class MeanInside(Design):
    """The mean of `n` values, or of paired differences, is inside one bound or, if `two_sided`, between two.

    With two bounds the true mean lies halfway, at the distance `effect` from each.
    """

    n: int
    two_sided: bool = False

    @property
    def least(self) -> tuple[float, float]:
        if self.n < 3:  # the t test has no p
            return 1.0, 1.0
        return 2.0 ** -(self.n if self.two_sided else self.n - 1), 2.0 ** (1 - self.n)

    def power(self, effect: float, level: float) -> float:
        if self.n < 3:
            return 0.0
        tail = level if self.two_sided else level / 2
        ranks, t = _critical_ranks(self.n, tail), -float(scipy.special.stdtrit(self.n - 1, tail))
        noise = _normal(self.n)
        sides = (noise + effect, effect - noise) if self.two_sided else (noise + effect,)
        found = [(_rank_sums(side) >= ranks) & (skewed_t(side) > t) for side in sides]
        return float(np.logical_and.reduce(found).mean())


@dataclass(frozen=True)
class UnpairedMeans(Design):
    """One side of runs is better than another: Mann and Whitney's test, with which the means must agree."""

    sizes: tuple[int, int]

    @property
    def least(self) -> tuple[float, float]:
        return (2 / comb(sum(self.sizes), self.sizes[0]),) * 2 if min(self.sizes) else (1.0, 1.0)

    def power(self, effect: float, level: float) -> float:
        drawn = _normal(sum(self.sizes))
        first, second = drawn[:, : self.sizes[0]] + effect, drawn[:, self.sizes[0] :]
        ranks = np.concatenate([first, second], axis=1).argsort(axis=1).argsort(axis=1)[:, : self.sizes[0]] + 1
        above = ranks.sum(axis=1) - self.sizes[0] * (self.sizes[0] + 1) // 2
        higher = first.mean(axis=1) > second.mean(axis=1)
        return float(((above >= _critical_above(self.sizes, level / 2)) & higher).mean())


@cache
def smallest_effect(design: Design, level: float) -> float | None:
    """The smallest effect that is found with a power of 0.8, rounded up to `STEP`; None if no effect is."""
    most = int(min(design.certain, LARGEST) / STEP + 1e-9)
    if design.least[0] >= level or design.power(most * STEP, level) < POWER:
        return None
    low, high = 0, 1
    while high < most and design.power(high * STEP, level) < POWER:
        low, high = high, min(most, 2 * high)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if design.power(middle * STEP, level) < POWER else (low, middle)
    return high * STEP


@cache
def _normal(n: int) -> NDArray[np.float64]:
    """`n` standard normal values of each of many studies, the same at every call; fewer studies of very many values."""
    studies = min(STUDIES, max(STUDIES // 10, STUDIES * 100 // n))
    return np.random.default_rng(n).standard_normal((studies, n))


def _rank_sums(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """The sum of the ranks of the positive values of each row."""
    ranks = np.abs(values).argsort(axis=1).argsort(axis=1) + 1
    return np.asarray((ranks * (values > 0)).sum(axis=1))


@cache
def _critical_ranks(n: int, tail: float) -> int:
    """The smallest sum of positive ranks of `n` values whose one-sided p is below `tail`."""

    def p_above(total: int) -> float:
        signs = []
        for rank in range(n, 0, -1):
            signs.append(rank if rank <= total else -rank)
            total -= rank if rank <= total else 0
        return signed_rank(signs).p_above

    return _first(n * (n + 1) // 2, lambda total: p_above(total) < tail)


@cache
def _critical_above(sizes: tuple[int, int], tail: float) -> int:
    """The smallest number of pairs of runs with the first side above at which the one-sided p is below `tail`."""
    second = [float(value) for value in range(1, sizes[1] + 1)]

    def p_above(pairs: int) -> float:
        below = [min(sizes[1], max(0, pairs - place * sizes[1])) for place in range(sizes[0])]
        first = [count + (place + 1) / (sizes[0] + 2) for place, count in enumerate(reversed(below))]
        return rank_sum(first, second).p_above

    return _first(sizes[0] * sizes[1], lambda pairs: p_above(pairs) < tail)


def _first(most: int, holds: Callable[[int], bool]) -> int:
    """The smallest number for which a condition holds that then holds for all larger ones; `most` + 1 if none does."""
    low, high = -1, most + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high
