"""The kernel of KID, k(x, y) = (x.y / d + 1)^3, summed over random subsets."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from ganbench.evaluators._distances import product_dtype


def subsets(n: int, size: int, count: int, rng: Generator) -> Tensor:
    """`count` random subsets of n, without repetition: (count, size)."""
    return torch.stack([torch.randperm(n, generator=rng)[:size].clone() for _ in range(count)])


def across(x: Tensor, y: Tensor) -> Tensor:
    """The sum of the kernel over all pairs of a row of x (n, d) with a row of y (m, d): (), float64."""
    return _kernel(x, y).sum()


def within(x: Tensor) -> Tensor:
    """The sum of the kernel over all pairs of two different rows of x (n, d): (), float64."""
    kernel = _kernel(x, x)
    return kernel.sum() - kernel.trace()


def _kernel(x: Tensor, y: Tensor) -> Tensor:
    """Of all pairs (n, m), float64. What x and y have in common is taken out of products in float32."""
    d = x.shape[1]
    common = y.mean(0).double()
    rows, columns = ((side.double() - common).to(product_dtype(d)) for side in (x, y))
    along, down = (side.double() @ common for side in (x, y))
    products = (rows @ columns.T).double()
    return products.add_(along[:, None]).add_(down - common.square().sum()).div_(d).add_(1).pow_(3)
