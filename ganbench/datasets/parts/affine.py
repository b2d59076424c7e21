"""Images that are rotated and pasted at a random place of a larger canvas."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

from ganbench.datasets.base import Split

DEGREES = 20  # the largest angle, in both directions
CHUNK = 1000  # images rotated at a time: in float64 a pixel takes 8 bytes and its coordinates 16


def on_canvas(side: int, split: Split, n: int, generator: torch.Generator) -> Split:
    """n images (1, side, side): images (1, h, h) of the split, rotated by -20, -19 ... 20 degrees and pasted.

    Their distances from the top and left of the canvas are 0, 1 ... side - h - 1; as in MemoryGAN's code, not side - h.
    """
    index = torch.randint(len(split), (n,), generator=generator)
    degrees = torch.randint(-DEGREES, DEGREES + 1, (n,), generator=generator)
    corner = torch.randint(side - split.x.shape[-1], (n, 2), generator=generator)
    x = split.x.new_zeros(n, 1, side, side)
    for start in range(0, n, CHUNK):
        part = slice(start, start + CHUNK)
        paste(turned(split.x[index[part]], degrees[part]), x[part], corner[part])
    return Split(x, None if split.y is None else split.y[index])


def turned(x: Tensor, degrees: Tensor) -> Tensor:
    """uint8 images (n, 1, h, h), rotated counterclockwise about their centres; bicubic, with 0 outside the image."""
    angle = torch.deg2rad(degrees.double())  # in float64 the result rounds to the same level on every processor
    cos, sin, none = angle.cos(), angle.sin(), torch.zeros_like(angle)
    grid = affine_grid(torch.stack([cos, -sin, none, sin, cos, none], dim=1).view(-1, 2, 3), list(x.shape), False)
    return grid_sample(x.double(), grid, mode="bicubic", align_corners=False).round().clamp(0, 255).to(torch.uint8)


def paste(x: Tensor, canvas: Tensor, corner: Tensor) -> None:
    """Write images (n, 1, h, w) into canvases (n, 1, H, W); `corner` (n, 2) holds the row and column to begin at."""
    n, _, height, width = x.shape
    rows = corner[:, 0].view(n, 1, 1) + torch.arange(height).view(1, -1, 1)
    columns = corner[:, 1].view(n, 1, 1) + torch.arange(width).view(1, 1, -1)
    canvas[torch.arange(n).view(n, 1, 1), 0, rows, columns] = x[:, 0]
