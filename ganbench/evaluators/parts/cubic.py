"""Sums of the kernel (x.y / d + 1)^3 over pairs of samples, in float64."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from ganbench.evaluators.base import FeatureName, View
from ganbench.evaluators.parts.distances import product_dtype
from ganbench.evaluators.parts.products import Across, Within, across, are_wide, within

ROWS = 4096  # converted to float64 at once


class CubicKernel(Protocol):
    """The kernel of two sets x and y, summed over pairs from subsets, which are given by their rows."""

    @property
    def dtype(self) -> torch.dtype:
        """In which inner products are computed."""

    def in_x(self, rows: Tensor) -> Tensor:
        """The sum over all pairs of different rows of x: ()."""

    def in_y(self, rows: Tensor) -> Tensor:
        """The sum over all pairs of different rows of y: ()."""

    def between(self, x_rows: Tensor, y_rows: Tensor) -> Tensor:
        """The sum over all pairs of a row of x and a row of y: ()."""


def cubic_kernel(fake: View, reals: View, name: FeatureName) -> CubicKernel:
    """The kernel of two sets of samples; that of wide samples is computed once for all subsets."""
    x, y = (side.features(name) for side in (fake, reals))
    if are_wide(len(x) + len(y), x.shape[1]):
        return WideKernel.of(x.shape[1], within(fake, name), across(fake, reals, name), within(reals, name))
    common = y.to(fake.device).mean(0)
    return CentredKernel(*(centred(side.to(fake.device), common) for side in (x, y)))


class WideKernel(NamedTuple):
    """The kernel of all pairs within x (n, n), between x and y (n, m), and within y (m, m)."""

    xx: Tensor
    xy: Tensor
    yy: Tensor
    dtype: torch.dtype = torch.float64

    @classmethod
    def of(cls, d: int, own: Within, pairs: Across, truth: Within) -> WideKernel:
        between = pairs.products + pairs.along[:, None] + truth.along + truth.mean
        xx, xy, yy = (inner.div_(d).add_(1).pow_(3) for inner in (own.raw, between, truth.raw))
        return cls(xx, xy, yy)

    def in_x(self, rows: Tensor) -> Tensor:
        return _off_diagonal(self.xx[rows[:, None], rows])

    def in_y(self, rows: Tensor) -> Tensor:
        return _off_diagonal(self.yy[rows[:, None], rows])

    def between(self, x_rows: Tensor, y_rows: Tensor) -> Tensor:
        return self.xy[x_rows[:, None], y_rows].sum()


class CentredKernel(NamedTuple):
    """The kernel that is computed for each subset anew, from rows without their common part."""

    x: Centred
    y: Centred

    @property
    def dtype(self) -> torch.dtype:
        return self.x.rows.dtype

    def in_x(self, rows: Tensor) -> Tensor:
        return _off_diagonal((x := self.x.subset(rows)).kernel(x.rows @ x.rows.T, x))

    def in_y(self, rows: Tensor) -> Tensor:
        return _off_diagonal((y := self.y.subset(rows)).kernel(y.rows @ y.rows.T, y))

    def between(self, x_rows: Tensor, y_rows: Tensor) -> Tensor:
        x, y = self.x.subset(x_rows), self.y.subset(y_rows)
        return x.kernel(x.rows @ y.rows.T, y).sum()


class Centred(NamedTuple):
    """Rows x - c (n, d), their products with the common part c (d,), float64 (n,), and c itself."""

    rows: Tensor
    along: Tensor
    common: Tensor

    def subset(self, indices: Tensor) -> Centred:
        return self._replace(rows=self.rows[indices], along=self.along[indices])

    def kernel(self, products: Tensor, other: Centred) -> Tensor:
        """Of all pairs (n, m), float64, from (x - c).(y - c): x.y = (x - c).(y - c) + x.c + y.c - c.c."""
        inner = products.double().add_(self.along[:, None]).add_(other.along - self.common.square().sum())
        return inner.div_(len(self.common)).add_(1).pow_(3)


def centred(x: Tensor, common: Tensor) -> Centred:
    """Rows x (n, d) without c: float32 products of them lose little to rounding, and the rest is added in float64."""
    along = torch.cat([block.double() @ common.double() for block in torch.split(x, ROWS)])
    return Centred((x - common).to(product_dtype(x.shape[1])), along, common.double())


def _off_diagonal(kernel: Tensor) -> Tensor:
    return kernel.sum() - kernel.trace()
