"""How well one number of a run foretells another: the concordance of pairs, with its interval."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import scipy  # its parts are loaded when they are used
from numpy.typing import ArrayLike, NDArray

from ganbench.stats.intervals import RESAMPLES, Interval

BLOCK = 1000  # resamples at once


def concordance(
    early: ArrayLike, late: ArrayLike, cells: Sequence[Hashable], within: bool, confidence: float = 0.95
) -> Interval | None:
    """The share of the pairs of runs in which the run with the larger `early` has the larger `late`; 1/2 is chance.

    Pairs with equal `late` do not count, and equal `early` counts half (Harrell's C; of two kinds of ends, the area
    under the ROC curve). With `within` only pairs of runs of one cell count. None without a pair. `n` is the number of
    pairs.

    The interval is over the runs of each cell, for these cells: a seeded bootstrap that draws runs within cells (BCa,
    Efron 1987; percentile where BCa is degenerate). A `late` may be infinite. Raises ValueError for NaN.
    """
    first, second = np.asarray(early, dtype=np.float64), np.asarray(late, dtype=np.float64)
    if np.isnan(first).any() or np.isnan(second).any():
        raise ValueError("a concordance needs numbers; leave out runs without one")
    places = [cells.index(cell) for cell in cells]
    groups = np.asarray(places)
    counted = second[:, None] != second
    if within:
        counted &= groups[:, None] == groups
    if not counted.any():
        return None
    agree = (np.sign(first[:, None] - first) * np.where(second[:, None] > second, 1, -1) + 1) / 2
    pairs = np.where(counted, agree, 0.0), counted.astype(np.float64)
    value = float(_shares(np.ones((1, len(first))), *pairs)[0])
    low, high = _interval(value, groups, pairs, confidence)
    return Interval(value, low, high, int(counted.sum()) // 2)


def _shares(weights: NDArray[Any], agree: NDArray[Any], counted: NDArray[Any]) -> NDArray[np.float64]:
    """The concordance of runs that are taken so often, (resamples, runs) -> (resamples,); NaN without a pair."""
    with np.errstate(invalid="ignore"):
        shares: NDArray[np.float64] = ((weights @ agree) * weights).sum(1) / ((weights @ counted) * weights).sum(1)
    return shares


def _interval(
    value: float, groups: NDArray[Any], pairs: tuple[NDArray[Any], NDArray[Any]], confidence: float
) -> tuple[float, float]:
    found = np.concatenate([_shares(_drawn(groups, seed), *pairs) for seed in range(RESAMPLES // BLOCK + 1)])
    found = np.sort(found[np.isfinite(found)])
    levels = np.array([(1 - confidence) / 2, (1 + confidence) / 2])
    with np.errstate(all="ignore"):  # a degenerate BCa is NaN
        below = (np.searchsorted(found, value, "left") + np.searchsorted(found, value, "right")) / (2 * len(found))
        gaps = _shares(1 - np.eye(len(groups)), *pairs)
        gaps = np.nanmean(gaps) - gaps[np.isfinite(gaps)]
        bias, acceleration = scipy.special.ndtri(below), (gaps**3).sum() / (6 * (gaps**2).sum() ** 1.5)
        shifted = bias + scipy.special.ndtri(levels)
        corrected = scipy.special.ndtr(bias + shifted / (1 - acceleration * shifted))
    low, high = np.quantile(found, corrected if np.isfinite(corrected).all() else levels)
    return float(low), float(high)


def _drawn(groups: NDArray[Any], seed: int) -> NDArray[np.float64]:
    """How often each run is in each resample, (BLOCK, runs): as many of each group as it has."""
    random, weights = np.random.default_rng(seed), np.zeros((BLOCK, len(groups)))
    for group in np.unique(groups):
        members = np.flatnonzero(groups == group)
        weights[:, members] = random.multinomial(len(members), np.full(len(members), 1 / len(members)), BLOCK)
    return weights
