"""The squared Frechet distance of two Gaussians, in float64, on the device that is there."""

from __future__ import annotations

import torch
from torch import Tensor

from ganbench.evaluators.base import Moments

SMALL = 1e-10  # share of the largest eigenvalue below which rounding is felt: singular values are taken instead


def frechet(one: Moments, two: Moments, device: str = "cpu") -> float:
    """||m1 - m2||^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)); rounding below zero is cut off. Rank doesn't matter."""
    shift = (one.mean.double() - two.mean.double()).square().sum()
    first, second = (moments.cov.double().to(device) for moments in (one, two))
    traces = first.trace() + second.trace()
    return max((shift + (traces - 2 * trace_of_root(first, second)).cpu()).item(), 0.0)


def trace_of_root(one: Tensor, two: Tensor) -> Tensor:
    """tr (A B)^(1/2) of covariances (k, k): A B = L L' B has the eigenvalues of the symmetric L' B L.

    A's Cholesky factor L serves while no eigenvalue is near zero, where a square root would magnify rounding; else the
    singular values of F' G are summed, with F F' = A and G G' = B without their null spaces.
    """
    if _scale(one) == 0 or _scale(two) == 0:
        return one.new_zeros(())
    lower, failed = torch.linalg.cholesky_ex(one)
    if not failed:
        squares: Tensor = torch.linalg.eigvalsh(lower.T @ two @ lower)
        if squares[0] > SMALL * squares[-1]:
            return squares.sqrt().sum()
    roots: Tensor = torch.linalg.svdvals(_factor(one).T @ _factor(two))
    return roots.sum()


def _factor(cov: Tensor) -> Tensor:
    """F (k, rank) with F F' = cov; eigenvalues that are rounding are left out."""
    values: Tensor
    vectors: Tensor
    values, vectors = torch.linalg.eigh(cov)
    kept = values > len(values) * torch.finfo(values.dtype).eps * values[-1]
    return vectors[:, kept] * values[kept].sqrt()


def _scale(cov: Tensor) -> Tensor:
    return cov.diagonal().abs().max()
