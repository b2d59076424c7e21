"""Nearest neighbours, balls that reach to the k-th of them, and which samples lie in which balls; never n x n at once.

Float32 products decide nearly every pair; those that lie closer together than their rounding can tell are decided in
float64. A pair closer to a ball's border than the rounding of float64 lies on the border. So the numbers are those of
float64, and repeated samples count as the definition has it, whatever the block, the order or the device.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from ganbench.evaluators.base import FeatureName, View
from ganbench.evaluators.parts.distances import Block, blocks, product_dtype, rounding

SHARED = 8  # radii to so many neighbours are worked out together: one pass serves every k that is in use
SPARE = 2  # candidates beyond those asked for
RARE = 32  # a block in which one pair of so many is undecided is done again in float64
CHUNK = 2**18  # numbers of each side at once where pairs are decided one by one


class Neighbours(NamedTuple):
    """Squared distances (n, k), float64, rising, and the neighbours' numbers (n, k)."""

    squares: Tensor
    numbers: Tensor


class Balls(NamedTuple):
    """Centres (m, d) and squared radii (m,), float64."""

    centres: Tensor
    squares: Tensor


def nearest(x: Tensor, among: Tensor, k: int = 1, device: str = "cpu", dtype: torch.dtype | None = None) -> Neighbours:
    """Of each row x (n, d) the k nearest rows of `among` (m >= k, d), 0 apart where they are equal."""
    dtype = dtype or product_dtype(x.shape[1])
    n, few = len(x), min(k + SPARE, len(among))
    found = Neighbours(torch.empty(n, k, dtype=torch.float64), torch.empty(n, k, dtype=torch.int64))
    unsure = torch.zeros(n, dtype=torch.bool)
    for block in blocks(x, among, device, dtype):
        limit, candidates = block.squares.topk(few, largest=False)
        candidates = candidates.cpu()
        exact = _pair_squares(x[block.rows], among, candidates).sort(1)
        found.squares[block.rows] = exact.values[:, :k]
        found.numbers[block.rows] = candidates.gather(1, exact.indices)[:, :k]
        if dtype == torch.float32 and few < len(among):
            # nothing beyond the candidates is nearer than the last of them, rounding apart
            slack = rounding(x.shape[1], dtype) * (block.x[:, 0] + block.y.max())
            unsure[block.rows] = (exact.values[:, k - 1] > (limit[:, -1] - slack).cpu()) | (not _tells(block))
    if unsure.any():
        found.squares[unsure], found.numbers[unsure] = nearest(x[unsure], among, k, device, torch.float64)
    return found


def around(view: View, name: FeatureName, k: int) -> Balls:
    """The balls of a set's features, for any k at once; those of real samples are worked out once for all."""
    x = view.features(name)
    most = min(max(k, SHARED), len(x) - 1)
    found = view.derived(name, f"radii-{most}", lambda: {"squares": nearest(x, x, most + 1, view.device).squares})
    return Balls(x, found["squares"][:, k])


class Reach(NamedTuple):
    """Squared radii around each x (n, 1) or around each y (m,), and whether a pair on the border is inside."""

    squares: Tensor
    border: bool


def inside(x: Tensor, y: Tensor, reaches: Sequence[Reach], device: str = "cpu") -> Iterator[list[Tensor]]:
    """For blocks of rows x (n, d), in order: which y (m, d) are within each reach, (rows, m) of bool."""
    for block in blocks(x, y, device, product_dtype(x.shape[1])):
        yield [_inside(block, _of(reach, block), x[block.rows], y, device) for reach in reaches]


def _inside(block: Block, reach: Reach, x: Tensor, y: Tensor, device: str) -> Tensor:
    """Which pairs of a block are inside; x are its own rows and `reach` is theirs."""
    low, high = _borders(block, reach, x.shape[1], block.squares.dtype)
    sure, maybe = block.squares < low, block.squares <= high
    if block.squares.dtype == torch.float64:
        return maybe if reach.border else sure
    undecided = maybe.logical_xor_(sure)
    if not _tells(block) or undecided.count_nonzero() * RARE > undecided.numel():
        return torch.cat([_inside(part, _of(reach, part), x[part.rows], y, device) for part in blocks(x, y, device)])
    i, j = undecided.nonzero(as_tuple=True)
    squares = _pair_squares(x[i.cpu()], y, j.cpu()[:, None])[:, 0].to(device)
    low, high = (border.expand_as(sure)[i, j] for border in _borders(block, reach, x.shape[1], torch.float64))
    sure[i, j] = squares <= high if reach.border else squares < low
    return sure


def _of(reach: Reach, block: Block) -> Reach:
    """The part of a reach that belongs to a block's rows."""
    return reach._replace(squares=reach.squares[block.rows]) if reach.squares.dim() > 1 else reach


def _borders(block: Block, reach: Reach, d: int, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Squared distances below the first are inside and above the second outside, when they were rounded to `dtype`."""
    squares = reach.squares.to(block.squares.device)
    own, other = (block.x, block.y) if squares.dim() > 1 else (block.y, block.x)
    # of a pair's distance, and of the radius, whose neighbour is no longer than centre and radius together
    slack = rounding(d, dtype) * (4 * own.double() + other.max() + 2 * squares)
    return (squares - slack).to(dtype), (squares + slack).to(dtype)


def _tells(block: Block) -> bool:
    """Whether no square of a block overflowed or vanished in float32."""
    return block.squares.dtype == torch.float64 or 1e-25 < (block.x.max() + block.y.max()).item() < 1e25


def _pair_squares(x: Tensor, y: Tensor, numbers: Tensor) -> Tensor:
    """||x_i - y_j||^2 (n, k), float64, of rows x (n, d) and the rows of y that `numbers` (n, k) names for each."""
    size = max(1, CHUNK // (numbers.shape[1] * x.shape[1]))
    pairs = zip(torch.split(x, size), torch.split(numbers, size), strict=True)
    apart = (y[at].double().sub_(rows[:, None]) for rows, at in pairs)
    return torch.cat([torch.linalg.vecdot(part, part) for part in apart])
