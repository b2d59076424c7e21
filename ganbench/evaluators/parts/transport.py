"""Optimal transport on a line, and over random lines, exact also for sets of different sizes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ganbench.evaluators.parts.distances import BLOCK
from ganbench.evaluators.parts.protocol import Sizes

COLUMNS = 8192  # dimensions that are projected at once


class Pieces(NamedTuple):
    """Intervals where both quantile functions are constant: the ranks of their values in x and y, and the lengths."""

    x: Tensor
    y: Tensor
    sizes: Tensor


def pieces(n: int, m: int) -> Pieces:
    """The pieces, at most n + m - 1, for n and m equally weighted numbers."""
    ends = torch.unique(torch.cat([torch.arange(1, n + 1) * m, torch.arange(1, m + 1) * n]))  # in units of 1 / (n m)
    sizes = ends.diff(prepend=ends.new_zeros(1))
    return Pieces((ends - 1) // m, (ends - 1) // n, sizes.double() / (n * m))


def line_cost(x: Tensor, y: Tensor, p: int, shared: Pieces) -> Tensor:
    """W_p^p between the rows of x (k, n) and y (k, m), each a set of equally weighted numbers: (k,).

    This is the integral of |F^-1 - G^-1|^p; `shared` are the pieces of the two sizes, `pieces(n, m)`.
    """
    rows, columns, sizes = (part.to(x.device) for part in shared)
    gaps = ordered(x)[:, rows].sub_(ordered(y)[:, columns])
    return gaps.abs_().pow_(p) @ sizes.to(gaps)


def ordered(x: Tensor) -> Tensor:
    """Each row sorted. On the CPU by NumPy, which is several times faster since it returns no permutation."""
    return torch.from_numpy(np.sort(x.numpy(), axis=1)) if x.device.type == "cpu" else x.sort(1).values


def random_directions(count: int, d: int, rng: torch.Generator) -> Tensor:
    """Unit vectors (count, d), float64, uniform on the sphere."""
    directions = torch.randn(count, d, generator=rng, dtype=torch.float64)
    return directions.div_(directions.norm(dim=1, keepdim=True))


def sliced_costs(x: Tensor, y: Tensor, p: int, directions: Tensor, device: str) -> Tensor:
    """W_p^p of the projections of rows x (n, d) and y (m, d) on directions (k, d): (k,), float64."""
    shared, size = pieces(len(x), len(y)), max(1, BLOCK // max(len(x), len(y)))
    costs = torch.empty(len(directions), dtype=torch.float64, device=device)  # filled block by block
    for block, into in zip(torch.split(directions, size), torch.split(costs, size), strict=True):
        first, second = (projected(side, block, device).T for side in (x, y))
        into.copy_(line_cost(first, second, p, shared))
    return costs


def sliced_memory(sizes: Sizes, dimensions: int, count: int) -> int:
    """The bytes that `sliced_costs` takes at most, besides its inputs."""
    columns = min(COLUMNS, dimensions)
    return 8 * (count * dimensions + (sum(sizes) + count) * columns + 8 * max(BLOCK, *sizes))


def projected(x: Tensor, directions: Tensor, device: str) -> Tensor:
    """The coordinates (n, k), float64, of rows x (n, d) along directions (k, d), a block of dimensions at a time."""
    blocks = zip(torch.split(x, COLUMNS, 1), torch.split(directions, COLUMNS, 1), strict=True)
    return sum((part.to(device).double() @ along.to(device).T for part, along in blocks), start=torch.zeros(()))
