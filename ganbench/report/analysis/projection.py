"""How the evidence for a part of a claim grows with its seeds, if the effect stays as it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from math import ceil, pi, sqrt
from typing import TYPE_CHECKING, Literal

from ganbench.results.planned import design
from ganbench.results.questions import RATES
from ganbench.stats import needed

if TYPE_CHECKING:
    from ganbench.report.analysis.pairs import Effect
    from ganbench.results.questions import Contrast, Level
    from ganbench.stats import Interval

MOST = 10_000  # seeds; an effect that needs more counts as none
RANKS = sqrt(pi / 3)  # a rank test of normal values needs pi / 3 times as many of them as a t test


@dataclass(frozen=True)
class Projection:
    """`n` values over `seeds` seeds, whose mean is at a `distance` from the bound that it would have to leave.

    `sd`: the standard deviation of a value; `null_sd`: the same if the mean were at the bound.
    `least`: the smallest p that so many values can give, whatever they are.
    """

    n: int
    seeds: int
    distance: float
    sd: float
    null_sd: float
    least: Callable[[int], float]
    unit: Literal["pair", "run"]

    def seeds_needed(self, level: float) -> int | None:
        """About how many seeds decide the part with a power of 0.8; None if there is (nearly) no effect."""
        if not self.distance > 0:
            return None
        values = needed(self.distance, self.sd, self.null_sd, level)
        possible = next(n for n in count(1) if self.least(n) < level)
        seeds = ceil(max(values, possible) * self.seeds / self.n)
        return max(self.seeds + 1, seeds) if seeds <= MOST else None


def of_contrast(effect: Effect, test: Contrast) -> Projection:
    """The projection of a difference of two sides, or of its distance from a margin."""
    gap, rated = effect.difference.mean, test.metric in RATES
    distance = abs(gap) if test.within is None else abs(test.within - abs(gap))
    sd, null_sd = _spread_of_rates(effect) if rated else (RANKS * _spread_of_means(effect),) * 2
    unit: Literal["pair", "run"] = "run" if effect.sizes else "pair"
    return Projection(
        effect.n, effect.seeds, distance, sd, null_sd, lambda n: min(design(test, _sizes(n, effect)).least), unit
    )


def of_level(interval: Interval, seeds: int, test: Level) -> Projection:
    """The projection of a mean or a rate against the nearest of its bounds."""
    bounds = [bound for bound in (test.low, test.high) if bound is not None]
    bound = min(bounds, key=lambda bound: abs(interval.mean - bound))
    sd = null_sd = RANKS * (interval.sd or 0.0)
    if test.metric in RATES:
        sd, null_sd = (sqrt(max(0.0, rate * (1 - rate))) for rate in (interval.mean, bound))
    distance = abs(interval.mean - bound)
    return Projection(interval.n, seeds, distance, sd, null_sd, lambda n: min(design(test, (n,)).least), "run")


def _spread_of_means(effect: Effect) -> float:
    """The standard deviation of one of `n` values whose mean is the difference."""
    return (effect.difference.sd or 0.0) * (sqrt(sum(effect.n / size for size in effect.sizes)) if effect.sizes else 1)


def _spread_of_rates(effect: Effect) -> tuple[float, float]:
    """The same for rates: with the difference that was found, and without one."""
    rates, gap = (effect.first, effect.second), effect.difference.mean
    if effect.sizes is None:
        discordant = 1 - effect.tied / effect.n
        return sqrt(max(0.0, discordant - gap**2)), sqrt(discordant)
    shares = [effect.n / size for size in effect.sizes]
    mean = sum(rate * size for rate, size in zip(rates, effect.sizes, strict=True)) / effect.n
    own = sum(share * rate * (1 - rate) for share, rate in zip(shares, rates, strict=True))
    return sqrt(own), sqrt(sum(shares) * mean * (1 - mean))


def _sizes(n: int, effect: Effect) -> tuple[int, ...]:
    """`n` pairs, or `n` runs that are divided between the sides as those of the effect are."""
    if effect.sizes is None:
        return (n,)
    first = min(max(1, round(n * effect.sizes[0] / effect.n)), max(1, n - 1))
    return first, n - first
