"""Nearest neighbours, balls that reach to the k-th neighbour, and which samples lie in which balls; in blocks.

Float32 products decide nearly every pair. Pairs that float32 rounding leaves undecided are computed in float64, and a
pair whose distance from a ball's border is within float64 rounding lies on the border. The results are therefore those
of float64, and repeated samples count as the definitions say, for any block size, order or device.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from ganbench.evaluators.base import FeatureName, View
from ganbench.evaluators.parts.distances import Block, blocks, product_dtype, rounding
from ganbench.evaluators.parts.products import are_wide, blocks_across, blocks_within

SHARED = 8  # radii up to this k are computed in one pass, which serves every k in use
SPARE = 2  # candidates beyond the k nearest
RARE = 32  # a block is computed again in float64 if more than one in this many pairs is undecided
CHUNK = 2**18  # numbers of each side in memory when pairs are decided one by one


class Neighbours(NamedTuple):
    """Squared distances (n, k), float64, in rising order, and the neighbours' indices (n, k)."""

    squares: Tensor
    indices: Tensor


class Balls(NamedTuple):
    """Centres (m, d) and squared radii (m,), float64."""

    centres: Tensor
    squares: Tensor


def nearest(x: Tensor, among: Tensor, k: int = 1, device: str = "cpu") -> Neighbours:
    """The k nearest rows of `among` (m >= k, d) for each row x (n, d); equal rows have distance 0."""
    result, unsure = _nearest(x, among, k, blocks(x, among, device, product_dtype(x.shape[1])))
    if unsure.any():
        rows = x[unsure]
        (result.squares[unsure], result.indices[unsure]), _ = _nearest(rows, among, k, blocks(rows, among, device))
    return result


def nearest_of(view: View, among: View, name: FeatureName, k: int = 1) -> Neighbours:
    """The k nearest samples of another set, or of the same one, where each sample is its own nearest."""
    x, y = view.features(name), among.features(name)
    if not are_wide(len(x) + len(y), x.shape[1]):
        return nearest(x, y, k, view.device)
    distances = blocks_within(view, name) if view is among else blocks_across(view, among, name)
    return _nearest(x, y, k, distances)[0]


def _nearest(x: Tensor, among: Tensor, k: int, distances: Iterable[Block]) -> tuple[Neighbours, Tensor]:
    """The nearest rows by the distances of x and `among`, and for which rows (n,) float32 leaves them undecided."""
    n, few = len(x), min(k + SPARE, len(among))
    result = Neighbours(torch.empty(n, k, dtype=torch.float64), torch.empty(n, k, dtype=torch.int64))
    unsure = torch.zeros(n, dtype=torch.bool)
    for block in distances:
        limit, candidates = block.squares.topk(few, largest=False)
        candidates = candidates.cpu()
        exact = _pair_squares(x[block.rows], among, candidates).sort(1)
        result.squares[block.rows] = exact.values[:, :k]
        result.indices[block.rows] = candidates.gather(1, exact.indices)[:, :k]
        if limit.dtype == torch.float32 and few < len(among):
            # no other row is nearer than the last candidate, up to rounding
            slack = rounding(x.shape[1], limit.dtype) * (block.x[:, 0] + block.y.max())
            unsure[block.rows] = (exact.values[:, k - 1] > (limit[:, -1] - slack).cpu()) | (not _in_range(block))
    return result, unsure


def balls_around(view: View, name: FeatureName, k: int) -> Balls:
    """The balls around a set's features that reach to the k-th neighbour; those of real samples are kept on disk."""
    x = view.features(name)
    most = min(max(k, SHARED), len(x) - 1)
    radii = view.derived(name, f"radii-{most}", lambda: {"squares": nearest_of(view, view, name, most + 1).squares})
    return Balls(x, radii["squares"][:, k])


class Reach(NamedTuple):
    """Squared radii around each x (n, 1) or each y (m,), and whether a pair on the border counts as inside."""

    squares: Tensor
    border: bool


def inside(x: Tensor, y: Tensor, reaches: Sequence[Reach], device: str = "cpu") -> Iterator[list[Tensor]]:
    """For blocks of rows x (n, d), in order: which y (m, d) lie within each reach, as bool (rows, m)."""
    for block in blocks(x, y, device, product_dtype(x.shape[1])):
        yield [_inside(block, _of(reach, block), x[block.rows], y, device) for reach in reaches]


def inside_of(fake: View, reals: View, name: FeatureName, reaches: Sequence[Reach]) -> Iterator[list[Tensor]]:
    """`inside` of the samples of two sets."""
    x, y = fake.features(name), reals.features(name)
    if not are_wide(len(x) + len(y), x.shape[1]):
        yield from inside(x, y, reaches, fake.device)
        return
    for block in blocks_across(fake, reals, name):
        yield [_inside(block, _of(reach, block), x[block.rows], y, fake.device) for reach in reaches]


def _inside(block: Block, reach: Reach, x: Tensor, y: Tensor, device: str) -> Tensor:
    """Which pairs of a block are inside; x and `reach` are those of the block's rows."""
    low, high = _borders(block, reach, x.shape[1], block.squares.dtype)
    sure, maybe = block.squares < low, block.squares <= high
    if block.squares.dtype == torch.float64:
        return maybe if reach.border else sure
    undecided = maybe.logical_xor_(sure)
    if not _in_range(block) or undecided.count_nonzero() * RARE > undecided.numel():
        return torch.cat([_inside(part, _of(reach, part), x[part.rows], y, device) for part in blocks(x, y, device)])
    i, j = undecided.nonzero(as_tuple=True)
    squares = _pair_squares(x[i.cpu()], y, j.cpu()[:, None])[:, 0].to(device)
    low, high = (border.expand_as(sure)[i, j] for border in _borders(block, reach, x.shape[1], torch.float64))
    sure[i, j] = squares <= high if reach.border else squares < low
    return sure


def _of(reach: Reach, block: Block) -> Reach:
    """The reach of a block's rows."""
    return reach._replace(squares=reach.squares[block.rows]) if reach.squares.dim() > 1 else reach


def _borders(block: Block, reach: Reach, d: int, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Two squared distances, rounded to `dtype`: a pair is inside below the first, outside above the second."""
    squares = reach.squares.to(block.squares.device)
    own, other = (block.x, block.y) if squares.dim() > 1 else (block.y, block.x)
    # bounds the rounding of the pair's distance and of the radius; a neighbour's length <= centre's length + radius
    slack = rounding(d, dtype) * (4 * own.double() + other.max() + 2 * squares)
    return (squares - slack).to(dtype), (squares + slack).to(dtype)


def _in_range(block: Block) -> bool:
    """Whether no square of a block overflowed or vanished in float32."""
    return block.squares.dtype == torch.float64 or 1e-25 < (block.x.max() + block.y.max()).item() < 1e25


def _pair_squares(x: Tensor, y: Tensor, indices: Tensor) -> Tensor:
    """||x_i - y_j||^2 (n, k), float64, of each row x (n, d) with the rows of y at its `indices` (n, k)."""
    size = max(1, CHUNK // (indices.shape[1] * x.shape[1]))
    squares = torch.empty(indices.shape, dtype=torch.float64)  # small results between large arrays fragment the memory
    for rows, at, into in zip(*(torch.split(part, size) for part in (x, indices, squares)), strict=True):
        apart = y[at].double().sub_(rows[:, None])
        into.copy_(torch.linalg.vecdot(apart, apart))
    return squares
