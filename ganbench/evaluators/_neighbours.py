"""Balls around samples that reach to their k-th nearest neighbour, and which samples lie in them, a block at a time.

Squared distances are float64 with a proven bound on their rounding; a pair closer to a ball's border than the bound
lies on the border. So repeated samples count as the definition has it, whatever the block, the order or the device.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ganbench.evaluators._distances import square_distances
from ganbench.evaluators.base import FeatureName, View

ROWS = 4096  # converted to float64 at once


class Neighbours(NamedTuple):
    """Squared distances (n,), float64, and the neighbours' numbers (n,)."""

    squares: Tensor
    numbers: Tensor


class Balls(NamedTuple):
    """Centres (m, d) and squared radii (m,), float64."""

    centres: Tensor
    squares: Tensor


class Overlap(NamedTuple):
    """`points` (n,): in how many balls each point lies; `balls` (m,): how many points lie in each ball."""

    points: Tensor
    balls: Tensor


def nearest(x: Tensor, among: Tensor, k: int = 1, device: str = "cpu") -> Neighbours:
    """Of each row x (n, d) the k-th nearest row of `among` (m >= k, d), 0 apart where they are equal."""
    blocks = [block.topk(k, largest=False).indices[:, -1].cpu() for block in square_distances(x, among, device)]
    index = torch.cat(blocks)
    pairs = zip(torch.split(x, ROWS), torch.split(index, ROWS), strict=True)
    return Neighbours(torch.cat([(rows.double() - among[at].double()).square().sum(1) for rows, at in pairs]), index)


def balls(x: Tensor, k: int, device: str = "cpu") -> Balls:
    """A ball around each row of x (n > k, d) to its k-th nearest neighbour in x, itself not counted."""
    return Balls(x, nearest(x, x, k + 1, device).squares)


def around(view: View, name: FeatureName, k: int) -> Balls:
    """The balls of a set's features; those of real samples are worked out once for all."""
    x = view.features(name)
    return Balls(x, view.derived(name, f"radii-{k}", lambda: {"squares": balls(x, k, view.device).squares})["squares"])


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
    return torch.cat([(rows.double() - origin).square().sum(1) for rows in torch.split(x, ROWS)])
