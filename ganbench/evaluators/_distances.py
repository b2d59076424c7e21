"""Distances between many samples, a block of them in memory at a time, in float64."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

BLOCK = 2**22  # distances in memory at once (32 MiB); changes no number beyond rounding


def square_distances(x: Tensor, y: Tensor, device: str = "cpu") -> Iterator[Tensor]:
    """||x_i - y_j||^2 of rows x (n, d) and y (m, d): blocks of rows of the n x m matrix, in order, on the device.

    By matrix products around the mean of y, so that little cancels: the error is a few 1e-16 of the squared lengths
    from there.
    """
    columns = y.to(device).double()
    origin = columns.mean(0)
    columns = columns - origin
    lengths = columns.square().sum(1)
    for block in torch.split(x, max(1, BLOCK // max(columns.shape))):
        rows = block.to(device).double() - origin
        products = torch.addmm(lengths, rows, columns.T, alpha=-2)
        yield products.add_(rows.square().sum(1, keepdim=True)).clamp_(min=0)


def closest_pairs(x: Tensor, k: int, device: str = "cpu") -> Tensor:
    """The k smallest squared distances (fewer where there are fewer pairs) between two rows of x (n, d), rising."""
    best, worst = torch.empty(0, dtype=torch.float64), float("inf")
    for pairs in _pairs(x, device):
        best = torch.cat([best, pairs[pairs <= worst].cpu()]).sort().values[:k]
        worst = best[-1].item() if len(best) == k else worst
    return best


def close_pairs(x: Tensor, square: float, device: str = "cpu") -> int:
    """How many pairs of rows of x (n, d) have at most that squared distance, up to rounding of the products."""
    slack = 1e-13 * x.double().sub(x.double().mean(0)).square().sum(1).max().item()
    return sum(int((pairs <= square + slack).sum()) for pairs in _pairs(x, device))


def _pairs(x: Tensor, device: str) -> Iterator[Tensor]:
    """The squared distances of rows i < j, each pair once, in blocks."""
    first, columns = 0, torch.arange(len(x), device=device)
    for block in square_distances(x, x, device):
        rows = torch.arange(first, first + len(block), device=device)
        first += len(block)
        yield block[columns > rows[:, None]]
