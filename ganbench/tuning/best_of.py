"""The expected best of k trials, which shows whether a contender won by being tuned more."""

from __future__ import annotations

from dataclasses import dataclass
from math import comb
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

RESAMPLES = 2000


@dataclass(frozen=True)
class Best:
    """The expected best of `k` trials drawn from those made, with a 95 % bootstrap interval over the trials."""

    k: int
    mean: float
    low: float
    high: float


def best_of(values: Sequence[float], better: str, worst: float, seed: int = 0) -> list[Best]:
    """For k = 1..n, the mean best of k of the n trials' values, drawn without replacement.

    `better`: `lower` or `higher`. A trial that was given up counts with its value at its rung, which is what its share
    of the compute bought. One that diverged or failed (NaN) counts as `worst`, the worst value that any trial of any
    contender had: with its own worst, a contender that fails often would look as if tuning made no difference. The
    trials must be exchangeable (a random search), or the curve is too optimistic. Source: Dodge et al. 2019,
    arXiv:1909.03004, section 3, here without replacement; the interval is the percentile bootstrap over trials. Raises
    ValueError when no trial has a value.
    """
    sample = np.asarray(values, dtype=np.float64)
    sign = -1.0 if better == "lower" else 1.0
    finite = np.isfinite(sample)
    if not finite.any():
        raise ValueError("no trial has a value")
    signed = sign * np.where(finite, sample, worst)
    n = len(signed)
    weights = np.stack([_weights(n, k) for k in range(1, n + 1)])
    draws = np.sort(np.random.default_rng(seed).choice(signed, (RESAMPLES, n)), axis=1) @ weights.T
    low, high = np.quantile(draws, [0.025, 0.975], axis=0)
    means = weights @ np.sort(signed)
    rows = zip(means, low, high, strict=True)
    return [Best(k, sign * m, *sorted((sign * lo, sign * hi))) for k, (m, lo, hi) in enumerate(rows, 1)]


def _weights(n: int, k: int) -> NDArray[np.float64]:
    """The chance that the i-th smallest of n is the largest of k drawn: C(i - 1, k - 1) / C(n, k)."""
    return np.array([comb(i - 1, k - 1) / comb(n, k) for i in range(1, n + 1)])
