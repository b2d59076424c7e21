"""The squared Frechet distance of two Gaussians, in float64, on the device that is there."""

from __future__ import annotations

import torch
from torch import Tensor

from ganbench.evaluators.base import Moments

SHARE = 1e-9  # of the sum of roots: what rounding may do to it before singular values are taken instead
PIVOT = 1e-12  # share of the largest pivot: below it a direction may be one without variance


def frechet(one: Moments, two: Moments, device: str = "cpu") -> float:
    """||m1 - m2||^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)); rounding below zero is cut off. Rank doesn't matter."""
    shift = (one.mean.double() - two.mean.double()).square().sum()
    first, second = (moments.cov.double().to(device) for moments in (one, two))
    traces = first.trace() + second.trace()
    return max((shift + (traces - 2 * trace_of_root(first, second)).cpu()).item(), 0.0)


def trace_of_root(one: Tensor, two: Tensor) -> Tensor:
    """tr (A B)^(1/2) of covariances (k, k): the sum of the singular values of F' G, where F F' = A and G G' = B.

    They are the roots of the eigenvalues of its square, found in half the time, where no root magnifies rounding.
    """
    if _scale(one) == 0 or _scale(two) == 0:
        return one.new_zeros(())
    product = _factor(one).T @ _factor(two)
    short = product if len(product) < product.shape[1] else product.T
    squares: Tensor = torch.linalg.eigvalsh(short @ short.T)
    rounding = len(squares) ** 0.5 * torch.finfo(squares.dtype).eps * squares[-1]
    trace: Tensor = squares.clamp(min=0).sqrt().sum()
    if (0.5 * rounding / squares.clamp(min=rounding).sqrt()).sum() < SHARE * trace:
        return trace
    roots: Tensor = torch.linalg.svdvals(product)
    return roots.sum()


def _factor(cov: Tensor) -> Tensor:
    """F (k, rank) with F F' = cov: Cholesky's, or that of the eigenvalues which are no rounding."""
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
