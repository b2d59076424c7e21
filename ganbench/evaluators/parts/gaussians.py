"""Gaussians fitted to features, and the squared Frechet distance of two of them, in float64.

A set with fewer samples than dimensions keeps its samples: a covariance of d dimensions has d^2 numbers, and n samples
determine at most n - 1 of its d eigenvalues.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from ganbench.evaluators.base import FeatureName, Moments, View
from ganbench.evaluators.parts.distances import gram
from ganbench.evaluators.parts.products import (
    NUMBERS,
    Across,
    Within,
    across,
    are_wide,
    dimension_blocks,
    products_memory,
    within,
)
from ganbench.evaluators.parts.protocol import Sizes
from ganbench.evaluators.parts.statistics import KnownMoments

ROWS = 4096  # accumulated at once
SHARE = 1e-9  # rounding error, as a share of the trace, above which singular values are computed instead
PIVOT = 1e-12  # share of the largest pivot below which a direction may have no variance


def moments(features: Tensor) -> Moments:
    """Mean and covariance (n - 1) of features (n, k), accumulated in float64 a block of rows at a time."""
    n, blocks = len(features), torch.split(features, ROWS)
    mean = torch.stack([block.double().sum(0) for block in blocks]).sum(0) / n
    cov = torch.zeros(features.shape[1], features.shape[1], dtype=torch.float64)
    for block in blocks:
        centred = block.double() - mean
        cov += gram(centred.T)
    return Moments(mean, cov / (n - 1))


class FewSamples(NamedTuple):
    """Samples (n, k), n < k, and their mean (k,), float64; its covariance is F F', F = (rows - mean)' / sqrt(n - 1)."""

    rows: Tensor
    mean: Tensor

    def factor(self, columns: slice) -> Tensor:
        """The rows of F for some dimensions, transposed: (n, columns), float64."""
        centred = self.rows[:, columns].to(torch.float64, copy=True).sub_(self.mean[columns])
        return centred.div_(math.sqrt(len(self.rows) - 1))


Gaussian = Moments | FewSamples


def gaussian(features: Tensor) -> Gaussian:
    """The Gaussian of features (n, k): its moments, or the samples if there are fewer of them than dimensions."""
    n, k = features.shape
    if n >= k:
        return moments(features)
    return FewSamples(features, torch.cat([features[:, part].double().mean(0) for part in dimension_blocks(k, n)]))


def frechet_of(fake: View, reals: View, name: FeatureName, subsets: Sequence[Tensor] | None = None) -> list[float]:
    """The squared Frechet distances from the real samples of subsets of the generated ones, given by their rows.

    None: of the whole set.
    """
    x = fake.features(name)
    if are_wide(len(fake) + len(reals), x.shape[1]) and not isinstance(reals, KnownMoments):
        sets = (within(fake, name), across(fake, reals, name), within(reals, name))
        return [_by_products(*sets, rows, fake.device) for rows in subsets or [torch.arange(len(fake))]]
    truth = reals.moments_of(name, x.shape[1]) if isinstance(reals, KnownMoments) else gaussian_of(reals, name)
    sides = [gaussian_of(fake, name)] if subsets is None else (gaussian(x[rows]) for rows in subsets)
    return [frechet(side, truth, fake.device) for side in sides]


def _by_products(own: Within, pairs: Across, truth: Within, rows: Tensor, device: str) -> float:
    """The distance of some generated samples, whose moments are not needed."""
    n, m = len(rows), len(truth.products)
    chosen = own.products[rows[:, None], rows]
    spread = chosen.trace() - n * chosen.mean()  # the squared distances from the subset's mean
    shift = (pairs.x[rows].mean() - spread / n).clamp(min=0)
    products = pairs.products[rows]
    product = (products - products.mean(0)).to(device) / math.sqrt((n - 1) * (m - 1))
    rest = spread / (n - 1) + truth.products.trace() / (m - 1) - 2 * _nuclear_norm(product).cpu()
    return max((shift + rest).item(), 0.0)


def gaussian_of(view: View, name: FeatureName) -> Gaussian:
    """The Gaussian of a set's features; the moments of real samples are kept on disk."""
    n, k = view.features(name).shape
    return view.moments(name) if n >= k else gaussian(view.features(name))


