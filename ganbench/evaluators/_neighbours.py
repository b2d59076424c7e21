"""Balls around samples that reach to their k-th nearest neighbour, and which samples lie in them, a block at a time.

Squared distances are float64 with a proven bound on their rounding; a pair closer to a ball's border than the bound
lies on the border. So repeated samples count as the definition has it, whatever the block, the order or the device.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ganbench.evaluators._distances import square_distances


class Balls(NamedTuple):
    """Centres (m, d) and squared radii (m,), float64."""

    centres: Tensor
    squares: Tensor


class Overlap(NamedTuple):
    """`points` (n,): in how many balls each point lies; `balls` (m,): how many points lie in each ball."""

    points: Tensor
    balls: Tensor


def nearest(x: Tensor, among: Tensor, k: int = 1, device: str = "cpu") -> Tensor:
    """Squared distances (n,), float64, from rows x (n, d) to their k-th nearest row of `among` (m >= k, d)."""
    found = [block.topk(k, largest=False).values[:, -1].cpu() for block in square_distances(x, among, device)]
    return torch.cat(found)


def balls(x: Tensor, k: int, device: str = "cpu") -> Balls:
    """A ball around each row of x (n > k, d) to its k-th nearest neighbour in x, itself not counted."""
    return Balls(x, nearest(x, x, k + 1, device))


def overlap(points: Tensor, within: Balls, border: bool, device: str = "cpu") -> Overlap:
    """Which points (n, d) lie in which balls; those on the border count where `border` is true."""
    origin = within.centres.double().mean(0)
    lengths, own = (_square_lengths(part, origin) for part in (points, within.centres))
    # of a pair's distance, and of the radius, whose neighbour is no longer than centre and radius together
    rounding = 2 if border else -2
    unit = rounding * (points.shape[1] + 8) * torch.finfo(torch.float64).eps
    reach = (within.squares + unit * (4 * own + 2 * within.squares)).to(device)
    each, total = [], torch.zeros(len(own), dtype=torch.int64, device=device)
    start = 0
    for block in square_distances(points, within.centres, device):
        slack = unit * lengths[start : start + len(block), None].to(device)
        least = block.sub_(slack)
        inside = least <= reach if border else least < reach
        each.append(inside.sum(1).cpu())
        total += inside.sum(0)
        start += len(block)
    return Overlap(torch.cat(each), total.cpu())


def _square_lengths(x: Tensor, origin: Tensor) -> Tensor:
    """||x_i - origin||^2 (n,), a block of rows at a time."""
    return torch.cat([(rows.double() - origin).square().sum(1) for rows in torch.split(x, 4096)])
