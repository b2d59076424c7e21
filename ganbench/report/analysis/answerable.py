"""The smallest p that so many runs could have given a claim, whatever their numbers."""

from __future__ import annotations

from math import comb
from typing import TYPE_CHECKING

from ganbench.results.questions import RATES
from ganbench.stats import fisher, mcnemar, rate_gap_tails, rate_tails

if TYPE_CHECKING:
    from ganbench.report.analysis.pairs import Effect
    from ganbench.results.questions import Contrast, Level


def least_of_contrast(found: Effect, test: Contrast) -> float:
    """When every pair, or every run of a side, speaks for the same."""
    if found.sizes:
        first, second = found.sizes
        return 2 * (fisher((first, first), (0, second))[0] if test.metric in RATES else 1 / comb(found.n, first))
    if test.within is None:
        return mcnemar(found.n, 0) if test.metric in RATES else 2.0 ** (1 - found.n)
    return rate_gap_tails(0, 0, found.n, test.within)[1] if test.metric in RATES else 2.0**-found.n


def least_of_level(n: int, test: Level) -> float:
    """When every run is on the same side of a bound, or between two."""
    bounds = [bound for bound in (test.low, test.high) if bound is not None]
    if test.metric not in RATES:
        return 2.0 ** (1 - n if len(bounds) == 1 else -n)
    return 2 * min(tail for bound in bounds for all_ in (0, n) for tail in rate_tails(all_, n, bound))
