"""The designs of tests of rates, whose power is summed over all outcomes."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import scipy  # its parts are loaded when they are used

from ganbench.stats.levels import rate_between, rate_gap_within
from ganbench.stats.paired import mcnemar
from ganbench.stats.power import Design
from ganbench.stats.unpaired import fisher

if TYPE_CHECKING:
    from numpy.typing import NDArray


class RateDesign(Design):
    """A test of counts. It has finitely many outcomes, and its power is the probability of the significant ones."""

    @abstractmethod
    def outcomes(self) -> NDArray[np.int64]:
        """The two counts of each outcome, one outcome per row; the first and the last of each count are extreme."""

    @abstractmethod
    def tested(self, first: int, second: int) -> tuple[float, bool]:
        """p of an outcome, and whether it speaks for the part."""

    @abstractmethod
    def chances(self, first: float, second: float) -> NDArray[np.float64]:
        """The probability of each outcome at two true rates, which are independent of each other."""

    @abstractmethod
    def rates(self, effect: float) -> tuple[float, float]:
        """True rates with an effect: the smaller one is 0 where there are two sides."""

    def power(self, effect: float, level: float) -> float:
        return self.power_of_rates(*self.rates(effect), level)

    def power_of_rates(self, first: float, second: float, level: float) -> float:
        """The power at true rates: `first` is that of the side with the higher claimed rate."""
        return float(self.chances(first, second)[_significant(self, level)].sum())


@dataclass(frozen=True)
class PairedRates(RateDesign):
    """The rate of one side is higher, over `n` pairs: McNemar's test. With a `margin` they are alike: Tango's.

    The counts are the pairs in which only the first side, and only the second, succeeded.
    """

    n: int
    margin: float | None = None

    @property
    def certain(self) -> float:
        return 1.0 if self.margin is None else self.margin

    @property
    def least(self) -> tuple[float, float]:
        if self.margin is None:
            return (mcnemar(self.n, 0),) * 2
        alike, apart = self.tested(0, 0), self.tested(self.n, 0)
        return (alike[0] if alike[1] else 1.0), (1.0 if apart[1] else apart[0])

    def outcomes(self) -> NDArray[np.int64]:
        every = [(first, second) for first in range(self.n + 1) for second in range(self.n + 1 - first)]
        return np.array(every, dtype=np.int64)

    def tested(self, first: int, second: int) -> tuple[float, bool]:
        if self.margin is None:
            return mcnemar(first, second), first > second
        return rate_gap_within(first, second, self.n, self.margin)

    def chances(self, first: float, second: float) -> NDArray[np.float64]:
        b, c = self.outcomes().T
        only_first, only_second = first * (1 - second), second * (1 - first)
        rest = 1 - only_first
        share = only_second / rest if rest > 0 else 0.0
        law = scipy.stats.binom
        return np.asarray(law.pmf(b, self.n, only_first) * law.pmf(c, self.n - b, min(1.0, share)))

    def rates(self, effect: float) -> tuple[float, float]:
        return (effect if self.margin is None else self.margin - effect), 0.0


@dataclass(frozen=True)
class UnpairedRates(RateDesign):
    """The rate of one side of runs is higher: Fisher's exact test. The counts are the successes of both sides."""

    sizes: tuple[int, int]

    @property
    def certain(self) -> float:
        return 1.0

    @property
    def least(self) -> tuple[float, float]:
        first, second = self.sizes
        return (self.tested(first, 0)[0], self.tested(0, second)[0]) if min(self.sizes) else (1.0, 1.0)

    def outcomes(self) -> NDArray[np.int64]:
        first, second = (size + 1 for size in self.sizes)
        return np.indices((first, second)).reshape(2, -1).T

    def tested(self, first: int, second: int) -> tuple[float, bool]:
        above, below = fisher((first, self.sizes[0]), (second, self.sizes[1]))
        return min(1.0, 2 * min(above, below)), first * self.sizes[1] > second * self.sizes[0]

    def chances(self, first: float, second: float) -> NDArray[np.float64]:
        law = scipy.stats.binom
        a, b = self.outcomes().T
        return np.asarray(law.pmf(a, self.sizes[0], first) * law.pmf(b, self.sizes[1], second))

    def rates(self, effect: float) -> tuple[float, float]:
        return effect, 0.0


@dataclass(frozen=True)
class RateInside(RateDesign):
    """The rate of `n` runs is at least `low` and at most `high`: the exact binomial test. The second count is 0."""

    n: int
    low: float | None
    high: float | None

    @property
    def certain(self) -> float:
        if self.low is None or self.high is None:
            return 1.0 - self.low if self.low is not None else self.high or 0.0
        return (self.high - self.low) / 2

    @property
    def least(self) -> tuple[float, float]:
        found = [self.tested(successes, 0) for successes in range(self.n + 1)]
        best = {side: min((p for p, holds in found if holds == side), default=1.0) for side in (True, False)}
        return best[True], best[False]

    def outcomes(self) -> NDArray[np.int64]:
        return np.stack([np.arange(self.n + 1), np.zeros(self.n + 1, dtype=np.int64)], axis=1)

    def tested(self, first: int, second: int) -> tuple[float, bool]:
        return rate_between(first, self.n, self.low, self.high)

    def chances(self, first: float, second: float) -> NDArray[np.float64]:
        return np.asarray(scipy.stats.binom.pmf(self.outcomes()[:, 0], self.n, first))

    def rates(self, effect: float) -> tuple[float, float]:
        rate = (self.high or 0.0) - effect if self.low is None else self.low + effect
        return min(1.0, max(0.0, rate)), 0.0


@cache
def _significant(design: RateDesign, level: float) -> NDArray[np.bool_]:
    """Which outcomes say that the part holds."""
    found = (design.tested(int(first), int(second)) for first, second in design.outcomes())
    return np.array([holds and p < level for p, holds in found])
