"""Moments of features, and the squared Frechet distance of two Gaussians, in float64."""

from __future__ import annotations

import torch
from torch import Tensor

from ganbench.evaluators.base import Moments
from ganbench.evaluators.parts.distances import gram

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


def frechet(a: Moments, b: Moments, device: str = "cpu") -> float:
    """||m1 - m2||^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)) for covariances of any rank; negative rounding errors become 0."""
    shift = (a.mean.double() - b.mean.double()).square().sum()
    first, second = (side.cov.double().to(device) for side in (a, b))
    traces = first.trace() + second.trace()
    return max((shift + (traces - 2 * trace_of_root(first, second)).cpu()).item(), 0.0)


def trace_of_root(a: Tensor, b: Tensor) -> Tensor:
    """tr (A B)^(1/2) of covariances (k, k): the sum of the singular values of F' G, where F F' = A and G G' = B.

    The roots of the eigenvalues of its square are the same values in half the time. They are used unless a root
    would magnify rounding.
    """
    if _scale(a) == 0 or _scale(b) == 0:
        return a.new_zeros(())
    product = _factor(a).T @ _factor(b)
    short = product if len(product) < product.shape[1] else product.T
    squares: Tensor = torch.linalg.eigvalsh(short @ short.T)
    rounding = len(squares) ** 0.5 * torch.finfo(squares.dtype).eps * squares[-1]
    trace: Tensor = squares.clamp(min=0).sqrt().sum()
    if (0.5 * rounding / squares.clamp(min=rounding).sqrt()).sum() < SHARE * trace:
        return trace
    roots: Tensor = torch.linalg.svdvals(product)
    return roots.sum()


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
