"""Several treatments on several problems: mean ranks, interquartile means, profiles, probability of improvement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from math import sqrt

import numpy as np
import scipy  # its parts are loaded when they are used
from numpy.typing import ArrayLike, NDArray

from ganbench.stats.intervals import Interval
from ganbench.stats.paired import LEVEL

RESAMPLES = 2000


@dataclass(frozen=True)
class Ranking:
    """Mean ranks over `n` problems; 1 is the best. Two treatments differ if their ranks do by more than `critical`.

    `p`: Friedman's test that all treatments are equal. `cliques`: the largest groups of neighbouring ranks without a
    significant difference, as indices in the order of ranks, without groups of a single treatment.
    """

    ranks: tuple[float, ...]
    n: int
    chi2: float
    p: float
    critical: float
    cliques: tuple[tuple[int, ...], ...]


def ranking(scores: ArrayLike, alpha: float = LEVEL) -> Ranking:
    """Friedman's test with Nemenyi's critical difference (Demsar 2006). `scores`: (problems, treatments), lower is
    better.

    Ties share their mean rank. Raises ValueError for fewer than two problems or treatments, and for NaN.
    """
    table = np.asarray(scores, dtype=np.float64)
    if table.ndim != 2 or min(table.shape) < 2 or np.isnan(table).any():
        raise ValueError("a ranking needs at least two problems and two treatments, and a score for each pair")
    n, k = table.shape
    ranked = _midranks(table)
    means = ranked.mean(axis=0)
    within = ((ranked - (k + 1) / 2) ** 2).sum() / (n * (k - 1))
    chi2 = float(n * ((means - (k + 1) / 2) ** 2).sum() / within) if within > 0 else 0.0
    critical = _nemenyi(k, alpha) * float(np.sqrt(k * (k + 1) / (6 * n)))
    return Ranking(
        ranks=tuple(means.tolist()),
        n=n,
        chi2=chi2,
        p=float(scipy.special.chdtrc(k - 1, chi2)),
        critical=critical,
        cliques=_cliques(means, critical),
    )


def _midranks(table: NDArray[np.float64]) -> NDArray[np.float64]:
    """The rank of each value in its row, from 1."""
    own, others = table[:, :, None], table[:, None, :]
    return np.asarray(((others < own).sum(axis=2) + (others <= own).sum(axis=2) + 1) / 2)


@cache
def _nemenyi(k: int, alpha: float) -> float:
    """The quantile of the range of `k` standard normal values, over the square root of 2, by bisection."""
    z, step = np.linspace(-9, 9, 361, retstep=True)
    below, density = scipy.special.ndtr(z), np.exp(-z * z / 2) / np.sqrt(2 * np.pi)
    low, high = 0.0, 18.0
    for _ in range(60):
        middle = (low + high) / 2
        within = k * step * float((density * (below - scipy.special.ndtr(z - middle)) ** (k - 1)).sum())
        low, high = (middle, high) if within < 1 - alpha else (low, middle)
    return high / sqrt(2)


def _cliques(means: NDArray[np.float64], critical: float) -> tuple[tuple[int, ...], ...]:
    order = np.argsort(means, kind="stable")
    cliques: list[tuple[int, ...]] = []
    for start, first in enumerate(order):
        group = tuple(int(index) for index in order[start:] if means[index] - means[first] <= critical)
        if len(group) > 1 and not any(set(group) <= set(other) for other in cliques):
            cliques.append(group)
    return tuple(cliques)


def profile(scores: Sequence[float | None], taus: Sequence[float]) -> tuple[float, ...]:
    """The share of runs whose score reaches each tau (Agarwal et al. 2021). Higher is better; None reaches no tau."""
    known = np.array([-np.inf if score is None else score for score in scores])
    return tuple(float((known >= tau).mean()) for tau in taus)


def interquartile_mean(problems: Sequence[Sequence[float]], seed: int = 0) -> Interval:
    """The mean of the middle half of all runs' scores (Agarwal et al. 2021, section 4.3).

    The interval is a percentile bootstrap, seeded, that resamples the runs within each problem. Raises ValueError
    without problems, and for a problem without runs.
    """
    if not problems or not all(problems):
        raise ValueError("an interquartile mean needs runs on every problem")
    rng = np.random.default_rng(seed)
    scores = [np.asarray(runs, dtype=np.float64) for runs in problems]
    mean = float(_middle(np.concatenate(scores)[None])[0])
    n = sum(map(len, scores))
    if n == len(problems):
        return Interval(mean, None, None, n)
    drawn = [runs[rng.integers(len(runs), size=(RESAMPLES, len(runs)))] for runs in scores]
    low, high = np.quantile(_middle(np.concatenate(drawn, axis=1)), (0.025, 0.975))
    return Interval(mean, float(low), float(high), n)


def _middle(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean of each row without its lowest and its highest quarter, rounded down."""
    cut = scores.shape[1] // 4
    return np.asarray(np.sort(scores, axis=1)[:, cut : scores.shape[1] - cut].mean(axis=1))


def improvement(pairs: Sequence[tuple[Sequence[float], Sequence[float]]], seed: int = 0) -> Interval:
    """The probability that a run of the first beats one of the second, where a tie counts half; higher is better.

    The mean over problems (Agarwal et al. 2021) with a percentile bootstrap over the runs of each side within each
    problem, seeded. Raises ValueError without problems, and for a problem without runs on both sides.
    """
    if not pairs or any(not first or not second for first, second in pairs):
        raise ValueError("an improvement needs runs of both sides on every problem")
    rng = np.random.default_rng(seed)
    shares, drawn = [], np.zeros(RESAMPLES)
    for first, second in pairs:
        wins = _wins(np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64))
        shares.append(wins.mean())
        drawn += _resampled(wins, rng) / len(pairs)
    n = sum(min(len(first), len(second)) for first, second in pairs)
    mean = float(np.mean(shares))
    if n == len(pairs):
        return Interval(mean, None, None, n)
    low, high = np.quantile(drawn, (0.025, 0.975))
    return Interval(mean, float(low), float(high), n)


def _wins(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    ours, theirs = first[:, None], second[None, :]  # compared and not subtracted, because both may be infinite
    return np.asarray((ours > theirs) + 0.5 * (ours == theirs), dtype=np.float64)


def _resampled(wins: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """The mean of the table with resampled rows and columns, `RESAMPLES` times."""
    rows, columns = (_draws(size)[rng.permutation(RESAMPLES)] for size in wins.shape)
    return np.asarray(((rows @ wins) * columns).sum(axis=1) / wins.size, dtype=np.float64)


@lru_cache(maxsize=32)
def _draws(n: int) -> NDArray[np.float64]:
    """How often each of `n` runs is in each resample. Each problem takes the resamples in a random order."""
    return np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), RESAMPLES).astype(np.float64)
