"""The kernel of KID, k(x, y) = (x.y / d + 1)^3, summed over random subsets."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Generator, Tensor

from ganbench.evaluators.parts.distances import product_dtype

ROWS = 4096  # taken to float64 at once


class Centred(NamedTuple):
    """Rows (n, d) without what they have in common with others, c (d,), and their products with c (n,), float64."""

    rows: Tensor
    along: Tensor
    common: Tensor

    def subset(self, numbers: Tensor) -> Centred:
        return self._replace(rows=self.rows[numbers], along=self.along[numbers])


def centred(x: Tensor, common: Tensor) -> Centred:
    """Rows x (n, d) as the kernel takes them: in float32 where there are many dimensions, but without c, so that little
    of a product is rounded; the rest of it is added in float64."""
    wide = common.double()
    along = torch.cat([block.double() @ wide for block in torch.split(x, ROWS)])
    return Centred((x - common).to(product_dtype(x.shape[1])), along, wide)


def subsets(n: int, size: int, count: int, rng: Generator) -> Tensor:
    """`count` random subsets of n, without repetition: (count, size)."""
    return torch.stack([torch.randperm(n, generator=rng)[:size].clone() for _ in range(count)])


def across(x: Centred, y: Centred) -> Tensor:
    """The sum of the kernel over all pairs of a row of x with a row of y: (), float64."""
    return _kernel(x.rows @ y.rows.T, x, y).sum()


def within(x: Centred) -> Tensor:
    """The sum of the kernel over all pairs of two different rows of x: (), float64."""
    kernel = _kernel(x.rows @ x.rows.T, x, x)
    return kernel.sum() - kernel.trace()


def _kernel(products: Tensor, x: Centred, y: Centred) -> Tensor:
    """Of all pairs (n, m), float64: x.y = (x - c).(y - c) + x.c + y.c - c.c."""
    inner = products.double().add_(x.along[:, None]).add_(y.along - x.common.square().sum())
    return inner.div_(len(x.common)).add_(1).pow_(3)
