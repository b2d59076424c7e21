"""Distances between many samples by matrix products, computed in blocks to bound memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor

BLOCK = 2**22  # distances in memory at once (32 MiB in float64); affects results by rounding only

WIDE = 64  # dimensions from which float32 is used first; with fewer, neighbours are often too close for its precision


class Block(NamedTuple):
    """Some rows of x against all of y: ||x_i - y_j||^2 (r, m), and the squared lengths from y's mean, (r, 1) and (m,).

    The error of a squared distance is less than `rounding(d, dtype)` times the sum of its two lengths.
    """

    rows: slice
    squares: Tensor
    x: Tensor
    y: Tensor


def product_dtype(d: int) -> torch.dtype:
    """The dtype in which inner products of d dimensions are computed first: float32 unless its precision is reduced."""
    whole = torch.get_float32_matmul_precision() == "highest"
    return torch.float32 if d >= WIDE and whole else torch.float64


def gram(x: Tensor) -> Tensor:
    """x x' (n, n). On the CPU by NumPy, which computes only half of the symmetric matrix."""
    return torch.from_numpy(x.numpy() @ x.numpy().T) if x.device.type == "cpu" else x @ x.T


def rounding(d: int, dtype: torch.dtype) -> float:
    """Twice a bound on the rounding error of a product of two vectors (d,) and of the sums it enters."""
    return 2 * (d + 8) * torch.finfo(dtype).eps


def blocks(
    x: Tensor, y: Tensor, device: str = "cpu", dtype: torch.dtype = torch.float64, most: int | None = None
) -> Iterator[Block]:
    """Blocks of rows of the matrix of squared distances between rows x (n, d) and y (m, d), in order, on the device.

    Both sides are centred at the mean of y to limit cancellation. `most`: distances in a block of several rows; None:
    `BLOCK`.
    """
    wide = torch.promote_types(torch.promote_types(x.dtype, y.dtype), dtype)
    origin = y.to(device).mean(0).to(wide)
    columns, across = _centred(y, origin, dtype)
    size = max(1, (most or BLOCK) // max(columns.shape))
    for first in range(0, len(x), size):
        rows, along = _centred(x[first : first + size], origin, dtype)
        products = torch.addmm(across, rows, columns.T, alpha=-2).add_(along[:, None]).clamp_(min=0)
        yield Block(slice(first, first + len(rows)), products, along[:, None], across)


def features_memory(sizes: Iterable[int], d: int) -> int:
    """The bytes of features in float32."""
    return 4 * sum(sizes) * d


def distances_memory(sizes: Iterable[int], d: int) -> int:
    """Bytes that `blocks` of any two sets of these sizes take: one side in float64 and in float32, and some blocks."""
    return 12 * max(sizes) * d + 8 * 4 * BLOCK


def square_distances(x: Tensor, y: Tensor, device: str = "cpu") -> Iterator[Tensor]:
    """||x_i - y_j||^2 of rows x (n, d) and y (m, d) in float64: blocks of rows, in order, on the device."""
    return (block.squares for block in blocks(x, y, device))


def _centred(x: Tensor, origin: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """x - origin (n, d), computed in the wider dtype, and its squared lengths (n,)."""
    centred = x.to(origin, copy=True).sub_(origin).to(dtype)
    lengths: Tensor = torch.linalg.vector_norm(centred, dim=1)  # without a temporary n x d array
    return centred, lengths.square_()


def closest_pairs(distances: Iterable[Block], k: int) -> Tensor:
    """The k smallest squared distances, in order, between two rows of x (n, d), from the blocks of x against itself.

    There are fewer if there are fewer pairs.
    """
    best, worst = torch.empty(0, dtype=torch.float64), float("inf")
    for pairs in map(_pairs, distances):
        best = torch.cat([best, pairs[pairs <= worst].cpu()]).sort().values[:k]
        worst = best[-1].item() if len(best) == k else worst
    return best


def close_pairs(distances: Iterable[Block], square: float) -> int:
    """The number of pairs of rows with at most that squared distance, up to rounding of the products."""
    return sum(int((_pairs(block) <= square + 1e-13 * block.y.max()).sum()) for block in distances)


def _pairs(block: Block) -> Tensor:
    """The squared distances of rows i < j, each pair once."""
    columns = torch.arange(len(block.y), device=block.y.device)
    return block.squares[columns > columns[block.rows, None]]
