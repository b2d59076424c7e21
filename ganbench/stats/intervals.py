"""Confidence intervals of means over training seeds and of rates, and the median of a tail."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache
from math import nan, sqrt
from statistics import fmean
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy  # its parts are loaded when they are used

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

RESAMPLES = 9999  # of the bootstrap; the ends of an interval then vary by a few per cent of its width between seeds
FEWEST = 3  # values of an interval; over two seeds no method covers the mean often enough
BOOTSTRAPPED = 10  # the smallest sample for the bootstrap, too narrow below (table in docs/explanation/statistics.md)
KEPT = 256  # the largest sample for which the resamples are kept in memory, 80 kB for each value


@dataclass(frozen=True)
class Interval:
    """A mean or a rate over `n` seeds with its confidence interval; `low` and `high` are None for a mean of few seeds.

    `sd` is the standard deviation over the seeds (ddof = 1), None for a rate and if `n` is 1.
    """

    mean: float
    low: float | None
    high: float | None
    n: int
    sd: float | None = None


def mean_interval(values: Sequence[float], confidence: float = 0.95, seed: int = 0) -> Interval:
    """The mean with its interval: Student's t from `FEWEST` values, the bootstrap from `BOOTSTRAPPED`, none below.

    The bootstrap is seeded (BCa, Efron 1987; percentile if BCa is degenerate). The values are sorted first, so that
    the order of the seeds changes nothing. Raises ValueError without values and for NaN; missing values must be left
    out.
    """
    sample = np.sort(np.asarray(values, dtype=np.float64))
    if sample.size == 0 or np.isnan(sample).any():
        raise ValueError("an interval needs at least one value and no NaN")
    mean = fmean(sample)
    sd = float(sample.std(ddof=1)) if sample.size > 1 else None
    if sd is None or sample.size < FEWEST:
        return Interval(mean, None, None, sample.size, sd)
    if sample[0] == sample[-1]:
        return Interval(mean, mean, mean, sample.size, sd)
    if sample.size < BOOTSTRAPPED:
        half = _t_quantile(sample.size - 1, confidence) * sd / sqrt(sample.size)
        return Interval(mean, mean - half, mean + half, sample.size, sd)
    low, high = _bootstrap(sample, "BCa", confidence, seed)
    if not (np.isfinite(low) and np.isfinite(high)):
        low, high = _bootstrap(sample, "percentile", confidence, seed)
    return Interval(mean, low, high, sample.size, sd)


@cache
def _t_quantile(freedom: int, confidence: float) -> float:
    return -float(scipy.special.stdtrit(freedom, (1 - confidence) / 2))


def _bootstrap(sample: NDArray[np.float64], method: str, confidence: float, seed: int) -> tuple[float, float]:
    """The interval of `scipy.stats.bootstrap`, from resamples that are drawn once for each n."""
    few = sample.size <= KEPT
    means = _counts(sample.size, seed) @ sample / sample.size if few else sample[_drawn(sample.size, seed)].mean(axis=1)
    means.sort()  # faster than the partitions of `numpy.quantile`, and it serves the ranks of BCa too
    levels = np.array([(1 - confidence) / 2, (1 + confidence) / 2])
    if method == "BCa":
        with np.errstate(all="ignore"):  # a degenerate BCa is NaN, which the caller checks
            levels = _bca_levels(sample, means, levels)
        if not np.isfinite(levels).all():
            return nan, nan
    low, high = (_quantile(means, float(level)) for level in levels)
    return low, high


def _quantile(ordered: NDArray[np.float64], level: float) -> float:
    """What `numpy.quantile` gives, bit for bit, for sorted numbers."""
    place = (len(ordered) - 1) * level
    below = min(int(place), len(ordered) - 2)
    share, low, high = place - below, float(ordered[below]), float(ordered[below + 1])
    return high - (high - low) * (1 - share) if share >= 0.5 else low + (high - low) * share


def _bca_levels(sample: NDArray[np.float64], means: NDArray[np.float64], levels: NDArray[np.float64]) -> NDArray[Any]:
    """The percentiles of BCa, corrected for bias and acceleration (Efron 1987, eq. 6.5). `means` are sorted."""
    mean = sample.mean()
    below, up_to = np.searchsorted(means, mean, "left"), np.searchsorted(means, mean, "right")
    bias = scipy.special.ndtri((below + up_to) / (2 * means.size))
    left_out = (sample.sum() - sample) / (sample.size - 1)
    gaps = left_out.mean() - left_out
    acceleration = (gaps**3).sum() / (6 * (gaps**2).sum() ** 1.5)
    shifted = bias + scipy.special.ndtri(levels)
    corrected: NDArray[Any] = scipy.special.ndtr(bias + shifted / (1 - acceleration * shifted))
    return corrected


@lru_cache(maxsize=16)
def _counts(n: int, seed: int) -> NDArray[np.float64]:
    """How often each of `n` values is in each resample, (RESAMPLES, n)."""
    places = _drawn(n, seed) + n * np.arange(RESAMPLES)[:, None]
    return np.bincount(places.ravel(), minlength=RESAMPLES * n).reshape(RESAMPLES, n).astype(np.float64)


def _drawn(n: int, seed: int) -> NDArray[np.int64]:
    return np.random.default_rng(seed).integers(0, n, (RESAMPLES, n))


@cache  # a table has few different rates
def wilson(successes: int, n: int, confidence: float = 0.95) -> Interval:
    """A rate with Wilson's score interval (Wilson 1927), which stays inside [0, 1]. Raises ValueError for n = 0."""
    if n < 1:
        raise ValueError(f"a rate needs at least one trial, not n = {n}")
    rate, z = successes / n, float(scipy.special.ndtri(0.5 + confidence / 2))
    scale = 2 * (n + z**2)
    centre, half = (2 * n * rate + z**2) / scale, z / scale * sqrt(4 * n * rate * (1 - rate) + z**2)
    return Interval(rate, centre - half if successes else 0.0, centre + half if successes < n else 1.0, n)


def tail_median(values: ArrayLike) -> NDArray[np.float64]:
    """The median of the last fifth of the marks (rounded down, at least one mark) along the last axis.

    NaN stands for a mark without a value. The median of a tail with such a mark is NaN, so that it is not hidden.
    """
    curve = np.asarray(values, dtype=np.float64)
    tail: NDArray[np.float64] = np.median(curve[..., -max(1, curve.shape[-1] // 5) :], axis=-1)
    return tail