def frechet(a: Gaussian, b: Gaussian, device: str = "cpu") -> float:
    """||m1 - m2||^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)) for covariances of any rank; negative rounding errors become 0."""
    shift = (a.mean.double() - b.mean.double()).square().sum()
    if isinstance(a, Moments) and isinstance(b, Moments):
        first, second = (side.cov.double().to(device) for side in (a, b))
        rest = first.trace() + second.trace() - 2 * trace_of_root(first, second)
    else:
        rest = _trace(a) + _trace(b) - 2 * _nuclear_norm(_product(a, b, device)).cpu()
    return max((shift + rest.cpu()).item(), 0.0)


def frechet_memory(sizes: Sizes, dimensions: int) -> int:
    """Bytes that two Gaussians and their distance take: a covariance, its factor and work space, or few samples."""
    if are_wide(sum(sizes), dimensions):
        return products_memory(sum(sizes))
    ranks = [min(size, dimensions) for size in sizes]
    covariances = sum(4 * dimensions**2 for size in sizes if size >= dimensions)
    return 8 * (covariances + 4 * ranks[0] * ranks[1] + 4 * NUMBERS + 4 * dimensions)


def trace_of_root(a: Tensor, b: Tensor) -> Tensor:
    """tr (A B)^(1/2) of covariances (k, k): the sum of the singular values of F' G, where F F' = A and G G' = B."""
    if _scale(a) == 0 or _scale(b) == 0:
        return a.new_zeros(())
    return _nuclear_norm(_factor(a).T @ _factor(b))


def _nuclear_norm(product: Tensor) -> Tensor:
    """The sum of the singular values of a matrix.

    The roots of the eigenvalues of its square are the same values in half the time. They are used unless a root
    would magnify rounding.
    """
    if not product.any():
        return product.new_zeros(())
    short = product if len(product) < product.shape[1] else product.T
    squares: Tensor = torch.linalg.eigvalsh(short @ short.T)
    rounding = len(squares) ** 0.5 * torch.finfo(squares.dtype).eps * squares[-1]
    trace: Tensor = squares.clamp(min=0).sqrt().sum()
    if (0.5 * rounding / squares.clamp(min=rounding).sqrt()).sum() < SHARE * trace:
        return trace
    roots: Tensor = torch.linalg.svdvals(product)
    return roots.sum()


def _trace(side: Gaussian) -> Tensor:
    if isinstance(side, Moments):
        return side.cov.double().trace().cpu()
    parts = (side.factor(columns).square().sum() for columns in dimension_blocks(len(side.mean), len(side.rows)))
    return torch.stack(list(parts)).sum().cpu()


def _product(a: Gaussian, b: Gaussian, device: str) -> Tensor:
    """F' G of the covariances' factors, summed over blocks of dimensions, on the device."""
    k, rows = len(a.mean), max(len(side.rows) for side in (a, b) if isinstance(side, FewSamples))
    sides = [_factor(side.cov.double().to(device)) if isinstance(side, Moments) else side for side in (a, b)]
    total: Tensor | float = 0.0
    for columns in dimension_blocks(k, rows):
        first, second = (
            side.factor(columns).to(device).T if isinstance(side, FewSamples) else side[columns] for side in sides
        )
        total = total + first.T @ second
    assert isinstance(total, Tensor)
    return total


def _factor(cov: Tensor) -> Tensor:
    """F (k, rank) with F F' = cov: by Cholesky, or from the eigenvalues that exceed rounding error."""
    lower: Tensor
    lower, failed = torch.linalg.cholesky_ex(cov)
    pivots = lower.diagonal()
    if not failed and pivots.min().square() > PIVOT * pivots.max().square():
        return lower
    values: Tensor
    vectors: Tensor
    values, vectors = torch.linalg.eigh(cov)
    kept = values > len(values) * torch.finfo(values.dtype).eps * values[-1]
    return vectors[:, kept] * values[kept].sqrt()


def _scale(cov: Tensor) -> Tensor:
    return cov.diagonal().abs().max()
