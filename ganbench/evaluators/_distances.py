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
