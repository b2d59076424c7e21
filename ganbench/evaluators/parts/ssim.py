"""Multi-scale structural similarity of many pairs of images, in float64."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # from the finest scale to the coarsest
WINDOW, SIGMA = 11, 1.5
C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
TILE = 64  # positions of the window along a side that one matrix product covers
PIXELS = 2**21  # of pairs in memory at once (16 MiB); doesn't affect results


class Scale(NamedTuple):
    """Images at one scale, their local means and variances, and the windows along height and width."""

    x: Tensor  # (n, c, h, w)
    mean: Tensor  # (n, c, h', w')
    variance: Tensor
    rows: Tensor  # (h', h)
    columns: Tensor  # (w', w)


def scales_of(height: int, width: int) -> int:
    """The number of scales, up to five; each halves the image, and the window must fit into the last."""
    side, count = min(height, width), 1
    while count < len(WEIGHTS) and -(-side // 2) >= WINDOW:
        side, count = -(-side // 2), count + 1
    return count


def pyramid(images: Tensor) -> list[Scale]:
    """The scales of images (n, c, h, w) in 0..255. With an odd side, the last row or column is averaged alone."""
    x, scales = images.double(), []
    count = scales_of(*images.shape[2:])
    for i in range(count):
        rows, columns = (_windows(side, min(WINDOW, *x.shape[2:]), x.device) for side in x.shape[2:])
        mean = _filtered(x, rows, columns)
        scales.append(Scale(x, mean, _filtered(x.square(), rows, columns) - mean.square(), rows, columns))
        if i < count - 1:
            x = functional.avg_pool2d(x, 2, ceil_mode=True, count_include_pad=False)
    return scales


def ms_ssim(scales: list[Scale], i: Tensor, j: Tensor) -> Tensor:
    """The similarity, 0 to 1, of the pairs of images i and j (p,): a mean over channels.

    Negative correlations count as 0, and the weights of the available scales are normalised to sum to 1.
    """
    size = max(1, PIXELS // scales[0].x[0].numel())
    parts = [_of_pairs(scales, *pair) for pair in zip(torch.split(i, size), torch.split(j, size), strict=True)]
    return torch.cat(parts)


def _of_pairs(scales: list[Scale], i: Tensor, j: Tensor) -> Tensor:
    total = sum(WEIGHTS[: len(scales)])
    similarity: Tensor | float = 1.0
    for level, scale in enumerate(scales):
        product = scale.mean[i].mul_(scale.mean[j])
        covariance = _filtered(scale.x[i].mul_(scale.x[j]), scale.rows, scale.columns).sub_(product)
        structure = covariance.mul_(2).add_(C2).div_(scale.variance[i].add_(scale.variance[j]).add_(C2))
        if level == len(scales) - 1:  # luminance enters at the coarsest scale only
            structure = structure * (2 * product + C1) / (scale.mean[i].square() + scale.mean[j].square() + C1)
        similarity = similarity * structure.mean((2, 3)).clamp(0, 1) ** (WEIGHTS[level] / total)
    assert isinstance(similarity, Tensor)
    return similarity.mean(1)


def _filtered(x: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """rows @ x @ columns' for x (..., h, w), of windows that are 0 outside a band, without the zeros."""
    bands = [(rows[at, near], near) for at, near in _bands(rows)]
    y = torch.cat([band @ x[..., near, :] for band, near in bands], -2)
    bands = [(columns[at, near], near) for at, near in _bands(columns)]
    return torch.cat([y[..., near] @ band.T for band, near in bands], -1)


def _bands(windows: Tensor) -> list[tuple[slice, slice]]:
    """Slices of at most `TILE` positions of a window, each with the slice of the pixels under it."""
    positions, side = windows.shape
    starts = range(0, positions, TILE)
    return [(slice(s, min(s + TILE, positions)), slice(s, min(s + TILE, positions) + side - positions)) for s in starts]


def _windows(side: int, size: int, device: torch.device) -> Tensor:
    """(side - size + 1, side): a normalised Gaussian at each position; its width is proportional to `size`."""
    away = torch.arange(size, dtype=torch.float64) - (size - 1) / 2
    weights = (-away.square() / (2 * (SIGMA * size / WINDOW) ** 2)).exp()
    windows = torch.zeros(side - size + 1, side, dtype=torch.float64)
    for start in range(side - size + 1):
        windows[start, start : start + size] = weights / weights.sum()
    return windows.to(device)
