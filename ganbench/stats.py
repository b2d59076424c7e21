"""Statistics over training seeds: intervals, rates, tails and corrected p-values."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cache
from statistics import fmean
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

RESAMPLES = 9999  # bootstrap resamples: the ends of an interval then move by a few per cent of its width between seeds


@dataclass(frozen=True)
class Interval:
    """A mean (or a rate) over `n` seeds with its confidence interval; `low` and `high` are None when `n` is 1.

    `sd` is the standard deviation over the seeds (ddof = 1), None for a rate and when `n` is 1.
    """

    mean: float
    low: float | None
    high: float | None
    n: int
    sd: float | None = None


def mean_interval(values: Sequence[float], confidence: float = 0.95, seed: int = 0) -> Interval:
    """The mean with its bootstrap interval (BCa, Efron 1987; percentile where BCa is degenerate), seeded.

    The values are sorted first, so that the order of the seeds changes nothing. Raises ValueError for no values and
    for NaN: what is absent must be left out, not averaged.
    """
    sample = np.sort(np.asarray(values, dtype=np.float64))
    if sample.size == 0 or np.isnan(sample).any():
        raise ValueError("an interval needs at least one value and no NaN")
    mean = fmean(sample)
    if sample.size == 1:
        return Interval(mean, None, None, 1)
    sd = float(sample.std(ddof=1))
    if sample[0] == sample[-1]:
        return Interval(mean, mean, mean, sample.size, sd)
    low, high = _bootstrap(sample, "BCa", confidence, seed)
    if not (np.isfinite(low) and np.isfinite(high)):
        low, high = _bootstrap(sample, "percentile", confidence, seed)
    return Interval(mean, low, high, sample.size, sd)


def _bootstrap(sample: NDArray[np.float64], method: str, confidence: float, seed: int) -> tuple[float, float]:
    with warnings.catch_warnings(), np.errstate(all="ignore"):  # a degenerate BCa is NaN, which the caller sees
        warnings.simplefilter("ignore", stats.DegenerateDataWarning)
        found = stats.bootstrap(
            (sample,),
            np.mean,
            n_resamples=RESAMPLES,
            confidence_level=confidence,
            method="BCa" if method == "BCa" else "percentile",
            rng=np.random.default_rng(seed),
        ).confidence_interval
    return float(found.low), float(found.high)


@cache  # a table asks for the same few rates again and again
def wilson(successes: int, n: int, confidence: float = 0.95) -> Interval:
    """A rate with Wilson's score interval (Wilson 1927), which stays inside [0, 1]. Raises ValueError for n = 0."""
    found = stats.binomtest(successes, n).proportion_ci(confidence_level=confidence, method="wilson")
    return Interval(successes / n, float(found.low), float(found.high), n)


def tail_median(values: ArrayLike) -> NDArray[np.float64]:
    """The median of the last fifth of the marks (rounded down, at least one mark) along the last axis.

    NaN stands for a mark without a value; a tail that has one is NaN: a median of the rest would hide it.
    """
    curve = np.asarray(values, dtype=np.float64)
    tail: NDArray[np.float64] = np.median(curve[..., -max(1, curve.shape[-1] // 5) :], axis=-1)
    return tail


def holm(pvalues: Sequence[float]) -> list[float]:
    """Holm's step-down adjusted p-values (Holm 1979), in the order given."""
    p = np.asarray(pvalues, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(np.arange(p.size, 0, -1) * p[order]))
    return [float(value) for value in adjusted]
