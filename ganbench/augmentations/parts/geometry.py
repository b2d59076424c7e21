"""Affine maps of images, as the maps (n, 3, 3) from the pixels of the result to those of the image.

Positions are homogeneous, (x, y, 1), in pixels from the centre of the image, x to the right and y down.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import grid_sample


def scaled(x: Tensor, y: Tensor) -> Tensor:
    """The map that enlarges the image by factors (n,) along each axis."""
    zero = torch.zeros_like(x)
    return _map((1 / x, zero, zero), (zero, 1 / y, zero))


def rotated(angle: Tensor) -> Tensor:
    """The map that turns the image by angles (n,), in radians, clockwise as one sees it."""
    zero, cosine, sine = torch.zeros_like(angle), angle.cos(), angle.sin()
    return _map((cosine, sine, zero), (-sine, cosine, zero))


def moved(x: Tensor, y: Tensor) -> Tensor:
    """The map that moves the image by (n,) pixels to the right and down."""
    zero, one = torch.zeros_like(x), torch.ones_like(x)
    return _map((one, zero, -x), (zero, one, -y))


def resampled(x: Tensor, places: Tensor) -> Tensor:
    """Images (n, c, h, w), read bilinearly at the places (n, 3, 3) of the pixels of the result.

    Beyond its border an image is mirrored, without a second copy of the border itself. An image whose map is the
    identity stays as it is, bit for bit.
    """
    (height, width), n = x.shape[2:], len(x)
    down = torch.arange(height, device=x.device, dtype=x.dtype) - (height - 1) / 2
    right = torch.arange(width, device=x.device, dtype=x.dtype) - (width - 1) / 2
    row, column = torch.meshgrid(down, right, indexing="ij")
    pixels = torch.stack([column, row, torch.ones_like(row)], -1).reshape(-1, 3)
    across, along = (pixels @ places[:, :2].mT).reshape(n, height, width, 2).unbind(-1)
    grid = torch.stack([2 * across / max(width - 1, 1), 2 * along / max(height - 1, 1)], -1)
    warped = grid_sample(x, grid, mode="bilinear", padding_mode="reflection", align_corners=True)
    same = (places == torch.eye(3, device=x.device, dtype=x.dtype)).flatten(1).all(1)
    return torch.where(same[:, None, None, None], x, warped)


def _map(first: tuple[Tensor, ...], second: tuple[Tensor, ...]) -> Tensor:
    """(n, 3, 3) of its first two rows, whose entries are (n,)."""
    zero, one = torch.zeros_like(first[0]), torch.ones_like(first[0])
    return torch.stack([torch.stack(row, -1) for row in (first, second, (zero, zero, one))], -2)
