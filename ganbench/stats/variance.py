"""The analysis of variance over the axes of a grid, which shows the factors that matter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from math import nan

import numpy as np
import scipy  # its parts are loaded when they are used
from numpy.typing import NDArray

ZERO = 1e-10  # a smaller singular value, as a share of the largest, is 0; columns of -1, 0 and 1 have none so small


@dataclass(frozen=True)
class VarianceShare:
    """A factor or an interaction: its sum of squares, its share of the total, and the F test against the residual.

    The residual has no test. Without residual degrees of freedom `f` and `p` are NaN.
    """

    factors: tuple[str, ...]  # () is the residual, which is seeds and interactions of higher order
    df: int
    squares: float
    share: float
    f: float
    p: float


def shares(
    values: Sequence[float], factors: Mapping[str, Sequence[object]], order: int = 2
) -> tuple[VarianceShare, ...]:
    """Type II analysis of variance: every factor and every interaction up to `order`, then the residual.

    In a balanced grid this is the usual decomposition, and the shares add up to 1 and equal those of functional ANOVA.
    Otherwise the squares of a term are what it adds to all terms that don't contain it. Terms without degrees of
    freedom are left out. Factors need two levels. If all values are equal, nothing has a share or a test.
    Raises ValueError for lists of unequal lengths and for NaN.
    """
    y = np.asarray(values, dtype=np.float64)
    if any(len(levels) != y.size for levels in factors.values()) or np.isnan(y).any():
        raise ValueError("an analysis of variance needs one level of each factor for each value, and no NaN")
    terms = [term for size in range(1, order + 1) for term in combinations(factors, size)]
    columns = _columns(terms, {name: _effects(levels) for name, levels in factors.items()}, y.size)
    total = float(((y - y.mean()) ** 2).sum()) if np.ptp(y) else 0.0
    fit = partial(_fit, _rotated(y, columns))
    residual, used = fit(terms)
    freedom = y.size - used
    tested = []
    for term in terms:
        others = [other for other in terms if not set(term) <= set(other)]
        without, fewer = fit(others)
        with_term, more = fit([*others, term])
        if more > fewer:
            squares = max(0.0, without - with_term)
            tested.append(_share(term, more - fewer, squares, total, (residual, freedom)))
    return (*tested, VarianceShare((), freedom, residual, residual / total if total else 0.0, nan, nan))


def _share(term: tuple[str, ...], df: int, squares: float, total: float, error: tuple[float, int]) -> VarianceShare:
    residual, freedom = error
    share = squares / total if total else 0.0
    if not freedom or not total or residual <= 1e-12 * total:
        return VarianceShare(term, df, squares, share, nan, nan)
    f = (squares / df) / (residual / freedom)
    return VarianceShare(term, df, squares, share, f, float(scipy.special.fdtrc(df, freedom, f)))


def _effects(levels: Sequence[object]) -> NDArray[np.float64]:
    """Effect coding: a column for each level except the last, whose rows are -1."""
    names = list(dict.fromkeys(levels))
    index = np.array([names.index(level) for level in levels])
    coded: NDArray[np.float64] = (index[:, None] == np.arange(len(names) - 1)) * 1.0
    last: NDArray[np.float64] = (index == len(names) - 1).astype(np.float64)[:, None]
    return np.asarray(coded - last)


def _columns(
    terms: Sequence[tuple[str, ...]], coded: Mapping[str, NDArray[np.float64]], n: int
) -> dict[tuple[str, ...], NDArray[np.float64]]:
    """The columns of each term; those of an interaction are the products of its factors' columns."""
    columns = {}
    for term in terms:
        product = np.ones((n, 1))
        for name in term:
            product = (product[:, :, None] * coded[name][:, None, :]).reshape(n, -1)
        columns[term] = product
    return columns


@dataclass(frozen=True)
class Model:
    """A regression of `y` on a mean and terms, rotated so that few rows are left.

    `beyond` is the sum of squares that no term can explain. The column of the mean belongs to the term `()`.
    """

    y: NDArray[np.float64]
    columns: Mapping[tuple[str, ...], NDArray[np.float64]]
    beyond: float


def _rotated(y: NDArray[np.float64], columns: Mapping[tuple[str, ...], NDArray[np.float64]]) -> Model:
    """The model after a QR decomposition of all columns. It has as many rows as columns and the same fits."""
    every = {(): np.ones((y.size, 1))} | dict(columns)
    q, r = np.linalg.qr(np.concatenate(list(every.values()), axis=1))
    ends = np.cumsum([part.shape[1] for part in every.values()])[:-1]
    seen = q.T @ y
    parts = dict(zip(every, np.split(r, ends, axis=1), strict=True))
    return Model(seen, parts, float(((y - q @ seen) ** 2).sum()))


def _fit(model: Model, terms: Sequence[tuple[str, ...]]) -> tuple[float, int]:
    """The residual sum of squares of a least-squares fit of these terms and a mean, and the rank of the model."""
    design = np.concatenate([model.columns[term] for term in ((), *terms)], axis=1)
    solution, _, rank, _ = np.linalg.lstsq(design, model.y, rcond=ZERO)
    return model.beyond + float(((model.y - design @ solution) ** 2).sum()), int(rank)
